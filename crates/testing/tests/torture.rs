//! The torture test messages of RFC 4475 and RFC 5118 against the endpoint: each row of `data/torture.toml`.
//!
//! `docs/torture.md` is written from the same table and from what the endpoint did. The idiom of every generated
//! page: the test compares the file with what it would write; with `UPDATE=1` in the environment it writes it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod probe;

#[path = "torture/judge.rs"]
mod judge;
#[path = "torture/page.rs"]
mod page;
#[path = "torture/table.rs"]
mod table;

use std::collections::BTreeSet;
use std::path::Path;

use judge::judge;
use page::page;
use table::Table;

#[test]
fn every_message_comes_to_what_its_rfc_asks_for() {
    let rows = Table::read().message;
    let judged = rows.iter().flat_map(|row| {
        let faults = judge(row).faults.into_iter();
        faults.map(|fault| format!("{} (RFC {} section {}): {fault}", row.name(), row.document, row.section))
    });
    let faults: Vec<String> = judged.collect();
    assert!(faults.is_empty(), "{} differences:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn every_message_of_the_rfcs_is_in_the_table_once() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let names = ["rfc4475", "rfc5118"].into_iter().flat_map(|rfc| {
        let files = std::fs::read_dir(folder.join(rfc)).unwrap();
        files.map(move |file| format!("{rfc}/{}", file.unwrap().file_name().into_string().unwrap()))
    });
    let rows = Table::read().message;
    let listed: BTreeSet<String> = rows.iter().map(|row| row.file.clone()).collect();
    assert_eq!(listed, names.collect());
    assert_eq!(listed.len(), rows.len());
}

#[test]
fn the_documented_table_is_what_the_endpoint_does() {
    let rows = Table::read().message.into_iter();
    let expected =
        page(&rows.map(|row| (judge(&row), row)).map(|(judged, row)| (row, judged)).collect::<Vec<_>>());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/torture.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, expected).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "docs/torture.md is not what the endpoint does\n\
         hint: UPDATE=1 cargo test -p ringfence-testing --test torture"
    );
}
