use super::*;

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
    let mut pack = Pack::of(kept[0].number.cast_signed(), &kept[0], &ends[0]);
    for (call, ended) in kept.iter().zip(&ends).skip(1) {
        pack.add(call.number.cast_signed(), call, ended);
    }
    (pack.span(), pack.bytes().to_vec())
}

#[test]
fn calls_are_unpacked_as_they_were_packed() {
    let calls = [full(7), full(8), bare(300), bare(301), full(1 << 40)];
    let (span, bytes) = packed(&calls);
    let unpacked: Result<Vec<_>, _> = Unpacked::of(7, &bytes).collect();
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
        let unpacked: Vec<_> = Unpacked::of(1, &bytes[..cut]).collect();
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
