//! Deciding a call allocates nothing.

#![allow(unsafe_code, reason = "an allocator that counts is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;

use ringfence_policy::{Caller, Facts, List, Policy, Region, Rejection, decide};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn deciding_a_call_allocates_nothing() {
    let switzerland = Region::parse("CH").unwrap();
    let spam = "+4179*\n+49301234567\nanonymous\nunavailable\ninvalid\nsip:alice\n1002\ninternal:20*\n";
    let (reject, errors) = List::parse_text("reject", "spam.txt", spam, switzerland);
    assert!(errors.is_empty());
    let (allow, _) = List::parse_text("allow", "friends.txt", "+41791112233", switzerland);
    let policy = Policy::builder(switzerland)
        .reject(Arc::new(reject))
        .allow(Arc::new(allow))
        .otherwise(Rejection::busy())
        .build()
        .unwrap();
    let callers = [
        Caller::from_header("+41791234567", "pbx.example"),
        Caller::from_header("tel:079-111-22-33;phone-context=+41", "pbx.example"),
        Caller::from_header("anonymous", "anonymous.invalid"),
        Caller { withheld: true, ..Caller::asserted("+41791234567", "pbx.example") },
        Caller::from_header("", "pbx.example"),
        Caller::from_header("alice", "pbx.example"),
        Caller::from_header("1002", "pbx.example"),
        Caller::from_header("2042", "pbx.example"),
        Caller::from_header("1234567", "pbx.example"),
        Caller::from_header("12345678901234567890", "pbx.example"),
    ];

    let before = ALLOCATIONS.with(Cell::get);
    for caller in &callers {
        let facts = Facts::new(caller, "home", switzerland);
        black_box(decide(&policy, &facts));
    }
    assert_eq!(ALLOCATIONS.with(Cell::get) - before, 0);
}
