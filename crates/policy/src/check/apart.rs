//! Patterns that mean no number in common, and those that mean none of a country.
//!
//! What cannot be seen is "they may".

use crate::number::{Number, NumberRange, Prefix, Region};
use crate::pattern::Pattern;

/// Returns whether no number is meant by both of two patterns of numbers.
pub(super) fn are_apart(one: &Pattern, other: &Pattern) -> bool {
    match (one, other) {
        (Pattern::Exact(one), Pattern::Exact(other)) => one != other,
        (Pattern::Exact(number), Pattern::Prefix(prefix))
        | (Pattern::Prefix(prefix), Pattern::Exact(number)) => !prefix.begins(*number),
        (Pattern::Exact(number), Pattern::Range(range)) | (Pattern::Range(range), Pattern::Exact(number)) => {
            !range.contains(*number)
        }
        (Pattern::Prefix(one), Pattern::Prefix(other)) => !may_both_begin(*one, *other),
        (Pattern::Prefix(prefix), Pattern::Range(range))
        | (Pattern::Range(range), Pattern::Prefix(prefix)) => is_outside(*range, *prefix),
        (Pattern::Range(one), Pattern::Range(other)) => {
            !one.contains(other.first()) && !other.contains(one.first())
        }
        (Pattern::Name(one), Pattern::Name(other)) => one != other,
        (_, _) => false,
    }
}

/// Returns whether a number may begin with both.
fn may_both_begin(one: Prefix, other: Prefix) -> bool {
    let is_begun = |long: Prefix, short: Prefix| (1..=15).any(|count| long.first(count) == Some(short));
    is_begun(one, other) || is_begun(other, one)
}

fn is_outside(range: NumberRange, prefix: Prefix) -> bool {
    range.shared_prefix().is_some_and(|shared| !may_both_begin(shared, prefix))
}

/// Returns whether no number that a pattern means is of one of some countries.
pub(super) fn is_elsewhere(pattern: &Pattern, countries: &[Region]) -> bool {
    let is_apart = |prefix: Prefix| {
        countries.iter().all(|country| !may_both_begin(prefix, Prefix::E164(country.calling_code().into())))
    };
    match pattern {
        Pattern::Exact(Number::E164(number)) => countries.iter().all(|country| !number.is_of(*country)),
        Pattern::Prefix(prefix @ Prefix::E164(_)) => is_apart(*prefix),
        Pattern::Range(range) => match range.first() {
            Number::E164(_) => range.shared_prefix().is_some_and(is_apart),
            Number::Internal(_) => true,
        },
        Pattern::Exact(Number::Internal(_))
        | Pattern::Prefix(Prefix::Internal(_))
        | Pattern::Unavailable
        | Pattern::Name(_) => true,
        // Callers of both kinds may have a number.
        Pattern::Expression(_) | Pattern::Anonymous | Pattern::Invalid => false,
    }
}
