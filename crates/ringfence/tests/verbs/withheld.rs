//! Numbers that their callers withhold.

use serde_json::{Value, json};

use crate::home::Home;

#[test]
fn a_withheld_number_is_told_only_to_who_asks() {
    let home = Home::with_calls();
    home.call("anonymous", 1, "reject", "listed", Some("079 222 33 44"));
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let facts = r#"{"caller":"+41792223344","host":"pbx","name":"Anna","withheld":true,"line":"home"}"#;
    let update = "UPDATE calls SET identity = '+41792223344', display_name = 'Anna', facts = ?1, \
                  reason = 'busy: a withheld number is on the reject list (entry 079 222 33 44, inline)' \
                  WHERE caller = 'anonymous'";
    journal.execute(update, [facts]).unwrap();
    let insert = "INSERT INTO entries VALUES ('reject', '+41792223344', 1, NULL, 'trap', 'withheld')";
    journal.execute(insert, []).unwrap();
    for verb in [["calls"].as_slice(), &["why", "last"], &["list"]] {
        for more in [[].as_slice(), &["--json"]] {
            let told = home.told(&[verb, more].concat());
            let is_silent = ["2223344", "222 33 44", "Anna"].iter().all(|secret| !told.contains(secret));
            assert!(is_silent && told.ends_with("exit 0\n"), "{told}");
            let told = home.told(&[verb, &["--withheld"], more].concat());
            assert!(told.contains("+41792223344"), "{told}");
        }
    }
    assert!(!home.told(&["calls", "--csv"]).contains("2223344"));
    assert!(home.told(&["list"]).contains("withheld"));
    let forgotten = "forgot +41792223344: 1 call, 1 note\nexit 0\n";
    assert_eq!(home.told(&["forget", "079 222 33 44", "--yes"]), forgotten);
}

#[test]
fn who_asks_is_told_the_entry_that_a_withheld_number_met() {
    let home = Home::with_calls();
    home.call("anonymous", 1, "reject", "listed", Some("+4179*"));
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let facts = r#"{"caller":"+41792223344","host":"pbx","withheld":true,"line":"home"}"#;
    let update =
        "UPDATE calls SET identity = '+41792223344', facts = ?1, entry = NULL WHERE caller = 'anonymous'";
    journal.execute(update, [facts]).unwrap();
    let entry = " entry        +4179* on the reject list, inline\n";
    let told = home.told(&["why", "last", "--withheld"]);
    assert!(told.contains(entry) && told.contains("-> YES    caller_in reject\n"), "{told}");
    let told = home.json(&["why", "last", "--withheld", "--json"]);
    assert_eq!(told[0]["entry"], json!({ "list": "reject", "entry": "+4179*", "origin": "inline" }));
    assert!(!home.told(&["why", "last"]).contains("+4179*"));
    assert_eq!(home.json(&["why", "last", "--json"])[0]["entry"], Value::Null);
    assert!(!home.told(&["why", "c1", "--withheld"]).contains(entry), "it stands in the trace");
}

#[test]
fn a_withheld_number_is_asked_for_by_whoever_is_shown_it() {
    let home = Home::with_calls();
    home.call("anonymous", 1, "reject", "listed", Some("+4179*"));
    home.call("+41792223344", 2, "reject", "listed", Some("+4179*"));
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let update = "UPDATE calls SET identity = '+41792223344' WHERE caller = 'anonymous'";
    journal.execute(update, []).unwrap();
    let found = |more: &[&str]| {
        let told = home.json(&[&["calls", "--json", "--caller", "079 222 33 44"], more].concat());
        told.iter().map(|call| call["number"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((found(&[]), found(&["--withheld"])), (vec![6], vec![6, 5]));
}
