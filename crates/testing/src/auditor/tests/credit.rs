//! A request that came again excuses one response, and only where it came after the final one.

use super::*;

const EARLY: &str = "the final response to an INVITE is not repeated before its time";

fn ack() -> String {
    INVITE.replace("INVITE ", "ACK ").replace(" INVITE", " ACK")
}

/// One that was called, and the INVITE of which came twice more before anything was answered.
fn called_thrice() -> Bench {
    let mut bench = Bench::called();
    bench.received(INVITE);
    bench.received(INVITE);
    bench
}

#[test]
fn copies_that_were_swallowed_excuse_nothing_that_comes_after_the_final_response() {
    let busy = answer("486 Busy Here");
    let mut bench = called_thrice();
    bench.sent(&busy);
    bench.sent(&busy);
    bench.expect(EARLY);

    let mut bench = called_thrice();
    bench.sent(&busy);
    bench.received(&ack());
    bench.sent_after(T1, &busy);
    bench.expect("a final response that was acknowledged is not repeated by itself");

    let tcp = |message: &str| message.replace("SIP/2.0/UDP", "SIP/2.0/TCP");
    let mut bench = Bench { transport: Transport::Tcp, ..Bench::new() };
    bench.received(&tcp(INVITE));
    bench.received(&tcp(INVITE));
    bench.sent(&tcp(&busy));
    bench.sent_after(T1, &tcp(&busy));
    bench.expect("nothing final is repeated over a connection");

    let options = |message: &str| message.replace("INVITE", "OPTIONS");
    let mut bench = Bench::new();
    bench.received(&options(INVITE));
    bench.received(&options(INVITE));
    bench.sent(&options(&answer("200 OK")));
    bench.sent_after(T1, &options(&answer("200 OK")));
    bench.expect("what is no INVITE is answered when it comes, and not again");
}

#[test]
fn each_copy_after_the_final_response_excuses_one_more() {
    let busy = answer("486 Busy Here");
    let mut bench = called_thrice();
    bench.sent(&busy);
    for _ in 0..3 {
        bench.received(INVITE);
        bench.sent(&busy);
    }
    assert_eq!(bench.broken(), BTreeSet::new());
    bench.sent(&busy);
    bench.expect(EARLY);
}

/// At the other end of a network it is not known what came before the other's answer.
#[test]
fn who_judges_without_time_takes_each_copy_for_one_that_came_after_the_final_response() {
    let options = |message: &str| message.replace("INVITE", "OPTIONS");
    let mut bench = Bench { auditor: Auditor::timeless(), ..Bench::new() };
    bench.received(&options(INVITE));
    bench.received(&options(INVITE));
    bench.sent(&options(&answer("200 OK")));
    bench.sent(&options(&answer("200 OK")));
    assert_eq!(bench.broken(), BTreeSet::new());
    bench.sent(&options(&answer("200 OK")));
    bench.expect("what is no INVITE is answered when it comes, and not again");
}
