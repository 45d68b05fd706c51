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
use super::failure::{hint, with_hint};
use super::list::remembered;
use super::output::{clock, day, print, print_json};
use super::records::{Records, told};
use super::replay::{self, Comparison, Fate};
use super::then::Supposed;
use super::turn::asked;
use super::withheld::masked;
use super::{Answer, Context, caller, in_force, in_force_of, turn, why};
use crate::config::Config;
use crate::journal::{Added, Call, Outcome, Reader};
use crate::page::Page;
use crate::style::{CAUTION, STRONG, paint};
use crate::visible::visible;

/// Mend a decision that was wrong: see the smallest change, what else it would change, and apply it
///
/// Of a call that was turned away: its entry is taken off the list (one for a time ends now), or its number goes on a list that is
/// let through. Of one that was let through: its number goes on a list that is turned away. Where the entry that decided is
/// over, there is nothing to mend; what stands against an INVITE itself, so that it could not ring, no list mends. `last` is
/// refused while records wait to be written. If a test of the
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
    /// The entry for a time that decided it, if that is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    over: Option<Over<'a>>,
    /// None when there is nothing to mend: the entry that decided it is over, or the policy in force decides it otherwise already.
    remedy: Option<&'a Remedy>,
    replay: Option<&'a Comparison>,
    applied: bool,
}

/// An entry for a time that is over.
#[derive(Debug, Serialize)]
struct Over<'a> {
    list: &'a str,
    until: Option<Timestamp>,
    rule: Option<&'a str>,
}

/// What there is to do about a call.
enum Proposal {
    /// The smallest change that decides it otherwise, and what else that changes.
    Change(Remedy, Comparison),
    /// Nothing: the policy in force decides it otherwise already.
    Mended,
    /// Nothing: the entry for a time that decided it is over.
    Over(Added),
}

/// How far back the change is tried.
const BACK: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Of the changes that help so many are tried: each one decides all these calls again.
const MOST_COMPARED: usize = 4;

impl WasWrong {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        // What is applied is what was proposed: a yes counts only while the lists are as they were.
        let (mut turn, reading) = turn::take(context)?;
        let config = in_force_of(reading).await?;
        let records = Records::open(context).await?;
        if let ("last", Some(waiting)) = (&*self.call, records.waiting()) {
            let s = if waiting == 1 { " waits" } else { "s wait" };
            let message =
                format!("which call was the last cannot be told: {waiting} record{s} to be written");
            return Err(with_hint(message, "name the call that is meant, as `ringfence calls` does: c17"));
        }
        let now = Timestamp::now();
        let (Some(call), Some(reader)) = (records.find(&self.call)?, records.reader()) else {
            let message = format!("expected a call of the journal, found \"{}\"", self.call.escape_debug());
            return Err(with_hint(
                message,
                "`ringfence calls` shows the newest, with their names such as c17",
            ));
        };
        let policy_has_changed = why::has_changed_since(&config.policy, &call);
        let entries = remembered::of(&records, now);
        let (remedy, comparison) = match propose(&config, &call, &entries, reader, now)? {
            Proposal::Change(remedy, comparison) => (remedy, comparison),
            Proposal::Mended => return self.tell_mended(&call, policy_has_changed),
            Proposal::Over(added) => return self.tell_over(&call, &added, policy_has_changed),
        };
        if !self.json {
            print(rendered(&call, policy_has_changed, &remedy, &comparison, now))?;
        }
        let applies = if self.json { self.yes } else { asked(&mut turn, "Apply it?", self.yes)? };
        let note = format!("was wrong {}: {}", day(now), Handle::Written(call.number));
        let attempt = || Attempt::new(&config.path, remedy.list(&config), false);
        // One that breaks a test of the policy is told and taken back.
        let done = if applies { attempt().make(|| remedy.apply(&config, &note))? } else { None };
        let applies = done.is_some();
        if let (true, Remedy::End(added)) = (applies, &remedy) {
            remembered::end(context, std::slice::from_ref(added), now).await?;
        }
        if self.json {
            let (call, remedy, replay) = (&masked(&call), Some(&remedy), Some(&comparison));
            print_json(&Told { call, policy_has_changed, over: None, remedy, replay, applied: applies })?;
        } else if let Some((done, _)) = done {
            print(format_args!("{}\n", done.join("\n")))?;
        }
        match remedy {
            _ if !applies => Ok(Answer::Negative),
            // The running program has ended it itself: no list is to be read again.
            Remedy::End(_) => Ok(Answer::Fine),
            Remedy::Add { .. } | Remedy::Remove { .. } => in_force::take_up(context, &[remedy.name()]).await,
        }
    }

    /// Tells that the policy in force does already what the one of then should have done.
    fn tell_mended(&self, call: &Call, policy_has_changed: bool) -> Result<Answer> {
        let number = Handle::Written(call.number);
        let told = if policy_has_changed {
            format!("the policy has changed since {number}, and the one in force")
        } else {
            format!("lists or entries of them have changed since {number}, and the policy in force")
        };
        self.tell_nothing(call, policy_has_changed, None, &told)
    }

    /// Tells that the next call is not decided by what decided this one.
    fn tell_over(&self, call: &Call, added: &Added, policy_has_changed: bool) -> Result<Answer> {
        let Added { list, until, rule, .. } = added;
        let until_when = until.map(|until| format!(" until {} {}", day(until), clock(until)));
        let by =
            rule.as_deref().map_or_else(|| "by hand".to_owned(), |rule| format!("by rule {}", visible(rule)));
        let told = format!(
            "the entry that decided {} is over: {} was on the list {}{}, put there {by}, and the policy in force",
            Handle::Written(call.number),
            caller_of(&masked(call)),
            visible(list),
            until_when.unwrap_or_default(),
        );
        let over = Over { list, until: *until, rule: rule.as_deref() };
        self.tell_nothing(call, policy_has_changed, Some(over), &told)
    }

    fn tell_nothing(
        &self,
        call: &Call,
        policy_has_changed: bool,
        over: Option<Over<'_>>,
        why: &str,
    ) -> Result<Answer> {
        if self.json {
            let call = &masked(call);
            let told = Told { call, policy_has_changed, over, remedy: None, replay: None, applied: false };
            print_json(&told)?;
        } else {
            let number = Handle::Written(call.number);
            let verb = if Fate::written(call).is_refusal { "let it through" } else { "turn it away" };
            print(format_args!("{why} would {verb}: nothing to mend\n"))?;
            hint(&format!("`ringfence why {number}` tells how it decides"));
        }
        Ok(Answer::Negative)
    }
}

/// Finds the smallest change that decides a call otherwise than it was, and what else it changes, if the policy in force
/// does not decide it otherwise already.
fn propose(
    config: &Config,
    call: &Call,
    entries: &[Added],
    reader: &Reader,
    now: Timestamp,
) -> Result<Proposal> {
    let policy = &config.policy;
    if let Outcome::Refuse { status } = call.verdict {
        let number = Handle::Written(call.number);
        let message = format!("no list mends what stood against {number}: it could not ring ({status})");
        return Err(with_hint(message, format!("`ringfence why {number}` tells what that was")));
    }
    let Some(identity) = call.evidence.identity.as_deref() else {
        let message = format!("{} cannot be told from other callers", caller_of(call));
        return Err(with_hint(message, "write a rule for callers of this kind: caller_kind = …"));
    };
    let then = why::before(call, reader, config, now).map_err(|error| told(&error))?;
    let fate = |policy: &Policy, supposed: Option<&Supposed<'_>>| {
        then.facts(call, policy, supposed, |facts, now| Fate::of(policy, facts, now, call))
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
    let still = call.evidence.list.as_deref();
    let still = entries.iter().find(|added| Some(&*added.list) == still && added.identity == identity);
    // Whoever was put on the list anew is on it for the next call.
    let on_it = still.map(|added| Supposed { list: &added.list, identity, is_on: true });
    let is_mended = |supposed| fate(policy, supposed).is_refusal != is_refused;
    if is_mended(None) && on_it.as_ref().is_none_or(|on_it| is_mended(Some(on_it))) {
        return Ok(Proposal::Mended);
    }
    let sought = Sought { is_refused, entry: entry_of_one(identity, policy)? };
    let entry_of = |facts: &Facts<'_>, now| decide(policy, facts, now).list().map(str::to_owned);
    let list = then.facts(call, policy, None, entry_of).or_else(|| still.map(|added| added.list.clone()));
    if let Some(over) =
        list.as_deref().and_then(|list| then.put(list, identity, call.at)).filter(|_| still.is_none())
    {
        let supposed = Supposed { list: &over.list, identity, is_on: false };
        if over.until.is_some_and(|until| until <= now)
            && fate(policy, Some(&supposed)).is_refusal != is_refused
        {
            return Ok(Proposal::Over(over.clone()));
        }
    }
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
                Some(supposed) => replay::supposing(reader, since, now, config, supposed)?,
                None => replay::compare(reader, since, now, config, &candidate)?,
            };
            compared += 1;
            // Of those that change as many calls it is the first.
            if best.as_ref().is_none_or(|(_, best)| comparison.different() < best.different()) {
                best = Some((remedy, comparison));
            }
        }
    }
    if let Some((remedy, comparison)) = best {
        return Ok(Proposal::Change(remedy, comparison));
    }
    let verb = if sought.is_refused { "let the call through" } else { "turn the call away" };
    let message = format!("no entry of a list would {verb}");
    Err(with_hint(message, "a rule decides it by something else: `ringfence why` tells which"))
}

/// Returns the entry that means one caller alone.
fn entry_of_one(identity: &str, policy: &Policy) -> Result<Pattern> {
    remedy::entry_for(identity, policy.region()).map_err(|why| {
        let message = format!("{} cannot stand on a list", caller::told(identity));
        with_hint(message, format!("{why}: write a rule for what else is known of the call"))
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
