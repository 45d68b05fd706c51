//! The shard's side of calls: they are offered to the application, and their end is told.

use std::time::Instant;

use ringfence_ua::{CallEnd, CallNumber, EndedBy, LineId as Number, Rejection};

use super::Shard;
use crate::call::{Ended, Facts, IncomingCall};
use crate::newest::newest;
use crate::screen::CallId;

impl Shard {
    /// Offers a call to the application.
    pub(super) fn offer(&mut self, line: Number, facts: Facts) {
        tracing::debug!(call = %facts.id, line = %facts.line, "offered");
        if self.leaving.is_some() {
            // It would wait for a decision that nobody can make any more.
            let call = CallNumber::new(facts.id.number);
            self.endpoint.reject(Instant::now(), call, &Rejection::unavailable());
            return;
        }
        let (cancel, cancelled) = newest(false);
        self.offered.insert(facts.id.number, cancel);
        let call = IncomingCall { facts, commands: self.sender.clone(), cancelled, is_decided: false };
        if let Some(known) = self.lines.get(&line) {
            match &known.calls {
                Some(calls) => {
                    if let Some(beyond) = calls.push(call) {
                        beyond.turn_away();
                    }
                    self.untold.push(line);
                }
                None => self.for_attendant.push_back(call),
            }
        }
    }

    /// Wakes who waits for the calls that were offered.
    pub(super) fn tell_offered(&mut self) {
        for line in self.untold.drain(..) {
            if let Some(calls) = self.lines.get(&line).and_then(|known| known.calls.as_ref()) {
                calls.tell();
            }
        }
        self.tell_attendant_of_calls();
    }

    /// Tells who attends to all lines of the calls that were offered.
    pub(super) fn tell_attendant_of_calls(&mut self) {
        let calls = std::mem::take(&mut self.for_attendant);
        if let Some(desk) = self.hooks.desk.as_ref().filter(|_| !calls.is_empty()) {
            desk.tell_calls(calls);
        }
    }

    /// Tells how a call has ended.
    pub(super) fn tell_ended(&self, call: CallNumber, status: Option<u16>, by: EndedBy, end: CallEnd) {
        let ended = Ended::of(self.index, call, status, by, end);
        tracing::debug!(call = %ended.call, status, ?by, how = ?ended.how, "ended");
        self.hooks.ended(&ended);
    }

    /// Returns what the application knows a call by.
    pub(super) fn call_id(&self, call: CallNumber) -> CallId {
        CallId { shard: self.index, number: call.as_u64() }
    }
}
