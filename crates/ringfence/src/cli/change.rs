//! What `block`, `allow` and `remove` share: a number, the lists it may be on, and the telling.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use ringfence_policy::Number::Internal;
use ringfence_policy::{Entry, Pattern, Policy, Region};

use super::attempt::Attempt;
use super::failure::{hint, with_hint};
use super::output::day;
use super::precedence::Precedence;
use super::{Context, caller, lists_of, turn};
use crate::config::edit::{self, Turn};
use crate::config::{Lists, Loaded};

/// A number to put on a list.
#[derive(Debug, Args)]
pub(super) struct Number {
    /// A number as it is written where you live, or with its country code; a prefix such as
    /// '+4179*'; or `anonymous`, for callers who withhold their number
    #[arg(value_name = "NUMBER", allow_hyphen_values = true)]
    written: String,
}

/// The lists, while it is our turn to change them.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) config: PathBuf,
    pub(super) lists: Lists,
    pub(super) pattern: Pattern,
    /// The policy before the change; none where the configuration has errors.
    pub(super) policy: Option<Arc<Policy>>,
    /// Whether the configuration had errors before, which was told.
    pub(super) had_errors: bool,
}

impl Number {
    /// Returns what the rules know a caller by who is meant alone; none for more callers than one.
    pub(super) fn identity(&self, region: Region) -> Option<String> {
        caller::known_by(&self.written, region).ok()
    }

    /// Waits for the turn to change the lists, and reads them and the number.
    pub(super) fn change(&self, context: &Context) -> Result<(Change, Turn)> {
        if self.written.chars().any(char::is_control) {
            let message = format!("expected a number on one line, found \"{}\"", self.written.escape_debug());
            return Err(with_hint(message, "leave line breaks and other control characters out"));
        }
        let config = context.path()?;
        let (turn, reading) = turn::take(context)?;
        let had_errors = reading.report.errors() > 0;
        let policy = reading.config.as_ref().map(|config| Arc::clone(&config.policy));
        let lists = lists_of(reading)?;
        let pattern = Pattern::parse(&self.written, lists.region).map_err(|error| {
            let usual = || "for example +41791234567 or '+4179*'".to_owned();
            with_hint(error.to_string(), error.hint().unwrap_or_else(usual))
        })?;
        if had_errors {
            hint("the configuration has errors, with which no program takes it up: ringfence check");
        }
        Ok((Change { config, lists, pattern, policy, had_errors }, turn))
    }
}

impl Change {
    /// Adds the number to a list. The entry is its canonical form, so that it means the same in
    /// every region.
    pub(super) fn add(&self, list: &Loaded, done: &str, comment: Option<&str>) -> Result<PathBuf> {
        let note = note(done, comment)?;
        Ok(edit::add(&self.config, list, &self.pattern.to_string(), &note)?)
    }

    /// Tells which of the lists `allow` and `reject` wins; none where the configuration has errors.
    pub(super) fn precedence(&self, now: Timestamp) -> Option<Precedence<'_>> {
        self.policy.as_ref().map(|policy| Precedence::of(policy, now))
    }

    /// Prepares to change lists, unless the configuration has errors with that.
    pub(super) fn attempt<'a>(&self, lists: impl IntoIterator<Item = &'a Loaded>) -> Attempt {
        Attempt::new(&self.config, lists, self.had_errors)
    }

    /// Tells whether the number is one that nobody may block.
    pub(super) fn is_emergency(&self) -> bool {
        matches!(&self.pattern, Pattern::Exact(Internal(digits)) if self.lists.region.is_emergency(*digits))
    }

    /// Finds the entry that covers the number on a list and holds: the same, or a wider one.
    pub(super) fn covering<'a>(&self, list: &'a Loaded, now: Timestamp) -> Option<Entry<'a>> {
        list.list.covering(&self.pattern, now)
    }

    /// Finds the entry of the number itself if it has an end, over or not: it makes way for one that lasts longer.
    pub(super) fn ending<'a>(&self, list: &'a Loaded) -> Option<Entry<'a>> {
        list.list.find_pattern(&self.pattern).filter(|entry| entry.until().is_some())
    }
}

/// Returns what is written beside an entry: what was done today, and why.
pub(super) fn note(done: &str, why: Option<&str>) -> Result<String> {
    let today = day(Timestamp::now());
    match why.map(str::trim).filter(|why| !why.is_empty()) {
        None => Ok(format!("{done} {today}")),
        Some(why) if why.chars().any(char::is_control) => {
            Err(with_hint("expected a note of one line", "leave the line breaks out"))
        }
        Some(why) => Ok(format!("{done} {today}: {why}")),
    }
}

/// Returns an entry and where it stands.
pub(super) fn told(list: &Loaded, entry: Entry<'_>) -> String {
    let (file, line) = list.place_of(entry);
    let file = shown(&file);
    // A compiled list has no lines.
    if line == 0 { format!("{entry} ({file})") } else { format!("{entry} ({file}:{line})") }
}

/// Returns a path as it is shown.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
