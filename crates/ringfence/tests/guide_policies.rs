//! The guide `docs/guides/policies.md`, run, and held against the policies that it explains.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod walkthrough;

use walkthrough::{path_of_a_machine, walk};

const GUIDE: &str = include_str!("../../../docs/guides/policies.md");

/// The policies of `examples/policies`, each with the heading of its part of the guide.
const POLICIES: [(&str, &str, &str); 6] = [
    (
        "Only my contacts",
        "only-my-contacts.toml",
        include_str!("../../../examples/policies/only-my-contacts.toml"),
    ),
    (
        "No withheld callers",
        "no-withheld-callers.toml",
        include_str!("../../../examples/policies/no-withheld-callers.toml"),
    ),
    ("Quiet nights", "quiet-nights.toml", include_str!("../../../examples/policies/quiet-nights.toml")),
    ("A small shop", "small-shop.toml", include_str!("../../../examples/policies/small-shop.toml")),
    ("My parents' line", "parents-line.toml", include_str!("../../../examples/policies/parents-line.toml")),
    (
        "A call centre",
        "call-centre-trunk.toml",
        include_str!("../../../examples/policies/call-centre-trunk.toml"),
    ),
];

#[test]
fn every_command_of_the_guide_prints_what_the_guide_says() {
    let commands = walk(GUIDE, &POLICIES.map(|(_, file, text)| (file, text)));
    assert!(commands > 12, "the guide has {commands} commands");
}

#[test]
fn the_guide_explains_every_line_of_every_policy_and_no_other() {
    for (heading, file, policy) in POLICIES {
        let explained: Vec<&str> = part(heading).flat_map(said).collect();
        assert_eq!(explained, said(policy).collect::<Vec<_>>(), "{file}");
    }
}

#[test]
fn every_policy_that_is_shipped_is_in_the_guide() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/policies");
    let mut shipped: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name()).collect();
    shipped.sort_unstable();
    let mut explained = POLICIES.map(|(_, file, _)| file);
    explained.sort_unstable();
    assert_eq!(shipped, explained);
}

#[test]
fn the_guide_says_nothing_of_the_machine_that_it_was_written_on() {
    assert_eq!(path_of_a_machine(GUIDE), None);
}

/// Returns the blocks of a policy in one part of the guide.
fn part(heading: &str) -> impl Iterator<Item = &str> {
    let (_, after) = GUIDE.split_once(&format!("\n## {heading}\n")).unwrap();
    let part = after.split("\n## ").next().unwrap();
    part.split("\n```toml\n").skip(1).map(|block| block.split("\n```").next().unwrap())
}

/// Returns the lines of a policy that say something.
fn said(policy: &str) -> impl Iterator<Item = &str> {
    policy.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'))
}
