//! How many instructions a decision takes, whatever the machine is busy with:
//! `cargo bench -p ringfence-policy --bench instructions`.
#![allow(missing_docs, reason = "what gungraun's macros make has none")]

mod hundred_rules;
mod measured;

use std::hint::black_box;
use std::sync::Arc;

use gungraun::{library_benchmark, library_benchmark_group, main};
use jiff::Timestamp;
use measured::{now, number, policy, region};
use ringfence_policy::{Caller, E164, Facts, Policy, Set, SetWriter, decide};

#[library_benchmark]
#[bench::listed(policy(ENTRIES), format!("+{}", number(2 * 487)))]
#[bench::unlisted(policy(ENTRIES), format!("+{}", number(487)))]
fn from_caller_to_decision(policy: Policy, user: String) -> (Policy, String) {
    let caller = Caller::from_header(black_box(&user), "pbx.example");
    black_box(decide(&policy, &Facts::new(&caller, "home", region()), now()).rule_id());
    (policy, user)
}

#[library_benchmark]
#[bench::listed(set(), number(2 * 487))]
#[bench::unlisted(set(), number(487))]
fn look_up_in_compiled_list(set: Set, digits: u64) -> Set {
    black_box(E164::new(black_box(digits)).is_some_and(|number| set.contains(number)));
    set
}

#[library_benchmark]
#[bench::listed(hundred_rules::policy(set()), format!("+{}", number(2 * 487)))]
#[bench::unlisted(hundred_rules::policy(set()), format!("+{}", number(487)))]
fn from_caller_to_decision_by_a_hundred_rules(policy: Policy, user: String) -> (Policy, String) {
    let facts = hundred_rules::facts(black_box(&user), policy.region());
    black_box(decide(&policy, &facts, hundred_rules::now()).rule_id());
    (policy, user)
}

/// Few enough that valgrind makes the lists in seconds: a look-up among ten times as many takes three steps more.
const ENTRIES: u64 = 100_000;

/// The numbers of [`measured::list`], compiled.
fn set() -> Set {
    let mut writer = SetWriter::new("many", Timestamp::UNIX_EPOCH);
    for index in 0..ENTRIES {
        let number = E164::new(number(2 * index)).expect("eleven digits");
        writer.push_number(number).expect("they are few enough");
    }
    let mut bytes = Vec::new();
    writer.write(&mut bytes).expect("memory takes all");
    Set::open(Arc::new(bytes)).expect("it was compiled")
}

library_benchmark_group!(
    name = decide_benches;
    benchmarks =
        from_caller_to_decision, look_up_in_compiled_list, from_caller_to_decision_by_a_hundred_rules
);
main!(library_benchmark_groups = decide_benches);
