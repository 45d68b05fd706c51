//! Connections of ours that no line uses any more, because their lines were removed, unregistered, or go elsewhere: they
//! are closed after a while, in which a line may come back, and a call that came over one may be answered.

use std::time::{Duration, Instant};

use ringfence_ua::ConnectionId;

use super::{Opened, Streams};

/// How long a connection is kept without a line.
const UNUSED: Duration = Duration::from_secs(5 * 60);
/// How often it is looked.
const LOOK: Duration = Duration::from_secs(60);

impl Streams {
    /// Returns when [`Streams::close_unused`] is to be called next.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.look_at
    }

    /// Takes that there is a connection of ours, which is to be looked at.
    pub(super) fn watch(&mut self, now: Instant) {
        self.look_at.get_or_insert(now + LOOK);
    }

    /// Closes the connections of ours that have had no line for [`UNUSED`], where it is time to look.
    pub(crate) fn close_unused(&mut self, now: Instant, is_used: impl Fn(ConnectionId) -> bool) {
        if self.look_at.is_none_or(|at| now < at) {
            return;
        }
        let mut over = Vec::new();
        for (&id, open) in &mut self.open {
            let Opened::To { unused_since, .. } = &mut open.opened else { continue };
            if is_used(id) {
                *unused_since = None;
            } else if now.saturating_duration_since(*unused_since.get_or_insert(now)) >= UNUSED {
                over.push(id);
            }
        }
        for id in over {
            tracing::debug!(connection = %id, "closed: no line uses it");
            self.close(id);
        }
        let is_ours = |open: &super::Open| matches!(open.opened, Opened::To { .. });
        self.look_at = self.open.values().any(is_ours).then_some(now + LOOK);
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use ringfence_ua::{LineId, Transport};
    use tokio::net::TcpListener;

    use super::super::{Asker, Event, Room, Server};
    use super::*;
    use crate::tls::Tls;

    /// Connections of a shard, one of which is open to a listener.
    async fn connected(now: Instant) -> (Streams, ConnectionId, TcpListener) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut streams = Streams::new(SocketAddr::from(([127, 0, 0, 1], 0)), Tls::new(), Room::new(None, 1));
        let server = Server::of("127.0.0.1", Some(address.port()), Transport::Tcp, None);
        let until = now + Duration::from_secs(20);
        assert!(
            streams.reach(now, Asker::Line(LineId::new(1)), &server, vec![vec![address]], until).is_none()
        );
        let Some(Event::Connected { server, connected, .. }) = streams.next().await else {
            panic!("no event")
        };
        let target = streams.connected(now, &server, connected).1.unwrap();
        (streams, target.flow.connection_id().unwrap(), listener)
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[tokio::test]
    async fn a_connection_without_a_line_is_closed_after_five_minutes() {
        let start = Instant::now();
        let (mut streams, id, _listener) = connected(start).await;
        for minute in 1..=5 {
            assert_eq!(streams.poll_timeout(), Some(start + minutes(minute)));
            streams.close_unused(start + minutes(minute), |_| false);
        }
        assert!(streams.try_next().is_none(), "it is kept for a while");
        streams.close_unused(start + minutes(6), |_| false);
        let Some(Event::Closed { id: closed, .. }) = streams.next().await else { panic!("it is kept") };
        assert_eq!(closed, id);
        streams.closed(id);
        streams.close_unused(start + minutes(7), |_| false);
        assert_eq!(streams.poll_timeout(), None, "nothing is left to look at");
    }

    #[tokio::test]
    async fn a_connection_that_a_line_uses_again_has_its_time_anew() {
        let start = Instant::now();
        let (mut streams, id, _listener) = connected(start).await;
        for minute in 1..=60 {
            streams.close_unused(start + minutes(minute), |asked| asked == id && minute % 5 == 0);
        }
        assert!(streams.local(id).is_some() && streams.try_next().is_none());
    }
}
