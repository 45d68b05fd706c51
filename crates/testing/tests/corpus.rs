//! What fuzzing has found worth keeping: every file of `fuzz/corpus` that is a challenge, or the life of an endpoint, goes
//! through its target.

#![allow(clippy::panic, reason = "what fails here fails the test")]

use std::fs;
use std::path::Path;

#[path = "../../../fuzz/targets/ua/mod.rs"]
#[expect(unreachable_pub, reason = "it is part of the library of the fuzzing crate, too")]
mod targets;

#[test]
fn the_corpus_of_every_target_does_no_harm() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, run) in targets::ALL {
        let files = fs::read_dir(corpus.join(name)).expect("each target has a corpus");
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        assert!(!files.is_empty(), "the corpus of {name} is empty");
        for file in files {
            println!("{}", file.display());
            run(&fs::read(&file).expect("the file can be read"));
        }
    }
}
