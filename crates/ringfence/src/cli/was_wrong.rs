//! `ringfence was-wrong`

mod remedy;

use std::fs;
use std::io::ErrorKind;

use anyhow::Result;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use ringfence_policy::Policy;
use serde::Serialize;

use self::remedy::{Remedy, Sought, remedies};
use super::calls::{Handle, moment, verdict, who};
use super::confirm::confirm;
use super::failure::with_hint;
use super::output::{day, print, print_json};
use super::records::{Records, told};
use super::replay::{self, Comparison, Fate};
use super::then::Supposed;
use super::{Answer, Context, why};
use crate::config::Config;
use crate::config::edit::{self, Turn};
use crate::journal::{Call, Reader};
use crate::page::Page;
use crate::style::STRONG;
use crate::style::paint;
use crate::visible::visible;

/// Mend a decision that was wrong: see the smallest change, what else it would change, and apply it
///
/// Of a call that was turned away: its entry is taken off the list, or its number goes on a list that is
/// let through. Of one that was let through: its number goes on a list that is turned away. Exits 1 if
/// nothing was changed.
#[derive(Debug, Args)]
pub(super) struct WasWrong {
    /// `last`, a call as `ringfence calls` names it (c17), or a Call-ID
    #[arg(value_name = "CALL")]
    call: String,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    /// Print one JSON object; without --yes nothing is changed
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Debug, Serialize)]
struct Told<'a> {
    call: &'a Call,
    remedy: &'a Remedy,
    replay: &'a Comparison,
    applied: bool,
}

/// How far back the change is tried.
const BACK: SignedDuration = SignedDuration::from_hours(90 * 24);

impl WasWrong {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let path = context.path()?;
        // Nobody else changes the lists between the proposal and its being applied.
        let _turn = Turn::take(&path)?;
        let config = context.config().await?;
        let records = Records::open(context).await?;
        let now = Timestamp::now();
        let (Some(call), Some(reader)) = (records.find(&self.call)?, records.reader()) else {
            let message = format!("expected a call of the journal, found \"{}\"", self.call.escape_debug());
            return Err(with_hint(
                message,
                "`ringfence calls` shows the newest, with their names such as c17",
            ));
        };
        let (remedy, comparison) = propose(&config, &call, reader, now)?;
        if !self.json {
            print(rendered(&call, &remedy, &comparison, now))?;
        }
        let applies = if self.json { self.yes } else { confirm("Apply it?", self.yes)? };
        if applies {
            let note = format!("was wrong {}: {}", day(now), Handle::Written(call.number));
            apply(&remedy, &config, &note)?;
        }
        if self.json {
            print_json(&Told { call: &call, remedy: &remedy, replay: &comparison, applied: applies })?;
        } else if applies {
            print(format_args!("{}\n", remedy.told(true)))?;
        }
        Ok(Answer::of(applies))
    }
}

/// Changes the list, unless the configuration would have errors with it: no program would take it up then.
fn apply(remedy: &Remedy, config: &Config, note: &str) -> Result<()> {
    let before: Vec<_> = remedy
        .files(config)
        .into_iter()
        .map(|file| {
            let text = fs::read_to_string(&file);
            (file, text)
        })
        .collect();
    remedy.apply(config, note)?;
    let reading = crate::config::read(&config.path);
    if reading.config.is_some() {
        return Ok(());
    }
    for (file, before) in before {
        match before {
            Ok(before) if fs::read_to_string(&file).is_ok_and(|now| now == before) => {}
            Ok(before) => edit::replace(&file, &before)?,
            Err(error) if error.kind() == ErrorKind::NotFound && file.exists() => fs::remove_file(&file)?,
            // What cannot be read was not changed.
            Err(_) => {}
        }
    }
    anstream::eprintln!("{}\n", reading.report);
    let message = "the configuration would have errors with that change: it is as it was";
    Err(with_hint(message, "a test of the policy may expect what was wrong: mend it first"))
}

/// Finds the smallest change that decides a call otherwise, and what else it changes.
fn propose(config: &Config, call: &Call, reader: &Reader, now: Timestamp) -> Result<(Remedy, Comparison)> {
    let policy = &config.policy;
    let Some(identity) = call.evidence.identity.as_deref() else {
        let message = format!("{} cannot be told from other callers", visible(&call.caller));
        return Err(with_hint(message, "write a rule for callers of this kind: caller_kind = …"));
    };
    let then = why::before(call, reader, now).map_err(|error| told(&error))?;
    let fate = |policy: &Policy, supposed: Option<&Supposed<'_>>| {
        then.facts(call, policy, supposed, |facts, now| Fate::of(policy, facts, now))
    };
    let sought = Sought { is_refused: fate(policy, None).is_refusal, identity };
    for remedy in remedies(config, call, &sought) {
        let candidate = remedy.candidate(policy)?;
        let supposed = remedy.adds_to().map(|list| Supposed { list, identity });
        if fate(&candidate, supposed.as_ref()).is_refusal != sought.is_refused {
            let since = Some(now - BACK);
            let comparison = match &supposed {
                Some(supposed) => replay::supposing(reader, since, now, policy, supposed)?,
                None => replay::compare(reader, since, now, policy, &candidate)?,
            };
            return Ok((remedy, comparison));
        }
    }
    let verb = if sought.is_refused { "let the call through" } else { "turn the call away" };
    let message = format!("no entry of a list would {verb}");
    Err(with_hint(message, "a rule decides it by something else: `ringfence why` tells which"))
}

fn rendered(call: &Call, remedy: &Remedy, comparison: &Comparison, now: Timestamp) -> Page {
    let mut page = Page::new();
    page.line(format_args!(
        "{}  {}  {} → {}  {} by {}",
        paint(STRONG, Handle::Written(call.number)),
        moment(call.at, now),
        who(call),
        visible(&call.line),
        verdict(&call.verdict),
        visible(&call.rule),
    ));
    page.line(format_args!("{}  {}", paint(STRONG, "proposal:"), remedy.told(false)));
    page.line("");
    page.add(replay::rendered("this change", comparison, now));
    page
}
