//! Who this program runs as, and what is that user's alone.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;

/// Returns the user this program runs as: whose a new pipe is.
pub(crate) fn own_user() -> io::Result<u32> {
    let (reader, _writer) = io::pipe()?;
    Ok(File::from(OwnedFd::from(reader)).metadata()?.uid())
}

/// Tells whether nobody but a user, and root, can put a file into a directory or take one away.
pub(crate) fn is_closed(directory: &Metadata, user: u32) -> bool {
    let is_ours = directory.uid() == user || directory.uid() == 0;
    let is_sticky = directory.mode() & 0o1000 != 0;
    is_ours && (directory.mode() & 0o022 == 0 || is_sticky)
}
