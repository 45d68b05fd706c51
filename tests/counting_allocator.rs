//! An allocator that counts, for the tests which assert that a path allocates nothing, or gives back what it took.
#![allow(dead_code, reason = "each test that shares it uses a part of it")]
#![allow(
    unsafe_code,
    reason = "a counting allocator cannot be written without, and is this file's whole point"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, which counts what the current thread asks of it.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: every call is passed to the system's allocator as it came; counting touches a thread-local without
// destructor and allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        hold(layout.size().cast_signed());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        hold(-layout.size().cast_signed());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        hold(size.cast_signed() - layout.size().cast_signed());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn hold(bytes: isize) {
    HELD.with(|held| held.set(held.get() + bytes));
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Counts the allocations of one piece of work on this thread.
pub(crate) fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

/// Counts how many bytes one piece of work on this thread took and did not give back; fewer than none where it gave more.
pub(crate) fn held_after(work: impl FnOnce()) -> isize {
    let before = HELD.with(Cell::get);
    work();
    HELD.with(Cell::get) - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1_u8]))), 1);
    let mut kept = Vec::<u8>::new();
    assert_eq!(held_after(|| kept.reserve_exact(100)), 100);
    assert_eq!(held_after(|| kept = Vec::new()), -100);
}
