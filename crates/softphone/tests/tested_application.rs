//! The example of docs/testing.md: an application as it is, on the loopback interface, with a PBX that the test runs.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

// docs/testing.md begins here
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ringfence_testing::{CallPlan, Node, Pbx, PbxConfig};
use softphone::{Account, Line, Reject, Softphone};

/// The application: it rejects every call.
async fn answer(line: Line) -> softphone::Result<()> {
    while let Some(call) = line.incoming().await {
        call.reject(Reject::busy().warning("User reject")).await?;
    }
    Ok(())
}

/// Runs a PBX on a socket of the loopback interface, in a thread of its own, which ends with the tests.
fn run_pbx() -> (SocketAddr, Arc<Mutex<Pbx>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    // Often enough for what the test tells it, and for its timers.
    socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let address = socket.local_addr().unwrap();
    let mut pbx = Pbx::new(PbxConfig::new(address), 1);
    pbx.add_user("858", "secret");
    let pbx = Arc::new(Mutex::new(pbx));
    let shared = Arc::clone(&pbx);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_535];
        loop {
            let received = socket.recv_from(&mut buffer);
            let mut pbx = shared.lock().unwrap();
            let now = Instant::now();
            if let Ok((length, source)) = received {
                pbx.handle_datagram(now, source, &buffer[..length]);
            }
            if pbx.poll_timeout().is_some_and(|due| due <= now) {
                pbx.handle_timeout(now);
            }
            while let Some((destination, datagram)) = pbx.poll_transmit() {
                socket.send_to(&datagram, destination).unwrap();
            }
        }
    });
    (address, pbx)
}

#[tokio::test]
async fn every_call_is_rejected() {
    let (address, pbx) = run_pbx();
    let phone = Softphone::builder().listen("127.0.0.1:0".parse().unwrap()).start().await.unwrap();
    let account = Account::new(&format!("sip:858@{address}")).unwrap().password("secret");
    let line = phone.register(account).await.unwrap();
    tokio::spawn(answer(line));

    let id = pbx.lock().unwrap().call(Instant::now(), CallPlan::new("1002", "858"));
    let outcome = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            if let Some(outcome) = pbx.lock().unwrap().get(id).outcome().cloned() {
                return outcome;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert_eq!(outcome.await.unwrap().status(), Some(486));
}
// and ends here

#[test]
fn the_guide_shows_this_program() {
    let (_, own) = include_str!("tested_application.rs").split_once("begins here\n").unwrap();
    let (own, _) = own.split_once("// and ends here").unwrap();
    let guide =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/testing.md")).unwrap();
    assert!(guide.contains(&format!("```rust\n{own}```\n")), "docs/testing.md shows another program");
}
