//! When a ping is due, and what its answers say of the flow.

use std::net::SocketAddr;

use super::*;
use crate::transport::Transport;

#[expect(clippy::disallowed_methods, reason = "a test needs one instant to start from")]
fn epoch() -> Instant {
    Instant::now()
}

fn udp() -> Flow {
    Flow::from("192.0.2.1:5060".parse::<SocketAddr>().unwrap())
}

fn connection() -> Flow {
    Flow::connection(ConnectionId::new(7), Transport::Tcp, "192.0.2.1:5060".parse().unwrap())
}

/// Waits for what is due next.
fn next(keep_alive: &mut KeepAlive, generator: &mut Generator) -> (Instant, Option<Due>) {
    let due = keep_alive.poll_timeout().unwrap();
    (due, keep_alive.pop_due(due, generator))
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.1
//= type=test
//# If a pong is not received within 10 seconds after sending a ping (or
//# immediately after processing any incoming message being received when
//# that 10 seconds expires), then the client MUST treat the flow as
//# failed.
#[test]
fn a_connection_that_answered_pings_is_dead_when_it_no_longer_does() {
    let (mut keep_alive, mut generator) = (KeepAlive::default(), Generator::new([1; 32]));
    keep_alive.add(epoch(), connection(), None, false, &mut generator);
    let (first, ping) = next(&mut keep_alive, &mut generator);
    assert_eq!(ping, Some(Due::Ping(connection())));
    keep_alive.handle_crlf(first, connection(), Crlf::Alone, &mut generator);
    let (second, ping) = next(&mut keep_alive, &mut generator);
    assert_eq!(ping, Some(Due::Ping(connection())));
    let (dead, due) = next(&mut keep_alive, &mut generator);
    assert_eq!(due, Some(Due::Dead(ConnectionId::new(7))));
    assert_eq!(dead - second, PONG_WITHIN);
}

#[test]
fn a_connection_that_never_answered_a_ping_is_pinged_on() {
    let (mut keep_alive, mut generator) = (KeepAlive::default(), Generator::new([1; 32]));
    keep_alive.add(epoch(), connection(), None, false, &mut generator);
    for _ in 0..10 {
        assert_eq!(next(&mut keep_alive, &mut generator).1, Some(Due::Ping(connection())));
    }
}

/// Has a connection pinged for a day, over which CRLFs come so often, or with each ping; returns whether it was given up.
fn is_given_up(crlf: Crlf, every: Option<Duration>) -> bool {
    let (mut keep_alive, mut generator) = (KeepAlive::default(), Generator::new([1; 32]));
    let mut now = epoch();
    let end = now + Duration::from_secs(24 * 3600);
    keep_alive.add(now, connection(), None, false, &mut generator);
    let mut comes = every.map(|every| now + every);
    while now < end {
        let due = keep_alive.poll_timeout().unwrap();
        if let Some(at) = comes.filter(|at| *at < due) {
            now = at;
            keep_alive.handle_crlf(now, connection(), crlf, &mut generator);
            comes = every.map(|every| now + every);
            continue;
        }
        now = due;
        match keep_alive.pop_due(now, &mut generator) {
            Some(Due::Dead(_)) => return true,
            _ if every.is_none() => keep_alive.handle_crlf(now, connection(), crlf, &mut generator),
            _ => {}
        }
    }
    false
}

#[test]
fn a_connection_over_which_line_ends_come_that_answer_no_ping_is_never_given_up() {
    for every in [7, 30, 45, 60] {
        assert!(!is_given_up(Crlf::Alone, Some(Duration::from_secs(every))), "each {every} s");
    }
    for every in [7, 60, 130, 600] {
        assert!(!is_given_up(Crlf::BesideMessage, Some(Duration::from_secs(every))), "each {every} s");
    }
    assert!(!is_given_up(Crlf::BesideMessage, None), "with each ping");
}

#[test]
fn a_pong_that_comes_together_with_a_message_is_one_too() {
    assert!(!is_given_up(Crlf::Alone, None));
    let (mut keep_alive, mut generator) = (KeepAlive::default(), Generator::new([1; 32]));
    keep_alive.add(epoch(), connection(), None, false, &mut generator);
    for crlf in [Crlf::Alone, Crlf::BesideMessage, Crlf::BesideMessage] {
        let (pinged, ping) = next(&mut keep_alive, &mut generator);
        assert_eq!(ping, Some(Due::Ping(connection())));
        keep_alive.handle_crlf(pinged + PONG_WITHIN, connection(), crlf, &mut generator);
    }
    next(&mut keep_alive, &mut generator);
    assert_eq!(next(&mut keep_alive, &mut generator).1, Some(Due::Dead(ConnectionId::new(7))));
}

#[test]
fn lines_of_one_registrar_share_one_flow_and_the_last_one_ends_it() {
    let (now, flow) = (epoch(), udp());
    let (mut keep_alive, mut generator) = (KeepAlive::default(), Generator::new([1; 32]));
    keep_alive.add(now, flow, None, false, &mut generator);
    keep_alive.add(now, flow, None, false, &mut generator);
    assert_eq!(keep_alive.pop_due(now, &mut generator), None);
    let due = keep_alive.poll_timeout().unwrap();
    assert_eq!(keep_alive.pop_due(due, &mut generator), Some(Due::Ping(flow)));
    assert_eq!(keep_alive.pop_due(due, &mut generator), None);
    keep_alive.remove(flow);
    assert!(keep_alive.poll_timeout().is_some());
    keep_alive.remove(flow);
    assert_eq!(keep_alive.poll_timeout(), None);
}

/// The waits between a hundred pings and those before them.
fn waits(flow: Flow, within: Option<Duration>) -> BTreeSet<Duration> {
    let (mut now, mut generator) = (epoch(), Generator::new([1; 32]));
    let mut keep_alive = KeepAlive::default();
    keep_alive.add(now, flow, within, false, &mut generator);
    let mut waits = BTreeSet::new();
    for _ in 0..100 {
        let due = keep_alive.poll_timeout().unwrap();
        assert_eq!(keep_alive.pop_due(due, &mut generator), Some(Due::Ping(flow)));
        waits.insert(due - now);
        now = due;
    }
    assert!(waits.len() > 90, "{waits:?}");
    waits
}

/// Asserts that all are between two bounds, in seconds, and that they come near to both.
fn assert_between(waits: &BTreeSet<Duration>, shortest: f64, longest: f64) {
    let (first, last) = (waits.first().unwrap().as_secs_f64(), waits.last().unwrap().as_secs_f64());
    assert!(shortest <= first && last <= longest, "{waits:?}");
    let tenth = (longest - shortest) / 10.0;
    assert!(first < shortest + tenth && longest - tenth < last, "{waits:?}");
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.2
//= type=test
//# the time between each keep-alive request
//# SHOULD be a random number between 24 and 29 seconds.
#[test]
fn each_ping_by_udp_has_a_wait_of_its_own() {
    assert_between(&waits(udp(), None), 24.0, 29.0);
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.1
//= type=test
//# The UA MUST select a random number between a fixed or configurable upper bound and a lower
//# bound, where the lower bound is 20% less then the upper bound.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.1
//= type=test
//# The fixed upper bound or the default
//# configurable upper bound SHOULD be 120 seconds (95 seconds for the
//# lower bound) where battery power is not a concern
#[test]
fn a_connection_is_pinged_within_the_time_that_the_registrar_asks_for_or_within_two_minutes() {
    assert_between(&waits(connection(), Some(Duration::from_secs(30))), 24.0, 30.0);
    assert_between(&waits(connection(), Some(Duration::from_secs(100))), 80.0, 100.0);
    assert_between(&waits(connection(), None), 95.0, 120.0);
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4
//= type=test
//# The UA MUST send keep-alives at least as often as this number of seconds.
#[test]
fn of_two_lines_on_one_flow_the_one_with_the_shorter_wait_counts() {
    let (now, mut generator) = (epoch(), Generator::new([1; 32]));
    let mut keep_alive = KeepAlive::default();
    keep_alive.add(now, connection(), None, false, &mut generator);
    keep_alive.add(now, connection(), Some(Duration::from_secs(30)), false, &mut generator);
    let (first, _) = next(&mut keep_alive, &mut generator);
    let (second, _) = next(&mut keep_alive, &mut generator);
    for wait in [first - now, second - first] {
        assert!((Duration::from_secs(24)..=Duration::from_secs(30)).contains(&wait), "{wait:?}");
    }
}
