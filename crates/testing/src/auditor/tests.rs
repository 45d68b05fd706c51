//! Each rule finds what it is about, and nothing else does.

use std::collections::BTreeSet;

use super::*;

mod alone;
mod branches;
mod credentials;
mod credit;
mod destination;
mod due;
mod length;
mod lenient;
mod misunderstood;

const INVITE: &str = "INVITE sip:858@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5080;branch=z9hG4bK7;rport\r\n\
    Via: SIP/2.0/UDP a.example;branch=z9hG4bK6\r\nRecord-Route: <sip:p.example;lr>\r\nMax-Forwards: 70\r\n\
    From: <sip:a@a.example>;tag=1\r\nTo: <sip:858@b.example>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nTimestamp: 54\r\n\
    Require: x\r\nContact: <sip:a@192.0.2.9>\r\nContent-Length: 0\r\n\r\n";
const ANSWER: &str = "Via: SIP/2.0/UDP 192.0.2.9:5080;branch=z9hG4bK7;rport=5060;received=192.0.2.1\r\n\
    Via: SIP/2.0/UDP a.example;branch=z9hG4bK6\r\nRecord-Route: <sip:p.example;lr>\r\nFrom: <sip:a@a.example>;tag=1\r\n\
    To: <sip:858@b.example>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nTimestamp: 54\r\nContact: <sip:858@192.0.2.7>\r\n\
    Allow: INVITE, ACK, CANCEL\r\nAccept: application/sdp\r\nUnsupported: x\r\nContent-Length: 0\r\n\r\n";
pub(super) const REGISTER: &str = "REGISTER sip:b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKr;rport\r\n\
    Max-Forwards: 70\r\nFrom: <sip:858@b.example>;tag=1\r\nTo: <sip:858@b.example>\r\nCall-ID: r\r\nCSeq: 7 REGISTER\r\n\
    Contact: <sip:858@192.0.2.7>\r\nAuthorization: Digest nonce=\"n\",qop=auth,cnonce=\"c\",nc=00000002\r\nContent-Length: 0\r\n\r\n";
const AUTHORIZATION: &str = "Authorization: Digest nonce=\"n\",qop=auth,cnonce=\"c\",nc=00000002\r\n";

fn peer() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

/// With what responses of that status have.
fn answer(status: &str) -> String {
    let has = |field: &str| match field.split(':').next() {
        Some("Unsupported") => status.starts_with("420"),
        Some("Contact") => status.starts_with(['1', '2', '3']),
        Some("Record-Route") => status.starts_with(['1', '2']) && !status.starts_with("100"),
        Some(_) | None => true,
    };
    let fields: String = ANSWER.split_inclusive("\r\n").filter(|field| has(field)).collect();
    format!("SIP/2.0 {status}\r\n{fields}")
}

/// A message of another method than INVITE, with what messages of that method have.
fn of_method(message: &str, method: &str) -> String {
    let of_others = ["Accept", "Allow", "Contact", "Require"];
    let has = |field: &str| method != "CANCEL" || !of_others.iter().any(|name| field.starts_with(name));
    let fields: String = message.split_inclusive("\r\n").filter(|field| has(field)).collect();
    fields.replace("INVITE", method)
}

/// A judge, and a time of its own.
struct Bench {
    auditor: Auditor,
    now: Instant,
    transport: Transport,
}

impl Bench {
    fn new() -> Self {
        Self { auditor: Auditor::default(), now: Instant::now(), transport: Transport::Udp }
    }

    /// One that was called.
    fn called() -> Self {
        let mut bench = Self::new();
        bench.received(INVITE);
        bench
    }

    fn received(&mut self, message: &str) {
        self.auditor.received(self.now, self.transport, peer(), message.as_bytes());
    }

    fn sent(&mut self, message: &str) {
        self.auditor.sent(self.now, self.transport, peer(), message.as_bytes());
    }

    fn sent_after(&mut self, time: Duration, message: &str) {
        self.now += time;
        self.sent(message);
    }

    /// The rules that were broken, each once.
    fn broken(&self) -> BTreeSet<&'static str> {
        self.auditor.faults().iter().map(|fault| fault.rule).collect()
    }

    fn expect(&self, rule: &'static str) {
        assert_eq!(self.broken(), [rule].into(), "{:?}", self.auditor.faults());
    }
}

#[test]
fn what_is_right_breaks_no_rule() {
    let mut bench = Bench::called();
    bench.sent(&answer("100 Trying"));
    bench.sent(&answer("180 Ringing"));
    bench.sent(&answer("486 Busy Here"));
    bench.received(INVITE);
    bench.sent(&answer("486 Busy Here"));
    bench.sent_after(T1, &answer("486 Busy Here"));
    bench.sent_after(2 * T1, &answer("486 Busy Here"));
    bench.received(&INVITE.replace("INVITE ", "ACK ").replace(" INVITE", " ACK"));
    bench.sent(REGISTER);
    bench.sent_after(T1, REGISTER);
    bench.received(&REGISTER.replacen("REGISTER sip:b.example SIP/2.0", "SIP/2.0 200 OK", 1));
    let next = REGISTER.replace("bKr", "bKs").replace("CSeq: 7", "CSeq: 8").replace("00000002", "00000003");
    bench.sent(&next);
    bench.sent("\r\n\r\n");
    assert_eq!(bench.auditor.faults(), []);
}

#[test]
fn each_rule_about_the_order_finds_what_it_is_about() {
    let busy = &answer("486 Busy Here");
    let after = |messages: &[(u64, &str)], rule| {
        let mut bench = Bench::called();
        for (millis, message) in messages {
            bench.sent_after(Duration::from_millis(*millis), message);
        }
        bench.expect(rule);
    };
    let other = &busy.replace("486 Busy Here", "603 Decline");
    after(&[(0, busy), (500, other)], "a request has one final response, which is the same each time");
    after(&[(0, busy), (500, &answer("180 Ringing"))], "nothing provisional comes after what is final");
    after(&[(0, busy), (470, busy)], "the final response to an INVITE is not repeated before its time");
    after(
        &[(0, busy), (500, busy), (970, busy)],
        "the final response to an INVITE is not repeated before its time",
    );
    let tagged = &answer("180 Ringing").replace("tag=2", "tag=3");
    after(&[(0, tagged), (0, busy)], "all responses have the same To tag");

    let mut bench = Bench::called();
    bench.sent(busy);
    bench.received(&INVITE.replace("INVITE ", "ACK ").replace(" INVITE", " ACK"));
    bench.sent_after(T1, busy);
    bench.expect("a final response that was acknowledged is not repeated by itself");

    let mut bench = Bench::new();
    let options = |message: &str| message.replace("INVITE", "OPTIONS");
    bench.received(&options(INVITE));
    bench.sent(&options(&answer("200 OK")));
    bench.sent_after(T1, &options(&answer("200 OK")));
    bench.expect("what is no INVITE is answered when it comes, and not again");

    let mut bench = Bench::new();
    bench.received(&options(INVITE));
    bench.sent(&options(&answer("100 Trying")));
    bench.expect("what is no INVITE has no provisional response");

    let mut bench = Bench::new();
    bench.received(&INVITE.replace("INVITE", "ACK"));
    bench.sent(&answer("481 Call/Transaction Does Not Exist").replace("INVITE", "ACK"));
    assert!(bench.broken().contains("ACK is not answered"));

    let mut bench = Bench::new();
    bench.received(&INVITE.replace("INVITE", "CANCEL"));
    bench.sent(&of_method(&answer("420 Bad Extension"), "CANCEL").replace("Unsupported: x\r\n", ""));
    assert!(bench.broken().contains("what a CANCEL requires is ignored"), "{:?}", bench.broken());

    for (plain, secure) in
        [("sip:858@192.0.2.7 ", "sips:858@192.0.2.7 "), ("sip:p.example", "sips:p.example")]
    {
        let mut bench = Bench::new();
        bench.received(&INVITE.replacen(plain, secure, 1));
        bench.sent(&answer("180 Ringing").replacen(plain, secure, 1));
        bench.expect("a dialog of a SIPS URI has a SIPS Contact");
    }

    let mut bench = Bench::called();
    bench.auditor.sent(bench.now, Transport::Udp, "192.0.2.9:5080".parse().unwrap(), busy.as_bytes());
    bench.expect("a response goes where its Via says");
}

#[test]
fn a_response_has_the_nul_of_its_request_and_none_of_its_own() {
    let odd = |message: &str| message.replace("<sip:a@a.example>", "\"\0\" <sip:a@a.example>");
    let mut bench = Bench::new();
    bench.received(&odd(INVITE));
    bench.sent(&odd(&answer("486 Busy Here")));
    assert_eq!(bench.broken(), BTreeSet::new());

    let mut bench = Bench::called();
    bench.sent(&answer("486 Busy\0Here"));
    bench.expect("each line ends with CRLF");
}

#[test]
fn no_rule_is_about_the_answers_to_who_cannot_be_read() {
    let broken = |message: &str| message.replace("<sip:a@a.example>", "\"x <sip:a@a.example>");
    let mut bench = Bench::new();
    bench.received(&broken(INVITE));
    for status in ["100 Trying", "486 Busy Here", "486 Busy Here"] {
        bench.sent(&broken(&answer(status)));
    }
    assert_eq!(bench.broken(), BTreeSet::new());
    bench.sent(&broken(&answer("486 Busy Here")).replace("bK7", "bK8"));
    bench.expect("a response answers a request");
}

#[test]
fn an_ack_before_anything_final_acknowledges_nothing() {
    let busy = answer("486 Busy Here");
    let mut bench = Bench::called();
    bench.received(&INVITE.replace("INVITE ", "ACK ").replace(" INVITE", " ACK"));
    bench.sent(&answer("100 Trying").replace(";tag=2", ""));
    bench.sent_after(T1, &busy);
    bench.sent_after(T1, &busy);
    assert_eq!(bench.broken(), BTreeSet::new());
}

#[test]
fn what_is_repeated_over_a_connection_is_found_and_so_is_a_missing_length() {
    let tcp = |message: &str| message.replace("SIP/2.0/UDP", "SIP/2.0/TCP");
    let mut bench = Bench { transport: Transport::Tcp, ..Bench::new() };
    bench.received(&tcp(INVITE));
    let busy = tcp(&answer("486 Busy Here"));
    bench.sent(&busy);
    bench.sent_after(T1, &busy);
    bench.expect("nothing final is repeated over a connection");

    let mut bench = Bench { transport: Transport::Tcp, ..Bench::new() };
    bench.received(&tcp(INVITE));
    bench.sent(&busy.replace("Content-Length: 0\r\n", ""));
    bench.expect("Content-Length is there in a stream");

    let mut bench = Bench { transport: Transport::Tcp, ..Bench::new() };
    bench.sent(&tcp(REGISTER));
    bench.sent_after(T1, &tcp(REGISTER));
    bench.expect("a request is not repeated over a connection");
}

#[test]
fn each_rule_about_requests_that_come_again_finds_what_it_is_about() {
    let with = |changes: &[(&str, &str)]| {
        changes.iter().fold(REGISTER.to_owned(), |text, (old, new)| text.replacen(old, new, 1))
    };
    let answered = |bench: &mut Bench| {
        bench.received(&REGISTER.replacen("REGISTER sip:b.example SIP/2.0", "SIP/2.0 200 OK", 1));
    };
    let next = [("bKr", "bKs"), ("CSeq: 7", "CSeq: 8"), ("00000002", "00000003")];

    let mut bench = Bench::new();
    bench.sent(REGISTER);
    bench.sent_after(T1, &with(&[("70", "69")]));
    bench.expect("a request that comes again on a branch is the same");

    let mut bench = Bench::new();
    bench.sent(REGISTER);
    bench.sent_after(T1.mul_f64(0.9), REGISTER);
    bench.expect("a request is not repeated before its time");

    let mut bench = Bench::new();
    bench.sent(REGISTER);
    bench.sent_after(65 * T1, REGISTER);
    bench.expect("a request is not repeated after 64*T1");

    // What has two Via is for somebody else, and answers nothing.
    let mut bench = Bench::new();
    bench.sent(REGISTER);
    let other = REGISTER.replacen(
        "REGISTER sip:b.example SIP/2.0",
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP other.example",
        1,
    );
    bench.received(&other);
    bench.sent_after(T1, REGISTER);
    assert_eq!(bench.auditor.faults(), []);

    let mut bench = Bench::new();
    bench.sent(REGISTER);
    answered(&mut bench);
    bench.sent_after(T1, REGISTER);
    bench.expect("a request that is answered is not repeated");

    let mut bench = Bench::new();
    bench.sent(REGISTER);
    bench.sent(&with(&next));
    bench.expect("a REGISTER waits for the answer to the one before");

    let mut bench = Bench::new();
    bench.sent(REGISTER);
    answered(&mut bench);
    bench.sent(&with(&[next[0], ("CSeq: 7", "CSeq: 9"), next[2]]));
    bench.expect("CSeq grows by one with each REGISTER");

    let mut bench = Bench::new();
    bench.sent(REGISTER);
    answered(&mut bench);
    bench.sent(&with(&next[..2]));
    bench.expect("the count of a nonce grows");
}

#[test]
fn every_rule_has_broken_in_a_test_above() {
    let tests = [
        include_str!("tests.rs"),
        include_str!("tests/alone.rs"),
        include_str!("tests/branches.rs"),
        include_str!("tests/credentials.rs"),
        include_str!("tests/credit.rs"),
        include_str!("tests/destination.rs"),
        include_str!("tests/due.rs"),
        include_str!("tests/length.rs"),
    ]
    .concat();
    let rules = form::RULES.iter().chain(fields::RULES).map(|rule| rule.says);
    let rules = rules.chain(requests::RULES.iter().map(|rule| rule.says));
    let rules = rules.chain(responses::RULES.iter().map(|rule| rule.says));
    let untested: Vec<_> = rules
        .chain(order::RULES.iter().map(|rule| rule.says))
        .chain(super::due::SAYS)
        .filter(|says| !tests.contains(&format!("\"{says}\"")) && !CALL_ID.contains(says))
        .collect();
    assert_eq!(untested, [] as [&str; 0]);
}

/// What a transaction is known by: another Call-ID makes an answer to nothing.
const CALL_ID: &[&str] = &["Call-ID is that of the request"];

#[test]
fn who_is_another_one_from_now_on_is_judged_as_that() {
    let mut bench = Bench::called();
    bench.sent(&answer("486 Busy Here"));
    bench.auditor.restarted();
    bench.received(INVITE);
    bench.sent(&answer("486 Busy Here").replace("tag=2", "tag=3"));
    assert_eq!(bench.auditor.faults(), []);
}
