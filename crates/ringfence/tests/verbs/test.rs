//! `ringfence test`, and what help looks like.

use crate::home::{CONFIGURATION, Home};

#[test]
fn the_tests_of_a_policy_are_run() {
    let home = Home::new();
    assert_eq!(home.told(&["test"]), "2 passed\nexit 0\n");
    home.write("wrong.toml", &CONFIGURATION.replace("rule = \"allowed\" }", "rule = \"listed\" }"));
    let told = home.told(&["test", "wrong.toml"]);
    assert!(
        told.starts_with("FAILED wrong.toml:54: a call by 0441234567\n  expected  listed\n  got       "),
        "{told}"
    );
    assert!(told.contains("-> YES    caller_in allow: entry +41441234567, inline"), "{told}");
    assert!(told.ends_with("1 passed, 1 failed\nexit 1\n"), "{told}");
    let rows = home.json(&["test", "ringfence.toml", "wrong.toml", "--json"]);
    let passed: Vec<bool> = rows.iter().map(|row| row["passed"].as_bool().unwrap()).collect();
    assert_eq!(passed, [true, true, true, false]);
    home.write("broken.toml", "[[rule]]\nid = 7\n");
    let told = home.told(&["test", "broken.toml"]);
    assert!(
        told.starts_with("1 file with errors\nbroken.toml:1:1: error: ") && told.ends_with("exit 1\n"),
        "{told}"
    );
}

#[test]
fn help_can_be_read_whatever_columns_says() {
    let home = Home::new();
    let usual = home.told(&["why", "--help"]);
    for no_width in ["0", "abc", ""] {
        let output = home.command(&["why", "--help"]).env("COLUMNS", no_width).output().unwrap();
        assert_eq!(format!("{}exit 0\n", String::from_utf8(output.stdout).unwrap()), usual, "{no_width:?}");
    }
    let output = home.command(&["why", "--help"]).env("COLUMNS", "1").output().unwrap();
    let narrow = String::from_utf8(output.stdout).unwrap();
    assert!(narrow.starts_with("Tell all of a"), "{narrow}");
}
