//! What was written down: the journal's file, which can be read whether or not the program runs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::Timestamp;

use super::Context;
use super::failure::{hint, with_hint};
use crate::control::client::{self, AskError};
use crate::control::{Request, Response};
use crate::journal::{self, Added, Call, Flipped, Offline, Query, Reader, StoreError, Unreadable};
use crate::style::{CAUTION, paint};

/// The journal's file, if there is one yet.
#[derive(Debug)]
pub(super) struct Records {
    reader: Option<Reader>,
    /// How many records the running program cannot write at the moment.
    waiting: Option<u64>,
}

impl Records {
    /// Opens the journal's file, with all that the running program has decided until now; what of it cannot be written at
    /// the moment is told to be missing. One that keeps its journal in memory has none.
    pub(super) async fn open(context: &Context) -> Result<Self> {
        let settings = context.journal()?;
        let Some(path) = settings.path() else {
            let message = "the journal is kept in memory, so that nothing can be looked up";
            return Err(with_hint(message, "give it a file: [journal] path = \"…\""));
        };
        let waiting = if flush(context).await { None } else { waiting(context).await };
        let waiting = waiting.filter(|waiting| *waiting > 0);
        if let Some(waiting) = waiting {
            let s = if waiting == 1 { " waits" } else { "s wait" };
            hint(&format!(
                "{waiting} record{s} to be written, and may be missing here: `ringfence status` tells why"
            ));
        }
        match Reader::open(path) {
            Ok(reader) => Ok(Self { reader: Some(reader.keeping(settings.retention)), waiting }),
            Err(StoreError::Missing { .. }) => Ok(Self { reader: None, waiting }),
            Err(error) => Err(told(&error)),
        }
    }

    /// Returns the file; none before the first call.
    pub(super) fn reader(&self) -> Option<&Reader> {
        self.reader.as_ref()
    }

    /// Returns how many records wait that cannot be written at the moment, if any do.
    pub(super) fn waiting(&self) -> Option<u64> {
        self.waiting
    }

    /// Returns the calls that a query asks for, the oldest first.
    pub(super) fn search(&self, query: &Query) -> Result<Vec<Call>> {
        let Some(reader) = &self.reader else { return Ok(Vec::new()) };
        let mut calls = reader.search(query).map_err(|error| told(&error))?;
        calls.reverse();
        Ok(calls)
    }

    /// Finds the call that a person names: `last`, `c17`, what the log numbers it by, or its Call-ID. A Call-ID is what a
    /// stranger wrote: one that reads like a name of ours does not stand before it.
    pub(super) fn find(&self, name: &str) -> Result<Option<Call>> {
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if name == "last" {
            return self.newest(Query::default());
        }
        if let Some(number) = name.strip_prefix('c').filter(|rest| !rest.is_empty() && is_digits(rest)) {
            // A number that is too long for the file is no call's.
            return number
                .parse()
                .map_or(Ok(None), |number| self.newest(Query { number: Some(number), ..Query::default() }));
        }
        // A bare number is a caller's, with a plus or without, also where a Call-ID is the same.
        if is_digits(name.strip_prefix('+').unwrap_or(name)) {
            return Ok(None);
        }
        match self.newest(Query { id: Some(name.to_owned()), ..Query::default() })? {
            None => self.newest(Query { call_id: Some(name.to_owned()), ..Query::default() }),
            found => Ok(found),
        }
    }

    /// Returns the newest call that a query asks for.
    fn newest(&self, query: Query) -> Result<Option<Call>> {
        Ok(self.search(&Query { limit: Some(1), ..query })?.pop())
    }
}

impl Drop for Records {
    /// Says how much of what was asked could not be read.
    fn drop(&mut self) {
        let Some(reader) = &self.reader else { return };
        if let Unreadable { rows, first: Some(first) } = reader.unreadable() {
            let (damaged, path) = (paint(CAUTION, "damaged:"), reader.path().display());
            let s = if rows == 1 { "" } else { "s" };
            anstream::eprintln!(
                "{damaged} {rows} record{s} of the journal {path} cannot be read, the first: {first}"
            );
            hint("what is told is told without them; a backup may have them");
        }
    }
}

/// What the running program has in hand goes to the file; without one all is there. Returns whether it is.
async fn flush(context: &Context) -> bool {
    let Ok(program) = context.program() else { return true };
    match client::ask(&program, &Request::Flush).await {
        Ok(mut answer) => !matches!(answer.next().await, Err(AskError::Refused(_))),
        Err(_) => true,
    }
}

/// Returns how many records wait in the running program.
async fn waiting(context: &Context) -> Option<u64> {
    let mut answer = client::ask(&context.program().ok()?, &Request::Status).await.ok()?;
    match answer.next().await {
        Ok(Some(Response::Status(status))) => Some(status.journal.waiting),
        Ok(_) | Err(_) => None,
    }
}

/// Returns whether what the running program noted is in the file, and says so where it is not.
pub(super) async fn is_kept(context: &Context) -> bool {
    let is_kept = flush(context).await || waiting(context).await.is_none_or(|waiting| waiting == 0);
    if !is_kept {
        anstream::eprintln!(
            "{} it is in force and not yet written: a restart would forget it",
            paint(CAUTION, "not written:")
        );
        hint("`ringfence status` tells why the journal is not written; it is as soon as it can be");
    }
    is_kept
}

/// Returns the switches that were flipped, as the running program has them; none when it does not run, or is too old
/// to tell.
pub(super) async fn switches(context: &Context) -> Option<Vec<Flipped>> {
    let mut answer = client::ask(&context.program().ok()?, &Request::Switches).await.ok()?;
    match answer.next().await {
        Ok(Some(Response::Switches(switches))) => Some(switches),
        Ok(_) | Err(_) => None,
    }
}

/// Returns what was added to lists and holds, as a running program has it whose journal is in memory; nothing where none runs.
pub(super) async fn entries_in_memory(context: &Context) -> Result<Vec<Added>> {
    let mut answer = match client::ask(&context.program()?, &Request::Listed).await {
        Ok(answer) => answer,
        Err(AskError::NotRunning(_) | AskError::NotOurs(_)) => return Ok(Vec::new()),
        Err(error) => return Err(super::status::explain(error)),
    };
    let mut entries = Vec::new();
    while let Some(response) = answer.next().await.map_err(super::status::explain)? {
        if let Response::Entries(some) = response {
            entries.extend(some);
        }
    }
    Ok(entries)
}

/// Who has noted something, or is to.
pub(super) enum Noted {
    /// The running program has, and says this.
    Running(Response),
    /// None runs: it is for the journal's file,
    File(Offline),
    /// and that is in memory.
    Nowhere,
}

/// Has the running program note something, or opens the file for it where none runs. Who has the file at this moment is waited for:
/// another verb, or a program that starts and answers then.
pub(super) async fn note(context: &Context, request: &Request) -> Result<Noted> {
    let began = Instant::now();
    let (mut is_first, mut is_told) = (true, false);
    loop {
        if let Some(response) = ask(context, request, std::mem::take(&mut is_first)).await? {
            return Ok(Noted::Running(response));
        }
        match Offline::open(&context.journal()?) {
            Ok(Some(file)) => return Ok(Noted::File(file)),
            Ok(None) => return Ok(Noted::Nowhere),
            Err(error @ StoreError::InUse { .. }) if began.elapsed() < journal::PATIENCE => {
                if began.elapsed() > TOLD_AFTER && !std::mem::replace(&mut is_told, true) {
                    hint(&format!("waiting {} s at most: {error}", journal::PATIENCE.as_secs()));
                }
                tokio::time::sleep(journal::AGAIN).await;
            }
            Err(error) => return Err(told(&error)),
        }
    }
}

/// For so long nobody need know that a verb waits for another, which is done in a moment.
const TOLD_AFTER: Duration = Duration::from_secs(1);

/// The same where a file that is not there is not made.
pub(super) async fn note_where_known(context: &Context, request: &Request) -> Result<Noted> {
    if context.journal()?.path().is_some_and(Path::exists) {
        return note(context, request).await;
    }
    Ok(ask(context, request, true).await?.map_or(Noted::Nowhere, Noted::Running))
}

/// Sends the running program what it is to note, and returns what it says; none when it does not run.
async fn ask(context: &Context, request: &Request, is_first: bool) -> Result<Option<Response>> {
    let mut answer = match client::ask(&context.program()?, request).await {
        Ok(answer) => answer,
        Err(client::AskError::NotRunning(_)) => return Ok(None),
        Err(error @ client::AskError::NotOurs(_)) => {
            if is_first {
                hint(&error.to_string());
            }
            return Ok(None);
        }
        Err(error) => return Err(super::status::explain(error)),
    };
    answer.next().await.map_err(super::status::explain)
}

/// Returns a failure of the journal with what to do about it.
pub(super) fn told(error: &StoreError) -> anyhow::Error {
    with_hint(error.to_string(), error.hint())
}

/// Returns since when calls are asked for.
pub(super) fn since(text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>> {
    text.map(|text| super::when::time("--since", text, now)).transpose()
}
