//! What is different over a connection: nothing is repeated, and its end is the end of what depends on it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

use std::time::Duration;

use ringfence_testing::Clock;
use ringfence_ua::{
    Account, CallEnd, Cause, Config, ConnectionId, Endpoint, Event, Flow, LineId, Ping, RegistrationState,
    Rejection, Target, Transport, Unreached, Verdict,
};
use ringfence_wire::sip::{Message, StatusCode};

/// An endpoint with a line that registers over a connection.
struct Connected {
    endpoint: Endpoint,
    line: LineId,
    flow: Flow,
    clock: Clock,
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn flow(id: u64) -> Flow {
    Flow::connection(ConnectionId::new(id), Transport::Tcp, "192.0.2.1:5060".parse().unwrap())
}

impl Connected {
    fn new() -> Self {
        Self::of(|_| {})
    }

    fn of(change: impl FnOnce(&mut Account)) -> Self {
        Self::deciding(|| Verdict::Reject(Rejection::busy().into()), change)
    }

    /// One that lets calls ring.
    fn ringing(change: impl FnOnce(&mut Account)) -> Self {
        Self::deciding(|| Verdict::Ring { limit: None }, change)
    }

    fn deciding(decide: impl Fn() -> Verdict + Send + 'static, change: impl FnOnce(&mut Account)) -> Self {
        let clock = Clock::new();
        let mut endpoint = Endpoint::new(Config::new("192.0.2.7:5060".parse().unwrap()), [7; 32])
            .with_screen(ringfence_ua::Screen::each(move |_| decide()));
        let mut account = Account::new("858", "pbx.example.com", 5060);
        account.transport = Some(Transport::Tcp);
        change(&mut account);
        let line = endpoint.add_line(clock.now(), account).unwrap();
        let mut connected = Self { endpoint, line, flow: flow(1), clock };
        assert!(connected.wants_connection());
        connected.connect(1);
        connected
    }

    /// Opens the connection that is wanted.
    fn connect(&mut self, id: u64) {
        self.connect_at(id, "192.0.2.7:40001");
    }

    fn connect_at(&mut self, id: u64, local: &str) {
        self.flow = flow(id);
        let local = local.parse().unwrap();
        let target = Target { flow: self.flow, local };
        self.endpoint.handle_resolved(self.clock.now(), self.line, Ok(vec![target]));
    }

    /// Opens a connection to another server.
    fn connect_elsewhere(&mut self, id: u64, server: &str) {
        self.flow = Flow::connection(ConnectionId::new(id), Transport::Tcp, server.parse().unwrap());
        let target = Target { flow: self.flow, local: "192.0.2.7:40002".parse().unwrap() };
        self.endpoint.handle_resolved(self.clock.now(), self.line, Ok(vec![target]));
    }

    /// Accepts the REGISTER that was sent.
    fn accept(&mut self) {
        self.answer("200 OK", "");
    }

    /// Answers the REGISTER that was sent, with a status and more header fields, and returns it.
    fn answer(&mut self, status: &str, more: &str) -> String {
        let register = self.written().pop().unwrap();
        let line = format!("SIP/2.0 {status}\r\n{more}");
        self.receive(&register.replacen("REGISTER sip:pbx.example.com SIP/2.0\r\n", &line, 1));
        register
    }

    fn receive(&mut self, message: &str) {
        self.endpoint.handle_stream_message(self.clock.now(), self.flow, message.as_bytes());
    }

    /// What was written over the newest connection, message by message.
    fn written(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(write) = self.endpoint.poll_write() {
            assert_eq!(Some(write.connection), self.flow.connection_id());
            let mut rest = &write.payload[..];
            while !rest.is_empty() {
                // What the endpoint writes has no body.
                let end = rest.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
                all.push(String::from_utf8(rest[..end].to_vec()).unwrap());
                rest = &rest[end..];
            }
        }
        assert!(self.endpoint.poll_transmit().is_none(), "nothing goes by UDP");
        all
    }

    fn pass(&mut self, time: Duration) -> Vec<Event> {
        let until = self.clock.now() + time;
        let mut events = Vec::new();
        while let Some(due) = self.endpoint.poll_timeout().filter(|due| *due <= until) {
            self.clock.advance(due.saturating_duration_since(self.clock.now()));
            self.endpoint.handle_timeout(self.clock.now());
            events.extend(std::iter::from_fn(|| self.endpoint.poll_event()));
        }
        self.clock.advance(until.saturating_duration_since(self.clock.now()));
        events.extend(std::iter::from_fn(|| self.endpoint.poll_event()));
        events
    }

    /// Lets time pass until a ping is written.
    fn pass_until_pinged(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for _ in 0..121 {
            events.extend(self.pass(seconds(1)));
            if self.written().iter().any(|written| written == "\r\n\r\n") {
                return events;
            }
        }
        panic!("no ping within two minutes");
    }

    fn wants_connection(&mut self) -> bool {
        let events = self.pass(Duration::ZERO);
        events.iter().any(|event| matches!(event, Event::Resolve { transport: Some(Transport::Tcp), .. }))
    }
}

/// Returns whether a state was told that is a failure by 503.
fn is_unavailable(event: &Event) -> bool {
    let Event::Registration { state: RegistrationState::Failed { cause, .. }, .. } = event else {
        return false;
    };
    matches!(cause, Cause::Unavailable { status: 503, .. })
}

fn is_look_up(event: &Event) -> bool {
    matches!(event, Event::Resolve { .. })
}

fn is_lost(event: &Event) -> bool {
    let Event::Registration { state: RegistrationState::Failed { cause, .. }, .. } = event else {
        return false;
    };
    matches!(cause, Cause::Unconnected { host, error } if host == "pbx.example.com" && error == "reset")
}

fn is_disconnect(event: &Event, id: u64) -> bool {
    matches!(event, Event::Disconnect { connection } if *connection == ConnectionId::new(id))
}

const INVITE: &str = "INVITE sip:858@192.0.2.7:40001 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKa\r\n\
    Max-Forwards: 70\r\nFrom: <sip:1001@pbx.example.com>;tag=a\r\nTo: <sip:858@pbx.example.com>\r\n\
    Call-ID: a\r\nCSeq: 1 INVITE\r\nContact: <sip:1001@192.0.2.1>\r\nContent-Length: 0\r\n\r\n";

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
//= type=test
//# While in the "Proceeding" state, if the TU passes a response with
//# status code from 300 to 699 to the server transaction, the response
//# MUST be passed to the transport layer for transmission, and the state
//# machine MUST enter the "Completed" state.  For unreliable transports,
//# timer G is set to fire in T1 seconds, and is not set to fire for
//# reliable transports.
#[test]
fn a_final_response_is_sent_once_and_its_ack_is_waited_for() {
    let mut connected = Connected::new();
    connected.accept();
    connected.receive(INVITE);
    let answers = connected.written();
    assert!(answers[0].starts_with("SIP/2.0 100 ") && answers[1].starts_with("SIP/2.0 486 "), "{answers:?}");
    assert_eq!(answers.len(), 2);
    let events = connected.pass(seconds(40));
    assert!(!connected.written().iter().any(|message| message.starts_with("SIP/2.0")), "repeated");
    assert!(events.iter().any(|event| matches!(event, Event::Ended { status: Some(486), .. })));
}

//= https://www.rfc-editor.org/rfc/rfc6026#section-6
//= type=test
//# An element encountering an unrecoverable transport error when trying to send a response to an
//# INVITE request MUST NOT immediately destroy the associated INVITE server transaction state.
//= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
//= type=test
//# A server transaction MUST NOT discard transaction state based only on encountering a
//# non-recoverable transport error when sending a response.
//= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
//= type=test
//# Instead, the associated INVITE server transaction state machine MUST remain in its current
//# state.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.8
//= type=test
//# If those should all fail, based on the definition of failure in [4], the server transaction
//# SHOULD inform the TU that a failure has occurred, and MUST remain in the current state.
#[test]
fn a_call_whose_connection_is_lost_is_waited_for_until_timer_h() {
    let mut connected = Connected::new();
    connected.accept();
    connected.receive(INVITE);
    connected.endpoint.handle_disconnected(connected.clock.now(), ConnectionId::new(1), "reset");
    let is_ended = |event: &Event| matches!(event, Event::Ended { .. });
    assert!(!connected.pass(Duration::from_millis(31_999)).iter().any(is_ended));
    assert!(connected.endpoint.counters().transactions > 0);
    let events = connected.pass(Duration::from_millis(1));
    let is_unacknowledged =
        |event: &Event| matches!(event, Event::Ended { status: Some(486), end: CallEnd::Unacknowledged, .. });
    assert!(events.iter().any(is_unacknowledged), "{events:?}");
}

#[test]
fn a_lost_connection_is_told_at_once_and_asked_for_again_within_3_s() {
    let mut connected = Connected::new();
    connected.accept();
    connected.pass(Duration::ZERO);
    connected.endpoint.handle_disconnected(connected.clock.now(), ConnectionId::new(1), "reset");
    assert!(connected.pass(Duration::ZERO).iter().any(is_lost));
    let events = connected.pass(seconds(3));
    assert!(events.iter().any(|event| matches!(event, Event::Resolve { .. })));
    connected.connect(2);
    let register = connected.written().pop().unwrap();
    let message = Message::parse(register.as_bytes()).unwrap();
    assert_eq!(message.contacts().count(), 1, "the same address is no old binding: {register}");
}

#[test]
fn a_month_over_connections_of_which_one_is_lost_every_day_has_the_line_registered_all_the_while() {
    let mut connected = Connected::new();
    connected.accept();
    for day in 1..=30 {
        let mut registers = 0;
        for _ in 0..24 * 180 {
            let events = connected.pass(seconds(20));
            assert!(!events.iter().any(|event| is_look_up(event) || is_lost(event)), "day {day}");
            for register in connected.written().iter().filter(|sent| sent.starts_with("REGISTER")) {
                registers += 1;
                let ok = register.replacen("REGISTER sip:pbx.example.com SIP/2.0", "SIP/2.0 200 OK", 1);
                connected.receive(&ok);
            }
        }
        // A lifetime of an hour is refreshed at four fifths to nine tenths.
        assert!((26..=30).contains(&registers), "day {day}: {registers} refreshes");
        connected.endpoint.handle_disconnected(connected.clock.now(), ConnectionId::new(day), "reset");
        let events = connected.pass(seconds(3));
        assert!(events.iter().any(is_lost) && events.iter().any(is_look_up), "day {day}");
        connected.connect(day + 1);
        connected.accept();
    }
    connected.pass(seconds(1));
    assert_eq!(connected.endpoint.counters().transactions, 0);
}

#[test]
fn a_connection_is_used_until_its_line_has_left_or_asks_elsewhere() {
    let mut connected = Connected::new();
    connected.accept();
    let uses = |connected: &Connected, id| connected.endpoint.uses(ConnectionId::new(id));
    assert!(uses(&connected, 1) && !uses(&connected, 2));
    connected.endpoint.handle_disconnected(connected.clock.now(), ConnectionId::new(1), "reset");
    connected.pass(seconds(3));
    connected.connect(2);
    connected.accept();
    assert!(uses(&connected, 2) && !uses(&connected, 1));
    connected.endpoint.unregister(connected.clock.now(), connected.line);
    assert!(uses(&connected, 2), "it says good-bye over it");
    connected.accept();
    assert!(!uses(&connected, 2));
}

#[test]
fn what_would_be_tried_later_is_tried_at_once_where_that_is_asked_for() {
    let mut connected = Connected::new();
    let unreached = || Err(Unreached::Unconnected { error: "reset".to_owned() });
    connected.endpoint.handle_disconnected(connected.clock.now(), ConnectionId::new(1), "reset");
    for _ in 0..5 {
        connected.pass(seconds(200));
        connected.endpoint.handle_resolved(connected.clock.now(), connected.line, unreached());
    }
    connected.pass(Duration::from_millis(100));
    assert!(!connected.wants_connection());
    connected.endpoint.retry(connected.clock.now(), connected.line);
    let events = connected.pass(Duration::from_millis(20));
    assert!(events.iter().any(|event| matches!(event, Event::Resolve { .. })), "{events:?}");
    connected.endpoint.retry(connected.clock.now(), connected.line);
    assert!(!connected.wants_connection(), "what is under way goes on");
}

#[test]
fn a_register_that_is_lost_with_its_connection_is_not_waited_for() {
    let mut connected = Connected::new();
    assert_eq!(connected.written().len(), 1);
    connected.endpoint.handle_disconnected(connected.clock.now(), ConnectionId::new(1), "reset");
    assert!(connected.pass(Duration::ZERO).iter().any(is_lost));
    assert_eq!(connected.endpoint.counters().transactions, 0);
}

#[test]
fn a_connection_over_which_no_register_is_answered_is_to_be_closed() {
    let mut connected = Connected::new();
    assert_eq!(connected.written().len(), 1);
    let events = connected.pass(seconds(32));
    assert!(events.iter().any(|event| is_disconnect(event, 1)));
    assert_eq!(connected.written(), [""; 0], "nothing is repeated over a connection");
}

#[test]
fn a_connection_that_answers_pings_no_longer_is_to_be_closed() {
    let mut connected = Connected::new();
    connected.accept();
    assert!(!connected.pass_until_pinged().iter().any(|event| is_disconnect(event, 1)));
    assert!(!connected.pass_until_pinged().iter().any(|event| is_disconnect(event, 1)), "it never has");
    connected.endpoint.handle_pong(connected.clock.now(), connected.flow);
    let events = connected.pass(seconds(120 + 10));
    assert!(events.iter().any(|event| is_disconnect(event, 1)));
}

#[test]
fn a_server_that_writes_line_ends_around_its_messages_keeps_its_connection() {
    for takes in [Endpoint::handle_pong, Endpoint::handle_line_end] {
        let mut connected = Connected::new();
        connected.accept();
        takes(&mut connected.endpoint, connected.clock.now(), connected.flow);
        for _ in 0..10 {
            assert!(!connected.pass_until_pinged().iter().any(|event| is_disconnect(event, 1)));
            assert!(!connected.pass(seconds(11)).iter().any(|event| is_disconnect(event, 1)));
            takes(&mut connected.endpoint, connected.clock.now(), connected.flow);
        }
    }
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-5.4
//= type=test
//# When a server receives a double CRLF sequence between SIP messages on a connection-oriented
//# transport such as TCP or SCTP, it MUST immediately respond with a single CRLF over the same
//# connection.
#[test]
fn a_ping_is_answered_with_a_pong() {
    let mut connected = Connected::new();
    connected.accept();
    connected.endpoint.handle_ping(connected.flow);
    assert_eq!(connected.endpoint.poll_write().unwrap().payload, b"\r\n");
}

fn device(account: &mut Account) {
    account.instance = Some("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6".into());
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
//= type=test
//# UAs that support this
//# specification MUST include the outbound option tag in a Supported
//# header field in a REGISTER request.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.5
//= type=test
//# Each new registration MUST have the same reg-id
//# value as the registration it replaces.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
//= type=test
//# REGISTER requests, other than those described in Section 4.2.3, MUST include an instance-id
//# media feature tag as specified in Section 4.1.
#[test]
fn a_device_is_known_again_over_its_next_flow() {
    let mut connected = Connected::of(device);
    let first = connected.answer("200 OK", "Require: outbound\r\nFlow-Timer: 30\r\n");
    assert!(first.contains("\r\nSupported: path, outbound, gruu\r\n"), "{first}");
    connected.pass(Duration::ZERO);
    connected.endpoint.handle_disconnected(connected.clock.now(), ConnectionId::new(1), "reset");
    connected.pass(seconds(3));
    connected.connect_at(2, "192.0.2.7:40002");
    let second = connected.written().pop().unwrap();
    let instance = |register: &str| register.split_once(";+sip.instance=").unwrap().1[..60].to_owned();
    assert!(instance(&first).contains(">\";reg-id=1") && instance(&first) == instance(&second), "{second}");
    assert_eq!(second.matches("\r\nContact: ").count(), 1, "it takes the place of the old one: {second}");
}

#[test]
fn a_registrar_that_knows_no_flows_is_told_of_the_old_contact() {
    let mut connected = Connected::of(device);
    connected.answer("200 OK", "");
    connected.pass(Duration::ZERO);
    connected.endpoint.handle_disconnected(connected.clock.now(), ConnectionId::new(1), "reset");
    connected.pass(seconds(3));
    connected.connect_at(2, "192.0.2.7:40002");
    let second = connected.written().pop().unwrap();
    assert!(second.contains("@192.0.2.7:40001;") && second.contains(";expires=0\r\n"), "{second}");
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
//= type=test
//# If the registering UA receives a 439 (First Hop Lacks Outbound
//# Support) response to a REGISTER request, it MAY re-attempt
//# registration without using the outbound mechanism
#[test]
fn a_first_hop_that_knows_no_flows_is_asked_without() {
    let mut connected = Connected::of(device);
    connected.answer("439 First Hop Lacks Outbound Support", "");
    let again = connected.answer("200 OK", "");
    assert!(!again.contains("reg-id") && !again.contains("outbound"), "{again}");
    let events = connected.pass(Duration::ZERO);
    let is_registered =
        |event: &Event| matches!(event, Event::Registration { state, .. } if state.is_registered());
    assert!(events.iter().any(is_registered));
}

/// What a caller is told to reach the line at, when it rings, so long after the registrar has answered.
fn contact_told_after(time: Duration, contact: &str) -> String {
    let mut connected = Connected::ringing(device);
    let register = connected.written().pop().unwrap();
    let ours = register.lines().find_map(|line| line.strip_prefix("Contact: ")).unwrap();
    let status = format!("SIP/2.0 200 OK\r\nContact: {ours};expires=60{contact}\r\n");
    let answer = register.replacen("REGISTER sip:pbx.example.com SIP/2.0\r\n", &status, 1);
    let lines: Vec<&str> = answer.split("\r\n").filter(|line| *line != format!("Contact: {ours}")).collect();
    connected.receive(&lines.join("\r\n"));
    connected.pass(time);
    connected.written();
    connected.receive(INVITE);
    let ringing = connected.written().into_iter().find(|answer| answer.starts_with("SIP/2.0 180 ")).unwrap();
    ringing.lines().find_map(|line| line.strip_prefix("Contact: ")).unwrap().to_owned()
}

//= https://www.rfc-editor.org/rfc/rfc5627#section-4.4
//= type=test
//# A UA SHOULD use a GRUU when populating the Contact header field of
//# dialog-forming and target refresh requests and responses.
//= https://www.rfc-editor.org/rfc/rfc5627#section-4.4
//= type=test
//# It MUST NOT reuse a GRUU
//# learned through a previous registration that has lapsed (in other words, one
//# obtained when registering a contact that has expired).
#[test]
fn callers_are_told_the_uri_that_the_registrar_gave_us_while_it_is_good() {
    let gruu = ";pub-gruu=\"sip:858@pbx.example.com;gr=urn:uuid:1\"";
    assert_eq!(contact_told_after(seconds(1), gruu), "<sip:858@pbx.example.com;gr=urn:uuid:1>");
    let address = "<sip:858@192.0.2.7:40001;transport=tcp>";
    assert_eq!(contact_told_after(seconds(61), gruu), address);
    assert_eq!(
        contact_told_after(seconds(1), ";pub-gruu=\"sip:858@pbx.example.com\""),
        address,
        "it is none"
    );
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4
//= type=test
//# The UA MUST send keep-alives at least as often as this number of seconds.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.1
//= type=test
//# Clients MUST support this CRLF keep-alive.
#[test]
fn a_registrar_is_pinged_as_often_as_it_asks_for() {
    let mut connected = Connected::of(device);
    connected.answer("200 OK", "Require: outbound\r\nFlow-Timer: 30\r\n");
    connected.pass(seconds(31));
    assert_eq!(connected.written(), ["\r\n\r\n"]);
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.2
//= type=test
//# This approach MUST only be used with connection-less transports, such as UDP; it MUST NOT be
//# used for connection-oriented transports such as TCP and SCTP.
#[test]
fn what_is_kept_open_by_stun_over_udp_is_pinged_over_a_connection() {
    let mut connected = Connected::of(|account| account.ping = Ping::Stun);
    connected.accept();
    connected.pass(seconds(121));
    assert_eq!(connected.written(), ["\r\n\r\n"]);
}

const PEER: &str = "192.0.2.1:5060";

//= https://www.rfc-editor.org/rfc/rfc3263#section-4.3
//= type=test
//# For SIP requests, failure occurs if the transaction layer reports a
//# 503 error response or a transport failure of some sort
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.1
//= type=test
//# If a fatal transport error is reported by the transport layer (generally, due to fatal ICMP
//# errors in UDP or connection failures in TCP), the condition MUST be treated as a 503 (Service
//# Unavailable) status code.
#[test]
fn a_server_that_is_silent_over_a_connection_has_failed_for_all_lines() {
    let mut line = Connected::new();
    let has_failed =
        |line: &Connected| line.endpoint.has_failed(line.clock.now(), PEER.parse().unwrap(), Transport::Tcp);
    assert!(!has_failed(&line));
    line.pass(seconds(32));
    assert!(has_failed(&line));
    line.pass(seconds(5 * 60));
    assert!(!has_failed(&line), "for five minutes");
    line.endpoint.handle_unconnected(line.clock.now(), PEER.parse().unwrap(), Transport::Tcp);
    assert!(has_failed(&line), "one that cannot be connected to has, too");
}

#[test]
fn a_refresh_that_is_answered_503_is_repeated_at_another_server_at_once() {
    let mut line = Connected::new();
    line.answer("200 OK", "Contact: <sip:858@192.0.2.7:40001;transport=tcp>;expires=60\r\n");
    line.pass(seconds(59));
    line.answer("503 Service Unavailable", "Retry-After: 600\r\n");
    assert!(line.wants_connection());
    line.connect_elsewhere(2, "192.0.2.2:5060");
    line.accept();
    let events = line.pass(Duration::ZERO);
    let is_registered = |event: &Event| {
        matches!(event, Event::Registration { state: RegistrationState::Registered { .. }, .. })
    };
    assert!(events.iter().any(is_registered) && !events.iter().any(is_unavailable));
}

#[test]
fn a_server_that_a_redirection_led_to_and_that_says_503_is_followed_by_another_of_that_host() {
    let mut line = Connected::new();
    line.answer("302 Moved Temporarily", "Contact: <sip:other.example.com;transport=tcp>\r\n");
    let leads_there =
        |event: &Event| matches!(event, Event::Resolve { host, .. } if host == "other.example.com");
    assert!(line.pass(Duration::ZERO).iter().any(leads_there));
    line.connect_elsewhere(2, "192.0.2.2:5060");
    let there = "REGISTER sip:other.example.com;transport=tcp SIP/2.0\r\n";
    let register = line.written().pop().unwrap();
    assert!(register.starts_with(there), "{register}");
    line.receive(&register.replacen(there, "SIP/2.0 503 Service Unavailable\r\n", 1));
    assert!(line.pass(Duration::ZERO).iter().any(leads_there), "not to where it was sent away from");
    line.connect_elsewhere(3, "192.0.2.3:5060");
    let register = line.written().pop().unwrap();
    line.receive(&register.replacen(there, "SIP/2.0 200 OK\r\n", 1));
    assert!(!line.pass(Duration::ZERO).iter().any(is_unavailable));
}

#[test]
fn where_no_server_is_left_after_503_the_attempt_has_failed_by_it() {
    for resolved in [None, Some(Unreached::Unconnected { error: "refused".to_owned() })] {
        let mut line = Connected::new();
        line.answer("503 Service Unavailable", "Retry-After: 600\r\n");
        assert!(line.wants_connection());
        match resolved {
            // What is found is the server that has just said it.
            None => line.connect(1),
            Some(unreached) => line.endpoint.handle_resolved(line.clock.now(), line.line, Err(unreached)),
        }
        assert!(line.written().is_empty(), "it is not asked again");
        assert!(line.pass(Duration::ZERO).iter().any(is_unavailable));
        line.pass(seconds(599));
        assert!(!line.wants_connection(), "it has asked for ten minutes");
    }
}

#[test]
fn of_servers_that_were_connected_to_and_say_503_the_first_to_be_back_says_when_they_are_asked_again() {
    let mut line = Connected::new();
    line.answer("503 Service Unavailable", "Retry-After: 600\r\n");
    assert!(line.wants_connection());
    line.connect_elsewhere(2, "192.0.2.2:5060");
    line.answer("503 Service Unavailable", "Retry-After: 3600\r\n");
    assert!(line.wants_connection());
    line.connect(1);
    let waiting = line.pass(seconds(599));
    assert!(waiting.iter().any(is_unavailable) && !waiting.iter().any(is_look_up));
    assert!(line.pass(seconds(61)).iter().any(is_look_up), "the first one is back");
}

#[test]
fn a_line_that_is_unregistered_while_another_server_is_looked_for_stays_so() {
    let mut line = Connected::new();
    line.answer("503 Service Unavailable", "");
    line.endpoint.unregister(line.clock.now(), line.line);
    line.connect_elsewhere(2, "192.0.2.2:5060");
    assert!(line.written().is_empty());
    line.endpoint.register(line.clock.now(), line.line);
    assert!(line.wants_connection());
    line.connect(1);
    assert_eq!(line.written().len(), 1, "what was said to another attempt is over");
}

#[test]
fn to_connect_has_time_of_its_own_after_a_slow_look_up() {
    let mut line = Connected::new();
    line.accept();
    line.endpoint.handle_disconnected(line.clock.now(), ConnectionId::new(1), "reset");
    let mut asked = false;
    for _ in 0..40 {
        asked = asked || line.pass(Duration::from_millis(100)).iter().any(is_look_up);
    }
    assert!(asked);
    line.pass(seconds(22));
    line.endpoint.handle_found(line.clock.now(), line.line);
    line.pass(seconds(20));
    line.connect(2);
    assert_eq!(line.written().len(), 1, "it waits for the connection");
}

/// A call that rings, whose connection is lost, and the next one, over which the line has registered again.
fn ringing_over_a_lost_connection() -> Connected {
    let mut connected = Connected::ringing(|_| {});
    connected.accept();
    connected.receive(INVITE);
    assert_eq!(statuses(&connected.written()), [100, 180]);
    assert!(connected.endpoint.uses(ConnectionId::new(1)), "a call waits over it");
    connected.endpoint.handle_disconnected(connected.clock.now(), ConnectionId::new(1), "reset");
    connected.pass(seconds(3));
    connected.connect(2);
    connected.accept();
    connected.pass(Duration::ZERO);
    connected
}

fn statuses(written: &[String]) -> Vec<u16> {
    let status = |text: &String| Message::parse(text.as_bytes()).unwrap().status().map(StatusCode::as_u16);
    written.iter().filter_map(status).collect()
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
//= type=test
//# the response MUST be sent using the existing connection to the source of the original request
//# that created the transaction, if that connection is still open.
#[test]
fn a_call_whose_connection_is_lost_goes_on_over_the_one_that_its_caller_comes_back_by() {
    let mut connected = ringing_over_a_lost_connection();
    connected.receive(INVITE);
    assert_eq!(statuses(&connected.written()), [180]);
    assert!(connected.endpoint.uses(ConnectionId::new(2)) && !connected.endpoint.uses(ConnectionId::new(1)));
    connected.pass(seconds(40));
    connected.receive(&INVITE.replace("INVITE", "CANCEL"));
    assert_eq!(statuses(&connected.written()).last(), Some(&487), "it rings on until then");
}

#[test]
fn who_comes_back_to_cancel_is_told_that_it_is_cancelled() {
    let mut connected = ringing_over_a_lost_connection();
    connected.receive(&INVITE.replace("INVITE", "CANCEL"));
    assert_eq!(statuses(&connected.written()), [200, 487]);
}

#[test]
fn a_copy_of_a_call_whose_connection_is_lost_is_a_call() {
    let mut connected = ringing_over_a_lost_connection();
    connected.receive(&INVITE.replace("branch=z9hG4bK", "branch=z9hG4bKother"));
    assert_eq!(statuses(&connected.written()), [100, 180]);
}

#[test]
fn a_call_whose_connection_is_lost_ends_when_nobody_comes_back() {
    let mut connected = ringing_over_a_lost_connection();
    let unavailable = |event: &Event| matches!(event, Event::Ended { status: Some(480), .. });
    // Its answer is not acknowledged either: timer H.
    assert!(!connected.pass(seconds(200 - 3 + 31)).iter().any(unavailable));
    assert!(connected.pass(seconds(2)).iter().any(unavailable));
}
