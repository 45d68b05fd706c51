//! A peer that is let in and means no good: what it can cost is bounded.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod probe;

use std::sync::Arc;

use ringfence_ua::{Account, CallEnd, Config, Decided, Limits, Rejection, Verdict};

use probe::{Probe, Shown, account, in_dialog, millis, phone_address, request, seconds, statuses, with};

fn other_branch(request: &str, number: usize) -> String {
    request.replacen("z9hG4bK776asdhds", &format!("z9hG4bK{number}"), 1)
}

fn other_call(request: &str, number: usize) -> String {
    other_branch(request, number).replacen("a84b4c76e66710", &format!("call{number}"), 1)
}

#[test]
fn copies_of_one_request_by_ever_new_ways_cost_no_more_than_different_ones() {
    let mut probe = Probe::new(Verdict::busy());
    let options = request("OPTIONS");
    assert_eq!(statuses(&probe.receive(&options)), [200]);
    for number in 0..20_000 {
        assert_eq!(statuses(&probe.receive(other_branch(&options, number))), [482]);
    }
    probe.pass(seconds(40));
    assert_eq!(probe.counter("transactions"), 0);
    assert_eq!(statuses(&probe.receive(other_branch(&options, 1))), [200], "the request is forgotten");
}

#[test]
fn a_response_is_no_longer_than_its_request_and_some() {
    let mut probe = Probe::new(Verdict::busy());
    let many = "a,".repeat(20_000);
    let invite = with(&request("INVITE"), &format!("Via: {many}a"));
    let sent = probe.receive(&invite);
    assert_eq!(statuses(&sent), [100, 486]);
    for response in sent {
        assert!(
            response.payload.len() < invite.len() + 512,
            "{} for {}",
            response.payload.len(),
            invite.len()
        );
    }
}

#[test]
fn a_response_that_no_datagram_holds_is_counted_and_not_repeated() {
    let rejection = Rejection::busy().with_warning(&"w".repeat(512)).unwrap();
    let mut probe = Probe::new(Verdict::Reject(Arc::new(rejection)));
    let invite = with(&request("INVITE"), &format!("Via: SIP/2.0/UDP {}", "a".repeat(65_000)));
    assert!(invite.len() < 65_535);
    assert_eq!(statuses(&probe.receive(&invite)), [100]);
    assert_eq!(probe.pass(seconds(40)).len(), 0);
    assert_eq!(probe.counter("dropped_too_long"), 1);
    assert_eq!(probe.ends(), [(Some(486), CallEnd::Unacknowledged)]);
}

#[test]
fn responses_are_bounded_in_bytes_and_what_is_beyond_is_answered_without_being_kept() {
    let limits = Limits { response_bytes: 100_000, ..Limits::default() };
    let config = Config { limits, ..Config::new(phone_address()) };
    let mut probe = Probe::of(config, account(), Shown::default().screen(Verdict::busy()));
    let invite = with(&request("INVITE"), &format!("Via: SIP/2.0/UDP {}", "a".repeat(20_000)));
    for number in 0..50 {
        let invite = other_call(&invite, number);
        let sent = probe.receive(&invite);
        assert_eq!(statuses(&sent).last(), Some(&486));
        if statuses(&sent).len() == 1 {
            probe.excuse(&invite);
        }
    }
    assert!(probe.counter("transactions") < 10);
    assert!(probe.counter("answered_stateless") > 40);
    probe.pass(seconds(40));
    assert_eq!(statuses(&probe.receive(other_call(&invite, 99))), [100, 486], "there is room again");
}

#[test]
fn undecided_calls_are_bounded_in_bytes() {
    let limits = Limits { undecided_bytes: 100_000, ..Limits::default() };
    let config = Config { limits, ..Config::new(phone_address()) };
    let mut probe = Probe::of(config, account(), Shown::default().screen(Verdict::Offer));
    let invite = with(&request("INVITE"), &format!("Subject: {}", "a".repeat(20_000)));
    let answers: Vec<u16> =
        (0..8).flat_map(|number| statuses(&probe.receive(other_call(&invite, number)))).collect();
    assert_eq!(answers, [100, 100, 100, 100, 100, 100, 503, 100, 503, 100, 503]);
}

#[test]
fn a_decided_call_leaves_no_wait_behind() {
    let mut probe = Probe::new(Verdict::Offer);
    for number in 0..100 {
        probe.receive(other_call(&request("INVITE"), number));
        let call = probe.offered();
        probe.act(|endpoint, now| assert_eq!(endpoint.reject(now, call, &Rejection::busy()), Decided::Sent));
    }
    probe.pass(seconds(33));
    // What is left is the hourly look-up of the line's peer.
    assert!(probe.endpoint.poll_timeout().unwrap() > probe.now() + seconds(700));
}

/// How many responses a stranger gets to an INVITE that he sends so many times, and to a CANCEL, in two minutes.
fn answers_to_stranger(verdict: Verdict, repetitions: usize) -> (usize, Vec<u16>) {
    let source = "203.0.113.66:5060".parse().unwrap();
    let mut probe = Probe::open(Shown::default().screen(verdict)).does_not_know(source);
    let mut sent = Vec::new();
    for _ in 0..repetitions {
        sent.extend(probe.receive_from(source, request("INVITE")));
        sent.extend(probe.pass(seconds(1)).into_iter().map(|(_, sent)| sent));
    }
    sent.extend(probe.receive_from(source, request("INVITE").replace("INVITE", "CANCEL")));
    sent.extend(probe.pass(seconds(120)).into_iter().map(|(_, sent)| sent));
    (repetitions + 1, statuses(&sent))
}

#[test]
fn one_datagram_of_an_unknown_source_is_answered_once_at_most() {
    let ringing = Verdict::Ring { limit: Some(seconds(60)) };
    for verdict in [Verdict::Reject(Rejection::busy().into()), ringing, Verdict::Offer] {
        for repetitions in [1, 2, 5] {
            let (datagrams, answers) = answers_to_stranger(verdict.clone(), repetitions);
            assert!(answers.len() <= datagrams, "{answers:?} to {datagrams} datagrams: {verdict:?}");
            assert!(answers.iter().any(|status| matches!(status, 486 | 487)), "{answers:?}");
        }
    }
}

#[test]
fn a_stranger_who_repeats_his_invite_hears_it_ring_and_no_100_that_ends_the_repetitions() {
    let source = "203.0.113.66:5060".parse().unwrap();
    let screen = Shown::default().screen(Verdict::Ring { limit: None });
    let mut probe = Probe::open(screen).does_not_know(source);
    assert_eq!(probe.receive_from(source, request("INVITE")), []);
    probe.pass(millis(500));
    assert_eq!(statuses(&probe.receive_from(source, request("INVITE"))), [180]);
    assert_eq!(statuses(&probe.receive_from(source, request("CANCEL"))), [200, 487]);
}

#[test]
fn a_stranger_whose_call_is_decided_late_hears_it_ring_and_its_answer_as_often_as_he_has_asked() {
    let source = "203.0.113.66:5060".parse().unwrap();
    let mut probe = Probe::open(Shown::default().screen(Verdict::Offer)).does_not_know(source);
    for wait in [500, 1000, 2000, 4000] {
        assert_eq!(probe.receive_from(source, request("INVITE")), []);
        assert_eq!(probe.pass(millis(wait)), []);
    }
    let call = probe.offered();
    let mut sent = probe.act(|endpoint, now| assert_eq!(endpoint.ring(now, call), Decided::Sent));
    sent.extend(probe.act(|endpoint, now| {
        assert_eq!(endpoint.reject(now, call, &Rejection::busy()), Decided::Sent);
    }));
    sent.extend(probe.pass(seconds(40)).into_iter().map(|(_, sent)| sent));
    assert_eq!(statuses(&sent), [180, 486, 486, 486]);
}

#[test]
fn nobody_has_responses_sent_to_a_third_unless_trusted() {
    let open = Account { is_open: true, ..account() };
    let config = Config::new(phone_address());
    let stranger = "203.0.113.5:5060".parse().unwrap();
    let screen = Shown::default().screen(Verdict::busy());
    let mut probe = Probe::of(config, open, screen).does_not_know(stranger);
    let invite = request("INVITE").replacen(";branch", ";maddr=198.51.100.77;branch", 1);
    let sent = probe.receive_from(stranger, &invite);
    assert!(sent.iter().all(|sent| sent.destination.ip() == stranger.ip()), "{sent:?}");
    let sent = probe.receive(other_call(&invite, 2));
    assert!(sent.iter().all(|sent| sent.destination.ip().to_string() == "198.51.100.77"), "{sent:?}");
}

#[test]
fn a_second_invite_in_the_early_dialog_of_a_ringing_call_is_to_come_later() {
    let mut probe = Probe::new(Verdict::Ring { limit: None });
    let ringing = probe.receive(request("INVITE")).pop().unwrap();
    let tag = ringing.message().to().unwrap().tag().unwrap().to_vec();
    let again = in_dialog(&other_branch(&request("INVITE"), 2), &String::from_utf8(tag).unwrap());
    let sent = probe.receive(again.replacen("314159", "314160", 1));
    assert_eq!(statuses(&sent), [500]);
    let wait: u32 = sent[0].header("Retry-After").unwrap().parse().unwrap();
    assert!(wait <= 10);
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.2
//= type=test
//# If the value of the "sent-by" parameter in that header field value does not correspond to a
//# value that the client transport is configured to insert into requests, the response MUST be
//# silently discarded.
//= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.2
//= type=test
//# If there is a match, the response MUST be passed to that transaction.
//= https://www.rfc-editor.org/rfc/rfc3261#section-18.3
//= type=test
//# If the message is a response, it MUST be discarded.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.9
//= type=test
//# If there is a match, the response MUST be passed to that transaction.
#[test]
fn a_response_that_is_not_whole_not_ours_or_not_sip_2_registers_nothing() {
    let registering = Account { is_registering: true, ..account() };
    let screen = || Shown::default().screen(Verdict::busy());
    let wrong: [fn(&str) -> String; 4] = [
        |ok| ok.replacen("Content-Length: 0", "Content-Length: 500", 1),
        |ok| ok.strip_suffix("\r\n").unwrap().to_owned(),
        |ok| ok.replacen("SIP/2.0 200", "SIP/7.0 200", 1),
        |ok| ok.replacen("Via: SIP/2.0/UDP 192.0.2.7:5060", "Via: SIP/2.0/UDP 203.0.113.7:9", 1),
    ];
    for make in wrong {
        let (mut probe, register) =
            Probe::registering(Config::new(phone_address()), registering.clone(), screen());
        let fields = ["Via", "From", "To", "Call-ID", "CSeq", "Contact"];
        let copied = fields.map(|name| format!("{name}: {}\r\n", register.header(name).unwrap())).concat();
        let ok = format!("SIP/2.0 200 OK\r\n{copied}Expires: 60\r\nContent-Length: 0\r\n\r\n");
        probe.receive(make(&ok));
        assert!(!probe.is_registered(), "{}", make(&ok));
        probe.receive(&ok);
        assert!(probe.is_registered());
    }
}

#[test]
fn a_source_that_has_had_its_share_waits_while_others_call_and_its_calls_are_cancelled() {
    let limits = Limits { requests_per_source: std::num::NonZeroU32::new(5), ..Limits::default() };
    let config = Config { limits, ..Config::new(phone_address()) };
    let mut probe = Probe::of(config, account(), Shown::default().screen(Verdict::Ring { limit: None }));
    for number in 0..5 {
        assert_eq!(statuses(&probe.receive(other_call(&request("INVITE"), number))), [100, 180]);
    }
    let beyond = other_call(&request("INVITE"), 5);
    probe.excuse(&beyond);
    let sent = probe.receive(&beyond);
    assert_eq!(statuses(&sent), [503]);
    assert!(String::from_utf8_lossy(&sent[0].payload).contains("\r\nRetry-After: 1\r\n"));
    assert_eq!(statuses(&probe.receive(&beyond)), [503]);
    assert_eq!(probe.counter("over_rate"), 2);
    assert_eq!(statuses(&probe.receive(other_call(&request("CANCEL"), 0))), [200, 487]);
    probe.pass(seconds(1));
    assert_eq!(statuses(&probe.receive(other_call(&request("INVITE"), 6))), [100, 180]);
}

/// An endpoint that takes five new requests of a source in a second.
fn with_share(account: Account, verdict: Verdict) -> Probe {
    let limits = Limits { requests_per_source: std::num::NonZeroU32::new(5), ..Limits::default() };
    let config = Config { limits, ..Config::new(phone_address()) };
    Probe::of(config, account, Shown::default().screen(verdict))
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.7
//= type=test
//# A stateless UAS MUST ignore CANCEL requests.
#[test]
fn a_share_counts_each_bye_and_cancel_of_no_call_and_nothing_is_kept_of_those_beyond() {
    for (method, beyond) in [("BYE", vec![481]), ("CANCEL", vec![])] {
        let mut probe = with_share(account(), Verdict::busy());
        for number in 0..100 {
            let stray = other_call(&request(method), number);
            probe.excuse(&stray);
            let expected = if number < 5 { vec![481] } else { beyond.clone() };
            assert_eq!(statuses(&probe.receive(&stray)), expected, "{method} {number}");
        }
        assert_eq!((probe.counter("transactions"), probe.counter("over_rate")), (5, 95), "{method}");
    }
}

#[test]
fn on_an_open_line_a_bye_beyond_the_share_is_not_answered() {
    let stranger = "203.0.113.5:5060".parse().unwrap();
    let open = Account { is_open: true, ..account() };
    let mut probe = with_share(open, Verdict::busy()).does_not_know(stranger);
    let answered = |number| probe.receive_from(stranger, other_call(&request("BYE"), number)).len();
    assert_eq!((0..100).map(answered).sum::<usize>(), 5);
}

#[test]
fn a_share_counts_requests_without_a_readable_via() {
    let mut probe = with_share(account(), Verdict::busy()).unjudged();
    let without_via = request("OPTIONS").replacen("Via: SIP/2.0/UDP 192.0.2.1:5060", "Via: nonsense", 1);
    let answered = |number| probe.receive(other_call(&without_via, number)).len();
    assert_eq!((0..100).map(answered).sum::<usize>(), 5);
    assert_eq!(probe.counter("over_rate"), 95);
}

#[test]
fn a_bye_that_ends_a_ringing_call_is_none_of_the_share() {
    let mut probe = with_share(account(), Verdict::Ring { limit: None });
    let ringing: Vec<_> = (0..5)
        .map(|number| probe.receive(other_call(&request("INVITE"), number)).pop().unwrap())
        .map(|ringing| String::from_utf8(ringing.message().to().unwrap().tag().unwrap().to_vec()).unwrap())
        .collect();
    let bye = |number: usize, cseq: &str| {
        in_dialog(&other_call(&request("BYE"), number), &ringing[number]).replacen("314159", cseq, 1)
    };
    let late = bye(0, "314158").replacen("z9hG4bK0", "z9hG4bK9", 1);
    assert_eq!(statuses(&probe.receive(late)), [503], "it ends no call");
    for number in 0..5 {
        assert_eq!(statuses(&probe.receive(bye(number, "314160"))), [200, 487]);
    }
}

#[test]
fn one_invite_of_rfc_2543_has_no_more_cancels_than_the_share() {
    let mut probe = with_share(account(), Verdict::busy()).unjudged();
    let of_rfc_2543 = |method| request(method).replacen(";branch=z9hG4bK776asdhds", "", 1);
    assert_eq!(statuses(&probe.receive(of_rfc_2543("INVITE"))), [100, 486]);
    let cancel = |number| in_dialog(&of_rfc_2543("CANCEL"), &format!("tag{number}"));
    let answered = |number| probe.receive(cancel(number)).len();
    assert_eq!((0..100).map(answered).sum::<usize>(), 4);
}

#[test]
fn an_invite_that_was_turned_away_is_told_the_same_when_there_is_room_again() {
    let mut probe = with_share(account(), Verdict::Ring { limit: None });
    (0..5).for_each(|number| assert_eq!(probe.receive(other_call(&request("INVITE"), number)).len(), 2));
    let beyond = other_call(&request("INVITE"), 5);
    probe.excuse(&beyond);
    let sent = probe.receive(&beyond);
    assert_eq!(statuses(&sent), [503]);
    for wait in [600, 1000, 2000, 4000, 4000, 20_000] {
        probe.pass(millis(wait));
        assert_eq!(probe.receive(&beyond), sent, "the same bytes");
    }
    assert_eq!(probe.receive(beyond.replace("INVITE", "CANCEL")), [], "there was no transaction");
    probe.excuse(&beyond);
    assert_eq!((probe.counter("invites"), probe.counter("over_rate")), (5, 7));
    probe.pass(millis(400));
    assert_eq!(statuses(&probe.receive(&beyond)), [100, 180], "nobody has repeated it for 32 s");
}
