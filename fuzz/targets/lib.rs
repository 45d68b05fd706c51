//! What is fuzzed: functions of bytes that hold whatever the bytes are, or panic. `mod.rs` has those of the crate `policy`,
//! `wire` and `ua` those of the crates of these names. `tests/corpus.rs` of each crate runs its own over `corpus/`, without libFuzzer.

#[path = "mod.rs"]
mod of_policy;
pub mod ua;
pub mod wire;

pub use of_policy::*;
