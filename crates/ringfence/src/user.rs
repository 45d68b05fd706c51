//! Who this program runs as, and what is that user's alone.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Returns the user this program runs as: whose a new pipe is.
pub(crate) fn own_user() -> io::Result<u32> {
    let (reader, _writer) = io::pipe()?;
    Ok(File::from(OwnedFd::from(reader)).metadata()?.uid())
}

/// Whether root has started the program, which then has become another user.
static STARTED_BY_ROOT: AtomicBool = AtomicBool::new(false);

/// Notes that the program was root's, and is another user's from now on.
#[cfg(target_os = "linux")]
pub(crate) fn note_started_by_root() {
    STARTED_BY_ROOT.store(true, Relaxed);
}

/// Tells whether the program is the system's and no person's: it keeps what it has in the system's folders.
pub(crate) fn is_of_system() -> bool {
    STARTED_BY_ROOT.load(Relaxed) || own_user().is_ok_and(|user| user == 0)
}

/// Tells whether nobody but a user, and root, can put a file into a directory or take one away.
pub(crate) fn is_closed(directory: &Metadata, user: u32) -> bool {
    let is_ours = directory.uid() == user || directory.uid() == 0;
    let is_sticky = directory.mode() & 0o1000 != 0;
    is_ours && (directory.mode() & 0o022 == 0 || is_sticky)
}
