//! Patterns of numbers and expressions over names: two regions, a pattern, a zero byte, and what it is compared with.

use jiff::Timestamp;
use ringfence_policy::{Caller, List, NameExpression, Pattern, Region, Text, Wildcard};

use super::draw::Draw;

/// A pattern reads back as itself, an error stands in its text, and every comparison ends.
pub fn run(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let regions: Vec<Region> = Region::all().collect();
    let [from, to] = [*draw.one_of(&regions), *draw.one_of(&regions)];
    let written = draw.text();
    let other = String::from_utf8_lossy(draw.rest());
    numbers(&written, &other, from, to);
    names(&written, &other);
}

fn numbers(written: &str, other: &str, from: Region, to: Region) {
    match Pattern::parse(written, from) {
        Ok(pattern) => assert_eq!(Pattern::parse(&pattern.to_string(), to), Ok(pattern)),
        Err(error) => {
            assert!((1..=written.chars().count() + 1).contains(&error.column()), "{error}");
            let told = format!("{error}{}", error.hint().unwrap_or_default());
            assert!(!told.contains(char::is_control), "{told:?}");
        }
    }
    let mut builder = List::builder("reject");
    builder.inline_entry(written, Some(other), None, from);
    builder.inline_entry(other, None, Some(Timestamp::UNIX_EPOCH), to);
    let (list, errors) = builder.build();
    assert_eq!(list.len() + list.repeated().len() + errors.len(), 2);
    for caller in [written, other] {
        let caller = Caller::told(caller);
        let caller = caller.identify(from);
        let found = list.find(&caller, Timestamp::UNIX_EPOCH).map(|entry| entry.pattern().to_string());
        assert_eq!(found.is_some(), list.score(&caller, Timestamp::UNIX_EPOCH) > 0, "{found:?}");
        if let Some(number) = caller.number() {
            let _ = list.near(number, 2, Timestamp::UNIX_EPOCH).map(|entry| entry.origin().to_string());
        }
    }
}

fn names(written: &str, other: &str) {
    match NameExpression::parse(written) {
        Ok(expression) => {
            assert_eq!(expression.as_str(), written);
            let _ = expression.is_match(other);
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control), "{error}"),
    }
    assert!(Wildcard::new("*").is_match(other));
    let _ = Wildcard::new(written).is_match(other);
    let _ = Text::parse(written).map(|text| text.is_match(other));
}
