//! `ringfence replay`

mod comparison;

use std::ops::ControlFlow;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use ringfence_policy::Policy;
use serde::Serialize;

pub(super) use self::comparison::{Comparison, Difference, Fate};
use super::calls::{Handle, moment, who};
use super::output::{print, print_json};
use super::records::{Records, since, told};
use super::then::{Supposed, Then};
use super::{Answer, Context, policy_file};
use crate::config::Config;
use crate::journal::{Call, Outcome, Reader};
use crate::page::Page;
use crate::style::{BAD, DIM, GOOD, STRONG, paint};
use crate::visible::visible;

/// Decide the calls of the journal again, and show what would be different
///
/// With --policy, the policy of that file is compared with the one in force; without it, the one in force
/// with what was decided at the time, but for calls that could not ring, whatever was decided. Repeats, rates and
/// first times are those of then.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// Calls since then: 90d, 2026-03-01
    #[arg(long, value_name = "WHEN", default_value = "90d")]
    since: String,

    /// The policy to try: a file with rules, or a whole configuration
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// Exit 1 if any call would be answered differently
    #[arg(long)]
    fail_on_change: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Replay {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let now = Timestamp::now();
        let since = since(Some(&self.since), now)?;
        let config = context.config().await?;
        let candidate =
            self.policy.as_deref().map(|path| policy_file::policy(path, &config.policy)).transpose()?;
        let records = Records::open(context).await?;
        let comparison = match (records.reader(), &candidate) {
            (None, _) => Comparison::default(),
            (Some(reader), Some(candidate)) => compare(reader, since, now, &config, candidate)?,
            (Some(reader), None) => compare_with_then(reader, since, now, &config)?,
        };
        if self.json {
            print_json(&Told { since, comparison: &comparison })?;
        } else {
            let subject = if candidate.is_some() { "this change" } else { "the policy in force now" };
            let mut page = rendered(subject, &comparison, now);
            add_shadow(&mut page, &comparison);
            print(page)?;
        }
        Ok(Answer::of(!self.fail_on_change || comparison.is_same()))
    }
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Told<'a> {
    since: Option<Timestamp>,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

/// Decides every call since a time under the policy in force and another one.
pub(super) fn compare(
    reader: &Reader,
    since: Option<Timestamp>,
    now: Timestamp,
    config: &Config,
    to: &Policy,
) -> Result<Comparison> {
    let then = Then::open(reader, config, now).map_err(|error| told(&error))?;
    let decided = |call: &Call, policy: &Policy| {
        then.facts(call, policy, None, |facts, now| Fate::on_the_wire(policy, facts, now, call))
    };
    walk(reader, since, &then, |call| Some((decided(call, &config.policy), decided(call, to))))
}

/// Decides every call since a time again, and compares that with what was decided.
fn compare_with_then(
    reader: &Reader,
    since: Option<Timestamp>,
    now: Timestamp,
    config: &Config,
) -> Result<Comparison> {
    let (then, policy) = (Then::open(reader, config, now).map_err(|error| told(&error))?, &*config.policy);
    walk(reader, since, &then, |call| {
        // What stood against the INVITE itself no policy decides.
        let was_decided = !matches!(call.verdict, Outcome::Refuse { .. });
        let again =
            || then.facts(call, policy, None, |facts, now| Fate::to_be_written(policy, facts, now, call));
        was_decided.then(|| (Fate::written(call), again()))
    })
}

/// Shows one call that a policy decides differently when its caller is supposed to be on a list, or not.
pub(super) fn supposing(
    reader: &Reader,
    since: Option<Timestamp>,
    now: Timestamp,
    config: &Config,
    supposed: &Supposed<'_>,
) -> Result<Comparison> {
    let (then, policy) = (Then::open(reader, config, now).map_err(|error| told(&error))?, &*config.policy);
    let decided = |call: &Call, supposed: Option<&Supposed<'_>>| {
        then.facts(call, policy, supposed, |facts, now| Fate::of(policy, facts, now, call))
    };
    walk(reader, since, &then, |call| Some((decided(call, None), decided(call, Some(supposed)))))
}

/// Walks the journal from its beginning, so that what happened before a call is known, and compares the
/// calls since a time.
fn walk(
    reader: &Reader,
    since: Option<Timestamp>,
    then: &Then,
    mut decide: impl FnMut(&Call) -> Option<(Fate, Fate)>,
) -> Result<Comparison> {
    let mut comparison = Comparison::default();
    let walked = reader.walk(None, |call| {
        if since.is_none_or(|since| call.at >= since) {
            match decide(call) {
                Some((from, to)) => comparison.add(call, from, to),
                None => comparison.leave_out(),
            }
        }
        then.note(call);
        ControlFlow::Continue(())
    });
    walked.map_err(|error| told(&error))?;
    Ok(comparison)
}

/// Returns the page of a comparison.
pub(super) fn rendered(subject: &str, comparison: &Comparison, now: Timestamp) -> Page {
    let mut page = Page::new();
    page.line(paint(STRONG, comparison.sentence(subject)));
    if comparison.left_out > 0 {
        let told = "could not be decided again: what stood against the INVITE itself was answered";
        page.line(format_args!("{} {told}", comparison.left_out));
    }
    if !comparison.newest.is_empty() {
        page.line("");
    }
    for Difference { call, from, to } in comparison.newest.iter().rev() {
        page.line(format_args!(
            "{}  {} → {}  {} → {}\n{}  {}",
            paint(DIM, moment(call.at, now)),
            who(call),
            visible(&call.line),
            fate(from),
            fate(to),
            paint(DIM, format_args!("{:>8}", Handle::Written(call.number).to_string())),
            paint(DIM, format_args!("{} → {}", visible(&from.rule), visible(&to.rule))),
        ));
    }
    let shown = u64::try_from(comparison.newest.len()).unwrap_or(u64::MAX);
    if comparison.different > shown {
        page.line(format_args!("and {} earlier ones", comparison.different - shown));
    }
    page
}

/// Tells how often rules in shadow mode would have decided.
fn add_shadow(page: &mut Page, comparison: &Comparison) {
    if !comparison.shadow.is_empty() {
        let rules = comparison.shadow.iter().map(|(rule, count)| format!("{} {count}", visible(rule)));
        page.line("");
        page.line(format_args!(
            "rules in shadow mode would have decided: {}",
            rules.collect::<Vec<_>>().join(", ")
        ));
    }
}

fn fate(fate: &Fate) -> String {
    paint(if fate.is_refusal { BAD } else { GOOD }, visible(&fate.action))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::calls::a_call;

    fn fate(rule: &str, action: &str, is_refusal: bool) -> Fate {
        Fate { rule: rule.to_owned(), action: action.to_owned(), is_refusal, shadow: vec![] }
    }

    #[test]
    fn a_page_tells_how_many_calls_and_which() {
        let mut comparison = Comparison::default();
        let call = a_call();
        let (ring, reject) = (fate("otherwise", "ring", false), fate("new", "reject with 486", true));
        comparison.add(&call, ring.clone(), ring.clone());
        comparison.add(&call, ring, Fate { shadow: vec!["idea".to_owned()], ..reject });
        let mut page = rendered("this change", &comparison, call.at);
        add_shadow(&mut page, &comparison);
        let plain = anstream::adapter::strip_str(&page.to_string()).to_string();
        let at = moment(call.at, call.at);
        assert_eq!(
            plain,
            format!(
                "this change would have rejected 1 of your last 2 calls\n\n\
                 {at}  +41791234567 \"=cmd()·[2J\" → home  ring → reject with 486\n     c17  otherwise → new\n\n\
                 rules in shadow mode would have decided: idea 1\n"
            )
        );
    }
}
