//! Programs: the first one stays short, and what must not be written does not compile.

#[test]
fn the_first_program_has_at_most_15_lines() {
    assert!(include_str!("../examples/reject.rs").lines().count() <= 15);
}

#[test]
fn what_decides_twice_or_overlooks_a_call_or_accepts_by_rejecting_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
}
