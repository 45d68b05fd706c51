//! What does not compile: a call cannot be decided twice, and no rejection accepts.

#[test]
fn what_must_not_be_written_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
}
