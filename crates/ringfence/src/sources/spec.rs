//! What the policy says of a list and its sources.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ringfence_policy::{Columns, List, ListBuilder, ListSpec as Written, Region};

use super::client::Trust;
use super::credential::{Credential, SecretPlace};
use super::error::SourceError;
use super::resolver::Reach;
use super::source::{LookUp, Ready, Source, Tells};
use crate::config::Stamped;

/// A list, and where its rows come from.
#[derive(Debug, Clone)]
pub(crate) struct ListSpec {
    pub(crate) name: String,
    pub(crate) region: Region,
    /// What the policy says of it, with its inline entries.
    pub(crate) written: Option<Written>,
    pub(crate) sources: Vec<Source>,
    /// Of a CSV file whose format shows only when it is there.
    pub(crate) columns: Columns,
    /// How often a source is looked at; without it, as often as is usual for its kind.
    pub(crate) refresh: Option<Duration>,
    pub(crate) on_stale: OnStale,
    /// The least rows a copy must have; 0 takes every copy.
    pub(crate) least_rows: Option<usize>,
    /// The most bytes a copy may have.
    pub(crate) most_bytes: u64,
    /// Whose signature stands beside a list on a server, as `ed25519:BASE64`.
    pub(crate) key: Option<String>,
    /// How far back rows count that have a date.
    pub(crate) window: Option<Duration>,
    pub(crate) trust: Trust,
    pub(crate) credential: Option<Credential>,
}

/// What becomes of the rows of a source that has not been reached for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum OnStale {
    #[default]
    Keep,
    Drop,
}

/// A list whose source is asked at each call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LookUpSpec {
    pub(crate) name: String,
    pub(crate) look_up: LookUp,
    /// How long an answer is remembered; `None` as long as is usual for its kind.
    pub(crate) cache: Option<Duration>,
    pub(crate) trust: Trust,
    pub(crate) credential: Option<Credential>,
}

/// What a list of people and numbers needs, with room: 64 MiB.
pub(crate) const MOST_BYTES: u64 = 64 * 1024 * 1024;

impl ListSpec {
    /// Makes a list without entries and sources, and with the usual terms.
    pub(crate) fn new(name: impl Into<String>, region: Region) -> Self {
        Self {
            name: name.into(),
            region,
            written: None,
            sources: Vec::new(),
            columns: Columns::default(),
            refresh: None,
            on_stale: OnStale::default(),
            least_rows: None,
            most_bytes: MOST_BYTES,
            key: None,
            window: None,
            trust: Trust::default(),
            credential: None,
        }
    }

    /// Starts the list with what the policy itself says.
    pub(crate) fn builder(&self) -> ListBuilder {
        self.written.as_ref().map_or_else(|| List::builder(&self.name), Written::builder)
    }

    /// Returns who asks its sources, whose signature it has, and never a secret: what differs in that has nothing in
    /// common. Empty where nobody is named.
    pub(crate) fn asker(&self) -> String {
        let user = self.credential.as_ref().and_then(|credential| credential.user.as_deref());
        let secret = self.credential.as_ref().map(|credential| match &credential.secret {
            SecretPlace::File(path) => format!("file {}", path.display()),
            SecretPlace::Variable(name) => format!("variable {name}"),
        });
        if secret.is_none() && self.key.is_none() {
            return String::new();
        }
        format!("{user:?} {secret:?} {:?}", self.key)
    }

    /// Tells whether its sources are asked, and what they hold is judged, just as another list's.
    pub(crate) fn has_terms_of(&self, other: &Self) -> bool {
        let terms = |spec: &Self| {
            (spec.region, spec.refresh, spec.on_stale, spec.least_rows, spec.most_bytes, spec.window)
        };
        terms(self) == terms(other)
            && self.columns == other.columns
            && self.trust == other.trust
            && self.asker() == other.asker()
    }

    /// Tells whether a source is a file of `files`, whose entries its owner writes and removes.
    pub(crate) fn is_written_by_hand(&self, source: &Source) -> bool {
        let written = self.written.iter().flat_map(Written::sources).filter(|written| written.is_required);
        let mut ready = written.map(|written| Ready::new(&written.source, &directory(&written.file)));
        ready.any(|ready| matches!(ready, Ok(Ready::Source(ready)) if ready == *source))
    }

    /// Returns how often a source of it is looked at.
    pub(crate) fn interval(&self, source: &Source) -> Duration {
        let usual = match source {
            Source::File { .. } | Source::Compiled { .. } => Duration::from_secs(60),
            Source::AddressBook { .. } => Duration::from_secs(15 * 60),
            Source::Web { .. } => Duration::from_secs(60 * 60),
            Source::FtcDnc { .. } => Duration::from_secs(12 * 60 * 60),
        };
        self.refresh.unwrap_or(usual).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL)
    }

    /// Returns after how long without a look at a source its rows are stale.
    pub(crate) fn patience(&self, source: &Source) -> Duration {
        self.interval(source) * MISSED_REFRESHES
    }
}

/// Makes ready what a policy says of a list: its rows, and who is asked about callers. A source that
/// cannot be made ready comes with its place among [`Written::sources`].
pub(crate) fn ready(written: &Written) -> Result<(ListSpec, Vec<LookUpSpec>), (usize, SourceError)> {
    let mut list = ListSpec {
        refresh: written.refresh(),
        on_stale: if written.drops_stale() { OnStale::Drop } else { OnStale::Keep },
        least_rows: written.least().and_then(|least| usize::try_from(least).ok()),
        key: written.public_key().map(str::to_owned),
        window: written.window(),
        credential: credential(written),
        trust: trust(written),
        written: Some(written.clone()),
        ..ListSpec::new(written.name(), written.region())
    };
    let mut look_ups = Vec::new();
    for (index, source) in written.sources().iter().enumerate() {
        match Ready::new(&source.source, &directory(&source.file)).map_err(|error| (index, error))? {
            Ready::Source(source) => list.sources.push(source),
            Ready::LookUp(look_up) => look_ups.push(LookUpSpec {
                name: list.name.clone(),
                look_up: telling(look_up, written.looks_up_whole_numbers()),
                cache: written.cache(),
                trust: list.trust.clone(),
                credential: list.credential.clone(),
            }),
        }
    }
    Ok((list, look_ups))
}

fn trust(written: &Written) -> Trust {
    Trust {
        reach: if written.is_private() { Reach::Private } else { Reach::Public },
        authority: written.authority().map(|(path, file)| Stamped::now(&directory(file).join(path))),
    }
}

pub(super) fn credential(written: &Written) -> Option<Credential> {
    let file = written.password_file().map(|(path, file)| SecretPlace::File(directory(file).join(path)));
    let secret =
        file.or_else(|| written.password_env().map(|name| SecretPlace::Variable(name.to_owned())))?;
    Some(Credential { user: written.user().map(str::to_owned), secret })
}

/// Returns where relative names of a policy file are looked for, whatever the working directory of a
/// program that is started, and never wherever the shell looks.
pub(super) fn directory(file: &str) -> PathBuf {
    let beside = Path::new(file).parent().unwrap_or(Path::new(""));
    std::path::absolute(Path::new(".").join(beside)).unwrap_or_else(|_| beside.to_owned())
}

fn telling(look_up: LookUp, whole_numbers: bool) -> LookUp {
    match look_up {
        LookUp::PhoneBlock { api, .. } if whole_numbers => LookUp::PhoneBlock { api, tells: Tells::Hash },
        LookUp::PhoneBlock { .. } | LookUp::Service { .. } | LookUp::Program { .. } => look_up,
    }
}

/// Nobody's server is asked more often.
pub(super) const SHORTEST_INTERVAL: Duration = Duration::from_secs(60);
/// A list that is older is not looked after.
pub(super) const LONGEST_INTERVAL: Duration = Duration::from_secs(31 * 24 * 60 * 60);
/// One refresh may be missed, and the next; then something is wrong.
const MISSED_REFRESHES: u32 = 3;
