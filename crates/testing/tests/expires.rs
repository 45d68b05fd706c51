//! Invitations that expire by their own `Expires` before they are decided (RFC 3261 sections 13.3.1 and 20.19).

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod probe;

use std::sync::Arc;
use std::time::Duration;

use ringfence_ua::{Decided, EndedBy, Event, Redirection, Rejection, Verdict, Wait};

use probe::{Probe, Sent, ack, request, seconds, statuses, with};

/// Nothing for 20 s, then 480.
fn silence() -> Wait {
    Wait::silent(seconds(20))
}

/// 180 for 20 s, then 302.
fn ring_then_redirect() -> Wait {
    let mailbox = Redirection::new("sip:mailbox@192.0.2.1").unwrap();
    Wait::ringing(seconds(20)).then_redirect(Arc::new(mailbox))
}

/// When something was sent, in milliseconds, and its status.
fn times(sent: &[(Duration, Sent)]) -> Vec<(u128, u16)> {
    sent.iter().map(|(at, sent)| (at.as_millis(), sent.status())).collect()
}

/// The first final answer within 20 s, which is acknowledged.
fn final_answer(probe: &mut Probe) -> (u128, u16) {
    let (at, last) = probe.pass(seconds(20)).into_iter().find(|(_, sent)| sent.status() >= 200).unwrap();
    assert_eq!(probe.receive(ack(&request("INVITE"), &last)), []);
    (at.as_millis(), last.status())
}

fn expiring(seconds: &str) -> String {
    with(&request("INVITE"), &format!("Expires: {seconds}"))
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-13.3.1
//= type=test
//# If the invitation
//# expires before the UAS has generated a final response, a 487
//# (Request Terminated) response SHOULD be generated.
#[test]
fn an_invitation_that_expires_before_its_limit_is_answered_487() {
    for (wait, before) in [(silence(), vec![]), (ring_then_redirect(), vec![180])] {
        let mut probe = Probe::new(Verdict::Wait(wait.clone()));
        let sent = probe.receive(expiring("7"));
        assert_eq!(statuses(&sent)[1..], before, "{wait:?}");
        assert_eq!(final_answer(&mut probe), (7_000, 487), "{wait:?}");
        assert_eq!(probe.ended_by(), [(EndedBy::Expires, Some(487))]);
        assert_eq!((probe.counter("expired"), probe.counter("cancelled")), (1, 0));
        assert_eq!(probe.pass(seconds(700)), []);
        assert_eq!((probe.counter("transactions"), probe.counter("undecided_calls")), (0, 0));
    }
}

#[test]
fn a_limit_that_comes_first_is_answered_as_without_it() {
    for value in ["20", "21", "4294967295", "-1", "", "soon"] {
        let mut probe = Probe::new(Verdict::Wait(ring_then_redirect()));
        probe.receive(expiring(value));
        let status = if value == "20" { 487 } else { 302 };
        assert_eq!(final_answer(&mut probe), (20_000, status), "{value}");
    }
}

#[test]
fn an_application_that_was_offered_the_call_is_told_and_decides_it_no_more() {
    let mut probe = Probe::new(Verdict::Offer);
    probe.receive(expiring("7"));
    assert_eq!(times(&probe.pass(seconds(7))), [(7_000, 487)]);
    let call = probe.offered();
    assert!(
        probe.events().iter().any(|event| matches!(event, Event::Cancelled { call: told } if *told == call))
    );
    assert_eq!(probe.act(|endpoint, now| assert_eq!(endpoint.ring(now, call), Decided::Gone)), []);
}

#[test]
fn one_that_is_left_to_ring_expires_as_it_would_have() {
    let mut probe = Probe::new(Verdict::Offer);
    probe.receive(expiring("7"));
    probe.pass(seconds(2));
    let (call, wait) = (probe.offered(), Wait::ringing(seconds(60)));
    probe.act(|endpoint, now| assert_eq!(endpoint.wait(now, call, &wait), Decided::Sent));
    assert_eq!(times(&probe.pass(seconds(5))), [(5_000, 487)]);
}

#[test]
fn one_that_expires_at_once_is_refused_by_a_rule_all_the_same() {
    let mut probe = Probe::new(Verdict::busy());
    assert_eq!(statuses(&probe.receive(expiring("0"))), [100, 486]);
    let mut probe = Probe::new(Verdict::Wait(silence()));
    assert_eq!(statuses(&probe.receive(expiring("0"))), [100]);
    assert_eq!(times(&probe.pass(Duration::ZERO)), [(0, 487)]);
}

/// Or a caller would come around it by an `Expires` that is shorter than the wait.
#[test]
fn a_refusal_that_was_chosen_for_the_limit_comes_when_the_invitation_expires() {
    for wait in [Wait::silent(seconds(20)), Wait::ringing(seconds(20))] {
        let decline = Arc::new(Rejection::new(603).unwrap());
        let mut probe = Probe::new(Verdict::Wait(wait.then_reject(decline)));
        probe.receive(expiring("7"));
        assert_eq!(final_answer(&mut probe), (7_000, 603));
        assert_eq!(probe.ended_by(), [(EndedBy::Expires, Some(603))]);
    }
}
