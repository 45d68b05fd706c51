//! Anything may happen at any time to calls that a proxy forks: phones of one account that decide each for itself, one that
//! answers, callers who give up, loss, cuts, restarts of phones and proxy. Each caller has one final response, unless the proxy
//! was restarted before it came and knows nothing of the call any more; the others are cancelled, every call of every phone has
//! ended once and as was decided, and nothing is left of any.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

#[path = "world/decisions.rs"]
mod decisions;
mod forking;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use decisions::{Decisions, screen};
use forking::{House, proxy_address, seconds};
use ringfence_testing::{
    CallId, CallPlan, Callee, CalleePlan, Conditions, Forking, NodeId, ProxyConfig, Random, Seeds,
};
use ringfence_ua::{EndedBy, Event};

/// How many phones are on the account, besides the one that answers.
const PHONES: usize = 3;
/// How many things happen in each world.
const STEPS: usize = 25;

struct World {
    house: House,
    callee: NodeId<Callee>,
    random: Random,
    decisions: Vec<Decisions>,
    calls: Vec<CallId>,
    /// Those that the proxy has forgotten before they were answered.
    forgotten: BTreeSet<CallId>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let forking =
            if random.chance(0.6) { Forking::Parallel } else { Forking::Serial { ring: seconds(8) } };
        let decisions: Vec<_> = (0..PHONES).map(|_| Decisions::default()).collect();
        let screens =
            decisions.iter().map(|it| screen(Random::new(random.next_u64()), Arc::clone(it))).collect();
        let config = ProxyConfig { forking, ..ProxyConfig::new(proxy_address()) };
        let mut house = House::with_seed(seed, config, screens);
        let callee = house.add_callee(20, CalleePlan::default());
        Self { house, callee, random, decisions, calls: Vec::new(), forgotten: BTreeSet::new() }
    }

    fn live(&mut self) {
        for _ in 0..STEPS {
            let pause = self.random.duration(seconds(10));
            self.house.network.run_for(pause);
            self.happen();
        }
    }

    fn happen(&mut self) {
        let index = usize::try_from(self.random.next_u64()).unwrap() % PHONES;
        match self.random.next_u64() % 9 {
            0..=3 => self.call(),
            4 => self.change_conditions(),
            5 => {
                let (answer_after, status) = (self.random.duration(seconds(30)), [200, 200, 486, 603]);
                let status = status[usize::try_from(self.random.next_u64() % 4).unwrap()];
                let ring_after = self.random.chance(0.5).then(|| self.random.duration(seconds(5)));
                let plan = CalleePlan { ring_after, answer: Some((answer_after, status)) };
                self.house.network.with(self.callee, |callee, _| callee.set_plan(plan));
            }
            6 => {
                let is_open = |id: &&CallId| self.house.finals(**id).is_empty();
                self.forgotten.extend(self.calls.iter().filter(is_open).copied());
                self.house.network.with(self.house.proxy, |proxy, _| proxy.restart());
                self.house.bind_callee(20);
            }
            7 => {
                self.decisions[index] = Decisions::default();
                let (seed, decisions) = (self.random.next_u64(), Arc::clone(&self.decisions[index]));
                self.house.switch_on(index, seed, screen(Random::new(seed), decisions));
            }
            _ => {
                let address = forking::phone_address(index);
                self.house.network.cut_off(address);
                self.house.network.run_for(self.random.duration(seconds(5)));
                self.house.network.reconnect(address);
            }
        }
    }

    fn call(&mut self) {
        let cancel_after = Some(seconds(1) + self.random.duration(seconds(60)));
        let acks_left_out = u32::try_from(self.random.next_u64() % 3).unwrap();
        let plan = CallPlan::new("1002", "sip:858@192.0.2.1");
        let plan = CallPlan { cancel_after, acks_left_out, may_fork: true, ..plan };
        let id = self.house.call_by(plan);
        self.calls.push(id);
    }

    fn change_conditions(&mut self) {
        let is_bad = self.random.chance(0.6);
        let conditions = Conditions {
            loss: if is_bad { 0.2 } else { 0.0 },
            duplication: if is_bad { 0.2 } else { 0.0 },
            delay: self.random.duration(Duration::from_millis(100)),
            jitter: self.random.duration(Duration::from_millis(300)),
        };
        self.house.network.set_conditions(conditions);
    }

    /// Of how many phones a caller heard that they ring.
    fn ringing(&self, id: CallId) -> usize {
        let answers = self.house.get(id).answers().iter();
        let ringing = answers.filter(|answer| (101..200).contains(&answer.status));
        ringing.map(|answer| &answer.to_tag).collect::<BTreeSet<_>>().len()
    }

    /// Says what is not as it has to be at the end.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for id in &self.calls {
            let call = self.house.get(*id);
            let finals: BTreeSet<u16> = self.house.finals(*id).into_iter().collect();
            if finals.len() != 1 && !(finals.is_empty() && self.forgotten.contains(id)) {
                faults.push(format!("a caller was told {finals:?}"));
            }
            if call.outcome().is_none() {
                faults.push("a caller was told no end".to_owned());
            }
            faults.extend(call.faults().iter().cloned());
        }
        for (phone, decisions) in self.house.phones.iter().zip(&self.decisions) {
            let (phone, mut ended) = (self.house.network.node(*phone), BTreeSet::new());
            let decisions = decisions.lock().unwrap();
            for (_, event) in phone.events() {
                let Event::Ended { call, status, by, end } = event else { continue };
                let decision = decisions.get(&call.as_u64()).map(|shown| shown.decision);
                if !decision.is_some_and(|decision| decision.is_carried_out_by(*status, *by, *end)) {
                    faults.push(format!("decided {decision:?}, ended {status:?} {by:?} {end:?}"));
                }
                if !ended.insert(call.as_u64()) {
                    faults.push(format!("call {call} has ended twice"));
                }
            }
            let invites = phone.endpoint().counters().invites;
            if ended.len() as u64 != invites {
                faults.push(format!("of {invites} calls {} have ended", ended.len()));
            }
        }
        faults
    }
}

fn lived(seed: u64) -> World {
    let mut world = World::new(seed);
    world.live();
    world.house.network.set_conditions(Conditions::default());
    // What a phone was offered waits for ten minutes where nobody cancels it.
    world.house.network.run_for(seconds(11 * 60));
    world
}

#[test]
fn whatever_happens_to_forked_calls_each_caller_has_one_answer_and_nothing_is_left() {
    for seed in Seeds::new(0..100) {
        let mut world = lived(seed);
        let faults = world.faults();
        assert!(faults.is_empty(), "seed {seed}:\n{}", faults.join("\n"));
        world.house.assert_quiet();
        assert_eq!(world.house.network.node(world.callee).calls(), 0);
    }
}

/// Else what holds above says little.
#[test]
fn calls_are_rung_by_several_answered_rejected_given_up_and_taken_elsewhere() {
    let (mut finals, mut ends, mut rung_by_several) = (BTreeSet::new(), Vec::new(), 0);
    for seed in 0..10 {
        let world = lived(seed);
        rung_by_several += world.calls.iter().filter(|id| world.ringing(**id) > 1).count();
        finals.extend(world.calls.iter().flat_map(|id| world.house.finals(*id)));
        ends.extend((0..PHONES).flat_map(|phone| world.house.ends(phone)).map(|(_, by)| by));
    }
    assert!([200, 302, 486, 487, 603].iter().all(|status| finals.contains(status)), "{finals:?}");
    let all = [EndedBy::Decision, EndedBy::Caller, EndedBy::Elsewhere, EndedBy::Limit];
    assert!(all.iter().all(|by| ends.contains(by)));
    assert!(rung_by_several > 0, "no caller heard of several phones that ring");
}
