//! Whether one condition holds whenever another does, as far as that can be seen.
//!
//! What cannot be seen is "no": a rule is called useless only when it is.

use std::cell::Cell;
use std::sync::Arc;

use jiff::Timestamp;

use crate::condition::{Condition, Text};
use crate::kind::KindSet;
use crate::list::List;
use crate::policy::Policy;
use crate::schedule::Hours;

/// Returns whether `wide` holds whenever `narrow` does.
pub(super) fn implies(policy: &Policy, narrow: &Condition, wide: &Condition) -> bool {
    Comparison { policy, steps: Cell::new(MOST_STEPS) }.implies(narrow, wide)
}

/// Conditions inside one another come to the same pairs on many ways, twice as many with each level. What a person writes is
/// compared in a few hundred steps.
const MOST_STEPS: u32 = 10_000;

/// One condition held against another, as long as it does not take too long.
struct Comparison<'p> {
    policy: &'p Policy,
    /// Those that are left.
    steps: Cell<u32>,
}

impl Comparison<'_> {
    fn implies(&self, narrow: &Condition, wide: &Condition) -> bool {
        let Some(left) = self.steps.get().checked_sub(1) else { return false };
        self.steps.set(left);
        match (narrow, wide) {
            (_, Condition::Always) => true,
            (_, Condition::All(all)) => all.iter().all(|wide| self.implies(narrow, wide)),
            (Condition::Any(any), _) if !any.is_empty() => {
                any.iter().all(|narrow| self.implies(narrow, wide))
            }
            (_, Condition::Any(any)) if any.iter().any(|wide| self.implies(narrow, wide)) => true,
            (Condition::All(all), _) => all.iter().any(|narrow| self.implies(narrow, wide)),
            (Condition::Not(narrow), Condition::Not(wide)) => self.implies(wide, narrow),
            (_, _) => one_implies(self.policy, narrow, wide),
        }
    }
}

fn one_implies(policy: &Policy, narrow: &Condition, wide: &Condition) -> bool {
    match (narrow, wide) {
        (Condition::CallerIn(narrow), Condition::CallerIn(wide))
        | (Condition::Switch(narrow), Condition::Switch(wide)) => subset(narrow, wide),
        (Condition::Caller(narrow), Condition::Caller(wide))
        | (Condition::Called(narrow), Condition::Called(wide))
        | (Condition::DivertedBy(narrow), Condition::DivertedBy(wide)) => covers(narrow, &[wide]),
        (Condition::Caller(narrow), Condition::CallerIn(wide)) => {
            let wide: Vec<&Arc<List>> = wide.iter().filter_map(|place| policy.lists().get(*place)).collect();
            covers(narrow, &wide)
        }
        (Condition::CallerKind(narrow), Condition::CallerKind(wide)) => with_parts(*wide).contains(*narrow),
        (Condition::Country(narrow), Condition::Country(wide)) => subset(narrow, wide),
        (Condition::Group(narrow), Condition::Group(wide)) => subset(narrow, wide),
        (Condition::Line(narrow), Condition::Line(wide)) => subset(narrow, wide),
        (Condition::Source(narrow), Condition::Source(wide)) => subset(narrow, wide),
        (Condition::Verification(narrow), Condition::Verification(wide)) => subset(narrow, wide),
        (Condition::Attestation(narrow), Condition::Attestation(wide)) => subset(narrow, wide),
        (Condition::Hours(narrow), Condition::Hours(wide)) => Hours::all_within(narrow, wide),
        (Condition::Schedule(narrow), Condition::Schedule(wide)) => subset(narrow, wide),
        (Condition::Name(narrow), Condition::Name(wide))
        | (Condition::UserAgent(narrow), Condition::UserAgent(wide)) => {
            narrow.iter().all(|one| wide.iter().any(|other| same_text(one, other)))
        }
        (Condition::Diverted(narrow), Condition::Diverted(wide))
        | (Condition::FirstTime(narrow), Condition::FirstTime(wide)) => narrow == wide,
        (Condition::DivertedBy(_), Condition::Diverted(wide)) => *wide,
        (Condition::DialedWithin(narrow), Condition::DialedWithin(wide))
        | (Condition::AnsweredWithin(narrow), Condition::AnsweredWithin(wide)) => narrow <= wide,
        (Condition::LikeCalled { first_digits: narrow }, Condition::LikeCalled { first_digits: wide }) => {
            narrow >= wide
        }
        (
            Condition::NearList { list: one, last_digits: narrow },
            Condition::NearList { list: other, last_digits: wide },
        ) => one == other && narrow <= wide,
        (
            Condition::Score { list: one, at_least: narrow },
            Condition::Score { list: other, at_least: wide },
        ) => one == other && narrow >= wide,
        (Condition::Repeat { count, within }, Condition::Repeat { count: least, within: longest }) => {
            count >= least && within <= longest
        }
        (
            Condition::Rate { per, more_than, within },
            Condition::Rate { per: same, more_than: least, within: longest },
        ) => per == same && more_than >= least && within <= longest,
        (_, _) => false,
    }
}

fn subset<T: PartialEq>(narrow: &[T], wide: &[T]) -> bool {
    narrow.iter().all(|one| wide.contains(one))
}

/// A mobile number is a number: who names numbers means these, too.
fn with_parts(kinds: KindSet) -> KindSet {
    let parts = KindSet::MOBILE.with(KindSet::TOLL_FREE).with(KindSet::PREMIUM).with(KindSet::INTERNATIONAL);
    if kinds.meets(KindSet::NUMBER) { kinds.with(parts) } else { kinds }
}

fn covers(narrow: &List, wide: &[&Arc<List>]) -> bool {
    let is_covered = |pattern| wide.iter().any(|list| list.covering(&pattern, Timestamp::MAX).is_some());
    !narrow.is_empty()
        && narrow.entries().take(MOST).all(|entry| is_covered(entry.pattern()))
        && narrow.len() <= MOST
}

/// A rule names so many callers itself; a longer list is no slip of the pen.
const MOST: usize = 1_000;

fn same_text(one: &Text, other: &Text) -> bool {
    match (one, other) {
        (Text::Wildcard(one), Text::Wildcard(other)) => one == other || other.as_str() == "*",
        (Text::Regex(one), Text::Regex(other)) => one.as_str() == other.as_str(),
        (Text::Regex(_), Text::Wildcard(other)) => other.as_str() == "*",
        (Text::Wildcard(_), Text::Regex(_)) => false,
    }
}
