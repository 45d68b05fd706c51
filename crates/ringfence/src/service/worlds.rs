//! The screen and the journal behind a phone in a simulated network: whatever it does to the messages, every call that was
//! decided is in the journal once, with its decision and its end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ringfence_testing::{CallPlan, Conditions, Network, NodeId, Pbx, PbxConfig, Phone, Random, Seeds};
use softphone::simulated;

use super::*;
use crate::config::read_text;
use crate::journal::{self, Call, Settings};

const CONFIGURATION: &str = r#"
[account.home]
user = "858"
domain = "192.0.2.1"
password = "secret"

[defaults]
region = "GB"

[list.reject]
entries = ["+44 7700 900*"]

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

struct World {
    network: Network,
    random: Random,
    pbx: NodeId<Pbx>,
    phone: NodeId<Phone>,
    screen: Arc<Screen>,
    recorder: Recorder,
    journal: Arc<Journal>,
    records: tokio::sync::mpsc::Receiver<journal::Queued>,
    /// The Call-ID of each call, and the rule that decides it.
    placed: BTreeMap<String, &'static str>,
}

impl World {
    fn new(seed: u64) -> Self {
        let reading = read_text(Path::new("/ringfence.toml"), CONFIGURATION);
        let mut config = reading.config.unwrap_or_else(|| panic!("{:?}", reading.report));
        let (recorder, journal, records) = journal::open(Settings::in_memory()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sources = runtime.block_on(Supply::default().open(&mut config));
        let screen = Arc::new(Screen::new(&config, sources, recorder.clone()).unwrap());
        let decider = Arc::clone(&screen);
        let mut network = Network::new(seed);
        let (pbx_address, address) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.7:5060".parse().unwrap());
        let mut pbx = Pbx::new(PbxConfig::new(pbx_address), seed);
        pbx.add_user("858", "secret");
        let pbx = network.add(pbx_address, pbx);
        let hook = simulated::screen(move |invite| decider.decide(invite));
        let phone = network.add(address, Phone::new(address, seed).with_screen(hook));
        network.with(phone, |phone, now| phone.register(now, "858", "secret", pbx_address)).unwrap();
        network.run_for(Duration::from_secs(1));
        let random = Random::new(seed);
        Self { network, random, pbx, phone, screen, recorder, journal, records, placed: BTreeMap::new() }
    }

    fn live(&mut self) {
        for _ in 0..30 {
            let pause = self.random.duration(Duration::from_secs(8));
            self.network.run_for(pause);
            if self.random.chance(0.7) {
                self.call();
            } else {
                let conditions = Conditions {
                    loss: if self.random.chance(0.5) { 0.3 } else { 0.0 },
                    duplication: 0.2,
                    jitter: self.random.duration(Duration::from_millis(500)),
                    ..Conditions::default()
                };
                self.network.set_conditions(conditions);
            }
        }
        self.network.set_conditions(Conditions::default());
        self.network.run_for(Duration::from_secs(11 * 60));
        for (_, event) in self.network.node(self.phone).events() {
            if let Some(ended) = simulated::ended(event) {
                note_end(&self.screen, &self.recorder, &ended);
            }
        }
        while let Ok(record) = self.records.try_recv() {
            self.journal.take(record).for_each(drop);
        }
    }

    fn call(&mut self) {
        let (from, rule) = CALLERS[usize::try_from(self.random.next_u64() % 4).unwrap()];
        let cancel_after = Some(self.random.duration(Duration::from_secs(30)));
        let acks_left_out = u32::try_from(self.random.next_u64() % 4).unwrap();
        let plan = CallPlan { cancel_after, acks_left_out, ..CallPlan::new(from, "858") };
        let id = self.network.with(self.pbx, |pbx, now| pbx.call(now, plan));
        self.placed.insert(self.network.node(self.pbx).get(id).call_id().to_owned(), rule);
    }

    /// Returns what the journal has of calls, the newest first.
    fn written(&self) -> Vec<Arc<Call>> {
        self.journal.newest(usize::MAX)
    }
}

#[test]
fn whatever_the_network_does_every_decided_call_is_in_the_journal_once_with_its_end() {
    for seed in Seeds::new(0..30) {
        let mut world = World::new(seed);
        world.live();
        let (written, invites) =
            (world.written(), world.network.node(world.phone).endpoint().counters().invites);
        assert_eq!(written.len() as u64, invites, "seed {seed}");
        let mut rules = BTreeMap::new();
        for call in &written {
            let before = rules.insert(call.call_id.clone(), call.rule.clone());
            assert_eq!(before, None, "seed {seed}: {} is in the journal twice", call.call_id);
            let ended = call.ended.as_ref();
            assert!(ended.is_some(), "seed {seed}: {call:?}");
            assert_eq!(Some(&call.rule.as_str()), world.placed.get(&call.call_id), "seed {seed}: {call:?}");
        }
        let tally = world.journal.tally();
        assert_eq!((tally.screened, tally.lost), (invites, 0), "seed {seed}: {tally:?}");
    }
}
