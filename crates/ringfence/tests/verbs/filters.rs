//! The filters of `ringfence calls`: what they can mean, and what they cannot.

use crate::exchange::Exchange;
use crate::home::{CONFIGURATION, Home};

#[test]
fn calls_of_a_line_or_a_rule_that_is_nowhere_are_a_mistake() {
    let home = Home::with_calls();
    home.call("+41445556677", 1, "ring", "of-before", None);
    for (filter, told) in [
        (["--line", "office"], "expected a line, found \"office\"\nhint: the lines are: home\nexit 2\n"),
        (
            ["--rule", "lsited"],
            "expected a rule, found \"lsited\"\nhint: the rules are: allowed, on-call, we-called-them, idea, listed, \
             otherwise, of-before\nexit 2\n",
        ),
        (
            ["--outcome", "rejected"],
            "[possible values: reject, redirect, send-on, ring, stand-aside, ignore, refuse]",
        ),
    ] {
        for form in ["--json", "--csv", "--withheld"] {
            let all = home.told(&[&["calls", form][..], &filter].concat());
            assert!(all.contains(told) && all.starts_with("error: "), "{all}");
        }
    }
    for known in ["of-before", "on_error", "undecided", "on-call"] {
        assert!(home.told(&["calls", "--rule", known]).ends_with("exit 0\n"), "{known}");
    }
}

#[test]
fn a_time_that_ends_before_it_begins_is_a_mistake() {
    let home = Home::with_calls();
    let told = home.told(&["calls", "--since", "2026-03-02T10:00Z", "--until", "2026-03-01T09:30Z"]);
    let expected =
        "error: expected --since before --until, found 2026-03-02 10:00:00 and 2026-03-01 09:30:00\nhint: ";
    assert!(told.starts_with(expected) && told.ends_with("exit 2\n"), "{told}");
    assert!(home.told(&["calls", "--since", "1d", "--until", "1d"]).ends_with("exit 2\n"));
    assert!(home.told(&["calls", "--since", "2d", "--until", "1d"]).ends_with("exit 0\n"));
}

#[test]
fn where_the_configuration_cannot_be_read_no_name_is_a_mistake() {
    let home = Home::with_calls();
    home.write("ringfence.toml", &CONFIGURATION.replace("rule]]\nid   = \"otherwise\"", "rule]]\nid = 7"));
    assert_eq!(home.told(&["calls", "--rule", "lsited"]), "no such calls\nexit 0\n");
    assert_eq!(home.json(&["calls", "--json", "--rule", "listed"]).len(), 2);
}

#[test]
fn a_line_is_asked_for_by_the_name_of_its_policy_as_well() {
    let home = Home::with_calls();
    let named = "[line.work]\naccount = \"home\"\n[list.allow]";
    home.write("ringfence.toml", &CONFIGURATION.replace("[list.allow]", named));
    assert_eq!(home.json(&["calls", "--json", "--line", "work"]).len(), 4);
}

#[test]
fn a_program_that_keeps_its_journal_in_memory_knows_its_lines_and_rules_as_well() {
    let (mut exchange, _program) = Exchange::new(&CONFIGURATION.replace("ringfence.db", "off"));
    let home = &exchange.home;
    assert_eq!(home.told(&["calls"]), "no calls yet\nexit 0\n");
    exchange.call("+41791234567");
    let home = &exchange.home;
    assert_eq!(home.told(&["calls", "--rule", "allowed"]), "no such calls\nexit 0\n");
    assert_eq!(home.json(&["calls", "--json", "--rule", "listed"]).len(), 1);
    let told = home.told(&["calls", "--line", "office"]);
    assert_eq!(told, "error: expected a line, found \"office\"\nhint: the lines are: home\nexit 2\n");
}

#[test]
fn what_can_never_come_is_not_followed() {
    for journal in ["ringfence.db", "off"] {
        let home = Home::new();
        home.write("ringfence.toml", &CONFIGURATION.replace("ringfence.db", journal));
        let _program = home.running();
        let told = home.told(&["calls", "--follow", "--rule", "lsited"]);
        assert!(told.starts_with("error: expected a rule, found \"lsited\"\n"), "{journal}: {told}");
    }
}
