//! What the crate `wire` reads: `crates/wire/tests/corpus.rs` includes this file.

pub mod framer;
pub mod header;
pub mod message;
pub mod stun;
pub mod uri;

mod again;

/// A function that holds of all bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its folder in `corpus/`.
pub const ALL: [(&str, Target); 5] = [
    ("framer", framer::run),
    ("header", header::run),
    ("message", message::run),
    ("stun", stun::run),
    ("uri", uri::run),
];
