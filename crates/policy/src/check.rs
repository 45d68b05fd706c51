//! What is odd about a policy, though it works.

use std::fmt;

use crate::list::{Entry, List, Origin};
use crate::number::{Number, Prefix};
use crate::pattern::Pattern;
use crate::policy::Policy;
use crate::treatment::Treatment;

/// Looks for what its owner probably did not mean.
///
/// ```
/// use std::sync::Arc;
/// use ringfence_policy::{List, Policy, Region, check};
///
/// let switzerland = Region::parse("CH")?;
/// let (allow, _) = List::parse_text("allow", "friends.txt", "+4179*", switzerland);
/// let (reject, _) = List::parse_text("reject", "spam.txt", "079 123 45 67", switzerland);
/// let policy = Policy::builder(switzerland).allow(Arc::new(allow)).reject(Arc::new(reject)).build()?;
/// assert_eq!(
///     check(&policy)[0].to_string(),
///     "spam.txt:1: 079 123 45 67 is never refused: +4179* allows it (friends.txt:1)"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn check(policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_treatments(policy, &mut findings);
    add(&mut findings, contradictions(policy), "more entries that are never refused");
    add(&mut findings, faults(policy.allow()), "more allowed numbers that no plan has");
    add(&mut findings, faults(policy.reject()), "more rejected numbers that no plan has");
    add(&mut findings, covered_emergencies(policy), "more entries that cover an emergency number");
    add(&mut findings, repetitions(policy.allow()), "more allowed callers that are repeated");
    add(&mut findings, repetitions(policy.reject()), "more rejected callers that are repeated");
    findings
}

fn check_treatments(policy: &Policy, findings: &mut Vec<Finding>) {
    let refuses = |treatment: &Treatment| match treatment {
        Treatment::Reject(_) | Treatment::Ignore => true,
        Treatment::Ring { .. } | Treatment::Redirect { .. } => false,
    };
    let of_policy =
        |severity, message: &str| Finding { severity, file: None, line: 0, message: message.to_owned() };
    if !policy.reject().is_empty() && matches!(policy.listed(), Treatment::Ring { .. }) {
        findings.push(of_policy(Severity::Warning, "callers on the reject list ring: nobody is refused"));
    }
    if policy.allow().is_empty() && refuses(policy.otherwise()) {
        findings.push(of_policy(
            Severity::Warning,
            "the allow list is empty and everyone else is refused: no call gets through",
        ));
    }
    if policy.reject().is_empty() && !refuses(policy.otherwise()) {
        findings.push(of_policy(Severity::Note, "the reject list is empty: nobody is refused"));
    }
}

/// Adds findings of one kind, and counts those beyond the first few.
fn add(findings: &mut Vec<Finding>, mut found: impl Iterator<Item = Finding>, more: &str) {
    let before = findings.len();
    findings.extend(found.by_ref().take(MOST_OF_A_KIND));
    let Some(last) = findings.get(before + MOST_OF_A_KIND - 1) else { return };
    let severity = last.severity;
    let rest = found.count();
    if rest > 0 {
        findings.push(Finding { severity, file: None, line: 0, message: format!("{rest} {more}") });
    }
}

/// Who has a thousand repeated entries is helped by the first of them and the count.
const MOST_OF_A_KIND: usize = 20;

fn contradictions(policy: &Policy) -> impl Iterator<Item = Finding> {
    policy.reject().entries().filter_map(|entry| {
        let allowing = policy.allow().covering(&entry.pattern())?;
        let (written, by, origin) = (entry.written(), allowing.written(), allowing.origin());
        let message = format!("{written} is never refused: {by} allows it ({origin})");
        Some(Finding::at(entry, Severity::Warning, message))
    })
}

fn faults(list: &List) -> impl Iterator<Item = Finding> {
    list.entries().filter_map(|entry| {
        let message = format!("{} is no real number: {}", entry.written(), entry.pattern().fault()?);
        Some(Finding::at(entry, Severity::Warning, message))
    })
}

fn covered_emergencies(policy: &Policy) -> impl Iterator<Item = Finding> {
    let region = policy.region();
    policy.reject().entries().filter_map(move |entry| {
        let Pattern::Prefix(prefix @ Prefix::Internal(_)) = entry.pattern() else { return None };
        let covered = region.emergencies().find(|digits| prefix.begins(Number::Internal(*digits)))?;
        let message =
            format!("{} covers the emergency number {covered}, which is never refused", entry.written());
        Some(Finding::at(entry, Severity::Note, message))
    })
}

fn repetitions(list: &List) -> impl Iterator<Item = Finding> {
    list.repeated().map(|(first, again)| {
        let message = format!("{} repeats {} ({})", again.written(), first.written(), first.origin());
        Finding::at(again, Severity::Note, message)
    })
}

/// Something odd about a policy, and where.
///
/// ```
/// use std::sync::Arc;
/// use ringfence_policy::{List, Policy, Region, Severity, check};
///
/// let switzerland = Region::parse("CH")?;
/// let (reject, _) = List::parse_text("reject", "spam.txt", "+4179*\n079*", switzerland);
/// let policy = Policy::builder(switzerland).reject(Arc::new(reject)).build()?;
/// let finding = &check(&policy)[0];
/// assert_eq!((finding.file(), finding.line(), finding.severity()), (Some("spam.txt"), 2, Severity::Note));
/// assert_eq!(finding.message(), "079* repeats +4179* (spam.txt:1)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    severity: Severity,
    file: Option<String>,
    line: u32,
    message: String,
}

impl Finding {
    fn at(entry: Entry<'_>, severity: Severity, message: String) -> Self {
        let origin: Origin<'_> = entry.origin();
        Self { severity, file: origin.file().map(str::to_owned), line: origin.line(), message }
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

/// How much a finding matters.
///
/// ```
/// use ringfence_policy::Severity;
///
/// assert!(Severity::Note < Severity::Warning);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Probably not what was meant.
    Warning,
}

impl Severity {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
        }
    }
}
