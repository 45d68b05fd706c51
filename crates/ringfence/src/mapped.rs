//! Maps a compiled list into memory: the one place of this crate that needs `unsafe`.
//!
//! A mapping is the file itself. It opens in no time, costs no memory that the system could not
//! take back, and is shared by all who map the file. What it asks in return is that nobody
//! changes the file in place: a file is mapped only if nobody but its owner may, and read into
//! memory otherwise.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use memmap2::{Advice, Mmap};

use crate::config::regular::{self, ReadError};

/// What a file holds, mapped or read.
#[derive(Debug)]
pub(crate) enum Contents {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl Contents {
    /// Opens a regular file for the user this program runs as.
    ///
    /// It is mapped if it is the user's or root's, nobody else may write to it, and reading it
    /// would cost anything worth saving.
    pub(crate) fn open(path: &Path, user: u32) -> Result<Self, ReadError> {
        let file = regular::open(path)?;
        let metadata = file.metadata()?;
        let is_trusted = metadata.uid() == user || metadata.uid() == 0;
        let is_closed = metadata.mode() & WRITABLE_BY_OTHERS == 0;
        if metadata.len() < WORTH_MAPPING || !is_trusted || !is_closed {
            return read(file);
        }
        if metadata.len() > MOST {
            return Err(ReadError::TooLarge(MOST));
        }
        let mapping = map(&file)?;
        // So that the first calls after it do not wait for the disk. Who cannot give this advice
        // is not worse off than before.
        let _ = mapping.advise(Advice::WillNeed);
        Ok(Self::Mapped(mapping))
    }
}

impl AsRef<[u8]> for Contents {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Mapped(mapping) => mapping,
            Self::Read(bytes) => bytes,
        }
    }
}

#[expect(unsafe_code, reason = "whether a mapped file stays as it is, only its owner and the system know")]
fn map(file: &File) -> Result<Mmap, ReadError> {
    // SAFETY: the bytes must stay what they are, and as many, as long as the mapping lives.
    // - The file is regular and opened for reading only, and this program writes to none that it
    //   has mapped: a compiled list is written beside the old one and renamed over it
    //   (`cli/list/compiled.rs`), which leaves the old file as it is, without a name.
    // - `Contents::open` has found that only root and the user this program runs as may write to
    //   it; either could change the memory of this process as well.
    // - Should one of them change it in place all the same, look-ups are written for it: each
    //   takes a byte once, by value, and checks every offset against the length that was mapped.
    //   Should one of them cut it short, the system ends the process with SIGBUS at the first
    //   byte that is gone: no other memory is read in its stead.
    let mapping = unsafe { Mmap::map(file) };
    Ok(mapping?)
}

fn read(file: File) -> Result<Contents, ReadError> {
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(ReadError::TooLarge(MOST));
    }
    Ok(Contents::Read(bytes))
}

/// Those of the group and those of everyone.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A megabyte is read in less time than it takes to say why it is mapped.
const WORTH_MAPPING: u64 = 1 << 20;

/// A compiled list has at most a hundred million numbers, in less than six bytes each.
const MOST: u64 = 600_000_000;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;

    fn file(home: &Path, length: usize, mode: u32) -> (PathBuf, u32) {
        let path = home.join("numbers.set");
        fs::write(&path, vec![7; length]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let owner = fs::metadata(&path).unwrap().uid();
        (path, owner)
    }

    #[test]
    fn a_large_file_of_ours_is_mapped() {
        let home = tempfile::tempdir().unwrap();
        let (path, user) = file(home.path(), 1 << 20, 0o644);
        let contents = Contents::open(&path, user).unwrap();
        assert!(matches!(contents, Contents::Mapped(_)));
        assert_eq!(contents.as_ref(), vec![7; 1 << 20]);
    }

    #[test]
    fn a_small_file_and_one_that_others_may_change_are_read() {
        let home = tempfile::tempdir().unwrap();
        for (length, mode) in [(0, 0o644), ((1 << 20) - 1, 0o644), (1 << 20, 0o664), (1 << 20, 0o646)] {
            let (path, user) = file(home.path(), length, mode);
            let contents = Contents::open(&path, user).unwrap();
            assert!(matches!(contents, Contents::Read(_)), "{length} bytes, mode {mode:o}");
            assert_eq!(contents.as_ref().len(), length);
        }
    }

    #[test]
    fn a_file_of_another_user_is_read_unless_that_is_root() {
        let home = tempfile::tempdir().unwrap();
        let (path, owner) = file(home.path(), 1 << 20, 0o644);
        let contents = Contents::open(&path, owner + 1).unwrap();
        assert_eq!(matches!(contents, Contents::Mapped(_)), owner == 0);
    }

    #[test]
    fn a_file_that_is_replaced_stays_as_it_was_mapped() {
        let home = tempfile::tempdir().unwrap();
        let (path, user) = file(home.path(), 1 << 20, 0o644);
        let contents = Contents::open(&path, user).unwrap();
        let beside = path.with_extension("new");
        File::create(&beside).unwrap().write_all(b"shorter").unwrap();
        fs::rename(&beside, &path).unwrap();
        assert!(contents.as_ref().iter().all(|byte| *byte == 7));
        assert_eq!(Contents::open(&path, user).unwrap().as_ref(), b"shorter");
    }

    #[test]
    fn a_directory_and_nothing_are_refused() {
        let home = tempfile::tempdir().unwrap();
        assert!(matches!(Contents::open(home.path(), 0), Err(ReadError::NotRegular("a directory"))));
        assert!(Contents::open(&home.path().join("none"), 0).unwrap_err().is_missing());
    }
}
