//! `ringfence calls`

mod known;
mod row;

use std::collections::HashSet;

use anyhow::Result;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::known::{Kind, Known};
#[cfg(test)]
pub(super) use self::row::tests::call as a_call;
use self::row::{COLUMN, COLUMNS, decided, fields};
pub(super) use self::row::{Handle, caller_of, ended, moment, verdict, who};
use super::failure::{hint, with_hint};
use super::output::{clock, day, print, print_json};
use super::records::{Records, since, told};
use super::status::explain;
use super::withheld::Withheld;
use super::wrap::print_wrapped;
use super::{Answer, Context, csv, when};
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
    /// Calls of this caller only; `+4179*` is all that begin so
    #[arg(long, value_name = "NUMBER")]
    caller: Option<String>,

    /// Calls that this rule decided
    #[arg(long, value_name = "ID")]
    rule: Option<String>,

    /// Calls that ended so
    #[arg(long, value_enum)]
    outcome: Option<Verb>,

    /// Calls on this line
    #[arg(long, value_name = "NAME")]
    line: Option<String>,

    /// Calls since then: 2h, 90d, 2026-03-01, 23:10
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,

    /// Calls before then
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,

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

/// What was decided.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Verb {
    Reject,
    Redirect,
    /// It was let through where nothing rings here
    SendOn,
    Ring,
    /// It was left to other phones, or held
    StandAside,
    Ignore,
    /// It could not ring, whatever was decided
    Refuse,
}

impl Verb {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Redirect => "redirect",
            Self::SendOn => "send_on",
            Self::Ring => "ring",
            Self::StandAside => "stand_aside",
            Self::Ignore => "ignore",
            Self::Refuse => "refuse",
        }
    }
}

impl Calls {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let now = Timestamp::now();
        let known = self.names_any().then(|| Known::read(context));
        let query = self.query(context, known.as_ref(), now)?;
        if context.journal()?.path().is_none() {
            return self.remembered(context, &query, known.as_ref(), now).await;
        }
        // Following begins before the past is read, so that no call falls between the two.
        let following = if self.follow {
            let limit = if self.limit == 0 { 0 } else { MOST_CALLS };
            let request = Request::Calls { limit, follow: true };
            Some(client::ask(&context.program()?, &request).await.map_err(explain)?)
        } else {
            None
        };
        let records = Records::open(context).await?;
        let mut past = if self.follow { records.newest(MOST_PAST)? } else { HashSet::new() };
        let calls = records.search(&query)?;
        if let (Some(known), true) = (&known, calls.is_empty()) {
            known.check(&query, |kind| recorded(records.reader(), kind))?;
        }
        self.begin()?;
        if let Some(waiting) = records.waiting() {
            let s = if waiting == 1 { " waits" } else { "s wait" };
            hint(&format!(
                "{waiting} record{s} to be written, and may be missing here: `ringfence status` tells why"
            ));
        }
        for call in &calls {
            self.tell(call, &Handle::Written(call.number), now)?;
        }
        if let Some(following) = following {
            past.extend(calls.iter().map(told_by));
            self.follow(following, &query, past).await?;
        } else if calls.is_empty() {
            self.tell_none()?;
        }
        Ok(Answer::Fine)
    }

    fn query(&self, context: &Context, known: Option<&Known>, now: Timestamp) -> Result<Query> {
        let since = since(self.since.as_deref(), now)?;
        let until = self.until.as_deref().map(|text| when::time("--until", text, now)).transpose()?;
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            let clock = |at: Timestamp| format!("{} {}", day(at), clock(at));
            let message =
                format!("expected --since before --until, found {} and {}", clock(since), clock(until));
            let hint = "no call is between them: --since 2d --until 1d means the day before the last";
            return Err(with_hint(message, hint));
        }
        let caller = self.caller.as_deref();
        let asked_for = caller.map(|caller| super::caller::asked_for(caller, context.region().ok()));
        let (caller, identity) = asked_for.unzip();
        Ok(Query {
            caller,
            identity: identity.flatten(),
            rule: self.rule.clone(),
            outcome: self.outcome.map(|outcome| outcome.as_str().to_owned()),
            line: self
                .line
                .as_ref()
                .map(|line| known.map_or_else(|| line.clone(), |known| known.label(line))),
            since,
            until,
            limit: Some(u32::try_from(self.limit).unwrap_or(u32::MAX)),
            ..Query::default()
        })
    }

    fn filters(&self) -> bool {
        let texts = [&self.caller, &self.rule, &self.line, &self.since, &self.until];
        self.outcome.is_some() || texts.iter().any(|text| text.is_some())
    }

    /// Tells whether it filters by what the configuration names.
    fn names_any(&self) -> bool {
        self.line.is_some() || self.rule.is_some()
    }

    /// Prints the headings of a table.
    fn begin(&self) -> Result<()> {
        if self.csv { print(csv::line(COLUMNS)) } else { Ok(()) }
    }

    fn tell_none(&self) -> Result<()> {
        if self.json || self.csv || self.limit == 0 {
            return Ok(());
        }
        print(if self.filters() { "no such calls\n" } else { "no calls yet\n" })
    }

    /// Shows the calls that the running program remembers, when it keeps its journal in memory.
    async fn remembered(
        &self,
        context: &Context,
        query: &Query,
        known: Option<&Known>,
        now: Timestamp,
    ) -> Result<Answer> {
        let limit = if self.filters() { MOST_CALLS } else { self.limit.min(MOST_CALLS) };
        let request = Request::Calls { limit, follow: self.follow };
        let mut answer = client::ask(&context.program()?, &request).await.map_err(explain)?;
        if self.follow {
            // What is to come is decided by what there is now.
            known.map_or(Ok(()), |known| known.check(query, |_| Ok(Vec::new())))?;
            self.begin()?;
            self.follow(answer, query, HashSet::new()).await?;
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
            self.tell(call, &Handle::Remembered(&call.id), now)?;
        }
        if calls.is_empty() {
            self.tell_none()?;
        }
        Ok(Answer::Fine)
    }

    /// Shows what happens, but no call that the past had already. The clock may have been set back since: what is
    /// new cannot be told by when it was.
    async fn follow(
        &self,
        mut following: client::Answer,
        query: &Query,
        mut past: HashSet<(String, i64)>,
    ) -> Result<()> {
        while let Some(response) = following.next().await.map_err(explain)? {
            match response {
                Response::News(News::Call(call)) => {
                    let is_new = !past.remove(&told_by(&call));
                    if is_new && is_asked_for(query, &call) {
                        self.tell(&call, &Handle::Remembered(&call.id), Timestamp::now())?;
                    }
                }
                Response::News(News::Ended(call)) if is_asked_for(query, &call) => self.tell_end(&call)?,
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

    fn tell_end(&self, call: &Call) -> Result<()> {
        match ended(call) {
            Some(_) if self.json => {
                print_json(&News::Ended(std::sync::Arc::new(self.withheld.exported(call))))
            }
            Some(end) if !self.csv => print(format_args!("          {} {end}\n", paint(DIM, "└"))),
            Some(_) | None => Ok(()),
        }
    }
}

/// The running program tells its newest calls again: they are among so many of the journal's file, whatever came
/// meanwhile.
const MOST_PAST: usize = 16 * MOST_CALLS;

/// Returns what tells a call from all others, also from those of an earlier run. The file counts in microseconds.
fn told_by(call: &Call) -> (String, i64) {
    (call.id.clone(), call.at.as_microsecond())
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

/// Tells whether a query means a call, as the journal's file would.
fn is_asked_for(query: &Query, call: &Call) -> bool {
    let is = |asked: &Option<String>, found: &str| asked.as_deref().is_none_or(|asked| asked == found);
    let is_caller = query.caller.as_deref().is_none_or(|caller| match caller.strip_suffix('*') {
        Some(start) => call.caller.starts_with(start),
        None => call.caller == caller,
    });
    let known = call.evidence.identity.as_ref().unwrap_or(&call.caller);
    is_caller
        && is(&query.identity, known)
        && is(&query.rule, &call.rule)
        && is(&query.outcome, call.verdict.name())
        && is(&query.line, &call.line)
        && query.since.is_none_or(|since| call.at >= since)
        && query.until.is_none_or(|until| call.at < until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_means_the_calls_that_all_of_it_is_true_of() {
        let call = a_call();
        let text = |text: &str| Some(text.to_owned());
        for (query, expected) in [
            (Query::default(), true),
            (Query { caller: text("+41791234567"), ..Query::default() }, true),
            (Query { caller: text("+4179*"), rule: text("listed"), ..Query::default() }, true),
            (Query { caller: text("+4178*"), ..Query::default() }, false),
            (Query { outcome: text("ring"), ..Query::default() }, false),
            (Query { line: text("home"), since: Some(call.at), ..Query::default() }, true),
            (Query { until: Some(call.at), ..Query::default() }, false),
        ] {
            assert_eq!(is_asked_for(&query, &call), expected, "{query:?}");
        }
    }
}
