//! What somebody may do to calls that are not his: nothing by half of what names them, nor by being many.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod probe;

use std::net::SocketAddr;

use ringfence_ua::{Account, Config, Extras, Limits, Verdict};

use probe::{Probe, Shown, account, peer_address, phone_address, request, statuses};

#[test]
fn a_cancel_that_is_for_nothing_is_no_first_copy_of_its_invite() {
    let mut probe = Probe::new(Verdict::busy());
    assert_eq!(statuses(&probe.receive(request("CANCEL"))), [481]);
    assert_eq!(statuses(&probe.receive(request("INVITE"))), [100, 486]);
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-9.1
//= type=test
//# The Request-URI, Call-ID, To, the numeric part of CSeq, and From header
//# fields in the CANCEL request MUST be identical to those in the
//# request being cancelled, including tags.
#[test]
fn who_knows_the_branch_alone_cancels_nothing() {
    // To whoever watches, the forged and the caller's own are one request.
    let mut probe = Probe::new(Verdict::Ring { limit: None }).unjudged();
    assert_eq!(statuses(&probe.receive(request("INVITE"))), [100, 180]);
    let cancel = request("CANCEL");
    let line = |name: &str| cancel.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    for (field, other) in [
        ("Call-ID", "Call-ID: another".to_owned()),
        ("CSeq", "CSeq: 77 CANCEL".to_owned()),
        ("From", "From: <sip:1002@192.0.2.1>;tag=another".to_owned()),
    ] {
        let forged = cancel.replace(&line(field), &other);
        assert_ne!(forged, cancel);
        assert_eq!(statuses(&probe.receive(forged)).first(), Some(&481), "{field}");
    }
    assert_eq!(statuses(&probe.receive(cancel)), [200, 487]);
}

#[test]
fn strangers_leave_room_for_those_who_are_known() {
    let limits = Limits { undecided_calls: 8, ..Limits::default() };
    let extras = Extras { peers: vec![peer_address().ip()], ..Extras::default() };
    let account = Account { is_open: true, extras: Some(Box::new(extras)), ..account() };
    let config = Config { limits, ..Config::new(phone_address()) };
    let mut probe =
        Probe::of(config, account, Shown::default().screen(Verdict::Ring { limit: None })).unjudged();
    let stranger: SocketAddr = "198.51.100.9:5060".parse().unwrap();
    let call = |number: usize| {
        let invite = request("INVITE").replace("z9hG4bK", &format!("z9hG4bK{number}"));
        let id = invite.lines().find(|line| line.starts_with("Call-ID")).unwrap().to_owned();
        invite.replace(&id, &format!("Call-ID: {number}"))
    };
    let told: Vec<_> = (0..4).map(|number| statuses(&probe.receive_from(stranger, call(number)))).collect();
    assert_eq!(told, [vec![], vec![], vec![503], vec![503]], "a quarter waits, in silence");
    assert_eq!(statuses(&probe.receive_from(peer_address(), call(9))), [100, 180]);
}
