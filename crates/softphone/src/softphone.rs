//! The softphone: its sockets and its lines.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ringfence_ua::{Config, Counters};
use tokio::sync::{mpsc, oneshot};

use crate::account::Account;
use crate::call::Ended;
use crate::error::{Error, Kind, Result};
use crate::io::RtpPorts;
use crate::line::Line;
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
}

struct ShardHandle {
    local: SocketAddr,
    commands: mpsc::UnboundedSender<Command>,
}

/// What the application has run within the shards.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) screen: Option<Arc<Screen>>,
    pub(crate) trace: Option<Arc<Trace>>,
    pub(crate) ended: Option<Arc<OnEnded>>,
}

type Screen = dyn Fn(&Invite<'_>) -> Verdict + Send + Sync;
type Trace = dyn Fn(&Traced<'_>) + Send + Sync;
type OnEnded = dyn Fn(&Ended) + Send + Sync;

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

    /// Adds a line and registers it. Resolves when the registrar has accepted, or fails with its
    /// cause when the first attempt failed; the line is then no more.
    ///
    /// An account that does not register becomes a line at once. On the wire: REGISTER, 401, REGISTER with
    /// credentials, 200.
    pub async fn register(&self, account: Account) -> Result<Line> {
        let line = self.line(account).await?;
        let mut registration = line.registration();
        let mut state = registration.state();
        loop {
            match state {
                RegistrationState::Registered { .. } | RegistrationState::Unregistered => return Ok(line),
                RegistrationState::Failed { cause, .. } => {
                    line.remove().await?;
                    return Err(Kind::Registration(cause).into());
                }
                RegistrationState::Registering { .. } => {}
            }
            state = registration.changed().await.ok_or(Kind::Closed)?;
        }
    }

    /// Adds a line, whatever its registrar says: the registration goes on in the background, and is
    /// watched with [`Line::registration`]. An account that does not register is not registered.
    pub async fn line(&self, account: Account) -> Result<Line> {
        let account = Box::new(account.into_inner()?);
        let index = self.inner.next.fetch_add(1, Ordering::Relaxed) % self.inner.shards.len();
        let (done, added) = oneshot::channel();
        let command = Command::AddLine { account, done };
        self.inner.shards[index].commands.send(command).map_err(|_| Kind::Closed)?;
        added.await.map_err(|_| Kind::Closed)?
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

    /// Ends everything: undecided calls are answered 480, each line's own binding is removed at its
    /// registrar, and the sockets are closed when that is done or `grace` has passed.
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
    /// Listens on this address; port 0 takes a free one. `[::]` takes IPv4 too.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Sets the range of ports for media. They are bound call by call; calls have no media yet.
    pub fn rtp_ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.rtp_ports = ports;
        self
    }

    /// Sets what `User-Agent` says. Line ends and control characters become spaces.
    pub fn user_agent(mut self, user_agent: &str) -> Self {
        self.config.user_agent = user_agent.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self
    }

    /// Sets who warns in `Warning: 399 <agent> "…"`, a token or a host (RFC 3261 section 20.43);
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

    /// Decides on each new call before the application is asked, within the shard: `screen` must not
    /// wait. What it panics on is a bug that ends its shard.
    pub fn screen(mut self, screen: impl Fn(&Invite<'_>) -> Verdict + Send + Sync + 'static) -> Self {
        self.hooks.screen = Some(Arc::new(screen));
        self
    }

    /// Shows every datagram, within the shard: `trace` must not wait.
    pub fn trace(mut self, trace: impl Fn(&Traced<'_>) + Send + Sync + 'static) -> Self {
        self.hooks.trace = Some(Arc::new(trace));
        self
    }

    /// Tells how each call ended, screened or not, within the shard: `ended` must not wait.
    pub fn ended(mut self, ended: impl Fn(&Ended) + Send + Sync + 'static) -> Self {
        self.hooks.ended = Some(Arc::new(ended));
        self
    }

    /// Binds the sockets and starts the shards. Nothing is sent.
    ///
    /// Fails when an address cannot be listened on ([`Error::is_address_in_use`]) or the range of RTP ports holds no pair.
    pub async fn start(self) -> Result<Softphone> {
        let rtp_ports = RtpPorts::new(&self.rtp_ports)?;
        let mut shards = Vec::new();
        for index in 0..self.shards {
            let started = self.start_shard(index);
            let handle = started.await.map_err(|_| Kind::Closed).map_err(Error::from).and_then(|shard| shard);
            match handle {
                Ok(shard) => shards.push(shard),
                Err(error) => {
                    let started =
                        Softphone { inner: Arc::new(Inner { shards, next: AtomicUsize::new(0), rtp_ports }) };
                    started.shutdown(Duration::ZERO).await;
                    return Err(error);
                }
            }
        }
        Ok(Softphone { inner: Arc::new(Inner { shards, next: AtomicUsize::new(0), rtp_ports }) })
    }

    /// Starts the thread of one shard, and returns what it says of itself.
    fn start_shard(&self, index: u16) -> oneshot::Receiver<Result<ShardHandle>> {
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
                let _ = started.send(Err(error));
            }
        };
        // Where no thread can be had, `started` is dropped, which tells.
        if let Err(error) = std::thread::Builder::new().name(format!("softphone-{index}")).spawn(run) {
            tracing::error!(%error, "no thread for a shard");
        }
        result
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
    started: oneshot::Sender<Result<ShardHandle>>,
) {
    match Shard::bind(index, address, hooks, &config) {
        Ok(shard) => {
            let handle = ShardHandle { local: shard.local(), commands: shard.commands() };
            if started.send(Ok(handle)).is_ok() {
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
