//! Entries that rules put on lists for a time, in `why`, `stats` and `was-wrong`.

use jiff::{SignedDuration, Timestamp};
use ringfence_testing::Outcome;
use serde_json::{Value, json};

use crate::exchange::Exchange;
use crate::home::{CONFIGURATION, Home};

/// Returns a policy in which who is turned away is so in another way for ten minutes.
fn cooling() -> String {
    let cool =
        "[list.cool]\n[[rule]]\nid = \"cool\"\nwhen = { caller_in = \"cool\" }\nthen = \"decline\"\n[[rule]]";
    let adding = "then = \"busy\"\nadd_to = { list = \"cool\", ttl = \"10m\" }";
    CONFIGURATION.replacen("[[rule]]", cool, 1).replacen("then = \"busy\"", adding, 1)
}

#[test]
fn a_call_that_an_entry_for_a_time_decides_is_told_with_what_added_it_and_until_when() {
    let (mut exchange, _program) = Exchange::new(&cooling());
    for status in [486, 603] {
        let outcome = exchange.call("+41791234567");
        assert!(matches!(outcome, Outcome::Rejected { status: found, .. } if found == status), "{outcome:?}");
    }
    let home = &exchange.home;
    let call = &home.json(&["calls", "--json"])[1];
    assert_eq!((&call["rule"], &call["evidence"]["list"]), (&"cool".into(), &"cool".into()));
    assert_eq!(call["entry"], "+41791234567");
    let reason = call["reason"].as_str().unwrap();
    let expected = "rejected with 603: +41791234567 is on the cool list (put there by rule listed until ";
    assert!(reason.starts_with(expected), "{reason}");
    let lists = &home.json(&["stats", "--json"])[0]["lists"];
    assert_eq!(lists, &json!({ "cool": { "reject": 1 }, "reject": { "reject": 1 } }));
    let told = home.told(&["why", "last"]);
    assert!(told.contains("-> YES    caller_in cool: put there by rule listed until "), "{told}");
}

#[test]
fn a_wrong_rejection_by_an_entry_for_a_time_is_mended_by_ending_it() {
    let adding = "id   = \"otherwise\"\nadd_to = { list = \"cool\", ttl = \"10m\" }";
    let (mut exchange, _program) = Exchange::new(&cooling().replace("id   = \"otherwise\"", adding));
    assert_eq!(exchange.call("+41225556677"), Outcome::Cancelled);
    let outcome = exchange.call("+41225556677");
    assert!(matches!(outcome, Outcome::Rejected { status: 603, .. }), "{outcome:?}");
    let before = exchange.home.read("ringfence.toml");
    let told = exchange.home.told(&["was-wrong", "last", "--yes"]);
    let expected = "took +41225556677 off the list cool (journal, put there by rule otherwise)\nexit 0\n";
    assert!(told.ends_with(expected), "{told}");
    assert_eq!(exchange.home.read("ringfence.toml"), before);
    assert_eq!(exchange.call("+41225556677"), Outcome::Cancelled);
}

/// Notes a call that an entry for a time decided, five hours ago.
fn decided_for_a_time(home: &Home, hours: i64) {
    home.write("ringfence.toml", &cooling());
    home.call("+41225556677", 5, "reject", "cool", Some("+41225556677"));
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let hour = |hours: i64| (Timestamp::now() + SignedDuration::from_hours(hours)).as_microsecond();
    let insert = "INSERT INTO entries VALUES ('cool', '+41225556677', ?1, ?2, 'listed', NULL)";
    journal.execute(insert, [hour(-6), hour(hours)]).unwrap();
    journal.execute("UPDATE calls SET list = 'cool', policy = NULL WHERE rule = 'cool'", []).unwrap();
}

#[test]
fn a_call_that_an_entry_decided_which_is_over_needs_no_mending() {
    let home = Home::with_calls();
    decided_for_a_time(&home, -4);
    let told = home.told(&["was-wrong", "last", "--yes"]);
    let expected = "the entry that decided c5 is over: +41225556677 was on the list cool until ";
    assert!(told.starts_with(expected), "{told}");
    let expected =
        ", put there by rule listed, and the policy in force would let it through: nothing to mend\nhint: ";
    assert!(told.contains(expected) && told.ends_with("exit 1\n"), "{told}");
    let told = &home.json(&["was-wrong", "last", "--yes", "--json"])[0];
    assert_eq!((&told["over"]["list"], &told["over"]["rule"]), (&"cool".into(), &"listed".into()));
    assert_eq!((&told["remedy"], &told["policy_has_changed"]), (&Value::Null, &false.into()));
    assert_eq!(home.read("ringfence.toml"), cooling());
}

#[test]
fn a_call_is_mended_by_ending_the_entry_that_came_anew() {
    let home = Home::with_calls();
    decided_for_a_time(&home, 4);
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let now = Timestamp::now().as_microsecond() - 60_000_000;
    journal.execute("UPDATE entries SET added = ?1", [now]).unwrap();
    drop(journal);
    let told = home.told(&["was-wrong", "last", "--yes"]);
    let expected = "took +41225556677 off the list cool (journal, put there by rule listed)\nexit 0\n";
    assert!(told.ends_with(expected), "{told}");
    let told = home.told(&["was-wrong", "last", "--yes"]);
    assert!(told.contains(" changed since c5, and the policy in force would let it through"), "{told}");
}

#[test]
fn a_call_whose_caller_has_been_allowed_meanwhile_needs_no_mending_while_the_entry_still_holds() {
    let home = Home::with_calls();
    decided_for_a_time(&home, 4);
    let cool = "[list.cool]\n[[rule]]\nid = \"cool\"\nwhen = { caller_in = \"cool\" }\nthen = \"decline\"\n[[rule]]\nid   = \"on-call\"";
    let below = CONFIGURATION.replacen("[[rule]]\nid   = \"on-call\"", cool, 1);
    home.write(
        "ringfence.toml",
        &below.replacen("\"+41441234567\",", "\"+41441234567\", \"+41225556677\",", 1),
    );
    let before = home.read("ringfence.toml");
    let told = home.told(&["was-wrong", "last", "--yes"]);
    assert!(told.contains("the policy in force would let it through: nothing to mend"), "{told}");
    assert_eq!(home.read("ringfence.toml"), before);
}

#[test]
fn what_was_removed_from_the_files_is_told_though_the_journal_cannot_be_changed() {
    let home = Home::with_calls();
    decided_for_a_time(&home, 4);
    home.write("ringfence.toml", &cooling().replace("\"+4179*\", ", "\"+4179*\", \"+41225556677\", "));
    let lock = std::fs::File::create(home.path("ringfence.db.lock")).unwrap();
    lock.lock().unwrap();
    let told = home.told(&["remove", "+41225556677"]);
    assert!(told.starts_with("removed +41225556677 from the reject list (ringfence.toml:"), "{told}");
    assert!(told.contains("\nerror: ") && told.ends_with("exit 2\n"), "{told}");
    assert!(!home.read("ringfence.toml").contains("+41225556677"));
    let told = home.told(&["remove", "+41225556677"]);
    assert!(told.starts_with("hint: waiting 10 s at most: another ringfence writes the journal "), "{told}");
    assert!(told.contains("\nerror: ") && !told.contains("is on no list"), "{told}");
    drop(lock);
    let told = home.told(&["remove", "+41225556677"]);
    let expected = "removed +41225556677 from the cool list (journal, put there by rule listed)\nexit 0\n";
    assert_eq!(told, expected);
}

#[test]
fn entries_of_a_journal_in_memory_are_listed_removed_and_forgotten() {
    let policy = cooling().replace("path = \"ringfence.db\"", "path = \"off\"");
    let (mut exchange, _program) = Exchange::new(&policy);
    for caller in ["+41791234567", "+41791234568"] {
        assert!(matches!(exchange.call(caller), Outcome::Rejected { status: 486, .. }));
    }
    let listed = |home: &Home| {
        let rows = home.json(&["list", "cool", "--json"]);
        rows.iter().map(|row| row["pattern"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&exchange.home), ["+41791234568", "+41791234567"]);
    let told = exchange.home.told(&["remove", "+41791234567"]);
    assert!(
        told.contains("removed +41791234567 from the cool list (journal, put there by rule listed)"),
        "{told}"
    );
    assert_eq!(listed(&exchange.home), ["+41791234568"]);
    let told = exchange.home.told(&["forget", "+41791234568", "--yes"]);
    assert_eq!(told, "forgot +41791234568: 1 call, 1 note\nexit 0\n");
    assert!(listed(&exchange.home).is_empty());
}
