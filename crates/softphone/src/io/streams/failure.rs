//! Why a connection cannot be had, by the step that failed.

use std::fmt;
use std::io;
use std::time::Duration;

use tokio_rustls::rustls::{CertificateError, Error as TlsError};
use tokio_tungstenite::tungstenite::Error as WebSocketError;
use tokio_tungstenite::tungstenite::http::uri::InvalidUri;

use super::said;
use super::words::said_of_handshake;

/// Why a connection cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// There is no TCP connection.
    #[error("{0}")]
    Tcp(io::Error),
    /// A step has taken too long.
    #[error("no {step} within {:.0} s", patience.as_secs_f64())]
    NotInTime { step: Step, patience: Duration },
    /// What TLS is to be spoken with cannot be made, as where the system's roots cannot be read, or we have a bug.
    #[error("{0}")]
    Setup(TlsError),
    /// No certificate can be for this.
    #[error("no certificate can be for {0:?}")]
    Name(String),
    /// The server's certificate is not accepted.
    #[error("{}", said_of(.0))]
    Certificate(CertificateError),
    /// The TLS handshake has failed.
    #[error("{}", said_of_handshake(.0))]
    Tls(io::Error),
    /// What is to be asked for by WebSocket is no address.
    #[error("no WebSocket address {uri:?}: {error}")]
    Address { uri: String, error: InvalidUri },
    /// The WebSocket handshake has failed.
    #[error("{}", said(.0))]
    WebSocket(Box<WebSocketError>),
    /// The server uses an extension of WebSocket that was not asked for.
    #[error("the server uses a WebSocket extension that was not asked for: {0}")]
    Extension(String),
}

/// One of the steps by which a connection is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Tcp,
    Tls,
    WebSocket,
}

impl Failure {
    /// Returns whether the server has failed, as far as that can be told, and not what is on our side.
    pub(super) fn is_of_server(&self) -> bool {
        match self {
            Self::Tcp(error) => !is_of_network(error.kind()),
            Self::Setup(_) | Self::Name(_) | Self::Address { .. } => false,
            Self::NotInTime { .. }
            | Self::Certificate(_)
            | Self::Tls(_)
            | Self::WebSocket(_)
            | Self::Extension(_) => true,
        }
    }

    /// Creates what a TLS handshake has failed by.
    pub(super) fn of_tls(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
            Some(TlsError::InvalidCertificate(why)) => Self::Certificate(why.clone()),
            Some(_) | None => Self::Tls(error),
        }
    }
}

/// Writes what a step leads to.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "connection",
            Self::Tls => "TLS handshake",
            Self::WebSocket => "WebSocket handshake",
        })
    }
}

/// Returns whether this machine has no way to the address, or none to send from.
fn is_of_network(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{AddrNotAvailable, NetworkDown, NetworkUnreachable};
    [AddrNotAvailable, NetworkDown, NetworkUnreachable].contains(&kind)
}

/// Names of a certificate that are told: some have a hundred.
const MOST_NAMES: usize = 3;

/// Why a certificate is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Distrust {
    /// No authority that is trusted vouches for it.
    #[error("no authority that is trusted vouches for it")]
    UnknownIssuer,
    /// It is for another name (RFC 5922).
    #[error("it is for another name")]
    OtherName,
    /// It has expired.
    #[error("it has expired")]
    Expired,
    /// It is not valid yet.
    #[error("it is not valid yet")]
    NotYetValid,
    /// The authority that is trusted by the issuer's name has not signed it.
    #[error("the authority that is trusted by that name has not signed it")]
    OtherIssuer,
    /// It is an authority's own (CA:TRUE), and no server's.
    #[error("it is an authority's own, and no server's")]
    Authority,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Distrust {
    pub(crate) fn of(error: &CertificateError) -> Self {
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
        } else if let CertificateError::BadSignature = error {
            Self::OtherIssuer
        } else if is_of_an_authority(error) {
            Self::Authority
        } else {
            Self::Other(TlsError::InvalidCertificate(error.clone()).to_string())
        }
    }
}

/// Returns what kept a server from being trusted, in words.
fn said_of(error: &CertificateError) -> String {
    format!("its certificate is not accepted: {}{}", Distrust::of(error), names(error))
}

/// Returns whether a server shows an authority's certificate (CA:TRUE) as its own, as is made by who follows a recipe for
/// certificates that are signed by themselves. It is known by its words alone, for the verifier's own type is hidden in it.
fn is_of_an_authority(error: &CertificateError) -> bool {
    matches!(error, CertificateError::Other(inner) if format!("{inner:?}").contains("CaUsedAsEndEntity"))
}

/// Returns the names that a certificate is for, some of them, where they are known.
fn names(error: &CertificateError) -> String {
    let CertificateError::NotValidForNameContext { presented, .. } = error else { return String::new() };
    let more = if presented.len() > MOST_NAMES { ", …" } else { "" };
    let names = presented.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>();
    if names.is_empty() { " (it has none)".to_owned() } else { format!(" ({}{more})", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_in_words() {
        let of = |error: TlsError| Failure::of_tls(io::Error::other(error));
        let cases = [
            (
                CertificateError::UnknownIssuer,
                "its certificate is not accepted: no authority that is trusted",
            ),
            (CertificateError::NotValidForName, "its certificate is not accepted: it is for another name"),
            (CertificateError::Expired, "its certificate is not accepted: it has expired"),
            (CertificateError::NotValidYet, "its certificate is not accepted: it is not valid yet"),
            (
                CertificateError::BadSignature,
                "its certificate is not accepted: the authority that is trusted",
            ),
            (CertificateError::Revoked, "its certificate is not accepted: invalid peer certificate: Revoked"),
        ];
        for (error, words) in cases {
            let failure = of(TlsError::InvalidCertificate(error));
            assert!(matches!(failure, Failure::Certificate(_)), "{failure:?}");
            assert!(failure.to_string().starts_with(words), "{failure}");
        }
        assert!(matches!(of(TlsError::HandshakeNotComplete), Failure::Tls(_)));
    }

    #[test]
    fn a_certificate_for_another_is_told_with_the_names_that_it_is_for() {
        let of = |names: &[&str]| {
            let (expected, presented) =
                ("example.com".try_into().unwrap(), names.iter().map(ToString::to_string));
            let presented = presented.collect();
            said_of(&CertificateError::NotValidForNameContext { expected, presented })
        };
        assert!(of(&[]).ends_with("it is for another name (it has none)"));
        assert!(of(&["sip:a.example", "192.0.2.1"]).ends_with("another name (sip:a.example, 192.0.2.1)"));
        assert!(of(&["a", "b", "c", "d"]).ends_with("another name (a, b, c, …)"));
    }

    #[test]
    fn a_step_that_takes_too_long_is_named() {
        let late = |step| Failure::NotInTime { step, patience: Duration::from_secs(10) }.to_string();
        assert_eq!(late(Step::Tcp), "no connection within 10 s");
        assert_eq!(late(Step::Tls), "no TLS handshake within 10 s");
        assert_eq!(late(Step::WebSocket), "no WebSocket handshake within 10 s");
        let nearly = Failure::NotInTime { step: Step::Tls, patience: Duration::from_millis(9_990) };
        assert_eq!(nearly.to_string(), "no TLS handshake within 10 s");
    }
}
