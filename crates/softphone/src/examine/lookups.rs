//! A resolver that keeps what was asked of another, and what it said.

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

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
    taken: Mutex<Vec<LookedUp>>,
}

/// Records that are kept of one answer, and answers of one search: what says more says it to no person.
const MOST_RECORDS: usize = 32;
const MOST_TAKEN: usize = 64;

impl<'a> Recording<'a> {
    pub(super) fn new(resolver: &'a dyn Resolver) -> Self {
        Self { resolver, taken: Mutex::default() }
    }

    pub(super) fn into_taken(self) -> Vec<LookedUp> {
        self.taken.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn recorded<'b, R: Display + Send + 'b>(
        &'b self,
        kind: RecordKind,
        name: &'b str,
        lookup: Lookup<'b, R>,
    ) -> Lookup<'b, R> {
        Box::pin(async move {
            let asked = Instant::now();
            let answer = lookup.await;
            let shown = |answer: &Records<R>| {
                answer.records().iter().take(MOST_RECORDS).map(ToString::to_string).collect()
            };
            let records = answer.as_ref().map(shown).map_err(Clone::clone);
            let looked_up = LookedUp { kind, name: name.to_owned(), took: asked.elapsed(), records };
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            if taken.len() < MOST_TAKEN {
                taken.push(looked_up);
            }
            drop(taken);
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
