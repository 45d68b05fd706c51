//! The responses of registrars that could not be read: where nothing else comes, one may have been the answer.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::time::Instant;

use super::Endpoint;
use crate::transaction::timers::GIVE_UP;
use crate::transport::Flow;

/// The newest of each address and port.
#[derive(Debug, Default)]
pub(super) struct Unreadable(VecDeque<Came>);

#[derive(Debug)]
struct Came {
    source: SocketAddr,
    at: Instant,
    why: String,
}

/// How many are remembered: registrars that answer what cannot be read are few.
const MOST_SOURCES: usize = 16;

impl Unreadable {
    fn note(&mut self, now: Instant, source: SocketAddr, why: String) {
        self.0.retain(|came| came.source != source);
        self.0.truncate(MOST_SOURCES - 1);
        self.0.push_front(Came { source, at: now, why });
    }

    /// Takes that a response of a server was read: it is none of those who are not understood.
    pub(super) fn understood(&mut self, server: SocketAddr) {
        self.0.retain(|came| came.source != server);
    }

    /// Returns what was wrong with what came from a server while a request waited for its answer.
    pub(super) fn while_waiting(&self, now: Instant, server: SocketAddr) -> Option<&str> {
        let came = self.0.iter().find(|came| came.source == server)?;
        (now.saturating_duration_since(came.at) <= GIVE_UP).then_some(&came.why)
    }
}

impl Endpoint {
    /// Drops what cannot be read.
    pub(super) fn drop_malformed(&mut self, why: impl fmt::Display) {
        tracing::trace!(%why, "dropped");
        self.counters.dropped_malformed += 1;
    }

    /// Drops a response that cannot be read.
    pub(super) fn drop_response(&mut self, now: Instant, flow: Flow, why: impl fmt::Display) {
        let source = flow.remote();
        if self.lines.has_address(source.ip()) {
            self.unreadable.note(now, source, why.to_string());
        }
        self.drop_malformed(why);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs one instant to start from")]
    fn the_newest_of_each_source_is_kept_for_as_long_as_an_answer_is_waited_for_and_of_few_sources() {
        let (start, source) = (Instant::now(), |port: u16| SocketAddr::from(([192, 0, 2, 1], port)));
        let mut unreadable = Unreadable::default();
        unreadable.note(start, source(1), "first".to_owned());
        unreadable.note(start, source(1), "second".to_owned());
        unreadable.note(start, source(3), "third".to_owned());
        unreadable.understood(source(3));
        assert_eq!(unreadable.while_waiting(start, source(3)), None);
        assert_eq!(unreadable.while_waiting(start + GIVE_UP, source(1)), Some("second"));
        assert_eq!(unreadable.while_waiting(start + GIVE_UP + Duration::from_millis(1), source(1)), None);
        assert_eq!(unreadable.while_waiting(start, source(2)), None);
        for port in 2..=200 {
            unreadable.note(start, source(port), "another".to_owned());
        }
        assert_eq!(unreadable.0.len(), MOST_SOURCES);
        assert_eq!(unreadable.while_waiting(start, source(200)), Some("another"));
    }
}
