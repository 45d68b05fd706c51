//! What is fuzzed of this crate: functions of bytes that hold whatever the bytes are, or panic. They are there for the tests
//! and for `fuzz/` alone.

/// A function that holds of all bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its folder in `fuzz/corpus/`.
pub const ALL: [(&str, Target); 2] =
    [("dns", crate::io::locate::fuzzed::run), ("websocket", crate::io::streams::fuzzed::run)];

#[cfg(test)]
#[path = "../../../tests/corpus.rs"]
mod corpus;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corpus_of_every_target_does_no_harm() {
        corpus::replay_all(&ALL);
    }
}
