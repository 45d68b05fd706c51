//! `ringfence replay`, of the policy in force and of candidates.

use serde_json::json;

use crate::home::{CONFIGURATION, Home};

#[test]
fn replay_tells_what_a_change_would_have_done() {
    let home = Home::with_calls();
    home.write("stricter.toml", &CONFIGURATION.replace("\"+4179*\"", "\"+4179*\", \"+4144555*\""));
    let told = home.told(&["replay", "--policy", "stricter.toml", "--fail-on-change"]);
    assert!(told.starts_with("this change would have rejected 2 of your last 4 calls\n"), "{told}");
    assert!(
        told.contains("+41445556677 → home  ring → reject with 486\n      c4  otherwise → listed\n"),
        "{told}"
    );
    assert!(told.contains("rules in shadow mode would have decided: idea 3\n"), "{told}");
    assert!(told.ends_with("exit 1\n"), "{told}");
    let told = home.json(&["replay", "--policy", "stricter.toml", "--since", "23h30m", "--json"]);
    assert_eq!((&told[0]["calls"], &told[0]["rejected"]), (&1.into(), &1.into()));
    let told = home.told(&["replay", "--policy", "ringfence.toml", "--fail-on-change"]);
    assert!(told.starts_with("this change would have changed nothing in your last 4 calls\n"), "{told}");
    assert!(told.ends_with("exit 0\n"), "{told}");
}

#[test]
fn a_candidate_is_tried_with_the_files_it_names() {
    let home = Home::with_calls();
    home.write("spam.txt", "+4144555*\n");
    home.write(
        "stricter.toml",
        &CONFIGURATION.replace("[list.reject]", "[list.reject]\nfiles = [\"spam.txt\"]"),
    );
    let told = home.told(&["replay", "--policy", "stricter.toml"]);
    assert!(told.starts_with("this change would have rejected 2 of your last 4 calls\n"), "{told}");
    std::fs::remove_file(home.path("spam.txt")).unwrap();
    let told = home.told(&["replay", "--policy", "stricter.toml"]);
    assert!(told.contains("cannot read the list spam.txt") && told.ends_with("exit 2\n"), "{told}");
}

#[test]
fn replay_compares_the_policy_in_force_with_what_was_decided() {
    let home = Home::with_calls();
    home.write("ringfence.toml", &CONFIGURATION.replace(", \"+41441112233\"", ""));
    let told = home.told(&["replay"]);
    assert!(
        told.starts_with("the policy in force now would have let through 1 of your last 4 calls\n"),
        "{told}"
    );
    assert!(
        told.contains("+41441112233 → home  reject with 486 → ring\n      c2  listed → otherwise\n"),
        "{told}"
    );
}

#[test]
fn a_repeat_is_one_in_a_replay_as_it_was_then() {
    let home = Home::with_calls();
    let rule =
        "[[rule]]\nid = \"again\"\nwhen = { repeat = { count = 2, within = \"2h\" } }\nthen = \"decline\"\n";
    home.write("again.toml", &CONFIGURATION.replacen("[[rule]]", &format!("{rule}[[rule]]"), 1));
    let told = home.json(&["replay", "--policy", "again.toml", "--json"]);
    assert_eq!(told[0]["different"], 1);
    assert_eq!(told[0]["newest"][0]["call"]["number"], 4);
    assert_eq!(told[0]["newest"][0]["to"]["rule"], "again");
}

#[test]
fn a_candidate_that_has_callers_wait_longer_is_told_as_a_change() {
    let home = Home::with_calls();
    let rules = |seconds: u32| {
        let hold = format!("[treatment.later]\nhold = {{ seconds = {seconds} }}\n[[rule]]");
        let rules = CONFIGURATION.replacen("[[rule]]", &hold, 1);
        rules.replace("id   = \"otherwise\"\nthen = \"ring\"", "id   = \"otherwise\"\nthen = \"later\"")
    };
    home.write("ringfence.toml", &rules(20));
    home.write("longer.toml", &rules(40));
    let told = home.told(&["replay", "--policy", "longer.toml"]);
    assert!(told.contains("180, and 480 after 20 s → 180, and 480 after 40 s\n"), "{told}");
    let told = home.json(&["replay", "--policy", "longer.toml", "--json"]);
    assert_eq!((&told[0]["different"], &told[0]["rejected"]), (&json!(2), &json!(0)));
}

#[test]
fn a_candidate_with_errors_is_refused() {
    let home = Home::with_calls();
    home.write("broken.toml", &CONFIGURATION.replacen("then = \"busy\"", "then = \"bussy\"", 1));
    let told = home.told(&["replay", "--policy", "broken.toml"]);
    assert!(told.contains("broken.toml:") && told.contains("bussy"), "{told}");
    assert!(told.contains("broken.toml has 1 error\n") && told.ends_with("exit 2\n"), "{told}");
    assert!(home.told(&["replay", "--policy", "missing.toml"]).ends_with("exit 2\n"));
}

#[test]
fn what_cannot_be_done_yet_is_replayed_as_what_was_done() {
    let home = Home::with_calls();
    let spoken = CONFIGURATION
        .replace("[switch.on_call]", "[treatment.tape]\nanswer.max_seconds = 12\n[switch.on_call]");
    let spoken =
        spoken.replace("id   = \"otherwise\"\nthen = \"ring\"", "id   = \"otherwise\"\nthen = \"tape\"");
    home.write("ringfence.toml", &spoken);
    assert_eq!(home.json(&["replay", "--since", "30h", "--json"])[0]["different"], 0);
}

#[test]
fn calls_that_could_not_ring_are_told_to_be_left_out() {
    let home = Home::with_calls();
    home.call("+41225556677", 1, "refuse", "otherwise", None);
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    journal.execute("UPDATE calls SET status = 420 WHERE verdict = 'refuse'", []).unwrap();
    let told = home.told(&["replay"]);
    let expected = "in your last 4 calls\n1 could not be decided again: what stood against the INVITE itself was answered\n";
    assert!(told.contains(expected), "{told}");
    assert_eq!(home.json(&["replay", "--json"])[0]["left_out"], 1);
}

/// A line of the account `home` with a name of its own, and a rule for it.
fn with_line(name: &str) -> String {
    let line = format!("[line.{name}]\naccount = \"home\"\n[list.allow]");
    let rule =
        format!("[[rule]]\nid = \"theirs\"\nwhen = {{ line = \"{name}\" }}\nthen = \"busy\"\n[[rule]]");
    let (policy, _) = CONFIGURATION.split_once("[[test]]").unwrap();
    policy.replacen("[list.allow]", &line, 1).replacen("[[rule]]", &rule, 1)
}

#[test]
fn a_line_that_has_got_another_name_is_the_same_line_to_a_replay() {
    let home = Home::with_calls();
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let update = "UPDATE calls SET verdict = 'reject', status = 486, rule = 'theirs', facts = \
                  json_set(facts, '$.line', 'front')";
    journal.execute(update, []).unwrap();
    home.write("ringfence.toml", &with_line("front"));
    home.write("desk.toml", &with_line("desk"));
    assert_eq!(home.json(&["replay", "--json"])[0]["different"], 0);
    assert_eq!(home.json(&["replay", "--policy", "desk.toml", "--json"])[0]["different"], 0);
    home.write("ringfence.toml", &with_line("desk"));
    assert_eq!(home.json(&["replay", "--json"])[0]["different"], 0);
    let told = home.json(&["why", "c3", "--json"]);
    assert_eq!(
        (&told[0]["trace"]["line"], &told[0]["trace"]["decided_by"]),
        (&json!("desk (sole)"), &json!("theirs"))
    );
    // Of an account that is gone, what was written down counts.
    journal.execute("UPDATE calls SET line = 'gone' WHERE number = 3", []).unwrap();
    assert_eq!(home.json(&["replay", "--json"])[0]["different"], 1);
}

#[test]
fn a_candidate_with_another_group_is_tried_with_that_group() {
    let home = Home::with_calls();
    let group = |lines: &str| {
        let group = format!("[group.ours]\nlines = \"{lines}\"\n[list.allow]");
        let rule = "[[rule]]\nid = \"ours\"\nwhen = { group = \"ours\" }\nthen = \"busy\"\n[[rule]]";
        CONFIGURATION.replacen("[list.allow]", &group, 1).replacen("[[rule]]", rule, 1)
    };
    home.write("ours.toml", &group("sip:8??@192.0.2.1"));
    assert_eq!(home.json(&["replay", "--policy", "ours.toml", "--json"])[0]["rejected"], 2);
    home.write("others.toml", &group("sip:9??@192.0.2.1"));
    assert_eq!(home.json(&["replay", "--policy", "others.toml", "--json"])[0]["different"], 0);
}

/// Where the copy of `https://lists.example/numbers.txt` is kept.
const COPY: &str = "FC434CB5FDCEAAF7CCF77252FEEA727A.copy";

#[test]
fn a_candidate_has_its_own_entries_beside_what_was_fetched_of_its_list() {
    let home = Home::with_calls();
    let list = |entries: &str| {
        let source =
            format!("[list.reject]\nsource = \"https://lists.example/numbers.txt\"\nentries = [{entries}]\n");
        let (before, _) = CONFIGURATION.split_once("[list.reject]\n").unwrap();
        let (_, rules) = CONFIGURATION.split_once("[switch.on_call]").unwrap();
        let (rules, _) = rules.split_once("[[test]]").unwrap();
        format!("{before}{source}[switch.on_call]{rules}")
    };
    let copies = home.path("cache/ringfence");
    std::fs::create_dir_all(&copies).unwrap();
    let fetched = "{\"source\":\"https://lists.example/numbers.txt\"}\n+41441112233\n";
    std::fs::write(copies.join(COPY), fetched).unwrap();
    let replayed = |arguments: &[&str]| {
        let mut command = home.command(&[&["replay", "--json"], arguments].concat());
        let output = command.env("XDG_CACHE_HOME", home.path("cache")).output().unwrap();
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    home.write("ringfence.toml", &list("\"+4179*\""));
    assert_eq!(replayed(&[])["different"], 0);
    home.write("more.toml", &list("\"+4179*\", \"+4144555*\""));
    let told = replayed(&["--policy", "more.toml"]);
    assert_eq!((&told["rejected"], &told["different"]), (&json!(2), &json!(2)));
    home.write("fewer.toml", &list(""));
    let told = replayed(&["--policy", "fewer.toml"]);
    assert_eq!((&told["let_through"], &told["different"]), (&json!(1), &json!(1)));
}
