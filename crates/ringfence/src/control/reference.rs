//! `docs/reference/status.md`, held against what `ringfence status --json` prints.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::Value;

use super::{Configuration, Failed, LineState, LineStates, LineStatus, Listener, Status};
use crate::confine::{Confined, Extent};
use crate::journal::{self, Failing, Health};
use crate::sources::{ListStatus, LookUpStatus, Origin, SourcesStatus};

const PAGE: &str = include_str!("../../../../docs/reference/status.md");
/// What the user agent counts as it stands now: the rest never falls.
const NOW: [&str; 5] = ["overloaded", "connections", "lines", "transactions", "undecided_calls"];

#[test]
fn the_page_has_each_key_that_is_printed_and_no_others() {
    let (printed, told) = (printed(), told());
    let keys = |of: &BTreeMap<String, _>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&told), printed.keys().cloned().collect::<Vec<_>>());
}

#[test]
fn each_number_is_a_counter_or_a_gauge_and_each_text_a_text() {
    let told = told();
    for (key, value) in printed() {
        let kind = told.get(&key).map_or("", |kind| kind.split(", not always").next().unwrap_or(kind));
        let is_right = match &value {
            Value::Number(_) => matches!(kind, "counter" | "gauge"),
            Value::String(text) if text.parse::<Timestamp>().is_ok() => kind.starts_with("time"),
            Value::String(_) => kind == "text",
            Value::Bool(_) => kind.starts_with("true"),
            Value::Array(_) => kind == "text and gauge",
            Value::Null | Value::Object(_) => false,
        };
        assert!(is_right, "{key} is {value}, and told as {kind:?}");
    }
    for (name, _) in softphone::Counters::default().iter() {
        let kind = if NOW.contains(&name) { "gauge" } else { "counter" };
        assert_eq!(told.get(&format!("counters.{name}")).map(String::as_str), Some(kind), "{name}");
    }
}

/// Returns the kind of each key that the page tells of.
fn told() -> BTreeMap<String, String> {
    let table = PAGE.split("\n| key |").nth(1).expect("a table of keys");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cell = |row: &str, place| row.split('|').nth(place).unwrap_or_default().trim().to_owned();
    rows.map(|row| (cell(row, 1).trim_matches('`').to_owned(), cell(row, 2))).collect()
}

/// Returns each key of a status that has something to say of all, with its value.
fn printed() -> BTreeMap<String, Value> {
    let mut keys = BTreeMap::new();
    gather("", &serde_json::to_value(status()).unwrap(), &mut keys);
    keys
}

fn gather(place: &str, value: &Value, keys: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let dot = if place.is_empty() { "" } else { "." };
                gather(&format!("{place}{dot}{key}"), value, keys);
            }
        }
        // A pair has no keys.
        Value::Array(list) if !place.ends_with("[]") => {
            let first = list.first().unwrap_or_else(|| panic!("nothing in {place}"));
            gather(&format!("{place}[]"), first, keys);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            keys.insert(place.to_owned(), value.clone());
        }
    }
}

fn status() -> Status {
    let (at, text) = (Timestamp::UNIX_EPOCH, || "text".to_owned());
    let (_recorder, journal, _records) = journal::open(journal::Settings::in_memory()).unwrap();
    Status {
        version: text(),
        pid: 1,
        started: at,
        now: at,
        confined: Confined {
            user: Some(text()),
            files: Extent::Whole,
            calls: Extent::Whole,
            lacks: vec![text()],
        },
        listen: vec![Listener { transport: text(), address: ([192, 0, 2, 1], 5060).into() }],
        configuration: Configuration {
            path: PathBuf::from("ringfence.toml"),
            loaded: at,
            failed: Some(Failed { at, error: text() }),
            needs_restart: vec![text()],
            kept: vec![text()],
            policy: text(),
            rules: 3,
            lists: vec![(text(), 3)],
        },
        line_states: LineStates::default(),
        lines: vec![LineStatus {
            name: text(),
            address: text(),
            state: LineState::Registered,
            refreshing: true,
            cause: Some(text()),
            next: Some(at),
        }],
        calls: journal.tally(),
        journal: Health {
            path: Some(PathBuf::from("ringfence.db")),
            failing: Some(Failing { since: at, why: text(), hint: text() }),
            unread: true,
            slow_since: Some(at),
            ..Health::default()
        },
        sources: sources(),
        counters: softphone::Counters::default()
            .iter()
            .map(|(name, count)| (name.to_owned(), count))
            .collect(),
    }
}

fn sources() -> SourcesStatus {
    let (at, text) = (Timestamp::UNIX_EPOCH, || "text".to_owned());
    let list = ListStatus {
        list: text(),
        source: text(),
        rows: 3,
        unread: 1,
        first_unread: Some(text()),
        origin: Origin::Source,
        seen: Some(at),
        next: at,
        is_stale: true,
        error: Some(text()),
        hint: Some(text()),
    };
    let look_up = LookUpStatus {
        list: text(),
        source: text(),
        asked: 3,
        remembered: 1,
        missed: 1,
        rests: 1,
        is_resting: true,
        error: Some(text()),
        hint: Some(text()),
    };
    SourcesStatus { lists: vec![list], look_ups: vec![look_up] }
}
