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
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use ringfence_ua::{Account as Inner, Asks, Generator, Transport};
use tokio::time::{Instant, timeout};

use crate::account::Account;
use crate::builder::Builder;
use crate::error::{Kind, Result};
use crate::io::Resolver;
use crate::io::locate::{SUPPORTED, Unlocated, Wanted, find_by};
use crate::io::streams::Server;
use crate::io::streams::failure::{Failure, Step};
use crate::io::stun::StunServer;
use crate::registration::Chosen;
use crate::shard::{Sockets, ways_to};

pub use answers::{Answered, AuthError, Binding, Denial, Fetched};
pub use certificates::{Certificate, Distrust, Shown};
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
    /// What was asked of the DNS to find its servers, in the order of the answers.
    pub lookups: Vec<LookedUp>,
    /// How long it took to find them: some are asked at once.
    pub found_in: Option<Duration>,
    /// The servers, in the order in which a line tries them, but for those that have failed of late.
    pub servers: Vec<FoundServer>,
    /// Why there are none.
    pub not_found: Option<NotFound>,
    /// The servers that were tried: until one answers that is in service.
    pub tried: Vec<Tried>,
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
    /// How long it took to connect by TCP, before any other handshake; nothing by UDP, and where that was not reached.
    pub tcp: Option<Duration>,
    /// How long it took to connect, handshakes and all, or why there is no connection. By UDP nothing is connected, and it
    /// tells whether there is a way at all.
    pub connected: Option<std::result::Result<Duration, Unreached>>,
    /// What the server showed of itself, where TLS came so far.
    pub shown: Option<Shown>,
    /// Where the STUN server sees the socket that the requests leave from, or why it does not say; nothing where the softphone
    /// has no STUN server, or they go by another transport than UDP.
    pub stun: Option<std::result::Result<Mapped, String>>,
    /// What an OPTIONS was answered (RFC 3261 section 11), or why it was not.
    pub capabilities: Option<std::result::Result<Answered, Unanswered>>,
    /// Which bindings the account has (RFC 3261 section 10.2.3), or why they are not known; nothing where it does not
    /// register.
    pub bindings: Option<Fetched>,
}

/// Where a STUN server sees a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mapped {
    /// There.
    pub address: SocketAddr,
    /// The STUN server.
    pub by: SocketAddr,
}

/// Why no server was found (RFC 3263).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotFound {
    /// The name has no address.
    #[error("no address")]
    NoAddress,
    /// Its address is none of a host: it stands for none, for all or for a group.
    #[error("{address} is no address of a host")]
    NoHost {
        /// The address.
        address: IpAddr,
    },
    /// It has addresses, and none can be reached from where the softphone listens.
    #[error("no address that can be reached from {from}")]
    Unreachable {
        /// Where it listens.
        from: SocketAddr,
    },
    /// Its domain says that there is no such service.
    #[error("its domain has no SIP service")]
    NoService,
    /// What the account asks for is not supported, or contradicts itself.
    #[error("{0}")]
    Unsupported(String),
    /// The DNS gave no answer that could be used.
    #[error("{0}")]
    Failed(String),
}

impl NotFound {
    fn of(error: &Unlocated, listening: SocketAddr) -> Self {
        match error {
            Unlocated::NoAddress => Self::NoAddress,
            Unlocated::NoHost(address) => Self::NoHost { address: *address },
            Unlocated::Unreachable => Self::Unreachable { from: listening },
            Unlocated::NoService => Self::NoService,
            Unlocated::NoTls | Unlocated::Unsupported(_) | Unlocated::Insecure(_) => {
                Self::Unsupported(error.to_string())
            }
            Unlocated::Failed(why) => Self::Failed(why.clone()),
        }
    }
}

/// Why a server cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreached {
    /// Its host says that nobody listens there.
    #[error("nobody listens there")]
    Refused,
    /// TCP was not answered in time.
    #[error("no TCP connection within {} s", .0.as_secs())]
    Silent(Duration),
    /// A socket of ours cannot be bound to where the softphone listens.
    #[error("no socket at {at}: {why}")]
    NotBound {
        /// Where it listens.
        at: SocketAddr,
        /// What the system says.
        why: String,
    },
    /// Its certificate is not accepted.
    #[error("its certificate is not accepted: {0}")]
    Certificate(Distrust),
    /// It took a TCP connection, and does not speak what is spoken over it: TLS, or WebSocket.
    #[error("{0}")]
    Handshake(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

impl Unreached {
    fn of(failure: &Failure, listening: SocketAddr) -> Self {
        match failure {
            Failure::Tcp(error) if error.kind() == io::ErrorKind::ConnectionRefused => Self::Refused,
            Failure::Tcp(error) if error.kind() == io::ErrorKind::AddrNotAvailable => {
                Self::NotBound { at: listening, why: error.to_string() }
            }
            Failure::NotInTime { step: Step::Tcp, patience } => Self::Silent(*patience),
            Failure::Certificate(error) => Self::Certificate(Distrust::of(error)),
            Failure::NotInTime { .. } | Failure::Tls(_) | Failure::WebSocket(_) | Failure::Extension(_) => {
                Self::Handshake(failure.to_string())
            }
            Failure::Tcp(_) | Failure::Name(_) | Failure::Setup(_) | Failure::Address { .. } => {
                Self::Failed(failure.to_string())
            }
        }
    }
}

impl Tried {
    fn at(server: SocketAddr, chosen: Chosen) -> Self {
        let (local, tcp, connected, shown, stun, capabilities, bindings) =
            (None, None, None, None, None, None, None);
        Self { server, chosen, local, tcp, connected, shown, stun, capabilities, bindings }
    }

    /// Returns what the server has answered.
    pub fn answers(&self) -> impl Iterator<Item = &Answered> {
        let capabilities = self.capabilities.as_ref().and_then(|answered| answered.as_ref().ok());
        let bindings = self.bindings.as_ref().and_then(Fetched::response);
        capabilities.into_iter().chain(bindings)
    }

    /// Returns whether it has answered and did not say that it is out of service: another is not tried then (RFC 3263
    /// section 4.3).
    #[must_use]
    pub fn is_in_service(&self) -> bool {
        let decisive = self.bindings.as_ref().map_or_else(|| self.answers().next(), Fetched::response);
        decisive.is_some_and(|response| response.status != 503)
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
        let others = account.extras().other_proxies.iter().map(|proxy| account.through_proxy(proxy.clone()));
        let ways: Vec<Inner> = std::iter::once(account.clone()).chain(others).collect();
        join_all(ways.iter().map(|account| examine(account, &setup, within))).await.into_iter().collect()
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
        let (wanted, began) = (self.wanted(), Instant::now());
        let (places, by) = match find_by(&wanted, self.resolver).await {
            Ok(found) => found,
            Err(error) => {
                examined.not_found = Some(NotFound::of(&error, wanted.listening));
                return;
            }
        };
        examined.found_in = Some(began.elapsed());
        let path = self.account.extras().websocket_path.as_deref();
        let ways = ways_to(&places, by, |transport| Server::of(&wanted.host, wanted.port, transport, path));
        for way in &ways {
            let chosen = way.chosen();
            examined.servers.extend(way.addresses().map(|address| FoundServer { address, chosen }));
        }
        for way in &ways {
            for address in way.addresses() {
                if examined.tried.len() == MOST_TRIED {
                    return;
                }
                examined.tried.push(Tried::at(address, way.chosen()));
                let Some(tried) = examined.tried.last_mut() else { return };
                self.try_one(way.server(), generator, tried).await;
                if tried.is_in_service() {
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

    /// Connects to a server and asks it.
    async fn try_one(self, server: &Server, generator: &mut Generator, tried: &mut Tried) {
        let Some(mut link) = self.open(server, tried).await else { return };
        let answered = self.asker(&mut link, generator).ask(Asks::Capabilities).await;
        let has_ended = matches!(answered, Err(Unanswered::Closed(_) | Unanswered::NotSip));
        tried.capabilities = Some(answered.map(|(_, answered)| answered));
        if !self.account.is_registering {
            return;
        }
        // Who dislikes an OPTIONS may like a REGISTER.
        if has_ended && server.transport.is_reliable() {
            let mut again = Tried::at(tried.server, tried.chosen);
            let Some(other) = self.open(server, &mut again).await else { return };
            (link, tried.local) = (other, again.local);
        }
        tried.bindings = Some(self.asker(&mut link, generator).fetch().await);
    }

    fn asker<'b>(self, link: &'b mut Link, generator: &'b mut Generator) -> Asker<'b>
    where
        Self: 'b,
    {
        Asker::new(self.account, &self.setup.user_agent, link, generator)
    }

    /// Opens a link to a server, and notes what comes of it. By UDP a STUN server is asked first where it sees the socket:
    /// afterwards it is the registrar's alone.
    async fn open(self, server: &Server, tried: &mut Tried) -> Option<Link> {
        let Sockets { udp: listening, tls, .. } = &self.setup.sockets;
        let began = Instant::now();
        let opened = if server.transport == Transport::Udp {
            self.bind(tried).await.map_err(Failure::Tcp)
        } else {
            Link::connect(server, *listening, tls, tried).await
        };
        tried.connected = Some(match &opened {
            Ok(_) => Ok(began.elapsed()),
            Err(failure) => Err(Unreached::of(failure, *listening)),
        });
        let link = opened.ok()?;
        tried.local = Some(link.local());
        Some(link)
    }

    async fn bind(self, tried: &mut Tried) -> io::Result<Link> {
        let link = Link::bind(tried.server, self.setup.sockets.udp).await?;
        if let Some(stun) = &self.setup.stun {
            tried.stun = Some(link.seen_by(stun, &*self.setup.resolver).await);
        }
        link.towards(tried.server).await
    }
}
