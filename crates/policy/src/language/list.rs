//! A list of a policy, as the program that loads its sources needs it.

mod reading;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::diagnostic::Span;
use super::document::{ListBlock, LookupWord, MissWord, StaleWord};
use super::file::File;
use super::read::At;
use super::source::ListSource;
use crate::list::{List, ListBuilder};
use crate::number::Region;
use crate::policy::NEVER_BLOCK;

pub(super) use reading::Surroundings;
use reading::{Regions, entries, refuse_look_ups, settings, sources};

/// A list as the policy describes it: its inline entries, and where the others come from.
///
/// ```
/// use ringfence_policy::{Draft, File, ListSource};
///
/// let text = "defaults.region = \"CH\"\n\
///             [list.family]\nentries = [\"+41791112233\"]\nsource = \"contacts.vcf\"\n\
///             [[rule]]\nid = \"all\"\nthen = \"ring\"\n";
/// let (draft, wrong) = Draft::read(File::new("policy.toml", text), &mut |_, _| Err("none".to_owned()), &[]);
/// assert!(wrong.iter().all(|wrong| wrong.severity < ringfence_policy::Severity::Error), "{wrong:?}");
/// let family = draft.lists().next().expect("one list");
/// assert_eq!(family.name(), "family");
/// assert!(matches!(&family.sources()[0].source, ListSource::File { path, .. } if path == "contacts.vcf"));
/// assert_eq!(family.inline().len(), 1);
/// ```
#[derive(Clone)]
pub struct ListSpec {
    name: String,
    span: Span,
    region: Region,
    entries: Vec<Inline>,
    sources: Vec<SourceSpec>,
    refresh: Option<Duration>,
    drops_stale: bool,
    on_miss: Option<bool>,
    looks_up_whole_numbers: bool,
    cache: Option<Duration>,
    public_key: Option<String>,
    window: Option<Duration>,
    least: Option<u32>,
    user: Option<String>,
    password_file: Option<(String, String)>,
    password_env: Option<String>,
    is_private: bool,
    authority: Option<(String, String)>,
    /// Where settings stand that only the program that loads the sources can judge.
    settings: Vec<(&'static str, Span)>,
}

/// A source of a list, and which file names it.
///
/// ```
/// use ringfence_policy::{Draft, File};
///
/// let text = "defaults.region = \"CH\"\n[list.spam]\nfiles = [\"spam.txt\"]\n\
///             [[rule]]\nid = \"all\"\nthen = \"ring\"\n";
/// let (draft, _) = Draft::read(File::new("etc/policy.toml", text), &mut |_, _| Err("none".to_owned()), &[]);
/// let spam = draft.lists().next().expect("one list");
/// assert_eq!(spam.sources()[0].file, "etc/policy.toml");
/// assert_eq!(spam.sources()[0].source.to_string(), "text:spam.txt");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSpec {
    /// Where the entries come from.
    pub source: ListSource,
    /// The name of the policy file that says so; paths are relative to it.
    pub file: String,
    /// Whether the list is not complete without it: a file of `files`. What `source` names may come later.
    pub is_required: bool,
    span: Span,
}

/// An inline entry.
#[derive(Clone)]
struct Inline {
    span: Span,
    pattern: String,
    name: Option<String>,
    until: Option<Timestamp>,
    /// Whose way of writing numbers is meant: that of the list, unless its block says another.
    region: Region,
}

impl fmt::Debug for ListSpec {
    /// Prints no entry: a list is people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.len();
        let list = &mut f.debug_struct("ListSpec");
        list.field("name", &self.name)
            .field("entries", &entries)
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}

impl ListSpec {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the country whose way of writing numbers is meant.
    #[must_use]
    pub fn region(&self) -> Region {
        self.region
    }

    /// Returns where more entries come from.
    #[must_use]
    pub fn sources(&self) -> &[SourceSpec] {
        &self.sources
    }

    /// Returns the list of the inline entries alone.
    #[must_use]
    pub fn inline(&self) -> Arc<List> {
        Arc::new(self.builder().build().0)
    }

    /// Starts the list with its inline entries. What is wrong with them was reported when the
    /// policy was read, with the file `inline`.
    #[must_use]
    pub fn builder(&self) -> ListBuilder {
        let mut builder = List::builder(&self.name);
        for entry in &self.entries {
            builder.inline_entry(&entry.pattern, entry.name.as_deref(), entry.until, entry.region);
        }
        builder
    }

    /// Returns how often the sources are read again.
    #[must_use]
    pub fn refresh(&self) -> Option<Duration> {
        self.refresh
    }

    /// Returns whether the list is empty when its source cannot be read again, instead of the last
    /// good copy.
    #[must_use]
    pub fn drops_stale(&self) -> bool {
        self.drops_stale
    }

    /// Returns whether a look-up without an answer counts as a match; `None` when the policy does not
    /// say, and such a call is treated as `on_error` says.
    #[must_use]
    pub fn on_miss(&self) -> Option<bool> {
        self.on_miss
    }

    /// Returns whether a look-up may tell the whole number of the caller, instead of a part of its
    /// hash that many numbers have.
    #[must_use]
    pub fn looks_up_whole_numbers(&self) -> bool {
        self.looks_up_whole_numbers
    }

    /// Returns how long an answer of a look-up is remembered.
    #[must_use]
    pub fn cache(&self) -> Option<Duration> {
        self.cache
    }

    /// Returns the key the sources are signed with.
    #[must_use]
    pub fn public_key(&self) -> Option<&str> {
        self.public_key.as_deref()
    }

    /// Returns how far back complaints count.
    #[must_use]
    pub fn window(&self) -> Option<Duration> {
        self.window
    }

    /// Returns the least number of entries that a fresh copy must have; 0 takes every copy.
    #[must_use]
    pub fn least(&self) -> Option<u32> {
        self.least
    }

    /// Returns the user name the sources ask for.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Returns the path of the file with the password or token the sources ask for, and the name of
    /// the policy file it is relative to.
    #[must_use]
    pub fn password_file(&self) -> Option<(&str, &str)> {
        self.password_file.as_ref().map(|(path, file)| (path.as_str(), file.as_str()))
    }

    /// Returns the environment variable with the password or token the sources ask for.
    #[must_use]
    pub fn password_env(&self) -> Option<&str> {
        self.password_env.as_deref()
    }

    /// Returns whether the sources may be at private addresses.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.is_private
    }

    /// Returns the path of the file with the authority that vouches for the sources, and the name of the
    /// policy file it is relative to.
    #[must_use]
    pub fn authority(&self) -> Option<(&str, &str)> {
        self.authority.as_ref().map(|(path, file)| (path.as_str(), file.as_str()))
    }

    /// Returns whether any of the sources is asked about each caller, while the call waits.
    #[must_use]
    pub fn is_lookup(&self) -> bool {
        self.sources.iter().any(|source| source.source.is_lookup())
    }

    /// Returns the entries that are read by another region than the list's, by their places, and that region.
    pub(super) fn read_otherwise(&self) -> impl Iterator<Item = (usize, Region)> {
        let entries = self.entries.iter().enumerate().map(|(place, entry)| (place, entry.region));
        entries.filter(|(_, region)| *region != self.region)
    }

    /// Returns whether the policy says of nobody that it is on it, nor where to learn that.
    pub(super) fn says_nothing(&self) -> bool {
        self.entries.is_empty() && self.sources.is_empty()
    }

    pub(super) fn span(&self) -> Span {
        self.span
    }

    /// Returns where the value of a setting stands.
    pub(super) fn setting_span(&self, name: &str) -> Option<Span> {
        self.settings.iter().find(|(setting, _)| *setting == name).map(|(_, span)| *span)
    }

    /// Returns where an inline entry stands, counted from 1.
    pub(super) fn inline_span(&self, number: u32) -> Option<Span> {
        self.entries.get(usize::try_from(number).ok()?.checked_sub(1)?).map(|entry| entry.span)
    }

    /// Returns the inline entries whose time is over: where each stands, what it says, and its end.
    pub(super) fn ended(&self, now: Timestamp) -> impl Iterator<Item = (Span, &str, Timestamp)> {
        let over = move |entry: &&Inline| entry.until.is_some_and(|until| until <= now);
        self.entries.iter().filter(over).filter_map(|entry| Some((entry.span, &*entry.pattern, entry.until?)))
    }

    /// Returns an empty list that is not written in the policy.
    pub(super) fn unwritten(name: &str, region: Region) -> Self {
        Self {
            name: name.to_owned(),
            span: Span::new(0, &(0..0)),
            region,
            entries: Vec::new(),
            sources: Vec::new(),
            refresh: None,
            drops_stale: false,
            on_miss: None,
            looks_up_whole_numbers: false,
            cache: None,
            public_key: None,
            window: None,
            least: None,
            user: None,
            password_file: None,
            password_env: None,
            is_private: false,
            authority: None,
            settings: Vec::new(),
        }
    }

    /// Works out what a block says.
    pub(super) fn read(
        name: &At<String>,
        block: &ListBlock,
        said: &[At<Region>],
        surroundings: &mut Surroundings<'_>,
    ) -> Self {
        let Surroundings { region: policy, files, .. } = *surroundings;
        let region = block.region.map_or(policy, |at| at.value);
        let regions = Regions { said, list: region, policy };
        let file_of = |span: Span| files.get(usize::from(span.file)).map_or("", File::name).to_owned();
        let beside = |path: &At<String>| (path.value.clone(), file_of(path.span));
        let sources = sources(block, surroundings.report, &file_of);
        regions.warn_of(&sources, surroundings.report);
        if name.value == NEVER_BLOCK {
            refuse_look_ups(&sources, surroundings.report);
        }
        let (password_file, authority) =
            (block.password_file.as_ref().map(beside), block.ca.as_ref().map(beside));
        Self {
            region,
            span: name.span,
            entries: entries(block, &regions, surroundings),
            sources,
            refresh: block.refresh.map(|at| at.value),
            drops_stale: block.on_stale.is_some_and(|at| at.value == StaleWord::Drop),
            on_miss: block.on_miss.map(|at| at.value == MissWord::Match),
            looks_up_whole_numbers: block.lookup.is_some_and(|at| at.value == LookupWord::Full),
            cache: block.cache.map(|at| at.value),
            public_key: block.pubkey.as_ref().map(|key| key.0.clone()),
            window: block.window.map(|at| at.value),
            least: block.min.map(|at| at.value.0),
            user: block.user.as_ref().map(|user| user.0.clone()),
            password_file,
            password_env: block.password_env.as_ref().map(|variable| variable.0.clone()),
            is_private: block.private.is_some_and(|at| at.value),
            authority,
            settings: settings(block),
            name: name.value.clone(),
        }
    }
}

impl SourceSpec {
    pub(super) fn span(&self) -> Span {
        self.span
    }
}
