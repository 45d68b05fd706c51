//! What is done with a call.

use std::fmt;
use std::time::Duration;

use crate::printable::printable;

/// What is done with a call that is not welcome, or not known.
///
/// ```
/// use ringfence_policy::{Rejection, Treatment};
///
/// assert_eq!(Treatment::from(Rejection::busy()).to_string(), "reject with 486");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Treatment {
    /// Refuses the call with a final response.
    Reject(Rejection),
    /// Lets the phone ring.
    Ring {
        /// How long, before the caller is told that nobody answered.
        limit: Duration,
    },
    /// Sends the caller to another address.
    Redirect {
        /// The address.
        to: Target,
    },
    /// Answers nothing.
    Ignore,
}

impl From<Rejection> for Treatment {
    fn from(rejection: Rejection) -> Self {
        Treatment::Reject(rejection)
    }
}

impl From<Welcome> for Treatment {
    fn from(welcome: Welcome) -> Self {
        match welcome {
            Welcome::Ring { limit } => Treatment::Ring { limit },
            Welcome::Redirect { to } => Treatment::Redirect { to },
        }
    }
}

impl fmt::Display for Treatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Treatment::Reject(rejection) => write!(f, "reject with {}", rejection.code()),
            Treatment::Ring { limit } => write!(f, "ring for {} s", limit.as_secs()),
            Treatment::Redirect { to } => write!(f, "redirect to {to}"),
            Treatment::Ignore => f.write_str("ignore"),
        }
    }
}

/// What is done with a call that is allowed: it cannot be refused.
///
/// ```
/// use ringfence_policy::{Target, Treatment, Welcome};
///
/// let welcome = Welcome::Redirect { to: Target::parse("sip:201@pbx.example")? };
/// assert_eq!(Treatment::from(welcome).to_string(), "redirect to sip:201@pbx.example");
/// # Ok::<(), ringfence_policy::TreatmentError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Welcome {
    /// Lets the phone ring.
    Ring {
        /// How long, before the caller is told that nobody answered.
        limit: Duration,
    },
    /// Sends the caller to another address.
    Redirect {
        /// The address.
        to: Target,
    },
}

impl Default for Welcome {
    /// Rings for [`Welcome::RING_LIMIT`].
    fn default() -> Self {
        Welcome::Ring { limit: Welcome::RING_LIMIT }
    }
}

impl Welcome {
    /// How long a phone rings unless something else is said: by RFC 3261 section 13.3.1.1 a proxy
    /// may cancel a call when there is no response for three minutes.
    pub const RING_LIMIT: Duration = Duration::from_secs(180);
}

/// A refusal: the final response and what it says.
///
/// ```
/// use ringfence_policy::Rejection;
///
/// let refusal = Rejection::new(603)?.phrase("Not Today")?.warning("calls are screened")?;
/// assert_eq!(refusal.code(), 603);
/// assert!(Rejection::new(302).is_err());
/// assert!(Rejection::busy().warning("two\r\nlines").is_err());
/// # Ok::<(), ringfence_policy::TreatmentError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    code: u16,
    phrase: Option<String>,
    warning: Option<String>,
}

impl Rejection {
    /// Makes a refusal with any code from 400 to 699, and the phrase that goes with it.
    pub fn new(code: u16) -> Result<Self, TreatmentError> {
        if (400..=699).contains(&code) {
            Ok(Self { code, phrase: None, warning: None })
        } else {
            Err(TreatmentError::Code { found: code })
        }
    }

    /// Makes the usual refusal: 486 Busy Here, with a warning text.
    #[must_use]
    pub fn busy() -> Self {
        Self { code: 486, phrase: None, warning: Some(Self::WARNING.to_owned()) }
    }

    /// The text of the Warning header unless something else is said.
    pub const WARNING: &str = "User reject";

    /// Sets the reason phrase.
    pub fn phrase(mut self, phrase: impl Into<String>) -> Result<Self, TreatmentError> {
        self.phrase = Some(one_line("phrase", phrase.into())?);
        Ok(self)
    }

    /// Sets the text of the Warning header.
    pub fn warning(mut self, warning: impl Into<String>) -> Result<Self, TreatmentError> {
        self.warning = Some(one_line("warning", warning.into())?);
        Ok(self)
    }

    /// Leaves the Warning header out.
    #[must_use]
    pub fn without_warning(mut self) -> Self {
        self.warning = None;
        self
    }

    /// Returns the status code, from 400 to 699.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Returns the reason phrase, unless the one of the code is meant.
    #[must_use]
    pub fn reason_phrase(&self) -> Option<&str> {
        self.phrase.as_deref()
    }

    /// Returns the text of the Warning header.
    #[must_use]
    pub fn warning_text(&self) -> Option<&str> {
        self.warning.as_deref()
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

fn one_line(field: &'static str, text: String) -> Result<String, TreatmentError> {
    if text.contains(char::is_control) { Err(TreatmentError::Text { field, found: text }) } else { Ok(text) }
}
