//! What is said of the sources, for `ringfence status` and `ringfence check`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where the rows in use came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// Nothing has come yet, or it was dropped.
    Nowhere,
    /// The source, since the program started.
    Source,
    /// The last good copy on disk.
    Copy,
}

/// How a source of a list stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListStatus {
    pub(crate) list: String,
    /// The source as the policy writes it, without what may be secret.
    pub(crate) source: String,
    /// How many entries the list has of the source.
    pub(crate) rows: usize,
    /// What cannot be read; of very many, the first.
    pub(crate) unread: usize,
    /// The first of them, with its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_unread: Option<String>,
    pub(crate) origin: Origin,
    /// When the source was last seen to hold them.
    pub(crate) seen: Option<Timestamp>,
    /// When the source is looked at again.
    pub(crate) next: Timestamp,
    /// The source has not been reached for several intervals.
    pub(crate) is_stale: bool,
    /// Why the last look at the source brought nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// How a look-up stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LookUpStatus {
    pub(crate) list: String,
    pub(crate) source: String,
    /// How many questions there were.
    pub(crate) asked: u64,
    /// How many of them were answered from memory.
    pub(crate) remembered: u64,
    /// How many answers did not come in time, or not at all.
    pub(crate) missed: u64,
    /// How often the source was left alone after failures.
    pub(crate) rests: u64,
    /// It is left alone right now.
    pub(crate) is_resting: bool,
    /// Why the last question that failed did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// How all sources stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SourcesStatus {
    pub(crate) lists: Vec<ListStatus>,
    pub(crate) look_ups: Vec<LookUpStatus>,
}
