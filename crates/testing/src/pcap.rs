//! Writes datagrams as a capture file that Wireshark and tshark read, and reads it: classic pcap, link type RAW.
//!
//! Each datagram gets the IPv4 or IPv6 and the UDP header it could have had, with right checksums.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{SystemTime, UNIX_EPOCH};

mod capture;

pub use capture::{Capture, Captured};

/// A capture file.
///
/// ```
/// use std::time::SystemTime;
/// use ringfence_testing::Pcap;
///
/// let mut capture = Pcap::new(Vec::new())?;
/// let (us, pbx) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5060".parse().unwrap());
/// capture.write(SystemTime::UNIX_EPOCH, us, pbx, b"OPTIONS sip:pbx.example.com SIP/2.0\r\n\r\n")?;
/// assert_eq!(capture.into_inner().len(), 24 + 16 + 20 + 8 + 39);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Pcap<W> {
    out: W,
    /// IPv4's field that tells packets apart.
    identification: u16,
}

impl<W: Write> Pcap<W> {
    /// Writes the file's header.
    pub fn new(mut out: W) -> io::Result<Self> {
        let mut header = Vec::with_capacity(24);
        header.extend(MICROSECONDS_MAGIC.to_le_bytes());
        header.extend([2, 0, 4, 0]); // version 2.4
        header.extend([0; 8]); // time zone and accuracy, always zero
        header.extend(SNAPSHOT_LENGTH.to_le_bytes());
        header.extend(LINKTYPE_RAW.to_le_bytes());
        out.write_all(&header)?;
        Ok(Self { out, identification: 0 })
    }

    /// Writes one datagram. Two addresses of different families are both written as IPv6.
    ///
    /// Fails when a payload is longer than UDP can carry, or as the writer does. A time before 1970
    /// is written as 1970, one after 2106 as the last second that the format has.
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn write(
        &mut self,
        at: SystemTime,
        source: SocketAddr,
        destination: SocketAddr,
        payload: &[u8],
    ) -> io::Result<()> {
        let length = u16::try_from(payload.len() + UDP_HEADER).ok().filter(|l| *l <= u16::MAX - IPV4_HEADER);
        let Some(length) = length else {
            let message = format!("expected a payload of at most 65507 bytes, got {}", payload.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        let mut packet = match (source.ip(), destination.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => self.ipv4_header(from, to, length),
            (from, to) => ipv6_header(as_ipv6(from), as_ipv6(to), length),
        };
        let network_header = packet.len();
        packet.extend(source.port().to_be_bytes());
        packet.extend(destination.port().to_be_bytes());
        packet.extend(length.to_be_bytes());
        packet.extend([0, 0]);
        packet.extend(payload);
        // The addresses end the IPv4 header and the IPv6 header alike.
        let addresses = if packet[0] >> 4 == 4 { 12..20 } else { 8..40 };
        let pseudo_header = sum(&packet[addresses]) + u64::from(UDP) + u64::from(length);
        let checksum = match fold(pseudo_header + sum(&packet[network_header..])) {
            0 => 0xffff, // zero would say that there is none
            checksum => checksum,
        };
        packet[network_header + 6..network_header + 8].copy_from_slice(&checksum.to_be_bytes());

        let since_1970 = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = u32::try_from(since_1970.as_secs()).unwrap_or(u32::MAX);
        let captured = u32::try_from(packet.len()).expect("an IP packet is at most 65,575 bytes long");
        let mut record = Vec::with_capacity(16 + packet.len());
        for field in [seconds, since_1970.subsec_micros(), captured, captured] {
            record.extend(field.to_le_bytes());
        }
        record.extend(packet);
        self.out.write_all(&record)
    }

    /// Flushes the writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Returns the writer.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn ipv4_header(&mut self, source: Ipv4Addr, destination: Ipv4Addr, udp_length: u16) -> Vec<u8> {
        self.identification = self.identification.wrapping_add(1);
        let mut header = vec![0x45, 0]; // version 4, five words
        header.extend((IPV4_HEADER + udp_length).to_be_bytes());
        header.extend(self.identification.to_be_bytes());
        header.extend([0x40, 0, TIME_TO_LIVE, UDP, 0, 0]); // don't fragment
        header.extend(source.octets());
        header.extend(destination.octets());
        let checksum = fold(sum(&header));
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        header
    }
}

fn ipv6_header(source: Ipv6Addr, destination: Ipv6Addr, udp_length: u16) -> Vec<u8> {
    let mut header = vec![0x60, 0, 0, 0];
    header.extend(udp_length.to_be_bytes());
    header.extend([UDP, TIME_TO_LIVE]);
    header.extend(source.octets());
    header.extend(destination.octets());
    header
}

fn as_ipv6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

/// Adds up the 16-bit words of the Internet checksum (RFC 1071).
fn sum(bytes: &[u8]) -> u64 {
    bytes.chunks(2).map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0))).sum()
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("the loop above left 16 bits")
}

/// The format of <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html>, with microseconds.
const MICROSECONDS_MAGIC: u32 = 0xa1b2_c3d4;
/// Packets begin with their IPv4 or IPv6 header.
const LINKTYPE_RAW: u32 = 101;
/// No packet is cut.
const SNAPSHOT_LENGTH: u32 = 0x4_0000;
const IPV4_HEADER: u16 = 20;
const UDP_HEADER: usize = 8;
const UDP: u8 = 17;
const TIME_TO_LIVE: u8 = 64;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_ipv4_datagram_is_written_byte_for_byte() {
        let mut capture = Pcap::new(Vec::new()).unwrap();
        let at = UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_042);
        let (source, destination) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5062".parse().unwrap());
        capture.write(at, source, destination, b"abc").unwrap();
        let bytes = capture.into_inner();
        let (file_header, record) = bytes.split_at(24);
        assert_eq!(
            file_header,
            [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0]
        );
        assert_eq!(record[..4], 1_700_000_000_u32.to_le_bytes());
        assert_eq!(record[4..16], [42, 0, 0, 0, 31, 0, 0, 0, 31, 0, 0, 0]);
        let ip = &record[16..];
        assert_eq!(ip[..10], [0x45, 0, 0, 31, 0, 1, 0x40, 0, 64, 17]);
        assert_eq!(ip[12..28], [192, 0, 2, 1, 192, 0, 2, 2, 0x13, 0xc4, 0x13, 0xc6, 0, 11, ip[26], ip[27]]);
        assert_eq!(&ip[28..], b"abc");
    }

    #[test]
    fn checksums_verify() {
        let mut capture = Pcap::new(Vec::new()).unwrap();
        for (source, destination) in
            [("192.0.2.1:5060", "192.0.2.2:5062"), ("[2001:db8::1]:5060", "192.0.2.2:5062")]
        {
            let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
            capture.write(UNIX_EPOCH, source, destination, b"an odd number of bytes!").unwrap();
        }
        let bytes = capture.into_inner();
        let (v4, v6) = (&bytes[24 + 16..24 + 16 + 51], &bytes[24 + 16 + 51 + 16..]);
        assert_eq!(fold(sum(&v4[..20])), 0);
        assert_eq!(fold(sum(&v4[12..]) + 17 + 31), 0);
        assert_eq!(fold(sum(&v6[8..]) + 17 + 31), 0);
    }

    #[test]
    fn what_udp_cannot_carry_is_an_error() {
        let mut capture = Pcap::new(Vec::new()).unwrap();
        let address = "192.0.2.1:5060".parse().unwrap();
        capture.write(UNIX_EPOCH, address, address, &vec![0; 65_507]).unwrap();
        let error = capture.write(UNIX_EPOCH, address, address, &vec![0; 65_508]).unwrap_err();
        assert_eq!(error.to_string(), "expected a payload of at most 65507 bytes, got 65508");
    }
}
