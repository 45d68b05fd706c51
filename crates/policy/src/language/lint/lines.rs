//! Lines that rules and tests name and a program does not have.

use std::collections::HashSet;

use crate::language::diagnostic::{Diagnostic, Report, Span};
use crate::language::document::ConditionBlock;
use crate::language::draft::Draft;
use crate::language::near::nearest;
use crate::language::read::{At, backticked, brief};
use crate::wildcard::Wildcard;

impl Draft {
    /// Looks for names of lines in rules and tests that mean none of those a program has. A policy alone cannot tell.
    ///
    /// ```
    /// use ringfence_policy::{Draft, File};
    ///
    /// let text = "defaults.region = \"DE\"\n\
    ///             [[rule]]\nid = \"night\"\nwhen = { line = \"hmoe\" }\nthen = \"busy\"\n\
    ///             [[rule]]\nid = \"all\"\nthen = \"ring\"\n";
    /// let (draft, _) = Draft::read(File::new("policy.toml", text), &mut |_, _| Err("none".to_owned()), &[]);
    /// let odd = draft.check_lines(&["home"]);
    /// assert_eq!(odd[0].summary(), "policy.toml:4:17: there is no line \"hmoe\": no call comes on it");
    /// assert_eq!(odd[0].hint.as_deref(), Some("did you mean \"home\"?"));
    /// ```
    #[must_use]
    pub fn check_lines(&self, known: &[&str]) -> Vec<Diagnostic> {
        let mut report = Report::default();
        for when in self.blocks.rules.iter().filter_map(|rule| rule.when.as_ref()) {
            of_condition(when, known, &mut report);
        }
        let small: HashSet<String> = known.iter().map(|line| line.to_lowercase()).collect();
        for call in self.blocks.tests.iter().filter_map(|test| test.call.get()) {
            let Some(name) = &call.value.0.line else { continue };
            if !small.contains(&name.to_lowercase()) {
                report_unknown(name, call.span, known, &mut report);
            }
        }
        report.diagnostics(self.files())
    }
}

fn of_condition(block: &At<ConditionBlock>, known: &[&str], report: &mut Report) {
    // The reader of policies bounds how deep they stand inside one another.
    let keys = &block.value.0;
    for name in keys.line.iter().flat_map(|names| names.iter()) {
        let wanted = Wildcard::new(name);
        if known.iter().any(|line| wanted.is_match(line)) {
            continue;
        }
        report_unknown(name, name.span, known, report);
    }
    let composed = [&keys.all, &keys.any].into_iter().flatten().flat_map(|inner| inner.iter());
    for inner in keys.not.iter().chain(composed) {
        of_condition(inner, known, report);
    }
}

fn report_unknown(name: &str, span: Span, known: &[&str], report: &mut Report) {
    let message = if name.contains(['*', '?']) {
        format!("no line has a name like \"{}\": no call comes on one", brief(name))
    } else {
        format!("there is no line \"{}\": no call comes on it", brief(name))
    };
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("known here: {}", backticked(known.iter().copied())),
    };
    report.warning(span, message, hint);
}
