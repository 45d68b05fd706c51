//! `ringfence list compile`

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use ringfence_policy::{Columns, Format, Number, Pattern, Region, Set, SetFull, SetWriter, Written};

use super::super::failure::with_hint;
use super::super::output::print;
use super::super::{Answer, Context};
use super::compiled::{bar, counted, grouped, opened, replace};
use crate::mapped::Contents;
use crate::style::{BAD, STRONG, paint};
use crate::user::own_user;

/// Compile lists into one file that is used where it lies, for millions of numbers
///
/// A compiled list opens at once, however long it is, and takes at most 6 bytes of it for each of
/// ten million numbers. It keeps full numbers, and the few prefixes, ranges and words beside them;
/// names, comments and what has an end are left out. Name it in the configuration as
/// `source = "set:FILE"`. A running `ringfence` takes the new file as a whole, while calls go on.
#[derive(Debug, Args)]
pub(super) struct Compile {
    /// Lists of the configuration, or files of any format that is known, compiled ones among them
    #[arg(value_name = "LIST|FILE", required = true)]
    sources: Vec<PathBuf>,

    /// Where the compiled list goes; what stands there is replaced when all is well
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// The country whose habits the numbers of the files follow, such as US [default: the configuration's]
    #[arg(long, value_name = "COUNTRY")]
    region: Option<Region>,

    /// How the files are written, where neither their names nor their beginnings tell
    #[arg(long, value_name = "FORMAT")]
    format: Option<String>,

    /// The column of the numbers in a CSV file: its name, or its place counted from 1
    #[arg(long, value_name = "COLUMN")]
    number_column: Option<String>,

    /// The name that the compiled list tells [default: that of the file]
    #[arg(long)]
    name: Option<String>,
}

impl Compile {
    pub(super) fn run(self, context: &Context) -> Result<Answer> {
        let name =
            self.name.clone().or_else(|| Some(self.output.file_stem()?.to_string_lossy().into_owned()));
        let sources: Vec<_> = self.sources.iter().map(|source| source.to_string_lossy()).collect();
        let writer = SetWriter::new(&name.unwrap_or_default(), Timestamp::now()).source(&sources.join(", "));
        let mut reading = Reading { writer, wrong: Wrong::default(), temporary: 0, without_number: 0 };
        for source in &self.sources {
            self.read(source, context, &mut reading)?;
        }
        reading.wrong.tell();
        if reading.writer.is_empty() && reading.wrong.count > 0 {
            let hint = "say what the files are with --format";
            return Err(with_hint("nothing was compiled: no entry can be read", hint));
        }
        let left_out = [
            (reading.temporary, "left out: they have an end"),
            (reading.without_number, "left out: they have no number"),
            (reading.wrong.count, "left out: they cannot be read"),
        ];
        let written = replace(reading.writer, &self.output)?;
        print(told(&written, &left_out, &self.output))?;
        Ok(Answer::Fine)
    }

    fn read(&self, source: &Path, context: &Context, reading: &mut Reading) -> Result<()> {
        let name = source.to_str().filter(|_| !source.exists() && source.components().count() == 1);
        let lists = name.and_then(|_| context.reading().ok()).and_then(|reading| reading.lists);
        match lists.as_ref().zip(name).and_then(|(lists, name)| lists.named(name)) {
            Some(list) => {
                for entry in list.list.entries() {
                    match entry.until() {
                        None => reading.push(&entry.pattern())?,
                        Some(_) => reading.temporary += 1,
                    }
                }
                let mut compiled = list.list.sets().flat_map(Set::iter);
                compiled.try_for_each(|number| reading.push(&Pattern::Exact(Number::E164(number))))?;
                Ok(())
            }
            None => self.read_file(source, context, reading),
        }
    }

    fn read_file(&self, path: &Path, context: &Context, reading: &mut Reading) -> Result<()> {
        let contents = Contents::open(path, own_user()?).map_err(|error| {
            let hint = error.hint().unwrap_or("name a list of the configuration, or a file");
            with_hint(format!("cannot read {}: {error}", path.display()), hint)
        })?;
        if Set::is_compiled(contents.as_ref()) {
            return read_compiled(contents, path, reading);
        }
        let bytes = contents.as_ref();
        let format = self.format_of(path, bytes)?;
        let region = self.region(context)?;
        let bar = bar(bytes.len(), path);
        let mut rows = format.read(bytes);
        while let Some(row) = rows.next() {
            match row {
                Ok(row) => match Pattern::parse(row.number.trim(), region) {
                    Ok(_) if row.until.is_some() => reading.temporary += 1,
                    Ok(pattern) => reading.push(&pattern)?,
                    Err(error) => reading.wrong.add(path, row.line, &error.without_words()),
                },
                Err(error) => reading.wrong.add_row(path, &error.without_words()),
            }
            bar.set_position(rows.position() as u64);
        }
        reading.without_number += rows.without_number();
        bar.finish_and_clear();
        Ok(())
    }

    fn format_of(&self, path: &Path, bytes: &[u8]) -> Result<Format> {
        let format = match &self.format {
            Some(name) => Format::parse(name),
            None => Format::guess(path.to_str(), None, bytes.get(..BEGINNING).unwrap_or(bytes)),
        };
        let known = Format::ALL.map(|format| format.name()).join(", ");
        match format {
            Some(Format::Csv(_)) => {
                Ok(Format::Csv(Columns { number: self.number_column.clone(), ..Columns::default() }))
            }
            Some(format) => Ok(format),
            None => Err(with_hint(
                format!("{} looks like no list", path.display()),
                format!("say what it is with --format, one of {known}"),
            )),
        }
    }

    fn region(&self, context: &Context) -> Result<Region> {
        let configured =
            || context.reading().ok().and_then(|reading| reading.lists).map(|lists| lists.region);
        self.region.or_else(configured).ok_or_else(|| {
            with_hint("it is not known of which country the numbers are", "say so with --region, such as US")
        })
    }
}

/// What was read so far.
struct Reading {
    writer: SetWriter,
    wrong: Wrong,
    /// Entries that have an end.
    temporary: u64,
    /// Rows such as complaints of withheld calls.
    without_number: u64,
}

impl Reading {
    fn push(&mut self, pattern: &Pattern) -> Result<()> {
        self.writer.push(pattern).map_err(|full| {
            let hint = match full {
                SetFull::Numbers => "compile it into several lists",
                SetFull::Others => "write those entries into a text file, beside the compiled list",
            };
            with_hint(full.to_string(), hint)
        })
    }
}

/// What could not be read: the first few, and how many.
#[derive(Default)]
struct Wrong {
    first: Vec<String>,
    count: u64,
}

impl Wrong {
    fn add(&mut self, path: &Path, line: u32, error: &impl std::fmt::Display) {
        self.note(|| format!("{}:{line}: {error}", path.display()));
    }

    /// Adds an error that says its line itself.
    fn add_row(&mut self, path: &Path, error: &impl std::fmt::Display) {
        self.note(|| format!("{}:{error}", path.display()));
    }

    fn note(&mut self, text: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < MOST_TOLD {
            self.first.push(text());
        }
    }

    fn tell(&self) {
        for wrong in &self.first {
            anstream::eprintln!("{} {wrong}", paint(BAD, "not read:"));
        }
        let more = self.count - self.first.len() as u64;
        if more > 0 {
            anstream::eprintln!("{} {more} more entries", paint(BAD, "not read:"));
        }
    }
}

fn read_compiled(contents: Contents, path: &Path, reading: &mut Reading) -> Result<()> {
    let set = opened(contents, path)?;
    let bar = bar(set.len(), path);
    for (index, number) in (1..).zip(set.iter()) {
        reading.push(&Pattern::Exact(Number::E164(number)))?;
        bar.set_position(index);
    }
    bar.finish_and_clear();
    // They mean the same in every region.
    let Some(any) = Region::all().next() else { return Ok(()) };
    for line in set.others().lines() {
        match Pattern::parse(line, any) {
            Ok(pattern) => reading.push(&pattern)?,
            Err(error) => reading.wrong.note(|| format!("{}: {error}", path.display())),
        }
    }
    Ok(())
}

/// Tells what was compiled, and what was not.
fn told(written: &Written, left_out: &[(u64, &str)], output: &Path) -> String {
    let Written { numbers, others, repeated, bytes } = *written;
    let numbers = numbers as u64;
    let each = match (bytes * 10).checked_div(numbers) {
        Some(tenths) if numbers >= MANY => format!(", {}.{} bytes a number", tenths / 10, tenths % 10),
        Some(_) | None => String::new(),
    };
    let file = paint(STRONG, output.display());
    let compiled = counted(numbers, "number");
    let mut text = format!("compiled {compiled} into {file}: {} bytes{each}\n", grouped(bytes));
    let kept = [
        (others as u64, "kept as text: prefixes, ranges, words"),
        (repeated, "left out: they repeat another"),
    ];
    for (count, what) in kept.iter().chain(left_out).filter(|(count, _)| *count > 0) {
        let _ = writeln!(text, "{:>12} {what}", grouped(*count));
    }
    text
}

/// Where the tables are all that counts, not the header.
const MANY: u64 = 100_000;

/// Who reads of wrong entries reads the first of them.
const MOST_TOLD: usize = 10;

/// What tells a format from others stands there.
const BEGINNING: usize = 4096;
