//! The calls that wait: for the application, or for the caller to give up.
//!
//! ```text
//!          offered                    ring                        limit: 480
//! INVITE ──────────▶ Undecided ────────────────▶ Ringing ─────────────────────────▶ over
//!    │                  │ reject, redirect, ignore  │ the same, CANCEL: 487            ▲
//!    │                  └───────────────────────────┴──────────────────────────────────┤
//!    └─ verdict ring ─────────────────────────────▶ Ringing                            │
//!                          any: 10 minutes without a decision: 480 ────────────────────┘
//! ```

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_wire::sip::Message;

use crate::core::Objection;
use crate::transaction::key::{Key, Tag};
use crate::transaction::timers::Timers;

/// The longest that a call may stay undecided: a caller who has crashed cannot send CANCEL, and a
/// proxy gives up after three minutes (section 16.6, timer C) unless it is reminded.
pub(crate) const UNDECIDED_FOR: Duration = Duration::from_secs(600);

/// RFC 3261 section 13.3.1.1: how often a ringing call repeats its provisional response, so that no proxy gives up.
pub(crate) const REMIND_EVERY: Duration = Duration::from_secs(60);

/// One call that waits.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) key: Key,
    pub(crate) invite: Arc<Message<'static>>,
    pub(crate) source: SocketAddr,
    pub(crate) tag: Tag,
    /// Where in-dialog requests would reach us.
    pub(crate) contact: String,
    pub(crate) objection: Option<Objection>,
    /// Whether the application holds it, and is to be told of its end.
    pub(crate) is_offered: bool,
    pub(crate) ring: Ring,
    pub(crate) ends_at: Instant,
}

/// Whether the caller hears ringing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ring {
    Silent,
    Ringing { remind_at: Instant },
}

impl Incoming {
    fn poll_timeout(&self) -> Instant {
        match self.ring {
            Ring::Silent => self.ends_at,
            Ring::Ringing { remind_at } => self.ends_at.min(remind_at),
        }
    }
}

/// All calls that wait, by their numbers.
#[derive(Debug)]
pub(crate) struct Waiting {
    calls: BTreeMap<u64, Incoming>,
    /// The same calls, by the tag of their responses.
    by_tag: BTreeMap<Tag, u64>,
    timers: Timers<u64>,
    limit: usize,
}

impl Waiting {
    pub(crate) fn new(limit: usize) -> Self {
        Self { calls: BTreeMap::new(), by_tag: BTreeMap::new(), timers: Timers::new(), limit }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.calls.len() >= self.limit
    }

    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn insert(&mut self, now: Instant, number: u64, call: Incoming) {
        self.timers.add(now, call.poll_timeout(), number);
        self.by_tag.insert(call.tag, number);
        self.calls.insert(number, call);
    }

    pub(crate) fn find(&self, number: u64) -> Option<&Incoming> {
        self.calls.get(&number)
    }

    /// Returns the call whose early dialog a request is in: our tag in To, and the same Call-ID.
    pub(crate) fn find_by_dialog(&self, request: &Message<'_>) -> Option<u64> {
        let tag = Tag::from_bytes(request.to().ok()?.tag()?)?;
        let number = *self.by_tag.get(&tag)?;
        let call = self.calls.get(&number)?;
        let is_same = request.call_id().is_ok_and(|id| call.invite.call_id() == Ok(id));
        (is_same && call.ring != Ring::Silent).then_some(number)
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<Incoming> {
        let call = self.calls.remove(&number)?;
        self.by_tag.remove(&call.tag);
        Some(call)
    }

    /// Notes that a call rings now, or still.
    pub(crate) fn ringing(&mut self, now: Instant, number: u64) {
        if let Some(call) = self.calls.get_mut(&number) {
            call.ring = Ring::Ringing { remind_at: now + REMIND_EVERY };
            self.timers.add(now, call.poll_timeout(), number);
        }
    }

    /// Returns the next call of which something is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<(u64, Due)> {
        while let Some((_, number)) = self.timers.pop_due(now) {
            let Some(call) = self.calls.get(&number) else { continue };
            if call.ends_at <= now {
                return Some((number, Due::End));
            }
            if call.poll_timeout() <= now {
                return Some((number, Due::Remind));
            }
            // Woken by a wait that was since replaced: the one that counts has its own place.
        }
        None
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Returns the numbers of all calls.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.calls.keys().copied().collect()
    }
}

/// What is due of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// The provisional response is sent again.
    Remind,
    /// It is answered 480.
    End,
}
