//! Ports for media, and where a peer is told to send to.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod stage;

use std::net::SocketAddr;

use ringfence_testing::Pbx;
use softphone::{Line, RtpPair, Softphone};
use tokio::net::UdpSocket;

use stage::zone::Zone;
use stage::{Host, builder, pbx, pbx_at, phone, soon};

/// A STUN server that gives one answer to all that it is asked: the part of it behind the id.
async fn stun_server(kind: u16, attributes: &'static [u8]) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 100];
        while let Ok((20, asker)) = socket.recv_from(&mut buffer).await {
            let length = u16::try_from(attributes.len()).unwrap().to_be_bytes();
            let answer = [&kind.to_be_bytes()[..], &length, &buffer[4..20], attributes].concat();
            socket.send_to(&answer, asker).await.unwrap();
        }
    });
    address
}

/// XOR-MAPPED-ADDRESS: 192.0.2.1:32853 (RFC 5769 section 2.2).
const SEEN: &[u8] = &[0x00, 0x20, 0x00, 0x08, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43];
const REFUSED: &[u8] = &[0x00, 0x09, 0x00, 0x04, 0, 0, 4, 1];

/// A registered line, and its registrar.
async fn line(phone: &Softphone) -> (Line, Host<Pbx>) {
    let pbx = pbx().await;
    (soon(phone.register(pbx.account("858"))).await.unwrap(), pbx)
}

async fn asking(server: SocketAddr) -> softphone::Result<RtpPair> {
    let phone = soon(builder().stun_server(&server.to_string()).start()).await.unwrap();
    let (line, _pbx) = line(&phone).await;
    soon(line.rtp_pair()).await
}

#[tokio::test]
async fn a_pair_is_an_even_port_and_its_next_at_the_address_of_the_line() {
    // Below those that the system gives to whoever asks for any port, as the other tests do beside this one.
    let phone = soon(builder().rtp_ports(12_001..=12_007).start()).await.unwrap();
    let (line, _pbx) = line(&phone).await;
    let mut pairs = Vec::new();
    for _ in 0..3 {
        let pair = soon(line.rtp_pair()).await.unwrap();
        let [rtp, rtcp] = pair.local_addresses();
        assert!(
            rtp.port() % 2 == 0 && rtcp.port() == rtp.port() + 1 && (12_002..=12_006).contains(&rtp.port())
        );
        assert_eq!((rtp.ip(), pair.public_addresses()), ("127.0.0.1".parse().unwrap(), [rtp, rtcp]));
        pairs.push(pair);
    }
    let error = soon(line.rtp_pair()).await.unwrap_err().to_string();
    assert!(error.starts_with("no pair of ports for media from 127.0.0.1:12002 to 12007: "), "{error}");
    pairs.clear();
    assert!(soon(line.rtp_pair()).await.is_ok(), "ports come back");
}

#[tokio::test]
async fn a_line_that_was_removed_has_no_ports_and_the_softphone_goes_on() {
    let (pbx, phone) = (pbx().await, builder().start().await.unwrap());
    let line = soon(phone.register(pbx.account("858"))).await.unwrap();
    let other = line.clone();
    soon(line.remove()).await.unwrap();
    let error = soon(other.rtp_pair()).await.unwrap_err();
    assert!(!error.is_closed() && error.to_string() == "the line was removed", "{error}");
}

#[tokio::test]
async fn a_peer_is_told_where_the_stun_server_sees_the_ports() {
    let pair = asking(stun_server(0x0101, SEEN).await).await.unwrap();
    assert_eq!(pair.public_addresses(), ["192.0.2.1:32853".parse().unwrap(); 2]);
    assert_eq!(pair.into_sockets()[0].local_addr().unwrap().ip().to_string(), "127.0.0.1");
    let pbx = pbx_at("127.0.0.1", |config| config.answers_stun = true).await;
    let pair = asking(pbx.address).await.unwrap();
    assert_eq!(pair.public_addresses(), pair.local_addresses(), "no router is between");
}

#[tokio::test]
async fn a_stun_server_that_tells_nothing_is_an_error_that_names_it() {
    let refusing = stun_server(0x0111, REFUSED).await;
    let error = asking(refusing).await.unwrap_err().to_string();
    assert_eq!(
        error,
        format!("the STUN server {refusing} did not tell our address: it answered with error 401")
    );
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let error = asking(silent.local_addr().unwrap()).await.unwrap_err().to_string();
    assert!(error.ends_with(": it was silent for 3 s"), "{error}");
}

#[tokio::test]
async fn a_stun_server_with_a_name_is_found_by_the_resolver_that_was_given() {
    let port = stun_server(0x0101, SEEN).await.port();
    let zone = Zone::default().with("stun.example.com 60 A 127.0.0.1");
    let named = |name: &str| builder().resolver(zone.clone()).stun_server(&format!("{name}:{port}")).start();
    let phone = soon(named("stun.example.com")).await.unwrap();
    let (registered, _pbx) = line(&phone).await;
    let pair = soon(registered.rtp_pair()).await.unwrap();
    assert_eq!(pair.public_addresses(), ["192.0.2.1:32853".parse().unwrap(); 2]);
    assert_eq!(zone.asked(), ["A stun.example.com"]);

    let phone = soon(named("missing.example.com")).await.unwrap();
    let (registered, _pbx) = line(&phone).await;
    let error = soon(registered.rtp_pair()).await.unwrap_err().to_string();
    let expected = format!("the STUN server missing.example.com:{port} did not tell our address: no address");
    assert_eq!(error, expected);
}

#[tokio::test]
async fn a_public_address_is_told_without_asking_anyone() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let phone = soon(builder().stun_server(&silent.to_string()).start()).await.unwrap();
    let account = pbx().await.account("858").public_address("203.0.113.9".parse().unwrap()).register(false);
    let line = soon(phone.line(account)).await.unwrap();
    let pair = soon(line.rtp_pair()).await.unwrap();
    let [rtp, rtcp] = pair.public_addresses();
    assert_eq!(rtp, SocketAddr::new("203.0.113.9".parse().unwrap(), pair.local_addresses()[0].port()));
    assert_eq!(rtcp.port(), rtp.port() + 1);
}

#[tokio::test]
async fn what_is_no_stun_server_is_told_at_the_start() {
    let error = soon(builder().stun_server("a b").start()).await.unwrap_err().to_string();
    assert_eq!(error, "expected a STUN server like stun.example.com or 192.0.2.1:3478, got \"a b\"");
    drop(phone().await);
}
