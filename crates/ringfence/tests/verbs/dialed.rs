//! `ringfence dialed` and `answered`.

use crate::home::{CONFIGURATION, Home};

#[test]
fn a_number_that_was_spoken_with_is_a_number_at_a_time_that_was() {
    let home = Home::new();
    assert_eq!(home.told(&["answered", "0225556677"]), "noted 1 number as answered\nexit 0\n");
    for verb in ["dialed", "answered"] {
        let told = home.told(&[verb, "0225556677", "--at", "2999-01-01"]);
        assert!(told.contains("expected a time that was") && told.ends_with("exit 2\n"), "{told}");
        let told = home.told(&[verb, "0225556677", "alice"]);
        assert!(told.contains("expected a number, found \"alice\"") && told.ends_with("exit 2\n"), "{told}");
    }
}

#[test]
fn a_row_of_call_records_that_is_no_number_is_told_and_left_out() {
    let home = Home::new();
    std::fs::write(home.path("records"), "0225556677\nanonymous\n\n0225556678\n").unwrap();
    let records = std::fs::File::open(home.path("records")).unwrap();
    let output = home.command(&["dialed", "-"]).stdin(records).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "noted 2 numbers as dialled, left out 1\n");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("line 2: expected a number, found \"anonymous\""), "{told}");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!([home.decides("0225556677"), home.decides("0225556678")], ["we-called-them"; 2]);
}

#[test]
fn numbers_that_were_dialled_are_read_from_call_records() {
    let home = Home::new();
    let records = home.path("records");
    std::fs::write(&records, "0225556677\n\n 022 555 66 78 \n").unwrap();
    let output =
        home.command(&["dialed", "-", "--at", "40d"]).stdin(std::fs::File::open(&records).unwrap()).output();
    assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), "noted 2 numbers as dialled\n");
    assert_eq!(home.decides("0225556677"), "otherwise");
    assert_eq!(home.told(&["dialed", "0225556678"]), "noted 1 number as dialled\nexit 0\n");
    assert_eq!(home.decides("0225556678"), "we-called-them");
}

#[test]
fn what_is_older_than_calls_are_kept_is_not_known_though_it_is_in_the_file() {
    let home = Home::new();
    home.told(&["dialed", "0225556677", "--at", "3h"]);
    assert_eq!(home.decides("0225556677"), "we-called-them");
    let short = CONFIGURATION.replace("[journal]\n", "[journal]\nretention = \"1h\"\n");
    home.write("ringfence.toml", &short);
    assert_eq!(home.decides("0225556677"), "otherwise");
}
