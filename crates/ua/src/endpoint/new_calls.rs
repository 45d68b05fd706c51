//! New calls, shown to the screen together and answered by what it says.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use ringfence_wire::sip::StatusCode;
use smallvec::SmallVec;

use super::inbound::Inbound;
use super::lines::Lines;
use super::together::MOST_TOGETHER;
use super::{Endpoint, Trying};
use crate::call::{CallNumber, Invite, Verdict};
use crate::transaction::table::Vouched;

/// A new call that the screen has not seen yet.
#[derive(Debug)]
pub(super) struct NewCall<'r> {
    call: CallNumber,
    inbound: Inbound<'r>,
    /// Whether there was room for its transaction.
    has_transaction: bool,
}

impl NewCall<'_> {
    fn shown<'a>(&'a self, lines: &'a Lines) -> Invite<'a> {
        let Self { call, inbound, .. } = self;
        Invite {
            head: inbound.head,
            call: *call,
            line: inbound.line,
            label: lines.find(inbound.line).map_or("", |line| &line.account.label),
            source: inbound.answering.source,
            origin: inbound.origin,
        }
    }
}

impl Endpoint {
    /// Begins the call of a new INVITE that was let in.
    pub(super) fn begin<'r>(&mut self, inbound: Inbound<'r>) -> NewCall<'r> {
        self.counters.invites += 1;
        self.next_call += 1;
        let call = CallNumber::new(self.next_call);
        let (key, merge, vouched) = (inbound.key, inbound.merge, inbound.vouched());
        let has_transaction =
            self.transactions.start_invite_server(key, merge, inbound.target, call.as_u64(), vouched);
        NewCall { call, inbound, has_transaction }
    }

    /// Shows new calls to the screen, and does with each what it says. Each has its answer also where the screen panics, which goes
    /// on after it: their transactions have begun.
    pub(super) fn handle_new_calls(&mut self, now: Instant, calls: &[NewCall<'_>]) {
        let shown = catch_unwind(AssertUnwindSafe(|| self.show(calls)));
        let mut verdicts = std::mem::take(&mut self.verdicts);
        let mut decided = verdicts.drain(..);
        for call in calls {
            self.go_on(now, call, decided.next().unwrap_or(Verdict::Offer));
        }
        drop(decided);
        self.verdicts = verdicts;
        if let Err(panic) = shown {
            resume_unwind(panic);
        }
    }

    #[inline(never)]
    fn show(&mut self, calls: &[NewCall<'_>]) {
        let Self { screen: Some(screen), lines, verdicts, .. } = self else { return };
        verdicts.clear();
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
        //# The request MUST be passed to the TU.
        match calls {
            [call] => screen.decide(&[call.shown(lines)], verdicts),
            calls => {
                let shown: SmallVec<[_; MOST_TOGETHER]> =
                    calls.iter().map(|call| call.shown(lines)).collect();
                screen.decide(&shown, verdicts);
            }
        }
    }

    #[inline(never)]
    fn go_on(&mut self, now: Instant, new: &NewCall<'_>, verdict: Verdict) {
        let NewCall { call, ref inbound, has_transaction } = *new;
        if !has_transaction {
            return self.carry_out_stateless(call, inbound, &verdict);
        }
        if let Verdict::Ignore = verdict {
            self.counters.ignored += 1;
            return self.transactions.silence(now, inbound.key, &mut self.outbox);
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
        //# The server transaction MUST generate a 100
        //# (Trying) response unless it knows that the TU will generate a
        //# provisional or final response within 200 ms, in which case it MAY
        //# generate a 100 (Trying) response.
        // Who may have forged his source is to repeat it: 100 would have him stop, and each repetition is one response more to him.
        if inbound.vouched() == Vouched::Yes
            && (self.trying == Trying::AtOnce || !verdict.is_answered_at_once())
        {
            self.respond(now, inbound.key, &inbound.answering, StatusCode::TRYING, None, |_, _| {});
        }
        self.carry_out(now, call, inbound, verdict);
    }
}
