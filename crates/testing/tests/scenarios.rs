//! One phone, one call, one trouble, at any step of it: small enough that thousands are tried where a world would be one.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

#[path = "world/decisions.rs"]
mod decisions;
mod scene;
#[path = "world/tally.rs"]
mod tally;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use decisions::{Decisions, screen};
use ringfence_testing::{CallId, CallPlan, Conditions, Node, PbxConfig, Phone, Random, Seeds};
use ringfence_ua::{Account, Event, Transport};
use scene::{Scene, account, pbx_address, phone_address, seconds};
use tally::{CROSSED, LOST_ACK, Tally};

/// What happens beside the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// What a trouble leaves of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    /// The call gets through, and its caller is told what the phone says.
    Surely,
    /// The same, where it has got through before the trouble.
    IfShown,
    /// Likewise, or it is told nothing: the connection is gone over which that would have come.
    IfItArrives,
    /// Two phones were there after each other: the first may have answered, and what it said is not known.
    ByEither,
}

/// More steps than a call in a good network takes.
const STEPS: u64 = 24;

struct Scenario {
    scene: Scene,
    random: Random,
    trouble: Trouble,
    is_streamed: bool,
    decisions: Decisions,
    /// What did not hold at some time.
    broken: BTreeSet<String>,
    /// Whether the call waited at the phone when the trouble came.
    has_waited: bool,
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
        let is_streamed = account.transport.is_some();
        let decisions = Decisions::default();
        let screen = screen(Random::new(random.next_u64()), Arc::clone(&decisions));
        let phone = Phone::new(phone_address(), seed).with_screen(screen);
        let mut scene = Scene::of(seed, PbxConfig::new(pbx_address()), account, phone);
        scene.network.listen(pbx_address());
        scene.run(seconds(1));
        let (broken, has_waited) = (BTreeSet::new(), false);
        Self { scene, random, trouble, is_streamed, decisions, broken, has_waited }
    }

    /// Plays it to its end.
    fn play(&mut self) -> CallId {
        let cancel_after = Some(seconds(20 + self.random.next_u64() % 20));
        let id = self.scene.call(CallPlan { cancel_after, ..CallPlan::new("1002", "858") });
        let far = self.scene.now() + seconds(15);
        for _ in 0..self.random.next_u64() % STEPS {
            self.scene.network.step(far);
            self.look(id);
        }
        self.has_waited = self.undecided_calls() > 0;
        self.trouble(id);
        self.run(id, seconds(10));
        self.scene.network.set_conditions(Conditions::default());
        self.scene.network.reconnect(phone_address());
        // An offered call waits for ten minutes where its caller is gone.
        let end = self.scene.now() + seconds(12 * 60);
        while self.held() > 0 && self.scene.network.step(end) {
            self.look(id);
        }
        self.run(id, seconds(70));
        id
    }

    fn run(&mut self, id: CallId, duration: Duration) {
        let end = self.scene.now() + duration;
        while self.scene.network.step(end) {
            self.look(id);
        }
    }

    /// Looks at what has to hold at any time.
    fn look(&mut self, id: CallId) {
        let (phone, now) = (self.scene.phone(), self.scene.now());
        if phone.poll_timeout().is_some_and(|due| due < now) {
            self.broken.insert("the phone is not woken when it wants to be".to_owned());
        }
        let is_end = |event: &Event| matches!(event, Event::Ended { .. });
        let ends = phone.events().iter().filter(|(_, event)| is_end(event)).count();
        if ends as u64 > phone.endpoint().counters().invites {
            self.broken.insert(format!("one call has ended {ends} times"));
        }
        let finals = self.finals(id);
        if finals.len() > 1 && self.trouble != Trouble::PhoneRestarts {
            self.broken.insert(format!("the caller was told {finals:?}"));
        }
    }

    fn undecided_calls(&self) -> u64 {
        self.scene.phone().endpoint().counters().undecided_calls
    }

    /// What the tables of the phone hold.
    fn held(&self) -> u64 {
        self.undecided_calls() + self.scene.phone().endpoint().counters().transactions
    }

    fn finals(&self, id: CallId) -> BTreeSet<u16> {
        let finals = self.scene.get(id).answers().iter().filter(|answer| answer.is_final());
        finals.map(|answer| answer.status).collect()
    }

    fn trouble(&mut self, id: CallId) {
        let call_id = self.scene.get(id).call_id().to_owned();
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
                // It knows nobody yet: who goes on with a call to the one before may be a stranger.
                scene.network.excuse(scene.phone, &call_id);
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
        let (scene, mut faults): (_, Vec<String>) = (&self.scene, self.broken.iter().cloned().collect());
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
        faults.extend(self.answered_otherwise(!decisions.is_empty(), &said, &self.finals(id)));
        let call = scene.get(id);
        if self.trouble != Trouble::PhoneRestarts {
            faults.extend(call.faults().iter().cloned());
        }
        if call.outcome().is_none() && self.trouble != Trouble::PbxRestarts {
            faults.push("the caller was told no end".to_owned());
        }
        faults
    }

    /// Says whether the caller was answered otherwise than the phone says.
    fn answered_otherwise(
        &self,
        is_shown: bool,
        said: &BTreeSet<u16>,
        told: &BTreeSet<u16>,
    ) -> Option<String> {
        let is_right = match self.answered() {
            Answered::Surely => is_shown && told == said,
            Answered::IfShown => told == said,
            Answered::IfItArrives => told == said || told.is_empty(),
            Answered::ByEither => told.is_superset(said),
        };
        (!is_right)
            .then(|| format!("shown: {is_shown}; the phone says {said:?}, the caller was told {told:?}"))
    }

    fn answered(&self) -> Answered {
        match self.trouble {
            // A cut of ten seconds is shorter than anybody repeats anything.
            Trouble::Nothing | Trouble::BadNetwork | Trouble::ShortCut | Trouble::CallerGivesUp => {
                Answered::Surely
            }
            // A PBX that was restarted repeats no INVITE, and hears what comes all the same.
            Trouble::PbxRestarts => Answered::IfShown,
            Trouble::TranslatorForgets | Trouble::ConnectionLost if self.is_streamed => Answered::IfItArrives,
            Trouble::TranslatorForgets | Trouble::ConnectionLost | Trouble::LineIsRemoved => {
                Answered::IfShown
            }
            Trouble::PhoneRestarts => Answered::ByEither,
        }
    }
}

#[test]
fn whatever_happens_to_one_call_it_ends_once_and_nothing_is_left() {
    let (mut tally, mut waited, mut played) = (Tally::default(), BTreeSet::new(), 0);
    for seed in Seeds::new(0..1_500) {
        let mut scenario = Scenario::new(seed);
        let id = scenario.play();
        let faults = scenario.faults(id);
        let Scenario { trouble, has_waited, .. } = scenario;
        assert!(faults.is_empty(), "seed {seed}, {trouble:?}:\n{}", faults.join("\n"));
        tally.look_through(scenario.scene.network.packets());
        waited.extend(has_waited.then_some(trouble));
        played += 1;
    }
    // Else what holds above says little; a few calls need not have everything.
    if played >= 1_000 {
        tally.assert_all(&[CROSSED, LOST_ACK]);
        assert_eq!(waited.len(), TROUBLES.len(), "only {waited:?} while a call waited");
    }
}
