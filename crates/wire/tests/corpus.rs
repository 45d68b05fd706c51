//! What fuzzing has found worth keeping: every file of `fuzz/corpus` that is a message goes through its target.

use std::fs;
use std::path::Path;

#[path = "../../../fuzz/targets/stun.rs"]
#[expect(unreachable_pub, reason = "it is part of the library of the fuzzing crate, too")]
mod stun;

#[test]
fn the_corpus_of_stun_does_no_harm() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/stun");
    let files = fs::read_dir(corpus).expect("the target has a corpus");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "the corpus is empty");
    for file in files {
        println!("{}", file.display());
        stun::run(&fs::read(&file).expect("the file can be read"));
    }
}
