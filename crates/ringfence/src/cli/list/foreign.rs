//! A list in the format of another program, as `list import` is given it.

use std::borrow::Cow;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use ringfence_policy::{Columns, Format};

use super::super::failure::with_hint;
use super::compiled::grouped;
use crate::mapped::Contents;
use crate::user::own_user;

/// Which file, and how it is written.
#[derive(Debug, Args)]
pub(super) struct Foreign {
    /// The file, or - for the standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// How it is written, where neither its name nor its beginning tells: text, csv, vcard, callblocker,
    /// ncid, freeswitch, asterisk
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    format: Option<Format>,

    /// The column of the numbers in a CSV file: its name, or its place counted from 1
    #[arg(long, value_name = "COLUMN")]
    number_column: Option<String>,

    /// The column of the names in a CSV file
    #[arg(long, value_name = "COLUMN")]
    name_column: Option<String>,
}

/// What a file holds.
pub(super) enum Bytes {
    File(Contents),
    Input(Vec<u8>),
}

impl Foreign {
    /// Returns how the file is called in what is told.
    pub(super) fn name(&self) -> Cow<'_, str> {
        if self.is_input() { Cow::Borrowed("standard input") } else { self.file.to_string_lossy() }
    }

    /// Reads the file.
    pub(super) fn open(&self) -> Result<Bytes> {
        if self.is_input() {
            let mut bytes = Vec::new();
            io::stdin()
                .lock()
                .take(MOST_INPUT + 1)
                .read_to_end(&mut bytes)
                .context("cannot read the standard input")?;
            if bytes.len() as u64 > MOST_INPUT {
                return Err(with_hint(
                    "expected at most 256 MiB of standard input",
                    "write it into a file, and name that",
                ));
            }
            return Ok(Bytes::Input(bytes));
        }
        let contents = Contents::open(&self.file, own_user()?).map_err(|error| {
            let hint = error.hint().unwrap_or("name the file of the list, or - for the standard input");
            with_hint(format!("cannot read {}: {error}", self.file.display()), hint)
        })?;
        Ok(Bytes::File(contents))
    }

    /// Returns how it is written.
    pub(super) fn format_of(&self, bytes: &[u8]) -> Result<Format> {
        let path = self.file.to_str().filter(|_| !self.is_input());
        let guess = || Format::guess(path, None, bytes.get(..BEGINNING).unwrap_or(bytes));
        let has_columns = self.number_column.is_some() || self.name_column.is_some();
        let columns = Columns { number: self.number_column.clone(), name: self.name_column.clone() };
        match self.format.clone().or_else(|| has_columns.then(|| Format::Csv(columns.clone()))).or_else(guess)
        {
            Some(Format::Csv(_)) => Ok(Format::Csv(columns)),
            Some(_) if has_columns => {
                Err(with_hint("only a CSV file has columns", "leave --number-column and --name-column out"))
            }
            Some(format) => Ok(format),
            None => Err(with_hint(
                format!("{} looks like no list", self.name()),
                format!("say what it is with --format, one of {}", known()),
            )),
        }
    }

    fn is_input(&self) -> bool {
        self.file == Path::new("-")
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::File(contents) => contents.as_ref(),
            Self::Input(bytes) => bytes,
        }
    }
}

/// Returns a number of entries, as it is told.
pub(super) fn entries(count: u64) -> String {
    format!("{} {}", grouped(count), if count == 1 { "entry" } else { "entries" })
}

/// Reads the name of a format.
pub(super) fn format(name: &str) -> Result<Format, String> {
    Format::parse(name).ok_or_else(|| format!("known are {}", known()))
}

fn known() -> String {
    Format::ALL.map(|format| format.name()).join(", ")
}

/// It is kept in memory; a file is not.
const MOST_INPUT: u64 = 256 * 1024 * 1024;

/// What tells a format from others stands there.
const BEGINNING: usize = 4096;
