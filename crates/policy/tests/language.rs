//! What a policy file may say, and what is told of one that says something else.

use std::collections::HashMap;
use std::sync::Arc;

use ringfence_policy::{Diagnostic, Draft, File, List, ListSource, ListSpec, Rule, Severity};

/// Reads a policy beside which there are no other files.
fn read(text: &str) -> (Draft, Vec<Diagnostic>) {
    read_with(text, &[])
}

fn read_with(text: &str, others: &[(&str, &str)]) -> (Draft, Vec<Diagnostic>) {
    let others: HashMap<&str, &str> = others.iter().copied().collect();
    let mut open = |written: &str, _: &str| match others.get(written) {
        Some(text) => Ok(File::new(written, *text)),
        None => Err("no such file".to_owned()),
    };
    Draft::read(File::new("policy.toml", text), &mut open, &["account", "softphone"])
}

/// A policy of blocks that are fit, and a last rule.
fn with_last_rule(blocks: &str) -> String {
    let defaults = "defaults = { region = \"CH\", timezone = \"Europe/Zurich\" }\n";
    format!("{defaults}{blocks}\n[[rule]]\nid = \"last\"\nthen = \"ring\"\n")
}

/// Returns the messages of what is wrong with some blocks, each with its hint.
fn wrong(blocks: &str) -> Vec<String> {
    let (_, found) = read(&with_last_rule(blocks));
    let told = |found: &Diagnostic| format!("{} | {}", found.message, found.hint.as_deref().unwrap_or("-"));
    found.iter().filter(|found| found.severity == Severity::Error).map(told).collect()
}

#[track_caller]
fn assert_wrong(blocks: &str, expected: &str) {
    let found = wrong(blocks);
    assert!(found.iter().any(|found| found.starts_with(expected)), "{expected:?} is not in {found:#?}");
}

#[test]
fn an_error_points_at_file_line_and_column_and_underlines_the_text() {
    let (_, found) =
        read("defaults.region = \"CH\"\n[[rule]]\nid = \"all\"\nwhen = { caler = \"1\" }\nthen = \"ring\"");
    assert_eq!(
        found[0].to_string(),
        "policy.toml:4:10: error: unknown key `caler` in [rule.when]\n    \
         4 | when = { caler = \"1\" }\n      |          ^^^^^\n\
         hint: did you mean `caller`?"
    );
}

/// Sections with several errors, the first in a required value; and a word of each error.
const SEVERAL_ERRORS: [(&str, &[&str]); 7] = [
    ("[[rule]]\nid = 5\nwhen = { caller_in = \"spam\" }\nthen = \"bussy\"", &["text", "list", "treatment"]),
    ("[[rule]]\nwhen = { caller_in = \"spam\" }\nthen = \"bussy\"", &["`id`", "list", "treatment"]),
    ("[[rule]]\nid = \"guard.x\"\nwhen = { caller_in = \"spam\" }\nthen = 5", &["treatment", "id", "list"]),
    (
        "[guard.g]\nper = \"x\"\nmore_than = -1\nwithin = 5\nthen = \"bussy\"",
        &["to count by", "1000000", "a time", "treatment"],
    ),
    ("[[test]]\ncall = { at = 5 }\nexpect = { then = \"bussy\" }", &["string", "treatment"]),
    ("[treatment.c]\nchallenge = { on_pass = \"rng\", on_fail = \"bussy\" }", &["`prompt`", "rng", "bussy"]),
    ("[treatment.h]\nhold = { seconds = 0, then = \"bussy\" }", &["180", "treatment"]),
];

#[test]
fn a_required_value_that_is_wrong_or_missing_hides_no_other_error_of_its_section() {
    for (blocks, expected) in SEVERAL_ERRORS {
        let found = wrong(blocks);
        assert_eq!(found.len(), expected.len(), "{blocks}: {found:#?}");
        let is_told = |expected: &&str| found.iter().any(|found| found.contains(expected));
        assert!(expected.iter().all(is_told), "{blocks}: {found:#?}");
    }
}

#[test]
fn what_a_rule_with_an_error_names_is_there_for_the_others() {
    let found = wrong(
        "[[rule]]\nid = 5\nthen = \"busy\"\nadd_to = { list = \"robots\" }\n\
         [[rule]]\nid = \"robot\"\nwhen = { caller_in = \"robots\" }\nthen = \"busy\"",
    );
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn all_errors_of_all_blocks_are_told_at_once() {
    let found = wrong(
        "[line.home]\nposition = \"paralel\"\n[treatment.no]\nreject = { code = 302 }\n\
         [list.spam]\nentries = [\"anonymus\"]\nsource = \"ftp://x\"\n\
         [[rule]]\nid = \"a\"\nwhen = { caller_in = \"smap\", hours = \"08:00-09:00\" }\nthen = \"bussy\"\n",
    );
    assert_eq!(found.len(), 6, "{found:#?}");
}

#[test]
fn more_than_fifty_errors_are_counted() {
    let rules = "[[rule]]\nid = \"a\"\nthen = \"bussy\"\n".repeat(10_000);
    let (_, found) = read(&with_last_rule(&rules));
    assert_eq!(found.len(), 51);
    assert!(found[50].message.ends_with("more errors are not shown"), "{}", found[50]);
}

#[test]
fn the_keys_of_the_program_are_left_to_it() {
    let text = with_last_rule("softphone.listen = \"0.0.0.0:5060\"\n[account.home]\npassword = \"s3cret\"");
    assert_eq!(read(&text).1, []);
    let (_, found) = read(&format!("[acount.home]\npassword = \"s3cret\"\n{}", "rule = 1"));
    assert!(found.iter().all(|found| !found.to_string().contains("s3cret")), "{found:#?}");
}

#[test]
fn a_name_that_nothing_has_is_told_with_the_nearest() {
    let rule = |when: &str| format!("[[rule]]\nid = \"a\"\nwhen = {when}\nthen = \"ring\"");
    let list = "[list.family]\n[switch.on_call]\n[schedule.night]\nhours = \"22:00-07:00\"\n[group.paris]\n";
    let cases = [
        ("{ caller_in = \"famly\" }", "there is no list \"famly\" | did you mean \"family\"?"),
        (
            "{ score = { list = \"fmily\", at_least = 1 } }",
            "there is no list \"fmily\" | did you mean \"family\"?",
        ),
        ("{ switch = \"oncall\" }", "there is no switch \"oncall\" | did you mean \"on_call\"?"),
        ("{ not = { schedule = \"nigth\" } }", "there is no schedule \"nigth\" | did you mean \"night\"?"),
        ("{ any = [{ group = \"pairs\" }] }", "there is no group \"pairs\" | did you mean \"paris\"?"),
    ];
    for (when, expected) in cases {
        assert_wrong(&format!("{list}{}", rule(when)), expected);
    }
}

#[test]
fn the_last_rule_must_hold_for_every_call() {
    let text =
        "defaults.region = \"CH\"\n[[rule]]\nid = \"a\"\nwhen = { first_time = true }\nthen = \"busy\"\n";
    let (_, found) = read(text);
    assert_eq!(
        found[0].message,
        "expected a last rule without `when`, so that every call is decided, found none"
    );
    for not_always in ["until = \"2099-01-01T00:00:00Z\"", "mode = \"shadow\"", "rollout = { percent = 100 }"]
    {
        let (_, found) =
            read(&format!("defaults.region = \"CH\"\n[[rule]]\nid = \"a\"\nthen = \"ring\"\n{not_always}"));
        assert_eq!(found.len(), 1, "{not_always}: {found:#?}");
    }
}

#[test]
fn a_rule_that_would_refuse_an_emergency_number_is_refused() {
    assert_wrong(
        "[list.spam]\nentries = [\"0900*\", \"112\"]\n[[rule]]\nid = \"spam\"\nwhen = { caller_in = \"spam\" }\nthen = \"busy\"",
        "112 is an emergency number, and the rule \"spam\" would refuse it",
    );
    assert_wrong(
        "[[rule]]\nid = \"a\"\nwhen = { caller = \"144\" }\nthen = \"busy\"",
        "144 is an emergency number, and the rule \"a\" would refuse it",
    );
    assert_eq!(
        wrong("[[rule]]\nid = \"a\"\nwhen = { caller = \"144\" }\nthen = \"ring\""),
        Vec::<String>::new()
    );
}

#[test]
fn an_emergency_number_in_a_rule_or_a_list_is_underlined_where_it_stands() {
    let rule = |id: &str, when: &str| format!("[[rule]]\nid = \"{id}\"\nwhen = {when}\nthen = \"busy\"\n");
    let blocks = [
        rule("a", "{ caller = [\"0900*\", \"112\"] }"),
        rule(
            "b",
            "{ any = [{ hours = \"22:00-07:00\" }, { all = [{ caller = \"112\" }, { first_time = true }] }] }",
        ),
        "[list.spam]\nentries = [{ match = \"144\", name = \"x\" }]\n".to_owned(),
        rule("c", "{ caller_in = \"spam\" }"),
    ];
    let (_, found) = read(&with_last_rule(&blocks.concat()));
    let meant = found.iter().filter(|found| found.message.contains("is an emergency number"));
    let meant: Vec<_> = meant
        .filter_map(|found| found.place.as_ref())
        .map(|place| (place.line, place.text[place.underline.clone()].to_owned()))
        .collect();
    let expected = [(4, "\"112\""), (8, "\"112\""), (11, "\"144\"")];
    assert_eq!(meant, expected.map(|(line, text)| (line, text.to_owned())), "{found:#?}");
}

#[test]
fn a_rule_is_not_called_as_what_decides_where_no_rule_does() {
    for word in ["emergency", "emergency-callback", "never_block", "on_error", "undecided", " undecided "] {
        let rule =
            format!("[[rule]]\nid = \"{word}\"\nwhen = {{ caller_kind = \"mobile\" }}\nthen = \"ring\"");
        let (_, found) = read(&with_last_rule(&rule));
        let place = found[0].place.as_ref().unwrap();
        assert_eq!((place.line, &place.text[place.underline.clone()]), (3, &*format!("\"{word}\"")));
        let expected = format!("expected an id that no other decision has, found \"{word}\"");
        assert_eq!((&*found[0].message, found.len()), (&*expected, 1), "{found:#?}");
        assert!(found[0].hint.is_some(), "{word}");
    }
    assert_eq!(
        wrong("[[rule]]\nid = \"emergencies\"\nwhen = { caller = \"112\" }\nthen = \"ring\""),
        Vec::<String>::new()
    );
}

#[test]
fn a_file_that_is_not_utf_8_is_told_with_its_first_bad_byte() {
    let latin =
        File::from_bytes("lists.toml", b"# all right\n[list.a]\nentries = [] # Z\xfcrich, \xe4\n".to_vec());
    let main = File::new(
        "policy.toml",
        with_last_rule("").replace("defaults", "include = \"lists.toml\"\ndefaults"),
    );
    let (_, found) = Draft::read(main, &mut |_, _| Ok(latin.clone()), &[]);
    assert_eq!(
        found[0].to_string(),
        "lists.toml:3:17: error: expected UTF-8 text, found other bytes\n    \
         3 | entries = [] # Z\u{fffd}rich, \u{fffd}\n      |                 ^\n\
         hint: iconv -f latin1 -t utf-8 converts an old file"
    );
    assert_eq!(found.len(), 1, "{found:#?}");
    let wide = File::from_bytes("policy.toml", b"\xff\xfev\0e\0r\0".to_vec());
    let (_, found) = Draft::read(wide, &mut |_, _| Err(String::new()), &[]);
    assert_eq!(found[0].hint.as_deref(), Some("iconv -f utf-16 -t utf-8 converts an old file"));
}

#[test]
fn what_is_meant_is_underlined_behind_wide_characters_too() {
    let (_, found) = read(&with_last_rule("[list.\"山田\"]\nentries = [\"山田😀\", \"x x\"]"));
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    let lines: Vec<&str> = told.iter().flat_map(|told| told.lines()).collect();
    assert!(lines.contains(&"      |            ^^^^^^^^"), "{told:#?}");
    assert!(lines.contains(&"      |                      ^^^^^"), "{told:#?}");
}

#[test]
fn a_rule_that_would_do_anything_but_let_an_emergency_number_ring_is_refused() {
    let lists = "[line.home]\nposition = \"parallel\"\n[treatment.on]\nforward.to = \"sip:desk@pbx.example\"\n\
                 [treatment.asked]\nchallenge = { prompt = \"press-{digit}.wav\", on_pass = \"ring\", on_fail = \"ring\" }\n\
                 [treatment.tape]\nanswer.max_seconds = 12\n\
                 [treatment.late]\nhold = { seconds = 5, then = \"on\" }\n";
    let rule =
        |then: &str| format!("{lists}[[rule]]\nid = \"a\"\nwhen = {{ caller = \"144\" }}\nthen = \"{then}\"");
    for then in ["on", "asked", "late"] {
        assert_wrong(&rule(then), "144 is an emergency number, and the rule \"a\" would not let it ring");
    }
    assert_wrong(&rule("tape"), "144 is an emergency number, and the rule \"a\" would refuse it");
    for then in ["ring", "stand_aside"] {
        assert_eq!(wrong(&rule(then)), Vec::<String>::new(), "{then}");
    }
}

#[test]
fn an_emergency_number_in_a_loaded_list_makes_no_policy_unusable() {
    let text = with_last_rule(
        "[list.spam]\n[[rule]]\nid = \"spam\"\nwhen = { caller_in = \"spam\" }\nthen = \"busy\"",
    );
    let (draft, _) = read(&text);
    let loaded = |_: &_| Arc::new(List::parse_text("spam", "spam.txt", "\n112\n", draft.region()).0);
    let policy = draft.compile(loaded).unwrap();
    assert_eq!(policy.left_out("spam"), 1);
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-20.33
//= type=test
//# The Retry-After header field can be used with a 500 (Server Internal
//# Error) or 503 (Service Unavailable) response to indicate how long the
//# service is expected to be unavailable to the requesting client and
//# with a 404 (Not Found), 413 (Request Entity Too Large), 480
//# (Temporarily Unavailable), 486 (Busy Here), 600 (Busy), or 603
//# (Decline) response to indicate when the called party anticipates
//# being available again.
#[test]
fn who_is_told_when_to_call_again_is_told_by_a_code_that_has_it() {
    let refused =
        |what: &str| wrong(&format!("[treatment.no]\nreject = {{ {what}, retry_after = \"30m\" }}"));
    for code in [404, 413, 480, 486, 500, 503, 600, 603] {
        assert_eq!(refused(&format!("code = {code}")), [""; 0], "{code}");
    }
    let expected = |code: u16| {
        format!(
            "expected a code that has Retry-After, found {code} | 404, 413, 480, 486, 500, 503, 600 and 603 have it \
             (RFC 3261 section 20.33): 480 says when to call again"
        )
    };
    for code in [403, 433, 607] {
        assert_eq!(refused(&format!("code = {code}")), [expected(code)]);
    }
    assert_eq!(refused("preset = \"607\""), [expected(607)]);
    assert_eq!(refused("code = 486, fallback = 603"), [""; 0]);
    assert_eq!(refused("code = 486, fallback = 403"), [expected(403)]);
    assert_eq!(refused("preset = \"607\", fallback = 486"), [expected(607)]);
}

//= https://www.rfc-editor.org/rfc/rfc8688#section-3.1
//= type=test
//# If there is a Call-Info header field, it MUST have the "purpose"
//# parameter of "jwscard".
#[test]
fn the_call_info_of_a_608_has_no_purpose_but_jwscard() {
    let refused = |what: &str, call_info: &str| {
        wrong(&format!("[treatment.no]\nreject = {{ {what}, call_info = \"{call_info}\" }}"))
    };
    let expected = "expected a Call-Info of 608 with `purpose=jwscard`, found `purpose=info` | \
                    leave `purpose` out: a 608 always says jwscard (RFC 8688)";
    let card = "<https://block.example.net/card>";
    for what in ["code = 608", "preset = \"608\""] {
        for parameters in [";purpose=info", "; x=y ; Purpose = info"] {
            assert_eq!(refused(what, &format!("{card}{parameters}")), [expected], "{what} {parameters}");
        }
        for parameters in ["", ";purpose=jwscard", ";PURPOSE=JWSCard"] {
            assert_eq!(refused(what, &format!("{card}{parameters}")), [""; 0], "{what} {parameters}");
        }
    }
    assert_eq!(refused("code = 607", &format!("{card};purpose=info")), [""; 0]);
}

#[test]
fn treatments_that_lead_back_to_themselves_are_refused() {
    assert_wrong(
        "[treatment.a]\nhold = { seconds = 5, then = \"b\" }\n[treatment.b]\nhold = { seconds = 5, then = \"a\" }",
        "the treatment \"a\" leads back to itself: a → b → a",
    );
    let chain: Vec<_> = (0..100)
        .map(|n| format!("[treatment.t{n}]\nhold = {{ seconds = 1, then = \"t{}\" }}\n", n + 1))
        .collect();
    assert_wrong(
        &format!("{}[treatment.t100]\nring = {{}}", chain.concat()),
        "expected at most 16 treatments after one another",
    );
}

#[test]
fn a_treatment_is_exactly_one_thing() {
    assert_wrong(
        "[treatment.a]\nring = {}\nreject = { code = 486 }",
        "expected a treatment: a table with exactly one",
    );
    assert_wrong("[treatment.a]\n", "expected a treatment: a table with exactly one");
}

#[test]
fn who_is_never_refused_rings_whatever_the_treatment_ring_says() {
    let elsewhere = "forward = { to = \"sip:*97@pbx.example\" }";
    let asked = "challenge = { prompt = \"a.wav\", on_pass = \"busy\", on_fail = \"busy\" }";
    for ring in ["reject = { code = 486 }", elsewhere, asked, "drop = {}", "hold = { seconds = 9 }"] {
        for name in ["ring", "stand_aside"] {
            let expected = format!("[treatment.{name}] does not let the call ring | emergency calls");
            assert_wrong(&format!("[treatment.{name}]\n{ring}"), &expected);
        }
    }
    // Where there is no other phone, who stands aside lets nobody ring.
    let aside = "hold = { seconds = 9, then = \"stand_aside\" }";
    assert_wrong(&format!("[treatment.ring]\n{aside}"), "[treatment.ring] does not let the call ring");
    for rule in ["[treatment.ring]\nring = { limit = \"0s\" }", "[treatment.soft]\nring = { limit = \"0m\" }"]
    {
        assert_wrong(
            rule,
            "a phone that rings for less than a second does not ring | for example: limit = \"60s\"",
        );
    }
    let quiet =
        "[treatment.ring]\nhold = { seconds = 2, then = { ring = { silent = true, limit = \"1s\" } } }";
    let stands = "[treatment.stand_aside]\nring = { limit = \"30s\" }";
    assert_eq!(wrong(&format!("{quiet}\n{stands}")), Vec::<String>::new());
}

#[test]
fn a_refusal_by_somebody_in_the_middle_names_whom_to_ask() {
    for preset in ["603+", "608"] {
        assert_wrong(
            &format!("[treatment.a]\nreject = {{ preset = \"{preset}\" }}"),
            &format!("the preset \"{preset}\" needs `redress`: whom a caller can ask, found none"),
        );
    }
    assert_wrong(
        "[treatment.a]\nreject = { preset = \"608\", redress = \"javascript:x\" }",
        "expected the https address of a signed jCard, found \"javascript:x\"",
    );
    assert_eq!(wrong("[treatment.a]\nreject = { preset = \"433\" }"), Vec::<String>::new());
}

#[test]
fn a_condition_inside_conditions_is_bounded() {
    let deep = format!("{}{{ first_time = true }}{}", "{ not = ".repeat(40), " }".repeat(40));
    assert_wrong(
        &format!("[[rule]]\nid = \"a\"\nwhen = {deep}\nthen = \"ring\""),
        "expected at most 16 tables inside one another, found more",
    );
    let dotted = format!("when.{}first_time = true", "not.".repeat(70));
    assert_wrong(&format!("[[rule]]\nid = \"a\"\n{dotted}\nthen = \"ring\""), "expected at most 16 tables");
}

#[test]
fn a_line_before_the_phones_needs_to_know_where_they_are() {
    assert_wrong("[line.a]\nposition = \"first\"", "[line.a] needs `ring`");
    assert_wrong(
        "[line.a]\nposition = \"first\"\nring = 404",
        "expected the URI of the phones, found the code 404",
    );
    assert_wrong(
        "[line.a]\nposition = \"inline\"\nring = 500",
        "expected the URI of the phones, or on an inline line",
    );
    let (_, found) = read(&with_last_rule("[line.a]\nposition = \"sole\"\ncapture = 603"));
    assert_eq!(found[0].message, "`capture` does nothing on a line that is `sole`");
    assert_eq!(found[0].severity, Severity::Warning);
}

#[test]
fn hours_without_a_time_zone_are_refused() {
    let rules = "[[rule]]\nid = \"a\"\nwhen = { hours = \"22:00-07:00\" }\nthen = \"busy\"\n[[rule]]\nid = \"b\"\nthen = \"ring\"";
    let (_, found) = read(&format!("defaults.region = \"CH\"\n{rules}"));
    assert!(found[0].message.starts_with("expected `timezone` in [defaults]"), "{}", found[0]);
}

#[test]
fn a_test_without_an_expectation_is_refused() {
    assert_wrong("[[test]]\ncall = { caller = \"1\" }", "expected `expect` in a test, found none");
    assert_wrong(
        "[[test]]\ncall = { caler = \"1\" }\nexpect = { rule = \"last\" }",
        "unknown field `caler` in a call",
    );
    assert_wrong(
        "[[test]]\ncall = { caller = \"1\" }\nexpect = { rule = \"lsat\" }",
        "there is no rule \"lsat\"",
    );
    assert_wrong(
        "[[test]]\ncall = { caller = \"1\", at = \"noon\" }\nexpect = { rule = \"last\" }",
        "expected a time for `at`",
    );
}

#[test]
fn included_blocks_come_before_a_files_own_and_their_defaults_fill_gaps() {
    let base = "[defaults]\nregion = \"US\"\ntimezone = \"Europe/Paris\"\n[[rule]]\nid = \"first\"\n\
                when = { caller = \"+1*\" }\nthen = \"busy\"\n[list.shared]\nentries = [\"0900*\"]\n";
    let main = "include = \"base.toml\"\ndefaults.region = \"CH\"\n[list.shared]\nentries = [\"0901*\"]\n\
                [[rule]]\nid = \"last\"\nthen = \"ring\"\n";
    let (draft, found) = read_with(main, &[("base.toml", base)]);
    assert_eq!(found, []);
    let policy = draft.compile(ListSpec::inline).unwrap();
    assert_eq!(policy.rules().iter().map(Rule::id).collect::<Vec<_>>(), ["first", "last"]);
    assert_eq!((policy.region().as_str(), policy.zone().iana_name()), ("CH", Some("Europe/Paris")));
    assert_eq!(policy.list("shared").unwrap().len(), 2);
    assert_eq!(&*policy.rules()[0].place.0, "base.toml");
}

#[test]
fn includes_that_cannot_be_followed_are_told() {
    let (_, found) = read_with("include = [\"gone.toml\"]\ndefaults.region = \"CH\"", &[]);
    assert_eq!(found[0].message, "cannot read the included file \"gone.toml\": no such file");
    let circle = [("a.toml", "include = \"b.toml\""), ("b.toml", "include = \"a.toml\"")];
    let (_, found) = read_with("include = \"a.toml\"\ndefaults.region = \"CH\"", &circle);
    assert_eq!(found[0].message, "a.toml includes itself: policy.toml → a.toml → b.toml → a.toml");
    let twice = [
        ("a.toml", "include = \"c.toml\""),
        ("b.toml", "include = \"c.toml\""),
        ("c.toml", "[treatment.x]\nring = {}"),
    ];
    let (_, found) = read_with("include = [\"a.toml\", \"b.toml\"]\ndefaults.region = \"CH\"", &twice);
    assert_eq!(found, []);
}

#[test]
fn a_file_under_several_names_counts_once() {
    let main = "include = [\"a.toml\", \"link.toml\"]\ndefaults.region = \"CH\"\n";
    let found = |text: &str| {
        let mut open = |written: &str, _: &str| Ok(File::new(written, text).known_as("/etc/a.toml"));
        Draft::read(File::new("policy.toml", main).known_as("/etc/policy.toml"), &mut open, &[]).1
    };
    assert_eq!(found("[switch.s]\ndefault = true\n"), []);
    let circle = found("include = \"again.toml\"\n");
    assert_eq!(circle[0].message, "a.toml includes itself: policy.toml → a.toml → again.toml");
}

#[test]
fn a_block_in_two_files_is_an_error_with_both_places() {
    let main = "include = \"a.toml\"\ndefaults.region = \"CH\"\n[treatment.x]\nring = {}\n";
    let (_, found) = read_with(main, &[("a.toml", "\n[treatment.x]\nring = {}\n")]);
    assert_eq!(found[0].message, "[treatment.x] is there already, in a.toml:2");
    assert_eq!(found[0].place.as_ref().map(|place| place.line), Some(3));
}

#[test]
fn the_numbers_of_each_block_of_a_list_are_read_by_the_region_of_that_block() {
    let others = [("a.toml", "[list.x]\nregion = \"DE\"\nentries = [\"030 123456\"]\n")];
    let main = |block: &str| format!("include = \"a.toml\"\ndefaults.region = \"CH\"\n[list.x]\n{block}\n");
    let written = |draft: &Draft| {
        let list = draft.lists().next().unwrap().inline();
        list.entries().map(|entry| entry.pattern().to_string()).collect::<Vec<_>>()
    };
    let block = "region = \"CH\"\nentries = [\"079 111 22 33\"]";
    let (draft, found) = read_with(&main(block), &others);
    assert_eq!(found, []);
    assert_eq!(written(&draft), ["+4930123456", "+41791112233"]);
    let (swiss, _) = read_with(&main(block).replace("region = \"CH\"\nentries", "entries"), &others);
    assert_ne!(written(&swiss), written(&draft), "what a block does not say is the list's");
}

#[test]
fn a_number_that_is_read_by_the_region_of_another_block_is_warned_of() {
    let others = [("a.toml", "[list.x]\nregion = \"DE\"\nfiles = [\"a.txt\"]\n")];
    for (block, expected) in [
        ("entries = [\"+41791112233\"]", None),
        ("entries = [\"+41791112233\", \"030 123456\"]", Some("this number is")),
        ("files = [\"b.txt\"]", Some("this source is")),
        ("source = \"set:b.set\"", None),
        ("region = \"DE\"\nfiles = [\"b.txt\"]\nentries = [\"030 123456\"]", None),
    ] {
        let main = format!("include = \"a.toml\"\ndefaults.region = \"CH\"\n[list.x]\n{block}\n");
        let (_, found) = read_with(&main, &others);
        let told: Vec<&str> = found.iter().map(|found| found.message.as_str()).collect();
        let expected =
            expected.map(|what| format!("{what} read by region DE, which another block of this list says"));
        assert_eq!(told, expected.as_deref().into_iter().collect::<Vec<_>>(), "{block}");
    }
}

#[test]
fn a_rule_in_two_files_is_an_error_that_names_the_other_file() {
    let dup = "[[rule]]\nid = \"dup\"\nthen = \"ring\"\n";
    let main = format!("include = \"a.toml\"\ndefaults.region = \"CH\"\n{dup}");
    let (_, found) = read_with(&main, &[("a.toml", &format!("\n{dup}"))]);
    assert_eq!(found[0].message, "the rule \"dup\" is there already, in a.toml:3");
    let (_, found) = read(&format!("defaults.region = \"CH\"\n{dup}{dup}"));
    assert_eq!(found[0].message, "the rule \"dup\" is there already, on line 3");
}

#[test]
fn without_rules_a_policy_is_two_lists_and_three_rules() {
    let (draft, found) = read("defaults.region = \"CH\"\n[list.reject]\nfiles = [\"spam.txt\"]\n");
    assert_eq!(found, []);
    let policy = draft.compile(ListSpec::inline).unwrap();
    assert_eq!(policy.rules().iter().map(Rule::id).collect::<Vec<_>>(), ["allowed", "listed", "otherwise"]);
    let lists: Vec<&str> = draft.lists().map(ListSpec::name).collect();
    assert_eq!(lists, ["reject", "allow"]);
}

#[test]
fn sources_are_known_by_scheme_word_and_ending() {
    let sources = "source = [\"vcard:a\", \"b.csv\", \"https://x.example/l.json\", \"carddav://box/main\", \"phoneblock\", \
                   \"lookup:exec:/usr/bin/ask\", \"set:big.set\", \"ftc-dnc\"]";
    let (draft, found) = read(&with_last_rule(&format!("[list.a]\n{sources}\nnumber_column = \"Phone\"")));
    assert_eq!(found, []);
    let list = draft.lists().next().unwrap();
    let told: Vec<String> = list.sources().iter().map(|source| source.source.to_string()).collect();
    assert_eq!(told[..4], ["vcard:a", "csv:b.csv", "https://x.example/l.json", "carddav://box/main"]);
    assert_eq!(told[4..], ["phoneblock", "lookup:exec:/usr/bin/ask", "set:big.set", "ftc-dnc"]);
    assert!(matches!(&list.sources()[3].source, ListSource::CardDav { url } if url == "https://box/main"));
    assert!(list.is_lookup());
}

#[test]
fn a_password_in_an_address_is_refused() {
    for source in [
        "https://anna:s3cret@x.example/l",
        "carddav://anna:s3cret@box/",
        "lookup:https://anna:s3cret@x.example",
    ] {
        let found = wrong(&format!("[list.a]\nsource = \"{source}\""));
        assert_eq!(
            found,
            [
                "expected an address without a user or a password, found one with them | write `user` and `password_file` beside `source`"
            ]
        );
    }
}

#[test]
fn an_inline_entry_has_its_comment_for_a_name() {
    let text = with_last_rule(
        "[list.a]\nentries = [\n  \"+41791112233\", # Anna\n  { match = \"0900*\", name = \"premium\" },\n]",
    );
    let (draft, found) = read(&text);
    assert_eq!(found, []);
    let list = draft.lists().next().unwrap().inline();
    let notes: Vec<_> = list.entries().map(|entry| entry.note().unwrap_or_default().to_owned()).collect();
    assert!(notes.contains(&"Anna".to_owned()) && notes.contains(&"premium".to_owned()), "{notes:?}");
}

#[test]
fn a_calendar_tells_when_a_schedule_holds() {
    let calendar = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20260302T080000\nDTEND:20260302T180000\nEND:VEVENT\nEND:VCALENDAR";
    let blocks = "[schedule.duty]\nics = \"duty.ics\"\n[[rule]]\nid = \"duty\"\nwhen = { schedule = \"duty\" }\nthen = \"ring\"\n\
                  [[test]]\ncall = { caller = \"1\", at = \"2026-03-02T09:00\" }\nexpect = { rule = \"duty\" }\n\
                  [[test]]\ncall = { caller = \"1\", at = \"2026-03-02T19:00\" }\nexpect = { rule = \"last\" }\n";
    let (draft, found) = read_with(&with_last_rule(blocks), &[("duty.ics", calendar)]);
    assert_eq!(found, []);
    assert!(draft.run_tests().iter().all(|test| test.passed));
    let (_, found) = read(&with_last_rule(blocks));
    assert_eq!(found[0].severity, Severity::Warning);
    assert_eq!(found[0].message, "cannot read the calendar \"duty.ics\": no such file");
}

#[test]
fn events_that_are_not_understood_are_counted_and_told() {
    let event = |text: &str| format!("BEGIN:VEVENT\n{text}\nEND:VEVENT\n");
    let yearly = event("DTSTART:19800302\nRRULE:FREQ=YEARLY").repeat(30);
    let strange = event("DTSTART;TZID=Nowhere:20260302T080000\nDURATION:PT1H").repeat(2);
    let moved = event("UID:a\nDTSTART:19800504\nRRULE:FREQ=YEARLY\nEXDATE:20260505");
    let calendar = format!("BEGIN:VCALENDAR\n{yearly}{strange}{moved}END:VCALENDAR");
    let blocks = "[schedule.duty]\nics = \"duty.ics\"\n[[rule]]\nid = \"duty\"\nwhen = { schedule = \"duty\" }\nthen = \"ring\"\n\
                  [[test]]\ncall = { caller = \"1\", at = \"2026-03-02T09:00\" }\nexpect = { rule = \"duty\" }\n\
                  [[test]]\ncall = { caller = \"1\", at = \"2026-03-03T09:00\" }\nexpect = { rule = \"last\" }\n";
    let (draft, found) = read_with(&with_last_rule(blocks), &[("duty.ics", &calendar)]);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|found| found.severity == Severity::Warning));
    let kept = "1 time of yearly events to be left out in a way that is not understood, which count";
    assert_eq!(found[1].message, kept);
    assert_eq!(found[0].message, "2 events have no start or no length that is understood, and do not count");
    assert!(draft.run_tests().iter().all(|test| test.passed));
}

#[test]
fn what_is_written_otherwise_and_means_the_same_has_the_same_checksum() {
    let checksum = |text: &str| {
        let (draft, found) = read(text);
        assert_eq!(found, []);
        draft.compile(ListSpec::inline).unwrap().checksum().to_owned()
    };
    let policy = "[list.a]\nentries = [\"0900*\"]\n[[rule]]\nid = \"a\"\nwhen = { caller_in = \"a\" }\nthen = \"busy\"";
    let one = checksum(&with_last_rule(policy));
    assert_eq!(one, checksum(&with_last_rule(&format!("# a comment\n\n{policy}"))));
    assert_ne!(one, checksum(&with_last_rule(&policy.replace("0900*", "0901*"))));
    assert_ne!(one, checksum(&with_last_rule(&policy.replace("busy", "decline"))));
}

#[test]
fn ten_thousand_rules_are_fine_and_more_are_not() {
    let rules = |count: usize| -> String {
        (0..count)
            .map(|n| {
                format!("[[rule]]\nid = \"r{n}\"\nwhen = {{ caller = \"+4179{n:07}\" }}\nthen = \"busy\"\n")
            })
            .collect::<Vec<_>>()
            .concat()
    };
    let (draft, found) = read(&with_last_rule(&rules(9_999)));
    assert_eq!(found, []);
    let policy = draft.compile(ListSpec::inline).unwrap();
    assert_eq!((policy.rules().len(), policy.rules()[9_998].place.1), (10_000, 2 + 9_998 * 4 + 1));
    assert_wrong(&rules(10_000), "expected at most 10000 rules, found more");
}

#[test]
fn a_file_that_is_no_toml_says_nothing_else() {
    let (_, found) = read("[defaults\nregion = ");
    assert!(
        !found.is_empty() && found.iter().all(|found| found.message.starts_with("not TOML: ")),
        "{found:#?}"
    );
}

#[test]
fn an_account_has_one_line_at_most() {
    assert_wrong(
        "[line.front]\naccount = \"858\"\n[line.back]\naccount = \"858\"",
        "expected one line for each account, found a second for the account `858`: policy.toml:2 has \
         [line.front] | write both as one",
    );
    assert_wrong(
        "[line.front]\naccount = \"back\"\n[line.back]\nposition = \"sole\"",
        "expected one line for each account, found a second for the account `back`: policy.toml:2 has \
         [line.front] | write both as one, or say which other account [line.back] has: account = \"…\"",
    );
}

#[test]
fn a_line_has_the_name_of_no_other_account_that_is_without_a_line() {
    let accounts = "[account.a]\nuser = \"1\"\n[account.B]\nuser = \"2\"\n";
    assert_wrong(
        &format!("{accounts}[line.A]\naccount = \"B\""),
        "expected a name that no other line has, found `A`: calls of the account `a` come on a line of that name, \
         too | write [line.NAME] with account = \"a\", or give [line.A] another name",
    );
    assert_eq!(wrong(&format!("{accounts}[line.A]\naccount = \"B\"\n[line.b]\naccount = \"a\"")), [""; 0]);
    assert_eq!(wrong(&format!("{accounts}[line.a]\nposition = \"sole\"")), [""; 0]);
}

#[test]
fn an_account_that_its_line_calls_otherwise_is_no_name_of_a_line() {
    let front = "[account.858]\nuser = \"858\"\n[line.front]\naccount = \"858\"\n";
    let when = "[[rule]]\nid = \"it\"\nwhen = { line = \"858\" }\nthen = \"busy\"\n";
    let renamed = "there is no line \"858\" | the account 858 has [line.front]: write \"front\"";
    assert_wrong(&format!("{front}{when}"), renamed);
    assert_wrong(
        &format!("{front}{}", when.replace("858", "85?")),
        &renamed.replace("line \"858", "line \"85?"),
    );
    let test =
        "[[test]]\ncall = { caller = \"+41791234567\", line = \"858\" }\nexpect = { rule = \"last\" }\n";
    assert_wrong(&format!("{front}{test}"), renamed);
    assert_wrong(
        &format!("{front}{}", test.replace("858", "frnt")),
        "there is no line \"frnt\" | did you mean",
    );
    for known in [when.replace("858", "front"), test.replace("858", "front"), test.replace("858", "FRONT")] {
        assert_eq!(wrong(&format!("{front}{known}")), [""; 0]);
    }
    let beside = "[account.859]\nuser = \"859\"\n[line.859]\n[account.860]\nuser = \"860\"\n";
    for known in [when.replace("858", "859"), when.replace("858", "860"), test.replace("858", "860")] {
        assert_eq!(wrong(&format!("{front}{beside}{known}")), [""; 0]);
    }
}

#[test]
fn a_test_comes_on_the_line_of_the_first_account_unless_it_says_which() {
    let accounts = "[account.858]\nuser = \"858\"\n[account.101]\nuser = \"101\"\n";
    let rule = "[[rule]]\nid = \"it\"\nwhen = { line = \"858\" }\nthen = \"busy\"\n";
    let test = "[[test]]\ncall = { caller = \"1001\" }\nexpect = { rule = \"it\" }\n";
    let decided = |blocks: &str, test: &str| {
        let (draft, _) = read(&with_last_rule(&format!("{blocks}{rule}{test}")));
        draft.run_tests()[0].got.clone()
    };
    assert_eq!(decided(accounts, test), "it → busy");
    let other = test.replace("\"1001\"", "\"1001\", line = \"101\"");
    assert_eq!(decided(accounts, &other), "last → ring");
    // Whatever order the lines stand in.
    let lines = "[line.101]\n[line.front]\naccount = \"858\"\n";
    let named = rule.replace("858", "front");
    let (draft, _) = read(&with_last_rule(&format!("{accounts}{lines}{named}{test}")));
    assert!(draft.run_tests()[0].passed);
}

#[test]
fn the_line_of_a_test_is_in_the_groups_that_the_address_of_its_account_is_in() {
    let group = "[group.support]\nlines = \"sip:17??@pbx.example\"\n";
    let rule = "[[rule]]\nid = \"it\"\nwhen = { group = \"support\" }\nthen = \"busy\"\n";
    let test = "[[test]]\ncall = { caller = \"1001\", line = \"home\" }\nexpect = { rule = \"it\" }\n";
    for (user, lines, got) in
        [("1702", "", "it → busy"), ("1702", "[line.home]\n", "it → busy"), ("1802", "", "last → ring")]
    {
        let account = format!("[account.home]\nuser = \"{user}\"\ndomain = \" pbx.example\"\n");
        let (draft, _) = read(&with_last_rule(&format!("{account}{lines}{group}{rule}{test}")));
        assert_eq!(draft.run_tests()[0].got, got, "{user} {lines}");
    }
}

#[test]
fn a_test_on_a_line_that_no_program_has_is_warned_of_where_the_policy_names_no_lines() {
    let test = "[[test]]\ncall = { caller = \"1001\", line = \"hmoe\" }\nexpect = { rule = \"last\" }\n";
    let (draft, wrong) = read(&with_last_rule(test));
    assert_eq!(wrong, []);
    let told: Vec<_> = draft.check_lines(&["home"]).iter().map(Diagnostic::summary).collect();
    assert_eq!(told, ["policy.toml:3:8: there is no line \"hmoe\": no call comes on it"]);
    assert_eq!(draft.check_lines(&["hmoe"]), []);
}

/// Returns what is warned of in some blocks, each with its hint, where the policy has no time zone.
fn warned_without_a_zone(blocks: &str) -> Vec<String> {
    let text = format!("defaults.region = \"CH\"\n{blocks}\n[[rule]]\nid = \"last\"\nthen = \"ring\"\n");
    let (_, found) = read(&text);
    let told = |found: &Diagnostic| format!("{} | {}", found.summary(), found.hint.as_deref().unwrap_or("-"));
    assert!(found.iter().all(|found| found.severity == Severity::Warning), "{found:?}");
    found.iter().map(told).collect()
}

#[test]
fn a_group_of_lines_that_names_an_account_by_a_name_its_line_has_not_is_warned_of() {
    let front = "[line.front]\naccount = \"858\"\n";
    assert_eq!(
        warned_without_a_zone(&format!("{front}[group.g]\nlines = \"858\"")),
        ["policy.toml:5:9: there is no line \"858\" | the account 858 has [line.front]: write \"front\""]
    );
    for known in ["\"front\"", "\"*58\"", "[\"f*\", \"sip:858@pbx.example\"]"] {
        assert_eq!(warned_without_a_zone(&format!("{front}[group.g]\nlines = {known}")), [""; 0], "{known}");
    }
}

#[test]
fn callers_who_are_never_refused_are_not_looked_up() {
    assert_wrong(
        "[list.never_block]\nentries = [\"1002\"]\nsource = [\"more.txt\", \"lookup:exec:ask\"]",
        "expected a source that holds rows for the list `never_block`, found a look-up: it stands before the rules, \
         and no call waits there | look up another list, and let its callers ring by a rule at the top",
    );
    assert_eq!(
        wrong("[list.never_block]\nsource = [\"more.txt\", \"https://lists.example/never.txt\"]"),
        [""; 0]
    );
}

#[test]
fn an_end_by_the_calendar_without_a_time_zone_is_warned_of() {
    let utc = "`until` is by the clock of UTC, because [defaults] has no `timezone` | for example: timezone = \
               \"Europe/Zurich\"";
    let rule = |until: &str| {
        format!("[[rule]]\nid = \"it\"\nwhen = {{ caller = \"1002\" }}\nthen = \"busy\"\nuntil = {until}\n")
    };
    let entry = |until: &str| format!("[list.allow]\nentries = [{{ match = \"1002\", until = {until} }}]\n");
    assert_eq!(warned_without_a_zone(&rule("\"2026-12-31\"")), [format!("policy.toml:6:9: {utc}")]);
    assert_eq!(warned_without_a_zone(&entry("2026-12-31")), [format!("policy.toml:3:38: {utc}")]);
    for exact in [rule("2026-12-31T00:00:00Z"), entry("\"2026-12-31T00:00:00+01:00\"")] {
        assert_eq!(warned_without_a_zone(&exact), [""; 0]);
    }
}

#[test]
fn an_order_of_identities_by_which_nobody_calls_is_warned_of() {
    let line = |identity: &str| format!("[line.home]\ntrust.identity = {identity}\n");
    assert_eq!(
        warned_without_a_zone(&line("[\"passport\", \"verstat\"]")),
        [
            "policy.toml:3:19: neither `pai`, `rpid` nor `from` is believed: every caller is `unavailable` | for example: \
          identity = [\"verstat\", \"pai\", \"from\"]"
        ]
    );
    assert_eq!(warned_without_a_zone(&line("[\"verstat\", \"from\"]")), [""; 0]);
}

#[test]
fn lines_and_accounts_that_differ_in_capitals_only_are_one_name_too_many() {
    assert_wrong(
        "[line.Home]\naccount = \"1\"\n[line.home]\naccount = \"2\"",
        "expected a name that differs from others' in more than capitals, found `home` beside `Home` | rules mean \
         both by line = \"home\": give one of the two another name",
    );
}
