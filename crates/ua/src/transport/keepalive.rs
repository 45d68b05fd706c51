//! What keeps a UDP flow open through a NAT or a firewall: a double CRLF towards each registrar,
//! once for all the lines that are registered there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::id::Generator;

/// What is sent: RFC 5626 section 3.5.1's ping, which every SIP server ignores over UDP.
pub(crate) const PING: &[u8] = b"\r\n\r\n";

/// Consumer NATs forget a UDP mapping after as little as 30 s without traffic. The wait is as section 4.4.2 has it
/// for UDP, drawn anew for each ping, so that phones that were started together do not stay together.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.2
//# When a Flow-Timer header field is not included in a successful
//# registration response, the time between each keep-alive request
//# SHOULD be a random number between 24 and 29 seconds.
const SHORTEST: Duration = Duration::from_secs(24);
const SPREAD: Duration = Duration::from_secs(29 - 24);

/// The flows that are kept open.
#[derive(Debug, Default)]
pub(crate) struct KeepAlive {
    flows: BTreeMap<SocketAddr, Flow>,
    /// The same flows, the next one to be pinged first.
    order: BTreeSet<(Instant, SocketAddr)>,
}

#[derive(Debug)]
struct Flow {
    lines: usize,
    due: Instant,
}

impl KeepAlive {
    /// Keeps a flow open for one more line.
    pub(crate) fn add(&mut self, now: Instant, target: SocketAddr, generator: &mut Generator) {
        let Self { flows, order } = self;
        let flow = flows.entry(target).or_insert_with(|| {
            let due = now + interval(generator);
            order.insert((due, target));
            Flow { lines: 0, due }
        });
        flow.lines += 1;
    }

    /// Keeps a flow open for one line less.
    pub(crate) fn remove(&mut self, target: SocketAddr) {
        if let Some(flow) = self.flows.get_mut(&target) {
            flow.lines -= 1;
            if flow.lines == 0 {
                self.order.remove(&(flow.due, target));
                self.flows.remove(&target);
            }
        }
    }

    /// Returns a flow that is to be pinged now.
    pub(crate) fn pop_due(&mut self, now: Instant, generator: &mut Generator) -> Option<SocketAddr> {
        let &(due, target) = self.order.first().filter(|&&(due, _)| due <= now)?;
        let next = now + interval(generator);
        self.order.remove(&(due, target));
        self.order.insert((next, target));
        if let Some(flow) = self.flows.get_mut(&target) {
            flow.due = next;
        }
        Some(target)
    }

    /// Returns when the next flow is to be pinged.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.order.first().map(|&(due, _)| due)
    }
}

fn interval(generator: &mut Generator) -> Duration {
    SHORTEST + SPREAD.mul_f64(generator.fraction())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test needs one instant to start from")]
    fn epoch() -> Instant {
        Instant::now()
    }

    #[test]
    fn lines_of_one_registrar_share_one_flow_and_the_last_one_ends_it() {
        let (now, target) = (epoch(), "192.0.2.1:5060".parse().unwrap());
        let (mut keep_alive, mut generator) = (KeepAlive::default(), Generator::new([1; 32]));
        keep_alive.add(now, target, &mut generator);
        keep_alive.add(now, target, &mut generator);
        assert_eq!(keep_alive.pop_due(now, &mut generator), None);
        let due = keep_alive.poll_timeout().unwrap();
        assert_eq!(keep_alive.pop_due(due, &mut generator), Some(target));
        assert_eq!(keep_alive.pop_due(due, &mut generator), None);
        keep_alive.remove(target);
        assert!(keep_alive.poll_timeout().is_some());
        keep_alive.remove(target);
        assert_eq!(keep_alive.poll_timeout(), None);
    }

    //= https://www.rfc-editor.org/rfc/rfc5626#section-4.4.2
    //= type=test
    //# the time between each keep-alive request
    //# SHOULD be a random number between 24 and 29 seconds.
    #[test]
    fn each_ping_has_a_wait_of_its_own() {
        let (mut now, mut generator) = (epoch(), Generator::new([1; 32]));
        let mut keep_alive = KeepAlive::default();
        keep_alive.add(now, "192.0.2.1:5060".parse().unwrap(), &mut generator);
        let mut waits = BTreeSet::new();
        for _ in 0..100 {
            let due = keep_alive.poll_timeout().unwrap();
            assert!(keep_alive.pop_due(due, &mut generator).is_some());
            waits.insert(due - now);
            now = due;
        }
        assert!(waits.iter().all(|wait| (SHORTEST..=SHORTEST + SPREAD).contains(wait)), "{waits:?}");
        assert!(waits.len() > 90, "{waits:?}");
    }
}
