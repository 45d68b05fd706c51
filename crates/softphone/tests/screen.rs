//! The hooks that run within the shards: what the screen decides, how calls end, what went over the wire.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod stage;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ringfence_testing::{CallPlan, Outcome};
use softphone::{Account, Direction, How, Invite, Redirect, Reject, Verdict};

use stage::{builder, caller, next, pbx, rejected, showing_datagrams, soon, telling_ends};

/// What a screen decides for a caller of this name.
fn decide(invite: &Invite<'_>) -> Verdict {
    match &*invite.caller().unwrap().user() {
        "reject" => Reject::busy().warning("on the list").into(),
        "redirect" => Redirect::to("sip:1000@pbx.example.com").unwrap().into(),
        "ring" => Verdict::Ring { limit: None },
        "ring-briefly" => Verdict::Ring { limit: Some(Duration::ZERO) },
        "ignore" => Verdict::Ignore,
        "panic" => panic!("a bug of the screen"),
        _ => Verdict::Offer,
    }
}

#[tokio::test]
async fn what_the_screen_rejects_or_redirects_the_application_never_hears_of() {
    let (pbx, phone) = (pbx().await, builder().screen(decide).start().await.unwrap());
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let listed = pbx.call("reject", "858");
    let moved = pbx.call("redirect", "858");
    let warning = Some("399 ringfence \"on the list\"".to_owned());
    assert_eq!(
        pbx.outcome(listed).await,
        Outcome::Rejected { status: 486, reason: "Busy Here".to_owned(), warning }
    );
    assert_eq!(pbx.outcome(moved).await.status(), Some(302));
    let wanted = pbx.call("1002", "858");
    let call = next(line.incoming()).await;
    assert_eq!(call.caller().unwrap().user(), "1002");
    call.reject(Reject::unavailable()).await.unwrap();
    assert_eq!(pbx.statuses(wanted).await, [100, 480]);
    let counters = soon(phone.counters()).await.unwrap();
    assert_eq!((counters.rejected, counters.redirected, counters.offered), (2, 1, 1));
}

#[tokio::test]
async fn what_the_screen_lets_ring_rings_until_the_caller_gives_up_or_the_limit() {
    let (pbx, phone) = (pbx().await, builder().screen(decide).start().await.unwrap());
    soon(phone.register(pbx.account("858"))).await.unwrap();
    let patient = pbx.call("ring", "858");
    pbx.answered(patient, 180).await;
    pbx.cancel(patient);
    assert_eq!(pbx.outcome(patient).await, Outcome::Cancelled);
    assert_eq!(pbx.statuses(patient).await, [100, 180, 487]);
    let brief = pbx.call("ring-briefly", "858");
    assert_eq!(pbx.statuses(brief).await, [100, 180, 480]);
}

#[tokio::test]
async fn who_asks_for_datagrams_again_and_again_attends_to_all_else_as_well() {
    let asking = builder().busy_poll(Duration::from_secs(60)).screen(decide);
    let (pbx, phone) = (pbx().await, asking.start().await.unwrap());
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let listed = pbx.call("reject", "858");
    assert_eq!(pbx.statuses(listed).await, [100, 486]);
    let wanted = pbx.call("1002", "858");
    next(line.incoming()).await.reject(Reject::unavailable()).await.unwrap();
    assert_eq!(pbx.statuses(wanted).await, [100, 480]);
    // The limit is a timer's.
    let brief = pbx.call("ring-briefly", "858");
    assert_eq!(pbx.statuses(brief).await, [100, 180, 480]);
    soon(phone.shutdown(Duration::from_secs(5))).await;
}

#[tokio::test]
async fn what_the_screen_ignores_gets_no_answer_at_all() {
    let (pbx, phone) = (pbx().await, builder().screen(decide).start().await.unwrap());
    soon(phone.register(pbx.account("858"))).await.unwrap();
    let ignored = pbx.call("ignore", "858");
    let rejected = pbx.call("reject", "858");
    // Both came by one socket, the rejected one after the other.
    pbx.outcome(rejected).await;
    assert!(pbx.ask(|pbx| pbx.get(ignored).answers().is_empty()));
    assert_eq!(soon(phone.counters()).await.unwrap().ignored, 1);
}

#[tokio::test]
async fn a_call_that_the_screen_panics_on_is_the_applications() {
    let (pbx, phone) = (pbx().await, builder().screen(decide).start().await.unwrap());
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    for panics in 1..=2 {
        let id = pbx.call("panic", "858");
        next(line.incoming()).await.reject(Reject::decline()).await.unwrap();
        assert_eq!(pbx.outcome(id).await, rejected(603, "Decline"));
        assert_eq!(phone.hook_panics(), panics);
    }
    let id = pbx.call("reject", "858");
    assert_eq!(pbx.statuses(id).await, [100, 486], "the screen goes on");
}

#[tokio::test]
async fn a_hook_that_panics_ends_neither_line_nor_call() {
    let pbx = pbx().await;
    let phone = builder()
        .screen(decide)
        .trace(|_| panic!("a bug of the trace"))
        .ended(|_| panic!("a bug of the ended hook"))
        .start()
        .await
        .unwrap();
    soon(phone.register(pbx.account("858"))).await.unwrap();
    for _ in 0..2 {
        let id = pbx.call("reject", "858");
        assert_eq!(pbx.statuses(id).await, [100, 486]);
    }
    assert!(phone.hook_panics() > 8, "each datagram and each end of a call");
}

#[tokio::test]
async fn the_end_of_each_call_is_told_with_its_status() {
    let pbx = pbx().await;
    let (builder, mut ends) = telling_ends(builder().screen(decide));
    let phone = builder.start().await.unwrap();
    soon(phone.register(pbx.account("858"))).await.unwrap();
    for (from, status) in [("reject", 486), ("redirect", 302), ("ring-briefly", 480)] {
        pbx.call(from, "858");
        let ended = ends.next().await;
        assert_eq!((ended.status, ended.how), (Some(status), How::Acknowledged), "{from}");
    }
}

#[tokio::test]
async fn the_screen_sees_the_line_and_what_stands_against_the_call() {
    let pbx = pbx().await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let phone = builder()
        .screen(move |invite| {
            let objection = invite.objection().map(|objection| objection.status);
            let note = (invite.line(), invite.line_label().to_owned(), invite.is_private(), objection);
            notes.lock().unwrap().push(note);
            Reject::busy().into()
        })
        .start()
        .await
        .unwrap();
    let line = soon(phone.register(pbx.account("858").label("reception"))).await.unwrap();
    let mut plan = CallPlan::new("anonymous", "858");
    plan.privacy = Some("id;critical".to_owned());
    plan.headers = vec![("Require".to_owned(), "100rel".to_owned())];
    let id = pbx.place(plan);
    assert_eq!(pbx.statuses(id).await, [100, 486], "its own code, not 420");
    assert_eq!(*seen.lock().unwrap(), [(line.id(), "reception".to_owned(), true, Some(420))]);
}

#[tokio::test]
async fn an_invite_that_comes_again_is_not_screened_again() {
    let caller = caller("127.0.0.1").await;
    let times = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&times);
    let screen = move |_: &Invite<'_>| {
        counted.fetch_add(1, Ordering::Relaxed);
        Reject::busy().into()
    };
    let phone = builder().screen(screen).start().await.unwrap();
    let account = Account::new("858@127.0.0.1").unwrap().register(false).peer("127.0.0.1".parse().unwrap());
    soon(phone.line(account)).await.unwrap();
    let mut plan = CallPlan::new("1002", "858");
    plan.acks_left_out = 1;
    let id = caller.call(phone.local_addresses()[0], plan);
    caller.outcome(id).await;
    caller.with(|caller, now| caller.resend_invite(now, id));
    // 100, 486, and the 486 once more.
    caller.until(|caller| (caller.get(id).answers().len() >= 3).then_some(())).await;
    assert_eq!(times.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_trace_shows_every_datagram() {
    let pbx = pbx().await;
    let (builder, mut datagrams) = showing_datagrams(builder().screen(decide));
    let (builder, mut ends) = telling_ends(builder);
    let phone = builder.start().await.unwrap();
    soon(phone.register(pbx.account("858"))).await.unwrap();
    pbx.call("reject", "858");
    ends.next().await;
    let shown: Vec<_> = datagrams.take().into_iter().filter(|(.., payload)| payload != b"\r\n\r\n").collect();
    assert!(shown.iter().all(|(_, remote, _)| *remote == pbx.address));
    let of = |direction| {
        shown
            .iter()
            .filter(|(way, ..)| *way == direction)
            .map(|(.., bytes)| bytes.clone())
            .collect::<Vec<_>>()
    };
    let records = |direction| {
        let is_so = |record: &&ringfence_testing::Record| record.direction == direction;
        pbx.ask(|pbx| pbx.messages().filter(is_so).map(|record| record.message.clone()).collect::<Vec<_>>())
    };
    // REGISTER, 401, REGISTER, 200; INVITE, 100, 486, ACK; and what came again. More may be on its way.
    assert!(shown.len() >= 8);
    assert!(records(ringfence_testing::Direction::Sent).starts_with(&of(Direction::Received)));
    assert!(of(Direction::Sent).starts_with(&records(ringfence_testing::Direction::Received)));
}
