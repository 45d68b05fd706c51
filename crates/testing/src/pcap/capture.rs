//! Reads the capture files that [`Pcap`](super::Pcap) writes.
//!
//! A file may come from anywhere: what is cut, too long or of another kind is an error that says what was expected, and where.
//! Checksums are not looked at.

use std::io::{self, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{IPV4_HEADER, LINKTYPE_RAW, MICROSECONDS_MAGIC, SNAPSHOT_LENGTH, UDP, UDP_HEADER};

/// A capture file that is read, datagram by datagram. What comes after an error is not read.
///
/// ```
/// use std::time::SystemTime;
/// use ringfence_testing::{Capture, Pcap};
///
/// let mut written = Pcap::new(Vec::new())?;
/// let (us, pbx) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5060".parse().unwrap());
/// written.write(SystemTime::UNIX_EPOCH, us, pbx, b"OPTIONS sip:pbx.example.com SIP/2.0\r\n\r\n")?;
/// let file = written.into_inner();
///
/// let datagrams = Capture::new(&file[..])?.collect::<Result<Vec<_>, _>>()?;
/// assert_eq!((datagrams[0].source, datagrams[0].destination), (us, pbx));
///
/// let cut = Capture::new(&file[..60])?.next().unwrap().unwrap_err();
/// assert_eq!(cut.to_string(), "expected 67 bytes at offset 40, found 20 and the end of the file");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Capture<R> {
    input: R,
    /// How many bytes were read.
    offset: u64,
    is_over: bool,
}

/// One datagram of a capture file.
///
/// ```
/// use std::time::SystemTime;
/// use ringfence_testing::Captured;
///
/// let captured = Captured {
///     at: SystemTime::UNIX_EPOCH,
///     source: "192.0.2.1:5060".parse().unwrap(),
///     destination: "192.0.2.2:5060".parse().unwrap(),
///     payload: b"\r\n\r\n".to_vec(),
/// };
/// assert_ne!(captured.source, captured.destination);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// When it was sent or received, to the microsecond.
    pub at: SystemTime,
    /// From whom.
    pub source: SocketAddr,
    /// To whom.
    pub destination: SocketAddr,
    /// What.
    pub payload: Vec<u8>,
}

impl<R: Read> Capture<R> {
    /// Reads the file's header.
    ///
    /// Fails where the file is of another kind than [`Pcap`](super::Pcap) writes, or as the reader does.
    pub fn new(mut input: R) -> io::Result<Self> {
        let mut header = [0; FILE_HEADER];
        let found = fill(&mut input, &mut header)?;
        // A file of another kind may be shorter than the header.
        let mut magic = MICROSECONDS_MAGIC.to_le_bytes();
        magic[..found.min(4)].copy_from_slice(&header[..found.min(4)]);
        if magic != MICROSECONDS_MAGIC.to_le_bytes() {
            let found = u32::from_le_bytes(magic);
            return Err(invalid(format!(
                "expected a pcap file with microseconds, least significant byte first ({MICROSECONDS_MAGIC:08x}), found \
                 {found:08x}"
            )));
        }
        is_whole(found, FILE_HEADER, 0)?;
        let link = le_u32(&header, 20);
        if link != LINKTYPE_RAW {
            return Err(invalid(format!("expected link type {LINKTYPE_RAW} (IP packets), found {link}")));
        }
        Ok(Self { input, offset: FILE_HEADER as u64, is_over: false })
    }

    fn read(&mut self) -> io::Result<Option<Captured>> {
        let mut header = [0; RECORD_HEADER];
        let found = fill(&mut self.input, &mut header)?;
        if found == 0 {
            return Ok(None);
        }
        is_whole(found, RECORD_HEADER, self.offset)?;
        let [seconds, micros, captured, original] = [0, 4, 8, 12].map(|at| le_u32(&header, at));
        if captured > SNAPSHOT_LENGTH {
            let at = self.offset;
            return Err(invalid(format!(
                "expected a packet of at most {SNAPSHOT_LENGTH} bytes at offset {at}, found {captured}"
            )));
        }
        self.offset += RECORD_HEADER as u64;
        let length = captured as usize;
        let mut packet = vec![0; length];
        let found = fill(&mut self.input, &mut packet)?;
        is_whole(found, length, self.offset)?;
        let at = UNIX_EPOCH + Duration::from_secs(seconds.into()) + Duration::from_micros(micros.into());
        let wrong = |why: String| invalid(format!("{why} at offset {}", self.offset));
        if original != captured {
            return Err(wrong(format!("expected a whole packet, found {captured} of {original} bytes")));
        }
        let captured = read_ip(at, &packet).map_err(wrong)?;
        self.offset += length as u64;
        Ok(Some(captured))
    }
}

impl<R: Read> Iterator for Capture<R> {
    type Item = io::Result<Captured>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let read = self.read().transpose();
        self.is_over = !matches!(read, Some(Ok(_)));
        read
    }
}

/// The headers of the file and of each packet, in bytes.
const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
const IPV6_HEADER: usize = 40;
/// Of IPv4: "more fragments", and where this one belongs.
const FRAGMENT: u16 = 0x3fff;

fn read_ip(at: SystemTime, packet: &[u8]) -> Result<Captured, String> {
    let (source, destination, protocol, udp) = match packet.first().map(|first| first >> 4) {
        Some(4) => {
            let header = usize::from(packet[0] & 0xf) * 4;
            let is_long_enough = header >= usize::from(IPV4_HEADER) && header <= packet.len();
            if !is_long_enough || usize::from(be_u16(packet, 2)) != packet.len() {
                return Err(format!(
                    "expected an IPv4 packet of {} bytes, found another length in it",
                    packet.len()
                ));
            }
            if be_u16(packet, 6) & FRAGMENT != 0 {
                return Err("expected a whole datagram, found a fragment".to_owned());
            }
            let address = |at: usize| {
                let octets: [u8; 4] = packet[at..at + 4].try_into().expect("four octets");
                IpAddr::V4(Ipv4Addr::from(octets))
            };
            (address(12), address(16), packet[9], &packet[header..])
        }
        Some(6) => {
            let is_long_enough = packet.len() >= IPV6_HEADER;
            if !is_long_enough || usize::from(be_u16(packet, 4)) != packet.len() - IPV6_HEADER {
                return Err(format!(
                    "expected an IPv6 packet of {} bytes, found another length in it",
                    packet.len()
                ));
            }
            let address = |at: usize| {
                let octets: [u8; 16] = packet[at..at + 16].try_into().expect("sixteen octets");
                // One of IPv4 is written so beside one of IPv6.
                IpAddr::V6(Ipv6Addr::from(octets)).to_canonical()
            };
            (address(8), address(24), packet[6], &packet[IPV6_HEADER..])
        }
        version => {
            let found = version.map_or("nothing".to_owned(), |version| format!("version {version}"));
            return Err(format!("expected an IPv4 or IPv6 packet, found {found}"));
        }
    };
    if protocol != UDP {
        return Err(format!("expected UDP ({UDP}), found protocol {protocol}"));
    }
    if udp.len() < UDP_HEADER || usize::from(be_u16(udp, 4)) != udp.len() {
        return Err(format!("expected a UDP datagram of {} bytes, found another length in it", udp.len()));
    }
    let (from, to) = (be_u16(udp, 0), be_u16(udp, 2));
    Ok(Captured {
        at,
        source: SocketAddr::new(source, from),
        destination: SocketAddr::new(destination, to),
        payload: udp[UDP_HEADER..].to_vec(),
    })
}

/// Reads until a buffer is full or the input is over, and returns how much of it is filled.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn is_whole(found: usize, expected: usize, offset: u64) -> io::Result<()> {
    if found == expected {
        return Ok(());
    }
    let why = format!("expected {expected} bytes at offset {offset}, found {found} and the end of the file");
    Err(io::Error::new(ErrorKind::UnexpectedEof, why))
}

fn invalid(why: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

fn le_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn be_u16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

#[cfg(test)]
mod tests;
