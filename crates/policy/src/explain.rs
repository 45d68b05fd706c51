//! Why a call was decided as it was: a sentence for people, fields for programs.

use std::fmt;

use crate::decide::{Decision, Rule};
use crate::facts::{CallerId, CallerKind, Facts, Source};
use crate::printable::printable;
use crate::treatment::Treatment;

impl Decision<'_> {
    /// Explains the decision.
    #[must_use]
    pub fn explain(&self, facts: &Facts<'_>) -> Explanation {
        let entry = self.entry().map(|entry| {
            let origin = entry.origin();
            ExplainedEntry {
                list: entry.list().to_owned(),
                pattern: entry.pattern().to_string(),
                written: entry.written().to_owned(),
                note: entry.note().map(str::to_owned),
                file: origin.file().map(str::to_owned),
                line: origin.line(),
            }
        });
        Explanation {
            action: Action::of(self.treatment()),
            rule: self.rule(),
            caller: facts.caller.to_string(),
            kind: facts.caller.kind(),
            source: facts.source,
            because: because(self.rule(), entry.as_ref(), facts),
            entry,
        }
    }
}

/// Why a call was decided as it was.
///
/// Its `Display` form is one sentence; the fields are for programs.
///
/// ```
/// use ringfence_policy::{Caller, Facts, Policy, Region, decide};
///
/// let us = Region::parse("US")?;
/// let policy = Policy::builder(us).build()?;
/// let facts = Facts::new(&Caller::from_header("5550177", "pbx.example"), "home", us);
/// let now = "2026-03-01T12:00:00Z".parse()?;
/// let explanation = decide(&policy, &facts, now).explain(&facts);
/// assert_eq!(explanation.kind.as_str(), "ambiguous");
/// assert_eq!(
///     explanation.to_string(),
///     "let ring: 5550177 lacks its area code, so that no list can name it"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What is done.
    pub action: Action,
    /// The rule that matched.
    pub rule: Rule,
    /// Who is calling, without a number that is withheld.
    pub caller: String,
    /// Which kind of caller that is.
    pub kind: CallerKind,
    /// Where the caller was read.
    pub source: Source,
    /// The entry that matched.
    pub entry: Option<ExplainedEntry>,
    /// The second half of the sentence.
    pub because: String,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.action, self.because)
    }
}

/// An entry of a list, as an explanation names it.
///
/// ```
/// use std::sync::Arc;
/// use ringfence_policy::{Caller, Facts, List, Policy, Region, decide};
///
/// let switzerland = Region::parse("CH")?;
/// let (spam, _) = List::parse_text("reject", "spam.txt", "079*", switzerland);
/// let policy = Policy::builder(switzerland).reject(Arc::new(spam)).build()?;
/// let facts = Facts::new(&Caller::from_header("+41791234567", "pbx.example"), "home", switzerland);
/// let now = "2026-03-01T12:00:00Z".parse()?;
/// let entry = decide(&policy, &facts, now).explain(&facts).entry.expect("it is listed");
/// assert_eq!((entry.pattern.as_str(), entry.written.as_str()), ("+4179*", "079*"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedEntry {
    /// The name of the list.
    pub list: String,
    /// The pattern in the form in which it is compared.
    pub pattern: String,
    /// The pattern as it was written.
    pub written: String,
    /// What was written beside it.
    pub note: Option<String>,
    /// The file; `None` for an entry written inline.
    pub file: Option<String>,
    /// The line in the file, or which of the inline entries it is, counted from 1.
    pub line: u32,
}

impl fmt::Display for ExplainedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {}", self.written)?;
        match &self.file {
            Some(file) => write!(f, ", {file}:{}", self.line)?,
            None => f.write_str(", inline")?,
        }
        self.note.iter().try_for_each(|note| write!(f, ", {note}"))
    }
}

/// What is done with a call, in a word.
///
/// ```
/// use ringfence_policy::{Action, Rejection, Treatment};
///
/// let action = Action::of(&Treatment::Reject(Rejection::busy()));
/// assert_eq!(action.to_string(), "rejected with 486");
/// assert_eq!(action.as_str(), "reject");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// It is refused with this code.
    Reject(u16),
    /// It rings.
    Ring,
    /// The caller is sent elsewhere.
    Redirect,
    /// It is not answered.
    Ignore,
}

impl Action {
    /// Returns what a treatment does.
    #[must_use]
    pub fn of(treatment: &Treatment) -> Self {
        match treatment {
            Treatment::Reject(rejection) => Action::Reject(rejection.code()),
            Treatment::Ring { .. } => Action::Ring,
            Treatment::Redirect { .. } => Action::Redirect,
            Treatment::Ignore => Action::Ignore,
        }
    }

    /// Returns the verb.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Reject(_) => "reject",
            Action::Ring => "ring",
            Action::Redirect => "redirect",
            Action::Ignore => "ignore",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Reject(code) => write!(f, "rejected with {code}"),
            Action::Ring => f.write_str("let ring"),
            Action::Redirect => f.write_str("redirected"),
            Action::Ignore => f.write_str("ignored"),
        }
    }
}

fn because(rule: Rule, entry: Option<&ExplainedEntry>, facts: &Facts<'_>) -> String {
    let caller = facts.caller;
    match (rule, entry) {
        (Rule::Emergency, _) if facts.psap_callback => "an emergency centre calls back".to_owned(),
        (Rule::Emergency, _) => format!("{caller} is an emergency number"),
        (Rule::Allowed | Rule::Listed | Rule::Otherwise, Some(entry)) => {
            format!("{caller} is on the {} list ({entry})", entry.list)
        }
        (Rule::Allowed | Rule::Listed | Rule::Otherwise, None) => match caller {
            CallerId::Ambiguous(ambiguous) => format!("{ambiguous}, so that no list can name it"),
            CallerId::Implausible(_, fault) => format!("{caller} is on no list; {fault}"),
            CallerId::Invalid(invalid) => format!("{} is on no list; {invalid}", printable(facts.raw)),
            CallerId::Number(_) | CallerId::Name(_) | CallerId::Anonymous { .. } | CallerId::Unavailable => {
                format!("{caller} is on no list")
            }
        },
    }
}
