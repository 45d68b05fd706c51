//! Where the rows of a list come from, and who is asked, in the form in which it is done.

use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::Url;
use ringfence_policy::{Format, ListSource};

use super::error::SourceError;

/// Where rows of a list come from. All of them are read before a call asks for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file of this machine, or a directory of vCards.
    File { path: PathBuf, format: Option<Format> },
    /// A compiled list of this machine, which is mapped.
    Compiled { path: PathBuf },
    /// A file on a server.
    Web { url: Url, format: Option<Format> },
    /// An address book on a `CardDAV` server (RFC 6352).
    AddressBook { url: Url },
    /// The complaints of the last days to the US Federal Trade Commission, from here.
    FtcDnc { base: Url },
}

impl Source {
    /// Tells whether it is fetched, and a copy of it kept.
    pub(crate) fn is_fetched(&self) -> bool {
        match self {
            Self::Web { .. } | Self::AddressBook { .. } | Self::FtcDnc { .. } => true,
            Self::File { .. } | Self::Compiled { .. } => false,
        }
    }
}

/// Who is asked about each single call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LookUp {
    /// `PhoneBlock`'s database.
    PhoneBlock { api: Url, tells: Tells },
    /// A web service that reads and writes JSON.
    Service { url: Url },
    /// A program that reads and writes lines of JSON.
    Program { path: PathBuf },
}

/// What `PhoneBlock` is told of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tells {
    /// The beginning of a hash, which thousands of numbers share.
    #[default]
    Prefix,
    /// All of the hash, by which whoever hashes all numbers finds the number.
    Hash,
}

/// Either of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ready {
    Source(Source),
    LookUp(LookUp),
}

impl Ready {
    /// Makes a source ready to be asked; relative paths are looked for in `directory`.
    pub(crate) fn new(source: &ListSource, directory: &Path) -> Result<Self, SourceError> {
        Ok(match source {
            ListSource::File { path, format } => {
                Self::Source(Source::File { path: directory.join(path), format: format.clone() })
            }
            ListSource::Set { path } => Self::Source(Source::Compiled { path: directory.join(path) }),
            ListSource::Https { url, format } => {
                Self::Source(Source::Web { url: address(url)?, format: format.clone() })
            }
            ListSource::CardDav { url } => Self::Source(Source::AddressBook { url: address(url)? }),
            ListSource::FtcDoNotCall => Self::Source(Source::FtcDnc { base: address(FTC)? }),
            ListSource::PhoneBlock => {
                Self::LookUp(LookUp::PhoneBlock { api: address(PHONEBLOCK)?, tells: Tells::default() })
            }
            ListSource::LookupHttps { url } => Self::LookUp(LookUp::Service { url: address(url)? }),
            ListSource::LookupProgram { program } => {
                Self::LookUp(LookUp::Program { path: directory.join(program) })
            }
        })
    }
}

/// Reads an address with a host, and without a user, who would be in every log and status.
fn address(text: &str) -> Result<Url, SourceError> {
    // What stands before an @ may be a password.
    let found = text.rsplit('@').next().unwrap_or_default();
    let found =
        || SourceError::NotExpected { expected: "an address, https://host/path", found: found.to_owned() };
    let url = Url::parse(text).map_err(|_| found())?;
    if url.scheme() != "https" || !url.has_host() {
        return Err(found());
    }
    if url.username().is_empty() && url.password().is_none() {
        return Ok(url);
    }
    Err(SourceError::Credential {
        why: "expected an address without a user, who goes into `user`".to_owned(),
    })
}

/// Where the Federal Trade Commission puts the file of a day.
const FTC: &str = "https://www.ftc.gov/sites/default/files/";
/// Where `PhoneBlock` answers.
const PHONEBLOCK: &str = "https://phoneblock.net/phoneblock/api/";

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, .. } => write!(f, "{}", path.display()),
            Self::Compiled { path } => write!(f, "set:{}", path.display()),
            Self::Web { url, .. } => write!(f, "{}", without_query(url)),
            Self::AddressBook { url } => {
                write!(f, "carddav{}", without_query(url).trim_start_matches("https"))
            }
            Self::FtcDnc { .. } => f.write_str("ftc-dnc"),
        }
    }
}

impl fmt::Display for LookUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PhoneBlock { .. } => f.write_str("phoneblock"),
            Self::Service { url } => write!(f, "lookup:{}", without_query(url)),
            Self::Program { path } => write!(f, "lookup:exec:{}", path.display()),
        }
    }
}

/// A query may hold a key.
fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}
