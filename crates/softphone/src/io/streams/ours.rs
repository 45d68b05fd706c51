//! The connections that we open: one to a server is shared by all lines that go by it.
//!
//! A domain has several servers. Where the one that a connection leads to has failed of late and another has not, a new one
//! is opened beside it, to another: the lines that are registered over the old one keep it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_ua::Target;

use super::connect::{Connected, connect};
use super::unconnected::Unconnected;
use super::{Asker, Connecting, Event, Open, Opened, Server, Streams};

/// What somebody who asked for a connection is given.
pub(crate) type Reached = Result<Target, Arc<Unconnected>>;

/// How long a server that could not be connected to is not tried again. Each line behind it waits for at least a second
/// by itself; what this keeps from coming is the attempts of thousands of them.
const NOT_AGAIN: Duration = Duration::from_millis(500);

impl Streams {
    /// Returns a connection to a server where one is open, or why there can be none; else one is opened, as by
    /// [`Streams::reach_anew`].
    pub(crate) fn reach(
        &mut self,
        now: Instant,
        asker: Asker,
        server: &Server,
        priorities: Vec<Vec<SocketAddr>>,
        until: Instant,
    ) -> Option<Reached> {
        let open = self.open_to(server, |_| true);
        open.map(Ok).or_else(|| self.reach_anew(now, asker, server, || priorities, until))
    }

    /// Returns the newest connection to a server that is open and leads to such an address.
    pub(crate) fn open_to(&self, server: &Server, is_such: impl Fn(SocketAddr) -> bool) -> Option<Target> {
        let ours = self.ours.get(server)?.iter().rev().filter_map(|id| self.open.get(id));
        let is_usable = |open: &&Open| open.outgoing.as_ref().is_some_and(|feed| !feed.is_closed());
        let open = ours.filter(is_usable).find(|open| is_such(open.flow.remote()))?;
        Some(Target { flow: open.flow, local: open.local })
    }

    /// Opens a connection to an address of the first priority that has one that can be had, for which [`Event::Connected`]
    /// comes, or returns why there can be none just now.
    pub(crate) fn reach_anew(
        &mut self,
        now: Instant,
        asker: Asker,
        server: &Server,
        priorities: impl FnOnce() -> Vec<Vec<SocketAddr>>,
        until: Instant,
    ) -> Option<Reached> {
        if let Some(connecting) = self.connecting.get_mut(server) {
            connecting.askers.insert(asker);
            return None;
        }
        self.failed.retain(|_, (at, _)| now.saturating_duration_since(*at) < NOT_AGAIN);
        if let Some((_, unconnected)) = self.failed.get(server) {
            return Some(self.open_or(server, Arc::clone(unconnected)));
        }
        self.begin(server.clone(), BTreeSet::from([asker]), priorities(), until);
        None
    }

    /// Begins to open a connection.
    pub(super) fn begin(
        &mut self,
        server: Server,
        askers: BTreeSet<Asker>,
        priorities: Vec<Vec<SocketAddr>>,
        until: Instant,
    ) {
        let (to, addresses, events) = (server.clone(), priorities.clone(), self.sender.clone());
        let (tls, trust, source, room) = (self.tls.clone(), self.trust, self.source, self.room.clone());
        let attempt = self.tasks.spawn(async move {
            let connected = connect(&to, addresses, source, &tls, &room, until.into()).await;
            // A shard that has ended needs no connection.
            let _ = events.send(Event::Connected { server: to, trust, connected }).await;
        });
        self.connecting.insert(server, Connecting { askers, priorities, until, trust, attempt });
    }

    /// Returns whether it is this connection that is waited for, and not one that was begun anew meanwhile.
    pub(crate) fn is_awaited(&self, server: &Server, trust: u64) -> bool {
        self.connecting.get(server).is_some_and(|connecting| connecting.trust == trust)
    }

    /// Takes a connection that was opened, or why it was not. Returns for whom, and what they are given.
    pub(crate) fn connected(
        &mut self,
        now: Instant,
        server: &Server,
        connected: Result<Connected, Unconnected>,
    ) -> (BTreeSet<Asker>, Reached) {
        let askers = self.connecting.remove(server).map(|connecting| connecting.askers).unwrap_or_default();
        let Connected { connection, remote, local, credentials, taken, failed: _ } = match connected {
            Ok(connected) => connected,
            Err(unconnected) => {
                let unconnected = Arc::new(unconnected);
                self.failed.insert(server.clone(), (now, Arc::clone(&unconnected)));
                return (askers, self.open_or(server, unconnected));
            }
        };
        let (to, unused_since) = (server.clone(), None);
        let opened = Opened::To { server: to, credentials, unused_since, _taken: taken };
        self.watch(now);
        let flow = self.add(server.transport, remote, local, opened, async { Ok(connection) });
        if let Some(id) = flow.connection_id() {
            self.ours.entry(server.clone()).or_default().push(id);
        }
        (askers, Ok(Target { flow, local }))
    }

    /// Returns what is open where nothing else can be had: a server that has failed of late is better than none.
    fn open_or(&self, server: &Server, unconnected: Arc<Unconnected>) -> Reached {
        self.open_to(server, |_| true).ok_or(unconnected)
    }
}

#[cfg(test)]
mod tests {
    use ringfence_ua::Transport;

    use super::super::Room;
    use super::*;
    use crate::tls::Tls;

    #[tokio::test]
    async fn a_connection_whose_task_panics_is_closed_as_any_other() {
        let any = SocketAddr::from(([127, 0, 0, 1], 5060));
        let mut streams = Streams::new(any, Tls::new(), Room::new(None, 1));
        let panics = async { panic!("a test") };
        let opened = Opened::ByPeer { is_stranger: true };
        let flow = streams.add(Transport::Tcp, any, any, opened, panics);
        let Some(Event::Closed { id, why }) = streams.next().await else { panic!("no event") };
        assert_eq!((Some(id), why.contains("panicked")), (flow.connection_id(), true));
    }
}
