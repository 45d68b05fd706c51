//! The times of a busy machine.

use super::*;

fn lenient() -> Bench {
    Bench { auditor: Auditor::lenient(), ..Bench::new() }
}

#[test]
fn what_a_busy_machine_sends_a_little_sooner_is_not_wrong_and_what_comes_at_once_is() {
    let busy = answer("486 Busy Here");
    let repeated_after = |millis: u64| {
        let mut bench = lenient();
        bench.received(INVITE);
        bench.sent(&busy);
        bench.sent_after(Duration::from_millis(millis), &busy);
        bench
    };
    assert_eq!(repeated_after(250).broken(), BTreeSet::new());
    repeated_after(249).expect("the final response to an INVITE is not repeated before its time");

    let asked_after = |time: Duration| {
        let mut bench = lenient();
        bench.sent(REGISTER);
        bench.sent_after(time, REGISTER);
        bench
    };
    assert_eq!(asked_after(T1 / 2).broken(), BTreeSet::new());
    asked_after(T1.mul_f64(0.49)).expect("a request is not repeated before its time");
    assert_eq!(asked_after(64 * T1 + T1 / 2).broken(), BTreeSet::new());
    asked_after(64 * T1 + T1 / 2 + SLACK).expect("a request is not repeated after 64*T1");
}

#[test]
fn what_has_an_order_and_no_time_is_judged_as_ever() {
    let mut bench = lenient();
    bench.sent(REGISTER);
    bench.received(&REGISTER.replacen("REGISTER sip:b.example SIP/2.0", "SIP/2.0 200 OK", 1));
    bench.sent_after(T1, REGISTER);
    bench.expect("a request that is answered is not repeated");
}

#[test]
fn who_takes_copies_at_once_may_answer_each_of_them_when_it_has_the_final_response() {
    let (trying, busy) = (answer("100 Trying").replace(";tag=2", ""), answer("486 Busy Here"));
    let mut bench = lenient();
    bench.received(INVITE);
    bench.received(INVITE);
    bench.received(INVITE);
    bench.sent(&trying);
    bench.sent(&busy);
    bench.sent(&busy);
    assert_eq!(bench.broken(), BTreeSet::new());
    bench.sent(&busy);
    bench.expect("the final response to an INVITE is not repeated before its time");
}
