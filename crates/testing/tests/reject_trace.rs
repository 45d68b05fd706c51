//! The recorded trace of a rejected call: what the phone sends equals it, once names and numbers are normalised.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ringfence_testing::{Network, Normalizer, Phone};
use ringfence_ua::{Account, CallEnd, Event, Rejection, Screen, Verdict};
use ringfence_wire::sip::Message;

const INVITE: &[u8] = include_bytes!("../data/reject-trace/1-invite.sip");
const TRYING: &[u8] = include_bytes!("../data/reject-trace/2-trying.sip");
const BUSY_HERE: &[u8] = include_bytes!("../data/reject-trace/3-busy-here.sip");
const ACK: &[u8] = include_bytes!("../data/reject-trace/4-ack.sip");

/// Host and port as the trace has them for the PBX.
fn pbx() -> SocketAddr {
    "192.168.115.149:5060".parse().unwrap()
}

fn phone() -> SocketAddr {
    "192.168.115.149:5070".parse().unwrap()
}

#[test]
fn a_rejected_call_goes_as_in_the_recorded_trace() {
    let rejection = Arc::new(Rejection::busy().with_warning("User reject").unwrap());
    let screen = Screen::each(move |_| Verdict::Reject(Arc::clone(&rejection)));
    let mut network = Network::new(1);
    let id = network.add(phone(), Phone::new(phone(), 1).with_screen(screen));
    let mut account = Account::new("1001", "192.168.115.149", 5060);
    account.is_registering = false;
    network.with(id, |phone, now| phone.act(now, |endpoint| endpoint.add_line(now, account))).unwrap();

    network.inject(pbx(), phone(), INVITE);
    network.run_for(Duration::from_millis(100));
    let sent: Vec<Vec<u8>> = network
        .packets()
        .iter()
        .filter(|packet| packet.source == phone())
        .map(|packet| packet.payload.clone())
        .collect();
    assert_eq!(sent.len(), 2);
    let (mut recorded, mut ours) = (Normalizer::new(), Normalizer::new());
    assert_eq!(ours.normalize(INVITE), recorded.normalize(INVITE));
    assert_eq!(ours.normalize(&sent[0]), recorded.normalize(TRYING));
    assert_eq!(ours.normalize(&sent[1]), recorded.normalize(BUSY_HERE));

    // The recorded ACK, with the tag that our response had.
    let tag = Message::parse(&sent[1]).unwrap().to().unwrap().tag().unwrap().to_vec();
    let ack = std::str::from_utf8(ACK).unwrap().replace("hqihanei", std::str::from_utf8(&tag).unwrap());
    network.inject(pbx(), phone(), ack.as_bytes());
    let before = network.packets().len();
    network.run_for(Duration::from_secs(60));
    assert_eq!(network.packets().len(), before, "the ACK is absorbed");
    let ends = network.node(id).events().iter().filter_map(|(_, event)| {
        if let Event::Ended { status, end, .. } = event { Some((*status, *end)) } else { None }
    });
    assert!(ends.eq([(Some(486), CallEnd::Acknowledged)]));
}
