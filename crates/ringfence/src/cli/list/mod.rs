//! `ringfence list`

mod check;
mod compile;
mod compiled;
mod export;
mod foreign;
mod import;

use anyhow::Result;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use ringfence_policy::Entry;
use serde::Serialize;

use super::calls::moment;
use super::change::shown;
use super::failure::with_hint;
use super::output::{print, print_json};
use super::{Answer, Context, lists_of};
use crate::config::{ALLOW, Lists, Loaded};
use crate::page::table;
use crate::style::{BAD, DIM, GOOD, paint};

/// Show the lists: what each entry means, where it stands, its comment
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct List {
    #[command(subcommand)]
    verb: Option<Verb>,

    /// Print one JSON object an entry
    #[arg(long)]
    json: bool,

    /// Show one list only
    #[arg(value_name = "LIST")]
    only: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Compile(compile::Compile),
    Check(check::Check),
    Import(import::Import),
    Export(export::Export),
}

#[derive(Serialize)]
struct Row<'a> {
    list: &'a str,
    /// The form in which it is compared.
    pattern: String,
    written: &'a str,
    file: String,
    line: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl List {
    pub(super) fn run(self, context: &Context) -> Result<Answer> {
        match self.verb {
            Some(Verb::Compile(verb)) => return verb.run(context),
            Some(Verb::Check(verb)) => return verb.run(context),
            Some(Verb::Import(verb)) => return verb.run(context),
            Some(Verb::Export(verb)) => return verb.run(context),
            None => {}
        }
        let lists = lists_of(context.reading()?)?;
        let lists: Vec<&Loaded> = match &self.only {
            Some(only) => vec![named(&lists, only)?],
            None => lists.each().iter().collect(),
        };
        let rows = lists.iter().flat_map(|list| list.list.entries().map(|entry| row(list, entry)));
        if self.json {
            rows.into_iter().try_for_each(|row| print_json(&row))?;
            return Ok(Answer::Fine);
        }
        let now = Timestamp::now();
        let rows: Vec<Vec<String>> = rows
            .map(|row| {
                let style = if row.list == ALLOW { GOOD } else { BAD };
                let written = if row.written == row.pattern { String::new() } else { row.written.to_owned() };
                let place = format!("{}:{}", row.file, row.line);
                let remark = remark(&row, now);
                vec![paint(style, row.list), row.pattern, written, place, remark]
            })
            .collect();
        if rows.is_empty() {
            print("no entries\n")?;
        } else {
            print(table(&["LIST", "ENTRY", "WRITTEN AS", "WHERE", "COMMENT"], &rows))?;
        }
        Ok(Answer::Fine)
    }
}

/// Finds a list by its name, or says which there are.
fn named<'a>(lists: &'a Lists, name: &str) -> Result<&'a Loaded> {
    lists.named(name).ok_or_else(|| {
        let known: Vec<&str> = lists.each().iter().map(|list| list.name.as_str()).collect();
        let message = format!("the policy has no list `{name}`");
        with_hint(message, format!("the lists are: {}", known.join(", ")))
    })
}

fn row<'a>(list: &'a Loaded, entry: Entry<'a>) -> Row<'a> {
    let (file, line) = list.place_of(entry);
    Row {
        list: &list.name,
        pattern: entry.pattern().to_string(),
        written: entry.written(),
        file: shown(&file),
        line,
        comment: entry.note(),
        until: entry.until(),
    }
}

/// Returns what was written beside an entry, and when it ends.
fn remark(row: &Row<'_>, now: Timestamp) -> String {
    let until = row.until.map(|until| {
        let verb = if until > now { "until" } else { "ended" };
        paint(DIM, format_args!("{verb} {}", moment(until, now)))
    });
    let parts = row.comment.map(str::to_owned).into_iter().chain(until);
    parts.collect::<Vec<_>>().join(", ")
}
