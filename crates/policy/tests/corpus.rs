//! What fuzzing has found worth keeping: every file of `fuzz/corpus` goes through its target.

#[path = "../../../tests/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/targets/mod.rs"]
#[expect(unreachable_pub, reason = "it is the library of the fuzzing crate, too")]
mod targets;

#[test]
fn the_corpus_of_every_target_does_no_harm() {
    corpus::replay_all(&targets::ALL);
}
