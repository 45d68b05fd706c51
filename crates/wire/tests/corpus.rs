//! What fuzzing has found worth keeping: every file of `fuzz/corpus` that is a message, or a part of one, goes through its
//! target, and so do the torture messages.

#![allow(clippy::panic, reason = "what fails here fails the test")]

use std::path::Path;

#[path = "../../../tests/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/targets/wire/mod.rs"]
#[expect(unreachable_pub, reason = "it is part of the library of the fuzzing crate, too")]
mod targets;

#[test]
fn the_corpus_of_every_target_does_no_harm() {
    corpus::replay_all(&targets::ALL);
}

#[test]
fn torture_messages_do_no_harm() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testing/data");
    for folder in ["rfc4475", "rfc5118", "reject-trace"] {
        corpus::replay(targets::message::run, &data.join(folder));
    }
}
