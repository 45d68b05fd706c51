//! `ringfence block`, `allow` and `remove`.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use jiff::{SignedDuration, Timestamp};

use crate::home::{CONFIGURATION, Home};

#[test]
fn a_number_is_blocked_for_a_time() {
    let home = Home::new();
    let told = home.told(&["block", "0225556677", "--for", "30d", "--note", "sells wine"]);
    assert!(
        told.starts_with("blocked +41225556677 until 20") && told.ends_with(" in ringfence.toml\nexit 0\n"),
        "{told}"
    );
    assert_eq!(home.decides("+41225556677"), "listed");
    let listed = home.told(&["list"]);
    assert!(listed.contains("+41225556677") && listed.contains(": sells wine"), "{listed}");
    assert!(home.json(&["list", "reject", "--json"]).iter().any(|row| row["until"].is_string()), "{listed}");
    let in_ten_days = (Timestamp::now() + SignedDuration::from_hours(31 * 24)).to_string();
    let told = home.json(&["why", "+41225556677", "--at", &in_ten_days, "--json"]);
    assert_eq!(told[0]["trace"]["decided_by"], "otherwise");
    assert_eq!(home.told(&["remove", "+41225556677"]).lines().last(), Some("exit 0"));
    assert_eq!(home.decides("+41225556677"), "otherwise");
}

#[test]
fn an_entry_that_is_in_vain_is_told() {
    let home = Home::new();
    home.write(
        "ringfence.toml",
        &CONFIGURATION.replace("caller_in = \"reject\"", "caller_kind = \"mobile\""),
    );
    let told = home.told(&["block", "0225556677"]);
    assert!(told.contains("hint: no rule asks for that list") && told.ends_with("exit 0\n"), "{told}");
    let home = Home::new();
    assert!(!home.told(&["block", "0225556677"]).contains("hint"));
}

#[test]
fn an_entry_is_removed_from_the_file_it_stands_in() {
    let home = Home::new();
    home.write("org.toml", "[list.reject]\nentries = [\"+41225556677\", \"+41225556688\"]\n");
    home.write("ringfence.toml", &format!("include = [\"org.toml\"]\n{CONFIGURATION}"));
    let told = home.told(&["remove", "+41225556688"]);
    assert_eq!(told, "removed +41225556688 from the reject list (org.toml:2)\nexit 0\n");
    assert_eq!(home.read("org.toml"), "[list.reject]\nentries = [\"+41225556677\"]\n");
    assert_eq!(home.read("ringfence.toml"), format!("include = [\"org.toml\"]\n{CONFIGURATION}"));
    let told = home.told(&["remove", "+41441112233"]);
    assert_eq!(told, "removed +41441112233 from the reject list (ringfence.toml:22)\nexit 0\n");
    assert!(!home.read("ringfence.toml").contains("+41441112233"));
    assert_eq!(home.read("org.toml"), "[list.reject]\nentries = [\"+41225556677\"]\n");
}

#[test]
fn blocking_again_lasts_as_long_as_was_said_last() {
    let home = Home::new();
    home.told(&["block", "0225556677", "--for", "1h"]);
    home.told(&["block", "0225556677", "--for", "2d"]);
    assert_eq!(home.read("ringfence.toml").matches("+41225556677").count(), 1);
    assert!(home.told(&["block", "0225556677"]).starts_with("blocked +41225556677 in ringfence.toml\n"));
    assert!(!home.read("ringfence.toml").contains("until"));
    assert!(
        home.told(&["block", "0225556677", "--for", "1h"]).starts_with("+41225556677 is blocked already")
    );
    assert!(home.told(&["block", "0225556678", "--for", "ever"]).ends_with("exit 2\n"));
}

#[test]
fn a_note_without_a_word_is_none() {
    let home = Home::new();
    assert!(home.told(&["block", "0225556677", "--note", " "]).ends_with("exit 0\n"));
    assert!(home.told(&["block", "0225556688", "--for", "2h", "--note", ""]).ends_with("exit 0\n"));
    let today = Timestamp::now().strftime("%Y-%m-%d").to_string();
    let written = home.read("ringfence.toml");
    assert_eq!(written.matches(&format!("blocked {today}")).count(), 2, "{written}");
    assert!(!written.contains(&format!("blocked {today}:")), "{written}");
}

#[test]
fn an_allowed_number_whose_time_ends_makes_way_for_one_that_is_allowed_for_good() {
    for until in ["2026-01-01", "2999-01-01"] {
        let home = Home::new();
        let ending = format!("  {{ match = \"+41791234567\", until = \"{until}\" }},\n]\n[list.reject]");
        home.write("ringfence.toml", &CONFIGURATION.replacen("]\n[list.reject]", &ending, 1));
        let told = home.told(&["allow", "+41791234567"]);
        assert!(told.starts_with("allowed +41791234567 in ringfence.toml\n"), "{told}");
        let written = home.read("ringfence.toml");
        assert_eq!(
            (written.matches("+41791234567").count(), written.contains("until")),
            (1, false),
            "{written}"
        );
        assert_eq!(home.decides("+41791234567"), "allowed");
        assert!(home.told(&["allow", "+41791234567"]).starts_with("+41791234567 is allowed already"));
    }
}

#[test]
fn an_entry_that_is_over_covers_no_number() {
    let home = Home::new();
    let over = "  { match = \"+4122*\", until = \"2026-01-01\" },\n]\n[list.reject]";
    home.write("ringfence.toml", &CONFIGURATION.replacen("]\n[list.reject]", over, 1));
    assert!(home.told(&["allow", "0225556677"]).starts_with("allowed +41225556677 in ringfence.toml\n"));
    assert_eq!(home.decides("0225556677"), "allowed");
    assert!(!home.told(&["remove", "0225556677"]).contains("which covers it"));
}

#[test]
fn an_entry_that_ends_sooner_than_was_asked_for_does_not_do() {
    let wider = "{ match = \"+4122*\", until = \"2999-01-01\" }";
    for (verb, list, with) in [
        ("allow", "]\n[list.reject]", format!("  {wider},\n]\n[list.reject]")),
        ("block", "[list.reject]\nentries = [", format!("[list.reject]\nentries = [{wider}, ")),
    ] {
        let home = Home::new();
        let configuration = CONFIGURATION.replacen(list, &with, 1);
        assert_ne!(configuration, CONFIGURATION);
        home.write("ringfence.toml", &configuration);
        if verb == "block" {
            let told = home.told(&["block", "0225556677", "--for", "30d"]);
            assert!(told.starts_with("+41225556677 is blocked already: +4122*"), "{told}");
        }
        let told = home.told(&[verb, "0225556677"]);
        assert!(told.starts_with(&format!("{verb}ed +41225556677 in ringfence.toml\n")), "{told}");
        assert!(home.told(&[verb, "0225556677"]).contains("ed already: +41225556677 "), "{told}");
    }
}

#[test]
fn who_is_never_refused_is_not_blocked() {
    let home = Home::new();
    home.write(
        "ringfence.toml",
        &format!("{CONFIGURATION}\n[list.never_block]\nregion = \"DE\"\nentries = [\"030 123456\"]\n"),
    );
    let before = home.read("ringfence.toml");
    let told = home.told(&["block", "+49 30 123456"]);
    assert!(
        told.starts_with("+4930123456 is not blocked: the never_block list has 030 123456 (ringfence.toml:"),
        "{told}"
    );
    assert!(told.contains("), whatever the rules say\nhint: "), "{told}");
    assert!(told.contains(" ringfence remove '+4930123456'\n") && told.ends_with("exit 1\n"), "{told}");
    assert_eq!(home.read("ringfence.toml"), before);
}

#[test]
fn what_covers_a_number_is_found_whatever_it_is_written_as() {
    let home = Home::new();
    home.write("sold.txt", "+41225556600\n");
    assert!(home.told(&["list", "compile", "sold.txt", "--output", "sold.set"]).ends_with("exit 0\n"));
    let entries = "[list.reject]\nsource = \"set:sold.set\"\nentries = [\"+41442551000..+41442551999\", \"/^\\\\+4184/\", ";
    home.write("ringfence.toml", &CONFIGURATION.replacen("[list.reject]\nentries = [", entries, 1));
    for (number, covering, is_ours) in [
        ("0442551200", "+41442551000..+41442551999 (ringfence.toml:", true),
        ("+41442551200..+41442551300", "+41442551000..+41442551999 (ringfence.toml:", true),
        ("+41842551200", "/^\\+4184/ (ringfence.toml:", true),
        ("0225556600", "+41225556600 (sold.set)", false),
    ] {
        let told = home.told(&["block", number]);
        assert!(told.contains(" is blocked already: ") && told.contains(covering), "{told}");
        let told = home.told(&["remove", number]);
        let is_said = told.contains(" has no entry to take off\n") && told.contains(covering);
        assert!(is_said && told.ends_with("exit 1\n"), "{told}");
        assert_eq!(!told.contains("ringfence does not write that file"), is_ours, "{told}");
    }
    // As much of a range as none is about.
    assert!(home.told(&["block", "+41442551900..+41442552099"]).starts_with("blocked "));
}

#[test]
fn a_number_that_is_imported_stays_though_the_list_had_it_for_a_time() {
    for until in ["2026-01-01", "2999-01-01"] {
        let home = Home::new();
        let ending = format!("  {{ match = \"+41791234567\", until = \"{until}\" }},\n]\n[list.reject]");
        home.write("ringfence.toml", &CONFIGURATION.replacen("]\n[list.reject]", &ending, 1));
        home.write("numbers.txt", "079 123 45 67\n");
        let import = ["list", "import", "numbers.txt", "--to", "allow", "--yes"];
        let told = home.told(&import);
        assert!(told.contains("added 1 entry to the allow list in ringfence.toml\n"), "{told}");
        let told = home.json(&["why", "+41791234567", "--at", "2999-06-01", "--json"]);
        assert_eq!(told[0]["trace"]["decided_by"], "allowed");
        assert!(home.told(&import).contains("1 already there"));
    }
}

/// The policy in which the rule that asks for `reject` comes before the one that asks for `allow`.
fn reject_first() -> String {
    let rule = |id: &str, list: &str, then: &str| {
        format!("id   = \"{id}\"\nwhen = {{ caller_in = \"{list}\" }}\nthen = \"{then}\"\n")
    };
    let (allowed, listed) = (rule("allowed", "allow", "ring"), rule("listed", "reject", "busy"));
    CONFIGURATION.replace(&allowed, "@").replace(&listed, &allowed).replace('@', &listed)
}

#[test]
fn a_number_is_blocked_though_it_is_allowed_where_the_rule_of_the_reject_list_comes_first() {
    let home = Home::new();
    home.write("ringfence.toml", &reject_first());
    assert!(home.told(&["allow", "0225556677"]).ends_with("exit 0\n"));
    let told = home.told(&["block", "0225556677"]);
    let wins = "it wins over +41225556677 (ringfence.toml:19) on the allow list: rule listed comes before rule allowed\n";
    assert_eq!(told, format!("blocked +41225556677 in ringfence.toml\n{wins}exit 0\n"));
    assert_eq!(home.decides("0225556677"), "listed");
    assert!(home.told(&["block", "0225556677"]).starts_with("+41225556677 is blocked already"));
}

#[test]
fn who_allows_a_number_is_told_where_the_reject_list_wins() {
    let home = Home::new();
    home.write("ringfence.toml", &reject_first());
    let told = home.told(&["allow", "+41441112233"]);
    let wins = "+41441112233 (ringfence.toml:21) on the reject list wins over it: rule listed comes before rule allowed\n";
    assert_eq!(told, format!("allowed +41441112233 in ringfence.toml\n{wins}exit 0\n"));
    assert_eq!(home.decides("+41441112233"), "listed");
}

#[test]
fn a_list_that_a_rule_asks_for_among_other_things_is_not_said_to_win() {
    let (allowed, plain) = ("[[rule]]\nid   = \"allowed\"\n", "when = { caller_in = \"allow\" }");
    let others = "[[rule]]\nid = \"abroad\"\nwhen = { country = [\"FR\"], not = { caller_in = \"allow\" } }\nthen = \"busy\"\n";
    let some =
        "[[rule]]\nid = \"some\"\nwhen = { caller_in = \"reject\", line = \"home\" }\nthen = \"busy\"\n";
    for (before, when) in [
        ("", "when = { caller_in = \"allow\", line = \"home\" }"),
        ("", "when = { caller_in = \"allow\" }\nrollout = { percent = 50, by = \"caller\" }"),
        (others, "when = { line = \"office\" }"),
        (some, plain),
    ] {
        let home = Home::new();
        let rule = format!("{allowed}{plain}");
        let policy = CONFIGURATION.replace(&rule, &format!("{before}{allowed}{when}"));
        home.write("ringfence.toml", policy.split("[[test]]").next().unwrap());
        let told = home.told(&["block", "+41441234567"]);
        assert!(told.starts_with("blocked +41441234567 in ringfence.toml\n"), "{before}{when}: {told}");
        assert!(told.contains("hint: the allow list has +41441234567 (ringfence.toml:"), "{told}");
        let told = home.told(&["allow", "+41441112233"]);
        assert!(told.contains("hint: the reject list has +41441112233 (ringfence.toml:"), "{told}");
    }
}

#[test]
fn configurations_that_share_a_file_lose_none_of_each_others_entries() {
    let home = Home::new();
    home.write("spam.txt", "+4179*\n");
    let list = "[list.reject]\nfiles = [\"spam.txt\"]\n";
    let shared = CONFIGURATION.replace("[list.reject]\nentries = [\"+4179*\", \"+41441112233\"]\n", list);
    assert!(shared.contains(list));
    for name in ["one.toml", "other.toml"] {
        // The tests of this policy are about entries of its own.
        home.write(name, shared.split("[[test]]").next().unwrap());
    }
    let block = |number: usize| {
        let name = if number < 12 { "one.toml" } else { "other.toml" };
        let number = format!("+412255566{number:02}");
        home.command(&["block", &number, "--config", name])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let blocking: Vec<_> = (0..24).map(block).collect();
    assert!(blocking.into_iter().all(|block| block.wait_with_output().unwrap().status.success()));
    let written = home.read("spam.txt");
    assert_eq!(written.lines().count(), 25, "{written}");
}

#[test]
fn whoever_waits_for_the_turn_of_somebody_else_is_told_for_whom() {
    let home = Home::new();
    let configuration = std::fs::File::open(home.path("ringfence.toml")).unwrap();
    configuration.lock().unwrap();
    let mut block = home.command(&["block", "0225556677"]);
    let mut block = block.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(block.stderr.take().unwrap()).lines();
    let first = told.next().unwrap().unwrap();
    let who = format!("waiting: process {} is changing ringfence.toml", std::process::id());
    assert!(first == who || first == "waiting: another program is changing ringfence.toml", "{first}");
    drop(configuration);
    assert!(block.wait().unwrap().success());
    assert!(home.read("ringfence.toml").contains("+41225556677"));
}
