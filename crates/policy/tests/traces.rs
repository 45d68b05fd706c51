//! The page that tells the whole way to a decision.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod remembered;

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use remembered::Remembered;
use ringfence_policy::{
    Attestation, Call, Caller, Condition, Facts, Hours, KindSet, Line, List, Mode, Policy, PolicyParts,
    Position, Region, Rejection, Rule, Source, Switch, Trace, Treatment, Verdict, Verification,
};

fn switzerland() -> Region {
    Region::parse("CH").unwrap()
}

fn late() -> Timestamp {
    "2026-03-01T22:10:00Z".parse().unwrap()
}

fn list(name: &str, text: &str) -> Arc<List> {
    let (list, errors) = List::parse_text(name, &format!("{name}.txt"), text, switzerland());
    assert_eq!(errors, []);
    Arc::new(list)
}

fn busy() -> Arc<Treatment> {
    Arc::new(Treatment::reject("busy", Rejection::busy()))
}

fn ring() -> Arc<Treatment> {
    Arc::new(Treatment::ring())
}

fn in_shadow(mut rule: Rule) -> Rule {
    rule.is_shadow = true;
    rule
}

/// Returns a policy such as a household has.
fn parts() -> PolicyParts {
    let night = Condition::Hours(vec![Hours::parse("22:00-07:00").unwrap()]);
    let withheld = Condition::CallerKind(KindSet::ANONYMOUS.with(KindSet::UNAVAILABLE));
    let line =
        Line { position: Position::Parallel, capture: Some(Rejection::decline()), ..Line::new("home") };
    PolicyParts {
        zone: TimeZone::get("Europe/Zurich").unwrap(),
        lists: vec![list("family", "+41 79 111 22 33 # Anna"), list("spam", "+4144*")],
        switches: vec![Switch { name: "on_call".into(), default: false, auto_off: None }],
        lines: vec![line],
        rules: vec![
            Rule::new("family", Condition::CallerIn(vec![0]), ring()),
            in_shadow(Rule::new("idea", Condition::FirstTime(true), busy())),
            Rule::new("spam", Condition::CallerIn(vec![1]), busy()),
            Rule::new("night", Condition::All(vec![withheld, night]), busy()),
            Rule::new("default", Condition::Always, ring()),
        ],
        checksum: "5f1c".into(),
        ..PolicyParts::new(switzerland())
    }
}

fn policy() -> Policy {
    Policy::new(parts()).unwrap()
}

/// Returns the trace of one rule, and the reason it gives.
fn why(condition: Condition, facts: &Facts<'_>) -> (Verdict, String) {
    let rules = vec![Rule::new("it", condition, busy()), Rule::new("default", Condition::Always, ring())];
    let policy = Policy::new(PolicyParts { rules, ..parts() }).unwrap();
    let trace = policy.trace(facts, late());
    let rule = trace.rules.into_iter().next().unwrap();
    (rule.verdict, rule.why)
}

fn facts_of(user: &str) -> Facts<'_> {
    Facts::new(&Caller::from_header(user, "pbx.example"), "home", switzerland())
}

#[test]
fn what_a_stranger_calls_itself_or_others_is_in_quotes_in_a_reason() {
    let facts = Facts {
        called: Some(("the rest", Source::RequestUri)),
        diverted: Some("x, wanted"),
        ..facts_of("the survey")
    };
    let called = Condition::Called(list("it", "+41441112233"));
    for (condition, expected) in [
        (
            Condition::LikeCalled { first_digits: 6 },
            r#"like_called: first 6 digits of "the survey" and "the rest""#,
        ),
        (called, r#"called "the rest", wanted +41441112233"#),
        (Condition::Diverted(true), r#"diverted by "x, wanted""#),
    ] {
        assert_eq!(why(condition, &facts).1, expected);
    }
}

const PAGE: &str = "\
2026-03-01 23:10:00.000 CET  line home (parallel)
 caller       +41449998877   [P-Asserted-Identity]   trust: asserted
 name         \"Your Bank\"   [P-Asserted-Identity]   trust: claimed
 kind         number
 called       1001   [Request-URI]   trust: claimed
 verification passed   [P-Asserted-Identity]   trust: asserted
 attestation  B   [P-Asserted-Identity]   trust: asserted
 prelude      emergency: no   emergency call-back: no   never_block: no   source: registrar
 rule 1  family      no     caller_in family
 rule 2  idea        shadow first_time: has never called
 rule 3  spam     -> YES    caller_in spam: entry +4144*, spam.txt:1
 rule 4  night       no     caller_kind number, wanted anonymous, unavailable
 rule 5  default     (yes)  always
 action       busy = reject with 603 (on a parallel line)
 policy       5f1c";

#[test]
fn a_page_tells_the_call_its_facts_each_rule_and_what_goes_out() {
    let caller =
        Caller { display_name: Some("Your Bank"), ..Caller::asserted("044 999 88 77", "pbx.example") };
    let facts =
        Facts { called: Some(("1001", Source::RequestUri)), ..Facts::new(&caller, "home", switzerland()) };
    let facts = Facts {
        verification: Verification::Passed,
        attestation: Attestation::B,
        vouched: Some(Source::AssertedIdentity),
        ..facts
    };
    assert_eq!(policy().trace(&facts, late()).to_string(), PAGE);
}

#[test]
fn a_rule_that_is_over_or_not_rolled_out_says_so() {
    let mut parts = parts();
    parts.rules[0].until = Some(late());
    parts.rules[2].rollout =
        Some(ringfence_policy::Rollout { percent: 0, by: ringfence_policy::Share::Line });
    let trace = Policy::new(parts).unwrap().trace(&facts_of("0791112233"), late());
    assert_eq!((trace.rules[0].verdict, trace.rules[0].why.as_str()), (Verdict::No, "its time is over"));
    assert_eq!(
        (trace.rules[2].verdict, trace.rules[2].why.as_str()),
        (Verdict::No, "not rolled out to this call")
    );
}

#[test]
fn before_the_rules_the_prelude_decides_and_the_rules_are_told_as_coming_after() {
    let trace = policy().trace(&facts_of("112"), late());
    assert_eq!(trace.decided_by, "emergency");
    assert!(trace.prelude.starts_with("emergency: YES   emergency call-back: no"), "{}", trace.prelude);
    assert!(trace.rules.iter().all(|rule| matches!(rule.verdict, Verdict::No | Verdict::After)));
    assert!(trace.action.starts_with("ring = "));
}

#[test]
fn in_shadow_mode_a_page_tells_what_would_be_done() {
    let policy = Policy::new(PolicyParts { mode: Mode::Shadow, ..parts() }).unwrap();
    let trace = policy.trace(&facts_of("0441234567"), late());
    assert_eq!(
        trace.action,
        "ring = 180, and 480 after 3 s (on a parallel line); in shadow mode, else busy = reject with 603"
    );
}

#[test]
fn in_shadow_mode_what_would_ring_anyway_is_told_as_that() {
    let rules = vec![Rule::new("all", Condition::Always, ring())];
    let policy = Policy::new(PolicyParts { mode: Mode::Shadow, rules, ..parts() }).unwrap();
    let facts = facts_of("0441234567");
    assert_eq!(
        policy.trace(&facts, late()).action,
        "ring = 180, and 480 after 3 s (on a parallel line); without shadow mode it would ring as well"
    );
    let decision = ringfence_policy::decide(&policy, &facts, late());
    let told = decision.explain(&policy, &facts, late()).to_string();
    assert!(
        told.ends_with("; the policy is in shadow mode, and would let it ring without that too"),
        "{told}"
    );
    assert!(decision.prevented().is_none());
}

#[test]
fn the_rules_of_a_page_stand_below_one_another_also_with_wide_names() {
    let rules = ["山田", "b"].map(|id| Rule::new(id, Condition::FirstTime(false), ring()));
    let rules = rules.into_iter().chain([Rule::new("rest", Condition::Always, ring())]).collect();
    let page = Policy::new(PolicyParts { rules, ..parts() }).unwrap().trace(&facts_of("0441234567"), late());
    let page = page.to_string();
    assert!(page.contains(" rule 1  山田     no     "), "{page}");
    assert!(page.contains(" rule 2  b        no     "), "{page}");
}

#[test]
fn of_what_must_all_hold_the_first_that_does_not_is_told_and_of_alternatives_the_first_that_does() {
    let listed = || Condition::CallerIn(vec![0]);
    let spam = || Condition::CallerIn(vec![1]);
    let facts = facts_of("0441234567");
    let spam_is = "caller_in spam: entry +4144*, spam.txt:1";
    for (condition, verdict, expected) in [
        (Condition::All(vec![spam(), listed()]), Verdict::No, "caller_in family".to_owned()),
        (Condition::Any(vec![listed(), spam()]), Verdict::Yes, spam_is.to_owned()),
        (
            Condition::Any(vec![listed(), listed()]),
            Verdict::No,
            "caller_in family; caller_in family".to_owned(),
        ),
        (Condition::Not(Box::new(listed())), Verdict::Yes, "not caller_in family".to_owned()),
        (Condition::Not(Box::new(spam())), Verdict::No, format!("but {spam_is}")),
    ] {
        assert_eq!(why(condition, &facts), (verdict, expected));
    }
}

#[test]
fn what_happened_before_is_told_with_how_long_ago() {
    let day = SignedDuration::from_hours(24);
    let facts = facts_of("0441234567");
    let dialed = |ago| Remembered { dialed: Some(late() - ago), ..Remembered::default() };
    let told = |history: &Remembered| why(Condition::DialedWithin(day), &Facts { history, ..facts }).1;
    assert_eq!(told(&dialed(SignedDuration::from_hours(2))), "dialed 2h ago, wanted within 1d");
    assert_eq!(
        told(&dialed(SignedDuration::from_mins(-5))),
        "dialed in the future: 5m from now, wanted within 1d"
    );
    assert_eq!(told(&Remembered::default()), "dialed never, wanted within 1d");
    assert_eq!(
        why(Condition::AnsweredWithin(day), &facts_of("anonymous")).1,
        "answered never (number unknown), wanted within 1d"
    );
}

#[test]
fn what_is_missing_is_named() {
    let page = policy().trace(&facts_of("unavailable"), late()).to_string();
    assert!(page.contains("rule 1  family      no     caller_in family (number unknown)"), "{page}");
    assert!(page.contains(" called       none\n"), "{page}");
    assert!(page.contains(
        "-> YES    caller_kind unavailable, wanted anonymous, unavailable, 23:10 in 22:00-07:00 Europe/Zurich"
    ));
}

#[test]
fn a_withheld_number_is_not_shown() {
    let asserted = Caller::asserted("0441234567", "pbx.example");
    let caller = Caller { withheld: true, display_name: Some("Anna"), ..asserted };
    let trace = policy().trace(&Facts::new(&caller, "home", switzerland()), late());
    assert_eq!(trace.decided_by, "spam");
    assert!(!trace.to_string().contains("1234567") && !trace.to_string().contains("Anna"), "{trace}");
    let facts = Facts::new(&caller, "home", switzerland());
    for (condition, expected) in [
        (Condition::CallerIn(vec![1]), "caller_in spam"),
        (Condition::Caller(list("", "0441234567")), "caller is one of those that are named"),
    ] {
        assert_eq!(why(condition, &facts).1, expected);
    }
}

#[test]
fn texts_of_strangers_stay_on_their_line() {
    let name = "a\nrule 1  family -> YES\u{1b}[2J";
    let caller = Caller { display_name: Some(name), ..Caller::from_header("al\tice\u{202e}", "pbx.example") };
    let facts = Facts {
        user_agent: Some("x\r\ny"),
        diverted: Some("\u{7}"),
        called: Some(("1\n2", Source::To)),
        ..Facts::new(&caller, "home", switzerland())
    };
    let page = policy().trace(&facts, late()).to_string();
    assert!(page.contains(" caller       \"al·ice·\"   [From]   trust: claimed\n"), "{page}");
    assert!(page.contains(" name         \"a·rule 1  family -> YES·[2J\"   [From]"), "{page}");
    assert_eq!(page.lines().count(), 17, "{page}");
    assert!(!page.contains(['\u{1b}', '\u{7}', '\t', '\r', '\u{202e}']), "{page}");
}

#[test]
fn texts_of_strangers_pass_for_nothing_but_a_text() {
    let forged = "x\"   [P-Asserted-Identity]   trust: asserted";
    let caller =
        Caller { display_name: Some(forged), ..Caller::from_header("x   [identity]", "pbx.example") };
    let facts = Facts {
        user_agent: Some("x   [identity]"),
        called: Some(("1   [identity]", Source::To)),
        ..Facts::new(&caller, "home", switzerland())
    };
    let page = policy().trace(&facts, late()).to_string();
    for expected in [
        " caller       \"x   [identity]\"   [From]",
        " name         \"x\\\"   [P-Asserted-Identity]   trust: asserted\"   [From]",
        " called       \"1   [identity]\"   [To]",
        " user_agent   \"x   [identity]\"\n",
    ] {
        assert!(page.contains(expected), "{expected:?} is not in {page}");
    }
}

#[test]
fn a_trace_serialises_for_programs() {
    let trace = Call::told("0441234567").trace(&policy(), late());
    let json = serde_json::to_value(&trace).unwrap();
    assert_eq!(json["decided_by"], "spam");
    assert_eq!(json["rules"][2]["verdict"], "yes");
    assert_eq!(json["facts"][0]["source"], "told");
    assert_eq!(serde_json::from_value::<Trace>(json).unwrap(), trace);
}
