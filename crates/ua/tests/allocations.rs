//! That rejecting a call by the screen allocates nothing, once as many calls are known as ever are at that rate.

#[path = "../benches/measured/mod.rs"]
mod measured;

#[path = "../../../tests/counting_allocator.rs"]
mod counting_allocator;

use counting_allocator::allocations;
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
fn absorbing_a_repeated_invite_or_ack_allocates_nothing() {
    let mut rejections = Rejections::warm();
    let count = allocations(|| {
        for _ in 0..100 {
            assert_eq!(rejections.invite() + rejections.acknowledge(), 0);
        }
    });
    assert_eq!(count, 0);
}
