//! What is odd about a policy, though it works.

use std::fmt;

use crate::condition::Condition;
use crate::language::Severity;
use crate::list::{Entry, List, Origin};
use crate::number::{Number, Prefix, Region};
use crate::pattern::Pattern;
use crate::policy::Policy;
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
    let mut findings = Vec::new();
    for (allow, reject) in contradicting(policy) {
        add(&mut findings, contradictions(allow, reject), "more entries that are never refused");
    }
    for list in policy.lists() {
        add(&mut findings, faults(list), "more numbers that no plan has");
    }
    for list in refusing(policy) {
        add(
            &mut findings,
            covered_emergencies(policy.region(), list),
            "more entries that cover an emergency number",
        );
    }
    for list in policy.lists() {
        add(&mut findings, repetitions(list), "more entries that are repeated");
    }
    findings
}

/// Returns the lists whose callers a rule refuses, for that alone.
fn refusing(policy: &Policy) -> Vec<&List> {
    let rules = policy.rules().iter().filter(|rule| rule.then().is_refusal() && !rule.is_shadow);
    lists_of(policy, rules.map(Rule::when))
}

/// Returns each list whose callers a rule lets through before another rule refuses those of a second list.
fn contradicting(policy: &Policy) -> Vec<(&List, &List)> {
    let mut pairs: Vec<(&List, &List)> = Vec::new();
    for (place, rule) in policy.rules().iter().enumerate().filter(|(_, rule)| rule.then().is_refusal()) {
        let before = policy.rules()[..place].iter().filter(|rule| !rule.then().is_refusal());
        let allowing = lists_of(policy, before.filter(|rule| rule.until.is_none()).map(Rule::when));
        let refused = lists_of(policy, std::iter::once(rule.when()));
        pairs.extend(allowing.iter().flat_map(|allow| refused.iter().map(|reject| (*allow, *reject))));
    }
    pairs
}

fn lists_of<'a>(policy: &'a Policy, conditions: impl Iterator<Item = &'a Condition>) -> Vec<&'a List> {
    let places = conditions.filter_map(|condition| match condition {
        Condition::CallerIn(places) => Some(places),
        _ => None,
    });
    places.flatten().filter_map(|place| policy.lists().get(*place)).map(|list| &**list).collect()
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

fn contradictions(allow: &List, reject: &List) -> impl Iterator<Item = Finding> {
    reject.entries().filter_map(|entry| {
        let allowing = allow.covering(&entry.pattern())?;
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

fn covered_emergencies(region: Region, list: &List) -> impl Iterator<Item = Finding> {
    list.entries().filter_map(move |entry| {
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
/// let policy = Policy::of_lists(switzerland, Arc::new(List::empty("allow")), Arc::new(reject))?;
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
