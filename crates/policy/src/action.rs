//! What a treatment is on one line: what goes out on the wire.

use std::fmt;
use std::time::Duration;

use crate::rejection::Rejection;
use crate::treatment::{Only, Target};

/// What a treatment is on one line: what goes out on the wire.
///
/// ```
/// use ringfence_policy::{Line, Treatment};
///
/// assert_eq!(Line::new("home").act(&Treatment::ring()).to_string(), "ring");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A final response.
    Reject(Rejection),
    /// 302.
    Redirect(Redirection),
    /// Lets the call through where nothing rings: a final response at which who asked goes on.
    SendOn(Final),
    /// 180, until the caller gives up or the limit.
    Ring {
        /// The limit.
        limit: Duration,
    },
    /// 180, or only 100, and at the limit a final response.
    Wait {
        /// Whether the caller hears ringing.
        is_ringing: bool,
        /// The limit.
        limit: Duration,
        /// The final response.
        then: Final,
    },
    /// Nothing.
    Ignore {
        /// Which calls: the others get 480.
        only: Only,
    },
    /// It needs what is not there yet.
    Unsupported {
        /// What.
        needs: &'static str,
    },
}

impl Action {
    /// How long a phone rings unless something else is said: by RFC 3261 section 13.3.1.1 a proxy
    /// may cancel a call when there is no response for three minutes.
    pub const RING_LIMIT: Duration = Duration::from_secs(180);

    /// Returns the verb.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Action::Reject(_) => "reject",
            Action::Redirect(_) => "redirect",
            Action::SendOn(_) => "send_on",
            Action::Ring { .. } => "ring",
            Action::Wait { .. } => "stand_aside",
            Action::Ignore { .. } => "ignore",
            Action::Unsupported { .. } => "unsupported",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Reject(rejection) => write!(f, "reject with {}", rejection.code()),
            Action::Redirect(redirection) => write!(f, "redirect to {}", redirection.to),
            Action::SendOn(Final::Reject(rejection)) => write!(f, "send on ({})", rejection.code()),
            Action::SendOn(Final::Redirect(redirection)) => write!(f, "send on to {}", redirection.to),
            Action::Ring { .. } => f.write_str("ring"),
            Action::Wait { is_ringing: true, limit, then } => {
                write!(f, "180, and {} after {} s", then.code(), limit.as_secs())
            }
            Action::Wait { is_ringing: false, limit, then } => {
                write!(
                    f,
                    "silence until the caller gives up, and {} after {} s",
                    then.code(),
                    limit.as_secs()
                )
            }
            Action::Ignore { .. } => f.write_str("ignore"),
            Action::Unsupported { needs } => write!(f, "cannot be done yet: it needs {needs}"),
        }
    }
}

/// The final response at the end of a wait, or in the place of one.
///
/// ```
/// use ringfence_policy::{Final, Rejection};
///
/// assert_eq!(Final::Reject(Rejection::unavailable()).code(), 480);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Final {
    /// A refusal.
    Reject(Rejection),
    /// 302.
    Redirect(Redirection),
}

impl Final {
    /// Returns the status code.
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Final::Reject(rejection) => rejection.code(),
            Final::Redirect(_) => 302,
        }
    }
}

/// 302, and where to.
///
/// ```
/// use ringfence_policy::{Redirection, Target};
///
/// let away = Redirection { to: Target::parse("sip:desk@pbx.example")?, diversion: None };
/// assert!(away.diversion.is_none());
/// # Ok::<(), ringfence_policy::TreatmentError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirection {
    /// The address.
    pub to: Target,
    /// The reason of the Diversion header.
    pub diversion: Option<Box<str>>,
}
