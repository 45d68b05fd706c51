//! What is told of a policy that works, and probably does not do what its owner thinks.

mod linted;

use std::sync::Arc;

use linted::{odd, odd_of, odd_with, rule};
use ringfence_policy::{Draft, File, List, ListSpec, Severity};

#[test]
fn a_refusal_that_other_phones_ring_through_is_told_with_rule_line_and_place() {
    let home = "[line.home]\nposition = \"parallel\"\n";
    let blocks = format!("{home}{}", rule("community-spam", "{ first_time = true }", "\"busy\""));
    let odd = odd_with(&blocks, ListSpec::inline);
    assert_eq!(odd[0].severity, Severity::Warning);
    assert_eq!(
        odd[0].to_string(),
        "p.toml:5:6: warning: rule community-spam: 486 cannot stop the other phones on a parallel line (line home)\n    \
         5 | id = \"community-spam\"\n      |      ^^^^^^^^^^^^^^^^"
    );
}

#[test]
fn a_capture_that_is_known_to_work_stops_the_other_phones() {
    let home = "[line.home]\nposition = \"parallel\"\ncapture = 603\n";
    assert_eq!(
        odd(&format!("{home}{}", rule("a", "{ first_time = true }", "\"busy\""))),
        Vec::<String>::new()
    );
    let redirect = rule("a", "{ first_time = true }", "{ forward = { to = \"sip:*97@pbx.example\" } }");
    assert_eq!(
        odd(&format!("{home}{redirect}")),
        ["rule a: 302 cannot stop the other phones on a parallel line (line home)"]
    );
}

#[test]
fn a_6xx_that_nobody_has_tried_is_noted() {
    let home = "[line.home]\nposition = \"parallel\"\n";
    let odd = odd_with(&format!("{home}{}", rule("a", "{ first_time = true }", "\"decline\"")), |list| {
        list.inline()
    });
    assert_eq!(odd[0].severity, Severity::Note);
    assert!(
        odd[0].message.starts_with("rule a: 603 stops the other phones only where the proxy heeds it"),
        "{}",
        odd[0]
    );
}

#[test]
fn a_rule_whose_calls_are_only_counted_is_warned_of_beside_conditions_that_count_them() {
    let counted = |when: &str| format!("{}log = \"counter\"\n", rule("counted", when, "\"busy\""));
    let many = "{ country = \"FR\" }";
    for (when, key) in [
        ("{ repeat = { count = 3, within = \"10m\" } }", "repeat"),
        ("{ first_time = true }", "first_time"),
        ("{ not = { rate = { per = \"line\", more_than = 3, within = \"1m\" } } }", "rate"),
    ] {
        let before = rule("a", when, "\"decline\"");
        assert_eq!(
            odd(&format!("{before}{}", counted(many))),
            [format!(
                "rule counted: its calls are only counted, so that `{key}` of a counts them until the program ends, and \
                 `why`, `replay` and `was-wrong` never do"
            )]
        );
        assert_eq!(odd(&format!("{before}{}", counted("{ source = \"not_registrar\" }"))), [""; 0]);
        assert_eq!(odd(&before), [""; 0]);
    }
    assert_eq!(odd(&counted(many)), [""; 0]);
}

#[test]
fn a_line_that_is_an_account_alone_is_looked_at_like_the_others() {
    let text = "defaults.region = \"CH\"\n[account.858]\nuser = \"858\"\n[account.859]\nuser = \"859\"\n\
                [line.office]\naccount = \"859\"\nposition = \"parallel\"\n\
                [[rule]]\nid = \"away\"\nwhen = { line = \"858\" }\nthen.forward.to = \"sip:858@pbx.example\"\n\
                [[rule]]\nid = \"last\"\nthen = \"stand_aside\"\n";
    let mut open = |_: &str, _: &str| Err("no such file".to_owned());
    let (draft, wrong) = Draft::read(File::new("p.toml", text), &mut open, &["account"]);
    assert_eq!(wrong, []);
    let odd = draft.check(&draft.compile(ListSpec::inline).unwrap(), jiff::Timestamp::UNIX_EPOCH);
    let odd: Vec<&str> = odd.iter().map(|odd| odd.message.as_str()).collect();
    assert_eq!(
        odd,
        [
            "rule away: sip:858@pbx.example leads back to the line itself (line 858)",
            "rule last: stand_aside leaves the call to other phones, and a sole line has none (line 858)"
        ]
    );
}

#[test]
fn a_rule_for_one_line_is_not_held_against_another() {
    let lines = "[line.home]\nposition = \"parallel\"\n[line.office]\nposition = \"sole\"\n";
    assert_eq!(
        odd(&format!("{lines}{}", rule("a", "{ line = \"office\" }", "\"busy\""))),
        Vec::<String>::new()
    );
    assert_eq!(odd(&format!("{lines}{}", rule("a", "{ line = \"home\" }", "\"busy\""))).len(), 1);
}

#[test]
fn what_is_odd_on_many_lines_is_told_once() {
    let lines: Vec<_> = (0..500).map(|n| format!("[line.l{n:03}]\nposition = \"parallel\"\n")).collect();
    let found = odd(&format!("{}{}", lines.concat(), rule("a", "{ first_time = true }", "\"busy\"")));
    assert_eq!(
        found,
        ["rule a: 486 cannot stop the other phones on a parallel line (line l000 and 499 more)"]
    );
}

#[test]
fn standing_aside_is_for_lines_with_other_phones() {
    let aside = rule("a", "{ first_time = true }", "\"stand_aside\"");
    assert_eq!(
        odd(&format!("[line.a]\nposition = \"sole\"\n{aside}")),
        ["rule a: stand_aside leaves the call to other phones, and a sole line has none (line a)"]
    );
    assert_eq!(
        odd(&format!("[line.a]\nposition = \"first\"\nring = \"sip:desk@pbx.example\"\n{aside}")),
        ["rule a: stand_aside lets no phone ring on a line that is first: write ring (line a)"]
    );
}

#[test]
fn a_redirection_to_the_line_itself_is_told() {
    let back = rule("a", "{ first_time = true }", "{ forward = { to = \"sip:201@pbx.example\" } }");
    let blocks = format!("[line.desk]\naccount = \"201\"\nposition = \"sole\"\n{back}");
    assert_eq!(odd(&blocks), ["rule a: sip:201@pbx.example leads back to the line itself (line desk)"]);
}

#[test]
fn a_code_that_does_not_reach_the_caller_wants_a_fallback() {
    let line = "[line.a]\nposition = \"sole\"\npasses = [486, 603]\n";
    let unwanted = |fallback: &str| {
        rule("a", "{ first_time = true }", &format!("{{ reject = {{ code = 607{fallback} }} }}"))
    };
    assert_eq!(
        odd(&format!("{line}{}", unwanted(""))),
        ["rule a: 607 does not reach the caller unchanged here: give it a `fallback` (line a)"]
    );
    assert_eq!(odd(&format!("{line}{}", unwanted(", fallback = 486"))), Vec::<String>::new());
}

#[test]
fn what_needs_audio_is_told_before_a_line_starts() {
    let answer =
        rule("a", "{ first_time = true }", "{ answer = { play = \"sorry.wav\", max_seconds = 12 } }");
    let found = odd(&format!("[line.a]\nposition = \"sole\"\n{answer}"));
    assert!(
        found[0].ends_with(
            "needs an announcement: audio, which is not there yet: the line does not start (line a)"
        ),
        "{found:?}"
    );
}

#[test]
fn silence_for_everybody_is_told() {
    let found = odd(&rule("a", "{ first_time = true }", "{ drop = { only_if = \"always\" } }"));
    assert!(found[0].starts_with("rule a: a PBX that gets no answer takes the line for dead"), "{found:?}");
    assert_eq!(odd(&rule("a", "{ source = \"not_registrar\" }", "{ drop = {} }")), Vec::<String>::new());
}

#[test]
fn rules_behind_one_that_always_holds_never_match() {
    let blocks = "[[rule]]\nid = \"all\"\nthen = \"ring\"\n[[rule]]\nid = \"late\"\nwhen = { first_time = true }\nthen = \"busy\"\n";
    assert_eq!(
        odd(blocks),
        [
            "rule late never matches: rule all (line 3) before it holds for every call",
            "rule last never matches: rule all (line 3) before it holds for every call"
        ]
    );
}

#[test]
fn a_rule_that_an_earlier_one_covers_never_matches() {
    let covered = [
        (
            "{ caller_kind = [\"anonymous\", \"invalid\"] }",
            "{ caller_kind = \"anonymous\", first_time = true }",
        ),
        ("{ caller_kind = \"number\" }", "{ caller_kind = \"mobile\" }"),
        ("{ caller = \"+4179*\" }", "{ caller = [\"079 123 45 67\", \"+417912*\"] }"),
        ("{ repeat = { count = 2, within = \"10m\" } }", "{ repeat = { count = 3, within = \"5m\" } }"),
        (
            "{ dialed_within = \"30d\" }",
            "{ all = [{ dialed_within = \"7d\" }, { hours = \"08:00-12:00\" }] }",
        ),
        ("{ any = [{ first_time = true }, { country = \"DE\" }] }", "{ country = \"DE\" }"),
        ("{ not = { attestation = \"A\" } }", "{ not = { attestation = [\"A\", \"B\"] } }"),
    ];
    for (wide, narrow) in covered {
        let found = odd(&format!("{}{}", rule("wide", wide, "\"ring\""), rule("narrow", narrow, "\"busy\"")));
        let expected =
            "rule narrow never matches: whatever it holds for, rule wide (line 3) before it decides";
        assert_eq!(found, [expected], "{wide} {narrow}");
        let found = odd(&format!("{}{}", rule("narrow", narrow, "\"busy\""), rule("wide", wide, "\"ring\"")));
        assert_eq!(found, Vec::<String>::new(), "{narrow} {wide}");
    }
}

#[test]
fn a_rule_that_is_over_on_trial_or_partial_covers_nothing() {
    for limit in ["until = \"2099-01-01\"", "mode = \"shadow\"", "rollout = { percent = 50 }"] {
        let first = format!("{}{limit}\n", rule("a", "{ caller_kind = \"anonymous\" }", "\"busy\""));
        let second = rule("b", "{ caller_kind = \"anonymous\" }", "\"decline\"");
        assert_eq!(odd(&format!("{first}{second}")), Vec::<String>::new(), "{limit}");
    }
}

#[test]
fn conditions_that_exclude_one_another_never_match() {
    for when in [
        "{ caller_kind = \"anonymous\", not = { caller_kind = [\"anonymous\", \"invalid\"] } }",
        "{ all = [{ caller_kind = \"anonymous\" }, { caller_kind = \"number\" }] }",
        "{ all = [{ attestation = \"A\" }, { attestation = [\"B\", \"none\"] }] }",
        "{ first_time = true, repeat = { count = 2, within = \"5m\" } }",
        "{ country = \"CH\", caller = \"+49*\" }",
        "{ caller_kind = \"internal\", country = \"DE\" }",
        "{ caller_kind = \"mobile\", caller = \"+4144*\" }",
        "{ caller_kind = \"international\", caller = \"044*\" }",
        "{ caller_kind = \"mobile\", country = \"US\" }",
        "{ hours = \"10:00-12:00\", not = { hours = \"09:00-13:00\" } }",
        "{ hours = \"10:00-12:00\", all = [{ hours = [\"12:00-13:00\", \"22:00-10:00\"] }] }",
        "{ all = [{ caller = \"+41791234567\" }, { caller = \"+41791234568\" }] }",
        "{ all = [{ caller = \"1002\" }, { caller_kind = \"name\" }] }",
        "{ not = { any = [{ caller = \"+41*\" }, { not = { caller = \"+41*\" } }] } }",
        "{ any = [{ caller_kind = \"name\", country = \"DE\" }, { diverted = \"0900*\", not = { diverted = true } }] }",
        "{ first_time = true, diverted = true, not = { first_time = true, diverted = true } }",
        "{ user_agent = \"friendly-scanner\", all = [{ user_agent = \"sip*\" }] }",
        "{ all = [{ country = \"CH\" }, { country = [\"DE\", \"US\"] }] }",
        "{ caller_kind = \"unavailable\", rate = { per = \"caller\", more_than = 5, within = \"1m\" } }",
        "{ caller_kind = \"unavailable\", repeat = { count = 2, within = \"5m\" } }",
        "{ caller = \"unavailable\", dialed_within = \"30d\" }",
        "{ caller_kind = \"unavailable\", answered_within = \"30d\" }",
        "{ caller_kind = \"unavailable\", first_time = false }",
        "{ caller_kind = \"unavailable\", not = { first_time = true } }",
    ] {
        assert_eq!(
            odd(&rule("a", when, "\"busy\"")),
            ["rule a never matches: its conditions exclude one another"],
            "{when}"
        );
    }
}

#[test]
fn conditions_that_look_as_if_they_excluded_one_another_are_left_alone() {
    for when in [
        "{ all = [{ caller_kind = \"number\" }, { caller_kind = \"mobile\" }] }",
        "{ all = [{ caller_kind = \"international\" }, { caller_kind = \"mobile\" }] }",
        "{ caller_kind = \"anonymous\", caller = \"+4144*\" }",
        "{ caller_kind = \"anonymous\", country = \"DE\" }",
        "{ caller_kind = \"invalid\", caller = \"+4144*\" }",
        "{ country = \"CH\", caller = [\"+49*\", \"+4*\"] }",
        "{ country = \"DE\", caller = \"/0{4}$/\" }",
        "{ hours = \"10:00-14:00\", not = { hours = \"09:00-13:00\" } }",
        "{ all = [{ caller = \"+41791234567\" }, { caller = \"anonymous\" }] }",
        "{ any = [{ caller = \"+41*\" }, { not = { caller = \"+41*\" } }] , first_time = true }",
        "{ caller = \"sip:alice\", caller_kind = \"anonymous\" }",
        "{ all = [{ caller = \"sip:alice\" }, { caller = \"anonymous\" }] }",
        "{ all = [{ country = [\"GB\", \"US\", \"DE\"] }, { country = \"CA\" }] }",
        "{ caller_kind = [\"unavailable\", \"invalid\"], repeat = { count = 2, within = \"5m\" } }",
        "{ caller_kind = \"anonymous\", dialed_within = \"30d\" }",
        "{ caller_kind = \"unavailable\", rate = { per = \"line\", more_than = 5, within = \"1m\" } }",
        "{ caller_kind = \"unavailable\", first_time = true }",
    ] {
        assert_eq!(odd(&rule("a", when, "\"busy\"")), Vec::<String>::new(), "{when}");
    }
}

#[test]
fn a_list_that_callers_are_put_on_never_has_one_who_cannot_be_told_from_others() {
    let asked = rule("a", "{ caller_in = \"cooldown\", caller_kind = \"unavailable\" }", "\"busy\"");
    let adds =
        format!("{}add_to = {{ list = \"cooldown\" }}\n", rule("b", "{ attestation = \"C\" }", "\"busy\""));
    assert_eq!(odd(&format!("{asked}{adds}")), ["rule a never matches: its conditions exclude one another"]);
    let others = asked.replace("unavailable", "invalid");
    let source = "[list.cooldown]\nsource = \"https://lists.example/cooldown.csv\"\n";
    let entry = "[list.cooldown]\nentries = [\"unavailable\"]\n";
    for fine in [others, format!("{source}{asked}"), format!("{entry}{asked}")] {
        assert_eq!(odd(&format!("{fine}{adds}")), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn conditions_inside_one_another_are_compared_in_a_moment() {
    let nested = |word: &str, country: &str| {
        (0..14).fold(format!("{{ country = \"{country}\" }}"), |inner, depth| {
            format!("{{ {word} = [{inner}, {{ name = \"*{word} {depth}*\" }}] }}")
        })
    };
    for words in [["all", "any"], ["any", "all"], ["all", "all"], ["any", "any"]] {
        let [wide, narrow] = words;
        let rules = [
            rule("wide", &nested(wide, "DE"), "\"busy\""),
            rule("narrow", &nested(narrow, "IT"), "\"busy\""),
        ];
        assert_eq!(odd(&rules.concat()), Vec::<String>::new(), "{words:?}");
    }
}

#[test]
fn a_rule_of_another_file_is_named_with_its_file() {
    let main = "include = \"a.toml\"\ndefaults.region = \"CH\"\n[[rule]]\nid = \"mine\"\nwhen = { country = \"DE\" }\n\
                then = \"busy\"\n";
    let german = "[[rule]]\nid = \"german\"\nwhen = { country = [\"DE\"] }\nthen = \"ring\"\n";
    let last = "[[rule]]\nid = \"last\"\nthen = \"ring\"\n";
    let covered = odd_of(&format!("{main}{last}"), &[("a.toml", german)]);
    let expected = "rule mine never matches: whatever it holds for, rule german (a.toml:2) before it decides";
    assert_eq!(covered[0], expected);
    assert_eq!(
        odd_of(&format!("{main}{last}"), &[("a.toml", &last.replace("last", "all"))])[0],
        "rule mine never matches: rule all (a.toml:2) before it holds for every call"
    );
}

#[test]
fn a_call_is_not_let_through_by_its_name_alone() {
    let expected =
        "rule a lets a call through by its name alone, which any caller can claim: ask for the number, too";
    assert_eq!(odd(&rule("a", "{ name = \"Anna*\" }", "\"ring\"")), [expected]);
    assert_eq!(
        odd(&rule("a", "{ any = [{ name = \"Anna*\" }, { first_time = false }] }", "\"ring\"")),
        [expected]
    );
    assert_eq!(odd(&rule("a", "{ name = \"Anna*\", hours = \"08:00-20:00\" }", "\"ring\"")), [expected]);
    let by_software = odd(&rule("a", "{ user_agent = \"Mum*\" }", "\"ring\""));
    assert_eq!(by_software, [expected.replace("its name", "its user agent")]);
    for fine in [
        rule("a", "{ user_agent = \"Mum*\" }", "\"busy\""),
        rule("a", "{ user_agent = \"Mum*\", caller = \"+4179*\" }", "\"ring\""),
        rule("a", "{ name = \"SPAM*\" }", "\"busy\""),
        rule("a", "{ name = \"Anna*\", attestation = \"A\" }", "\"ring\""),
        rule("a", "{ name = \"Anna*\", caller = \"+4179*\" }", "\"ring\""),
        rule("a", "{ not = { name = \"SPAM*\" }, first_time = true }", "\"ring\""),
    ] {
        assert_eq!(odd(&fine), Vec::<String>::new(), "{fine}");
    }
}

#[test]
fn a_rule_over_empty_lists_never_matches() {
    let blocks = format!(
        "[list.spam]\nsource = \"spam.csv\"\n{}",
        rule("a", "{ caller_in = \"spam\", hours = \"08:00-20:00\" }", "\"busy\"")
    );
    assert_eq!(odd(&blocks), ["rule a never matches: the list spam is empty"]);
    let loaded = odd_with(&blocks, |list| {
        Arc::new(List::parse_text(list.name(), "spam.csv", "0900*", list.region()).0)
    });
    assert_eq!(loaded, []);
    let grown = format!("{blocks}add_to = {{ list = \"spam\" }}\n");
    assert_eq!(odd(&grown), Vec::<String>::new());
    for elsewhere in ["lookup:https://ask.example/v1", "https://lists.example/spam.csv", "ftc-dnc"] {
        assert_eq!(odd(&blocks.replace("spam.csv", elsewhere)), Vec::<String>::new(), "{elsewhere}");
    }
}

#[test]
fn an_entry_that_an_earlier_rule_lets_ring_is_never_refused() {
    let lists = "[list.friends]\nentries = [\"+4179*\"]\n[list.spam]\nentries = [\n  \"0900*\",\n  \"079 123 45 67\",\n]\n";
    let rules = format!(
        "{}{}",
        rule("a", "{ caller_in = \"friends\" }", "\"ring\""),
        rule("b", "{ caller_in = \"spam\" }", "\"busy\"")
    );
    let odd = odd_with(&format!("{lists}{rules}"), ListSpec::inline);
    assert_eq!(odd[0].message, "079 123 45 67 is never refused: +4179* allows it (inline)");
    assert_eq!(odd[0].place.as_ref().map(|place| (place.line, place.column)), Some((7, 3)));
}

#[test]
fn a_refusal_because_a_look_up_said_nothing_is_told() {
    let list =
        |on_miss: &str| format!("[list.known]\nsource = \"lookup:https://ask.example/v1\"\n{on_miss}\n");
    let strangers = rule("a", "{ not = { caller_in = \"known\" } }", "\"busy\"");
    assert_eq!(
        odd(&format!("{}{strangers}", list("on_miss = \"no_match\""))),
        ["rule a refuses every call that the look-up known does not answer in time"]
    );
    for fine in ["on_miss = \"match\"", ""] {
        assert_eq!(odd(&format!("{}{strangers}", list(fine))), Vec::<String>::new(), "{fine:?}");
    }
}

#[test]
fn a_608_without_a_contact_is_told() {
    let found = odd(&rule("a", "{ first_time = true }", "{ reject = { code = 608 } }"));
    assert!(found[0].starts_with("rule a: 608 is a refusal by somebody in the middle"), "{found:?}");
    let with = "{ reject = { code = 608, redress = \"https://example.com/jcard\" } }";
    assert_eq!(odd(&rule("a", "{ first_time = true }", with)), Vec::<String>::new());
}

#[test]
fn a_rule_whose_time_is_over_is_told() {
    let over = format!("{}until = \"2026-06-01\"\n", rule("a", "{ first_time = true }", "\"busy\""));
    assert_eq!(odd(&over), ["rule a ended by itself on 2026-06-01"]);
    assert_eq!(odd(&over.replace("06-01", "07-01")), Vec::<String>::new());
}

#[test]
fn names_that_nothing_uses_are_noted() {
    let blocks = "[treatment.no_thanks]\nreject = { code = 603 }\n[list.friends]\n[schedule.night]\nhours = \"22:00-07:00\"\n[switch.x]\n[list.never_block]\n";
    let notes: Vec<String> = odd_with(blocks, ListSpec::inline).into_iter().map(|odd| odd.message).collect();
    assert_eq!(
        notes,
        [
            "nothing uses the treatment no_thanks",
            "nothing uses the list friends",
            "nothing uses the schedule night",
            "nothing uses the switch x"
        ]
    );
}

#[test]
fn a_list_that_rules_add_to_and_none_asks_for_is_noted() {
    let adds =
        format!("{}add_to = {{ list = \"cooldown\" }}\n", rule("flood", "{ first_time = true }", "\"busy\""));
    let notes = odd_with(&adds, ListSpec::inline);
    assert_eq!(notes[0].message, "no rule asks for the list cooldown, on which flood puts callers");
    let asked = format!("{}{adds}", rule("cool", "{ caller_in = \"cooldown\" }", "\"busy\""));
    assert_eq!(odd_with(&asked, ListSpec::inline), []);
}

#[test]
fn ten_thousand_rules_are_looked_at_in_a_moment() {
    let rules: String = (0..9_000)
        .map(|n| rule(&format!("r{n}"), &format!("{{ caller = \"+4179{n:07}\" }}"), "\"busy\""))
        .collect();
    assert_eq!(odd(&rules), Vec::<String>::new());
}
