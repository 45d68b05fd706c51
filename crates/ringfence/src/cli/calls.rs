//! `ringfence calls`

mod filter;
mod known;
mod row;

use std::collections::HashMap;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;

use self::filter::{Filter, is_asked_for};
use self::known::{Kind, Known};
#[cfg(test)]
pub(super) use self::row::tests::call as a_call;
use self::row::{COLUMN, COLUMNS, decided, fields};
pub(super) use self::row::{Handle, caller_of, ended, moment, verdict, who};
use super::output::{print, print_json};
use super::records::{Records, told};
use super::status::explain;
use super::withheld::Withheld;
use super::wrap::print_wrapped;
use super::{Answer, Context, csv};
use crate::control::client;
use crate::control::{Request, Response};
use crate::journal::{Call, MOST_CALLS, News, Query, Reader};
use crate::style::{CAUTION, DIM, paint};

/// Show what was decided about the newest calls, and why
///
/// They are read from the journal's file, also when no ringfence runs. `ringfence why c17` tells all of
/// the call that is shown as c17.
#[derive(Debug, Args)]
pub(super) struct Calls {
    #[command(flatten)]
    filter: Filter,

    /// How many of the newest calls
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    limit: usize,

    /// Go on with calls as they happen, until interrupted
    #[arg(short, long)]
    follow: bool,

    #[command(flatten)]
    withheld: Withheld,

    /// Print one JSON object an event
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// Print comma-separated values, with a line of headings
    #[arg(long)]
    csv: bool,
}

impl Calls {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let now = Timestamp::now();
        let known = self.filter.names_any().then(|| Known::read(context));
        let query = self.filter.query(context, known.as_ref(), now, self.withheld, self.limit)?;
        if context.journal()?.path().is_none() {
            return self.remembered(context, &query, known.as_ref(), now).await;
        }
        // Following begins before the past is read, so that no call falls between the two.
        let following = if self.follow {
            let request = Request::Calls { limit: 0, follow: true };
            Some(client::ask(&context.program()?, &request).await.map_err(explain)?)
        } else {
            None
        };
        let records = Records::open(context).await?;
        let calls = records.search(&query)?;
        if let (Some(known), true) = (&known, calls.is_empty()) {
            known.check(&query, |kind| recorded(records.reader(), kind))?;
        }
        self.begin()?;
        for call in &calls {
            self.tell(call, &Handle::Written(call.number), now)?;
        }
        if let Some(following) = following {
            // What happens meanwhile is in both.
            let shown = calls.iter().map(|call| (told_by(call), call.number)).collect();
            self.follow(following, &query, shown).await?;
        } else if calls.is_empty() {
            self.tell_none()?;
        }
        Ok(Answer::Fine)
    }

    /// Prints the headings of a table.
    fn begin(&self) -> Result<()> {
        if self.csv { print(csv::line(COLUMNS)) } else { Ok(()) }
    }

    fn tell_none(&self) -> Result<()> {
        if self.json || self.csv || self.limit == 0 {
            return Ok(());
        }
        print(if self.filter.is_any() { "no such calls\n" } else { "no calls yet\n" })
    }

    /// Shows the calls that the running program remembers, when it keeps its journal in memory.
    async fn remembered(
        &self,
        context: &Context,
        query: &Query,
        known: Option<&Known>,
        now: Timestamp,
    ) -> Result<Answer> {
        let limit = if self.filter.is_any() { MOST_CALLS } else { self.limit.min(MOST_CALLS) };
        let request = Request::Calls { limit, follow: self.follow };
        let mut answer = client::ask(&context.program()?, &request).await.map_err(explain)?;
        if self.follow {
            // What is to come is decided by what there is now.
            known.map_or(Ok(()), |known| known.check(query, |_| Ok(Vec::new())))?;
            self.begin()?;
            self.follow(answer, query, HashMap::new()).await?;
            return Ok(Answer::Fine);
        }
        let mut calls = Vec::new();
        while let Some(response) = answer.next().await.map_err(explain)? {
            if let Response::News(News::Call(call)) = response {
                calls.push(call);
            }
        }
        let all = calls.clone();
        calls.retain(|call| is_asked_for(query, call));
        if let (Some(known), true) = (known, calls.is_empty()) {
            known.check(query, |kind| Ok(all.iter().map(|call| kind.of(call).to_owned()).collect()))?;
        }
        self.begin()?;
        for call in calls.iter().skip(calls.len().saturating_sub(self.limit)) {
            self.tell(&unnumbered(call), &Handle::Remembered(&call.id), now)?;
        }
        if calls.is_empty() {
            self.tell_none()?;
        }
        Ok(Answer::Fine)
    }

    /// Shows what happens, but no call that was shown already: those are known by the number that they were shown with. The
    /// clock may have been set back since: what is new cannot be told by when it was.
    async fn follow(
        &self,
        mut following: client::Answer,
        query: &Query,
        shown: HashMap<(String, i64), u64>,
    ) -> Result<()> {
        while let Some(response) = following.next().await.map_err(explain)? {
            match response {
                Response::News(News::Call(call)) => {
                    let call = unnumbered(&call);
                    if !shown.contains_key(&told_by(&call)) && is_asked_for(query, &call) {
                        self.tell(&call, &Handle::Remembered(&call.id), Timestamp::now())?;
                    }
                }
                Response::News(News::Ended(call)) if is_asked_for(query, &call) => {
                    let number = shown.get(&told_by(&call)).copied();
                    let handle = number.map_or(Handle::Remembered(&call.id), Handle::Written);
                    self.tell_end(&unnumbered(&call), &handle)?;
                }
                Response::Missed(missed) => {
                    anstream::eprintln!(
                        "{} missed {missed} events: this reader was too slow",
                        paint(CAUTION, "…")
                    );
                }
                Response::News(_)
                | Response::Status(_)
                | Response::Reloaded(_)
                | Response::Switches(_)
                | Response::Entries(_)
                | Response::Noted {}
                | Response::Forgotten(_)
                | Response::Error(_)
                | Response::Declined { .. }
                | Response::End {} => {}
            }
        }
        Ok(())
    }

    fn tell(&self, call: &Call, handle: &Handle<'_>, now: Timestamp) -> Result<()> {
        if self.json {
            print_json(&News::Call(std::sync::Arc::new(self.withheld.exported(call))))
        } else if self.csv {
            print(csv::line(fields(&self.withheld.told(call))))
        } else {
            print_wrapped(decided(&self.withheld.told(call), handle, now), COLUMN)
        }
    }

    fn tell_end(&self, call: &Call, handle: &Handle<'_>) -> Result<()> {
        match ended(call) {
            Some(_) if self.json => {
                print_json(&News::Ended(std::sync::Arc::new(self.withheld.exported(call))))
            }
            Some(end) if !self.csv => {
                let handle = paint(DIM, format_args!("{:>8}", handle.to_string()));
                print(format_args!("{handle}  {} {end}\n", paint(DIM, "└")))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Returns what tells a call from all others, also from those of an earlier run. The file counts in microseconds.
fn told_by(call: &Call) -> (String, i64) {
    (call.id.clone(), call.at.as_microsecond())
}

/// Returns a call as the file will have it, but for the number that the file has not given yet: the running program
/// counts from its start, and `ringfence why` would tell of another call.
fn unnumbered(call: &Call) -> Call {
    let at = Timestamp::from_microsecond(call.at.as_microsecond()).unwrap_or(call.at);
    Call { number: 0, at, ..call.clone() }
}

/// Returns the lines or the rules that the journal's file has.
fn recorded(reader: Option<&Reader>, kind: Kind) -> Result<Vec<String>> {
    let Some(reader) = reader else { return Ok(Vec::new()) };
    let names = match kind {
        Kind::Line => reader.lines(),
        Kind::Rule => reader.rules(),
    };
    names.map_err(|error| told(&error))
}
