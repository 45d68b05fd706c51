//! That rejecting a call by the screen allocates nothing, once as many calls are known as ever are at that rate.
#![allow(
    unsafe_code,
    reason = "a counting allocator cannot be written without, and is this file's whole point"
)]

#[path = "../benches/measured/mod.rs"]
mod measured;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use measured::Rejections;

/// The system's allocator, which counts what the current thread asks of it.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed to the system's allocator as it came; counting touches a thread-local without
// destructor and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1_u8]))), 1);
}

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
