//! A resolver that keeps what was asked of another, and what it said.

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::io::locate::cache::{ADDRESS_PATIENCE, SERVICE_PATIENCE, in_time};
use crate::io::{Lookup, LookupError, Naptr, Records, Resolver, Srv};

/// One question to the DNS, and what came of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LookedUp {
    /// What was asked for.
    pub kind: RecordKind,
    /// The name.
    pub name: String,
    /// How long the answer took.
    pub took: Duration,
    /// The records, as a zone file has them, up to 32.
    pub records: Result<Vec<String>, LookupError>,
}

/// A kind of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// Which services a domain has (RFC 3403).
    Naptr,
    /// Where a service is (RFC 2782).
    Srv,
    /// A and AAAA.
    Address,
}

/// Asks another resolver, and keeps what was asked.
pub(super) struct Recording<'a> {
    resolver: &'a dyn Resolver,
    /// With when each was asked for, those that are under way included.
    taken: Mutex<Vec<(Instant, LookedUp)>>,
}

/// Records that are kept of one answer, and answers of one search: what says more says it to no person.
const MOST_RECORDS: usize = 32;
const MOST_TAKEN: usize = 64;

impl<'a> Recording<'a> {
    pub(super) fn new(resolver: &'a dyn Resolver) -> Self {
        Self { resolver, taken: Mutex::default() }
    }

    pub(super) fn into_taken(self) -> Vec<LookedUp> {
        let taken = self.taken.into_inner().unwrap_or_else(PoisonError::into_inner);
        let told = |(asked, mut it): (Instant, LookedUp)| {
            if it.took.is_zero() {
                it.took = asked.elapsed();
            }
            it
        };
        taken.into_iter().map(told).collect()
    }

    /// Notes that a name is asked for, if there is room, and returns where.
    fn begin(&self, kind: RecordKind, name: &str) -> Option<usize> {
        let records = Err(LookupError::Failed { error: "no answer so far".to_owned() });
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = taken.len() < MOST_TAKEN;
        if has_room {
            let looked_up = LookedUp { kind, name: name.to_owned(), took: Duration::ZERO, records };
            taken.push((Instant::now(), looked_up));
        }
        has_room.then(|| taken.len() - 1)
    }

    fn end(&self, place: Option<usize>, took: Duration, records: Result<Vec<String>, LookupError>) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, begun)) = place.and_then(|place| taken.get_mut(place)) {
            (begun.took, begun.records) = (took, records);
        }
    }

    fn recorded<'b, R: Display + Send + 'b>(
        &'b self,
        kind: RecordKind,
        name: &'b str,
        lookup: Lookup<'b, R>,
    ) -> Lookup<'b, R> {
        let patience = match kind {
            RecordKind::Naptr | RecordKind::Srv => SERVICE_PATIENCE,
            RecordKind::Address => ADDRESS_PATIENCE,
        };
        Box::pin(async move {
            let (asked, place) = (Instant::now(), self.begin(kind, name));
            // As a line asks.
            let answer = in_time(patience, lookup).await;
            let shown = |answer: &Records<R>| {
                answer.records().iter().take(MOST_RECORDS).map(ToString::to_string).collect()
            };
            let records = answer.as_ref().map(shown).map_err(Clone::clone);
            self.end(place, asked.elapsed(), records);
            answer
        })
    }
}

impl Resolver for Recording<'_> {
    fn naptr<'b>(&'b self, name: &'b str) -> Lookup<'b, Naptr> {
        self.recorded(RecordKind::Naptr, name, self.resolver.naptr(name))
    }

    fn srv<'b>(&'b self, name: &'b str) -> Lookup<'b, Srv> {
        self.recorded(RecordKind::Srv, name, self.resolver.srv(name))
    }

    fn addresses<'b>(&'b self, host: &'b str) -> Lookup<'b, IpAddr> {
        self.recorded(RecordKind::Address, host, self.resolver.addresses(host))
    }
}
