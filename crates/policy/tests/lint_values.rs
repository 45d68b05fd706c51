//! What is told of values that can be read and mean nothing, or more than they seem to.

mod linted;

use std::sync::Arc;

use jiff::Timestamp;
use linted::{odd, odd_with, rule};
use ringfence_policy::{Diagnostic, E164, List, ListSpec, Set, SetWriter, Severity};

/// Returns what is told with its place and hint: `line:column severity: message (hint)`.
fn told(diagnostic: &Diagnostic) -> String {
    let place =
        diagnostic.place.as_ref().map_or(String::new(), |place| format!("{}:{} ", place.line, place.column));
    let hint = diagnostic.hint.as_deref().unwrap_or("no hint");
    format!("{place}{}: {} ({hint})", diagnostic.severity.as_str(), diagnostic.message)
}

fn all_told(blocks: &str) -> Vec<String> {
    odd_with(blocks, ListSpec::inline).iter().map(told).collect()
}

/// Returns a compiled list of some numbers.
fn compiled(name: &str, numbers: &[u64]) -> Arc<List> {
    let mut writer = SetWriter::new(name, Timestamp::UNIX_EPOCH);
    for number in numbers {
        writer.push_number(E164::new(*number).expect("eleven digits")).expect("they are few");
    }
    let mut bytes = Vec::new();
    writer.write(&mut bytes).expect("memory takes all");
    let mut builder = List::builder(name);
    builder.set(&format!("{name}.set"), Set::open(Arc::new(bytes)).expect("it was compiled"));
    Arc::new(builder.build().0)
}

#[test]
fn entries_of_any_form_that_cover_an_emergency_number_of_a_refused_list_are_told() {
    let entries =
        "[list.a]\nentries = [\n\"internal:11*\",\n\"100..199\",\n\"/^1[14]/\",\n\"1002\",\n\"0900*\",\n]\n";
    let hint = "write it so that it leaves emergency numbers out: no rule refuses them";
    let covers = |line, entry, number| {
        format!(
            "{line}:1 warning: {entry} covers the emergency number {number}, which is never refused ({hint})"
        )
    };
    assert_eq!(
        all_told(&format!("{entries}{}", rule("spam", "{ any = [{ caller_in = \"a\" }] }", "\"busy\""))),
        [covers(4, "internal:11*", "112"), covers(5, "100..199", "112"), covers(6, "/^1[14]/", "112")]
    );
    assert_eq!(all_told(&format!("{entries}{}", rule("in", "{ caller_in = \"a\" }", "\"ring\""))), [""; 0]);
}

#[test]
fn a_pattern_of_a_rule_that_covers_an_emergency_number_is_told_at_the_rule() {
    let found = all_told(&rule("short", "{ caller = [\"0900*\", \"100..199\"] }", "\"busy\""));
    let message = "rule short: 100..199 covers the emergency number 112, which is never refused";
    let hint = "write it so that it leaves emergency numbers out: no rule refuses them";
    assert_eq!(found, [format!("3:6 warning: {message} ({hint})")]);
    let exempt = rule("others", "{ not = { caller = \"100..199\" }, first_time = true }", "\"busy\"");
    assert_eq!(all_told(&exempt), [""; 0]);
}

#[test]
fn a_rule_that_refuses_internal_numbers_is_noted() {
    let found = all_told(&rule("inside", "{ caller_kind = [\"internal\", \"invalid\"] }", "\"busy\""));
    assert!(
        found[0].starts_with("3:6 note: rule inside refuses internal numbers, and emergency"),
        "{found:?}"
    );
}

#[test]
fn hours_that_end_when_they_begin_are_told_where_they_stand() {
    let hint = "write 00:00-24:00 for a whole day, or another end";
    let message = "08:00-08:00 is a whole day: it ends when it begins";
    let schedule = "[schedule.x]\nhours = [\"00:00-24:00\", \"08:00-08:00\"]\n";
    let used = format!("{schedule}{}", rule("a", "{ schedule = \"x\" }", "\"busy\""));
    assert_eq!(all_told(&used), [format!("3:25 warning: {message} ({hint})")]);
    let inner = rule("a", "{ any = [{ not = { hours = \"08:00-08:00\" } }] }", "\"busy\"");
    assert_eq!(all_told(&inner), [format!("4:35 warning: {message} ({hint})")]);
}

#[test]
fn a_name_that_is_empty_or_any_is_told() {
    let told = |key: &str, name: &str| {
        all_told(&rule("a", &format!("{{ {key} = \"{name}\", first_time = true }}"), "\"busy\"")).join("\n")
    };
    assert_eq!(
        told("name", ""),
        "4:17 warning: an empty `name` holds for the calls that have none (if that is meant, write \"/^$/\")"
    );
    assert!(told("user_agent", "*").starts_with("4:23 warning: `user_agent` = \"*\" holds for every call"));
    assert_eq!((told("name", "/^$/"), told("name", "?*")), (String::new(), String::new()));
}

#[test]
fn a_not_with_nothing_inside_never_holds() {
    for when in ["{ not = {} }", "{ first_time = true, not = { all = [{}] } }"] {
        assert_eq!(
            odd(&rule("a", when, "\"busy\"")),
            ["rule a never matches: its `not` has nothing inside"],
            "{when}"
        );
    }
}

#[test]
fn times_of_no_length_are_told_where_they_stand() {
    for (blocks, expected) in [
        (
            "when = { dialed_within = \"0s\" }",
            "4:26 warning: no call is within no time at all: this never holds",
        ),
        (
            "when = { repeat = { count = 2, within = \"0s\" } }",
            "4:41 warning: no call is within no time at all",
        ),
        ("when = { rate = { more_than = 2, within = \"0m\" } }", "4:43 warning: no calls are counted within"),
        (
            "when = { caller_in = \"x\" }\nadd_to = { list = \"x\", ttl = \"0s\" }",
            "6:30 warning: the caller is on",
        ),
    ] {
        let found = all_told(&format!(
            "[[rule]]\nid = \"a\"\n{}\n",
            blocks.replacen('\n', "\nthen = \"busy\"\n", 1)
                + if blocks.contains('\n') { "" } else { "\nthen = \"busy\"" }
        ));
        assert!(found[0].starts_with(expected), "{found:?}");
        assert!(found[0].contains("(for example: "), "{found:?}");
    }
}

#[test]
fn a_guard_and_a_switch_of_no_length_are_told_where_they_stand() {
    let guard = "[guard.g]\nper = \"caller\"\nmore_than = 2\nwithin = \"0s\"\nthen = \"busy\"\n[switch.s]\nauto_off = \"0s\"\n";
    let found = all_told(&format!("{guard}{}", rule("a", "{ switch = \"s\" }", "\"busy\"")));
    assert!(
        found[0].starts_with("5:10 warning: no calls are counted")
            && found[1].starts_with("8:12 warning: a switch"),
        "{found:?}"
    );
}

#[test]
fn a_switch_that_is_on_by_default_never_goes_off_by_itself() {
    let told = |default| {
        let switch = format!("[switch.s]\ndefault = {default}\nauto_off = \"2h\"\n");
        all_told(&format!("{switch}{}", rule("a", "{ switch = \"s\" }", "\"busy\"")))
    };
    let message = "4:12 warning: a switch that is on by default never goes off by itself (leave `auto_off` out, or write default = false)";
    assert_eq!((told(true), told(false)), (vec![message.to_owned()], vec![]));
}

#[test]
fn an_entry_whose_time_is_over_and_a_list_that_stays_empty_beside_another_are_noted() {
    let lists =
        "[list.a]\nentries = [{ match = \"+41791112233\", until = \"2026-06-01\" }, \"0900*\"]\n[list.b]\n";
    let found = all_told(&format!("{lists}{}", rule("x", "{ caller_in = [\"a\", \"b\"] }", "\"busy\"")));
    assert_eq!(
        found,
        [
            "3:22 note: +41791112233 ended by itself on 2026-06-01 (take it out, or set another `until`)",
            "4:7 note: the list b is empty, and no rule adds to it (write who is on it, or take it out)"
        ]
    );
}

#[test]
fn names_that_nothing_uses_are_noted_where_they_stand_with_a_hint() {
    let found = all_told(
        "[treatment.no]\nreject = { code = 603 }\n[switch.s]\n[schedule.n]\nhours = \"22:00-07:00\"\n[list.l]\n",
    );
    let note = |place: &str, what: &str| {
        format!("{place} note: nothing uses the {what} (take it out, or look for a slip in a name)")
    };
    let expected = [
        note("2:12", "treatment no"),
        note("4:9", "switch s"),
        note("5:11", "schedule n"),
        note("7:7", "list l"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn numbers_of_compiled_lists_that_another_list_lets_through_are_told() {
    let lists = "[list.friends]\nentries = [\"+41791234567\", \"+4144*\"]\n[list.known]\n[list.spam]\n";
    let rules = rule("in", "{ any = [{ caller_in = [\"friends\", \"known\"] }] }", "\"ring\"")
        + &rule("out", "{ caller_in = \"spam\", first_time = true }", "\"busy\"");
    let found = odd_with(&format!("{lists}{rules}"), |spec| match spec.name() {
        "known" => compiled("known", &[41_441_112_233, 41_225_556_677]),
        "spam" => compiled("spam", &[41_225_556_677, 41_441_112_233, 41_791_234_567]),
        _ => spec.inline(),
    });
    let found: Vec<String> = found.iter().map(told).collect();
    assert_eq!(
        found,
        [
            "3:12 note: +41791234567 lets +41791234567 through, which is on the list spam, too (spam.set) (no hint)",
            "3:28 note: +4144* lets +41441112233 through, which is on the list spam, too (spam.set) (no hint)",
            "5:7 warning: 2 of its compiled numbers are never refused: the list known allows them (no hint)",
        ]
    );
}

#[test]
fn an_entry_that_a_rule_lets_through_by_itself_is_never_refused() {
    let list = "[list.spam]\nentries = [\"079 123 45 67\"]\n";
    let rules = rule("in", "{ caller = \"+4179*\" }", "\"ring\"")
        + &rule("out", "{ caller_in = \"spam\" }", "\"busy\"");
    let found = odd_with(&format!("{list}{rules}"), ListSpec::inline);
    assert_eq!(found[0].severity, Severity::Warning);
    assert_eq!(
        told(&found[0]),
        "3:12 warning: 079 123 45 67 is never refused: +4179* allows it (inline) (take it off one of the two lists)"
    );
}
