//! The INVITE as it is shown to who decides, and what can be decided.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ringfence_wire::sip::Head;

use super::{CallNumber, Redirection, Rejection, Wait};
#[cfg(doc)]
use crate::core::Objection;
use crate::id::LineId;

/// A new INVITE, borrowed for the length of a decision.
///
/// ```
/// use ringfence_ua::{Invite, Verdict};
///
/// fn screen(invite: &Invite<'_>) -> Verdict {
///     match invite.head.from().ok().and_then(|from| from.display_name()) {
///         Some(name) if name == "Sales" => Verdict::busy(),
///         _ => Verdict::Offer,
///     }
/// }
/// # let _ = screen;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Invite<'a> {
    /// The request's head, read already; [`Head::message`] is all of it, and [`Objection::to_invite`] what a user agent server
    /// would answer to it, whoever called.
    pub head: &'a Head<'a>,
    /// What it is known by.
    pub call: CallNumber,
    /// The line that it is for.
    pub line: LineId,
    /// What the application calls that line.
    pub label: &'a str,
    /// Where it came from.
    pub source: SocketAddr,
    /// Why it was let in.
    pub origin: Origin,
}

/// Why an INVITE was let in.
///
/// ```
/// use ringfence_ua::Origin;
///
/// assert!(Origin::Registrar.is_trusted());
/// assert!(!Origin::Anyone.is_trusted());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// It came from the line's registrar or proxy.
    Registrar,
    /// It came from a configured peer.
    Peer,
    /// It carries the token that only the registrar was given.
    Token,
    /// The line is open to everyone.
    Anyone,
}

impl Origin {
    /// Returns whether what it says of the caller, such as `P-Asserted-Identity`, can be believed
    /// as far as the registrar can.
    #[must_use]
    pub fn is_trusted(self) -> bool {
        match self {
            Self::Registrar | Self::Peer => true,
            // A provider's gateway got the token from the registrar; so did whoever has seen its INVITEs.
            Self::Token | Self::Anyone => false,
        }
    }
}

/// What becomes of an incoming call.
///
/// Rejections are shared, so that a verdict costs no allocation.
///
/// ```
/// use ringfence_ua::{Rejection, Verdict};
/// use std::sync::Arc;
///
/// let unwanted = Arc::new(Rejection::new(607).unwrap());
/// let verdict = Verdict::Reject(unwanted.clone());
/// # let _ = verdict;
/// ```
#[derive(Debug, Clone)]
pub enum Verdict {
    /// It is rejected.
    Reject(Arc<Rejection>),
    /// The caller is sent elsewhere.
    Redirect(Arc<Redirection>),
    /// It rings (180) until the caller gives up or the invitation expires, or until the limit and then 480.
    Ring {
        /// The limit; without one it is 10 minutes.
        limit: Option<Duration>,
    },
    /// It waits, ringing or in silence, until the caller gives up or the invitation expires (`Expires` of an INVITE, 487;
    /// RFC 3261 section 13.3.1), or until the limit and then a final answer.
    Wait(Wait),
    /// Nothing at all is answered.
    Ignore,
    /// The application decides.
    Offer,
}

impl Verdict {
    /// 486 Busy Here, without more.
    #[must_use]
    pub fn busy() -> Self {
        Self::Reject(Arc::new(Rejection::busy()))
    }

    /// Tells whether it makes an answer of its own that goes out now.
    pub(crate) fn is_answered_at_once(&self) -> bool {
        match self {
            Self::Reject(_) | Self::Redirect(_) | Self::Ring { .. } => true,
            Self::Wait(wait) => wait.is_ringing(),
            Self::Offer | Self::Ignore => false,
        }
    }
}

/// The one synchronous hook: decides on new calls before anything of them has been answered.
///
/// It runs within what takes datagrams and messages of connections, such as [`crate::Endpoint::handle_datagrams`], and must not
/// wait. Where it panics the calls without a verdict are offered before the panic goes on.
///
/// ```
/// use ringfence_ua::{Screen, Verdict};
///
/// let each = Screen::each(|_| Verdict::busy());
/// let together = Screen::together(|invites, verdicts| verdicts.extend(invites.iter().map(|_| Verdict::Offer)));
/// # let _ = (each, together);
/// ```
pub struct Screen(Box<Decide>);

type Decide = dyn FnMut(&[Invite<'_>], &mut Vec<Verdict>) + Send;

impl Screen {
    /// Decides on one call after another.
    #[must_use]
    pub fn each(mut decide: impl FnMut(&Invite<'_>) -> Verdict + Send + 'static) -> Self {
        Self::together(move |invites, verdicts| verdicts.extend(invites.iter().map(&mut decide)))
    }

    /// Decides on the calls that came together, by a verdict for each in their order. One that it says nothing of is offered.
    #[must_use]
    pub fn together(decide: impl FnMut(&[Invite<'_>], &mut Vec<Verdict>) + Send + 'static) -> Self {
        Self(Box::new(decide))
    }

    /// Decides on calls that came together: its verdicts are put behind those that are there, for the last calls maybe none.
    pub fn decide(&mut self, invites: &[Invite<'_>], verdicts: &mut Vec<Verdict>) {
        (self.0)(invites, verdicts);
    }
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Screen").finish_non_exhaustive()
    }
}

impl From<Wait> for Verdict {
    fn from(wait: Wait) -> Self {
        Self::Wait(wait)
    }
}
