//! Requests within the early dialog that a 180 has made: RFC 3261 sections 12.2.2 and 15.1.2.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod probe;

use std::collections::BTreeSet;
use std::net::SocketAddr;

use ringfence_ua::{Account, Config, Verdict};

use probe::{Probe, Sent, Shown, account, phone_address, request, statuses, with};

fn stranger() -> SocketAddr {
    "203.0.113.66:5060".parse().unwrap()
}

/// A request within the dialog that a 180 has made, with a number and so a branch of its own.
fn within(ringing: &Sent, method: &str, number: u32) -> String {
    let to = format!("To: {}", ringing.header("To").unwrap());
    request(method)
        .replacen("To: <sip:858@192.0.2.1>", &to, 1)
        .replacen("z9hG4bK776asdhds", &format!("z9hG4bK{method}{number}"), 1)
        .replacen("314159", &(314_159 + number).to_string(), 1)
}

/// A registered line that lets calls ring, and the URI that its Contact gave the registrar.
fn registered() -> (Probe, String) {
    let account = Account { is_registering: true, ..account() };
    let screen = Shown::default().screen(Verdict::Ring { limit: None });
    let (mut probe, register) = Probe::registering(Config::new(phone_address()), account, screen);
    let fields = ["Via", "From", "To", "Call-ID", "CSeq", "Contact"];
    let copied = fields.map(|name| format!("{name}: {}\r\n", register.header(name).unwrap())).concat();
    probe.receive(format!("SIP/2.0 200 OK\r\n{copied}Expires: 3600\r\nContent-Length: 0\r\n\r\n"));
    assert!(probe.is_registered());
    let contact = register.header("Contact").unwrap();
    let uri = contact.split(['<', '>']).nth(1).unwrap().to_owned();
    (probe, uri)
}

/// A call that rings, of one who knows the line's Contact and is known to none.
fn called_by_token() -> (Probe, Sent) {
    let (mut probe, uri) = registered();
    let invite = request("INVITE").replacen("sip:858@192.0.2.7:5060", &uri, 1);
    let ringing = probe.receive_from(stranger(), invite).pop().unwrap();
    assert_eq!(ringing.status(), 180);
    assert!(!ringing.header("Contact").unwrap().contains("line="), "{ringing:?}");
    (probe, ringing)
}

mod admitted {
    use super::*;

    #[test]
    fn a_caller_who_was_let_in_by_the_token_is_answered_within_his_call() {
        let (mut probe, ringing) = called_by_token();
        for (number, method, status) in [(1, "OPTIONS", 200), (2, "INVITE", 500)] {
            let sent = probe.receive_from(stranger(), within(&ringing, method, number));
            assert_eq!(statuses(&sent), [status], "{method}");
        }
        let sent = probe.receive_from(stranger(), within(&ringing, "BYE", 3));
        assert_eq!(statuses(&sent), [200, 487]);
        assert!(sent.iter().all(|sent| sent.destination.ip() == stranger().ip()), "{sent:?}");
        assert_eq!(probe.counter("undecided_calls"), 0);
    }

    #[test]
    fn a_bye_ends_the_call_of_a_line_that_is_gone() {
        let mut probe = Probe::new(Verdict::Ring { limit: None });
        let ringing = probe.receive(request("INVITE")).pop().unwrap();
        let line = probe.line;
        probe.act(|endpoint, now| endpoint.remove_line(now, line));
        assert_eq!(statuses(&probe.receive(within(&ringing, "BYE", 1))), [200, 487]);
        assert_eq!(probe.receive(within(&ringing, "BYE", 2)), [], "it is a stranger's now");
    }

    #[test]
    fn nobody_else_is_let_in_by_a_call_that_waits() {
        let (probe, ringing) = called_by_token();
        let (another, bye) = ("203.0.113.67:5060".parse().unwrap(), within(&ringing, "BYE", 1));
        let mut probe = probe.does_not_know(another).does_not_know(stranger());
        assert_eq!(probe.receive_from(another, &bye), []);
        let other_call = bye.replacen("a84b4c76e66710", "other", 1);
        let other_caller = bye.replacen("tag=1928301774", "tag=other", 1);
        let no_dialog = request("BYE").replacen("z9hG4bK776asdhds", "z9hG4bKbye", 1);
        for wrong in [other_call, other_caller, no_dialog] {
            assert_eq!(probe.receive_from(stranger(), wrong), []);
        }
        assert_eq!((probe.counter("dropped_stranger"), probe.counter("undecided_calls")), (4, 1));
        assert_eq!(statuses(&probe.receive_from(stranger(), bye)), [200, 487]);
    }
}

mod answered {
    use super::*;

    fn ringing() -> (Probe, Sent) {
        let mut probe = Probe::new(Verdict::Ring { limit: None });
        let ringing = probe.receive(request("INVITE")).pop().unwrap();
        (probe, ringing)
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-15.1.2
    //= type=test
    //# A UAS first processes the BYE request according to the general UAS
    //# processing described in Section 8.2.
    #[test]
    fn a_bye_that_requires_what_is_not_supported_ends_no_call() {
        let (mut probe, ringing) = ringing();
        let sent = probe.receive(with(&within(&ringing, "BYE", 1), "Require: foo"));
        assert_eq!((statuses(&sent), sent[0].header("Unsupported").as_deref()), (vec![420], Some("foo")));
        let body = "Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nbody";
        let sent = probe.receive(within(&ringing, "BYE", 2).replacen("Content-Length: 0\r\n\r\n", body, 1));
        assert_eq!((statuses(&sent), probe.counter("undecided_calls")), (vec![415], 1));
        assert_eq!(statuses(&probe.receive(within(&ringing, "BYE", 3))), [200, 487]);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.2.2
    //= type=test
    //# If the remote sequence number was not empty, but the sequence number
    //# of the request is lower than the remote sequence number, the request
    //# is out of order and MUST be rejected with a 500 (Server Internal
    //# Error) response.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.2.2
    //= type=test
    //# The UAS MUST then set
    //# the remote sequence number to the value of the sequence number in the
    //# CSeq header field value in the request.
    #[test]
    fn each_request_counts_for_the_order_whatever_its_method() {
        for (last, status) in [("INVITE", 500), ("UPDATE", 405), ("PRACK", 405), ("OPTIONS", 200)] {
            let (mut probe, ringing) = ringing();
            assert_eq!(statuses(&probe.receive(within(&ringing, last, 3))), [status], "{last}");
            for (number, method) in [(2, "BYE"), (1, "UPDATE"), (0, "INVITE")] {
                let sent = probe.receive(within(&ringing, method, number));
                assert_eq!(statuses(&sent), [500], "{method} behind {last}");
                assert_eq!(sent[0].header("Retry-After"), None, "it is not to come again");
            }
            assert_eq!(statuses(&probe.receive(within(&ringing, "BYE", 4))), [200, 487]);
        }
    }

    #[test]
    fn a_request_that_cannot_be_read_counts_for_nothing() {
        let (mut probe, ringing) = ringing();
        let wrong = within(&ringing, "OPTIONS", 9).replacen("Max-Forwards: 70", "Max-Forwards: x", 1);
        assert_eq!(statuses(&probe.receive(wrong)), [400]);
        assert_eq!(statuses(&probe.receive(within(&ringing, "BYE", 1))), [200, 487]);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-14.2
    //= type=test
    //# A UAS that receives a second INVITE before it sends the final
    //# response to a first INVITE with a lower CSeq sequence number on the
    //# same dialog MUST return a 500 (Server Internal Error) response to the
    //# second INVITE and MUST include a Retry-After header field with a
    //# randomly chosen value of between 0 and 10 seconds.
    #[test]
    fn an_invite_without_a_unique_branch_is_told_the_same_each_time_when_to_come_again() {
        let (mut probe, ringing) = ringing();
        let again = |number| {
            let again = within(&ringing, "INVITE", number);
            let again = again.replacen(&format!(";branch=z9hG4bKINVITE{number}"), "", 1);
            probe.excuse(&again);
            let sent: Vec<_> = (0..8).flat_map(|_| probe.receive(&again)).collect();
            assert_eq!(statuses(&sent), [500; 8]);
            assert!(sent.iter().all(|one| *one == sent[0]), "{sent:?}");
            sent[0].header("Retry-After").unwrap().parse().unwrap()
        };
        let waits: BTreeSet<u32> = (1..200).map(again).collect();
        assert_eq!(waits, (0..=10).collect());
    }
}
