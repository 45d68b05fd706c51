//! A day of a busy phone: what it holds in memory after each hour is what it held after the first.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

#[path = "../../../tests/counting_allocator.rs"]
mod counting_allocator;
mod shift;

use std::time::Duration;

use shift::{LINES, Shift};

const HOUR: Duration = Duration::from_secs(3600);
const HOURS: usize = 24;

#[test]
fn after_24_hours_of_calls_it_holds_no_more_than_after_the_first_and_every_call_had_one_answer() {
    let mut shift = Shift::new(1);
    let mut held = Vec::new();
    for hour in 0..HOURS {
        shift.work(HOUR);
        shift.restart_pbx();
        shift.rest();
        assert_eq!(shift.answered_otherwise_than_once(), Vec::<String>::new(), "hour {hour}");
        assert_eq!(shift.registered(), LINES, "hour {hour}");
        held.push(shift.held());
    }
    let most = held[0] + held[0] / 50;
    assert!(held.iter().all(|bytes| *bytes <= most), "bytes held after each hour: {held:?}");
    let counters = shift.counters();
    assert!(counters.invites > 20_000 && counters.unacknowledged > 2_000, "{counters:?}");
    assert!(counters.cancelled > 2_000 && counters.dropped_stranger > 400, "{counters:?}");
    assert_eq!(shift.faults(), Vec::<String>::new());
}
