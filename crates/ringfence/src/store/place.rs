//! Where the database is, and that it is ours alone.
//!
//! `SQLite` gives its files beside the database (`-wal`, `-shm`) the mode of the database itself. The
//! database is never opened here: to close it again would drop the locks that `SQLite` has on it.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::StoreError;
use crate::lock;
use crate::user::{is_closed, is_of_system, own_user};

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

/// A database and the files that `SQLite` keeps beside it, as they were when it was opened.
#[derive(Debug)]
pub(super) struct Files {
    database: Identity,
    beside: [(&'static str, Option<Identity>); 2],
}

impl Files {
    /// Notes which files stand beside a database that is open.
    pub(super) fn of(path: &Path, database: Identity) -> Self {
        let beside = ["-wal", "-shm"].map(|end| (end, identity(&beside(path, end))));
        Self { database, beside }
    }

    /// Returns the first that is no longer the one it was.
    pub(super) fn misplaced(&self, path: &Path) -> Option<PathBuf> {
        if identity(path) != Some(self.database) {
            return Some(path.to_owned());
        }
        let mut known = self.beside.iter().filter(|(_, known)| known.is_some());
        known.find_map(|(end, known)| {
            let path = beside(path, end);
            (identity(&path) != *known).then_some(path)
        })
    }

    /// Removes those beside it where another database stands in its place, which they do not belong to. Returns those that
    /// were.
    pub(super) fn remove_beside_another(&self, path: &Path) -> Vec<PathBuf> {
        if identity(path) == Some(self.database) {
            return Vec::new();
        }
        let known = self.beside.iter().filter(|(_, known)| known.is_some());
        let paths = known.map(|(end, known)| (beside(path, end), known));
        let own = paths.filter(|(path, known)| identity(path) == **known).map(|(path, _)| path);
        own.filter(|path| fs::remove_file(path).is_ok()).collect()
    }
}

/// Returns where the journal is when nothing says so: in the directory that a service manager gives,
/// in `$XDG_STATE_HOME`, for root in `/var/lib`, for others in `~/.local/state`.
pub(super) fn default_place() -> PathBuf {
    let of = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let directory =
        of("STATE_DIRECTORY").or_else(|| of("XDG_STATE_HOME").map(|state| state.join("ringfence")));
    let directory = directory.unwrap_or_else(|| match of("HOME").filter(|_| !is_of_system()) {
        None => PathBuf::from("/var/lib/ringfence"),
        Some(home) => home.join(".local/state/ringfence"),
    });
    directory.join("ringfence.db")
}

/// Makes the directory if it is missing, and returns the path without a symlink in its directory.
pub(super) fn prepare(path: &Path) -> Result<PathBuf, StoreError> {
    let (directory, name) = parts(path)?;
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(unavailable(path))?;
    let directory = fs::canonicalize(directory).map_err(unavailable(path))?;
    let user = own_user().map_err(unavailable(path))?;
    let metadata = fs::metadata(&directory).map_err(unavailable(path))?;
    if !is_closed(&metadata, user) {
        return Err(not_private(path, "others may write to its directory"));
    }
    let path = directory.join(name);
    for end in ["", "-wal", "-shm", "-journal"] {
        is_private(&beside(&path, end), user)?;
    }
    is_private(&lock::name(&path), user)?;
    Ok(path)
}

/// Makes the file if it is missing, for its owner only, and returns which one it is.
pub(super) fn create(path: &Path) -> Result<Identity, StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_new) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let metadata = fs::symlink_metadata(path).map_err(unavailable(path))?;
            if metadata.mode() & 0o077 != 0 {
                fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(unavailable(path))?;
            }
        }
        Err(error) => return Err(unavailable(path)(error)),
    }
    identity(path).ok_or_else(|| StoreError::Missing { path: path.to_owned() })
}

/// Returns the path of a database that exists, without a symlink in its directory. An empty file is none yet: it is what a
/// start leaves that had no room for more.
pub(super) fn existing(path: &Path) -> Result<PathBuf, StoreError> {
    let (directory, name) = parts(path)?;
    // One that may not be reached is not told as one that is not there: it may have calls.
    let failed = |error: io::Error| {
        let is_missing = error.kind() == io::ErrorKind::NotFound;
        if is_missing { StoreError::Missing { path: path.to_owned() } } else { unavailable(path)(error) }
    };
    let path = fs::canonicalize(directory).map_err(failed)?.join(name);
    let metadata = fs::symlink_metadata(&path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(not_private(&path, "it is not a plain file"));
    }
    if metadata.len() == 0 { Err(StoreError::Missing { path }) } else { Ok(path) }
}

/// Returns which file stands at a path.
pub(super) fn identity(path: &Path) -> Option<Identity> {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some(Identity { device: metadata.dev(), inode: metadata.ino() })
}

/// Returns the path with an ending.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Tells whether all of a database is in its file: nobody has written to it since its log of changes was moved there. One
/// that could not be made on a full disk is empty.
pub(super) fn is_at_rest(path: &Path) -> bool {
    let log = fs::symlink_metadata(beside(path, "-wal"));
    log.map_or_else(|error| error.kind() == io::ErrorKind::NotFound, |log| log.len() == 0)
}

/// Returns the URI by which `SQLite` reads a database that stays as it is, without a file beside it
/// (<https://www.sqlite.org/uri.html#uriimmutable>).
pub(super) fn at_rest(path: &Path) -> OsString {
    let mut uri = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.extend(format!("%{byte:02x}").bytes()),
            byte => uri.push(*byte),
        }
    }
    uri.extend(b"?immutable=1");
    OsString::from_vec(uri)
}

fn parts(path: &Path) -> Result<(&Path, &std::ffi::OsStr), StoreError> {
    let name = path.file_name().ok_or_else(|| not_private(path, "it names no file"))?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Ok((directory.unwrap_or(Path::new(".")), name))
}

fn is_private(path: &Path, user: u32) -> Result<(), StoreError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(not_private(path, "it is not a plain file")),
        Ok(metadata) if metadata.uid() != user => Err(not_private(path, "it belongs to another user")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unavailable(path)(error)),
    }
}

fn not_private(path: &Path, why: &'static str) -> StoreError {
    StoreError::NotPrivate { path: path.to_owned(), why }
}

fn unavailable(path: &Path) -> impl Fn(io::Error) -> StoreError {
    move |error| StoreError::Unavailable { path: path.to_owned(), detail: error.to_string() }
}
