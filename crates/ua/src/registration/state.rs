//! What is known of a registration, and why it failed.

use std::fmt;
use std::time::{Duration, Instant};

use super::unseen::is_unseen;

/// The state of one line's registration.
///
/// ```
/// use ringfence_ua::{Cause, RegistrationState};
///
/// let state = RegistrationState::Failed { cause: Cause::TimedOut, retry_at: None };
/// assert!(!state.is_registered());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationState {
    /// A REGISTER is on its way.
    Registering {
        /// Counts from 1 since the last success.
        attempt: u32,
    },
    /// The registrar has our binding.
    Registered {
        /// How long it was granted for.
        expires: Duration,
        /// When it is refreshed.
        refresh_at: Instant,
        /// Why it has not got the line's other binding, where there are several outbound proxies: the line can be called
        /// all the same.
        lost: Option<LostFlow>,
        /// The way that requests of the line's own but REGISTER are to take (RFC 3608): values of a Route, in their order.
        service_route: Vec<String>,
    },
    /// The last attempt failed.
    Failed {
        /// Why.
        cause: Cause,
        /// When the next attempt is made; `None` where none is.
        retry_at: Option<Instant>,
    },
    /// No binding is wanted.
    Unregistered,
}

impl RegistrationState {
    /// Returns whether the registrar has our binding.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        matches!(self, Self::Registered { .. })
    }
}

/// A flow of a line with several outbound proxies that is lost, while the line is registered over another.
///
/// ```
/// use ringfence_ua::{Cause, LostFlow};
///
/// let lost = LostFlow { proxy: "edge.example.com".into(), cause: Cause::TimedOut };
/// assert_eq!(lost.to_string(), "not through edge.example.com: the registrar did not answer within 32 s");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostFlow {
    /// The proxy that it goes through: a host, and a port where one was given.
    pub proxy: String,
    /// Why it is lost.
    pub cause: Cause,
}

impl fmt::Display for LostFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not through {}: {}", self.proxy, self.cause)
    }
}

/// Why a registration failed.
///
/// ```
/// let cause = ringfence_ua::Cause::BadCredentials { status: 401 };
/// assert_eq!(cause.to_string(), "the registrar does not accept the user or the password (401)");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The registrar challenged again what was answered with our credentials.
    BadCredentials {
        /// 401 or 407.
        status: u16,
    },
    /// The registrar asks for credentials and the account has none.
    NoCredentials {
        /// 401 or 407.
        status: u16,
    },
    /// No challenge could be answered: the scheme or the algorithm is not known.
    NoUsableChallenge {
        /// What the registrar offered.
        offered: String,
    },
    /// More than MD5 was offered to the account before, and now MD5 is asked for, as one who wants to break the password
    /// would. It is answered after a day, or when the line is unregistered and registered again.
    Downgrade {
        /// The realm that asks.
        realm: String,
    },
    /// The registrar sent the line to another host, which asks for credentials. They are given to the account's domain
    /// and its proxy alone.
    Elsewhere {
        /// The host.
        host: String,
        /// 401 or 407.
        status: u16,
    },
    /// The registrar, or whom it sent the line to, sends it to where it has asked within this attempt already.
    Circular {
        /// The status of the response, a 3xx.
        status: u16,
    },
    /// The registrar refused.
    Refused {
        /// The status of its response.
        status: u16,
        /// The reason phrase of its response: at most 64 characters, none of them a control or unseen. Behind a colon follows
        /// as much of what it requires (421), of what it does not support (420), or of its Warning.
        phrase: String,
    },
    /// The registrar could not, for now.
    Unavailable {
        /// The status of its response.
        status: u16,
        /// The reason phrase of its response, and its Warning, as for a refusal.
        phrase: String,
    },
    /// No response came within 32 s (64*T1).
    TimedOut,
    /// No response came within 32 s (64*T1), unless it was one that cannot be read: the registrar sent such a one.
    Unreadable {
        /// What is wrong with it.
        error: String,
    },
    /// The name of the registrar or of the proxy has no address.
    Unresolved {
        /// The name.
        host: String,
        /// What the resolver said.
        error: String,
    },
    /// No address of the registrar or of the proxy takes a connection, or the connection was lost before an answer came.
    Unconnected {
        /// The name.
        host: String,
        /// What the system, or TLS, said.
        error: String,
    },
    /// The registrar accepted, and yet has no binding of ours, or one for less than 5 s.
    NotGranted,
    /// Too many requests of ours are on their way (see [`crate::Limits::client_transactions`]).
    Overloaded,
}

impl Cause {
    /// Returns whether asking again soon would be answered alike, and held against us.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::BadCredentials { .. }
            | Self::NoCredentials { .. }
            | Self::NoUsableChallenge { .. }
            | Self::Downgrade { .. }
            | Self::Elsewhere { .. }
            | Self::Circular { .. }
            | Self::Refused { .. }
            | Self::NotGranted => true,
            Self::Unavailable { .. }
            | Self::TimedOut
            | Self::Unreadable { .. }
            | Self::Unresolved { .. }
            | Self::Unconnected { .. }
            | Self::Overloaded => false,
        }
    }

    /// Returns the status of the registrar's response, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::BadCredentials { status }
            | Self::NoCredentials { status }
            | Self::Elsewhere { status, .. }
            | Self::Circular { status }
            | Self::Refused { status, .. }
            | Self::Unavailable { status, .. } => Some(*status),
            Self::NoUsableChallenge { .. }
            | Self::Downgrade { .. }
            | Self::TimedOut
            | Self::Unreadable { .. }
            | Self::Unresolved { .. }
            | Self::Unconnected { .. }
            | Self::NotGranted
            | Self::Overloaded => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadCredentials { status } => {
                write!(f, "the registrar does not accept the user or the password ({status})")
            }
            Self::NoCredentials { status } => {
                write!(f, "the registrar asks for a password and the account has none ({status})")
            }
            Self::NoUsableChallenge { offered } if offered.is_empty() => {
                f.write_str("the registrar asks for a password and does not say how it is to be proven")
            }
            Self::NoUsableChallenge { offered } => {
                write!(f, "the registrar offers only authentication that is not supported: {offered}")
            }
            Self::Downgrade { realm } => {
                write!(
                    f,
                    "SHA-2 was offered before and now realm {realm:?} asks for MD5, which is not answered"
                )
            }
            Self::Elsewhere { host, status } => write!(
                f,
                "the registrar sends the line to {host}, which asks for the password ({status}): \
                 only the account's domain and proxy are given it"
            ),
            Self::Circular { status } => {
                write!(
                    f,
                    "the registrar redirects to where it was asked already ({status}), and to nowhere else"
                )
            }
            Self::Refused { status, phrase } => write!(f, "the registrar refused: {status} {phrase}"),
            Self::Unavailable { status, phrase } => write!(f, "the registrar could not: {status} {phrase}"),
            Self::TimedOut => f.write_str("the registrar did not answer within 32 s"),
            Self::Unreadable { error } => {
                write!(f, "the registrar did not answer within 32 s, but for what cannot be read: {error}")
            }
            Self::Unresolved { host, error } => write!(f, "{host} has no address: {error}"),
            Self::Unconnected { host, error } => write!(f, "no connection to {host}: {error}"),
            Self::NotGranted => f.write_str("the registrar accepted and granted nothing that can be kept"),
            Self::Overloaded => f.write_str("too many requests are on their way"),
        }
    }
}

impl std::error::Error for Cause {}

/// Cuts what a registrar says to what may be shown: it must not steer a terminal, nor turn text around, nor be there unseen.
pub(super) fn shown(text: &str) -> String {
    text.chars().filter(|letter| !is_unseen(*letter)).take(64).collect()
}
