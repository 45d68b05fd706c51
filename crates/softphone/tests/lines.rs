//! Several lines and shards, and the handles that observe them.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod stage;

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use ringfence_testing::CallPlan;
use softphone::{
    Account, IncomingCall, Line, LineId, Registration, RegistrationState, Reject, Softphone, flat,
};

use stage::{builder, caller, next, pbx, phone, polled_once, soon};

#[tokio::test]
async fn each_line_of_a_softphone_gets_its_own_calls() {
    let (pbx, phone) = (pbx().await, phone().await);
    let reception = soon(phone.register(pbx.account("858"))).await.unwrap();
    let workshop = soon(phone.register(pbx.account("859"))).await.unwrap();
    assert_ne!(reception.id(), workshop.id());
    let (to_workshop, to_reception) = (pbx.call("1002", "859"), pbx.call("1003", "858"));
    let call = next(workshop.incoming()).await;
    assert_eq!((call.line(), &*call.caller().unwrap().user()), (workshop.id(), "1002"));
    call.reject(Reject::busy()).await.unwrap();
    let call = next(reception.incoming()).await;
    assert_eq!((call.line(), &*call.caller().unwrap().user()), (reception.id(), "1003"));
    call.reject(Reject::decline()).await.unwrap();
    assert_eq!(pbx.statuses(to_workshop).await, [100, 486]);
    assert_eq!(pbx.statuses(to_reception).await, [100, 603]);
}

#[tokio::test]
async fn a_line_of_another_account_keeps_its_binding_where_that_does_not_hang_on_it() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let bound = pbx.contacts("858");
    assert!(soon(line.change(pbx.account("858").peer("192.0.2.9".parse().unwrap()))).await.unwrap());
    assert!(!soon(line.change(pbx.account("859"))).await.unwrap(), "another user is another line");
    assert!(!soon(line.change(pbx.account("858").register(false))).await.unwrap());
    assert!(!soon(line.change(pbx.account("858").shard(1))).await.unwrap());
    let mut registration = line.registration();
    assert!(soon(line.change(pbx.account("858").password("wrong"))).await.unwrap());
    while !matches!(registration.state(), RegistrationState::Failed { .. }) {
        soon(registration.changed()).await.unwrap();
    }
    let id = pbx.call("1002", "858");
    next(line.incoming()).await.reject(Reject::busy()).await.unwrap();
    assert_eq!(pbx.statuses(id).await, [100, 486]);
    assert!(soon(line.change(pbx.account("858"))).await.unwrap());
    while !registration.state().is_registered() {
        soon(registration.changed()).await.unwrap();
    }
    assert_eq!(pbx.contacts("858"), bound);
    soon(line.remove()).await.unwrap();
    assert!(!soon(line.change(pbx.account("858"))).await.unwrap(), "it is no more");
}

#[tokio::test]
async fn shards_share_the_lines_and_each_call_reaches_its_own() {
    let (pbx, phone) = (pbx().await, builder().shards(2).start().await.unwrap());
    let addresses = phone.local_addresses();
    assert_eq!(addresses.len(), 2);
    for (user, address) in ["858", "859"].into_iter().zip(addresses) {
        let line = soon(phone.register(pbx.account(user))).await.unwrap();
        assert!(pbx.contacts(user)[0].contains(&address.to_string()), "its own shard's port");
        let id = pbx.call("1002", user);
        next(line.incoming()).await.reject(Reject::busy()).await.unwrap();
        assert_eq!(pbx.statuses(id).await, [100, 486]);
    }
    let counters = soon(phone.counters()).await.unwrap();
    assert_eq!((counters.lines, counters.rejected), (2, 2), "of all shards");
    soon(phone.shutdown(Duration::MAX)).await;
    assert!(pbx.contacts("858").is_empty() && pbx.contacts("859").is_empty());
}

#[tokio::test]
async fn a_line_that_does_not_register_is_on_the_first_shard_or_the_one_that_is_named() {
    let (caller, phone) = (caller("127.0.0.1").await, builder().shards(2).start().await.unwrap());
    let of = |user: &str| Account::of(user, "127.0.0.1", None).unwrap().register(false);
    let mut lines = Vec::new();
    for account in [of("858"), of("859"), of("860").shard(1)] {
        lines.push(soon(phone.line(account)).await.unwrap());
    }
    let addresses = phone.local_addresses();
    for (line, (user, shard)) in lines.iter().zip([("858", 0), ("859", 0), ("860", 1)]) {
        let id = caller.call(addresses[shard], CallPlan::new("1002", user));
        let call = next(line.incoming()).await;
        assert_eq!(call.called().unwrap().user(), user);
        call.reject(Reject::busy()).await.unwrap();
        assert_eq!(caller.outcome(id).await.status(), Some(486));
    }
    let none = soon(phone.line(of("861").shard(2))).await.unwrap_err();
    assert!(none.to_string().contains("shard 2 of 2"), "{none}");
}

#[tokio::test]
async fn lines_come_and_go_while_the_others_stay() {
    let (pbx, phone) = (pbx().await, phone().await);
    let reception = soon(phone.register(pbx.account("858"))).await.unwrap();
    for _ in 0..3 {
        let workshop = soon(phone.register(pbx.account("859"))).await.unwrap();
        let id = pbx.call("1002", "859");
        next(workshop.incoming()).await.reject(Reject::busy()).await.unwrap();
        assert_eq!(pbx.statuses(id).await, [100, 486]);
        soon(workshop.remove()).await.unwrap();
        assert!(soon(workshop.incoming()).await.is_none());
        assert!(pbx.contacts("859").is_empty());
        assert_eq!(soon(phone.counters()).await.unwrap().lines, 1);
    }
    let id = pbx.call("1002", "858");
    next(reception.incoming()).await.reject(Reject::busy()).await.unwrap();
    assert_eq!(pbx.statuses(id).await, [100, 486]);
}

#[tokio::test]
async fn calls_that_wait_when_their_line_is_removed_can_still_be_decided() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let (held, waiting) = (pbx.call("1002", "858"), pbx.call("1003", "858"));
    let held_call = next(line.incoming()).await;
    pbx.answered(waiting, 100).await;
    soon(line.remove()).await.unwrap();
    held_call.reject(Reject::busy()).await.unwrap();
    next(line.incoming()).await.reject(Reject::decline()).await.unwrap();
    assert!(soon(line.incoming()).await.is_none());
    assert_eq!(pbx.statuses(held).await, [100, 486]);
    assert_eq!(pbx.statuses(waiting).await, [100, 603]);
}

#[tokio::test]
async fn a_line_whose_handles_are_dropped_stays_registered_with_nobody_to_answer() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    drop((line.clone(), line.registration(), phone.clone(), line));
    let id = pbx.call("1002", "858");
    assert_eq!(pbx.statuses(id).await, [100, 480]);
    assert_eq!(pbx.contacts("858").len(), 1);
    drop(phone);
    let id = pbx.call("1002", "858");
    assert_eq!(pbx.statuses(id).await, [100, 480], "it runs until it is shut down");
}

#[tokio::test]
async fn a_line_whose_future_is_dropped_is_none() {
    let (pbx, phone) = (pbx().await, phone().await);
    for _ in 0..20 {
        if let Some(line) = polled_once(phone.line(pbx.account("858"))).await {
            // The shard was quicker: it is a line like any other.
            soon(line.unwrap().remove()).await.unwrap();
        }
        // The first answer comes after the line, the second after its end.
        soon(phone.counters()).await.unwrap();
        assert_eq!(soon(phone.counters()).await.unwrap().lines, 0);
    }
}

#[tokio::test]
async fn an_account_with_a_proxy_that_is_none_is_no_line() {
    let phone = phone().await;
    let error = soon(phone.line(Account::new("858@host").unwrap().outbound_proxy("a b"))).await.unwrap_err();
    assert!(error.to_string().starts_with("expected a proxy like"), "{error}");
    assert_eq!(soon(phone.counters()).await.unwrap().lines, 0);
}

#[test]
fn a_softphone_needs_no_runtime_of_the_applications() {
    let phone = alone(builder().start()).unwrap();
    let line = alone(phone.line(Account::new("858@127.0.0.1").unwrap().register(false))).unwrap();
    assert_eq!(alone(phone.counters()).unwrap().lines, 1);
    alone(phone.shutdown(Duration::MAX));
    assert!(alone(line.incoming()).is_none());
}

/// Waits for a future with nothing but the thread it is on.
fn alone<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        std::thread::park();
    }
}

#[test]
fn handles_are_shared_between_threads_and_cloned() {
    fn is_handle<T: Clone + Send + Sync + 'static>() {}
    fn is_moved<T: Send + Sync + 'static>() {}
    is_handle::<Softphone>();
    is_handle::<Line>();
    is_handle::<Registration>();
    is_handle::<Account>();
    is_handle::<Reject>();
    is_handle::<LineId>();
    is_moved::<IncomingCall>();
    is_moved::<softphone::Error>();
    is_moved::<softphone::Builder>();
    is_moved::<flat::Phone>();
    is_moved::<flat::Event>();
}

#[test]
fn the_futures_of_all_methods_can_be_spawned() {
    fn can_be_spawned(_: &(impl Future + Send)) {}
    let futures = async |phone: Softphone, line: Line, mut call: IncomingCall, account: Account| {
        can_be_spawned(&phone.register(account.clone()));
        can_be_spawned(&phone.line(account));
        can_be_spawned(&phone.counters());
        can_be_spawned(&phone.shutdown(Duration::ZERO));
        can_be_spawned(&line.incoming());
        can_be_spawned(&line.unregister());
        can_be_spawned(&line.remove());
        can_be_spawned(&line.registration().changed());
        can_be_spawned(&call.ring());
        can_be_spawned(&call.cancelled());
        can_be_spawned(&call.reject(Reject::busy()));
        can_be_spawned(&Softphone::builder().start());
    };
    let _ = futures;
}
