//! How many calls there were, by rule, list, line and day.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

/// How many calls there were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Stats {
    pub(crate) all: Verdicts,
    pub(crate) rules: BTreeMap<String, Verdicts>,
    /// By the list whose entry decided.
    pub(crate) lists: BTreeMap<String, Verdicts>,
    pub(crate) lines: BTreeMap<String, Verdicts>,
    pub(crate) days: BTreeMap<Date, Verdicts>,
    /// How often a rule in shadow mode would have decided.
    pub(crate) shadows: BTreeMap<String, u64>,
}

/// How many calls there were by verb: `reject`, `ring`, ….
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Verdicts(pub(crate) BTreeMap<String, u64>);

impl Verdicts {
    /// Returns how many there were in all.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Returns how many there were of one verb.
    pub(crate) fn of(&self, verb: &str) -> u64 {
        self.0.get(verb).copied().unwrap_or_default()
    }

    fn count(&mut self, verb: &str) {
        *entry(&mut self.0, verb) += 1;
    }
}

impl Stats {
    /// Counts one call.
    pub(super) fn count(
        &mut self,
        day: Date,
        verb: &str,
        rule: &str,
        list: Option<&str>,
        line: &str,
        shadow: &[String],
    ) {
        self.all.count(verb);
        entry(&mut self.rules, rule).count(verb);
        entry(&mut self.lines, line).count(verb);
        self.days.entry(day).or_default().count(verb);
        // A journal may have the nameless list of what a rule writes itself.
        if let Some(list) = list.filter(|list| !list.is_empty()) {
            entry(&mut self.lists, list).count(verb);
        }
        for rule in shadow {
            *entry(&mut self.shadows, rule) += 1;
        }
    }
}

/// Returns an entry, and copies its name only when it is new.
fn entry<'a, T: Default>(map: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), T::default());
    }
    map.entry(name.to_owned()).or_default()
}
