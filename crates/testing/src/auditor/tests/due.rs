//! What the user agent owes, and what ends that.

use super::branches::{OURS, answered};
use super::*;

const TRYING: &str = "an INVITE has a response within 200 ms";
const COPY: &str = "a request that comes again has the last response again";
const TIMER_G: &str = "the final response to an INVITE is repeated until its ACK";
const TIMER_E: &str = "a request is repeated until it is answered";

fn demanding() -> Bench {
    Bench { auditor: Auditor::demanding(), ..Bench::new() }
}

/// One that was called, and owes an answer.
fn called() -> Bench {
    let mut bench = demanding();
    bench.received(INVITE);
    bench
}

fn of_invite(method: &str) -> String {
    of_method(INVITE, method)
}

fn busy() -> String {
    answer("486 Busy Here")
}

impl Bench {
    fn pass(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self.auditor.passed(self.now);
        self
    }

    fn expect_nothing(&self) {
        assert_eq!(self.auditor.faults(), []);
    }
}

#[test]
fn an_invite_has_a_response_in_time_unless_its_caller_is_not_known_or_the_call_is_ignored() {
    called().pass(T1).expect("an INVITE has a response within 200 ms");
    called().pass(Duration::from_millis(200)).expect_nothing();

    let mut bench = called();
    bench.sent_after(Duration::from_millis(199), &answer("100 Trying").replace(";tag=2", ""));
    bench.pass(T1).expect_nothing();

    let mut bench = called();
    bench.auditor.excuse("c");
    bench.pass(T1).expect_nothing();

    let mut bench = demanding();
    bench.auditor.does_not_know(peer().ip());
    bench.received(INVITE);
    bench.pass(T1).expect_nothing();

    let mut bench = called();
    bench.auditor.restarted();
    bench.pass(T1).expect_nothing();
}

#[test]
fn a_copy_has_the_last_response_again_until_the_ack() {
    let mut bench = called();
    bench.sent(&answer("180 Ringing"));
    bench.received(INVITE);
    bench.pass(T1 / 2).expect("a request that comes again has the last response again");

    let mut bench = demanding();
    bench.received(&of_invite("OPTIONS"));
    bench.sent(&answer("200 OK").replace("INVITE", "OPTIONS"));
    bench.received(&of_invite("OPTIONS"));
    bench.pass(T1).expect(COPY);

    let mut bench = called();
    bench.sent(&answer("180 Ringing"));
    bench.received(INVITE);
    bench.sent(&answer("180 Ringing"));
    bench.sent(&busy());
    bench.received(INVITE);
    bench.sent(&busy());
    bench.received(&of_invite("ACK"));
    bench.received(INVITE);
    bench.pass(T1).expect_nothing();
}

#[test]
fn behind_an_ack_that_came_late_an_invite_that_comes_again_is_absorbed_until_timer_i_and_not_timer_h() {
    let mut bench = called();
    bench.sent(&busy());
    for interval in [1, 2, 4, 8, 8, 8, 8, 8, 8, 8] {
        bench.sent_after(interval * T1, &busy());
    }
    // 31.5 s have passed, of 32.
    bench.received(&of_invite("ACK"));
    for _ in 0..4 {
        bench.pass(2 * T1).received(INVITE);
    }
    bench.pass(T1).expect_nothing();
    bench.pass(T1).received(INVITE);
    bench.pass(T1).expect(TRYING);
}

#[test]
fn timer_g_has_a_final_response_repeated_until_the_ack_or_timer_h() {
    let mut bench = called();
    bench.sent(&busy());
    bench.pass(2 * T1).expect("the final response to an INVITE is repeated until its ACK");

    let mut bench = called();
    bench.sent(&busy());
    for pause in [1, 2, 4, 8, 8, 8, 8, 8, 8, 8] {
        bench.sent_after(pause * T1, &busy());
    }
    bench.pass(64 * T1).expect_nothing();

    let mut bench = called();
    bench.sent(&busy());
    bench.sent_after(T1, &busy());
    bench.received(&of_invite("ACK"));
    bench.pass(64 * T1).expect_nothing();

    let tcp = |message: &str| message.replace("SIP/2.0/UDP", "SIP/2.0/TCP");
    let mut bench = Bench { transport: Transport::Tcp, ..demanding() };
    bench.received(&tcp(INVITE));
    bench.sent(&tcp(&busy()));
    bench.pass(64 * T1).expect_nothing();

    let mut bench = demanding();
    bench.auditor.does_not_know(peer().ip());
    bench.received(INVITE);
    bench.sent(&busy());
    bench.pass(64 * T1).expect_nothing();
}

#[test]
fn a_copy_that_was_answered_does_not_stand_for_what_timer_g_sends() {
    let mut bench = called();
    bench.sent(&busy());
    bench.now += T1 / 2;
    bench.received(INVITE);
    bench.sent(&busy());
    bench.pass(T1).expect(TIMER_G);
}

#[test]
fn a_cancel_of_a_call_that_has_heard_something_is_answered() {
    let ringing = || {
        let mut bench = called();
        bench.sent(&answer("180 Ringing"));
        bench.received(&of_invite("CANCEL"));
        bench
    };
    ringing().pass(T1).expect("a CANCEL of an INVITE is answered");

    let mut bench = ringing();
    bench.sent(&of_method(&answer("200 OK"), "CANCEL"));
    bench.pass(T1).expect_nothing();

    let mut bench = called();
    bench.received(&of_invite("CANCEL"));
    bench.pass(T1).expect(TRYING);
}

#[test]
fn a_cancel_is_answered_whatever_the_invite_is_excused_from() {
    let mut bench = called();
    bench.sent(&answer("180 Ringing"));
    bench.auditor.excuse("c");
    bench.received(&of_invite("CANCEL"));
    bench.pass(T1).expect("a CANCEL of an INVITE is answered");

    let mut bench = called();
    bench.sent(&answer("180 Ringing"));
    bench.received(&of_invite("CANCEL"));
    bench.auditor.excuse("c");
    bench.pass(T1).expect_nothing();
}

#[test]
fn timer_e_has_a_request_repeated_until_it_is_answered_replaced_or_given_up() {
    let asking = || {
        let mut bench = demanding();
        bench.sent(REGISTER);
        bench
    };
    let next = REGISTER.replace("bKr", "bKs").replace("CSeq: 7", "CSeq: 8").replace("00000002", "00000003");
    let granted = REGISTER.replacen("REGISTER sip:b.example SIP/2.0", "SIP/2.0 200 OK", 1);

    asking().pass(2 * T1).expect("a request is repeated until it is answered");

    let mut bench = asking();
    bench.sent_after(T1, REGISTER);
    bench.pass(2 * T1).expect_nothing();
    bench.pass(T1).expect(TIMER_E);

    let mut bench = asking();
    bench.received(&granted);
    bench.sent(&next);
    bench.received(&granted.replace("bKr", "bKs").replace("CSeq: 7", "CSeq: 8"));
    bench.pass(64 * T1).expect_nothing();

    let mut bench = asking();
    bench.auditor.excuse("r");
    bench.pass(64 * T1).expect_nothing();

    let mut bench = asking();
    for pause in [1, 2, 4, 8, 8, 8, 8, 8, 8, 8] {
        bench.sent_after(pause * T1, REGISTER);
    }
    bench.pass(64 * T1).expect_nothing();
}

#[test]
fn what_is_cut_or_of_another_version_answers_nothing() {
    let granted = REGISTER.replacen("REGISTER sip:b.example SIP/2.0", "SIP/2.0 200 OK", 1);
    let cut = granted.replace("Content-Length: 0", "Content-Length: 1");
    let unterminated = granted.strip_suffix("\r\n").unwrap();
    for wrong in [&granted.replace("SIP/2.0 200", "SIP/7.0 200"), &cut, unterminated] {
        let mut bench = demanding();
        bench.sent(REGISTER);
        bench.received(wrong);
        bench.sent_after(T1, REGISTER);
        bench.expect_nothing();
        bench.pass(3 * T1).expect("a request is repeated until it is answered");
    }
}

#[test]
fn timer_a_has_an_invite_repeated_ever_more_rarely_until_something_comes() {
    let mut bench = demanding();
    bench.sent(OURS);
    bench.pass(2 * T1).expect("an INVITE is repeated until it is answered");

    let mut bench = demanding();
    bench.sent(OURS);
    for pause in [1, 2, 4, 8, 16] {
        bench.sent_after(pause * T1, OURS);
    }
    bench.received(&answered("180 Ringing"));
    bench.pass(64 * T1).expect_nothing();
}

#[test]
fn an_excuse_is_for_the_transactions_there_are_or_for_the_next_one() {
    let next = REGISTER.replace("bKr", "bKs").replace("CSeq: 7", "CSeq: 8").replace("00000002", "00000003");
    let mut bench = demanding();
    bench.sent(REGISTER);
    bench.auditor.excuse("r");
    bench.pass(64 * T1).expect_nothing();
    bench.sent(&next);
    bench.pass(2 * T1).expect("a request is repeated until it is answered");

    let mut bench = demanding();
    bench.auditor.excuse("r");
    bench.sent(REGISTER);
    bench.pass(64 * T1).expect_nothing();
    bench.sent(&next);
    bench.pass(2 * T1).expect("a request is repeated until it is answered");
}
