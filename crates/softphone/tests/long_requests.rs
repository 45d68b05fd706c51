//! Lines by UDP whose REGISTER is too long for it (RFC 3261 section 18.1.1), over real sockets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod stage;

use std::time::{Duration, Instant};

use softphone::{Account, Reject};
use stage::connections::pbx_behind;
use stage::{next, pbx, phone, soon};

/// With a display name that stands in From and in To.
fn long(account: Account) -> Account {
    account.display_name(&"n".repeat(500))
}

#[tokio::test]
async fn a_registrar_with_tcp_gets_a_long_register_by_tcp_and_a_contact_by_udp() {
    let (pbx, phone) = (pbx_behind(None, None).await, phone().await);
    let _line = soon(phone.register(long(pbx.account("858")))).await.unwrap();
    let contact = pbx.contacts("858").remove(0);
    let udp = phone.local_addresses()[0];
    assert!(contact.starts_with(&format!("sip:858@{udp};line=")), "{contact}");
    for register in pbx.received("REGISTER") {
        assert!(register.len() > 1300 && register.contains("\r\nVia: SIP/2.0/TCP 127.0.0.1:"), "{register}");
    }
    let counters = soon(phone.counters()).await.unwrap();
    assert_eq!((counters.requests_by_tcp, counters.connections), (2, 1), "one was challenged");
    // The line is removed by the same way.
    phone.shutdown(Duration::from_secs(10)).await;
    assert!(pbx.contacts("858").is_empty());
}

#[tokio::test]
async fn a_registrar_without_tcp_gets_a_long_register_by_udp_at_once() {
    let (pbx, phone) = (pbx().await, phone().await);
    pbx.refuse_connections();
    let began = Instant::now();
    let line = soon(phone.register(long(pbx.account("858")))).await.unwrap();
    assert!(began.elapsed().as_secs() < 4, "a refusal is not waited out");
    for register in pbx.received("REGISTER") {
        assert!(register.len() > 1300 && register.contains("\r\nVia: SIP/2.0/UDP 127.0.0.1:"), "{register}");
    }
    let counters = soon(phone.counters()).await.unwrap();
    assert_eq!((counters.requests_by_tcp, counters.connections), (0, 0));
    let call = pbx.call("1001", "858");
    next(line.incoming()).await.reject(Reject::busy()).await.unwrap();
    assert_eq!(pbx.statuses(call).await, [100, 486]);
}
