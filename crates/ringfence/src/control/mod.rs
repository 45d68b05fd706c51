//! The control socket: how `ringfence status`, `calls`, `switch` and others speak with the running program.
//!
//! One request a connection, one line of JSON each way; `calls` gets a line for every call. A last
//! line `{"end":{}}` says that nothing is missing.
//!
//! ```text
//!  {"request":{"verb":"status"},"configuration":"/etc/ringfence/ringfence.toml"}
//!                                             ─▶   ◀─ {"status":{…}}          {"end":{}}
//!  {"verb":"calls","limit":20,"follow":true}  ─▶   ◀─ {"news":{…}} {"news":{…}} …
//!  {"verb":"reload"}                          ─▶   ◀─ {"reloaded":{…}}        {"end":{}}
//!  {"verb":"renew"}                           ─▶   ◀─ {"reloaded":{…}}        {"end":{}}
//!  {"verb":"flip","flipped":{…}}              ─▶   ◀─ {"noted":{}}            {"end":{}}
//!  {"verb":"forget","identity":"+41791234567"} ─▶  ◀─ {"forgotten":{…}}       {"end":{}}
//! ```
//!
//! Each says which configuration the client means: a program that has another one does nothing, and says so.
//!
//! The socket belongs to the user who runs the program and answers nobody else.

pub(crate) mod client;
pub(crate) mod place;
#[cfg(test)]
mod reference;
pub(crate) mod server;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::confine::Confined;
use crate::journal::{Added, Flipped, Forgotten, Health, News, Tally};
use crate::sources::SourcesStatus;

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    pub(crate) request: Request,
    /// The configuration that the client means, by [`crate::config::canonical`]; none means whichever runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) configuration: Option<String>,
}

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Request {
    /// How it stands.
    Status,
    /// The newest calls, and those to come.
    Calls { limit: usize, follow: bool },
    /// Read the configuration and the lists again.
    Reload,
    /// The same, unless all files are as they were read: what was changed may be in force already.
    Renew,
    /// Answer when all that was decided before is in the journal's file.
    Flush,
    /// How the switches stand that were flipped.
    Switches,
    /// Note how a switch stands.
    Flip { flipped: Flipped },
    /// What was added to lists and holds, of a program whose journal is in memory.
    Listed,
    /// Note entries of lists: such as are added for a time, or end.
    Entries { entries: Vec<Added> },
    /// Note that these were dialled, as [`crate::journal::identity`] has them.
    Dialed { identities: Vec<String>, at: Timestamp },
    /// Note that calls of these were answered.
    Answered { identities: Vec<String>, at: Timestamp },
    /// Remove every trace of a caller, also where others named them as the region writes the number.
    Forget { identity: String, region: String },
}

/// One line of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Response {
    Status(Box<Status>),
    News(News),
    /// A follower was too slow for so many events.
    Missed(u64),
    Reloaded(Reloaded),
    /// The switches that are not as their default has them.
    Switches(Vec<Flipped>),
    /// Some of what was added to lists.
    Entries(Vec<Added>),
    /// It is noted: in force, and on its way to the file.
    Noted {},
    Forgotten(Forgotten),
    Error(String),
    /// It is not done, and this is what to do about it.
    Declined {
        error: String,
        hint: String,
    },
    End {},
}

/// How the running program stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) version: String,
    pub(crate) pid: u32,
    pub(crate) started: Timestamp,
    pub(crate) now: Timestamp,
    /// What the program may do to its machine.
    #[serde(default)]
    pub(crate) confined: Confined,
    /// Where calls come in, of each transport one a shard.
    pub(crate) listen: Vec<Listener>,
    pub(crate) configuration: Configuration,
    /// How many lines there are of each state.
    #[serde(default)]
    pub(crate) line_states: LineStates,
    pub(crate) lines: Vec<LineStatus>,
    pub(crate) calls: Tally,
    /// How the journal is written.
    pub(crate) journal: Health,
    /// How the lists that are fetched stand, and who is asked for each call.
    pub(crate) sources: SourcesStatus,
    /// What the softphone counted, by name.
    pub(crate) counters: BTreeMap<String, u64>,
}

/// Where calls come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listener {
    /// By what: `UDP`, `TCP`, `TLS`, `WS` or `WSS`.
    pub(crate) transport: String,
    pub(crate) address: SocketAddr,
}

impl From<softphone::Listener> for Listener {
    fn from(listener: softphone::Listener) -> Self {
        Self { transport: listener.transport.to_string(), address: listener.address }
    }
}

/// Which configuration is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Configuration {
    pub(crate) path: PathBuf,
    /// When the one in force was read.
    pub(crate) loaded: Timestamp,
    /// Why the last one that was read is not in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<Failed>,
    /// Settings that changed and wait for a restart.
    pub(crate) needs_restart: Vec<String>,
    /// Lists whose files have become unreadable, of which the last good rows are kept: each with the reason.
    #[serde(default)]
    pub(crate) kept: Vec<String>,
    /// What tells this policy's rules from others'.
    pub(crate) policy: String,
    pub(crate) rules: usize,
    /// How many entries each list has.
    pub(crate) lists: Vec<(String, usize)>,
}

/// A reload that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failed {
    pub(crate) at: Timestamp,
    /// The first error in one line.
    pub(crate) error: String,
}

/// One line and its registration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LineStatus {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) state: LineState,
    /// It is registered, and a refresh is under way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) refreshing: bool,
    /// Why, in a sentence, when it is not as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<String>,
    /// When it registers next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<Timestamp>,
}

/// How many lines there are of each [`LineState`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LineStates {
    pub(crate) registering: u64,
    pub(crate) registered: u64,
    pub(crate) failed: u64,
    pub(crate) unregistered: u64,
    pub(crate) refused: u64,
    #[serde(rename = "static")]
    pub(crate) unmoved: u64,
}

/// Whether a line gets calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LineState {
    Registering,
    Registered,
    Failed,
    Unregistered,
    /// The line is not started: it can reach what is not there yet.
    Refused,
    /// The line needs no registration: its PBX knows where it is.
    Static,
}

/// What a reload did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reloaded {
    /// What changed, a sentence each.
    pub(crate) changes: Vec<String>,
    /// Names of the lists that a program of an earlier version keeps as they were: what is written on them now is not in
    /// force there.
    #[serde(default)]
    pub(crate) kept: Vec<String>,
    pub(crate) warnings: usize,
    pub(crate) needs_restart: Vec<String>,
}

impl LineState {
    /// Tells whether calls reach the line.
    pub(crate) const fn is_up(self) -> bool {
        match self {
            Self::Registered | Self::Static => true,
            Self::Registering | Self::Failed | Self::Unregistered | Self::Refused => false,
        }
    }
}

impl LineStates {
    /// Counts the states of lines.
    pub(crate) fn of(lines: &[LineStatus]) -> Self {
        let mut states = Self::default();
        for line in lines {
            *match line.state {
                LineState::Registering => &mut states.registering,
                LineState::Registered => &mut states.registered,
                LineState::Failed => &mut states.failed,
                LineState::Unregistered => &mut states.unregistered,
                LineState::Refused => &mut states.refused,
                LineState::Static => &mut states.unmoved,
            } += 1;
        }
        states
    }
}

impl LineStatus {
    /// Tells whether something is wrong with the line: calls do not reach it, or not by each way that it has.
    pub(crate) fn is_amiss(&self) -> bool {
        !self.state.is_up() || self.cause.is_some()
    }
}
