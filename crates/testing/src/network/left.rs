//! What a network leaves behind for who looks why a test has failed.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::{Network, Packet};
use crate::auditor::Fault;
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
}

impl Drop for Network {
    /// Panics where an audited node has sent what is wrong. When a test fails it prints the seed and the last packets, and
    /// leaves all of them in a capture file.
    fn drop(&mut self) {
        let faults: Vec<String> = self.faults().map(Fault::to_string).collect();
        if !std::thread::panicking() && faults.is_empty() {
            return;
        }
        eprintln!("the network's seed is {}; its last packets are:", self.seed);
        let capture = std::env::temp_dir().join(format!("ringfence-testing-{}.pcap", self.seed));
        match self.write_pcap(&capture) {
            Ok(()) => eprintln!("all packets: {}", capture.display()),
            Err(error) => eprintln!("all packets: not written, {error}"),
        }
        let first = self.packets.len().saturating_sub(40);
        for packet in &self.packets[first..] {
            let Packet { source, destination, payload, fate, .. } = packet;
            let line = payload.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
            let at = self.clock.since_epoch(packet.sent_at).as_secs_f64();
            eprintln!("{at:10.3}  {source} > {destination}  {fate:?}  {}", line.escape_ascii());
        }
        assert!(faults.is_empty() || std::thread::panicking(), "wrong on the wire:\n{}", faults.join("\n"));
    }
}
