//! What the crate `ua` answers: `crates/testing/tests/corpus.rs` includes this file, as these targets are judged by that
//! crate.

pub mod challenge;
pub mod endpoint;

#[path = "../draw.rs"]
mod draw;

/// A function that holds of all bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its folder in `corpus/`.
pub const ALL: [(&str, Target); 2] = [("challenge", challenge::run), ("endpoint", endpoint::run)];
