//! What a network leaves behind for who looks why a test has failed.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::{Fate, Network, Packet};
use crate::auditor::Fault;
use crate::digest::Digest;
use crate::ladder::{self, Row, Sketch, Tone};
use crate::pcap::Pcap;

impl Network {
    /// Writes every packet so far into a capture file, the first at the beginning of 1970: those that were lost, too.
    ///
    /// Fails as the file system does.
    pub fn write_pcap(&self, path: &Path) -> io::Result<()> {
        let mut capture = Pcap::new(io::BufWriter::new(File::create(path)?))?;
        for packet in &self.packets {
            let at = SystemTime::UNIX_EPOCH + self.clock.since_epoch(packet.sent_at);
            capture.write(at, packet.source, packet.destination, &packet.payload)?;
        }
        capture.flush()
    }

    /// Draws the last messages, at most so many, as a ladder: a lifeline for each host, an arrow for each packet, with what
    /// became of it. Keep-alives are left out.
    #[must_use]
    pub fn ladder(&self, most: usize) -> String {
        let is_told = |packet: &&Packet| Sketch::of(&packet.payload).tone != Tone::KeepAlive;
        let rows = self.packets.iter().rev().filter(is_told).take(most).map(|packet| {
            let &Packet { sent_at, source, destination, ref payload, fate } = packet;
            Row { at: self.clock.since_epoch(sent_at), source, destination, fate, payload }
        });
        let mut rows: Vec<_> = rows.collect();
        rows.reverse();
        ladder::draw(&rows)
    }

    /// Returns a checksum of all that was sent: when, from where, to whom, what, and what became of it. Two runs of one seed
    /// have the same, in whatever process; it is no proof against who wants them to.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut digest = Digest::new();
        for Packet { sent_at, source, destination, payload, fate } in &self.packets {
            let at = self.clock.since_epoch(*sent_at);
            let fate = match fate {
                Fate::Delivered => "delivered",
                Fate::Duplicated => "duplicated",
                Fate::Lost => "lost",
                Fate::Unreachable => "unreachable",
                Fate::Streamed => "streamed",
            };
            digest.add(
                format!("{} {source} {destination} {fate} {}\n", at.as_nanos(), payload.len()).as_bytes(),
            );
            digest.add(payload);
        }
        digest.value()
    }
}

impl Drop for Network {
    /// Panics where an audited node has sent what is wrong. When a test fails it prints the seed and a ladder of the last
    /// packets, and leaves all of them in a capture file.
    fn drop(&mut self) {
        self.judge_omissions();
        let faults: Vec<String> = self.faults().map(Fault::to_string).collect();
        if !std::thread::panicking() && faults.is_empty() {
            return;
        }
        eprintln!("the network's seed is {}, the digest of what was sent {:016x}", self.seed, self.digest());
        let capture = std::env::temp_dir().join(format!("ringfence-testing-{}.pcap", self.seed));
        match self.write_pcap(&capture) {
            Ok(()) => eprintln!("all packets: {}", capture.display()),
            Err(error) => eprintln!("all packets: not written, {error}"),
        }
        eprintln!("the last packets, in seconds since the start:\n{}", self.ladder(MOST_SHOWN));
        assert!(faults.is_empty() || std::thread::panicking(), "wrong on the wire:\n{}", faults.join("\n"));
    }
}

/// How many packets a failing test shows: what came before is in the capture file.
const MOST_SHOWN: usize = 40;
