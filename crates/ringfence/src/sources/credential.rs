//! Who this program is to a source: the secret is read anew for each request, and kept nowhere.

use std::path::PathBuf;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::base64;
use super::error::SourceError;
use crate::config::{Stamped, regular};

/// A user and a password (RFC 7617), or without a user a key (RFC 6750).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) user: Option<String>,
    pub(crate) secret: SecretPlace,
}

/// Where the secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretPlace {
    /// The first line of a file.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
}

impl Credential {
    /// Adds the header that says who asks.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) -> Result<(), SourceError> {
        let secret = self.secret.read()?;
        let value = match &self.user {
            Some(user) => format!("Basic {}", base64::encode(format!("{user}:{secret}").as_bytes())),
            None => format!("Bearer {secret}"),
        };
        let value = HeaderValue::try_from(value);
        let mut value =
            value.map_err(|_| credential("the password has characters that no header can carry"))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Ok(())
    }
}

impl Credential {
    /// Returns which version of its file the secret is in, if it is in a file.
    pub(crate) fn stamp(&self) -> Option<Stamped> {
        match &self.secret {
            SecretPlace::File(path) => Some(Stamped::now(path)),
            SecretPlace::Variable(_) => None,
        }
    }
}

impl SecretPlace {
    pub(super) fn read(&self) -> Result<String, SourceError> {
        let secret = match self {
            Self::File(path) => {
                let bytes = regular::read(path, MOST_SECRET).map_err(|error| {
                    credential(&format!("cannot read the password file {}: {error}", path.display()))
                })?;
                let text = String::from_utf8_lossy(&bytes);
                text.lines().next().unwrap_or_default().trim().to_owned()
            }
            Self::Variable(name) => std::env::var(name).unwrap_or_default(),
        };
        match (secret.is_empty(), self) {
            (false, _) => Ok(secret),
            (true, Self::File(path)) => Err(credential(&format!(
                "expected a password on the first line of {}, found nothing",
                path.display()
            ))),
            (true, Self::Variable(name)) => Err(credential(&format!(
                "expected a password in the environment variable {name}, which is not set"
            ))),
        }
    }
}

/// Its first line is the password, in bytes.
const MOST_SECRET: u64 = 4096;

fn credential(why: &str) -> SourceError {
    SourceError::Credential { why: why.to_owned() }
}
