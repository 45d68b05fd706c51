//! Examining an account from here: what its names lead to, whether its server can be reached and answers, whether it takes
//! the password, and where it sees us. It gives facts; what they mean to a person is the application's to say.
//!
//! ```text
//! lookups ──▶ link ──▶ exchange ──▶ answers
//!  names      UDP,      OPTIONS,     what the responses say
//!             TCP, …    REGISTER
//! ```

mod answers;
mod certificates;
mod exchange;
mod link;
mod lookups;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use ringfence_ua::{Account as Inner, Asks, Generator, Transport, Unresolved};
use tokio::time::{Instant, timeout};

use crate::account::Account;
use crate::builder::Builder;
use crate::error::{Kind, Result};
use crate::io::Resolver;
use crate::io::locate::{SUPPORTED, Wanted, find};
use crate::io::streams::Server;
use crate::io::streams::failure::Failure;
use crate::io::stun::StunServer;
use crate::registration::Chosen;
use crate::shard::{Sockets, Way, ways_to};

pub use answers::{Answered, Binding, Fetched};
pub use certificates::{Certificate, Shown};
pub use exchange::Unanswered;
pub use lookups::{LookedUp, RecordKind};

use exchange::Asker;
use link::Link;
use lookups::Recording;

/// What was found out about the way from here to an account's registrar. What was not asked, because something before it failed
/// or the time was over, is empty.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Examination {
    /// Where requests go: the account's domain, or one of its outbound proxies.
    pub host: String,
    /// Where one was given.
    pub port: Option<u16>,
    /// What was asked of the DNS, in that order.
    pub lookups: Vec<LookedUp>,
    /// The servers, in the order in which a line tries them, but for those that have failed of late.
    pub servers: Vec<FoundServer>,
    /// Why there are none.
    pub not_found: Option<String>,
    /// The servers that were tried. The last is the one that answered, if any did.
    pub tried: Vec<Tried>,
    /// Where the STUN server sees the socket that requests by UDP leave from, or why it does not say; nothing where the
    /// softphone has no STUN server, or they go by another transport.
    pub stun: Option<std::result::Result<SocketAddr, String>>,
    /// Whether the time was over before all was asked.
    pub is_cut_short: bool,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FoundServer {
    /// Its address.
    pub address: SocketAddr,
    /// What it is reached by, and why.
    pub chosen: Chosen,
}

/// What came of one server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tried {
    /// Where it is.
    pub server: SocketAddr,
    /// What it is reached by, and why.
    pub chosen: Chosen,
    /// Where the requests left from.
    pub local: Option<SocketAddr>,
    /// How long it took to connect, handshakes and all, or why there is no connection. By UDP nothing is connected, and it
    /// tells whether there is a way at all.
    pub connected: Option<std::result::Result<Duration, Unreached>>,
    /// What the server showed of itself, where TLS came so far.
    pub shown: Option<Shown>,
    /// What an OPTIONS was answered (RFC 3261 section 11), or why it was not.
    pub capabilities: Option<std::result::Result<Answered, Unanswered>>,
    /// Which bindings the account has (RFC 3261 section 10.2.3), or why they are not known; nothing where it does not
    /// register.
    pub bindings: Option<Fetched>,
}

/// Why a server cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreached {
    /// Its host says that nobody listens there.
    #[error("nobody listens there")]
    Refused,
    /// Something was not done in time.
    #[error("{0}")]
    NotInTime(String),
    /// Its certificate is not accepted, or no certificate can be for the name.
    #[error("{0}")]
    Certificate(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl Unreached {
    fn of(failure: &Failure) -> Self {
        match failure {
            Failure::Tcp(error) if error.kind() == io::ErrorKind::ConnectionRefused => Self::Refused,
            Failure::NotInTime { .. } => Self::NotInTime(failure.to_string()),
            Failure::Certificate(_) | Failure::Name(_) => Self::Certificate(failure.to_string()),
            Failure::Tcp(_)
            | Failure::Setup(_)
            | Failure::Tls(_)
            | Failure::Address { .. }
            | Failure::WebSocket(_) => Self::Failed(failure.to_string()),
        }
    }
}

impl Tried {
    fn at(server: SocketAddr, chosen: Chosen) -> Self {
        let (local, connected, shown, capabilities, bindings) = (None, None, None, None, None);
        Self { server, chosen, local, connected, shown, capabilities, bindings }
    }

    fn has_refused_certificate(&self) -> bool {
        matches!(self.connected, Some(Err(Unreached::Certificate(_))))
    }
}

/// What is examined with, made of a [`Builder`].
pub(crate) struct Setup {
    pub(crate) resolver: Arc<dyn Resolver>,
    pub(crate) sockets: Sockets,
    pub(crate) stun: Option<StunServer>,
    pub(crate) instance: Option<Arc<str>>,
    pub(crate) user_agent: String,
}

/// Servers that are tried: a list that is longer is not gone through within anybody's patience.
const MOST_TRIED: usize = 8;

impl Builder {
    /// Examines an account from where this softphone would be, within a time: for its domain, or for each of its outbound
    /// proxies, it finds the servers, connects to the first that can be reached, asks for its capabilities (OPTIONS) and for
    /// the account's bindings (a REGISTER without Contact), and the STUN server, where there is one, where it sees us.
    /// Nothing at the registrar is changed, and no port of the softphone's is taken: it can run meanwhile.
    ///
    /// Credentials are sent to whom the account names, and to nobody else. Dropped before it resolves, it leaves nothing
    /// behind.
    ///
    /// Fails where the account, the instance-id or the STUN server is none.
    ///
    /// ```no_run
    /// # async fn show() -> softphone::Result<()> {
    /// use softphone::{Account, Softphone};
    /// use std::time::Duration;
    ///
    /// let account = Account::new("sip:858@pbx.example.com")?.password("secret");
    /// for examined in Softphone::builder().examine(account, Duration::from_secs(20)).await? {
    ///     println!("{}: {:?}", examined.host, examined.tried);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn examine(&self, account: Account, within: Duration) -> Result<Vec<Examination>> {
        let setup = self.setup()?;
        let mut account = account.into_inner()?;
        account.instance.clone_from(&setup.instance);
        let others = std::mem::take(&mut account.other_proxies);
        let others = others.into_iter().map(|proxy| Inner { outbound_proxy: Some(proxy), ..account.clone() });
        let ways: Vec<Inner> = std::iter::once(account.clone()).chain(others).collect();
        let all = join_all(ways.iter().map(|account| examine(account, &setup, within)));
        all.await.into_iter().collect()
    }
}

async fn examine(account: &Inner, setup: &Setup, within: Duration) -> Result<Examination> {
    let resolver = Recording::new(&*setup.resolver);
    let (host, port) = account.next_hop();
    let mut examined = Examination { host: host.to_owned(), port, ..Examination::default() };
    let mut generator = seeded()?;
    let examiner = Examiner { account, setup, resolver: &resolver };
    examined.is_cut_short = timeout(within, examiner.fill(&mut generator, &mut examined)).await.is_err();
    examined.lookups = resolver.into_taken();
    Ok(examined)
}

fn seeded() -> Result<Generator> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| Kind::System { what: "no randomness", error: io::Error::other(error) })?;
    Ok(Generator::new(seed))
}

#[derive(Clone, Copy)]
struct Examiner<'a> {
    account: &'a Inner,
    setup: &'a Setup,
    resolver: &'a Recording<'a>,
}

impl Examiner<'_> {
    /// Asks one thing after the other, and puts each in as soon as it is known: what is known when the time is over stays.
    async fn fill(self, generator: &mut Generator, examined: &mut Examination) {
        let wanted = self.wanted();
        let (places, by) = match find(&wanted, self.resolver).await {
            Ok(found) => found,
            Err(Unresolved { error }) => {
                examined.not_found = Some(error);
                return;
            }
        };
        let path = self.account.websocket_path.as_deref();
        let ways = ways_to(&places, by, |transport| Server::of(&wanted.host, wanted.port, transport, path));
        for way in &ways {
            let chosen = way.chosen();
            examined.servers.extend(way.addresses().map(|address| FoundServer { address, chosen }));
        }
        for way in &ways {
            for address in way.addresses() {
                if examined.tried.len() == MOST_TRIED || self.try_one(way, address, generator, examined).await
                {
                    return;
                }
            }
            // As a line does: whoever pretends to be its server is given its calls by no other way.
            if examined.tried.iter().any(Tried::has_refused_certificate) {
                return;
            }
        }
    }

    fn wanted(self) -> Wanted {
        let (host, port) = self.account.next_hop();
        let &Inner { transport, is_secure, .. } = self.account;
        let listening = self.setup.sockets.udp;
        Wanted { host: host.to_owned(), port, transport, is_secure, supported: SUPPORTED, listening }
    }

    /// Tries a server, and returns whether it has answered.
    async fn try_one(
        self,
        way: &Way,
        address: SocketAddr,
        generator: &mut Generator,
        examined: &mut Examination,
    ) -> bool {
        examined.tried.push(Tried::at(address, way.chosen()));
        let Examination { tried, stun, .. } = examined;
        let Some(tried) = tried.last_mut() else { return false };
        let began = Instant::now();
        let mut link = match self.open(way.server(), address, stun, &mut tried.shown).await {
            Ok(link) => {
                tried.connected = Some(Ok(began.elapsed()));
                link
            }
            Err(why) => {
                tried.connected = Some(Err(Unreached::of(&why)));
                return false;
            }
        };
        tried.local = Some(link.local());
        let mut asker = Asker::new(self.account, &self.setup.user_agent, &mut link, generator);
        let answered = asker.ask(Asks::Capabilities).await;
        let mut has_answered = answered.is_ok();
        tried.capabilities = Some(answered.map(|(_, answered)| answered));
        if self.account.is_registering {
            let fetched = asker.fetch().await;
            has_answered |= !matches!(fetched, Fetched::Unanswered(_));
            tried.bindings = Some(fetched);
        }
        has_answered
    }

    /// Opens a link to a server. By UDP a STUN server is asked first where it sees it, as it can then only be the registrar
    /// that is heard.
    async fn open(
        self,
        server: &Server,
        address: SocketAddr,
        stun: &mut Option<std::result::Result<SocketAddr, String>>,
        shown: &mut Option<Shown>,
    ) -> std::result::Result<Link, Failure> {
        let Sockets { udp: listening, tls, .. } = &self.setup.sockets;
        if server.transport != Transport::Udp {
            return Link::connect(server, address, *listening, tls, shown).await;
        }
        let link = Link::bind(address, *listening).await.map_err(Failure::Tcp)?;
        if let (Some(server), None) = (&self.setup.stun, &stun) {
            *stun = Some(link.seen_by(server, self.resolver).await);
        }
        link.towards(address).await.map_err(Failure::Tcp)
    }
}
