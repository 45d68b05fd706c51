//! `ringfence list`

mod check;
mod compile;
mod compiled;
mod export;
mod foreign;
mod import;
pub(super) mod remembered;

use anyhow::Result;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use ringfence_policy::Entry;
use serde::Serialize;

use super::calls::moment;
use super::change::shown;
use super::failure::with_hint;
use super::output::{print, print_json};
use super::withheld::Withheld;
use super::{Answer, Context, caller, lists_of};
use crate::config::{ALLOW, Lists, Loaded};
use crate::journal::Added;
use crate::page::table;
use crate::style::{BAD, DIM, GOOD, paint};
use crate::visible::visible;

/// Show the lists: each entry, where it stands, until when it holds, its comment
///
/// What rules and people have put on a list for a time is shown too: the journal keeps it.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct List {
    #[command(subcommand)]
    verb: Option<Verb>,

    #[command(flatten)]
    withheld: Withheld,

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
    /// Where it is written; an entry of the journal is written nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
    /// When it was added, and the rule that did: of an entry of the journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl List {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        match self.verb {
            Some(Verb::Compile(verb)) => return verb.run(context),
            Some(Verb::Check(verb)) => return verb.run(context),
            Some(Verb::Import(verb)) => return verb.run(context).await,
            Some(Verb::Export(verb)) => return verb.run(context),
            None => {}
        }
        let lists = lists_of(context.reading()?)?;
        let lists: Vec<&Loaded> = match &self.only {
            Some(only) => vec![named(&lists, only)?],
            None => lists.each().iter().collect(),
        };
        let now = Timestamp::now();
        let remembered = remembered::entries(context, now).await?;
        let is_shown = |added: &&Added| self.only.as_ref().is_none_or(|only| *only == added.list);
        let rows = lists.iter().flat_map(|list| list.list.entries().map(|entry| row(list, entry)));
        let rows =
            rows.chain(remembered.iter().filter(is_shown).map(|added| added_row(added, self.withheld)));
        if self.json {
            rows.into_iter().try_for_each(|row| print_json(&row))?;
            return Ok(Answer::Fine);
        }
        let rows: Vec<Vec<String>> = rows
            .map(|row| {
                let style = if row.list == ALLOW { GOOD } else { BAD };
                let written = if row.written == row.pattern { String::new() } else { row.written.to_owned() };
                let (place, until, remark) = (place(&row), until(&row, now), remark(&row));
                vec![paint(style, visible(row.list)), entry(&row), written, place, until, remark]
            })
            .collect();
        if rows.is_empty() {
            print("no entries\n")?;
        } else {
            print(table(&["LIST", "ENTRY", "WRITTEN AS", "WHERE", "UNTIL", "COMMENT"], &rows))?;
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
        file: Some(shown(&file)),
        line: Some(line),
        comment: entry.note(),
        added: None,
        rule: None,
        until: entry.until(),
    }
}

fn added_row(added: &Added, withheld: Withheld) -> Row<'_> {
    let entry = withheld.entry(added);
    Row {
        list: &added.list,
        pattern: entry.to_owned(),
        written: entry,
        file: None,
        line: None,
        comment: added.note.as_deref(),
        added: Some(added.at),
        rule: added.rule.as_deref(),
        until: added.until,
    }
}

/// Returns an entry as it is shown: what a stranger calls itself in quotes.
fn entry(row: &Row<'_>) -> String {
    let is_callers_word = row.file.is_none() && row.pattern != Added::WITHHELD;
    if is_callers_word { caller::told(&row.pattern) } else { visible(&row.pattern) }
}

fn place(row: &Row<'_>) -> String {
    match (&row.file, row.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(_) | None, _) => "journal".to_owned(),
    }
}

/// Returns when an entry ends.
fn until(row: &Row<'_>, now: Timestamp) -> String {
    row.until.map_or_else(String::new, |until| {
        let ended = if until > now { "" } else { " (ended)" };
        paint(DIM, format_args!("{}{ended}", moment(until, now)))
    })
}

/// Returns what was written beside an entry, and which rule put it there.
fn remark(row: &Row<'_>) -> String {
    let rule = row.rule.map(|rule| format!("by rule {}", visible(rule)));
    rule.into_iter().chain(row.comment.map(visible)).collect::<Vec<_>>().join(": ")
}
