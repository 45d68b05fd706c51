//! `docs/reference/configuration.md`, held against the reader: which keys there are the reader says itself, where it tells of
//! one that it does not know.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use toml_edit::DocumentMut;

use super::{Config, FOREIGN, read_text};

const PAGE: &str = include_str!("../../../../docs/reference/configuration.md");
/// A key that nothing is like.
const UNKNOWN: &str = "xyzzy";
/// What the examples name.
const FILES: [(&str, &str); 5] = [
    ("policy.toml", ""),
    ("passwords/home", "secret"),
    ("pbx.pem", include_str!("../sources/tests/data/ca.pem")),
    ("ringfence.pem", include_str!("../sources/tests/data/server.pem")),
    ("ringfence.key", include_str!("../sources/tests/data/server.key")),
];
const ACCOUNT: &str = "\n[account.home]\nuser = \"858\"\ndomain = \"192.0.2.1\"\nregister = false\n";
const REGION: &str = "\n[defaults]\nregion = \"GB\"\n";

#[test]
fn each_table_of_the_page_has_the_keys_that_the_reader_knows_and_no_others() {
    assert_eq!(told(section("The file")), known(&format!("{UNKNOWN} = 1\n")), "of the file");
    for block in FOREIGN {
        let section = section(&format!("`[{block}"));
        let header = section.lines().next().unwrap().trim_matches('`');
        assert_eq!(told(section), known(&format!("{header}\n{UNKNOWN} = 1\n")), "of {header}");
    }
    assert_eq!(sections().filter(|section| section.starts_with("`[")).count(), FOREIGN.len());
}

#[test]
fn each_example_is_read_and_the_sections_that_the_page_says_wait_for_a_restart_do() {
    let bare = config("");
    let waiting = ["softphone", "journal", "service"];
    for block in waiting {
        assert!(section(&format!("`[{block}")).contains("Every key of it changes with a restart"), "{block}");
    }
    let examples: Vec<&str> =
        PAGE.split("\n```toml\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    assert!(examples.len() > FOREIGN.len(), "the page has {} examples", examples.len());
    for example in examples {
        let document: DocumentMut = example.parse().unwrap();
        let keys = |block: &str| {
            let table = document.get(block).and_then(|block| block.as_table_like());
            let keys = table.into_iter().flat_map(|table| table.iter());
            keys.map(|(key, _)| format!("{block}.{key}")).collect::<Vec<_>>()
        };
        let named: Vec<String> = waiting.into_iter().flat_map(keys).collect();
        assert_eq!(sorted(bare.needs_restart_for(&config(example))), sorted(named), "{example}");
    }
}

/// Returns the sections of the page, each with its heading first.
fn sections() -> impl Iterator<Item = &'static str> {
    PAGE.split("\n## ").skip(1)
}

fn section(heading: &str) -> &'static str {
    sections().find(|section| section.starts_with(heading)).unwrap_or_else(|| panic!("no section {heading}"))
}

/// Returns the keys of the one table of keys in a section.
fn told(section: &str) -> Vec<String> {
    let tables: Vec<&str> = section.split("\n| key |").skip(1).collect();
    assert_eq!(tables.len(), 1, "one table of keys: {section}");
    let rows = tables[0].lines().skip(2).take_while(|line| line.starts_with('|'));
    sorted(rows.map(|row| row.split('|').nth(1).unwrap().trim().trim_matches('`').to_owned()).collect())
}

/// Returns the keys that the reader names where it finds one that it does not know.
fn known(text: &str) -> Vec<String> {
    let reading = read_text(Path::new("/ringfence.toml"), text);
    let unknown = format!("unknown key `{UNKNOWN}`");
    let told = reading.report.diagnostics().iter().find(|told| told.message.starts_with(&unknown));
    let hint = told.and_then(|told| told.hint.as_deref()).unwrap_or_else(|| panic!("{}", reading.report));
    let keys = hint.strip_prefix("known here: ").unwrap_or_else(|| panic!("{hint}"));
    sorted(keys.split(", ").map(|key| key.trim_matches('`').to_owned()).collect())
}

/// Reads an example, with what it needs to be a configuration.
fn config(example: &str) -> Config {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        let path = home.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let account = if example.contains("[account.") { "" } else { ACCOUNT };
    let text = format!("{example}\n{account}{REGION}");
    let reading = read_text(&home.path().join("ringfence.toml"), text);
    reading.config.unwrap_or_else(|| panic!("{example}\n{}", reading.report))
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort_unstable();
    keys
}
