//! Putting the blocks of several files together.

use std::collections::HashMap;
use std::fmt;

use super::diagnostic::{Report, Span};
use super::document::{
    DefaultsBlock, Document, GroupBlock, GuardBlock, LineBlock, ListBlock, RuleBlock, ScheduleBlock,
    SwitchBlock, TestBlock, TreatmentBlock,
};
use super::file::File;
use super::read::{At, brief};
use super::shape::{Items, Named};
use crate::number::Region;

/// All blocks of a policy, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Blocks {
    pub(super) defaults: DefaultsBlock,
    pub(super) lines: Kind<LineBlock>,
    pub(super) groups: Kind<GroupBlock>,
    pub(super) treatments: Kind<TreatmentBlock>,
    pub(super) lists: Kind<ListBlock>,
    /// The regions that blocks of a list say, by its name: each is that of the block in its file.
    pub(super) list_regions: HashMap<String, Vec<At<Region>>>,
    pub(super) schedules: Kind<ScheduleBlock>,
    pub(super) switches: Kind<SwitchBlock>,
    pub(super) guards: Kind<GuardBlock>,
    pub(super) rules: Vec<At<RuleBlock>>,
    pub(super) tests: Vec<At<TestBlock>>,
    /// What a program calls its lines.
    pub(super) accounts: Vec<String>,
    /// The addresses-of-record of these accounts, as far as they are said.
    pub(super) addresses: HashMap<String, String>,
}

/// The blocks of one kind, by name. A block that could not be read is `None`.
#[derive(Clone)]
pub(super) struct Kind<T> {
    blocks: Vec<(At<String>, Option<T>)>,
    index: HashMap<String, usize>,
}

impl<T: fmt::Debug> fmt::Debug for Kind<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.blocks.fmt(f)
    }
}

impl<T> Default for Kind<T> {
    fn default() -> Self {
        Self { blocks: Vec::new(), index: HashMap::new() }
    }
}

impl<T> Kind<T> {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&At<String>, Option<&T>)> {
        self.blocks.iter().map(|(name, block)| (name, block.as_ref()))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.blocks.iter().map(|(name, _)| name.value.as_str())
    }

    pub(super) fn get(&self, place: usize) -> Option<&T> {
        self.blocks.get(place)?.1.as_ref()
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Adds blocks; of two of one name `join` makes one, or says that it cannot.
    fn add(
        &mut self,
        named: Option<Named<T>>,
        kind: &str,
        files: &[File],
        report: &mut Report,
        join: impl Fn(&mut T, T) -> bool,
    ) {
        for (name, block) in named.map(Named::into_inner).unwrap_or_default() {
            let Some(&first) = self.index.get(&name.value) else {
                if self.blocks.len() == MOST_OF_A_KIND {
                    let message =
                        format!("expected at most {MOST_OF_A_KIND} blocks [{kind}.NAME], found more");
                    return report.error(name.span, message, "");
                }
                self.index.insert(name.value.clone(), self.blocks.len());
                self.blocks.push((name, block));
                continue;
            };
            let (known, first) = &mut self.blocks[first];
            let is_joined = match (first.as_mut(), block) {
                (Some(first), Some(block)) => join(first, block),
                (Some(_), None) | (None, _) => true,
            };
            if !is_joined && report.is_full() {
                report.error(name.span, "", "");
            } else if !is_joined {
                let place = known.span.place(files).map(|place| format!("{}:{}", place.file, place.line));
                let message = format!(
                    "[{kind}.{}] is there already, in {}",
                    brief(&name),
                    place.unwrap_or_else(|| "another file".to_owned())
                );
                report.error(name.span, message, "give one of the two another name");
            }
        }
    }
}

/// R15: so many rules are fine, and more are a mistake.
const MOST_RULES: usize = 10_000;
const MOST_TESTS: usize = 10_000;
const MOST_OF_A_KIND: usize = 10_000;
/// A guard is tried for every call before all rules.
const MOST_GUARDS: usize = 100;

impl Blocks {
    pub(super) fn merge(documents: Vec<Document>, files: &[File], report: &mut Report) -> Self {
        let mut merged = Self::default();
        for document in documents {
            merged.add(document, files, report);
        }
        merged.check_bounds(report);
        merged
    }

    /// Adds the blocks of a file behind those of the files before.
    pub(super) fn add(&mut self, document: Document, files: &[File], report: &mut Report) {
        self.defaults =
            DefaultsBlock::filled(document.defaults.unwrap_or_default(), std::mem::take(&mut self.defaults));
        self.lines.add(document.line, "line", files, report, |_, _| false);
        self.groups.add(document.group, "group", files, report, |_, _| false);
        self.treatments.add(document.treatment, "treatment", files, report, |_, _| false);
        for (name, block) in document.list.iter().flat_map(Named::iter) {
            if let Some(region) = block.and_then(|block| block.region) {
                self.list_regions.entry(name.value.clone()).or_default().push(region);
            }
        }
        self.lists.add(document.list, "list", files, report, ListBlock::join);
        self.schedules.add(document.schedule, "schedule", files, report, |_, _| false);
        self.switches.add(document.switch, "switch", files, report, |_, _| false);
        self.guards.add(document.guard, "guard", files, report, |_, _| false);
        self.rules.extend(document.rule.map(Items::into_inner).unwrap_or_default());
        self.tests.extend(document.test.map(Items::into_inner).unwrap_or_default());
    }

    /// Returns the regions that blocks of a list say.
    pub(super) fn regions_of(&self, list: &str) -> &[At<Region>] {
        self.list_regions.get(list).map_or(&[], Vec::as_slice)
    }

    fn check_bounds(&mut self, report: &mut Report) {
        let mut too_many = |what: &str, most: usize, first_beyond: Option<Span>| {
            if let Some(span) = first_beyond {
                let message = format!("expected at most {most} {what}, found more");
                report.error(span, message, "numbers belong into lists, which may have millions of entries");
            }
        };
        too_many("rules", MOST_RULES, self.rules.get(MOST_RULES).map(|rule| rule.span));
        too_many("tests", MOST_TESTS, self.tests.get(MOST_TESTS).map(|test| test.span));
        too_many("guards", MOST_GUARDS, self.guards.blocks.get(MOST_GUARDS).map(|(name, _)| name.span));
        self.rules.truncate(MOST_RULES);
        self.tests.truncate(MOST_TESTS);
    }
}

impl DefaultsBlock {
    /// Fills what the including file leaves open.
    fn filled(including: Self, included: Self) -> Self {
        Self {
            region: including.region.or(included.region),
            timezone: including.timezone.or(included.timezone),
            on_error: including.on_error.or(included.on_error),
            mode: including.mode.or(included.mode),
            deadline: including.deadline.or(included.deadline),
        }
    }
}

impl ListBlock {
    /// Adds what another file says of the same list; of what can be said once, the later file counts.
    fn join(&mut self, other: Self) -> bool {
        Items::join(&mut self.entries, other.entries);
        Items::join(&mut self.files, other.files);
        self.source = match (self.source.take(), other.source) {
            (Some(sources), Some(more)) => Some(sources.and(more)),
            (sources, more) => sources.or(more),
        };
        self.format = other.format.or(self.format.take());
        self.number_column = other.number_column.or(self.number_column.take());
        self.name_column = other.name_column.or(self.name_column.take());
        self.region = other.region.or(self.region);
        self.refresh = other.refresh.or(self.refresh);
        self.on_stale = other.on_stale.or(self.on_stale);
        self.on_miss = other.on_miss.or(self.on_miss);
        self.lookup = other.lookup.or(self.lookup);
        self.cache = other.cache.or(self.cache);
        self.pubkey = other.pubkey.or(self.pubkey.take());
        self.window = other.window.or(self.window);
        self.min = other.min.or(self.min);
        self.user = other.user.or(self.user.take());
        self.password_file = other.password_file.or(self.password_file.take());
        self.password_env = other.password_env.or(self.password_env.take());
        self.private = other.private.or(self.private);
        self.ca = other.ca.or(self.ca.take());
        true
    }
}
