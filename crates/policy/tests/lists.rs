//! Lists: what they hold, and what is said of what they cannot hold.

use jiff::Timestamp;
use ringfence_policy::{Caller, List, ListError, Pattern, Record, Region, normalise};

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().expect("a time")
}

fn region(code: &str) -> Region {
    Region::parse(code).expect("a region")
}

fn spam(text: &str, code: &str) -> (List, Vec<ListError>) {
    List::parse_text("reject", "spam.txt", text, region(code))
}

fn listed(list: &List, caller: &str, code: &str) -> Option<String> {
    let found = list.find(&Caller::from_header(caller, "pbx.example").identify(region(code)), now())?;
    Some(format!("{} {}", found.written(), found.origin()))
}

#[track_caller]
fn refused(entry: &str, code: &str, message: &str, hint: Option<&str>) {
    let mut builder = List::builder("reject");
    builder.inline(entry, region(code));
    let (list, errors) = builder.build();
    assert!(list.is_empty(), "{entry}");
    assert_eq!(errors.len(), 1, "{entry}");
    assert_eq!(errors[0].message(), message, "{entry}");
    assert_eq!(errors[0].hint().as_deref(), hint, "{entry}");
}

#[test]
fn comments_blank_lines_line_ends_and_a_byte_order_mark_do_not_count() {
    let text = "\u{feff}# spam\r\n\r\n  +41 79 123 45 67   # wine\r\n\t\r\n0800*\r\n#0900*\n*97 #voicemail\nanonymous";
    let (list, errors) = spam(text, "CH");
    assert_eq!(errors, []);
    let mut entries: Vec<_> = list.entries().map(|e| (e.origin().line(), e.written(), e.note())).collect();
    entries.sort_unstable();
    assert_eq!(
        entries,
        [
            (3, "+41 79 123 45 67", Some("wine")),
            (5, "0800*", None),
            (7, "*97", Some("voicemail")),
            (8, "anonymous", None)
        ]
    );
}

#[test]
fn a_caller_equals_an_entry_however_both_are_written() {
    let (list, _) = spam("(312) 555-0177", "US");
    for caller in
        ["+13125550177", "13125550177", "3125550177", "tel:+1-312-555-0177", "+13125550177;user=phone"]
    {
        assert_eq!(listed(&list, caller, "US").as_deref(), Some("(312) 555-0177 spam.txt:1"), "{caller}");
    }
    assert_eq!(listed(&list, "+13125550178", "US"), None);
}

#[test]
fn a_national_beginning_means_the_numbers_of_the_lists_region() {
    let (list, errors) = spam("079*\n0800*\n0044 20*\n+39 06*", "CH");
    assert_eq!(errors, []);
    let patterns: Vec<String> = list.entries().map(|entry| entry.pattern().to_string()).collect();
    assert_eq!(patterns, ["+3906*", "+4179*", "+4420*", "+41800*"]);
    assert_eq!(listed(&list, "0800 123 456", "CH").as_deref(), Some("0800* spam.txt:2"));
    assert_eq!(listed(&list, "+41441234567", "CH"), None);
}

#[test]
fn beginnings_follow_the_habits_of_each_region() {
    for (code, written, pattern) in [
        ("US", "1312*", "+1312*"),
        ("US", "1 (312) 555*", "+1312555*"),
        ("US", "011 44*", "+44*"),
        ("US", "3125550*", "+13125550*"),
        ("IT", "06*", "+3906*"),
        ("IT", "0039 06*", "+3906*"),
        ("HU", "06 20*", "+3620*"),
        ("RU", "8 495*", "+7495*"),
        ("RU", "8 10 44*", "+44*"),
        ("GB", "+44 (0)20 7946*", "+44207946*"),
        ("DE", "**6*", "internal:**6*"),
        ("DE", "internal:10*", "internal:10*"),
    ] {
        let (list, errors) = spam(written, code);
        assert_eq!(errors, [], "{written} in {code}");
        let entry = list.entries().next().unwrap();
        assert_eq!(entry.pattern().to_string(), pattern, "{written} in {code}");
    }
}

#[test]
fn the_whole_number_is_named_before_a_beginning_and_the_longer_beginning_before_the_shorter() {
    let (list, _) = spam("+41*\n+4179*\n+41791234567", "CH");
    assert_eq!(listed(&list, "+41791234567", "CH").as_deref(), Some("+41791234567 spam.txt:3"));
    assert_eq!(listed(&list, "+41791234568", "CH").as_deref(), Some("+4179* spam.txt:2"));
    assert_eq!(listed(&list, "+41441234567", "CH").as_deref(), Some("+41* spam.txt:1"));
}

#[test]
fn a_name_that_is_too_long_with_its_escapes_is_no_entry() {
    // Each of these letters has two bytes, and six characters with its escapes.
    let (list, errors) = spam(&format!("sip:{}\nsip:{}", "§".repeat(42), "§".repeat(43)), "CH");
    assert_eq!(list.entries().count(), 1);
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(matches!(&*told, [told] if told.contains("at most 256 characters")), "{told:?}");
}

#[test]
fn kinds_of_callers_and_user_names_are_listed_by_their_words() {
    let (list, errors) = spam("Anonymous\nunavailable\ninvalid\nsip:alice", "CH");
    assert_eq!(errors, []);
    assert_eq!(listed(&list, "anonymous", "CH").as_deref(), Some("Anonymous spam.txt:1"));
    assert_eq!(listed(&list, "+266696687", "CH").as_deref(), Some("Anonymous spam.txt:1"));
    assert_eq!(listed(&list, "", "CH").as_deref(), Some("unavailable spam.txt:2"));
    assert_eq!(listed(&list, "+4179123", "CH").as_deref(), Some("invalid spam.txt:3"));
    assert_eq!(listed(&list, "alice", "CH").as_deref(), Some("sip:alice spam.txt:4"));
    assert_eq!(listed(&list, "bob", "CH"), None);
}

#[test]
fn an_invented_number_is_found_by_its_digits() {
    let (list, errors) = spam("+4179*", "CH");
    assert_eq!(errors, []);
    assert_eq!(listed(&list, "+417912345678", "CH").as_deref(), Some("+4179* spam.txt:1"));
}

#[test]
fn an_extension_and_a_full_number_are_never_the_same() {
    let (list, _) = spam("1002\ninternal:20*\n+41*", "CH");
    assert_eq!(listed(&list, "1002", "CH").as_deref(), Some("1002 spam.txt:1"));
    assert_eq!(listed(&list, "2042", "CH").as_deref(), Some("internal:20* spam.txt:2"));
    assert_eq!(listed(&list, "4179", "CH"), None);
}

#[test]
fn a_number_that_cannot_be_told_is_an_error_with_what_to_write_instead() {
    refused(
        "555-0177",
        "US",
        "expected one number, found `555-0177`: 5550177 lacks its area code",
        Some("write all of it, beginning with +1"),
    );
    refused(
        "49301234567",
        "DE",
        "expected one number, found `49301234567`: 49301234567 can be +49301234567 or +4949301234567",
        Some("write `+49301234567` or `+4949301234567`"),
    );
}

#[test]
fn a_beginning_that_cannot_be_told_is_an_error_with_what_to_write_instead() {
    let expected = |found: &str| format!("expected the beginning of numbers before the `*`, found `{found}`");
    for (entry, code, hint) in [
        ("10*", "CH", "write `internal:10*` for extensions, and full numbers with their `+`"),
        ("312*", "US", "write `+1312*` for full numbers or `internal:312*` for extensions"),
        ("4179*", "CH", "write `+414179*` for full numbers or `internal:4179*` for extensions"),
        ("0*", "CH", "a dialling prefix alone says nothing; for the whole of CH write `+41*`"),
        ("00*", "CH", "a dialling prefix alone says nothing; for the whole of CH write `+41*`"),
        ("+*", "CH", "to refuse everyone, set what happens to callers on no list"),
        ("*", "CH", "to refuse everyone, set what happens to callers on no list"),
        ("+0*", "CH", "write the first digits, such as `+4179*`"),
        ("abc*", "CH", "write the first digits, such as `+4179*`"),
    ] {
        refused(entry, code, &expected(entry), Some(hint));
    }
}

#[test]
fn a_range_means_every_number_of_its_length_from_the_first_to_the_last() {
    let (list, errors) = spam("+41442551111..+41442559999\n020 0..\n1000..1999", "CH");
    assert_eq!((list.len(), errors.len()), (2, 1));
    for (caller, entry) in [
        ("+41442551111", Some("+41442551111..+41442559999 spam.txt:1")),
        ("0442554567", Some("+41442551111..+41442559999 spam.txt:1")),
        ("+41442559999", Some("+41442551111..+41442559999 spam.txt:1")),
        ("+41442551110", None),
        ("+4144256000", None),
        ("+414425545678", None),
        ("1500", Some("1000..1999 spam.txt:3")),
        ("2000", None),
        ("15*0", None),
    ] {
        assert_eq!(listed(&list, caller, "CH").as_deref(), entry, "{caller}");
    }
}

#[test]
fn ranges_are_written_as_numbers_are() {
    for (code, written, pattern) in [
        ("CH", "044 255 11 11 .. 044 255 99 99", "+41442551111..+41442559999"),
        ("CH", "+41 44 255 11 11..0442559999", "+41442551111..+41442559999"),
        ("US", "(312) 555-0100..(312) 555-0199", "+13125550100..+13125550199"),
        ("DE", "1000..1999", "internal:1000..internal:1999"),
        ("DE", "internal:0100..internal:0199", "internal:0100..internal:0199"),
    ] {
        assert_eq!(Pattern::parse(written, region(code)).unwrap().to_string(), pattern);
    }
}

#[test]
fn a_range_that_is_none_is_an_error_with_what_to_write_instead() {
    let expected = |found: &str, what: &str| {
        format!("expected a range such as `+41442551111..+41442559999`, found `{found}`: {what}")
    };
    for (entry, what, hint) in [
        (
            "+41442551111..9999",
            "one end is a full number and the other is not",
            "write both ends in full: `+41442551111..+41442559999`",
        ),
        (
            "+41442559999..+41442551111",
            "+41442551111 comes before +41442559999",
            "write `+41442551111..+41442559999`",
        ),
        ("199..100", "100 comes before 199", "write `internal:100..internal:199`"),
        (
            "+41442551111..+414425599999",
            "+41442551111 and +414425599999 are of different lengths",
            "write both ends in full",
        ),
        ("*10..*20", "`*` and `#` have no order", "write both ends in full"),
        ("+41442551111..", "not a number", "numbers of region CH begin with +41"),
    ] {
        refused(entry, "CH", &expected(entry, what), Some(hint));
    }
}

#[test]
fn of_ranges_that_overlap_the_narrowest_is_named_and_of_equals_the_first_written() {
    let text = "+41440000000..+41449999999\n+41442550000..+41442559999\n+41442555000..+41442564999";
    let (list, _) = spam(text, "CH");
    assert_eq!(listed(&list, "+41442551111", "CH").as_deref(), Some("+41442550000..+41442559999 spam.txt:2"));
    assert_eq!(listed(&list, "+41442557777", "CH").as_deref(), Some("+41442550000..+41442559999 spam.txt:2"));
    assert_eq!(listed(&list, "+41442561111", "CH").as_deref(), Some("+41442555000..+41442564999 spam.txt:3"));
    assert_eq!(listed(&list, "+41441112222", "CH").as_deref(), Some("+41440000000..+41449999999 spam.txt:1"));
}

#[test]
fn an_expression_is_looked_for_in_the_whole_number_however_the_caller_writes_it() {
    let (list, errors) = spam("/^\\+44 84[45]/  # revenue share\n/0{4}$/\n/^10..$/", "GB");
    assert_eq!(errors, []);
    for (caller, entry) in [
        ("+448445551234", Some(r"/^\+44 84[45]/ spam.txt:1")),
        ("0845 555 1234", Some(r"/^\+44 84[45]/ spam.txt:1")),
        ("tel:+44-845-555-0000", Some(r"/^\+44 84[45]/ spam.txt:1")),
        ("+442079460000", Some("/0{4}$/ spam.txt:2")),
        ("1042", Some("/^10..$/ spam.txt:3")),
        ("+448435551234", None),
        ("anonymous", None),
    ] {
        assert_eq!(listed(&list, caller, "GB").as_deref(), entry, "{caller}");
    }
}

#[test]
fn a_plus_in_a_class_is_not_that_of_a_number() {
    let (list, errors) = spam("/^[^+]/", "GB");
    assert_eq!(errors, []);
    assert_eq!(listed(&list, "1042", "GB").as_deref(), Some("/^[^+]/ spam.txt:1"));
    assert_eq!(listed(&list, "+442079460000", "GB"), None);
    let error = Pattern::parse("/[^+]|^+44/", region("GB")).unwrap_err();
    assert_eq!(error.hint().as_deref(), Some(r"write `\+` for the + of a number: `/[^+]|^\+44/`"));
}

#[test]
fn an_expression_that_is_none_is_an_error_that_says_why() {
    let expected = |found: &str, what: &str| {
        format!(r"expected an expression such as `/^\+4484[45]/`, found `{found}`: {what}")
    };
    let small = "repeat less in it, or write several";
    for (entry, what, hint) in [
        ("/+44/", "the `+` has nothing to repeat", Some(r"write `\+` for the + of a number: `/\+44/`")),
        ("/^+44/", "the `+` has nothing to repeat", Some(r"write `\+` for the + of a number: `/^\+44/`")),
        ("/(44/", "unclosed group", None),
        ("/4**[/", "unclosed character class", None),
        ("//", "it is empty", None),
        ("/((1{1,99}){1,99}){1,99}/", "it needs too much memory", Some(small)),
        ("/[01]*1[01]{20}2/", "it needs too much memory", Some(small)),
    ] {
        refused(entry, "GB", &expected(entry, what), hint);
    }
}

#[test]
fn no_expression_takes_longer_than_its_number() {
    let nasty = ["/(0|00|000)*1$/", "/^(.*.*.*)*$x/", "/(0*)*(0*)*(0*)*9/", "/([0-9]+)+x/"];
    let (list, errors) = spam(&nasty.join("\n"), "GB");
    assert_eq!((list.len(), errors.len()), (4, 0));
    assert_eq!(listed(&list, "+440000000000000", "GB"), None);
    assert_eq!(listed(&list, "+440000000000001", "GB").as_deref(), Some("/(0|00|000)*1$/ spam.txt:1"));
}

#[test]
fn expressions_that_do_not_fit_in_one_automaton_are_all_found() {
    let gaps: Vec<String> = (0..20).map(|n| format!("/{:03}.*{:03}/", n, 999 - n)).collect();
    let (list, errors) = spam(&gaps.join("\n"), "GB");
    assert_eq!((list.len(), errors.len()), (20, 0));
    for (n, gap) in gaps.iter().enumerate() {
        let caller = format!("+44{n:03}1{:03}", 999 - n);
        assert_eq!(listed(&list, &caller, "GB"), Some(format!("{gap} spam.txt:{}", n + 1)), "{caller}");
    }
}

#[test]
fn a_list_has_a_bounded_number_of_expressions() {
    let many: Vec<String> = (0..300).map(|n| format!("/^.44{n:03}/")).collect();
    let (list, errors) = spam(&many.join("\n"), "GB");
    assert_eq!((list.len(), errors.len()), (256, 44));
    assert_eq!(
        errors[0].to_string(),
        "spam.txt:257:1: expected at most 256 expressions in one list, found more or larger ones"
    );
    assert_eq!(listed(&list, "+442551234567", "GB").as_deref(), Some("/^.44255/ spam.txt:256"));
}

#[test]
fn a_number_is_named_before_a_range_a_range_before_a_beginning_and_that_before_an_expression() {
    let entries = ["+41442551111", "+41442550000..+41442559999", "+4144*", "/4/"];
    for skipped in 0..entries.len() {
        let written: Vec<_> = entries[skipped..].iter().rev().copied().collect();
        let (list, _) = spam(&written.join("\n"), "CH");
        let found = format!("{} spam.txt:{}", entries[skipped], written.len());
        assert_eq!(listed(&list, "+41442551111", "CH"), Some(found));
    }
}

#[test]
fn an_entry_whose_time_is_over_gives_way_to_those_that_hold() {
    let mut builder = List::builder("reject");
    for (entry, until) in [
        ("+41442551111", "2026-03-01T12:00:00Z"),
        ("+41442551000..+41442551999", "2026-03-02T12:00:00Z"),
        ("+41442550000..+41442559999", "2026-03-05T12:00:00Z"),
        ("+41442*", "2026-03-06T12:00:00Z"),
        ("/^.41/", "2026-03-07T12:00:00Z"),
        ("/5/", "2026-03-08T12:00:00Z"),
    ] {
        builder.inline_entry(entry, None, Some(until.parse().unwrap()), region("CH"));
    }
    let (list, _) = builder.build();
    let number = normalise("+41442551111", region("CH")).unwrap();
    let found: Vec<_> = (1..=8)
        .map(|day| format!("2026-03-0{day}T11:59:59Z").parse().unwrap())
        .map(|now| list.find_number(number, now).map(|entry| entry.origin().line()))
        .collect();
    assert_eq!(found, [Some(1), Some(2), Some(3), Some(3), Some(3), Some(4), Some(5), Some(6)]);
    assert!(list.find_number(number, "2026-03-08T12:00:00Z".parse().unwrap()).is_none());
}

#[test]
fn of_entries_that_mean_the_same_the_longest_counts_and_their_weights_add_up() {
    let mut builder = List::builder("complaints");
    let file = builder.file("complaints.csv");
    let [april, may] = ["2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z"].map(|until| until.parse().ok());
    for (line, number, weight, until) in
        [(1, "+18005550199", 1, april), (2, "800 555 0199", 4, may), (3, "+18005550198", 2, None)]
    {
        builder.record(file, Record { weight, until, ..Record::new(line, number) }, region("US"));
    }
    let (list, errors) = builder.build();
    assert_eq!((list.len(), list.repeated().len(), errors.len()), (2, 0, 0));
    let score = |number: &str, now: &str| {
        list.score(&Caller::told(number).identify(region("US")), now.parse().unwrap())
    };
    assert_eq!(score("+18005550199", "2026-04-15T00:00:00Z"), 5);
    assert_eq!(score("+18005550199", "2026-05-01T00:00:00Z"), 0);
    assert_eq!(score("+18005550198", "2030-01-01T00:00:00Z"), 2);
    assert_eq!(score("+18005550197", "2026-04-15T00:00:00Z"), 0);
}

#[test]
fn a_number_is_near_those_that_differ_in_the_last_digits_only() {
    let (list, _) = spam("+13125550111\n+1312*\n1042", "US");
    for (caller, last_digits, is_near) in [
        ("+13125550199", 2, true),
        ("+13125550111", 2, true),
        ("+13125550211", 2, false),
        ("+13125550211", 3, true),
        ("+131255501", 2, false),
        ("+13125550112", 0, false),
        ("+13125550111", 0, true),
        ("1099", 2, true),
        ("1099", 4, false),
        ("+13125550199", 11, false),
    ] {
        let number = normalise(caller, region("US")).unwrap();
        assert_eq!(list.near(number, last_digits, now()).is_some(), is_near, "{caller} {last_digits}");
    }
}

#[test]
fn a_slip_in_a_word_is_answered_with_the_word() {
    let expected = |found: &str| format!("expected a number or a word such as `anonymous`, found `{found}`");
    for (entry, hint) in [
        ("anonymus", "did you mean `anonymous`?"),
        ("Unavail", "did you mean `unavailable`?"),
        ("private", "for callers that withhold their number write `anonymous`"),
        ("alice", "for callers with this user name write `sip:alice`"),
        ("sip:alice@pbx.example", "the host is not compared; write `sip:alice`"),
        ("1-800-FLOWERS", "write the digits, with `+` and the country's code in front: `+41791234567`"),
        ("+41791234567, wine", "write one entry a line; what is beside it goes behind ` # `"),
    ] {
        refused(entry, "CH", &expected(entry), Some(hint));
    }
}

#[test]
fn an_error_names_its_line_and_column_and_the_rest_of_the_list_is_kept() {
    let (list, errors) = spam("+41791234567\n\n   # nothing\n   oops # really\n+4144*", "CH");
    assert_eq!(list.len(), 2);
    assert_eq!((errors[0].file(), errors[0].line(), errors[0].column()), ("spam.txt", 4, 4));
    assert_eq!(
        errors[0].to_string(),
        "spam.txt:4:4: expected a number or a word such as `anonymous`, found `…`"
    );
}

#[test]
fn of_a_file_no_more_is_told_than_begins_as_a_number_does_since_it_may_be_no_list() {
    let word = "a number or a word such as `anonymous`";
    let digits = "write the digits, with `+` and the country's code in front: `+41791234567`";
    for (row, expected, found, hint) in [
        ("b3BlbnNzaC1rZXk", word, "…", digits),
        ("hunter", word, "…", digits),
        ("root@example.org", word, "…", digits),
        ("anonymus", word, "…", "did you mean `anonymous`?"),
        (
            "+41791234567, wine",
            word,
            "+41791234567…",
            "write one entry a line; what is beside it goes behind ` # `",
        ),
        (
            "/+44hunter/",
            "an expression such as `/^\\+4484[45]/`",
            "/+44…",
            "write `\\+` for the + of a number: `/\\+/`",
        ),
    ] {
        let (_, errors) = spam(row, "CH");
        let (told, begin) = (errors[0].message(), format!("expected {expected}, found `{found}`"));
        assert!(told.starts_with(&begin), "{row}: {told}");
        assert_eq!((errors[0].text(), errors[0].hint().as_deref()), (found, Some(hint)), "{row}");
    }
}

#[test]
fn a_list_of_errors_ends_with_their_count() {
    let (_, errors) = spam(&"oops\n".repeat(1000), "CH");
    assert_eq!(errors.len(), 101);
    assert_eq!(errors[100].to_string(), "reject: 900 more entries cannot be read");
}

#[test]
fn a_hundred_thousand_lines_without_a_number_are_reported_by_a_hundred_and_their_count() {
    let ambiguous: Vec<String> = (0..100_000).map(|n| (5_550_000 + n % 9_999).to_string()).collect();
    let (list, errors) = spam(&ambiguous.join("\n"), "US");
    assert!(list.is_empty());
    assert_eq!(errors.len(), 101);
    assert_eq!(
        errors[0].to_string(),
        "spam.txt:1:1: expected one number, found `5550000`: 5550000 lacks its area code"
    );
    assert_eq!(errors[100].to_string(), "reject: 99900 more entries cannot be read");
}

#[test]
fn what_a_stranger_writes_reaches_no_terminal_as_it_is() {
    let (_, errors) = spam(&format!("\u{1b}[31m{}", "x".repeat(5000)), "CH");
    assert!(errors[0].to_string().len() < 200);
    assert!(!errors[0].to_string().contains('\u{1b}'));
    let (list, _) = spam("+41791234567 # \u{1b}[2Jwine", "CH");
    assert_eq!(list.entries().next().unwrap().note(), Some("[2Jwine"));
}

#[test]
fn a_repeated_entry_counts_once_and_the_first_is_named() {
    let (list, _) = spam("+41791234567\n+4144*\n079 123 45 67\nsip:alice\nsip:alice", "CH");
    assert_eq!(list.len(), 3);
    let repeated: Vec<String> =
        list.repeated().map(|(first, again)| format!("{} {}", first.origin(), again.origin())).collect();
    assert_eq!(repeated, ["spam.txt:1 spam.txt:3", "spam.txt:4 spam.txt:5"]);
    assert_eq!(listed(&list, "+41791234567", "CH").as_deref(), Some("+41791234567 spam.txt:1"));
}

#[test]
fn a_list_is_put_together_from_inline_entries_and_files_each_with_its_region() {
    let mut builder = List::builder("reject");
    builder.inline("079 123 45 67", region("CH"));
    builder.inline("oops", region("CH"));
    builder.text("us.txt", "(312) 555-0177", region("US"));
    builder.text("uk.txt", "020 7946 0*", region("GB"));
    let (list, errors) = builder.build();
    assert_eq!(
        errors[0].to_string(),
        "inline:2:1: expected a number or a word such as `anonymous`, found `oops`"
    );
    for (number, origin) in
        [("+41791234567", "inline"), ("+13125550177", "us.txt:1"), ("+442079460321", "uk.txt:1")]
    {
        let found = list.find_number(normalise(number, region("CH")).unwrap(), now()).unwrap();
        assert_eq!(found.origin().to_string(), origin);
    }
}

#[test]
fn a_hundred_thousand_entries_are_all_found() {
    let lines: Vec<String> = (0..100_000).map(|n| format!("+4179{:07}", n * 7)).collect();
    let (list, errors) = spam(&lines.join("\n"), "CH");
    assert_eq!((list.len(), errors.len()), (100_000, 0));
    for n in (0..100_000).step_by(997) {
        let number = normalise(&format!("079{:07}", n * 7), region("CH")).unwrap();
        assert_eq!(list.find_number(number, now()).unwrap().origin().line(), n + 1);
    }
}

#[test]
fn a_range_of_numbers_has_one_reading_where_services_begin_like_the_trunk_prefix() {
    for (written, code, expected) in [
        ("+81 (0)90*", "JP", "+8190*"),
        ("+375 (8)29*", "BY", "+37529*"),
        ("0044121*", "IN", "+44121*"),
        ("00144121*", "TH", "+44121*"),
        ("+81 0077*", "JP", "+810077*"),
    ] {
        let pattern = Pattern::parse(written, Region::parse(code).unwrap());
        assert_eq!(pattern.unwrap().to_string(), expected, "{written} in {code}");
    }
}
