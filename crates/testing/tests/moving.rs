//! A machine that gets another address while a REGISTER is on its way: the registrar is told as soon as it has answered.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod probe;

use std::net::IpAddr;

use ringfence_ua::{Account, Config, Verdict};

use probe::{Probe, Sent, Shown, peer_address, phone_address, seconds};

const OTHER: &str = "198.51.100.7";

/// A registered line whose refresh is on its way.
fn refreshing() -> (Probe, Sent) {
    let account = Account::new("858", "192.0.2.1", 5060);
    let screen = Shown::default().screen(Verdict::busy());
    let (mut probe, register) = Probe::registering(Config::new(phone_address()), account, screen);
    assert_eq!(answer(&mut probe, &register, "192.0.2.7"), []);
    assert!(probe.is_registered());
    let refresh = next_register(&mut probe, 3600).unwrap();
    (probe, refresh)
}

/// Grants an hour to a REGISTER that was seen to come from an address. Returns what is sent upon it.
fn answer(probe: &mut Probe, register: &Sent, seen: &str) -> Vec<Sent> {
    let via = register.header("Via").unwrap().replace(";rport", &format!(";rport=5060;received={seen}"));
    let field = |name: &str| format!("{name}: {}\r\n", register.header(name).unwrap());
    let echoed = ["From", "To", "Call-ID", "CSeq"].map(field).concat();
    probe.receive(format!(
        "SIP/2.0 200 OK\r\nVia: {via}\r\n{echoed}Expires: 3600\r\nContent-Length: 0\r\n\r\n"
    ))
}

fn next_register(probe: &mut Probe, within: u64) -> Option<Sent> {
    (0..within).find_map(|_| {
        let mut sent = probe.pass(seconds(1)).into_iter().map(|(_, sent)| sent);
        sent.find(|sent| sent.payload.starts_with(b"REGISTER"))
    })
}

/// Tells the line from where what it sends leaves now.
fn leave_from(probe: &mut Probe, local: &str) {
    let (server, local): (_, IpAddr) = (peer_address().ip(), local.parse().unwrap());
    let sent = probe.act(|endpoint, now| {
        endpoint.handle_route(now, server, Ok(local));
        endpoint.handle_network_back(now, server);
    });
    assert_eq!(sent, []);
}

/// Where a REGISTER says that we are, and where it says that we no longer are.
fn contacts(register: &Sent) -> [bool; 4] {
    let contacts = register.headers("Contact");
    let says = |address: &str, is_gone: bool| {
        contacts.iter().any(|it| it.contains(&format!("@{address}")) && it.ends_with(";expires=0") == is_gone)
    };
    [says("192.0.2.7", false), says("192.0.2.7", true), says(OTHER, false), says(OTHER, true)]
}

#[test]
fn the_registrar_is_told_of_a_move_as_soon_as_it_has_answered_what_was_on_its_way() {
    // What was sent again after the move, or its answer before it.
    for seen in [OTHER, "192.0.2.7"] {
        let (mut probe, refresh) = refreshing();
        leave_from(&mut probe, OTHER);
        let [moved] = &answer(&mut probe, &refresh, seen)[..] else { unreachable!("one REGISTER") };
        assert_eq!(contacts(moved), [false, true, true, false], "seen at {seen}: {moved:?}");
        assert!(moved.header("Via").unwrap().contains(OTHER), "{moved:?}");
        assert_eq!(answer(&mut probe, moved, OTHER), []);
        assert!(probe.is_registered());
    }
}

#[test]
fn a_line_that_moved_while_it_was_refreshed_follows_when_it_moves_back() {
    let (mut probe, refresh) = refreshing();
    leave_from(&mut probe, OTHER);
    let moved = answer(&mut probe, &refresh, OTHER).pop().unwrap();
    answer(&mut probe, &moved, OTHER);
    probe.pass(seconds(60));
    assert!(probe.is_registered());
    leave_from(&mut probe, "192.0.2.7");
    assert!(!probe.is_registered(), "the registrar sends calls to where we are no longer");
    probe.pass(seconds(4));
    assert!(probe.is_resolving());
}

#[test]
fn a_line_that_is_back_before_the_answer_comes_has_not_moved() {
    let (mut probe, refresh) = refreshing();
    leave_from(&mut probe, OTHER);
    leave_from(&mut probe, "192.0.2.7");
    assert_eq!(answer(&mut probe, &refresh, "192.0.2.7"), []);
    assert!(probe.is_registered() && next_register(&mut probe, 2400).is_none());
}
