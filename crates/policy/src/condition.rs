//! When a rule matches: conditions over facts, composed.
//!
//! Every condition is true or false of every call. Keys beside each other must all hold, values of
//! an array are alternatives, and `not`, `all` and `any` compose.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::history::Per;
use crate::kind::KindSet;
use crate::list::List;
use crate::number::Region;
use crate::schedule::{Hours, Schedule};
use crate::source::{Arrival, Attestation, Verification};
use crate::wildcard::{Shown, Wildcard};

/// When a rule matches.
///
/// ```
/// use ringfence_policy::Condition;
///
/// assert!(Condition::All(vec![]).is_always());
/// assert!(!Condition::Not(Box::new(Condition::Always)).is_always());
/// ```
#[derive(Debug, Clone)]
pub enum Condition {
    /// Always.
    Always,
    /// When all of these hold.
    All(Vec<Condition>),
    /// When one of these holds.
    Any(Vec<Condition>),
    /// When this does not hold.
    Not(Box<Condition>),
    /// The caller is one of these patterns.
    Caller(Arc<List>),
    /// The caller is on one of these lists, by their places in the policy.
    CallerIn(Vec<usize>),
    /// The caller is of one of these kinds.
    CallerKind(KindSet),
    /// The caller's name is one of these.
    Name(Vec<Text>),
    /// The caller's number belongs to one of these countries.
    Country(Vec<Region>),
    /// The caller's number differs from one of a list in its last digits only.
    NearList {
        /// The list, by its place in the policy.
        list: usize,
        /// How many digits.
        last_digits: u8,
    },
    /// The caller's number begins as the called one does.
    LikeCalled {
        /// How many digits, without the country's code.
        first_digits: u8,
    },
    /// The called number is one of these patterns.
    Called(Arc<List>),
    /// The line is one of these.
    Line(Vec<Wildcard>),
    /// The line is in one of these groups.
    Group(Vec<Box<str>>),
    /// The call came from one of these.
    Source(Vec<Arrival>),
    /// The verification of the caller's number came to one of these.
    Verification(Vec<Verification>),
    /// The attestation of the caller's number is one of these.
    Attestation(Vec<Attestation>),
    /// Enough speaks against the caller.
    Score {
        /// The list that says so, by its place in the policy.
        list: usize,
        /// How much.
        at_least: u32,
    },
    /// The caller calls again.
    Repeat {
        /// How many calls, this one counted.
        count: u32,
        /// Within which time.
        within: SignedDuration,
    },
    /// The caller was dialled.
    DialedWithin(SignedDuration),
    /// A call of the caller was answered.
    AnsweredWithin(SignedDuration),
    /// The caller has never called before, or has.
    FirstTime(bool),
    /// There are too many calls.
    Rate {
        /// Whose.
        per: Per,
        /// How many are not too many, this one counted.
        more_than: u32,
        /// Within which time.
        within: SignedDuration,
    },
    /// The clock shows one of these times of day.
    Hours(Vec<Hours>),
    /// It is within one of these schedules.
    Schedule(Vec<Arc<Schedule>>),
    /// One of these switches is on, by their places in the policy.
    Switch(Vec<usize>),
    /// The caller's software is one of these.
    UserAgent(Vec<Text>),
    /// The call was diverted: by anyone, or not at all.
    Diverted(bool),
    /// The call was diverted by one of these patterns.
    DivertedBy(Arc<List>),
}

/// What a name is compared with.
///
/// ```
/// use ringfence_policy::Text;
///
/// let spam = Text::parse("*spam*")?;
/// assert!(spam.is_match("Maybe SPAM"));
/// assert!(Text::parse("/^v\\d+$/")?.is_match("V123"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub enum Text {
    /// A text with `*` for any run of characters and `?` for one; capitals do not matter.
    Wildcard(Wildcard),
    /// An expression, in linear time; capitals do not matter.
    Regex(Arc<crate::name_expression::NameExpression>),
}

impl Text {
    /// Reads `/expression/`, or a text with `*` and `?`.
    pub fn parse(text: &str) -> Result<Self, crate::name_expression::NameExpressionError> {
        match text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            Some(expression) => {
                Ok(Text::Regex(Arc::new(crate::name_expression::NameExpression::parse(expression)?)))
            }
            None => Ok(Text::Wildcard(Wildcard::new(text))),
        }
    }

    /// Returns whether a name is meant.
    #[must_use]
    pub fn is_match(&self, name: &str) -> bool {
        self.means(&Shown::new(name))
    }

    /// Returns whether a name is meant that was looked at before.
    pub(crate) fn means(&self, shown: &Shown<'_>) -> bool {
        match self {
            Text::Wildcard(wildcard) => wildcard.means(shown),
            Text::Regex(expression) => expression.means(shown),
        }
    }
}

impl Condition {
    /// Returns whether it holds of every call.
    #[must_use]
    pub fn is_always(&self) -> bool {
        match self {
            Condition::Always => true,
            Condition::All(all) => all.iter().all(Condition::is_always),
            Condition::Any(any) => any.iter().any(Condition::is_always),
            Condition::Not(_)
            | Condition::Caller(_)
            | Condition::CallerIn(_)
            | Condition::CallerKind(_)
            | Condition::Name(_)
            | Condition::Country(_)
            | Condition::NearList { .. }
            | Condition::LikeCalled { .. }
            | Condition::Called(_)
            | Condition::Line(_)
            | Condition::Group(_)
            | Condition::Source(_)
            | Condition::Verification(_)
            | Condition::Attestation(_)
            | Condition::Score { .. }
            | Condition::Repeat { .. }
            | Condition::DialedWithin(_)
            | Condition::AnsweredWithin(_)
            | Condition::FirstTime(_)
            | Condition::Rate { .. }
            | Condition::Hours(_)
            | Condition::Schedule(_)
            | Condition::Switch(_)
            | Condition::UserAgent(_)
            | Condition::Diverted(_)
            | Condition::DivertedBy(_) => false,
        }
    }

    /// Returns what must all hold for it to hold: itself alone, unless it is composed so.
    pub(crate) fn parts(&self) -> &[Condition] {
        if let Condition::All(all) = self { all } else { std::slice::from_ref(self) }
    }

    /// Returns whether another is surely the same. Of what is composed, and of patterns of numbers and names, it is not told.
    pub(crate) fn is_surely(&self, other: &Condition) -> bool {
        match (self, other) {
            (Condition::CallerIn(one), Condition::CallerIn(other))
            | (Condition::Switch(one), Condition::Switch(other)) => one == other,
            (Condition::CallerKind(one), Condition::CallerKind(other)) => one == other,
            (Condition::Country(one), Condition::Country(other)) => one == other,
            (
                Condition::NearList { list: one, last_digits },
                Condition::NearList { list: other, last_digits: digits },
            ) => one == other && last_digits == digits,
            (Condition::LikeCalled { first_digits: one }, Condition::LikeCalled { first_digits: other }) => {
                one == other
            }
            (Condition::Line(one), Condition::Line(other)) => one == other,
            (Condition::Group(one), Condition::Group(other)) => one == other,
            (Condition::Source(one), Condition::Source(other)) => one == other,
            (Condition::Verification(one), Condition::Verification(other)) => one == other,
            (Condition::Attestation(one), Condition::Attestation(other)) => one == other,
            (Condition::Score { list: one, at_least }, Condition::Score { list: other, at_least: least }) => {
                one == other && at_least == least
            }
            (
                Condition::Repeat { count: one, within },
                Condition::Repeat { count: other, within: other_within },
            ) => one == other && within == other_within,
            (Condition::DialedWithin(one), Condition::DialedWithin(other))
            | (Condition::AnsweredWithin(one), Condition::AnsweredWithin(other)) => one == other,
            (Condition::FirstTime(one), Condition::FirstTime(other))
            | (Condition::Diverted(one), Condition::Diverted(other)) => one == other,
            (
                Condition::Rate { per: one, more_than, within },
                Condition::Rate { per: other, more_than: more, within: other_within },
            ) => one == other && more_than == more && within == other_within,
            (Condition::Hours(one), Condition::Hours(other)) => one == other,
            (Condition::Schedule(one), Condition::Schedule(other)) => one == other,
            _ => false,
        }
    }

    /// Returns the word of the policy for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Condition::Always => "always",
            Condition::All(_) => "all",
            Condition::Any(_) => "any",
            Condition::Not(_) => "not",
            Condition::Caller(_) => "caller",
            Condition::CallerIn(_) => "caller_in",
            Condition::CallerKind(_) => "caller_kind",
            Condition::Name(_) => "name",
            Condition::Country(_) => "country",
            Condition::NearList { .. } => "near_list",
            Condition::LikeCalled { .. } => "like_called",
            Condition::Called(_) => "called",
            Condition::Line(_) => "line",
            Condition::Group(_) => "group",
            Condition::Source(_) => "source",
            Condition::Verification(_) => "verification",
            Condition::Attestation(_) => "attestation",
            Condition::Score { .. } => "score",
            Condition::Repeat { .. } => "repeat",
            Condition::DialedWithin(_) => "dialed_within",
            Condition::AnsweredWithin(_) => "answered_within",
            Condition::FirstTime(_) => "first_time",
            Condition::Rate { .. } => "rate",
            Condition::Hours(_) => "hours",
            Condition::Schedule(_) => "schedule",
            Condition::Switch(_) => "switch",
            Condition::UserAgent(_) => "user_agent",
            Condition::Diverted(_) | Condition::DivertedBy(_) => "diverted",
        }
    }

    /// Calls a function with this condition and all that it is composed of.
    pub fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Condition)) {
        let mut waiting = vec![self];
        while let Some(condition) = waiting.pop() {
            see(condition);
            if let Condition::All(inner) | Condition::Any(inner) = condition {
                waiting.extend(inner);
            } else if let Condition::Not(inner) = condition {
                waiting.push(inner);
            }
        }
    }
}
