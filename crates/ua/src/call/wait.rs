//! A wait that nobody decides: what its caller hears meanwhile, for how long, and what the call is answered then.
//!
//! | wanted | wait | on the wire |
//! |---|---|---|
//! | stand aside for other phones | `Wait::ringing(3 s)` | 100, 180, and 480 after 3 s |
//! | silence until CANCEL | `Wait::silent(10 min)` | 100; 487 once the caller gives up |
//! | ring, then another answer | `Wait::ringing(20 s).then_redirect(…)` | 100, 180, and 302 after 20 s |

use std::sync::Arc;
use std::time::Duration;

use super::{Redirection, Rejection};

/// What becomes of a call that waits for its caller to give up: 487 when he does, else a final answer at the limit.
///
/// ```
/// use ringfence_ua::{Rejection, Wait};
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// let aside = Wait::ringing(Duration::from_secs(3));
/// let decline = Arc::new(Rejection::new(603).unwrap());
/// let silence = Wait::silent(Duration::from_secs(30)).then_reject(decline);
/// assert!(aside.is_ringing() && !silence.is_ringing());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    is_ringing: bool,
    limit: Duration,
    then: Then,
}

/// What is answered at the limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Then {
    /// 480, as nothing else was chosen.
    Unavailable,
    Reject(Arc<Rejection>),
    Redirect(Arc<Redirection>),
}

impl Wait {
    /// Rings: 180 at once and each minute. At the limit, 10 minutes at most, it is answered 480.
    #[must_use]
    pub const fn ringing(limit: Duration) -> Self {
        Self { is_ringing: true, limit, then: Then::Unavailable }
    }

    /// Says nothing after 100. At the limit, 10 minutes at most, it is answered 480; a proxy on the way gives up
    /// after three (RFC 3261 section 16.6, timer C).
    #[must_use]
    pub const fn silent(limit: Duration) -> Self {
        Self { is_ringing: false, limit, then: Then::Unavailable }
    }

    /// Rejects at the limit so.
    #[must_use]
    pub fn then_reject(self, rejection: Arc<Rejection>) -> Self {
        Self { then: Then::Reject(rejection), ..self }
    }

    /// Redirects at the limit.
    #[must_use]
    pub fn then_redirect(self, redirection: Arc<Redirection>) -> Self {
        Self { then: Then::Redirect(redirection), ..self }
    }

    /// Returns whether the caller hears ringing.
    #[must_use]
    pub fn is_ringing(&self) -> bool {
        self.is_ringing
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    pub(crate) fn then(&self) -> &Then {
        &self.then
    }
}
