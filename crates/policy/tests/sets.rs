//! Compiled lists: what is written is found again, and nothing that is read does harm.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use ringfence_policy::{E164, Pattern, Region, Set, SetError, SetWriter, Written};

fn number(digits: u64) -> E164 {
    E164::new(digits).expect("five to fifteen digits")
}

fn compiled(numbers: impl IntoIterator<Item = u64>) -> (Vec<u8>, Written) {
    let mut writer = SetWriter::new("spam", Timestamp::UNIX_EPOCH).source("numbers.txt");
    for digits in numbers {
        writer.push_number(number(digits)).expect("they are few");
    }
    let mut bytes = Vec::new();
    let written = writer.write(&mut bytes).expect("memory takes all");
    (bytes, written)
}

fn set(numbers: impl IntoIterator<Item = u64>) -> Set {
    Set::open(Arc::new(compiled(numbers).0)).expect("it was written so")
}

fn refused(bytes: Vec<u8>) -> SetError {
    Set::open(Arc::new(bytes)).expect_err("it is no compiled list")
}

/// Numbers of every length and of all calling codes, near each other and far apart.
fn numbers() -> impl Strategy<Value = BTreeSet<u64>> {
    let dense = 41_790_000_000_u64..41_790_002_000;
    let everywhere = 10_000_u64..1_000_000_000_000_000;
    prop::collection::btree_set(prop_oneof![dense, everywhere], 0..300)
}

proptest! {
    #[test]
    fn a_set_has_exactly_the_numbers_that_were_put_in(numbers in numbers(), others in numbers()) {
        let set = set(numbers.iter().copied());
        prop_assert_eq!(set.verify(), Ok(()));
        prop_assert!(set.iter().map(E164::as_u64).eq(numbers.iter().copied()));
        for digits in numbers.union(&others) {
            prop_assert_eq!(set.contains(number(*digits)), numbers.contains(digits));
        }
    }

    #[test]
    fn the_first_number_of_a_range_is_found(numbers in numbers(), ends in numbers()) {
        let set = set(numbers.iter().copied());
        for (lowest, highest) in ends.iter().zip(ends.iter().skip(1)) {
            let first = numbers.range(lowest..=highest).next().copied();
            prop_assert_eq!(set.first_between(*lowest, *highest).map(E164::as_u64), first);
        }
        for digits in &numbers {
            prop_assert!(set.any_between(*digits, *digits));
        }
    }

    #[test]
    fn the_order_of_the_entries_does_not_matter(numbers in numbers()) {
        let again = numbers.iter().rev().chain(&numbers).copied();
        let (bytes, written) = compiled(again);
        prop_assert_eq!(written.repeated, numbers.len() as u64);
        prop_assert_eq!(bytes, compiled(numbers).0);
    }

    #[test]
    fn a_changed_byte_is_found(numbers in numbers(), place in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut bytes = compiled(numbers).0;
        *place.get_mut(&mut bytes) ^= 1 << bit;
        let verified = Set::open(Arc::new(bytes)).and_then(|set| set.verify());
        prop_assert!(verified.is_err());
    }

    #[test]
    fn look_ups_in_spoilt_sections_are_total(
        numbers in numbers(),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..200),
    ) {
        let mut bytes = compiled(numbers.iter().copied()).0;
        for (place, byte) in noise {
            *place.get_mut(&mut bytes[80..]) = byte;
        }
        let Ok(set) = Set::open(Arc::new(bytes)) else { return Ok(()) };
        prop_assert!(set.verify().is_err() || set.iter().map(E164::as_u64).eq(numbers.iter().copied()));
        for digits in &numbers {
            let _ = set.contains(number(*digits));
            let _ = set.first_between(digits - 10, digits + 10);
        }
        prop_assert!(set.iter().count() <= set.len());
    }

    #[test]
    fn any_bytes_are_opened_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut file = b"\x89RFSET\r\n\x01\x00\x50\x00".to_vec();
        file.extend(bytes);
        prop_assert!(Set::open(Arc::new(file)).is_err());
    }
}

#[test]
fn an_empty_set_has_nothing() {
    let set = set([]);
    assert!(set.is_empty());
    assert_eq!(set.verify(), Ok(()));
    assert!(!set.contains(number(41_791_234_567)));
    assert!(!set.any_between(0, u64::MAX));
}

#[test]
fn names_times_and_other_entries_are_kept() {
    let region = Region::parse("CH").unwrap();
    let made: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
    let mut writer = SetWriter::new("spam", made).source("numbers.csv");
    for pattern in ["0900*", "anonymous", "1002", "079 123 45 67", "+41900*"] {
        writer.push(&Pattern::parse(pattern, region).unwrap()).unwrap();
    }
    let mut bytes = Vec::new();
    let written = writer.write(&mut bytes).unwrap();
    let set = Set::open(Arc::new(bytes)).unwrap();
    assert_eq!((written.numbers, written.others, written.repeated), (1, 3, 1));
    assert_eq!((set.name(), set.source(), set.made()), ("spam", "numbers.csv", made));
    assert_eq!(set.others(), "+41900*\nanonymous\ninternal:1002\n");
}

#[test]
fn a_file_that_is_cut_short_is_told_from_one_that_never_was_a_list() {
    let (bytes, _) = compiled((0..1000).map(|index| 12_025_550_000 + index));
    let length = bytes.len();
    for cut in [8, 79, 80, 500, length - 1] {
        let error = refused(bytes[..cut].to_vec());
        assert_eq!(error.offset(), cut as u64);
        assert!(error.to_string().ends_with(&format!("bytes in all, found {cut}")), "{error}");
    }
    let longer = [&bytes[..], b"\n"].concat();
    assert_eq!(
        refused(longer).to_string(),
        format!("byte {}: expected {length} bytes in all, found {}", length + 1, length + 1)
    );
    assert_eq!(refused(Vec::new()).hint(), "make one with `ringfence list compile`");
}

#[test]
fn a_newer_form_is_refused_by_its_version() {
    let mut bytes = compiled([41_791_234_567]).0;
    bytes[8] = 2;
    let error = refused(bytes);
    assert_eq!(error.to_string(), "byte 8: expected version 1 of the form, found version 2");
    assert_eq!(error.hint(), "compile it again with this version of ringfence");
}

#[test]
fn a_damaged_header_is_refused_at_once_and_damaged_numbers_when_verified() {
    let (bytes, _) = compiled((0..1000).map(|index| 12_025_550_000 + index));
    let mut header = bytes.clone();
    header[30] ^= 1;
    assert_eq!(refused(header).offset(), 76);
    let mut body = bytes.clone();
    body[900] ^= 1;
    let error = Set::open(Arc::new(body)).unwrap().verify().unwrap_err();
    assert_eq!(error.offset(), bytes.len() as u64 - 4);
    assert_eq!(error.hint(), "the file is damaged: copy or compile it again");
}

#[test]
fn a_hundred_thousand_numbers_take_less_than_six_bytes_each() {
    for step in [1, 7_919, 99_999_989] {
        let (_, written) = compiled((0..100_000).map(|index| 10_000_000_000 + index * step));
        assert!(written.bytes < 6 * 100_000, "step {step}: {} bytes", written.bytes);
    }
}

#[test]
fn a_sink_that_fails_is_told() {
    let mut writer = SetWriter::new("spam", Timestamp::UNIX_EPOCH);
    writer.push_number(number(41_791_234_567)).unwrap();
    let mut room = [0_u8; 50];
    let error = writer.write(&mut &mut room[..]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WriteZero);
}

#[test]
fn a_set_prints_no_number() {
    assert_eq!(format!("{:?}", set([41_791_234_567])), r#"Set { name: "spam", len: 1, .. }"#);
}
