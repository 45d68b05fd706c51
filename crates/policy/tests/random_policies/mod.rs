//! Random policies and calls, and a second, plain way to decide the one by the other.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use ringfence_policy::{
    Call, Condition, Hours, KindSet, List, Mode, Policy, PolicyParts, Region, Rollout, Rule, Share, Switch,
    Treatment, Verification, Wildcard,
};

/// Who calls, whether that is one of the people, whether it is spam, and of which kind it is.
const CALLERS: [(&str, bool, bool, KindSet); 6] = [
    ("+41 44 123 45 67", true, false, KindSet::NUMBER),
    ("079 123 45 67", false, true, KindSet::NUMBER),
    ("anonymous", false, true, KindSet::ANONYMOUS),
    ("1002", true, false, KindSet::INTERNAL),
    ("unavailable", false, false, KindSet::UNAVAILABLE),
    ("alice", false, false, KindSet::NAME),
];
/// Those who have a number.
const NUMBERED: [usize; 3] = [0, 1, 3];
const LINES: [&str; 2] = ["home", "work"];
const VERIFICATIONS: [Verification; 2] = [Verification::Unchecked, Verification::Failed];

/// A question to a call.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Always,
    IsOneOfThePeople,
    IsSpam,
    IsCaller(usize),
    IsOfKind(usize),
    IsOnLine(usize),
    IsVerified(usize),
    IsRepeated(u32),
    IsSwitchedOn,
    IsNight,
    Not(Box<Ask>),
    All(Vec<Ask>),
    Any(Vec<Ask>),
}

/// A rule, as it is drawn.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    ask: Ask,
    treatment: usize,
    is_over: Option<bool>,
    pub(crate) is_shadow: bool,
    is_rolled_out: Option<bool>,
}

/// A call, as it is drawn.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    caller: usize,
    line: usize,
    verification: usize,
    earlier: u32,
    is_switched_on: bool,
    hour: i64,
}

impl Ask {
    fn is_true(&self, call: &Drawn) -> bool {
        let (_, is_people, is_spam, kind) = CALLERS[call.caller];
        match self {
            Ask::Always => true,
            Ask::IsOneOfThePeople => is_people,
            Ask::IsSpam => is_spam,
            Ask::IsCaller(wanted) => NUMBERED[*wanted] == call.caller,
            Ask::IsOfKind(wanted) => CALLERS[*wanted].3 == kind,
            Ask::IsOnLine(line) => *line == call.line,
            Ask::IsVerified(verification) => *verification == call.verification,
            Ask::IsRepeated(count) => call.earlier + 1 >= *count,
            Ask::IsSwitchedOn => call.is_switched_on,
            Ask::IsNight => call.hour >= 22 || call.hour < 7,
            Ask::Not(inner) => !inner.is_true(call),
            Ask::All(inner) => inner.iter().all(|inner| inner.is_true(call)),
            Ask::Any(inner) => inner.iter().any(|inner| inner.is_true(call)),
        }
    }

    fn condition(&self) -> Condition {
        match self {
            Ask::Always => Condition::Always,
            Ask::IsOneOfThePeople => Condition::CallerIn(vec![0]),
            Ask::IsSpam => Condition::CallerIn(vec![1]),
            Ask::IsCaller(wanted) => {
                let mut list = List::builder("");
                list.inline(CALLERS[NUMBERED[*wanted]].0, Region::parse("CH").unwrap());
                Condition::Caller(Arc::new(list.build().0))
            }
            Ask::IsOfKind(wanted) => Condition::CallerKind(CALLERS[*wanted].3),
            Ask::IsOnLine(line) => Condition::Line(vec![Wildcard::new(LINES[*line])]),
            Ask::IsVerified(verification) => Condition::Verification(vec![VERIFICATIONS[*verification]]),
            Ask::IsRepeated(count) => {
                Condition::Repeat { count: *count, within: SignedDuration::from_mins(10) }
            }
            Ask::IsSwitchedOn => Condition::Switch(vec![0]),
            Ask::IsNight => Condition::Hours(vec![Hours::parse("22:00-07:00").unwrap()]),
            Ask::Not(inner) => Condition::Not(Box::new(inner.condition())),
            Ask::All(inner) => Condition::All(inner.iter().map(Ask::condition).collect()),
            Ask::Any(inner) => Condition::Any(inner.iter().map(Ask::condition).collect()),
        }
    }
}

impl Draft {
    fn decides_all(&self) -> bool {
        let is_always = |ask: &Ask| matches!(ask, Ask::Always | Ask::IsRepeated(0 | 1));
        if let Ask::All(all) = &self.ask { all.iter().all(is_always) } else { is_always(&self.ask) }
    }

    fn is_true(&self, call: &Drawn) -> bool {
        self.is_over != Some(true) && self.is_rolled_out != Some(false) && self.ask.is_true(call)
    }

    fn rule(&self, number: usize) -> Rule {
        let [past, future] = [Timestamp::UNIX_EPOCH, Timestamp::MAX];
        let mut rule = Rule::new(&format!("rule-{number}"), self.ask.condition(), treatment(self.treatment));
        rule.is_shadow = self.is_shadow;
        rule.until = self.is_over.map(|is_over| if is_over { past } else { future });
        rule.rollout =
            self.is_rolled_out.map(|is_in| Rollout { percent: if is_in { 100 } else { 0 }, by: Share::Line });
        rule
    }
}

impl Drawn {
    pub(crate) fn now(&self) -> Timestamp {
        let midnight: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        midnight + SignedDuration::from_hours(self.hour)
    }

    pub(crate) fn is_one_of_the_people(&self) -> bool {
        CALLERS[self.caller].1
    }

    pub(crate) fn call(&self) -> Call {
        Call {
            line: Some(LINES[self.line].to_owned()),
            verification: VERIFICATIONS[self.verification],
            recent: vec!["-1m".to_owned(); self.earlier as usize],
            switches: if self.is_switched_on { vec!["on_call".to_owned()] } else { vec![] },
            ..Call::told(CALLERS[self.caller].0)
        }
    }
}

/// Decides a call the plain way: which rule, what it does, and which rules in shadow mode match before.
pub(crate) fn plainly(rules: &[Draft], call: &Drawn) -> (String, Arc<Treatment>, Vec<String>) {
    let mut shadow = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        if rule.is_true(call) {
            let id = format!("rule-{number}");
            if !rule.is_shadow {
                return (id, treatment(rule.treatment), shadow);
            }
            shadow.push(id);
        }
    }
    ("otherwise".to_owned(), treatment(0), shadow)
}

/// Makes the policy of these rules, after which every call rings.
pub(crate) fn policy(rules: &[Draft], mode: Mode) -> Policy {
    let region = Region::parse("CH").unwrap();
    let list = |name, text| {
        let (list, errors) = List::parse_text(name, name, text, region);
        assert_eq!(errors, []);
        Arc::new(list)
    };
    let mut rules: Vec<Rule> = rules.iter().enumerate().map(|(number, draft)| draft.rule(number)).collect();
    rules.push(Rule::new("otherwise", Condition::Always, treatment(0)));
    Policy::new(PolicyParts {
        lists: vec![list("people", "+41441234567\n1002"), list("spam", "+4179*\nanonymous")],
        switches: vec![Switch { name: "on_call".into(), default: false, auto_off: None }],
        mode,
        rules,
        ..PolicyParts::new(region)
    })
    .unwrap()
}

fn treatment(number: usize) -> Arc<Treatment> {
    Arc::new(Treatment::built_in()[number].clone())
}

fn any_leaf() -> impl Strategy<Value = Ask> {
    prop_oneof![
        Just(Ask::Always),
        Just(Ask::IsOneOfThePeople),
        Just(Ask::IsSpam),
        (0..NUMBERED.len()).prop_map(Ask::IsCaller),
        (0..CALLERS.len()).prop_map(Ask::IsOfKind),
        (0..LINES.len()).prop_map(Ask::IsOnLine),
        (0..VERIFICATIONS.len()).prop_map(Ask::IsVerified),
        (0_u32..5).prop_map(Ask::IsRepeated),
        Just(Ask::IsSwitchedOn),
        Just(Ask::IsNight),
    ]
}

fn any_ask() -> impl Strategy<Value = Ask> {
    any_leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Ask::Not(Box::new(inner))),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Ask::All),
            proptest::collection::vec(inner, 0..4).prop_map(Ask::Any),
        ]
    })
}

/// Draws up to a dozen rules.
pub(crate) fn any_rules() -> impl Strategy<Value = Vec<Draft>> {
    let sometimes = || prop_oneof![3 => Just(None), 1 => any::<bool>().prop_map(Some)];
    let rule = (any_ask(), 0..Treatment::built_in().len(), sometimes(), any::<bool>(), sometimes()).prop_map(
        |(ask, treatment, is_over, is_shadow, is_rolled_out)| Draft {
            ask,
            treatment,
            is_over,
            is_shadow,
            is_rolled_out,
        },
    );
    proptest::collection::vec(rule, 0..12)
}

/// Draws rules that ask the same few things again and again, in earnest and always.
pub(crate) fn any_rules_that_share() -> impl Strategy<Value = Vec<Draft>> {
    let all = proptest::collection::vec(any_leaf(), 1..4).prop_map(Ask::All);
    let rule = (prop_oneof![any_leaf(), all], 0..Treatment::built_in().len());
    let rule = rule.prop_map(|(ask, treatment)| Draft {
        ask,
        treatment,
        is_over: None,
        is_shadow: false,
        is_rolled_out: None,
    });
    proptest::collection::vec(rule.prop_filter("it would decide at once", |rule| !rule.decides_all()), 8..40)
}

/// Draws a call.
pub(crate) fn any_call() -> impl Strategy<Value = Drawn> {
    let indices = (0..CALLERS.len(), 0..LINES.len(), 0..VERIFICATIONS.len());
    (indices, 0_u32..5, any::<bool>(), 0_i64..24).prop_map(
        |((caller, line, verification), earlier, is_switched_on, hour)| Drawn {
            caller,
            line,
            verification,
            earlier,
            is_switched_on,
            hour,
        },
    )
}
