//! What the rules knew when an earlier call was decided, put together again from the journal.
//!
//! Calls are noted in the order in which they came, so that repeats, rates and first times are those of
//! then. How switches stood, and when the number was last dialled or answered, is what was written down
//! with the call; what no rule asked for then is as it is now.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::Timestamp;
use ringfence_policy::{Answer, CallerId, Facts, History, Per, Policy};

use crate::journal::{Call, Past, Reader, StoreError, address, identity};

/// What the rules knew at an earlier time.
#[derive(Debug)]
pub(super) struct Then {
    /// The calls that were noted.
    calls: Past,
    /// Whom we dialled, whose calls were answered.
    spoken: Past,
    /// Since when and until when a caller was on a list for a time, by both their names.
    added: HashMap<(String, String), (Timestamp, Option<Timestamp>)>,
}

/// Somebody who is on a list for the sake of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Supposed<'a> {
    pub(super) list: &'a str,
    /// What the rules know them by.
    pub(super) identity: &'a str,
}

impl Then {
    /// Reads what is the same at all times. No call is noted yet.
    pub(super) fn open(reader: &Reader, now: Timestamp) -> Result<Self, StoreError> {
        let entries = reader.entries(Timestamp::UNIX_EPOCH)?;
        let added = entries.into_iter().map(|added| ((added.list, added.identity), (added.at, added.until)));
        let spoken = reader.past(now)?;
        Ok(Self { calls: Past::default(), spoken, added: added.collect() })
    }

    /// Notes a call: the next one is decided with it.
    pub(super) fn note(&self, call: &Call) {
        self.calls.called(call.evidence.identity.as_deref(), &call.line, address(&call.source), call.at);
    }

    /// Makes the facts of a call again, under a policy; somebody may be supposed to be on a list.
    pub(super) fn facts<T>(
        &self,
        call: &Call,
        policy: &Policy,
        supposed: Option<&Supposed<'_>>,
        see: impl FnOnce(&Facts<'_>, Timestamp) -> T,
    ) -> T {
        let history = OfThen { then: self, source: address(&call.source), supposed };
        said(call).with_facts(policy, call.at, Some(&history), see)
    }
}

/// Returns what was written down of a call's facts; of one that was not, what else the journal has.
fn said(call: &Call) -> ringfence_policy::Call {
    let written = serde_json::from_str(&call.evidence.facts).ok();
    let said = written.unwrap_or_else(|| ringfence_policy::Call {
        caller: call.evidence.identity.clone().unwrap_or_else(|| call.caller.clone()),
        name: call.display_name.clone(),
        withheld: call.caller == "anonymous" && call.evidence.identity.is_some(),
        ..ringfence_policy::Call::default()
    });
    let line = said.line.clone().or_else(|| Some(call.line.clone()));
    // Of the rates the greatest was written down, whatever it counted: they are counted again.
    ringfence_policy::Call { at: None, rate: None, line, ..said }
}

/// What the rules ask of one call.
#[derive(Debug)]
struct OfThen<'a> {
    then: &'a Then,
    source: Option<IpAddr>,
    supposed: Option<&'a Supposed<'a>>,
}

impl History for OfThen<'_> {
    fn calls(&self, caller: &CallerId<'_>, since: Timestamp) -> u32 {
        self.then.calls.calls(caller, since, Timestamp::MAX)
    }

    fn rate(&self, per: Per, facts: &Facts<'_>, since: Timestamp) -> u32 {
        self.then.calls.of_call(self.source, Timestamp::MAX, &[]).rate(per, facts, since)
    }

    fn dialed(&self, caller: &CallerId<'_>) -> Option<Timestamp> {
        self.then.spoken.last_dialed(caller)
    }

    fn answered(&self, caller: &CallerId<'_>) -> Option<Timestamp> {
        self.then.spoken.last_answered(caller)
    }

    fn is_known(&self, caller: &CallerId<'_>) -> bool {
        self.then.calls.is_known(caller)
    }

    fn added(&self, list: &str, caller: &CallerId<'_>, now: Timestamp) -> bool {
        let Some(identity) = identity(caller) else { return false };
        let is_supposed =
            self.supposed.is_some_and(|supposed| *supposed == Supposed { list, identity: &identity });
        let key = (list.to_owned(), identity);
        is_supposed
            || self
                .then
                .added
                .get(&key)
                .is_some_and(|(since, until)| *since < now && until.is_none_or(|until| now < until))
    }

    fn switch(&self, _: &str, _: Timestamp) -> Option<bool> {
        None
    }

    fn answer(&self, _: &str) -> Option<Answer> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::calls::a_call;
    use crate::journal::Evidence;

    #[test]
    fn a_call_is_what_was_written_down_of_it_at_the_time_it_came() {
        let facts = r#"{"caller":"+41791234567","line":"work","at":"2020-01-01T00:00"}"#.to_owned();
        let call = Call { evidence: Evidence { facts, ..Evidence::default() }, ..a_call() };
        assert_eq!((said(&call).line.as_deref(), said(&call).at), (Some("work"), None));
    }

    #[test]
    fn of_a_call_without_facts_the_caller_the_name_and_the_line_count() {
        let evidence = Evidence { identity: Some("+41791234567".to_owned()), ..Evidence::default() };
        let call = Call { caller: "anonymous".to_owned(), evidence, ..a_call() };
        let said = said(&call);
        assert_eq!(
            (said.caller.as_str(), said.line.as_deref(), said.withheld),
            ("+41791234567", Some("home"), true)
        );
    }
}
