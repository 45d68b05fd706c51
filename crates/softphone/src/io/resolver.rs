//! Names to addresses, by the operating system's resolver: A and AAAA. NAPTR and SRV (RFC 3263) are not asked for.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ringfence_ua::{Target, Unresolved};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::interfaces::local_address_towards;

/// Longer than the system's resolver tries with two servers and its default of 5 s each.
const PATIENCE: Duration = Duration::from_secs(12);
/// Look-ups at once: they occupy a thread each.
static LOOKUPS: Semaphore = Semaphore::const_new(16);

/// Looks a host up, and the local address towards each of its addresses.
pub(crate) async fn resolve(
    host: String,
    port: u16,
    listening: SocketAddr,
) -> Result<Vec<Target>, Unresolved> {
    let addresses = match literal(&host) {
        Some(address) => vec![SocketAddr::new(address, port)],
        None => look_up(&host, port).await?,
    };
    let found = !addresses.is_empty();
    let targets: Vec<Target> = addresses
        .into_iter()
        .filter(|remote| is_reachable_from(*remote, listening))
        .filter_map(|remote| Some(Target { remote, local: local_address_towards(remote, listening).ok()? }))
        .collect();
    match (targets.is_empty(), found) {
        (false, _) => Ok(targets),
        (true, true) => Err(Unresolved { error: format!("no address that can be reached from {listening}") }),
        (true, false) => Err(Unresolved { error: "no address".to_owned() }),
    }
}

/// Returns the address that a host is, where it is no name.
pub(crate) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, Unresolved> {
    let unresolved = |error: &dyn std::fmt::Display| Unresolved { error: error.to_string() };
    let _permit = LOOKUPS.acquire().await.map_err(|error| unresolved(&error))?;
    match timeout(PATIENCE, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(addresses)) => Ok(addresses.collect()),
        Ok(Err(error)) => Err(unresolved(&error)),
        Err(_) => Err(Unresolved { error: format!("no answer within {} s", PATIENCE.as_secs()) }),
    }
}

/// An IPv4 socket reaches IPv4 only; an IPv6 wildcard reaches both.
fn is_reachable_from(remote: SocketAddr, listening: SocketAddr) -> bool {
    remote.is_ipv4() == listening.is_ipv4() || (listening.is_ipv6() && listening.ip().is_unspecified())
}
