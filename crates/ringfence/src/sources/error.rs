//! Why nothing came of a source.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Why a source gave nothing that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SourceError {
    /// Every address of the host belongs to this machine or its networks.
    NotPublic { host: String },
    /// The host's name leads nowhere.
    NoAddress { host: String },
    /// No connection, or TLS did not accept the server.
    NoConnection { why: String },
    /// What came is no HTTP, or ends in the middle.
    Broken { why: String },
    /// Not all of it came in time.
    Late { patience: Duration },
    /// The server's answer is no success.
    Status { status: u16, retry_after: Option<Duration> },
    /// The server sends elsewhere.
    Redirected { to: String },
    /// Longer than a source may be.
    TooLarge { most: u64 },
    /// What came is something else, as its content type or encoding says.
    NotExpected { expected: &'static str, found: String },
    /// What came cannot be read.
    Garbage { why: String },
    /// The signature is missing or not of the list's key.
    Signature { why: String },
    /// Far fewer rows than before.
    Shrunk { from: usize, to: usize },
    /// Fewer rows than the list is to have.
    TooFew { least: usize, found: usize },
    /// No password or key where the list says one is.
    Credential { why: String },
    /// A file cannot be read.
    File { path: PathBuf, why: String },
    /// A compiled list is not what was written, and what to do about it.
    Spoilt { path: PathBuf, why: String, hint: &'static str },
    /// The program that is asked cannot be run, or ended.
    Program { why: String },
    /// As many questions are under way as the source takes.
    Busy,
    /// It failed too often, and is left alone for so long.
    LeftAlone { rest: Duration },
    /// The source knows nothing of such callers, so it is not asked.
    NotAsked { why: &'static str },
}

/// How it begins that a copy could not be written.
pub(super) const UNKEPT: &str = "no copy of the list is kept";

impl SourceError {
    /// Tells whether trying again soon may help: the server or the way to it failed, not what it sent.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::NoAddress { .. }
            | Self::NoConnection { .. }
            | Self::Broken { .. }
            | Self::Late { .. }
            | Self::Status { .. }
            | Self::File { .. }
            | Self::Spoilt { .. }
            | Self::Busy => true,
            Self::NotPublic { .. }
            | Self::Redirected { .. }
            | Self::TooLarge { .. }
            | Self::NotExpected { .. }
            | Self::Garbage { .. }
            | Self::Signature { .. }
            | Self::Shrunk { .. }
            | Self::TooFew { .. }
            | Self::Credential { .. }
            | Self::Program { .. }
            | Self::LeftAlone { .. }
            | Self::NotAsked { .. } => false,
        }
    }

    /// Returns what to do about it, if that is known.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotPublic { .. } => Some("`private = true` allows a server in your own network"),
            Self::Redirected { .. } => Some("write the new address as the source, if it is to be trusted"),
            Self::Signature { .. } => Some("has the list's owner a new key?"),
            Self::Shrunk { .. } | Self::TooFew { .. } => Some("`min = 0` takes every copy"),
            Self::NoConnection { .. } => {
                Some("`ca = \"file.pem\"` names the authority of a server of your own")
            }
            Self::Credential { .. } => Some("`password_file` or `password_env` say where it is"),
            Self::Spoilt { hint, .. } => Some(hint),
            Self::Status { status: 401 | 403, .. } => Some("`user` and `password_file` say who asks"),
            Self::Status { status: 404 | 410, .. } => Some("has the list another address now?"),
            Self::File { why, .. } if why.starts_with(UNKEPT) => Some("is the disk full?"),
            Self::File { .. } => Some("is it there, and may the user who runs the program read it?"),
            Self::NoAddress { .. }
            | Self::Broken { .. }
            | Self::Late { .. }
            | Self::Status { .. }
            | Self::TooLarge { .. }
            | Self::NotExpected { .. }
            | Self::Garbage { .. }
            | Self::Program { .. }
            | Self::Busy
            | Self::LeftAlone { .. }
            | Self::NotAsked { .. } => None,
        }
    }

    /// Returns the error as it may be logged: what a list says is people.
    pub(crate) fn without_content(&self) -> String {
        if let Self::Garbage { .. } = self { "cannot be read".to_owned() } else { self.to_string() }
    }

    /// Returns how long the server asks not to be asked again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        if let Self::Status { retry_after, .. } = self { *retry_after } else { None }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPublic { host } => {
                write!(f, "{host} is in a private network, expected a public address")
            }
            Self::NoAddress { host } => write!(f, "{host} has no address"),
            Self::NoConnection { why } => write!(f, "no connection: {why}"),
            Self::Broken { why } => write!(f, "the answer broke off: {why}"),
            Self::Late { patience } => {
                write!(f, "no whole answer within {:?}", whole_milliseconds(*patience))
            }
            Self::Status { status, .. } => write!(f, "expected a success, the server answered {status}"),
            Self::Redirected { to } => write!(f, "the server sends to {to}, expected the list itself"),
            Self::TooLarge { most } => write!(f, "expected at most {most} bytes, found more"),
            Self::NotExpected { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::Garbage { why } => write!(f, "cannot be read: {why}"),
            Self::Signature { why } => write!(f, "not taken: {why}"),
            Self::Shrunk { from, to } => write!(f, "not taken: {to} rows, there were {from}"),
            Self::TooFew { least, found } => {
                write!(f, "not taken: expected at least {least} rows, found {found}")
            }
            Self::Spoilt { path, why, .. } => write!(f, "{}: {why}", path.display()),
            Self::File { path, why } => write!(f, "cannot read {}: {why}", path.display()),
            Self::Credential { why } | Self::Program { why } => f.write_str(why),
            Self::Busy => f.write_str("too many questions are under way"),
            Self::LeftAlone { rest } => {
                write!(f, "failed too often, left alone for {} s", rest.as_secs() + 1)
            }
            Self::NotAsked { why } => write!(f, "not asked: {why}"),
        }
    }
}

impl std::error::Error for SourceError {}

fn whole_milliseconds(time: Duration) -> Duration {
    let milliseconds = time.as_micros().div_ceil(1_000);
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or(u64::MAX))
}
