//! The steps of a request, from its transaction up to the answer of whatever is no new call. Each is taken for all requests that
//! came together before the next is, see `together.rs`; so each is a function of its own, of which there is one copy.

use std::time::Instant;

use ringfence_wire::sip::{Head, Message, Method, Via};

use super::Endpoint;
use super::inbound::Inbound;
use super::new_calls::NewCall;
use crate::call::Origin;
use crate::core::{Answering, Echo, object};
use crate::id::LineId;
use crate::transaction::key::{Key, MergeKey, is_unique_branch};
use crate::transaction::outcome::Matched;
use crate::transport::Flow;
use crate::transport::via::response_flow;

/// A request of which the transaction is read.
#[derive(Debug)]
pub(super) struct Named<'r> {
    flow: Flow,
    request: &'r Message<'r>,
    method: Method<'r>,
    via: Via<'r>,
    pub(super) key: Key,
}

/// A request that belongs to no transaction that is known, and was let in.
#[derive(Debug)]
pub(super) struct Admitted<'r> {
    flow: Flow,
    method: Method<'r>,
    key: Key,
    merge: MergeKey,
    head: Head<'r>,
    line: LineId,
    origin: Origin,
}

/// What is still to be done of a request that was attended to.
#[derive(Debug)]
pub(super) enum Attended<'r> {
    /// To show it to the screen.
    Call(NewCall<'r>),
    /// To answer it as a copy of another, which may have come together with it and is to be decided first.
    Copy { inbound: Inbound<'r>, has_transaction: bool },
}

impl Endpoint {
    /// Reads which transaction a request names: none without a Via that can be read.
    #[inline(never)]
    pub(super) fn name<'r>(&self, flow: Flow, request: &'r Message<'r>) -> Option<Named<'r>> {
        let (method, via) = (request.method()?, request.via().ok()?);
        let key = self.secret.server_key(request, &via, method);
        Some(Named { flow, request, method, via, key })
    }

    /// Returns whether the transaction that a request names is known.
    pub(super) fn knows(&self, named: &Named<'_>) -> bool {
        self.transactions.knows(named.key)
    }

    /// Attends to a request of a transaction that is known, and reads and lets in what a line takes of others. One that belongs to
    /// a transaction says nothing of who sends it: whoever has seen the first can repeat it.
    #[inline(never)]
    pub(super) fn admit<'r>(
        &mut self,
        now: Instant,
        named: &Named<'r>,
        is_known: bool,
    ) -> Option<Admitted<'r>> {
        let &Named { flow, request, method, ref via, key } = named;
        let source = flow.remote();
        if is_known && method == Method::Invite {
            self.take_back(key, flow);
        }
        if is_known
            && !(method == Method::Ack && self.is_ack_of_another(request, via, key))
            && let Some(matched) = self.transactions.handle_request(now, key, method, &mut self.outbox)
        {
            match matched {
                Matched::Retransmission => self.counters.retransmissions += 1,
                Matched::Ack | Matched::AckOfSuccess => {}
            }
            return None;
        }
        if method == Method::Ack {
            self.counters.dropped_stray_ack += 1;
            return None;
        }
        let cancelled = self.cancelled(request, via, method, source);
        if cancelled.is_none() && self.lines.is_stranger(request, source) && !self.may_be_of_a_call(request) {
            self.counters.dropped_stranger += 1;
            return None;
        }
        let head = Head::behind(request, Ok(*via));
        let admitted = cancelled.or_else(|| self.lines.admit(&head, source));
        let Some((line, origin)) = admitted.or_else(|| self.admit_to_early_dialog(&head, source)) else {
            self.counters.dropped_stranger += 1;
            return None;
        };
        let merge = self.secret.merge_key(&head);
        Some(Admitted { flow, method, key, merge, head, line, origin })
    }

    /// Returns whether the same request has come by another way.
    pub(super) fn has_come(&self, admitted: &Admitted<'_>) -> bool {
        self.transactions.is_merged(admitted.merge.on(admitted.line))
    }

    /// Attends to a request that was let in, up to the answer of all but a new call and of copies. `echo` is written anew.
    #[inline(never)]
    pub(super) fn attend<'r>(
        &mut self,
        now: Instant,
        admitted: &'r Admitted<'r>,
        has_come: bool,
        echo: &'r mut Echo,
    ) -> Option<Attended<'r>> {
        let Admitted { flow, method, key, merge, ref head, line, origin } = *admitted;
        let (source, request, via) = (flow.remote(), head.message(), head.via().ok()?);
        if method == Method::Invite && via.branch().is_some_and(is_unique_branch) {
            self.awaited.note(via.as_bytes(), key);
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-9.2
        //# noting that the To tag of the response to the CANCEL and the To tag
        //# in the response to the original request SHOULD be the same.
        let is_cancel = method == Method::Cancel;
        let of = if is_cancel { self.secret.server_key(request, via, Method::Invite) } else { key };
        let tag = self.secret.tag(of, merge);
        echo.write(head, source, tag);
        let answering = Answering { request, source, tag, echo };
        let target = response_flow(via, flow, origin.is_trusted());
        let inbound = Inbound { head, key, merge: None, answering, target, line, origin };
        // Of a new call that can be told from others it is looked for when somebody would have it ring.
        let is_new_call = method == Method::Invite && head.to_tag().is_empty();
        let is_left_for_later = is_new_call && head.call_id().is_ok() && head.cseq().is_ok();
        let objection = if is_left_for_later { None } else { object(head, method) };
        match objection {
            objection if self.is_beyond_share(now, &inbound, method, of, objection.as_ref()) => {
                self.turn_away(now, &inbound, method);
            }
            Some(objection) if objection.precedes_matching(method) => {
                self.answer_objection(now, &inbound, &objection);
            }
            objection => {
                // What cannot be read tells no request from another.
                let is_told_apart = head.call_id().is_ok() && head.cseq().is_ok();
                let inbound = Inbound { merge: is_told_apart.then(|| merge.on(line)), ..inbound };
                return self.handle_readable(now, inbound, has_come, method, objection);
            }
        }
        None
    }
}
