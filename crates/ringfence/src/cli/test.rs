//! `ringfence test`

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use ringfence_policy::{Severity, TestResult, Trace};
use serde::Serialize;

use super::failure::hint;
use super::output::{print, print_json};
use super::{Answer, Context, policy_file};
use crate::config::Told;
use crate::page::Page;
use crate::style::{BAD, DIM, GOOD, paint};
use crate::visible::visible;

/// Run the tests that stand in a policy
///
/// Each [[test]] says a call and what is expected of it. No source of a list is read: the inline entries
/// count, and what the call says itself. Exits 1 if a test fails, or a file has errors.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// Policy files; without them the configuration
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Print one JSON object a test
    #[arg(long)]
    json: bool,
}

/// One test, as it is printed as JSON.
#[derive(Serialize)]
struct Row<'a> {
    file: &'a str,
    line: usize,
    number: usize,
    caller: &'a str,
    passed: bool,
    expected: &'a str,
    got: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a Trace>,
}

/// What became of the tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Score {
    passed: usize,
    failed: usize,
    /// Files without a policy to be tested.
    broken: usize,
}

impl Test {
    pub(super) fn run(self, context: &Context) -> Result<Answer> {
        let files = if self.files.is_empty() { vec![context.path()?] } else { self.files.clone() };
        let mut score = Score::default();
        for file in &files {
            self.run_file(file, &mut score)?;
        }
        if !self.json {
            print(score.told())?;
            if score == Score::default() {
                hint("a test says a call and what is expected: [[test]] call = { caller = \"anonymous\" } …");
            }
        }
        Ok(Answer::of(score.failed == 0 && score.broken == 0))
    }

    fn run_file(&self, path: &Path, score: &mut Score) -> Result<()> {
        let (draft, wrong) = policy_file::read(path)?;
        let errors = wrong.iter().filter(|wrong| wrong.severity == Severity::Error);
        let mut has_errors = false;
        for wrong in errors {
            has_errors = true;
            anstream::eprintln!("{}\n", Told(wrong));
        }
        score.broken += usize::from(has_errors);
        for test in draft.run_tests() {
            score.count(&test);
            if self.json {
                print_json(&Row::of(&test))?;
            } else if !test.passed {
                print(failed(&test))?;
            }
        }
        Ok(())
    }
}

impl<'a> Row<'a> {
    fn of(test: &'a TestResult) -> Self {
        Self {
            file: test.place.as_ref().map_or("", |place| &place.file),
            line: test.place.as_ref().map_or(0, |place| place.line),
            number: test.number,
            caller: &test.caller,
            passed: test.passed,
            expected: &test.expected,
            got: &test.got,
            trace: test.trace.as_ref(),
        }
    }
}

impl Score {
    fn count(&mut self, test: &TestResult) {
        if test.passed {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }

    fn told(self) -> String {
        let Self { passed, failed, broken } = self;
        let mut told = Vec::new();
        if passed > 0 {
            told.push(paint(GOOD, format_args!("{passed} passed")));
        }
        if failed > 0 {
            told.push(paint(BAD, format_args!("{failed} failed")));
        }
        if broken > 0 {
            let s = if broken == 1 { "" } else { "s" };
            told.push(paint(BAD, format_args!("{broken} file{s} with errors")));
        }
        if told.is_empty() { "no tests\n".to_owned() } else { format!("{}\n", told.join(", ")) }
    }
}

/// Returns all there is to say of a test that failed.
fn failed(test: &TestResult) -> Page {
    let Row { file, line, caller, expected, got, .. } = Row::of(test);
    let mut page = Page::new();
    page.line(format_args!(
        "{} {}:{line}: a call by {}",
        paint(BAD, "FAILED"),
        visible(file),
        visible(caller)
    ));
    page.line(format_args!("  expected  {}", visible(expected)));
    page.line(format_args!("  got       {}", visible(got)));
    for line in
        test.trace.iter().flat_map(|trace| trace.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
    {
        page.line(paint(DIM, format_args!("    {line}")));
    }
    page.line("");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_tells_what_passed_failed_and_could_not_be_read() {
        let told = |passed, failed, broken| {
            let told = Score { passed, failed, broken }.told();
            anstream::adapter::strip_str(&told).to_string()
        };
        assert_eq!(told(25, 0, 0), "25 passed\n");
        assert_eq!(told(24, 1, 0), "24 passed, 1 failed\n");
        assert_eq!(told(0, 0, 1), "1 file with errors\n");
        assert_eq!(told(0, 0, 0), "no tests\n");
    }
}
