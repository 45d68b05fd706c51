//! The thread that looks names up, for all shards: it owns what was found, and a look-up outlives the shard that asked.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ringfence_ua::{Transport, Unresolved};
use tokio::sync::{mpsc, oneshot};

use super::Place;
use super::cache::Cache;
use super::procedure::{Question, Unlocated, at_address, locate};
use crate::error::{Kind, Result};
use crate::io::interfaces::local_address_towards;
use crate::io::resolver::Resolver;
use crate::registration::ChosenBy;

/// Who is to be found, and for whom.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// A name, or an address.
    pub(crate) host: String,
    /// Where one was given.
    pub(crate) port: Option<u16>,
    /// Where one was given.
    pub(crate) transport: Option<Transport>,
    /// Whether it is the host of a `sips` URI.
    pub(crate) is_secure: bool,
    /// What can be used, the preferred first.
    pub(crate) supported: &'static [Transport],
    /// Where packets leave from.
    pub(crate) listening: SocketAddr,
}

/// The way to the thread, which ends with the last one.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    asked: mpsc::UnboundedSender<(Wanted, oneshot::Sender<Found>)>,
}

/// The servers of a host, in the order in which they are tried, and what chose their transport.
pub(crate) type Found = std::result::Result<(Vec<Place>, ChosenBy), Unresolved>;

impl Names {
    /// Starts the thread. The queue to it has no bound of its own: each line asks one thing at a time.
    pub(crate) fn start(resolver: Arc<dyn Resolver>) -> Result<Self> {
        let (asked, asks) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Kind::System { what: "no runtime for names", error })?;
        let run = move || {
            runtime.block_on(serve(Arc::new(Cache::new(resolver)), asks));
            // A look-up that still waits for the system's resolver is not waited for.
            runtime.shutdown_background();
        };
        std::thread::Builder::new()
            .name("softphone-names".to_owned())
            .spawn(run)
            .map_err(|error| Kind::System { what: "no thread for names", error })?;
        Ok(Self { asked })
    }

    /// Returns where a host is that is an address; `None` where it is a name, and [`Names::locate`] finds out.
    pub(crate) fn at_address(wanted: &Wanted) -> Option<Found> {
        let found = at_address(&wanted.question(), &|remote| wanted.source_towards(remote))?;
        let by = wanted.question().by();
        Some(found.map(|place| (vec![place], by)).map_err(|error| unresolved(&error, wanted.listening)))
    }

    /// Finds the servers of a host, in the order in which they are tried.
    pub(crate) async fn locate(&self, wanted: Wanted) -> Found {
        let gone = || Unresolved { error: "the look-up has panicked".to_owned() };
        let (done, found) = oneshot::channel();
        self.asked.send((wanted, done)).map_err(|_| gone())?;
        found.await.map_err(|_| gone())?
    }
}

async fn serve(cache: Arc<Cache>, mut asks: mpsc::UnboundedReceiver<(Wanted, oneshot::Sender<Found>)>) {
    while let Some((wanted, mut done)) = asks.recv().await {
        let cache = Arc::clone(&cache);
        tokio::spawn(async move {
            tokio::select! {
                // The shard has ended.
                () = done.closed() => {}
                found = find(&wanted, &*cache) => {
                    let _ = done.send(found);
                }
            }
        });
    }
}

async fn find(wanted: &Wanted, resolver: &dyn Resolver) -> Found {
    find_by(wanted, resolver).await.map_err(|error| unresolved(&error, wanted.listening))
}

/// Finds the servers of a host, asking a resolver and remembering nothing.
pub(crate) async fn find_by(
    wanted: &Wanted,
    resolver: &dyn Resolver,
) -> std::result::Result<(Vec<Place>, ChosenBy), Unlocated> {
    let source = |remote| wanted.source_towards(remote);
    let located = locate(wanted.question(), resolver, &source, &mut drawn).await?;
    let (places, ttl) = (located.places.len(), located.ttl.map(|ttl| ttl.as_secs()));
    tracing::debug!(host = wanted.host, places, ttl, "located");
    Ok((located.places, located.by))
}

pub(crate) fn unresolved(error: &Unlocated, listening: SocketAddr) -> Unresolved {
    let error = match error {
        Unlocated::Unreachable => {
            let why = if listening.ip().is_loopback() {
                "from there this machine alone is reached, by the same IP version"
            } else {
                "unreachable: no route, or another IP version"
            };
            format!("no address that can be reached from {listening} ({why})")
        }
        Unlocated::NoAddress
        | Unlocated::NoHost(_)
        | Unlocated::NoService
        | Unlocated::NoTls
        | Unlocated::Unsupported(_)
        | Unlocated::Insecure(_)
        | Unlocated::Failed(_) => error.to_string(),
    };
    Unresolved { error }
}

impl Wanted {
    fn question(&self) -> Question<'_> {
        let &Self { ref host, port, transport, is_secure, supported, .. } = self;
        Question { host, port, transport, is_secure, supported }
    }

    /// Returns the address that packets leave from: a connection's from any that the socket does not name.
    fn source_towards(&self, remote: IpAddr) -> Option<IpAddr> {
        let is_connected = self.transport.is_some_and(Transport::is_reliable);
        let listening = if is_connected && self.listening.ip().is_unspecified() {
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))
        } else {
            self.listening
        };
        source_towards(remote, listening)
    }
}

/// Returns the address that packets leave from. An IPv4 socket reaches IPv4 only; an IPv6 wildcard reaches both.
fn source_towards(remote: IpAddr, listening: SocketAddr) -> Option<IpAddr> {
    let is_any_v6 = listening.is_ipv6() && listening.ip().is_unspecified();
    if remote.is_ipv4() != listening.is_ipv4() && !is_any_v6 {
        return None;
    }
    // The routing table asks for no port, and the system for another than 0.
    local_address_towards(SocketAddr::new(remote, 9), listening).ok().map(|local| local.ip())
}

/// Draws a number from 0 to `most`. Without randomness the first is as good as any.
fn drawn(most: u32) -> u32 {
    let random = u64::from(getrandom::u32().unwrap_or(0));
    let drawn = (random * (u64::from(most) + 1)) >> 32;
    u32::try_from(drawn).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_socket_reaches_ipv4_alone_and_an_ipv6_wildcard_both() {
        let from = |remote: &str, listening: &str| {
            source_towards(remote.parse().unwrap(), listening.parse().unwrap()).map(|ip| ip.to_string())
        };
        assert_eq!(from("127.0.0.5", "0.0.0.0:0").as_deref(), Some("127.0.0.1"));
        assert_eq!(from("::1", "127.0.0.1:5060"), None);
        assert_eq!(from("127.0.0.5", "[::1]:5060"), None);
        assert_eq!(from("127.0.0.5", "[::]:5060").as_deref(), Some("127.0.0.1"));
    }

    #[test]
    fn a_connection_leaves_from_either_family_where_no_address_was_named() {
        let from = |transport, remote: &str, listening: &str| {
            let (host, supported, listening) = (String::new(), [].as_slice(), listening.parse().unwrap());
            let wanted = Wanted { host, port: None, transport, is_secure: false, supported, listening };
            wanted.source_towards(remote.parse().unwrap()).map(|ip| ip.to_string())
        };
        assert_eq!(from(Some(Transport::Tcp), "::1", "0.0.0.0:0").as_deref(), Some("::1"));
        assert_eq!(from(Some(Transport::Tls), "127.0.0.5", "0.0.0.0:0").as_deref(), Some("127.0.0.1"));
        assert_eq!(from(Some(Transport::Udp), "::1", "0.0.0.0:0"), None);
        assert_eq!(from(None, "::1", "0.0.0.0:0"), None);
        assert_eq!(from(Some(Transport::Tcp), "::1", "127.0.0.1:0"), None, "an address was named");
    }

    #[test]
    fn a_number_is_drawn_up_to_the_most_that_it_may_be() {
        assert!((0..1000).all(|_| drawn(0) == 0));
        let mut seen = [false; 4];
        for _ in 0..1000 {
            seen[usize::try_from(drawn(3)).unwrap()] = true;
        }
        assert_eq!(seen, [true; 4]);
    }
}
