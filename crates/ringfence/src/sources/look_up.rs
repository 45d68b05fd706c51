//! Look-ups: what a source says of one caller, asked while the call waits.
//!
//! ```text
//!  question ──▶ remembered? ──▶ under way? ──▶ left alone? ──▶ a task asks ──▶ remembered
//!                   │ yes          │ yes           │ yes            │
//!                   ▼              └──────▶ waits ◀─┼────────────────┘
//!                answer                  till the   ▼
//!                                        deadline  missing, and why
//! ```
//!
//! Whoever asks waits until the deadline and no longer. The task that asks goes on for a while, so
//! that a slow answer is there when the caller tries again.

mod answer;
mod breaker;
mod memory;
mod phoneblock;
mod program;
mod service;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringfence_policy::Number;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout_at};

pub(crate) use self::answer::Answer;
use self::breaker::Breaker;
use self::memory::Memory;
use self::program::Program;
use super::client::Client;
use super::error::SourceError;
use super::source::LookUp;
use super::spec::LookUpSpec;
use super::status::LookUpStatus;

/// What is asked: who calls, and whom.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    pub(crate) number: Number,
    /// The name of the line.
    pub(crate) line: String,
    /// The number that was called, as the INVITE says.
    pub(crate) called: Option<String>,
}

/// Asks one source.
pub(crate) struct Informant {
    spec: LookUpSpec,
    way: Way,
    memory: Mutex<Memory>,
    breaker: Mutex<Breaker>,
    /// The questions that are under way.
    flights: Mutex<HashMap<Question, Flight>>,
    places: Semaphore,
    tally: Tally,
    error: Mutex<Option<SourceError>>,
}

enum Way {
    Web(Client),
    Program(Program),
    /// There is none, and why.
    None(SourceError),
}

/// Where the answer to a question will be.
type Flight = watch::Receiver<Option<Result<Answer, SourceError>>>;

#[derive(Debug, Default)]
struct Tally {
    asked: AtomicU64,
    remembered: AtomicU64,
    missed: AtomicU64,
}

/// A question that has been asked.
pub(crate) enum Asked {
    Answered(Result<Answer, SourceError>),
    UnderWay(Flight, Duration),
}

impl Informant {
    /// Prepares to ask. It must be called within a tokio runtime.
    pub(crate) fn new(spec: LookUpSpec, client: Result<Client, SourceError>) -> Arc<Self> {
        let way = match (&spec.look_up, client) {
            (LookUp::Program { path }, _) => Way::Program(Program::start(path.clone())),
            (LookUp::PhoneBlock { .. } | LookUp::Service { .. }, Ok(client)) => Way::Web(client),
            (LookUp::PhoneBlock { .. } | LookUp::Service { .. }, Err(error)) => Way::None(error),
        };
        let usual = match spec.look_up {
            LookUp::PhoneBlock { .. } => phoneblock::USUAL_CACHE,
            LookUp::Service { .. } | LookUp::Program { .. } => Duration::ZERO,
        };
        Arc::new(Self {
            memory: Mutex::new(Memory::new(spec.cache.unwrap_or(usual))),
            spec,
            way,
            breaker: Mutex::new(Breaker::default()),
            flights: Mutex::default(),
            places: Semaphore::new(MOST_AT_ONCE),
            tally: Tally::default(),
            error: Mutex::default(),
        })
    }

    /// Asks, and does not wait for the answer.
    pub(crate) fn ask(self: &Arc<Self>, question: &Question, deadline: Instant) -> Asked {
        self.tally.asked.fetch_add(1, Relaxed);
        let question = match self.reduced(question) {
            Ok(Some(question)) => question,
            Ok(None) => return Asked::Answered(Ok(Answer::NOTHING)),
            Err(error) => return Asked::Answered(Err(error)),
        };
        let now = Instant::now();
        if let Some(answer) = lock(&self.memory).recall(&question, now) {
            self.tally.remembered.fetch_add(1, Relaxed);
            return Asked::Answered(Ok(answer));
        }
        match self.flight(question, deadline) {
            Ok(flight) => Asked::UnderWay(flight, deadline.saturating_duration_since(now)),
            Err(error) => Asked::Answered(Err(error)),
        }
    }

    /// Waits for an answer until the deadline.
    pub(crate) async fn answer(&self, asked: Asked, deadline: Instant) -> Result<Answer, SourceError> {
        let result = match asked {
            Asked::Answered(result) => result,
            Asked::UnderWay(mut flight, patience) => {
                match timeout_at(deadline, flight.wait_for(Option::is_some)).await {
                    Ok(Ok(landed)) => landed.clone().unwrap_or(Err(SourceError::Late { patience })),
                    Ok(Err(_)) => Err(SourceError::Broken { why: "nobody asks any more".to_owned() }),
                    Err(_) => Err(SourceError::Late { patience }),
                }
            }
        };
        if let Err(error) = &result {
            self.tally.missed.fetch_add(1, Relaxed);
            *lock(&self.error) = Some(error.clone());
        }
        result
    }

    /// Forgets what is remembered of a caller, as the journal knows it; an answer that is under way is not remembered.
    /// Returns how many answers were.
    pub(crate) fn forget(&self, identity: &str) -> usize {
        let mut flights = lock(&self.flights);
        flights.retain(|asked, _| !asked.is_about(identity));
        lock(&self.memory).forget_caller(identity)
    }

    /// Tells whether it can ask. Who cannot is made anew at the next reload.
    pub(crate) fn has_way(&self) -> bool {
        !matches!(self.way, Way::None(_))
    }

    /// Returns the spec it was made of.
    pub(crate) fn spec(&self) -> &LookUpSpec {
        &self.spec
    }

    pub(crate) fn status(&self) -> LookUpStatus {
        let error = lock(&self.error).clone();
        let (rests, is_resting) = {
            let breaker = lock(&self.breaker);
            (breaker.rests(), breaker.is_resting(Instant::now()))
        };
        LookUpStatus {
            list: self.spec.name.clone(),
            source: self.spec.look_up.to_string(),
            asked: self.tally.asked.load(Relaxed),
            remembered: self.tally.remembered.load(Relaxed),
            missed: self.tally.missed.load(Relaxed),
            rests,
            is_resting,
            hint: error.as_ref().and_then(SourceError::hint).map(str::to_owned),
            error: error.map(|error| error.to_string()),
        }
    }

    /// Returns the part of a question that the source is told; none where it is told nothing.
    fn reduced(&self, question: &Question) -> Result<Option<Question>, SourceError> {
        match &self.spec.look_up {
            LookUp::PhoneBlock { .. } => phoneblock::reduced(question, self.spec.credential.is_some()),
            LookUp::Service { .. } | LookUp::Program { .. } => Ok(Some(question.clone())),
        }
    }

    /// Returns the flight of a question, which begins unless it is under way.
    fn flight(self: &Arc<Self>, question: Question, deadline: Instant) -> Result<Flight, SourceError> {
        let mut flights = lock(&self.flights);
        if let Some(flight) = flights.get(&question) {
            return Ok(flight.clone());
        }
        if flights.len() >= MOST_FLIGHTS {
            return Err(SourceError::Busy);
        }
        lock(&self.breaker).begin(Instant::now()).map_err(|rest| SourceError::LeftAlone { rest })?;
        let (land, flight) = watch::channel(None);
        flights.insert(question.clone(), flight.clone());
        let landing = Landing { informant: Arc::clone(self), question, flight: flight.clone() };
        tokio::spawn(async move {
            let result = landing.fly(deadline).await;
            // Off the map first: whoever asks from now on finds it remembered, or asks anew.
            drop(landing);
            land.send_replace(Some(result));
        });
        Ok(flight)
    }

    async fn inquire(&self, question: &Question) -> Result<Answer, SourceError> {
        let _place = self.places.acquire().await.map_err(|_| SourceError::Busy)?;
        match (&self.way, &self.spec.look_up) {
            (Way::None(error), _) => Err(error.clone()),
            (Way::Program(program), _) => program.ask(question).await,
            (Way::Web(client), LookUp::PhoneBlock { api, tells }) => {
                phoneblock::ask(client, (api, *tells), self.spec.credential.as_ref(), question).await
            }
            (Way::Web(client), LookUp::Service { url }) => {
                service::ask(client, url, self.spec.credential.as_ref(), question).await
            }
            (Way::Web(_), LookUp::Program { .. }) => {
                Err(SourceError::NotAsked { why: "a program is no service" })
            }
        }
    }
}

/// A question that is under way. Dropping it takes it off the map, also when the task panics.
struct Landing {
    informant: Arc<Informant>,
    question: Question,
    flight: Flight,
}

impl Landing {
    async fn fly(&self, deadline: Instant) -> Result<Answer, SourceError> {
        let informant = &*self.informant;
        let latest = Instant::now() + LONGEST_FLIGHT;
        let late = SourceError::Late { patience: LONGEST_FLIGHT };
        let result = timeout_at(latest, informant.inquire(&self.question)).await.unwrap_or(Err(late));
        let now = Instant::now();
        if let Ok(answer) = &result {
            let flights = lock(&informant.flights);
            // One about whom was forgotten since is off the map.
            if self.is_on(&flights) {
                lock(&informant.memory).remember(&self.question, answer, now);
            }
        }
        // An answer that comes too late is remembered, but nobody could use it.
        lock(&informant.breaker).end(result.is_ok() && now <= deadline, now);
        result
    }

    /// Tells whether it is the one of its question, which may have been asked anew.
    fn is_on(&self, flights: &HashMap<Question, Flight>) -> bool {
        flights.get(&self.question).is_some_and(|flight| flight.same_channel(&self.flight))
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut flights = lock(&self.informant.flights);
        if self.is_on(&flights) {
            flights.remove(&self.question);
        }
    }
}

/// Requests that one source gets at once; the others wait.
const MOST_AT_ONCE: usize = 8;
/// Questions to one source that are under way or wait; more are not asked.
const MOST_FLIGHTS: usize = 64;
/// No call waits longer than that, whatever its deadline.
const LONGEST_FLIGHT: Duration = Duration::from_secs(3);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Question {
    /// Tells whether it is about a caller, as the journal knows it.
    fn is_about(&self, identity: &str) -> bool {
        self.number.to_string() == identity
    }
}

impl fmt::Debug for Question {
    /// Prints no number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question").field("line", &self.line).finish_non_exhaustive()
    }
}

impl fmt::Debug for Informant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Informant").field("list", &self.spec.name).finish_non_exhaustive()
    }
}
