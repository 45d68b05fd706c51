//! What has to hold at any time, looked at after each thing that happens.

use std::collections::BTreeSet;
use std::time::Duration;

use ringfence_testing::{Node, Phone};
use ringfence_ua::{Event, Limits};

use super::{Caller, Extension, Placed, USERS, World};

/// How much may happen at one instant: a few messages and timers for each of a few hosts.
const AT_ONCE: usize = 1_000;
/// What is broken is broken again and again.
const TOLD: usize = 20;

/// How far the events of one phone were looked at.
#[derive(Debug, Clone, Default)]
pub(super) struct Looked {
    events: usize,
    shown: usize,
    ended: BTreeSet<u64>,
}

impl World {
    /// Runs for a time.
    pub(super) fn run(&mut self, duration: Duration) {
        let deadline = self.network.clock().now() + duration;
        let (mut at_once, mut before) = (0, self.network.clock().now());
        while self.network.step(deadline) {
            let now = self.network.clock().now();
            at_once = if now == before { at_once + 1 } else { 0 };
            before = now;
            assert!(at_once < AT_ONCE, "no progress at {:?}", self.network.clock().elapsed());
            self.look();
        }
    }

    /// Looks at every phone and every caller.
    fn look(&mut self) {
        for index in 0..self.extensions.len() {
            self.look_at_phone(index);
        }
        for index in 0..self.calls.len() {
            self.look_at_caller(index);
        }
    }

    fn look_at_phone(&mut self, index: usize) {
        let (user, now) = (USERS[index], self.network.clock().now());
        let extension = &mut self.extensions[index];
        let phone = self.network.node(extension.phone);
        let mut broken = beyond_limits(phone, &extension.limits);
        if let Some(due) = phone.poll_timeout().filter(|due| *due < now) {
            broken.push(format!("was to be woken {:?} ago", now - due));
        }
        for (_, event) in &phone.events()[extension.looked.events..] {
            let Event::Ended { call, .. } = event else { continue };
            if !extension.looked.ended.insert(call.as_u64()) {
                broken.push(format!("call {call} has ended twice"));
            }
        }
        extension.looked.events = phone.events().len();
        for what in broken {
            self.tell(&format!("{user}: {what}"));
        }
        self.look_at_shown(index);
    }

    /// Notes which calls have got through to the screen.
    fn look_at_shown(&mut self, index: usize) {
        let Extension { decisions, looked, .. } = &mut self.extensions[index];
        let decisions = decisions.lock().unwrap();
        let new = decisions.len() - looked.shown;
        looked.shown = decisions.len();
        for (number, shown) in decisions.iter().rev().take(new) {
            // What comes over a cut was on its way when that began.
            let placed = self.calls.iter_mut().find(|placed| placed.call_id == shown.call_id).unwrap();
            placed.number = Some(*number);
            placed.is_disturbed = placed.way().iter().any(|address| self.cut_off.contains(address));
        }
    }

    fn look_at_caller(&mut self, index: usize) {
        let placed = &self.calls[index];
        let call = self.call_of(placed);
        if call.answers().len() == placed.told {
            return;
        }
        let told = call.answers().len();
        let finals = call.answers()[placed.told..].iter().filter(|answer| answer.is_final());
        let finals: Vec<u16> = finals.map(|answer| answer.status).collect();
        // One that was switched off meanwhile may answer otherwise than it would have.
        let is_same_life = self.lives[placed.index] == placed.life;
        let mut broken = if is_same_life { call.faults().to_vec() } else { Vec::new() };
        let placed = &mut self.calls[index];
        placed.told = told;
        placed.finals.extend(finals);
        if placed.finals.len() > 1 && is_same_life {
            broken.push(format!("more than one final response: {:?}", placed.finals));
        }
        for what in broken {
            let call_id = &self.calls[index].call_id;
            self.tell(&format!("the caller of {call_id}: {what}"));
        }
    }

    fn tell(&mut self, what: &str) {
        if self.broken.len() < TOLD {
            self.broken.push(format!("at {:?}, {what}", self.network.clock().elapsed()));
        }
    }

    /// Notes what may keep answers of calls that are on from their callers.
    pub(super) fn disturb(&mut self, is_on_its_way: impl Fn(&Placed) -> bool) {
        let under_way = self.calls.iter_mut().filter(|placed| placed.finals.is_empty());
        under_way.filter(|placed| is_on_its_way(placed)).for_each(|placed| placed.is_disturbed = true);
    }

    pub(super) fn call_of(&self, placed: &Placed) -> &ringfence_testing::Call {
        match placed.caller {
            Caller::Pbx => self.network.node(self.pbx).get(placed.id),
            Caller::Stranger => self.network.node(self.stranger).get(placed.id),
        }
    }
}

fn beyond_limits(phone: &Phone, limits: &Limits) -> Vec<String> {
    let counters = phone.endpoint().counters();
    let tables = [
        ("transactions", counters.transactions, limits.server_transactions + limits.client_transactions),
        ("undecided calls", counters.undecided_calls, limits.undecided_calls),
        ("lines", counters.lines, limits.lines),
    ];
    let beyond = tables.into_iter().filter(|(_, held, limit)| *held > *limit as u64);
    beyond.map(|(what, held, limit)| format!("{held} {what}, where {limit} is the limit")).collect()
}
