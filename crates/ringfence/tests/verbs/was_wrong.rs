//! `ringfence was-wrong`: the change that it proposes and makes.

use ringfence_testing::Outcome;

use crate::exchange::Exchange;
use crate::home::{CONFIGURATION, Home};

#[test]
fn a_wrong_rejection_is_mended_by_removing_the_entry_that_names_the_caller() {
    let home = Home::with_calls();
    let told = home.told(&["was-wrong", "c2", "--yes"]);
    assert!(
        told.contains("proposal:  take +41441112233 off the list reject (ringfence.toml:21)\n"),
        "{told}"
    );
    assert!(told.contains("this change would have let through 1 of your last 4 calls\n"), "{told}");
    assert!(told.ends_with("took +41441112233 off the list reject (ringfence.toml:21)\nexit 0\n"), "{told}");
    assert!(!home.read("ringfence.toml").contains("41441112233"));
    assert_eq!(home.decides("+41441112233"), "otherwise");
}

#[test]
fn an_entry_that_stands_twice_is_taken_off_and_told_of_in_both_places() {
    let home = Home::with_calls();
    let twice = "\"+41441112233\",\n\"044 111 22 33\"]";
    home.write("ringfence.toml", &CONFIGURATION.replace("\"+41441112233\"]", twice));
    let told = home.told(&["was-wrong", "c2", "--yes"]);
    let proposal =
        "take +41441112233 off the list reject (ringfence.toml:21) and where it stands once more\n";
    assert!(told.contains(proposal), "{told}");
    let done = [
        "took +41441112233 off the list reject (ringfence.toml:21)",
        "took 044 111 22 33 off the list reject (ringfence.toml:22)",
    ];
    assert!(told.ends_with(&format!("{}\nexit 0\n", done.join("\n"))), "{told}");
    assert!(!home.read("ringfence.toml").contains("111"));
}

#[test]
fn a_wrong_rejection_by_a_wider_entry_is_mended_by_allowing_the_caller() {
    let home = Home::with_calls();
    let told = home.told(&["was-wrong", "c1", "--yes"]);
    assert!(told.contains("proposal:  put +41791234567 on the list allow\n"), "{told}");
    assert!(told.contains("this change would have let through 1 of your last 4 calls\n"), "{told}");
    assert!(
        home.read("ringfence.toml").contains("  \"+41791234567\", # was wrong "),
        "{}",
        home.read("ringfence.toml")
    );
    assert_eq!(
        (home.decides("0791234567").as_str(), home.decides("0791234568").as_str()),
        ("allowed", "listed")
    );
}

#[test]
fn what_a_test_of_the_policy_expects_is_not_mended_away() {
    let home = Home::with_calls();
    home.call("+41799999999", 1, "reject", "listed", Some("+4179*"));
    let told = home.told(&["was-wrong", "last", "--yes"]);
    assert!(told.contains("test 1 fails: expected listed → busy, got allowed → ring"), "{told}");
    assert!(told.contains("would have errors with that change: it is as it was\n"), "{told}");
    assert!(told.ends_with("exit 1\n"), "{told}");
    assert_eq!(home.read("ringfence.toml"), CONFIGURATION);
}

#[test]
fn a_list_of_another_region_loses_the_entry_that_names_the_caller() {
    let home = Home::with_calls();
    let list = "entries = [\"+4179*\", \"+41441112233\"]";
    assert!(CONFIGURATION.contains(list));
    let abroad = "region = \"US\"\nentries = [\"+4179*\", \"011 41 44 111 22 33\"]";
    home.write("ringfence.toml", &CONFIGURATION.replace(list, abroad));
    let told = home.told(&["was-wrong", "c2", "--yes"]);
    assert!(
        told.contains("took 011 41 44 111 22 33 off the list reject") && told.ends_with("exit 0\n"),
        "{told}"
    );
    assert_eq!(home.decides("+41441112233"), "otherwise");
}

#[test]
fn a_change_that_a_test_forbids_is_undone_in_every_file() {
    let home = Home::with_calls();
    let configuration = CONFIGURATION
        .replace("entries = [\"+4179*\"", "files = [\"spam.txt\"]\nentries = [\"+41799999999\", \"+4179*\"")
        .replace("\"+4179*\", ", "");
    home.write("ringfence.toml", &configuration);
    home.write("spam.txt", "+41799999999 # wine\n");
    home.call("+41799999999", 1, "reject", "listed", Some("+41799999999"));
    let told = home.told(&["was-wrong", "last", "--yes"]);
    assert!(told.contains("would have errors with that change: it is as it was\n"), "{told}");
    assert_eq!(home.read("ringfence.toml"), configuration);
    assert_eq!(home.read("spam.txt"), "+41799999999 # wine\n");
}

#[test]
fn where_no_rule_lets_a_list_through_the_caller_is_never_blocked() {
    let home = Home::with_calls();
    let rules = CONFIGURATION.replace(
        "when = { caller_in = \"allow\" }",
        "when = { caller_in = \"allow\", hours = \"03:00-03:01\" }",
    );
    home.write(
        "ringfence.toml",
        &rules
            .replace("[[test]]\ncall   = { caller = \"0441234567\" }\nexpect = { rule = \"allowed\" }\n", ""),
    );
    let told = home.told(&["was-wrong", "c1", "--yes"]);
    assert!(told.contains("proposal:  put +41791234567 on the list never_block\n"), "{told}");
    assert_eq!(home.decides("0791234567"), "never_block");
}

#[test]
fn a_call_that_should_not_have_rung_is_mended_by_listing_the_caller() {
    let home = Home::with_calls();
    let told = home.told(&["was-wrong", "last", "--yes"]);
    assert!(told.contains("proposal:  put +41445556677 on the list reject\n"), "{told}");
    assert!(told.contains("this change would have rejected 2 of your last 4 calls\n"), "{told}");
    assert_eq!(home.decides("+41445556677"), "listed");
}

#[test]
fn a_list_inside_any_that_lets_callers_through_is_enough() {
    let home = Home::with_calls();
    let any = "when = { any = [{ caller_in = \"allow\" }, { name = \"Anna*\" }] }";
    home.write("ringfence.toml", &CONFIGURATION.replace("when = { caller_in = \"allow\" }", any));
    let told = home.told(&["was-wrong", "c1", "--yes"]);
    assert!(told.contains("proposal:  put +41791234567 on the list allow\n"), "{told}");
    assert_eq!(home.decides("0791234567"), "allowed");
}

#[test]
fn a_list_that_only_rules_fill_is_never_proposed() {
    let home = Home::with_calls();
    let again = "[[rule]]\nid = \"again\"\nwhen = { caller_in = \"cooldown\" }\nthen = \"decline\"\n";
    let adding = "then = \"busy\"\nadd_to = { list = \"cooldown\", ttl = \"1h\" }";
    let rules = CONFIGURATION.replacen("[[rule]]", &format!("{again}[[rule]]"), 1);
    home.write("ringfence.toml", &rules.replacen("then = \"busy\"", adding, 1));
    let told = home.told(&["was-wrong", "last", "--yes"]);
    assert!(told.contains("proposal:  put +41445556677 on the list reject\n"), "{told}");
    assert!(!home.read("ringfence.toml").contains("[list.cooldown]"), "{told}");
}

#[test]
fn of_several_lists_the_one_that_changes_the_fewest_calls_is_proposed() {
    let home = Home::with_calls();
    let strangers = "[[rule]]\nid = \"strangers\"\nwhen = { caller_in = \"strangers\", first_time = true }\n\
                     then = \"decline\"\n";
    let list = "[list.strangers]\nentries = [\"+41225556677\"]\n";
    let rules = CONFIGURATION.replace("[[rule]]\nid   = \"otherwise\"", &format!("{strangers}$0"));
    let rules = rules.replace("$0", "[[rule]]\nid   = \"otherwise\"");
    home.write("ringfence.toml", &rules.replace("[list.allow]", &format!("{list}[list.allow]")));
    let told = home.told(&["was-wrong", "c3", "--yes"]);
    assert!(told.contains("proposal:  put +41445556677 on the list strangers\n"), "{told}");
    assert!(told.contains("this change would have rejected 1 of your last 4 calls\n"), "{told}");
}

#[test]
fn nothing_is_changed_without_a_yes() {
    let home = Home::with_calls();
    let told = home.told(&["was-wrong", "c1"]);
    assert!(
        told.contains("hint: there is no terminal to ask on: --yes says it") && told.ends_with("exit 2\n"),
        "{told}"
    );
    let told = home.json(&["was-wrong", "c1", "--json"]);
    assert_eq!((&told[0]["applied"], &told[0]["remedy"]["list"]), (&false.into(), &"allow".into()));
    assert!(home.told(&["forget", "+41791234567"]).ends_with("exit 2\n"));
    assert_eq!(home.read("ringfence.toml"), CONFIGURATION);
    assert_eq!(home.json(&["calls", "--json"]).len(), 4);
}

#[test]
fn a_call_that_came_in_is_asked_about_replayed_and_mended() {
    let (mut exchange, program) = Exchange::new(CONFIGURATION);
    assert!(matches!(exchange.call("+41791234567"), Outcome::Rejected { status: 486, .. }));
    assert_eq!(exchange.call("+41225556677"), Outcome::Cancelled);
    let home = &exchange.home;
    let told = home.told(&["why", "c1"]);
    for expected in [
        "+41791234567 → home  rejected 486 by listed, acknowledged with 486\n",
        "caller       +41791234567   [From]   trust: claimed\n",
        "called       858   [To]   trust: claimed\n",
        "rule 5  listed          -> YES    caller_in reject: entry +4179*, inline\n",
    ] {
        assert!(told.contains(expected), "{expected} is not in {told}");
    }
    assert!(!told.contains("the policy has changed"), "{told}");
    assert!(home.told(&["replay", "--fail-on-change"]).contains("changed nothing in your last 2 calls"));
    assert!(
        home.told(&["was-wrong", "c1", "--yes"]).ends_with("put +41791234567 on the list allow\nexit 0\n")
    );
    assert!(home.told(&["reload"]).ends_with("exit 0\n"));
    assert_eq!(exchange.call("+41791234567"), Outcome::Cancelled);
    assert!(exchange.home.told(&["why", "c1"]).contains("the policy has changed since then"));
    drop(program);
}

#[test]
fn a_strangers_call_id_passes_for_no_name_that_we_give_a_call() {
    let home = Home::with_calls();
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    let call_id = |call_id: &str| {
        journal.execute("UPDATE calls SET call_id = ?1 WHERE number = 4", [call_id]).unwrap();
    };
    for (taken, name) in [("1", "c1"), ("c1", "c1"), ("0.60", "0.60")] {
        call_id(taken);
        assert_eq!(home.json(&["why", name, "--json"])[0]["call"]["number"], 1, "{name}");
        assert_eq!(home.json(&["was-wrong", name, "--json"])[0]["call"]["number"], 1, "{name}");
    }
    call_id("99");
    assert!(home.told(&["why", "c99"]).starts_with("error: there is no call c99\n"));
    assert_eq!(home.json(&["why", "60@pbx", "--json"])[0]["call"]["number"], 1);
}

#[test]
fn what_stood_against_an_invite_no_list_mends() {
    let home = Home::with_calls();
    home.call("+41225556677", 1, "refuse", "otherwise", None);
    let journal = rusqlite::Connection::open(home.path("ringfence.db")).unwrap();
    journal.execute("UPDATE calls SET status = 420 WHERE verdict = 'refuse'", []).unwrap();
    let told = home.told(&["was-wrong", "last", "--yes"]);
    let expected =
        "error: no list mends what stood against c5: it could not ring (420)\nhint: `ringfence why c5` ";
    assert!(told.starts_with(expected) && told.ends_with("exit 2\n"), "{told}");
    assert_eq!(home.read("ringfence.toml"), CONFIGURATION);
}
