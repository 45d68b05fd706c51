//! What the user agent owes: each duty says what has to be sent by when, and is looked at once, when that time has passed.
//!
//! ```text
//!  INVITE came ─────────────▶ a response within 200 ms
//!  CANCEL of an INVITE came ▶ an answer at once
//!  a copy came ─────────────▶ the last response at once
//!  final response to INVITE ▶ once more when timer G fires, until the ACK
//!  request sent by UDP ─────▶ once more when timer A or E fires, until it is answered or replaced by another
//! ```
//!
//! What ends a duty and cannot be seen on the wire has to be told: [`Auditor::excuse`], [`Auditor::does_not_know`].

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_wire::sip::{CSeq, Message, Method};

use super::form::Written;
use super::{Auditor, Key, SLACK};

/// Within which an INVITE has a response.
const TRYING: Duration = Duration::from_millis(200);
/// Duties at one time: each is over in 4 s, and who owes more has had its faults told.
const MOST: usize = 65_536;

/// What is owed in one transaction.
#[derive(Debug, Clone, Copy)]
enum Duty {
    /// Some response to an INVITE.
    Trying,
    /// An answer to a CANCEL.
    Cancel,
    /// One more response than there were when a copy came.
    Copy { responses: u64 },
    /// What timer G has sent again at a time.
    TimerG { at: Instant },
    /// What timer A or E has sent again at a time.
    TimerE { at: Instant },
}

/// What is owed, in the order of when.
#[derive(Debug, Default)]
pub(super) struct Dues {
    by: BTreeMap<(Instant, u64), (Key, Duty)>,
    /// How many there ever were.
    count: u64,
}

/// What a duty is called where it was not done.
pub(super) const SAYS: [&str; 6] = [
    "an INVITE has a response within 200 ms",
    "a CANCEL of an INVITE is answered",
    "a request that comes again has the last response again",
    "the final response to an INVITE is repeated until its ACK",
    "an INVITE is repeated until it is answered",
    "a request is repeated until it is answered",
];

impl Duty {
    /// Returns the section that has it done, and what it says.
    fn rule(self, is_invite: bool) -> (&'static str, &'static str) {
        let [trying, cancel, copy, timer_g, timer_a, timer_e] = SAYS;
        match self {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
            //# The server transaction MUST generate a 100
            //# (Trying) response unless it knows that the TU will generate a
            //# provisional or final response within 200 ms, in which case it MAY
            //# generate a 100 (Trying) response.
            Self::Trying => ("17.2.1", trying),
            //= https://www.rfc-editor.org/rfc/rfc3261#section-9.2
            //# Regardless of the method of the original request, as long as the
            //# CANCEL matched an existing transaction, the UAS answers the CANCEL
            //# request itself with a 200 (OK) response.
            Self::Cancel => ("9.2", cancel),
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
            //# If a request
            //# retransmission is received while in the "Proceeding" state, the most
            //# recent provisional response that was received from the TU MUST be
            //# passed to the transport layer for retransmission.
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
            //# Furthermore,
            //# while in the "Completed" state, if a request retransmission is
            //# received, the server SHOULD pass the response to the transport for
            //# retransmission.
            Self::Copy { .. } if is_invite => ("17.2.1", copy),
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
            //# While in the "Completed" state, the
            //# server transaction MUST pass the final response to the transport
            //# layer for retransmission whenever a retransmission of the request is
            //# received.
            Self::Copy { .. } => ("17.2.2", copy),
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
            //# If timer G fires, the response
            //# is passed to the transport layer once more for retransmission, and
            //# timer G is set to fire in MIN(2*T1, T2) seconds.
            Self::TimerG { .. } => ("17.2.1", timer_g),
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
            //# When timer A fires, the client transaction MUST retransmit the
            //# request by passing it to the transport layer, and MUST reset the
            //# timer with a value of 2*T1.
            Self::TimerE { .. } if is_invite => ("17.1.1.2", timer_a),
            //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
            //# If timer E fires while still in this state,
            //# the timer is reset, but this time with a value of MIN(2*T1, T2).
            Self::TimerE { .. } => ("17.1.2.2", timer_e),
        }
    }
}

impl Dues {
    fn add(&mut self, by: Instant, key: Key, duty: Duty) {
        if self.by.len() < MOST {
            self.count += 1;
            self.by.insert((by + SLACK, self.count), (key, duty));
        }
    }

    fn pop(&mut self, now: Instant) -> Option<(Instant, Key, Duty)> {
        let first = self.by.first_entry().filter(|first| first.key().0 < now)?;
        let ((by, _), (key, duty)) = first.remove_entry();
        Some((by, key, duty))
    }
}

/// What is owed.
impl Auditor {
    /// One that judges what is not sent as well. It has to be told of each message when it comes and goes, and in the end of the
    /// time that has passed.
    #[must_use]
    pub fn demanding() -> Self {
        Self { dues: Some(Dues::default()), ..Self::default() }
    }

    /// Takes that time has passed, and judges what should have been sent in it.
    pub fn passed(&mut self, now: Instant) {
        while let Some((by, key, duty)) = self.dues.as_mut().and_then(|dues| dues.pop(now)) {
            if let Some((is_invite, line)) = self.is_owed(&key, duty) {
                let (section, rule) = duty.rule(is_invite);
                self.note(by, section, rule, &line);
            }
        }
    }

    /// Takes that nothing more is owed of a call or of a registration, by its Call-ID: it is ignored, was answered without a
    /// transaction, or is given up. That counts for the transactions that there are, or where there are none for the next
    /// one. A CANCEL that comes later is a transaction of its own, and is answered.
    pub fn excuse(&mut self, call_id: &str) {
        let call_id = call_id.as_bytes();
        let (served, asked) = (of_call(&mut self.served, call_id), of_call(&mut self.asked, call_id));
        let mut is_there = false;
        for is_excused in served.map(|it| &mut it.is_excused).chain(asked.map(|it| &mut it.is_excused)) {
            (*is_excused, is_there) = (true, true);
        }
        if !is_there && self.excused.len() < MOST {
            self.excused.insert(call_id.to_vec());
        }
        if self.with_excused.len() < MOST {
            self.with_excused.insert(call_id.to_vec());
        }
    }

    /// Returns whether a request is a copy, by another way, of one in whose transaction nothing is owed: it may hear nothing either.
    pub(super) fn is_copy_of_excused(&self, key: &Key, request: &Message<'_>) -> bool {
        if !self.with_excused.contains(&key.call_id) {
            return false;
        }
        let first = Key { call_id: key.call_id.clone(), rest: Vec::new() };
        let mut same_call = self.served.range(first..).take_while(|(known, _)| known.call_id == key.call_id);
        same_call.any(|(_, served)| {
            served.is_excused && served.any(|received| identity(&received.message) == identity(request))
        })
    }

    /// Takes a request that came, and is not known to be an ACK: `responses` is how many it has had when it is a copy.
    pub(super) fn owe_response(
        &mut self,
        now: Instant,
        key: &Key,
        request: &Message<'_>,
        source: SocketAddr,
        responses: Option<u64>,
    ) {
        let is_stranger = self.strangers.contains(&source.ip().to_canonical());
        let Some(dues) = &mut self.dues else { return };
        match (request.method(), responses) {
            (Some(Method::Ack), _) => {}
            (Some(_), Some(responses)) if responses > 0 => {
                dues.add(now, key.clone(), Duty::Copy { responses });
            }
            (Some(Method::Invite), None) if !is_stranger => dues.add(now + TRYING, key.clone(), Duty::Trying),
            (Some(Method::Cancel), None) if !is_stranger => {
                let invite = Key::of_method(request, Method::Invite).and_then(|key| self.served.get(&key));
                let is_of_it = invite.is_some_and(|invite| {
                    invite.responses > 0 && invite.any(|request| request.source == source)
                });
                if is_of_it {
                    dues.add(now, key.clone(), Duty::Cancel);
                }
            }
            (Some(_) | None, _) => {}
        }
    }

    /// Takes a response that was sent: what is no success of an INVITE is repeated by itself over UDP.
    pub(super) fn owe_final(&mut self, key: &Key, written: &Written<'_>) {
        let is_failure = written.message.status().is_some_and(|status| status.as_u16() >= 300);
        let Some(served) = self.served.get(key).filter(|served| is_failure && served.is_invite()) else {
            return;
        };
        let is_known = !served.any(|request| self.strangers.contains(&request.source.ip().to_canonical()));
        let at = served
            .last
            .as_ref()
            .filter(|last| last.again_at + SLACK < last.ends_at())
            .map(|last| last.again_at);
        if let (Some(dues), Some(at), false) =
            (&mut self.dues, at, written.transport.is_reliable() || !is_known)
        {
            dues.add(at, key.clone(), Duty::TimerG { at });
        }
    }

    /// Takes a request that was sent and is no ACK.
    pub(super) fn owe_request(&mut self, key: &Key, written: &Written<'_>) {
        let Some(asked) = self.asked.get(key).filter(|_| !written.transport.is_reliable()) else { return };
        let at = asked.again_at.filter(|at| asked.ends_at().is_some_and(|end| *at + SLACK < end));
        if let (Some(dues), Some(at)) = (&mut self.dues, at) {
            dues.add(at, key.clone(), Duty::TimerE { at });
        }
    }

    /// Returns whether a duty was not done that was one until then: whether it is of an INVITE, and what was to be sent or
    /// answered.
    fn is_owed(&self, key: &Key, duty: Duty) -> Option<(bool, Vec<u8>)> {
        if let Duty::TimerE { at } = duty {
            let asked =
                self.asked.get(key).filter(|asked| asked.again_at == Some(at) && !asked.is_answered())?;
            let request = Message::parse(&asked.bytes).ok()?;
            let is_invite = request.method() == Some(Method::Invite);
            let is_over = asked.is_excused || self.is_replaced(&request) || asked.is_quiet();
            return (!is_over).then(|| (is_invite, asked.bytes.clone()));
        }
        let served = self.served.get(key)?;
        let is_undone = match duty {
            Duty::Trying | Duty::Cancel => served.responses == 0,
            Duty::Copy { responses } => served.responses == responses && !served.is_settled(),
            Duty::TimerG { at } => {
                !served.is_settled() && served.last.as_ref().is_some_and(|last| last.again_at == at)
            }
            Duty::TimerE { .. } => false,
        };
        let request = &served.requests.first()?.message;
        let is_owed = is_undone && !served.is_excused;
        is_owed.then(|| (served.is_invite(), request.as_bytes().to_vec()))
    }

    /// Returns whether a newer REGISTER has taken the place of one.
    fn is_replaced(&self, request: &Message<'_>) -> bool {
        let registration = request.call_id().ok().and_then(|call_id| self.registrations.get(call_id));
        let branch = request.via().ok().and_then(|via| via.branch()).unwrap_or_default();
        let is_register = request.method() == Some(Method::Register);
        is_register && registration.is_some_and(|newest| !newest.is_of(branch))
    }
}

/// Returns what the copies of a request have in common besides their Call-ID.
fn identity<'m>(request: &'m Message<'_>) -> Option<(Option<&'m [u8]>, CSeq<'m>)> {
    Some((request.from().ok()?.tag(), request.cseq().ok()?))
}

/// Returns the transactions with a Call-ID.
fn of_call<'a, T>(
    all: &'a mut BTreeMap<Key, T>,
    call_id: &'a [u8],
) -> impl Iterator<Item = &'a mut T> + use<'a, T> {
    let first = Key { call_id: call_id.to_vec(), rest: Vec::new() };
    all.range_mut(first..).take_while(move |(key, _)| key.call_id == call_id).map(|(_, it)| it)
}
