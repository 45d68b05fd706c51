//! What the rules knew when an earlier call was decided, put together again from the journal.
//!
//! Calls are noted in the order in which they came, so that repeats, rates and first times are those of
//! then. How switches stood, what lists answered or that they did not, when the number was last dialled or
//! answered, and whether an emergency number was, is what was written down with the call; what no rule
//! asked for then is as it is now. The line and its groups are those that the policy which is tried has for
//! the account that the call came in on; of an account that is gone they are those of then.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ringfence_policy::{Addition, Answer, CallerId, Condition, Facts, History, OneOrMore, Per, Policy};

use crate::config::Config;
use crate::journal::{Added, Call, OfCall, Past, Reader, StoreError, address, identity};

/// What the rules knew at an earlier time.
#[derive(Debug)]
pub(super) struct Then {
    /// The calls that were noted.
    calls: Past,
    /// How far back the rules saw.
    retention: SignedDuration,
    /// Whom we dialled, whose calls were answered.
    spoken: Past,
    /// The calls of a moment ago: copies of one on several lines have its time.
    copies: RefCell<VecDeque<(Timestamp, String)>>,
    /// Who was on a list for a time, by both their names.
    added: HashMap<(String, String), Added>,
    /// The addresses-of-record of the accounts, by their names.
    addresses: HashMap<Arc<str>, String>,
}

/// Somebody who for the sake of an argument is on a list, or is on it by no entry for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Supposed<'a> {
    pub(super) list: &'a str,
    /// What the rules know them by.
    pub(super) identity: &'a str,
    pub(super) is_on: bool,
}

impl Then {
    /// Reads what is the same at all times. No call is noted yet.
    pub(super) fn open(reader: &Reader, config: &Config, now: Timestamp) -> Result<Self, StoreError> {
        let entries = reader.entries(Timestamp::UNIX_EPOCH)?;
        let added = entries.into_iter().map(|added| ((added.list.clone(), added.identity.clone()), added));
        let spoken = reader.past(now)?;
        let copies = RefCell::default();
        let (calls, retention) = (Past::default(), reader.retention());
        let addresses = config
            .accounts
            .iter()
            .map(|account| (Arc::clone(&account.name), format!("sip:{}@{}", account.user, account.domain)));
        let (added, addresses) = (added.collect(), addresses.collect());
        Ok(Self { calls, retention, spoken, copies, added, addresses })
    }

    /// Notes a call: the next one is decided with it. A further copy of it counts for its line alone.
    pub(super) fn note(&self, call: &Call) {
        if self.is_copy(call) {
            let latest = self.copies.borrow().back().map_or(call.at, |(at, _)| call.at.max(*at));
            return self.calls.called(None, self.calls.line(&call.line), None, latest);
        }
        let caller = call.evidence.identity.as_deref().map(|identity| self.calls.caller(identity));
        self.calls.called(caller, self.calls.line(&call.line), address(&call.source), call.at);
        let mut copies = self.copies.borrow_mut();
        copies.push_back((call.at, call.call_id.clone()));
        while copies.len() > MOST_COPIES {
            copies.pop_front();
        }
    }

    /// Tells whether a copy of a call was noted.
    fn is_copy(&self, call: &Call) -> bool {
        let copies = self.copies.borrow();
        copies.iter().rev().any(|(at, call_id)| *at == call.at && *call_id == call.call_id)
    }

    /// Finds what had put a caller, by both their names, on a list for a time in which a call came.
    pub(super) fn put(&self, list: &str, identity: &str, at: Timestamp) -> Option<&Added> {
        let added = self.added.get(&(list.to_owned(), identity.to_owned()))?;
        (added.at < at && added.until.is_none_or(|until| at < until)).then_some(added)
    }

    /// Makes the facts of a call again, under a policy; somebody may be supposed to be on a list.
    pub(super) fn facts<T>(
        &self,
        call: &Call,
        policy: &Policy,
        supposed: Option<&Supposed<'_>>,
        see: impl FnOnce(&Facts<'_>, Timestamp) -> T,
    ) -> T {
        let counted = self.is_copy(call).then_some(call.at);
        let (line, source) = (self.calls.line(&call.line), address(&call.source));
        let past = self.calls.of_call(line, source, call.at, &[]).without_copy(counted);
        let history = OfThen { then: self, past, at: call.at, supposed };
        let mut said = said(call);
        if let Some(address) = self.addresses.get(call.line.as_str()) {
            let line = policy.line_of_account(&call.line).name;
            said.group = Some(OneOrMore::More(policy.groups_of(&line, address)));
            said.line = Some(line.into());
        }
        if let Some(supposed) = supposed.filter(|supposed| !supposed.is_on)
            && call.evidence.identity.as_deref() == Some(supposed.identity)
        {
            said.lists.retain(|list| **list != *supposed.list);
        }
        said.with_facts(policy, call.at, Some(&history), see)
    }
}

/// So many calls may come between two copies of one.
const MOST_COPIES: usize = 256;

/// Returns how far back the rates of a policy count, and the most calls that one of them lets pass.
pub(super) fn farthest_rates(policy: &Policy) -> (SignedDuration, u32) {
    let (mut longest, mut most) = (SignedDuration::ZERO, 0);
    for rule in policy.rules() {
        rule.when().visit(&mut |condition| {
            if let Condition::Rate { within, more_than, .. } = condition {
                (longest, most) = (longest.max(*within), most.max(*more_than));
            }
        });
    }
    (longest, most)
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

/// Tells whether a call heard 100 Trying before it was decided. An earlier version noted of it only which lists were asked.
pub(super) fn was_late(call: &Call) -> bool {
    let said = said(call);
    call.evidence.is_late || !said.scores.is_empty() || !said.unanswered.is_empty()
}

/// What the rules ask of one call.
#[derive(Debug)]
struct OfThen<'a> {
    then: &'a Then,
    past: OfCall<'a>,
    at: Timestamp,
    supposed: Option<&'a Supposed<'a>>,
}

impl OfThen<'_> {
    /// Returns how far back the rules saw when the call came.
    fn oldest(&self) -> Timestamp {
        self.at.checked_sub(self.then.retention).unwrap_or(Timestamp::MIN)
    }
}

impl History for OfThen<'_> {
    fn calls(&self, caller: &CallerId<'_>, since: Timestamp) -> u32 {
        self.past.calls(caller, since.max(self.oldest()))
    }

    fn rate(&self, per: Per, facts: &Facts<'_>, since: Timestamp) -> u32 {
        self.past.rate(per, facts, since.max(self.oldest()))
    }

    fn dialed(&self, caller: &CallerId<'_>) -> Option<Timestamp> {
        self.then.spoken.last_dialed(caller, self.at).filter(|at| *at <= self.at)
    }

    fn answered(&self, caller: &CallerId<'_>) -> Option<Timestamp> {
        self.then.spoken.last_answered(caller, self.at).filter(|at| *at <= self.at)
    }

    fn is_known(&self, caller: &CallerId<'_>) -> bool {
        self.past.calls(caller, self.oldest()) > 0
    }

    fn added(&self, list: &str, caller: &CallerId<'_>, now: Timestamp) -> bool {
        let Some(identity) = identity(caller) else { return false };
        let is_meant = |supposed: &&Supposed<'_>| supposed.list == list && supposed.identity == identity;
        match self.supposed.filter(is_meant) {
            Some(supposed) => supposed.is_on,
            None => self.then.put(list, &identity, now).is_some(),
        }
    }

    fn addition(&self, list: &str, caller: &CallerId<'_>, now: Timestamp) -> Option<Addition> {
        let Added { rule, until, .. } = self.then.put(list, &identity(caller)?, now)?;
        Some(Addition { rule: rule.as_deref().map(Into::into), until: *until })
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
    fn a_call_was_late_if_that_was_noted_or_a_list_was_asked_and_whatever_its_reason_says() {
        let call = |is_late, facts: &str, reason: &str| {
            let evidence = Evidence { is_late, facts: facts.to_owned(), ..Evidence::default() };
            was_late(&Call { evidence, reason: reason.to_owned(), ..a_call() })
        };
        assert!(call(true, "", "let ring: +41791234567 meets no other rule"));
        assert!(call(false, r#"{"caller":"1","unanswered":["service"]}"#, ""));
        assert!(!call(
            false,
            r#"{"caller":"1"}"#,
            "let ring: it could not be decided; the decision panicked"
        ));
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
