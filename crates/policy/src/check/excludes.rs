//! Whether two conditions never hold of one call, as far as that can be seen.
//!
//! What cannot be seen is "no": a rule is called useless only when it is.

use super::apart::{are_apart, is_elsewhere};
use super::kinds::{MOST, may_be_meant, of_one_caller};
use crate::condition::{Condition, Text};
use crate::list::List;
use crate::number::Region;
use crate::pattern::Pattern;
use crate::policy::Policy;
use crate::schedule::Hours;
use crate::wildcard::Wildcard;

/// Returns whether two conditions never hold of one call. What the kind of the caller tells is looked at
/// elsewhere, for all conditions at once.
pub(super) fn excludes(policy: &Policy, one: &Condition, other: &Condition) -> bool {
    match (one, other) {
        (Condition::Verification(one), Condition::Verification(other)) => disjoint(one, other),
        (Condition::Attestation(one), Condition::Attestation(other)) => disjoint(one, other),
        (Condition::Source(one), Condition::Source(other)) => disjoint(one, other),
        (Condition::Country(one), Condition::Country(other)) => {
            // A toll-free number of +1 is one of each country behind that code.
            let share_a_code =
                |one: &Region| other.iter().any(|other| one.calling_code() == other.calling_code());
            !one.iter().any(share_a_code)
        }
        (Condition::Caller(one), Condition::Caller(other))
        | (Condition::Called(one), Condition::Called(other))
        | (Condition::DivertedBy(one), Condition::DivertedBy(other)) => {
            lists_apart(one, other, policy.region())
        }
        (Condition::Caller(list), Condition::Country(countries))
        | (Condition::Country(countries), Condition::Caller(list)) => {
            patterns(list).is_some_and(|all| all.iter().all(|pattern| is_elsewhere(pattern, countries)))
        }
        (Condition::Hours(one), Condition::Hours(other)) => !Hours::meet(one, other),
        (Condition::Line(one), Condition::Line(other)) => wildcards_apart(one, other),
        (Condition::Name(one), Condition::Name(other))
        | (Condition::UserAgent(one), Condition::UserAgent(other)) => {
            one.iter().all(|one| other.iter().all(|other| texts_apart(one, other)))
        }
        (Condition::Diverted(one), Condition::Diverted(other))
        | (Condition::FirstTime(one), Condition::FirstTime(other)) => one != other,
        (Condition::Diverted(is), Condition::DivertedBy(_))
        | (Condition::DivertedBy(_), Condition::Diverted(is)) => !is,
        (Condition::FirstTime(true), Condition::Repeat { count, .. })
        | (Condition::Repeat { count, .. }, Condition::FirstTime(true)) => *count > 1,
        (_, _) => false,
    }
}

fn disjoint<T: PartialEq>(one: &[T], other: &[T]) -> bool {
    one.iter().all(|item| !other.contains(item))
}

/// Returns all that a rule names, unless it is too long to compare.
fn patterns(list: &List) -> Option<Vec<Pattern>> {
    let is_short = list.len() <= MOST && list.sets().len() == 0;
    is_short.then(|| list.entries().map(|entry| entry.pattern()).collect())
}

fn lists_apart(one: &List, other: &List, region: Region) -> bool {
    let (Some(one), Some(other)) = (patterns(one), patterns(other)) else { return false };
    let share_a_kind = |one: &Pattern, other: &Pattern| {
        of_one_caller().any(|kinds| may_be_meant(one, kinds, region) && may_be_meant(other, kinds, region))
    };
    one.iter().all(|one| other.iter().all(|other| are_apart(one, other) || !share_a_kind(one, other)))
}

fn wildcards_apart(one: &[Wildcard], other: &[Wildcard]) -> bool {
    one.iter().all(|one| other.iter().all(|other| are_never_both(one, other)))
}

fn texts_apart(one: &Text, other: &Text) -> bool {
    match (one, other) {
        (Text::Wildcard(one), Text::Wildcard(other)) => are_never_both(one, other),
        (Text::Regex(_), _) | (_, Text::Regex(_)) => false,
    }
}

/// Returns whether one of two is a plain text that the other does not mean.
fn are_never_both(one: &Wildcard, other: &Wildcard) -> bool {
    // The small letters of a text that is not ASCII may be those of another, too.
    let is_plain = |text: &str| text.is_ascii() && text.len() < MOST && !text.contains(['*', '?']);
    let is_apart =
        |plain: &Wildcard, any: &Wildcard| is_plain(plain.as_str()) && !any.is_match(plain.as_str());
    is_apart(one, other) || is_apart(other, one)
}
