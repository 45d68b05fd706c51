//! What TLS fails by, as it is told to people: in words, and with what they may do about it.

use std::io;

use tokio_rustls::rustls::{AlertDescription, Error as TlsError, InvalidMessage};

/// What a peer says in clear where TLS is expected is not TLS, and looks so at its first bytes.
const NO_TLS: &str =
    "what it says is no TLS: see that the port is the one for TLS (mostly 5061), or take another `transport`";
const ENDED: &str = "it closed the connection during the TLS handshake: see that the port is the one for TLS, and whether \
                     the server wants a certificate of ours";
const WANTS_CERTIFICATE: &str =
    "the server wants a certificate of ours and was shown none: name `certificate` and `key` in [tls]";
const BREAKS_OFF: &str = "it breaks off the TLS handshake: it may want a certificate of ours ([tls]), or knows no cipher that we know";
const OLD: &str = "it speaks neither TLS 1.2 nor 1.3: its TLS is too old, and is to be updated";

/// Returns what a TLS handshake has failed by.
pub(super) fn said_of_handshake(error: &io::Error) -> String {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let has_ended = [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&error.kind());
    if has_ended && of_tls(error).is_none() { ENDED.to_owned() } else { said_of_stream(error) }
}

/// Returns what a connection has ended by. Of our certificate a server of TLS 1.3 complains after the handshake only.
pub(super) fn said_of_stream(error: &io::Error) -> String {
    use InvalidMessage::{InvalidContentType, MessageTooLarge, UnknownProtocolVersion};
    let Some(tls) = of_tls(error) else { return error.to_string() };
    if let TlsError::AlertReceived(alert) = tls {
        said_of_alert(*alert)
    } else if let TlsError::InvalidMessage(InvalidContentType | MessageTooLarge | UnknownProtocolVersion) =
        tls
    {
        NO_TLS.to_owned()
    } else if let TlsError::PeerIncompatible(why) = tls {
        format!("it has no version or cipher of TLS in common with us: {why:?}")
    } else {
        tls.to_string()
    }
}

fn said_of_alert(alert: AlertDescription) -> String {
    use AlertDescription as A;
    let of_our_certificate = [
        A::BadCertificate,
        A::UnsupportedCertificate,
        A::CertificateRevoked,
        A::CertificateExpired,
        A::CertificateUnknown,
        A::UnknownCA,
        A::AccessDenied,
    ];
    if alert == A::CertificateRequired {
        WANTS_CERTIFICATE.to_owned()
    } else if of_our_certificate.contains(&alert) {
        format!("it does not accept our certificate ({alert:?}): see `certificate` in [tls]")
    } else if alert == A::HandshakeFailure {
        BREAKS_OFF.to_owned()
    } else if alert == A::ProtocolVersion {
        OLD.to_owned()
    } else {
        format!("it breaks TLS off: {alert:?}")
    }
}

fn of_tls(error: &io::Error) -> Option<&TlsError> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::super::failure::Failure;
    use super::super::unconnected::Unconnected;
    use super::*;

    fn said(error: TlsError) -> String {
        said_of_stream(&io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[test]
    fn who_ends_during_the_handshake_and_who_speaks_no_tls_is_told_with_what_to_look_at() {
        let ended = io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
        assert_eq!(Failure::of_tls(ended).to_string(), ENDED);
        assert_eq!(Failure::of_tls(io::ErrorKind::ConnectionReset.into()).to_string(), ENDED);
        assert_eq!(said(TlsError::InvalidMessage(InvalidMessage::InvalidContentType)), NO_TLS);
        let other = io::Error::other("no route");
        assert_eq!(said_of_handshake(&other), "no route");
    }

    #[test]
    fn a_server_that_wants_another_certificate_of_ours_or_other_tls_says_so() {
        let alert = |alert| said(TlsError::AlertReceived(alert));
        assert_eq!(alert(AlertDescription::CertificateRequired), WANTS_CERTIFICATE);
        assert!(
            alert(AlertDescription::UnknownCA).starts_with("it does not accept our certificate (UnknownCA)")
        );
        assert_eq!(alert(AlertDescription::HandshakeFailure), BREAKS_OFF);
        assert_eq!(alert(AlertDescription::ProtocolVersion), OLD);
        assert_eq!(alert(AlertDescription::InternalError), "it breaks TLS off: InternalError");
    }

    #[test]
    fn none_of_it_is_cut_off_where_it_is_told() {
        for words in [NO_TLS, ENDED, WANTS_CERTIFICATE, BREAKS_OFF, OLD] {
            let failed =
                Unconnected::at(([192, 0, 2, 1], 5061).into(), Failure::Tls(io::Error::other(words)));
            assert!(failed.to_string().ends_with(words), "{failed}");
        }
    }
}
