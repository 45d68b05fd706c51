//! `ringfence block`

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use ringfence_policy::Entry;

use super::calls::moment;
use super::change::{Change, Number, note, shown, told};
use super::failure::{for_shell, hint, with_hint};
use super::output::print;
use super::precedence::{Precedence, asks_for};
use super::{Answer, Context, in_force, reach, when};
use crate::config::{Loaded, NEVER_BLOCK, REJECT, Reading, edit};

/// Put a number on the reject list, for good or for a time
///
/// A number that is allowed is not blocked where a rule that asks for the allow list and nothing else comes first, as
/// `ringfence init` writes it: take it off that list. Nor is one on the list `never_block`. If the list has files, the entry is appended to the first of them, with the day as a comment; else
/// to `entries` of [list.reject] in the configuration, whose comments stay as they are. One for a time goes
/// to `entries` always, and ends by itself. A running ringfence decides the next call by it. What means most numbers
/// of a country, or of more, is shown and asked about. If a test of the policy fails with it, nothing is changed and
/// the exit status is 1; so it is if the running ringfence cannot take it up.
#[derive(Debug, Args)]
pub(super) struct Block {
    #[command(flatten)]
    number: Number,

    /// For how long: 30d, 2h
    #[arg(long = "for", value_name = "SPAN")]
    span: Option<String>,

    /// Why, written beside the entry
    #[arg(long, visible_alias = "comment", value_name = "TEXT")]
    note: Option<String>,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Block {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let now = Timestamp::now();
        let until = self.span.as_deref().map(|span| until(now, span)).transpose()?;
        let (change, mut turn) = self.number.change(context)?;
        let (reject, allow) = (change.lists.reject(), change.lists.allow());
        if let Some(never) = change.lists.named(NEVER_BLOCK)
            && let Some(entry) = change.covering(never, now)
        {
            return Ok(not_blocked(&change, never, entry, ", whatever the rules say"));
        }
        let (allowed, precedence) = (change.covering(allow, now), change.precedence(now));
        if let (Some(entry), None | Some(Precedence::Allow)) = (allowed, precedence) {
            let wins = if precedence.is_some() { ", and allowed wins" } else { "" };
            return Ok(not_blocked(&change, allow, entry, wins));
        }
        // An entry of the number itself that ends makes way; another one that ends sooner does not do.
        let ending = change.ending(reject);
        let covering = change.covering(reject, until.unwrap_or(Timestamp::MAX));
        if let Some(entry) = covering.filter(|_| ending.is_none()) {
            print(format_args!("{} is blocked already: {}\n", change.pattern, told(reject, entry)))?;
            return Ok(Answer::Fine);
        }
        if change.is_emergency() {
            let number = change.pattern.to_string();
            let number = number.trim_start_matches("internal:");
            anstream::eprintln!("{number} is an emergency number and cannot be blocked");
            return Ok(Answer::Negative);
        }
        if !reach::accept(&mut turn, [&change.pattern], reject, change.lists.region, self.yes)? {
            return Ok(Answer::Negative);
        }
        let changed = change.attempt([reject]).make(|| {
            if ending.is_some() {
                edit::remove(&change.config, reject, &change.pattern)?;
            }
            if let Some(until) = until {
                return self.block_until(&change, until, now);
            }
            let file = change.add(reject, "blocked", self.note.as_deref())?;
            Ok(format!("blocked {} in {}\n", change.pattern, shown(&file)))
        })?;
        let Some((written, reading)) = changed else { return Ok(Answer::Negative) };
        print(written)?;
        if let (Some(entry), Some(precedence)) = (allowed, precedence) {
            let allowed = told(allow, entry);
            match precedence.why() {
                Some(why) => print(format_args!("it wins over {allowed} on the allow list: {why}\n"))?,
                None => {
                    hint(&format!("the allow list has {allowed}, too: `ringfence why` tells which decides"));
                }
            }
        }
        tell_effect(&change, &reading);
        in_force::take_up(context, &[REJECT]).await
    }

    fn block_until(&self, change: &Change, until: Timestamp, now: Timestamp) -> Result<String> {
        let note = note("blocked", self.note.as_deref())?;
        let list = &change.lists.reject().name;
        edit::add_until(&change.config, list, &change.pattern.to_string(), Some(&note), until)?;
        let (until, config) = (moment(until, now), shown(&change.config));
        Ok(format!("blocked {} until {until} in {config}\n", change.pattern))
    }
}

/// Returns when a time is over that begins now.
fn until(now: Timestamp, span: &str) -> Result<Timestamp> {
    now.checked_add(when::span("--for", span)?).map_err(|_| with_hint("that is too long", "leave --for out"))
}

/// Tells that a number is not blocked, for what a list has that wins, and what to do about that.
fn not_blocked(change: &Change, list: &Loaded, entry: Entry<'_>, wins: &str) -> Answer {
    anstream::eprintln!(
        "{} is not blocked: the {} list has {}{wins}",
        change.pattern,
        list.name,
        told(list, entry)
    );
    if edit::is_editable(list, entry) {
        // As every list reads it: another region may write it otherwise.
        let number = for_shell(&entry.pattern().to_string());
        hint(&format!("take it off that list first: ringfence remove {number}"));
    } else {
        hint("ringfence does not write that file: take it off there first");
    }
    Answer::Negative
}

/// Tells when the entry is in vain.
fn tell_effect(change: &Change, reading: &Reading) {
    match &reading.config {
        None if change.had_errors => {}
        None => hint("the configuration has errors, with which no program takes it up: ringfence check"),
        Some(config) if !asks_for(&config.policy, REJECT) => {
            hint("no rule asks for that list; one that does: when = { caller_in = \"reject\" }");
        }
        Some(_) => {}
    }
}
