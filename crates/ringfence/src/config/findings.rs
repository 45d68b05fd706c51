//! What is odd about a configuration without errors: the policy's findings, each at its place.

use ringfence_policy::{Entry, Finding, Severity, check};

use super::diagnostic::{Diagnostic, Report};
use super::lists::{Lists, Which};
use super::{Config, Loaded};

/// Adds what the policy finds odd to a report.
pub(crate) fn add(config: &Config, report: &mut Report) {
    for finding in check(&config.policy) {
        let mut diagnostic = match finding.severity() {
            Severity::Warning => Diagnostic::warning(finding.message()),
            Severity::Note => Diagnostic::note(finding.message()),
        };
        diagnostic.place = entry_of(&config.lists, &finding).map(|(list, entry)| list.shown_place(entry));
        report.push(diagnostic);
    }
    report.sort();
}

/// Finds the entry that a finding is about: its message begins with it.
fn entry_of<'a>(lists: &'a Lists, finding: &Finding) -> Option<(&'a Loaded, Entry<'a>)> {
    let is_meant = |entry: &Entry<'_>| {
        let origin = entry.origin();
        (origin.file(), origin.line()) == (finding.file(), finding.line())
            && finding.message().starts_with(entry.written())
    };
    Which::BOTH.into_iter().map(|which| lists.of(which)).find_map(|list| {
        let repeated = list.list.repeated().map(|(_, again)| again);
        list.list.entries().chain(repeated).find(is_meant).map(|entry| (list, entry))
    })
}
