//! Names to addresses, by the operating system's resolver: A and AAAA. NAPTR and SRV (RFC 3263) are not asked for.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use ringfence_ua::{Target, Unresolved};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::interfaces::local_address_towards;

/// How long a look-up may take, with the wait for its place: longer than the system's resolver tries with two servers and its default of 5 s each.
const PATIENCE: Duration = Duration::from_secs(12);
/// RFC 3261 section 19.1.2: the default port of a `sip` URI over UDP.
const DEFAULT_PORT: u16 = 5060;
/// Look-ups at once: they occupy a thread each.
static LOOKUPS: Semaphore = Semaphore::const_new(16);

/// Looks a host up, and the local address towards each of its addresses.
pub(crate) async fn resolve(
    host: String,
    port: Option<u16>,
    listening: SocketAddr,
) -> Result<Vec<Target>, Unresolved> {
    let port = port.unwrap_or(DEFAULT_PORT);
    let addresses = match literal(&host) {
        Some(address) => vec![SocketAddr::new(address, port)],
        None => look_up(host, port).await?,
    };
    let found = !addresses.is_empty();
    let targets: Vec<Target> = addresses
        .into_iter()
        .filter(|remote| is_reachable_from(*remote, listening))
        .filter_map(|remote| Some(Target::udp(remote, local_address_towards(remote, listening).ok()?)))
        .collect();
    match (targets.is_empty(), found) {
        (false, _) => Ok(targets),
        (true, true) => Err(Unresolved { error: format!("no address that can be reached from {listening}") }),
        (true, false) => Err(Unresolved { error: "no address".to_owned() }),
    }
}

/// Returns the address that a host is, where it is no name.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => inner.parse().ok().map(IpAddr::V6),
        None => host.parse().ok(),
    }
}

async fn look_up(host: String, port: u16) -> Result<Vec<SocketAddr>, Unresolved> {
    let found = timeout(
        PATIENCE,
        look_up_on(&LOOKUPS, move || (host.as_str(), port).to_socket_addrs().map(Iterator::collect)),
    );
    match found.await {
        Ok(found) => found.map_err(|error| Unresolved { error: error.to_string() }),
        Err(_) => Err(Unresolved { error: format!("no answer within {} s", PATIENCE.as_secs()) }),
    }
}

/// Looks up on a thread that keeps its place until the look-up is over: whoever does not wait for it any more
/// makes no room for another thread.
async fn look_up_on(
    places: &'static Semaphore,
    look_up: impl FnOnce() -> io::Result<Vec<SocketAddr>> + Send + 'static,
) -> io::Result<Vec<SocketAddr>> {
    let place = places.acquire().await.map_err(io::Error::other)?;
    let looking = spawn_blocking(move || {
        let found = look_up();
        drop(place);
        found
    });
    looking.await.map_err(io::Error::other)?
}

/// An IPv4 socket reaches IPv4 only; an IPv6 wildcard reaches both.
fn is_reachable_from(remote: SocketAddr, listening: SocketAddr) -> bool {
    remote.is_ipv4() == listening.is_ipv4() || (listening.is_ipv6() && listening.ip().is_unspecified())
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::mpsc;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn only_an_address_in_both_brackets_or_none_is_a_literal() {
        for host in ["192.0.2.1", "[::1]", "::1"] {
            assert!(literal(host).is_some(), "{host}");
        }
        for host in ["[[::1]]", "::1]", "[::1", "[192.0.2.1]", "localhost", ""] {
            assert_eq!(literal(host), None, "{host}");
        }
    }

    #[tokio::test]
    async fn a_look_up_that_nobody_waits_for_keeps_its_place_until_it_is_over() {
        static PLACES: Semaphore = Semaphore::const_new(1);
        let (end, ended) = mpsc::channel::<()>();
        let abandoned = async {
            let mut first = pin!(look_up_on(&PLACES, move || {
                let _ = ended.recv();
                Ok(Vec::new())
            }));
            let _ = first.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        };
        abandoned.await;
        assert_eq!(PLACES.available_permits(), 0);
        drop(end);
        look_up_on(&PLACES, || Ok(Vec::new())).await.unwrap();
    }
}
