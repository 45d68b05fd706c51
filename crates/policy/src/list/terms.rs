//! What few entries have: an end, and a weight other than one.

use jiff::Timestamp;

/// How long an entry holds, and how much it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    /// Its end; without one it holds for ever.
    pub(super) until: Option<Timestamp>,
    pub(super) weight: u32,
}

impl Terms {
    /// What an entry has when nothing else was said.
    pub(super) const PLAIN: Terms = Terms { until: None, weight: 1 };

    /// Returns the terms of two entries that mean the same: the longer time and both weights.
    pub(super) fn joined(self, other: Terms) -> Terms {
        let until = match (self.until, other.until) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (None, _) | (_, None) => None,
        };
        Terms { until, weight: self.weight.saturating_add(other.weight) }
    }

    /// Returns whether these hold longer than others.
    pub(super) fn outlast(self, other: Terms) -> bool {
        match (self.until, other.until) {
            (Some(own), Some(other)) => own > other,
            (None, Some(_)) => true,
            (_, None) => false,
        }
    }
}

/// The terms of a list's entries, by where the text of each begins: no two begin at one place, and
/// sorting the entries moves none. Plain terms are not kept.
#[derive(Debug, Clone, Default)]
pub(super) struct AllTerms(Vec<(u32, Terms)>);

impl AllTerms {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn of(&self, text: u32) -> Terms {
        match self.0.binary_search_by_key(&text, |(text, _)| *text) {
            Ok(index) => self.0[index].1,
            Err(_) => Terms::PLAIN,
        }
    }
}

impl FromIterator<(u32, Terms)> for AllTerms {
    fn from_iter<I: IntoIterator<Item = (u32, Terms)>>(entries: I) -> Self {
        let mut terms: Vec<_> = entries.into_iter().filter(|(_, terms)| *terms != Terms::PLAIN).collect();
        terms.sort_unstable_by_key(|(text, _)| *text);
        Self(terms)
    }
}
