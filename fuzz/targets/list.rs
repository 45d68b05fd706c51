//! A list: its format on the first line, and the file. CSV may name its columns: `csv NUMBER NAME`.

use std::sync::Arc;

use jiff::Timestamp;
use ringfence_policy::{Caller, Columns, Format, List, Policy, Region, Row, check};

/// Every file is read to its end; what is wrong has its place, and what is right can be looked up and written again.
pub fn run(bytes: &[u8]) {
    let (first, file) = bytes.iter().position(|byte| *byte == b'\n').map_or((bytes, &[][..]), |end| {
        let (first, rest) = bytes.split_at(end);
        (first, &rest[1..])
    });
    let first = String::from_utf8_lossy(first);
    let _ = Format::guess(Some(&first), Some(&first), file).map(|format| rows(&format, file));
    let mut words = first.split(' ');
    let Some(format) = words.next().and_then(Format::parse) else { return };
    let mut column = || words.next().map(str::to_owned);
    let format = match format {
        Format::Csv(_) => Format::Csv(Columns { number: column(), name: column() }),
        Format::Text
        | Format::VCard
        | Format::CallBlocker
        | Format::Ncid
        | Format::FreeSwitch
        | Format::Asterisk => format,
    };
    let rows = rows(&format, file);
    written_again(&rows);
    looked_up(&format, file, &rows);
}

/// Reads all rows. An error points into its line.
fn rows<'a>(format: &Format, file: &'a [u8]) -> Vec<Row<'a>> {
    let lines = file.split(|byte| *byte == b'\n').count();
    let mut rows = format.read(file);
    let mut read = Vec::new();
    for row in rows.by_ref() {
        let line = row.as_ref().map_or_else(ringfence_policy::RowError::line, |row| row.line) as usize;
        assert!((1..=lines).contains(&line), "line {line} of {lines}");
        match row {
            Ok(row) => read.push(row),
            Err(error) => {
                let length = file.split(|byte| *byte == b'\n').nth(line - 1).map_or(0, <[u8]>::len);
                assert!((1..=length + 1).contains(&(error.column() as usize)), "{error} of {length} bytes");
                assert!(error.text().chars().count() <= 80);
                assert!(!error.to_string().contains(char::is_control), "{error}");
            }
        }
    }
    assert!(rows.next().is_none());
    let is_utf16 = file.starts_with(b"\xff\xfe") || file.starts_with(b"\xfe\xff");
    assert!(is_utf16 || rows.position() == file.len(), "{} of {}", rows.position(), file.len());
    read
}

/// What is written can be read without an error, in every format.
fn written_again(rows: &[Row<'_>]) {
    let swiss = Region::parse("CH").expect("a country");
    // Numbers are patterns in their own form, as who writes a list has them.
    let rows: Vec<Row<'_>> = rows
        .iter()
        .take(64)
        .filter_map(|row| {
            let pattern = ringfence_policy::Pattern::parse(&row.number, swiss).ok()?;
            Some(Row { number: pattern.to_string().into(), ..row.clone() })
        })
        .collect();
    for format in Format::ALL {
        let mut text = String::new();
        let written = format.write("reject", &rows, &mut text).expect("a text takes everything");
        assert_eq!(written.rows + written.left_out, rows.len() as u64);
        let read = format.read(text.as_bytes()).map(|row| row.expect("what is written can be read"));
        assert_eq!(read.count() as u64, written.rows, "{format}: {text:?}");
    }
}

/// The rows are on the list, or reported, and a policy of them decides.
fn looked_up(format: &Format, file: &[u8], rows: &[Row<'_>]) {
    let swiss = Region::parse("CH").expect("a country");
    let mut builder = List::builder("reject");
    let tally = builder.read_since(format, "list", file, swiss, Some(Timestamp::UNIX_EPOCH));
    assert_eq!(tally.rows + tally.older, rows.len() as u64);
    let (list, errors) = builder.build();
    for error in &errors {
        let told = format!("{error}{}", error.hint().unwrap_or_default());
        assert!(!told.contains(char::is_control), "{told:?}");
    }
    for row in rows.iter().take(64) {
        let caller = Caller::told(&row.number);
        let found = list.find(&caller.identify(swiss), Timestamp::UNIX_EPOCH);
        let _ = found.map(|entry| (entry.pattern().to_string(), entry.origin().to_string()));
    }
    let allow = Arc::new(List::empty("allow"));
    // A list that refuses an emergency number makes none.
    let Ok(policy) = Policy::of_lists(swiss, allow, Arc::new(list)) else { return };
    let findings = check(&policy);
    assert!(findings.iter().all(|finding| !finding.message().is_empty()));
}
