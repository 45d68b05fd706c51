//! What was decided of each call, and whether its end is that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringfence_testing::Random;
use ringfence_ua::{CallEnd, EndedBy, Redirection, Rejection, Screen, Verdict, Wait};

/// What a screen or an application has said of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Reject(u16),
    Redirect,
    Ignore,
    /// It waits for its caller, and is answered this at its limit.
    Wait(u16),
    Offer,
}

/// A call that a screen was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) call_id: String,
    pub(crate) decision: Decision,
}

/// What one phone's screen was shown and has decided, by the number of the call.
pub(crate) type Decisions = Arc<Mutex<BTreeMap<u64, Shown>>>;

pub(crate) fn elsewhere() -> Redirection {
    Redirection::new("sip:999@192.0.2.99").unwrap()
}

/// Decides each call otherwise, and writes down how.
pub(crate) fn screen(mut random: Random, decisions: Decisions) -> Screen {
    Screen::each(move |invite| {
        let limit = Duration::from_secs(1 + random.next_u64() % 60);
        let (decision, verdict) = match random.next_u64() % 7 {
            0 => (Decision::Reject(486), Verdict::busy()),
            1 => (Decision::Reject(603), Verdict::Reject(Arc::new(Rejection::new(603).unwrap()))),
            2 => (Decision::Redirect, Verdict::Redirect(Arc::new(elsewhere()))),
            3 => (Decision::Wait(480), Verdict::Ring { limit: Some(limit) }),
            4 => {
                let wait = Wait::silent(limit).then_reject(Arc::new(Rejection::busy()));
                (Decision::Wait(486), Verdict::Wait(wait))
            }
            5 => (Decision::Ignore, Verdict::Ignore),
            _ => (Decision::Offer, Verdict::Offer),
        };
        let call_id = String::from_utf8(invite.head.call_id().unwrap().to_vec()).unwrap();
        let shown = Shown { call_id, decision };
        let before = decisions.lock().unwrap().insert(invite.call.as_u64(), shown);
        assert_eq!(before, None, "a call is shown once");
        verdict
    })
}

impl Decision {
    /// Returns whether a call that was decided so may end so.
    pub(crate) fn is_carried_out_by(self, status: Option<u16>, by: EndedBy, end: CallEnd) -> bool {
        match (self, by) {
            (Self::Reject(wanted), EndedBy::Decision) => status == Some(wanted),
            (Self::Redirect, EndedBy::Decision) => status == Some(302),
            (Self::Ignore, _) => status.is_none() && end == CallEnd::Ignored,
            // Without room to wait; one that has no answer of its own for its limit may come again.
            (Self::Wait(480) | Self::Offer, EndedBy::Overload) => status == Some(503),
            (Self::Wait(at_limit), EndedBy::Limit | EndedBy::Overload) => status == Some(at_limit),
            // A refusal that was chosen comes sooner.
            (Self::Wait(486), EndedBy::Expires) => status == Some(486),
            (Self::Offer, EndedBy::Limit) => status == Some(480),
            (Self::Wait(_) | Self::Offer, EndedBy::Caller | EndedBy::Elsewhere | EndedBy::Expires) => {
                status == Some(487)
            }
            _ => false,
        }
    }
}
