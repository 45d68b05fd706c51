//! Reads a file that a person has named: a regular one, and not without end.
//!
//! A FIFO is not even opened, since that waits for a writer; what a device holds never ends.

use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use crate::confine::is_out_of_reach;

/// Why a file was not read.
#[derive(Debug)]
pub(crate) enum ReadError {
    Io(io::Error),
    /// What stands there instead of a regular file.
    NotRegular(&'static str),
    /// How many bytes are the most.
    TooLarge(u64),
    /// The sandbox keeps the running program from reading it.
    OutOfReach,
    /// Why what it holds is not what it should be, and what to do about it if that is known.
    Wrong {
        why: String,
        hint: Option<&'static str>,
    },
}

/// Reads a file of at most `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    let file = open(path)?;
    if file.metadata()?.len() > most {
        return Err(ReadError::TooLarge(most));
    }
    let mut bytes = Vec::new();
    // Its length is what it was a moment ago: what is read counts.
    file.take(most + 1).read_to_end(&mut bytes)?;
    let is_whole = u64::try_from(bytes.len()).is_ok_and(|length| length <= most);
    if is_whole { Ok(bytes) } else { Err(ReadError::TooLarge(most)) }
}

/// Opens a regular file.
pub(crate) fn open(path: &Path) -> Result<File, ReadError> {
    regular(fs::metadata(path)?.file_type())?;
    let file = File::open(path).map_err(|error| {
        let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
        if is_denied && is_out_of_reach(path) { ReadError::OutOfReach } else { ReadError::Io(error) }
    })?;
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

fn regular(kind: FileType) -> Result<(), ReadError> {
    let found = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Err(ReadError::NotRegular(found))
}

impl ReadError {
    /// Returns what to do about it, if that is known whatever the file is for.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Some("let the user who runs this read it: chown or chmod")
            }
            Self::Io(_) => None,
            Self::NotRegular("a directory") => Some("name a file in that directory"),
            Self::OutOfReach => {
                Some("restart it: then it may read what its configuration names; [service] reads allows more")
            }
            Self::NotRegular(_) => Some("write what it gives into a file, and name that file"),
            Self::Wrong { hint: Some(hint), .. } => Some(hint),
            Self::TooLarge(_) | Self::Wrong { hint: None, .. } => Some("is it the file that is meant?"),
        }
    }

    pub(crate) fn is_missing(&self) -> bool {
        match self {
            Self::Io(error) => error.kind() == io::ErrorKind::NotFound,
            Self::NotRegular(_) | Self::TooLarge(_) | Self::OutOfReach | Self::Wrong { .. } => false,
        }
    }

    pub(crate) fn is_out_of_reach(&self) -> bool {
        matches!(self, Self::OutOfReach)
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            error @ (ReadError::NotRegular(_)
            | ReadError::TooLarge(_)
            | ReadError::OutOfReach
            | ReadError::Wrong { .. }) => Self::other(error.to_string()),
        }
    }
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::NotRegular(found) => write!(f, "expected a regular file, found {found}"),
            Self::TooLarge(most) => write!(f, "expected at most {most} bytes, found more"),
            Self::OutOfReach => f.write_str("the sandbox keeps the running program from reading there"),
            Self::Wrong { why, .. } => f.write_str(why),
        }
    }
}

impl std::error::Error for ReadError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path, most: u64) -> String {
        read(path, most).unwrap_err().to_string()
    }

    #[test]
    fn a_directory_a_device_and_a_pipe_are_no_files() {
        let home = tempfile::tempdir().unwrap();
        let pipe = home.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(refused(home.path(), 9), "expected a regular file, found a directory");
        assert_eq!(refused(Path::new("/dev/zero"), 9), "expected a regular file, found a device");
        assert_eq!(refused(&pipe, 9), "expected a regular file, found a pipe");
    }

    #[test]
    fn a_file_is_read_to_its_bound_and_no_further() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("list.txt");
        fs::write(&path, "0123456789").unwrap();
        assert_eq!(read(&path, 10).unwrap(), b"0123456789");
        assert_eq!(refused(&path, 9), "expected at most 9 bytes, found more");
    }
}
