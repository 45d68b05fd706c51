//! That rejecting a call by the screen allocates nothing, once as many calls are known as ever are at that rate, and how
//! much memory it leaves behind.

#[path = "../benches/measured/mod.rs"]
mod measured;

#[path = "../../../tests/counting_allocator.rs"]
mod counting_allocator;

use counting_allocator::{allocations, held_after};
use measured::Rejections;

#[test]
fn rejecting_a_call_allocates_nothing_once_the_tables_have_grown() {
    let mut rejections = Rejections::warm();
    for call in 0..10_000 {
        let count = allocations(|| assert!(rejections.call() > 600, "100 and 486 are sent"));
        assert_eq!(count, 0, "allocations of call {call}");
    }
}

#[test]
fn rejecting_calls_that_come_together_allocates_nothing_once_the_tables_have_grown() {
    let mut rejections = Rejections::warm();
    rejections.eight_calls();
    for calls in 0..2_000 {
        let count = allocations(|| assert!(rejections.eight_calls() > 8 * 600, "100 and 486 are sent"));
        assert_eq!(count, 0, "allocations of calls {calls}");
    }
}

#[test]
fn absorbing_a_repeated_invite_or_ack_allocates_nothing() {
    let mut rejections = Rejections::warm();
    let count = allocations(|| {
        for _ in 0..100 {
            assert_eq!(rejections.invite() + rejections.acknowledge(), 0);
        }
    });
    assert_eq!(count, 0);
}

/// Returns how many bytes each of so many calls takes, all that has grown for them included, where that is most.
fn most_held(calls: usize, mut call: impl FnMut(&mut Rejections)) -> usize {
    let mut rejections = Rejections::to_be_among(10_000);
    let mut held = 0;
    let each = (1..=calls).map(|so_far| {
        held += held_after(|| call(&mut rejections));
        if so_far < calls / 8 { 0 } else { held.unsigned_abs() / so_far }
    });
    each.max().unwrap_or_default()
}

#[test]
fn a_rejected_call_holds_at_most_170_bytes_once_it_is_acknowledged() {
    let most = most_held(9_999, |rejections| assert!(rejections.call() > 600, "100 and 486 are sent"));
    assert!((100..=170).contains(&most), "{most} bytes a call");
}

#[test]
fn a_rejected_call_holds_at_most_1100_bytes_until_it_is_acknowledged_its_answer_among_them() {
    let most = most_held(900, |rejections| assert!(rejections.unacknowledged_call() > 600));
    assert!((500..=1_100).contains(&most), "{most} bytes a call");
}
