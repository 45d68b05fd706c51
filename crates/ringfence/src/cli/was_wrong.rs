//! `ringfence was-wrong`

mod remedy;

use anyhow::Result;
use clap::Args;
use jiff::{SignedDuration, Timestamp};
use ringfence_policy::{Facts, Mode, Pattern, Policy, decide};
use serde::Serialize;

use self::remedy::{Remedy, Sought, remedies};
use super::attempt::Attempt;
use super::calls::{Handle, caller_of, moment, verdict, who};
use super::confirm::confirm;
use super::failure::{hint, with_hint};
use super::list::remembered;
use super::output::{day, print, print_json};
use super::records::{Records, told};
use super::replay::{self, Comparison, Fate};
use super::then::Supposed;
use super::withheld::masked;
use super::{Answer, Context, caller, in_force, why};
use crate::config::Config;
use crate::config::edit::Turn;
use crate::journal::{Added, Call, Reader};
use crate::page::Page;
use crate::style::{CAUTION, STRONG, paint};
use crate::visible::visible;

/// Mend a decision that was wrong: see the smallest change, what else it would change, and apply it
///
/// Of a call that was turned away: its entry is taken off the list (one for a time ends now), or its number goes on a list that is
/// let through. Of one that was let through: its number goes on a list that is turned away. If a test of the
/// policy fails with it, nothing is changed. A running ringfence decides the next call by it. Exits 1 if nothing was
/// changed, or the running ringfence cannot take it up.
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
    /// Whether another policy decided the call.
    policy_has_changed: bool,
    /// None when the policy in force decides it otherwise already.
    remedy: Option<&'a Remedy>,
    replay: Option<&'a Comparison>,
    applied: bool,
}

/// How far back the change is tried.
const BACK: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Of the changes that help so many are tried: each one decides all these calls again.
const MOST_COMPARED: usize = 4;

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
        let policy_has_changed = why::has_changed_since(&config.policy, &call);
        let entries = remembered::entries(context, now).await?;
        let Some((remedy, comparison)) = propose(&config, &call, &entries, reader, now)? else {
            return self.tell_mended(&call);
        };
        if !self.json {
            print(rendered(&call, policy_has_changed, &remedy, &comparison, now))?;
        }
        let applies = if self.json { self.yes } else { confirm("Apply it?", self.yes)? };
        let note = format!("was wrong {}: {}", day(now), Handle::Written(call.number));
        let attempt = || Attempt::new(&config.path, remedy.list(&config), false);
        // One that breaks a test of the policy is told and taken back.
        let applies = applies && attempt().make(|| remedy.apply(&config, &note))?.is_some();
        if let (true, Remedy::End(added)) = (applies, &remedy) {
            remembered::end(context, std::slice::from_ref(added), now).await?;
        }
        if self.json {
            let (call, remedy, replay) = (&masked(&call), Some(&remedy), Some(&comparison));
            print_json(&Told { call, policy_has_changed, remedy, replay, applied: applies })?;
        } else if applies {
            print(format_args!("{}\n", remedy.told(true)))?;
        }
        match remedy {
            _ if !applies => Ok(Answer::Negative),
            // The running program has ended it itself: no list is to be read again.
            Remedy::End(_) => Ok(Answer::Fine),
            Remedy::Add { .. } | Remedy::Remove { .. } => in_force::take_up(context, &[remedy.name()]).await,
        }
    }

    /// Tells that the policy in force does already what the one of then should have done.
    fn tell_mended(&self, call: &Call) -> Result<Answer> {
        if self.json {
            let call = &masked(call);
            let told = Told { call, policy_has_changed: true, remedy: None, replay: None, applied: false };
            print_json(&told)?;
        } else {
            let number = Handle::Written(call.number);
            let verb = if Fate::written(call).is_refusal { "let it through" } else { "turn it away" };
            print(format_args!(
                "the policy has changed since {number}, and the one in force would {verb}: nothing to mend\n"
            ))?;
            hint(&format!("`ringfence why {number}` tells how it decides"));
        }
        Ok(Answer::Negative)
    }
}

/// Finds the smallest change that decides a call otherwise than it was, and what else it changes; none when the
/// policy in force decides it otherwise already.
fn propose(
    config: &Config,
    call: &Call,
    entries: &[Added],
    reader: &Reader,
    now: Timestamp,
) -> Result<Option<(Remedy, Comparison)>> {
    let policy = &config.policy;
    let Some(identity) = call.evidence.identity.as_deref() else {
        let message = format!("{} cannot be told from other callers", caller_of(call));
        return Err(with_hint(message, "write a rule for callers of this kind: caller_kind = …"));
    };
    let then = why::before(call, reader, policy, now).map_err(|error| told(&error))?;
    let fate = |policy: &Policy, supposed: Option<&Supposed<'_>>| {
        then.facts(call, policy, supposed, |facts, now| Fate::of(policy, facts, now))
    };
    let is_refused = Fate::written(call).is_refusal;
    if policy.mode() == Mode::Shadow && !is_refused {
        let message =
            "the policy is in shadow mode: it lets every call through, and writes down what it would do";
        return Err(with_hint(
            message,
            "`ringfence why` tells that of the call; without `mode = \"shadow\"` it is done",
        ));
    }
    if fate(policy, None).is_refusal != is_refused {
        return Ok(None);
    }
    let sought = Sought { is_refused, entry: entry_of_one(identity, policy)? };
    let entry_of = |facts: &Facts<'_>, now| decide(policy, facts, now).list().map(str::to_owned);
    let list = then.facts(call, policy, None, entry_of);
    let mut best: Option<(Remedy, Comparison)> = None;
    let mut compared = 0;
    let is_its = |added: &&Added| list.as_ref() == Some(&added.list) && added.identity == identity;
    let ended = entries.iter().find(is_its).cloned().map(Remedy::End);
    for remedy in ended.into_iter().chain(remedies(config, list.as_deref(), &sought)) {
        let candidate = remedy.candidate(policy)?;
        let supposed = remedy.supposes(identity);
        if compared < MOST_COMPARED && fate(&candidate, supposed.as_ref()).is_refusal != sought.is_refused {
            let since = Some(now - BACK);
            let comparison = match &supposed {
                Some(supposed) => replay::supposing(reader, since, now, policy, supposed)?,
                None => replay::compare(reader, since, now, policy, &candidate)?,
            };
            compared += 1;
            // Of those that change as many calls it is the first.
            if best.as_ref().is_none_or(|(_, best)| comparison.different() < best.different()) {
                best = Some((remedy, comparison));
            }
        }
    }
    if best.is_some() {
        return Ok(best);
    }
    let verb = if sought.is_refused { "let the call through" } else { "turn the call away" };
    let message = format!("no entry of a list would {verb}");
    Err(with_hint(message, "a rule decides it by something else: `ringfence why` tells which"))
}

/// Returns the entry that means one caller alone.
fn entry_of_one(identity: &str, policy: &Policy) -> Result<Pattern> {
    remedy::entry_for(identity, policy.region()).ok_or_else(|| {
        let message = format!("{} cannot stand on a list", caller::told(identity));
        let hint = "its name is longer than an entry may be: write a rule for what else is known of the call";
        with_hint(message, hint)
    })
}

fn rendered(
    call: &Call,
    policy_has_changed: bool,
    remedy: &Remedy,
    comparison: &Comparison,
    now: Timestamp,
) -> Page {
    let mut page = Page::new();
    page.line(format_args!(
        "{}  {}  {} → {}  {} by {}",
        paint(STRONG, Handle::Written(call.number)),
        moment(call.at, now),
        who(&masked(call)),
        visible(&call.line),
        verdict(&call.verdict),
        visible(&call.rule),
    ));
    if policy_has_changed {
        let told = "the policy has changed since then: the proposal is about the one in force now";
        page.line(paint(CAUTION, told));
    }
    page.line(format_args!("{}  {}", paint(STRONG, "proposal:"), remedy.told(false)));
    page.line("");
    page.add(replay::rendered("this change", comparison, now));
    page
}
