//! What is fuzzed: functions of bytes that hold whatever the bytes are, or panic.
//!
//! Each target is a module with `run`. `fuzz_targets/` gives them to libFuzzer, which looks for bytes that break
//! them; `crates/policy/tests/corpus.rs` includes this file and runs them over `corpus/`, without libFuzzer.

pub mod call;
pub mod decide;
pub mod list;
pub mod number;
pub mod pattern;
pub mod policy;
pub mod set;

mod draw;

/// A function that holds of all bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its folder in `corpus/`.
pub const ALL: [(&str, Target); 7] = [
    ("call", call::run),
    ("decide", decide::run),
    ("list", list::run),
    ("number", number::run),
    ("pattern", pattern::run),
    ("policy", policy::run),
    ("set", set::run),
];
