//! What is sent and received, shown and saved: the live ladder of `--trace`, the file of `--pcap`.
//!
//! A shard only copies a datagram into a bounded queue; one thread draws and writes. When it cannot
//! keep up, datagrams are left out of the trace, which is told at once, counted, and told at the end: calls never wait for it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use ringfence_testing::Pcap;
use softphone::{Direction, Traced};

use crate::ladder::{self, Ladder};

/// The shards' end of the trace.
#[derive(Debug, Clone)]
pub(crate) struct Tap {
    queue: SyncSender<Option<Datagram>>,
    /// Datagrams that there was no room for, and those that wait to be drawn.
    undrawn: Arc<AtomicU64>,
    /// Whether it was told that datagrams are left out.
    is_told: Arc<AtomicBool>,
}

/// The thread that draws and writes.
#[derive(Debug)]
pub(crate) struct Drawing {
    tap: Tap,
    thread: JoinHandle<Result<()>>,
    /// Disconnected when the thread has ended.
    over: Receiver<()>,
}

#[derive(Debug)]
struct Datagram {
    at: SystemTime,
    direction: Direction,
    local: SocketAddr,
    remote: SocketAddr,
    payload: Vec<u8>,
}

/// How many datagrams may wait to be drawn.
const QUEUE: usize = 4_096;
/// Who takes nothing of the trace for so long is not waited for at its end, as with the log: a pager that waits for a key keeps
/// no program from ending.
const PATIENCE: Duration = Duration::from_secs(1);

impl Tap {
    /// Takes a copy of a datagram, if there is room.
    pub(crate) fn take(&self, traced: &Traced<'_>) {
        let Traced { at, direction, local, remote, payload, .. } = *traced;
        let datagram = Datagram { at, direction, local, remote, payload: payload.to_vec() };
        self.undrawn.fetch_add(1, Relaxed);
        // What finds no room stays undrawn.
        let is_full = matches!(self.queue.try_send(Some(datagram)), Err(TrySendError::Full(_)));
        if is_full && !self.is_told.swap(true, Relaxed) {
            tracing::warn!("the trace leaves out what there is no time for");
        }
    }
}

impl Drawing {
    /// Starts the thread: a ladder to the standard output, datagrams to a capture file, or both.
    pub(crate) fn start(draws: bool, pcap: Option<&Path>) -> Result<Self> {
        let pcap = match pcap {
            Some(path) => {
                let why = || format!("cannot write the capture file {}", path.display());
                let file = create(path).with_context(why)?;
                Some(Pcap::new(BufWriter::new(file)).with_context(why)?)
            }
            None => None,
        };
        let (queue, datagrams) = sync_channel(QUEUE);
        let tap = Tap { queue, undrawn: Arc::default(), is_told: Arc::default() };
        let undrawn = Arc::clone(&tap.undrawn);
        let (alive, over) = sync_channel(0);
        let thread = std::thread::Builder::new().name("trace".to_owned());
        let thread = thread
            .spawn(move || {
                let _alive: SyncSender<()> = alive;
                let drawn = catch_unwind(AssertUnwindSafe(|| draw(&datagrams, draws, pcap, &undrawn)));
                let outcome =
                    drawn.unwrap_or_else(|_| Err(anyhow::anyhow!("the thread of the trace panicked")));
                if let Err(error) = &outcome {
                    tracing::error!("the trace ends, the calls go on: {error:#}");
                }
                outcome
            })
            .context("no thread for the trace")?;
        Ok(Self { tap, thread, over })
    }

    pub(crate) fn tap(&self) -> Tap {
        self.tap.clone()
    }

    /// Draws and writes what is still in the queue, unless nobody takes it, and returns how many datagrams were left out.
    pub(crate) fn finish(self) -> Result<u64> {
        let (mut is_told, mut patience) = (false, PATIENCE);
        let mut undrawn = self.tap.undrawn.load(Relaxed);
        while self.over.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            is_told = is_told || self.tap.queue.try_send(None).is_ok();
            let left = self.tap.undrawn.load(Relaxed);
            patience = if left < undrawn { PATIENCE } else { patience.saturating_sub(LOOK) };
            undrawn = left;
            if patience.is_zero() {
                return Ok(left);
            }
        }
        match self.thread.join() {
            Ok(outcome) => outcome?,
            Err(_) => anyhow::bail!("the thread of the trace panicked"),
        }
        Ok(self.tap.undrawn.load(Relaxed))
    }
}

/// Opens a named pipe that somebody reads: to wait for a reader would keep the program from its calls, and from its end.
fn pipe(path: &Path) -> std::io::Result<File> {
    let opened = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ENXIO) => std::io::Error::other("nobody reads that pipe yet: start the reader first"),
        Some(_) | None => error,
    })?;
    // With its reader there, the thread of the trace may wait until there is room.
    let flags = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, flags - rustix::fs::OFlags::NONBLOCK)?;
    Ok(file)
}

/// How often it is looked how far it is.
const LOOK: Duration = Duration::from_millis(10);

/// Creates the capture file for its owner only: who called whom is in it.
fn create(path: &Path) -> std::io::Result<File> {
    if fs::metadata(path).is_ok_and(|file| file.file_type().is_fifo()) {
        return pipe(path);
    }
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    // A file that was there has the mode it had; a device is left as it is.
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

const UNWRITTEN: &str = "cannot write the capture file";

fn draw(
    datagrams: &Receiver<Option<Datagram>>,
    draws: bool,
    mut pcap: Option<Pcap<BufWriter<File>>>,
    undrawn: &AtomicU64,
) -> Result<()> {
    let mut live = Live::default();
    if let Some(pcap) = &mut pcap {
        // Who reads a pipe waits for the header.
        pcap.flush().context(UNWRITTEN)?;
    }
    while let Ok(Some(datagram)) = datagrams.recv() {
        if draws {
            let mut out = anstream::stdout().lock();
            out.write_all(live.rows(&datagram).as_bytes())?;
            out.flush()?;
        }
        if let Some(pcap) = &mut pcap {
            let (source, destination) = match datagram.direction {
                Direction::Received => (datagram.remote, datagram.local),
                Direction::Sent => (datagram.local, datagram.remote),
            };
            pcap.write(datagram.at, source, destination, &datagram.payload).context(UNWRITTEN)?;
            // Whoever looks at the file while the program runs sees whole datagrams.
            pcap.flush().context(UNWRITTEN)?;
        }
        undrawn.fetch_sub(1, Relaxed);
    }
    Ok(())
}

/// A ladder with changing peers: whenever another one speaks, the sides are named again.
#[derive(Debug, Default)]
struct Live {
    sides: Option<(SocketAddr, SocketAddr)>,
    ladder: Option<Ladder>,
}

impl Live {
    fn rows(&mut self, datagram: &Datagram) -> String {
        let (remote, local) = (datagram.remote, datagram.local);
        let ladder = self.ladder.get_or_insert_with(|| Ladder::new("", ""));
        let mut rows = String::new();
        if self.sides != Some((remote, local)) {
            self.sides = Some((remote, local));
            ladder.rename(remote.to_string(), format!("ringfence {local}"));
            rows.push('\n');
            rows.push_str(&ladder.head());
        }
        let direction = match datagram.direction {
            Direction::Received => ladder::Direction::Right,
            Direction::Sent => ladder::Direction::Left,
        };
        let at = datagram.at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        rows + &ladder.rows(&ladder::Message { at, direction, datagram: &datagram.payload })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use softphone::Transport;

    use super::*;

    fn traced(direction: Direction, remote: &str) -> Datagram {
        Datagram {
            at: UNIX_EPOCH,
            direction,
            local: "127.0.0.1:5060".parse().unwrap(),
            remote: remote.parse().unwrap(),
            payload: b"OPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n".to_vec(),
        }
    }

    #[test]
    fn the_sides_are_named_when_another_peer_speaks() {
        let mut live = Live::default();
        let first = live.rows(&traced(Direction::Received, "192.0.2.1:5060"));
        let second = live.rows(&traced(Direction::Sent, "192.0.2.1:5060"));
        let third = live.rows(&traced(Direction::Received, "192.0.2.2:5060"));
        assert!(first.contains("192.0.2.1:5060") && first.contains("ringfence 127.0.0.1:5060"));
        assert_eq!(second.lines().count(), 1);
        assert!(third.contains("192.0.2.2:5060"));
    }

    fn take(tap: &Tap, datagram: &Datagram) {
        tap.take(&Traced {
            at: datagram.at,
            direction: datagram.direction,
            transport: Transport::Udp,
            local: datagram.local,
            remote: datagram.remote,
            payload: &datagram.payload,
        });
    }

    #[test]
    fn a_trace_that_nobody_takes_is_not_waited_for_and_what_is_left_out_is_counted() {
        let home = tempfile::tempdir().unwrap();
        let pipe = home.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        // Both ends are open, and nobody reads.
        let _reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let drawing = Drawing::start(false, Some(&pipe)).unwrap();
        let mut datagram = traced(Direction::Sent, "192.0.2.1:5060");
        datagram.payload = vec![b'x'; 1_000];
        // More than the pipe and the queue hold.
        let count = 6_000;
        take(&drawing.tap(), &datagram);
        let told = Arc::clone(&drawing.tap.is_told);
        assert!(!told.load(Relaxed));
        for _ in 1..count {
            take(&drawing.tap(), &datagram);
        }
        assert!(told.load(Relaxed));
        let left_out = drawing.finish().unwrap();
        assert!((5_000..count).contains(&left_out), "{left_out}");
    }

    #[test]
    fn what_was_traced_is_in_the_capture_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("calls.pcap");
        std::fs::write(&path, "an older one, which anyone may read").unwrap();
        let drawing = Drawing::start(false, Some(&path)).unwrap();
        // The header is there before anything is sent.
        let began = Instant::now();
        while std::fs::metadata(&path).unwrap().len() != 24 {
            assert!(began.elapsed() < Duration::from_secs(20), "no header");
            std::thread::yield_now();
        }
        let datagram = traced(Direction::Sent, "192.0.2.1:5060");
        take(&drawing.tap(), &datagram);
        assert_eq!(drawing.finish().unwrap(), 0);
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        let length = metadata.len();
        assert_eq!(length, 24 + 16 + 20 + 8 + datagram.payload.len() as u64);
    }
}
