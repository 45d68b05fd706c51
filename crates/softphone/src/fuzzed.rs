//! What is fuzzed of this crate: functions of bytes that hold whatever the bytes are, or panic. They are there for the tests
//! and for `fuzz/` alone.

/// A function that holds of all bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also that of its folder in `fuzz/corpus/`.
pub const ALL: [(&str, Target); 2] =
    [("dns", crate::io::locate::fuzzed::run), ("websocket", crate::io::streams::fuzzed::run)];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_corpus_of_every_target_does_no_harm() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
        for (name, run) in ALL {
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
}
