//! The way out of the log: one thread writes what others hand over, so that none of them waits for who reads it.

use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines on their way out.
pub(super) struct Outlet {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

struct Waiting {
    lines: Vec<u8>,
    /// How many lines found no room.
    lost: usize,
    /// Whether the thread that writes waits for lines.
    is_idle: bool,
}

/// What waits at most, in bytes.
const MOST: usize = 1024 * 1024;

impl Outlet {
    pub(super) const fn new() -> Self {
        let waiting = Waiting { lines: Vec::new(), lost: 0, is_idle: false };
        Self { waiting: Mutex::new(waiting), changed: Condvar::new() }
    }

    /// Hands lines over, and never waits for them to be written. Those for which there is no room are lost and counted.
    pub(super) fn put(&self, lines: &[u8]) {
        let mut waiting = self.waiting();
        if waiting.lines.len() + lines.len() > MOST {
            waiting.lost += lines.split(|byte| *byte == b'\n').count().saturating_sub(1);
            return;
        }
        waiting.lines.extend_from_slice(lines);
        if std::mem::take(&mut waiting.is_idle) {
            drop(waiting);
            self.changed.notify_all();
        }
    }

    /// Writes lines as they come, for ever, and says after a success how many were lost before it.
    pub(super) fn carry(&self, out: &mut impl Write, lost: impl Fn(usize)) {
        let mut lines = Vec::new();
        loop {
            lines.clear();
            self.next(&mut lines);
            // Where it goes is gone, or full: there is nobody to tell.
            let is_out = out.write_all(&lines).is_ok();
            let missing = std::mem::take(&mut self.waiting().lost);
            if is_out && missing > 0 {
                lost(missing);
            }
        }
    }

    /// Waits until all is written, or nobody takes it for so long.
    pub(super) fn drain(&self, patience: Duration) {
        let is_under_way = |waiting: &mut Waiting| !waiting.is_idle || !waiting.lines.is_empty();
        drop(self.changed.wait_timeout_while(self.waiting(), patience, is_under_way));
    }

    /// Waits for lines, and takes all there are.
    fn next(&self, lines: &mut Vec<u8>) {
        let mut waiting = self.waiting();
        while waiting.lines.is_empty() {
            waiting.is_idle = true;
            // Who drains waits for this.
            self.changed.notify_all();
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.is_idle = false;
        std::mem::swap(&mut waiting.lines, lines);
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Tells what it is to write, and does not return before it is told to.
    struct Stuck {
        taken: mpsc::Sender<Vec<u8>>,
        told: mpsc::Receiver<()>,
    }

    impl Write for Stuck {
        fn write(&mut self, lines: &[u8]) -> std::io::Result<usize> {
            self.taken.send(lines.to_vec()).map_err(std::io::Error::other)?;
            self.told.recv().map_err(std::io::Error::other)?;
            Ok(lines.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_nobody_takes_loses_lines_and_makes_nobody_wait() {
        static OUTLET: Outlet = Outlet::new();
        let ((go, told), (taken, took)) = (mpsc::channel(), mpsc::channel());
        let (count, counted) = mpsc::channel();
        std::thread::spawn(move || {
            OUTLET.carry(&mut Stuck { taken, told }, |lost| count.send(lost).unwrap());
        });
        OUTLET.put(b"first\n");
        assert_eq!(took.recv().unwrap(), b"first\n");
        let line = [[b'x'; 1023].as_slice(), b"\n"].concat();
        (0..MOST / line.len() + 3).for_each(|_| OUTLET.put(&line));
        OUTLET.drain(Duration::from_millis(1));
        go.send(()).unwrap();
        assert_eq!((took.recv().unwrap().len(), counted.recv().unwrap()), (MOST, 3));
        go.send(()).unwrap();
        OUTLET.drain(Duration::from_secs(60));
        OUTLET.put(b"last\n");
        assert_eq!(took.recv().unwrap(), b"last\n");
    }
}
