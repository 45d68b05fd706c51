//! An endpoint to which anything is sent at any time: choices make requests, responses, time and what the application does.
//! The first ones say what lines it has and how large its tables are.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_testing::{Auditor, Clock, Node as _, Phone};
use ringfence_ua::{CallNumber, Event, Limits, LineId, Redirection, Rejection, Transport, Wait};
use ringfence_wire::sip::{Framing, HeaderName, Message};

use super::draw::Draw;

mod lines;
mod said;

/// Whatever happens, each message that is sent is one, no table grows beyond its limit, and in the end all tables are empty,
/// no timer is left and every call has ended once. Where nothing is sent that is not SIP, each message is what RFC 3261 has
/// it be, and none is missing that it asks for.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let mut scene = Scene::new(&mut draw);
    let mut steps = 0;
    while !draw.is_over() && steps < MOST_STEPS {
        scene.step(&mut draw);
        steps += 1;
    }
    scene.end();
}

const MOST_STEPS: usize = 100;
/// Which of the application's choices is to say nothing more.
const IGNORE: usize = 3;
/// Which of the turns may give up what was asked for before: a line is removed, all are unregistered, or the clock jumps.
const GIVES_UP: [usize; 3] = [3, 4, 5];
/// How much of what was sent is remembered, each way.
const REMEMBERED: usize = 16;

struct Scene {
    phone: Phone,
    limits: Limits,
    lines: Vec<Line>,
    clock: Clock,
    /// Nothing where what comes in is so odd that no rule says what goes out.
    auditor: Option<Auditor>,
    /// The request of each transaction, by its `CSeq`.
    transactions: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What came in.
    received: Vec<(SocketAddr, Vec<u8>)>,
    /// The requests that went out.
    asked: Vec<(SocketAddr, Vec<u8>)>,
}

struct Line {
    id: LineId,
    /// The hosts that it knows; none once it is to be removed, or was led elsewhere.
    hosts: Vec<IpAddr>,
    /// Whether those that it does not know may call it, which they may until it is removed.
    is_open: bool,
}

impl Scene {
    fn new(draw: &mut Draw<'_>) -> Self {
        let limits = lines::limits(draw);
        let mut scene = Self {
            phone: lines::phone(limits, draw),
            limits,
            lines: Vec::new(),
            clock: Clock::new(),
            // What there was no room for at one time and is at another is two requests, and no rule tells them apart.
            auditor: (draw.is() && limits == Limits::default()).then(Auditor::demanding),
            transactions: BTreeMap::new(),
            received: Vec::new(),
            asked: Vec::new(),
        };
        for _ in 0..=draw.below(2) {
            scene.add_line(draw);
        }
        scene
    }

    fn add_line(&mut self, draw: &mut Draw<'_>) {
        let (account, now) = (lines::account(draw), self.clock.now());
        let (hosts, is_open) = (lines::hosts(&account), account.is_open);
        // There may be no room for it.
        if let Ok(id) = self.phone.act(now, |endpoint| endpoint.add_line(now, account)) {
            self.lines.push(Line { id, hosts, is_open });
        }
        self.take();
    }

    fn step(&mut self, draw: &mut Draw<'_>) {
        match draw.below(12) {
            0..=2 => {
                let (source, request) = said::request(draw);
                let source = self.elsewhere(source, draw);
                let request = self.as_before(request);
                self.is_sent(source, &request);
            }
            3 | 4 => self.is_answered(draw),
            5 => self.comes_again(draw),
            6 => self.is_wild(draw),
            7 | 8 => self.pass(said::while_(draw)),
            9 | 10 => self.decide(draw),
            _ => self.turn(draw),
        }
    }

    /// A response to something that was asked comes in, or to something that was not.
    fn is_answered(&mut self, draw: &mut Draw<'_>) {
        let latest = self.asked.len().checked_sub(1 + draw.below(4));
        let Some((server, request)) = latest.and_then(|latest| self.asked.get(latest)).cloned() else {
            return;
        };
        let request = Message::parse(&request).expect("what is sent can be read");
        let response = said::response(&request, draw);
        // Where that leads a line elsewhere, who was its registrar is a stranger.
        if response.starts_with(b"SIP/2.0 3") {
            self.lines.iter_mut().for_each(|line| line.hosts.clear());
        }
        let source = self.elsewhere(server, draw);
        self.is_sent(source, &response);
    }

    /// What came before comes again, from there or from elsewhere, or as the ACK or the CANCEL of it.
    fn comes_again(&mut self, draw: &mut Draw<'_>) {
        let latest = self.received.len().checked_sub(1 + draw.below(8));
        let Some((source, datagram)) = latest.and_then(|latest| self.received.get(latest)).cloned() else {
            return;
        };
        let source = self.elsewhere(source, draw);
        self.is_sent(source, &said::again(datagram, draw));
    }

    /// What is of the transaction of an earlier request is that request, where rules are about it.
    fn as_before(&mut self, request: Vec<u8>) -> Vec<u8> {
        if self.auditor.is_none() {
            return request;
        }
        let message = Message::parse(&request).expect("a request");
        let cseq = message.first(HeaderName::CSeq).unwrap_or_default().to_vec();
        self.transactions.entry(cseq).or_insert(request.clone()).clone()
    }

    /// What comes from another than who has to do with it is nothing that a rule is about.
    fn elsewhere(&self, source: SocketAddr, draw: &mut Draw<'_>) -> SocketAddr {
        if self.auditor.is_none() && draw.below(8) == 7 { said::source(draw.byte().into()) } else { source }
    }

    /// What no rule is about: any bytes, or a message with damage done to it.
    fn is_wild(&mut self, draw: &mut Draw<'_>) {
        if self.auditor.is_some() {
            return self.pass(Duration::from_millis(500));
        }
        let latest = self.received.len().checked_sub(1 + draw.below(8));
        let mut datagram = latest.map_or_else(Vec::new, |latest| self.received[latest].1.clone());
        for _ in 0..=draw.below(4) {
            let at = (draw.below(256) * 8 + draw.below(8)).min(datagram.len());
            let end = (at + draw.below(16)).min(datagram.len());
            drop(datagram.splice(at..end, draw.text().into_bytes()));
        }
        self.is_sent(said::source(draw.byte().into()), &datagram);
    }

    fn is_sent(&mut self, source: SocketAddr, datagram: &[u8]) {
        let now = self.clock.now();
        if let Some(auditor) = &mut self.auditor {
            if !is_known(&self.lines, source.ip()) {
                auditor.does_not_know(source.ip());
            }
            auditor.received(now, Transport::Udp, source, datagram);
        }
        let before = self.not_served();
        self.phone.handle_datagram(now, source, datagram);
        if self.not_served() != before {
            self.excuse(datagram);
        }
        let count = self.take();
        assert!(count <= MOST_AT_ONCE, "{count} messages for one");
        remember(&mut self.received, source, datagram.to_vec());
    }

    /// How many requests there were that no transaction was made for.
    fn not_served(&self) -> u64 {
        let counters = self.phone.endpoint().counters();
        counters.answered_stateless
            + counters.over_rate
            + counters.dropped_stranger
            + counters.dropped_too_long
    }

    /// Has nothing more be owed in the transactions of a message's call or registration.
    fn excuse(&mut self, message: &[u8]) {
        let Some(auditor) = &mut self.auditor else { return };
        if let Ok(message) = Message::parse(message) {
            auditor.excuse(&String::from_utf8_lossy(message.call_id().unwrap_or_default()));
        }
    }

    fn pass(&mut self, duration: Duration) {
        let end = self.clock.now() + duration;
        let mut count = 0;
        while let Some(due) = self.phone.poll_timeout().filter(|due| *due <= end) {
            self.clock.advance_to(due);
            self.phone.handle_timeout(self.clock.now());
            self.take();
            count += 1;
            assert!(count < MOST_TIMERS, "a timer that fires without end");
        }
        self.clock.advance_to(end);
        if let Some(auditor) = &mut self.auditor {
            auditor.passed(end);
        }
        self.judge();
    }

    fn judge(&self) {
        let fault = self.auditor.iter().flat_map(Auditor::faults).next();
        assert!(fault.is_none(), "{}", fault.map(ToString::to_string).unwrap_or_default());
    }

    fn decide(&mut self, draw: &mut Draw<'_>) {
        let (offered, now) = (self.offered(), self.clock.now());
        let Some((call, invite)) = offered.get(draw.below(offered.len())).cloned() else { return };
        let (choice, status, seconds) = (draw.below(6), 400 + u16::from(draw.byte()), u64::from(draw.byte()));
        let rejection = Rejection::new(status).expect("a rejection");
        let elsewhere = Redirection::new("sip:999@192.0.2.99").expect("a uri");
        self.phone.act(now, |endpoint| {
            let _ = match choice {
                0 => endpoint.ring(now, call),
                1 => endpoint.reject(now, call, &rejection),
                2 => endpoint.redirect(now, call, &elsewhere),
                IGNORE => endpoint.ignore(now, call),
                4 => endpoint.wait(now, call, &Wait::silent(Duration::from_secs(seconds))),
                _ => return endpoint.reject_all(now),
            };
        });
        if choice == IGNORE {
            self.excuse(invite.as_bytes());
        }
        self.take();
    }

    fn turn(&mut self, draw: &mut Draw<'_>) {
        let (choice, now) = (draw.below(7), self.clock.now());
        let chosen = draw.below(self.lines.len());
        let Some(line) = self.lines.get(chosen).map(|line| line.id) else {
            return self.add_line(draw);
        };
        self.phone.act(now, |endpoint| match choice {
            0 => endpoint.register(now, line),
            1 => endpoint.unregister(now, line),
            2 => endpoint.retry(now, line),
            3 => endpoint.remove_line(now, line),
            4 => endpoint.unregister_all(now),
            5 => endpoint.handle_clock_jump(now),
            _ => {}
        });
        if choice == 3 {
            self.lines[chosen].hosts.clear();
        }
        if GIVES_UP.contains(&choice) {
            for (_, request) in self.asked.clone() {
                self.excuse(&request);
            }
        }
        self.take();
        if choice == 6 {
            self.add_line(draw);
        }
    }

    /// Takes what goes out, and returns how many messages that is.
    fn take(&mut self) -> usize {
        let (mut count, now) = (0, self.clock.now());
        while let Some(call_id) = self.phone.poll_ignored() {
            self.auditor.iter_mut().for_each(|auditor| auditor.excuse(&call_id));
        }
        while let Some((destination, payload)) = self.phone.poll_transmit() {
            count += 1;
            if let Some(auditor) = &mut self.auditor {
                auditor.sent(now, Transport::Udp, destination, &payload);
            }
            self.judge();
            if is_message(&payload) {
                remember(&mut self.asked, destination, payload);
            }
        }
        let counters = self.phone.endpoint().counters();
        let limits = self.limits;
        let transactions = limits.server_transactions + limits.client_transactions;
        assert!(counters.transactions <= transactions as u64, "{} transactions", counters.transactions);
        assert!(counters.undecided_calls <= limits.undecided_calls as u64);
        assert!(counters.lines <= limits.lines as u64);
        count
    }

    /// The calls that the application was asked about, and that have not ended.
    fn offered(&self) -> Vec<(CallNumber, Arc<Message<'static>>)> {
        let mut calls = Vec::new();
        for (_, event) in self.phone.events() {
            if let Event::Incoming { call, invite, .. } = event {
                calls.push((*call, Arc::clone(invite)));
            } else if let Event::Ended { call, .. } | Event::Cancelled { call } = event {
                calls.retain(|(known, _)| known != call);
            }
        }
        calls
    }

    /// Without lines, and with time, all comes to its end.
    fn end(mut self) {
        let now = self.clock.now();
        for (_, request) in self.asked.clone() {
            self.excuse(&request);
        }
        for Line { id, .. } in std::mem::take(&mut self.lines) {
            self.phone.act(now, |endpoint| endpoint.remove_line(now, id));
            self.take();
        }
        // A call is undecided for ten minutes at most.
        self.pass(Duration::from_secs(3600));
        let counters = self.phone.endpoint().counters();
        let left = (counters.transactions, counters.undecided_calls, counters.lines);
        assert_eq!(left, (0, 0, 0), "transactions, calls and lines that are left");
        // What a line waited for before it was removed comes up once more, and is nobody's: a refresh after a day at most.
        self.pass(Duration::from_secs(2 * 24 * 3600));
        assert_eq!(self.phone.poll_timeout(), None::<Instant>, "a timer is left");
        let mut ends: BTreeMap<u64, usize> = BTreeMap::new();
        for (_, event) in self.phone.events() {
            if let Event::Ended { call, .. } = event {
                *ends.entry(call.as_u64()).or_default() += 1;
            }
        }
        assert!(ends.values().all(|count| *count == 1), "a call has ended twice");
        assert_eq!(counters.invites, ends.len() as u64, "a call has not ended");
    }
}

/// A response to each of two requests, and what a line asks anew for what it hears.
const MOST_AT_ONCE: usize = 8;
/// Retransmissions of all that fits the largest tables here, for an hour.
const MOST_TIMERS: usize = 200_000;

/// Returns whether a host is no stranger to the line that a request of it reaches, whichever that is.
fn is_known(lines: &[Line], host: IpAddr) -> bool {
    let knows = |line: &Line| line.hosts.contains(&host);
    lines.iter().any(knows) && lines.iter().all(|line| !line.is_open || knows(line))
}

/// Asserts that it is a message that any peer can read, or none. Returns whether it is a request.
fn is_message(payload: &[u8]) -> bool {
    if ringfence_wire::stun::is_stun(payload) || payload == b"\r\n\r\n" {
        return false;
    }
    let message = Message::parse(payload).expect("what is sent can be read");
    assert_eq!((message.start_line_fault(), message.malformed_line()), (None, None));
    assert_eq!(message.framing(), Framing::Complete);
    message.is_request()
}

fn remember(all: &mut Vec<(SocketAddr, Vec<u8>)>, address: SocketAddr, bytes: Vec<u8>) {
    if all.len() == REMEMBERED {
        all.remove(0);
    }
    all.push((address, bytes));
}
