//! Lists in the formats of other programs, as those programs write them.

#[path = "formats/callblocker.rs"]
mod callblocker;
#[path = "formats/csv.rs"]
mod csv;
#[path = "formats/feed.rs"]
mod feed;
#[path = "../../../tests/fixed_seed.rs"]
mod fixed_seed;
#[path = "formats/guess.rs"]
mod guess;
#[path = "formats/plain.rs"]
mod plain;
#[path = "formats/properties.rs"]
mod properties;
#[path = "formats/vcard.rs"]
mod vcard;

use ringfence_policy::{Columns, Format, Row};

/// Reads a list, and tells of each row its line, number and name, or what is wrong with it.
fn read(format: &Format, bytes: &[u8]) -> Vec<String> {
    let rows = format.read(bytes).map(|row| match row {
        Ok(row) => format!("{} {} {}", row.line, row.number, row.name.as_deref().unwrap_or("-")),
        Err(error) => error.to_string(),
    });
    rows.collect()
}

#[test]
fn a_name_that_a_spreadsheet_would_run_has_an_apostrophe_in_csv_and_none_when_it_is_read() {
    let names = ["=cmd()", "+1", "-x", "@x", "'=quoted", "'tis", "Zoë"];
    let rows: Vec<_> = names.iter().map(|name| Row::new("+41791234567").named(*name)).collect();
    let mut text = String::new();
    csv().write("reject", &rows, &mut text).unwrap();
    let written =
        "'=cmd()|'+1|'-x|'@x|''=quoted|'tis|Zoë".split('|').map(|name| format!("+41791234567,{name}\r\n"));
    assert_eq!(text, format!("number,description\r\n{}", written.collect::<String>()));
    let read =
        csv().read(text.as_bytes()).map(|row| row.unwrap().name.unwrap().into_owned()).collect::<Vec<_>>();
    assert_eq!(read, names);
}

fn csv() -> Format {
    Format::Csv(Columns::default())
}

fn columns(number: &str, name: Option<&str>) -> Format {
    Format::Csv(Columns { number: Some(number.to_owned()), name: name.map(str::to_owned) })
}
