//! The softphone: its sockets and its lines.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use ringfence_ua::{Config, Counters};
use tokio::sync::{mpsc, oneshot};

use crate::account::Account;
use crate::call::Ended;
use crate::error::{Kind, Result};
use crate::hooks::Hooks;
use crate::io::RtpPorts;
use crate::line::{Line, NewLine};
use crate::registration::RegistrationState;
use crate::screen::{Invite, Verdict};
use crate::shard::{Command, Shard};
use crate::trace::Traced;

/// A softphone: sockets, and the lines that use them. A clone is the same softphone; dropping one
/// changes nothing: it runs until [`Softphone::shutdown`] or the end of the process.
///
/// ```no_run
/// use softphone::{Account, Reject, Softphone};
///
/// # async fn run() -> softphone::Result<()> {
/// let phone = Softphone::builder().rtp_ports(5000..=10000).start().await?;
/// let line = phone.register(Account::new("sip:858@192.0.2.1")?.password("secret")).await?;
/// while let Some(call) = line.incoming().await {
///     call.reject(Reject::busy().warning("User reject")).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Softphone {
    inner: Arc<Inner>,
}

struct Inner {
    shards: Vec<ShardHandle>,
    /// Which shard gets the next line.
    next: AtomicUsize,
    rtp_ports: RtpPorts,
    hook_panics: Arc<AtomicU64>,
}

#[derive(Clone)]
struct ShardHandle {
    local: SocketAddr,
    commands: mpsc::UnboundedSender<Command>,
}

/// A shard of a softphone that nobody has yet: dropped before it is kept, the shard ends.
struct NewShard {
    handle: ShardHandle,
    is_kept: bool,
}

impl Softphone {
    /// Returns a builder with the defaults: any free port of every IPv4 interface, RTP ports 5000 to 10000, one shard.
    pub fn builder() -> Builder {
        Builder {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            rtp_ports: 5000..=10000,
            shards: 1,
            config: Config::new(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))),
            hooks: Hooks::default(),
        }
    }

    /// Adds a line and registers it (RFC 3261 section 10.2). Resolves when the registrar has accepted.
    ///
    /// Fails with the cause of the first attempt ([`Error::cause`]), of which silence for 32 s is one; the line is then
    /// no more. An account that does not register becomes a line at once. Dropped before it resolves, it leaves no
    /// line behind: what was registered in the meantime is unregistered.
    ///
    /// On the wire: REGISTER, 401, REGISTER with credentials, 200.
    ///
    /// [`Error::cause`]: crate::Error::cause
    pub async fn register(&self, account: Account) -> Result<Line> {
        let is_registering = account.is_registering();
        let line = self.add(account).await?;
        if !is_registering {
            return Ok(line.keep());
        }
        let mut registration = line.registration();
        let mut state = registration.state();
        loop {
            match state {
                RegistrationState::Registered { .. } => return Ok(line.keep()),
                RegistrationState::Failed { cause, .. } => {
                    // Where the softphone was shut down meanwhile, the line is no more either.
                    let _ = line.keep().remove().await;
                    return Err(Kind::Registration(cause).into());
                }
                // Nobody else has the line: what unregisters it is the end of the softphone.
                RegistrationState::Unregistered => return Err(Kind::Closed.into()),
                RegistrationState::Registering { .. } => {}
            }
            state = registration.changed().await.ok_or(Kind::Closed)?;
        }
    }

    /// Adds a line, whatever its registrar says: the registration goes on in the background, and is
    /// watched with [`Line::registration`]. An account that does not register is not registered.
    ///
    /// Fails when the account's proxy is none, when there are 100,000 lines in its shard, or when the softphone was
    /// shut down. Dropped before it resolves, it leaves no line behind.
    pub async fn line(&self, account: Account) -> Result<Line> {
        self.add(account).await.map(NewLine::keep)
    }

    /// Returns the addresses that are listened on, one a shard.
    #[must_use]
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.inner.shards.iter().map(|shard| shard.local).collect()
    }

    /// Returns the range of ports that media will use.
    #[must_use]
    pub fn rtp_ports(&self) -> RtpPorts {
        self.inner.rtp_ports
    }

    /// Returns what was counted since the start, over all shards.
    pub async fn counters(&self) -> Result<Counters> {
        let mut sum = Counters::default();
        for shard in &self.inner.shards {
            let (done, counted) = oneshot::channel();
            shard.commands.send(Command::Count { done }).map_err(|_| Kind::Closed)?;
            sum = sum.plus(counted.await.map_err(|_| Kind::Closed)?);
        }
        Ok(sum)
    }

    /// Returns how often a hook of the application ([`Builder::screen`] and its like) has panicked.
    #[must_use]
    pub fn hook_panics(&self) -> u64 {
        self.inner.hook_panics.load(Ordering::Relaxed)
    }

    /// Ends everything: undecided calls are answered 480, each line's own binding is removed at its
    /// registrar, and the sockets are closed when that is done or `grace` has passed.
    ///
    /// When it resolves the sockets are closed, [`Line::incoming`] has nothing more, and what is asked of the
    /// softphone fails ([`Error::is_closed`]). Dropped before it resolves, it goes on. A second one while the first
    /// goes on resolves with it, and may shorten the grace.
    ///
    /// On the wire: 480 to each undecided call; for each line REGISTER with the line's own Contact and `expires=0`.
    ///
    /// [`Error::is_closed`]: crate::Error::is_closed
    pub async fn shutdown(&self, grace: Duration) {
        let mut ending = Vec::new();
        for shard in &self.inner.shards {
            let (done, ended) = oneshot::channel();
            if shard.commands.send(Command::Shutdown { grace, done }).is_ok() {
                ending.push(ended);
            }
        }
        for ended in ending {
            // A shard that is gone has ended.
            let _ = ended.await;
        }
    }

    async fn add(&self, account: Account) -> Result<NewLine> {
        let account = Box::new(account.into_inner()?);
        let index = self.inner.next.fetch_add(1, Ordering::Relaxed) % self.inner.shards.len();
        let (done, added) = oneshot::channel();
        let command = Command::AddLine { account, done };
        self.inner.shards[index].commands.send(command).map_err(|_| Kind::Closed)?;
        added.await.map_err(|_| Kind::Closed)?
    }

    fn new(shards: Vec<NewShard>, rtp_ports: RtpPorts, hooks: &Hooks) -> Self {
        let shards = shards.into_iter().map(NewShard::keep).collect();
        let (next, hook_panics) = (AtomicUsize::new(0), hooks.panics());
        Self { inner: Arc::new(Inner { shards, next, rtp_ports, hook_panics }) }
    }
}

impl fmt::Debug for Softphone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Softphone").field("local_addresses", &self.local_addresses()).finish_non_exhaustive()
    }
}

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
    listen: SocketAddr,
    rtp_ports: RangeInclusive<u16>,
    shards: u16,
    config: Config,
    hooks: Hooks,
}

impl Builder {
    /// Listens on this address with UDP (default `0.0.0.0:0`); port 0 takes a free one. `[::]` takes IPv4 too. With a
    /// wildcard, each line's Contact is the local address of the route to its registrar.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Sets the range of ports for media (default 5000 to 10000), which holds at least an even one and its next. They are
    /// bound call by call; calls have no media yet.
    pub fn rtp_ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.rtp_ports = ports;
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

    /// Spreads the lines over so many threads, each with its own socket (default 1, at least 1). With a fixed port the
    /// n-th shard listens n ports above it.
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
    pub fn screen(mut self, screen: impl Fn(&Invite<'_>) -> Verdict + Send + Sync + 'static) -> Self {
        self.hooks.screen = Some(Arc::new(screen));
        self
    }

    /// Shows every datagram as it comes and as it is about to go. It runs within the shard: it must not wait. A panic
    /// of it is counted ([`Softphone::hook_panics`]).
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

    /// Binds the sockets and starts the shards, a thread each. Nothing is sent.
    ///
    /// Fails when an address cannot be listened on ([`Error::is_address_in_use`]) or the range of RTP ports holds no
    /// pair; no socket is then left open. Needs no runtime of a certain kind: the shards bring their own.
    ///
    /// [`Error::is_address_in_use`]: crate::Error::is_address_in_use
    pub async fn start(self) -> Result<Softphone> {
        let rtp_ports = RtpPorts::new(&self.rtp_ports)?;
        let mut shards = Vec::new();
        for index in 0..self.shards {
            match self.start_shard(index).await {
                Ok(shard) => shards.push(shard),
                Err(error) => {
                    Softphone::new(shards, rtp_ports, &self.hooks).shutdown(Duration::ZERO).await;
                    return Err(error);
                }
            }
        }
        Ok(Softphone::new(shards, rtp_ports, &self.hooks))
    }

    /// Starts the thread of one shard.
    async fn start_shard(&self, index: u16) -> Result<NewShard> {
        let (hooks, config) = (self.hooks.clone(), self.config.clone());
        let mut address = self.listen;
        if address.port() != 0 {
            address.set_port(address.port().saturating_add(index));
        }
        let (started, result) = oneshot::channel();
        let run = move || match runtime() {
            Ok(runtime) => {
                runtime.block_on(serve(index, address, hooks, config, started));
                // A look-up that still waits for the system's resolver is not waited for.
                runtime.shutdown_background();
            }
            Err(error) => {
                // Who asked may have gone.
                let _ = started.send(Err(error));
            }
        };
        std::thread::Builder::new()
            .name(format!("softphone-{index}"))
            .spawn(run)
            .map_err(|error| Kind::System { what: "no thread for a shard", error })?;
        result.await.map_err(|_| Kind::Closed)?
    }
}

impl NewShard {
    fn keep(mut self) -> ShardHandle {
        self.is_kept = true;
        self.handle.clone()
    }
}

impl Drop for NewShard {
    fn drop(&mut self) {
        if !self.is_kept {
            let (done, _) = oneshot::channel();
            // A shard that is gone has ended.
            let _ = self.handle.commands.send(Command::Shutdown { grace: Duration::ZERO, done });
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("listen", &self.listen)
            .field("shards", &self.shards)
            .finish_non_exhaustive()
    }
}

async fn serve(
    index: u16,
    address: SocketAddr,
    hooks: Hooks,
    config: Config,
    started: oneshot::Sender<Result<NewShard>>,
) {
    match Shard::bind(index, address, hooks, &config) {
        Ok(shard) => {
            let handle = ShardHandle { local: shard.local(), commands: shard.commands() };
            if started.send(Ok(NewShard { handle, is_kept: false })).is_ok() {
                shard.run().await;
            }
        }
        Err(error) => {
            // Who asked may have gone.
            let _ = started.send(Err(error));
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error: io::Error| Kind::System { what: "no runtime for a shard", error }.into())
}
