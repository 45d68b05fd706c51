//! The forking proxy, and the phones of one account behind it.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

mod forking;

use std::sync::Arc;

use forking::{House, caller_address, proxy_address, seconds};
use ringfence_testing::{Binding, CallPlan, CalleePlan, Conditions, Forking, Outcome, ProxyConfig, Seeds};
use ringfence_ua::{EndedBy, Rejection, Screen, Verdict};
use ringfence_wire::sip::{Message, Method};

fn rings() -> Screen {
    Screen::each(|_| Verdict::Ring { limit: None })
}

fn rings_for(limit: u64) -> Screen {
    Screen::each(move |_| Verdict::Ring { limit: Some(seconds(limit)) })
}

fn rejects(status: u16) -> Screen {
    let rejection = Arc::new(Rejection::new(status).unwrap());
    Screen::each(move |_| Verdict::Reject(Arc::clone(&rejection)))
}

fn ignores() -> Screen {
    Screen::each(|_| Verdict::Ignore)
}

fn config() -> ProxyConfig {
    ProxyConfig::new(proxy_address())
}

#[test]
fn when_one_phone_answers_the_others_are_told_that_it_was_elsewhere() {
    let mut house = House::new(config(), vec![rings(), rings()]);
    house.add_callee(20, CalleePlan::default());
    let id = house.call();
    house.network.run_for(seconds(20));
    assert_eq!(house.get(id).outcome(), Some(&Outcome::Answered));
    for phone in 0..2 {
        assert_eq!(house.ends(phone), [(Some(487), EndedBy::Elsewhere)]);
    }
    house.assert_quiet();
}

#[test]
fn phones_that_are_rung_in_turn_ring_one_after_the_other() {
    let forking = Forking::Serial { ring: seconds(20) };
    let mut house = House::new(ProxyConfig { forking, ..config() }, vec![rings_for(7), rings()]);
    let id = house.call();
    house.network.run_for(seconds(19));
    assert_eq!((house.ends(1).len(), house.ends(0).len()), (0, 0));
    house.network.run_for(seconds(5));
    assert_eq!(house.ends(1), [(Some(487), EndedBy::Caller)], "the newest binding is rung first");
    assert_eq!(house.network.node(house.phones[0]).endpoint().counters().undecided_calls, 1);
    house.network.run_for(seconds(10));
    assert_eq!(house.finals(id), [487], "the first of two that are as good");
    house.assert_quiet();
}

#[test]
fn whoever_wants_it_nowhere_ends_it_everywhere() {
    let mut house = House::new(config(), vec![rings(), rejects(603)]);
    let id = house.call();
    house.network.run_for(seconds(2));
    assert_eq!(house.finals(id), [603]);
    assert_eq!(house.ends(0).first().map(|(status, _)| *status), Some(Some(487)));
    house.assert_quiet();
}

#[test]
fn of_several_rejections_the_caller_is_told_the_one_of_the_lowest_class() {
    for (statuses, best) in
        [([486, 302], 302), ([500, 486], 486), ([503, 503], 500), ([486, 604], 604), ([486, 484], 484)]
    {
        let screens = statuses.into_iter().map(|status| match status {
            302 => redirects(),
            _ => rejects(status),
        });
        let mut house = House::new(config(), screens.collect());
        let id = house.call();
        house.network.run_for(seconds(2));
        assert_eq!(house.finals(id), [best], "of {statuses:?}");
    }
}

fn redirects() -> Screen {
    let elsewhere = Arc::new(ringfence_ua::Redirection::new("sip:999@192.0.2.99").unwrap());
    Screen::each(move |_| Verdict::Redirect(Arc::clone(&elsewhere)))
}

#[test]
fn a_caller_who_gives_up_ends_it_everywhere() {
    let mut house = House::new(config(), vec![rings(), rings(), ignores()]);
    let plan = CallPlan {
        cancel_after: Some(seconds(5)),
        may_fork: true,
        ..CallPlan::new("1002", "sip:858@192.0.2.1")
    };
    let id = house.call_by(plan);
    house.network.run_for(seconds(60));
    assert_eq!(house.get(id).outcome(), Some(&Outcome::Cancelled));
    assert_eq!(
        (house.ends(0), house.ends(1)),
        (vec![(Some(487), EndedBy::Caller)], vec![(Some(487), EndedBy::Caller)])
    );
    house.assert_quiet();
}

#[test]
fn who_has_answered_too_late_is_hung_up_on() {
    let mut house = House::new(config(), Vec::new());
    let plan = CalleePlan { ring_after: None, answer: Some((seconds(1), 200)) };
    let (first, second) = (house.add_callee(20, plan), house.add_callee(21, plan));
    let id = house.call();
    house.network.run_for(seconds(30));
    assert_eq!(house.get(id).outcome(), Some(&Outcome::Answered));
    for callee in [first, second] {
        let heard = house.network.node(callee).messages().map(ringfence_testing::Record::first_line);
        let heard: Vec<_> = heard.collect();
        assert!(heard.iter().any(|line| line.starts_with("BYE ")), "{heard:?}");
    }
    house.assert_quiet();
}

#[test]
fn what_comes_by_again_or_too_often_is_sent_no_further() {
    let mut house = House::new(config(), Vec::new());
    let expires_at = house.network.clock().now() + seconds(1_000);
    let (contact, source) = ("sip:858@192.0.2.1".to_owned(), proxy_address());
    let binding = Binding { contact, source, expires_at, call_id: "loop".to_owned(), cseq: 1 };
    house.network.with(house.proxy, |proxy, _| proxy.add_binding("858", binding));
    let id = house.call();
    house.network.run_for(seconds(10));
    assert_eq!(house.finals(id), [482]);

    let options = "OPTIONS sip:858@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKm\r\nMax-Forwards: 0\r\n\
        From: <sip:a@a.example>;tag=1\r\nTo: <sip:858@192.0.2.1>\r\nCall-ID: hops\r\nCSeq: 1 OPTIONS\r\n\r\n";
    house.network.inject(caller_address(), proxy_address(), options.as_bytes());
    house.network.run_for(seconds(1));
    let last = house.network.packets().last().map(|packet| packet.payload.clone()).unwrap();
    assert!(last.starts_with(b"SIP/2.0 483 "), "{}", last.escape_ascii());
}

#[test]
fn later_requests_of_a_dialog_come_through_the_proxy() {
    let mut house = House::new(config(), Vec::new());
    let callee = house.add_callee(20, CalleePlan::default());
    house.call();
    house.network.run_for(seconds(20));
    let messages =
        house.network.node(callee).messages().map(|record| record.message.clone()).collect::<Vec<_>>();
    for method in [Method::Ack, Method::Bye] {
        let of_method = |bytes: &&Vec<u8>| Message::parse(bytes).is_ok_and(|it| it.method() == Some(method));
        let request = messages.iter().find(of_method).unwrap();
        let request = Message::parse(request).unwrap();
        assert_eq!(request.vias().count(), 2, "{method}");
        assert!(request.named("Route").next().is_none(), "{method}");
    }
}

#[test]
fn a_phone_that_says_nothing_more_is_given_up_when_timer_c_is_over() {
    let mut house = House::new(config(), vec![Screen::each(|_| Verdict::Offer)]);
    let id = house.call();
    house.network.run_for(seconds(180));
    assert_eq!(house.finals(id), [0_u16; 0]);
    house.network.run_for(seconds(5));
    assert_eq!((house.finals(id), house.ends(0)), (vec![487], vec![(Some(487), EndedBy::Caller)]));
    house.assert_quiet();
}

#[test]
fn a_phone_that_says_nothing_at_all_is_given_up_after_half_a_minute() {
    let mut house = House::new(config(), vec![ignores()]);
    let id = house.call();
    house.network.run_for(seconds(31));
    assert_eq!(house.finals(id), [0_u16; 0]);
    house.network.run_for(seconds(2));
    assert_eq!(house.finals(id), [408]);
    house.assert_quiet();
}

//= https://www.rfc-editor.org/rfc/rfc6026#section-8.2
//= type=test
//# If none is found, the element MUST NOT
//# forward the response.
#[test]
fn a_proxy_that_was_switched_off_passes_back_nothing_of_what_it_had_begun() {
    let mut house = House::new(config(), vec![rings_for(10)]);
    let plan = CallPlan { cancel_after: Some(seconds(30)), ..CallPlan::new("1002", "sip:858@192.0.2.1") };
    let id = house.call_by(plan);
    house.network.run_for(seconds(5));
    house.network.with(house.proxy, |proxy, _| proxy.restart());
    house.network.run_for(seconds(120));
    assert_eq!(
        (house.get(id).statuses(), house.get(id).outcome()),
        (vec![100, 180], Some(&Outcome::Cancelled))
    );
    assert_eq!(house.ends(0), [(Some(480), EndedBy::Limit)]);
    house.assert_quiet();
}

#[test]
fn in_a_bad_network_each_caller_has_one_final_response_and_nothing_is_left() {
    for seed in Seeds::new(0..30) {
        let mut house = House::new(config(), vec![rings(), rings_for(4), rejects(486)]);
        house.add_callee(
            20,
            CalleePlan { ring_after: Some(seconds(1)), answer: Some((seconds(1 + seed % 9), 200)) },
        );
        let conditions =
            Conditions { loss: 0.3, duplication: 0.2, jitter: seconds(1), ..Conditions::default() };
        house.network.set_conditions(conditions);
        let calls: Vec<_> = (0..3).map(|_| house.call()).collect();
        house.network.run_for(seconds(150));
        house.network.set_conditions(Conditions::default());
        for id in calls {
            assert_eq!(house.finals(id), [200], "seed {seed}: {:?}", house.get(id).outcome());
            assert_eq!(house.get(id).faults(), [""; 0]);
        }
        house.assert_quiet();
    }
}
