//! Which version of a file was read.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file as it was just before it was read, or that it was not there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Stamped {
    pub(crate) path: PathBuf,
    version: Option<Version>,
}

/// What tells one version of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Version {
    device: u64,
    inode: u64,
    length: u64,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
}

impl Stamped {
    /// Looks at a file; what a link leads to counts.
    pub(crate) fn now(path: &Path) -> Self {
        let version = fs::metadata(path).ok().map(|metadata| Version {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        });
        Self { path: path.to_owned(), version }
    }

    /// Tells whether the file had something in it and is empty at a later look.
    pub(crate) fn is_emptied(&self, later: &Self) -> bool {
        let length = |stamped: &Self| stamped.version.map(|version| version.length);
        length(self).is_some_and(|length| length > 0) && length(later) == Some(0)
    }

    /// Tells whether the file is as it was.
    pub(crate) fn is_current(&self) -> bool {
        Self::now(&self.path) == *self
    }
}
