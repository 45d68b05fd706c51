//! What has to hold in the end, of every phone and every caller.

use std::collections::BTreeSet;

use ringfence_testing::{Fault, Phone};
use ringfence_ua::{CallNumber, Event, RegistrationState};

use super::{Extension, Placed, USERS, World};

impl World {
    /// Says what is not as it has to be at the end.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self.network.faults().map(Fault::to_string).collect();
        faults.extend(self.misheard.iter().cloned());
        for (extension, user) in self.extensions.iter().zip(USERS) {
            let phone = self.network.node(extension.phone);
            let state = phone.states(extension.line).last().map(|(_, state)| state.clone());
            if !state.as_ref().is_some_and(RegistrationState::is_registered) {
                faults.push(format!("{user} is not registered at the end: {state:?}"));
            }
            if !self.network.node(self.pbx).is_registered(user) {
                faults.push(format!("the PBX has no binding of {user} at the end"));
            }
            faults.extend(left_behind(user, phone));
            faults.extend(ended_otherwise_than_once(user, phone));
            faults.extend(ended_otherwise_than_decided(user, extension, phone));
        }
        faults.extend(self.answered_twice());
        faults
    }

    /// Says what still happens after everything was ended.
    pub(crate) fn remains(&self) -> Vec<String> {
        let mut remains = Vec::new();
        for (extension, user) in self.extensions.iter().zip(USERS) {
            let phone = self.network.node(extension.phone);
            let counters = phone.endpoint().counters();
            if let Some(at) = phone.endpoint().poll_timeout() {
                let after = self.network.clock().since_epoch(at);
                remains.push(format!("{user} has nothing left and wants to be woken at {after:?}"));
            }
            if counters.lines > 0 {
                remains.push(format!("{user} has {} lines left", counters.lines));
            }
            remains.extend(left_behind(user, phone));
        }
        remains
    }

    /// Says which callers were answered more than once.
    fn answered_twice(&self) -> Vec<String> {
        let (pbx, stranger) = (self.network.node(self.pbx), self.network.node(self.stranger));
        let calls = self.calls.iter().map(|placed| (placed, pbx.get(placed.id)));
        let strange = self.strange.iter().map(|placed| (placed, stranger.get(placed.id)));
        let mut faults = Vec::new();
        for (Placed { index, life, .. }, call) in calls.chain(strange) {
            let finals = call.answers().iter().filter(|answer| answer.is_final());
            let statuses: BTreeSet<u16> = finals.map(|answer| answer.status).collect();
            // One that was switched off meanwhile may answer otherwise than it would have.
            if statuses.len() > 1 && self.lives[*index] == *life {
                faults.push(format!("a call has more than one final response: {statuses:?}"));
            }
        }
        faults
    }
}

/// Says which tables are not empty again.
pub(crate) fn left_behind(user: &str, phone: &Phone) -> Vec<String> {
    let counters = phone.endpoint().counters();
    let left = [("transactions", counters.transactions), ("undecided calls", counters.undecided_calls)];
    let left = left.into_iter().filter(|(_, count)| *count > 0);
    left.map(|(what, count)| format!("{user} has {count} {what} left at the end")).collect()
}

/// Says which calls have not ended, or more than once.
fn ended_otherwise_than_once(user: &str, phone: &Phone) -> Vec<String> {
    let ended = |event: &Event| if let Event::Ended { call, .. } = event { Some(*call) } else { None };
    let mut calls: Vec<u64> =
        phone.events().iter().filter_map(|(_, event)| ended(event)).map(CallNumber::as_u64).collect();
    calls.sort_unstable();
    let told = calls.len() as u64;
    calls.dedup();
    let invites = phone.endpoint().counters().invites;
    let mut faults = Vec::new();
    if told != calls.len() as u64 {
        faults.push(format!("{user}: a call has ended twice"));
    }
    if invites != calls.len() as u64 {
        faults.push(format!("{user}: of {invites} calls {} have ended", calls.len()));
    }
    faults
}

/// Says which calls have ended otherwise than was decided: by the application, where it was asked, or by the screen.
fn ended_otherwise_than_decided(user: &str, extension: &Extension, phone: &Phone) -> Vec<String> {
    let mut faults = Vec::new();
    let decisions = extension.decisions.lock().unwrap();
    for (_, event) in phone.events() {
        let Event::Ended { call, status, by, end } = event else { continue };
        let number = call.as_u64();
        let decision = extension.applied.get(&number).or_else(|| decisions.get(&number)).copied();
        if !decision.is_some_and(|decision| decision.is_carried_out_by(*status, *by, *end)) {
            faults.push(format!(
                "{user}: decided {decision:?} of call {number}, ended {status:?} {by:?} {end:?}"
            ));
        }
    }
    faults
}
