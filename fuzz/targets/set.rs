//! A compiled list of hostile bytes, as they are and with the checksums made right.

use std::sync::Arc;

use jiff::Timestamp;
use ringfence_policy::{E164, List, Number, Set};

/// It is refused, or every look-up ends; and what verifies has its numbers in order.
pub fn run(bytes: &[u8]) {
    opened(bytes.to_vec());
    opened(with_right_checksums(bytes));
}

fn opened(bytes: Vec<u8>) {
    let length = bytes.len();
    let asked: Vec<u64> =
        bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight"))).collect();
    let set = match Set::open(Arc::new(bytes)) {
        Ok(set) => set,
        Err(error) => {
            assert!(error.offset() <= length as u64 + 1, "{error} of {length} bytes");
            assert!(!error.hint().is_empty());
            return;
        }
    };
    let numbers: Vec<E164> = set.iter().take(4_096).collect();
    let asked = asked.into_iter().filter_map(E164::new).chain(numbers.iter().copied()).take(4_096);
    for number in asked {
        let digits = number.as_u64();
        let _ = (set.contains(number), set.any_between(digits.saturating_sub(10), digits + 10));
    }
    let _ = (
        set.first_between(0, u64::MAX),
        set.first_between(u64::MAX, 0),
        set.name(),
        set.source(),
        set.made(),
    );
    match set.verify() {
        Ok(()) => {
            assert!(numbers.is_sorted_by(|one, next| one < next));
            assert!(numbers.iter().all(|number| set.contains(*number)));
            assert_eq!(set.iter().count(), set.len());
        }
        Err(error) => assert!(error.offset() <= length as u64),
    }
    behind_a_list(set, &numbers);
}

fn behind_a_list(set: Set, numbers: &[E164]) {
    let mut builder = List::builder("reject");
    builder.set("spam.set", set);
    let (list, errors) = builder.build();
    assert!(errors.iter().all(|error| !error.to_string().contains(char::is_control)));
    for number in numbers.iter().take(64) {
        let found = list.find_number(Number::E164(*number), Timestamp::UNIX_EPOCH);
        let _ = found.map(|entry| (entry.pattern().to_string(), entry.origin().to_string()));
        let _ = list
            .near(Number::E164(*number), 3, Timestamp::UNIX_EPOCH)
            .map(|entry| entry.pattern().to_string());
    }
}

/// The magic, the version and the length as they must be, and then both checksums, so that all behind them is reached.
fn with_right_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let length = bytes.len();
    if length < 84 {
        return bytes;
    }
    bytes[..12].copy_from_slice(b"\x89RFSET\r\n\x01\x00\x50\x00");
    bytes[64..72].copy_from_slice(&(length as u64).to_le_bytes());
    for end in [76, length - 4] {
        let sum = checksum(&bytes[..end]).to_le_bytes();
        bytes[end..end + 4].copy_from_slice(&sum);
    }
    bytes
}

/// CRC-32 as in RFC 1952 section 8.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    })
}
