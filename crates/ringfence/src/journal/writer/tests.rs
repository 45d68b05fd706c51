//! When the clock is trusted, and what of the file is kept in memory.

use super::*;
use crate::store::Durability;

#[test]
fn a_clock_that_jumps_is_not_trusted_with_what_is_old_until_it_has_run_for_a_while() {
    let mut clock = Clock::new();
    let (wall, at) = (clock.wall, clock.at);
    let mut read = |jump: i64, minutes: u64| {
        let passed = Duration::from_secs(minutes * 60);
        let wall = wall + passed + SignedDuration::from_hours(jump);
        clock.read(wall, at + passed).is_some()
    };
    assert!(!read(0, 9));
    assert!(read(0, 11));
    assert!(!read(24 * 365 * 12, 12));
    assert!(!read(24 * 365 * 12, 21));
    assert!(read(24 * 365 * 12, 22));
    assert!(!read(0, 23), "back again");
}

#[test]
fn pages_that_the_start_has_read_go_with_the_first_wait_in_which_nothing_comes() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(&home.path().join("state/ringfence.db"), Durability::Process).unwrap();
    let mut open = Open::new(store).unwrap();
    assert!(open.has_pages);
    open.rest(0);
    assert!(!open.has_pages);
}
