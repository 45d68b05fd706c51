//! One phone, one call, one trouble, at any step of it: small enough that thousands are tried where a world would be one.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

#[path = "world/decisions.rs"]
mod decisions;
mod scene;

use std::collections::BTreeSet;
use std::sync::Arc;

use decisions::{Decisions, screen};
use ringfence_testing::{CallId, CallPlan, Conditions, PbxConfig, Phone, Random, Seeds};
use ringfence_ua::{Account, Event, Transport};
use scene::{Scene, account, pbx_address, phone_address, seconds};

/// What happens beside the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Nothing,
    BadNetwork,
    ShortCut,
    PbxRestarts,
    PhoneRestarts,
    TranslatorForgets,
    ConnectionLost,
    CallerGivesUp,
    LineIsRemoved,
}

const TROUBLES: [Trouble; 9] = [
    Trouble::Nothing,
    Trouble::BadNetwork,
    Trouble::ShortCut,
    Trouble::PbxRestarts,
    Trouble::PhoneRestarts,
    Trouble::TranslatorForgets,
    Trouble::ConnectionLost,
    Trouble::CallerGivesUp,
    Trouble::LineIsRemoved,
];

/// More steps than a call in a good network takes.
const STEPS: u64 = 24;

struct Scenario {
    scene: Scene,
    random: Random,
    trouble: Trouble,
    decisions: Decisions,
}

fn by(random: &mut Random) -> Account {
    let transport = random.chance(0.3).then_some(Transport::Tcp);
    Account { transport, ..account() }
}

impl Scenario {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let trouble = TROUBLES[usize::try_from(random.next_u64() % 9).unwrap()];
        let account = by(&mut random);
        let decisions = Decisions::default();
        let screen = screen(Random::new(random.next_u64()), Arc::clone(&decisions));
        let phone = Phone::new(phone_address(), seed).with_screen(screen);
        let mut scene = Scene::of(seed, PbxConfig::new(pbx_address()), account, phone);
        scene.network.listen(pbx_address());
        scene.run(seconds(1));
        Self { scene, random, trouble, decisions }
    }

    /// Plays it to its end.
    fn play(&mut self) -> CallId {
        let cancel_after = Some(seconds(20 + self.random.next_u64() % 20));
        let id = self.scene.call(CallPlan { cancel_after, ..CallPlan::new("1002", "858") });
        let far = self.scene.now() + seconds(15);
        for _ in 0..self.random.next_u64() % STEPS {
            self.scene.network.step(far);
        }
        self.trouble(id);
        self.scene.run(seconds(10));
        self.scene.network.set_conditions(Conditions::default());
        self.scene.network.reconnect(phone_address());
        // An offered call waits for ten minutes where its caller is gone.
        let phone = self.scene.phone;
        self.scene.network.run_until(seconds(12 * 60), |network| {
            let counters = network.node(phone).endpoint().counters();
            (counters.transactions, counters.undecided_calls) == (0, 0)
        });
        self.scene.run(seconds(70));
        id
    }

    fn trouble(&mut self, id: CallId) {
        let Self { scene, random, .. } = self;
        match self.trouble {
            Trouble::Nothing => {}
            Trouble::BadNetwork => scene.network.set_conditions(scene::bad_network()),
            Trouble::ShortCut => scene.network.cut_off(phone_address()),
            Trouble::PbxRestarts => scene.with_pbx(|pbx, _| pbx.restart()),
            Trouble::PhoneRestarts => {
                self.decisions = Decisions::default();
                let screen = screen(Random::new(random.next_u64()), Arc::clone(&self.decisions));
                let phone = Phone::new(phone_address(), random.next_u64()).with_screen(screen);
                let account = by(random);
                scene.phone = scene.network.add(phone_address(), phone);
                scene.line = scene.with_endpoint(|endpoint, now| endpoint.add_line(now, account)).unwrap();
            }
            Trouble::TranslatorForgets => {
                scene.network.translate(phone_address(), "198.51.100.1:40000".parse().unwrap());
            }
            Trouble::ConnectionLost => {
                for connection in scene.network.connections() {
                    scene.network.lose(connection);
                }
            }
            Trouble::CallerGivesUp => scene.with_pbx(|pbx, now| pbx.cancel(now, id)),
            Trouble::LineIsRemoved => {
                let line = scene.line;
                scene.with_endpoint(|endpoint, now| endpoint.remove_line(now, line));
            }
        }
    }

    /// Says what is not as it has to be at the end.
    fn faults(&self, id: CallId) -> Vec<String> {
        let (scene, mut faults) = (&self.scene, Vec::new());
        let counters = scene.phone().endpoint().counters();
        if (counters.transactions, counters.undecided_calls) != (0, 0) {
            faults.push(format!("left: {counters:?}"));
        }
        let decisions = self.decisions.lock().unwrap();
        let (mut ended, mut said) = (BTreeSet::new(), BTreeSet::new());
        for (_, event) in scene.phone().events() {
            let Event::Ended { call, status, by, end } = event else { continue };
            let decision = decisions.get(&call.as_u64()).map(|shown| shown.decision);
            if !decision.is_some_and(|decision| decision.is_carried_out_by(*status, *by, *end)) {
                faults.push(format!("decided {decision:?}, ended {status:?} {by:?} {end:?}"));
            }
            said.extend(*status);
            if !ended.insert(call.as_u64()) {
                faults.push(format!("call {call} has ended twice"));
            }
        }
        if ended.len() as u64 != counters.invites {
            faults.push(format!("of {} calls {} have ended", counters.invites, ended.len()));
        }
        let call = scene.get(id);
        let finals = call.answers().iter().filter(|answer| answer.is_final());
        let finals: BTreeSet<u16> = finals.map(|answer| answer.status).collect();
        if self.trouble == Trouble::Nothing && finals != said {
            faults.push(format!(
                "the phone says that it answered {said:?}, and the caller was told {finals:?}"
            ));
        }
        if finals.len() > 1 && self.trouble != Trouble::PhoneRestarts {
            faults.push(format!("the caller was told {finals:?}"));
        }
        if call.outcome().is_none() && self.trouble != Trouble::PbxRestarts {
            faults.push("the caller was told no end".to_owned());
        }
        faults
    }
}

#[test]
fn whatever_happens_to_one_call_it_ends_once_and_nothing_is_left() {
    for seed in Seeds::new(0..1_500) {
        let mut scenario = Scenario::new(seed);
        let id = scenario.play();
        let faults = scenario.faults(id);
        assert!(faults.is_empty(), "seed {seed}, {:?}:\n{}", scenario.trouble, faults.join("\n"));
    }
}
