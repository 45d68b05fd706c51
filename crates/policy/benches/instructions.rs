//! How many instructions a decision takes, whatever the machine is busy with:
//! `cargo bench -p ringfence-policy --bench instructions`.
#![allow(missing_docs, reason = "what gungraun's macros make has none")]

mod measured;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use measured::{now, number, policy, region};
use ringfence_policy::{Caller, Facts, Policy, decide};

#[library_benchmark]
#[bench::listed(policy(), format!("+{}", number(2 * 487)))]
#[bench::unlisted(policy(), format!("+{}", number(487)))]
fn from_caller_to_decision(policy: Policy, user: String) -> (Policy, String) {
    let caller = Caller::from_header(black_box(&user), "pbx.example");
    black_box(decide(&policy, &Facts::new(&caller, "home", region()), now()).rule_id());
    (policy, user)
}

library_benchmark_group!(name = decide_benches; benchmarks = from_caller_to_decision);
main!(library_benchmark_groups = decide_benches);
