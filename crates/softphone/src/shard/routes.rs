//! The way to those whom the lines talk to: from which of this machine's addresses, or from none, as while its network is
//! away. The system's routing table is looked at every few seconds; nothing is sent.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::time::{Interval, MissedTickBehavior, interval};

use super::Shard;
use crate::io::interfaces::local_address_towards;

/// How often it is looked: a line is away no longer than this and the 3 s over which lines return.
const EVERY: Duration = Duration::from_secs(2);

/// What is known of the ways.
pub(super) struct Routes {
    listening: SocketAddr,
    /// The address that we have on the way to each, or none.
    known: BTreeMap<IpAddr, Option<IpAddr>>,
    looks: Interval,
    is_due: bool,
}

/// A way that is another now, or is seen for the first time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    to: IpAddr,
    from: Result<IpAddr, String>,
    is_first: bool,
}

impl Routes {
    /// Needs a runtime.
    pub(super) fn new(listening: SocketAddr) -> Self {
        let mut looks = interval(EVERY);
        // After a night's sleep one look is as good as all that were missed.
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { listening, known: BTreeMap::new(), looks, is_due: false }
    }

    /// Waits until it is time for the next look, at the clocks as well. Who listens at one address has no other way to look at, and
    /// by that of the loopback interface perhaps none.
    pub(super) async fn are_due(&mut self) {
        self.looks.tick().await;
        let ip = self.listening.ip();
        self.is_due = ip.is_unspecified() || ip.is_loopback();
    }

    /// Looks, where it is time, and returns what has changed since the last look.
    pub(super) fn changes(&mut self, to: impl Iterator<Item = IpAddr>) -> Vec<Change> {
        if !std::mem::take(&mut self.is_due) {
            return Vec::new();
        }
        let listening = self.listening;
        self.compare(to, |to| local_address_towards(SocketAddr::new(to, 9), listening).map(|from| from.ip()))
    }

    fn compare(
        &mut self,
        to: impl Iterator<Item = IpAddr>,
        look: impl Fn(IpAddr) -> io::Result<IpAddr>,
    ) -> Vec<Change> {
        let before = std::mem::take(&mut self.known);
        let mut changes = Vec::new();
        for to in to {
            let from = look(to).map_err(|error| error.to_string());
            let way = from.as_ref().ok().copied();
            let known = before.get(&to);
            self.known.insert(to, way);
            // What is seen first may be another already than the one that a line has registered from.
            if known != Some(&way) {
                changes.push(Change { to, from, is_first: known.is_none() });
            }
        }
        changes
    }
}

impl Shard {
    /// Has the lines follow a way that has changed.
    pub(super) fn take_route(&mut self, now: Instant, change: &Change) {
        let Change { to, from, is_first } = change;
        let why = match from {
            Ok(from) => format!("our address is {from} now"),
            Err(error) => error.clone(),
        };
        tracing::debug!(why, is_first, "the way to a server");
        let lost = self.endpoint.handle_route(now, *to, from.as_ref().copied().map_err(String::as_str));
        for connection in lost {
            self.disconnect(connection, &why);
        }
        if !is_first && from.is_ok() {
            self.endpoint.handle_network_back(now, *to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[tokio::test]
    async fn a_way_is_told_when_it_changes_and_not_before() {
        let mut routes = Routes::new("0.0.0.0:5060".parse().unwrap());
        let gone = || io::Error::from(io::ErrorKind::NetworkUnreachable);
        let mut look = |from: Option<u8>| {
            let found = |_| from.map(ip).ok_or_else(gone);
            routes.compare([ip(1)].into_iter(), found)
        };
        let change = |from, is_first| vec![Change { to: ip(1), from, is_first }];
        assert_eq!([look(Some(7)), look(Some(7))], [change(Ok(ip(7)), true), vec![]]);
        let error = Err(gone().to_string());
        assert_eq!([look(None), look(None)], [change(error, false), vec![]]);
        assert_eq!(look(Some(8)), change(Ok(ip(8)), false));
    }
}
