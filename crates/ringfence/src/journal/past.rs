//! What happened before, as far as a rule may ask: who called when, whom we called, whose calls were
//! answered, what was added to lists for a time, and how the switches stand.
//!
//! A call is in it before the next one is decided, and before it is on the disk; at the start it is
//! read from the file. Everything has a bound, and goes by the hash of who it is about:
//!
//! ```text
//!  callers            200,000 ┐
//!  numbers we spoke with, the │  each in 64 shards with a lock of its own, held for one
//!    same                     ├─ look-up: no call waits for another caller's
//!  lines, sources      50,000 │
//!  entries            100,000 ┘
//!  switches                      read without a lock
//! ```

mod entries;
mod key;
mod read;
mod shards;
mod term;

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use ringfence_policy::{CallerId, Region};

use super::call::Flipped;
use super::generations::Generations;
use super::times::{SINGLE, Times};
use crate::keyed::Hashed;
pub(super) use entries::Adding;
use entries::Entry;
use key::Keys;
pub(crate) use key::{CallerKey, LineKey};
use shards::{SHARDS, Shards};
use term::Term;

/// What happened before.
#[derive(Debug)]
pub(crate) struct Past {
    keys: Keys,
    /// How far back it sees, in milliseconds: what is older is on its way out of the file.
    retention: u64,
    callers: Shards<Generations<u64, Times, Hashed>>,
    /// By line and by source.
    rates: Shards<Generations<u64, Times, Hashed>>,
    spoken: Shards<Generations<u64, Spoken, Hashed>>,
    /// By their list and their caller.
    added: Shards<HashMap<u64, Entry, Hashed>>,
    /// The lists that something was ever added to,
    lists: Mutex<BTreeSet<String>>,
    /// and whether there is any: without one no call need look for its caller.
    is_any_added: AtomicBool,
    switches: ArcSwap<HashMap<String, Arc<Flipped>>>,
    /// Whether a number as short as an emergency number was ever dialled: most calls need not look further.
    is_short_dialed: AtomicBool,
    forgotten: AtomicU64,
    refused: AtomicU64,
    from_future: AtomicU64,
}

/// When we last dialled a number, and when a call of it was last answered.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spoken {
    dialed: Option<u64>,
    answered: Option<u64>,
}

impl Spoken {
    pub(super) fn last_dialed(self) -> Option<Timestamp> {
        self.dialed.and_then(timestamp)
    }

    pub(super) fn last_answered(self) -> Option<Timestamp> {
        self.answered.and_then(timestamp)
    }
}

/// What the past had to leave out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Callers, lines and sources that others took the place of.
    pub(crate) forgotten: u64,
    /// Entries beyond the most there may be.
    pub(crate) refused: u64,
    /// Calls of a time that had not come yet: the clock was wrong then, or is now.
    pub(crate) from_future: u64,
}

/// What there was of a caller who is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gone {
    pub(super) has_called: bool,
    /// Entries of lists, and when the number was dialled or answered.
    pub(super) notes: usize,
}

/// At the bound the half that was not touched for longest is forgotten, shard by shard.
const MOST_CALLERS: usize = 200_000;
const MOST_RATES: usize = 50_000;
pub(super) const MOST_ENTRIES: usize = 100_000;
/// No emergency number has more digits.
const LONGEST_EMERGENCY: usize = 6;

impl Default for Past {
    fn default() -> Self {
        Self {
            keys: Keys::default(),
            retention: u64::MAX,
            callers: Shards::new(|| Generations::new(MOST_CALLERS / SHARDS)),
            rates: Shards::new(|| Generations::new(MOST_RATES / SHARDS)),
            spoken: Shards::new(|| Generations::new(MOST_CALLERS / SHARDS)),
            added: Shards::new(HashMap::default),
            lists: Mutex::default(),
            is_any_added: AtomicBool::default(),
            switches: ArcSwap::default(),
            is_short_dialed: AtomicBool::default(),
            forgotten: AtomicU64::default(),
            refused: AtomicU64::default(),
            from_future: AtomicU64::default(),
        }
    }
}

/// What happens.
impl Past {
    /// So many calls of a caller, a line or a source are counted one by one in any window.
    #[expect(clippy::cast_possible_truncation, reason = "it is 32")]
    pub(crate) const COUNTED_EXACTLY: u32 = SINGLE as u32;

    /// Makes one that sees back as far as calls are kept.
    pub(crate) fn keeping(retention: SignedDuration) -> Self {
        let retention = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
        Self { retention, ..Self::default() }
    }

    /// Notes a call: the next one is decided with it.
    pub(crate) fn called(
        &self,
        caller: Option<CallerKey>,
        line: LineKey,
        source: Option<IpAddr>,
        at: Timestamp,
    ) {
        let at = millis(at);
        if let Some(CallerKey(caller)) = caller {
            self.note(&self.callers, caller, at);
        }
        self.note(&self.rates, line.0, at);
        if let Some(source) = source {
            self.note(&self.rates, self.keys.source(source), at);
        }
    }

    /// Notes that we called a number, now or before.
    pub(crate) fn dialed(&self, identity: &str, at: Timestamp, now: Timestamp) {
        self.spoke(identity, |spoken| latest(&mut spoken.dialed, millis(at), millis(now)));
        if identity.len() <= LONGEST_EMERGENCY {
            self.is_short_dialed.store(true, Relaxed);
        }
    }

    /// Notes that a call of a number was answered, now or before.
    pub(crate) fn answered(&self, identity: &str, at: Timestamp, now: Timestamp) {
        self.spoke(identity, |spoken| latest(&mut spoken.answered, millis(at), millis(now)));
    }

    /// Notes how a switch stands.
    pub(crate) fn flip(&self, flipped: &Arc<Flipped>) {
        self.switches.rcu(|switches| {
            let mut switches = HashMap::clone(switches);
            switches.insert(flipped.name.clone(), Arc::clone(flipped));
            switches
        });
    }

    /// Forgets a caller. Returns what there was.
    pub(super) fn forget(&self, identity: &str) -> Gone {
        let CallerKey(key) = self.keys.identity(identity);
        let has_called = self.callers.of(key).remove(&key).is_some();
        let spoken = usize::from(self.spoken.of(key).remove(&key).is_some());
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let entries = lists.iter().filter(|list| self.remove(list, identity)).count();
        Gone { has_called, notes: spoken + entries }
    }

    fn note(&self, shards: &Shards<Generations<u64, Times, Hashed>>, key: u64, at: u64) {
        let mut shard = shards.of(key);
        let (times, forgotten) = shard.touch(key);
        let dropped = times.add(at);
        drop(shard);
        count(&self.forgotten, forgotten.len() as u64);
        count(&self.from_future, dropped);
    }

    fn spoke(&self, identity: &str, note: impl FnOnce(&mut Spoken)) {
        let CallerKey(key) = self.keys.identity(identity);
        let mut shard = self.spoken.of(key);
        let (spoken, forgotten) = shard.touch(key);
        note(spoken);
        drop(shard);
        count(&self.forgotten, forgotten.len() as u64);
    }
}

/// What a rule asks.
impl Past {
    /// Counts the calls of a caller, whose key is known, from a time to another: what is later than a call is of a clock that
    /// was set back before it.
    pub(super) fn calls_by(&self, CallerKey(key): CallerKey, since: Timestamp, now: Timestamp) -> u32 {
        let since = millis(since).max(self.oldest(now));
        self.callers.of(key).get(&key).map_or(0, |times| times.within(since, millis(now)))
    }

    #[cfg(test)]
    pub(crate) fn calls(&self, caller: &CallerId<'_>, since: Timestamp, now: Timestamp) -> u32 {
        self.key_of(caller).map_or(0, |key| self.calls_by(key, since, now))
    }

    /// Tells whether a caller, whose key is known, has ever called before, as far back as calls are kept.
    pub(super) fn has_called(&self, CallerKey(key): CallerKey, now: Timestamp) -> bool {
        let oldest = self.oldest(now);
        self.callers.of(key).get(&key).is_some_and(|times| times.reach(oldest))
    }

    #[cfg(test)]
    pub(crate) fn is_known(&self, caller: &CallerId<'_>) -> bool {
        self.key_of(caller).is_some_and(|key| self.has_called(key, Timestamp::UNIX_EPOCH))
    }

    /// Counts the calls on a line from a time to another.
    pub(crate) fn calls_on(&self, LineKey(line): LineKey, since: Timestamp, now: Timestamp) -> u32 {
        self.count(line, since, now)
    }

    /// Counts the calls from an address from a time to another.
    pub(crate) fn calls_from(&self, source: IpAddr, since: Timestamp, now: Timestamp) -> u32 {
        self.count(self.keys.source(source), since, now)
    }

    /// Returns when we last called a caller, as far back as is seen at a time.
    pub(crate) fn last_dialed(&self, caller: &CallerId<'_>, now: Timestamp) -> Option<Timestamp> {
        self.spoken_with(self.key_of(caller)?, now).last_dialed()
    }

    /// Returns when a call of a caller was last answered, in the same way.
    pub(crate) fn last_answered(&self, caller: &CallerId<'_>, now: Timestamp) -> Option<Timestamp> {
        self.spoken_with(self.key_of(caller)?, now).last_answered()
    }

    /// Returns when we spoke last with a caller whose key is known, in the same way.
    pub(super) fn spoken_with(&self, CallerKey(key): CallerKey, now: Timestamp) -> Spoken {
        let oldest = self.oldest(now);
        let Spoken { dialed, answered } = self.spoken.of(key).get(&key).copied().unwrap_or_default();
        let [dialed, answered] = [dialed, answered].map(|at| at.filter(|at| *at > oldest));
        Spoken { dialed, answered }
    }

    /// Returns the key of a caller; none for one who cannot be told from others.
    pub(super) fn key_of(&self, caller: &CallerId<'_>) -> Option<CallerKey> {
        self.keys.caller(caller)
    }

    /// Returns the key of a caller by its identity.
    pub(crate) fn caller(&self, identity: &str) -> CallerKey {
        self.keys.identity(identity)
    }

    /// Returns the key of a line by the name of its account.
    pub(crate) fn line(&self, account: &str) -> LineKey {
        self.keys.line(account)
    }

    /// Returns when an emergency number of a region, or one that is everywhere, was dialled last.
    pub(crate) fn emergency_call(&self, region: Region) -> Option<Timestamp> {
        if !self.is_short_dialed.load(Relaxed) {
            return None;
        }
        let numbers = region.emergency_numbers().chain(["112", "911", "999"]);
        let dialed = numbers.filter_map(|number| {
            let CallerKey(key) = self.keys.identity(number);
            self.spoken.of(key).get(&key)?.dialed
        });
        dialed.max().and_then(timestamp)
    }

    /// Returns how a switch stands; none when it was never flipped, or its time is over.
    pub(crate) fn switch(&self, name: &str, now: Timestamp) -> Option<bool> {
        let switches = self.switches.load();
        let flipped = switches.get(name)?;
        Term::new(flipped.at, flipped.until).holds(millis(now)).then_some(flipped.is_on)
    }

    /// Returns the switches that stand otherwise than the policy says, by their names.
    pub(crate) fn flipped(&self, now: Timestamp) -> Vec<Flipped> {
        let switches = self.switches.load();
        let holds = |flipped: &&Arc<Flipped>| Term::new(flipped.at, flipped.until).holds(millis(now));
        let mut flipped: Vec<_> =
            switches.values().filter(holds).map(|flipped| Flipped::clone(flipped)).collect();
        flipped.sort_by(|one, other| one.name.cmp(&other.name));
        flipped
    }

    /// Returns what had to be left out.
    pub(crate) fn left_out(&self) -> LeftOut {
        LeftOut {
            forgotten: self.forgotten.load(Relaxed),
            refused: self.refused.load(Relaxed),
            from_future: self.from_future.load(Relaxed),
        }
    }

    /// Returns the earliest time that is seen at a time.
    fn oldest(&self, now: Timestamp) -> u64 {
        millis(now).saturating_sub(self.retention)
    }

    fn count(&self, key: u64, since: Timestamp, now: Timestamp) -> u32 {
        let since = millis(since).max(self.oldest(now));
        self.rates.of(key).get(&key).map_or(0, |times| times.within(since, millis(now)))
    }
}

/// Counts what there is, nearly always nothing: to add that to what threads share takes as long as to add anything.
fn count(counter: &AtomicU64, more: u64) {
    if more > 0 {
        counter.fetch_add(more, Relaxed);
    }
}

/// Keeps the later of two times. One that is to come is of a clock that stood ahead, and gives way.
fn latest(known: &mut Option<u64>, noted: u64, now: u64) {
    let stays = known.is_some_and(|known| known <= now && (noted <= known || noted > now));
    if !stays {
        *known = Some(noted);
    }
}

/// Returns the address of a source that may have a port.
pub(crate) fn address(source: &str) -> Option<IpAddr> {
    let with_port = source.parse::<std::net::SocketAddr>().ok();
    with_port.map(|address| address.ip()).or_else(|| source.parse().ok())
}

fn millis(at: Timestamp) -> u64 {
    u64::try_from(at.as_millisecond()).unwrap_or(0)
}

fn timestamp(millis: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok()
}

#[cfg(test)]
mod tests;
