//! Lists in the formats of other programs, as those programs write them.

#[path = "formats/callblocker.rs"]
mod callblocker;
#[path = "formats/csv.rs"]
mod csv;
#[path = "formats/feed.rs"]
mod feed;
#[path = "formats/guess.rs"]
mod guess;
#[path = "formats/plain.rs"]
mod plain;
#[path = "formats/properties.rs"]
mod properties;
#[path = "formats/vcard.rs"]
mod vcard;

use ringfence_policy::{Columns, Format};

/// Reads a list, and tells of each row its line, number and name, or what is wrong with it.
fn read(format: &Format, bytes: &[u8]) -> Vec<String> {
    let rows = format.read(bytes).map(|row| match row {
        Ok(row) => format!("{} {} {}", row.line, row.number, row.name.as_deref().unwrap_or("-")),
        Err(error) => error.to_string(),
    });
    rows.collect()
}

fn csv() -> Format {
    Format::Csv(Columns::default())
}

fn columns(number: &str, name: Option<&str>) -> Format {
    Format::Csv(Columns { number: Some(number.to_owned()), name: name.map(str::to_owned) })
}
