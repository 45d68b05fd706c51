//! A phone with many lines at a PBX, and callers of every kind. What the phone holds in memory is counted apart from what
//! the test itself holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_testing::{Auditor, Node, Pbx, PbxConfig, Random};
use ringfence_ua::auth::Credentials;
use ringfence_ua::{
    Account, CallNumber, Config, Counters, Endpoint, Event, Redirection, Rejection, Target, Transport,
    Verdict, Wait,
};
use ringfence_wire::sip::{Message, Method};

use crate::counting_allocator::held_after;

/// The lines of the phone.
pub(crate) const LINES: usize = 20;
/// From one call to the next.
const PAUSE: Duration = Duration::from_secs(4);
/// RFC 3261 section 17.1.1.1
const T1: Duration = Duration::from_millis(500);
/// How long a caller lets it ring, or an application thinks.
const RINGS: Duration = Duration::from_secs(6);
/// Within which every transaction is over, and a refresh that began meanwhile.
const REST: Duration = Duration::from_secs(70);
const KINDS: u32 = 8;

/// What a caller, or the application, does next.
#[derive(Clone, Copy)]
enum Due {
    Call,
    Repeat(u32),
    GiveUp(u32),
    Decide(CallNumber),
}

/// A call under way.
#[derive(Default)]
struct Placed {
    line: usize,
    /// How many ACKs are left out yet.
    unacknowledged: u32,
    finals: BTreeSet<u16>,
}

/// What the phone has sent, in room that is there before it sends.
struct Outbox {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    offered: Vec<CallNumber>,
}

pub(crate) struct Shift {
    now: Instant,
    endpoint: Endpoint,
    held: isize,
    outbox: Outbox,
    auditor: Auditor,
    pbx: Pbx,
    contacts: BTreeMap<String, String>,
    due: BTreeMap<(Instant, u64), Due>,
    ordered: u64,
    placed: u32,
    calls: BTreeMap<u32, Placed>,
    wrong: Vec<String>,
}

fn pbx_address() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

fn stranger_address() -> SocketAddr {
    "203.0.113.66:5060".parse().unwrap()
}

fn phone_address() -> SocketAddr {
    "192.0.2.7:5060".parse().unwrap()
}

fn user(line: usize) -> String {
    format!("line{line}")
}

impl Shift {
    pub(crate) fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        Random::new(seed).fill(&mut key);
        let config = PbxConfig { max_expires: Duration::from_secs(600), ..PbxConfig::new(pbx_address()) };
        let mut pbx = Pbx::new(config, seed);
        let now = Instant::now();
        let mut shift = Self {
            now,
            endpoint: Endpoint::new(Config::new(phone_address()), key).with_screen(screen()),
            held: 0,
            outbox: Outbox {
                bytes: Vec::with_capacity(1 << 20),
                ends: Vec::with_capacity(1 << 10),
                offered: Vec::with_capacity(1 << 10),
            },
            auditor: Auditor::demanding(),
            pbx: Pbx::new(PbxConfig::new(pbx_address()), seed),
            contacts: BTreeMap::new(),
            due: BTreeMap::new(),
            ordered: 0,
            placed: 0,
            calls: BTreeMap::new(),
            wrong: Vec::new(),
        };
        shift.auditor.does_not_know(stranger_address().ip());
        for line in 0..LINES {
            pbx.add_user(&user(line), "secret");
        }
        shift.pbx = pbx;
        for line in 0..LINES {
            let mut account = Account::new(&user(line), "192.0.2.1", 5060);
            account.credentials = Some(Credentials::new(user(line), "secret"));
            shift.act(|endpoint, now| assert!(endpoint.add_line(now, account).is_ok()));
        }
        shift.run_until(now + REST);
        shift
    }

    /// Has calls come for a time.
    pub(crate) fn work(&mut self, time: Duration) {
        let end = self.now + time;
        self.order(PAUSE, Due::Call);
        self.run_until(end);
        self.due.retain(|_, due| !matches!(due, Due::Call));
    }

    /// Has the PBX forget its bindings, which come back with the next refreshes.
    pub(crate) fn restart_pbx(&mut self) {
        self.pbx.restart();
        self.run_until(self.now + Duration::from_secs(600));
    }

    /// Waits until every call and every transaction is over.
    pub(crate) fn rest(&mut self) {
        self.run_until(self.now + REST);
        let is_over = |counters: Counters| counters.transactions == 0 && counters.undecided_calls == 0;
        let end = self.now + REST;
        while !is_over(self.endpoint.counters()) {
            assert!(self.now < end, "it does not come to rest: {:?}", self.endpoint.counters());
            self.run_until(self.now + T1);
        }
    }

    /// Returns how many bytes the phone holds.
    pub(crate) fn held(&self) -> isize {
        self.held
    }

    pub(crate) fn counters(&self) -> Counters {
        self.endpoint.counters()
    }

    /// Returns how many lines the PBX knows.
    pub(crate) fn registered(&self) -> usize {
        (0..LINES).filter(|line| self.pbx.is_registered(&user(*line))).count()
    }

    /// Says which calls since it was last asked had no final response, or several.
    pub(crate) fn answered_otherwise_than_once(&mut self) -> Vec<String> {
        let mut wrong = mem::take(&mut self.wrong);
        for (number, placed) in mem::take(&mut self.calls) {
            if placed.finals.len() != 1 {
                wrong.push(format!("call {number} had the final responses {:?}", placed.finals));
            }
        }
        wrong
    }

    /// Says what was wrong on the wire.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.auditor.faults().iter().map(ToString::to_string).collect()
    }

    fn run_until(&mut self, end: Instant) {
        loop {
            let own = self.due.first_key_value().map(|((at, _), _)| *at);
            let timeouts = [self.endpoint.poll_timeout(), self.pbx.poll_timeout(), own];
            let Some(next) = timeouts.into_iter().flatten().min().filter(|next| *next <= end) else { break };
            self.now = self.now.max(next);
            if own == Some(next) {
                let (_, due) = self.due.pop_first().unwrap();
                self.happen(due);
            } else if self.endpoint.poll_timeout() == Some(next) {
                self.act(Endpoint::handle_timeout);
            } else {
                self.pbx.handle_timeout(self.now);
                self.hear_pbx();
            }
        }
        self.now = end;
    }

    fn order(&mut self, later: Duration, due: Due) {
        self.ordered += 1;
        self.due.insert((self.now + later, self.ordered), due);
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Call => {
                self.call();
                self.order(PAUSE, Due::Call);
            }
            Due::Repeat(number) => self.send("INVITE", number, ""),
            Due::GiveUp(number) => self.send("CANCEL", number, ""),
            Due::Decide(call) => {
                self.act(|endpoint, now| {
                    endpoint.reject(now, call, &Rejection::new(603).unwrap());
                });
            }
        }
    }

    /// Places a call of the next kind, and has a stranger do the same now and then.
    fn call(&mut self) {
        let number = self.placed;
        self.placed += 1;
        let unacknowledged = [0, 2, u32::MAX, 0, 0, 0, 0, 0][(number % KINDS) as usize];
        let line = number as usize % LINES;
        self.calls.insert(number, Placed { line, unacknowledged, ..Placed::default() });
        self.send("INVITE", number, "");
        match number % KINDS {
            3 => self.order(RINGS, Due::GiveUp(number)),
            5 => self.order(T1, Due::Repeat(number)),
            _ => {}
        }
        if number.is_multiple_of(50) {
            let invite = self.request("INVITE", number, "");
            let stranger = stranger_address();
            // Without the token of the line's Contact.
            let invite = invite
                .replacen(&self.contacts[&user(line)], "sip:1@192.0.2.7", 1)
                .replace("z9hG4bK-", "z9hG4bK-strange-");
            self.receive(stranger, invite.as_bytes());
            self.receive(stranger, b"nonsense");
        }
    }

    fn send(&mut self, method: &str, number: u32, to_tag: &str) {
        let request = self.request(method, number, to_tag);
        self.receive(pbx_address(), request.as_bytes());
    }

    fn request(&self, method: &str, number: u32, to_tag: &str) -> String {
        let user = user(self.calls[&number].line);
        let mut text = String::new();
        write!(
            text,
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-{number};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:+4179{:07}@192.0.2.1>;tag=caller-{number}\r\nTo: <sip:{user}@192.0.2.1>{to_tag}\r\n\
             Call-ID: call-{number}\r\nCSeq: 1 {method}\r\n",
            self.contacts[&user],
            number % 1_000,
        )
        .unwrap();
        if method == "INVITE" {
            text += "Contact: <sip:caller@192.0.2.1:5060>\r\n";
        }
        text + "Content-Length: 0\r\n\r\n"
    }

    fn receive(&mut self, source: SocketAddr, bytes: &[u8]) {
        self.auditor.received(self.now, Transport::Udp, source, bytes);
        self.act(|endpoint, now| endpoint.handle_datagram(now, source, bytes));
    }

    /// Has the phone do something, and counts what it holds afterwards. What it sends is taken to whom it is for.
    fn act(&mut self, command: impl FnOnce(&mut Endpoint, Instant)) {
        let Self { now, endpoint, outbox, .. } = self;
        self.held += held_after(|| {
            command(endpoint, *now);
            while let Some(event) = endpoint.poll_event() {
                match event {
                    Event::Resolve { line, .. } => {
                        let target = Target::udp(pbx_address(), phone_address());
                        endpoint.handle_resolved(*now, line, Ok(vec![target]));
                    }
                    Event::Incoming { call, .. } => outbox.offered.push(call),
                    _ => {}
                }
            }
            while let Some(transmit) = endpoint.poll_transmit() {
                assert_eq!(transmit.destination, pbx_address());
                outbox.bytes.extend_from_slice(transmit.payload);
                outbox.ends.push(outbox.bytes.len());
            }
        });
        assert!(
            outbox.bytes.capacity() == 1 << 20 && outbox.ends.capacity() == 1 << 10,
            "more than there is room for"
        );
        self.deliver();
    }

    fn deliver(&mut self) {
        let Outbox { bytes, ends, offered } = &mut self.outbox;
        let (sent, ended): (Vec<u8>, Vec<usize>) = (bytes.clone(), ends.clone());
        let calls: Vec<_> = offered.clone();
        bytes.clear();
        ends.clear();
        offered.clear();
        for call in calls {
            self.order(RINGS, Due::Decide(call));
        }
        let mut start = 0;
        for end in ended {
            let datagram = &sent[start..end];
            start = end;
            self.auditor.sent(self.now, Transport::Udp, pbx_address(), datagram);
            // What keeps the way open is no message.
            let Ok(message) = Message::parse(datagram) else { continue };
            match message.status() {
                Some(status) => self.answered(&message, status.as_u16()),
                None => self.asked(&message, datagram),
            }
        }
    }

    /// Takes a request of the phone's to the PBX.
    fn asked(&mut self, message: &Message<'_>, datagram: &[u8]) {
        assert_eq!(message.method(), Some(Method::Register));
        let text = String::from_utf8_lossy(datagram);
        let between = |begin: &str, end: &str| Some(text.split_once(begin)?.1.split_once(end)?.0.to_owned());
        let user = between("To: <sip:", "@").unwrap();
        self.contacts.insert(user, between("Contact: <", ">").unwrap());
        self.pbx.handle_datagram(self.now, phone_address(), datagram);
        self.hear_pbx();
    }

    fn hear_pbx(&mut self) {
        while self.pbx.poll_event().is_some() {}
        while let Some((destination, payload)) = self.pbx.poll_transmit() {
            assert_eq!(destination, phone_address());
            self.receive(pbx_address(), &payload);
        }
    }

    /// Notes what a caller is answered, and has him acknowledge it.
    fn answered(&mut self, message: &Message<'_>, status: u16) {
        let call_id = String::from_utf8_lossy(message.call_id().unwrap_or_default()).into_owned();
        let number: u32 = call_id.strip_prefix("call-").and_then(|number| number.parse().ok()).unwrap();
        if status < 200 || message.cseq().unwrap().method != Method::Invite {
            return;
        }
        let Some(placed) = self.calls.get_mut(&number) else {
            self.wrong.push(format!("call {number} was answered {status} when it was over"));
            return;
        };
        placed.finals.insert(status);
        if placed.unacknowledged > 0 {
            placed.unacknowledged -= 1;
            return;
        }
        let tag = message.to().unwrap().tag().map(|tag| format!(";tag={}", String::from_utf8_lossy(tag)));
        self.send("ACK", number, &tag.unwrap_or_default());
    }
}

/// Decides each call as its kind wants.
fn screen() -> ringfence_ua::Screen {
    let mut asked = 0;
    ringfence_ua::Screen::each(move |_| {
        asked += 1;
        match (asked - 1) % KINDS {
            0..=2 | 5 => Verdict::busy(),
            3 => Verdict::Ring { limit: None },
            4 => Verdict::Redirect(Arc::new(Redirection::new("sip:999@192.0.2.99").unwrap())),
            6 => Verdict::Offer,
            _ => Verdict::Wait(Wait::silent(RINGS).then_reject(Arc::new(Rejection::busy()))),
        }
    })
}
