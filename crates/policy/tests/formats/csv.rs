//! Comma-separated values.

use jiff::Timestamp;
use ringfence_policy::RowFault;

use super::{columns, csv, read};

#[test]
fn the_export_of_freepbx_is_read() {
    assert_eq!(
        read(&csv(), include_bytes!("data/freepbx.csv")),
        ["2 +442079460001 Cold \"caller\" Ltd", "3 08001111 -", "4 442079460002 Survey; weekly"]
    );
}

#[test]
fn complaints_to_the_trade_commission_have_a_subject_and_a_date() {
    let mut rows = csv().read(include_bytes!("data/ftc.csv"));
    let first = rows.next().expect("a row").expect("it can be read");
    assert_eq!(first.number, "3125550177");
    assert_eq!(first.name.as_deref(), Some("Reducing your debt (credit cards, mortgage, student loans)"));
    let date: Timestamp = "2026-03-02T00:00:13Z".parse().expect("a time");
    assert_eq!(first.date, Some(date));
    assert_eq!(rows.by_ref().flatten().count(), 3);
    assert_eq!(rows.without_number(), 1);
}

#[test]
fn every_telephone_of_an_address_book_is_a_row() {
    assert_eq!(
        read(&csv(), include_bytes!("data/google.csv")),
        [
            "2 (312) 555-0111 Ada Lee",
            "2 +1 312-555-0112 Ada Lee",
            "4 312-555-0140 Wine & More",
            "4 312-555-0141 Wine & More"
        ]
    );
}

#[test]
fn an_expression_in_which_the_separator_of_numbers_stands_is_one_entry() {
    assert_eq!(
        read(&csv(), b"number,description\n/^a:::b/,Wine\n0791234567 ::: 0791234568,\n"),
        ["2 /^a:::b/ Wine", "3 0791234567 -", "3 0791234568 -"]
    );
}

#[test]
fn the_delimiter_a_byte_order_mark_and_the_first_line_of_a_spreadsheet_are_recognised() {
    assert_eq!(read(&csv(), include_bytes!("data/excel.csv")), ["3 030 1234567 Muster; Söhne"]);
    assert_eq!(read(&csv(), b"Phone\tNote\r\n0791234567\tWine, more\r\n"), ["2 0791234567 Wine, more"]);
    assert_eq!(read(&csv(), b"tel;name\n0791234567;Wine, more\n"), ["2 0791234567 Wine, more"]);
}

#[test]
fn columns_are_found_by_the_name_that_is_asked_for() {
    let list = b"Id,Phone,Company,Contact\n7,0791234567,Wine,Anna\n";
    assert_eq!(read(&columns("phone", Some("contact")), list), ["2 0791234567 Anna"]);
    assert_eq!(read(&columns("PHONE", None), list), ["2 0791234567 Wine"]);
    assert_eq!(read(&columns("2", Some("4")), list), ["2 0791234567 Anna"]);
    let error = columns("mobile", None).read(list).next().expect("a row").unwrap_err();
    assert_eq!(error.fault(), RowFault::NoSuchColumn);
    assert_eq!(
        error.to_string(),
        "1:1: expected a column of the name that was asked for, found `Id,Phone,Company,Contact`"
    );
}

#[test]
fn a_file_without_names_of_columns_begins_with_its_first_row() {
    assert_eq!(read(&csv(), b"Wine,+41 79 123 45 67,weekly\n"), ["1 +41 79 123 45 67 weekly"]);
    assert_eq!(read(&csv(), b"0791234567\n0791234568\n"), ["1 0791234567 -", "2 0791234568 -"]);
    assert_eq!(
        read(&csv(), b"Shop,City\nWine,Bern\n"),
        ["1:1: expected names of columns, one of them for the numbers, found `Shop,City`"]
    );
}

#[test]
fn a_quote_without_its_second_costs_one_line() {
    let list = b"number,name\n1001,\"Wine\n1002,Cheese\n1003,\"Bread\" and butter\n1004,\"Salt\"\n";
    assert_eq!(
        read(&csv(), list),
        [
            "2:6: expected a quote that ends this field, found `\"Wine`",
            "3 1002 Cheese",
            "4:14: expected a delimiter or the end of the line behind the quote, found `and butter`",
            "5 1004 Salt"
        ]
    );
}

#[test]
fn a_quote_that_is_closed_far_below_takes_the_lines_between_as_its_field() {
    assert_eq!(read(&csv(), b"number,name\n1001,\"two\nlines\"\n1002,\n"), ["2 1001 two\nlines", "4 1002 -"]);
}

#[test]
fn what_is_wrong_with_a_field_is_told_where_it_stands() {
    let list = b"name,number,until\nAnna\nB\xe9rt,1002,\nCem,1\x003,\nDora,1004,soon\nEmil,1005,2026-04-01\n";
    assert_eq!(
        read(&csv(), list),
        [
            "2:1: expected the number in field 2, found 1 field: `Anna`",
            "3:2: expected UTF-8 text, found `\u{fffd}rt,1002,`",
            "4:5: expected text without zero bytes, found `1·3,`",
            "5:11: expected a time such as 2026-12-31 or 2026-12-31T18:00:00Z, found `soon`",
            "6 1005 Emil"
        ]
    );
}

#[test]
fn a_text_in_utf_16_is_refused_whole() {
    let error = csv().read(b"\xff\xfen\0u\0m\0").next().expect("a row").unwrap_err();
    assert_eq!(
        (error.fault(), error.hint()),
        (RowFault::Utf16, Some("iconv -f utf-16 -t utf-8 converts it"))
    );
}

#[test]
fn how_often_a_number_was_complained_of_is_its_weight() {
    let rows: Vec<_> = csv().read(b"phone,votes\n0791234567,12\n0791234568,\n").flatten().collect();
    assert_eq!(rows.iter().map(|row| row.weight).collect::<Vec<_>>(), [12, 1]);
}

#[test]
fn several_numbers_of_a_field_may_have_semicolons_between_them() {
    assert_eq!(
        read(&csv(), b"number,name\n\"+493012345685; +493012345686\",Wine\n+493012345687;ext=2,Tea\n"),
        ["2 +493012345685 Wine", "2 +493012345686 Wine", "3 +493012345687;ext=2 Tea"]
    );
}

#[test]
fn a_number_that_a_spreadsheet_wrote_with_a_fraction_has_none() {
    assert_eq!(
        read(&csv(), b"number\n493012345680.0\n\"493012345681.0\"\n+41.79.123.45.0\n/.0/\n"),
        ["2 493012345680 -", "3 493012345681 -", "4 +41.79.123.45.0 -", "5 /.0/ -"]
    );
}
