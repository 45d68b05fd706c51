//! `ringfence run`

mod told;

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::Args;
use futures_util::FutureExt as _;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::failure::with_hint;
use super::{Answer, Context, accept, parting, target};
use crate::config::{self, Config, findings};
use crate::confine::{Confined, Options, confine};
use crate::control::place::{self, BindError, Claimed};
use crate::control::server::{self, Desk};
use crate::journal::{self, Journal, Recorder, Records, StoreError};
use crate::log::{self, Format};
use crate::memory;
use crate::open_files;
use crate::runnable;
use crate::service::{Held, Service};
use crate::supervisor::Supervisor;
use crate::trace::Drawing;
use crate::user::own_user;
use crate::watch::Watch;

/// Register, and screen every call until interrupted
///
/// A line that can reach a treatment which needs audio is refused, and the others run: the log and `ringfence
/// status` say why. Changes of the configuration and of the lists apply by themselves within a second, on SIGHUP, and
/// with `ringfence reload`, those of `block` and its like with the next call; when the new ones are wrong, the last
/// good ones stay. SIGTERM and SIGINT unregister and
/// end, after 5 to 12 s where registrars do not answer, and the log says how many bindings were not taken back; a second one ends at once. On Linux it first takes from itself what it does not need of the machine, unless `[service]
/// sandbox` is off, and started by root it becomes `[service] user`. What was decided is written to the journal: `ringfence calls` shows
/// the newest. Exits 1 if the journal could not be written to the end, so that calls or switches are lost.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Draw every message as a ladder on the standard output
    #[arg(long)]
    trace: bool,

    /// Write what is sent and received to a capture file for Wireshark
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,

    /// How the log on the standard error is written; `RUST_LOG` says what is logged
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    log_format: Format,

    /// Log callers in full instead of as +417xxxxxx67
    #[arg(long)]
    log_numbers: bool,

    /// Become this user, in place of `[service] user`: the program must be root's
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
}

/// A program that is confined, and can start its threads.
#[derive(Debug)]
pub(crate) struct Prepared {
    run: Run,
    config: Config,
    confined: Confined,
    supervisor: Supervisor,
    program: memory::Program,
    hangup: Signal,
}

impl Run {
    /// Reads the configuration, and confines the program to what it needs.
    pub(super) fn prepare(self, context: &Context) -> Result<Prepared> {
        // Ten thousand lines take a second to read, and a SIGHUP that nobody serves ends a program.
        let hangup = hangup()?;
        let mut reading = context.reading()?;
        if let Some(config) = &reading.config {
            findings::add(config, &mut reading.report);
        }
        if let Some(file) = &self.pcap {
            target::refuse_own(file, &reading)?;
        }
        let mut named = std::mem::take(&mut reading.files);
        let config = accept(reading)?;
        named.push(config.path.clone());
        let refused = runnable::refused(&config, jiff::Timestamp::now());
        if let Some((why, hint)) = runnable::obstacle(&config, &refused) {
            return Err(with_hint(why, hint));
        }
        let supervisor = Supervisor::of_environment().map_err(|error| {
            with_hint(format!("cannot reach $NOTIFY_SOCKET: {error}"), "unset it, or see systemd's unit")
        })?;
        // Confined, it cannot be read any more.
        let program = memory::Program::mapped();
        let (user, pcap) = (self.user.as_deref(), self.pcap.as_deref());
        let options = Options { user, pcap, named: &named };
        let confined =
            confine(&config, &options).map_err(|error| with_hint(error.to_string(), &*error.hint))?;
        Ok(Prepared { run: self, config, confined, supervisor, program, hangup })
    }
}

impl Prepared {
    pub(super) async fn run(self) -> Result<Answer> {
        let Self { run, config, confined, supervisor, program, hangup } = self;
        let mut signals = Signals::new(hangup)?;
        let _log = log::start(run.log_format).context("start the thread of the log")?;
        open_files::raise_limit();
        let user = own_user()?;
        tell(&confined, user);
        let place = config.softphone.control.clone().unwrap_or_else(|| place::default_place(user));
        let claimed = Claimed::claim(&place, user).map_err(|error| no_control(&error))?;
        let drawing = match (run.trace, &run.pcap) {
            (false, None) => None,
            (draws, pcap) => Some(Drawing::start(draws, pcap.as_deref())?),
        };
        // A verb that has the journal may ask for the program yet: nobody is kept waiting for an answer by who waits for the
        // journal.
        let (recorder, journal, records) = open_journal(config.journal.clone()).await?;
        let bound = claimed.bind().map_err(|error| no_control(&error))?;
        let tap = drawing.as_ref().map(Drawing::tap);
        let started = Service::start(config, confined, tap, recorder, Arc::clone(&journal)).await;
        let service = started.map_err(|error| no_service(&error))?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            listen = %listeners(service.phone()),
            control = %bound.path().display(),
            "running"
        );
        let (leaving, left) = oneshot::channel();
        let kept = Arc::clone(&journal);
        tokio::spawn(async move { kept.keep_watch().await });
        let writing = tokio::spawn(write_down(Arc::clone(&service), records, run.log_numbers, left));
        tokio::spawn(watch(Arc::clone(&service)));
        supervisor.ready();
        // What goes on at rest is of this task: each of another has tokio reckon how long tasks take, which needs much of what
        // nothing else does.
        tokio::select! {
            biased;
            () = signals.until_told_to_end(&service) => {}
            () = watched(&supervisor, &service) => {}
            () = apart(memory::tend(&service, &program)) => {}
            // The socket is removed with it: nobody is to ask a program that ends.
            () = apart(server::serve(bound, user, Arc::clone(&service))) => {}
        }
        supervisor.stopping();
        tracing::info!("unregistering; a second signal ends at once");
        tokio::spawn(signals.until_told_again());
        service.shutdown(service.grace()).await;
        // What was decided last is logged too.
        let _ = leaving.send(());
        let _ = writing.await;
        let is_written = parting::close(journal).await;
        tracing::info!("ended");
        let left_out = drawing.map(Drawing::finish).transpose()?.unwrap_or_default();
        if left_out > 0 {
            tracing::warn!(left_out, "the trace is not complete");
        }
        Ok(Answer::of(is_written))
    }
}

/// Logs what the program may do to the machine.
fn tell(confined: &Confined, user: u32) {
    tracing::info!("{confined}");
    for lack in &confined.lacks {
        tracing::warn!(lack, "the sandbox is not whole");
    }
    if user == 0 {
        let hint = "[service] user = \"…\" has it run as another user";
        tracing::warn!(hint, "the program runs as root, and would not need to");
    }
}

/// Serves SIGHUP from now on, before there are threads to do so: one that comes is a reload when the program runs. SIGINT and
/// SIGTERM end at once a program that has not registered anything.
fn hangup() -> Result<Signal> {
    let none_yet = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    // What the handler has noted is of the process, and told by whichever runtime waits for it.
    let _entered = none_yet.enter();
    signal(SignalKind::hangup()).context("cannot serve signals")
}

/// The signals that the program serves before it opens a socket: one that comes while it starts must
/// not leave a binding at a registrar behind.
struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
    /// Served by doing nothing: a journal at the limit of a file's size is a disk that is full, and no reason to end.
    _too_large: Signal,
}

/// SIGXFSZ, on Linux and macOS.
const FILE_TOO_LARGE: i32 = 25;

impl Signals {
    fn new(hangup: Signal) -> Result<Self> {
        let of = |kind| signal(kind).context("cannot serve signals");
        Ok(Self {
            hangup,
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
            _too_large: of(SignalKind::from_raw(FILE_TOO_LARGE))?,
        })
    }

    /// Reloads on SIGHUP, until another signal says to end.
    async fn until_told_to_end(&mut self, service: &Arc<Service>) {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => {
                    let service = Arc::clone(service);
                    // What a reload says is logged, and in the status.
                    tokio::spawn(async move { service.reload().await });
                }
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
            }
        }
    }

    /// Ends the program at once on one more signal.
    async fn until_told_again(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        std::process::exit(INTERRUPTED);
    }
}

/// The exit code of a program that a signal ends at once, as shells have it.
const INTERRUPTED: i32 = 130;

/// Does what calls do not depend on, for ever: a panic of it, which says so itself, ends no more than that.
async fn apart(work: impl Future<Output = ()>) {
    let _ = AssertUnwindSafe(work).catch_unwind().await;
    std::future::pending::<()>().await;
}

/// Says that the program lives while every thread that takes calls answers. It does not return.
async fn watched(supervisor: &Supervisor, service: &Service) {
    supervisor.keep_watch(async || service.phone().counters().await.is_ok()).await;
    std::future::pending::<()>().await;
}

/// Reloads when a file has changed, unless whoever changed it has had it read.
async fn watch(service: Arc<Service>) {
    let mut files = service.files();
    let mut watch = match Watch::new() {
        Ok(watch) => watch,
        Err(error) => {
            tracing::warn!(%error, "files are not watched: `ringfence reload` applies changes");
            return;
        }
    };
    files.mark_changed();
    let mut held = None;
    loop {
        tokio::select! {
            () = watch.changed() => service.follow(&mut held).await,
            () = Held::wait(held.as_ref()) => service.follow(&mut held).await,
            Ok(()) = files.changed() => {
                let read = files.borrow_and_update().clone();
                if let Err(error) = watch.set(read) {
                    tracing::warn!(%error, "not every file is watched: `ringfence reload` applies changes");
                }
            }
        }
    }
}

/// Keeps the journal and logs it, until `left` says that no more calls come.
async fn write_down(
    service: Arc<Service>,
    mut records: Records,
    log_numbers: bool,
    mut left: oneshot::Receiver<()>,
) {
    let mut batch = Vec::new();
    loop {
        let is_last = tokio::select! {
            () = records.wait(&mut batch) => false,
            _ = &mut left => true,
        };
        if is_last {
            // What comes later finds no queue, and is counted as lost.
            records.close();
            records.take(&mut batch);
        }
        let count = batch.len();
        journal::join_ends(&mut batch);
        let (gathering, teller) = (log::gather(), told::Teller::new(log_numbers));
        let now = Instant::now();
        for record in batch.drain(..) {
            for news in service.journal().take_at(now, record) {
                teller.log(&news);
            }
        }
        drop(gathering);
        if is_last {
            return;
        }
        pause(count).await;
    }
}

/// Has others run, and records gather, before the next batch is taken: the last one had so many.
async fn pause(count: usize) {
    if count >= BUSY {
        // While there is always more, to wait for it returns at once and spends none of what tokio lets a task do in one
        // go: nothing else would have this thread until the storm is over.
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(if count >= MANY { SHORT_PAUSE } else { PAUSE }).await;
    }
}

/// Where so many were written down in one go, more have come meanwhile.
const BUSY: usize = 1024;
/// How long records gather before they are written down: to wake this task for each would cost a
/// shard more than the call does.
const PAUSE: Duration = Duration::from_millis(10);
/// Where so many had gathered the next do not gather for that long: a thousand of them have left the cache before they are
/// written down, and what the shard needs with them.
const MANY: usize = 64;
const SHORT_PAUSE: Duration = Duration::from_millis(1);

/// Opens the journal, on a thread that may wait for the disk.
async fn open_journal(settings: journal::Settings) -> Result<(Recorder, Arc<Journal>, Records)> {
    let opened = tokio::task::spawn_blocking(move || journal::open(settings)).await?;
    opened.map_err(|error: StoreError| with_hint(error.to_string(), error.hint()))
}

fn no_control(error: &BindError) -> anyhow::Error {
    let hint = match error {
        BindError::InUse { .. } => "stop it, or give this one another place: [softphone] control = \"…\"",
        BindError::NotOurs { .. } | BindError::Io { .. } => {
            "name a place of your own: [softphone] control = \"…\""
        }
    };
    with_hint(error.to_string(), hint)
}

fn no_service(error: &softphone::Error) -> anyhow::Error {
    let Some(listener) = error.listener() else { return anyhow::Error::msg(error.to_string()) };
    let why = if error.is_address_in_use() {
        Unbound::Taken
    } else if error.is_permission_denied() && listener.address.port() < PRIVILEGED {
        Unbound::Forbidden
    } else {
        Unbound::Other
    };
    with_hint(error.to_string(), unbound(why, listener.transport, listener.address))
}

/// Below it a port is bound by root, or by who has `CAP_NET_BIND_SERVICE` (capabilities(7)).
const PRIVILEGED: u16 = 1024;

/// Why an address cannot be listened on.
#[derive(Debug, Clone, Copy)]
enum Unbound {
    Taken,
    Forbidden,
    Other,
}

/// Says what to do about an address that cannot be listened on.
fn unbound(why: Unbound, transport: softphone::Transport, address: SocketAddr) -> String {
    let key = config::Softphone::listen_key(transport);
    let (ip, port) = (SocketAddr::new(address.ip(), 0), address.port());
    match why {
        Unbound::Taken => format!(
            "port {port} is taken there (`ss -lnptu` says by what): free it, or set [softphone] {key} = \"{ip}\" for a free port"
        ),
        Unbound::Forbidden => format!(
            "a port below {PRIVILEGED} is root's: give the program CAP_NET_BIND_SERVICE, or start it as root with [service] \
             user = \"…\", which keeps that right (docs/service.md), or set [softphone] {key} to a port from {PRIVILEGED} on"
        ),
        Unbound::Other => {
            let any = if ip.is_ipv4() { "0.0.0.0" } else { "[::]" };
            format!("[softphone] {key} names the address: one of this machine, or {any} for all")
        }
    }
}

/// Writes where a softphone listens.
fn listeners(phone: &softphone::Softphone) -> String {
    let listeners: Vec<String> = phone.listeners().iter().map(ToString::to_string).collect();
    listeners.join(", ")
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_panic_of_what_calls_do_not_depend_on_ends_no_more_than_that() {
        let work = apart(async { panic!("a test wants it") });
        assert!(tokio::time::timeout(Duration::from_secs(3_600), work).await.is_err());
    }

    #[test]
    fn a_port_below_1024_asks_for_the_right_to_bind_it() {
        let address = SocketAddr::from(([192, 0, 2, 1], 443));
        let hint = unbound(Unbound::Forbidden, softphone::Transport::Tls, address);
        assert!(hint.contains("CAP_NET_BIND_SERVICE") && hint.contains("[service] user"), "{hint}");
        assert!(hint.contains("[softphone] listen_tls"), "{hint}");
    }

    #[tokio::test(start_paused = true)]
    async fn others_run_between_two_batches_and_the_larger_one_was_the_less_time_passes() {
        let nothing = Duration::ZERO;
        let pauses =
            [(0, PAUSE), (MANY - 1, PAUSE), (MANY, SHORT_PAUSE), (BUSY - 1, SHORT_PAUSE), (BUSY, nothing)];
        for (count, passed) in pauses {
            let (other, began) = (tokio::spawn(async {}), Instant::now());
            pause(count).await;
            assert_eq!((count, other.is_finished(), began.elapsed()), (count, true, passed));
        }
    }
}
