//! Incoming calls, and what the application decides on them.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod stage;

use std::time::Duration;

use ringfence_testing::{CallPlan, Direction, Outcome, Pbx, Record};
use softphone::{EndedBy, How, Line, Redirect, Reject, Softphone, Trust};

use stage::{
    Host, builder, caller, next, pbx, phone, polled_once, rejected, showing_datagrams, soon, telling_ends,
};

/// A PBX and a softphone whose line is registered there.
async fn registered() -> (Host<Pbx>, Softphone, Line) {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    (pbx, phone, line)
}

#[tokio::test]
async fn a_rejected_caller_sees_100_and_486_with_the_warning_and_sends_ack() {
    let pbx = pbx().await;
    let (builder, mut ends) = telling_ends(builder().warning_agent("reception"));
    let phone = builder.start().await.unwrap();
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let id = pbx.call("1002", "858");
    let call = next(line.incoming()).await;
    let number = call.id();
    call.reject(Reject::busy().warning("User reject")).await.unwrap();
    let warning = Some("399 reception \"User reject\"".to_owned());
    assert_eq!(
        pbx.outcome(id).await,
        Outcome::Rejected { status: 486, reason: "Busy Here".to_owned(), warning }
    );
    let ended = ends.next().await;
    assert_eq!((ended.call, ended.status, ended.how), (number, Some(486), How::Acknowledged));
    let lines = pbx.ask(|pbx| pbx.messages_of(id).map(Record::first_line).collect::<Vec<_>>());
    let contact = &pbx.contacts("858")[0];
    let (invite, ack) = (format!("INVITE {contact} SIP/2.0"), format!("ACK {contact} SIP/2.0"));
    assert_eq!(lines, [&invite, "SIP/2.0 100 Trying", "SIP/2.0 486 Busy Here", &ack]);
}

#[tokio::test]
async fn a_call_tells_what_its_invite_says() {
    let (pbx, phone, line) = registered().await;
    let mut plan = CallPlan::new("1002", "858");
    plan.display_name = Some("Front Door".to_owned());
    plan.asserted = Some("+41445551234".to_owned());
    plan.headers = vec![("X-Queue".to_owned(), "sales".to_owned())];
    pbx.place(plan);
    let call = next(line.incoming()).await;
    assert_eq!(call.from().unwrap().user(), "1002");
    assert_eq!(call.from().unwrap().display_name().unwrap(), "Front Door");
    assert_eq!(call.asserted().unwrap().user(), "+41445551234");
    assert_eq!(call.caller().unwrap().user(), "+41445551234");
    assert_eq!(call.called().unwrap().user(), "858");
    assert_eq!(call.header("x-queue").unwrap(), "sales");
    assert_eq!((call.source(), call.line()), (pbx.address, line.id()));
    assert_eq!(call.invite().trust(), Trust::Registrar);
    assert!(call.offer().unwrap().starts_with(b"v=0\r\n"));
    assert_eq!(soon(phone.counters()).await.unwrap().undecided_calls, 1);
}

#[tokio::test]
async fn a_rejection_carries_its_phrase_reason_and_time_to_wait() {
    let (pbx, _phone, line) = registered().await;
    let id = pbx.call("1002", "858");
    let reject = Reject::status(433)
        .unwrap()
        .phrase("No\r\nThanks")
        .reason("Q.850;cause=21;text=\"Call rejected\"")
        .retry_after(Duration::from_millis(1500));
    next(line.incoming()).await.reject(reject).await.unwrap();
    assert_eq!(pbx.outcome(id).await, rejected(433, "No  Thanks"));
    let answer = pbx.received("SIP/2.0 433").remove(0);
    assert!(answer.contains("\r\nReason: Q.850;cause=21;text=\"Call rejected\"\r\n"), "{answer}");
    assert!(answer.contains("\r\nRetry-After: 2\r\n"), "{answer}");
}

#[tokio::test]
async fn a_ringing_call_whose_caller_gives_up_is_cancelled() {
    let (pbx, _phone, line) = registered().await;
    let id = pbx.call("1002", "858");
    let mut call = next(line.incoming()).await;
    call.ring().await.unwrap();
    pbx.answered(id, 180).await;
    assert!(!call.is_cancelled());
    pbx.cancel(id);
    soon(call.cancelled()).await;
    assert!(call.is_cancelled());
    call.reject(Reject::busy()).await.expect("nothing is left to reject");
    assert_eq!(pbx.outcome(id).await, Outcome::Cancelled);
    assert_eq!(pbx.statuses(id).await, [100, 180, 487]);
}

#[tokio::test]
async fn a_call_that_is_rejected_right_after_it_rings_has_rung() {
    let (pbx, _phone, line) = registered().await;
    let id = pbx.call("1002", "858");
    let mut call = next(line.incoming()).await;
    call.ring().await.unwrap();
    call.ring().await.unwrap();
    call.reject(Reject::decline()).await.unwrap();
    assert_eq!(pbx.statuses(id).await, [100, 180, 603]);
}

#[tokio::test]
async fn a_call_that_is_dropped_undecided_is_unavailable() {
    let (pbx, _phone, line) = registered().await;
    let id = pbx.call("1002", "858");
    drop(next(line.incoming()).await);
    assert_eq!(pbx.outcome(id).await, rejected(480, "Temporarily Unavailable"));
}

#[tokio::test]
async fn a_decision_that_is_never_polled_is_none() {
    let (pbx, _phone, line) = registered().await;
    let id = pbx.call("1002", "858");
    drop(next(line.incoming()).await.reject(Reject::busy()));
    assert_eq!(pbx.statuses(id).await, [100, 480]);
}

#[tokio::test]
async fn a_redirected_caller_is_given_the_contact() {
    let (pbx, _phone, line) = registered().await;
    let id = pbx.call("1002", "858");
    next(line.incoming()).await.redirect("sip:1000@pbx.example.com").await.unwrap();
    let contacts = vec!["sip:1000@pbx.example.com".to_owned()];
    assert_eq!(pbx.outcome(id).await, Outcome::Redirected { status: 302, contacts });
}

#[tokio::test]
async fn a_redirected_caller_is_told_who_sent_him_on_and_why() {
    let (pbx, _phone, line) = registered().await;
    let id = pbx.call("1002", "858");
    let mailbox = Redirect::to("sip:mailbox@pbx.example.com").unwrap();
    let mailbox = mailbox.diversion("sip:858@pbx.example.com", "time-of-day").unwrap();
    next(line.incoming()).await.redirect_as(mailbox).await.unwrap();
    pbx.outcome(id).await;
    let answer = pbx.received("SIP/2.0 302").remove(0);
    assert!(answer.contains("\r\nDiversion: <sip:858@pbx.example.com>;reason=time-of-day\r\n"), "{answer}");
}

#[tokio::test]
async fn a_redirection_to_nowhere_fails_and_the_call_is_unavailable() {
    let (pbx, _phone, line) = registered().await;
    for target in ["1000", "", "http://example.com", "sip:1000@pbx>\r\nX: y"] {
        let id = pbx.call("1002", "858");
        let error = next(line.incoming()).await.redirect(target).await.unwrap_err();
        assert!(!error.is_closed() && error.status().is_none(), "{error}");
        assert_eq!(pbx.statuses(id).await, [100, 480], "{target:?}");
    }
    assert!(Redirect::to("tel:+41445551234").is_ok());
}

#[tokio::test]
async fn an_ignored_call_gets_nothing_more_however_often_it_comes() {
    let (caller, phone) = (caller("127.0.0.1").await, phone().await);
    let account = softphone::Account::new("sip:858@127.0.0.1").unwrap().register(false);
    let line = soon(phone.line(account.peer("127.0.0.1".parse().unwrap()))).await.unwrap();
    let address = phone.local_addresses()[0];
    let ignored = caller.call(address, CallPlan::new("1002", "858"));
    next(line.incoming()).await.ignore();
    assert_eq!(soon(phone.counters()).await.unwrap().ignored, 1);
    caller.until(|caller| caller.get(ignored).answers().first().map(drop)).await;
    caller.with(|caller, now| caller.resend_invite(now, ignored));
    caller.with(|caller, now| caller.cancel(now, ignored));
    let second = caller.call(address, CallPlan::new("1003", "858"));
    next(line.incoming()).await.reject(Reject::busy()).await.unwrap();
    // What came after them has been answered: they were seen.
    caller.outcome(second).await;
    let statuses = caller.ask(|caller| caller.get(ignored).statuses());
    assert_eq!(statuses, [100]);
    let received = |record: &&Record| record.direction == Direction::Received;
    let answers = caller.ask(|caller| caller.messages_of(ignored).filter(received).count());
    assert_eq!(answers, 2, "100 and, of another transaction, the 200 of CANCEL");
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_it_waits_is_not_announced() {
    let pbx = pbx().await;
    let (builder, mut ends) = telling_ends(builder());
    let phone = builder.start().await.unwrap();
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let lost = pbx.call("1002", "858");
    pbx.cancel(lost);
    assert_eq!(pbx.outcome(lost).await, Outcome::Cancelled);
    assert_eq!(ends.next().await.status, Some(487));
    pbx.call("1003", "858");
    assert_eq!(next(line.incoming()).await.caller().unwrap().user(), "1003");
}

#[tokio::test]
async fn a_wait_for_a_call_that_is_dropped_loses_none() {
    let (pbx, _phone, line) = registered().await;
    let mut calls = Vec::new();
    for from in ["1001", "1002", "1003"] {
        assert!(polled_once(line.incoming()).await.is_none());
        calls.push(pbx.call(from, "858"));
    }
    for from in ["1001", "1002", "1003"] {
        let call = next(line.incoming()).await;
        assert_eq!(call.caller().unwrap().user(), from);
        call.reject(Reject::busy()).await.unwrap();
    }
    for call in calls {
        assert_eq!(pbx.statuses(call).await, [100, 486]);
    }
}

#[tokio::test]
async fn a_call_that_no_room_is_left_for_is_turned_away_and_told_so() {
    let pbx = pbx().await;
    let (builder, mut ends) = telling_ends(builder());
    let phone = builder.start().await.unwrap();
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    // Few at once, so that none is lost and none comes before another.
    let mut waiting = Vec::new();
    for _ in 0..32 {
        let calls: Vec<_> = (0..32).map(|_| pbx.call("1002", "858")).collect();
        for call in &calls {
            pbx.answered(*call, 100).await;
        }
        waiting.extend(calls);
    }
    let beyond = pbx.call("1003", "858");
    assert_eq!(pbx.statuses(beyond).await, [100, 480]);
    let ended = ends.next().await;
    assert_eq!((ended.status, ended.by), (Some(480), EndedBy::Overload));
    let counters = soon(phone.counters()).await.unwrap();
    assert_eq!((counters.turned_away, counters.rejected, counters.undecided_calls), (1, 0, 1024));
    next(line.incoming()).await.reject(Reject::busy()).await.unwrap();
    assert_eq!(pbx.statuses(waiting[0]).await, [100, 486]);
    let ended = ends.next().await;
    assert_eq!((ended.status, ended.by), (Some(486), EndedBy::Decision));
}

#[tokio::test]
async fn several_tasks_share_the_calls_of_a_line() {
    let (pbx, _phone, line) = registered().await;
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let line = line.clone();
            tokio::spawn(async move { next(line.incoming()).await.reject(Reject::busy()).await })
        })
        .collect();
    let calls: Vec<_> = (0..4).map(|caller| pbx.call(&caller.to_string(), "858")).collect();
    for call in calls {
        assert_eq!(pbx.outcome(call).await, rejected(486, "Busy Here"));
    }
    for worker in workers {
        soon(worker).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_call_that_may_not_ring_is_answered_what_stands_against_it() {
    let (pbx, _phone, line) = registered().await;
    let mut plan = CallPlan::new("1002", "858");
    plan.headers = vec![("Require".to_owned(), "100rel".to_owned())];
    let id = pbx.place(plan);
    let mut call = next(line.incoming()).await;
    assert_eq!(call.invite().objection().unwrap().status, 420);
    assert_eq!(call.ring().await.unwrap_err().status(), Some(420));
    assert!(call.is_cancelled(), "nothing is left to decide");
    drop(call);
    assert_eq!(pbx.statuses(id).await, [100, 420]);
}

#[tokio::test]
async fn a_stranger_is_not_answered_and_not_announced() {
    let (pbx, stranger) = (pbx().await, caller("127.0.0.66").await);
    let (builder, mut datagrams) = showing_datagrams(builder());
    let phone = builder.start().await.unwrap();
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let id = stranger.call(phone.local_addresses()[0], CallPlan::new("1002", "858"));
    assert_eq!(datagrams.until(softphone::Direction::Received, "INVITE").await, stranger.address);
    assert_eq!(soon(phone.counters()).await.unwrap().dropped_stranger, 1);
    pbx.call("1003", "858");
    assert_eq!(next(line.incoming()).await.caller().unwrap().user(), "1003");
    assert!(stranger.ask(|stranger| stranger.get(id).answers().is_empty()));
}

#[tokio::test]
async fn a_peer_and_whoever_has_the_contact_may_ring() {
    let (pbx, phone) = (pbx().await, phone().await);
    let (peer, gateway) = (caller("127.0.0.66").await, caller("127.0.0.67").await);
    let account = pbx.account("858").peer("127.0.0.66".parse().unwrap());
    let line = soon(phone.register(account)).await.unwrap();
    let address = phone.local_addresses()[0];
    peer.call(address, CallPlan::new("1002", "858"));
    assert_eq!(next(line.incoming()).await.invite().trust(), Trust::Peer);
    gateway.call(address, CallPlan::new("1003", &pbx.contacts("858")[0]));
    let call = next(line.incoming()).await;
    assert_eq!(call.invite().trust(), Trust::Token);
    assert!(call.asserted().is_none());
}
