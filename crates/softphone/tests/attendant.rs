//! All lines of a softphone attended to in one place.

#![allow(clippy::unwrap_used, clippy::panic, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

mod stage;

use std::time::Duration;

use ringfence_testing::Mode;
use softphone::{Attendant, Line, News, RegistrationState, Reject, Softphone};

use stage::{builder, next, pbx, polled_once, soon};

async fn attended() -> (Softphone, Attendant) {
    Attendant::start(builder().shards(2)).await.unwrap()
}

/// Waits for a call.
async fn incoming(attendant: &mut Attendant) -> softphone::IncomingCall {
    loop {
        if let News::Incoming(call) = next(attendant.next()).await {
            return call;
        }
    }
}

/// Waits until a registration is as it is wanted, and returns of which line.
async fn registration(attendant: &mut Attendant, wanted: impl Fn(&RegistrationState) -> bool) -> Line {
    loop {
        match next(attendant.next()).await {
            News::Registration { line, state } if wanted(&state) => return line,
            _ => {}
        }
    }
}

#[tokio::test]
async fn registrations_and_calls_of_all_lines_come_to_one_place() {
    let (pbx, (phone, mut attendant)) = (pbx().await, attended().await);
    for user in ["858", "859"] {
        let line = soon(phone.line(pbx.account(user).label(format!("line {user}")))).await.unwrap();
        let told = registration(&mut attendant, RegistrationState::is_registered).await;
        assert_eq!((told.id(), told.label()), (line.id(), &*format!("line {user}")));
        assert!(told.is_registering() && told.registration().state().is_registered());
    }
    for (user, reject, status) in [("859", Reject::busy(), 486), ("858", Reject::decline(), 603)] {
        let id = pbx.call("1002", user);
        let call = incoming(&mut attendant).await;
        assert_eq!(call.invite().line_label(), format!("line {user}"));
        call.reject(reject).await.unwrap();
        assert_eq!(pbx.statuses(id).await, [100, status]);
    }
}

#[tokio::test]
async fn a_line_is_told_once_with_its_newest_state_however_long_nobody_looks() {
    let (pbx, (phone, mut attendant)) = (pbx().await, attended().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let News::Registration { line: told, state } = next(attendant.next()).await else { panic!("a state") };
    assert!(told.id() == line.id() && state.is_registered(), "{state:?}");
    assert!(polled_once(attendant.next()).await.is_none(), "nothing has changed since");
    soon(line.unregister()).await.unwrap();
    registration(&mut attendant, |state| *state == RegistrationState::Unregistered).await;
}

#[tokio::test]
async fn a_line_that_is_removed_and_the_end_of_the_softphone_are_told() {
    let (pbx, (phone, mut attendant)) = (pbx().await, attended().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    assert!(polled_once(line.incoming()).await.is_none(), "it has no calls, and is still there");
    let stays = soon(phone.register(pbx.account("859"))).await.unwrap();
    soon(line.remove()).await.unwrap();
    assert!(soon(line.incoming()).await.is_none());
    loop {
        match next(attendant.next()).await {
            News::Removed { line: gone } => break assert_eq!(gone.id(), line.id()),
            News::Registration { .. } => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    soon(phone.shutdown(Duration::MAX)).await;
    assert!(soon(stays.incoming()).await.is_none());
    while let Some(news) = soon(attendant.next()).await {
        assert!(matches!(news, News::Registration { .. }), "{news:?}");
    }
}

#[tokio::test]
async fn a_removal_that_the_registrar_refuses_is_told_before_the_line_is_gone() {
    let (pbx, (phone, mut attendant)) = (pbx().await, attended().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    registration(&mut attendant, RegistrationState::is_registered).await;
    pbx.set_mode(Mode::Refusing { status: 500, retry_after: None });
    soon(line.remove()).await.unwrap();
    let mut told = Vec::new();
    while told.last() != Some(&"removed") {
        told.push(match next(attendant.next()).await {
            News::Unconfirmed { line: which } if which.id() == line.id() => "unconfirmed",
            News::Registration { state: RegistrationState::Unregistered, .. } => "unregistered",
            News::Removed { .. } => "removed",
            other => panic!("unexpected {other:?}"),
        });
    }
    assert_eq!(told, ["unconfirmed", "unregistered", "removed"]);
}

#[tokio::test]
async fn when_nobody_attends_any_more_calls_are_answered_480() {
    let (pbx, (phone, attendant)) = (pbx().await, attended().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let waits = pbx.call("1002", "858");
    pbx.answered(waits, 100).await;
    drop(attendant);
    assert_eq!(pbx.statuses(waits).await, [100, 480]);
    let late = pbx.call("1003", "858");
    assert_eq!(pbx.statuses(late).await, [100, 480]);
    assert!(line.registration().state().is_registered());
}

#[tokio::test]
async fn calls_are_told_one_by_one_in_their_order_however_many_wait() {
    let (pbx, (phone, mut attendant)) = (pbx().await, attended().await);
    soon(phone.register(pbx.account("858"))).await.unwrap();
    let waiting: Vec<_> = (0..20).map(|_| pbx.call("1002", "858")).collect();
    for id in &waiting {
        pbx.answered(*id, 100).await;
    }
    let mut ids = Vec::new();
    for _ in &waiting {
        let call = incoming(&mut attendant).await;
        ids.push(call.id());
        call.reject(Reject::busy()).await.unwrap();
    }
    assert!(ids.is_sorted(), "{ids:?}");
    for id in waiting {
        assert_eq!(pbx.statuses(id).await, [100, 486]);
    }
}
