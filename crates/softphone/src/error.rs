//! The one error of this crate.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use ringfence_ua::{Cause, InvalidAnswer};

use crate::listener::Listener;

/// What this crate's methods return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done.
///
/// It is opaque: ask it with its methods, or print it. Its text is one line without a full stop, says what was expected
/// and what came, and shows no password.
///
/// ```
/// use softphone::Account;
///
/// let error = Account::new("858@").unwrap_err();
/// assert!(error.to_string().starts_with("expected an address like sip:user@host:port"));
/// assert_eq!(error.status(), None);
/// ```
pub struct Error {
    kind: Box<Kind>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// An address-of-record, a proxy or a port that is none.
    Account { expected: &'static str, got: String },
    /// The text of an answer.
    Answer(InvalidAnswer),
    /// A socket.
    Socket { listener: Listener, error: io::Error },
    /// A certificate or a key.
    Tls(String),
    /// A STUN server that does not tell where it sees us.
    Stun { server: String, why: String },
    /// No pair of ports for media is free.
    MediaPorts { address: SocketAddr, last: u16, error: io::Error },
    /// Anything else of the operating system's.
    System { what: &'static str, error: io::Error },
    /// A registration.
    Registration(Cause),
    /// A call that cannot ring.
    Objected { status: u16, phrase: String },
    /// The softphone was shut down.
    Closed,
    /// The line was removed, and the softphone goes on.
    Removed,
    /// A table at its bound.
    Full,
}

impl Error {
    /// Returns the status of the SIP response behind this error: the registrar's refusal (from [`Softphone::register`]),
    /// or what a call that cannot ring was answered with (from [`IncomingCall::ring`]).
    ///
    /// [`Softphone::register`]: crate::Softphone::register
    /// [`IncomingCall::ring`]: crate::IncomingCall::ring
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match &*self.kind {
            Kind::Registration(cause) => cause.status(),
            Kind::Objected { status, .. } => Some(*status),
            Kind::Account { .. }
            | Kind::Answer(_)
            | Kind::Socket { .. }
            | Kind::Tls(_)
            | Kind::Stun { .. }
            | Kind::MediaPorts { .. }
            | Kind::System { .. }
            | Kind::Closed
            | Kind::Removed
            | Kind::Full => None,
        }
    }

    /// Returns whether no answer came in time: the registrar was silent for 32 s (64*T1).
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(&*self.kind, Kind::Registration(Cause::TimedOut))
    }

    /// Returns whether the softphone has been shut down, so that nothing can be asked of it any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(&*self.kind, Kind::Closed)
    }

    /// Returns whether the address that was to be listened on is taken: by another program, or by this softphone itself, which
    /// was to listen there by something else.
    #[must_use]
    pub fn is_address_in_use(&self) -> bool {
        matches!(&*self.kind, Kind::Socket { error, .. } if error.kind() == io::ErrorKind::AddrInUse)
    }

    /// Returns whether the system does not allow to listen at the address: most often a port below 1024, without the right
    /// to bind such ports.
    #[must_use]
    pub fn is_permission_denied(&self) -> bool {
        matches!(&*self.kind, Kind::Socket { error, .. } if error.kind() == io::ErrorKind::PermissionDenied)
    }

    /// Returns where it was to be listened, where that is what failed.
    #[must_use]
    pub fn listener(&self) -> Option<Listener> {
        if let Kind::Socket { listener, .. } = &*self.kind { Some(*listener) } else { None }
    }

    /// Returns why a registration failed, where that is what failed.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        if let Kind::Registration(cause) = &*self.kind { Some(cause) } else { None }
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self { kind: Box::new(kind) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            Kind::Account { expected, got } => write!(f, "expected {expected}, got {got:?}"),
            Kind::Answer(error) => error.fmt(f),
            Kind::Socket { listener: Listener { transport, address }, error } => {
                write!(f, "cannot listen on {address} by {transport}: {error}")
            }
            Kind::Tls(what) => write!(f, "TLS: {what}"),
            Kind::Stun { server, why } => {
                write!(f, "the STUN server {server} did not tell our address: {why}")
            }
            Kind::MediaPorts { address, last, error } => {
                write!(f, "no pair of ports for media from {address} to {last}: {error}")
            }
            Kind::System { what, error } => write!(f, "{what}: {error}"),
            Kind::Registration(cause) => cause.fmt(f),
            Kind::Objected { status, phrase } => {
                write!(f, "the call cannot ring and was answered {status} {phrase}")
            }
            Kind::Closed => f.write_str("the softphone was shut down"),
            Kind::Removed => f.write_str("the line was removed"),
            Kind::Full => f.write_str("no room for another line"),
        }
    }
}

impl fmt::Debug for Error {
    /// The text: it is what a `main` that returns this error prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Its text is whole, so that it names no source whose text would come again.
impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_a_timeout_and_nothing_else_is() {
        let of = |cause| Error::from(Kind::Registration(cause));
        assert!(of(Cause::TimedOut).is_timeout());
        let refused = of(Cause::Unavailable { status: 408, phrase: "Request Timeout".to_owned() });
        assert_eq!((refused.is_timeout(), refused.status()), (false, Some(408)));
        let unresolved = of(Cause::Unresolved { host: "pbx".to_owned(), error: "no address".to_owned() });
        assert_eq!((unresolved.is_timeout(), unresolved.status()), (false, None));
        assert!(!Error::from(Kind::Closed).is_timeout());
    }
}
