//! The facts of a call in JSON, as the journal keeps them and tests of a policy say them.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use ringfence_policy::{Call, Draft, File, ListSpec, Policy, decide};

/// The call is refused by its reader, or reads back as itself and is decided, explained and traced, now and for ever.
pub fn run(bytes: &[u8]) {
    let Ok(call) = serde_json::from_slice::<Call>(bytes) else { return };
    let again: Call = serde_json::from_str(&serde_json::to_string(&call).expect("a call can be written"))
        .expect("what is written can be read");
    assert_eq!(again, call);
    let policy = &*POLICY;
    let _ = call.wrong_times(policy.zone());
    for now in [Timestamp::UNIX_EPOCH, Timestamp::MIN, Timestamp::MAX] {
        call.with_facts(policy, now, None, |facts, now| {
            let decision = decide(policy, facts, now);
            let trace = policy.trace(facts, now);
            assert_eq!(decision.rule_id(), trace.decided_by);
            for text in [decision.explain(policy, facts, now).to_string(), trace.to_string()] {
                assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
            }
            let json = serde_json::to_string(&trace).expect("a trace can be written");
            assert_eq!(serde_json::from_str::<ringfence_policy::Trace>(&json).expect("and read"), trace);
        });
    }
    assert_eq!(again.trace(policy, Timestamp::UNIX_EPOCH), call.trace(policy, Timestamp::UNIX_EPOCH));
}

/// A policy that asks for every fact.
static POLICY: LazyLock<Arc<Policy>> = LazyLock::new(|| {
    let file = File::new("every-fact.toml", include_str!("every-fact.toml"));
    let (draft, found) = Draft::read(file, &mut |_, _| Err("none".to_owned()), &[]);
    assert!(found.iter().all(|found| found.severity != ringfence_policy::Severity::Error), "{found:#?}");
    Arc::new(draft.compile(ListSpec::inline).expect("nothing was wrong"))
});
