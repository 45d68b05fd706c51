//! The last good copy of each source, on disk: what is used when a server is not there.
//!
//! ```text
//! {"source":"https://…","content_type":…,"etag":…,"last_modified":…,"signature":…}⏎
//! the bytes as they came
//! ```
//!
//! A file is named by the hash of its source and of who asks it, without any secret, readable by its owner only, and replaced whole. When
//! its source was last seen to hold this is the file's time of modification.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};
use ring::digest::{Context, SHA256, digest};
use serde::{Deserialize, Serialize};

use super::error::{SourceError, UNKEPT};
use super::spec::ListSpec;
use crate::config::regular;
use crate::user::{is_of_system, own_user};

/// Something a source gave, with what is needed to ask whether it is still the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Document {
    /// The address or path it came from.
    pub(crate) source: String,
    pub(crate) content_type: Option<String>,
    pub(crate) etag: Option<String>,
    pub(crate) last_modified: Option<String>,
    /// Beside a list with a key, in base 64.
    pub(crate) signature: Option<String>,
    #[serde(skip)]
    pub(crate) body: Vec<u8>,
}

impl Document {
    /// Returns where it came from, fit to be shown: a query may hold a key.
    pub(crate) fn name(&self) -> &str {
        match self.source.split_once('?') {
            Some((address, _)) if address.starts_with("https://") => address,
            Some(_) | None => &self.source,
        }
    }

    /// Returns all but the bytes.
    pub(crate) fn without_body(&self) -> Self {
        Self {
            source: self.source.clone(),
            content_type: self.content_type.clone(),
            etag: self.etag.clone(),
            last_modified: self.last_modified.clone(),
            signature: self.signature.clone(),
            body: Vec::new(),
        }
    }
}

/// The directory of the copies.
#[derive(Debug, Clone)]
pub(crate) struct Copies {
    directory: PathBuf,
    /// Held while one is written: two lists may have the same source.
    writing: Arc<Mutex<()>>,
    /// Who asks for what is kept; see [`ListSpec::asker`].
    asker: Arc<str>,
}

/// The first line is no longer.
const MOST_HEAD: u64 = 64 * 1024;

impl Copies {
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, writing: Arc::default(), asker: Arc::default() }
    }

    /// Returns those of a list: what one user was given is not shown to another.
    pub(crate) fn of(&self, spec: &ListSpec) -> Self {
        Self { asker: spec.asker().into(), ..self.clone() }
    }

    /// Returns the usual directory: the service manager's, the user's, or the system's.
    pub(crate) fn usual_directory() -> PathBuf {
        let user = if is_of_system() { Some(0) } else { own_user().ok() };
        directory_of(user, |name| std::env::var_os(name))
    }

    /// Reads a copy, and when its source was last seen. What cannot be read is as good as missing.
    pub(crate) fn read(&self, source: &str, most: u64) -> Option<(Document, Timestamp)> {
        let path = self.path(source);
        let seen = fs::metadata(&path).ok()?.modified().ok()?;
        let bytes = regular::read(&path, most + MOST_HEAD).ok()?;
        let end = bytes.iter().position(|byte| *byte == b'\n')?;
        let mut document: Document = serde_json::from_slice(&bytes[..end]).ok()?;
        document.body = bytes[end + 1..].to_vec();
        // Two sources of one hash there are none, but a file may have been put there.
        (document.source == source).then_some((document, Timestamp::try_from(seen).ok()?))
    }

    /// Returns when a source was last seen to hold its copy, if there is one.
    pub(crate) fn seen(&self, source: &str) -> Option<Timestamp> {
        Timestamp::try_from(fs::metadata(self.path(source)).ok()?.modified().ok()?).ok()
    }

    /// Keeps a copy in the place of an older one.
    pub(crate) fn keep(&self, document: &Document, seen: Timestamp) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let path = self.path(&document.source);
        let new = path.with_extension("new");
        // What a crash has left there is not followed, whatever it is.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let written = write(&new, document, seen).and_then(|()| fs::rename(&new, &path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written
    }

    /// Notes that a source was seen to hold its copy still.
    pub(crate) fn touch(&self, source: &str, seen: Timestamp) -> io::Result<()> {
        File::options().append(true).open(self.path(source))?.set_modified(SystemTime::from(seen))
    }

    /// Removes the copies that are not wanted and have not been for long: another program of this user
    /// may still want those that were seen lately.
    pub(crate) fn sweep(&self, wanted: &[PathBuf], now: Timestamp) {
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_copy = path.extension().is_some_and(|extension| extension == "copy");
            if is_copy && !wanted.contains(&path) && is_forgotten(&path, now) {
                // What cannot be removed today is tried again tomorrow.
                let _ = fs::remove_file(&path);
            }
        }
    }

    /// Says that a copy cannot be kept.
    pub(crate) fn error(&self, error: &io::Error) -> SourceError {
        SourceError::File { path: self.directory.clone(), why: format!("{UNKEPT}: {error}") }
    }

    /// Returns where the copy of a source is, or would be.
    pub(crate) fn path(&self, source: &str) -> PathBuf {
        // No address has the character that stands between.
        let name =
            if self.asker.is_empty() { source.to_owned() } else { format!("{source}\0{}", self.asker) };
        let hash = digest(&SHA256, name.as_bytes());
        self.directory.join(hex(&hash.as_ref()[..NAME_BYTES])).with_extension("copy")
    }
}

/// Returns the usual directory of a user with these variables.
fn directory_of(user: Option<u32>, variable: impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    // systemd sets it for a service with `CacheDirectory=ringfence`.
    if let Some(directory) = absolute("CACHE_DIRECTORY") {
        return directory;
    }
    let directory = absolute("XDG_CACHE_HOME").unwrap_or_else(|| match (user, absolute("HOME")) {
        (Some(0), _) | (_, None) => PathBuf::from("/var/cache"),
        (_, Some(home)) => home.join(".cache"),
    });
    directory.join("ringfence")
}

fn is_forgotten(copy: &Path, now: Timestamp) -> bool {
    let seen = fs::metadata(copy).and_then(|metadata| metadata.modified());
    let seen = seen.ok().and_then(|seen| Timestamp::try_from(seen).ok());
    seen.is_some_and(|seen| now.duration_since(seen) > FORGOTTEN_AFTER)
}

/// A source that is named again within a month has its copy still.
const FORGOTTEN_AFTER: SignedDuration = SignedDuration::from_hours(31 * 24);

/// Writes bytes in hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |value| char::from(b"0123456789ABCDEF"[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Half of a SHA-256 names a file.
const NAME_BYTES: usize = 16;

fn write(path: &Path, document: &Document, seen: Timestamp) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let mut head = serde_json::to_vec(document)?;
    head.push(b'\n');
    file.write_all(&head)?;
    file.write_all(&document.body)?;
    file.set_modified(SystemTime::from(seen))?;
    file.sync_all()
}

/// Returns what tells whether a source holds something else than before.
pub(super) fn fingerprint(documents: &[Document]) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    for document in documents {
        context.update(document.source.as_bytes());
        context.update(&[0]);
        // Of a compiled list, the stamp is all that is looked at here.
        context.update(
            document.etag.as_deref().filter(|_| document.body.is_empty()).unwrap_or_default().as_bytes(),
        );
        context.update(&u64::try_from(document.body.len()).unwrap_or(u64::MAX).to_le_bytes());
        context.update(&document.body);
    }
    context.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOME: (&str, &str) = ("HOME", "/home/anna");

    #[track_caller]
    fn stand_in(expected: &str, user: Option<u32>, variables: &[(&str, &str)]) {
        let variable = |name: &str| variables.iter().find(|(known, _)| *known == name);
        let found = directory_of(user, |name| variable(name).map(|(_, value)| value.into()));
        assert_eq!(found, Path::new(expected), "{user:?} {variables:?}");
    }

    #[test]
    fn copies_stand_where_the_service_manager_or_the_user_says() {
        let (service, cache) = (("CACHE_DIRECTORY", "/run/cache/screen"), ("XDG_CACHE_HOME", "/mnt/cache"));
        stand_in("/run/cache/screen", Some(0), &[service, cache, HOME]);
        stand_in("/mnt/cache/ringfence", Some(0), &[cache, HOME]);
        stand_in("/mnt/cache/ringfence", Some(1_000), &[cache, HOME]);
    }

    #[test]
    fn copies_stand_in_the_cache_of_the_user_and_in_that_of_the_system_for_root() {
        stand_in("/home/anna/.cache/ringfence", Some(1_000), &[HOME]);
        stand_in("/home/anna/.cache/ringfence", None, &[HOME]);
        stand_in("/var/cache/ringfence", Some(0), &[HOME]);
        stand_in("/var/cache/ringfence", Some(1_000), &[]);
    }

    #[test]
    fn a_place_that_depends_on_where_the_program_is_started_is_none() {
        let relative = [("CACHE_DIRECTORY", "cache"), ("XDG_CACHE_HOME", ""), HOME];
        stand_in("/home/anna/.cache/ringfence", Some(1_000), &relative);
        stand_in("/var/cache/ringfence", Some(1_000), &[("HOME", ".")]);
    }
}
