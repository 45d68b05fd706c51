//! `ringfence forget`.

use crate::home::Home;

#[test]
fn callers_are_forgotten_one_at_a_time() {
    let told = Home::new().told(&["forget", "+44*", "-y"]);
    let expected = "error: expected a number or a name, found \"+44*\"\n\
                    hint: one caller at a time: write all of the number, for example +41791234567\nexit 2\n";
    assert_eq!(told, expected);
}

#[test]
fn a_person_is_forgotten_with_and_without_a_running_program() {
    let home = Home::with_calls();
    assert_eq!(
        home.told(&["forget", "044 555 66 77", "--yes"]),
        "forgot +41445556677: 2 calls, 0 notes\nexit 0\n"
    );
    let program = home.running();
    assert_eq!(
        home.told(&["forget", "+41223334455", "--yes"]),
        "forgot +41223334455: 0 calls, 1 note\nexit 0\n"
    );
    assert_eq!(
        home.told(&["forget", "+41791234567", "-y"]),
        "forgot +41791234567: 1 call, 0 notes\nexit 0\n"
    );
    assert_eq!(home.told(&["forget", "+41791234567", "-y"]), "nothing was known of +41791234567\nexit 1\n");
    drop(program);
    let calls = home.json(&["calls", "--json"]);
    assert_eq!((calls.len(), &calls[0]["caller"]), (1, &"+41441112233".into()));
    assert!(
        home.told(&["forget", "anonymous", "--yes"])
            .contains("callers without a number cannot be told from each other")
    );
}

#[test]
fn who_cannot_be_forgotten_by_a_damaged_journal_is_told_what_to_do_with_and_without_a_running_program() {
    let home = Home::with_calls();
    let program = home.running();
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    journal.execute_batch("ALTER TABLE spoken RENAME TO elsewhere").unwrap();
    let forget = || home.told(&["forget", "044 555 66 77", "--yes"]);
    let running = forget();
    drop(program);
    for told in [running, forget()] {
        assert!(
            told.contains("ringfence.db is damaged: no such table: spoken\nhint: stop the program, move "),
            "{told}"
        );
    }
}

#[test]
fn a_person_is_forgotten_where_another_call_names_them_as_people_dial_there() {
    let home = Home::with_calls();
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let forward = |diverted: &str| {
        home.call("+41445556688", 1, "ring", "otherwise", None);
        let facts = format!(r#"{{"caller":"+41445556688","diverted":"{diverted}"}}"#);
        journal.execute("UPDATE calls SET facts = ?1 WHERE number = (SELECT max(number) FROM calls)", [facts])
    };
    let written = [
        "0319998877",
        "0041319998877",
        "01141319998877",
        "+41319998877",
        "+41-31-999-88-77",
        "Anna 031 999 88 77",
    ];
    for diverted in written.into_iter().chain(["0319998876"]) {
        assert_eq!(forward(diverted), Ok(1));
    }
    let forgotten = "forgot +41319998877: 6 calls, 0 notes\nexit 0\n";
    assert_eq!(home.told(&["forget", "+41319998877", "--yes"]), forgotten);
    let told = home.told(&["calls", "--json", "-n", "1"]);
    assert!(told.contains("0319998876") && !told.contains("319998877"), "{told}");
}

#[test]
fn bytes_that_a_reader_keeps_are_told_as_often_as_they_are_left() {
    let home = Home::with_calls();
    let reader = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM calls").unwrap();
    let forget = || home.told(&["forget", "+41445556677", "--yes"]);
    let hint = "hint: bytes are to be overwritten yet, for the disk has no room for a copy, or somebody reads the journal: \
                run it again when that is over, also where it then knows nothing\n";
    assert_eq!(forget(), format!("forgot +41445556677: 2 calls, 0 notes\n{hint}exit 0\n"));
    assert_eq!(forget(), format!("nothing was known of +41445556677\n{hint}exit 1\n"));
    drop(reader);
    assert_eq!(forget(), "nothing was known of +41445556677\nexit 1\n");
    assert!(!std::fs::read(home.path("ringfence.db")).unwrap().windows(9).any(|bytes| bytes == b"445556677"));
}
