//! A PBX and callers on real sockets of the loopback interface, and the softphone that they are to meet.
//!
//! Nothing here sleeps: every wait is for something that happens, and [`PATIENCE`] only fails.

#![allow(dead_code, reason = "each test that shares it uses a part of it")]

pub(crate) mod authority;
pub(crate) mod connections;
mod witness;

pub(crate) mod zone {
    use softphone::{Lookup, LookupError, Naptr, Records, Resolver, Srv};

    include!("zone.rs");
}

use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Poll;
use std::time::{Duration, Instant};

use ringfence_testing::{
    CallId, CallPlan, Caller, Direction, Mode, Node, Outcome, Pbx, PbxConfig, PbxEvent, Record, Witness,
};
use softphone::{Account, Builder, Ended, Softphone};
use tokio::net::UdpSocket;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::AbortHandle;
use witness::Witnessed;

/// Longer than anything waited for here takes on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for what must come.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("something that was waited for has not happened")
}

/// One host on a real socket.
pub(crate) struct Host<N: Witnessed> {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared<N>>,
    run: AbortHandle,
}

struct Shared<N> {
    node: Mutex<N>,
    /// Hears of all that the node writes down, until the host goes.
    witness: Mutex<Option<Witness>>,
    /// Wakes the task that sends what the node wants sent.
    wake: Notify,
    /// Tells who waits that the node has been given something.
    changed: watch::Sender<()>,
    /// Asks for the connections to be closed, where there are any.
    disconnect: Notify,
}

impl<N: Node + Witnessed + Send> Host<N> {
    /// Binds a free port of an address, and runs the node that is made for it.
    pub(crate) async fn start(ip: &str, make: impl FnOnce(SocketAddr) -> N) -> Self {
        let socket = UdpSocket::bind(SocketAddr::new(ip.parse().unwrap(), 0)).await.unwrap();
        let address = socket.local_addr().unwrap();
        let shared = Shared::new(address, make(address));
        let run = tokio::spawn(run(socket, Arc::clone(&shared))).abort_handle();
        Self { address, shared, run }
    }

    /// Takes that nobody accepts connections here: what is too long for UDP may come by it.
    pub(crate) fn refuse_connections(&self) {
        self.shared.witness.lock().unwrap().as_mut().unwrap().refuse_connections();
    }

    /// Tells the node something.
    pub(crate) fn with<T>(&self, tell: impl FnOnce(&mut N, Instant) -> T) -> T {
        let told = tell(&mut self.shared.lock(), Instant::now());
        self.shared.wake.notify_one();
        told
    }

    /// Asks the node something.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&N) -> T) -> T {
        ask(&self.shared.lock())
    }

    /// Waits until the node has an answer.
    pub(crate) async fn until<T>(&self, ask: impl Fn(&N) -> Option<T>) -> T {
        let mut changed = self.shared.changed.subscribe();
        soon(async {
            loop {
                if let Some(answer) = self.ask(&ask) {
                    return answer;
                }
                changed.changed().await.expect("the host runs as long as it is asked");
            }
        })
        .await
    }
}

impl<N: Witnessed> Drop for Host<N> {
    fn drop(&mut self) {
        self.run.abort();
        if !std::thread::panicking() {
            self.shared.hear();
            // Here it judges, and not where the last of those that run ends.
            drop(self.shared.witness.lock().unwrap().take());
        }
    }
}

impl<N> Shared<N> {
    fn lock(&self) -> MutexGuard<'_, N> {
        self.node.lock().unwrap()
    }
}

impl<N: Witnessed> Shared<N> {
    /// Has the witness hear of what is new.
    fn hear(&self) {
        if let Some(witness) = self.witness.lock().unwrap().as_mut() {
            self.lock().tell(witness);
        }
    }
}

async fn run<N: Node + Witnessed>(socket: UdpSocket, shared: Arc<Shared<N>>) {
    let mut buffer = vec![0; 65_535];
    loop {
        let due = shared.lock().poll_timeout();
        tokio::select! {
            received = socket.recv_from(&mut buffer) => if let Ok((length, source)) = received {
                shared.lock().handle_datagram(Instant::now(), source, &buffer[..length]);
            },
            () = until(due) => shared.lock().handle_timeout(Instant::now()),
            () = shared.wake.notified() => {}
        }
        loop {
            let Some((destination, datagram)) = shared.lock().poll_transmit() else { break };
            socket.send_to(&datagram, destination).await.unwrap();
        }
        shared.hear();
        shared.changed.send_replace(());
    }
}

/// Waits for an instant, without end where there is none.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

/// Adds the users 858 and 859, whose password is "secret".
fn with_users(mut pbx: Pbx) -> Pbx {
    pbx.add_user("858", "secret");
    pbx.add_user("859", "secret");
    pbx
}

impl<N> Shared<N> {
    fn new(address: SocketAddr, node: N) -> Arc<Self> {
        let (node, witness) = (Mutex::new(node), Mutex::new(Some(Witness::new(address))));
        let (wake, changed, disconnect) = (Notify::new(), watch::Sender::new(()), Notify::new());
        Arc::new(Self { node, witness, wake, changed, disconnect })
    }
}

/// A PBX whose users 858 and 859 have the password "secret".
pub(crate) async fn pbx() -> Host<Pbx> {
    pbx_at("127.0.0.1", |_| {}).await
}

pub(crate) async fn pbx_at(ip: &str, change: impl FnOnce(&mut PbxConfig)) -> Host<Pbx> {
    Host::start(ip, |address| {
        let mut config = PbxConfig::new(address);
        change(&mut config);
        with_users(Pbx::new(config, address.port().into()))
    })
    .await
}

/// Someone who calls by himself, from an address of the loopback interface.
pub(crate) async fn caller(ip: &str) -> Host<Caller> {
    Host::start(ip, |address| Caller::new(address, address.port().into())).await
}

impl Host<Pbx> {
    /// The account of one of its users.
    pub(crate) fn account(&self, user: &str) -> Account {
        Account::new(&format!("sip:{user}@{}", self.address)).unwrap().password("secret")
    }

    /// Closes the connections that it has, as one does that restarts.
    pub(crate) fn disconnect(&self) {
        self.shared.disconnect.notify_one();
    }

    pub(crate) fn set_mode(&self, mode: Mode) {
        self.with(|pbx, _| pbx.set_mode(mode));
    }

    /// Has the PBX call a user.
    pub(crate) fn call(&self, from: &str, to: &str) -> CallId {
        self.place(CallPlan::new(from, to))
    }

    pub(crate) fn place(&self, plan: CallPlan) -> CallId {
        self.with(|pbx, now| pbx.call(now, plan))
    }

    pub(crate) fn cancel(&self, call: CallId) {
        self.with(|pbx, now| pbx.cancel(now, call));
    }

    /// Waits until a call has been answered with a status.
    pub(crate) async fn answered(&self, call: CallId, status: u16) {
        self.until(|pbx| pbx.get(call).statuses().contains(&status).then_some(())).await;
    }

    /// Waits for the end of a call, which must have had all the right answers.
    pub(crate) async fn outcome(&self, call: CallId) -> Outcome {
        let outcome = self.until(|pbx| pbx.get(call).outcome().cloned()).await;
        self.ask(|pbx| assert_eq!(pbx.get(call).faults(), [""; 0]));
        outcome
    }

    /// Waits for the end of a call and returns every status it was answered with.
    pub(crate) async fn statuses(&self, call: CallId) -> Vec<u16> {
        self.outcome(call).await;
        self.ask(|pbx| pbx.get(call).statuses())
    }

    /// Returns whom the bindings of a user send calls to.
    pub(crate) fn contacts(&self, user: &str) -> Vec<String> {
        self.ask(|pbx| pbx.bindings(user).iter().map(|binding| binding.contact.clone()).collect())
    }

    /// Waits until a user has so many bindings.
    pub(crate) async fn bound(&self, user: &str, bindings: usize) {
        self.until(|pbx| (pbx.bindings(user).len() == bindings).then_some(())).await;
    }

    pub(crate) fn events(&self) -> Vec<PbxEvent> {
        self.with(|pbx, _| std::iter::from_fn(|| pbx.poll_event()).collect())
    }

    /// Returns what it received that begins so.
    pub(crate) fn received(&self, start: &str) -> Vec<String> {
        self.ask(|pbx| texts(pbx.messages(), Direction::Received, start))
    }
}

impl Host<Caller> {
    pub(crate) fn call(&self, phone: SocketAddr, plan: CallPlan) -> CallId {
        self.with(|caller, now| caller.call(now, phone, plan))
    }

    pub(crate) async fn outcome(&self, call: CallId) -> Outcome {
        let outcome = self.until(|caller| caller.get(call).outcome().cloned()).await;
        self.ask(|caller| assert_eq!(caller.get(call).faults(), [""; 0]));
        outcome
    }
}

fn texts<'a>(records: impl Iterator<Item = &'a Record>, direction: Direction, start: &str) -> Vec<String> {
    records
        .filter(|record| record.direction == direction)
        .map(|record| String::from_utf8_lossy(&record.message).into_owned())
        .filter(|text| text.starts_with(start))
        .collect()
}

/// A builder for a softphone on the IPv4 loopback address.
pub(crate) fn builder() -> Builder {
    Softphone::builder().listen("127.0.0.1:0".parse().unwrap())
}

/// A softphone on the IPv4 loopback address.
pub(crate) async fn phone() -> Softphone {
    builder().start().await.unwrap()
}

/// A builder that tells of the ends of calls.
pub(crate) fn telling_ends(builder: Builder) -> (Builder, Ends) {
    let (told, ends) = mpsc::unbounded_channel();
    let builder = builder.ended(move |ended| {
        // A test that is over needs no more.
        let _ = told.send(*ended);
    });
    (builder, Ends(ends))
}

/// The ends of calls, in order.
pub(crate) struct Ends(mpsc::UnboundedReceiver<Ended>);

impl Ends {
    pub(crate) async fn next(&mut self) -> Ended {
        soon(self.0.recv()).await.expect("the softphone runs")
    }

    /// Returns all there are by now.
    pub(crate) fn take(&mut self) -> Vec<Ended> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

/// A builder that shows the datagrams.
pub(crate) fn showing_datagrams(builder: Builder) -> (Builder, Datagrams) {
    let (shown, datagrams) = mpsc::unbounded_channel();
    let builder = builder.trace(move |traced| {
        let datagram = (traced.direction, traced.remote, traced.payload.to_vec());
        // A test that is over needs no more.
        let _ = shown.send(datagram);
    });
    (builder, Datagrams(datagrams))
}

/// The datagrams of a softphone, in order.
pub(crate) struct Datagrams(mpsc::UnboundedReceiver<(softphone::Direction, SocketAddr, Vec<u8>)>);

impl Datagrams {
    /// Waits for one that begins so; those before it are let go.
    pub(crate) async fn until(&mut self, direction: softphone::Direction, start: &str) -> SocketAddr {
        loop {
            let (way, remote, datagram) = soon(self.0.recv()).await.expect("the softphone runs");
            if way == direction && datagram.starts_with(start.as_bytes()) {
                return remote;
            }
        }
    }

    /// Returns all there are by now.
    pub(crate) fn take(&mut self) -> Vec<(softphone::Direction, SocketAddr, Vec<u8>)> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

/// Takes the next of something that must have one.
pub(crate) async fn next<T: Debug>(future: impl Future<Output = Option<T>>) -> T {
    soon(future).await.expect("there is one more")
}

pub(crate) fn rejected(status: u16, reason: &str) -> Outcome {
    Outcome::Rejected { status, reason: reason.to_owned(), warning: None }
}

/// Polls a future once and drops it; returns what it had, if it was ready.
pub(crate) async fn polled_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
