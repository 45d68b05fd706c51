//! What is odd about a policy, though it works.

mod apart;
mod counted;
mod emergencies;
mod entries;
mod excludes;
mod implies;
mod impossible;
mod kinds;
mod positions;
mod reach;
mod trust;

use std::fmt;

use crate::language::Severity;
use crate::list::{Entry, List, Origin};
use crate::policy::Policy;
use crate::position::Line;
use crate::rule::Rule;

/// Looks for what its owner probably did not mean.
///
/// ```
/// use std::sync::Arc;
/// use ringfence_policy::{List, Policy, Region, check};
///
/// let switzerland = Region::parse("CH")?;
/// let (allow, _) = List::parse_text("allow", "friends.txt", "+4179*", switzerland);
/// let (reject, _) = List::parse_text("reject", "spam.txt", "079 123 45 67", switzerland);
/// let policy = Policy::of_lists(switzerland, Arc::new(allow), Arc::new(reject))?;
/// assert_eq!(
///     check(&policy)[0].to_string(),
///     "spam.txt:1: 079 123 45 67 is never refused: +4179* allows it (friends.txt:1)"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn check(policy: &Policy) -> Vec<Finding> {
    check_with(policy, &[])
}

/// Does so where there are lines that the policy says nothing of.
pub(crate) fn check_with(policy: &Policy, others: &[Line]) -> Vec<Finding> {
    let mut findings = Vec::new();
    positions::check(policy, others, &mut findings);
    reach::check(policy, &mut findings);
    trust::check(policy, &mut findings);
    counted::check(policy, &mut findings);
    emergencies::check(policy, &mut findings);
    entries::check(policy, &mut findings);
    findings
}

/// Adds findings of one kind, and counts those beyond the first few.
fn add(findings: &mut Vec<Finding>, mut found: impl Iterator<Item = Finding>, more: &str) {
    let before = findings.len();
    findings.extend(found.by_ref().take(MOST_OF_A_KIND));
    let Some(last) = findings.get(before + MOST_OF_A_KIND - 1) else { return };
    let severity = last.severity;
    let rest = found.count();
    if rest > 0 {
        let message = format!("{rest} {more}");
        let about = About::Policy;
        findings.push(Finding { severity, about, file: None, line: 0, message, hint: None });
    }
}

/// Who has a thousand repeated entries is helped by the first of them and the count.
const MOST_OF_A_KIND: usize = 20;

/// Something odd about a policy, and where.
///
/// ```
/// use std::sync::Arc;
/// use ringfence_policy::{List, Policy, Region, Severity, check};
///
/// let switzerland = Region::parse("CH")?;
/// let (reject, _) = List::parse_text("reject", "spam.txt", "+4179*\n079*", switzerland);
/// let policy = Policy::of_lists(switzerland, Arc::new(List::empty("allow")), Arc::new(reject))?;
/// let finding = &check(&policy)[0];
/// assert_eq!((finding.file(), finding.line(), finding.severity()), (Some("spam.txt"), 2, Severity::Note));
/// assert_eq!(finding.message(), "079* repeats +4179* (spam.txt:1)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    severity: Severity,
    about: About,
    file: Option<String>,
    line: u32,
    message: String,
    hint: Option<&'static str>,
}

/// What a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum About {
    Policy,
    Entry { list: String },
    Rule { id: String },
}

impl Finding {
    fn of_rule(rule: &Rule, severity: Severity, message: String) -> Self {
        let (file, line) = &rule.place;
        Self {
            severity,
            about: About::Rule { id: rule.id().to_owned() },
            file: (!file.is_empty()).then(|| file.to_string()),
            line: *line,
            message,
            hint: None,
        }
    }

    fn at(entry: Entry<'_>, severity: Severity, message: String) -> Self {
        let origin: Origin<'_> = entry.origin();
        let about = About::Entry { list: entry.list().to_owned() };
        let (file, line) = (origin.file().map(str::to_owned), origin.line());
        Self { severity, about, file, line, message, hint: None }
    }

    fn of_list(list: &List, severity: Severity, message: String) -> Self {
        let about = About::Entry { list: list.name().to_owned() };
        Self { severity, about, file: None, line: 0, message, hint: None }
    }

    fn hinting(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }

    /// Returns the name of the list, when it is about an entry or all of one.
    #[must_use]
    pub fn list(&self) -> Option<&str> {
        match &self.about {
            About::Entry { list } => Some(list),
            About::Rule { .. } | About::Policy => None,
        }
    }

    /// Returns the id of the rule, when it is about one.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        match &self.about {
            About::Rule { id } => Some(id),
            About::Entry { .. } | About::Policy => None,
        }
    }

    /// Returns how much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns the file; `None` when it is about an inline entry, or the whole policy.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Returns the line in the file, or which of the inline entries it is, counted from 1; 0 when
    /// it is about the whole policy.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Returns what to write instead.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint
    }

    /// Returns what is odd, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{file}:{}: {}", self.line, self.message),
            None => f.write_str(&self.message),
        }
    }
}
