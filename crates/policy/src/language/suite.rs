//! The tests that stand in a policy file.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

use super::diagnostic::{Report, Severity, Span};
use super::document::{CallForm, ExpectBlock, RuleBlock, TestBlock};
use super::draft::Draft;
use super::file::Place;
use super::read::{At, brief};
use super::value::NameOr;
use crate::call::{Call, OneOrMore};
use crate::decide::By;
use crate::policy::Policy;
use crate::trace::Trace;

/// What became of one test of a policy.
///
/// ```
/// use ringfence_policy::{Draft, File};
///
/// let text = "defaults.region = \"CH\"\n[[rule]]\nid = \"all\"\nthen = \"ring\"\n\
///             [[test]]\ncall = { caller = \"+41791112233\" }\nexpect = { rule = \"all\", then = \"busy\" }\n";
/// let (draft, _) = Draft::read(File::new("policy.toml", text), &mut |_, _| Err("none".to_owned()), &[]);
/// let test = &draft.run_tests()[0];
/// assert!(!test.passed);
/// assert_eq!((test.expected.as_str(), test.got.as_str()), ("all → busy", "all → ring"));
/// assert_eq!(test.place.as_ref().map(|place| place.line), Some(5));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TestResult {
    /// Which of the policy's tests it is, counted from 1.
    pub number: usize,
    /// Where it stands.
    pub place: Option<Place>,
    /// Who calls, as the test says it.
    pub caller: String,
    /// Whether the policy did what was expected.
    pub passed: bool,
    /// What was expected, in short.
    pub expected: String,
    /// What came, in short.
    pub got: String,
    /// The whole way to the decision, of a test that failed.
    pub trace: Option<Trace>,
}

impl Draft {
    /// Runs the tests of the policy. No source is read: the inline entries of the lists count, and
    /// what a test says itself. A rule that is rolled out to a part of the lines counts for all,
    /// a test that does not say when is on a Tuesday in June at noon, and one that does not say on
    /// which line comes on that of the first account, or in a policy without accounts on its first.
    ///
    /// Of a policy with errors no test is run.
    #[must_use]
    pub fn run_tests(&self) -> Vec<TestResult> {
        let Some(policy) = &self.test_policy() else { return Vec::new() };
        let noon = date(2026, 6, 2).at(12, 0, 0, 0).to_zoned(self.zone().clone());
        let noon = noon.map_or(Timestamp::UNIX_EPOCH, |noon| noon.timestamp());
        let lines = Lines::of(self);
        let tests = (1..).zip(&self.blocks.tests);
        tests.filter_map(|(number, test)| self.run_test(policy, &lines, noon, number, test)).collect()
    }

    fn run_test(
        &self,
        policy: &Policy,
        lines: &Lines<'_>,
        now: Timestamp,
        number: usize,
        test: &At<TestBlock>,
    ) -> Option<TestResult> {
        let expect = &test.expect.as_ref()?.value;
        let call = &lines.call_on_its_own(&test.call.get()?.value.0, policy);
        let got = call.decide(policy, now, |decision, _| Outcome {
            rule: decision.rule_id().to_owned(),
            then: decision.wanted().unwrap_or(decision.treatment()).name().to_owned(),
            shadow: decision.shadow().map(|rule| rule.id().to_owned()).collect(),
        });
        let passed = got.meets(expect);
        Some(TestResult {
            number,
            place: test.span.place(&self.files),
            caller: call.caller.clone(),
            passed,
            expected: expected(expect),
            got: got.told(expect),
            trace: (!passed).then(|| call.trace(policy, now)),
        })
    }

    /// Finds what is wrong with tests before they are run.
    pub(super) fn check_tests(&mut self) {
        let tests = std::mem::take(&mut self.blocks.tests);
        let zone = self.zone().clone();
        let known = Known::new(self);
        for test in &tests {
            if let Some(call) = test.call.get() {
                check_call(call, &zone, &known, &mut self.report);
            }
            check_expect(test, &known, &mut self.report);
        }
        let small: HashSet<String> = known.lines.iter().flatten().map(|line| line.to_lowercase()).collect();
        for call in tests.iter().filter_map(|test| test.call.get()) {
            let Some(line) = &call.value.0.line else { continue };
            if let Some(renamed) = self.blocks.renamed(line) {
                renamed.report(line, call.span, Severity::Error, &mut self.report);
            } else if let Some(known) = &known.lines
                && !small.contains(&line.to_lowercase())
            {
                expect_name("line", line, known, call.span, &mut self.report);
            }
        }
        self.blocks.tests = tests;
    }
}

/// The lines of a program, as far as its accounts are known.
struct Lines<'d> {
    /// That of the first account.
    first: Option<&'d str>,
    /// The addresses-of-record of their accounts, by their names in small letters.
    addresses: HashMap<String, &'d str>,
}

impl<'d> Lines<'d> {
    fn of(draft: &'d Draft) -> Self {
        let lines = draft.blocks.lines_of_accounts();
        let first = lines.first().map(|(line, _)| *line);
        Self {
            first,
            addresses: lines.into_iter().map(|(line, address)| (line.to_lowercase(), address)).collect(),
        }
    }

    /// Returns a call with the line that it comes on and the groups of that line, as a program that runs has them.
    fn call_on_its_own(&self, call: &Call, policy: &Policy) -> Call {
        let Some(line) = call.line.as_deref().or(self.first) else { return call.clone() };
        let address = self.addresses.get(&line.to_lowercase()).copied().unwrap_or_default();
        let groups = || OneOrMore::More(policy.groups_of(line, address));
        let group = call.group.clone().unwrap_or_else(groups);
        Call { line: Some(line.to_owned()), group: Some(group), ..call.clone() }
    }
}

/// The names that a test may use.
struct Known {
    /// The lines, where the policy names any: an account without a line is one of its own name.
    lines: Option<BTreeSet<String>>,
    lists: BTreeSet<String>,
    switches: BTreeSet<String>,
    groups: BTreeSet<String>,
    rules: BTreeSet<String>,
    /// The rules, and what else decides.
    deciding: BTreeSet<String>,
    /// The treatments, unless rules have treatments without a name.
    treatments: Option<BTreeSet<String>>,
    /// Whether rules could not be read, so that nobody can tell which are not there.
    is_partial: bool,
}

impl Known {
    fn new(draft: &Draft) -> Self {
        let blocks = &draft.blocks;
        let rules: BTreeSet<String> =
            blocks.rules.iter().filter_map(|rule| Some(rule.id.get()?.0.clone())).collect();
        let guards = blocks.guards.names().map(|name| format!("guard.{name}"));
        let no_rules = By::NO_RULES.map(str::to_owned);
        let is_named =
            |rule: &At<RuleBlock>| rule.then.get().is_some_and(|then| matches!(then.value, NameOr::Name(_)));
        let built_in = ["ring", "stand_aside", "busy", "decline", "unavailable"];
        let treatments = || blocks.treatments.names().chain(built_in).map(str::to_owned).collect();
        let of_accounts = blocks.lines_of_accounts();
        let lines = blocks.lines.names().chain(of_accounts.iter().map(|(line, _)| *line));
        Self {
            lines: (!blocks.lines.is_empty()).then(|| lines.map(str::to_owned).collect()),
            is_partial: draft.report.errors() > 0,
            treatments: blocks.rules.iter().all(is_named).then(treatments),
            lists: draft.specs().iter().map(|spec| spec.name().to_owned()).collect(),
            switches: blocks.switches.names().map(str::to_owned).collect(),
            groups: blocks.groups.names().map(str::to_owned).collect(),
            deciding: rules.iter().cloned().chain(guards).chain(no_rules).collect(),
            rules,
        }
    }
}

fn check_call(call: &At<CallForm>, zone: &TimeZone, known: &Known, report: &mut Report) {
    let (call, span) = (&call.value.0, call.span);
    for (key, text) in &call.wrong_times(zone) {
        let message = format!("expected a time for `{key}`, found \"{}\"", brief(text));
        let hint = "for example: at = \"2026-03-01T23:10\", recent = [\"-2m\"], dialed = \"-3d\"";
        report.error(span, message, hint);
    }
    let listed = call.lists.iter().chain(&call.unlisted).chain(&call.unanswered).map(|list| &**list);
    for list in listed.chain(call.scores.keys().map(String::as_str)) {
        expect_name("list", list, &known.lists, span, report);
    }
    for switch in call.switches.iter().chain(&call.switches_off) {
        expect_name("switch", switch, &known.switches, span, report);
    }
    for group in call.group.iter().flat_map(OneOrMore::iter) {
        expect_name("group", group, &known.groups, span, report);
    }
}

fn check_expect(test: &At<TestBlock>, known: &Known, report: &mut Report) {
    let Some(expect) = &test.expect else {
        let message = "expected `expect` in a test, found none: a test that expects nothing proves nothing";
        return report.error(
            test.span,
            message,
            "for example: expect = { rule = \"family\", then = \"ring\" }",
        );
    };
    if expect.rule.is_none() && expect.then.is_none() && expect.shadow.is_none() {
        let message = "expected `rule`, `then` or `shadow`, found none of them";
        report.error(expect.span, message, "for example: expect = { rule = \"family\", then = \"ring\" }");
    }
    if let (Some(then), Some(known)) = (&expect.then, &known.treatments) {
        expect_name("treatment", then, known, then.span, report);
    }
    if known.is_partial {
        return;
    }
    if let Some(rule) = &expect.rule {
        expect_name("rule", rule, &known.deciding, rule.span, report);
    }
    for rule in expect.shadow.iter().flat_map(|shadow| shadow.iter()) {
        expect_name("rule", rule, &known.rules, rule.span, report);
    }
}

fn expect_name(kind: &str, name: &str, known: &BTreeSet<String>, span: Span, report: &mut Report) {
    if !known.contains(name) {
        let known = known.iter().map(String::as_str);
        report.unknown(kind, name, span, known);
    }
}

/// What became of a call.
struct Outcome {
    rule: String,
    then: String,
    shadow: Vec<String>,
}

impl Outcome {
    fn meets(&self, expect: &ExpectBlock) -> bool {
        let same =
            |expected: &Option<At<String>>, got: &str| expected.as_ref().is_none_or(|text| text.value == got);
        let same_shadow = expect.shadow.as_ref().is_none_or(|shadow| {
            shadow.len() == self.shadow.len() && shadow.iter().all(|id| self.shadow.contains(&id.value))
        });
        same(&expect.rule, &self.rule) && same(&expect.then, &self.then) && same_shadow
    }

    fn told(&self, expect: &ExpectBlock) -> String {
        let shadow = expect.shadow.as_ref().map(|_| self.shadow.join(", "));
        told(Some(&self.rule), Some(&self.then), shadow.as_deref())
    }
}

fn expected(expect: &ExpectBlock) -> String {
    let shadow = expect
        .shadow
        .as_ref()
        .map(|shadow| shadow.iter().map(|id| id.value.as_str()).collect::<Vec<_>>().join(", "));
    let text = |at: &Option<At<String>>| at.as_ref().map(|at| at.value.clone());
    told(text(&expect.rule).as_deref(), text(&expect.then).as_deref(), shadow.as_deref())
}

fn told(rule: Option<&str>, then: Option<&str>, shadow: Option<&str>) -> String {
    let mut told = match (rule, then) {
        (Some(rule), Some(then)) => format!("{rule} → {then}"),
        (Some(rule), None) => rule.to_owned(),
        (None, Some(then)) => format!("→ {then}"),
        (None, None) => String::new(),
    };
    if let Some(shadow) = shadow {
        let joint = if told.is_empty() { "" } else { ", " };
        told = format!("{told}{joint}shadow: {}", if shadow.is_empty() { "none" } else { shadow });
    }
    told
}
