//! What is written is read, and whatever else a file holds is an error.

use super::super::Pcap;
use super::*;
use crate::Random;

const ADDRESSES: [&str; 3] = ["192.0.2.1:5060", "[2001:db8::1]:5061", "192.0.2.2:1"];

/// Datagrams of each family, and of both.
fn datagrams() -> Vec<Captured> {
    let pairs =
        ADDRESSES.iter().flat_map(|source| ADDRESSES.iter().map(move |destination| (source, destination)));
    let numbered = pairs.zip(0_u64..);
    numbered
        .map(|((source, destination), number)| Captured {
            at: UNIX_EPOCH + Duration::from_micros(1_700_000_000_000_042 + number),
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            payload: vec![b'x'; usize::try_from(number * 7).unwrap()],
        })
        .collect()
}

fn file() -> Vec<u8> {
    let mut capture = Pcap::new(Vec::new()).unwrap();
    for Captured { at, source, destination, payload } in datagrams() {
        capture.write(at, source, destination, &payload).unwrap();
    }
    capture.into_inner()
}

fn read(bytes: &[u8]) -> io::Result<Vec<Captured>> {
    Capture::new(bytes)?.collect()
}

fn refused(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

/// A file of one datagram, with some bytes of it changed.
fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut capture = Pcap::new(Vec::new()).unwrap();
    let (source, destination) = (ADDRESSES[0].parse().unwrap(), ADDRESSES[2].parse().unwrap());
    capture.write(UNIX_EPOCH, source, destination, b"abc").unwrap();
    let mut file = capture.into_inner();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn what_was_written_is_read() {
    assert_eq!(read(&file()).unwrap(), datagrams());
    assert_eq!(read(&Pcap::new(Vec::new()).unwrap().into_inner()).unwrap(), []);
}

#[test]
fn a_file_that_is_cut_anywhere_but_between_two_datagrams_is_an_error() {
    let whole = file();
    let mut ends = 0;
    for length in 0..=whole.len() {
        match read(&whole[..length]) {
            Ok(_) => ends += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{length}");
                assert!(error.to_string().ends_with("and the end of the file"), "{error}");
            }
        }
    }
    assert_eq!(ends, datagrams().len() + 1);
}

#[test]
fn a_file_of_another_kind_is_an_error_that_says_what_was_expected() {
    assert_eq!(
        refused(b"\x0a\x0d\x0d\x0a of pcapng"),
        "expected a pcap file with microseconds, least significant byte first (a1b2c3d4), found 0a0d0d0a"
    );
    assert_eq!(refused(&changed(20, &[1, 0, 0, 0])), "expected link type 101 (IP packets), found 1");
    let [record, ip, udp] = [24, 40, 60];
    let cases: [(usize, &[u8], &str); 9] = [
        (record + 8, &[1, 0, 4, 0], "expected a packet of at most 262144 bytes at offset 24, found 262145"),
        (record + 12, &[99, 0, 0, 0], "expected a whole packet, found 31 of 99 bytes at offset 40"),
        (ip, &[0x55], "expected an IPv4 or IPv6 packet, found version 5 at offset 40"),
        (ip, &[0x44], "expected an IPv4 packet of 31 bytes, found another length in it at offset 40"),
        (ip, &[0x60], "expected an IPv6 packet of 31 bytes, found another length in it at offset 40"),
        (ip + 3, &[30], "expected an IPv4 packet of 31 bytes, found another length in it at offset 40"),
        (ip + 6, &[0x20], "expected a whole datagram, found a fragment at offset 40"),
        (ip + 9, &[6], "expected UDP (17), found protocol 6 at offset 40"),
        (udp + 5, &[12], "expected a UDP datagram of 11 bytes, found another length in it at offset 40"),
    ];
    for (at, bytes, why) in cases {
        assert_eq!(refused(&changed(at, bytes)), why);
    }
}

#[test]
fn nothing_is_read_after_an_error() {
    let mut whole = file();
    whole[40] = 0;
    let mut capture = Capture::new(&whole[..]).unwrap();
    assert!(capture.next().unwrap().is_err());
    assert!(capture.next().is_none());
}

#[test]
fn whatever_is_changed_in_a_file_is_an_error_or_a_datagram() {
    let (whole, mut random) = (file(), Random::new(1));
    for _ in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..4 {
            let at = usize::try_from(random.next_u64()).unwrap() % bytes.len();
            bytes[at] = random.next_u64().to_le_bytes()[0];
        }
        // It returns.
        let _ = read(&bytes);
    }
}
