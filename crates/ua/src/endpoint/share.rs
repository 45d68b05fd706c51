//! How many new requests each source may make, where there is a limit: one after the other at equal intervals, and as many
//! at once as in a second.
//!
//! Of a source there is one time: when its requests so far would have come at these intervals. Whoever is a second ahead of
//! that has had his share. At most [`MOST_SOURCES`] are remembered twice over: the newer, and those of before. A flood from
//! more sources than that has each forgotten early, and is a flood that no share stops.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use ringfence_wire::sip::{Method, StatusCode};

use super::Endpoint;
use super::inbound::Inbound;
use super::turned_away::TurnedAway;
use crate::call::Origin;
use crate::core::Objection;
use crate::limits::SHARE_RETRY_AFTER;
use crate::transaction::key::{Key, is_unique_branch};
use crate::transaction::outcome::Cancellable;

/// The shares of all sources.
#[derive(Debug)]
pub(super) struct Shares {
    /// Between two requests of a source that has just its share; nothing where there is no limit.
    interval: Option<Duration>,
    newer: BTreeMap<IpAddr, Instant>,
    older: BTreeMap<IpAddr, Instant>,
    turned_away: TurnedAway,
}

const SECOND: Duration = Duration::from_secs(1);
const MOST_SOURCES: usize = 4_096;

impl Shares {
    pub(super) fn new(a_second: Option<NonZeroU32>) -> Self {
        let interval = a_second.map(|a_second| SECOND / a_second.get());
        let (newer, older) = (BTreeMap::new(), BTreeMap::new());
        Self { interval, newer, older, turned_away: TurnedAway::default() }
    }

    /// Returns whether an INVITE was turned away, in the time in which it may be repeated.
    pub(super) fn has_turned_away(&mut self, now: Instant, invite: Key) -> bool {
        self.turned_away.contains(now, invite)
    }

    /// Takes one more new request of a source into account, and tells whether it is within its share.
    pub(super) fn has_room_for(&mut self, now: Instant, source: IpAddr) -> bool {
        let Some(interval) = self.interval else { return true };
        let source = network(source);
        let known = self.newer.get(&source).or_else(|| self.older.get(&source));
        let next = known.map_or(now, |known| now.max(*known)) + interval;
        if next > now + SECOND {
            return false;
        }
        self.newer.insert(source, next);
        if self.newer.len() >= MOST_SOURCES {
            self.older = std::mem::take(&mut self.newer);
        }
        true
    }
}

impl Endpoint {
    /// Takes a request into account, and tells whether its source has had its share, or had it when the request came first. What
    /// ends a call is none of it. `of` is the transaction that a CANCEL is of.
    pub(super) fn is_beyond_share(
        &mut self,
        now: Instant,
        inbound: &Inbound<'_>,
        method: Method<'_>,
        of: Key,
        objection: Option<&Objection>,
    ) -> bool {
        if method == Method::Invite && self.shares.has_turned_away(now, inbound.key) {
            return true;
        }
        let is_cancel = method == Method::Cancel;
        let is_free = match if is_cancel { self.transactions.cancellable(of) } else { None } {
            Some(Cancellable::Undecided { .. }) => true,
            // Of one INVITE of RFC 2543 there can be any number of CANCELs, each with a transaction of its own.
            Some(Cancellable::Decided | Cancellable::Silent) => {
                inbound.head.via().is_ok_and(|via| via.branch().is_some_and(is_unique_branch))
            }
            None => method == Method::Bye && objection.is_none() && self.calls.is_ended_by(inbound.head),
        };
        !is_free && !self.shares.has_room_for(now, inbound.answering.source.ip())
    }

    /// Has a source that has had its share of new requests wait.
    pub(super) fn turn_away(&mut self, now: Instant, inbound: &Inbound<'_>, method: Method<'_>) {
        self.counters.over_rate += 1;
        match inbound.origin {
            Origin::Anyone => return,
            Origin::Registrar | Origin::Peer | Origin::Token => {}
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.7
        //# A stateless UAS MUST ignore CANCEL requests.
        if method == Method::Cancel {
            return;
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-15.1.2
        //# If the BYE does not
        //# match an existing dialog, the UAS core SHOULD generate a 481
        //# (Call/Transaction Does Not Exist) response
        if method == Method::Bye && self.calls.find_by_dialog(inbound.head).is_none() {
            let status = StatusCode::CALL_TRANSACTION_DOES_NOT_EXIST;
            return self.respond_stateless(inbound, status, None, |_, _| {});
        }
        if method == Method::Invite {
            self.shares.turned_away.add(now, inbound.key);
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-21.5.4
        //# The server MAY
        //# indicate when the client should retry the request in a Retry-After
        //# header field.
        self.respond_stateless(inbound, StatusCode::SERVICE_UNAVAILABLE, None, |response, _| {
            response.header_fmt("Retry-After", format_args!("{SHARE_RETRY_AFTER}"));
        });
    }
}

/// Returns what counts as one source: an IPv4 address, or an IPv6 network, which one peer has all addresses of.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(source) => source.into(),
        IpAddr::V6(source) => Ipv6Addr::from_bits(source.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a time of its own needs one instant to start from")]
    fn start() -> Instant {
        Instant::now()
    }

    fn shares(a_second: u32) -> Shares {
        Shares::new(NonZeroU32::new(a_second))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// Counts how many of so many requests at once have room.
    fn with_room(shares: &mut Shares, now: Instant, source: &str, requests: usize) -> usize {
        (0..requests).filter(|_| shares.has_room_for(now, address(source))).count()
    }

    #[test]
    fn a_source_has_a_second_of_requests_at_once_and_then_its_rate() {
        let (mut shares, mut now) = (shares(10), start());
        assert_eq!(with_room(&mut shares, now, "192.0.2.1", 50), 10);
        for _ in 0..20 {
            now += SECOND / 10;
            assert_eq!(with_room(&mut shares, now, "192.0.2.1", 50), 1);
        }
        assert_eq!(with_room(&mut shares, now + 2 * SECOND, "192.0.2.1", 50), 10);
    }

    #[test]
    fn sources_do_not_share_and_an_ipv6_network_is_one() {
        let (mut shares, now) = (shares(10), start());
        for source in ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1"] {
            assert_eq!(with_room(&mut shares, now, source, 50), 10, "{source}");
        }
        for source in ["::ffff:192.0.2.1", "2001:db8::ffff:1"] {
            assert_eq!(with_room(&mut shares, now, source, 50), 0, "{source}");
        }
    }

    #[test]
    fn without_a_limit_nothing_is_remembered_and_with_one_no_more_than_there_is_room_for() {
        let now = start();
        let mut unlimited = Shares::new(None);
        let mut limited = shares(1);
        for source in 0..100_000_u32 {
            let source = IpAddr::from(source.to_be_bytes());
            assert!(unlimited.has_room_for(now, source) && limited.has_room_for(now, source));
        }
        assert_eq!(unlimited.newer.len() + unlimited.older.len(), 0);
        assert!(limited.newer.len() + limited.older.len() <= 2 * MOST_SOURCES);
    }
}
