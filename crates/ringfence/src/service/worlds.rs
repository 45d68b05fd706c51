//! The screen and the journal behind a phone in a simulated network: whatever it does to the messages, and whenever the program
//! ends or is killed and starts again, every call that was decided is in the file once, with its decision, and with its end where
//! it had ended before.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ringfence_testing::{CallPlan, Conditions, Network, NodeId, Pbx, PbxConfig, Phone, Random, Seeds};
use softphone::simulated;

use super::*;
use crate::journal::{self, Call, Query, Reader, Settings};
use crate::screen::program::Deciding;

const RULES: &str = r#"
[list.allow]
entries = ["07700 900456"]

[[rule]]
id = "allowed"
when = { caller_in = "allow" }
then = { forward = { to = "sip:reception@192.0.2.1" } }

[[rule]]
id = "listed"
when = { caller_in = "reject" }
then = "busy"

[[rule]]
id = "withheld"
when = { caller_kind = "anonymous" }
then = { drop = { only_if = "always" } }

[[rule]]
id = "otherwise"
then = "ring"
"#;

/// Who calls, and the rule that decides.
const CALLERS: [(&str, &str); 4] = [
    ("07700900456", "allowed"),
    ("07700900123", "listed"),
    ("sip:anonymous@anonymous.invalid", "withheld"),
    ("02079460123", "otherwise"),
];

/// How many things happen in each world.
const STEPS: usize = 40;
/// How long a program that ends waits for its calls.
const GRACE: Duration = Duration::from_secs(2);

struct World {
    network: Network,
    random: Random,
    pbx: NodeId<Pbx>,
    program: Program,
    home: tempfile::TempDir,
    /// The Call-ID of each call, and the rule that decides it.
    placed: BTreeMap<String, &'static str>,
    /// What each program that is gone has decided.
    before: Vec<Written>,
    /// What has happened while calls were under way.
    seen: BTreeSet<&'static str>,
}

/// One run of the program.
struct Program {
    phone: NodeId<Phone>,
    screen: Arc<Screen>,
    journal: Arc<Journal>,
    records: journal::Records,
    /// How many events of the phone were told to screen and journal.
    told: usize,
    ended: usize,
}

/// The calls of one run, as they have to be in the file: id, Call-ID, rule, and how each ended.
type Written = Vec<Row>;
type Row = (String, String, String, Option<(Option<u16>, String)>);

const KILLED: &str = "killed";
const LEFT: &str = "left";
const PBX_RESTARTED: &str = "the PBX was restarted";
const CUT_OFF: &str = "cut off";

fn pbx_address() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

fn address() -> SocketAddr {
    "192.0.2.7:5060".parse().unwrap()
}

impl Program {
    fn start(network: &mut Network, file: &Path, seed: u64) -> Self {
        let deciding =
            Deciding::by(RULES, Settings { place: Place::File(file.to_owned()), ..Settings::default() });
        let phone = network.add(address(), deciding.of(Phone::new(address(), seed)));
        network.with(phone, |phone, now| phone.register(now, "858", "secret", pbx_address())).unwrap();
        let Deciding { screen, journal, records } = deciding;
        Self { phone, screen, journal, records, told: 0, ended: 0 }
    }

    /// Tells screen and journal what has just happened, as the softphone and the journal's task do.
    fn attend(&mut self, phone: &Phone) {
        for (_, event) in &phone.events()[self.told..] {
            if let Some(ended) = simulated::ended(event) {
                self.screen.note_end(&ended);
                self.ended += 1;
            }
        }
        self.told = phone.events().len();
        let mut records = Vec::new();
        self.records.take(&mut records);
        journal::join_ends(&mut records);
        records.into_iter().flat_map(|record| self.journal.take(record)).for_each(drop);
    }

    /// Returns what it has decided, which is each call that came, once.
    fn written(&self, phone: &Phone) -> Written {
        let (calls, invites) = (self.journal.newest(usize::MAX), phone.endpoint().counters().invites);
        let tally = self.journal.tally();
        assert_eq!((calls.len() as u64, tally.screened, tally.lost), (invites, invites, 0), "{tally:?}");
        assert_eq!(calls.iter().filter(|call| call.ended.is_some()).count(), self.ended);
        let call_ids: BTreeSet<_> = calls.iter().map(|call| &call.call_id).collect();
        assert_eq!(call_ids.len(), calls.len(), "a call is in the journal twice");
        calls.iter().map(|call| row(call)).collect()
    }
}

fn row(call: &Call) -> Row {
    let ended = call.ended.as_ref().map(|ended| (ended.status, ended.how.to_string()));
    (call.id.clone(), call.call_id.clone(), call.rule.clone(), ended)
}

impl World {
    fn new(seed: u64) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut network = Network::new(seed);
        let config = PbxConfig { max_expires: Duration::from_secs(60), ..PbxConfig::new(pbx_address()) };
        let mut pbx = Pbx::new(config, seed);
        pbx.add_user("858", "secret");
        let pbx = network.add(pbx_address(), pbx);
        let program = Program::start(&mut network, &home.path().join("ringfence.db"), seed);
        let (random, placed, before) = (Random::new(seed), BTreeMap::new(), Vec::new());
        Self { network, random, pbx, program, home, placed, before, seen: BTreeSet::new() }
    }

    fn live(&mut self) {
        for _ in 0..STEPS {
            let pause = self.random.duration(Duration::from_secs(8));
            self.run(pause);
            self.happen();
        }
        self.network.set_conditions(Conditions::default());
        self.network.reconnect(address());
        self.run(Duration::from_secs(11 * 60));
    }

    fn run(&mut self, duration: Duration) {
        let end = self.network.clock().now() + duration;
        while self.network.step(end) {
            self.program.attend(self.network.node(self.program.phone));
        }
    }

    fn happen(&mut self) {
        match self.random.next_u64() % 20 {
            0..=12 => self.call(),
            13..=15 => self.change_conditions(),
            16 => {
                self.note(PBX_RESTARTED);
                self.network.with(self.pbx, |pbx, _| pbx.restart());
            }
            17 => {
                self.note(CUT_OFF);
                self.network.cut_off(address());
                let pause = self.random.duration(Duration::from_secs(40));
                self.run(pause);
                self.network.reconnect(address());
            }
            18 => {
                self.note(LEFT);
                self.network.with(self.program.phone, |phone, now| {
                    phone.act(now, |endpoint| endpoint.reject_all(now));
                });
                self.run(GRACE);
                self.restart();
            }
            _ => {
                self.note(KILLED);
                self.restart();
            }
        }
    }

    /// Notes what happens, where a call waits at that time.
    fn note(&mut self, what: &'static str) {
        let counters = self.network.node(self.program.phone).endpoint().counters();
        self.seen.extend((counters.undecided_calls > 0).then_some(what));
    }

    /// Ends the program as it is, and starts it again with the file that it leaves.
    fn restart(&mut self) {
        let written = self.leave();
        self.before.push(written);
        let seed = self.random.next_u64();
        self.program = Program::start(&mut self.network, &self.home.path().join("ringfence.db"), seed);
    }

    fn leave(&mut self) -> Written {
        let phone = self.network.node(self.program.phone);
        self.program.attend(phone);
        let written = self.program.written(phone);
        self.program.journal.close();
        written
    }

    fn change_conditions(&mut self) {
        let conditions = Conditions {
            loss: if self.random.chance(0.5) { 0.3 } else { 0.0 },
            duplication: 0.2,
            jitter: self.random.duration(Duration::from_millis(500)),
            ..Conditions::default()
        };
        self.network.set_conditions(conditions);
    }

    fn call(&mut self) {
        let (from, rule) = CALLERS[usize::try_from(self.random.next_u64() % 4).unwrap()];
        let cancel_after = Some(self.random.duration(Duration::from_secs(30)));
        let acks_left_out = u32::try_from(self.random.next_u64() % 4).unwrap();
        let seconds = self.random.next_u64() % 60;
        let headers =
            if seconds < 20 { vec![("Expires".to_owned(), seconds.to_string())] } else { Vec::new() };
        let plan = CallPlan { headers, cancel_after, acks_left_out, ..CallPlan::new(from, "858") };
        let id = self.network.with(self.pbx, |pbx, now| pbx.call(now, plan));
        self.placed.insert(self.network.node(self.pbx).get(id).call_id().to_owned(), rule);
    }
}

#[test]
fn whatever_happens_every_decided_call_is_in_the_journal_once_with_its_end() {
    let (mut seen, mut lived_through, mut unended) = (BTreeSet::new(), 0, 0);
    for seed in Seeds::new(0..12) {
        let mut world = World::new(seed);
        world.live();
        let last = world.leave();
        assert!(last.iter().all(|(.., ended)| ended.is_some()), "seed {seed}: {last:?}");
        unended += world.before.iter().flatten().filter(|(.., ended)| ended.is_none()).count();
        world.before.push(last);
        let mut decided = world.before.concat();
        for (_, call_id, rule, _) in &decided {
            assert_eq!(Some(&rule.as_str()), world.placed.get(call_id), "seed {seed}: {call_id}");
        }
        let reader = Reader::open(&world.home.path().join("ringfence.db")).unwrap();
        let mut written: Vec<_> = reader.search(&Query::default()).unwrap().iter().map(row).collect();
        decided.sort();
        written.sort();
        assert_eq!(written, decided, "seed {seed}");
        seen.append(&mut world.seen);
        lived_through += 1;
    }
    // Else what holds above says little; one world need not have everything.
    if lived_through >= 12 {
        assert_eq!(seen, BTreeSet::from([KILLED, LEFT, PBX_RESTARTED, CUT_OFF]));
        assert!(unended > 0, "no call was under way when its program was gone");
    }
}
