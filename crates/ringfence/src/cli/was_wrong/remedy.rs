//! The smallest changes that may decide a call otherwise.

use std::sync::Arc;

use anyhow::Result;
use ringfence_policy::{Condition, List, Pattern, Policy, Record, Region, Rule, normalise};
use serde::Serialize;

use super::super::caller;
use super::super::then::Supposed;
use crate::config::{ALLOW, Config, Loaded, NEVER_BLOCK, REJECT, edit};
use crate::journal::Added;
use crate::visible::visible;

/// A change of one entry of one list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "lowercase")]
pub(super) enum Remedy {
    /// A caller goes on a list.
    Add { list: String, entry: String },
    /// An entry that a rule or a person put on a list for a time ends now.
    End(Added),
    /// An entry goes from its list.
    Remove {
        list: String,
        entry: String,
        file: String,
        line: usize,
        /// In how many more places it stands, from which it goes as well.
        #[serde(skip)]
        again: usize,
        /// What the entry means, which its list may read otherwise than other lists.
        #[serde(skip)]
        pattern: Pattern,
    },
}

/// What is wrong with a call.
#[derive(Debug, Clone)]
pub(super) struct Sought {
    /// Whether it is turned away and should not be.
    pub(super) is_refused: bool,
    /// The entry that means its caller alone.
    pub(super) entry: Pattern,
}

/// Returns what may help where an entry of `list` decides: an entry that names the caller alone goes; the caller
/// goes on a list that a rule asks for, those that have entries already first; on the list that no rule overrules.
pub(super) fn remedies(config: &Config, list: Option<&str>, sought: &Sought) -> Vec<Remedy> {
    let policy = &config.policy;
    let entry = &sought.entry;
    let listed = list.and_then(|list| config.lists.named(list));
    let removed = listed.and_then(|list| removal(list, entry));
    let mut places = Vec::new();
    for rule in policy.rules() {
        if !rule.is_shadow && rule.then().is_refusal() != sought.is_refused {
            add_places(rule.when(), &mut places);
        }
    }
    let mut lists: Vec<&Loaded> = Vec::new();
    for list in places.iter().filter_map(|place| policy.lists().get(*place)) {
        // Where a person writes, and neither what is fetched from elsewhere nor what rules alone write.
        let written = config.lists.named(list.name()).filter(|list| is_written_here(config, list));
        lists.extend(written.filter(|list| lists.iter().all(|known| known.name != list.name)));
    }
    lists.sort_by_key(|list| !is_in_use(list));
    let names = lists.into_iter().map(|list| &*list.name);
    let names = names.chain(sought.is_refused.then_some(NEVER_BLOCK));
    let added = names.map(|list| Remedy::Add { list: list.to_owned(), entry: entry.to_string() });
    removed.into_iter().chain(added).collect()
}

/// Adds the lists that may make a condition hold for a caller who is on them, if the rest of it does.
fn add_places(condition: &Condition, places: &mut Vec<usize>) {
    if let Condition::CallerIn(lists) = condition {
        places.extend(lists);
    } else if let Condition::All(inner) | Condition::Any(inner) = condition {
        for inner in inner {
            add_places(inner, places);
        }
    }
}

/// Returns the entry that means one caller alone, or why there is none.
pub(super) fn entry_for(identity: &str, region: Region) -> Result<Pattern, String> {
    let number = normalise(identity, region);
    let pattern = number.map_or_else(|_| Pattern::Name(identity.into()), Pattern::Exact);
    match Pattern::parse(&pattern.to_string(), region) {
        Ok(read) if read == pattern => Ok(pattern),
        // Every number that is a pattern of its own is read back as that.
        Ok(_) | Err(_) if number.is_ok() => {
            Err("an entry that ends in `*` means all that begins so".to_owned())
        }
        Ok(_) => Err("an entry means more than this name".to_owned()),
        Err(error) => Err(format!("an entry has {}", error.expected())),
    }
}

/// Returns the removal of an entry, if it can be edited where it stands.
fn removal(list: &Loaded, pattern: &Pattern) -> Option<Remedy> {
    let entry = list.list.find_pattern(pattern)?;
    let (file, line) = list.place_of(entry);
    let is_editable = entry.origin().file().is_none() || list.files.contains(&file);
    is_editable.then(|| Remedy::Remove {
        list: list.name.clone(),
        entry: entry.written().to_owned(),
        file: file.display().to_string(),
        line,
        again: list.list.repeated().filter(|(first, _)| first.pattern() == *pattern).count(),
        pattern: pattern.clone(),
    })
}

/// Tells whether a person writes on a list in the configuration or in its files.
fn is_written_here(config: &Config, list: &Loaded) -> bool {
    let is_remote = config.remote.iter().any(|remote| remote.name == list.name)
        || config.look_ups.iter().any(|look_up| look_up.name == list.name);
    let grows = |rule: &Rule| rule.add_to.as_ref().is_some_and(|add_to| *add_to.list == *list.name);
    !is_remote && (is_in_use(list) || !config.policy.rules().iter().any(grows))
}

/// Tells whether a list has entries or files, or is one that a verb writes on.
fn is_in_use(list: &Loaded) -> bool {
    [REJECT, ALLOW].contains(&&*list.name) || !list.list.is_empty() || !list.files.is_empty()
}

impl Remedy {
    /// Returns on which list a caller is or is not with it, where that is supposed.
    pub(super) fn supposes<'a>(&'a self, identity: &'a str) -> Option<Supposed<'a>> {
        match self {
            Self::Add { list, .. } => Some(Supposed { list, identity, is_on: true }),
            Self::End(Added { list, .. }) => Some(Supposed { list, identity, is_on: false }),
            Self::Remove { .. } => None,
        }
    }

    /// Returns the policy as it is after a removal; what else there is is supposed instead.
    pub(super) fn candidate(&self, policy: &Policy) -> Result<Policy> {
        match self {
            Self::Add { .. } | Self::End(_) => Ok(policy.clone()),
            Self::Remove { list, pattern, .. } => {
                let without = policy.list(list).map(|list| without(list, pattern, policy.region()));
                Ok(without.map_or_else(|| Ok(policy.clone()), |list| policy.with_list(Arc::new(list)))?)
            }
        }
    }

    /// Returns the list that is changed, if the configuration has it already.
    pub(super) fn list<'a>(&self, config: &'a Config) -> Option<&'a Loaded> {
        config.lists.named(self.name())
    }

    /// Returns the name of the list that is changed.
    pub(super) fn name(&self) -> &str {
        let (Self::Add { list, .. } | Self::End(Added { list, .. }) | Self::Remove { list, .. }) = self;
        list
    }

    /// Changes the list where it is written; what the journal keeps is written nowhere else. Returns what was done, in lines: an entry
    /// that stands in several places goes from each.
    pub(super) fn apply(&self, config: &Config, note: &str) -> Result<Vec<String>> {
        match self {
            Self::Add { list, entry } => match config.lists.named(list) {
                Some(loaded) => drop(edit::add(&config.path, loaded, entry, note)?),
                None => edit::add_inline(&config.path, list, entry, note)?,
            },
            Self::End(_) => {}
            Self::Remove { list, pattern, .. } => {
                if let Some(loaded) = config.lists.named(list) {
                    let removed = edit::remove(&config.path, loaded, pattern)?;
                    let told = removed.into_iter().map(|(written, file, line)| {
                        removal_told("took", &written, list, &file.display().to_string(), line)
                    });
                    return Ok(told.collect());
                }
            }
        }
        Ok(vec![self.told(true)])
    }

    /// Tells what is done, or was.
    pub(super) fn told(&self, is_done: bool) -> String {
        match self {
            Self::Add { list, entry } => {
                format!("put {} on the list {}", visible(entry), visible(list))
            }
            Self::End(added) => {
                let verb = if is_done { "took" } else { "take" };
                let who = if added.is_withheld() {
                    Added::WITHHELD.to_owned()
                } else {
                    caller::told(&added.identity)
                };
                let by = added
                    .rule
                    .as_deref()
                    .map_or_else(|| "hand".to_owned(), |rule| format!("rule {}", visible(rule)));
                format!("{verb} {who} off the list {} (journal, put there by {by})", visible(&added.list))
            }
            Self::Remove { list, entry, file, line, again, .. } => {
                let told = removal_told(if is_done { "took" } else { "take" }, entry, list, file, *line);
                match again {
                    0 => told,
                    1 => format!("{told} and where it stands once more"),
                    again => format!("{told} and where it stands {again} times more"),
                }
            }
        }
    }
}

fn removal_told(verb: &str, entry: &str, list: &str, file: &str, line: usize) -> String {
    format!("{verb} {} off the list {} ({file}:{line})", visible(entry), visible(list))
}

/// Returns a list without one entry.
fn without(list: &List, pattern: &Pattern, region: Region) -> List {
    let mut builder = List::builder(list.name());
    let file = builder.file("");
    for entry in list.entries().filter(|entry| entry.pattern() != *pattern) {
        let (name, weight, until) = (entry.note(), entry.weight(), entry.until());
        let number = &entry.pattern().to_string();
        builder.record(file, Record { line: 0, number, name, weight, until }, region);
    }
    for set in list.sets() {
        builder.set("", set.clone());
    }
    builder.build().0
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use ringfence_policy::Number;

    use super::*;

    fn switzerland() -> Region {
        Region::parse("CH").unwrap()
    }

    #[test]
    fn the_entry_for_a_caller_means_nobody_else() {
        for (identity, expected) in
            [("+41791234567", "+41791234567"), ("1002", "internal:1002"), ("alice", "sip:alice")]
        {
            let pattern = entry_for(identity, switzerland()).unwrap();
            assert_eq!(Pattern::parse(expected, switzerland()), Ok(pattern));
        }
        let why_not = |identity: &str| entry_for(identity, switzerland()).unwrap_err();
        assert_eq!(why_not(&"a".repeat(253)), "an entry has at most 256 characters");
        for beginning in ["*", "**", "100#*"] {
            assert_eq!(why_not(beginning), "an entry that ends in `*` means all that begins so");
        }
    }

    #[test]
    fn a_list_without_an_entry_has_all_others() {
        let (list, _) =
            List::parse_text("reject", "spam.txt", "079 123 45 67\n+4144*\nanonymous", switzerland());
        let fewer = without(&list, &entry_for("+41791234567", switzerland()).unwrap(), switzerland());
        assert_eq!(fewer.len(), 2);
        let number = Number::E164(ringfence_policy::E164::new(41_791_234_567).unwrap());
        assert!(fewer.find_number(number, Timestamp::UNIX_EPOCH).is_none());
    }
}
