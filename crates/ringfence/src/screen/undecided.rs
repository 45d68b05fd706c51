//! Calls that are offered to be decided late: each has its record in the end, also where nobody decides it.
//!
//! ```text
//!  offered ──▶ held ──taken up──decided late──────▶ its record is of the decision
//!                └────answered before that, or the program ends ──▶ its record says so
//! ```
//!
//! A caller who gives up once the call was taken up ends no wait for the decision: it is written down when it is made.
//! One who gave up before that is not announced to those who decide (see `Line::incoming`).

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use ringfence_policy::{By, Facts};
use softphone::{CallId, EndedBy, Invite, Reject, Verdict};

use super::record::{of_invite, shown};
use super::seen::Seen;
use super::{Moment, Rules, Screen};
use crate::journal::{Call, Evidence, Outcome, address, identity};

/// Calls that are offered and not decided.
#[derive(Debug, Default)]
pub(super) struct Undecided {
    calls: Mutex<HashMap<CallId, Held>>,
    /// How many there are: most calls that end need not look.
    count: AtomicUsize,
}

/// A call, and whether somebody is about to decide it.
#[derive(Debug)]
struct Held {
    call: Call,
    is_taken_up: bool,
}

/// Each shard lets ten thousand calls wait: there is room for those of a dozen. Beyond it a record is lost and counted.
const MOST: usize = 1 << 17;

impl Undecided {
    /// Holds what is known of a call. Returns whether there was room.
    fn hold(&self, id: CallId, call: Call) -> bool {
        let mut calls = self.calls();
        let has_room = calls.len() < MOST;
        if has_room {
            calls.insert(id, Held { call, is_taken_up: false });
        }
        self.count.store(calls.len(), Relaxed);
        has_room
    }

    /// Notes that a call is about to be decided.
    pub(super) fn take_up(&self, id: CallId) {
        if let Some(held) = self.calls().get_mut(&id) {
            held.is_taken_up = true;
        }
    }

    /// Takes a call out, to write it down. It can be done once.
    pub(super) fn take(&self, id: CallId) -> Option<Call> {
        self.take_if(id, |_| true)
    }

    fn take_if(&self, id: CallId, may_be: impl FnOnce(&Held) -> bool) -> Option<Call> {
        if self.count.load(Relaxed) == 0 {
            return None;
        }
        let mut calls = self.calls();
        let held = if calls.get(&id).is_some_and(may_be) { calls.remove(&id) } else { None };
        self.count.store(calls.len(), Relaxed);
        held.map(|held| held.call)
    }

    fn take_all(&self) -> Vec<Call> {
        self.count.store(0, Relaxed);
        std::mem::take(&mut *self.calls()).into_values().map(|held| held.call).collect()
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<CallId, Held>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Screen {
    /// Notes a call that is offered. Nothing is decided of it, but who calls is known, unless reading that panics.
    pub(super) fn hold(&self, rules: &Rules, invite: &Invite<'_>) {
        let call = catch_unwind(AssertUnwindSafe(|| with_caller(rules, invite, Moment::Late)));
        let call = call.unwrap_or_else(|_| Call {
            rule: RULE.to_owned(),
            evidence: without_caller(rules, invite, Moment::Late),
            ..of_invite(invite, Timestamp::now(), Outcome::Ignore)
        });
        if !self.undecided.hold(invite.id(), call) {
            self.recorder.lose();
        }
    }

    /// Notes that a call is over: one that nobody has decided, and now nobody will, is written down.
    pub(super) fn no_longer_undecided(&self, ended: &softphone::Ended) {
        let is_given_up = matches!(ended.by, EndedBy::Caller | EndedBy::Elsewhere | EndedBy::Expires);
        // One that was taken up is decided all the same.
        let call = self.undecided.take_if(ended.call, |held| !(is_given_up && held.is_taken_up));
        let why = match ended.by {
            EndedBy::Caller | EndedBy::Elsewhere => "the caller gave up first",
            EndedBy::Overload => "too many calls waited",
            EndedBy::Shutdown => LEFT,
            EndedBy::Limit => "nobody decided it in time",
            EndedBy::Expires => "the invitation expired first",
            EndedBy::Objection | EndedBy::Decision | _ => "it could not be offered",
        };
        if let Some(call) = call {
            self.leave_undecided(call, ended.status, why);
        }
    }

    /// Writes down the calls that nobody will decide any more, since the program ends.
    pub(crate) fn leave(&self) {
        for call in self.undecided.take_all() {
            self.leave_undecided(call, None, LEFT);
        }
    }

    /// Refuses a call for a line that is not started, for whom no other line's rules are meant, and writes that down. Who is
    /// never refused has been let through before.
    pub(super) fn refuse_unstarted(
        &self,
        rules: &Rules,
        invite: &Invite<'_>,
        why: &str,
        moment: Moment,
    ) -> Verdict {
        let (verdict, reason) =
            (Outcome::Refuse { status: 480 }, format!("the line is not started: it {why}"));
        let record = Call { verdict, reason, ..with_caller(rules, invite, moment) };
        // One that was answered before it was decided has its record.
        if moment == Moment::AtOnce || self.undecided.take(invite.id()).is_some() {
            self.recorder.record(record, Some(invite.source().ip()));
        }
        Reject::unavailable().into()
    }

    fn leave_undecided(&self, call: Call, status: Option<u16>, why: &str) {
        let verdict = status.map_or(Outcome::Ignore, |status| Outcome::Refuse { status });
        let source = address(&call.source);
        let reason = format!("answered before it was decided: {why}");
        self.recorder.record(Call { verdict, reason, ..call }, source);
    }
}

/// Returns the record of a call of which who calls is known and nothing is decided.
fn with_caller(rules: &Rules, invite: &Invite<'_>, moment: Moment) -> Call {
    let line = rules.line(invite.line_label());
    let seen = Seen::of(invite, &line.name);
    let caller = seen.caller(&line.order);
    let facts = Facts::new(&caller, &line.name, rules.policy.region());
    Call {
        caller: shown(&facts),
        display_name: facts.display_name.filter(|name| !name.is_empty()).map(str::to_owned),
        rule: RULE.to_owned(),
        evidence: Evidence { identity: identity(&facts.caller), ..without_caller(rules, invite, moment) },
        ..of_invite(invite, Timestamp::now(), Outcome::Ignore)
    }
}

/// Returns what a record stands on whoever calls.
pub(super) fn without_caller(rules: &Rules, invite: &Invite<'_>, moment: Moment) -> Evidence {
    let is_sole = rules.line(invite.line_label()).is_sole;
    let (policy, is_late) = (Arc::clone(&rules.checksum), moment == Moment::Late);
    Evidence { policy, is_late, is_sole, ..Evidence::default() }
}

/// What the journal has in the place of a rule.
const RULE: &str = By::UNDECIDED;
const LEFT: &str = "the program ended";
