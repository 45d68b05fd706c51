//! What several rules ask of a call: what was found not to hold for one of them is asked for no other.
//!
//! A policy of a hundred rules asks the same thing again and again: of one line, of the hours of the night, of one list.
//! The parts that stand in more than one rule have a bit each, and a rule that has one of those that do not hold is
//! passed by with one look.

use crate::condition::Condition;
use crate::rule::Rule;
use crate::tried::may_ask;

/// So many of the first parts are compared with each other, which takes the square of that.
const COMPARED: usize = 4_096;

/// The bits of the parts of a rule's condition: of those that other rules have as well.
#[derive(Debug, Clone, Default)]
pub(crate) struct SharedParts {
    /// Of all its parts.
    all: u64,
    /// Of each, in the order in which they are tried, up to the last that has one.
    parts: Box<[u64]>,
}

impl SharedParts {
    /// Returns the bits of all parts.
    pub(crate) fn all(&self) -> u64 {
        self.all
    }

    /// Returns the bit of one part; none where no other rule has it.
    pub(crate) fn part(&self, place: usize) -> u64 {
        self.parts.get(place).copied().unwrap_or(0)
    }

    fn set(&mut self, place: usize, bit: u64) {
        self.all |= bit;
        let mut parts = std::mem::take(&mut self.parts).into_vec();
        parts.resize(parts.len().max(place + 1), 0);
        parts[place] |= bit;
        self.parts = parts.into();
    }
}

/// Finds what several rules that are known to be plain have. Of the parts those that stand in most rules have a bit.
///
/// What may ask somebody outside has none: whether it is asked is up to each rule.
pub(crate) fn find(rules: &mut [Rule], look_ups: &[usize]) {
    let mut found: Vec<(&Condition, Vec<(usize, usize)>)> = Vec::new();
    let parts = rules.iter().enumerate().filter(|(_, rule)| rule.is_known_plain).flat_map(|(at, rule)| {
        rule.tried.parts().iter().enumerate().map(move |(place, part)| (part, (at, place)))
    });
    for (part, stands) in parts.filter(|(part, _)| !may_ask(part, look_ups)).take(COMPARED) {
        match found.iter_mut().find(|(known, _)| known.is_surely(part)) {
            Some((_, places)) => places.push(stands),
            None => found.push((part, vec![stands])),
        }
    }
    found.retain(|(_, places)| places.len() > 1);
    found.sort_by_key(|(_, places)| std::cmp::Reverse(places.len()));
    let found: Vec<_> = found.into_iter().map(|(_, places)| places).collect();
    for rule in &mut *rules {
        rule.shared = SharedParts::default();
    }
    for (bit, places) in (0..u64::BITS).map(|bit| 1 << bit).zip(found) {
        for (at, place) in places {
            rules[at].shared.set(place, bit);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::treatment::Treatment;
    use crate::wildcard::Wildcard;

    fn line(name: &str) -> Condition {
        Condition::Line(vec![Wildcard::new(name)])
    }

    fn bits(conditions: Vec<Condition>, look_ups: &[usize]) -> Vec<u64> {
        let ring = Arc::new(Treatment::ring());
        let rule = |when| Rule { is_known_plain: true, ..Rule::new("r", when, Arc::clone(&ring)) };
        let mut rules: Vec<Rule> = conditions.into_iter().map(rule).collect();
        find(&mut rules, look_ups);
        rules.iter().map(|rule| rule.shared.all()).collect()
    }

    #[test]
    fn what_stands_in_two_rules_has_a_bit_in_both_and_the_more_frequent_the_first() {
        let both = Condition::All(vec![line("shop"), Condition::Diverted(true)]);
        let found =
            bits(vec![line("shop"), both, line("home"), Condition::Diverted(true), line("shop")], &[]);
        assert_eq!(found, [0b1, 0b11, 0, 0b10, 0b1]);
    }

    #[test]
    fn what_may_ask_somebody_outside_has_none() {
        let asked = || Condition::CallerIn(vec![0, 1]);
        assert_eq!(bits(vec![asked(), asked()], &[1]), [0, 0]);
        assert_eq!(bits(vec![asked(), asked()], &[2]), [1, 1]);
    }

    #[test]
    fn of_more_than_64_the_others_have_none() {
        let lines = || (0..70).map(|number| line(&format!("line-{number}")));
        let found = bits(lines().chain(lines()).collect(), &[]);
        assert_eq!(found.iter().filter(|bits| **bits != 0).count(), 128);
        assert_eq!(found[63], 1 << 63);
    }
}
