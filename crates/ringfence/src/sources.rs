//! Sources: where the rows of lists come from, and who is asked about a caller.
//!
//! ```text
//!  policy ──▶ ListSpec ──▶ Keeper ──▶ Fetcher ──▶ file · https · carddav · ftc-dnc
//!                            │  ▲                      │
//!                 Arc<List>  ▼  └── last good copy ◀───┘
//!               the service swaps it in
//!
//!  policy ──▶ LookUpSpec ──▶ Informant ──▶ phoneblock · lookup:https · lookup:exec
//! ```
//!
//! Nothing is contacted that the policy does not name. Whatever a server or a program does, a call is
//! decided at its deadline: with what is known, and with the names of what is missing. What comes
//! from outside is bounded in time and size, and what was good stays until something good replaces it.

mod address;
mod age;
mod amiss;
mod authority;
mod base64;
mod carddav;
mod client;
mod copies;
mod credential;
mod error;
mod fetch;
mod file;
mod flight;
mod ftc;
mod keeper;
mod look_up;
mod multistatus;
mod pace;
mod resolver;
mod rows;
mod shelf;
mod signature;
mod source;
mod spec;
mod status;
mod web;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ringfence_policy::List;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::Instant;

pub(crate) use self::age::too_old;
pub(crate) use self::amiss::settings_amiss;
pub(crate) use self::authority::unreadable_authorities;
pub(crate) use self::copies::Document;
pub(crate) use self::error::SourceError;
pub(crate) use self::file::read as read_file;
pub(crate) use self::look_up::{Answer, Question};
pub(crate) use self::source::Source;
pub(crate) use self::spec::{ListSpec, LookUpSpec, ready};
pub(crate) use self::status::{ListStatus, LookUpStatus, Origin, SourcesStatus};

use self::client::{Client, Trust};
use self::copies::Copies;
use self::fetch::Fetcher;
use self::keeper::Keeper;
use self::look_up::Informant;
use self::resolver::{Names, system_names};
use self::shelf::Shelf;
use self::source::LookUp;

/// Returns what time it is.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the sources have around them.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// Where last good copies are kept; see [`Copies::usual_directory`].
    pub(crate) copies: PathBuf,
    pub(crate) names: Names,
    pub(crate) clock: Clock,
    /// Whom this program runs as.
    pub(crate) user: u32,
}

/// Returns where last good copies are kept.
pub(crate) fn kept_copies() -> PathBuf {
    Copies::usual_directory()
}

/// Returns the programs that are asked about callers.
pub(crate) fn programs(look_ups: &[LookUpSpec]) -> impl Iterator<Item = &Path> {
    look_ups.iter().filter_map(|spec| match &spec.look_up {
        LookUp::Program { path } => Some(path.as_path()),
        LookUp::PhoneBlock { .. } | LookUp::Service { .. } => None,
    })
}

/// Returns the files and directories of this machine that lists are read from again and again.
pub(crate) fn local(lists: &[ListSpec]) -> impl Iterator<Item = &Path> {
    lists.iter().flat_map(|spec| &spec.sources).filter_map(|source| match source {
        Source::File { path, .. } | Source::Compiled { path } => Some(path.as_path()),
        Source::Web { .. } | Source::AddressBook { .. } | Source::FtcDnc { .. } => None,
    })
}

/// All sources of a policy.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    shelves: Vec<Arc<Shelf>>,
    keepers: Vec<Arc<Keeper>>,
    informants: Vec<Arc<Informant>>,
    surroundings: Option<Surroundings>,
}

/// What the sources said of a caller, and which lists have no answer; each list is in one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// By the name of the list.
    pub(crate) said: Vec<(String, Answer)>,
    /// By the name of the list, why there is no answer.
    pub(crate) missing: Vec<(String, SourceError)>,
}

impl Surroundings {
    /// Returns those of this machine.
    pub(crate) fn usual(user: u32) -> Self {
        Self {
            copies: Copies::usual_directory(),
            names: system_names(),
            clock: Arc::new(Timestamp::now),
            user,
        }
    }
}

impl Sources {
    /// Makes the lists of what is on this machine, and contacts nobody. What `before` remembers of
    /// callers, and of lists that no copy could be kept of, is remembered on, as far as the policy
    /// names the same source.
    pub(crate) async fn open(
        lists: Vec<ListSpec>,
        look_ups: Vec<LookUpSpec>,
        surroundings: &Surroundings,
        before: Option<&Self>,
    ) -> Self {
        let mut clients = Clients { names: Arc::clone(&surroundings.names), made: HashMap::new() };
        let informants = look_ups.into_iter().map(|spec| {
            let kept = before.iter().flat_map(|before| &before.informants);
            let mut kept = kept.filter(|kept| *kept.spec() == spec && kept.has_way());
            kept.next().cloned().unwrap_or_else(|| {
                let client = clients.client(&spec.trust);
                Informant::new(spec, client)
            })
        });
        let informants = informants.collect();
        let copies = Copies::new(surroundings.copies.clone());
        let around = Some(surroundings.clone());
        let mut kept = Self { shelves: Vec::new(), keepers: Vec::new(), informants, surroundings: around };
        for spec in lists {
            let client = clients.client(&spec.trust);
            let (clock, copies, user) = (Arc::clone(&surroundings.clock), copies.clone(), surroundings.user);
            let before: Vec<_> = before.iter().flat_map(|before| before.keepers.clone()).collect();
            let opening = spawn_blocking(move || {
                let copies = copies.of(&spec);
                let shelf = Arc::new(Shelf::new(spec, user));
                let fetcher = |index| Fetcher {
                    shelf: Arc::clone(&shelf),
                    index,
                    client: client.clone(),
                    copies: copies.clone(),
                };
                let sources = 0..shelf.spec.sources.len();
                let keepers = sources.map(|index| {
                    let fetcher = fetcher(index);
                    let before = before.iter().find(|before| before.is_of(&fetcher));
                    Arc::new(Keeper::open(fetcher, Arc::clone(&clock), before.map(|before| &**before)))
                });
                (keepers.collect::<Vec<_>>(), Arc::clone(&shelf))
            });
            // It ends, and only a panic makes it fail: the list is then as good as not there.
            if let Ok((keepers, shelf)) = opening.await {
                kept.keepers.extend(keepers);
                kept.shelves.push(shelf);
            }
        }
        kept
    }

    /// Returns the lists as they are now.
    pub(crate) fn lists(&self) -> impl Iterator<Item = Arc<List>> {
        self.shelves.iter().map(|shelf| shelf.list())
    }

    /// Looks after the sources, each when its time has come, and sends every list that has become
    /// another one. It runs until it is dropped or nobody receives.
    pub(crate) async fn run(&self, updates: mpsc::Sender<Arc<List>>) {
        let mut keepers = JoinSet::new();
        for keeper in &self.keepers {
            keepers.spawn(Arc::clone(keeper).run(updates.clone()));
        }
        drop(updates);
        let mut daily = tokio::time::interval(DAY);
        loop {
            tokio::select! {
                ended = keepers.join_next() => if ended.is_none() { return },
                _ = daily.tick() => self.sweep().await,
            }
        }
    }

    /// Removes the copies of sources that the policy has not named for long.
    async fn sweep(&self) {
        let Some(Surroundings { copies, clock, .. }) = self.surroundings.clone() else { return };
        let wanted: Vec<PathBuf> = self.keepers.iter().flat_map(|keeper| keeper.copied()).collect();
        // It ends; what is not removed today is tried again tomorrow.
        let _ = spawn_blocking(move || Copies::new(copies).sweep(&wanted, clock())).await;
    }

    /// Asks the sources of these lists about a caller, all at once, and returns at the deadline with
    /// what is there.
    pub(crate) async fn ask(&self, question: &Question, lists: &[&str], deadline: Instant) -> Heard {
        let wanted =
            self.informants.iter().filter(|informant| lists.contains(&informant.spec().name.as_str()));
        let asked: Vec<_> = wanted.map(|informant| (informant, informant.ask(question, deadline))).collect();
        let mut results: BTreeMap<&str, Result<Answer, SourceError>> = BTreeMap::new();
        for (informant, asked) in asked {
            let result = informant.answer(asked, deadline).await;
            let list = informant.spec().name.as_str();
            let result = match results.remove(list) {
                Some(other) => worse(other, result),
                None => result,
            };
            results.insert(list, result);
        }
        let mut heard = Heard::default();
        for (list, result) in results {
            match result {
                Ok(answer) => heard.said.push((list.to_owned(), answer)),
                Err(error) => heard.missing.push((list.to_owned(), error)),
            }
        }
        heard
    }

    /// Forgets what was answered about a caller, as the journal knows it. Returns how many answers were remembered.
    pub(crate) fn forget(&self, identity: &str) -> usize {
        self.informants.iter().map(|informant| informant.forget(identity)).sum()
    }

    /// Returns how all of them stand.
    pub(crate) fn status(&self) -> SourcesStatus {
        SourcesStatus {
            lists: self.keepers.iter().map(|keeper| keeper.status()).collect(),
            look_ups: self.informants.iter().map(|informant| informant.status()).collect(),
        }
    }
}

/// Returns what counts when a list has two sources: whatever speaks against the caller, or else that
/// one of them is missing.
fn worse(
    one: Result<Answer, SourceError>,
    other: Result<Answer, SourceError>,
) -> Result<Answer, SourceError> {
    match (one, other) {
        (Ok(one), Ok(other)) => Ok(Answer {
            score: one.score.max(other.score),
            is_listed: one.is_listed || other.is_listed,
            name: one.name.or(other.name),
        }),
        (Ok(answer), Err(_)) | (Err(_), Ok(answer)) if answer.is_listed || answer.score > 0 => Ok(answer),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The ways out: one for all servers that are trusted in the same way.
struct Clients {
    names: Names,
    made: HashMap<Trust, Result<Client, SourceError>>,
}

impl Clients {
    fn client(&mut self, trust: &Trust) -> Result<Client, SourceError> {
        let names = Arc::clone(&self.names);
        self.made.entry(trust.clone()).or_insert_with(|| Client::new(trust, names)).clone()
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").field("copies", &self.copies).finish_non_exhaustive()
    }
}
