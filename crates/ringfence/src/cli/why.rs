//! `ringfence why`

mod told;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use ringfence_policy::{Action, Decision, Facts, Line, OneOrMore, Policy, Verdict, decide};

use self::told::{COLUMN, Met, Shadow, Told, rendered};
use super::failure::with_hint;
use super::output::print_json;
use super::records::{Records, told};
use super::then::{Then, farthest_rates, was_late};
use super::withheld::Withheld;
use super::wrap::print_wrapped;
use super::{Answer, Context, when};
use crate::config::{Account, Config};
use crate::journal::{Call, Outcome, Past, Query, Reader};
use crate::visible::visible;

/// Tell all of a decision: each fact, each rule, yes or no, and why
///
/// Of a call of the journal: what the policy in force now makes of what was known then. Of a number: what
/// would happen if it called.
#[derive(Debug, Args)]
pub(super) struct Why {
    /// `last`, a call as `ringfence calls` names it (c17), a Call-ID, or a number that might call
    #[arg(value_name = "CALL|NUMBER", allow_hyphen_values = true)]
    what: String,

    /// With a number: when it would call, on the clock of the policy
    ///
    /// A time of day (23:10) is the next that comes; a span (2h) counts from now. A day (2026-03-01) is its beginning, and with a
    /// time of day (2026-03-01T23:10) that instant, be it over or not.
    #[arg(long, value_name = "WHEN")]
    at: Option<String>,

    /// With a number: which line it would call [default: the first of the configuration]
    #[arg(long, value_name = "NAME")]
    line: Option<String>,

    #[command(flatten)]
    withheld: Withheld,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Why {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        if self.what.trim().is_empty() {
            let hint = "for example: ringfence why last, ringfence why +41791234567";
            return Err(with_hint("expected a call or a number, found nothing", hint));
        }
        let config = context.config().await?;
        let now = Timestamp::now();
        let records = match Records::open(context).await {
            Ok(records) => Some(records),
            // What would happen can be told without a journal.
            Err(error) if is_handle(&self.what) => return Err(error),
            Err(_) => None,
        };
        let call = records.as_ref().map(|records| records.find(&self.what)).transpose()?.flatten();
        if call.is_some() && (self.at.is_some() || self.line.is_some()) {
            let flag = if self.at.is_some() { "--at" } else { "--line" };
            let message = format!("expected a number with {flag}, found a call, which has its own");
            return Err(with_hint(
                message,
                "leave it out, or name a number that might call: ringfence why +41791234567",
            ));
        }
        let reader = records.as_ref().and_then(Records::reader);
        let mut told = match (call, reader) {
            (Some(call), Some(reader)) => of_call(call, reader, &config, now)?,
            (None, _) if is_handle(&self.what) => {
                let message = format!("there is no call {}", visible(&self.what));
                return Err(with_hint(
                    message,
                    "`ringfence calls` shows them; a number: ringfence why +41791234567",
                ));
            }
            (_, reader) => self.of_number(reader, &config, now)?,
        };
        if let Some(call) = &mut told.call {
            *call = if self.json { self.withheld.exported(call) } else { self.withheld.told(call) };
        }
        told.entry = self.withheld.shown(told.entry);
        if self.json {
            print_json(&told)?;
        } else {
            print_wrapped(rendered(&told, now), COLUMN)?;
        }
        Ok(Answer::Fine)
    }

    /// Tells what would happen if a number called.
    fn of_number(&self, reader: Option<&Reader>, config: &Config, now: Timestamp) -> Result<Told> {
        let policy = &config.policy;
        let at = self.at.as_deref();
        let at = at.map(|text| when::next_in("--at", text, now, policy.zone())).transpose()?;
        let line = self.called(config)?;
        let call = ringfence_policy::Call {
            line: Some(line.name.clone()),
            group: Some(OneOrMore::More(line.groups)),
            ..ringfence_policy::Call::told(&super::caller::as_called(&self.what, policy.region()))
        };
        let past = reader
            .map(|reader| reader.past(now))
            .transpose()
            .map_err(|error| told(&error))?
            .unwrap_or_default();
        // A list that is asked for each call is not asked: it counts as one that does not answer.
        let unanswered: Vec<_> =
            config.unanswered.iter().map(|(list, answer)| (list.clone(), *answer)).collect();
        let history = past.of_call(past.line(&line.account), None, at.unwrap_or(now), &unanswered);
        let mut told = call.with_facts(policy, at.unwrap_or(now), Some(&history), |facts, now| {
            let began = Instant::now();
            let _ = decide(policy, facts, now);
            tell(policy, facts, now, began.elapsed())
        });
        told.not_asked = config.look_ups.iter().map(|look_up| look_up.name.clone()).collect();
        told.not_asked.dedup();
        if self.line.is_none() {
            told.other_lines = line.others;
        }
        Ok(told)
    }

    /// Returns the line that the number would call: the one that is named, or else the first.
    fn called(&self, config: &Config) -> Result<Called> {
        let policy = &config.policy;
        let lines: Vec<_> =
            config.accounts.iter().map(|account| (account, policy.line_of_account(&account.name))).collect();
        let is_meant = |account: &Account, line: &Line| {
            self.line.as_deref().is_none_or(|name| *account.name == *name || *line.name == *name)
        };
        let Some((account, line)) = lines.iter().find(|(account, line)| is_meant(account, line)) else {
            let names: Vec<&str> = lines.iter().map(|(_, line)| &*line.name).collect();
            let named = self.line.as_deref().unwrap_or_default().escape_debug();
            let message = format!("expected a line, found \"{named}\"");
            return Err(with_hint(message, format!("the lines are: {}", names.join(", "))));
        };
        let others = lines.iter().map(|(_, line)| line.name.to_string()).filter(|name| *name != *line.name);
        let address = format!("sip:{}@{}", account.user, account.domain);
        let groups = policy.groups_of(&line.name, &address);
        let (name, account) = (line.name.to_string(), account.name.to_string());
        Ok(Called { name, account, groups, others: others.collect() })
    }
}

/// The line that a number would call.
struct Called {
    /// As the policy has it.
    name: String,
    /// That of its account.
    account: String,
    groups: Vec<Box<str>>,
    others: Vec<String>,
}

/// Tells whether a text can mean nothing but a call: what the running program numbers it by begins with the number of a
/// thread, and counts fewer calls than a telephone number has digits.
fn is_handle(what: &str) -> bool {
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_thread =
        |digits: &str| is_number(digits) && (digits == "0" || !digits.starts_with('0')) && digits.len() < 3;
    let is_id = || {
        what.split_once('.')
            .is_some_and(|(thread, count)| is_thread(thread) && is_number(count) && count.len() < 8)
    };
    what == "last" || what.strip_prefix('c').is_some_and(is_number) || is_id()
}

/// Tells what the policy in force makes of a call of the journal.
fn of_call(call: Call, reader: &Reader, config: &Config, now: Timestamp) -> Result<Told> {
    let then = before(&call, reader, config, now).map_err(|error| told(&error))?;
    let policy = &*config.policy;
    let decided_in = call.evidence.decided_in;
    let mut told = then.facts(&call, policy, None, |facts, now| Told {
        in_place_of_silence: in_place_of_silence(policy, facts, now).filter(|_| was_late(&call)),
        in_place_of_redirection: in_place_of_redirection(&call, policy, facts, now),
        ..tell(policy, facts, now, decided_in)
    });
    told.policy_has_changed = has_changed_since(policy, &call);
    told.call = Some(call);
    Ok(told)
}

/// Returns what goes out in the place of silence to a caller who has heard 100 Trying, if the call is to be ignored.
fn in_place_of_silence(policy: &Policy, facts: &Facts<'_>, now: Timestamp) -> Option<u16> {
    let action = policy.line(facts.line).act(decide(policy, facts, now).treatment());
    let outcome = Outcome::of(&action, facts.arrival.is_from_registrar());
    let is_silence = matches!(action, Action::Ignore { .. }) && outcome == Outcome::Ignore;
    if is_silence { outcome.after_trying().status() } else { None }
}

/// Returns what goes out in the place of a redirection that led the call back to the URI that it was for.
fn in_place_of_redirection(call: &Call, policy: &Policy, facts: &Facts<'_>, now: Timestamp) -> Option<u16> {
    let action = policy.line(facts.line).act(decide(policy, facts, now).treatment());
    let outcome = Outcome::of(&action, facts.arrival.is_from_registrar());
    let again = outcome.clone().again_as(&call.verdict);
    if again == outcome { None } else { again.status() }
}

/// Returns what the registrar is answered where others are ignored.
fn to_registrar(action: &Action, facts: &Facts<'_>) -> Option<u16> {
    let outcome = Outcome::of(action, facts.arrival.is_from_registrar());
    outcome.status().filter(|_| matches!(action, Action::Ignore { .. }))
}

/// Tells whether a call was decided by another policy than this one.
pub(super) fn has_changed_since(policy: &Policy, call: &Call) -> bool {
    let then = &*call.evidence.policy;
    !then.is_empty() && then != policy.checksum()
}

/// Notes what came before a call: of its caller all, of others as far back as the policy counts rates. Where it counts more
/// calls than are counted one by one, all: which of them are left out at the edge depends on all that came before.
pub(super) fn before(
    call: &Call,
    reader: &Reader,
    config: &Config,
    now: Timestamp,
) -> Result<Then, crate::journal::StoreError> {
    let then = Then::open(reader, config, now)?;
    let (longest, most) = farthest_rates(&config.policy);
    let back = Some(longest).filter(|_| most < Past::COUNTED_EXACTLY);
    let rates_back = back.and_then(|back| call.at.checked_sub(back).ok()).unwrap_or(Timestamp::MIN);
    // By what the rules know the caller by: what is shown of one who withholds the number is of many, and at other times the
    // same caller may not withhold it. Who cannot be told from others has no past.
    if let Some(identity) = call.evidence.identity.clone() {
        let earlier = Query { identity: Some(identity), until: Some(rates_back), ..Query::default() };
        reader.search(&earlier)?.iter().rev().for_each(|earlier| then.note(earlier));
    }
    reader.walk(Some(rates_back), |other| {
        if other.number == call.number {
            return ControlFlow::Break(());
        }
        then.note(other);
        ControlFlow::Continue(())
    })?;
    Ok(then)
}

fn tell(policy: &Policy, facts: &Facts<'_>, now: Timestamp, decided_in: Duration) -> Told {
    let trace = policy.trace(facts, now);
    let decision = decide(policy, facts, now);
    let line = policy.line(facts.line);
    let is_shadow =
        |id: &str| trace.rules.iter().any(|rule| rule.id == id && rule.verdict == Verdict::Shadow);
    let rules = policy.rules().iter().filter(|rule| is_shadow(rule.id()));
    let rules = rules.map(|rule| (rule.id(), rule.then()));
    let shadow = rules.chain(decision.prevented().map(|prevented| (decision.rule_id(), prevented)));
    let shadow = shadow.map(|(rule, then)| Shadow {
        rule: rule.to_owned(),
        action: format!("{} = {}", then.name(), line.act(then)),
    });
    Told {
        call: None,
        entry: kept_back(policy, &decision, facts, now),
        in_place_of_silence: None,
        in_place_of_redirection: None,
        to_registrar: to_registrar(&line.act(decision.treatment()), facts),
        shadow: shadow.collect(),
        trace,
        not_asked: Vec::new(),
        other_lines: Vec::new(),
        policy_has_changed: false,
        decided_in: u64::try_from(decided_in.as_micros()).unwrap_or(u64::MAX),
        would_ring_anyway: decision.wanted().is_some() && decision.prevented().is_none(),
    }
}

/// Returns the entry that decided, if what explains the decision keeps it back.
fn kept_back(policy: &Policy, decision: &Decision<'_>, facts: &Facts<'_>, now: Timestamp) -> Option<Met> {
    let is_shown = || decision.explain(policy, facts, now).entry.is_some();
    let entry = decision.entry().filter(|_| !is_shown())?;
    let (list, origin) = (entry.list().to_owned(), entry.origin().to_string());
    Some(Met { list, entry: entry.to_string(), origin })
}
