//! The softphone: its sockets and its lines.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use ringfence_ua::{Counters, Removals, Transport};
use tokio::sync::{mpsc, oneshot};

use crate::account::Account;
use crate::builder::Builder;
use crate::error::{Kind, Result};
use crate::hooks::Hooks;
use crate::io::RtpPorts;
use crate::line::{Line, NewLine};
use crate::listener::Listener;
use crate::registration::RegistrationState;
use crate::shard::Command;
use crate::tls::Tls;

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
    /// What its lines' instance-ids are made of.
    instance: Option<Arc<str>>,
    hook_panics: Arc<AtomicU64>,
}

#[derive(Clone)]
pub(crate) struct ShardHandle {
    pub(crate) local: SocketAddr,
    /// Where others connect to.
    pub(crate) listening: Vec<Listener>,
    pub(crate) commands: mpsc::UnboundedSender<Command>,
}

/// A shard of a softphone that nobody has yet: dropped before it is kept, the shard ends.
pub(crate) struct NewShard {
    handle: ShardHandle,
    is_kept: bool,
}

impl Softphone {
    /// Returns a builder with the defaults: any free port of every IPv4 interface, RTP ports 5000 to 10000, one shard.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Adds a line and registers it (RFC 3261 section 10.2). Resolves when the registrar has accepted.
    ///
    /// Fails with the cause of the first attempt ([`Error::cause`]), of which silence for 32 s is one; the line is then
    /// no more. An account that does not register becomes a line at once. Dropped before it resolves, it leaves no
    /// line behind: what was registered in the meantime is unregistered.
    ///
    /// On the wire: REGISTER, 401, REGISTER with credentials, 200. Of the lines of one server a hundred in each shard are asked for at
    /// once, and the next with each answer, or after 10 ms without one.
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
                    // Its removal goes on: a registrar that is silent is not waited for once more.
                    drop(line);
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

    /// Returns where the softphone is reached: by UDP, and by what [`Builder::listen_tcp`], [`Builder::listen_tls`],
    /// [`Builder::listen_ws`] and [`Builder::listen_wss`] have added. They are sorted by transport, UDP first; of each
    /// transport there is one a shard.
    #[must_use]
    pub fn listeners(&self) -> Vec<Listener> {
        let shards = self.inner.shards.iter();
        let mut listeners: Vec<Listener> = shards.flat_map(ShardHandle::listeners).collect();
        listeners.sort_by_key(|listener| listener.transport);
        listeners
    }

    /// Returns the addresses that are listened on by UDP, one a shard.
    #[must_use]
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        self.inner.shards.iter().map(|shard| shard.local).collect()
    }

    /// Has TLS connections made and taken with other certificates from now on, in place of those of [`Builder::tls`].
    /// Those that are being opened by TLS begin anew; those that are open stay, unless their server's certificate would not be
    /// accepted any more: they are closed, and their lines register again and say why they cannot. Lines for which there was
    /// no connection by TLS try again at once.
    ///
    /// Fails when it is listened by TLS and there is no certificate to show, and changes nothing then; and when the
    /// softphone was shut down.
    ///
    /// Dropped before it resolves, it goes on.
    pub async fn set_tls(&self, tls: Tls) -> Result<()> {
        // What would fail in one shard is found out before there is another that has changed.
        if self.listeners().iter().any(|listener| listener.transport.is_encrypted()) {
            tls.server()?;
        }
        let mut setting = Vec::new();
        for shard in &self.inner.shards {
            let (done, set) = oneshot::channel();
            shard.commands.send(Command::SetTls { tls: tls.clone(), done }).map_err(|_| Kind::Closed)?;
            setting.push(set);
        }
        for set in setting {
            set.await.map_err(|_| Kind::Closed)??;
        }
        Ok(())
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

    /// Ends everything: undecided calls are answered 480, as are those that come from now on and would wait; each line's own binding
    /// is removed at its registrar; and the sockets are closed when that is done and the answers to calls are acknowledged, which
    /// is waited for 2 s at most (RFC 3261 section 17.2.1), or when `grace` has passed. What was written to connections may take
    /// another 2 s to leave.
    ///
    /// When it resolves the sockets are closed, each line's registration was told `Unregistered`, [`Line::incoming`] has nothing more, and what is asked of the
    /// softphone fails ([`Error::is_closed`]). Dropped before it resolves, it goes on. A second one while the first
    /// goes on resolves with it, and may shorten the grace.
    ///
    /// Returns what became of the bindings of all lines, those that were being removed already among them; one that comes after
    /// the end finds none.
    ///
    /// On the wire: 480 to each undecided call; for each line REGISTER with the line's own Contact and `expires=0`, in turns as with
    /// [`Line::unregister`]: a grace that thousands of lines are to have enough of grows with them.
    ///
    /// [`Error::is_closed`]: crate::Error::is_closed
    pub async fn shutdown(&self, grace: Duration) -> Removals {
        let mut ending = Vec::new();
        for shard in &self.inner.shards {
            let (done, ended) = oneshot::channel();
            if shard.commands.send(Command::Shutdown { grace, done }).is_ok() {
                ending.push(ended);
            }
        }
        let mut removals = Removals::default();
        for ended in ending {
            // A shard that is gone has ended.
            removals = removals.plus(ended.await.unwrap_or_default());
        }
        removals
    }

    async fn add(&self, account: Account) -> Result<NewLine> {
        let (own, shards) = (account.own_shard(), &self.inner.shards);
        let mut account = Box::new(account.into_inner()?);
        account.instance.clone_from(&self.inner.instance);
        let any = || self.inner.next.fetch_add(1, Ordering::Relaxed) % shards.len();
        let index = own.map_or_else(any, usize::from);
        let shard = shards.get(index).ok_or_else(|| {
            let got = format!("shard {index} of {}", shards.len());
            Kind::Account { expected: "a shard that the softphone has, counted from 0", got }
        })?;
        let (done, added) = oneshot::channel();
        let command = Command::AddLine { account, done };
        shard.commands.send(command).map_err(|_| Kind::Closed)?;
        added.await.map_err(|_| Kind::Closed)?
    }

    pub(crate) fn new(
        shards: Vec<NewShard>,
        rtp_ports: RtpPorts,
        instance: Option<Arc<str>>,
        hooks: &Hooks,
    ) -> Self {
        let shards = shards.into_iter().map(NewShard::keep).collect();
        let (next, hook_panics) = (AtomicUsize::new(0), hooks.panics());
        Self { inner: Arc::new(Inner { shards, next, rtp_ports, instance, hook_panics }) }
    }
}

impl ShardHandle {
    fn listeners(&self) -> impl Iterator<Item = Listener> {
        let udp = Listener { transport: Transport::Udp, address: self.local };
        std::iter::once(udp).chain(self.listening.iter().copied())
    }
}

impl fmt::Debug for Softphone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Softphone").field("listeners", &self.listeners()).finish_non_exhaustive()
    }
}

impl NewShard {
    pub(crate) fn new(handle: ShardHandle) -> Self {
        Self { handle, is_kept: false }
    }

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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::task::Poll;

    use super::*;

    /// A softphone whose shards are the receivers, and each listens by this besides.
    fn of_shards(
        count: usize,
        transport: Option<Transport>,
    ) -> (Softphone, Vec<mpsc::UnboundedReceiver<Command>>) {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 5060));
        let shard = |_| {
            let (commands, shard) = mpsc::unbounded_channel();
            let listening = transport.map(|transport| Listener { transport, address: local });
            let listening = listening.into_iter().collect();
            (NewShard::new(ShardHandle { local, listening, commands }), shard)
        };
        let (handles, shards) = (0..count).map(shard).unzip();
        let rtp_ports = RtpPorts::new(&(5000..=10000)).unwrap();
        (Softphone::new(handles, rtp_ports, None, &Hooks::default()), shards)
    }

    /// Returns how far something gets by itself, and drops it.
    async fn polled_once<T>(future: impl Future<Output = T>) -> Poll<T> {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
    }

    #[tokio::test]
    async fn certificates_are_set_in_all_shards_though_nobody_waits_for_that() {
        let (phone, mut shards) = of_shards(3, None);
        assert!(polled_once(phone.set_tls(Tls::new())).await.is_pending());
        for shard in &mut shards {
            assert!(matches!(shard.try_recv(), Ok(Command::SetTls { .. })));
        }
    }

    #[tokio::test]
    async fn certificates_that_cannot_be_shown_change_no_shard() {
        for transport in [Transport::Tls, Transport::Wss] {
            let (phone, mut shards) = of_shards(3, Some(transport));
            assert!(matches!(polled_once(phone.set_tls(Tls::new())).await, Poll::Ready(Err(_))));
            assert!(shards.iter_mut().all(|shard| shard.try_recv().is_err()));
        }
    }

    #[tokio::test]
    async fn who_waits_for_a_shard_that_dies_is_told_so() {
        let (phone, shards) = of_shards(1, None);
        let account = Account::new("858@127.0.0.1").unwrap();
        let mut adding = std::pin::pin!(phone.line(account.clone()));
        let mut counting = std::pin::pin!(phone.counters());
        let mut leaving = std::pin::pin!(phone.shutdown(Duration::MAX));
        std::future::poll_fn(|context| {
            assert!(adding.as_mut().poll(context).is_pending());
            assert!(counting.as_mut().poll(context).is_pending());
            assert!(leaving.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(shards);
        assert!(adding.await.unwrap_err().is_closed());
        assert!(counting.await.unwrap_err().is_closed());
        leaving.await;
        assert!(phone.register(account).await.unwrap_err().is_closed());
    }
}
