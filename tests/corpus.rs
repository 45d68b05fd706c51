//! What fuzzing has found worth keeping, for the tests of each crate that has targets: all files of a folder go through one.
#![allow(clippy::panic, clippy::expect_used, reason = "what fails here fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

/// A function that holds of all bytes, or panics.
type Target = fn(&[u8]);

/// Runs every target over its own corpus.
pub(crate) fn replay_all(targets: &[(&str, Target)]) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, run) in targets {
        replay(*run, &corpus.join(name));
    }
}

/// Runs a target over the files of a folder.
pub(crate) fn replay(run: Target, folder: &Path) {
    let files = fs::read_dir(folder).expect("there is such a folder");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        println!("{}", file.display());
        run(&fs::read(&file).expect("the file can be read"));
    }
}
