//! Who speaks over which connection is what counts: a stranger's connection is nobody's but his.

#![allow(clippy::unwrap_used, clippy::panic, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_testing::Clock;
use ringfence_ua::{
    Account, Config, ConnectionId, Endpoint, Event, Flow, LineId, RegistrationState, Target, Transport,
};

/// A line that has asked its registrar, and what it wrote.
struct Asked {
    endpoint: Endpoint,
    clock: Clock,
    line: LineId,
    response: String,
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn flow(id: u64, remote: &str) -> Flow {
    Flow::connection(ConnectionId::new(id), Transport::Tcp, address(remote))
}

impl Asked {
    fn over(transport: Transport, flow: Flow) -> Self {
        let clock = Clock::new();
        let mut endpoint = Endpoint::new(Config::new(address("192.0.2.7:5060")), [7; 32]);
        let account = Account { transport: Some(transport), ..Account::new("858", "pbx.example.com", 5060) };
        let line = endpoint.add_line(clock.now(), account).unwrap();
        let target = Target { flow, local: address("192.0.2.7:5060") };
        endpoint.handle_resolved(clock.now(), line, Ok(vec![target]));
        let register = match endpoint.poll_write() {
            Some(write) => write.payload,
            None => endpoint.poll_transmit().unwrap().payload.to_vec(),
        };
        let register = String::from_utf8(register).unwrap();
        let response = register.replacen("REGISTER sip:pbx.example.com SIP/2.0", "SIP/2.0 200 OK", 1);
        Self { endpoint, clock, line, response }
    }

    /// Returns whether the response was taken when it came over a connection.
    fn takes_over(&mut self, flow: Flow) -> bool {
        self.endpoint.handle_stream_message(self.clock.now(), flow, self.response.as_bytes());
        self.is_registered()
    }

    fn takes_by_datagram_from(&mut self, source: &str) -> bool {
        self.endpoint.handle_datagram(self.clock.now(), address(source), self.response.as_bytes());
        self.is_registered()
    }

    fn is_registered(&mut self) -> bool {
        std::iter::from_fn(|| self.endpoint.poll_event()).any(|event| match event {
            Event::Registration { line, state } => {
                line == self.line && matches!(state, RegistrationState::Registered { .. })
            }
            _ => false,
        })
    }
}

//= https://www.rfc-editor.org/rfc/rfc7118#section-5
//= type=test
//# Thus, client and server transactions using WebSocket for transport MUST follow the procedures
//# and timer values for reliable transports as defined in [RFC3261].
//= https://www.rfc-editor.org/rfc/rfc7118#section-5.3
//= type=test
//# Therefore, SIP WebSocket Clients MUST accept responses without such a parameter in the top Via
//# header regardless of whether the Via "sent-by" field contains a domain name.
#[test]
fn a_request_by_websocket_is_never_repeated_and_its_response_need_not_say_where_from() {
    let websocket = || Flow::connection(ConnectionId::new(1), Transport::Ws, address("192.0.2.1:5060"));
    let mut asked = Asked::over(Transport::Ws, websocket());
    assert!(asked.response.contains("\r\nVia: SIP/2.0/WS ") && !asked.response.contains("received="));
    assert!(asked.takes_over(websocket()));
    let mut unanswered = Asked::over(Transport::Ws, websocket());
    let end = unanswered.clock.now() + Duration::from_secs(31);
    while let Some(due) = unanswered.endpoint.poll_timeout().filter(|due| *due <= end) {
        unanswered.endpoint.handle_timeout(due);
        assert!(unanswered.endpoint.poll_write().is_none());
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
//= type=test
//# Therefore, the client transport MUST be prepared to receive the response on the same connection
//# used to send the request.
#[test]
fn a_response_is_taken_over_the_connection_of_its_request_alone() {
    let mut asked = Asked::over(Transport::Tcp, flow(1, "192.0.2.1:5060"));
    assert!(!asked.takes_over(flow(2, "198.51.100.66:4000")), "of a stranger who knows the branch");
    assert!(!asked.takes_over(flow(3, "192.0.2.1:4000")), "over another connection of the registrar's");
    assert!(!asked.takes_by_datagram_from("192.0.2.1:5060"), "by UDP");
    assert_eq!(asked.endpoint.counters().dropped_unmatched_response, 3);
    assert!(asked.takes_over(flow(1, "192.0.2.1:5060")));
}

#[test]
fn what_was_asked_by_udp_is_answered_by_udp_from_any_of_the_registrars_addresses() {
    let mut asked = Asked::over(Transport::Udp, address("192.0.2.1:5060").into());
    assert!(!asked.takes_over(flow(2, "192.0.2.1:5060")));
    assert!(asked.takes_by_datagram_from("192.0.2.2:5060"));
}

const OPTIONS: &str = "OPTIONS sip:858@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKa\r\n\
    Max-Forwards: 70\r\nFrom: <sip:1001@pbx.example.com>;tag=a\r\nTo: <sip:858@pbx.example.com>\r\n\
    Call-ID: a\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

/// Passes time, and lets somebody do something whenever a connection is asked for.
fn pass(asked: &mut Asked, time: Duration, mut connect: impl FnMut(&mut Endpoint, Instant, LineId)) -> u32 {
    let until = asked.clock.now() + time;
    let mut times = 0;
    while let Some(due) = asked.endpoint.poll_timeout().filter(|due| *due <= until) {
        asked.clock.advance(due.saturating_duration_since(asked.clock.now()));
        asked.endpoint.handle_timeout(asked.clock.now());
        while let Some(event) = asked.endpoint.poll_event() {
            if let Event::Resolve { line, .. } = event {
                times += 1;
                connect(&mut asked.endpoint, asked.clock.now(), line);
            }
        }
    }
    asked.clock.advance(until.saturating_duration_since(asked.clock.now()));
    times
}

#[test]
fn a_registrar_that_closes_after_each_register_is_asked_ever_more_rarely() {
    let mut asked = Asked::over(Transport::Tcp, flow(1, "192.0.2.1:5060"));
    assert!(asked.takes_over(flow(1, "192.0.2.1:5060")));
    let now = asked.clock.now();
    asked.endpoint.handle_disconnected(now, ConnectionId::new(1), "closed by the peer");
    let mut id = 1;
    let times = pass(&mut asked, Duration::from_secs(3600), |endpoint, now, line| {
        id += 1;
        let next = flow(id, "192.0.2.1:5060");
        endpoint.handle_resolved(
            now,
            line,
            Ok(vec![Target { flow: next, local: address("192.0.2.7:40000") }]),
        );
        let register = String::from_utf8(endpoint.poll_write().unwrap().payload).unwrap();
        let response = register.replacen("REGISTER sip:pbx.example.com SIP/2.0", "SIP/2.0 200 OK", 1);
        endpoint.handle_stream_message(now, next, response.as_bytes());
        endpoint.handle_disconnected(now, ConnectionId::new(id), "closed by the peer");
    });
    assert!((5..15).contains(&times), "{times} times in an hour");
}

#[test]
fn one_line_that_is_not_answered_does_not_cost_the_others_their_connection() {
    for is_alive in [true, false] {
        let shared = flow(1, "192.0.2.1:5060");
        let mut asked = Asked::over(Transport::Tcp, shared);
        assert!(asked.takes_over(shared));
        let account =
            Account { transport: Some(Transport::Tcp), ..Account::new("859", "pbx.example.com", 5060) };
        let ignored = asked.endpoint.add_line(asked.clock.now(), account).unwrap();
        let target = Target { flow: shared, local: address("192.0.2.7:5060") };
        asked.endpoint.handle_resolved(asked.clock.now(), ignored, Ok(vec![target]));
        pass(&mut asked, Duration::from_secs(20), |_, _, _| {});
        if is_alive {
            asked.endpoint.handle_stream_message(asked.clock.now(), shared, OPTIONS.as_bytes());
        }
        let mut is_closed = false;
        asked.clock.advance(Duration::from_secs(20));
        asked.endpoint.handle_timeout(asked.clock.now());
        while let Some(event) = asked.endpoint.poll_event() {
            is_closed |= matches!(event, Event::Disconnect { .. });
        }
        assert_eq!(is_closed, !is_alive);
    }
}

#[test]
fn a_message_tells_whether_its_connection_is_a_strangers() {
    let mut asked = Asked::over(Transport::Tcp, flow(1, "192.0.2.1:5060"));
    let token = asked.response.split(";line=").nth(1).unwrap();
    let token = format!(";line={} ", &token[..token.find([';', '>']).unwrap()]);
    let by_token = OPTIONS.replacen("192.0.2.7 ", &format!("192.0.2.7{token}"), 1);
    let now = asked.clock.now();
    let mut says = |remote: &str, message: &str| {
        asked.endpoint.handle_stream_message(now, flow(2, remote), message.as_bytes())
    };
    assert!(says("192.0.2.1:4000", OPTIONS), "the registrar, over a connection that it opened");
    assert!(says("192.0.2.1:4000", "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"), "whatever it says");
    let other = OPTIONS.replace("z9hG4bKa", "z9hG4bKb");
    assert!(!says("198.51.100.66:4000", &other));
    assert!(!says("198.51.100.66:4000", OPTIONS), "what the registrar has said, again");
    assert!(!says("198.51.100.66:4000", "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
    assert!(says("198.51.100.66:4000", &by_token.replace("z9hG4bKa", "z9hG4bKc")), "{token}");
    assert!(
        !says("198.51.100.66:4000", &by_token.replace("z9hG4bKa", "z9hG4bKc")),
        "nor is it for who repeats it"
    );
}
