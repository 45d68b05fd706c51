//! What fuzzing has found worth keeping: every file of `fuzz/corpus` that is a challenge, or the life of an endpoint, goes
//! through its target.

#![allow(clippy::panic, reason = "what fails here fails the test")]

#[path = "../../../tests/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/targets/ua/mod.rs"]
#[expect(unreachable_pub, reason = "it is part of the library of the fuzzing crate, too")]
mod targets;

#[test]
fn the_corpus_of_every_target_does_no_harm() {
    corpus::replay_all(&targets::ALL);
}
