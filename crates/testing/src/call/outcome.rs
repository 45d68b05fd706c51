//! What came back, and how a call ended.

use std::time::Instant;

use ringfence_wire::sip::{Contact, Message};

/// One response to the INVITE.
///
/// ```
/// use std::time::Instant;
/// use ringfence_testing::Answer;
///
/// let answer = Answer {
///     at: Instant::now(),
///     status: 486,
///     reason: "Busy Here".into(),
///     to_tag: Some("x".into()),
///     warning: Some("399 ringfence \"on the list\"".into()),
///     contacts: Vec::new(),
/// };
/// assert!(answer.is_final());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// When it came.
    pub at: Instant,
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The tag of To.
    pub to_tag: Option<String>,
    /// The value of Warning.
    pub warning: Option<String>,
    /// The URIs of Contact.
    pub contacts: Vec<String>,
}

/// How a call ended for the caller.
///
/// ```
/// use ringfence_testing::Outcome;
///
/// let outcome = Outcome::Rejected { status: 486, reason: "Busy Here".into(), warning: None };
/// assert_eq!(outcome.status(), Some(486));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered and then hung up, by either side.
    Answered,
    /// A 3xx.
    Redirected {
        /// The status code.
        status: u16,
        /// Where to.
        contacts: Vec<String>,
    },
    /// A 4xx, 5xx or 6xx.
    Rejected {
        /// The status code.
        status: u16,
        /// The reason phrase.
        reason: String,
        /// The value of Warning.
        warning: Option<String>,
    },
    /// The caller gave up: a 487 after CANCEL, or nothing for 64*T1 after it.
    Cancelled,
    /// No response within 64*T1.
    TimedOut,
    /// The called user has no binding, so that nothing was sent.
    NotRegistered,
}

impl Outcome {
    /// Returns the status code of a rejection or redirection.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Redirected { status, .. } | Self::Rejected { status, .. } => Some(*status),
            Self::Answered | Self::Cancelled | Self::TimedOut | Self::NotRegistered => None,
        }
    }
}

impl Answer {
    /// Returns whether it decides the call.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.status >= 200
    }
}

/// Returns how a call has ended by the answer to its INVITE, or for want of one.
pub(super) fn outcome_of(answer: Option<&Answer>, was_cancelled: bool) -> Outcome {
    match answer {
        Some(Answer { status: 487, .. }) if was_cancelled => Outcome::Cancelled,
        Some(Answer { status: status @ 300..400, contacts, .. }) => {
            Outcome::Redirected { status: *status, contacts: contacts.clone() }
        }
        Some(Answer { status, reason, warning, .. }) => {
            Outcome::Rejected { status: *status, reason: reason.clone(), warning: warning.clone() }
        }
        None => Outcome::TimedOut,
    }
}

/// Returns the URIs of Contact.
pub(super) fn contacts_of(response: &Message<'_>) -> Vec<String> {
    let uri = |contact| match contact {
        Ok(Contact::Addr(address)) => Some(String::from_utf8_lossy(address.uri_bytes()).into_owned()),
        Ok(Contact::Star) | Err(_) => None,
    };
    response.contacts().filter_map(uri).collect()
}
