//! `ringfence why`, of calls and of numbers.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::home::{CONFIGURATION, Home};

#[test]
fn why_tells_the_whole_way_to_a_decision() {
    let home = Home::with_calls();
    for name in ["c1", "60@pbx", "0.60"] {
        let told = home.told(&["why", name]);
        assert!(told.starts_with("c1  "), "{told}");
        for expected in [
            "+41791234567 → home  rejected 486 by listed\n",
            "the policy has changed since then",
            "caller       +41791234567   [From]   trust: claimed\n",
            "rule 5  listed          -> YES    caller_in reject: entry +4179*, inline\n",
            "action       busy = reject with 486 (on a sole line)\n",
            "timing       decided in 12 µs\n",
            "shadow       idea would have decided: decline = reject with 603\n",
        ] {
            assert!(told.contains(expected), "{expected} is not in {told}");
        }
    }
    assert!(home.told(&["why", "last"]).starts_with("c4  "));
    assert!(!home.told(&["why", "+4"]).starts_with("c4  "), "with a plus it is a caller");
    assert!(home.told(&["why", "c4"]).contains("first_time: has called before"));
    assert!(home.told(&["why", "c3"]).contains("first_time: has never called"));
}

#[test]
fn why_tells_what_would_happen_if_a_number_called() {
    let home = Home::with_calls();
    assert_eq!(home.decides("044 123 45 67"), "allowed");
    assert_eq!(home.decides("+41223334455"), "we-called-them");
    let told = home.json(&["why", "1002", "--at", "2026-03-01T23:10", "--json"]);
    assert_eq!(told[0]["trace"]["at"], "2026-03-01 23:10:00.000 UTC");
    assert_eq!(told[0]["trace"]["decided_by"], "otherwise");
    assert_eq!(told[0]["call"], Value::Null);
    let now = Timestamp::now();
    let minute = |minutes: i64| now + SignedDuration::from_mins(minutes);
    for (minutes, days) in [(-2, 1), (2, 0)] {
        let time = minute(minutes).strftime("%H:%M").to_string();
        let told = home.json(&["why", "1002", "--at", &time, "--json"]);
        let day = minute(minutes + days * 24 * 60).strftime("%Y-%m-%d %H:%M").to_string();
        assert_eq!(told[0]["trace"]["at"], format!("{day}:00.000 UTC"), "{time}");
    }
}

#[test]
fn why_takes_a_time_on_the_clock_of_the_policy_as_a_test_does() {
    let home = Home::new();
    home.write("ringfence.toml", &CONFIGURATION.replace("\"UTC\"", "\"Asia/Tokyo\""));
    let told = home.json(&["why", "1002", "--at", "2026-03-01T23:10", "--json"]);
    assert_eq!(told[0]["trace"]["at"], "2026-03-01 23:10:00.000 JST");
}

#[test]
fn why_of_a_call_takes_neither_a_time_nor_a_line() {
    let home = Home::with_calls();
    for (flag, value) in [("--at", "2026-03-01T23:10"), ("--line", "home")] {
        let told = home.told(&["why", "last", flag, value]);
        assert!(
            told.contains(&format!("expected a number with {flag}, found a call, which has its own")),
            "{told}"
        );
    }
}

#[test]
fn a_list_that_is_asked_for_each_call_is_not_asked_by_why() {
    let home = Home::new();
    let look_up =
        "[list.community]\nsource = \"lookup:https://192.0.2.9/x\"\non_miss = \"no_match\"\n[switch.on_call]";
    let rule = "[[rule]]\nid = \"bad\"\nwhen = { caller_in = \"community\" }\nthen = \"busy\"\n[[rule]]";
    let configuration = CONFIGURATION.replace("[switch.on_call]", look_up).replacen("[[rule]]", rule, 1);
    home.write("ringfence.toml", &configuration);
    let told = home.told(&["why", "0225556677"]);
    assert!(told.contains("not asked    community, which would be when the call came\n"), "{told}");
}

#[test]
fn why_shows_a_caller_and_a_name_alike_wherever_it_does() {
    let home = Home::with_calls();
    home.call("al\u{202e}ice \"x", 1, "ring", "otherwise", None);
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let facts = json!({ "caller": "al\u{202e}ice \"x", "name": "Zoë\u{7}\" \u{200b}山", "line": "home" });
    let update = "UPDATE calls SET facts = ?1, display_name = ?2 WHERE number = 5";
    journal.execute(update, [facts.to_string().as_str(), "Zoë\u{7}\" \u{200b}山"]).unwrap();
    let told = home.told(&["why", "c5"]);
    let (caller, name) = (r#""al·ice \"x""#, r#""Zoë·\" ·山""#);
    assert_eq!((told.matches(caller).count(), told.matches(name).count()), (2, 2), "{told}");
}

#[test]
fn what_came_before_is_of_one_caller_whether_the_number_was_withheld_or_not() {
    let again =
        "[[rule]]\nid = \"again\"\nwhen = { repeat = { count = 2, within = \"3h\" } }\nthen = \"busy\"\n";
    let configuration = CONFIGURATION.replacen("[[rule]]", &format!("{again}\n[[rule]]"), 1);
    for withheld in [1, 2] {
        let home = Home::new();
        home.write("ringfence.toml", &configuration);
        home.told(&["dialed", "+41223334455"]);
        for hours in [2, 1] {
            home.call("+41445556677", hours, "ring", "otherwise", None);
        }
        let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
        let facts = r#"{"caller":"+41445556677","host":"pbx","withheld":true,"line":"home"}"#;
        let update =
            "UPDATE calls SET caller = 'anonymous', identity = '+41445556677', facts = ?1 WHERE number = ?2";
        journal.execute(update, rusqlite::params![facts, withheld]).unwrap();
        let told = home.json(&["why", "c2", "--json"]);
        assert_eq!(told[0]["trace"]["decided_by"], "again", "call {withheld} is withheld");
    }
}

#[test]
fn why_counts_calls_beyond_those_that_are_counted_one_by_one_as_replay_does() {
    let home = Home::new();
    home.told(&["dialed", "+41223334455"]);
    let guard =
        "[guard.flood]\nper = \"source\"\nmore_than = 96\nwithin = \"3s\"\nthen = \"busy\"\n[switch.on_call]";
    home.write("ringfence.toml", &CONFIGURATION.replacen("[switch.on_call]", guard, 1));
    let mut journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let (start, calls) = (Timestamp::now() - SignedDuration::from_hours(1), 400);
    let transaction = journal.transaction().unwrap();
    for call in 0..calls {
        let at = start + SignedDuration::from_millis(30 * call);
        let insert = "INSERT INTO calls (at, id, call_id, line, caller, source, verdict, rule, policy, decided_in, \
                      reason, facts) VALUES (?1, ?2, ?2, 'home', ?3, '192.0.2.1:5060', 'ring', 'otherwise', \
                      'same', 12, '', json_object('caller', ?3, 'line', 'home'))";
        let caller = format!("+4144555{:04}", 6000 + call);
        let values = rusqlite::params![at.as_microsecond(), format!("{call}@pbx"), caller];
        transaction.execute(insert, values).unwrap();
    }
    transaction.commit().unwrap();
    let replayed = home.json(&["replay", "--json"]);
    let newest = replayed[0]["newest"].as_array().unwrap();
    let rule_of = |call: i64| {
        let found = newest.iter().find(|found| found["call"]["number"] == call);
        found.map_or("otherwise", |found| found["to"]["rule"].as_str().unwrap())
    };
    let newest: Vec<(i64, String)> =
        (calls - 15..=calls).map(|call| (call, rule_of(call).to_owned())).collect();
    let rules = |rule: &str| newest.iter().filter(|(_, found)| found == rule).count();
    assert!(rules("guard.flood") > 0 && rules("otherwise") > 0, "{newest:?}");
    for (call, rule) in &newest {
        let told = home.json(&["why", &format!("c{call}"), "--json"]);
        assert_eq!(told[0]["trace"]["decided_by"], *rule, "c{call}");
    }
}
