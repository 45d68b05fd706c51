//! What is measured: callers against a list of many numbers.

use std::fmt::Write;
use std::sync::Arc;

use jiff::Timestamp;
use ringfence_policy::{List, Policy, Region};

pub(crate) fn region() -> Region {
    Region::parse("CH").expect("CH is a region")
}

pub(crate) fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

/// Numbers spread over the plan by a multiplication that never repeats: every second one is listed.
pub(crate) fn number(index: u64) -> u64 {
    41_200_000_000 + index * 7_919 % 799_999_999
}

pub(crate) fn list(entries: u64) -> String {
    let mut text = String::new();
    for index in 0..entries {
        let _ = writeln!(text, "+{}", number(2 * index));
    }
    text.push_str("+4180*\n+41900*\n+44*\nanonymous\n");
    text
}

pub(crate) fn policy(entries: u64) -> Policy {
    let (reject, errors) = List::parse_text("reject", "many.txt", &list(entries), region());
    assert!(errors.is_empty(), "the numbers are well formed");
    Policy::of_lists(region(), Arc::new(List::empty("allow")), Arc::new(reject)).expect("no emergency number")
}
