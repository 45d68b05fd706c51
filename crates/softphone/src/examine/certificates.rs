//! What a server shows of itself by TLS: it is kept as it is verified, also where it is refused.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::io::streams::failure::is_of_an_authority;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConnection, DigitallySignedStruct, Error as TlsError, SignatureScheme,
};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

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
    /// What it is for: the names, addresses and URIs of its `subjectAltName`, up to 32.
    pub names: Vec<String>,
    /// From when on it is valid.
    pub not_before: SystemTime,
    /// Until when.
    pub not_after: SystemTime,
}

/// Why a certificate is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Distrust {
    /// No authority that is trusted vouches for it.
    UnknownIssuer,
    /// It is for another name (RFC 5922).
    OtherName,
    /// It has expired.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It is an authority's own (CA:TRUE), and no server's.
    Authority,
    /// Anything else.
    Other(String),
}

impl Distrust {
    pub(super) fn of(error: &CertificateError) -> Self {
        if let CertificateError::UnknownIssuer = error {
            Self::UnknownIssuer
        } else if let CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } =
            error
        {
            Self::OtherName
        } else if let CertificateError::Expired | CertificateError::ExpiredContext { .. } = error {
            Self::Expired
        } else if let CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } = error {
            Self::NotYetValid
        } else if is_of_an_authority(error) {
            Self::Authority
        } else {
            Self::Other(TlsError::InvalidCertificate(error.clone()).to_string())
        }
    }
}

/// Certificates that are kept of a chain, and names of a certificate.
const MOST_CERTIFICATES: usize = 10;
const MOST_NAMES: usize = 32;

impl Certificate {
    /// Reads one; what is none is left out.
    fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, read) = X509Certificate::from_der(der).ok()?;
        let names = read.subject_alternative_name().ok().flatten();
        let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(name);
        let validity = read.validity();
        Some(Self {
            subject: read.subject().to_string(),
            issuer: read.issuer().to_string(),
            names: names.take(MOST_NAMES).collect(),
            not_before: time(validity.not_before.timestamp())?,
            not_after: time(validity.not_after.timestamp())?,
        })
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    if let GeneralName::DNSName(text) | GeneralName::URI(text) = name {
        return Some((*text).to_owned());
    }
    let GeneralName::IPAddress(octets) = name else { return None };
    let v4 = <[u8; 4]>::try_from(*octets).map(|octets| std::net::Ipv4Addr::from(octets).to_string());
    v4.or_else(|_| <[u8; 16]>::try_from(*octets).map(|octets| std::net::Ipv6Addr::from(octets).to_string()))
        .ok()
}

fn time(seconds: i64) -> Option<SystemTime> {
    let time = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(time) } else { UNIX_EPOCH.checked_add(time) }
}

impl Shown {
    /// Returns what a server showed, and what the handshake came to, if it did.
    pub(super) fn of(connection: Option<&ClientConnection>, witness: &Witness, is_anyone: bool) -> Self {
        let version = connection.and_then(|it| it.protocol_version());
        let version = version.and_then(|version| version.as_str());
        let cipher = connection.and_then(|it| it.negotiated_cipher_suite());
        Self {
            chain: witness.chain(),
            version: version.map(|version| version.replace("TLSv1_", "TLS 1.")),
            cipher: cipher.and_then(|suite| suite.suite().as_str()).map(str::to_owned),
            is_anyone,
        }
    }
}

/// Has another verify, and keeps what it was shown.
#[derive(Debug)]
pub(super) struct Witness {
    verifier: Arc<dyn ServerCertVerifier>,
    seen: Mutex<Vec<CertificateDer<'static>>>,
}

impl Witness {
    pub(super) fn new(verifier: Arc<dyn ServerCertVerifier>) -> Self {
        Self { verifier, seen: Mutex::default() }
    }

    pub(super) fn chain(&self) -> Vec<Certificate> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().filter_map(Certificate::read).collect()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let chain = std::iter::once(end_entity).chain(intermediates).take(MOST_CERTIFICATES);
        let chain = chain.map(|certificate| certificate.clone().into_owned()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
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
        assert_eq!(read.names, ["pbx.example.com", "192.0.2.1", "sip:example.com"]);
        assert!(read.subject.contains("CN=pbx") && read.subject == read.issuer, "{read:?}");
        let after = read.not_after.duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(after / 86_400, 22_405, "6 May 2031");
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        assert_eq!(Certificate::read(&CertificateDer::from(vec![0x30, 0x03, 1, 2])), None);
    }
}
