//! Cards of an address book.

use ringfence_policy::Format;

use super::read;

fn card(lines: &str) -> Vec<String> {
    read(&Format::VCard, format!("BEGIN:VCARD\nVERSION:3.0\n{lines}\nEND:VCARD\n").as_bytes())
}

#[test]
fn every_telephone_of_a_card_of_version_3_has_its_name() {
    let mut rows = Format::VCard.read(include_bytes!("data/contacts-3.vcf"));
    let told: Vec<_> = rows.by_ref().flatten().map(|row| format!("{} {:?}", row.number, row.name)).collect();
    assert_eq!(
        told,
        [
            "(312) 555-0111 Some(\"Dr. Ada Lee\")",
            "+1 312 555-0112 Some(\"Dr. Ada Lee\")",
            "312-555-0140 Some(\"Wine, Cheese & More\")"
        ]
    );
    assert_eq!(rows.without_number(), 1);
}

#[test]
fn telephones_of_version_4_are_uris_or_text() {
    let name = "Zoë Example with a name that is so long that the line has to be folded";
    assert_eq!(
        read(&Format::VCard, include_bytes!("data/contacts-4.vcf")),
        [
            format!("4 +44-1632-960123 {name}"),
            format!("5 +4416329601002 {name}"),
            format!("6 +44 1632 960124 {name}")
        ]
    );
}

#[test]
fn a_name_in_quoted_printable_is_refused_and_the_number_is_read() {
    assert_eq!(
        read(&Format::VCard, include_bytes!("data/contacts-2.vcf")),
        [
            "3:1: expected UTF-8 text, as of vCard 3.0 on, found \
             `N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=`",
            "5 +41 79 123 45 67 -"
        ]
    );
}

#[test]
fn a_character_set_that_is_not_utf_8_is_refused() {
    let list = b"BEGIN:VCARD\nFN;CHARSET=ISO-8859-1:J\xfcrg\nTEL:1001\nEND:VCARD\n";
    assert_eq!(
        read(&Format::VCard, list),
        ["2:3: expected the character set UTF-8, found `FN;CHARSET=ISO-8859-1:J\u{fffd}rg`", "3 1001 -"]
    );
    assert_eq!(card("FN;CHARSET=ISO-8859-1:Joerg\nTEL:1001"), ["4 1001 Joerg"]);
}

#[test]
fn the_better_name_wins_wherever_it_stands() {
    assert_eq!(card("ORG:Clinic;Desk\nTEL:1001\nN:Lee;Ada;;;\nNICKNAME:Addie"), ["4 1001 Ada Lee"]);
    assert_eq!(card("N:Lee;Ada\nTEL:1001\nFN:Dr. Lee\\; surgeon"), ["4 1001 Dr. Lee; surgeon"]);
    assert_eq!(card("NICKNAME:Addie\nTEL:1001"), ["4 1001 Addie"]);
    assert_eq!(card("FN:1001\nTEL:1001"), ["4 1001 -"]);
}

#[test]
fn what_is_dialled_behind_a_number_does_not_belong_to_it() {
    assert_eq!(card("TEL:+41441234567\\,\\,12"), ["3 +41441234567 -"]);
    assert_eq!(card("TEL;TYPE=WORK:+41441234567;ext=12"), ["3 +41441234567 -"]);
}

#[test]
fn cards_without_begin_or_end_are_reported_and_their_numbers_read() {
    assert_eq!(
        read(&Format::VCard, b"TEL:1001\nBEGIN:VCARD\nTEL:1002\nBEGIN:VCARD\nTEL:1003\nnonsense\nEND:VCARD\nBEGIN:VCARD\nTEL:1004\n"),
        [
            "1:1: expected `BEGIN:VCARD`, found `TEL:1001`",
            "2:1: expected `END:VCARD`, found `BEGIN:VCARD`",
            "3 1002 -",
            "6:1: expected a property such as `TEL:+41791234567`, found `nonsense`",
            "5 1003 -",
            "8:1: expected `END:VCARD`, found `BEGIN:VCARD`",
            "9 1004 -"
        ]
    );
}

#[test]
fn a_photograph_may_be_as_long_as_it_likes_and_a_name_may_not() {
    let long = "A".repeat(200_000);
    assert_eq!(card(&format!("PHOTO;ENCODING=b:{long}\nTEL:1001\nFN:Anna")), ["4 1001 Anna"]);
    let told = card(&format!("FN:{long}\nTEL:1001"));
    assert!(told[0].starts_with("3:65537: expected at most 64 KiB in one row, found `FN:AAA"), "{}", told[0]);
    assert_eq!(told[1], "4 1001 -");
}

#[test]
fn of_more_telephones_than_any_card_has_one_is_reported() {
    let told = card(&"TEL:1001\n".repeat(300));
    assert_eq!(told.len(), 201);
    assert_eq!(told[0], "203:1: expected at most 200 numbers on one card, found `TEL:1001`");
}
