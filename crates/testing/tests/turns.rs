//! Thousands of lines that register or unregister at once: at each server a hundred are under way, and its answers set the pace.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

mod fleet;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ringfence_testing::{Conditions, Mode};
use ringfence_ua::{Account, Endpoint, Event, RegistrationState};
use ringfence_wire::sip::{Message, Method};

use fleet::{Fleet, account, peak, phone_address, seconds};

/// As many as may be under way at once.
const AT_ONCE: usize = 100;

/// The most lines of which a REGISTER was on its way at one time.
fn most_under_way(fleet: &Fleet) -> usize {
    let (mut under_way, mut most) = (BTreeSet::new(), 0);
    for packet in fleet.network.packets() {
        let message = Message::parse(&packet.payload).unwrap();
        let call_id = message.call_id().unwrap().to_vec();
        if packet.source == phone_address() && message.method() == Some(Method::Register) {
            under_way.insert(call_id);
        } else if message.status().is_some_and(|status| status.as_u16() == 200) {
            under_way.remove(&call_id);
        }
        most = most.max(under_way.len());
    }
    most
}

/// Lets time pass until the PBX has no line any more, and returns how long that took.
fn time_until_empty(fleet: &mut Fleet) -> Duration {
    let start = fleet.network.clock().now();
    let (pbx, users) = (fleet.pbx, fleet.lines.len());
    let is_empty = fleet.network.run_until(seconds(60), |network| {
        (0..users).all(|number| !network.node(pbx).is_registered(&fleet::user(number)))
    });
    assert!(is_empty);
    fleet.network.clock().now().duration_since(start)
}

fn unregistered(fleet: &Fleet) -> usize {
    let states = fleet.states().into_iter().flatten();
    states.filter(|state| **state == RegistrationState::Unregistered).count()
}

#[test]
fn a_thousand_lines_register_a_hundred_at_a_time() {
    let fleet = Fleet::of(1_000, 1);
    assert_eq!(most_under_way(&fleet), AT_ONCE);
}

#[test]
fn a_thousand_lines_leave_a_hundred_at_a_time_and_no_binding_stays() {
    let mut fleet = Fleet::of(1_000, 2);
    fleet.act(Endpoint::leave);
    let took = time_until_empty(&mut fleet);
    fleet.run(seconds(1));
    assert_eq!((most_under_way(&fleet), unregistered(&fleet)), (AT_ONCE, 1_000));
    assert!(took < seconds(2), "{took:?}");
}

#[test]
fn where_datagrams_are_lost_the_others_do_not_wait_for_those_that_are_repeated() {
    let lossy = Conditions { loss: 0.05, ..Conditions::default() };
    let mut fleet = Fleet::with(1_000, 3, lossy);
    let lines = fleet.lines.clone();
    fleet.act(|endpoint, now| lines.iter().for_each(|&line| endpoint.remove_line(now, line)));
    let took = time_until_empty(&mut fleet);
    fleet.run(seconds(32));
    assert_eq!(unregistered(&fleet), 1_000);
    assert!(took < seconds(10), "{took:?}");
}

#[test]
fn what_a_registrar_has_confirmed_to_be_removed_is_counted_and_what_it_has_not() {
    for (is_silent, [confirmed, unconfirmed]) in [(false, [300, 0]), (true, [0, 300])] {
        let mut fleet = Fleet::of(300, 9);
        if is_silent {
            fleet.with_pbx(|pbx| pbx.set_mode(Mode::Silent));
        }
        fleet.act(Endpoint::leave);
        // Those that are under way yet count as if they were given up, and are counted once when they are.
        for time in [seconds(5), seconds(60)] {
            fleet.run(time);
            let removals = fleet.act(|endpoint, now| endpoint.removals(now));
            assert_eq!([removals.confirmed, removals.unconfirmed], [confirmed, unconfirmed], "{time:?}");
        }
        let events = fleet.network.node(fleet.phone).events().iter();
        let told = events.filter(|(_, event)| matches!(event, Event::Unconfirmed { .. })).count();
        assert_eq!((told as u64, unregistered(&fleet)), (unconfirmed, 300));
    }
}

#[test]
fn a_hundred_lines_do_not_wait_for_each_other() {
    let mut fleet = Fleet::of(AT_ONCE, 4);
    let start = fleet.network.clock().now();
    fleet.act(Endpoint::leave);
    let sent = fleet.attempts_since(start);
    assert_eq!(sent, [Duration::ZERO; AT_ONCE]);
}

#[test]
fn a_registrar_that_is_silent_is_asked_by_a_hundred_at_once_and_then_by_a_hundred_a_second() {
    let mut fleet = Fleet::of(1, 5);
    fleet.with_pbx(|pbx| pbx.set_mode(Mode::Silent));
    let start = fleet.network.clock().now();
    fleet.act(|endpoint, now| {
        for number in 1..1_000 {
            endpoint.add_line(now, account(number)).unwrap();
        }
    });
    fleet.run(seconds(11));
    let sent = fleet.attempts_since(start);
    assert_eq!(sent.iter().filter(|at| at.is_zero()).count(), AT_ONCE);
    assert_eq!((sent.len(), peak(&sent)), (999, 2 * AT_ONCE - 1));
    assert!(sent.is_sorted() && sent[998] == Duration::from_millis(8_990), "{:?}", sent[998]);
}

#[test]
fn lines_of_another_registrar_do_not_wait_for_those_of_one_that_is_silent() {
    let mut fleet = Fleet::of(1, 6);
    let silent = |number: usize| Account::new(&fleet::user(number), "192.0.2.99", None);
    fleet.act(|endpoint, now| {
        for number in 1..1_000 {
            endpoint.add_line(now, silent(number)).unwrap();
        }
    });
    let line = fleet.lines[0];
    fleet.act(|endpoint, now| endpoint.unregister(now, line));
    fleet.run(Duration::from_millis(500));
    assert_eq!(fleet.state(line), Some(&RegistrationState::Unregistered));
}

#[test]
fn a_line_that_waits_to_leave_and_is_wanted_again_stays_as_it_is() {
    let mut fleet = Fleet::of(200, 7);
    let (lines, start) = (fleet.lines.clone(), fleet.network.clock().now());
    fleet.act(|endpoint, now| {
        for &line in &lines {
            endpoint.unregister(now, line);
        }
        for &line in &lines[AT_ONCE..] {
            endpoint.register(now, line);
        }
    });
    fleet.run(seconds(1));
    assert_eq!((fleet.attempts_since(start).len(), unregistered(&fleet)), (AT_ONCE, AT_ONCE));
}

#[test]
fn a_line_that_waits_to_register_and_is_removed_is_gone_at_once_and_was_never_asked_for() {
    let mut fleet = Fleet::of(1, 8);
    fleet.with_pbx(|pbx| pbx.set_mode(Mode::Silent));
    let start: Instant = fleet.network.clock().now();
    let added = fleet.act(|endpoint, now| {
        let lines: Vec<_> =
            (1..=150).map(|number| endpoint.add_line(now, account(number)).unwrap()).collect();
        endpoint.remove_line(now, lines[149]);
        lines
    });
    let events = fleet.network.node(fleet.phone).events();
    assert!(events.iter().any(|(_, it)| matches!(it, Event::Removed { line } if *line == added[149])));
    fleet.run(seconds(2));
    assert_eq!(fleet.attempts_since(start).len(), 149);
}
