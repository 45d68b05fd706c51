//! Where the entries of a list come from.

use std::fmt;

use crate::format::{Columns, Format};

/// Where the entries of a list come from.
///
/// ```
/// use ringfence_policy::{Columns, Format, ListSource};
///
/// let contacts = ListSource::parse("contacts.vcf", &Columns::default())?;
/// assert_eq!(contacts, ListSource::File { path: "contacts.vcf".to_owned(), format: Some(Format::VCard) });
/// assert_eq!(ListSource::parse("phoneblock", &Columns::default())?, ListSource::PhoneBlock);
/// assert!(ListSource::parse("http://example.com/list.txt", &Columns::default()).is_err());
/// # Ok::<(), ringfence_policy::SourceError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ListSource {
    /// A file.
    File {
        /// The path, relative to the policy file.
        path: String,
        /// The format, unless only the content tells.
        format: Option<Format>,
    },
    /// A compiled set of numbers.
    Set {
        /// The path, relative to the policy file.
        path: String,
    },
    /// A page that is fetched.
    Https {
        /// The address.
        url: String,
        /// The format, unless only the content tells.
        format: Option<Format>,
    },
    /// An address book that is fetched (RFC 6352).
    CardDav {
        /// The address, beginning with `https://`.
        url: String,
    },
    /// The complaints that the United States' Federal Trade Commission publishes daily.
    FtcDoNotCall,
    /// The community database of `PhoneBlock`.
    PhoneBlock,
    /// A service that is asked about each caller by HTTPS.
    LookupHttps {
        /// The address.
        url: String,
    },
    /// A program that is asked about each caller on its standard input.
    LookupProgram {
        /// The program, relative to the policy file.
        program: String,
    },
}

impl ListSource {
    /// Returns whether it is fetched from a server, so that nothing may have come of it yet.
    #[must_use]
    pub fn is_fetched(&self) -> bool {
        match self {
            Self::Https { .. } | Self::CardDav { .. } | Self::FtcDoNotCall => true,
            Self::File { .. }
            | Self::Set { .. }
            | Self::PhoneBlock
            | Self::LookupHttps { .. }
            | Self::LookupProgram { .. } => false,
        }
    }

    /// Reads a source as it is written: by its scheme, its word, or the ending of a path.
    pub fn parse(written: &str, columns: &Columns) -> Result<Self, SourceError> {
        let written = written.trim();
        let error = |reason| SourceError { found: crate::printable::printable(written).to_string(), reason };
        if written.is_empty() || written.len() > LONGEST || written.contains(char::is_control) {
            return Err(error(Reason::NoPath));
        }
        match written {
            "ftc-dnc" => return Ok(Self::FtcDoNotCall),
            "phoneblock" => return Ok(Self::PhoneBlock),
            _ => {}
        }
        if let Some(what) = written.strip_prefix("lookup:").filter(|what| !has_password(what)) {
            return match what.strip_prefix("exec:") {
                Some("") => Err(error(Reason::NoPath)),
                Some(program) => Ok(Self::LookupProgram { program: program.to_owned() }),
                None if is_https(what) => Ok(Self::LookupHttps { url: what.to_owned() }),
                None => Err(error(Reason::Lookup)),
            };
        }
        if has_password(written) {
            return Err(error(Reason::Password));
        }
        let Some((scheme, rest)) = written.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
            return Ok(Self::of_path(written, columns));
        };
        match scheme {
            "https" if is_https(written) => {
                let path = rest.split(['?', '#']).next().unwrap_or(rest);
                let format = by_ending(path, columns);
                Ok(Self::Https { url: written.to_owned(), format })
            }
            "carddav" if rest.starts_with("//") && rest.len() > 2 => {
                Ok(Self::CardDav { url: format!("https:{rest}") })
            }
            "https" | "carddav" => Err(error(Reason::NoHost)),
            "http" => Err(error(Reason::Unencrypted)),
            "set" if !rest.is_empty() => Ok(Self::Set { path: rest.to_owned() }),
            _ if rest.is_empty() => Err(error(Reason::NoPath)),
            _ => match Format::parse(scheme) {
                Some(format) => {
                    Ok(Self::File { path: rest.to_owned(), format: Some(with_columns(format, columns)) })
                }
                None => Err(error(Reason::Scheme)),
            },
        }
    }

    fn of_path(path: &str, columns: &Columns) -> Self {
        if path.rsplit_once('.').is_some_and(|(_, ending)| ending.eq_ignore_ascii_case("set")) {
            return Self::Set { path: path.to_owned() };
        }
        Self::File { path: path.to_owned(), format: by_ending(path, columns) }
    }

    /// Says which format it is, whatever the name says.
    pub(super) fn with_format(self, known: Format) -> Self {
        match self {
            Self::File { path, format: _ } => Self::File { path, format: Some(known) },
            Self::Https { url, format: _ } => Self::Https { url, format: Some(known) },
            Self::Set { .. }
            | Self::CardDav { .. }
            | Self::FtcDoNotCall
            | Self::PhoneBlock
            | Self::LookupHttps { .. }
            | Self::LookupProgram { .. } => self,
        }
    }

    /// Returns whether the source is asked about each caller, while the call waits.
    #[must_use]
    pub fn is_lookup(&self) -> bool {
        match self {
            Self::PhoneBlock | Self::LookupHttps { .. } | Self::LookupProgram { .. } => true,
            Self::File { .. }
            | Self::Set { .. }
            | Self::Https { .. }
            | Self::CardDav { .. }
            | Self::FtcDoNotCall => false,
        }
    }
}

/// Longer than any path or address that a server takes.
const LONGEST: usize = 4_096;

/// One letter before a colon is a drive.
fn is_scheme(scheme: &str) -> bool {
    scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_https(url: &str) -> bool {
    url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// A password in an address would stand in every message that names the source.
fn has_password(url: &str) -> bool {
    let authority = url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    authority.is_some_and(|authority| authority.contains('@'))
}

fn by_ending(path: &str, columns: &Columns) -> Option<Format> {
    Format::guess(Some(path), None, b"").map(|format| with_columns(format, columns))
}

pub(super) fn with_columns(format: Format, columns: &Columns) -> Format {
    if let Format::Csv(_) = format { Format::Csv(columns.clone()) } else { format }
}

impl fmt::Display for ListSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, format: Some(format) } => write!(f, "{}:{path}", format.name()),
            Self::File { path, format: None } => f.write_str(path),
            Self::Set { path } => write!(f, "set:{path}"),
            Self::Https { url, .. } => f.write_str(url),
            Self::CardDav { url } => write!(f, "carddav{}", url.trim_start_matches("https")),
            Self::FtcDoNotCall => f.write_str("ftc-dnc"),
            Self::PhoneBlock => f.write_str("phoneblock"),
            Self::LookupHttps { url } => write!(f, "lookup:{url}"),
            Self::LookupProgram { program } => write!(f, "lookup:exec:{program}"),
        }
    }
}

/// Why a text is no source.
///
/// ```
/// use ringfence_policy::{Columns, ListSource};
///
/// assert_eq!(
///     ListSource::parse("ftp://example.com/x", &Columns::default()).unwrap_err().to_string(),
///     "expected a path or a source such as `vcard:PATH` or `https://…`, found `ftp://example.com/x`"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceError {
    found: String,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    NoPath,
    NoHost,
    Password,
    Unencrypted,
    Lookup,
    Scheme,
}

impl SourceError {
    /// Returns what to write instead.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self.reason {
            Reason::NoPath => "for example: source = \"csv:customers.csv\"",
            Reason::NoHost => "for example: source = \"https://lists.example.com/spam.txt\"",
            Reason::Password => "write `user` and `password_file` beside `source`",
            Reason::Unencrypted => {
                "write https://: whoever can change a list on its way decides who gets through"
            }
            Reason::Lookup => "write lookup:https://… or lookup:exec:PROGRAM",
            Reason::Scheme => {
                "known here: text, csv, vcard, callblocker, ncid, freeswitch, asterisk, set, https, carddav, lookup, \
                 ftc-dnc, phoneblock"
            }
        }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = match self.reason {
            Reason::NoPath | Reason::Scheme => "a path or a source such as `vcard:PATH` or `https://…`",
            Reason::NoHost => "an address with a host",
            Reason::Password => {
                return f.write_str("expected an address without a user or a password, found one with them");
            }
            Reason::Unencrypted => "an encrypted source",
            Reason::Lookup => "a look-up by `https://…` or `exec:PROGRAM`",
        };
        write!(f, "expected {expected}, found `{}`", self.found)
    }
}

impl std::error::Error for SourceError {}
