//! A softphone as one queue of events.

#![allow(clippy::unwrap_used, clippy::panic, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

mod stage;

use std::time::Duration;

use ringfence_testing::{CallPlan, Outcome, Pbx};
use softphone::flat::{Event, Phone};
use softphone::{CallId, How, LineId, RegistrationState, Reject};

use stage::{Host, builder, next, pbx, rejected, soon};

/// A PBX, and a softphone whose line is registered there and has said so.
async fn registered() -> (Host<Pbx>, Phone, LineId) {
    let pbx = pbx().await;
    let mut phone = Phone::start(builder()).await.unwrap();
    let line = soon(phone.line(pbx.account("858"))).await.unwrap();
    loop {
        match next(phone.next()).await {
            Event::Registration { state: RegistrationState::Registering { .. }, .. } => {}
            Event::Registration { line: id, state } if id == line => {
                assert!(state.is_registered());
                return (pbx, phone, line);
            }
            event => panic!("unexpected {event:?}"),
        }
    }
}

/// Waits for a call.
async fn incoming(phone: &mut Phone) -> (CallId, String) {
    loop {
        if let Event::Incoming { call, caller, .. } = next(phone.next()).await {
            return (call, caller);
        }
    }
}

#[tokio::test]
async fn a_registration_a_call_its_rejection_and_its_end_come_out_of_one_queue() {
    let (pbx, mut phone, line) = registered().await;
    let mut plan = CallPlan::new("1002", "858");
    plan.display_name = Some("Front Door".to_owned());
    let id = pbx.place(plan);
    let event = next(phone.next()).await;
    let Event::Incoming { call, line: rung, caller, display_name } = event else {
        panic!("unexpected {event:?}");
    };
    assert_eq!((rung, &*caller, display_name.as_deref()), (line, "1002", Some("Front Door")));
    assert_eq!(phone.invite(call).unwrap().called().unwrap().user(), "858");
    phone.ring(call).await.unwrap();
    phone.reject(call, Reject::busy()).await.unwrap();
    assert!(phone.invite(call).is_none());
    assert_eq!(pbx.statuses(id).await, [100, 180, 486]);
    let event = next(phone.next()).await;
    let Event::Ended(ended) = event else { panic!("unexpected {event:?}") };
    assert_eq!((ended.call, ended.status, ended.how), (call, Some(486), How::Acknowledged));
    phone.reject(call, Reject::busy()).await.expect("a call that is over is left alone");
}

#[tokio::test]
async fn calls_can_be_redirected_and_ignored_by_their_ids() {
    let (pbx, mut phone, _) = registered().await;
    let moved = pbx.call("1002", "858");
    let (call, _) = incoming(&mut phone).await;
    phone.redirect(call, "sip:1000@pbx.example.com").await.unwrap();
    assert_eq!(pbx.outcome(moved).await.status(), Some(302));
    pbx.call("1003", "858");
    let (call, caller) = incoming(&mut phone).await;
    assert_eq!(caller, "1003");
    phone.ignore(call);
    assert!(phone.invite(call).is_none());
}

#[tokio::test]
async fn a_caller_who_gives_up_is_told_and_the_call_is_known_no_more() {
    let (pbx, mut phone, _) = registered().await;
    let id = pbx.call("1002", "858");
    let (call, _) = incoming(&mut phone).await;
    pbx.cancel(id);
    assert_eq!(pbx.outcome(id).await, Outcome::Cancelled);
    // The end of the call and the caller's giving up come by different ways.
    let mut events = vec![next(phone.next()).await, next(phone.next()).await];
    events.sort_by_key(|event| matches!(event, Event::Ended(_)));
    assert!(matches!(events[0], Event::Cancelled { call: cancelled } if cancelled == call), "{events:?}");
    assert!(matches!(events[1], Event::Ended(ended) if ended.call == call), "{events:?}");
    assert!(phone.invite(call).is_none());
    phone.ring(call).await.expect("a call that is over is left alone");
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_it_is_in_the_queue_is_not_announced() {
    let (pbx, mut phone, _) = registered().await;
    let lost = pbx.call("1002", "858");
    pbx.answered(lost, 100).await;
    pbx.cancel(lost);
    assert_eq!(pbx.outcome(lost).await, Outcome::Cancelled);
    let event = next(phone.next()).await;
    assert!(matches!(event, Event::Ended(ended) if ended.status == Some(487)), "{event:?}");
    pbx.call("1003", "858");
    assert_eq!(incoming(&mut phone).await.1, "1003");
}

#[tokio::test]
async fn a_call_that_may_not_ring_is_forgotten_with_its_answer() {
    let (pbx, mut phone, _) = registered().await;
    let mut plan = CallPlan::new("1002", "858");
    plan.headers = vec![("Require".to_owned(), "100rel".to_owned())];
    let id = pbx.place(plan);
    let (call, _) = incoming(&mut phone).await;
    assert_eq!(phone.ring(call).await.unwrap_err().status(), Some(420));
    assert!(phone.invite(call).is_none());
    assert_eq!(pbx.statuses(id).await, [100, 420]);
}

#[tokio::test]
async fn a_phone_that_is_dropped_leaves_no_call_undecided() {
    let (pbx, mut phone, _) = registered().await;
    let known = pbx.call("1002", "858");
    incoming(&mut phone).await;
    drop(phone);
    assert_eq!(pbx.outcome(known).await, rejected(480, "Temporarily Unavailable"));
    let unknown = pbx.call("1003", "858");
    assert_eq!(pbx.outcome(unknown).await, rejected(480, "Temporarily Unavailable"));
}

#[tokio::test]
async fn lines_are_unregistered_and_removed_by_their_ids() {
    let (pbx, mut phone, line) = registered().await;
    soon(phone.unregister(line)).await.unwrap();
    assert!(pbx.contacts("858").is_empty());
    phone.register(line).unwrap();
    pbx.bound("858", 1).await;
    soon(phone.remove(line)).await.unwrap();
    assert!(pbx.contacts("858").is_empty());
    soon(phone.remove(line)).await.expect("a line that is no more is left alone");
}

#[tokio::test]
async fn after_the_shutdown_the_queue_ends_with_what_was_not_told() {
    let (pbx, mut phone, line) = registered().await;
    soon(phone.shutdown(Duration::MAX)).await;
    assert!(pbx.contacts("858").is_empty());
    let mut last = None;
    while let Some(event) = soon(phone.next()).await {
        last = Some(event);
    }
    let is_farewell = |event: &Event| matches!(event, Event::Registration { line: id, state: RegistrationState::Unregistered } if *id == line);
    assert!(last.as_ref().is_some_and(is_farewell), "{last:?}");
    assert!(soon(phone.line(pbx.account("858"))).await.unwrap_err().is_closed());
}

#[tokio::test]
async fn a_queue_that_nobody_reads_counts_the_ends_it_cannot_hold() {
    let pbx = pbx().await;
    let builder = builder().screen(|_| Reject::busy().into());
    let mut phone = Phone::start(builder).await.unwrap();
    soon(phone.line(pbx.account("858"))).await.unwrap();
    pbx.bound("858", 1).await;
    for _ in 0..60 {
        let calls: Vec<_> = (0..20).map(|_| pbx.call("1002", "858")).collect();
        for call in calls {
            pbx.outcome(call).await;
        }
    }
    let mut told = 0;
    while told < 1200 {
        match next(phone.next()).await {
            Event::Missed { ended } => {
                assert!((100..1200).contains(&ended), "{ended}");
                told += ended;
            }
            Event::Ended(_) => told += 1,
            _ => {}
        }
    }
    assert_eq!(told, 1200);
}
