//! Entries that rules and people have put on lists for a time: the journal keeps them, beside what is written.

use anyhow::Result;
use jiff::Timestamp;

use super::super::Context;
use super::super::failure::hint;
use super::super::records::{Noted, Records, entries_in_memory, note, told};
use crate::control::Request;
use crate::journal::Added;

/// Returns the entries that hold now, the newest first. What the journal does not give is told, and missing.
pub(in crate::cli) async fn entries(context: &Context, now: Timestamp) -> Result<Vec<Added>> {
    if context.journal()?.path().is_none() {
        return Ok(entries_in_memory(context).await.unwrap_or_else(|error| missing(&error)));
    }
    Ok(match Records::open(context).await {
        Ok(records) => of(&records, now),
        Err(error) => missing(&error),
    })
}

/// Returns the entries that a journal has now, the newest first. What it does not give is told, and missing.
pub(in crate::cli) fn of(records: &Records, now: Timestamp) -> Vec<Added> {
    let entries = records.reader().map(|reader| reader.entries(now)).transpose();
    entries.map_or_else(|error| missing(&told(&error)), Option::unwrap_or_default)
}

fn missing(error: &anyhow::Error) -> Vec<Added> {
    hint(&format!("entries for a time are missing here, for the journal cannot be read: {error}"));
    Vec::new()
}

/// Ends entries now, in the running program or in the journal's file. That they held until now stays known: past
/// calls are decided again as they were.
pub(in crate::cli) async fn end(context: &Context, entries: &[Added], now: Timestamp) -> Result<()> {
    let ended: Vec<Added> = entries.iter().map(|entry| Added { until: Some(now), ..entry.clone() }).collect();
    match note(context, &Request::Entries { entries: ended.clone() }).await? {
        Noted::File(mut journal) => journal.add(ended).map_err(|error| told(&error)),
        Noted::Running(_) | Noted::Nowhere => Ok(()),
    }
}
