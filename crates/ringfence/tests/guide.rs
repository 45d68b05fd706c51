//! The guide `docs/guides/first-call.md`, run.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod walkthrough;

use walkthrough::{PORT, path_of_a_machine, walk};

const GUIDE: &str = include_str!("../../../docs/guides/first-call.md");

#[test]
fn every_command_of_the_guide_prints_what_the_guide_says() {
    let commands = walk(GUIDE, &[]);
    assert!(commands > 20, "the guide has {commands} commands");
}

#[test]
fn the_guide_says_nothing_of_other_ports_or_of_the_machine_that_it_was_written_on() {
    assert_eq!(path_of_a_machine(GUIDE), None);
    assert!(GUIDE.contains(&format!("127.0.0.1:{PORT}")));
}
