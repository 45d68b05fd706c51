//! Calls that are left to themselves: to stand aside, to be silent, to ring for a while.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod stage;

use std::time::Duration;

use ringfence_testing::{CallPlan, Outcome, Pbx};
use softphone::{EndedBy, How, Invite, Line, Redirect, Reject, Softphone, Verdict, Wait, flat};

use stage::{Host, builder, next, pbx, phone, rejected, soon, telling_ends};

/// Longer than any test of these runs.
const LONG: Duration = Duration::from_secs(300);

fn mailbox() -> Redirect {
    Redirect::to("sip:mailbox@pbx.example.com").unwrap()
}

/// What a screen decides for a caller of this name.
fn decide(invite: &Invite<'_>) -> Verdict {
    match &*invite.caller().unwrap().user() {
        "aside" => Wait::stand_aside(LONG).into(),
        "silence" => Wait::silent(LONG).then_reject(Reject::decline()).into(),
        "no-silence" => Wait::silent(Duration::ZERO).then_reject(Reject::decline()).into(),
        "no-ring" => Wait::ringing(Duration::ZERO).then_redirect(mailbox()).into(),
        _ => Verdict::Offer,
    }
}

/// A PBX and a softphone whose line is registered there.
async fn registered() -> (Host<Pbx>, Softphone, Line) {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    (pbx, phone, line)
}

#[tokio::test]
async fn what_the_screen_has_wait_ends_with_its_caller_or_its_limit() {
    let pbx = pbx().await;
    let (builder, mut ends) = telling_ends(builder().screen(decide));
    let phone = builder.start().await.unwrap();
    soon(phone.register(pbx.account("858"))).await.unwrap();
    for (from, heard, statuses) in [("aside", 180, vec![100, 180, 487]), ("silence", 100, vec![100, 487])] {
        let id = pbx.call(from, "858");
        pbx.answered(id, heard).await;
        pbx.cancel(id);
        assert_eq!(pbx.statuses(id).await, statuses, "{from}");
        let ended = ends.next().await;
        assert_eq!((ended.by, ended.status, ended.how), (EndedBy::Caller, Some(487), How::Acknowledged));
    }
    for (from, statuses) in [("no-silence", vec![100, 603]), ("no-ring", vec![100, 180, 302])] {
        let id = pbx.call(from, "858");
        assert_eq!(pbx.statuses(id).await, statuses, "{from}");
        let ended = ends.next().await;
        assert_eq!((ended.by, ended.status), (EndedBy::Limit, statuses.last().copied()));
    }
    let counters = soon(phone.counters()).await.unwrap();
    assert_eq!((counters.rung, counters.held, counters.expired, counters.cancelled), (2, 2, 2, 2));
}

#[tokio::test]
async fn a_call_that_the_application_leaves_to_itself_needs_it_no_more() {
    let (pbx, phone, line) = registered().await;
    let id = pbx.call("1002", "858");
    next(line.incoming()).await.stand_aside(LONG).await.unwrap();
    pbx.answered(id, 180).await;
    assert_eq!(soon(phone.counters()).await.unwrap().undecided_calls, 1, "it goes on alone");
    pbx.cancel(id);
    assert_eq!(pbx.statuses(id).await, [100, 180, 487]);
    let id = pbx.call("1002", "858");
    let wait = Wait::silent(Duration::ZERO).then_reject(Reject::status(433).unwrap().phrase("Who Are You"));
    next(line.incoming()).await.wait(wait).await.unwrap();
    assert_eq!(pbx.outcome(id).await, rejected(433, "Who Are You"));
}

#[tokio::test]
async fn a_call_that_has_rung_is_sent_on_without_ringing_again() {
    let (pbx, _phone, line) = registered().await;
    let id = pbx.call("1002", "858");
    let mut call = next(line.incoming()).await;
    call.ring().await.unwrap();
    call.wait(Wait::ringing(Duration::ZERO).then_redirect(mailbox())).await.unwrap();
    let contacts = vec!["sip:mailbox@pbx.example.com".to_owned()];
    assert_eq!(pbx.outcome(id).await, Outcome::Redirected { status: 302, contacts });
    let answers = pbx.ask(|pbx| pbx.get(id).answers().iter().map(|answer| answer.status).collect::<Vec<_>>());
    assert_eq!(answers, [100, 180, 302]);
}

#[tokio::test]
async fn a_call_that_may_not_ring_cannot_stand_aside() {
    let (pbx, _phone, line) = registered().await;
    let mut plan = CallPlan::new("1002", "858");
    plan.headers = vec![("Require".to_owned(), "100rel".to_owned())];
    let id = pbx.place(plan.clone());
    let error = next(line.incoming()).await.stand_aside(LONG).await.unwrap_err();
    assert_eq!(error.status(), Some(420));
    assert_eq!(pbx.statuses(id).await, [100, 420]);
    let id = pbx.place(plan);
    let silence = Wait::silent(Duration::ZERO).then_reject(Reject::decline());
    next(line.incoming()).await.wait(silence).await.unwrap();
    assert_eq!(pbx.statuses(id).await, [100, 603], "silence is no ringing");
}

#[tokio::test]
async fn a_call_whose_caller_has_given_up_waits_no_more() {
    let (pbx, _phone, line) = registered().await;
    let id = pbx.call("1002", "858");
    let call = next(line.incoming()).await;
    pbx.cancel(id);
    soon(call.cancelled()).await;
    call.stand_aside(LONG).await.expect("nothing is left to wait for");
    assert_eq!(pbx.statuses(id).await, [100, 487]);
}

#[tokio::test]
async fn a_wait_that_is_never_polled_is_none() {
    let (pbx, _phone, line) = registered().await;
    let id = pbx.call("1002", "858");
    drop(next(line.incoming()).await.stand_aside(LONG));
    assert_eq!(pbx.statuses(id).await, [100, 480]);
}

#[tokio::test]
async fn who_still_waits_is_answered_when_the_softphone_is_shut_down() {
    let pbx = pbx().await;
    let (builder, mut ends) = telling_ends(builder().screen(decide));
    let phone = builder.start().await.unwrap();
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let (silent, left) = (pbx.call("silence", "858"), pbx.call("1002", "858"));
    next(line.incoming()).await.stand_aside(LONG).await.unwrap();
    soon(phone.shutdown(Duration::MAX)).await;
    assert_eq!(pbx.statuses(silent).await, [100, 603]);
    assert_eq!(pbx.statuses(left).await, [100, 180, 480]);
    for _ in [silent, left] {
        assert_eq!(ends.next().await.by, EndedBy::Shutdown);
    }
}

#[tokio::test]
async fn the_flat_form_leaves_calls_to_themselves_too() {
    let pbx = pbx().await;
    let mut phone = flat::Phone::start(builder()).await.unwrap();
    phone.line(pbx.account("858")).await.unwrap();
    pbx.bound("858", 1).await;
    let id = pbx.call("1002", "858");
    let call = loop {
        if let flat::Event::Incoming { call, .. } = next(phone.next()).await {
            break call;
        }
    };
    let wait = Wait::silent(Duration::ZERO).then_redirect(mailbox());
    phone.wait(call, wait.clone()).await.unwrap();
    phone.wait(call, wait).await.expect("it is over or waits already");
    assert_eq!(pbx.statuses(id).await, [100, 302]);
}
