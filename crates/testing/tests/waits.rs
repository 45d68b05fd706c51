//! Calls that wait: who stands aside, is silent until CANCEL, or rings for a while and then answers otherwise
//! (RFC 3261 sections 9.2, 13.3.1 and 15.1.2).

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod probe;
mod scene;

use std::sync::Arc;
use std::time::Duration;

use ringfence_testing::{CallPlan, Outcome};
use ringfence_ua::{
    CallEnd, Config, Decided, EndedBy, Endpoint, Event, Limits, Redirection, Rejection, Verdict, Wait,
};

use probe::{
    Probe, Sent, Shown, account, ack, in_dialog, millis, phone_address, request, seconds, statuses, with,
};
use scene::{Scene, bad_network};

fn decline() -> Arc<Rejection> {
    Arc::new(Rejection::new(603).unwrap())
}

fn mailbox() -> Arc<Redirection> {
    Arc::new(Redirection::new("sip:mailbox@192.0.2.1").unwrap())
}

/// 180, 3 s, 480.
fn aside() -> Wait {
    Wait::ringing(seconds(3))
}

/// Nothing for 20 s, then 603.
fn silence() -> Wait {
    Wait::silent(seconds(20)).then_reject(decline())
}

/// 180 for 20 s, then 302.
fn ring_then_redirect() -> Wait {
    Wait::ringing(seconds(20)).then_redirect(mailbox())
}

fn waiting(wait: Wait) -> Probe {
    Probe::new(Verdict::Wait(wait))
}

fn cancel(invite: &str) -> String {
    invite.replacen("INVITE ", "CANCEL ", 1).replacen(" INVITE\r\n", " CANCEL\r\n", 1)
}

/// When something was sent, in milliseconds, and its status.
fn times(sent: &[(Duration, Sent)]) -> Vec<(u128, u16)> {
    sent.iter().map(|(at, sent)| (at.as_millis(), sent.status())).collect()
}

/// The first final answer within a time, which is acknowledged.
fn final_answer(probe: &mut Probe, within: Duration) -> (u128, Sent) {
    let (at, last) = probe.pass(within).into_iter().find(|(_, sent)| sent.status() >= 200).unwrap();
    assert_eq!(probe.receive(ack(&request("INVITE"), &last)), []);
    (at.as_millis(), last)
}

mod until_the_limit {
    use super::*;

    #[test]
    fn who_stands_aside_rings_and_is_unavailable_after_its_hold() {
        let mut probe = waiting(aside());
        assert_eq!(statuses(&probe.receive(request("INVITE"))), [100, 180]);
        let (at, last) = final_answer(&mut probe, seconds(3));
        assert_eq!((at, last.status()), (3000, 480));
        assert_eq!(probe.ended_by(), [(EndedBy::Limit, Some(480))]);
        assert_eq!((probe.counter("rung"), probe.counter("held"), probe.counter("expired")), (1, 0, 1));
    }

    #[test]
    fn who_is_silent_says_100_at_once_and_nothing_before_the_limit() {
        let mut probe = waiting(silence());
        assert_eq!(statuses(&probe.receive(request("INVITE"))), [100]);
        assert_eq!(probe.pass(millis(19_999)), []);
        assert_eq!(times(&probe.pass(millis(1))), [(1, 603)]);
        assert_eq!((probe.counter("rung"), probe.counter("held"), probe.counter("expired")), (0, 1, 1));
    }

    #[test]
    fn silence_without_a_limit_of_its_own_lasts_ten_minutes() {
        let mut probe = waiting(Wait::silent(Duration::MAX));
        probe.receive(request("INVITE"));
        let (at, last) = final_answer(&mut probe, seconds(600));
        assert_eq!((at, last.status()), (600_000, 480));
    }

    #[test]
    fn who_rings_for_a_while_answers_what_was_chosen_then() {
        let mut probe = waiting(ring_then_redirect());
        assert_eq!(statuses(&probe.receive(request("INVITE"))), [100, 180]);
        let (at, last) = final_answer(&mut probe, seconds(20));
        assert_eq!((at, last.status()), (20_000, 302));
        assert_eq!(last.header("Contact").as_deref(), Some("<sip:mailbox@192.0.2.1>"));
        assert_eq!(probe.ends(), [(Some(302), CallEnd::Acknowledged)]);
    }

    /// So that no proxy gives up meanwhile.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-13.3.1.1
    //= type=test
    //# To prevent cancellation, the UAS MUST send a non-100
    //# provisional response at every minute, to handle the possibility of
    //# lost provisional responses.
    #[test]
    fn a_long_wait_reminds_each_minute_of_its_ringing_and_silence_never() {
        let mut probe = waiting(Wait::ringing(seconds(150)).then_reject(decline()));
        probe.receive(request("INVITE"));
        assert_eq!(times(&probe.pass(seconds(150))), [(60_000, 180), (120_000, 180), (150_000, 603)]);
        let mut probe = waiting(Wait::silent(seconds(150)).then_reject(decline()));
        probe.receive(request("INVITE"));
        assert_eq!(times(&probe.pass(seconds(150))), [(150_000, 603)]);
    }

    #[test]
    fn the_final_answer_is_repeated_until_its_ack() {
        let mut probe = waiting(silence());
        probe.receive(request("INVITE"));
        let sent = probe.pass(seconds(22));
        assert_eq!(times(&sent), [(20_000, 603), (20_500, 603), (21_500, 603)]);
        assert_eq!(probe.receive(ack(&request("INVITE"), &sent[0].1)), []);
        assert_eq!(probe.pass(seconds(64)), []);
    }

    #[test]
    fn a_wait_of_no_time_is_answered_at_once() {
        let mut probe = waiting(Wait::silent(Duration::ZERO).then_redirect(mailbox()));
        assert_eq!(statuses(&probe.receive(request("INVITE"))), [100]);
        assert_eq!(times(&probe.pass(Duration::ZERO)), [(0, 302)]);
    }

    #[test]
    fn nothing_is_kept_of_a_wait_that_is_over() {
        for wait in [aside(), silence(), ring_then_redirect()] {
            let mut probe = waiting(wait);
            probe.receive(request("INVITE"));
            assert_eq!((probe.counter("transactions"), probe.counter("undecided_calls")), (1, 1));
            final_answer(&mut probe, seconds(20));
            probe.pass(seconds(64));
            assert_eq!((probe.counter("transactions"), probe.counter("undecided_calls")), (0, 0));
        }
    }
}

mod cancelled {
    use super::*;

    //= https://www.rfc-editor.org/rfc/rfc3261#section-9.2
    //= type=test
    //# If the original request was an INVITE, the UAS
    //# SHOULD immediately respond to the INVITE with a 487 (Request
    //# Terminated).
    #[test]
    fn a_cancel_ends_each_wait_at_any_moment_before_its_limit() {
        for wait in [aside(), silence(), ring_then_redirect()] {
            for moment in [0, 1, 500, 2999] {
                let mut probe = waiting(wait.clone());
                let invite = request("INVITE");
                probe.receive(&invite);
                probe.pass(millis(moment));
                let sent = probe.receive(cancel(&invite));
                assert_eq!(statuses(&sent), [200, 487], "{wait:?} after {moment} ms");
                assert_eq!(probe.receive(ack(&invite, &sent[1])), []);
                assert_eq!(probe.pass(seconds(700)), []);
                assert_eq!(probe.ended_by(), [(EndedBy::Caller, Some(487))]);
                assert_eq!((probe.counter("cancelled"), probe.counter("expired")), (1, 0));
            }
        }
    }

    #[test]
    fn a_cancel_of_the_caller_ends_a_call_whose_line_is_gone_and_a_strangers_does_not() {
        let mut probe = waiting(aside());
        let invite = request("INVITE");
        probe.receive(&invite);
        let line = probe.line;
        probe.act(|endpoint, now| endpoint.remove_line(now, line));
        let stranger = "203.0.113.99:5060".parse().unwrap();
        assert_eq!(probe.receive_from(stranger, cancel(&invite)), []);
        assert_eq!(probe.counter("dropped_stranger"), 1);
        let sent = probe.receive(cancel(&invite));
        assert_eq!(statuses(&sent), [200, 487]);
        assert_eq!(probe.receive(ack(&invite, &sent[1])), []);
        assert_eq!(probe.ended_by(), [(EndedBy::Caller, Some(487))]);
        assert_eq!(probe.receive(request("OPTIONS")), [], "a new request is a stranger's");
    }

    //= https://www.rfc-editor.org/rfc/rfc3326#section-2
    //= type=test
    //# SIP: The cause parameter contains a SIP status code.
    #[test]
    fn a_cancel_that_says_the_call_was_answered_tells_that_another_phone_did() {
        for (reason, by) in [
            ("SIP ;cause=200 ;text=\"Call completed elsewhere\"", EndedBy::Elsewhere),
            ("Q.850;cause=26, sip;cause=200", EndedBy::Elsewhere),
            ("SIP;cause=600", EndedBy::Caller),
            ("Q.850;cause=200", EndedBy::Caller),
            ("SIP;text=\";cause=200\"", EndedBy::Caller),
            ("SIP;cause=", EndedBy::Caller),
        ] {
            let mut probe = waiting(aside());
            let invite = request("INVITE");
            probe.receive(&invite);
            let sent = probe.receive(with(&cancel(&invite), &format!("Reason: {reason}")));
            assert_eq!(statuses(&sent), [200, 487], "{reason}");
            probe.receive(ack(&invite, &sent[1]));
            assert_eq!(probe.ended_by(), [(by, Some(487))], "{reason}");
        }
    }

    #[test]
    fn a_cancel_after_the_limit_changes_nothing() {
        let mut probe = waiting(silence());
        let invite = request("INVITE");
        probe.receive(&invite);
        let declined = probe.pass(seconds(20)).pop().unwrap().1;
        assert_eq!(statuses(&probe.receive(cancel(&invite))), [200], "before the ACK");
        probe.receive(ack(&invite, &declined));
        assert_eq!(statuses(&probe.receive(cancel(&invite))), [200], "and after it");
        probe.pass(seconds(64));
        assert_eq!(probe.ended_by(), [(EndedBy::Limit, Some(603))]);
        assert_eq!(probe.counter("cancelled"), 0);
    }

    #[test]
    fn a_bye_ends_the_early_dialog_of_ringing_and_silence_has_none() {
        let mut probe = waiting(aside());
        let ringing = probe.receive(request("INVITE")).pop().unwrap();
        let tag = String::from_utf8(ringing.message().to().unwrap().tag().unwrap().to_vec()).unwrap();
        assert_eq!(statuses(&probe.receive(in_dialog(&request("BYE"), &tag))), [200, 487]);
        let mut probe = waiting(silence());
        probe.receive(request("INVITE"));
        assert_eq!(statuses(&probe.receive(in_dialog(&request("BYE"), "guessed"))), [481]);
        assert_eq!(probe.counter("undecided_calls"), 1);
    }

    /// The caller gives up about when the limit ends the call: both must say the same of how it ended.
    #[test]
    fn caller_and_callee_agree_on_the_end_whatever_the_network_does() {
        let short = |wait: fn(Duration) -> Wait| wait(seconds(2)).then_reject(decline());
        for seed in 0..1000 {
            let wait = short(if seed % 2 == 0 { Wait::ringing } else { Wait::silent });
            let mut scene =
                Scene::with_screen(seed, ringfence_ua::Screen::each(move |_| Verdict::Wait(wait.clone())));
            scene.network.set_conditions(bad_network());
            let cancel_after = Some(millis(1000 + 2 * seed));
            let id = scene.call(CallPlan { cancel_after, ..CallPlan::new("+41445551234", "858") });
            scene.run(seconds(120));
            let events = scene.phone().events().iter();
            let ended: Vec<_> = events
                .filter_map(|(_, it)| if let Event::Ended { by, .. } = it { Some(*by) } else { None })
                .collect();
            let by = match scene.get(id).outcome() {
                Some(Outcome::Cancelled) => EndedBy::Caller,
                Some(Outcome::Rejected { status: 603, .. }) => EndedBy::Limit,
                other => panic!("seed {seed}: {other:?}, {:?}", scene.get(id).statuses()),
            };
            assert_eq!(ended, [by], "seed {seed}");
            assert_eq!(scene.get(id).faults(), [""; 0], "seed {seed}");
            assert_eq!(scene.phone().endpoint().counters().undecided_calls, 0);
        }
    }
}

mod repeated {
    use super::*;

    #[test]
    fn an_invite_that_comes_again_hears_the_newest_again_and_starts_no_second_wait() {
        for (wait, newest) in [(aside(), 180), (silence(), 100), (ring_then_redirect(), 180)] {
            let shown = Shown::default();
            let screen = shown.screen(Verdict::Wait(wait));
            let mut probe = Probe::of(Config::new(phone_address()), account(), screen);
            let first = probe.receive(request("INVITE"));
            probe.pass(millis(500));
            let again = probe.receive(request("INVITE"));
            assert_eq!(statuses(&again), [newest]);
            assert_eq!(again.last(), first.last(), "the same bytes");
            let (at, last) = final_answer(&mut probe, seconds(20));
            assert!(at == 2500 || at == 19_500, "the first one counts: {at}");
            assert_eq!(probe.receive(request("INVITE")), [], "its ACK has come: {last:?}");
            assert_eq!(shown.count(), 1);
        }
    }

    #[test]
    fn a_copy_by_another_way_is_a_loop_and_leaves_the_wait_alone() {
        for wait in [aside(), silence()] {
            let shown = Shown::default();
            let screen = shown.screen(Verdict::Wait(wait));
            let mut probe = Probe::of(Config::new(phone_address()), account(), screen);
            probe.receive(request("INVITE"));
            let other_way = request("INVITE").replacen("z9hG4bK776asdhds", "z9hG4bKother", 1);
            assert_eq!(statuses(&probe.receive(&other_way)), [482]);
            assert_eq!((shown.count(), probe.counter("merged"), probe.counter("undecided_calls")), (1, 1, 1));
            assert_eq!(statuses(&probe.receive(cancel(&request("INVITE")))), [200, 487]);
        }
    }
}

mod objected {
    use super::*;

    fn objectionable() -> String {
        with(&request("INVITE"), "Require: 100rel")
    }

    #[test]
    fn what_may_not_ring_is_told_why_and_silence_is_kept_all_the_same() {
        let mut probe = waiting(aside());
        assert_eq!(statuses(&probe.receive(objectionable())), [100, 420]);
        assert_eq!(probe.counter("rung"), 0);
        let mut probe = waiting(silence());
        assert_eq!(statuses(&probe.receive(objectionable())), [100]);
        let sent = probe.pass(seconds(20));
        assert_eq!(times(&sent), [(20_000, 603)]);
    }

    #[test]
    fn an_offered_call_that_may_not_ring_can_be_held_in_silence_only() {
        let mut probe = Probe::new(Verdict::Offer);
        probe.receive(objectionable());
        let call = probe.offered();
        let sent = probe.act(|endpoint, now| {
            assert!(matches!(endpoint.wait(now, call, &aside()), Decided::Objected(_)));
        });
        assert_eq!(statuses(&sent), [420]);
        let mut probe = Probe::new(Verdict::Offer);
        probe.receive(objectionable());
        let call = probe.offered();
        let sent = probe.act(|endpoint, now| assert_eq!(endpoint.wait(now, call, &silence()), Decided::Sent));
        assert_eq!(sent, []);
    }

    #[test]
    fn its_end_is_told_as_an_objection() {
        let mut probe = waiting(aside());
        let refused = probe.receive(objectionable()).pop().unwrap();
        probe.receive(ack(&objectionable(), &refused));
        assert_eq!(probe.ended_by(), [(EndedBy::Objection, Some(420))]);
    }
}

mod offered {
    use super::*;

    /// A call that the application was offered, and has wait after a time.
    fn offered_and_left(after: Duration, wait: &Wait) -> (Probe, Vec<Sent>) {
        let mut probe = Probe::new(Verdict::Offer);
        assert_eq!(statuses(&probe.receive(request("INVITE"))), [100]);
        probe.pass(after);
        let call = probe.offered();
        let sent = probe.act(|endpoint, now| assert_eq!(endpoint.wait(now, call, wait), Decided::Sent));
        (probe, sent)
    }

    #[test]
    fn a_call_that_is_left_to_itself_ends_by_its_limit() {
        let (mut probe, sent) = offered_and_left(seconds(7), &aside());
        assert_eq!(statuses(&sent), [180]);
        let (at, last) = final_answer(&mut probe, seconds(3));
        assert_eq!((at, last.status()), (3000, 480));
        let (mut probe, sent) = offered_and_left(seconds(7), &silence());
        assert_eq!(sent, []);
        let (at, last) = final_answer(&mut probe, seconds(20));
        assert_eq!((at, last.status()), (20_000, 603));
    }

    #[test]
    fn a_call_that_is_left_to_itself_ends_ten_minutes_after_it_came_at_the_latest() {
        let (mut probe, _) = offered_and_left(seconds(590), &silence());
        let (at, last) = final_answer(&mut probe, seconds(20));
        assert_eq!((at, last.status()), (10_000, 603));
        assert_eq!(probe.ended_by(), [(EndedBy::Limit, Some(603))]);
    }

    #[test]
    fn the_caller_may_give_up_and_the_application_needs_not_be_told() {
        let (mut probe, _) = offered_and_left(seconds(1), &aside());
        assert_eq!(statuses(&probe.receive(cancel(&request("INVITE")))), [200, 487]);
        let is_cancelled = |event: &Event| matches!(event, Event::Cancelled { .. });
        assert!(!probe.events().iter().any(is_cancelled), "nobody holds it");
        probe.pass(seconds(64));
        assert_eq!(probe.ended_by(), [(EndedBy::Caller, Some(487))]);
    }

    #[test]
    fn a_ringing_call_that_becomes_silent_is_reminded_no_more_and_keeps_its_early_dialog() {
        let mut probe = Probe::new(Verdict::Offer);
        probe.receive(request("INVITE"));
        let call = probe.offered();
        let ringing = probe.act(|endpoint, now| assert_eq!(endpoint.ring(now, call), Decided::Sent));
        let wait = Wait::silent(seconds(200));
        assert_eq!(probe.act(|endpoint, now| assert_eq!(endpoint.wait(now, call, &wait), Decided::Sent)), []);
        assert_eq!(probe.pass(seconds(199)), []);
        let tag = String::from_utf8(ringing[0].message().to().unwrap().tag().unwrap().to_vec()).unwrap();
        assert_eq!(statuses(&probe.receive(in_dialog(&request("BYE"), &tag))), [200, 487]);
    }

    #[test]
    fn a_ringing_call_that_is_left_ringing_says_so_once() {
        let mut probe = Probe::new(Verdict::Offer);
        probe.receive(request("INVITE"));
        let call = probe.offered();
        probe.act(|endpoint, now| assert_eq!(endpoint.ring(now, call), Decided::Sent));
        let again = probe.act(|endpoint, now| assert_eq!(endpoint.wait(now, call, &aside()), Decided::Sent));
        assert_eq!(again, []);
        assert_eq!(final_answer(&mut probe, seconds(3)).0, 3000);
    }

    #[test]
    fn a_call_that_is_over_cannot_wait() {
        let mut probe = Probe::new(Verdict::Offer);
        probe.receive(request("INVITE"));
        let call = probe.offered();
        probe.receive(cancel(&request("INVITE")));
        assert_eq!(
            probe.act(|endpoint, now| assert_eq!(endpoint.wait(now, call, &aside()), Decided::Gone)),
            []
        );
    }
}

mod at_a_bound {
    use super::*;

    /// What a second call hears where there is no room for it.
    fn second(limits: Limits, wait: Wait) -> Vec<Sent> {
        let screen = Shown::default().screen(Verdict::Wait(wait));
        let mut probe = Probe::of(Config { limits, ..Config::new(phone_address()) }, account(), screen);
        let first = request("INVITE");
        let second = first.replacen("776asdhds", "2", 1).replacen("a84b4c76e66710", "2", 1);
        if limits.server_transactions == 0 {
            probe.excuse(&first);
            probe.excuse(&second);
        }
        probe.receive(first);
        let sent = probe.receive(second);
        probe.pass(seconds(64));
        assert!(probe.ended_by().iter().any(|(by, _)| *by == EndedBy::Overload));
        assert!(probe.counter("turned_away") > 0);
        sent
    }

    #[test]
    fn what_was_chosen_for_the_limit_is_answered_at_once_where_there_is_no_room_to_wait() {
        let one_call = Limits { undecided_calls: 1, ..Limits::default() };
        assert_eq!(statuses(&second(one_call, silence())), [100, 603]);
        assert_eq!(statuses(&second(one_call, ring_then_redirect())), [100, 302]);
        let unavailable = second(one_call, aside());
        assert_eq!(statuses(&unavailable), [100, 503]);
        assert_eq!(unavailable[1].header("Retry-After").as_deref(), Some("32"));
    }

    #[test]
    fn it_is_answered_so_without_a_transaction_too() {
        let none = Limits { server_transactions: 0, ..Limits::default() };
        assert_eq!(statuses(&second(none, silence())), [603]);
        assert_eq!(statuses(&second(none, ring_then_redirect())), [302]);
        assert_eq!(statuses(&second(none, aside())), [503]);
    }
}

mod at_the_end {
    use super::*;

    #[test]
    fn who_still_waits_is_answered_as_at_its_limit() {
        for (wait, status) in [(aside(), 480), (silence(), 603), (ring_then_redirect(), 302)] {
            let mut probe = waiting(wait);
            probe.receive(request("INVITE"));
            let sent = probe.act(Endpoint::reject_all);
            assert_eq!(statuses(&sent), [status]);
            assert_eq!(probe.receive(ack(&request("INVITE"), &sent[0])), []);
            assert_eq!(probe.ended_by(), [(EndedBy::Shutdown, Some(status))]);
            assert_eq!(probe.pass(seconds(64)), []);
        }
    }
}
