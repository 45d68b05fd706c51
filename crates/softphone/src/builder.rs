//! What a softphone is made of.

mod starting;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use ringfence_ua::{Config, Transport, Trying};

use crate::account::without_password;
use crate::attendant::Desk;
use crate::call::Ended;
use crate::error::{Kind, Result};
use crate::examine::Setup;
use crate::hooks::Hooks;
use crate::instance::{INSTANCE, is_urn};
use crate::io::locate::Names;
use crate::io::resolver::system::System;
use crate::io::streams::Room;
use crate::io::stun::{STUN_SERVER, StunServer};
use crate::io::{Resolver, RtpPorts};
use crate::screen::{Invite, Verdict};
use crate::shard::Sockets;
use crate::softphone::Softphone;
use crate::tls::Tls;
use crate::trace::Traced;

/// What a softphone will be. Nothing is bound before [`Builder::start`].
///
/// ```
/// use softphone::{Reject, Softphone, Verdict};
///
/// let busy = Reject::busy().warning("User reject");
/// let builder = Softphone::builder()
///     .listen("127.0.0.1:0".parse()?)
///     .user_agent("reception/1.0")
///     .screen(move |invite| if invite.is_private() { busy.clone().into() } else { Verdict::Offer });
/// # drop(builder);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[must_use]
pub struct Builder {
    sockets: Sockets,
    instance: Option<String>,
    stun: Option<String>,
    shards: u16,
    processors: Vec<u16>,
    config: Config,
    hooks: Hooks,
    resolver: Option<Arc<dyn Resolver>>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        Self {
            sockets: Sockets {
                udp: any,
                streams: BTreeMap::new(),
                tls: Tls::new(),
                origins: None,
                room: Room::of_process(1),
                rtp_ports: 5000..=10000,
                stun: None,
                busy_poll: Duration::ZERO,
            },
            instance: None,
            stun: None,
            shards: 1,
            processors: Vec::new(),
            config: Config::new(any),
            hooks: Hooks::default(),
            resolver: None,
        }
    }

    /// Listens on this address with UDP (default `0.0.0.0:0`); port 0 takes a free one. `[::]` takes IPv4 too. With a
    /// wildcard, each line's Contact is the local address of the route to its registrar.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.sockets.udp = address;
        self
    }

    /// Takes TCP connections on this address too, and so calls of those who may ring by UDP (default: nobody connects to
    /// us; lines whose account says so connect to their registrar). Port 0 takes a free one.
    ///
    /// Of one peer 64 connections are taken at once and 4,096 in all, in each shard, and for no more than half of the files
    /// that the process may have open; strangers have a quarter of that. One over which nothing whole comes for 11 minutes,
    /// or which takes more than 30 s for a message, is closed; so is that of a stranger after his first message or 30 s.
    pub fn listen_tcp(self, address: SocketAddr) -> Self {
        self.listen_by(Transport::Tcp, address)
    }

    /// Takes TLS connections on this address too, with the certificate of [`Builder::tls`], without which
    /// [`Builder::start`] fails. Limits are those of [`Builder::listen_tcp`].
    pub fn listen_tls(self, address: SocketAddr) -> Self {
        self.listen_by(Transport::Tls, address)
    }

    /// Takes WebSocket connections on this address too (RFC 7118; the subprotocol is `sip`), of pages or of servers. A
    /// page's calls come from the address of who looks at it: they ring a line that is [`Account::open_to_everyone`], or of
    /// which that address is a [`Account::peer`]. Limits are those of [`Builder::listen_tcp`].
    ///
    /// [`Account::open_to_everyone`]: crate::Account::open_to_everyone
    /// [`Account::peer`]: crate::Account::peer
    pub fn listen_ws(self, address: SocketAddr) -> Self {
        self.listen_by(Transport::Ws, address)
    }

    /// Takes WebSocket connections over TLS on this address too: both what [`Builder::listen_ws`] and what
    /// [`Builder::listen_tls`] say.
    pub fn listen_wss(self, address: SocketAddr) -> Self {
        self.listen_by(Transport::Wss, address)
    }

    /// Takes WebSocket connections of the pages of these sites alone, each written as `https://phone.example` or
    /// `https://phone.example:8443` (default: of any page); a browser names no port that the scheme has anyway. A page that comes from elsewhere is answered 403 (RFC 6455 section
    /// 10.2). A client that is no browser says of no page that it comes from it, and is taken whatever is set here.
    ///
    /// A browser connects wherever a page has it connect, also to a softphone in its own network or on its own machine, and its
    /// calls come from the address of that machine.
    pub fn ws_origins(mut self, origins: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.sockets.origins = Some(origins.into_iter().map(Into::into).collect());
        self
    }

    /// Sets whom TLS trusts, and who we are on it (default: whom the system trusts, and nobody).
    pub fn tls(mut self, tls: Tls) -> Self {
        self.sockets.tls = tls;
        self
    }

    /// Sets the range of ports for media (default 5000 to 10000), which holds at least an even one and its next. They are
    /// bound call by call; calls have no media yet.
    pub fn rtp_ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.sockets.rtp_ports = ports;
        self
    }

    /// Asks this STUN server, such as `stun.example.com` or `192.0.2.1:3478`, where it sees each port of media before a peer
    /// is told of it (RFC 8489; default: nobody is asked, and peers are told the local address). Accounts with a
    /// [`public_address`](crate::Account::public_address) do not need it. It says nothing of a line's Contact, which is where
    /// its registrar sees it.
    ///
    /// [`Builder::start`] fails where it is none; nothing is sent before a call has media.
    pub fn stun_server(mut self, server: &str) -> Self {
        self.stun = Some(server.to_owned());
        self
    }

    /// Sets what `User-Agent` says in every request and response (default `ringfence/` and its version). Line ends and
    /// control characters become spaces.
    pub fn user_agent(mut self, user_agent: &str) -> Self {
        self.config.user_agent = user_agent.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self
    }

    /// Sets who warns in `Warning: 399 <agent> "…"`, a token or a host (RFC 3261 section 20.43; default `ringfence`);
    /// what no token has becomes `-`.
    pub fn warning_agent(mut self, agent: &str) -> Self {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-.!%*_+`'~:[]".contains(c);
        let agent: String = agent.chars().map(|c| if is_allowed(c) { c } else { '-' }).collect();
        self.config.warning_agent = if agent.is_empty() { "-".to_owned() } else { agent };
        self
    }

    /// Tells registrars which device this is (default: they are not told): a URN that is made once, by
    /// [`new_instance_id`](crate::new_instance_id), kept by the application, and never changes (RFC 5626 section 4.1). Each line's own instance-id is made
    /// of it, of its address-of-record and its label: a registrar that knows RFC 5626 then has a line that comes back
    /// with another address take the place of its old binding, and sends its calls over the flow that it
    /// registered over. Two lines of one address-of-record need labels of their own.
    ///
    /// [`Builder::start`] fails where it is no URN.
    pub fn instance_id(mut self, urn: &str) -> Self {
        self.instance = Some(urn.to_owned());
        self
    }

    /// Says when an INVITE is answered 100 Trying (default [`Trying::AtOnce`]; RFC 3261 section 17.2.1).
    pub fn trying(mut self, trying: Trying) -> Self {
        self.config.trying = trying;
        self
    }

    /// Takes so many new requests of one address (or IPv6 network) a second, for each shard, and as many at once (default: no limit).
    /// What is beyond is answered 503 Service Unavailable with `Retry-After: 1` (RFC 3261 section 21.5.4) and is neither shown to the
    /// screen nor told; on a line that is open to everyone it is not answered. Of BYE and CANCEL those that end a call are none of it, a
    /// BYE of no call is answered 481 beyond it, and a CANCEL of no call not at all.
    /// [`Counters::over_rate`](crate::Counters::over_rate) counts what is beyond.
    pub fn requests_per_source(mut self, a_second: NonZeroU32) -> Self {
        self.config.limits.requests_per_source = Some(a_second);
        self
    }

    /// Has the n-th shard run on the n-th of these processors, and again from the first where there are more shards
    /// (default: wherever the system has it run). One that cannot be had is logged and left to the system; systems other
    /// than Linux leave them all.
    pub fn processors(mut self, processors: &[u16]) -> Self {
        self.processors = processors.to_vec();
        self
    }

    /// Has each shard ask again and again for datagrams until so long after the last one, before it sleeps (default: it sleeps
    /// at once). What comes meanwhile is answered without the delay of being woken, and a processor is busy all the while:
    /// give each shard one of its own ([`Builder::processors`]). Datagrams of strangers keep it busy as others do; what comes
    /// over connections gains nothing.
    pub fn busy_poll(mut self, after_the_last: Duration) -> Self {
        self.sockets.busy_poll = after_the_last;
        self
    }

    /// Looks names up with this resolver (default: `/etc/hosts`, the servers of `/etc/resolv.conf`, and what else the
    /// system knows). It is called on a thread of the softphone's own, which it must not block
    /// (`tokio::task::spawn_blocking` is for that), or no line finds its servers meanwhile; one that panics has failed.
    pub fn resolver(mut self, resolver: impl Resolver + 'static) -> Self {
        self.resolver = Some(Arc::new(resolver));
        self
    }

    /// Spreads the lines over so many threads, each with its own socket (default 1, at least 1). With a fixed port the
    /// n-th shard, counted from 0, listens n ports above it. Lines that do not register are on the first one unless
    /// [`Account::shard`](crate::Account::shard) says another.
    pub fn shards(mut self, shards: u16) -> Self {
        self.shards = shards.max(1);
        self
    }

    /// Decides on each new call before the application is asked and before anything is answered. One screen serves all
    /// shards, at once.
    ///
    /// It runs within the shard, which does nothing else meanwhile: it must not wait. A call that it panics on is
    /// offered to the application ([`Verdict::Offer`]); the panic is logged, the first time, and counted
    /// ([`Softphone::hook_panics`]).
    pub fn screen(self, screen: impl Fn(&Invite<'_>) -> Verdict + Send + Sync + 'static) -> Self {
        self.screen_together(move |invites, verdicts| invites.iter().for_each(|it| verdicts.push(screen(it))))
    }

    /// Decides as [`Builder::screen`] does, on calls that came together, [`MOST_TOGETHER`](crate::MOST_TOGETHER) at most: pushes a
    /// verdict for each, in their order. It is for a screen whose code is more than a core's first cache holds. A call without
    /// a verdict is offered; where it panics that is the first without one, and it is asked again for those behind.
    pub fn screen_together(
        mut self,
        screen: impl Fn(&[Invite<'_>], &mut Vec<Verdict>) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.screen = Some(Arc::new(screen));
        self
    }

    /// Shows every datagram as it comes and as it is about to go. It runs within the shard: it must not wait. Its panics are counted.
    pub fn trace(mut self, trace: impl Fn(&Traced<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.trace = Some(Arc::new(trace));
        self
    }

    /// Tells how each call ended, screened or not, once it has: for a rejection that is its ACK, or 32 s without one.
    /// It runs within the shard: it must not wait. A panic of it is counted ([`Softphone::hook_panics`]).
    pub fn ended(mut self, ended: impl Fn(&Ended) + Send + Sync + 'static) -> Self {
        self.hooks.ended = Some(Arc::new(ended));
        self
    }

    /// Binds the sockets and starts the shards, a thread each, and one that looks names up. Nothing is sent.
    ///
    /// Fails when an address cannot be listened on ([`Error::is_address_in_use`]) or the range of RTP ports holds no
    /// pair; no socket is then left open. Needs no runtime of a certain kind: the shards bring their own.
    ///
    /// [`Error::is_address_in_use`]: crate::Error::is_address_in_use
    pub async fn start(mut self) -> Result<Softphone> {
        let rtp_ports = RtpPorts::new(&self.sockets.rtp_ports)?;
        self.sockets.stun = self.stun_to_ask()?;
        self.sockets.room = Room::of_process(self.shards);
        let instance = self.device()?;
        let names = Names::start(self.names_resolver())?;
        let mut shards = Vec::new();
        for index in 0..self.shards {
            match self.start_shard(index, names.clone()).await {
                Ok(shard) => shards.push(shard),
                Err(error) => {
                    Softphone::new(shards, rtp_ports, None, &self.hooks).shutdown(Duration::ZERO).await;
                    return Err(error);
                }
            }
        }
        Ok(Softphone::new(shards, rtp_ports, instance, &self.hooks))
    }

    pub(crate) fn attended_at(mut self, desk: Desk) -> Self {
        self.hooks.desk = Some(desk);
        self
    }

    /// Returns what accounts are examined with.
    pub(crate) fn setup(&self) -> Result<Setup> {
        Ok(Setup {
            resolver: self.names_resolver(),
            sockets: self.sockets.clone(),
            stun: self.stun_to_ask()?,
            instance: self.device()?,
            user_agent: self.config.user_agent.clone(),
        })
    }

    fn names_resolver(&self) -> Arc<dyn Resolver> {
        self.resolver.clone().unwrap_or_else(|| Arc::new(System::new()))
    }

    /// Returns what registrars are told of which device this is.
    fn device(&self) -> Result<Option<Arc<str>>> {
        match self.instance.as_deref() {
            Some(urn) if !is_urn(urn) => {
                Err(Kind::Account { expected: INSTANCE, got: urn.to_owned() }.into())
            }
            instance => Ok(instance.map(Arc::from)),
        }
    }

    fn listen_by(mut self, transport: Transport, address: SocketAddr) -> Self {
        self.sockets.streams.insert(transport, address);
        self
    }

    fn stun_to_ask(&self) -> Result<Option<StunServer>> {
        let read = |text: &String| {
            let invalid = || Kind::Account { expected: STUN_SERVER, got: without_password(text) };
            StunServer::read(text).ok_or_else(invalid)
        };
        Ok(self.stun.as_ref().map(read).transpose()?)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("sockets", &self.sockets)
            .field("shards", &self.shards)
            .finish_non_exhaustive()
    }
}
