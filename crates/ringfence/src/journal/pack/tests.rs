use std::time::Duration;

use jiff::Timestamp;

use super::bytes::Unreadable;
use super::*;
use crate::journal::call::{Call, Evidence, Outcome};
use crate::journal::texts::{Text, Texts};

/// A call with a text in each place.
fn full(number: u64) -> Call {
    let text = |what: &str| format!("{what} {number} ü");
    Call {
        number,
        at: Timestamp::from_microsecond(1_790_000_000_000_000 + number.cast_signed()).unwrap(),
        id: text("id"),
        call_id: text("call"),
        line: "home".to_owned(),
        caller: text("caller"),
        display_name: Some(text("name")),
        source: "192.0.2.1:5060".to_owned(),
        verdict: Outcome::SendOn { status: 404, to: Some(text("to")) },
        rule: "spam".to_owned(),
        entry: Some(text("entry")),
        reason: "x".repeat(if number == 8 { 300 } else { 100 }),
        evidence: Evidence {
            identity: Some(text("identity")),
            list: Some("list".to_owned()),
            shadow: vec![text("one"), String::new()],
            facts: "{}".to_owned(),
            policy: "f00d".into(),
            is_late: true,
            decided_in: Duration::from_micros(1 << 40),
            ..Evidence::default()
        },
        ended: Some(Ended { at: Timestamp::UNIX_EPOCH, status: Some(486), how: "acknowledged".into() }),
    }
}

/// A call of which next to nothing is known.
fn bare(number: u64) -> Call {
    Call {
        display_name: None,
        verdict: Outcome::Ignore,
        entry: None,
        reason: String::new(),
        evidence: Evidence::default(),
        ended: Some(Ended { at: Timestamp::UNIX_EPOCH, status: None, how: "".into() }),
        ..full(number)
    }
}

fn packed(calls: &[Call]) -> (Span, Vec<u8>) {
    let end = |call: &Call| call.ended.clone().unwrap();
    let ends: Vec<_> = calls.iter().map(end).collect();
    let kept: Vec<_> = calls.iter().cloned().map(Kept::of).collect();
    let mut pack = Pack::of(kept[0].number.cast_signed(), &kept[0], &ends[0], 0);
    for (call, ended) in kept.iter().zip(&ends).skip(1) {
        pack.add(call.number.cast_signed(), call, ended);
    }
    (pack.span(), pack.bytes().to_vec())
}

/// Returns the calls of bytes, as they are read.
fn unpacked(first: i64, bytes: &[u8]) -> Vec<Result<Call, Unreadable>> {
    Unpacked::of(first, bytes).map(|kept| kept.map(|kept| kept.call())).collect()
}

/// A call whose facts are told apart.
fn apart(number: u64) -> Kept {
    let other = if number == 2 { "ü" } else { "x" };
    let special = [
        (Text::Identity, Some("+41791234567")),
        (Text::User, Some("+41791234567")),
        (Text::Host, None),
        (Text::DisplayName, Some("")),
        (Text::Facts, Some(r#"{"source":"registrar","rate":2}"#)),
    ];
    let told =
        |text| special.iter().find(|(special, _)| *special == text).map_or(Some(other), |(_, told)| *told);
    let texts = Texts::of(Text::ALL.map(|text| (text, told(text))));
    Kept { texts, ..Kept::of(Call { number, ..full(7) }) }
}

#[test]
fn facts_that_are_told_apart_are_read_whole() {
    let (one, other) = (apart(1), apart(2));
    let ended = one.ended.clone().unwrap();
    let mut pack = Pack::of(1, &one, &ended, 0);
    pack.add(2, &other, &ended);
    let facts = |call: &Call| call.evidence.facts.clone();
    let read: Result<Vec<Call>, _> = unpacked(1, pack.bytes()).into_iter().collect();
    let read = read.unwrap();
    assert_eq!(read, [one.call(), other.call()]);
    let expected = r#"{"caller":"+41791234567","name":"","called":"x","line":"x","source":"registrar","at":"2026-09-21T14:13:20.000007Z","user_agent":"x","diverted":"x","rate":2}"#;
    assert_eq!((facts(&read[0]).as_str(), &read[0].display_name), (expected, &None));
    assert_eq!(facts(&read[1]), expected.replace("\"x\"", "\"ü\""));
}

#[test]
fn calls_are_unpacked_as_they_were_packed() {
    let calls = [full(7), full(8), bare(300), bare(301), full(1 << 40)];
    let (span, bytes) = packed(&calls);
    let unpacked: Result<Vec<_>, _> = unpacked(7, &bytes).into_iter().collect();
    assert_eq!(unpacked, Ok(calls.to_vec()));
    let at = |number: i64| 1_790_000_000_000_000 + number;
    let expected = Span { first: 7, last: 1 << 40, oldest: at(7), newest: at(1 << 40), count: 5 };
    assert_eq!(span, expected);
}

#[test]
fn what_each_call_has_in_common_is_there_once() {
    let alike = |number: u64| Call { id: number.to_string(), ..bare(1) };
    let calls: Vec<_> = (0..100).map(|number| Call { number, ..alike(number) }).collect();
    assert!(packed(&calls).1.len() < 100 * 45, "{}", packed(&calls).1.len());
}

#[test]
fn a_pack_that_is_cut_off_has_the_calls_before_the_cut() {
    let (_, bytes) = packed(&[full(1), full(2)]);
    let end = packed(&[full(1)]).1.len();
    for cut in 0..bytes.len() {
        let unpacked = unpacked(1, &bytes[..cut]);
        let whole = unpacked.iter().filter(|call| call.is_ok()).count();
        assert_eq!(whole, usize::from(cut >= end), "{cut}");
        assert_eq!(unpacked.last() == Some(&Err(Unreadable)), cut != 1 && cut != end, "{cut}");
    }
}

#[test]
fn any_bytes_are_calls_or_an_error() {
    let (_, whole) = packed(&[full(1), bare(2), full(3)]);
    let mut dice = 20_794_u64;
    for _ in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = (dice >> 33) as usize % bytes.len();
            bytes[place] = dice.to_le_bytes()[3];
        }
        assert!(Unpacked::of(i64::MAX, &bytes).count() <= bytes.len());
        assert!(Unpacked::of(1, &bytes).count() <= bytes.len());
    }
}

#[test]
fn a_pack_in_which_one_text_is_read_again_and_again_is_read_to_a_bound_and_is_not_written() {
    let long =
        |number: u64| Call { display_name: Some("x".repeat(1 << 16)), id: "1".to_owned(), ..full(number) };
    let calls: Vec<_> = (0..1100).map(|number| Call { number, ..long(1) }).collect();
    let (_, bytes) = packed(&calls);
    assert!(bytes.len() < 200_000, "{}", bytes.len());
    let read = unpacked(0, &bytes);
    let whole = read.iter().filter(|call| call.is_ok()).count();
    assert_eq!((whole / 16, read.last()), (63, Some(&Err(Unreadable))));

    let ended = calls[0].ended.clone().unwrap();
    let call = Kept::of(calls[0].clone());
    let mut pack = Pack::of(0, &call, &ended, 0);
    let mut count = 1;
    while !pack.is_full() {
        pack.add(count, &call, &ended);
        count += 1;
    }
    assert_eq!(count, 64);
}

#[test]
fn each_part_of_an_outcome_that_is_another_is_told() {
    let (kept, ended) = (Kept::of(full(1)), full(1).ended.unwrap());
    let others = [
        (Kept { is_late: !kept.is_late, ..kept.clone() }, ended.clone()),
        (Kept { verdict: Outcome::reject(699), ..kept.clone() }, ended.clone()),
        (Kept { verdict: Outcome::Redirect { to: "sip:x@y".to_owned() }, ..kept.clone() }, ended.clone()),
        (Kept { policy: "another".into(), ..kept.clone() }, ended.clone()),
        (Kept { shadow: vec!["another".to_owned()], ..kept.clone() }, ended.clone()),
        (kept.clone(), Ended { status: Some(699), ..ended.clone() }),
        (kept.clone(), Ended { how: "otherwise".into(), ..ended.clone() }),
    ];
    for (other, end) in &others {
        let mut pack = Pack::of(1, &kept, &ended, 0);
        pack.add(2, other, end);
        let told = Kept { number: 2, ended: Some(end.clone()), ..other.clone() }.call();
        assert_eq!(unpacked(1, pack.bytes()).pop(), Some(Ok(told)));
    }
}

#[test]
fn a_bit_of_a_part_that_there_is_not_is_no_call() {
    let (_, bytes) = packed(&[full(1), full(1)]);
    let same = bytes.iter().rposition(|byte| *byte == 0b11_1111).unwrap();
    for (bit, count) in [(0, 2), (1 << 6, 1), (1 << 7, 1)] {
        let mut bytes = bytes.clone();
        bytes[same] |= bit;
        assert_eq!(unpacked(1, &bytes).iter().filter(|call| call.is_ok()).count(), count);
    }
}

/// Two calls as version 0.1 of the program packed them in its first format.
const FIRST: &[u8] = b"\x01\x00<\xefA\xe6ka\x06\x00\x02fD\xe6ka\x06\x00\x00\xe7\x03\xe7\x03\xee\x01\x050.29edtcxswbjhfkuqjuyxnuoqgixijihqidgrfga000\
000000001-39673\x08office\x0e+41791234567\x0e+41791234567\x08caller\x11192.0.2.1:3967\
3\x08reject\x00\x08listed\x08reject\x08+4179*\x124dd4a9d7d6f1529f\x0eacknowledgedNrejected \
with 486: +41791234567 is on the reject list (entry +4179*, inline)\xd9\x01{\
\"caller\":\"+41791234567\",\"host\":\"192.0.2.1\",\"name\":\"caller\",\"caller_sou\
rce\":\"From\",\"called\":\"858\",\"called_source\":\"To\",\"line\":\"office\",\"sourc\
e\":\"registrar\",\"at\":\"2026-11-29T15:25:12.739644402Z\",\"user_agent\":\"flo\
od\"}\x00\x01>\xf4A\xe6ka\x06\x00\x09fD\xe6ka\x06\x00\x00\xe7\x03\xe7\x03u\x050.39edtcxswbjhfkuqjuyxnuoqgixijihqidgrfga\
000000000002-39673\x01\x01\x01\x01\x01\x01\x00\x01\x01\x01\x01\x01\x01\xd9\x01{\"caller\":\"+41791234567\",\"host\":\"192.\
0.2.1\",\"name\":\"caller\",\"caller_source\":\"From\",\"called\":\"858\",\"called_s\
ource\":\"To\",\"line\":\"office\",\"source\":\"registrar\",\"at\":\"2026-11-29T15:2\
5:12.740926022Z\",\"user_agent\":\"flood\"}\x00";

#[test]
fn calls_of_the_first_format_are_read() {
    let calls: Result<Vec<_>, _> = unpacked(2, FIRST).into_iter().collect();
    let [one, other] = calls.unwrap().try_into().unwrap();
    let facts = |at: &str| {
        let before = r#"{"caller":"+41791234567","host":"192.0.2.1","name":"caller","caller_source":"From","called":"858","called_source":"To","line":"office","source":"registrar","at":""#;
        format!(r#"{before}{at}","user_agent":"flood"}}"#)
    };
    let reason = "rejected with 486: +41791234567 is on the reject list (entry +4179*, inline)";
    let at = |micros| Timestamp::from_microsecond(micros).unwrap();
    let expected = Call {
        number: 2,
        at: at(1_795_965_912_739_644),
        id: "0.2".to_owned(),
        call_id: "edtcxswbjhfkuqjuyxnuoqgixijihqidgrfga000000000001-39673".to_owned(),
        line: "office".to_owned(),
        caller: "+41791234567".to_owned(),
        display_name: Some("caller".to_owned()),
        source: "192.0.2.1:39673".to_owned(),
        verdict: Outcome::reject(486),
        rule: "listed".to_owned(),
        entry: Some("+4179*".to_owned()),
        reason: reason.to_owned(),
        evidence: Evidence {
            identity: Some("+41791234567".to_owned()),
            list: Some("reject".to_owned()),
            facts: facts("2026-11-29T15:25:12.739644402Z"),
            policy: "4dd4a9d7d6f1529f".into(),
            decided_in: Duration::from_micros(238),
            ..Evidence::default()
        },
        ended: Some(Ended { at: at(1_795_965_912_901_122), status: Some(486), how: "acknowledged".into() }),
    };
    let second = Call {
        number: 3,
        at: at(1_795_965_912_740_926),
        id: "0.3".to_owned(),
        call_id: "edtcxswbjhfkuqjuyxnuoqgixijihqidgrfga000000000002-39673".to_owned(),
        evidence: Evidence {
            facts: facts("2026-11-29T15:25:12.740926022Z"),
            decided_in: Duration::from_micros(117),
            ..expected.evidence.clone()
        },
        ended: Some(Ended { at: at(1_795_965_912_901_129), ..expected.ended.clone().unwrap() }),
        ..expected.clone()
    };
    assert_eq!([one, other], [expected, second]);
}
