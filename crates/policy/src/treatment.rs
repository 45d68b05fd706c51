//! What is done with a call: named treatments, and what they come to on the wire.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::action::Action;
use crate::printable::printable;
use crate::rejection::Rejection;

/// What is done with a call, by its name in the policy. [`Line::act`](crate::Line::act) says what
/// that is on a line.
///
/// ```
/// use ringfence_policy::{Rejection, Treatment};
///
/// let busy = Treatment::reject("busy", Rejection::busy());
/// assert_eq!(busy.name(), "busy");
/// assert_eq!(busy.to_string(), "reject with 486");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Treatment {
    name: Arc<str>,
    work: Work,
}

/// What a treatment is.
///
/// ```
/// use ringfence_policy::{Treatment, Work};
///
/// assert!(matches!(Treatment::ring().work(), Work::Ring(_)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Refuses the call with a final response.
    Reject(Rejection),
    /// Sends the caller to another address.
    Forward(Forward),
    /// Answers and plays an announcement.
    Answer(Announcement),
    /// Answers and asks the caller to prove that it is human.
    Challenge(Challenge),
    /// Lets the phone ring.
    Ring(Ringing),
    /// Lets the other phones of the number ring.
    StandAside,
    /// Rings for a while, then does something else.
    Hold(Hold),
    /// Answers nothing.
    Drop(Only),
}

/// Sends the caller to another address.
///
/// ```
/// use ringfence_policy::{Forward, Target};
///
/// let forward = Forward { to: Target::parse("sip:*97@pbx.example")?, diversion: None, unsupported: None };
/// assert_eq!(forward.to.as_str(), "sip:*97@pbx.example");
/// # Ok::<(), ringfence_policy::TreatmentError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The address.
    pub to: Target,
    /// The reason of the Diversion header (RFC 5806), such as `time-of-day`.
    pub diversion: Option<Box<str>>,
    /// What it would need that is not there: `refer` and `bridge` place calls.
    pub unsupported: Option<&'static str>,
}

/// Answers and plays an announcement.
///
/// ```
/// use std::time::Duration;
/// use ringfence_policy::{Announcement, Then};
///
/// let sorry = Announcement { play: Some("sorry.wav".into()), limit: Duration::from_secs(12), then: Then::HangUp };
/// assert_eq!(sorry.then, Then::HangUp);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The file.
    pub play: Option<Box<str>>,
    /// How long the call lasts at most.
    pub limit: Duration,
    /// What follows.
    pub then: Then,
}

/// What follows an announcement.
///
/// ```
/// use ringfence_policy::Then;
///
/// assert_ne!(Then::HangUp, Then::Voicemail);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Then {
    /// BYE.
    HangUp,
    /// A message is recorded.
    Voicemail,
    /// The phone rings.
    Ring,
}

/// Asks the caller to prove that it is human.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use ringfence_policy::{Challenge, Rejection, Treatment};
///
/// let press = Challenge {
///     prompt: "press-{digit}.wav".into(),
///     digits: 1,
///     tries: 2,
///     timeout: Duration::from_secs(8),
///     on_pass: Arc::new(Treatment::ring()),
///     on_fail: Arc::new(Treatment::reject("decline", Rejection::decline())),
///     remember_pass: None,
/// };
/// assert_eq!(press.on_fail.name(), "decline");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The file that says what to press.
    pub prompt: Box<str>,
    /// How many digits.
    pub digits: u8,
    /// How many attempts.
    pub tries: u8,
    /// How long each may take.
    pub timeout: Duration,
    /// What is done with who passes.
    pub on_pass: Arc<Treatment>,
    /// What is done with who does not.
    pub on_fail: Arc<Treatment>,
    /// How long who has passed is not asked again.
    pub remember_pass: Option<Duration>,
}

/// Lets the phone ring.
///
/// ```
/// use ringfence_policy::{Action, Ringing};
///
/// assert_eq!(Ringing::default().limit, Action::RING_LIMIT);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ringing {
    /// Whether nobody is to be disturbed by it.
    pub is_silent: bool,
    /// What is shown beside the caller.
    pub label: Option<Box<str>>,
    /// How long, before the caller is told that nobody answered.
    pub limit: Duration,
}

impl Default for Ringing {
    fn default() -> Self {
        Self { is_silent: false, label: None, limit: Action::RING_LIMIT }
    }
}

/// Rings for a while, then does something else.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use ringfence_policy::{Hold, Rejection, Treatment};
///
/// let then = Arc::new(Treatment::reject("unavailable", Rejection::unavailable()));
/// assert_eq!(Hold { limit: Duration::from_secs(20), then }.then.name(), "unavailable");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// How long.
    pub limit: Duration,
    /// What else.
    pub then: Arc<Treatment>,
}

/// Which calls nothing is answered to.
///
/// ```
/// use ringfence_policy::Only;
///
/// assert_eq!(Only::NotFromRegistrar.as_str(), "not_from_registrar");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Only {
    /// Those that came from elsewhere than the registrar, the proxy or a peer; the others get 480.
    NotFromRegistrar,
    /// All: a PBX may take the line for dead.
    Always,
}

impl Only {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Only::NotFromRegistrar => "not_from_registrar",
            Only::Always => "always",
        }
    }
}

impl Treatment {
    /// Makes a treatment.
    #[must_use]
    pub fn new(name: &str, work: Work) -> Self {
        Self { name: name.into(), work }
    }

    /// Makes one that refuses the call.
    #[must_use]
    pub fn reject(name: &str, rejection: Rejection) -> Self {
        Self::new(name, Work::Reject(rejection))
    }

    /// Makes `ring`, which every policy has.
    #[must_use]
    pub fn ring() -> Self {
        Self::new("ring", Work::Ring(Ringing::default()))
    }

    /// Returns those that every policy has: `ring`, `stand_aside`, `busy`, `decline` and
    /// `unavailable`.
    #[must_use]
    pub fn built_in() -> [Self; 5] {
        [
            Self::ring(),
            Self::new("stand_aside", Work::StandAside),
            Self::reject("busy", Rejection::busy()),
            Self::reject("decline", Rejection::decline()),
            Self::reject("unavailable", Rejection::unavailable()),
        ]
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns what it is.
    #[must_use]
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// Returns whether the phone rings, here or where else it stands, and nothing else becomes of the call.
    #[must_use]
    pub fn lets_ring(&self) -> bool {
        match &self.work {
            Work::Ring(_) | Work::StandAside => true,
            Work::Hold(hold) => hold.then.lets_ring(),
            Work::Reject(_) | Work::Drop(_) | Work::Answer(_) | Work::Forward(_) | Work::Challenge(_) => {
                false
            }
        }
    }

    /// Returns whether the phone rings on a line that is the only one of its number, too.
    pub(crate) fn rings(&self) -> bool {
        match &self.work {
            Work::Ring(_) => true,
            Work::Hold(hold) => hold.then.rings(),
            Work::StandAside
            | Work::Reject(_)
            | Work::Drop(_)
            | Work::Answer(_)
            | Work::Forward(_)
            | Work::Challenge(_) => false,
        }
    }

    /// Returns whether the caller is turned away: refused, answered by a machine, or not answered.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        match &self.work {
            Work::Reject(_) | Work::Drop(_) | Work::Answer(_) => true,
            Work::Hold(hold) => hold.then.is_refusal(),
            Work::Forward(_) | Work::Challenge(_) | Work::Ring(_) | Work::StandAside => false,
        }
    }
}

impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.work {
            Work::Reject(rejection) => write!(f, "reject with {}", rejection.code()),
            Work::Forward(forward) => write!(f, "redirect to {}", forward.to),
            Work::Answer(answer) => match &answer.play {
                Some(file) => write!(f, "answer and play {file}"),
                None => f.write_str("answer and hang up"),
            },
            Work::Challenge(challenge) => write!(f, "challenge with {}", challenge.prompt),
            Work::Ring(ring) if ring.is_silent => f.write_str("ring silently"),
            Work::Ring(_) => f.write_str("ring"),
            Work::StandAside => f.write_str("stand aside"),
            Work::Hold(hold) => write!(f, "ring for {} s, then {}", hold.limit.as_secs(), hold.then.name()),
            Work::Drop(_) => f.write_str("ignore"),
        }
    }
}

/// The address a caller is sent to.
///
/// It is a URI of the scheme `sip`, `sips` or `tel`, in one word; whether the rest of it is well
/// formed is for those to say who know SIP.
///
/// ```
/// use ringfence_policy::Target;
///
/// assert_eq!(Target::parse("sip:*97@pbx.example")?.as_str(), "sip:*97@pbx.example");
/// assert_eq!(
///     Target::parse("1002").unwrap_err().to_string(),
///     "expected an address such as `sip:1002@pbx.example`, found `1002`"
/// );
/// # Ok::<(), ringfence_policy::TreatmentError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target(String);

impl Target {
    /// Reads an address.
    pub fn parse(uri: impl Into<String>) -> Result<Self, TreatmentError> {
        let uri = uri.into();
        let has_scheme = uri.split_once(':').is_some_and(|(scheme, rest)| {
            ["sip", "sips", "tel"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) && !rest.is_empty()
        });
        let is_one_word =
            !uri.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"'));
        if has_scheme && is_one_word {
            Ok(Self(uri))
        } else {
            Err(TreatmentError::Target { found: printable(&uri).to_string() })
        }
    }

    /// Returns the URI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a treatment cannot be what was asked for.
///
/// ```
/// use ringfence_policy::Rejection;
///
/// assert_eq!(
///     Rejection::new(200).unwrap_err().to_string(),
///     "expected a code from 400 to 699 to reject with, found 200"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreatmentError {
    /// The code is no refusal.
    #[error("expected a code from 400 to 699 to reject with, found {found}")]
    Code {
        /// The code.
        found: u16,
    },
    /// A text would break out of its header.
    #[error("expected a {field} on one line, without control characters, found {found:?}")]
    Text {
        /// `phrase` or `warning`.
        field: &'static str,
        /// The text.
        found: String,
    },
    /// The address is none.
    #[error("expected an address such as `sip:1002@pbx.example`, found `{found}`")]
    Target {
        /// What was given.
        found: String,
    },
}
