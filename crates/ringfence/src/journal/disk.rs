//! The thread that waits for the disk, beside the one that writes.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

/// The thread that waits for the disk.
#[derive(Debug)]
pub(super) struct Disk {
    tell: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Disk {
    pub(super) fn start(connection: Connection) -> Self {
        let (tell, told) = sync_channel(1);
        let body = move || move_to_disk(&connection, &told);
        // Without the thread nothing is lost: the log of changes gets long, and is then moved by who writes.
        let thread = std::thread::Builder::new().name("journal-disk".to_owned()).spawn(body).ok();
        Self { tell: Some(tell), thread }
    }

    pub(super) fn tell(&self) {
        if let Some(tell) = &self.tell {
            match tell.try_send(()) {
                // It is at it already, or told already.
                Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.tell = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn move_to_disk(connection: &Connection, told: &Receiver<()>) {
    while told.recv().is_ok() {
        let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        if let Err(error) = moved {
            tracing::debug!(%error, "journal not moved to the disk");
        }
    }
}
