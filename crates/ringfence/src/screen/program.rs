//! A screen and a journal behind a phone without a network, for tests.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ringfence_testing::Phone;
use softphone::simulated;

use super::Screen;
use crate::config::read_text;
use crate::journal::{self, Call, Journal, Queued, Settings};
use crate::supply::Supply;

/// What the rules of a test come behind.
const BEGINNING: &str = r#"
[account.home]
user = "858"
domain = "192.0.2.1"
password = "secret"

[defaults]
region = "GB"

[list.reject]
entries = ["+44 7700 900*"]
"#;

/// What decides calls, and what is kept of them.
pub(crate) struct Deciding {
    pub(crate) screen: Arc<Screen>,
    pub(crate) journal: Arc<Journal>,
    pub(crate) records: journal::Records,
}

impl Deciding {
    /// Decides by rules, the list `reject` before them.
    pub(crate) fn by(rules: &str, settings: Settings) -> Self {
        let reading = read_text(Path::new("/ringfence.toml"), format!("{BEGINNING}{rules}"));
        let mut config = reading.config.unwrap_or_else(|| panic!("{:?}", reading.report));
        let (recorder, journal, records) = journal::open(settings).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sources = runtime.block_on(Supply::default().open(&mut config));
        let screen = Arc::new(Screen::new(&config, sources, recorder).unwrap());
        Self { screen, journal, records }
    }

    /// Has the calls of a phone decided.
    pub(crate) fn of(&self, phone: Phone) -> Phone {
        let decider = Arc::clone(&self.screen);
        phone.with_screen(simulated::screen_together(move |invites, verdicts| {
            decider.decide_together(invites, verdicts);
        }))
    }
}

/// The phone of a program, with a line for 858 and one for 859.
pub(super) struct Program {
    pub(super) phone: Phone,
    pub(super) screen: Arc<Screen>,
    pub(super) journal: Arc<Journal>,
    records: journal::Records,
    /// How many events of the phone were told to the screen.
    told: usize,
}

impl Program {
    /// Starts it with rules, the list `reject` before them.
    pub(super) fn start(now: Instant, rules: &str) -> Self {
        let deciding = Deciding::by(rules, Settings::in_memory());
        let mut phone = deciding.of(Phone::new(SocketAddr::from(([192, 0, 2, 7], 5060)), 7));
        for user in ["858", "859"] {
            phone.register(now, user, "secret", pbx()).unwrap();
        }
        let Deciding { screen, journal, records } = deciding;
        Self { phone, screen, journal, records, told: 0 }
    }

    /// Hands it datagrams of the PBX, one behind the other.
    pub(super) fn take(&mut self, now: Instant, datagrams: &[Vec<u8>]) {
        for datagram in datagrams {
            self.phone.act(now, |endpoint| endpoint.handle_datagram(now, pbx(), datagram));
        }
        self.tell_ends();
    }

    /// Hands it datagrams of the PBX that have come together.
    pub(super) fn take_together(&mut self, now: Instant, datagrams: &[Vec<u8>]) {
        self.phone.act(now, |endpoint| {
            endpoint.handle_datagrams(now, datagrams.iter().map(|datagram| (pbx(), &**datagram)));
        });
        self.tell_ends();
    }

    /// Tells the screen which calls have ended, as the softphone does.
    fn tell_ends(&mut self) {
        for (_, event) in &self.phone.events()[self.told..] {
            if let Some(ended) = simulated::ended(event) {
                self.screen.note_end(&ended);
            }
        }
        self.told = self.phone.events().len();
    }

    /// Takes what waits for the journal.
    pub(super) fn queued(&mut self) -> Vec<Queued> {
        let mut queued = Vec::new();
        self.records.take(&mut queued);
        queued
    }

    /// Returns the calls in the journal, the oldest first.
    pub(super) fn calls(&mut self) -> Vec<Arc<Call>> {
        self.queued().into_iter().flat_map(|queued| self.journal.take(queued)).for_each(drop);
        self.journal.newest(usize::MAX)
    }
}

pub(super) fn pbx() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5060))
}

/// Returns the INVITE of a call to the first line or to the second.
pub(super) fn invite(call: u64, caller: u64, line: u64) -> Vec<u8> {
    request("INVITE", call, caller, line)
}

/// Returns the ACK of a response that was no 2xx.
pub(super) fn ack(call: u64, caller: u64, line: u64) -> Vec<u8> {
    request("ACK", call, caller, line)
}

fn request(method: &str, call: u64, caller: u64, line: u64) -> Vec<u8> {
    let (user, branch) = (858 + line, call * 10 + line);
    format!(
        "{method} sip:{user}@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{branch}\r\n\
         From: <sip:+44{caller}@192.0.2.1>;tag=f{call}\r\nTo: <sip:858@192.0.2.1>\r\nCall-ID: call-{call}\r\n\
         CSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}
