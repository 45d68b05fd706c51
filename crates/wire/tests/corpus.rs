//! What fuzzing has found worth keeping: every file of `fuzz/corpus` that is a message, or a part of one, goes through its
//! target, and so do the torture messages.

#![allow(clippy::panic, reason = "what fails here fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../../fuzz/targets/wire/mod.rs"]
#[expect(unreachable_pub, reason = "it is part of the library of the fuzzing crate, too")]
mod targets;

/// Runs a target over the files of a folder.
fn replay(run: targets::Target, folder: &Path) {
    let files = fs::read_dir(folder).expect("there is such a folder");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        println!("{}", file.display());
        run(&fs::read(&file).expect("the file can be read"));
    }
}

#[test]
fn the_corpus_of_every_target_does_no_harm() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, run) in targets::ALL {
        replay(run, &corpus.join(name));
    }
}

#[test]
fn torture_messages_do_no_harm() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testing/data");
    for folder in ["rfc4475", "rfc5118", "reject-trace"] {
        replay(targets::message::run, &data.join(folder));
    }
}
