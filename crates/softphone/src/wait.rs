//! Waits: what a caller hears until he gives up, for how long, and what he is answered then.

use std::time::Duration;

use crate::reject::{Redirect, Reject};

/// What becomes of a call that waits for its caller to give up: 487 when he does, else a final answer at the limit.
///
/// The softphone carries it out by itself, CANCEL at any moment included; [`Builder::ended`] tells how it ended. No
/// wait is longer than 10 minutes. One that may not ring (see [`Invite::objection`]) is answered what stands against it,
/// unless it is silent. A clone shares what is answered in the end, so that a wait made once serves for every call.
///
/// Where too many calls wait already, it is answered at once: what was chosen for the limit, or 503 with `Retry-After`.
///
/// [`Builder::ended`]: crate::Builder::ended
/// [`Invite::objection`]: crate::Invite::objection
///
/// ```
/// use softphone::{Redirect, Reject, Verdict, Wait};
/// use std::time::Duration;
///
/// // The other phones of the number ring on; this one never stops them.
/// let aside = Wait::stand_aside(Duration::from_secs(5));
/// // The caller hears nothing until he gives up, or for a minute.
/// let silence = Wait::silent(Duration::from_secs(60)).then_reject(Reject::decline());
/// // It rings, and then goes to the mailbox.
/// let mailbox = Redirect::to("sip:mailbox@pbx.example.com")?;
/// let ring = Wait::ringing(Duration::from_secs(20)).then_redirect(mailbox);
/// let verdicts = [aside, silence, ring].map(Verdict::from);
/// # let _ = verdicts;
/// # Ok::<(), softphone::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    inner: ringfence_ua::Wait,
}

/// How long a phone that stands aside rings at the least: one that is unavailable sooner makes some PBXs take it, or
/// its whole number, for gone.
const SHORTEST_ASIDE: Duration = Duration::from_secs(3);

impl Wait {
    /// Rings: 180 at once and each minute. At the limit it is answered 480 Temporarily Unavailable.
    #[must_use]
    pub const fn ringing(limit: Duration) -> Self {
        Self { inner: ringfence_ua::Wait::ringing(limit) }
    }

    /// Says nothing after 100, so that the caller of this phone alone hears nothing. At the limit it is answered 480.
    #[must_use]
    pub const fn silent(limit: Duration) -> Self {
        Self { inner: ringfence_ua::Wait::silent(limit) }
    }

    /// Leaves the call to the other phones of its number: rings for so long, at least 3 s, and then is answered 480,
    /// which stops none of them (RFC 3261 section 16.7).
    #[must_use]
    pub fn stand_aside(hold: Duration) -> Self {
        Self::ringing(hold.max(SHORTEST_ASIDE))
    }

    /// Rejects the call at the limit so.
    #[must_use]
    pub fn then_reject(self, reject: impl Into<Reject>) -> Self {
        Self { inner: self.inner.then_reject(reject.into().shared()) }
    }

    /// Sends the caller elsewhere at the limit.
    #[must_use]
    pub fn then_redirect(self, redirect: impl Into<Redirect>) -> Self {
        Self { inner: self.inner.then_redirect(redirect.into().shared()) }
    }

    pub(crate) fn into_inner(self) -> ringfence_ua::Wait {
        self.inner
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stands_aside_rings_for_three_seconds_at_the_least() {
        let ringing = |seconds| Wait::ringing(Duration::from_secs(seconds));
        assert_eq!(Wait::stand_aside(Duration::ZERO), ringing(3));
        assert_eq!(Wait::stand_aside(Duration::from_secs(7)), ringing(7));
    }
}
