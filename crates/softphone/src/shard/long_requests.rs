//! The shard's side of requests that are too long for UDP: it connects to their server (RFC 3261 section 18.1.1).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_ua::{Target, Transport, Unreached};

use super::Shard;
use crate::io::streams::{Asker, Server, Unconnected};

/// How long it is tried to connect. The requests go by UDP before; a connection that comes late is for those after them.
const CONNECT: Duration = Duration::from_secs(5);

impl Shard {
    /// Connects to a server by TCP, at the address that it is sent to by UDP.
    pub(super) fn connect_for_long_requests(&mut self, now: Instant, address: SocketAddr) {
        let server = Server::of(&address.ip().to_string(), Some(address.port()), Transport::Tcp, None);
        let (asker, priorities) = (Asker::LongRequests(address), vec![vec![address]]);
        if let Some(reached) = self.streams.reach(now, asker, &server, priorities, now + CONNECT) {
            self.tell_connected(now, address, &reached);
        }
    }

    pub(super) fn tell_connected(
        &mut self,
        now: Instant,
        address: SocketAddr,
        reached: &Result<Target, Arc<Unconnected>>,
    ) {
        let connected = reached.as_ref().copied();
        let connected = connected.map_err(|why| Unreached::Unconnected { error: why.to_string() });
        self.endpoint.handle_connected(now, address, connected);
    }
}
