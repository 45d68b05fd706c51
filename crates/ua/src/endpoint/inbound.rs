//! What becomes of a message that came in, up to the call or the registration that it is for.

use std::time::Instant;

use ringfence_wire::sip::{
    Framing, Head, HeaderName, Message, Method, Printer, StatusCode, Via, topmost_via_of_ack,
};

use super::Endpoint;
use super::steps::Attended;
use crate::call::Origin;
use crate::core::{Agent, Answering, Echo, Objection, is_spoken, object, write_capabilities};
use crate::id::LineId;
use crate::transaction::EndedBy;
use crate::transaction::key::{Key, MergeKey, is_unique_branch};
use crate::transaction::outcome::Heard;
use crate::transaction::table::Vouched;
use crate::transport::Flow;

/// A request that matched no transaction and was let in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inbound<'r> {
    pub(super) head: &'r Head<'r>,
    pub(super) key: Key,
    /// Which request it is, where a copy that comes by another way is to be told from it.
    pub(super) merge: Option<MergeKey>,
    pub(super) answering: Answering<'r>,
    /// Where responses go.
    pub(super) target: Flow,
    pub(super) line: LineId,
    pub(super) origin: Origin,
}

impl Inbound<'_> {
    /// Returns what stands against the ringing of a new call.
    pub(super) fn objection(&self) -> Option<Objection> {
        Objection::to_invite(self.head)
    }

    pub(super) fn vouched(&self) -> Vouched {
        match self.origin {
            Origin::Registrar | Origin::Peer | Origin::Token => Vouched::Yes,
            // What comes over a connection is from where it says.
            Origin::Anyone if self.target.is_reliable() => Vouched::Yes,
            Origin::Anyone => Vouched::No,
        }
    }
}

impl Endpoint {
    /// Takes the ACK of a transaction that is known, as nearly all are, by its topmost Via and without reading on. Returns
    /// whether it was one.
    pub(super) fn absorb_ack(&mut self, now: Instant, message: &[u8]) -> bool {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.3
        //# the method of the request matches the one that created the
        //# transaction, except for ACK, where the method of the request
        //# that created the transaction is INVITE.
        let Some(written) = topmost_via_of_ack(message) else { return false };
        let key = self.awaited.find(written).or_else(|| {
            let via = Via::parse(written).ok()?;
            self.secret.server_key_by_branch(&via, Method::Invite)
        });
        key.is_some_and(|key| {
            self.transactions.handle_request(now, key, Method::Ack, &mut self.outbox).is_some()
        })
    }

    /// Takes a response. Returns whether it answers a request of ours.
    pub(super) fn handle_response(&mut self, now: Instant, flow: Flow, response: &Message<'_>) -> bool {
        let Some(status) = response.status() else { return false };
        let (via, cseq) = match response.via().and_then(|via| Ok((via, response.cseq()?))) {
            Ok(readable) => readable,
            Err(error) => {
                self.drop_response(now, flow, error);
                return false;
            }
        };
        //= https://www.rfc-editor.org/rfc/rfc3261#section-18.3
        //# If the transport packet ends before the end of the
        //# message body, this is considered an error.  If the message is a
        //# response, it MUST be discarded.
        if response.framing() != Framing::Complete {
            self.drop_response(now, flow, "the body ends before its Content-Length");
            return false;
        }
        if !is_spoken(response) {
            self.drop_response(now, flow, "the version is not SIP/2.0");
            return false;
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.3
        //# If more than one Via header field value is present in a response, the
        //# UAC SHOULD discard the message.
        if response.values(HeaderName::Via).nth(1).is_some() {
            self.counters.dropped_unmatched_response += 1;
            return false;
        }
        let key = self.secret.client_key(&via, cseq.method.as_str());
        match self.transactions.handle_response(now, key, flow, status.as_u16(), &mut self.outbox) {
            Some(Heard::News { user, is_repeated }) => {
                self.unreadable.understood(flow.remote());
                self.handle_answered(now, user, response, is_repeated);
            }
            Some(Heard::Retransmission) => {}
            None => {
                self.counters.dropped_unmatched_response += 1;
                return false;
            }
        }
        true
    }

    /// Attends to a request whose call and number can be read, or that has something wrong before them. What stands against a new
    /// call was not looked for, as far as it can be told from others.
    pub(super) fn handle_readable<'r>(
        &mut self,
        now: Instant,
        inbound: Inbound<'r>,
        has_come: bool,
        method: Method<'_>,
        objection: Option<Objection>,
    ) -> Option<Attended<'r>> {
        if method == Method::Cancel {
            self.handle_cancel(now, &inbound);
            return None;
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-12.2.2
        //# If the UAS wishes to reject the request because it does not wish to
        //# recreate the dialog, it MUST respond to the request with a 481
        //# (Call/Transaction Does Not Exist) status code and pass that to the
        //# server transaction.
        let is_in_dialog = !inbound.head.to_tag().is_empty();
        let is_new_call = method == Method::Invite && !is_in_dialog;
        let is_attended = !objection.is_some_and(|objection| objection.precedes_the_call());
        let number = if is_in_dialog { self.calls.find_by_dialog(inbound.head) } else { None };
        let is_well_formed = objection.is_none_or(|objection| objection.is_to_what_it_asks());
        // Whatever its method is: one that is not taken counts as well.
        if let Some(number) = number.filter(|_| is_well_formed)
            && self.calls.is_out_of_order(number, inbound.head)
        {
            self.answer(now, &inbound, StatusCode::SERVER_INTERNAL_ERROR, None, |_, _| {});
            return None;
        }
        if is_attended && (is_in_dialog || method == Method::Bye) {
            match (method, number) {
                //= https://www.rfc-editor.org/rfc/rfc3261#section-15.1.2
                //# A UAS first processes the BYE request according to the general UAS
                //# processing described in Section 8.2.
                (Method::Bye, Some(number)) => match objection {
                    Some(objection) => self.answer_objection(now, &inbound, &objection),
                    None => self.hang_up_early(now, &inbound, number),
                },
                (Method::Invite, Some(_)) => self.answer_too_early(now, &inbound),
                (Method::Options, Some(_)) => self.tell_capabilities(now, &inbound, objection),
                _ => self.answer_no_dialog(now, &inbound),
            }
            return None;
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.2
        //# If the From tag,
        //# Call-ID, and CSeq exactly match those associated with an ongoing
        //# transaction, but the request does not match that transaction (based
        //# on the matching rules in Section 17.2.3), the UAS core SHOULD
        //# generate a 482 (Loop Detected) response and pass it to the server
        //# transaction.
        // Each line is a user agent: what a proxy forks to two of them is a request to each.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.2
        //# If the request has no tag in the To header field, the UAS core MUST check the request
        //# against ongoing transactions.
        // Known from before, or begun since by one that came together with it.
        let is_copy = inbound.merge.is_some_and(|merge| has_come || self.transactions.is_merged(merge));
        if (is_attended || is_new_call) && is_copy {
            let has_transaction = self.start_transaction(&inbound);
            return Some(Attended::Copy { inbound, has_transaction });
        }
        if is_new_call {
            return Some(Attended::Call(self.begin(inbound)));
        }
        // What is left is an OPTIONS: all else was an objection or is attended to above.
        self.tell_capabilities(now, &inbound, objection);
        None
    }

    /// Answers a copy of a request, by now decided, that came by another way.
    pub(super) fn answer_copy(&mut self, now: Instant, copy: &Inbound<'_>, has_transaction: bool) {
        self.counters.merged += 1;
        if copy.merge.is_some_and(|merge| self.transactions.is_ignored(merge)) {
            // It would be the first sign of life, as the answer to its CANCEL would.
            self.transactions.silence(now, copy.key, &mut self.outbox);
        } else {
            self.answer_in(now, copy, has_transaction, StatusCode::LOOP_DETECTED, None, |_, _| {});
        }
    }

    /// Answers an OPTIONS, within a dialog or not, or what there is an objection to.
    fn tell_capabilities(&mut self, now: Instant, inbound: &Inbound<'_>, objection: Option<Objection>) {
        match objection {
            Some(objection) => self.answer_objection(now, inbound, &objection),
            None => {
                self.answer(now, inbound, StatusCode::OK, None, |response, _| write_capabilities(response));
            }
        }
    }

    fn answer_no_dialog(&mut self, now: Instant, inbound: &Inbound<'_>) {
        self.answer(now, inbound, StatusCode::CALL_TRANSACTION_DOES_NOT_EXIST, None, |_, _| {});
    }

    /// Answers an INVITE within the early dialog of a call that still rings.
    fn answer_too_early(&mut self, now: Instant, inbound: &Inbound<'_>) {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-14.2
        //# A UAS that receives a second INVITE before it sends the final
        //# response to a first INVITE with a lower CSeq sequence number on the
        //# same dialog MUST return a 500 (Server Internal Error) response to the
        //# second INVITE and MUST include a Retry-After header field with a
        //# randomly chosen value of between 0 and 10 seconds.
        // Of a request that is answered without a transaction, each repetition is told the same.
        let wait = inbound.answering.tag.hash() % 11;
        self.answer(now, inbound, StatusCode::SERVER_INTERNAL_ERROR, None, |response, _| {
            response.header_fmt("Retry-After", format_args!("{wait}"));
        });
    }

    /// Takes the BYE of a caller who ends the early dialog that our 180 made, instead of sending CANCEL.
    fn hang_up_early(&mut self, now: Instant, inbound: &Inbound<'_>, number: u64) {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-15.1.2
        //# Whether or not it ends its participation on the session,
        //# the UAS core MUST generate a 2xx response to the BYE, and MUST pass
        //# that to the server transaction for transmission.
        self.answer(now, inbound, StatusCode::OK, None, |_, _| {});
        //= https://www.rfc-editor.org/rfc/rfc3261#section-15.1.2
        //# It is RECOMMENDED that a 487 (Request Terminated) response
        //# be generated to those pending requests.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-15.1.2
        //# The UAS MUST still respond to any pending requests received for that dialog.
        self.cancel(now, number, EndedBy::Caller);
    }

    pub(super) fn answer_objection(&mut self, now: Instant, inbound: &Inbound<'_>, objection: &Objection) {
        let (phrase, request) = (objection.to_string(), inbound.answering.request);
        self.answer(now, inbound, objection.status(), Some(&phrase), |response, agent| {
            objection.write_headers(request, &agent.warner, response);
        });
    }

    /// Gives a request its only response, in a new transaction or, where there can be none, without.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        inbound: &Inbound<'_>,
        status: StatusCode,
        phrase: Option<&str>,
        more: impl FnOnce(&mut Printer<'_>, &Agent),
    ) {
        let has_transaction = self.start_transaction(inbound);
        self.answer_in(now, inbound, has_transaction, status, phrase, more);
    }

    /// Starts the transaction of a request that is to have one response, and returns whether there can be one.
    fn start_transaction(&mut self, inbound: &Inbound<'_>) -> bool {
        if inbound.answering.request.method() == Some(Method::Invite) {
            can_be_acknowledged(inbound.head)
                && self.transactions.start_invite_server(
                    inbound.key,
                    None,
                    inbound.target,
                    0,
                    inbound.vouched(),
                )
        } else {
            // It has the merge key of its INVITE, whose CSeq has another method (RFC 3261 section 8.2.2.2): an INVITE behind it
            // has not come twice.
            let is_cancel = inbound.answering.request.method() == Some(Method::Cancel);
            let merge = inbound.merge.filter(|_| !is_cancel);
            self.transactions.start_server(inbound.key, merge, inbound.target)
        }
    }

    fn answer_in(
        &mut self,
        now: Instant,
        inbound: &Inbound<'_>,
        has_transaction: bool,
        status: StatusCode,
        phrase: Option<&str>,
        more: impl FnOnce(&mut Printer<'_>, &Agent),
    ) {
        if has_transaction {
            self.respond(now, inbound.key, &inbound.answering, status, phrase, more);
        } else {
            self.respond_stateless(inbound, status, phrase, more);
        }
    }

    /// Gives a response to a transaction, and returns whether it was taken.
    pub(super) fn respond(
        &mut self,
        now: Instant,
        key: Key,
        answering: &Answering<'_>,
        status: StatusCode,
        phrase: Option<&str>,
        more: impl FnOnce(&mut Printer<'_>, &Agent),
    ) -> bool {
        let Self { transactions, outbox, agent, .. } = self;
        transactions.respond(now, key, status.as_u16(), outbox, |out| {
            answering.write(out, agent, status, phrase, more);
        })
    }

    /// Sends a response that nothing is kept of (section 8.2.7).
    pub(super) fn respond_stateless(
        &mut self,
        inbound: &Inbound<'_>,
        status: StatusCode,
        phrase: Option<&str>,
        more: impl FnOnce(&mut Printer<'_>, &Agent),
    ) {
        self.counters.answered_stateless += 1;
        let Self { outbox, agent, .. } = self;
        outbox.push_with(inbound.target, |out| {
            inbound.answering.write(out, agent, status, phrase, more);
        });
    }

    /// Answers a request whose top Via cannot be read, to where it came from: there is no
    /// transaction without a Via.
    pub(super) fn handle_request_without_via(
        &mut self,
        now: Instant,
        flow: Flow,
        request: &Message<'_>,
    ) -> bool {
        let source = flow.remote();
        let Some(method) = request.method() else { return false };
        if method == Method::Ack {
            self.counters.dropped_stray_ack += 1;
            return false;
        }
        let head = &Head::of(request);
        if self.lines.admit(head, source).is_none() {
            self.counters.dropped_stranger += 1;
            return false;
        }
        if !self.shares.has_room_for(now, source.ip()) {
            self.counters.over_rate += 1;
            return true;
        }
        let Some(objection) = object(head, method) else { return true };
        self.counters.answered_stateless += 1;
        let merge = self.secret.merge_key(head);
        // Without a Via it belongs to no transaction.
        let tag = self.secret.tag(Key(0), merge);
        let echo = &Echo::of(head, source, tag);
        let answering = Answering { request, source, tag, echo };
        let Self { outbox, agent, .. } = self;
        outbox.push_with(flow, |out| {
            let phrase = objection.to_string();
            answering.write(out, agent, objection.status(), Some(&phrase), |response, agent| {
                objection.write_headers(request, &agent.warner, response);
            });
        });
        true
    }

    /// Returns whether the ACK of an RFC 2543 client acknowledges a response that is not ours: its
    /// transaction is found without the To tag, which is compared here.
    pub(super) fn is_ack_of_another(&self, ack: &Message<'_>, via: &Via<'_>, key: Key) -> bool {
        if via.branch().is_some_and(is_unique_branch) {
            return false;
        }
        let head = Head::behind(ack, Ok(*via));
        head.to_tag() != self.secret.tag(key, self.secret.merge_key(&head)).as_bytes()
    }
}

/// Returns whether the ACK of a response could be told from a stray one: that of an RFC 2543 client is
/// known by our tag, which To gets only where it had none.
fn can_be_acknowledged(invite: &Head<'_>) -> bool {
    let has_unique_branch = invite.via().is_ok_and(|via| via.branch().is_some_and(is_unique_branch));
    has_unique_branch || invite.to().is_ok_and(|to| to.tag().is_none())
}
