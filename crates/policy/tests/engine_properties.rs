//! What holds of every policy and every call.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../tests/fixed_seed.rs"]
mod fixed_seed;
mod random_policies;

use std::collections::BTreeMap;
use std::sync::Arc;

use fixed_seed::configuration;
use jiff::Timestamp;
use proptest::prelude::*;
use random_policies::{Draft, Drawn, any_call, any_rules, any_rules_that_share, plainly, policy};
use ringfence_policy::{
    Arrival, Attestation, Call, Condition, Decision, Facts, Mode, NoHistory, OneOrMore, Policy, PolicyParts,
    Rule, Source, Treatment, Verdict, Verification, decide,
};

/// Returns the rule, the treatment, and the rules in shadow mode that would have decided.
fn decided(policy: &Policy, call: &Drawn) -> (String, Arc<Treatment>, Vec<String>) {
    call.call().decide(policy, call.now(), |decision, _| {
        let shadow = decision.shadow().map(|rule| rule.id().to_owned()).collect();
        (decision.rule_id().to_owned(), Arc::clone(decision.treatment()), shadow)
    })
}

/// Returns the same policy with a rule before all others.
fn preceded(policy: &Policy, first: Rule) -> Policy {
    let parts = PolicyParts {
        lists: policy.lists().to_vec(),
        switches: policy.switches().to_vec(),
        rules: [first].into_iter().chain(policy.rules().iter().cloned()).collect(),
        ..PolicyParts::new(policy.region())
    };
    Policy::new(parts).unwrap()
}

/// Anything that a stranger, or a person at the prompt, may say.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[+]?[0-9 ().*#/-]{0,24}",
        1 => "(tel|sip|internal):[+0-9a-z;=@.%-]{0,24}",
        1 => "\\PC{0,40}",
        2 => any::<String>(),
    ]
}

fn any_time() -> impl Strategy<Value = String> {
    prop_oneof!["-[0-9]{1,3}[smhdw]", "2026-0[1-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]", any_text()]
}

prop_compose! {
    fn any_said()(
        (caller, host, name) in (any_text(), any_text(), proptest::option::of(any_text())),
        (withheld, psap_callback, verified) in (any::<bool>(), proptest::bool::weighted(0.1), any::<bool>()),
        (called, line, group) in (
            proptest::option::of(any_text()),
            proptest::option::of(any_text()),
            proptest::option::of(proptest::collection::vec(any_text().prop_map(Box::from), 0..3)),
        ),
        (at, dialed, recent) in (
            proptest::option::of(any_time()),
            proptest::option::of(any_time()),
            proptest::collection::vec(any_time(), 0..4),
        ),
        (user_agent, diverted, rate) in (
            proptest::option::of(any_text()),
            proptest::option::of(any_text()),
            proptest::option::of(any::<u32>()),
        ),
        scores in proptest::collection::vec((any_text(), any::<u32>()), 0..3),
        switches in proptest::collection::vec(any_text(), 0..3),
        source in proptest::sample::select(vec![Source::From, Source::AssertedIdentity, Source::Told]),
    ) -> Call {
        Call {
            caller, host, name, withheld, called, line, at, user_agent, diverted, psap_callback, dialed, recent,
            rate, switches,
            caller_source: source,
            called_source: source,
            group: group.map(OneOrMore::More),
            source: verified.then_some(Arrival::Anyone),
            verification: if verified { Verification::Failed } else { Verification::Unchecked },
            attestation: if withheld { Attestation::B } else { Attestation::None },
            vouched: verified.then_some(source),
            lists: vec![],
            scores: BTreeMap::from_iter(scores),
            unlisted: vec![],
            unanswered: vec![],
            answered: None,
            emergency_call: None,
            switches_off: vec![],
        }
    }
}

proptest! {
    #![proptest_config(configuration())]

    #[test]
    fn the_first_rule_that_matches_decides(rules in any_rules(), call in any_call()) {
        let (rule, treatment, mut shadow) = plainly(&rules, &call);
        shadow.truncate(8);
        prop_assert_eq!(decided(&policy(&rules, Mode::Enforce), &call), (rule, treatment, shadow));
    }

    #[test]
    fn what_several_rules_ask_is_answered_for_each(rules in any_rules_that_share(), call in any_call()) {
        prop_assert_eq!(decided(&policy(&rules, Mode::Enforce), &call), plainly(&rules, &call));
    }

    #[test]
    fn rules_in_shadow_mode_change_nothing(rules in any_rules(), call in any_call()) {
        let renamed = |(_, treatment, _)| treatment;
        let enforced: Vec<Draft> = rules.iter().filter(|rule| !rule.is_shadow).cloned().collect();
        let with = renamed(decided(&policy(&rules, Mode::Enforce), &call));
        let without = renamed(decided(&policy(&enforced, Mode::Enforce), &call));
        prop_assert_eq!(with, without);
    }

    #[test]
    fn a_policy_in_shadow_mode_refuses_nobody_and_says_what_it_would_do(rules in any_rules(), call in any_call()) {
        let (rule, treatment, _) = decided(&policy(&rules, Mode::Enforce), &call);
        let shadow = policy(&rules, Mode::Shadow);
        let (same, welcome, _) = decided(&shadow, &call);
        prop_assert_eq!(same, rule);
        prop_assert_eq!(welcome.name(), "ring");
        let wanted = call.call().decide(&shadow, call.now(), |decision, _| decision.wanted().cloned());
        prop_assert_eq!(wanted, Some(treatment));
    }

    #[test]
    fn who_is_on_an_allow_list_at_the_top_is_never_refused(rules in any_rules(), call in any_call()) {
        let ring = Arc::new(Treatment::ring());
        let allowed = Rule::new("allowed", Condition::CallerIn(vec![0]), ring);
        let rules = policy(&rules, Mode::Enforce);
        let (rule, treatment, _) = decided(&preceded(&rules, allowed), &call);
        if call.is_one_of_the_people() {
            prop_assert_eq!(rule, "allowed");
            prop_assert!(!treatment.is_refusal());
        } else {
            let (same, alike, _) = decided(&rules, &call);
            prop_assert_eq!((rule, treatment), (same, alike));
        }
    }

    #[test]
    fn a_trace_tells_what_was_decided(rules in any_rules(), call in any_call()) {
        let (rule, treatment, shadow) = plainly(&rules, &call);
        let policy = policy(&rules, Mode::Enforce);
        let trace = call.call().trace(&policy, call.now());
        prop_assert_eq!(&trace.decided_by, &rule);
        prop_assert_eq!(trace.action.split(" = ").next(), Some(treatment.name()));
        let told = |verdict| trace.rules.iter().filter(move |rule| rule.verdict == verdict);
        prop_assert_eq!(told(Verdict::Yes).map(|rule| &rule.id).collect::<Vec<_>>(), [&rule]);
        prop_assert_eq!(told(Verdict::Shadow).map(|rule| rule.id.clone()).collect::<Vec<_>>(), shadow);
        let place = told(Verdict::Yes).map(|rule| rule.number).next();
        prop_assert!(told(Verdict::After).all(|rule| Some(rule.number) > place));
        prop_assert!(trace.rules.iter().all(|rule| !rule.why.is_empty()));
    }

    #[test]
    fn every_call_is_decided_explained_and_traced(said in any_said(), rules in any_rules(), now in any::<i32>()) {
        let policy = policy(&rules, Mode::Enforce);
        let now = Timestamp::from_second(i64::from(now)).unwrap();
        let texts = said.with_facts(&policy, now, None, |facts, now| {
            let decision = decide(&policy, facts, now);
            let trace = policy.trace(facts, now);
            prop_assert_eq!(decision.rule_id(), &trace.decided_by);
            Ok([decision.explain(&policy, facts, now).to_string(), trace.to_string()])
        })?;
        for text in texts {
            let is_plain = !text.chars().any(|letter| letter.is_control() && letter != '\n');
            prop_assert!(is_plain, "{:?}", text);
        }
    }

    #[test]
    fn a_decision_that_was_kept_is_explained_as_if_it_had_not_been(rules in any_rules(), call in any_call()) {
        let policy = policy(&rules, Mode::Enforce);
        call.call().with_facts(&policy, call.now(), None, |facts, now| {
            let decision = decide(&policy, facts, now);
            let again = decision.keep(&policy).under(&policy).unwrap();
            let entry = |decision: &Decision<'_>| decision.entry().map(|entry| entry.to_string());
            let shadow = |decision: &Decision<'_>| decision.shadow().map(Rule::id).collect::<Vec<_>>().concat();
            prop_assert_eq!(again.rule_id(), decision.rule_id());
            prop_assert_eq!(again.list(), decision.list());
            prop_assert_eq!(entry(&again), entry(&decision));
            prop_assert_eq!(shadow(&again), shadow(&decision));
            prop_assert!(Arc::ptr_eq(again.treatment(), decision.treatment()));
            // A moment later, what happened before may be another thing.
            let later = if decision.tells_of_the_past() { *facts } else { Facts { history: &NoHistory, ..*facts } };
            prop_assert_eq!(again.explain(&policy, &later, now), decision.explain(&policy, facts, now));
            Ok(())
        })?;
    }

    #[test]
    fn a_call_reads_back_as_it_was_written_and_is_decided_alike(said in any_said(), rules in any_rules()) {
        let again: Call = serde_json::from_str(&serde_json::to_string(&said).unwrap()).unwrap();
        prop_assert_eq!(&again, &said);
        let policy = policy(&rules, Mode::Enforce);
        let [one, other] = [&said, &again].map(|call| call.trace(&policy, Timestamp::UNIX_EPOCH));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn a_trace_reads_back_as_it_was_written(said in any_said(), rules in any_rules()) {
        let trace = said.trace(&policy(&rules, Mode::Enforce), Timestamp::UNIX_EPOCH);
        let again = serde_json::from_str(&serde_json::to_string(&trace).unwrap()).unwrap();
        prop_assert_eq!(trace, again);
    }
}
