//! What is listened on: ports in use, IPv6, both families at once.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod stage;

use std::net::{SocketAddr, UdpSocket};

use ringfence_testing::{CallPlan, Caller};
use softphone::{Account, Reject, Softphone};

use stage::{Host, builder, next, pbx_at, soon};

#[tokio::test]
async fn a_used_port_is_told_as_such() {
    // An address of its own: a free port stays free.
    let taken = UdpSocket::bind("127.0.0.71:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = builder().listen(address).start().await.unwrap_err();
    assert!(error.is_address_in_use());
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    drop(taken);
    builder().listen(address).start().await.unwrap();
}

#[tokio::test]
async fn where_one_shard_cannot_listen_none_does() {
    let (first, taken) = two_adjacent_ports();
    let address = first.local_addr().unwrap();
    drop(first);
    assert!(builder().listen(address).shards(2).start().await.unwrap_err().is_address_in_use());
    UdpSocket::bind(address).expect("the first shard's socket is closed again");
    drop(taken);
}

#[tokio::test]
async fn an_address_that_is_not_ours_is_an_error_of_another_kind() {
    let error = builder().listen("192.0.2.1:0".parse().unwrap()).start().await.unwrap_err();
    assert!(!error.is_address_in_use() && !error.is_closed(), "{error}");
}

#[tokio::test]
async fn a_range_of_ports_without_a_pair_is_refused() {
    let error = builder().rtp_ports(5001..=5002).start().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a range of ports with an even one and its next, got \"5001-5002\""
    );
}

#[tokio::test]
async fn registration_and_calls_go_over_ipv6() {
    let pbx = pbx_at("::1", |_| {}).await;
    let phone = builder().listen("[::1]:0".parse().unwrap()).start().await.unwrap();
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    assert!(pbx.contacts("858")[0].starts_with("sip:858@[::1]:"));
    let id = pbx.call("1002", "858");
    let call = next(line.incoming()).await;
    assert_eq!(call.source(), pbx.address);
    call.reject(Reject::busy()).await.unwrap();
    assert_eq!(pbx.statuses(id).await, [100, 486]);
}

#[tokio::test]
async fn the_ipv6_wildcard_serves_both_families() {
    let (four, six) = (pbx_at("127.0.0.1", |_| {}).await, pbx_at("::1", |_| {}).await);
    let phone = builder().listen("[::]:0".parse().unwrap()).start().await.unwrap();
    for (pbx, host) in [(four, "127.0.0.1"), (six, "[::1]")] {
        let line = soon(phone.register(pbx.account("858"))).await.unwrap();
        assert!(pbx.contacts("858")[0].starts_with(&format!("sip:858@{host}:")), "{:?}", pbx.contacts("858"));
        let id = pbx.call("1002", "858");
        let call = next(line.incoming()).await;
        assert_eq!(call.source(), pbx.address, "an IPv4 caller is seen as such");
        call.reject(Reject::busy()).await.unwrap();
        assert_eq!(pbx.statuses(id).await, [100, 486]);
    }
}

#[tokio::test]
async fn the_ipv4_wildcard_registers_the_address_of_the_route() {
    let pbx = pbx_at("127.0.0.1", |_| {}).await;
    let phone = Softphone::builder().start().await.unwrap();
    soon(phone.register(pbx.account("858"))).await.unwrap();
    assert!(pbx.contacts("858")[0].starts_with("sip:858@127.0.0.1:"));
}

#[tokio::test]
async fn a_datagram_that_is_no_sip_is_counted_and_the_line_goes_on() {
    let caller = Host::start("127.0.0.1", |address| Caller::new(address, 7)).await;
    let phone = builder().start().await.unwrap();
    let account = Account::new("858@127.0.0.1").unwrap().register(false).open_to_everyone(true);
    let line = soon(phone.line(account)).await.unwrap();
    let address: SocketAddr = phone.local_addresses()[0];
    let hostile = UdpSocket::bind("127.0.0.1:0").unwrap();
    let datagrams: [&[u8]; 4] = [b"", b"\0", b"INVITE", &[0xff; 1400]];
    for datagram in datagrams {
        hostile.send_to(datagram, address).unwrap();
    }
    caller.call(address, CallPlan::new("1002", "858"));
    next(line.incoming()).await.reject(Reject::busy()).await.unwrap();
    let counters = soon(phone.counters()).await.unwrap();
    // Nothing and a NUL keep a flow open.
    assert_eq!((counters.keep_alives, counters.dropped_malformed), (2, 2));
}

/// Two sockets on ports next to each other.
fn two_adjacent_ports() -> (UdpSocket, UdpSocket) {
    let adjacent = |_| {
        // An address of their own: a free port stays free.
        let first = UdpSocket::bind("127.0.0.72:0").ok()?;
        let next = first.local_addr().ok()?.port().checked_add(1)?;
        Some((first, UdpSocket::bind(("127.0.0.72", next)).ok()?))
    };
    (0..100).find_map(adjacent).expect("two free ports next to each other")
}
