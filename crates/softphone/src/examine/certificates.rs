//! What a server shows of itself by TLS: it is kept as it is verified, also where it is refused.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_rustls::rustls::ClientConnection;
use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

pub use crate::io::streams::failure::Distrust;
use crate::tls::Seen;
use crate::tls::identity::identities;

/// What a server showed of itself by TLS.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Shown {
    /// Its certificate and those that lead from it to an authority, in the order in which they came; up to 10.
    pub chain: Vec<Certificate>,
    /// The version of TLS, such as `TLS 1.3`, where the handshake came to an end.
    pub version: Option<String>,
    /// The cipher suite, in the same case.
    pub cipher: Option<String>,
    /// Whether any other would have been taken, too ([`DangerousTls`](crate::DangerousTls)).
    pub is_anyone: bool,
}

/// A certificate (RFC 5280).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// Who vouches for it.
    pub issuer: String,
    /// What it is for, by its `subjectAltName` (RFC 5922): `sip:` domains, DNS names and addresses, up to 32.
    pub names: Vec<String>,
    /// From when on it is valid.
    pub not_before: SystemTime,
    /// Until when.
    pub not_after: SystemTime,
}

/// Names that are kept of a certificate.
const MOST_NAMES: usize = 32;

impl Certificate {
    /// Reads one; what is none is left out.
    fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, read) = X509Certificate::from_der(der).ok()?;
        let names = identities(der).map(|identities| identities.told()).unwrap_or_default();
        let validity = read.validity();
        Some(Self {
            subject: read.subject().to_string(),
            issuer: read.issuer().to_string(),
            names: names.into_iter().take(MOST_NAMES).collect(),
            not_before: time(validity.not_before.timestamp())?,
            not_after: time(validity.not_after.timestamp())?,
        })
    }
}

fn time(seconds: i64) -> Option<SystemTime> {
    let time = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(time) } else { UNIX_EPOCH.checked_add(time) }
}

impl Shown {
    /// Returns what a server showed, and what the handshake came to, if it did.
    pub(super) fn of(connection: Option<&ClientConnection>, seen: &Seen, is_anyone: bool) -> Self {
        let version = connection.and_then(|it| it.protocol_version());
        let version = version.and_then(|version| version.as_str());
        let cipher = connection.and_then(|it| it.negotiated_cipher_suite());
        Self {
            chain: seen.chain().iter().filter_map(Certificate::read).collect(),
            version: version.map(|version| version.replace("TLSv1_", "TLS 1.")),
            cipher: cipher.and_then(|suite| suite.suite().as_str()).map(str::to_owned),
            is_anyone,
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;

    #[test]
    fn a_certificate_says_for_whom_and_until_when_it_is() {
        let mut params =
            CertificateParams::new(vec!["pbx.example.com".to_owned(), "192.0.2.1".to_owned()]).unwrap();
        params.subject_alt_names.push(SanType::URI("sip:example.com".try_into().unwrap()));
        params.distinguished_name.push(DnType::CommonName, "pbx");
        params.not_after = rcgen::date_time_ymd(2031, 5, 6);
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let read = Certificate::read(der.der()).unwrap();
        assert_eq!(read.names, ["sip:example.com", "pbx.example.com", "192.0.2.1"]);
        assert!(read.subject.contains("CN=pbx") && read.subject == read.issuer, "{read:?}");
        let after = read.not_after.duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(after / 86_400, 22_405, "6 May 2031");
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        assert_eq!(Certificate::read(&CertificateDer::from(vec![0x30, 0x03, 1, 2])), None);
    }
}
