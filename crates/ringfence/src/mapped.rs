//! Maps a compiled list into memory, for which `unsafe` is needed.
//!
//! A mapping costs no memory that the system could not take back. What it asks in return is that nobody
//! changes the file in place: it is a copy without a name that is mapped and closed, which takes the disk a few
//! hundredths of a second, and a file that others than its owner may write to is read into memory.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use memmap2::{Advice, Mmap};

use crate::config::regular::{self, ReadError};
use crate::sources::kept_copies;

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
        let Some(copy) = copy(&file, metadata.len())? else { return read(file) };
        let mapping = map(copy)?;
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
fn map(copy: Nameless) -> Result<Mmap, ReadError> {
    // SAFETY: the bytes must stay what they are, and as many, as long as the mapping lives. The file has no name (`Nameless`),
    // so nobody opens it any more, and it is closed when this returns, so this program writes it no more, nor does
    // who looks into /proc for what is open. Who had it open while it had a name is this user or root, as all
    // others are denied it by its mode; both could change the memory of this process as well.
    let mapping = unsafe { Mmap::map(&copy.0) };
    drop(copy);
    Ok(mapping?)
}

/// A file that only this program has, and no folder: what is mapped cannot be opened by its name.
struct Nameless(File);

impl Nameless {
    /// Takes a file whose name was removed. Returns `None` where it has one all the same: file systems of the network and
    /// those of other programs keep one for what is open, by which others may change it.
    fn of(file: File) -> Option<Self> {
        let links = file.metadata().map(|metadata| metadata.nlink());
        matches!(links, Ok(0)).then_some(Self(file))
    }
}

/// Copies a file into one without a name, which nobody can write to or cut short: `cp` onto a list that is mapped would
/// end the program with SIGBUS. Returns `None` where no disk has room for it.
fn copy(file: &File, length: u64) -> Result<Option<Nameless>, ReadError> {
    let wished = std::env::var_os("TMPDIR").map(PathBuf::from);
    // What is in /tmp is often in memory; in the sandbox there is no other place than that of the copies of lists.
    let usual = [PathBuf::from("/var/tmp"), kept_copies(), std::env::temp_dir()];
    for place in wished.into_iter().chain(usual) {
        let made = tempfile::tempfile_in(&place).ok();
        let Some(mut copy) = made.and_then(Nameless::of) else { continue };
        let mut original = file;
        original.seek(SeekFrom::Start(0))?;
        // What grows meanwhile is cut off; what shrinks is told by who reads it.
        if std::io::copy(&mut original.take(length), &mut copy.0).is_ok() {
            return Ok(Some(copy));
        }
    }
    let mut original = file;
    original.seek(SeekFrom::Start(0))?;
    Ok(None)
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
    fn a_file_that_is_written_over_or_cut_short_stays_as_it_was_mapped() {
        let home = tempfile::tempdir().unwrap();
        let (path, user) = file(home.path(), 3 << 20, 0o644);
        let contents = Contents::open(&path, user).unwrap();
        fs::write(&path, vec![9; 3 << 20]).unwrap();
        assert!(contents.as_ref().iter().all(|byte| *byte == 7));
        fs::write(&path, b"").unwrap();
        assert!(contents.as_ref().len() == 3 << 20 && contents.as_ref().iter().all(|byte| *byte == 7));
    }

    #[test]
    fn what_has_a_name_is_not_mapped() {
        let home = tempfile::tempdir().unwrap();
        let (path, _) = file(home.path(), 1, 0o644);
        let named = File::open(&path).unwrap();
        assert!(Nameless::of(named.try_clone().unwrap()).is_none());
        fs::remove_file(&path).unwrap();
        assert!(Nameless::of(named).is_some());
    }

    #[test]
    fn a_directory_and_nothing_are_refused() {
        let home = tempfile::tempdir().unwrap();
        assert!(matches!(Contents::open(home.path(), 0), Err(ReadError::NotRegular("a directory"))));
        assert!(Contents::open(&home.path().join("none"), 0).unwrap_err().is_missing());
    }
}
