//! What the user agent was asked in one transaction, and what it has answered so far.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_ua::Transport;
use ringfence_wire::sip::{Message, Method};

use super::form::Written;
use super::{T1, T2, T4};

/// Requests of one transaction that differ: whoever sends more of them is not understood better for it.
const MOST: usize = 8;

/// One transaction that the user agent serves.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// The requests that came, each once.
    pub(super) requests: Vec<Received>,
    /// How often one has come after the final response that was not answered since.
    pub(super) unanswered: u64,
    /// Whether those before the final response count as well: it is not known which came before.
    has_no_order: bool,
    /// The newest provisional response.
    pub(super) provisional: Option<Vec<u8>>,
    pub(super) last: Option<Final>,
    /// The To tag of its responses, but for 100.
    pub(super) tag: Option<Vec<u8>>,
    pub(super) acknowledged: Option<Instant>,
    /// Whether any ACK has come since the final response: where it has no branch, it may be of that.
    is_settled: bool,
    /// How many responses were sent.
    pub(super) responses: u64,
    /// Whether nothing is owed in it.
    pub(super) is_excused: bool,
}

/// A request, and where it came from.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) transport: Transport,
    pub(super) source: SocketAddr,
    pub(super) message: Message<'static>,
}

/// The final response.
#[derive(Debug)]
pub(super) struct Final {
    pub(super) bytes: Vec<u8>,
    since: Instant,
    /// When timer G has it sent again.
    pub(super) again_at: Instant,
    interval: Duration,
}

impl Final {
    /// Returns when timer H fires.
    pub(super) fn ends_at(&self) -> Instant {
        self.since + 64 * T1
    }
}

impl Served {
    /// One that nothing came of yet; `has_no_order` where what is judged is told of at the other end of a network, where what
    /// was sent before an answer came may have come there after it was sent, or takes several messages at once.
    pub(super) fn new(has_no_order: bool) -> Self {
        Self { has_no_order, ..Self::default() }
    }

    pub(super) fn received(
        &mut self,
        now: Instant,
        is_ack: bool,
        (transport, source): (Transport, SocketAddr),
        message: Message<'static>,
    ) {
        if is_ack && self.is_invite() {
            self.is_settled |= self.last.is_some();
            // Without a branch, what it acknowledges is known by its tags as well (section 17.2.3). One that comes before
            // anything final acknowledges nothing.
            let branch = message.via().ok().and_then(|via| via.branch()).unwrap_or_default();
            if self.last.is_some() && branch.starts_with(b"z9hG4bK") {
                self.acknowledged.get_or_insert(now);
            }
            return;
        }
        if self.last.is_some() || self.has_no_order {
            self.unanswered += 1;
        }
        let is_known =
            |known: &Received| known.source == source && known.message.as_bytes() == message.as_bytes();
        if !self.requests.iter().any(is_known) && self.requests.len() < MOST {
            self.requests.push(Received { transport, source, message });
        }
    }

    /// Takes a response to it.
    pub(super) fn sent(&mut self, now: Instant, written: &Written<'_>) {
        let Some(status) = written.message.status() else { return };
        if status.as_u16() > 100 && self.tag.is_none() {
            self.tag = written.message.to().ok().and_then(|to| to.tag()).map(<[u8]>::to_vec);
        }
        self.responses += 1;
        self.is_settled |= self.is_invite() && matches!(status.as_u16(), 200..300);
        let was_asked = self.unanswered > 0;
        self.unanswered = self.unanswered.saturating_sub(1);
        if !status.is_final() {
            self.provisional = Some(written.bytes.to_vec());
            return;
        }
        match &mut self.last {
            None => {
                let (bytes, again_at) = (written.bytes.to_vec(), now + T1);
                self.last = Some(Final { bytes, since: now, again_at, interval: T1 });
            }
            Some(last) if !was_asked => {
                last.interval = (2 * last.interval).min(T2);
                last.again_at = now + last.interval;
            }
            Some(_) => {}
        }
    }

    /// Returns whether a request that comes now is a new one, whatever it looks like.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        match self.acknowledged {
            // Timer I: that of H is none any more.
            Some(at) => at + T4 <= now,
            None => self.last.as_ref().is_some_and(|last| last.ends_at() <= now),
        }
    }

    /// Returns whether its final response is not repeated any more.
    pub(super) fn is_settled(&self) -> bool {
        self.is_settled
    }

    pub(super) fn is_invite(&self) -> bool {
        self.requests.iter().any(|request| request.message.method() == Some(Method::Invite))
    }

    /// Returns whether something holds of one of the requests.
    pub(super) fn any(&self, holds: impl Fn(&Received) -> bool) -> bool {
        self.requests.iter().any(holds)
    }
}
