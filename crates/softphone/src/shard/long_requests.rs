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
        let server = server_at(address);
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

/// Returns the server at an address. One that is of a link, as `fe80::1` is, is another on each (RFC 4007 section 6).
fn server_at(address: SocketAddr) -> Server {
    let host = match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        SocketAddr::V6(_) | SocketAddr::V4(_) => address.ip().to_string(),
    };
    Server::of(&host, Some(address.port()), Transport::Tcp, None)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV6;

    use super::*;

    #[test]
    fn a_server_of_a_link_is_another_one_on_each() {
        let on = |link| server_at(SocketAddrV6::new("fe80::1".parse().unwrap(), 5060, 0, link).into());
        assert_ne!(on(1), on(2));
        assert_eq!((on(1).host, on(0).host), ("fe80::1%1".to_owned(), "fe80::1".to_owned()));
    }
}
