//! How many instructions rejecting a call takes, whatever the machine is busy with:
//! `cargo bench -p ringfence-ua --bench instructions`.
#![allow(missing_docs, reason = "what gungraun's macros make has none")]

mod measured;

use gungraun::{library_benchmark, library_benchmark_group, main};
use measured::Rejections;

/// So many that what happens to some calls only, such as a hash table that is put in order, has its share.
const CALLS: usize = 1_000;

// In boxes: to move the endpoint in and out would be counted with an ACK, which takes hardly more.
#[library_benchmark]
#[bench::trace(Box::new(Rejections::warm()))]
fn a_thousand_rejected_calls(mut rejections: Box<Rejections>) -> Box<Rejections> {
    for _ in 0..CALLS {
        rejections.call();
    }
    rejections
}

#[library_benchmark]
#[bench::trace(Box::new(Rejections::warm()))]
fn a_thousand_calls_that_come_by_eight(mut rejections: Box<Rejections>) -> Box<Rejections> {
    for _ in 0..CALLS / 8 {
        rejections.eight_calls();
    }
    rejections
}

// Reading it, hashing what its transaction is known by, and finding that.
#[library_benchmark]
#[bench::trace(Box::new(Rejections::warm()))]
fn a_repeated_ack(mut rejections: Box<Rejections>) -> Box<Rejections> {
    rejections.acknowledge();
    rejections
}

library_benchmark_group!(name = endpoint_benches; benchmarks = a_thousand_rejected_calls, a_thousand_calls_that_come_by_eight, a_repeated_ack);
main!(library_benchmark_groups = endpoint_benches);
