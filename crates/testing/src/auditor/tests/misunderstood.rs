//! Requests that cannot be read, and those that can behind them.

use super::*;

#[test]
fn what_answers_a_request_that_cannot_be_read_is_not_judged_until_its_transaction_is_over() {
    let misread = INVITE.replace("Call-ID: c", "Call-ID: c\r\nFrom: <sip:b@b.example>");
    let untagged = answer("486 Busy Here").replace(";tag=2", "");
    let mut bench = Bench::new();
    bench.received(&misread);
    bench.sent(&untagged);
    bench.now += 64 * T1;
    bench.received(INVITE);
    bench.sent(&untagged);
    assert_eq!(bench.auditor.faults(), []);
    bench.now += T4;
    bench.received(INVITE);
    bench.sent(&untagged);
    bench.expect("To has a tag, but for 100");
}

#[test]
fn so_many_requests_that_cannot_be_read_are_told_apart_and_no_more() {
    let mut bench = Bench::new();
    let misread = |number: usize| {
        INVITE
            .replace("bK7", &format!("bK7-{number}"))
            .replace("Call-ID: c", "Call-ID: c\r\nFrom: <sip:b@b.example>")
    };
    for number in 0..=4096 {
        bench.received(&misread(number));
    }
    let untagged = answer("486 Busy Here").replace("bK7", "bK7-4096").replace(";tag=2", "");
    bench.sent(&untagged);
    assert_eq!(bench.auditor.faults(), [], "one that is counted only");
    bench.sent(&untagged);
    bench.expect("a response answers a request");
}

#[test]
fn an_answer_that_repeats_what_cannot_be_read_may_come_again() {
    let mut bench = Bench::new();
    let beyond = |message: &str| message.replace("CSeq: 1 INVITE", "CSeq: 2147483648 INVITE");
    bench.sent(&beyond(&answer("400 Bad Request")));
    bench.expect("a response answers a request");
    let mut bench = Bench::new();
    bench.received(&beyond(INVITE));
    for _ in 0..8 {
        bench.sent(&beyond(&answer("400 Bad Request")));
    }
    assert_eq!(bench.auditor.faults(), []);
}
