//! Incoming calls that are not accepted: RFC 3261 sections 9 and 17.2.1, RFC 3665 section 3, in the simulated network.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod scene;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ringfence_testing::{CallId, CallPlan, Network, Outcome, Pbx, PbxConfig, Phone, Record};
use ringfence_ua::{
    Account, CallEnd, CallNumber, Config, Decided, Event, Limits, Redirection, Rejection, Screen, Verdict,
};
use ringfence_wire::sip::HeaderName;

use scene::{Scene, account, bad_network, pbx_address, phone_address, seconds, stranger_address};

fn plan() -> CallPlan {
    CallPlan::new("+41445551234", "858")
}

fn reject() -> Screen {
    Screen::each(|_| Verdict::Reject(Arc::new(Rejection::busy().with_warning("User reject").unwrap())))
}

fn ring(limit: Option<Duration>) -> Screen {
    Screen::each(move |_| Verdict::Ring { limit })
}

/// A screen that counts how often it is asked.
fn counted(mut screen: Screen) -> (Screen, Arc<AtomicU32>) {
    let count = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&count);
    let screen = Screen::together(move |invites, verdicts| {
        counter.fetch_add(u32::try_from(invites.len()).unwrap(), Ordering::Relaxed);
        screen.decide(invites, verdicts);
    });
    (screen, count)
}

fn busy() -> Outcome {
    Outcome::Rejected {
        status: 486,
        reason: "Busy Here".into(),
        warning: Some("399 ringfence \"User reject\"".into()),
    }
}

fn rejected(status: u16) -> impl Fn(&Outcome) -> bool {
    move |outcome| outcome.status() == Some(status)
}

/// The number of the call that the phone was offered last.
fn offered(scene: &Scene) -> CallNumber {
    let mut events = scene.phone().events().iter().rev();
    events
        .find_map(|(_, event)| if let Event::Incoming { call, .. } = event { Some(*call) } else { None })
        .unwrap()
}

/// How the phone says its calls ended.
fn ends(scene: &Scene) -> Vec<(Option<u16>, CallEnd)> {
    let events = scene.phone().events().iter();
    events
        .filter_map(
            |(_, event)| {
                if let Event::Ended { status, end, .. } = event { Some((*status, *end)) } else { None }
            },
        )
        .collect()
}

mod rejected {
    use super::*;

    /// RFC 3665 section 3.9.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-13.1
    //= type=test
    //# A UA that supports INVITE MUST also support ACK, CANCEL and BYE.
    #[test]
    fn an_unwanted_call_gets_100_and_486_and_its_ack_is_absorbed() {
        let mut scene = Scene::with_screen(1, reject());
        let id = scene.call(plan());
        scene.run(seconds(60));
        assert_eq!(scene.get(id).statuses(), [100, 486]);
        assert_eq!(scene.get(id).outcome(), Some(&busy()));
        assert!(scene.get(id).faults().is_empty(), "{:?}", scene.get(id).faults());
        let messages: Vec<_> = scene.pbx().messages_of(id).map(Record::first_line).collect();
        assert_eq!(messages.len(), 4, "{messages:?}"); // INVITE, 100, 486, ACK and nothing more
        assert_eq!(ends(&scene), [(Some(486), CallEnd::Acknowledged)]);
    }

    #[test]
    fn a_lost_invite_is_answered_when_it_is_repeated() {
        let (screen, asked) = counted(reject());
        let mut scene = Scene::with_screen(1, screen);
        scene.network.cut_off(phone_address());
        let id = scene.call(plan());
        scene.run(seconds(2));
        scene.network.reconnect(phone_address());
        scene.run(seconds(60));
        assert_eq!(scene.get(id).outcome(), Some(&busy()));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn without_an_ack_486_is_repeated_on_timer_g_until_timer_h() {
        let mut scene = Scene::with_screen(1, reject());
        scene.call(CallPlan { acks_left_out: u32::MAX, ..plan() });
        scene.run(Duration::from_millis(1));
        let start = scene.now();
        scene.run(seconds(60));
        let at: Vec<u128> = scene
            .statuses_sent_since(start)
            .into_iter()
            .filter(|(status, _)| *status == 486)
            .map(|(_, at)| at)
            .collect();
        let expected = [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500];
        assert_eq!(at, expected);
        assert_eq!(ends(&scene), [(Some(486), CallEnd::Unacknowledged)]);
    }

    #[test]
    fn the_first_ack_that_arrives_ends_the_repetitions() {
        let mut scene = Scene::with_screen(1, reject());
        let id = scene.call(CallPlan { acks_left_out: 3, ..plan() });
        scene.run(seconds(60));
        let finals = scene.get(id).answers().iter().filter(|answer| answer.is_final()).count();
        assert_eq!(finals, 4);
        assert_eq!(ends(&scene), [(Some(486), CallEnd::Acknowledged)]);
    }

    #[test]
    fn an_invite_that_comes_again_is_answered_again_by_the_transaction_alone() {
        let (screen, asked) = counted(reject());
        let mut scene = Scene::with_screen(1, screen);
        let id = scene.call(CallPlan { acks_left_out: 1, ..plan() });
        scene.run(Duration::from_millis(100));
        let invite = scene.pbx().messages_of(id).next().unwrap().message.clone();
        scene.network.inject(pbx_address(), phone_address(), &invite);
        scene.run(Duration::from_millis(100));
        let finals = scene.get(id).answers().iter().filter(|answer| answer.is_final()).count();
        assert_eq!((finals, asked.load(Ordering::Relaxed)), (2, 1));
    }

    #[test]
    fn a_late_invite_is_a_new_call_that_gets_the_same_answer() {
        let mut scene = Scene::with_screen(1, reject());
        let id = scene.call(plan());
        scene.run(seconds(40));
        let invite = scene.pbx().messages_of(id).next().unwrap().message.clone();
        scene.network.inject(pbx_address(), phone_address(), &invite);
        scene.run(seconds(40));
        assert_eq!(scene.get(id).statuses(), [100, 486, 100, 486]);
        assert!(scene.get(id).faults().is_empty(), "{:?}", scene.get(id).faults());
        assert_eq!(ends(&scene), [(Some(486), CallEnd::Acknowledged); 2]);
    }

    #[test]
    fn nothing_is_kept_of_a_call_that_is_over() {
        let mut scene = Scene::with_screen(1, reject());
        scene.call(plan());
        scene.run(seconds(1));
        assert!(scene.phone().endpoint().counters().transactions > 0);
        scene.run(seconds(64));
        assert_eq!(scene.phone().endpoint().counters().transactions, 0);
    }

    #[test]
    fn a_caller_of_rfc_2543_is_answered_and_its_ack_absorbed() {
        let mut scene = Scene::with_screen(1, reject());
        let id = scene.call(CallPlan { has_no_branch: true, ..plan() });
        scene.run(seconds(60));
        assert_eq!(scene.get(id).outcome(), Some(&busy()));
        assert_eq!(ends(&scene), [(Some(486), CallEnd::Acknowledged)]);
    }

    #[test]
    fn calls_are_rejected_over_ipv6() {
        let (pbx_address, phone_address) = ("[2001:db8::1]:5060", "[2001:db8::7]:5060");
        let mut network = Network::new(1);
        let mut pbx = Pbx::new(PbxConfig::new(pbx_address.parse().unwrap()), 1);
        pbx.add_user("858", "secret");
        let pbx = network.add(pbx_address.parse().unwrap(), pbx);
        let phone = Phone::new(phone_address.parse().unwrap(), 1).with_screen(reject());
        let phone = network.add(phone_address.parse().unwrap(), phone);
        let account = Account { domain: "[2001:db8::1]".into(), ..account() };
        network.with(phone, |it, now| it.act(now, |endpoint| endpoint.add_line(now, account))).unwrap();
        network.run_for(seconds(1));
        let id = network.with(pbx, |pbx, now| pbx.call(now, plan()));
        network.run_for(seconds(60));
        assert_eq!(network.node(pbx).get(id).outcome(), Some(&busy()));
        assert!(network.node(pbx).get(id).faults().is_empty());
    }

    #[test]
    fn one_of_two_merged_invites_is_a_loop() {
        let (screen, asked) = counted(ring(None));
        let mut scene = Scene::with_screen(1, screen);
        let contact = scene.pbx().bindings("858")[0].contact.clone();
        let plan = CallPlan { to: contact, ..plan() };
        let (one, two) = scene.network.with(scene.stranger, |caller, now| {
            let one = caller.call(now, phone_address(), plan);
            (one, caller.merge(now, one))
        });
        scene.run(seconds(5));
        let caller = scene.network.node(scene.stranger);
        assert_eq!(caller.get(one).statuses(), [100, 180]);
        assert!(caller.get(two).outcome().is_some_and(rejected(482)), "{:?}", caller.get(two).outcome());
        assert_eq!(asked.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_redirected_call_is_told_where_to() {
        let target = Arc::new(Redirection::new("sip:1000@192.0.2.1").unwrap());
        let mut scene = Scene::with_screen(1, Screen::each(move |_| Verdict::Redirect(Arc::clone(&target))));
        let id = scene.call(plan());
        scene.run(seconds(60));
        let contacts = vec!["sip:1000@192.0.2.1".to_owned()];
        assert_eq!(scene.get(id).outcome(), Some(&Outcome::Redirected { status: 302, contacts }));
    }

    #[test]
    fn an_ignored_call_hears_nothing_at_all() {
        let mut scene = Scene::with_screen(1, Screen::each(|_| Verdict::Ignore));
        let id = scene.call(CallPlan { cancel_after: Some(seconds(5)), ..plan() });
        scene.run(seconds(60));
        assert_eq!(scene.get(id).statuses(), []);
        assert_eq!(scene.get(id).outcome(), Some(&Outcome::TimedOut));
    }

    #[test]
    fn each_call_is_rejected_whatever_the_network_does() {
        for seed in 0..1000 {
            let (screen, asked) = counted(reject());
            let mut scene = Scene::with_screen(seed, screen);
            scene.network.set_conditions(bad_network());
            let id = scene.call(plan());
            scene.run(seconds(70));
            assert_eq!(scene.get(id).outcome(), Some(&busy()));
            assert!(scene.get(id).faults().is_empty(), "{:?}", scene.get(id).faults());
            assert_eq!(asked.load(Ordering::Relaxed), 1, "decided once");
            assert_eq!(ends(&scene), [(Some(486), CallEnd::Acknowledged)]);
            assert_eq!(scene.phone().endpoint().counters().undecided_calls, 0);
        }
    }
}

mod offered {
    use super::*;

    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
    //= type=test
    //# The request MUST be passed to the TU.
    #[test]
    fn a_call_that_the_application_decides_gets_100_at_once() {
        let mut scene = Scene::new(1).registered();
        let id = scene.call(plan());
        scene.run(Duration::from_millis(200));
        assert_eq!(scene.get(id).statuses(), [100]);
        let call = offered(&scene);
        let decided = scene.with_endpoint(|endpoint, now| endpoint.reject(now, call, &Rejection::busy()));
        assert_eq!(decided, Decided::Sent);
        scene.run(seconds(1));
        assert_eq!(scene.get(id).statuses(), [100, 486]);
    }

    #[test]
    fn deciding_twice_changes_nothing() {
        let mut scene = Scene::new(1).registered();
        let id = scene.call(plan());
        scene.run(seconds(1));
        let call = offered(&scene);
        let decline = Rejection::new(603).unwrap();
        let (first, second) = scene.with_endpoint(|endpoint, now| {
            (endpoint.reject(now, call, &Rejection::busy()), endpoint.reject(now, call, &decline))
        });
        assert_eq!((first, second), (Decided::Sent, Decided::Gone));
        scene.run(seconds(1));
        assert_eq!(scene.get(id).statuses(), [100, 486]);
    }

    #[test]
    fn a_call_that_nobody_decides_ends_with_480() {
        let mut scene = Scene::new(1).registered();
        let id = scene.call(plan());
        scene.run(seconds(601));
        assert!(scene.get(id).outcome().is_some_and(rejected(480)), "{:?}", scene.get(id).outcome());
    }

    #[test]
    fn every_status_of_a_rejection_arrives_as_it_was_chosen() {
        let mut scene = Scene::new(1).registered();
        for status in [400, 403, 404, 433, 480, 486, 500, 503, 600, 603, 607, 608, 699] {
            let id = scene.call(plan());
            scene.run(seconds(1));
            let call = offered(&scene);
            let rejection = Rejection::new(status).unwrap();
            scene.with_endpoint(|endpoint, now| endpoint.reject(now, call, &rejection));
            scene.run(seconds(1));
            assert_eq!(scene.get(id).statuses(), [100, status]);
        }
    }
}

mod cancelled {
    use super::*;

    /// RFC 3665 section 3.8.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.4
    //= type=test
    //# It MUST be the same for all requests and responses sent by either UA in a dialog.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //= type=test
    //# The From field of the response MUST equal the From header field of the request.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //= type=test
    //# The Call-ID header field of the response MUST equal the Call-ID header field of the request.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //= type=test
    //# The CSeq header field of the response MUST equal the CSeq field of the request.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20
    //= type=test
    //# A mandatory response header field MUST be present in the response
    //= https://www.rfc-editor.org/rfc/rfc3261#section-13.1
    //= type=test
    //# A UA that supports INVITE MUST also support ACK, CANCEL and BYE.
    #[test]
    fn cancel_before_the_final_response_gets_200_and_487() {
        let mut scene = Scene::new(1).registered();
        let id = scene.call(CallPlan { cancel_after: Some(seconds(3)), ..plan() });
        scene.run(seconds(60));
        assert_eq!(scene.get(id).statuses(), [100, 487]);
        assert_eq!(scene.get(id).outcome(), Some(&Outcome::Cancelled));
        assert!(scene.get(id).faults().is_empty(), "{:?}", scene.get(id).faults());
        assert_eq!(ends(&scene), [(Some(487), CallEnd::Acknowledged)]);
        let call = offered(&scene);
        let decided = scene.with_endpoint(|endpoint, now| endpoint.reject(now, call, &Rejection::busy()));
        assert_eq!(decided, Decided::Gone);
    }

    #[test]
    fn the_application_is_told_of_a_cancelled_call() {
        let mut scene = Scene::new(1).registered();
        scene.call(CallPlan { cancel_after: Some(seconds(3)), ..plan() });
        scene.run(seconds(10));
        let call = offered(&scene);
        let is_told = |event: &Event| matches!(event, Event::Cancelled { call: found } if *found == call);
        assert_eq!(scene.phone().events().iter().filter(|(_, event)| is_told(event)).count(), 1);
    }

    #[test]
    fn cancel_after_the_final_response_gets_200_and_changes_nothing() {
        let mut scene = Scene::with_screen(1, reject());
        let id = scene.call(CallPlan { acks_left_out: 1, ..plan() });
        scene.run(Duration::from_millis(100));
        let invite = scene.pbx().messages_of(id).next().unwrap().message.clone();
        let cancel = String::from_utf8(invite).unwrap().replace("INVITE sip", "CANCEL sip");
        let cancel = cancel.replace("1 INVITE", "1 CANCEL");
        let start = scene.now();
        scene.network.inject(pbx_address(), phone_address(), cancel.as_bytes());
        scene.run(Duration::from_millis(100));
        assert_eq!(scene.statuses_sent_since(start), [(200, 1)]);
        scene.run(seconds(60));
        assert_eq!(scene.get(id).outcome(), Some(&busy()));
    }

    #[test]
    fn cancel_of_no_call_gets_481() {
        let mut scene = Scene::new(1).registered();
        let cancel = "CANCEL sip:858@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnone\r\n\
            Max-Forwards: 70\r\nFrom: <sip:1@192.0.2.1>;tag=1\r\nTo: <sip:858@192.0.2.1>\r\n\
            Call-ID: none\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n";
        let start = scene.now();
        scene.network.inject(pbx_address(), phone_address(), cancel.as_bytes());
        scene.run(seconds(1));
        assert_eq!(scene.statuses_sent_since(start), [(481, 1)]);
    }

    #[test]
    fn a_ringing_call_ends_by_its_limit_or_by_its_caller() {
        let mut scene = Scene::with_screen(1, ring(Some(seconds(20))));
        let patient = scene.call(plan());
        let impatient = scene.call(CallPlan { cancel_after: Some(seconds(10)), ..plan() });
        scene.run(seconds(60));
        assert_eq!(scene.get(patient).statuses(), [100, 180, 480]);
        assert_eq!(scene.get(impatient).statuses(), [100, 180, 487]);
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-13.3.1.1
    //= type=test
    //# Each of these MUST indicate the same dialog ID.
    #[test]
    fn ringing_is_repeated_each_minute() {
        let mut scene = Scene::with_screen(1, ring(None));
        let id = scene.call(plan());
        scene.run(seconds(200));
        let ringing: Vec<_> = scene.get(id).answers().iter().filter(|answer| answer.status == 180).collect();
        assert_eq!(ringing.len(), 4);
        assert!(ringing.iter().all(|answer| answer.to_tag.is_some() && answer.to_tag == ringing[0].to_tag));
        assert!(scene.get(id).faults().is_empty(), "{:?}", scene.get(id).faults());
    }

    /// The caller gives up about when the limit ends the call: both must say the same of how it ended.
    #[test]
    fn caller_and_callee_agree_on_the_end_whatever_the_network_does() {
        for seed in 0..1000 {
            let mut scene = Scene::with_screen(seed, ring(Some(seconds(2))));
            scene.network.set_conditions(bad_network());
            let cancel_after = Some(Duration::from_millis(1000 + 2 * seed));
            let id = scene.call(CallPlan { cancel_after, ..plan() });
            scene.run(seconds(120));
            let call = scene.get(id);
            let ended = ends(&scene);
            assert_eq!(ended.len(), 1, "{ended:?}");
            match call.outcome() {
                Some(Outcome::Cancelled) => assert_eq!(ended[0].0, Some(487)),
                Some(Outcome::Rejected { status: 480, .. }) => assert_eq!(ended[0].0, Some(480)),
                other => panic!("{other:?}, {:?}", call.statuses()),
            }
            assert!(call.faults().is_empty(), "{:?}", call.faults());
            assert_eq!(scene.phone().endpoint().counters().undecided_calls, 0);
        }
    }
}

mod admitted {
    use super::*;

    #[test]
    fn a_stranger_is_dropped_unanswered_and_counted() {
        let (screen, asked) = counted(reject());
        let mut scene = Scene::with_screen(1, screen);
        scene.network.does_not_know(scene.phone, stranger_address().ip());
        let id = scene.network.with(scene.stranger, |caller, now| caller.call(now, phone_address(), plan()));
        scene.run(seconds(60));
        let caller = scene.network.node(scene.stranger);
        assert_eq!(caller.get(id).outcome(), Some(&Outcome::TimedOut));
        assert_eq!(asked.load(Ordering::Relaxed), 0);
        assert_eq!(scene.phone().endpoint().counters().dropped_stranger, 7);
    }

    #[test]
    fn a_gateway_that_was_given_our_contact_may_ring() {
        let mut scene = Scene::with_screen(1, reject());
        let contact = scene.pbx().bindings("858")[0].contact.clone();
        let plan = CallPlan { to: contact, ..plan() };
        let id = scene.network.with(scene.stranger, |caller, now| caller.call(now, phone_address(), plan));
        scene.run(seconds(60));
        assert_eq!(scene.network.node(scene.stranger).get(id).outcome(), Some(&busy()));
    }

    #[test]
    fn an_open_line_and_a_configured_peer_let_strangers_ring() {
        let mut open = account();
        open.is_open = true;
        let mut with_peer = account();
        with_peer.extras_mut().peers = vec![stranger_address().ip()];
        for account in [open, with_peer] {
            let phone = Phone::new(phone_address(), 1).with_screen(reject());
            let mut scene = Scene::of(1, PbxConfig::new(pbx_address()), account, phone).registered();
            let id = scene.network.with(scene.stranger, |it, now| it.call(now, phone_address(), plan()));
            scene.run(seconds(60));
            assert_eq!(scene.network.node(scene.stranger).get(id).outcome(), Some(&busy()));
        }
    }

    #[test]
    fn a_guessed_token_is_a_strangers() {
        let mut scene = Scene::with_screen(1, reject());
        let contact = scene.pbx().bindings("858")[0].contact.clone();
        let (rest, token) = contact.split_once("line=").unwrap();
        let guess = format!("{rest}line={}", "a".repeat(token.len()));
        let plan = CallPlan { to: guess, ..plan() };
        scene.network.does_not_know(scene.phone, stranger_address().ip());
        let id = scene.network.with(scene.stranger, |caller, now| caller.call(now, phone_address(), plan));
        scene.run(seconds(60));
        assert_eq!(scene.network.node(scene.stranger).get(id).statuses(), []);
    }
}

mod bounded {
    use super::*;

    fn with_limits(limits: Limits, screen: Option<Screen>) -> Scene {
        let config = Config { limits, ..Config::new(phone_address()) };
        let mut phone = Phone::with_config(config, 1);
        if let Some(screen) = screen {
            phone = phone.with_screen(screen);
        }
        Scene::of(1, PbxConfig::new(pbx_address()), account(), phone).registered()
    }

    #[test]
    fn without_room_for_a_transaction_a_call_is_rejected_all_the_same() {
        let mut scene = with_limits(Limits { server_transactions: 2, ..Limits::default() }, Some(reject()));
        let ids: Vec<CallId> = (0..10).map(|_| scene.call(plan())).collect();
        scene.run(seconds(60));
        for id in ids {
            assert_eq!(scene.get(id).outcome(), Some(&busy()));
            assert!(scene.get(id).faults().is_empty(), "{:?}", scene.get(id).faults());
        }
        assert!(scene.phone().endpoint().counters().answered_stateless >= 8);
    }

    #[test]
    fn what_would_have_to_wait_without_room_is_told_when_to_come_back() {
        let mut scene = with_limits(Limits { undecided_calls: 1, ..Limits::default() }, None);
        let (first, second) = (scene.call(plan()), scene.call(plan()));
        scene.run(seconds(5));
        assert_eq!(scene.get(first).statuses(), [100]);
        assert_eq!(scene.get(second).statuses(), [100, 503]);
    }
}

mod outside_calls {
    use super::*;

    /// Sends the phone a request of its PBX and returns the status codes of the answers.
    fn statuses_of(method: &str, to: &str) -> Vec<u16> {
        let mut scene = Scene::new(1).registered();
        let request = format!(
            "{method} sip:858@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx\r\n\
            Max-Forwards: 70\r\nFrom: <sip:1@192.0.2.1>;tag=1\r\nTo: {to}\r\nCall-ID: x\r\n\
            CSeq: 7 {method}\r\nContact: <sip:1@192.0.2.1>\r\nContent-Length: 0\r\n\r\n"
        );
        let start = scene.now();
        scene.network.inject(pbx_address(), phone_address(), request.as_bytes());
        scene.run(seconds(1));
        scene.statuses_sent_since(start).into_iter().map(|(status, _)| status).collect()
    }

    #[test]
    fn options_is_answered_with_what_the_phone_can_do() {
        let mut scene = Scene::new(1).registered();
        let request = "OPTIONS sip:858@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx\r\n\
            Max-Forwards: 70\r\nFrom: <sip:1@192.0.2.1>;tag=1\r\nTo: <sip:858@192.0.2.1>\r\nCall-ID: x\r\n\
            CSeq: 7 OPTIONS\r\nContent-Length: 0\r\n\r\n";
        scene.network.inject(pbx_address(), phone_address(), request.as_bytes());
        scene.run(seconds(1));
        let sent = scene.sent();
        let response = &sent.last().unwrap().1;
        assert_eq!(response.status().unwrap().as_u16(), 200);
        for name in [HeaderName::Allow, HeaderName::Accept, HeaderName::Supported] {
            assert!(response.has(name), "{name}");
        }
    }

    #[test]
    fn stray_requests_of_a_dialog_get_481_and_a_stray_ack_silence() {
        let in_dialog = "<sip:858@192.0.2.1>;tag=gone";
        assert_eq!(statuses_of("BYE", in_dialog), [481]);
        assert_eq!(statuses_of("BYE", "<sip:858@192.0.2.1>"), [481]);
        assert_eq!(statuses_of("INVITE", in_dialog).last(), Some(&481));
        assert_eq!(statuses_of("ACK", in_dialog), []);
    }

    #[test]
    fn other_methods_are_refused_by_what_is_known_of_them() {
        assert_eq!(statuses_of("SUBSCRIBE", "<sip:858@192.0.2.1>"), [405]);
        assert_eq!(statuses_of("FROBNICATE", "<sip:858@192.0.2.1>"), [501]);
    }
}
