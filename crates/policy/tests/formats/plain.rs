//! Formats of lines: text, NCID, `FreeSWITCH`, Asterisk.

use ringfence_policy::Format;

use super::read;

#[test]
fn a_line_of_text_is_an_entry_with_its_note() {
    assert_eq!(
        read(
            &Format::Text,
            b"\xef\xbb\xbf# spam\r\n\r\n +41 79 123 45 67  # wine\r\n/^\\+4484[45]/\nanonymous #"
        ),
        ["3 +41 79 123 45 67 wine", "4 /^\\+4484[45]/ -", "5 anonymous -"]
    );
    assert_eq!(
        read(&Format::Text, b"1001\nM\xfcller\n10\x0002\n"),
        [
            "1 1001 -",
            "2:2: expected UTF-8 text, found `M\u{fffd}ller`",
            "3:3: expected text without zero bytes, found `10·02`"
        ]
    );
}

#[test]
fn expressions_of_ncid_are_numbers_and_beginnings_of_numbers() {
    assert_eq!(
        read(&Format::Ncid, include_bytes!("data/ncidd.blacklist")),
        [
            "2 999* Unwanted area code",
            "3 +1900* premium, and a pest",
            "3 800-555-0199 premium, and a pest",
            "4 3125550177 -",
            "5:1: expected a number, not a name, found `\"BAD MARKETING\"  PRIVATE`",
            "5 anonymous -",
            "6:1: expected a number, or `^` and the beginning of numbers, found `^1(800|888)`",
            "7 unavailable Nobody knows",
            "8:1: expected a quote that ends this field, found `\"never ends`"
        ]
    );
    assert_eq!(
        read(&Format::Ncid, b"^1?3125550177 #x\n\xc3\xa9 .9"),
        [
            "1 +13125550177 x",
            "2:1: expected a number, not a name, found `é .9`",
            "2:3: expected a number, or `^` and the beginning of numbers, found `é .9`"
        ]
    );
}

#[test]
fn a_list_of_freeswitch_is_one_number_a_line() {
    assert_eq!(
        read(&Format::FreeSwitch, include_bytes!("data/blocked.list")),
        ["1 13125550177 -", "4 +18005550199 -"]
    );
}

#[test]
fn the_database_of_asterisk_is_read_as_it_is_shown_and_as_it_is_filled() {
    assert_eq!(
        read(&Format::Asterisk, include_bytes!("data/astdb.txt")),
        [
            "1 13125550177 -",
            "2 8005550199 Survey: weekly",
            "3 anonymous -",
            "6 3125550140 Wine \"and\" more",
            "7:1: expected `/blacklist/NUMBER : REASON`, found `Privilege escalation protection disabled!`"
        ]
    );
}

#[test]
fn a_line_that_is_a_book_is_reported_and_passed_over() {
    let long = format!("{}\n1002\n", "1".repeat(100_000));
    for format in [Format::Text, Format::Ncid, Format::FreeSwitch, Format::Asterisk] {
        let told = read(&format, long.as_bytes());
        assert!(
            told[0].starts_with("1:65537: expected at most 64 KiB in one row, found `111"),
            "{}",
            told[0]
        );
        assert_eq!(told.len(), 2, "{format}");
    }
}
