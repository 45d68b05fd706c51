//! A branch is of one request (RFC 3261 section 8.1.1.7).

use super::*;

const RULE: &str = "a branch is of one request, and of its CANCEL and ACK";
pub(super) const OURS: &str = "INVITE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKi;rport\r\n\
    Max-Forwards: 70\r\nFrom: <sip:858@b.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\n\
    Contact: <sip:858@192.0.2.7>\r\nContent-Length: 0\r\n\r\n";

/// The request of another method that belongs to ours.
fn of_ours(method: &str) -> String {
    of_method(OURS, method)
}

/// What our INVITE is answered.
pub(super) fn answered(status: &str) -> String {
    OURS.replacen("INVITE sip:b@b.example SIP/2.0", &format!("SIP/2.0 {status}"), 1)
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
//= type=test
//# The branch parameter value MUST be unique across space and time for all requests sent by the UA.
#[test]
fn a_branch_that_another_request_had_is_found() {
    let others = [("7 REGISTER", "8 REGISTER"), ("REGISTER", "OPTIONS"), ("Call-ID: r", "Call-ID: s")];
    for (old, new) in others {
        let mut bench = Bench::new();
        bench.sent(REGISTER);
        bench.received(&REGISTER.replacen("REGISTER sip:b.example SIP/2.0", "SIP/2.0 200 OK", 1));
        bench.sent_after(64 * T1, &REGISTER.replace(old, new).replace("00000002", "00000003"));
        bench.expect("a branch is of one request, and of its CANCEL and ACK");
    }
}

#[test]
fn a_cancel_and_the_ack_of_what_is_no_success_have_the_branch_of_their_invite() {
    let mut bench = Bench::new();
    bench.sent(OURS);
    bench.received(&answered("180 Ringing"));
    bench.sent(&of_ours("CANCEL"));
    bench.received(&answered("487 Request Terminated"));
    bench.sent(&of_ours("ACK"));
    bench.sent(&of_ours("ACK"));
    assert_eq!(bench.broken(), BTreeSet::new());
}

#[test]
fn the_ack_of_a_success_and_the_cancel_of_another_call_have_branches_of_their_own() {
    let mut bench = Bench::new();
    bench.sent(OURS);
    bench.received(&answered("200 OK"));
    bench.sent(&of_ours("ACK"));
    bench.expect(RULE);

    for foreign in ["Call-ID: i", "CSeq: 1"] {
        let mut bench = Bench::new();
        bench.sent(OURS);
        bench.sent(&of_ours("CANCEL").replace(foreign, &format!("{foreign}7")));
        bench.expect(RULE);
    }
}

#[test]
fn who_has_restarted_may_draw_a_branch_again_and_of_many_only_the_newest_are_remembered() {
    let numbered = |number: u32| {
        let options =
            REGISTER.replace("REGISTER", "OPTIONS").replace("Call-ID: r", &format!("Call-ID: {number}"));
        options.replace("z9hG4bKr", &format!("z9hG4bK{}", number % 5000))
    };
    let mut bench = Bench::new();
    bench.sent(&numbered(0));
    bench.auditor.restarted();
    for number in 0..5000 {
        bench.sent_after(T1, &numbered(5000 + number));
    }
    bench.sent_after(T1, &numbered(1));
    assert_eq!(bench.broken(), BTreeSet::new());
    bench.sent_after(T1, &numbered(4999));
    bench.expect(RULE);
}
