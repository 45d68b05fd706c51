//! What keeps a UDP flow open through a NAT or a firewall: a double CRLF towards each registrar,
//! once for all the lines that are registered there.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What is sent: RFC 5626 section 3.5.1's ping, which every SIP server ignores over UDP.
pub(crate) const PING: &[u8] = b"\r\n\r\n";

/// Consumer NATs forget a UDP mapping after as little as 30 s without traffic (RFC 4787 REQ-5
/// permits 2 minutes at the least, and RFC 5626 section 4.4.2 picks 24 to 29 s for that reason).
pub(crate) const INTERVAL: Duration = Duration::from_secs(25);

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
    pub(crate) fn add(&mut self, now: Instant, target: SocketAddr) {
        let Self { flows, order } = self;
        let flow = flows.entry(target).or_insert_with(|| {
            order.insert((now + INTERVAL, target));
            Flow { lines: 0, due: now + INTERVAL }
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
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<SocketAddr> {
        let &(due, target) = self.order.first().filter(|&&(due, _)| due <= now)?;
        self.order.remove(&(due, target));
        self.order.insert((now + INTERVAL, target));
        if let Some(flow) = self.flows.get_mut(&target) {
            flow.due = now + INTERVAL;
        }
        Some(target)
    }

    /// Returns when the next flow is to be pinged.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.order.first().map(|&(due, _)| due)
    }
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
        let mut keep_alive = KeepAlive::default();
        keep_alive.add(now, target);
        keep_alive.add(now, target);
        assert_eq!(keep_alive.pop_due(now), None);
        assert_eq!(keep_alive.pop_due(now + INTERVAL), Some(target));
        assert_eq!(keep_alive.pop_due(now + INTERVAL), None);
        keep_alive.remove(target);
        assert_eq!(keep_alive.poll_timeout(), Some(now + 2 * INTERVAL));
        keep_alive.remove(target);
        assert_eq!(keep_alive.poll_timeout(), None);
    }
}
