//! Servers that failed of late (RFC 3263 section 4.3): they are tried last, by all lines, until their time is over.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::target::Target;
use crate::transport::{Flow, Transport};

/// How long a server is tried last. To find out that it is still silent takes a line 32 s: so that is at most a tenth of
/// its time.
const PENALTY: Duration = Duration::from_secs(5 * 60);
/// The shortest: who asks for no time at all is left alone while the next server is asked, over connections that may take as
/// long to be made.
const SHORTEST: Duration = Duration::from_secs(30);
/// What a Retry-After may ask for: longer than that a server that is back would stand idle.
const LONGEST: Duration = Duration::from_secs(60 * 60);
/// Servers that are remembered: those of more registrars than one fleet has. The one that is over first gives way.
const MOST: usize = 1024;

/// The servers that failed, and until when that counts.
#[derive(Debug, Default)]
pub(crate) struct Penalties {
    until: BTreeMap<(SocketAddr, Transport), Instant>,
}

impl Penalties {
    /// Notes that a server failed, and for how long it asked to be left alone.
    pub(crate) fn add(&mut self, now: Instant, server: Flow, retry_after: Option<Duration>) {
        self.put(now, key(server), retry_after.map_or(PENALTY, |asked| asked.clamp(SHORTEST, LONGEST)));
    }

    /// Notes that a server could not be connected to.
    pub(crate) fn add_unconnected(&mut self, now: Instant, server: SocketAddr, transport: Transport) {
        self.put(now, (server, transport), PENALTY);
    }

    fn put(&mut self, now: Instant, key: (SocketAddr, Transport), penalty: Duration) {
        if !self.until.contains_key(&key) && self.until.len() >= MOST {
            self.until.retain(|_, until| now < *until);
            let first = self.until.iter().map(|(key, until)| (*until, *key)).min();
            if let Some((_, first)) = first.filter(|_| self.until.len() >= MOST) {
                self.until.remove(&first);
            }
        }
        self.until.insert(key, now + penalty);
    }

    /// Forgets that a server failed: it has answered.
    pub(crate) fn remove(&mut self, server: Flow) {
        self.until.remove(&key(server));
    }

    /// Returns whether a server has failed and its time is not over.
    pub(crate) fn has(&self, now: Instant, server: SocketAddr, transport: Transport) -> bool {
        self.until.get(&(server, transport)).is_some_and(|until| now < *until)
    }

    /// Puts the servers that failed behind the others. What else is known of their order stays.
    pub(crate) fn put_last(&self, now: Instant, targets: &mut [Target]) {
        //= https://www.rfc-editor.org/rfc/rfc3263#section-4.3
        //# That request is sent
        //# to the next element in the list as specified by RFC 2782.
        targets.sort_by_key(|target| self.has(now, target.flow.remote(), target.flow.transport()));
    }
}

fn key(server: Flow) -> (SocketAddr, Transport) {
    (server.remote(), server.transport())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test needs one instant to start from")]
    fn start() -> Instant {
        Instant::now()
    }

    fn target(port: u16) -> Target {
        Target::udp(SocketAddr::from(([192, 0, 2, 1], port)), SocketAddr::from(([192, 0, 2, 9], 5060)))
    }

    fn order(penalties: &Penalties, now: Instant) -> Vec<u16> {
        let mut targets: Vec<Target> = (1..=4).map(target).collect();
        penalties.put_last(now, &mut targets);
        targets.iter().map(|target| target.flow.remote().port()).collect()
    }

    #[test]
    fn those_that_failed_are_last_in_their_order_until_their_time_is_over() {
        let (mut penalties, now) = (Penalties::default(), start());
        penalties.add(now, target(2).flow, None);
        penalties.add(now, target(1).flow, Some(Duration::from_secs(60)));
        assert_eq!(order(&penalties, now), [3, 4, 1, 2]);
        assert_eq!(order(&penalties, now + Duration::from_secs(60)), [1, 3, 4, 2]);
        assert_eq!(order(&penalties, now + PENALTY), [1, 2, 3, 4]);
    }

    #[test]
    fn one_that_answers_is_no_longer_last_and_none_is_for_more_than_an_hour() {
        let (mut penalties, now) = (Penalties::default(), start());
        penalties.add(now, target(1).flow, Some(Duration::from_secs(u64::from(u32::MAX))));
        assert_eq!(order(&penalties, now + Duration::from_secs(3599)), [2, 3, 4, 1]);
        assert_eq!(order(&penalties, now + LONGEST), [1, 2, 3, 4]);
        penalties.remove(target(1).flow);
        assert_eq!(order(&penalties, now), [1, 2, 3, 4]);
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let (mut penalties, now) = (Penalties::default(), start());
        for port in 1..=u16::try_from(MOST).unwrap() + 1 {
            penalties.add(now + Duration::from_millis(port.into()), target(port).flow, None);
        }
        assert_eq!(penalties.until.len(), MOST);
        assert_eq!(order(&penalties, now), [1, 2, 3, 4], "the first gave way and the others are equal");
        let later = now + 2 * PENALTY;
        penalties.add(later, target(1).flow, None);
        assert_eq!(penalties.until.len(), 1);
    }
}
