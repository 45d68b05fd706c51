//! `ringfence list export`

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use ringfence_policy::{Columns, Format, Row, Set};

use super::super::change::shown;
use super::super::failure::{hint, with_hint};
use super::super::output::print;
use super::super::{Answer, Context, lists_of, target};
use super::compiled::bar;
use super::foreign::{entries, format};
use super::named;
use crate::config::edit::{self, EditError};

/// Write a list for another program
///
/// The format is the one of the file's name, or else text. What it cannot carry is left out and counted:
/// a vCard holds numbers, but no prefix. Exits 1 if something was left out.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The list
    #[arg(value_name = "LIST")]
    list: String,

    /// How to write it: text, csv, vcard, callblocker, ncid, freeswitch, asterisk
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    format: Option<Format>,

    /// The column of the numbers in a CSV file [default: number]
    #[arg(long, value_name = "COLUMN")]
    number_column: Option<String>,

    /// The column of the names in a CSV file [default: description]
    #[arg(long, value_name = "COLUMN")]
    name_column: Option<String>,

    /// Where to write it [default: the standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Overwrite a file that is there; one of the program's own is never overwritten
    #[arg(long, requires = "output")]
    force: bool,
}

impl Export {
    pub(super) fn run(self, context: &Context) -> Result<Answer> {
        let reading = context.reading()?;
        if let Some(file) = &self.output {
            target::accept(file, &reading, self.force)?;
        }
        let lists = lists_of(reading)?;
        let list = named(&lists, &self.list)?;
        let format = self.format();
        let bar = bar(list.list.len(), self.list.as_ref());
        let rows = list.list.entries().map(|entry| {
            bar.inc(1);
            let row = Row::new(entry.pattern().to_string()).named(entry.note().unwrap_or_default());
            Row { until: entry.until(), weight: entry.weight(), ..row }
        });
        let compiled = list.list.sets().flat_map(Set::iter).map(|number| {
            bar.inc(1);
            Row::new(number.to_string())
        });
        let rows: Vec<Row<'_>> = rows.chain(compiled).collect();
        let mut text = String::new();
        let exported = format.write(&self.list, &rows, &mut text)?;
        bar.finish_and_clear();
        match &self.output {
            Some(file) => {
                // Written beside and renamed: nobody reads half of it.
                edit::replace(file, &text).map_err(|error| unwritten(file, &error))?;
                let written = entries(exported.rows);
                print(format_args!(
                    "wrote {written} of the {} list to {} ({format})\n",
                    self.list,
                    shown(file)
                ))?;
            }
            None => print(text)?,
        }
        if exported.left_out > 0 {
            let left_out = entries(exported.left_out);
            anstream::eprintln!("{left_out} left out: {format} cannot carry them");
            hint("--format csv carries everything");
        }
        Ok(Answer::of(exported.left_out == 0))
    }

    fn format(&self) -> Format {
        let path = self.output.as_deref().and_then(|path| path.to_str());
        let guess = || path.and_then(|path| Format::guess(Some(path), None, b""));
        let columns = Columns { number: self.number_column.clone(), name: self.name_column.clone() };
        let format = self.format.clone().or_else(guess).unwrap_or(Format::Text);
        if matches!(format, Format::Csv(_)) { Format::Csv(columns) } else { format }
    }
}

fn unwritten(file: &Path, error: &EditError) -> anyhow::Error {
    let why = match error {
        EditError::Io { source, .. } => source.to_string(),
        EditError::Format { message, .. } => message.clone(),
    };
    with_hint(format!("cannot write {}: {why}", file.display()), "name a file in a directory of yours")
}
