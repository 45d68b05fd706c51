//! From a file to a list.

use jiff::Timestamp;
use ringfence_policy::{CallerId, Format, List, Region, Tally, normalise};

use super::csv;

fn us() -> Region {
    Region::parse("US").expect("a region")
}

fn score(list: &List, number: &str) -> u32 {
    let number = normalise(number, us()).expect("a number");
    list.score(&CallerId::Number(number), Timestamp::UNIX_EPOCH)
}

#[test]
fn complaints_of_a_number_are_counted() {
    let mut builder = List::builder("ftc");
    let tally = builder.read(&csv(), "ftc.csv", include_bytes!("data/ftc.csv"), us());
    assert_eq!(tally, Tally { rows: 4, without_number: 1, older: 0, wrong: 0 });
    let (list, errors) = builder.build();
    assert_eq!((score(&list, "+13125550177"), score(&list, "+18005550199")), (2, 1));
    assert_eq!(errors.len(), 1);
    assert_eq!((errors[0].file(), errors[0].line(), errors[0].text()), ("ftc.csv", 6, "5550177"));
}

#[test]
fn complaints_of_long_ago_are_left_out() {
    let mut builder = List::builder("ftc");
    let since = "2026-03-02T00:01:00Z".parse().ok();
    let tally = builder.read_since(&csv(), "ftc.csv", include_bytes!("data/ftc.csv"), us(), since);
    assert_eq!((tally.rows, tally.older), (3, 1));
    assert_eq!(score(&builder.build().0, "+13125550177"), 1);
}

#[test]
fn what_cannot_be_read_is_an_error_of_the_list_with_its_place() {
    let mut builder = List::builder("people");
    let tally = builder.read(
        &Format::VCard,
        "mom.vcf",
        b"BEGIN:VCARD\nTEL:3125550100\n\nTEL:555-0100\nEND:VCARD\nx\n",
        us(),
    );
    assert_eq!((tally.rows, tally.wrong), (2, 1));
    let (list, errors) = builder.build();
    assert_eq!(list.len(), 1);
    let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "mom.vcf:4:1: expected one number, found `555-0100`: 5550100 lacks its area code",
            "mom.vcf:6:1: expected a property such as `TEL:+41791234567`, found `…`"
        ]
    );
}

#[test]
fn the_name_the_line_and_the_end_of_a_row_are_those_of_its_entry() {
    let mut builder = List::builder("reject");
    builder.read(&csv(), "spam.csv", b"number,name,until\n3125550177,Wine,2026-04-01\n", us());
    let (list, _) = builder.build();
    let entry = list.entries().next().expect("one entry");
    assert_eq!((entry.note(), entry.origin().to_string().as_str()), (Some("Wine"), "spam.csv:2"));
    let number = normalise("3125550177", us()).expect("a number");
    assert!(list.find_number(number, "2026-03-31T00:00:00Z".parse().expect("a time")).is_some());
    assert!(list.find_number(number, "2026-04-02T00:00:00Z".parse().expect("a time")).is_none());
}
