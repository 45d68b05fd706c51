//! The end of a softphone, and what is left of it.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod stage;

use std::time::Duration;

use ringfence_testing::Mode;
use softphone::{Account, EndedBy, RegistrationState, Reject};

use tokio::net::UdpSocket;

use stage::{builder, next, pbx, phone, soon, telling_ends};

#[tokio::test]
async fn shutting_down_unregisters_and_ends_every_wait() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let waiting = tokio::spawn({
        let line = line.clone();
        async move { line.incoming().await.is_none() }
    });
    soon(phone.shutdown(Duration::MAX)).await;
    assert!(pbx.contacts("858").is_empty());
    assert!(soon(waiting).await.unwrap());
    assert!(soon(line.incoming()).await.is_none());
    assert_eq!(line.registration().state(), RegistrationState::Unregistered);
}

#[tokio::test]
async fn undecided_calls_are_unavailable_when_the_softphone_is_shut_down() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let (held, waiting) = (pbx.call("1002", "858"), pbx.call("1003", "858"));
    let mut call = next(line.incoming()).await;
    pbx.answered(waiting, 100).await;
    soon(phone.shutdown(Duration::MAX)).await;
    soon(call.cancelled()).await;
    assert!(call.ring().await.unwrap_err().is_closed());
    assert!(call.reject(Reject::busy()).await.unwrap_err().is_closed());
    assert_eq!(pbx.statuses(held).await, [100, 480]);
    assert_eq!(pbx.statuses(waiting).await, [100, 480]);
    assert!(soon(line.incoming()).await.is_none(), "what is over is not announced");
}

#[tokio::test]
async fn the_end_of_each_call_under_way_is_told_before_the_shutdown_is_over() {
    let (builder, mut ends) = telling_ends(builder());
    let (pbx, phone) = (pbx().await, builder.start().await.unwrap());
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let mut ringing = Vec::new();
    for caller in ["1002", "1003"] {
        pbx.call(caller, "858");
        let mut call = next(line.incoming()).await;
        call.ring().await.unwrap();
        // Dropped it would be rejected.
        ringing.push(call);
    }
    soon(phone.shutdown(Duration::ZERO)).await;
    let told: Vec<_> = ends.take().iter().map(|ended| (ended.status, ended.by)).collect();
    assert_eq!(told, [(Some(480), EndedBy::Shutdown); 2]);
}

#[tokio::test]
async fn after_the_end_everything_says_that_the_softphone_is_closed() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    soon(phone.shutdown(Duration::MAX)).await;
    assert!(soon(phone.register(pbx.account("859"))).await.unwrap_err().is_closed());
    assert!(soon(phone.line(pbx.account("859"))).await.unwrap_err().is_closed());
    assert!(soon(phone.counters()).await.unwrap_err().is_closed());
    assert!(line.register().unwrap_err().is_closed());
    assert!(soon(line.unregister()).await.unwrap_err().is_closed());
    let error = soon(line.remove()).await.unwrap_err();
    assert!(error.is_closed() && !error.is_timeout() && error.status().is_none());
    assert_eq!(error.to_string(), "the softphone was shut down");
    soon(phone.shutdown(Duration::MAX)).await;
}

#[tokio::test]
async fn a_registration_under_way_fails_when_the_softphone_is_shut_down() {
    let (pbx, phone) = (pbx().await, phone().await);
    pbx.set_mode(Mode::Silent);
    let registering = tokio::spawn({
        let (phone, account) = (phone.clone(), pbx.account("858"));
        async move { phone.register(account).await }
    });
    pbx.until(|pbx| pbx.messages().next().map(drop)).await;
    soon(phone.shutdown(Duration::ZERO)).await;
    assert!(soon(registering).await.unwrap().unwrap_err().is_closed());
}

#[tokio::test]
async fn a_registrar_that_is_silent_is_not_waited_for_longer_than_the_grace() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    pbx.set_mode(Mode::Silent);
    let removing = tokio::spawn(async move { line.remove().await });
    // The second asks for less than the first.
    soon(async { tokio::join!(phone.shutdown(Duration::MAX), phone.shutdown(Duration::from_millis(1))) })
        .await;
    assert!(soon(removing).await.unwrap().unwrap_err().is_closed());
}

#[tokio::test]
async fn no_line_says_that_it_is_registered_after_the_end() {
    let (pbx, phone) = (pbx().await, phone().await);
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    pbx.set_mode(Mode::Silent);
    let mut registration = line.registration();
    assert!(matches!(registration.state(), RegistrationState::Registered { .. }));
    soon(phone.shutdown(Duration::ZERO)).await;
    assert_eq!(soon(registration.changed()).await, Some(RegistrationState::Unregistered));
    assert_eq!(soon(registration.changed()).await, None);
}

/// A registrar refuses with 403 from now on.
fn refusing() -> Mode {
    Mode::Refusing { status: 403, retry_after: None }
}

#[tokio::test]
async fn the_end_tells_how_many_bindings_the_registrars_have_not_confirmed_to_be_removed() {
    for (mode, [confirmed, unconfirmed]) in
        [(Mode::Working, [2, 0]), (refusing(), [0, 2]), (Mode::Silent, [0, 2])]
    {
        let pbx = pbx().await;
        let phone = builder().shards(2).start().await.unwrap();
        for user in ["858", "859"] {
            soon(phone.register(pbx.account(user))).await.unwrap();
        }
        // A line that never had one leaves none behind.
        pbx.set_mode(refusing());
        let _refused = soon(phone.line(pbx.account("860"))).await.unwrap();
        pbx.set_mode(mode);
        let removals = soon(phone.shutdown(Duration::from_millis(500))).await;
        assert_eq!([removals.confirmed, removals.unconfirmed], [confirmed, unconfirmed]);
    }
}

#[tokio::test]
async fn two_who_shut_down_at_once_both_wait_for_the_end() {
    let (pbx, phone) = (pbx().await, phone().await);
    soon(phone.register(pbx.account("858"))).await.unwrap();
    let first = async {
        phone.shutdown(Duration::MAX).await;
        assert!(pbx.contacts("858").is_empty());
    };
    let second = async {
        phone.shutdown(Duration::MAX).await;
        assert!(pbx.contacts("858").is_empty());
    };
    soon(async { tokio::join!(first, second) }).await;
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
//= type=test
//# If timer G fires, the response
//# is passed to the transport layer once more for retransmission, and
//# timer G is set to fire in MIN(2*T1, T2) seconds.
#[tokio::test]
async fn an_answer_of_the_end_that_was_lost_is_sent_again_before_the_end() {
    let phone = phone().await;
    let account = Account::new("858@127.0.0.1:9").unwrap().register(false);
    let line = soon(phone.line(account)).await.unwrap();
    let caller = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let invite = format!(
        "INVITE sip:858@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK1\r\nFrom: <sip:1@127.0.0.1>;tag=a\r\n\
        To: <sip:858@127.0.0.1>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        caller.local_addr().unwrap()
    );
    caller.send_to(invite.as_bytes(), phone.local_addresses()[0]).await.unwrap();
    let _call = next(line.incoming()).await;
    let shutdown = tokio::spawn(async move { phone.shutdown(Duration::MAX).await });
    let mut unavailable = 0;
    while unavailable < 2 {
        let mut heard = vec![0; 2_000];
        let length = soon(caller.recv(&mut heard)).await.unwrap();
        unavailable += usize::from(heard[..length].starts_with(b"SIP/2.0 480"));
    }
    // Nobody acknowledges it: it is not waited for long.
    soon(shutdown).await.unwrap();
}

#[tokio::test]
async fn the_address_is_free_as_soon_as_the_softphone_is_shut_down() {
    // An address of its own: a free port stays free.
    let phone = builder().listen("127.0.0.73:0".parse().unwrap()).start().await.unwrap();
    let address = phone.local_addresses()[0];
    soon(phone.shutdown(Duration::ZERO)).await;
    for _ in 0..50 {
        let phone = builder().listen(address).start().await.unwrap();
        soon(phone.shutdown(Duration::ZERO)).await;
    }
}
