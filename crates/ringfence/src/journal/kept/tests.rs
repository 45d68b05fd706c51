use super::*;

fn text(what: &str) -> String {
    what.to_owned()
}

/// A call with a text of its own in each place.
fn full() -> Call {
    Call {
        number: 7,
        at: Timestamp::from_microsecond(1_790_000_000_000_000).unwrap(),
        id: text("0.7"),
        call_id: text("7@pbx.example"),
        line: text("home"),
        caller: text("+442079460123"),
        display_name: Some(text("Jörg")),
        source: text("192.0.2.1:5060"),
        verdict: Outcome::SendOn { status: 302, to: Some(text("sip:1001@pbx.example")) },
        rule: text("spam"),
        entry: Some(text("+4420794601*")),
        reason: text("on the list"),
        evidence: Evidence {
            identity: Some(text("+4420")),
            list: Some(text("reject")),
            shadow: vec![text("one"), String::new()],
            facts: text(r#"{"caller":"x"}"#),
            policy: "f00d".into(),
            is_audited: true,
            is_late: true,
            is_sole: true,
            decided_in: Duration::from_micros(7),
        },
        ended: Some(Ended { at: Timestamp::UNIX_EPOCH, status: Some(486), how: Ended::ACKNOWLEDGED.into() }),
    }
}

#[test]
fn a_call_comes_out_as_it_went_in_with_and_without_what_may_be_missing() {
    let evidence = Evidence { identity: None, list: Some(String::new()), ..Evidence::default() };
    let bare = Call { display_name: None, entry: None, ended: None, evidence, ..full() };
    for call in [full(), bare] {
        assert_eq!(Kept::of(call.clone()).call(), call);
    }
}

#[test]
fn a_call_holds_the_bytes_of_its_texts_and_no_more() {
    let kept = Kept::of(full());
    let texts = 3 + 13 + 4 + 13 + 5 + 14 + 4 + 12 + 11 + 5 + 6 + 14;
    let beside = "sip:1001@pbx.example".len() + 2 * size_of::<String>() + "one".len();
    assert_eq!(kept.bytes(), size_of::<Kept>() + texts + beside);
}
