//! The JSON of callblocker.

use ringfence_policy::{Format, RowFault};

use super::read;

fn json(text: &str) -> Vec<String> {
    read(&Format::CallBlocker, text.as_bytes())
}

#[test]
fn the_list_of_callblocker_is_read_with_its_faults() {
    assert_eq!(
        read(&Format::CallBlocker, include_bytes!("data/callblocker.json")),
        [
            "5 +442079460001 Survey",
            "12:22: expected an object with `number` and `name`, both between quotes, found `honest\" broker\",`",
            "15 +4420794* All of them",
            "20:7: expected a number, not a name, found `{`",
            "25:19: expected an object with `number` and `name`, both between quotes, found `442079460002,`"
        ]
    );
}

#[test]
fn an_entry_keeps_its_date() {
    let list =
        br#"{"entries":[{"number":"+41791234567","name":"","date_created":"2026-02-03 14:54:02 +0000"}]}"#;
    let row = Format::CallBlocker.read(list).next().expect("a row").expect("it can be read");
    assert_eq!(row.date.map(|date| date.to_string()).as_deref(), Some("2026-02-03T14:54:02Z"));
    assert_eq!(row.name, None);
}

#[test]
fn a_bare_array_holds_entries_or_numbers() {
    assert_eq!(
        json(r#"["+41791234567", {"number": "0791234568", "name": "A\u00e9\"b\""}, 7]"#),
        [
            "1 +41791234567 -",
            "1 0791234568 Aé\"b\"",
            "1:68: expected an object with `number` and `name`, both between quotes, found `7]`"
        ]
    );
}

#[test]
fn what_stands_before_the_entries_is_passed_over() {
    assert_eq!(
        json(
            r#"{"name": "x]}\"", "meta": {"entries": [1, {"a": []}]}, "n": -1.5e3, "entries": ["1001"], "x": 1}"#
        ),
        ["1 1001 -"]
    );
}

#[test]
fn a_text_that_ends_in_the_middle_is_told_to_be_cut() {
    let rows: Vec<_> = Format::CallBlocker.read(b"{\"entries\":[\n\"1001\",\n\"1002\"").collect();
    assert_eq!(rows.iter().filter(|row| row.is_ok()).count(), 2);
    let error = rows[2].as_ref().unwrap_err();
    assert_eq!((error.fault(), error.line()), (RowFault::Cut, 3));
    assert_eq!(error.message(), "expected the end of the array, `]`, found the end of the file");
}

#[test]
fn a_text_without_entries_is_one_error() {
    for text in ["", "{}", "{\"entries\": 7}", "[", "nonsense", "{\"a\":", "{\"entries\"", "{{{{", "\"[\""] {
        assert_eq!(json(text).len(), 1, "{text}");
    }
    assert_eq!(json("<html>"), ["1:1: expected an object with an array `entries`, found `<html>`"]);
}

#[test]
fn brackets_a_million_deep_are_passed_over() {
    let deep = format!("[{}{}, \"1001\"]", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let told = json(&deep);
    assert_eq!(told.len(), 2);
    assert!(told[0].starts_with("1:2: expected at most 64 KiB in one row, found `[[["), "{}", told[0]);
    assert_eq!(told[1], "1 1001 -");
    assert_eq!(json(&format!("{{\"a\": {}", "{\"a\":[".repeat(1_000_000))).len(), 1);
}
