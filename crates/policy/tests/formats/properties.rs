//! What holds for every file, and for every list that is written and read again.

use jiff::Timestamp;
use proptest::prelude::*;

use super::fixed_seed::configuration;
use ringfence_policy::{Columns, Format, Row};

fn any_format() -> impl Strategy<Value = Format> {
    let asked_for = Format::Csv(Columns { number: Some("2".to_owned()), name: Some("name".to_owned()) });
    proptest::sample::select(Format::ALL.into_iter().chain([asked_for]).collect::<Vec<_>>())
}

/// What files are made of, so that what is read is not all wrong at its first byte.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let parts: Vec<&'static [u8]> = vec![
        b"\n",
        b"\r\n",
        b"\r",
        b"\"",
        b"\"\"",
        b",",
        b";",
        b"\t",
        b" ",
        b"\\",
        b"\0",
        b"#",
        b"#=",
        b"^",
        b"^1?",
        b"+41791234567",
        b"0791234567",
        b"1001",
        b"*",
        b"number",
        b"phone,name\n",
        b"Phone 1 - Value,Notes\n",
        b"BEGIN:VCARD\n",
        b"END:VCARD\n",
        b"TEL:",
        b"TEL;TYPE=\"a:b\":tel:",
        b"FN:",
        b"N:a;b",
        b"item1.",
        b";ENCODING=QUOTED-PRINTABLE:=\n",
        b";CHARSET=X:",
        b"\n ",
        b"{\"entries\":[",
        b"{\"number\":\"",
        b"\",\"name\":\"",
        b"\"}",
        b"[",
        b"]",
        b"{",
        b"}",
        b":",
        b"/blacklist/",
        b" : ",
        b"database put blacklist ",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xc3\xa9",
        b"\xe9",
        b"sep=;\n",
        b":::",
        b"2026-04-01",
        b"until",
        b";phone-context=+41",
    ];
    let parts =
        proptest::collection::vec(proptest::sample::select(parts), 0..60).prop_map(|parts| parts.concat());
    prop_oneof![4 => parts, 1 => proptest::collection::vec(any::<u8>(), 0..400)]
}

fn full_number() -> impl Strategy<Value = String> {
    prop_oneof!["\\+1[2-9][02-9][0-9][2-9][02-9][0-9]{5}", "\\+4179[0-9]{7}", "\\+44207946[0-9]{4}"]
}

fn any_pattern() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => full_number(),
        2 => "\\+(1[2-9][0-9]{0,5}|41[1-9][0-9]{0,5})\\*",
        1 => "(anonymous|unavailable|invalid|sip:alice|internal:10[0-9]{2})",
        1 => "\\+4144255[0-4]{4}\\.\\.\\+4144255[5-9]{4}",
        1 => "/\\^\\\\\\+44[a-z#;,\" ]{0,6}x/",
    ]
}

/// A name as a list keeps it: on one line, with nothing around it.
fn any_name() -> impl Strategy<Value = Option<String>> {
    let plain = prop_oneof!["[A-Za-zäöü0-9 ,;:\"'\\\\#=+|()*/-]{0,30}", "[^\\p{C}]{0,100}"];
    plain.prop_map(|name| Some(name.trim().to_owned()).filter(|name| !name.is_empty()))
}

fn any_rows() -> impl Strategy<Value = Vec<Row<'static>>> {
    let time = proptest::option::weighted(0.2, 0_i64..4_000_000_000);
    let row =
        (any_pattern(), any_name(), time.clone(), time, prop_oneof![4 => Just(1_u32), 1 => any::<u32>()]);
    let row = row.prop_map(|(number, name, date, until, weight)| {
        let at = |second| Timestamp::from_second(second).expect("a time of this century or the next");
        Row {
            date: date.map(at),
            until: until.map(at),
            weight,
            ..Row::new(number).named(name.unwrap_or_default())
        }
    });
    proptest::collection::vec(row, 0..12)
}

/// Writes rows, and returns them as they are read again, all on line 0.
fn again(format: &Format, rows: &[Row<'static>]) -> (String, u64, Vec<Row<'static>>) {
    let mut text = String::new();
    let written = format.write("reject", rows, &mut text).expect("a text takes everything");
    assert_eq!(written.rows + written.left_out, rows.len() as u64);
    let read = format.read(text.as_bytes()).map(|row| row.expect("what is written can be read"));
    let read = read.map(|row| Row {
        line: 0,
        number: row.number.into_owned().into(),
        name: row.name.map(|name| name.into_owned().into()),
        ..row
    });
    let read = read.collect();
    (text, written.left_out, read)
}

proptest! {
    #![proptest_config(configuration())]

    #[test]
    fn every_file_is_read_to_its_end(format in any_format(), file in any_file()) {
        let mut rows = format.read(&file);
        let lines = file.split(|byte| *byte == b'\n').count();
        for row in rows.by_ref() {
            let line = row.map_or_else(|error| error.line(), |row| row.line);
            prop_assert!((1..=lines).contains(&(line as usize)), "line {line} of {lines}");
        }
        prop_assert!(rows.next().is_none());
        prop_assert!(file.starts_with(b"\xff\xfe") || file.starts_with(b"\xfe\xff") || rows.position() == file.len());
    }

    #[test]
    fn an_error_points_into_its_line(format in any_format(), file in any_file()) {
        for error in format.read(&file).filter_map(Result::err) {
            prop_assert!(error.text().chars().count() <= 80);
            prop_assert!(error.column() >= 1);
            let line = file.split(|byte| *byte == b'\n').nth(error.line() as usize - 1).expect("the line is there");
            prop_assert!(error.column() as usize <= line.len() + 1, "{error} of {} bytes", line.len());
        }
    }

    #[test]
    fn csv_carries_every_row(rows in any_rows()) {
        prop_assert_eq!(again(&Format::Csv(Columns::default()), &rows).2, rows);
    }

    #[test]
    fn text_carries_what_has_no_end(rows in any_rows()) {
        let rows: Vec<_> = rows.into_iter().map(plain).filter(|row| row.until.is_none()).collect();
        let (_, left_out, read) = again(&Format::Text, &rows);
        let rows: Vec<_> = rows.into_iter().filter(|row| !row.number.contains(" #")).collect();
        prop_assert!(read == rows, "{read:?} {rows:?}");
        prop_assert!(left_out <= 12);
    }

    #[test]
    fn callblocker_carries_numbers_and_beginnings(rows in any_rows()) {
        let (_, _, read) = again(&Format::CallBlocker, &rows);
        let carried: Vec<_> = rows.iter().filter(|row| read.contains(row)).cloned().collect();
        prop_assert_eq!(&read, &carried);
        let numbers = rows.iter().filter(|row| row.number.starts_with('+') && !row.number.contains(['*', '.']));
        prop_assert!(numbers.clone().all(|row| read.contains(row)));
    }

    #[test]
    fn ncid_carries_numbers_and_beginnings(rows in any_rows()) {
        let rows: Vec<_> = rows.into_iter().map(plain).filter(|row| row.until.is_none()).collect();
        let (text, _, read) = again(&Format::Ncid, &rows);
        let words = ["anonymous", "unavailable"];
        let carried = rows.iter().filter(|row| {
            words.contains(&&*row.number) || row.number.starts_with('+') && !row.number.contains("..")
        });
        let carried: Vec<_> = carried.cloned().collect();
        prop_assert!(read == carried, "{text}");
    }

    #[test]
    fn a_card_and_a_database_carry_numbers_with_their_names(rows in any_rows()) {
        let rows: Vec<_> = rows.into_iter().map(plain).filter(|row| row.until.is_none()).collect();
        let numbers: Vec<_> =
            rows.iter().filter(|row| row.number.starts_with('+') && !row.number.contains(['*', '.'])).cloned().collect();
        prop_assert_eq!(again(&Format::VCard, &rows).2, numbers.clone());
        let unnamed = |row: &Row<'static>| Row { name: None, ..row.clone() };
        let read = again(&Format::FreeSwitch, &rows).2;
        prop_assert_eq!(read, numbers.iter().map(unnamed).collect::<Vec<_>>());
        let read: Vec<_> = again(&Format::Asterisk, &rows).2.into_iter().filter(|row| row.number != "anonymous").collect();
        let reasons = numbers.iter().map(|row| if row.name.as_deref() == Some("1") { unnamed(row) } else { row.clone() });
        prop_assert_eq!(read, reasons.collect::<Vec<_>>());
    }
}

/// A row without what only CSV and JSON can say.
fn plain(row: Row<'static>) -> Row<'static> {
    Row { date: None, weight: 1, ..row }
}
