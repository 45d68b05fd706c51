//! What a host has sent and received, judged as the doings of those who spoke with it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread::panicking;

use super::{Auditor, Fault};
use crate::socket::{Direction, Record};

/// A host that is a witness of each of its peers, and panics when it is dropped and one of them was wrong: a test keeps it
/// beside a [`Pbx`](crate::Pbx) or a [`Caller`](crate::Caller) on a real socket, and has it hear of what they have written
/// down, again and again or in the end.
///
/// Its peers are judged by an [`Auditor::timeless`]: what they send comes here later than it was sent, and what it answers may
/// still be on its way then. What the host has forgotten before it was heard of is nothing that could be judged, and panics
/// as well: who sends more than the host keeps has it heard of as it comes.
///
/// The transport that a message came by is read in its topmost Via, and who connects anew is another one from then on.
///
/// ```
/// use std::time::Instant;
/// use ringfence_testing::{Node, Pbx, PbxConfig, Witness};
///
/// let (address, peer) = ("192.0.2.1:5060".parse()?, "192.0.2.7:5060".parse()?);
/// let mut pbx = Pbx::new(PbxConfig::new(address), 1);
/// let mut witness = Witness::new(address);
/// let head = "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>";
/// let options = format!("OPTIONS sip:b@b.example SIP/2.0\r\n{head}\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n");
/// pbx.handle_datagram(Instant::now(), peer, options.as_bytes());
/// witness.hear(pbx.messages(), pbx.forgotten());
///
/// let [(who, fault)] = &witness.into_faults()[..] else { panic!("one fault was expected") };
/// assert_eq!((*who, fault.rule), (peer, "the six mandatory header fields are there"));
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug)]
pub struct Witness {
    host: SocketAddr,
    refuses_connections: bool,
    /// How many messages were judged.
    heard: u64,
    /// How many the host is known to have written down.
    known: u64,
    /// How many of those the host had forgotten before that.
    missed: u64,
    peers: BTreeMap<SocketAddr, Auditor>,
}

impl Witness {
    /// The witness at an address.
    #[must_use]
    pub fn new(host: SocketAddr) -> Self {
        Self { host, refuses_connections: false, heard: 0, known: 0, missed: 0, peers: BTreeMap::new() }
    }

    /// Takes that nobody accepts connections at the host: what is too long for UDP may come by it.
    pub fn refuse_connections(&mut self) {
        self.refuses_connections = true;
        for auditor in self.peers.values_mut() {
            auditor.unconnected(self.host);
        }
    }

    /// Hears of what the host has written down since it was asked last: `messages` are all that it has kept, the oldest first,
    /// and `forgotten` is how many it had before those.
    ///
    /// # Panics
    ///
    /// Panics where that is less than it had before.
    pub fn hear<'a>(&mut self, messages: impl Iterator<Item = &'a Record>, forgotten: u64) {
        let kept: Vec<&Record> = messages.collect();
        assert!(
            forgotten + kept.len() as u64 >= self.known,
            "{} has written down less than it had before: another host needs another witness",
            self.host
        );
        let missed = forgotten.saturating_sub(self.known);
        self.missed += missed;
        self.known += missed;
        let skipped = usize::try_from(self.known - forgotten).unwrap_or(usize::MAX);
        for record in kept.into_iter().skip(skipped) {
            self.known += 1;
            self.observe(record);
        }
    }

    /// Takes one message that the host has sent or received and did not write down, as one that a test sends in its name.
    pub fn observe(&mut self, record: &Record) {
        self.heard += 1;
        let host = self.host;
        let auditor = self.peers.entry(record.peer).or_insert_with(|| {
            let mut auditor = Auditor::timeless();
            if self.refuses_connections {
                auditor.unconnected(host);
            }
            auditor
        });
        let transport = record.transport();
        match record.direction {
            Direction::Received => auditor.sent(record.at, transport, host, &record.message),
            Direction::Sent => auditor.received(record.at, transport, host, &record.message),
        }
    }

    /// Returns how many messages it has heard of.
    #[must_use]
    pub fn heard(&self) -> u64 {
        self.heard
    }

    /// Returns how many messages the host had forgotten before they were heard of.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// Returns what was wrong, each with who it was, and does not panic for it. For what was missed it does.
    #[must_use]
    pub fn into_faults(mut self) -> Vec<(SocketAddr, Fault)> {
        let faults = self.faults();
        self.peers.clear();
        faults
    }

    fn faults(&self) -> Vec<(SocketAddr, Fault)> {
        let of_each = |(peer, auditor): (&SocketAddr, &Auditor)| {
            let faults = auditor.faults().iter().cloned();
            faults.map(|fault| (*peer, fault)).collect::<Vec<_>>()
        };
        self.peers.iter().flat_map(of_each).collect()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if panicking() {
            return;
        }
        let Self { host, missed, .. } = self;
        assert!(
            *missed == 0,
            "too many to judge: {host} has forgotten {missed} messages before they were heard of"
        );
        let faults = self.faults();
        let lines: Vec<String> = faults.iter().map(|(peer, fault)| format!("{peer}: {fault}")).collect();
        assert!(lines.is_empty(), "wrong on the wire:\n{}", lines.join("\n"));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const HELLO: &[u8] = b"hello";

    fn host() -> SocketAddr {
        "192.0.2.1:5060".parse().unwrap()
    }

    fn received(message: &[u8], last: u8) -> Record {
        let (at, direction, message) = (Instant::now(), Direction::Received, message.to_vec());
        Record { at, direction, peer: SocketAddr::from(([192, 0, 2, last], 5060)), message }
    }

    #[test]
    fn each_peer_is_judged_and_each_message_once() {
        let mut witness = Witness::new(host());
        let mut records = vec![received(HELLO, 7)];
        witness.hear(records.iter(), 0);
        witness.hear(records.iter(), 0);
        records.push(received(HELLO, 8));
        witness.hear(records.iter(), 0);
        records.remove(0);
        witness.hear(records.iter(), 1);
        assert_eq!((witness.heard(), witness.missed()), (2, 0));
        let who: Vec<String> = witness.into_faults().iter().map(|(peer, _)| peer.to_string()).collect();
        assert_eq!(who, ["192.0.2.7:5060", "192.0.2.8:5060"]);
    }

    #[test]
    #[should_panic(
        expected = "wrong on the wire:\n192.0.2.7:5060: RFC 3261 section 7: what is sent is a SIP message: hello"
    )]
    fn it_panics_where_somebody_was_wrong() {
        let mut witness = Witness::new(host());
        witness.hear([received(HELLO, 7)].iter(), 0);
    }

    #[test]
    #[should_panic(expected = "too many to judge: 192.0.2.1:5060 has forgotten 2 messages")]
    fn it_panics_where_messages_were_forgotten_before_they_were_heard_of() {
        let mut witness = Witness::new(host());
        witness.hear([received(b"\r\n", 7)].iter(), 0);
        witness.hear([received(b"\r\n", 7)].iter(), 3);
    }

    #[test]
    fn what_was_forgotten_after_it_was_heard_of_is_not_missed() {
        let mut witness = Witness::new(host());
        let records = [received(b"\r\n", 7), received(b"\r\n", 7)];
        witness.hear(records.iter(), 0);
        witness.hear(records[1..].iter(), 1);
        witness.hear([].iter(), 2);
        assert_eq!((witness.heard(), witness.missed()), (2, 0));
    }

    #[test]
    fn what_is_too_long_for_udp_may_come_by_it_where_no_connection_is_accepted() {
        let long = super::super::tests::REGISTER
            .replace("Max-Forwards", &format!("X: {}\r\nMax-Forwards", "x".repeat(1300)));
        let faults_of = |refuses: bool| {
            let mut witness = Witness::new(host());
            if refuses {
                witness.refuse_connections();
            }
            witness.hear([received(long.as_bytes(), 7)].iter(), 0);
            witness.into_faults().len()
        };
        assert_eq!((faults_of(false), faults_of(true)), (1, 0));
    }
}
