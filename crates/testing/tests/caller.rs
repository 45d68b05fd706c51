//! The caller's side of calls, against a callee that answers by hand.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_testing::{Call, CallId, CallPlan, Caller, Clock, Node, Outcome};
use ringfence_wire::sip::{HeaderName, Message, Method, Printer, StatusCode};

fn phone() -> SocketAddr {
    "192.0.2.7:5060".parse().unwrap()
}

/// A call from 1002 to 858, and what its caller has sent.
struct Desk {
    clock: Clock,
    caller: Caller,
    id: CallId,
    sent: Vec<(Duration, Message<'static>)>,
}

impl Desk {
    fn new(plan: CallPlan) -> Self {
        let clock = Clock::new();
        let mut caller = Caller::new("192.0.2.1:5060".parse().unwrap(), 1);
        let id = caller.call(clock.now(), phone(), plan);
        let mut desk = Self { clock, caller, id, sent: Vec::new() };
        desk.collect();
        desk
    }

    fn collect(&mut self) {
        while let Some((destination, message)) = self.caller.poll_transmit() {
            assert_eq!(destination, phone());
            self.sent.push((self.clock.elapsed(), Message::parse(&message).unwrap().into_owned()));
        }
    }

    /// Answers the newest request of a method.
    fn answer(&mut self, method: Method<'_>, status: u16, to: &str) {
        let request = &self.sent.iter().rev().find(|(_, sent)| sent.method() == Some(method)).unwrap().1;
        let mut out = Vec::new();
        let mut response = Printer::response(&mut out, StatusCode::new(status).unwrap(), None);
        for name in [HeaderName::Via, HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
            response.copy(request, name);
        }
        response.header("To", to.as_bytes());
        response.header("Contact", b"<sip:858@192.0.2.7:5070>");
        response.finish();
        self.caller.handle_datagram(self.clock.now(), phone(), &out);
        self.collect();
    }

    fn run_for(&mut self, duration: Duration) {
        let end = self.clock.now() + duration;
        while let Some(at) = self.caller.poll_timeout().filter(|at: &Instant| *at <= end) {
            self.clock.advance_to(at);
            self.caller.handle_timeout(at);
            self.collect();
        }
        self.clock.advance_to(end);
    }

    fn call(&self) -> &Call {
        self.caller.get(self.id)
    }

    fn methods(&self) -> Vec<String> {
        self.sent.iter().map(|(_, message)| message.method().unwrap().to_string()).collect()
    }

    fn last(&self) -> &Message<'static> {
        &self.sent.last().unwrap().1
    }
}

const TO: &str = "<sip:858@192.0.2.1>";
const TAGGED: &str = "<sip:858@192.0.2.1>;tag=callee";

fn plan() -> CallPlan {
    CallPlan::new("1002", "858")
}

#[test]
fn an_invite_is_repeated_until_a_response_comes() {
    let mut desk = Desk::new(plan());
    desk.run_for(Duration::from_secs(4));
    desk.answer(Method::Invite, 100, TO);
    desk.run_for(Duration::from_secs(60));
    let at: Vec<u128> = desk.sent.iter().map(|(at, _)| at.as_millis()).collect();
    assert_eq!(at, [0, 500, 1500, 3500]);
    assert_eq!(desk.call().outcome(), None);
}

#[test]
fn without_any_response_the_call_times_out() {
    let mut desk = Desk::new(plan());
    desk.run_for(Duration::from_secs(60));
    assert_eq!(desk.sent.len(), 7);
    assert_eq!(desk.call().outcome(), Some(&Outcome::TimedOut));
    assert_eq!(desk.caller.poll_ended(), Some(desk.id));
    assert_eq!(desk.caller.poll_timeout(), None);
}

#[test]
fn a_rejection_is_acknowledged_each_time_it_comes() {
    let mut desk = Desk::new(plan());
    desk.answer(Method::Invite, 486, TAGGED);
    desk.answer(Method::Invite, 486, TAGGED);
    assert_eq!(desk.methods(), ["INVITE", "ACK", "ACK"]);
    let (invite, ack) = (&desk.sent[0].1, desk.last());
    assert_eq!(ack.via().unwrap().branch(), invite.via().unwrap().branch());
    assert_eq!(ack.to().unwrap().tag(), Some(&b"callee"[..]));
    let expected = Outcome::Rejected { status: 486, reason: "Busy Here".into(), warning: None };
    assert_eq!(desk.call().outcome(), Some(&expected));
    assert!(desk.call().faults().is_empty());
}

#[test]
fn acks_are_left_out_as_planned() {
    let mut desk = Desk::new(CallPlan { acks_left_out: 2, ..plan() });
    for _ in 0..3 {
        desk.answer(Method::Invite, 486, TAGGED);
    }
    assert_eq!(desk.methods(), ["INVITE", "ACK"]);
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut desk = Desk::new(CallPlan { cancel_after: Some(Duration::from_millis(100)), ..plan() });
    desk.run_for(Duration::from_millis(400));
    assert_eq!(desk.methods(), ["INVITE"]);
    desk.answer(Method::Invite, 180, TAGGED);
    assert_eq!(desk.methods(), ["INVITE", "CANCEL"]);
    assert_eq!(desk.last().via().unwrap().branch(), desk.sent[0].1.via().unwrap().branch());
    desk.answer(Method::Cancel, 200, TAGGED);
    desk.answer(Method::Invite, 487, TAGGED);
    assert_eq!(desk.call().outcome(), Some(&Outcome::Cancelled));
    assert_eq!(desk.methods(), ["INVITE", "CANCEL", "ACK"]);
}

#[test]
fn an_unanswered_cancel_is_repeated_and_the_call_given_up() {
    let mut desk = Desk::new(CallPlan { cancel_after: Some(Duration::ZERO), ..plan() });
    desk.answer(Method::Invite, 100, TO);
    desk.run_for(Duration::from_secs(40));
    assert_eq!(desk.methods().iter().filter(|method| *method == "CANCEL").count(), 11);
    assert_eq!(desk.call().outcome(), Some(&Outcome::Cancelled));
}

#[test]
fn an_answered_call_is_hung_up_at_the_contact() {
    let mut desk = Desk::new(plan());
    desk.answer(Method::Invite, 200, TAGGED);
    desk.run_for(Duration::from_secs(2));
    assert_eq!(desk.methods(), ["INVITE", "ACK", "BYE"]);
    assert_eq!(desk.last().request_uri(), Some(&b"sip:858@192.0.2.7:5070"[..]));
    desk.answer(Method::Bye, 200, TAGGED);
    assert_eq!(desk.call().outcome(), Some(&Outcome::Answered));
}

#[test]
fn a_redirection_tells_where_to() {
    let mut desk = Desk::new(plan());
    desk.answer(Method::Invite, 302, TAGGED);
    let contacts = vec!["sip:858@192.0.2.7:5070".to_owned()];
    assert_eq!(desk.call().outcome(), Some(&Outcome::Redirected { status: 302, contacts }));
}

#[test]
fn a_merged_invite_differs_in_its_branch_only() {
    let mut desk = Desk::new(plan());
    desk.caller.merge(desk.clock.now(), desk.id);
    desk.collect();
    let (one, two) = (&desk.sent[0].1, &desk.sent[1].1);
    assert_ne!(one.via().unwrap().branch(), two.via().unwrap().branch());
    assert_eq!(one.call_id().unwrap(), two.call_id().unwrap());
    assert_eq!(one.from().unwrap().tag(), two.from().unwrap().tag());
    assert_eq!(one.cseq().unwrap(), two.cseq().unwrap());
}

#[test]
fn a_caller_of_rfc_2543_has_no_branch() {
    let mut desk = Desk::new(CallPlan { has_no_branch: true, ..plan() });
    assert_eq!(desk.last().via().unwrap().branch(), None);
    desk.answer(Method::Invite, 486, TAGGED);
    assert_eq!(desk.methods(), ["INVITE", "ACK"]);
}

#[test]
fn who_calls_is_said_as_planned() {
    let desk = Desk::new(CallPlan {
        display_name: Some("Survey \"Team\"".into()),
        asserted: Some("+41445551234".into()),
        privacy: Some("id".into()),
        headers: vec![("Subject".into(), "offer".into())],
        ..CallPlan::new("sip:anonymous@anonymous.invalid", "858")
    });
    let invite = desk.last();
    let from = invite.from().unwrap();
    assert_eq!(from.display_name().as_deref(), Some("Survey \"Team\""));
    assert_eq!(from.uri_bytes(), b"sip:anonymous@anonymous.invalid");
    assert_eq!(invite.first(HeaderName::PAssertedIdentity), Some(&b"<sip:+41445551234@192.0.2.1>"[..]));
    assert_eq!(invite.first(HeaderName::Privacy), Some(&b"id"[..]));
    assert_eq!(invite.first(HeaderName::Subject), Some(&b"offer"[..]));
}

#[test]
fn what_a_callee_gets_wrong_is_listed() {
    let mut desk = Desk::new(plan());
    desk.answer(Method::Invite, 180, TO);
    desk.answer(Method::Invite, 180, TAGGED);
    desk.answer(Method::Invite, 486, "<sip:859@192.0.2.1>;tag=other");
    let expected =
        ["To has no tag", "To is not echoed", "the To tag differs from that of an earlier response"];
    assert_eq!(desk.call().faults(), expected);
}
