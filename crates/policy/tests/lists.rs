//! Lists: what they hold, and what is said of what they cannot hold.

use jiff::Timestamp;
use ringfence_policy::{Caller, List, ListError, Region, normalise};

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
    let (list, errors) = spam(entry, code);
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
fn what_is_not_there_yet_is_said_so() {
    refused(
        r"/^\+4484[45]/",
        "GB",
        r"expected a number or the beginning of one, found `/^\+4484[45]/`",
        Some("expressions are not supported yet; write beginnings, such as `+4179*`"),
    );
    refused(
        "+41442551111..+41442559999",
        "CH",
        "expected a number or the beginning of one, found `+41442551111..+41442559999`",
        Some("ranges are not supported yet; write beginnings, such as `+4179*`"),
    );
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
        "spam.txt:4:4: expected a number or a word such as `anonymous`, found `oops`"
    );
}

#[test]
fn a_list_of_errors_ends_with_their_count() {
    let (_, errors) = spam(&"oops\n".repeat(1000), "CH");
    assert_eq!(errors.len(), 101);
    assert_eq!(errors[100].to_string(), "reject: 900 more entries cannot be read");
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
