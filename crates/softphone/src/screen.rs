//! The screen: an incoming call as it is shown to who decides, and what can be decided.

mod address;
mod diversion;
mod invite;
mod request;

pub use address::Address;
pub use diversion::Diversion;
pub use invite::Invite;
pub(crate) use request::Request;

use std::fmt;
use std::time::Duration;

use ringfence_ua::MOST_TOGETHER;
use smallvec::SmallVec;

use crate::reject::{Redirect, Reject};
use crate::wait::Wait;

/// An incoming call, numbered for the life of the softphone.
///
/// ```
/// # fn key(invite: &softphone::Invite<'_>) -> softphone::CallId {
/// let id = invite.id(); // Copy, Ord, Hash: a key for what you note of the call
/// # id
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    pub(crate) shard: u16,
    pub(crate) number: u64,
}

impl CallId {
    /// Writes it at the end of a text, as its `Display` does: without a formatter, which takes several times as long.
    ///
    /// ```
    /// # fn key(invite: &softphone::Invite<'_>) {
    /// let mut text = "call ".to_owned();
    /// invite.id().push_to(&mut text);
    /// assert_eq!(text, format!("call {}", invite.id()));
    /// # }
    /// ```
    pub fn push_to(self, text: &mut String) {
        text.push_str(itoa::Buffer::new().format(self.shard));
        text.push('.');
        text.push_str(itoa::Buffer::new().format(self.number));
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(*self))
    }
}

/// Without a formatter: it is written with each call, twice.
impl From<CallId> for String {
    fn from(id: CallId) -> Self {
        let mut text = String::with_capacity(24);
        id.push_to(&mut text);
        text
    }
}

/// Why an INVITE was let in.
///
/// ```
/// assert_ne!(softphone::Trust::Registrar, softphone::Trust::Anyone);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trust {
    /// It came from the line's registrar or proxy.
    Registrar,
    /// It came from a configured peer.
    Peer,
    /// It carries the token that only the registrar was given with the line's Contact.
    Token,
    /// The line is open to everyone.
    Anyone,
}

/// What RFC 3261 section 8.2 would have answered to an INVITE, whoever called: 400, 415, 416, 420 and their like.
///
/// ```
/// # fn show(invite: &softphone::Invite<'_>) {
/// if let Some(objection) = invite.objection() {
///     println!("cannot ring: {objection}"); // 415 Unsupported Media Type
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The status.
    pub status: u16,
    /// The reason phrase.
    pub phrase: String,
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.phrase)
    }
}

/// What becomes of an incoming call, as [`Builder::screen`](crate::Builder::screen) says.
///
/// ```
/// use softphone::{Reject, Verdict};
///
/// let verdict = Verdict::from(Reject::unwanted());
/// # let _ = verdict;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Verdict {
    /// It is rejected: 100, and the status. The application never hears of it, but for its end.
    Reject(Reject),
    /// The caller is sent elsewhere: 100, and 302 with Contact.
    Redirect(Redirect),
    /// It rings: 100, and 180 each minute, until the caller gives up or its `Expires` has passed (487), or until the limit
    /// and then 480. One that may not ring is answered what stands against it.
    Ring {
        /// The limit; without one, and at most, 10 minutes.
        limit: Option<Duration>,
    },
    /// It waits, ringing or in silence: 100, and what the [`Wait`] says.
    Wait(Wait),
    /// Nothing at all is answered, not even 100.
    Ignore,
    /// The application decides: 100, and the call comes out of [`Line::incoming`](crate::Line::incoming).
    Offer,
}

/// Makes a screen of an endpoint, which is the shard of this number.
pub(crate) fn screen_of(
    shard: u16,
    screen: impl Fn(&[Invite<'_>], &mut Vec<Verdict>) + Send + 'static,
) -> ringfence_ua::Screen {
    let mut own = Vec::new();
    ringfence_ua::Screen::together(move |invites, verdicts| {
        // What a screen that panicked has left.
        own.clear();
        let mut shown: SmallVec<[Invite<'_>; MOST_TOGETHER]> = SmallVec::new();
        for invite in invites {
            shown.push(Invite::of(shard, invite));
        }
        screen(&shown, &mut own);
        verdicts.extend(own.drain(..).map(Verdict::into_inner));
    })
}

impl From<Reject> for Verdict {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

impl From<Redirect> for Verdict {
    fn from(redirect: Redirect) -> Self {
        Self::Redirect(redirect)
    }
}

impl From<Wait> for Verdict {
    fn from(wait: Wait) -> Self {
        Self::Wait(wait)
    }
}

impl Verdict {
    pub(crate) fn into_inner(self) -> ringfence_ua::Verdict {
        match self {
            Self::Reject(reject) => ringfence_ua::Verdict::Reject(reject.shared()),
            Self::Redirect(redirect) => ringfence_ua::Verdict::Redirect(redirect.shared()),
            Self::Ring { limit } => ringfence_ua::Verdict::Ring { limit },
            Self::Wait(wait) => ringfence_ua::Verdict::Wait(wait.into_inner()),
            Self::Ignore => ringfence_ua::Verdict::Ignore,
            Self::Offer => ringfence_ua::Verdict::Offer,
        }
    }
}
