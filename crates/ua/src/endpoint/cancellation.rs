//! CANCEL: which call it is for, and what becomes of that (RFC 3261 section 9.2).

use std::net::SocketAddr;
use std::time::Instant;

use ringfence_wire::sip::{CSeq, Message, Method, StatusCode, Via};

use super::Endpoint;
use super::inbound::Inbound;
use crate::call::Origin;
use crate::id::LineId;
use crate::transaction::EndedBy;
use crate::transaction::outcome::Cancellable;

impl Endpoint {
    /// Returns which line the call came for that a CANCEL of its caller is to end, and why it was let in: the line may be gone
    /// since, or have another registrar.
    pub(super) fn cancelled(
        &self,
        request: &Message<'_>,
        via: &Via<'_>,
        method: Method<'_>,
        source: SocketAddr,
    ) -> Option<(LineId, Origin)> {
        if method != Method::Cancel || self.calls.is_empty() {
            return None;
        }
        let invite = self.secret.server_key(request, via, Method::Invite);
        let Some(Cancellable::Undecided { user }) = self.transactions.cancellable(invite) else {
            return None;
        };
        let call = self.calls.find(user).filter(|call| call.source.ip() == source.ip())?;
        Some((call.line, call.origin))
    }

    pub(super) fn handle_cancel(&mut self, now: Instant, inbound: &Inbound<'_>) {
        let request = inbound.answering.request;
        let Ok(via) = inbound.head.via() else { return };
        //= https://www.rfc-editor.org/rfc/rfc3261#section-9.2
        //# The TU determines the transaction to be
        //# cancelled by taking the CANCEL request, and then assuming that the
        //# request method is anything but CANCEL or ACK and applying the
        //# transaction matching procedures of Section 17.2.3.
        let invite = self.secret.server_key(request, via, Method::Invite);
        let status = match self.transactions.cancellable(invite) {
            // Nothing is kept of it, by which the CANCEL of the call itself would pass for a repetition.
            Some(Cancellable::Undecided { user }) if !self.is_of_invite(user, inbound) => {
                return self.respond_stateless(
                    inbound,
                    StatusCode::CALL_TRANSACTION_DOES_NOT_EXIST,
                    None,
                    |_, _| {},
                );
            }
            Some(Cancellable::Undecided { user }) => {
                self.take_back(invite, inbound.target);
                self.answer(now, inbound, StatusCode::OK, None, |_, _| {});
                let is_elsewhere = inbound.origin.is_trusted() && is_answered_elsewhere(request);
                let by = if is_elsewhere { EndedBy::Elsewhere } else { EndedBy::Caller };
                return self.cancel(now, user, by);
            }
            Some(Cancellable::Decided) => StatusCode::OK,
            // It would be the first sign of life.
            Some(Cancellable::Silent) => return,
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.7
            //# A stateless UAS MUST ignore CANCEL requests.
            // Where there is no room its INVITE may have been answered without a transaction, and beyond the source's share it was.
            None if self.transactions.is_full() || self.shares.has_turned_away(now, invite) => return,
            //= https://www.rfc-editor.org/rfc/rfc3261#section-9.2
            //# If the UAS did not find a matching transaction for the CANCEL
            //# according to the procedure above, it SHOULD respond to the CANCEL
            //# with a 481 (Call Leg/Transaction Does Not Exist).
            None => StatusCode::CALL_TRANSACTION_DOES_NOT_EXIST,
        };
        self.answer(now, inbound, status, None, |_, _| {});
    }
}

impl Endpoint {
    /// Returns whether a CANCEL is made as one for the INVITE of a call, and not by somebody who has its branch alone.
    fn is_of_invite(&self, call: u64, cancel: &Inbound<'_>) -> bool {
        let Some(call) = self.calls.find(call) else { return false };
        let (invite, cancel) = (&call.invite, cancel.head);
        //= https://www.rfc-editor.org/rfc/rfc3261#section-9.1
        //# The Request-URI, Call-ID, To, the numeric part of CSeq, and From header
        //# fields in the CANCEL request MUST be identical to those in the
        //# request being cancelled, including tags.
        let number = |cseq: CSeq<'_>| cseq.number;
        let has_number = cancel.cseq().ok().map(number) == invite.cseq().ok().map(number);
        let invited = invite.from().ok();
        let has_tag = cancel.from_tag() == invited.and_then(|from| from.tag()).unwrap_or_default();
        has_number && has_tag && cancel.call_id().ok() == invite.call_id().ok()
    }
}

/// Returns whether a CANCEL says that the call was answered: by another phone, since it was not by us.
fn is_answered_elsewhere(cancel: &Message<'_>) -> bool {
    //= https://www.rfc-editor.org/rfc/rfc3326#section-2
    //# SIP: The cause parameter contains a SIP status code.
    let is_success = |cause: u16| (200..300).contains(&cause);
    let mut reasons = cancel.reason().filter_map(Result::ok);
    reasons.any(|reason| reason.protocol.eq_ignore_ascii_case("SIP") && reason.cause.is_some_and(is_success))
}
