//! A call as it is written down: in a test of a policy, in the journal, at the prompt.

mod said;

use std::collections::BTreeMap;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, KeptCaller};
use crate::decide::{Decision, decide};
use crate::duration::parse_duration;
use crate::facts::Facts;
use crate::history::History;
use crate::policy::Policy;
use crate::source::{Arrival, Attestation, Source, Verification};
use crate::trace::Trace;
use said::{Last, Said};

/// A call as it is written down. What is left out has the value for "no answer".
///
/// ```
/// use std::sync::Arc;
/// use jiff::Timestamp;
/// use ringfence_policy::{Call, List, Policy, Region};
///
/// let switzerland = Region::parse("CH")?;
/// let (spam, _) = List::parse_text("reject", "spam.txt", "079*", switzerland);
/// let policy = Policy::of_lists(switzerland, Arc::new(List::empty("allow")), Arc::new(spam))?;
/// let call: Call = serde_json::from_str(r#"{ "caller": "079 123 45 67" }"#)?;
/// let (rule, treatment) = call.decide(&policy, Timestamp::UNIX_EPOCH, |decision, _| {
///     (decision.rule_id().to_owned(), decision.treatment().name().to_owned())
/// });
/// assert_eq!((rule.as_str(), treatment.as_str()), ("listed", "busy"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Call {
    /// The caller: a number as it is written in the policy's region, a user name, or `anonymous`,
    /// `unavailable`.
    pub caller: String,
    /// The host of the caller's address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// The name beside the caller's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the caller asks that its number be hidden.
    #[serde(skip_serializing_if = "is_false")]
    pub withheld: bool,
    /// Where the caller was read.
    #[serde(skip_serializing_if = "is_default")]
    pub caller_source: Source,
    /// Who was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub called: Option<String>,
    /// Where that was read.
    #[serde(skip_serializing_if = "is_default")]
    pub called_source: Source,
    /// The line; without one, that of the first account, or the first that the policy names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The groups the line is in; without them, those that the policy says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<OneOrMore>,
    /// Where the call came from; without it, from the registrar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Arrival>,
    /// When: `2026-03-01T23:10` on the clock of the policy's zone, or an instant such as
    /// `2026-03-01T22:10:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Whether the caller's number was verified.
    #[serde(skip_serializing_if = "is_default")]
    pub verification: Verification,
    /// How far the caller's provider vouches for the number.
    #[serde(skip_serializing_if = "is_default")]
    pub attestation: Attestation,
    /// Where the verification and the attestation were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vouched: Option<Source>,
    /// What the caller's software calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Who sent the call on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diverted: Option<String>,
    /// Whether an emergency centre calls back.
    #[serde(skip_serializing_if = "is_false")]
    pub psap_callback: bool,
    /// Lists that the caller is on, whatever is written on them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<Box<str>>,
    /// What lists that are asked for each call, or count complaints, say of the caller: 0 is nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub scores: BTreeMap<String, u32>,
    /// Those of the lists in `scores` that the caller is not on: without this, whoever has a score is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unlisted: Vec<Box<str>>,
    /// Lists that are asked for each call and did not answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<Box<str>>,
    /// Earlier calls of the caller: how long ago, such as `-2m`, or when.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub recent: Vec<String>,
    /// How many calls a rate counts, this one included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// When the caller's number was dialled last: how long ago, when, or `never`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialed: Option<String>,
    /// When a call of the caller was answered last: how long ago, when, or `never`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answered: Option<String>,
    /// When an emergency number was dialled last: how long ago, when, or `never`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emergency_call: Option<String>,
    /// The switches that are on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub switches: Vec<String>,
    /// The switches that are off, whatever their default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub switches_off: Vec<String>,
}

/// The texts of a call as they are written down, wherever they are kept.
///
/// ```
/// use jiff::Timestamp;
/// use ringfence_policy::{Call, CallTexts, Policy, Region};
/// # use std::sync::Arc;
/// # use ringfence_policy::List;
///
/// let switzerland = Region::parse("CH")?;
/// # let [allow, spam] = ["allow", "spam"].map(|name| Arc::new(List::empty(name)));
/// # let policy = Policy::of_lists(switzerland, allow, spam)?;
/// let texts = CallTexts { caller: "079 123 45 67", ..CallTexts::default() };
/// let caller = Call::default().with_texts(texts, &policy, Timestamp::UNIX_EPOCH, None, |facts, _| {
///     facts.caller.to_string()
/// });
/// assert_eq!(caller, "+41791234567");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallTexts<'a> {
    /// The caller, as [`Call::caller`] has it.
    pub caller: &'a str,
    /// The host of the caller's address.
    pub host: &'a str,
    /// The name beside the caller's address.
    pub name: Option<&'a str>,
    /// Who was called.
    pub called: Option<&'a str>,
    /// The line.
    pub line: Option<&'a str>,
    /// What the caller's software calls itself.
    pub user_agent: Option<&'a str>,
    /// Who sent the call on.
    pub diverted: Option<&'a str>,
    /// Who is calling, where that was worked out of the same caller before; without it, it is worked out again.
    pub who: Option<KeptCaller>,
}

/// One text, or several.
///
/// ```
/// use ringfence_policy::OneOrMore;
///
/// assert_eq!(OneOrMore::One("paris".into()).iter().count(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMore {
    /// One.
    One(Box<str>),
    /// Several.
    More(Vec<Box<str>>),
}

impl OneOrMore {
    /// Returns each.
    pub fn iter(&self) -> impl Iterator<Item = &Box<str>> {
        match self {
            OneOrMore::One(one) => std::slice::from_ref(one).iter(),
            OneOrMore::More(more) => more.iter(),
        }
    }
}

impl Call {
    /// Makes a call of a person who asks what would happen.
    #[must_use]
    pub fn told(caller: &str) -> Self {
        Self { caller: caller.to_owned(), ..Self::default() }
    }

    /// Returns the instant it says, on the clock of a zone. `None` when it says none that is one.
    #[must_use]
    pub fn instant(&self, zone: &TimeZone) -> Option<Timestamp> {
        instant(self.at.as_deref()?, zone)
    }

    /// Returns what is wrong with the times it says: each key, with what it says.
    #[must_use]
    pub fn wrong_times(&self, zone: &TimeZone) -> Vec<(&'static str, String)> {
        let now = Timestamp::UNIX_EPOCH;
        let mut wrong = Vec::new();
        let mut look = |key, text: &String, is_fine: bool| {
            if !is_fine {
                wrong.push((key, text.clone()));
            }
        };
        if let Some(at) = &self.at {
            look("at", at, instant(at, zone).is_some());
        }
        for (key, times) in [
            ("recent", self.recent.iter().collect::<Vec<_>>()),
            ("dialed", self.dialed.iter().collect()),
            ("answered", self.answered.iter().collect()),
            ("emergency_call", self.emergency_call.iter().collect()),
        ] {
            for text in times {
                let is_never = key != "recent" && Last::is_never(text);
                look(key, text, is_never || earlier(text, now, zone).is_some());
            }
        }
        wrong
    }

    /// Decides it under a policy, with nothing but what it says itself. It is `now` unless it says
    /// when.
    pub fn decide<T>(
        &self,
        policy: &Policy,
        now: Timestamp,
        see: impl FnOnce(&Decision<'_>, &Facts<'_>) -> T,
    ) -> T {
        self.with_facts(policy, now, None, |facts, now| see(&decide(policy, facts, now), facts))
    }

    /// Decides it as [`Call::decide`] does, and tells the whole way.
    #[must_use]
    pub fn trace(&self, policy: &Policy, now: Timestamp) -> Trace {
        self.with_facts(policy, now, None, |facts, now| policy.trace(facts, now))
    }

    /// Returns its texts.
    #[must_use]
    pub fn texts(&self) -> CallTexts<'_> {
        CallTexts {
            caller: &self.caller,
            host: &self.host,
            name: self.name.as_deref(),
            called: self.called.as_deref(),
            line: self.line.as_deref(),
            user_agent: self.user_agent.as_deref(),
            diverted: self.diverted.as_deref(),
            who: None,
        }
    }

    /// Makes facts of it, with what happened before from a history. What the call says itself
    /// goes before the history.
    pub fn with_facts<T>(
        &self,
        policy: &Policy,
        now: Timestamp,
        history: Option<&dyn History>,
        see: impl FnOnce(&Facts<'_>, Timestamp) -> T,
    ) -> T {
        self.with_texts(self.texts(), policy, now, history, see)
    }

    /// Makes facts as [`Call::with_facts`] does, of these texts in the place of its own.
    pub fn with_texts<T>(
        &self,
        texts: CallTexts<'_>,
        policy: &Policy,
        now: Timestamp,
        history: Option<&dyn History>,
        see: impl FnOnce(&Facts<'_>, Timestamp) -> T,
    ) -> T {
        let now = self.instant(policy.zone()).unwrap_or(now);
        let said = Said::new(self, policy.zone(), now, history);
        let caller = Caller {
            user: texts.caller,
            host: texts.host,
            display_name: texts.name,
            withheld: self.withheld,
            source: self.caller_source,
        };
        let line = texts.line.or(policy.lines().first().map(|line| &*line.name)).unwrap_or_default();
        let groups: Vec<Box<str>> = match &self.group {
            Some(groups) => groups.iter().cloned().collect(),
            None => policy.groups_of(line, ""),
        };
        let who = texts.who.map_or_else(|| caller.identify(policy.region()), |who| who.of(texts.caller));
        let facts = Facts {
            called: texts.called.map(|called| (called, self.called_source)),
            groups: &groups,
            arrival: self.source.unwrap_or(Arrival::Registrar),
            verification: self.verification,
            attestation: self.attestation,
            vouched: self.vouched,
            user_agent: texts.user_agent,
            diverted: texts.diverted,
            psap_callback: self.psap_callback,
            listed: &self.lists,
            history: &said,
            ..Facts::of(&caller, who, line)
        };
        see(&facts, now)
    }
}

fn instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    text.parse::<Timestamp>().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        Some(zone.to_ambiguous_zoned(civil).compatible().ok()?.timestamp())
    })
}

/// Reads `-2m`, or an instant.
fn earlier(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    match text.trim().strip_prefix('-') {
        Some(span) => now.checked_sub(SignedDuration::try_from(parse_duration(span)?).ok()?).ok(),
        None => instant(text, zone),
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
