//! A phone whose REGISTER is too long for UDP, and what comes and goes there.

#![allow(dead_code, reason = "each test that shares it uses a part of it")]

use std::net::SocketAddr;
use std::time::Duration;

use ringfence_testing::{Clock, Judge};
use ringfence_ua::{
    Account, Config, ConnectionId, Endpoint, Event, Flow, Limits, LineId, RegistrationState, Target,
    Transport, Unreached,
};

/// An endpoint with a line by UDP whose display name is long.
pub(crate) struct Phone {
    pub(crate) endpoint: Endpoint,
    pub(crate) line: LineId,
    pub(crate) clock: Clock,
    pub(crate) events: Vec<Event>,
    /// Where its registrar is, in the order of a look-up.
    pub(crate) servers: Vec<SocketAddr>,
    judge: Judge,
}

/// The ports of a translator's address; others are our own.
pub(crate) const TRANSLATED: std::ops::Range<u16> = 62_000..63_000;
pub(crate) const REFUSED: &str = "Connection refused";

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn server() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

pub(crate) fn other_server() -> SocketAddr {
    "192.0.2.2:5060".parse().unwrap()
}

pub(crate) fn connection() -> Flow {
    Flow::connection(ConnectionId::new(1), Transport::Tcp, server())
}

pub(crate) fn account(name: usize) -> Account {
    let mut account = Account::new("858", "192.0.2.1", 5060);
    account.extras_mut().display_name = Some("n".repeat(name).into());
    account
}

impl Phone {
    pub(crate) fn new() -> Self {
        Self::named(500)
    }

    /// One whose display name has so many letters; they stand in From and in To.
    pub(crate) fn named(letters: usize) -> Self {
        Self::within(Limits::default(), letters)
    }

    pub(crate) fn within(limits: Limits, letters: usize) -> Self {
        Self::of(limits, account(letters))
    }

    pub(crate) fn of(limits: Limits, account: Account) -> Self {
        let clock = Clock::new();
        let config = Config { limits, ..Config::new("192.0.2.7:5060".parse().unwrap()) };
        let mut endpoint = Endpoint::new(config, [7; 32]);
        let line = endpoint.add_line(clock.now(), account).unwrap();
        let mut phone = Self {
            endpoint,
            line,
            clock,
            events: Vec::new(),
            servers: vec![server()],
            judge: Judge::timeless(),
        };
        phone.look();
        phone
    }

    /// Takes the events there are, and answers what is to be looked up.
    pub(crate) fn look(&mut self) {
        while let Some(event) = self.endpoint.poll_event() {
            if let Event::Resolve { line, .. } = event {
                let local = "192.0.2.7:5060".parse().unwrap();
                let targets = self.servers.iter().map(|server| Target::udp(*server, local)).collect();
                self.endpoint.handle_resolved(self.clock.now(), line, Ok(targets));
            }
            if let Event::Connect { server } = &event {
                self.judge.unconnected(*server);
            }
            if let Event::Disconnect { .. } = &event {
                self.judge.unconnected(connection().remote());
            }
            self.events.push(event);
        }
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.clock.now() + time;
        while let Some(due) = self.endpoint.poll_timeout().filter(|due| *due <= until) {
            self.clock.advance(due.saturating_duration_since(self.clock.now()));
            self.endpoint.handle_timeout(self.clock.now());
            self.look();
        }
        self.clock.advance(until.saturating_duration_since(self.clock.now()));
    }

    /// Lets the connection that is wanted come about.
    pub(crate) fn connect(&mut self) {
        let local = "192.0.2.7:40001".parse().unwrap();
        let target = Target { flow: connection(), local };
        self.judge.connected(server());
        self.endpoint.handle_connected(self.clock.now(), server(), Ok(target));
        self.look();
    }

    /// Adds a line whose display name has so many letters.
    pub(crate) fn add(&mut self, letters: usize) -> LineId {
        let line = self.endpoint.add_line(self.clock.now(), account(letters)).unwrap();
        self.look();
        line
    }

    pub(crate) fn refuse(&mut self) {
        let error = REFUSED.to_owned();
        let why = Unreached::Unconnected { error };
        self.endpoint.handle_connected(self.clock.now(), server(), Err(why));
        self.look();
    }

    pub(crate) fn disconnect(&mut self) {
        self.judge.unconnected(server());
        self.endpoint.handle_disconnected(self.clock.now(), ConnectionId::new(1), "closed by the peer");
        self.look();
    }

    /// Returns how often a connection was wanted since the last time that this was asked.
    pub(crate) fn wanted(&mut self) -> usize {
        let is_it = |event: &Event| matches!(event, Event::Connect { server: wanted } if *wanted == server());
        let count = self.events.iter().filter(|event| is_it(event)).count();
        self.events.retain(|event| !is_it(event));
        count
    }

    pub(crate) fn by_tcp(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        while let Some(write) = self.endpoint.poll_write() {
            self.judge.sent(self.clock.now(), Transport::Tcp, server(), &write.payload);
            sent.push(String::from_utf8(write.payload).unwrap());
        }
        sent
    }

    pub(crate) fn by_udp(&mut self) -> Vec<String> {
        self.by_udp_to(server())
    }

    pub(crate) fn by_udp_to(&mut self, server: SocketAddr) -> Vec<String> {
        let mut sent = Vec::new();
        while let Some(transmit) = self.endpoint.poll_transmit() {
            assert_eq!(transmit.destination, server);
            self.judge.sent(self.clock.now(), Transport::Udp, server, transmit.payload);
            sent.push(String::from_utf8(transmit.payload.to_vec()).unwrap());
        }
        sent
    }

    /// Returns the REGISTERs that went by UDP.
    pub(crate) fn registers_by_udp(&mut self) -> Vec<String> {
        self.by_udp().into_iter().filter(|sent| sent.starts_with("REGISTER")).collect()
    }

    /// Accepts a REGISTER, which was seen to come from some port.
    pub(crate) fn accept(&mut self, register: &str, port: u16) {
        self.answer(register, port, "200 OK");
    }

    pub(crate) fn answer(&mut self, register: &str, port: u16, status: &str) {
        let answer = register.replacen("REGISTER sip:192.0.2.1 SIP/2.0", &format!("SIP/2.0 {status}"), 1);
        let answer = answer.replacen(";rport", &format!(";received=198.51.100.1;rport={port}"), 1);
        let answer =
            if TRANSLATED.contains(&port) { answer } else { answer.replacen("198.51.100.1", "192.0.2.7", 1) };
        assert!(answer.starts_with("SIP/2.0"), "{register}");
        self.judge.received(self.clock.now(), Transport::Udp, server(), answer.as_bytes());
        if register.contains("SIP/2.0/TCP") {
            self.endpoint.handle_stream_message(self.clock.now(), connection(), answer.as_bytes());
        } else {
            self.endpoint.handle_datagram(self.clock.now(), server(), answer.as_bytes());
        }
        self.look();
    }

    /// Registers by way of a connection, and returns the REGISTER.
    pub(crate) fn registered_by_tcp(&mut self) -> String {
        assert_eq!(self.wanted(), 1);
        self.connect();
        let register = self.by_tcp().pop().unwrap();
        self.accept(&register, 40001);
        assert!(self.state().is_registered(), "{:?}", self.state());
        register
    }

    pub(crate) fn state(&self) -> &RegistrationState {
        let newest = self.events.iter().rev().find_map(|event| {
            let Event::Registration { line, state } = event else { return None };
            (*line == self.line).then_some(state)
        });
        newest.unwrap()
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.events
            .iter()
            .any(|event| matches!(event, Event::Registration { state: RegistrationState::Failed { .. }, .. }))
    }

    pub(crate) fn disconnects(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Disconnect { .. }))
    }
}
