//! What was looked up, kept as long as it says, for all lines: fifty thousand of one registrar ask once.
//!
//! A name is asked for by one flight at a time. While the resolver fails, what was known last is used on.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::{Instant, timeout};

use crate::io::resolver::{Lookup, LookupError, Naptr, Records, Resolver, Srv};

/// How long NAPTR and SRV are waited for: some routers' resolvers know neither and are silent, and the host's addresses
/// are still to be asked for within the patience of who registers (30 s).
pub(crate) const SERVICE_PATIENCE: Duration = Duration::from_secs(5);
/// How long addresses are waited for: longer than the system's resolver tries with two servers and its default of 5 s each.
pub(crate) const ADDRESS_PATIENCE: Duration = Duration::from_secs(12);

/// No answer is asked for again sooner, a lifetime of none included: so all the lines of a registrar share it.
const SHORTEST: Duration = Duration::from_secs(10);
/// A registrar that moves is found within a day, whatever lifetime its last records had.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// What is missing is mostly about to be added by who looks for it.
const LONGEST_MISSING: Duration = Duration::from_secs(5 * 60);
const MISSING: Duration = Duration::from_secs(60);
/// RFC 9520 section 3.2 wants failures kept for a while, from 1 s up to 5 min.
const FAILED: Duration = Duration::from_secs(5);
/// RFC 8767 section 5: how long an answer is used on that cannot be had anew, and how long until that is tried again.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
const STALE_TTL: Duration = Duration::from_secs(30);

/// Names of one kind: more than a fleet's registrars, their services and hosts. The one that is over first gives way.
const MOST_NAMES: usize = 4096;

/// A resolver that remembers what another one said.
pub(super) struct Cache {
    resolver: Arc<dyn Resolver>,
    naptr: Arc<Shelf<Naptr>>,
    srv: Arc<Shelf<Srv>>,
    addresses: Arc<Shelf<IpAddr>>,
}

impl Cache {
    pub(super) fn new(resolver: Arc<dyn Resolver>) -> Self {
        Self {
            resolver,
            naptr: Arc::new(Shelf::new("NAPTR")),
            srv: Arc::new(Shelf::new("SRV")),
            addresses: Arc::new(Shelf::new("A, AAAA")),
        }
    }
}

impl Resolver for Cache {
    fn naptr<'a>(&'a self, name: &'a str) -> Lookup<'a, Naptr> {
        let resolver = Arc::clone(&self.resolver);
        let ask = move |name: String| async move { resolver.naptr(&name).await }.boxed();
        Box::pin(find(Arc::clone(&self.naptr), key(name), SERVICE_PATIENCE, ask))
    }

    fn srv<'a>(&'a self, name: &'a str) -> Lookup<'a, Srv> {
        let resolver = Arc::clone(&self.resolver);
        let ask = move |name: String| async move { resolver.srv(&name).await }.boxed();
        Box::pin(find(Arc::clone(&self.srv), key(name), SERVICE_PATIENCE, ask))
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Lookup<'a, IpAddr> {
        let resolver = Arc::clone(&self.resolver);
        let ask = move |host: String| async move { resolver.addresses(&host).await }.boxed();
        Box::pin(find(Arc::clone(&self.addresses), key(host), ADDRESS_PATIENCE, ask))
    }
}

/// Waits for an answer no longer than is patient. What an application's resolver does must not take the names from all lines.
pub(crate) async fn in_time<R>(patience: Duration, asked: impl Future<Output = Found<R>>) -> Found<R> {
    match timeout(patience, AssertUnwindSafe(asked).catch_unwind()).await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) => failed("the resolver has panicked".to_owned()),
        Err(_) => failed(format!("no answer within {} s", patience.as_secs())),
    }
}

type Found<R> = Result<Records<R>, LookupError>;
type Flight<R> = Shared<BoxFuture<'static, Found<R>>>;

/// What is known of one kind of records.
struct Shelf<R> {
    kind: &'static str,
    names: Mutex<BTreeMap<String, Known<R>>>,
}

enum Known<R> {
    Flying { flight: Flight<R>, last: Option<Kept<R>> },
    Kept(Kept<R>),
}

#[derive(Clone)]
struct Kept<R> {
    found: Found<R>,
    until: Instant,
    /// Until when it is better than nothing.
    stale_until: Instant,
}

/// DNS names know no case, and one with a dot at its end is the same.
fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

async fn find<R: Clone + Send + Sync + 'static>(
    shelf: Arc<Shelf<R>>,
    name: String,
    patience: Duration,
    ask: impl FnOnce(String) -> BoxFuture<'static, Found<R>>,
) -> Found<R> {
    let flight = match shelf.known(&name) {
        Ok(found) => return found,
        Err(Some(flight)) => flight,
        Err(None) => shelf.depart(name, patience, ask),
    };
    flight.await
}

impl<R: Clone + Send + Sync + 'static> Shelf<R> {
    fn new(kind: &'static str) -> Self {
        Self { kind, names: Mutex::new(BTreeMap::new()) }
    }

    /// Returns what is kept, or else the flight that is on its way.
    fn known(&self, name: &str) -> Result<Found<R>, Option<Flight<R>>> {
        let now = Instant::now();
        match self.locked().get(name) {
            Some(Known::Kept(kept)) if now < kept.until => {
                let left = kept.until - now;
                Ok(kept
                    .found
                    .clone()
                    .map(|found| Records::new(found.records().to_vec(), found.ttl().min(left))))
            }
            Some(Known::Flying { flight, .. }) if flight.peek().is_none() => Err(Some(flight.clone())),
            Some(Known::Kept(_) | Known::Flying { .. }) | None => Err(None),
        }
    }

    /// Asks for a name. Whoever waits has the flight go on; one that nobody waits for any more is left to the next.
    fn depart(
        self: Arc<Self>,
        name: String,
        patience: Duration,
        ask: impl FnOnce(String) -> BoxFuture<'static, Found<R>>,
    ) -> Flight<R> {
        let asked = ask(name.clone());
        let shelf = Arc::clone(&self);
        let landing = name.clone();
        let flight = async move {
            let found = in_time(patience, asked).await;
            shelf.keep(landing, found)
        };
        let flight = flight.boxed().shared();
        let mut names = self.locked();
        let last = take_last(&mut names, &name);
        names.insert(name, Known::Flying { flight: flight.clone(), last });
        flight
    }

    /// Keeps what was found, or goes on with what was known before, where nobody can say whether that still holds.
    fn keep(&self, name: String, found: Found<R>) -> Found<R> {
        let now = Instant::now();
        let mut names = self.locked();
        let last = take_last(&mut names, &name).filter(|last| last.found.is_ok() && now < last.stale_until);
        let kept = match (found, last) {
            (Err(LookupError::Failed { error }), Some(last)) => {
                tracing::debug!(
                    host = name,
                    kind = self.kind,
                    error,
                    "look-up failed: the last answer is used on"
                );
                let found = last.found.map(|found| Records::new(found.records().to_vec(), STALE_TTL));
                Kept { found, until: now + STALE_TTL, stale_until: last.stale_until }
            }
            (found, _) => {
                let until = now + lifetime(&found);
                Kept { found, until, stale_until: until + STALE }
            }
        };
        let found = kept.found.clone();
        names.insert(name, Known::Kept(kept));
        found
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Known<R>>> {
        // Nothing panics while it is held that could leave half a change.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lifetime<R>(found: &Found<R>) -> Duration {
    match found {
        Ok(found) => found.ttl().clamp(SHORTEST, LONGEST),
        Err(LookupError::Missing { ttl }) => ttl.unwrap_or(MISSING).clamp(SHORTEST, LONGEST_MISSING),
        Err(LookupError::Failed { .. }) => FAILED,
    }
}

fn failed<R>(error: String) -> Found<R> {
    Err(LookupError::Failed { error })
}

/// Takes a name out, with what was known of it last, so that there is room to put it in anew.
fn take_last<R>(names: &mut BTreeMap<String, Known<R>>, name: &str) -> Option<Kept<R>> {
    let last = match names.remove(name) {
        Some(Known::Kept(kept) | Known::Flying { last: Some(kept), .. }) => Some(kept),
        Some(Known::Flying { last: None, .. }) | None => None,
    };
    make_room(names);
    last
}

fn make_room<R>(names: &mut BTreeMap<String, Known<R>>) {
    if names.len() < MOST_NAMES {
        return;
    }
    let over = |known: &Known<R>| match known {
        Known::Kept(kept) => Some(kept.until),
        Known::Flying { .. } => None,
    };
    let first = names.iter().filter_map(|(name, known)| Some((over(known)?, name))).min();
    // Where all are on their way, as many lines wait for them: one flight is forgotten, and not ended.
    let name = first.map(|(_, name)| name).or_else(|| names.keys().next()).cloned();
    if let Some(name) = name {
        names.remove(&name);
    }
}

#[cfg(test)]
mod tests;
