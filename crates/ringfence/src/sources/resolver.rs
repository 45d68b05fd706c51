//! Names to addresses that may be contacted.
//!
//! The connection goes to an address this resolver has checked, and to no other: there is no second
//! look-up between the check and the connection whose answer could be another (DNS rebinding).

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::address::is_public;
use super::error::SourceError;

/// Which addresses a list's server may have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    /// Those of the public Internet.
    #[default]
    Public,
    /// All, since the list says that its server is nearby.
    Private,
}

impl Reach {
    /// Tells whether an address may be contacted.
    pub(crate) fn includes(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address),
            Self::Private => true,
        }
    }
}

/// Asks for a name's addresses, and may block.
pub(crate) type Names = Arc<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// Returns the resolver of the operating system.
pub(crate) fn system_names() -> Names {
    Arc::new(|host| Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
}

/// Looks up the hosts of one client.
#[derive(Clone)]
pub(crate) struct Resolver {
    names: Names,
    reach: Reach,
    places: Arc<Semaphore>,
}

/// Look-ups at once: they occupy a thread each, also when nobody waits for them any more.
const MOST_LOOKUPS: usize = 8;

impl Resolver {
    pub(crate) fn new(names: Names, reach: Reach) -> Self {
        Self { names, reach, places: Arc::new(Semaphore::new(MOST_LOOKUPS)) }
    }

    async fn addresses(self, host: String) -> Result<Vec<SocketAddr>, SourceError> {
        let none = || SourceError::NoAddress { host: host.clone() };
        let place = self.places.acquire_owned().await.map_err(|_| none())?;
        let (names, asked) = (self.names, host.clone());
        let looking = spawn_blocking(move || {
            let found = names(&asked);
            drop(place);
            found
        });
        let found = looking.await.ok().and_then(Result::ok).unwrap_or_default();
        if found.is_empty() {
            return Err(none());
        }
        let reachable = found.into_iter().filter(|address| self.reach.includes(*address));
        let addresses: Vec<_> = reachable.map(|address| SocketAddr::new(address, 0)).collect();
        if addresses.is_empty() { Err(SourceError::NotPublic { host }) } else { Ok(addresses) }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let looking = self.clone().addresses(name.as_str().to_owned());
        Box::pin(async move {
            match looking.await {
                Ok(addresses) => Ok(Box::new(addresses.into_iter()) as Addrs),
                Err(error) => Err(error.into()),
            }
        })
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("reach", &self.reach).finish_non_exhaustive()
    }
}
