//! Why the database cannot be used, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Error, ErrorCode};

use crate::lock::{Holder, Who};

/// Why the database cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreError {
    /// Another program writes it.
    InUse { path: PathBuf, holder: Holder },
    /// Others could read it or put another file in its place.
    NotPrivate { path: PathBuf, why: &'static str },
    /// It is no database, or that of another program.
    Foreign { path: PathBuf },
    /// A newer version of this program made it.
    Newer { path: PathBuf, version: i64, known: i64 },
    /// What it holds contradicts itself, or is not what its version has.
    Damaged { path: PathBuf, detail: String },
    /// There is none.
    Missing { path: PathBuf },
    /// The disk is full, the file is read-only, …: it may pass.
    Unavailable { path: PathBuf, detail: String },
}

impl StoreError {
    /// Makes the error of what `SQLite` says of a file.
    pub(crate) fn of(path: &Path, error: &Error) -> Self {
        let path = path.to_owned();
        let detail = said(error);
        if is_misfit(error) {
            return Self::Damaged { path, detail };
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, detail },
            Some(ErrorCode::NotADatabase) => Self::Foreign { path },
            _ => Self::Unavailable { path, detail },
        }
    }

    /// Tells whether it may pass by itself, so that calls are screened meanwhile.
    pub(crate) const fn may_pass(&self) -> bool {
        match self {
            Self::Unavailable { .. } => true,
            Self::InUse { .. }
            | Self::NotPrivate { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Damaged { .. }
            | Self::Missing { .. } => false,
        }
    }

    /// Returns what to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::InUse { holder: Holder { who: Who::Verb, .. }, .. } => {
                "it is done in a moment: try again then".to_owned()
            }
            Self::InUse { holder: Holder { who: Who::Program, .. }, .. } => {
                "stop it, or give this one another file: [journal] path = \"…\"".to_owned()
            }
            Self::NotPrivate { .. } => {
                "name a file in a directory of your own: [journal] path = \"…\"".to_owned()
            }
            Self::Foreign { .. } => {
                "it is left as it is: name another file: [journal] path = \"…\"".to_owned()
            }
            Self::Newer { .. } => {
                "run that version again, or name another file: [journal] path = \"…\"".to_owned()
            }
            Self::Damaged { path, .. } => {
                let path = path.display();
                format!(
                    "stop the program, move {path}, {path}-wal and {path}-shm away, and start it again, with a backup in \
                     their place or with none"
                )
            }
            Self::Missing { .. } => "`ringfence run` makes it with the first call".to_owned(),
            Self::Unavailable { detail, .. } if detail.contains("Permission denied") => {
                "ask as root, or as the user who runs the program; that user is to have the folder (chown), or another one: \
                 [journal] path = \"…\""
                    .to_owned()
            }
            Self::Unavailable { .. } => "is the disk full, or the file read-only?".to_owned(),
        }
    }
}

/// Returns what `SQLite` says, without what it was asked: that is long, and nothing to whoever reads this.
pub(super) fn said(error: &Error) -> String {
    if let Error::SqlInputError { msg, .. } = error { msg.clone() } else { error.to_string() }
}

/// Tells whether tables, columns or values are others than those of a database of ours: somebody has changed them by hand.
pub(super) fn is_misfit(error: &Error) -> bool {
    let is_read_otherwise = matches!(
        error,
        Error::SqlInputError { .. }
            | Error::InvalidColumnType(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::FromSqlConversionFailure(..)
            | Error::QueryReturnedNoRows
    );
    let code = error.sqlite_error_code();
    is_read_otherwise
        || matches!(code, Some(ErrorCode::Unknown | ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch))
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { path, holder: Holder { pid, who } } => {
                let who = match who {
                    Who::Program => "another ringfence",
                    Who::Verb => "a verb of ringfence",
                };
                // On a full disk it could not write down which it is.
                let process = if pid.is_empty() { String::new() } else { format!(" (process {pid})") };
                write!(f, "{who}{process} writes the journal {}", path.display())
            }
            Self::NotPrivate { path, why } => {
                write!(f, "cannot keep the journal at {}: {why}", path.display())
            }
            Self::Foreign { path } => {
                write!(f, "expected a journal at {}, got another file", path.display())
            }
            Self::Newer { path, version, known } => write!(
                f,
                "expected a journal of version {known} or older at {}, got version {version}",
                path.display()
            ),
            Self::Damaged { path, detail } => {
                write!(f, "the journal {} is damaged: {detail}", path.display())
            }
            Self::Missing { path } => write!(f, "there is no journal at {}", path.display()),
            Self::Unavailable { path, detail } => {
                write!(f, "cannot use the journal {}: {detail}", path.display())
            }
        }
    }
}

impl std::error::Error for StoreError {}
