//! The calls that wait: for the application, for the caller to give up, or for a limit.
//!
//! ```text
//!          offered                 ring, wait                limit: 480, or the wait's own answer
//! INVITE ──────────▶ Undecided ────────────────▶ Waiting ──────────────────────────────▶ over
//!    │                  │ reject, redirect, ignore  │ the same, CANCEL: 487                 ▲
//!    │                  └───────────────────────────┴───────────────────────────────────────┤
//!    └─ verdict ring, wait ───────────────────────▶ Waiting                                 │
//!                          any: 10 minutes without a decision: 480 ─────────────────────────┘
//! ```
//!
//! *Waiting* is with ringing or in silence. In either state an invitation may expire first, by its own `Expires`: 487, or the
//! refusal that was chosen for the limit.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hashbrown::HashTable;
use ringfence_wire::sip::{Head, Message};

use super::{Origin, Then, Wait};
use crate::core::{Echo, Objection};
use crate::id::LineId;
use crate::limits::Limits;
use crate::transaction::key::{Key, Tag};
use crate::transport::{ConnectionId, Flow, OwnContact};

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
    /// What it came over, and its answers go over.
    pub(crate) flow: Flow,
    /// When it ends because its connection is no more, or the peer's end of it, unless its caller comes back.
    pub(crate) lost_until: Option<Instant>,
    /// The line that it came for, and why that let it in.
    pub(crate) line: LineId,
    pub(crate) origin: Origin,
    pub(crate) tag: Tag,
    /// What its responses have in common.
    pub(crate) echo: Echo,
    /// The number of the last request of the caller.
    pub(crate) remote_cseq: u32,
    /// Where in-dialog requests would reach us.
    pub(crate) contact: OwnContact,
    pub(crate) objection: Option<Objection>,
    /// Whether the application holds it, and is to be told of its end.
    pub(crate) is_offered: bool,
    pub(crate) ring: Ring,
    pub(crate) ends_at: Instant,
    /// What it is answered then.
    pub(crate) then: Then,
    /// When the invitation expires, if its `Expires` says so.
    pub(crate) expires_at: Option<Instant>,
}

/// Whether the caller hears ringing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ring {
    Silent,
    Ringing {
        remind_at: Instant,
    },
    /// It did, and is reminded no more.
    Rung,
}

impl Incoming {
    fn bytes(&self) -> usize {
        self.invite.as_bytes().len() + self.echo.len()
    }

    fn poll_timeout(&self) -> Instant {
        let remind_at = match self.ring {
            Ring::Silent | Ring::Rung => None,
            Ring::Ringing { remind_at } => Some(remind_at),
        };
        [self.expires_at, self.lost_until, remind_at].into_iter().flatten().fold(self.ends_at, Instant::min)
    }

    fn due(&self, now: Instant) -> Due {
        if self.expires_at.is_some_and(|at| at <= now) {
            Due::Expire
        } else if self.ends_at <= now || self.lost_until.is_some_and(|at| at <= now) {
            Due::End
        } else {
            Due::Remind
        }
    }
}

/// All calls that wait, by their numbers.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// In boxes: to make room among others in a node would move half of them.
    calls: BTreeMap<u64, Box<Incoming>>,
    /// The same calls, by the tag of their responses.
    by_tag: HashTable<(Tag, u64)>,
    /// The same calls, the one of which something is due next first.
    order: BTreeSet<(Instant, u64)>,
    /// Those that came over connections, by these.
    over: BTreeSet<(ConnectionId, u64)>,
    /// Those of them whose connections are no more, or the peer's ends of them.
    lost: BTreeSet<u64>,
    /// What their INVITEs take, and what is kept of them to answer by.
    bytes: usize,
    /// Those of them that anyone could make.
    strangers: Strangers,
    limits: Limits,
}

/// Calls of nobody in particular, and what they take.
#[derive(Debug, Default)]
struct Strangers {
    calls: usize,
    bytes: usize,
}

/// A fourth of all is theirs.
const STRANGERS_PART: usize = 4;

impl Waiting {
    pub(crate) fn new(limits: Limits) -> Self {
        let (calls, by_tag, order) = (BTreeMap::new(), HashTable::new(), BTreeSet::new());
        Self {
            calls,
            by_tag,
            order,
            over: BTreeSet::new(),
            lost: BTreeSet::new(),
            bytes: 0,
            strangers: Strangers::default(),
            limits,
        }
    }

    /// Returns whether there is no room for one more call that was let in so. Strangers have a quarter of it at most: whoever
    /// sends from wherever he likes keeps nobody else from being heard.
    pub(crate) fn is_full(&self, origin: Origin) -> bool {
        let Limits { undecided_calls: calls, undecided_bytes: bytes, .. } = self.limits;
        let of_strangers = (calls.div_ceil(STRANGERS_PART), bytes / STRANGERS_PART);
        let have_theirs = self.strangers.calls >= of_strangers.0 || self.strangers.bytes >= of_strangers.1;
        self.calls.len() >= calls || self.bytes >= bytes || (origin == Origin::Anyone && have_theirs)
    }

    pub(crate) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(crate) fn insert(&mut self, number: u64, call: Incoming) {
        self.bytes += call.bytes();
        if call.origin == Origin::Anyone {
            self.strangers.calls += 1;
            self.strangers.bytes += call.bytes();
        }
        self.order.insert((call.poll_timeout(), number));
        self.over.extend(call.flow.connection_id().map(|connection| (connection, number)));
        self.by_tag.insert_unique(call.tag.hash(), (call.tag, number), |(tag, _)| tag.hash());
        self.calls.insert(number, Box::new(call));
    }

    pub(crate) fn find(&self, number: u64) -> Option<&Incoming> {
        self.calls.get(&number).map(|call| &**call)
    }

    /// Returns the call whose early dialog a request is in: our tag in To, the same Call-ID and From tag.
    pub(crate) fn find_by_dialog(&self, head: &Head<'_>) -> Option<u64> {
        let tag = Tag::from_bytes(head.to_tag())?;
        let &(_, number) = self.by_tag.find(tag.hash(), |(known, _)| *known == tag)?;
        let call = self.calls.get(&number)?;
        //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
        //# The call identifier component of the dialog ID MUST be set to the value of the Call-ID
        //# in the request.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
        //# The local tag component of the dialog ID MUST be set to the tag in the To field in the
        //# response to the request (which always includes a tag), and the remote tag component of
        //# the dialog ID MUST be set to the tag from the From field in the request.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
        //# A UAS MUST be prepared to receive a request without a tag in the From field, in which
        //# case the tag is considered to have a value of null.
        let (caller, invited) = (head.from().ok()?, call.invite.from().ok()?);
        let is_same = caller.tag() == invited.tag() && head.call_id().ok() == call.invite.call_id().ok();
        (is_same && call.ring != Ring::Silent).then_some(number)
    }

    /// Returns whether a BYE is within the early dialog of a call, and not made before what came last.
    pub(crate) fn is_ended_by(&self, bye: &Head<'_>) -> bool {
        let call = self.find_by_dialog(bye).and_then(|number| self.find(number));
        call.is_some_and(|call| bye.cseq().is_ok_and(|cseq| cseq.number >= call.remote_cseq))
    }

    /// Takes a request within the early dialog of a call. Returns whether it was made before what came last.
    pub(crate) fn is_out_of_order(&mut self, number: u64, head: &Head<'_>) -> bool {
        let (Some(call), Ok(cseq)) = (self.calls.get_mut(&number), head.cseq()) else { return false };
        //= https://www.rfc-editor.org/rfc/rfc3261#section-12.2.2
        //# If the remote sequence number was not empty, but the
        //# sequence number of the request is lower than the remote sequence
        //# number, the request is out of order and MUST be rejected with a 500
        //# (Server Internal Error) response.
        if cseq.number < call.remote_cseq {
            return true;
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-12.2.2
        //# The UAS MUST then set
        //# the remote sequence number to the value of the sequence number in the
        //# CSeq header field value in the request.
        call.remote_cseq = cseq.number;
        false
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<Box<Incoming>> {
        let call = self.calls.remove(&number)?;
        self.bytes -= call.bytes();
        if call.origin == Origin::Anyone {
            self.strangers.calls -= 1;
            self.strangers.bytes -= call.bytes();
        }
        self.order.remove(&(call.poll_timeout(), number));
        self.lost.remove(&number);
        if let Some(connection) = call.flow.connection_id() {
            self.over.remove(&(connection, number));
        }
        if let Ok(found) = self.by_tag.find_entry(call.tag.hash(), |(_, known)| *known == number) {
            found.remove();
        }
        // A burst gives its memory back.
        if self.by_tag.capacity() > 4096 && self.by_tag.len() * 8 < self.by_tag.capacity() {
            self.by_tag.shrink_to(self.by_tag.len() * 2, |(tag, _)| tag.hash());
        }
        Some(call)
    }

    /// Notes that a call rings now, or still.
    pub(crate) fn ringing(&mut self, now: Instant, number: u64) {
        self.change(number, |call| call.ring = Ring::Ringing { remind_at: now + REMIND_EVERY });
    }

    /// Leaves a call that the application held to itself, to end no later than it would have.
    pub(crate) fn leave(&mut self, now: Instant, number: u64, wait: &Wait) {
        self.change(number, |call| {
            call.is_offered = false;
            call.ends_at = call.ends_at.min(now + wait.limit().min(UNDECIDED_FOR));
            call.then = wait.then().clone();
            call.ring = match call.ring {
                Ring::Ringing { .. } if !wait.is_ringing() => Ring::Rung,
                ring @ (Ring::Silent | Ring::Ringing { .. } | Ring::Rung) => ring,
            };
        });
    }

    /// Takes that a connection is no more, or the peer's end of it: the calls over it end then, unless their callers come back. Returns by which
    /// transactions they came.
    pub(crate) fn lose(&mut self, connection: ConnectionId, until: Instant) -> Vec<Key> {
        let lost: Vec<u64> = self.over.range(all_over(connection)).map(|&(_, number)| number).collect();
        for &number in &lost {
            self.change(number, |call| call.lost_until = Some(until));
        }
        self.lost.extend(&lost);
        lost.into_iter().filter_map(|number| self.find(number)).map(|call| call.key).collect()
    }

    /// Takes that the caller has come back over another connection.
    pub(crate) fn found(&mut self, number: u64, flow: Flow) {
        let before = self.find(number).and_then(|call| call.flow.connection_id());
        self.change(number, |call| (call.flow, call.lost_until) = (flow, None));
        self.lost.remove(&number);
        if let (Some(before), Some(connection)) = (before, flow.connection_id()) {
            self.over.remove(&(before, number));
            self.over.insert((connection, number));
        }
    }

    /// Returns whether the connection of a call is no more.
    pub(crate) fn is_lost(&self, number: u64) -> bool {
        self.lost.contains(&number)
    }

    /// Returns whether there are calls whose connections are no more.
    pub(crate) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// Returns whether a call waits that came over a connection.
    pub(crate) fn use_connection(&self, connection: ConnectionId) -> bool {
        self.over.range(all_over(connection)).next().is_some()
    }

    fn change(&mut self, number: u64, change: impl FnOnce(&mut Incoming)) {
        if let Some(call) = self.calls.get_mut(&number) {
            self.order.remove(&(call.poll_timeout(), number));
            change(call);
            self.order.insert((call.poll_timeout(), number));
        }
    }

    /// Returns the next call of which something is due. It is due again until that is done.
    pub(crate) fn next_due(&self, now: Instant) -> Option<(u64, Due)> {
        let &(_, number) = self.order.first().filter(|&&(due, _)| due <= now)?;
        Some((number, self.calls.get(&number).map_or(Due::End, |call| call.due(now))))
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.order.first().map(|&(due, _)| due)
    }

    /// Returns the numbers of all calls.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.calls.keys().copied().collect()
    }
}

/// Where the calls over a connection are among all that came over some.
fn all_over(connection: ConnectionId) -> RangeInclusive<(ConnectionId, u64)> {
    (connection, 0)..=(connection, u64::MAX)
}

/// What is due of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// The provisional response is sent again.
    Remind,
    /// It is given the final answer of its limit.
    End,
    /// It is answered that its invitation has expired.
    Expire,
}
