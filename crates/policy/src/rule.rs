//! A rule: when, and what then.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::condition::Condition;
use crate::facts::Facts;
use crate::number::Number;
use crate::shared_parts::SharedParts;
use crate::treatment::Treatment;
use crate::tried::reordered;

/// One rule of a policy.
///
/// ```
/// use std::sync::Arc;
/// use ringfence_policy::{Condition, Rule, Treatment};
///
/// let rule = Rule::new("default", Condition::Always, Arc::new(Treatment::ring()));
/// assert_eq!(rule.id(), "default");
/// ```
#[derive(Debug, Clone)]
pub struct Rule {
    pub(crate) id: Arc<str>,
    /// When it matches, in the order in which its parts are tried.
    pub(crate) tried: Condition,
    /// The same as it is written, where that is another order.
    pub(crate) written: Option<Box<Condition>>,
    pub(crate) then: Arc<Treatment>,
    /// Whether it is plain, worked out when a policy is made of it: one look for each call instead of three.
    pub(crate) is_known_plain: bool,
    /// What other rules ask as well, worked out with it.
    pub(crate) shared: SharedParts,
    /// From then on it matches nothing.
    pub until: Option<Timestamp>,
    /// Whether what it would do is only written down.
    pub is_shadow: bool,
    /// For which part of the lines or callers it counts.
    pub rollout: Option<Rollout>,
    /// Who is put on which list when it decides.
    pub add_to: Option<AddTo>,
    /// Who is told when it decides.
    pub notify: Vec<Box<str>>,
    /// Whether its decisions are kept longer than others.
    pub is_audited: bool,
    /// How its decisions are written down.
    pub log: Log,
    /// The file it stands in, and the line of its id, counted from 1; 0 when it stands in none.
    pub place: (Arc<str>, u32),
}

/// For which part of the lines or callers a rule counts.
///
/// ```
/// use ringfence_policy::{Rollout, Share};
///
/// let everyone = Rollout { percent: 100, by: Share::Line };
/// assert_eq!(everyone.percent, 100);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollout {
    /// From 0 to 100.
    pub percent: u8,
    /// Of what.
    pub by: Share,
}

/// What a roll-out takes a part of.
///
/// ```
/// use ringfence_policy::Share;
///
/// assert_ne!(Share::Line, Share::Caller);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Share {
    /// Of the lines.
    Line,
    /// Of the callers.
    Caller,
}

/// Puts the caller on a list when a rule decides.
///
/// ```
/// use std::time::Duration;
/// use ringfence_policy::AddTo;
///
/// let cooldown = AddTo { list: "cooldown".into(), ttl: Some(Duration::from_secs(3600)) };
/// assert_eq!(&*cooldown.list, "cooldown");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddTo {
    /// The list.
    pub list: Arc<str>,
    /// For how long; for ever without it.
    pub ttl: Option<Duration>,
}

/// How decisions of a rule are written down.
///
/// ```
/// use ringfence_policy::Log;
///
/// assert_eq!(Log::default(), Log::Call);
/// ```
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Log {
    /// Each call is written down.
    #[default]
    Call,
    /// They are only counted.
    Counter,
}

impl Rule {
    /// Makes a rule.
    #[must_use]
    pub fn new(id: &str, when: Condition, then: Arc<Treatment>) -> Self {
        Self {
            id: id.into(),
            tried: when,
            written: None,
            then,
            is_known_plain: false,
            shared: SharedParts::default(),
            until: None,
            is_shadow: false,
            rollout: None,
            add_to: None,
            notify: Vec::new(),
            is_audited: false,
            log: Log::Call,
            place: ("".into(), 0),
        }
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns when it matches.
    #[must_use]
    pub fn when(&self) -> &Condition {
        self.written.as_deref().unwrap_or(&self.tried)
    }

    /// Has these lists, by their places in the policy, asked only where the rest leaves open whether it matches.
    pub(crate) fn ask_last(&mut self, look_ups: &[usize]) {
        if let Some(written) = self.written.take() {
            self.tried = *written;
        }
        if let Some(tried) = reordered(&self.tried, look_ups) {
            self.written = Some(Box::new(std::mem::replace(&mut self.tried, tried)));
        }
    }

    /// Returns what it does.
    #[must_use]
    pub fn then(&self) -> &Arc<Treatment> {
        &self.then
    }

    /// Returns whether it matches every call, now and ever.
    #[must_use]
    pub fn is_unconditional(&self) -> bool {
        self.tried.is_always() && self.is_plain()
    }

    /// Returns whether it counts at all times, for all calls, and in earnest: as nearly all do.
    pub(crate) fn is_plain(&self) -> bool {
        !self.is_shadow && self.until.is_none() && self.rollout.is_none()
    }

    /// Returns whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now >= until)
    }

    /// Returns whether a call is in the part that the rule counts for. The same line, or caller, is
    /// always in or always out, and a greater part has all of a smaller one.
    pub(crate) fn is_rolled_out(&self, facts: &Facts<'_>) -> bool {
        let Some(rollout) = self.rollout else { return true };
        let share = match rollout.by {
            Share::Line => fnv(&[self.id.as_bytes(), facts.line.as_bytes()]),
            Share::Caller => match facts.caller.number() {
                Some(Number::E164(number)) => fnv(&[self.id.as_bytes(), &number.as_u64().to_le_bytes()]),
                Some(Number::Internal(digits)) => {
                    fnv(&[self.id.as_bytes(), b"#", &digits.packed().to_le_bytes()])
                }
                None => fnv(&[self.id.as_bytes(), facts.raw.as_bytes()]),
            },
        };
        share % 100 < u64::from(rollout.percent)
    }
}

/// The hash FNV-1a of 64 bits: it is the same on every machine and in every version.
fn fnv(parts: &[&[u8]]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    // The low bits of FNV depend on little: fold the high ones in.
    hash ^ (hash >> 32)
}
