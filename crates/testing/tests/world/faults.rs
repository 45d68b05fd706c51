//! What has to hold in the end, of every phone and every caller.

use std::collections::BTreeMap;

use ringfence_testing::{Fate, Fault, Packet, Phone};
use ringfence_ua::{CallNumber, Event, RegistrationState};
use ringfence_wire::sip::{Message, Method};

use super::{Caller, Extension, Placed, USERS, World};

impl World {
    /// Says what is not as it has to be at the end.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self.network.faults().map(Fault::to_string).collect();
        faults.extend(self.misheard.iter().cloned());
        faults.extend(self.broken.iter().cloned());
        faults.extend(self.lost().into_iter().map(|lost| format!("at the end {lost}")));
        for (extension, user) in self.extensions.iter().zip(USERS) {
            let phone = self.network.node(extension.phone);
            faults.extend(left_behind(user, phone));
            faults.extend(ended_otherwise_than_once(user, phone));
            faults.extend(ended_otherwise_than_decided(user, extension, phone));
        }
        faults.extend((0..USERS.len()).flat_map(|index| self.answered_otherwise(index)));
        faults
    }

    /// Says which lines are not registered.
    pub(super) fn lost(&self) -> Vec<String> {
        (0..USERS.len()).flat_map(|index| self.lost_of(index)).collect()
    }

    /// Says what is missing of a registration, at its phone or at the PBX.
    pub(super) fn lost_of(&self, index: usize) -> Vec<String> {
        let (extension, user) = (&self.extensions[index], USERS[index]);
        let state = extension.state(self.network.node(extension.phone));
        let mut lost = Vec::new();
        if !state.is_some_and(RegistrationState::is_registered) {
            lost.push(format!("{user} is not registered: {state:?}"));
        }
        if !self.network.node(self.pbx).is_registered(user) {
            lost.push(format!("the PBX has no binding of {user}"));
        }
        lost
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

    /// Returns whether none of the final responses arrived that were sent to a stranger, who is sent no more of them than it
    /// sent INVITEs (docs/compliance.md, section 17.2.1), so that all may be lost.
    fn was_lost_on_the_way_to_a_stranger(&self, placed: &Placed) -> bool {
        let is_final = |packet: &&Packet| {
            Message::parse(&packet.payload).is_ok_and(|message| {
                message.status().is_some_and(|status| status.as_u16() >= 200)
                    && message.call_id().is_ok_and(|call_id| call_id == placed.call_id.as_bytes())
                    && message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite)
            })
        };
        let mut fates = self.network.packets().iter().filter(is_final).map(|packet| packet.fate).peekable();
        placed.caller == Caller::Stranger && fates.peek().is_some() && fates.all(|fate| fate == Fate::Lost)
    }

    /// Says which callers were answered otherwise than their phone says now, at the end of the calls or of its own: as often as
    /// it says, which is once where the call was not ignored, unless something came between that may keep all answers back.
    pub(super) fn answered_otherwise(&self, index: usize) -> Vec<String> {
        let events = self.network.node(self.extensions[index].phone).events();
        let ends: BTreeMap<u64, Option<u16>> = events
            .iter()
            .filter_map(|(_, event)| match event {
                Event::Ended { call, status, .. } => Some((call.as_u64(), *status)),
                _ => None,
            })
            .collect();
        let is_of_this_life = |placed: &&Placed| placed.index == index && placed.life == self.lives[index];
        let mut faults = Vec::new();
        for placed in self.calls.iter().filter(is_of_this_life) {
            let Some(status) = placed.number.and_then(|number| ends.get(&number)) else { continue };
            let (said, told) = (status.iter().copied().collect(), &placed.finals);
            let may_be_lost = || placed.is_disturbed || self.was_lost_on_the_way_to_a_stranger(placed);
            if *told != said && !(told.is_empty() && may_be_lost()) {
                let call_id = &placed.call_id;
                faults.push(format!("of call {call_id} the phone says {said:?}, the caller {told:?}"));
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
    for (_, event) in phone.events() {
        let Event::Ended { call, status, by, end } = event else { continue };
        let number = call.as_u64();
        let decision = extension.decision(number);
        if !decision.is_some_and(|decision| decision.is_carried_out_by(*status, *by, *end)) {
            faults.push(format!(
                "{user}: decided {decision:?} of call {number}, ended {status:?} {by:?} {end:?}"
            ));
        }
    }
    faults
}
