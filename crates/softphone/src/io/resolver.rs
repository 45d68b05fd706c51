//! What is asked of the DNS to find a server (RFC 3263): the trait, and what its answers are. [`system`] asks the
//! resolvers that the system names.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzed;
mod owners;
pub(crate) mod system;

/// Looks names up in the DNS, to find the servers of an account (RFC 3263).
///
/// Names are given without a dot at their end. Each look-up may be dropped before it is done, and is given up after 5 s,
/// that of addresses after 12 s. Answers are kept as long as they say, from 10 s to a day, for all lines; nothing is
/// asked twice at once.
///
/// ```
/// use softphone::{Lookup, LookupError, Naptr, Records, Resolver, Softphone, Srv};
/// use std::net::IpAddr;
/// use std::time::Duration;
///
/// /// Knows one host, and nothing else.
/// struct OneHost(IpAddr);
///
/// impl Resolver for OneHost {
///     fn naptr<'a>(&'a self, _: &'a str) -> Lookup<'a, Naptr> {
///         Box::pin(async { Err(LookupError::Missing { ttl: None }) })
///     }
///
///     fn srv<'a>(&'a self, _: &'a str) -> Lookup<'a, Srv> {
///         Box::pin(async { Err(LookupError::Missing { ttl: None }) })
///     }
///
///     fn addresses<'a>(&'a self, _: &'a str) -> Lookup<'a, IpAddr> {
///         Box::pin(async { Ok(Records::new(vec![self.0], Duration::from_secs(60))) })
///     }
/// }
///
/// let builder = Softphone::builder().resolver(OneHost([192, 0, 2, 1].into()));
/// # drop(builder);
/// ```
pub trait Resolver: Send + Sync {
    /// Looks up the NAPTR records of a domain.
    fn naptr<'a>(&'a self, name: &'a str) -> Lookup<'a, Naptr>;

    /// Looks up the SRV records of a name like `_sip._udp.example.com`.
    fn srv<'a>(&'a self, name: &'a str) -> Lookup<'a, Srv>;

    /// Looks up the addresses of a host, of both families in any order. One family that fails hides not the other.
    fn addresses<'a>(&'a self, host: &'a str) -> Lookup<'a, IpAddr>;
}

/// A look-up on its way.
pub type Lookup<'a, R> = Pin<Box<dyn Future<Output = Result<Records<R>, LookupError>> + Send + 'a>>;

/// What was found, and how long it holds.
///
/// ```
/// use softphone::Records;
/// use std::time::Duration;
///
/// let found = Records::new(vec!["192.0.2.1"], Duration::from_secs(60));
/// assert_eq!((found.records(), found.ttl().as_secs()), (&["192.0.2.1"][..], 60));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records<R> {
    records: Vec<R>,
    ttl: Duration,
}

impl<R> Records<R> {
    /// Creates an answer that holds for a time: the shortest that a record of it has.
    #[must_use]
    pub fn new(records: Vec<R>, ttl: Duration) -> Self {
        Self { records, ttl }
    }

    /// Returns the records, in the order of the answer.
    #[must_use]
    pub fn records(&self) -> &[R] {
        &self.records
    }

    /// Returns how long they hold.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        self.ttl
    }
}

/// Why nothing was found.
///
/// ```
/// let missing = softphone::LookupError::Missing { ttl: None };
/// assert_eq!(missing.to_string(), "no such name or record");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The name is not there, or has no such records.
    #[error("no such name or record")]
    Missing {
        /// How long that holds, where it was said (RFC 2308).
        ttl: Option<Duration>,
    },
    /// It is not known whether they are there.
    #[error("{error}")]
    Failed {
        /// What went wrong.
        error: String,
    },
}

/// An NAPTR record (RFC 3403 section 4.1).
///
/// ```
/// use softphone::Naptr;
///
/// let udp = Naptr {
///     order: 100,
///     preference: 50,
///     flags: "s".to_owned(),
///     service: "SIP+D2U".to_owned(),
///     regexp: String::new(),
///     replacement: "_sip._udp.example.com".to_owned(),
/// };
/// assert_eq!(udp.to_string(), "100 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naptr {
    /// The lowest is taken, and no other.
    pub order: u16,
    /// The lowest of one order is tried first.
    pub preference: u16,
    /// `s` where the replacement has SRV records.
    pub flags: String,
    /// Such as `SIP+D2U`.
    pub service: String,
    /// Empty in what finds SIP servers.
    pub regexp: String,
    /// The next name to ask for.
    pub replacement: String,
}

/// Writes it as a zone file does.
impl fmt::Display for Naptr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { order, preference, flags, service, regexp, replacement } = self;
        write!(f, "{order} {preference} {flags:?} {service:?} {regexp:?} {replacement}")
    }
}

/// An SRV record (RFC 2782).
///
/// ```
/// let srv = softphone::Srv { priority: 10, weight: 60, port: 5060, target: "sip1.example.com".to_owned() };
/// assert_eq!(srv.to_string(), "10 60 5060 sip1.example.com");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    /// The lowest is tried first.
    pub priority: u16,
    /// The share that it is to have of those of one priority.
    pub weight: u16,
    /// The port of the service.
    pub port: u16,
    /// The host; `.` where the service is decidedly not available.
    pub target: String,
}

/// Writes it as a zone file does.
impl fmt::Display for Srv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { priority, weight, port, target } = self;
        write!(f, "{priority} {weight} {port} {target}")
    }
}
