//! What happened before a call, as far as a rule may ask.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::caller::CallerId;
use crate::facts::Facts;
use crate::number::Region;
use crate::printable::printable;

/// Remembers calls, numbers that were dialled, entries that were added and switches that were flipped.
///
/// A look-up is made while a call is decided: it must not wait and should not allocate. What a
/// history does not know it answers as if it never happened.
///
/// ```
/// use jiff::Timestamp;
/// use ringfence_policy::{Answer, CallerId, Facts, History, Per};
///
/// /// Everybody has called twice before.
/// #[derive(Debug)]
/// struct Twice;
///
/// impl History for Twice {
///     fn calls(&self, _: &CallerId<'_>, _: Timestamp) -> u32 {
///         2
///     }
///     fn rate(&self, _: Per, _: &Facts<'_>, _: Timestamp) -> u32 {
///         3
///     }
///     fn dialed(&self, _: &CallerId<'_>) -> Option<Timestamp> {
///         None
///     }
///     fn answered(&self, _: &CallerId<'_>) -> Option<Timestamp> {
///         None
///     }
///     fn is_known(&self, _: &CallerId<'_>) -> bool {
///         true
///     }
///     fn added(&self, _: &str, _: &CallerId<'_>, _: Timestamp) -> bool {
///         false
///     }
///     fn switch(&self, _: &str, _: Timestamp) -> Option<bool> {
///         None
///     }
///     fn answer(&self, _: &str) -> Option<Answer> {
///         None
///     }
/// }
///
/// let caller = CallerId::Unavailable;
/// assert_eq!(Twice.calls(&caller, Timestamp::UNIX_EPOCH), 2);
/// ```
pub trait History: std::fmt::Debug {
    /// Returns how many calls this caller has made since an instant, the one that is decided not counted.
    fn calls(&self, caller: &CallerId<'_>, since: Timestamp) -> u32;

    /// Returns how many calls there have been since an instant, the one that is decided counted.
    fn rate(&self, per: Per, facts: &Facts<'_>, since: Timestamp) -> u32;

    /// Returns when this number was dialled last.
    fn dialed(&self, caller: &CallerId<'_>) -> Option<Timestamp>;

    /// Returns when a call of this caller was answered last.
    fn answered(&self, caller: &CallerId<'_>) -> Option<Timestamp>;

    /// Returns whether this caller has called before.
    fn is_known(&self, caller: &CallerId<'_>) -> bool;

    /// Returns whether a rule or a person has put this caller on a list, and its time is not over.
    fn added(&self, list: &str, caller: &CallerId<'_>, now: Timestamp) -> bool;

    /// Returns how this caller came to be on a list that it was [added](History::added) to. It is asked when a decision
    /// is explained, and may allocate.
    fn addition(&self, _list: &str, _caller: &CallerId<'_>, _now: Timestamp) -> Option<Addition> {
        None
    }

    /// Returns how a switch stands; `None` when it stands as the policy says.
    fn switch(&self, name: &str, now: Timestamp) -> Option<bool>;

    /// Returns what a list that is asked for each call said of this caller; `None` when it was not
    /// asked or has not answered.
    fn answer(&self, list: &str) -> Option<Answer>;

    /// Returns whether a list that is asked for each call was asked about this caller and did not answer.
    /// What a rule decides without it is no decision.
    fn is_unanswered(&self, _list: &str) -> bool {
        false
    }

    /// Returns when an emergency number of a region was dialled last.
    fn emergency_call(&self, _region: Region) -> Option<Timestamp> {
        None
    }

    /// Tells it whether the rule that is tried from now on is in shadow mode: for such a rule nobody
    /// is asked and nothing is missing.
    fn in_shadow(&self, _is_shadow: bool) {}
}

/// The history of a day on which nothing has happened yet.
///
/// ```
/// use jiff::Timestamp;
/// use ringfence_policy::{CallerId, History, NoHistory};
///
/// assert_eq!(NoHistory.calls(&CallerId::Unavailable, Timestamp::UNIX_EPOCH), 0);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHistory;

impl History for NoHistory {
    fn calls(&self, _: &CallerId<'_>, _: Timestamp) -> u32 {
        0
    }

    fn rate(&self, _: Per, _: &Facts<'_>, _: Timestamp) -> u32 {
        1
    }

    fn dialed(&self, _: &CallerId<'_>) -> Option<Timestamp> {
        None
    }

    fn answered(&self, _: &CallerId<'_>) -> Option<Timestamp> {
        None
    }

    fn is_known(&self, _: &CallerId<'_>) -> bool {
        false
    }

    fn added(&self, _: &str, _: &CallerId<'_>, _: Timestamp) -> bool {
        false
    }

    fn switch(&self, _: &str, _: Timestamp) -> Option<bool> {
        None
    }

    fn answer(&self, _: &str) -> Option<Answer> {
        None
    }
}

/// How a caller came to be on a list, beside what is written on it.
///
/// ```
/// use ringfence_policy::Addition;
///
/// let by_hand_for_good = Addition { rule: None, until: None };
/// assert!(by_hand_for_good.until.is_none());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addition {
    /// The rule that put it there; `None` when a person did.
    pub rule: Option<Box<str>>,
    /// When it goes by itself; `None` for never.
    pub until: Option<Timestamp>,
}

impl Addition {
    /// Tells it in words, on the clock of a zone.
    pub(crate) fn told(&self, zone: &TimeZone) -> String {
        let by = self
            .rule
            .as_deref()
            .map_or_else(|| "hand".to_owned(), |rule| format!("rule {}", printable(rule)));
        let until = self
            .until
            .map(|until| until.to_zoned(zone.clone()).strftime(" until %Y-%m-%d %H:%M:%S %Z").to_string());
        format!("put there by {by}{}", until.unwrap_or_default())
    }
}

/// Whose calls a rate counts.
///
/// ```
/// use ringfence_policy::Per;
///
/// assert_eq!(Per::Caller.as_str(), "caller");
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Those of one caller.
    Caller,
    /// Those on one line.
    Line,
    /// Those from one address of the network.
    Source,
}

impl Per {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Per::Caller => "caller",
            Per::Line => "line",
            Per::Source => "source",
        }
    }
}

/// What a list that is asked for each call says of a caller.
///
/// ```
/// use ringfence_policy::Answer;
///
/// assert!(!Answer::default().is_listed);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answer {
    /// How much speaks against the caller: 0 is nothing.
    pub score: u32,
    /// Whether the list has the caller.
    pub is_listed: bool,
}
