//! Calls that come together are decided as one after another would be.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use ringfence_testing::{Phone, Random};
use softphone::simulated;

use super::*;
use crate::config::read_text;
use crate::journal::{self, Journal, Settings};
use crate::supply::Supply;

const CONFIGURATION: &str = r#"
[account.home]
user = "858"
domain = "192.0.2.1"
password = "secret"

[defaults]
region = "GB"

[list.reject]
entries = ["+44 7700 900*"]

[[rule]]
id = "often"
when = { rate = { per = "caller", more_than = 2, within = "1m" } }
then = { reject = { code = 603 } }

[[rule]]
id = "listed"
when = { caller_in = "reject" }
then = "busy"

[[rule]]
id = "otherwise"
then = "ring"
"#;

/// The phone of a program, without a network.
struct Program {
    phone: Phone,
    journal: Arc<Journal>,
    records: journal::Records,
}

impl Program {
    fn start(now: Instant) -> Self {
        let reading = read_text(Path::new("/ringfence.toml"), CONFIGURATION);
        let mut config = reading.config.unwrap_or_else(|| panic!("{:?}", reading.report));
        let (recorder, journal, records) = journal::open(Settings::in_memory()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sources = runtime.block_on(Supply::default().open(&mut config));
        let screen = Screen::new(&config, sources, recorder).unwrap();
        let hook = simulated::screen_together(move |invites, verdicts| {
            screen.decide_together(invites, verdicts);
        });
        let mut phone = Phone::new(SocketAddr::from(([192, 0, 2, 7], 5060)), 7).with_screen(hook);
        for user in ["858", "859"] {
            phone.register(now, user, "secret", pbx()).unwrap();
        }
        Self { phone, journal, records }
    }

    /// Returns the Call-ID, the rule and the rate of each call in the journal.
    fn decided(&mut self) -> Vec<(String, String, String)> {
        let mut records = Vec::new();
        self.records.take(&mut records);
        records.into_iter().flat_map(|record| self.journal.take(record)).for_each(drop);
        let calls = self.journal.newest(usize::MAX);
        // What is read of a journal tells them from copies of one call by that.
        let times: Vec<i64> = calls.iter().map(|call| call.at.as_microsecond()).collect();
        assert!(times.windows(2).all(|two| two[0] < two[1]), "{times:?}");
        let rate =
            |call: &Call| call.evidence.facts.split(r#""rate":"#).nth(1).unwrap_or_default().to_owned();
        calls.iter().map(|call| (call.call_id.clone(), call.rule.clone(), rate(call))).collect()
    }
}

fn pbx() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5060))
}

fn invite(call: u64, caller: u64, user: u64) -> Vec<u8> {
    let (user, branch) = (858 + user, call * 10 + user);
    format!(
        "INVITE sip:{user}@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{branch}\r\n\
         From: <sip:+44{caller}@192.0.2.1>;tag=f{call}\r\nTo: <sip:858@192.0.2.1>\r\nCall-ID: call-{call}\r\n\
         CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

#[test]
fn rates_and_copies_are_those_of_calls_that_come_one_by_one() {
    let callers = [7_700_900_123, 2_079_460_123, 2_079_460_124];
    let (mut rates, mut copies) = (0, 0);
    for seed in 0..40 {
        let (now, mut random) = (Instant::now(), Random::new(seed));
        let [mut single, mut together] = [0; 2].map(|_| Program::start(now));
        for _ in 0..4 {
            let datagrams: Vec<Vec<u8>> = (0..=random.next_u64() % 12)
                .map(|_| {
                    let call = random.next_u64() % 20;
                    invite(call, callers[usize::try_from(call % 3).unwrap()], random.next_u64() % 2)
                })
                .collect();
            for datagram in &datagrams {
                single.phone.act(now, |endpoint| endpoint.handle_datagram(now, pbx(), datagram));
            }
            together.phone.act(now, |endpoint| {
                endpoint.handle_datagrams(now, datagrams.iter().map(|datagram| (pbx(), &**datagram)));
            });
        }
        let decided = single.decided();
        assert_eq!(together.decided(), decided, "seed {seed}");
        assert_eq!(together.phone.endpoint().counters(), single.phone.endpoint().counters(), "seed {seed}");
        rates += decided.iter().filter(|(_, rule, _)| rule == "often").count();
        let tally = single.journal.tally();
        assert_eq!(together.journal.tally().copies, tally.copies, "seed {seed}");
        copies += tally.copies;
    }
    assert!(rates > 20 && copies > 20, "else it says little: {rates} {copies}");
}

#[test]
fn those_that_cannot_be_read_with_the_others_are_read_when_their_turn_comes() {
    let now = Instant::now();
    let [listed, other] = [7_700_900_123, 2_079_460_123];
    for unreadable in 0..6 {
        let calls = (0..6).map(|call| {
            let id = if call == unreadable || call == 4 { 10_000 + call } else { call };
            (id, if call % 2 == 0 { listed } else { other })
        });
        let calls: Vec<(u64, u64)> = calls.collect();
        let datagrams: Vec<Vec<u8>> = calls.iter().map(|(call, caller)| invite(*call, *caller, 0)).collect();
        let mut program = Program::start(now);
        program.phone.act(now, |endpoint| {
            endpoint.handle_datagrams(now, datagrams.iter().map(|datagram| (pbx(), &**datagram)));
        });
        let decided = program.decided().into_iter().map(|(call, rule, _)| (call, rule));
        let rules = ["listed", "otherwise", "listed", "otherwise", "often", "often"];
        let expected =
            calls.iter().zip(rules).map(|((call, _), rule)| (format!("call-{call}"), rule.to_owned()));
        assert_eq!(decided.collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{unreadable}");
    }
}
