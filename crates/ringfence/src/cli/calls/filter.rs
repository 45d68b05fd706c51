//! Which calls are meant.

use anyhow::Result;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use ringfence_policy::Region;

use super::known::Known;
use crate::cli::failure::with_hint;
use crate::cli::output::{clock, day};
use crate::cli::records::since;
use crate::cli::withheld::Withheld;
use crate::cli::{Context, caller, when};
use crate::journal::{Call, Query};

/// Which calls are meant: those that all of it is true of.
#[derive(Debug, Args)]
pub(super) struct Filter {
    /// Calls of this caller only; `+4179*` is all that begin so. With --withheld a full number finds calls that
    /// withhold it as well
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

impl Filter {
    /// Returns what is asked of the calls.
    pub(super) fn query(
        &self,
        context: &Context,
        known: Option<&Known>,
        now: Timestamp,
        withheld: Withheld,
        limit: usize,
    ) -> Result<Query> {
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
        let asked_for =
            self.caller.as_deref().map(|caller| asked_for(caller, context.region().ok(), withheld));
        let (caller, identity) = asked_for.unwrap_or_default();
        Ok(Query {
            caller,
            identity,
            rule: self.rule.clone(),
            outcome: self.outcome.map(|outcome| outcome.as_str().to_owned()),
            line: self
                .line
                .as_ref()
                .map(|line| known.map_or_else(|| line.clone(), |known| known.label(line))),
            since,
            until,
            limit: Some(u32::try_from(limit).unwrap_or(u32::MAX)),
            ..Query::default()
        })
    }

    /// Tells whether it leaves any call out.
    pub(super) fn is_any(&self) -> bool {
        let texts = [&self.caller, &self.rule, &self.line, &self.since, &self.until];
        self.outcome.is_some() || texts.iter().any(|text| text.is_some())
    }

    /// Tells whether it filters by what the configuration names.
    pub(super) fn names_any(&self) -> bool {
        self.line.is_some() || self.rule.is_some()
    }
}

/// Returns a caller as the journal shows it, or what the rules know it by, as the calls are asked for it: whoever is shown
/// withheld numbers asks for one as for any other.
fn asked_for(written: &str, region: Option<Region>, withheld: Withheld) -> (Option<String>, Option<String>) {
    let is_one = withheld.is_shown() && !written.ends_with('*');
    let number = region.filter(|_| is_one).and_then(|region| caller::number_known_by(written, region).ok());
    if number.is_some() {
        return (None, number);
    }
    let (shown, known) = caller::asked_for(written, region);
    (Some(shown), known)
}

/// Tells whether a query means a call, as the journal's file would.
pub(super) fn is_asked_for(query: &Query, call: &Call) -> bool {
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
    use crate::cli::calls::a_call;

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
