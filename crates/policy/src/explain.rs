//! Why a call was decided as it was: a sentence for people, fields for programs.

use std::fmt::{self, Write};

use jiff::Timestamp;

use crate::caller::{CallerId, CallerKind};
use crate::decide::{By, Decision};
use crate::facts::Facts;
use crate::list::{Entry, Origin};
use crate::policy::{NEVER_BLOCK, Policy};
use crate::printable::dialable_or_quoted;
use crate::reason::reason;
use crate::scene::Scene;
use crate::source::Source;
use crate::treatment::{Treatment, Work};

impl Decision<'_> {
    /// Explains the decision under the policy, and at the instant, that it was made.
    #[must_use]
    pub fn explain(&self, policy: &Policy, facts: &Facts<'_>, now: Timestamp) -> Explanation {
        let shown = self.shown_entry(facts);
        let entry = shown.map(|entry| {
            let origin = entry.origin();
            ExplainedEntry {
                list: entry.list().to_owned(),
                pattern: entry.pattern().to_string(),
                written: entry.to_string(),
                note: entry.note().map(str::to_owned),
                file: origin.file().map(str::to_owned),
                line: origin.line(),
            }
        });
        let mut because = String::new();
        self.write_because(policy, facts, now, &mut because);
        Explanation {
            action: told(self.treatment()),
            rule: self.rule_id().to_owned(),
            caller: facts.caller.to_string(),
            kind: facts.caller.kind(),
            source: facts.source,
            because,
            entry,
        }
    }

    /// Writes the second half of the sentence that [`Decision::explain`] makes, behind what is written already, and
    /// nothing else of the explanation: for who writes down every call.
    pub fn write_because(&self, policy: &Policy, facts: &Facts<'_>, now: Timestamp, out: &mut String) {
        // To write to a string cannot fail.
        let _ = because(self, self.shown_entry(facts), &Scene::new(policy, facts, now), out);
    }

    /// Returns what is done with the call, in the past tense, such as `rejected with 486`.
    #[must_use]
    pub fn action(&self) -> String {
        told(self.treatment())
    }

    /// Returns the entry that matched, unless it would tell a number that is withheld.
    fn shown_entry(&self, facts: &Facts<'_>) -> Option<Entry<'_>> {
        self.entry().filter(|entry| !facts.caller.is_told_by(&entry.pattern()))
    }
}

/// Why a call was decided as it was.
///
/// Its `Display` form is one sentence; the fields are for programs.
///
/// ```
/// use std::sync::Arc;
/// use jiff::Timestamp;
/// use ringfence_policy::{Caller, Facts, List, Policy, Region, decide};
///
/// let us = Region::parse("US")?;
/// let [allow, reject] = ["allow", "reject"].map(|name| Arc::new(List::empty(name)));
/// let policy = Policy::of_lists(us, allow, reject)?;
/// let facts = Facts::new(&Caller::from_header("5550177", "pbx.example"), "home", us);
/// let now = Timestamp::UNIX_EPOCH;
/// let explanation = decide(&policy, &facts, now).explain(&policy, &facts, now);
/// assert_eq!(explanation.kind.as_str(), "ambiguous");
/// assert_eq!(
///     explanation.to_string(),
///     "let ring: 5550177 lacks its area code, so that no list can name it"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What is done, such as `rejected with 486`.
    pub action: String,
    /// The id of the rule that matched, or what else decided.
    pub rule: String,
    /// Who is calling, without a number that is withheld.
    pub caller: String,
    /// Which kind of caller that is.
    pub kind: CallerKind,
    /// Where the caller was read.
    pub source: Source,
    /// The entry that matched; none where it would tell a number that is withheld.
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
/// use jiff::Timestamp;
/// use ringfence_policy::{Caller, Facts, List, Policy, Region, decide};
///
/// let switzerland = Region::parse("CH")?;
/// let (spam, _) = List::parse_text("reject", "spam.txt", "079*", switzerland);
/// let policy = Policy::of_lists(switzerland, Arc::new(List::empty("allow")), Arc::new(spam))?;
/// let facts = Facts::new(&Caller::from_header("+41791234567", "pbx.example"), "home", switzerland);
/// let now = Timestamp::UNIX_EPOCH;
/// let entry = decide(&policy, &facts, now).explain(&policy, &facts, now).entry.expect("it is listed");
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
    /// The line in the file, or which of the inline entries it is, counted from 1; 0 for a number in a compiled list.
    pub line: u32,
}

impl fmt::Display for ExplainedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("entry ")?;
        f.write_str(&self.written)?;
        write_place(f, Origin::at(self.file.as_deref(), self.line), self.note.as_deref())
    }
}

/// Writes where an entry was written, and what beside it.
fn write_place(out: &mut impl Write, origin: Origin<'_>, note: Option<&str>) -> fmt::Result {
    write!(out, ", {origin}")?;
    note.iter().try_for_each(|note| write!(out, ", {note}"))
}

/// Tells what a treatment does to a call, in the past tense.
fn told(treatment: &Treatment) -> String {
    match treatment.work() {
        Work::Reject(rejection) => format!("rejected with {}", rejection.code()),
        Work::Ring(_) => "let ring".to_owned(),
        Work::Forward(_) => "redirected".to_owned(),
        Work::StandAside => "stood aside".to_owned(),
        Work::Hold(_) => "held".to_owned(),
        Work::Drop(_) => "ignored".to_owned(),
        Work::Answer(_) => "answered".to_owned(),
        Work::Challenge(_) => "challenged".to_owned(),
    }
}

fn because<'p>(
    decision: &Decision<'p>,
    entry: Option<Entry<'_>>,
    scene: &Scene<'p, '_>,
    out: &mut String,
) -> fmt::Result {
    let facts = scene.facts;
    let caller = facts.caller;
    let rule = match decision.by() {
        By::Emergency => {
            caller.write_in_words(out)?;
            return out.write_str(" is an emergency number");
        }
        By::EmergencyCallback if facts.psap_callback => {
            return out.write_str("an emergency centre calls back");
        }
        By::EmergencyCallback => {
            return out.write_str("an emergency number was dialled, and its centre may call back");
        }
        By::Error => return out.write_str("it could not be decided"),
        By::NeverBlock => return listed(decision, NEVER_BLOCK, entry, scene, out),
        By::Rule(rule) => rule,
    };
    if rule.is_unconditional() {
        no_other_rule(caller, facts.raw, out)?;
    } else if let Some(list) = decision.list() {
        listed(decision, list, entry, scene, out)?;
    } else {
        let (_, why) = reason(scene, rule.when());
        let why = if why.is_empty() { "it matches every call" } else { &why };
        write!(out, "rule {}: {why}", rule.id())?;
    }
    match (decision.prevented(), decision.wanted()) {
        (Some(prevented), _) => write!(out, "; the policy is in shadow mode, else it would {prevented}"),
        (None, Some(_)) => {
            out.write_str("; the policy is in shadow mode, and would let it ring without that too")
        }
        (None, None) => Ok(()),
    }
}

fn listed(
    decision: &Decision<'_>,
    list: &str,
    entry: Option<Entry<'_>>,
    scene: &Scene<'_, '_>,
    out: &mut String,
) -> fmt::Result {
    let caller = scene.facts.caller;
    caller.write_in_words(out)?;
    out.extend([" is on the ", list, " list"]);
    match (entry, decision.entry()) {
        (Some(entry), _) => {
            out.push_str(" (entry ");
            match entry.written() {
                "" => write!(out, "{entry}")?,
                written => out.push_str(written),
            }
            write_place(out, entry.origin(), entry.note())?;
            out.push(')');
        }
        // It would tell a number that is withheld.
        (None, Some(_)) => {}
        (None, None) => {
            if let Some(addition) = scene.facts.history.addition(list, &caller, scene.now) {
                write!(out, " ({})", addition.told(scene.policy.zone()))?;
            }
        }
    }
    Ok(())
}

fn no_other_rule(caller: CallerId<'_>, raw: &str, out: &mut String) -> fmt::Result {
    match caller {
        CallerId::Ambiguous(ambiguous) => write!(out, "{ambiguous}, so that no list can name it"),
        CallerId::Implausible(_, fault) => write!(out, "{caller} meets no other rule; {fault}"),
        CallerId::Invalid(invalid) => {
            write!(out, "{} meets no other rule; {invalid}", dialable_or_quoted(raw))
        }
        CallerId::Number(_)
        | CallerId::Name(_)
        | CallerId::WithheldName(_)
        | CallerId::Anonymous { .. }
        | CallerId::Unavailable => {
            caller.write_in_words(out)?;
            out.write_str(" meets no other rule")
        }
    }
}
