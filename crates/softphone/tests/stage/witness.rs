//! What a host has seen of the softphone is judged when the host goes.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ringfence_testing::{Caller, Direction, Judge, Pbx, Record};
use ringfence_wire::sip::Message;
use softphone::Transport;

/// Who writes down what goes in and out.
pub(crate) trait Witness {
    fn records(&self) -> Vec<Record>;

    /// Judges each peer by what was written down, unless the first of it is gone.
    fn judge(&self, address: SocketAddr, refuses_connections: bool) {
        let records = self.records();
        if records.len() >= KEPT {
            return;
        }
        let mut judges: BTreeMap<SocketAddr, Judge> = BTreeMap::new();
        for Record { at, direction, peer, message } in records {
            let judge = judges.entry(peer).or_insert_with(|| {
                let mut judge = Judge::timeless();
                if refuses_connections {
                    judge.unconnected(address);
                }
                judge
            });
            let transport = transport_of(&message);
            match direction {
                Direction::Received => judge.sent(at, transport, address, &message),
                Direction::Sent => judge.received(at, transport, address, &message),
            }
        }
    }
}

/// How many messages are written down.
const KEPT: usize = 10_000;

impl Witness for Pbx {
    fn records(&self) -> Vec<Record> {
        self.messages().cloned().collect()
    }
}

impl Witness for Caller {
    fn records(&self) -> Vec<Record> {
        self.messages().cloned().collect()
    }
}

fn transport_of(message: &[u8]) -> Transport {
    let message = Message::parse(message).ok();
    match message.as_ref().and_then(|message| message.via().ok()).map(|via| via.transport()) {
        Some("TCP") => Transport::Tcp,
        Some("TLS") => Transport::Tls,
        Some("WS") => Transport::Ws,
        Some("WSS") => Transport::Wss,
        Some(_) | None => Transport::Udp,
    }
}
