//! REGISTERs whose answer is lost: the registrar does all that such a one asks for or nothing (RFC 3261 section 10.3), so
//! whatever Contact it may have of the line is taken back.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use std::net::SocketAddr;
use std::time::Duration;

use ringfence_testing::Clock;
use ringfence_ua::{Account, Config, ConnectionId, Endpoint, Event, Flow, LineId, Target, Transport};

const INSTANCE: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

fn server() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

/// A line that registers by what its targets say.
struct Line {
    endpoint: Endpoint,
    id: LineId,
    clock: Clock,
    target: Target,
}

impl Line {
    fn new(transport: Transport, instance: Option<&str>) -> Self {
        let clock = Clock::new();
        let local = "192.0.2.7:5060".parse().unwrap();
        let mut endpoint = Endpoint::new(Config::new(local), [7; 32]);
        let mut account = Account::new("858", "pbx.example.com", 5060);
        (account.transport, account.instance) = (Some(transport), instance.map(Into::into));
        let id = endpoint.add_line(clock.now(), account).unwrap();
        Self { endpoint, id, clock, target: Target::udp(server(), local) }
    }

    /// Gives the line where it is to register. Returns its REGISTER.
    fn found(&mut self, target: Target) -> String {
        self.target = target;
        self.endpoint.handle_resolved(self.clock.now(), self.id, Ok(vec![target]));
        self.sent().unwrap()
    }

    /// Opens a connection from a port.
    fn connected(&mut self, id: u64) -> String {
        let flow = Flow::connection(ConnectionId::new(id), Transport::Tcp, server());
        let port = 40_000 + u16::try_from(id).unwrap();
        self.found(Target { flow, local: SocketAddr::from(([192, 0, 2, 7], port)) })
    }

    /// Loses a connection, and waits until another is wanted.
    fn lose(&mut self, id: u64) {
        while self.endpoint.poll_event().is_some() {}
        self.endpoint.handle_disconnected(self.clock.now(), ConnectionId::new(id), "reset");
        let is_look_up = |event: Event| matches!(event, Event::Resolve { .. });
        while !std::iter::from_fn(|| self.endpoint.poll_event()).any(is_look_up) {
            self.pass(Duration::from_millis(100));
        }
    }

    /// Grants what a REGISTER asks for, which is seen to come from outside where it came by UDP.
    fn grant(&mut self, register: &str, more: &str) {
        let (_, fields) = register.split_once("\r\n").unwrap();
        let answer = format!("SIP/2.0 200 OK\r\n{more}{fields}");
        let seen = answer.replacen(";rport", ";rport=40000;received=198.51.100.7", 1);
        let now = self.clock.now();
        if self.target.flow.is_reliable() {
            self.endpoint.handle_stream_message(now, self.target.flow, answer.as_bytes());
        } else {
            self.endpoint.handle_datagram(now, server(), seen.as_bytes());
        }
    }

    fn unregister(&mut self) -> String {
        self.endpoint.unregister(self.clock.now(), self.id);
        self.sent().unwrap()
    }

    fn pass(&mut self, time: Duration) {
        let until = self.clock.now() + time;
        while let Some(due) = self.endpoint.poll_timeout().filter(|due| *due <= until) {
            self.clock.advance_to(due);
            self.endpoint.handle_timeout(due);
        }
        self.clock.advance_to(until);
    }

    /// What was sent last.
    fn sent(&mut self) -> Option<String> {
        let mut last = std::iter::from_fn(|| self.endpoint.poll_write()).last().map(|write| write.payload);
        while let Some(datagram) = self.endpoint.poll_transmit() {
            last = Some(datagram.payload.to_vec());
        }
        last.map(|sent| String::from_utf8(sent).unwrap())
    }
}

/// The addresses that a REGISTER makes a binding to, and those that it takes back.
fn contacts(register: &str) -> (Vec<&str>, Vec<&str>) {
    let contacts = register.split("\r\n").filter(|line| line.starts_with("Contact: "));
    let is_removal = register.contains("\r\nExpires: 0\r\n");
    let (old, new): (Vec<_>, Vec<_>) = contacts.partition(|it| is_removal || it.ends_with(";expires=0"));
    (new.into_iter().map(host).collect(), old.into_iter().map(host).collect())
}

fn host(contact: &str) -> &str {
    contact.split_once('@').unwrap().1.split(';').next().unwrap()
}

#[test]
fn a_line_that_leaves_after_a_lost_answer_takes_back_the_old_contact_and_the_new_one() {
    let mut line = Line::new(Transport::Udp, None);
    let first = line.found(line.target);
    line.grant(&first, "");
    let second = line.sent().unwrap();
    assert_eq!(contacts(&second), (vec!["198.51.100.7:40000"], vec!["192.0.2.7:5060"]));
    line.pass(Duration::from_secs(32));
    line.sent();
    let removal = line.unregister();
    assert_eq!(contacts(&removal), (vec![], vec!["192.0.2.7:5060", "198.51.100.7:40000"]));
}

/// What the fourth REGISTER of a line says whose first was granted, by an answer that has this header field, while the answers
/// to the second and the third were lost with their connections.
fn fourth(line: &mut Line, more: &str) -> String {
    let first = line.connected(1);
    line.grant(&first, more);
    for id in 2..=3 {
        line.lose(id - 1);
        line.connected(id);
    }
    line.lose(3);
    line.connected(4)
}

#[test]
fn whatever_contact_a_registrar_may_have_after_lost_answers_is_taken_back_by_the_next_register() {
    let mut line = Line::new(Transport::Tcp, None);
    let register = fourth(&mut line, "");
    let old = vec!["192.0.2.7:40001", "192.0.2.7:40002", "192.0.2.7:40003"];
    assert_eq!(contacts(&register), (vec!["192.0.2.7:40004"], old));
    line.grant(&register, "");
    assert_eq!(contacts(&line.unregister()), (vec![], vec!["192.0.2.7:40004"]), "it has no other");
}

#[test]
fn of_many_contacts_that_may_be_bound_the_granted_one_and_the_newest_are_remembered() {
    let mut line = Line::new(Transport::Tcp, None);
    fourth(&mut line, "");
    line.lose(4);
    let register = line.connected(5);
    assert_eq!(contacts(&register).1, ["192.0.2.7:40001", "192.0.2.7:40003", "192.0.2.7:40004"]);
}

#[test]
fn a_binding_by_instance_is_one_whichever_contact_it_has() {
    let mut line = Line::new(Transport::Tcp, Some(INSTANCE));
    let register = fourth(&mut line, "Require: outbound\r\n");
    assert_eq!(contacts(&register), (vec!["192.0.2.7:40004"], vec![]));
    line.grant(&register, "Require: outbound\r\n");
    assert_eq!(contacts(&line.unregister()), (vec![], vec!["192.0.2.7:40004"]));
}
