//! Incoming calls: decided by the screen's verdict or by the application, cancelled by the caller.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_wire::sip::{HeaderName, StatusCode};

use super::decided::Decided;
use super::final_answer::Final;
use super::inbound::Inbound;
use super::lines::Reached;
use super::{Endpoint, Event, Removals};
use crate::call::{
    CallEnd, CallNumber, Due, Incoming, Redirection, Rejection, Ring, Then, UNDECIDED_FOR, Verdict, Wait,
    sips,
};
use crate::core::{Answering, Objection};
use crate::limits::OVERLOAD_RETRY_AFTER;
use crate::transaction::EndedBy;
use crate::transaction::key::Key;

impl Endpoint {
    /// Sends 180 Ringing. The call stays undecided, for at most 10 minutes, or until its `Expires` has passed.
    pub fn ring(&mut self, now: Instant, call: CallNumber) -> Decided {
        let number = call.as_u64();
        let Some(waiting) = self.calls.find(number) else { return Decided::Gone };
        if let Some(objection) = waiting.objection {
            self.decide(now, number, Final::Objection(objection), EndedBy::Objection);
            return Decided::Objected(objection);
        }
        self.send_ringing(now, number);
        Decided::Sent
    }

    /// Has a call wait, for at most 10 minutes since it came; nothing more is told of it but its end. It can still be
    /// decided.
    pub fn wait(&mut self, now: Instant, call: CallNumber, wait: &Wait) -> Decided {
        let number = call.as_u64();
        let Some(waiting) = self.calls.find(number) else { return Decided::Gone };
        let has_rung = waiting.ring != Ring::Silent;
        if wait.is_ringing() && !has_rung {
            let decided = self.ring(now, call);
            if decided != Decided::Sent {
                return decided;
            }
        }
        self.calls.leave(now, number, wait);
        Decided::Sent
    }

    /// Rejects a call.
    pub fn reject(&mut self, now: Instant, call: CallNumber, rejection: &Rejection) -> Decided {
        let decided = self.decide(now, call.as_u64(), Final::Rejection(rejection), EndedBy::Decision);
        self.counters.rejected += u64::from(decided == Decided::Sent);
        decided
    }

    /// Answers a call 480 that was offered, and that there is no room for where it would wait to be decided.
    pub fn give_up(&mut self, now: Instant, call: CallNumber) -> Decided {
        let unavailable = Rejection::unavailable();
        let decided = self.decide(now, call.as_u64(), Final::Rejection(&unavailable), EndedBy::Overload);
        self.counters.turned_away += u64::from(decided == Decided::Sent);
        decided
    }

    /// Redirects a call.
    pub fn redirect(&mut self, now: Instant, call: CallNumber, redirection: &Redirection) -> Decided {
        let decided = self.decide(now, call.as_u64(), Final::Redirection(redirection), EndedBy::Decision);
        self.counters.redirected += u64::from(decided == Decided::Sent);
        decided
    }

    /// Answers a call with nothing more, for good.
    pub fn ignore(&mut self, now: Instant, call: CallNumber) -> Decided {
        let Some(waiting) = self.calls.remove(call.as_u64()) else { return Decided::Gone };
        self.transactions.silence(now, waiting.key, &mut self.outbox);
        self.counters.ignored += 1;
        Decided::Sent
    }

    /// Ends every call that still waits as it would have ended at its limit: by 480, or what its wait says.
    pub fn reject_all(&mut self, now: Instant) {
        for number in self.calls.numbers() {
            self.end_waiting(now, number, EndedBy::Shutdown);
        }
    }

    /// Ends every call that still waits, as [`Endpoint::reject_all`], unregisters every line, and has no call wait from now on: one
    /// that would is answered at once by 480, or by what its wait would have ended with. Who is refused anyway is refused as before.
    pub fn leave(&mut self, now: Instant) {
        self.is_leaving = true;
        self.removals = Removals::default();
        self.reject_all(now);
        self.unregister_all(now);
    }

    /// Returns whether a final response to an INVITE still waits for its ACK; by UDP it is sent again until that comes (RFC 3261 section
    /// 17.2.1). It looks at every transaction.
    #[must_use]
    pub fn awaits_ack(&self) -> bool {
        self.transactions.awaits_ack()
    }

    /// Ends a call whose caller has given up, or that another phone has answered.
    pub(super) fn cancel(&mut self, now: Instant, number: u64, by: EndedBy) {
        let is_cancelled = self.end_undecided(now, number, Final::Cancelled, by);
        self.counters.cancelled += u64::from(is_cancelled);
    }

    pub(super) fn handle_calls_due(&mut self, now: Instant) {
        while let Some((number, due)) = self.calls.next_due(now) {
            match due {
                //= https://www.rfc-editor.org/rfc/rfc3261#section-13.3.1.1
                //# To prevent cancellation, the UAS MUST send a non-100
                //# provisional response at every minute, to handle the possibility of
                //# lost provisional responses.
                Due::Remind => self.send_ringing(now, number),
                Due::End => {
                    self.counters.expired += 1;
                    self.end_waiting(now, number, EndedBy::Limit);
                }
                Due::Expire => {
                    self.counters.expired += 1;
                    self.expire(now, number);
                }
            }
        }
    }

    pub(super) fn carry_out(
        &mut self,
        now: Instant,
        call: CallNumber,
        inbound: &Inbound<'_>,
        verdict: Verdict,
    ) {
        let (key, answering) = (inbound.key, &inbound.answering);
        match verdict {
            Verdict::Reject(rejection) => {
                self.counters.rejected += 1;
                self.respond_final(now, key, answering, Final::Rejection(&rejection), EndedBy::Decision);
            }
            Verdict::Redirect(redirection) => {
                self.counters.redirected += 1;
                self.respond_final(now, key, answering, Final::Redirection(&redirection), EndedBy::Decision);
            }
            Verdict::Ring { limit } => {
                let wait = Wait::ringing(limit.unwrap_or(UNDECIDED_FOR));
                self.hold(now, call, inbound, &wait);
            }
            Verdict::Wait(wait) => self.hold(now, call, inbound, &wait),
            Verdict::Offer if self.is_leaving => {
                let unavailable = Rejection::unavailable();
                self.respond_final(now, key, answering, Final::Rejection(&unavailable), EndedBy::Shutdown);
            }
            Verdict::Offer if self.calls.is_full(inbound.origin) => {
                self.counters.turned_away += 1;
                let overloaded = Rejection::overloaded(OVERLOAD_RETRY_AFTER);
                self.respond_final(now, key, answering, Final::Rejection(&overloaded), EndedBy::Overload);
            }
            Verdict::Offer => {
                self.counters.offered += 1;
                self.keep(now, call, inbound, inbound.objection(), true, &Wait::silent(UNDECIDED_FOR));
            }
            Verdict::Ignore => self.transactions.silence(now, key, &mut self.outbox),
        }
    }

    /// Has a new call wait as the screen says.
    fn hold(&mut self, now: Instant, call: CallNumber, inbound: &Inbound<'_>, wait: &Wait) {
        let (overloaded, unavailable) =
            (Rejection::overloaded(OVERLOAD_RETRY_AFTER), Rejection::unavailable());
        let objection = inbound.objection();
        let answer = match objection {
            // It may not ring, whoever wishes it; silence is no ringing.
            Some(objection) if wait.is_ringing() => Some((Final::Objection(objection), EndedBy::Objection)),
            Some(_) | None if self.is_leaving => {
                Some((Final::without_waiting(wait, &unavailable), EndedBy::Shutdown))
            }
            Some(_) | None if self.calls.is_full(inbound.origin) => {
                self.counters.turned_away += 1;
                Some((Final::without_waiting(wait, &overloaded), EndedBy::Overload))
            }
            Some(_) | None => None,
        };
        if let Some((answer, by)) = answer {
            self.respond_final(now, inbound.key, &inbound.answering, answer, by);
            return;
        }
        self.keep(now, call, inbound, objection, false, wait);
        if wait.is_ringing() {
            self.counters.rung += 1;
            self.send_ringing(now, call.as_u64());
        } else {
            self.counters.held += 1;
        }
    }

    /// Carries a verdict out at the bound of the transaction table: nothing is kept, and whatever
    /// would have to wait is turned away.
    pub(super) fn carry_out_stateless(&mut self, call: CallNumber, inbound: &Inbound<'_>, verdict: &Verdict) {
        let overloaded = Rejection::overloaded(OVERLOAD_RETRY_AFTER);
        let objection = match verdict {
            Verdict::Reject(_) | Verdict::Redirect(_) | Verdict::Ignore => None,
            Verdict::Ring { .. } | Verdict::Wait(_) | Verdict::Offer => inbound.objection(),
        };
        let (answer, by) = match (verdict, objection) {
            (Verdict::Ignore, _) => {
                self.counters.ignored += 1;
                let (by, end) = (EndedBy::Decision, CallEnd::Ignored);
                return self.events.push_back(Event::Ended { call, status: None, by, end });
            }
            (Verdict::Reject(rejection), _) => {
                self.counters.rejected += 1;
                (Final::Rejection(rejection), EndedBy::Decision)
            }
            (Verdict::Redirect(redirection), _) => {
                self.counters.redirected += 1;
                (Final::Redirection(redirection), EndedBy::Decision)
            }
            (Verdict::Ring { .. } | Verdict::Offer, Some(objection)) => {
                (Final::Objection(objection), EndedBy::Objection)
            }
            (Verdict::Wait(wait), Some(objection)) if wait.is_ringing() => {
                (Final::Objection(objection), EndedBy::Objection)
            }
            (Verdict::Wait(wait), _) => {
                self.counters.turned_away += 1;
                (Final::without_waiting(wait, &overloaded), EndedBy::Overload)
            }
            (Verdict::Ring { .. } | Verdict::Offer, None) => {
                self.counters.turned_away += 1;
                (Final::Rejection(&overloaded), EndedBy::Overload)
            }
        };
        let request = inbound.answering.request;
        let answer = answer.to(request);
        let (status, phrase) = (answer.status(), answer.phrase());
        self.respond_stateless(inbound, status, phrase.as_deref(), |response, agent| {
            answer.write_headers(request, agent, response);
        });
        let (status, end) = (Some(status.as_u16()), CallEnd::Stateless);
        self.events.push_back(Event::Ended { call, status, by, end });
    }

    /// Keeps a call until it is decided, or its wait is over.
    fn keep(
        &mut self,
        now: Instant,
        call: CallNumber,
        inbound: &Inbound<'_>,
        objection: Option<Objection>,
        is_offered: bool,
        wait: &Wait,
    ) {
        let Answering { request, source, tag, echo } = inbound.answering;
        let invite = Arc::new(request.clone().into_owned());
        let is_secure = sips::is_asked_for(inbound.head);
        let (transport, local) = (inbound.target.transport(), self.local);
        let listening =
            if transport.is_reliable() { self.listening.get(&transport).copied() } else { Some(local) };
        let reached = Reached { local, transport, listening };
        let contact = self.lines.contact(now, inbound.line, inbound.target, &reached, is_secure);
        let ends_at = now + wait.limit().min(UNDECIDED_FOR);
        //= https://www.rfc-editor.org/rfc/rfc3261#section-13.3.1
        //# If the request is an INVITE that contains an Expires header
        //# field, the UAS core sets a timer for the number of seconds
        //# indicated in the header field value.
        let expires = inbound.head.message().expires().and_then(Result::ok);
        let expires_at = expires.map(|seconds| now + Duration::from_secs(seconds.into()));
        let waiting = Incoming {
            key: inbound.key,
            invite: Arc::clone(&invite),
            source,
            flow: inbound.target,
            lost_until: None,
            line: inbound.line,
            origin: inbound.origin,
            tag,
            echo: echo.clone(),
            //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
            //# The remote sequence number MUST be set to the value of the sequence number in the CSeq
            //# header field of the request.
            remote_cseq: inbound.head.cseq().map_or(0, |cseq| cseq.number),
            contact,
            objection,
            is_offered,
            ring: Ring::Silent,
            ends_at,
            then: wait.then().clone(),
            expires_at,
        };
        self.calls.insert(call.as_u64(), waiting);
        if is_offered {
            let (line, origin) = (inbound.line, inbound.origin);
            self.events.push_back(Event::Incoming { call, line, invite, source, origin, objection });
        }
    }

    /// Gives a waiting call its final answer.
    fn decide(&mut self, now: Instant, number: u64, answer: Final<'_>, by: EndedBy) -> Decided {
        let Some(call) = self.calls.remove(number) else { return Decided::Gone };
        let Incoming { invite: request, source, tag, echo, .. } = &*call;
        let answering = Answering { request, source: *source, tag: *tag, echo };
        if self.respond_final(now, call.key, &answering, answer, by) { Decided::Sent } else { Decided::Gone }
    }

    fn respond_final(
        &mut self,
        now: Instant,
        key: Key,
        answering: &Answering<'_>,
        answer: Final<'_>,
        by: EndedBy,
    ) -> bool {
        let (answer, request) = (answer.to(answering.request), answering.request);
        let (status, phrase) = (answer.status(), answer.phrase());
        let is_sent = self.respond(now, key, answering, status, phrase.as_deref(), |response, agent| {
            answer.write_headers(request, agent, response);
        });
        if is_sent && by != EndedBy::Decision {
            self.transactions.note(key, by);
        }
        is_sent
    }

    /// Sends 180 Ringing, the first time or once more.
    fn send_ringing(&mut self, now: Instant, number: u64) {
        let Some(call) = self.calls.find(number) else { return };
        let (invite, echo, contact) = (Arc::clone(&call.invite), call.echo.clone(), call.contact.clone());
        let (key, source, tag) = (call.key, call.source, call.tag);
        let answering = Answering { request: &invite, source, tag, echo: &echo };
        self.respond(now, key, &answering, StatusCode::RINGING, None, |response, _| {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
            //# When a UAS responds to a request with a response that establishes a
            //# dialog (such as a 2xx to INVITE), the UAS MUST copy all Record-Route
            //# header field values from the request into the response
            response.copy(&invite, HeaderName::RecordRoute);
            //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
            //# The UAS MUST add a Contact header field to the response.
            response.header_fmt("Contact", format_args!("<{}>", contact.uri()));
        });
        self.calls.ringing(now, number);
    }

    /// Gives a call the answer that it was to have at its limit.
    fn end_waiting(&mut self, now: Instant, number: u64, by: EndedBy) {
        let Some(then) = self.calls.find(number).map(|call| call.then.clone()) else { return };
        self.end_undecided(now, number, Final::of(&then, &Rejection::unavailable()), by);
    }

    /// Answers a call whose invitation has expired. A refusal that was chosen for its limit comes sooner: the caller's
    /// `Expires` does not lead around it.
    fn expire(&mut self, now: Instant, number: u64) {
        if self.calls.find(number).is_some_and(|call| matches!(call.then, Then::Reject(_))) {
            return self.end_waiting(now, number, EndedBy::Expires);
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-13.3.1
        //# If the invitation
        //# expires before the UAS has generated a final response, a 487
        //# (Request Terminated) response SHOULD be generated.
        self.end_undecided(now, number, Final::Cancelled, EndedBy::Expires);
    }

    /// Ends a call that nobody has decided. Returns whether its answer was sent.
    fn end_undecided(&mut self, now: Instant, number: u64, answer: Final<'_>, by: EndedBy) -> bool {
        let is_offered = self.calls.find(number).is_some_and(|waiting| waiting.is_offered);
        let is_sent = self.decide(now, number, answer, by) == Decided::Sent;
        if is_offered {
            self.events.push_back(Event::Cancelled { call: CallNumber::new(number) });
        }
        is_sent
    }
}
