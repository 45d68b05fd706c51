//! What each matcher means, how conditions compose, and what comes before and around the rules.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod remembered;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use remembered::Remembered;
use ringfence_policy::{
    AddTo, Answer, Arrival, Attestation, By, Call, Caller, Condition, Decision, Facts, KindSet, List, Mode,
    Per, Policy, PolicyParts, Record, Region, Rejection, Rollout, Rule, Share, Source, Switch, Text,
    Treatment, Verification, Wildcard, decide,
};

const PEOPLE: usize = 0;
const SPAM: usize = 1;
const ON_CALL: usize = 0;
const AWAKE: usize = 1;

fn switzerland() -> Region {
    Region::parse("CH").unwrap()
}

fn noon() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn list(name: &str, text: &str) -> Arc<List> {
    let (list, errors) = List::parse_text(name, name, text, switzerland());
    assert_eq!(errors, []);
    Arc::new(list)
}

fn busy() -> Arc<Treatment> {
    Arc::new(Treatment::reject("busy", Rejection::busy()))
}

/// Returns a policy but for its rules: a list of people, one of spam, and two switches.
fn parts() -> PolicyParts {
    let switch = |name: &str, default| Switch { name: name.into(), default, auto_off: None };
    PolicyParts {
        lists: vec![list("people", "+41 44 123 45 67\nsip:alice"), list("spam", "+4179*\nanonymous")],
        switches: vec![switch("on_call", false), switch("awake", true)],
        ..PolicyParts::new(switzerland())
    }
}

/// Returns the policy of these rules, after which every call rings.
fn policy_of(rules: impl IntoIterator<Item = Rule>, parts: PolicyParts) -> Policy {
    let otherwise = Rule::new("otherwise", Condition::Always, Arc::new(Treatment::ring()));
    Policy::new(PolicyParts { rules: rules.into_iter().chain([otherwise]).collect(), ..parts }).unwrap()
}

fn rule(id: &str, when: Condition) -> Rule {
    Rule::new(id, when, busy())
}

/// Returns a rule of which something is set.
fn but(mut rule: Rule, set: impl FnOnce(&mut Rule)) -> Rule {
    set(&mut rule);
    rule
}

fn holds_at(condition: &Condition, facts: &Facts<'_>, now: Timestamp) -> bool {
    let policy = policy_of([rule("it", condition.clone())], parts());
    decide(&policy, facts, now).rule_id() == "it"
}

fn facts_of(user: &str) -> Facts<'_> {
    Facts::new(&Caller::from_header(user, "pbx.example"), "home", switzerland())
}

#[track_caller]
fn holds(condition: &Condition, facts: &Facts<'_>) {
    assert!(holds_at(condition, facts, noon()), "{condition:?} of {facts:?}");
}

#[track_caller]
fn fails(condition: &Condition, facts: &Facts<'_>) {
    assert!(!holds_at(condition, facts, noon()), "{condition:?} of {facts:?}");
}

#[test]
fn caller_names_a_number_in_any_writing() {
    let condition = Condition::Caller(list("", "079 123 45 67\n+4144*"));
    holds(&condition, &facts_of("+41791234567"));
    holds(&condition, &facts_of("044 999 88 77"));
    fails(&condition, &facts_of("+41791234568"));
    fails(&condition, &facts_of("anonymous"));
}

#[test]
fn caller_in_is_any_of_its_lists() {
    holds(&Condition::CallerIn(vec![PEOPLE, SPAM]), &facts_of("0441234567"));
    holds(&Condition::CallerIn(vec![PEOPLE, SPAM]), &facts_of("0791234567"));
    holds(&Condition::CallerIn(vec![PEOPLE]), &facts_of("alice"));
    fails(&Condition::CallerIn(vec![PEOPLE]), &facts_of("0791234567"));
    fails(&Condition::CallerIn(vec![]), &facts_of("0441234567"));
}

#[test]
fn caller_in_counts_what_was_added_answered_or_said() {
    let condition = Condition::CallerIn(vec![SPAM]);
    let facts = facts_of("0441112233");
    fails(&condition, &facts);
    let added = Remembered { added: vec![("spam".into(), None)], ..Remembered::default() };
    holds(&condition, &Facts { history: &added, ..facts });
    let elsewhere = Remembered { added: vec![("people".into(), None)], ..Remembered::default() };
    fails(&condition, &Facts { history: &elsewhere, ..facts });
    for (is_listed, score) in [(true, 0), (false, 9)] {
        let answers = vec![("spam".into(), Answer { score, is_listed })];
        let asked = Remembered { answers, ..Remembered::default() };
        assert_eq!(holds_at(&condition, &Facts { history: &asked, ..facts }, noon()), is_listed);
    }
    holds(&condition, &Facts { listed: &["spam".into()], ..facts });
}

#[test]
fn what_was_added_for_a_while_falls_off_when_its_time_is_over() {
    let condition = Condition::CallerIn(vec![SPAM]);
    let added = Remembered { added: vec![("spam".into(), Some(noon()))], ..Remembered::default() };
    let facts = Facts { history: &added, ..facts_of("0441112233") };
    assert!(holds_at(&condition, &facts, noon() - minutes(1)));
    assert!(!holds_at(&condition, &facts, noon()));
}

#[test]
fn a_list_that_the_caller_was_added_to_is_told_with_what_added_it_and_until_when() {
    let policy = policy_of([rule("it", Condition::CallerIn(vec![PEOPLE, SPAM]))], parts());
    let told = |added: (&str, Option<Timestamp>), facts: Facts<'_>| {
        let added = Remembered { added: vec![(added.0.to_owned(), added.1)], ..Remembered::default() };
        let facts = Facts { history: &added, ..facts };
        let decision = decide(&policy, &facts, noon());
        assert!(decision.entry().is_none());
        let traced = policy.trace(&facts, noon()).rules.swap_remove(0).why;
        (decision.list(), decision.explain(&policy, &facts, noon()).to_string(), traced)
    };
    let facts = facts_of("0441112233");
    let until = noon() + minutes(10);
    let when = until.to_zoned(policy.zone().clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string();
    let how = format!("put there by rule once until {when}");
    let expected = format!("rejected with 486: +41441112233 is on the spam list ({how})");
    assert_eq!(
        told(("spam", Some(until)), facts),
        (Some("spam"), expected, format!("caller_in spam: {how}"))
    );
    let (list, sentence, _) = told(("spam", None), Facts { listed: &["people".into()], ..facts });
    assert_eq!((list, &*sentence), (Some("people"), "rejected with 486: +41441112233 is on the people list"));
}

#[test]
fn an_entry_of_a_list_counts_until_its_time_is_over() {
    let mut builder = List::builder("");
    builder.inline_entry("0441112233", None, Some(noon()), switzerland());
    let (list, errors) = builder.build();
    assert!(errors.is_empty());
    let condition = Condition::Caller(Arc::new(list));
    assert!(holds_at(&condition, &facts_of("0441112233"), noon() - minutes(1)));
    assert!(!holds_at(&condition, &facts_of("0441112233"), noon()));
    assert!(!holds_at(&condition, &facts_of("0441112233"), noon() + minutes(1)));
}

#[test]
fn caller_kind_is_any_of_the_kinds_a_caller_is_of() {
    for (user, kind) in [
        ("+41441234567", KindSet::NUMBER),
        ("+493012345678", KindSet::NUMBER),
        ("+493012345678", KindSet::INTERNATIONAL),
        ("1002", KindSet::INTERNAL),
        ("anonymous", KindSet::ANONYMOUS),
        ("unavailable", KindSet::UNAVAILABLE),
        ("+4179", KindSet::INVALID),
        ("1234567", KindSet::AMBIGUOUS),
        ("alice", KindSet::NAME),
    ] {
        holds(&Condition::CallerKind(kind), &facts_of(user));
        holds(&Condition::CallerKind(kind.with(KindSet::PREMIUM)), &facts_of(user));
        fails(&Condition::CallerKind(KindSet::NONE), &facts_of(user));
        let other = if kind == KindSet::NAME { KindSet::NUMBER } else { KindSet::NAME };
        fails(&Condition::CallerKind(other), &facts_of(user));
    }
    fails(&Condition::CallerKind(KindSet::INTERNATIONAL), &facts_of("+41441234567"));
}

#[test]
fn name_is_compared_without_capitals_and_never_with_a_missing_one() {
    let condition = Condition::Name(vec![Text::parse("*bank*").unwrap(), Text::parse("/^v\\d+$/").unwrap()]);
    let named = |name| Facts { display_name: Some(name), ..facts_of("0441234567") };
    holds(&condition, &named("Your BANK calls"));
    holds(&condition, &named("V123"));
    fails(&condition, &named("Anna"));
    fails(&condition, &facts_of("0441234567"));
}

#[test]
fn country_is_that_of_the_number() {
    let condition = Condition::Country(vec![Region::parse("DE").unwrap(), Region::parse("FR").unwrap()]);
    holds(&condition, &facts_of("+493012345678"));
    holds(&condition, &facts_of("+33612345678"));
    fails(&condition, &facts_of("0441234567"));
    fails(&condition, &facts_of("1002"));
    fails(&condition, &facts_of("anonymous"));
}

#[test]
fn near_list_differs_in_the_last_digits_only() {
    let condition = Condition::NearList { list: PEOPLE, last_digits: 2 };
    holds(&condition, &facts_of("044 123 45 99"));
    holds(&condition, &facts_of("044 123 45 67"));
    fails(&condition, &facts_of("044 123 46 67"));
    fails(&condition, &facts_of("anonymous"));
    fails(&Condition::NearList { list: SPAM, last_digits: 9 }, &facts_of("044 123 45 67"));
}

#[test]
fn like_called_compares_the_digits_behind_the_calling_code() {
    let condition = Condition::LikeCalled { first_digits: 4 };
    let called = |caller, called| Facts { called: Some((called, Source::RequestUri)), ..facts_of(caller) };
    holds(&condition, &called("+41441234567", "044 129 99 99"));
    fails(&condition, &called("+41441334567", "044 129 99 99"));
    fails(&condition, &called("+49441299999", "+41441299999"));
    fails(&condition, &called("+41441234567", "1001"));
    fails(&condition, &called("anonymous", "044 129 99 99"));
    fails(&condition, &facts_of("+41441234567"));
}

#[test]
fn called_is_read_as_callers_are() {
    let condition = Condition::Called(list("", "044 555 00 00\n1001"));
    let called = |called| Facts { called: Some((called, Source::To)), ..facts_of("anonymous") };
    holds(&condition, &called("+41445550000"));
    holds(&condition, &called("1001"));
    fails(&condition, &called("1002"));
    fails(&condition, &facts_of("1001"));
}

#[test]
fn line_and_group_are_those_the_call_came_on() {
    let lines = Condition::Line(vec![Wildcard::new("work"), Wildcard::new("ho*")]);
    holds(&lines, &facts_of("1002"));
    fails(&lines, &Facts { line: "garage", ..facts_of("1002") });
    let groups = Condition::Group(vec!["paris".into(), "support".into()]);
    holds(&groups, &Facts { groups: &["rennes".into(), "support".into()], ..facts_of("1002") });
    fails(&groups, &Facts { groups: &["rennes".into()], ..facts_of("1002") });
    fails(&groups, &facts_of("1002"));
}

#[test]
fn source_verification_and_attestation_are_any_of_those_named() {
    let facts = facts_of("1002");
    let source = Condition::Source(vec![Arrival::Anyone, Arrival::Peer]);
    holds(&source, &Facts { arrival: Arrival::Anyone, ..facts });
    fails(&source, &Facts { arrival: Arrival::Registrar, ..facts });
    let verification = Condition::Verification(vec![Verification::Failed]);
    holds(&verification, &Facts { verification: Verification::Failed, ..facts });
    fails(&verification, &facts);
    let attestation = Condition::Attestation(vec![Attestation::C, Attestation::None]);
    holds(&attestation, &facts);
    fails(&attestation, &Facts { attestation: Attestation::A, ..facts });
}

#[test]
fn user_agent_and_diverted_are_what_the_call_says() {
    let facts = facts_of("1002");
    let agent = Condition::UserAgent(vec![Text::parse("*scanner*").unwrap()]);
    holds(&agent, &Facts { user_agent: Some("Friendly-Scanner 1.0"), ..facts });
    fails(&agent, &Facts { user_agent: Some("deskphone"), ..facts });
    fails(&agent, &facts);
    let diverted = Facts { diverted: Some("044 555 00 00"), ..facts };
    holds(&Condition::Diverted(true), &diverted);
    fails(&Condition::Diverted(true), &facts);
    holds(&Condition::Diverted(false), &facts);
    holds(&Condition::DivertedBy(list("", "+4144555*")), &diverted);
    fails(&Condition::DivertedBy(list("", "+4179*")), &diverted);
    fails(&Condition::DivertedBy(list("", "+4144555*")), &facts);
}

#[test]
fn a_score_is_the_greater_of_what_is_written_and_what_was_answered() {
    let condition = Condition::Score { list: SPAM, at_least: 4 };
    let answers = vec![("spam".into(), Answer { score: 4, is_listed: false })];
    let history = Remembered { answers, ..Remembered::default() };
    holds(&condition, &Facts { history: &history, ..facts_of("0441112233") });
    fails(&condition, &facts_of("0441112233"));
    fails(&condition, &facts_of("0791112233"));
    holds(&Condition::Score { list: SPAM, at_least: 1 }, &facts_of("0791112233"));
    holds(&Condition::Score { list: SPAM, at_least: 0 }, &facts_of("0441112233"));
}

#[test]
fn who_is_listed_with_a_weight_of_nothing_is_on_the_list_all_the_same() {
    let mut builder = List::builder("spam");
    let file = builder.file("spam.csv");
    builder.record(file, Record { weight: 0, ..Record::new(1, "0791112233") }, switzerland());
    let (spam, errors) = builder.build();
    assert_eq!(errors, []);
    let lists = vec![list("people", ""), Arc::new(spam)];
    let scored = rule("scored", Condition::Score { list: SPAM, at_least: 1 });
    let policy = policy_of(
        [scored, rule("listed", Condition::CallerIn(vec![SPAM]))],
        PolicyParts { lists, ..parts() },
    );
    assert_eq!(decide(&policy, &facts_of("0791112233"), noon()).rule_id(), "listed");
}

#[test]
fn repeat_counts_the_call_that_is_decided() {
    let condition = Condition::Repeat { count: 3, within: minutes(10) };
    let after = |ago: &[i64]| Remembered {
        calls: ago.iter().map(|ago| noon() - minutes(*ago)).collect(),
        ..Remembered::default()
    };
    for (ago, expected) in
        [(&[1, 4][..], true), (&[1, 10], true), (&[1, 11], false), (&[1], false), (&[], false)]
    {
        let history = after(ago);
        let facts = Facts { history: &history, ..facts_of("0441112233") };
        assert_eq!(holds_at(&condition, &facts, noon()), expected, "{ago:?}");
    }
}

#[test]
fn a_rate_is_too_high_only_above_its_bound() {
    let condition = Condition::Rate { per: Per::Caller, more_than: 2, within: minutes(1) };
    for (calls, expected) in [(0, false), (1, false), (2, true), (9, true)] {
        let history = Remembered { calls: vec![noon(); calls], ..Remembered::default() };
        let facts = Facts { history: &history, ..facts_of("0441112233") };
        assert_eq!(holds_at(&condition, &facts, noon()), expected, "{calls} calls before");
    }
}

#[test]
fn what_several_rules_count_within_is_counted_for_each() {
    let ago = [1, 3, 3, 8, 40];
    let history =
        Remembered { calls: ago.iter().map(|ago| noon() - minutes(*ago)).collect(), ..Remembered::default() };
    let facts = Facts { history: &history, ..facts_of("0441112233") };
    let repeat = |count, within| Condition::Repeat { count, within: minutes(within) };
    let rate = |per, more_than, within| Condition::Rate { per, more_than, within: minutes(within) };
    // Of each pair the first is one too many: 1, 3, 4 and 5 calls before within 2, 5, 10 and 60 minutes.
    let pairs = [(1, 2), (3, 5), (1, 2), (4, 10), (4, 10), (5, 60), (3, 5)].map(|(before, within)| {
        let per_line = [1, 0].map(|more| rate(Per::Line, before + more, within));
        let per_caller = [1, 0].map(|more| rate(Per::Caller, before + more, within));
        [[2, 1].map(|more| repeat(before + more, within)), per_line, per_caller]
    });
    let pairs: Vec<_> = pairs.into_iter().flatten().collect();
    for ([_, holding], position) in pairs.iter().zip(1..) {
        let failing = pairs.iter().take(position).map(|[failing, _]| rule("too many", failing.clone()));
        let rules = failing.chain([rule("it", holding.clone())]);
        assert_eq!(decide(&policy_of(rules, parts()), &facts, noon()).rule_id(), "it", "{holding:?}");
    }
}

#[test]
fn dialed_and_answered_count_back_from_now_and_no_farther_ahead_of_a_clock_that_was_set_back() {
    for (ago, expected) in [(0, true), (30, true), (31, false), (-1, true), (-30, true), (-31, false)] {
        let when = Some(noon() - minutes(ago));
        let history = Remembered { dialed: when, ..Remembered::default() };
        let facts = Facts { history: &history, ..facts_of("0441112233") };
        assert_eq!(holds_at(&Condition::DialedWithin(minutes(30)), &facts, noon()), expected, "{ago}");
        assert!(!holds_at(&Condition::AnsweredWithin(minutes(30)), &facts, noon()));
        let history = Remembered { answered: when, ..Remembered::default() };
        let facts = Facts { history: &history, ..facts };
        assert_eq!(holds_at(&Condition::AnsweredWithin(minutes(30)), &facts, noon()), expected, "{ago}");
        assert!(!holds_at(&Condition::DialedWithin(minutes(30)), &facts, noon()));
    }
}

#[test]
fn first_time_is_whether_the_caller_has_never_called() {
    let stranger = facts_of("0441112233");
    let history = Remembered { is_known: true, ..Remembered::default() };
    let known = Facts { history: &history, ..stranger };
    holds(&Condition::FirstTime(true), &stranger);
    fails(&Condition::FirstTime(true), &known);
    holds(&Condition::FirstTime(false), &known);
    fails(&Condition::FirstTime(false), &stranger);
}

#[test]
fn a_switch_stands_as_the_policy_says_until_it_is_flipped() {
    let flipped = |name: &str, on| Remembered { switches: vec![(name.into(), on)], ..Remembered::default() };
    let facts = facts_of("0441112233");
    fails(&Condition::Switch(vec![ON_CALL]), &facts);
    holds(&Condition::Switch(vec![AWAKE]), &facts);
    holds(&Condition::Switch(vec![ON_CALL, AWAKE]), &facts);
    holds(&Condition::Switch(vec![ON_CALL]), &Facts { history: &flipped("on_call", true), ..facts });
    fails(&Condition::Switch(vec![AWAKE]), &Facts { history: &flipped("awake", false), ..facts });
}

#[test]
fn conditions_compose() {
    let facts = facts_of("0441234567");
    let yes = || Condition::CallerIn(vec![PEOPLE]);
    let no = || Condition::CallerIn(vec![SPAM]);
    for (condition, expected) in [
        (Condition::Always, true),
        (Condition::Not(Box::new(yes())), false),
        (Condition::Not(Box::new(no())), true),
        (Condition::Not(Box::new(Condition::Not(Box::new(yes())))), true),
        (Condition::All(vec![]), true),
        (Condition::All(vec![yes(), yes()]), true),
        (Condition::All(vec![yes(), no()]), false),
        (Condition::Any(vec![]), false),
        (Condition::Any(vec![no(), yes()]), true),
        (Condition::Any(vec![no(), no()]), false),
        (Condition::All(vec![Condition::Any(vec![no(), yes()]), Condition::Not(Box::new(no()))]), true),
    ] {
        assert_eq!(holds_at(&condition, &facts, noon()), expected, "{condition:?}");
    }
}

#[test]
fn the_first_rule_that_matches_decides() {
    let both = || Condition::CallerIn(vec![SPAM]);
    let rules = [rule("never", Condition::Any(vec![])), rule("first", both()), rule("second", both())];
    let policy = policy_of(rules, parts());
    assert_eq!(decide(&policy, &facts_of("0791112233"), noon()).rule_id(), "first");
    assert_eq!(decide(&policy, &facts_of("0441112233"), noon()).rule_id(), "otherwise");
}

#[test]
fn an_entry_is_told_only_by_the_alternative_that_holds() {
    let listed = || Condition::CallerIn(vec![PEOPLE]);
    let at_work = Condition::Line(vec![Wildcard::new("work")]);
    let unverified = Condition::Verification(vec![Verification::Unchecked]);
    let condition = Condition::Any(vec![Condition::All(vec![listed(), at_work]), unverified]);
    let policy = policy_of([rule("it", condition)], parts());
    let facts = facts_of("0441234567");
    let decision = decide(&policy, &facts, noon());
    assert!(decision.entry().is_none());
    assert_eq!(
        decision.explain(&policy, &facts, noon()).to_string(),
        "rejected with 486: rule it: verification unchecked, wanted unchecked"
    );
    assert!(decide(&policy_of([rule("it", listed())], parts()), &facts, noon()).entry().is_some());
}

#[test]
fn a_rule_is_over_from_its_end_on() {
    let pest = but(rule("pest", Condition::Always), |rule| rule.until = Some(noon()));
    let policy = policy_of([pest], parts());
    let facts = facts_of("0441112233");
    let before = noon() - minutes(1);
    assert_eq!(decide(&policy, &facts, before).rule_id(), "pest");
    assert_eq!(
        decide(&policy, &facts, before).explain(&policy, &facts, before).to_string(),
        "rejected with 486: rule pest: it matches every call"
    );
    assert_eq!(decide(&policy, &facts, noon()).rule_id(), "otherwise");
}

#[test]
fn a_roll_out_takes_its_share_of_lines_and_a_greater_one_all_of_a_smaller() {
    let of = |percent| {
        let rollout = Some(Rollout { percent, by: Share::Line });
        policy_of([but(rule("new", Condition::Always), |rule| rule.rollout = rollout)], parts())
    };
    let percents = [0, 10, 50, 100];
    let policies = percents.map(of);
    let mut counts = [0_u32; 4];
    for line in 0..10_000 {
        let name = format!("line-{line}");
        let facts = Facts { line: &name, ..facts_of("0441112233") };
        let is_in = policies.each_ref().map(|policy| decide(policy, &facts, noon()).rule_id() == "new");
        assert!(is_in.is_sorted(), "{name}: {is_in:?}");
        counts.iter_mut().zip(is_in).for_each(|(count, is_in)| *count += u32::from(is_in));
    }
    // Five standard deviations: a fair hash leaves them once in a million.
    assert!(counts[0] == 0 && counts[1].abs_diff(1_000) < 150, "{counts:?}");
    assert!(counts[2].abs_diff(5_000) < 250 && counts[3] == 10_000, "{counts:?}");
}

#[test]
fn a_roll_out_by_caller_takes_a_caller_on_every_line_or_on_none() {
    let rollout = Some(Rollout { percent: 30, by: Share::Caller });
    let policy = policy_of([but(rule("new", Condition::Always), |rule| rule.rollout = rollout)], parts());
    let mut count = 0_u32;
    for caller in 0..10_000 {
        let user = format!("+4144{:07}", caller * 7);
        let is_in = ["home", "work"]
            .map(|line| decide(&policy, &Facts { line, ..facts_of(&user) }, noon()).rule_id() == "new");
        assert_eq!(is_in[0], is_in[1], "{user}");
        count += u32::from(is_in[0]);
    }
    assert!(count.abs_diff(3_000) < 230, "{count}");
}

#[test]
fn rules_in_shadow_mode_are_written_down_and_decide_nothing() {
    let listed = || Condition::CallerIn(vec![SPAM]);
    let shadow = |id, when| but(rule(id, when), |rule| rule.is_shadow = true);
    let rules = [shadow("one", listed()), shadow("two", Condition::Any(vec![])), rule("it", listed())];
    let policy = policy_of(rules.into_iter().chain([shadow("late", listed())]), parts());
    let decision = decide(&policy, &facts_of("0791112233"), noon());
    assert_eq!((decision.rule_id(), decision.treatment().name()), ("it", "busy"));
    assert_eq!(decision.shadow().map(Rule::id).collect::<Vec<_>>(), ["one"]);
    assert_eq!(decision.entry().unwrap().list(), "spam");
}

#[test]
fn only_the_first_rules_in_shadow_mode_are_kept_and_the_others_counted() {
    let shadow =
        |number: u32| but(rule(&number.to_string(), Condition::Always), |rule| rule.is_shadow = true);
    let rules = (0..20).map(shadow);
    let policy = policy_of(rules, parts());
    let decision = decide(&policy, &facts_of("0441112233"), noon());
    assert_eq!((decision.shadow().count(), decision.more_shadow()), (8, 12));
}

#[test]
fn a_policy_in_shadow_mode_lets_every_call_through_and_says_what_it_wanted() {
    let policy = policy_of([rule("it", Condition::Always)], PolicyParts { mode: Mode::Shadow, ..parts() });
    let facts = facts_of("0791112233");
    let decision = decide(&policy, &facts, noon());
    assert_eq!((decision.rule_id(), decision.treatment().name()), ("it", "ring"));
    assert_eq!(decision.wanted().unwrap().name(), "busy");
    assert_eq!(
        decision.explain(&policy, &facts, noon()).to_string(),
        "let ring: +41791112233 meets no other rule; the policy is in shadow mode, else it would reject with 486"
    );
}

/// Returns a policy whose rules refuse every call.
fn merciless(never_block: &str) -> Policy {
    let mut parts = parts();
    parts.lists.push(list("never_block", never_block));
    parts.on_error = busy();
    let everyone = but(rule("no", Condition::Always), |rule| {
        rule.add_to = Some(AddTo { list: "spam".into(), ttl: None });
    });
    policy_of([everyone], parts)
}

#[test]
fn no_rule_refuses_an_emergency_number_or_an_emergency_centre() {
    let policy = merciless("");
    for number in ["112", "911", "999", "117", "118", "144"] {
        assert_eq!(decide(&policy, &facts_of(number), noon()).treatment().name(), "ring", "{number}");
    }
    let centre = Facts { psap_callback: true, ..facts_of("anonymous") };
    let decision = decide(&policy, &centre, noon());
    assert!(matches!(decision.by(), By::EmergencyCallback));
    assert_eq!(decision.treatment().name(), "ring");
    assert_eq!(decide(&policy, &facts_of("1120"), noon()).rule_id(), "no");
}

#[test]
fn no_rule_refuses_who_is_never_blocked() {
    let policy = merciless("+41 44 123 45 67 # school\nanonymous");
    for user in ["0441234567", "anonymous"] {
        let decision = decide(&policy, &facts_of(user), noon());
        assert_eq!((decision.rule_id(), decision.treatment().name()), ("never_block", "ring"));
    }
    let facts = facts_of("0441234567");
    assert_eq!(
        decide(&policy, &facts, noon()).explain(&policy, &facts, noon()).to_string(),
        "let ring: +41441234567 is on the never_block list (entry +41 44 123 45 67, never_block:1, school)"
    );
    assert_eq!(decide(&policy, &facts_of("0441234568"), noon()).rule_id(), "no");
}

#[test]
fn who_is_put_on_never_block_by_hand_is_never_refused() {
    let policy = merciless("");
    let added = Remembered { added: vec![("never_block".into(), None)], ..Remembered::default() };
    let facts = Facts { history: &added, ..facts_of("0441112233") };
    let decision = decide(&policy, &facts, noon());
    assert_eq!((decision.rule_id(), decision.list()), ("never_block", Some("never_block")));
    let why = decision.explain(&policy, &facts, noon()).to_string();
    assert!(why.ends_with(" is on the never_block list (put there by rule once)"), "{why}");
}

#[test]
fn a_decision_that_fails_is_the_one_for_errors() {
    let stand_aside = Treatment::built_in().into_iter().find(|built_in| built_in.name() == "stand_aside");
    let on_error = Arc::new(stand_aside.unwrap());
    let policy = policy_of([rule("it", Condition::Always)], PolicyParts { on_error, ..parts() });
    let decision = Decision::on_error(&policy);
    assert_eq!((decision.rule_id(), decision.treatment().name()), ("on_error", "stand_aside"));
    assert!(decision.rule().is_none() && decision.wanted().is_none() && decision.shadow().count() == 0);
}

#[test]
fn in_shadow_mode_a_decision_that_fails_lets_the_call_through_too() {
    let parts = PolicyParts { mode: Mode::Shadow, on_error: busy(), ..parts() };
    let policy = policy_of([rule("it", Condition::Always)], parts);
    let decision = Decision::on_error(&policy);
    assert_eq!((decision.rule_id(), decision.treatment().name()), ("on_error", "ring"));
    assert_eq!(decision.wanted().map(|wanted| wanted.name()), Some("busy"));
}

#[test]
fn a_policy_that_might_not_decide_is_refused() {
    let always = || rule("it", Condition::Always);
    for last in [
        rule("it", Condition::CallerIn(vec![SPAM])),
        but(always(), |rule| rule.until = Some(noon())),
        but(always(), |rule| rule.is_shadow = true),
        but(always(), |rule| rule.rollout = Some(Rollout { percent: 100, by: Share::Line })),
    ] {
        assert!(Policy::new(PolicyParts { rules: vec![last], ..parts() }).is_err());
    }
    assert!(Policy::new(parts()).is_err());
    assert!(Policy::new(PolicyParts { rules: vec![always()], ..parts() }).is_ok());
}

#[test]
fn a_list_is_swapped_without_the_rules() {
    let policy = policy_of([rule("it", Condition::CallerIn(vec![SPAM]))], parts());
    let swapped = policy.with_list(list("spam", "+4144*")).unwrap();
    let decided = |policy, user| decide(policy, &facts_of(user), noon()).rule_id().to_owned();
    assert_eq!([decided(&policy, "0791112233"), decided(&policy, "0441112233")], ["it", "otherwise"]);
    assert_eq!([decided(&swapped, "0791112233"), decided(&swapped, "0441112233")], ["otherwise", "it"]);
    let mut inline = List::builder("spam");
    inline.inline("112", policy.region());
    assert!(policy.with_list(Arc::new(inline.build().0)).is_err());
    assert_eq!(policy.with_list(list("unknown", "+4144*")).unwrap().lists().len(), 2);
}

#[test]
fn what_a_call_says_goes_before_its_history() {
    let within = Duration::from_secs(600).try_into().unwrap();
    let policy = policy_of([rule("it", Condition::Repeat { count: 3, within })], parts());
    let call = Call { recent: vec!["-1m".into()], ..Call::told("0441112233") };
    let history = Remembered { calls: vec![noon() - minutes(2)], ..Remembered::default() };
    let decided = |history| {
        call.with_facts(&policy, noon(), history, |facts, now| {
            decide(&policy, facts, now).rule_id().to_owned()
        })
    };
    assert_eq!(decided(None), "otherwise");
    assert_eq!(decided(Some(&history)), "it");
}

#[test]
fn what_a_call_says_of_the_future_has_not_happened() {
    let within = minutes(10);
    let when = Condition::Any(vec![Condition::Repeat { count: 2, within }, Condition::DialedWithin(within)]);
    let policy = policy_of([rule("it", when)], parts());
    let tomorrow = "2026-03-02T12:00".to_owned();
    let call = Call { recent: vec![tomorrow.clone()], dialed: Some(tomorrow), ..Call::told("0441112233") };
    assert_eq!(call.decide(&policy, noon(), |decision, _| decision.rule_id().to_owned()), "otherwise");
}
