//! An endpoint on its own: datagrams and time go in, datagrams and events come out.

#![allow(dead_code, reason = "each test that shares it uses a part of it")]

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ringfence_testing::{Clock, Judge, audit};
use ringfence_ua::{
    Account, CallEnd, CallNumber, Config, EndedBy, Endpoint, Event, LineId, Objection, Screen, Target,
    Transport, Verdict,
};
use ringfence_wire::sip::{HeaderName, Message};

pub(crate) fn phone_address() -> SocketAddr {
    "192.0.2.7:5060".parse().unwrap()
}

/// The peer of the line, which may always ring.
pub(crate) fn peer_address() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A datagram that the endpoint sent: where to, and what.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) destination: SocketAddr,
    pub(crate) payload: Vec<u8>,
}

impl Sent {
    pub(crate) fn message(&self) -> Message<'_> {
        Message::parse(&self.payload).unwrap()
    }

    pub(crate) fn status(&self) -> u16 {
        self.message().status().unwrap().as_u16()
    }

    /// The value of a header field.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers(name).into_iter().next()
    }

    pub(crate) fn headers(&self, name: &str) -> Vec<String> {
        self.message().named(name).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "to {}:\n{}", self.destination, String::from_utf8_lossy(&self.payload))
    }
}

pub(crate) fn statuses(sent: &[Sent]) -> Vec<u16> {
    sent.iter().map(Sent::status).collect()
}

/// What the screen was shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown(Arc<Mutex<Vec<Option<Objection>>>>);

impl Shown {
    /// The objections to the calls that were shown, in their order.
    pub(crate) fn objections(&self) -> Vec<Option<Objection>> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.objections().len()
    }

    /// A screen that takes down what it is shown and always says the same.
    pub(crate) fn screen(&self, verdict: Verdict) -> Screen {
        let Self(seen) = self.clone();
        Screen::each(move |invite| {
            seen.lock().unwrap().push(Objection::to_invite(invite.head));
            verdict.clone()
        })
    }
}

/// An endpoint with one line that does not register, and virtual time.
pub(crate) struct Probe {
    pub(crate) endpoint: Endpoint,
    pub(crate) line: LineId,
    clock: Clock,
    events: Vec<Event>,
    /// Nothing where what comes in is so odd that no rule says what goes out.
    judge: Option<Judge>,
}

impl Probe {
    /// A line whose peer alone may ring.
    pub(crate) fn new(verdict: Verdict) -> Self {
        Self::of(Config::new(phone_address()), account(), Shown::default().screen(verdict))
    }

    /// A line that everyone may ring.
    pub(crate) fn open(screen: Screen) -> Self {
        let account = Account { is_open: true, ..account() };
        Self::of(Config::new(phone_address()), account, screen)
    }

    pub(crate) fn of(config: Config, account: Account, screen: Screen) -> Self {
        let (probe, sent) = Self::start(config, account, screen);
        assert_eq!(sent, []);
        probe
    }

    /// A line that registers, and its first REGISTER.
    pub(crate) fn registering(config: Config, account: Account, screen: Screen) -> (Self, Sent) {
        let (probe, mut sent) = Self::start(config, account, screen);
        let register = sent.pop().unwrap();
        assert_eq!(sent, []);
        (probe, register)
    }

    /// A line that waits for the addresses of its registrar.
    pub(crate) fn resolving(config: Config, account: Account) -> Self {
        let mut endpoint = Endpoint::new(config, [7; 32]);
        let clock = Clock::new();
        let line = endpoint.add_line(clock.now(), account).unwrap();
        let mut probe = Self { endpoint, line, clock, events: Vec::new(), judge: Some(Judge::demanding()) };
        assert_eq!(probe.take(), []);
        probe
    }

    fn start(config: Config, account: Account, screen: Screen) -> (Self, Vec<Sent>) {
        let target = Target::udp(peer_address(), config.local);
        let mut probe = Self::resolving(config, account);
        probe.endpoint = probe.endpoint.with_screen(screen);
        let line = probe.line;
        let sent = probe.act(|endpoint, now| endpoint.handle_resolved(now, line, Ok(vec![target])));
        probe.events.clear();
        (probe, sent)
    }

    /// One that takes messages which are not what they seem.
    pub(crate) fn unjudged(mut self) -> Self {
        self.judge = None;
        self
    }

    /// Tells who judges that the endpoint does not know a host.
    pub(crate) fn does_not_know(mut self, host: SocketAddr) -> Self {
        if let Some(judge) = &mut self.judge {
            judge.does_not_know(host.ip());
        }
        self
    }

    /// Tells who judges that nothing is owed of a call.
    pub(crate) fn excuse(&mut self, call: &str) {
        let call = Message::parse(call.as_bytes()).unwrap();
        if let Some(judge) = &mut self.judge {
            judge.excuse(&String::from_utf8_lossy(call.call_id().unwrap()));
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Gives the endpoint a datagram of the line's peer, and returns what it sends at once.
    pub(crate) fn receive(&mut self, datagram: impl AsRef<[u8]>) -> Vec<Sent> {
        self.receive_from(peer_address(), datagram)
    }

    pub(crate) fn receive_from(&mut self, source: SocketAddr, datagram: impl AsRef<[u8]>) -> Vec<Sent> {
        if let Some(judge) = &mut self.judge {
            judge.received(self.clock.now(), Transport::Udp, source, datagram.as_ref());
        }
        self.endpoint.handle_datagram(self.clock.now(), source, datagram.as_ref());
        self.take()
    }

    /// Lets time pass, and returns what is sent in it, and how long after its beginning.
    pub(crate) fn pass(&mut self, duration: Duration) -> Vec<(Duration, Sent)> {
        let (start, end) = (self.clock.now(), self.clock.now() + duration);
        let mut all = Vec::new();
        while let Some(due) = self.endpoint.poll_timeout().filter(|due| *due <= end) {
            self.clock.advance_to(due);
            self.endpoint.handle_timeout(self.clock.now());
            let after = self.clock.now() - start;
            all.extend(self.take().into_iter().map(|sent| (after, sent)));
        }
        self.clock.advance_to(end);
        if let Some(judge) = &mut self.judge {
            judge.passed(end);
        }
        all
    }

    /// Gives the endpoint a command, and returns what it sends at once.
    pub(crate) fn act(&mut self, command: impl FnOnce(&mut Endpoint, Instant)) -> Vec<Sent> {
        command(&mut self.endpoint, self.clock.now());
        self.take()
    }

    /// Returns every event so far.
    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    /// Returns whether the registrar was last said to have our binding.
    pub(crate) fn is_registered(&self) -> bool {
        let state = |event: &Event| {
            if let Event::Registration { state, .. } = event { Some(state.is_registered()) } else { None }
        };
        self.events.iter().rev().find_map(state).unwrap_or(false)
    }

    /// Returns whether the last event asks for the addresses of a host.
    pub(crate) fn is_resolving(&self) -> bool {
        matches!(self.events.last(), Some(Event::Resolve { .. }))
    }

    /// Returns the number of the call that was offered last.
    pub(crate) fn offered(&self) -> CallNumber {
        let call = |event: &Event| if let Event::Incoming { call, .. } = event { Some(*call) } else { None };
        self.events.iter().rev().find_map(call).unwrap()
    }

    /// Returns how the calls ended, in that order.
    pub(crate) fn ends(&self) -> Vec<(Option<u16>, CallEnd)> {
        let end = |event: &Event| {
            if let Event::Ended { status, end, .. } = event { Some((*status, *end)) } else { None }
        };
        self.events.iter().filter_map(end).collect()
    }

    /// Returns what put an end to the calls, and with which status.
    pub(crate) fn ended_by(&self) -> Vec<(EndedBy, Option<u16>)> {
        let end = |event: &Event| {
            if let Event::Ended { status, by, .. } = event { Some((*by, *status)) } else { None }
        };
        self.events.iter().filter_map(end).collect()
    }

    pub(crate) fn counter(&self, name: &str) -> u64 {
        let mut counters = self.endpoint.counters().iter().collect::<Vec<_>>().into_iter();
        counters.find_map(|(found, value)| (found == name).then_some(value)).unwrap()
    }

    fn take(&mut self) -> Vec<Sent> {
        while let Some(event) = self.endpoint.poll_event() {
            self.events.push(event);
        }
        let mut all = Vec::new();
        while let Some(transmit) = self.endpoint.poll_transmit() {
            let (now, to) = (self.clock.now(), transmit.destination);
            if let Some(judge) = &mut self.judge {
                judge.sent(now, Transport::Udp, to, transmit.payload);
            }
            all.push(Sent { destination: to, payload: transmit.payload.to_vec() });
        }
        all
    }
}

/// Extension 858 of the PBX at the peer's address.
pub(crate) fn account() -> Account {
    Account { is_registering: false, ..Account::new("858", "192.0.2.1", 5060) }
}

/// A request of the line's peer, to be varied line by line.
pub(crate) fn request(method: &str) -> String {
    format!(
        "{method} sip:858@192.0.2.7:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds\r\n\
        Max-Forwards: 70\r\nFrom: <sip:1002@192.0.2.1>;tag=1928301774\r\nTo: <sip:858@192.0.2.1>\r\n\
        Call-ID: a84b4c76e66710\r\nCSeq: 314159 {method}\r\nContact: <sip:1002@192.0.2.1>\r\n\
        Content-Length: 0\r\n\r\n"
    )
}

/// Adds header fields to a request.
pub(crate) fn with(request: &str, fields: &str) -> String {
    request.replacen("Content-Length: 0\r\n", &format!("{fields}\r\nContent-Length: 0\r\n"), 1)
}

/// Puts a request into the dialog that a tag of ours made.
pub(crate) fn in_dialog(request: &str, tag: &str) -> String {
    request.replacen("To: <sip:858@192.0.2.1>", &format!("To: <sip:858@192.0.2.1>;tag={tag}"), 1)
}

/// The ACK of a response to an INVITE, as the INVITE's client transaction makes it.
pub(crate) fn ack(invite: &str, response: &Sent) -> String {
    let to = response.header("To").unwrap();
    let old = Message::parse(invite.as_bytes()).unwrap();
    let old = String::from_utf8_lossy(old.named("To").next().unwrap()).into_owned();
    invite.replacen("INVITE ", "ACK ", 1).replacen(" INVITE\r\n", " ACK\r\n", 1).replacen(
        &format!("To: {old}\r\n"),
        &format!("To: {to}\r\n"),
        1,
    )
}

/// Lists what is wrong with a response, however much of its request can be read.
pub(crate) fn faults(request: &[u8], response: &[u8]) -> Vec<String> {
    // Folds and compact names are not echoed: both are compared in their canonical form.
    let request = printed(&Message::parse(request).unwrap());
    let request = Message::parse(&request).unwrap();
    let Ok(response) = Message::parse(response) else { return vec!["it is no SIP message".to_owned()] };
    let is_readable = request.vias().all(|via| via.is_ok())
        && request.from().is_ok()
        && request.to().is_ok()
        && request.call_id().is_ok()
        && request.cseq().is_ok();
    let mut faults = if is_readable { audit(&request, &response, None) } else { unlike(&request, &response) };
    if printed(&response) != response.as_bytes() {
        faults.push("it is not in canonical form".to_owned());
    }
    if response.reason_phrase().is_none_or(|phrase| phrase.iter().any(u8::is_ascii_control)) {
        faults.push("its reason phrase has a control character".to_owned());
    }
    faults
}

/// Lists the fields that a response does not repeat as its unreadable request has them; To may get a tag.
fn unlike(request: &Message<'_>, response: &Message<'_>) -> Vec<String> {
    let names = [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];
    let is_repeated = |name: &HeaderName| {
        let (asked, answered) = (request.values(*name), response.values(*name));
        request.values(*name).count() == response.values(*name).count()
            && asked.zip(answered).all(|(asked, answered)| answered.starts_with(asked))
    };
    let unlike = names.into_iter().filter(|name| !is_repeated(name));
    unlike.map(|name| format!("{name} is not repeated as it came")).collect()
}

/// A message in its canonical form, which printing it once more does not change.
pub(crate) fn printed(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    message.print(&mut out);
    out
}
