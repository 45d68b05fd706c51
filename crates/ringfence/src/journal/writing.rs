//! The thread that writes, as the readers' end of the journal has it.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::call::Record;
use super::health::Vitals;
use super::inbox::Inbox;
use super::past::{LeftOut, Past};
use super::rows;
use super::tally::Counts;
use super::writer::Writer;
use crate::store::{Settings, Store, StoreError};

/// The thread that writes, and what it is told by.
#[derive(Debug)]
pub(super) struct Writing {
    pub(super) inbox: Arc<Inbox>,
    pub(super) vitals: Arc<Vitals>,
    /// Wakes who watches whether the disk keeps up.
    pub(super) noted: Notify,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writing {
    pub(super) fn start(
        settings: &Settings,
        counts: &Arc<Counts>,
        past: &Arc<Past>,
    ) -> Result<Self, StoreError> {
        let vitals = Arc::new(Vitals::new(Arc::clone(counts)));
        let path = settings.path().unwrap_or("".as_ref());
        let of = |error: rusqlite::Error| StoreError::of(path, &error);
        let read = |connection: &rusqlite::Connection| {
            let now = Timestamp::now();
            past.read_calls(connection, now).and_then(|()| past.read_state(connection, now)).map_err(of)
        };
        let mut is_read = true;
        let store = match Store::open_in_turn(path, settings.durability) {
            Ok(mut store) => {
                read(store.connection())?;
                rows::last_number(store.connection()).map_err(of)?;
                Some(store)
            }
            Err(error) if error.may_pass() => {
                vitals.fail(&error);
                // What cannot be written may be readable.
                match Store::read(path).and_then(|connection| read(&connection)) {
                    Ok(()) => {}
                    Err(error @ (StoreError::Unavailable { .. } | StoreError::Missing { .. })) => {
                        is_read = false;
                        vitals.leave_unread(&error);
                    }
                    Err(error) => return Err(error),
                }
                None
            }
            Err(error) => return Err(error),
        };
        let LeftOut { from_future, .. } = past.left_out();
        if from_future > 0 {
            tracing::warn!(calls = from_future, "calls of a time to come: the rules leave them out");
        }
        let inbox = Arc::new(Inbox::default());
        let shared = (Arc::clone(&inbox), Arc::clone(&vitals), Arc::clone(past));
        let writer =
            Writer::new(settings.clone(), (store, is_read), shared.0, shared.1, shared.2).map_err(of)?;
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run());
        let no_thread = |error: std::io::Error| StoreError::Unavailable {
            path: path.to_owned(),
            detail: error.to_string(),
        };
        let thread = Mutex::new(Some(thread.map_err(no_thread)?));
        Ok(Self { inbox, vitals, noted: Notify::new(), thread })
    }

    /// Writes what is left, and lets go of the file.
    pub(super) fn close(&self) {
        self.inbox.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A thread that panicked has said so, and left what waits to nobody.
        if thread.is_some_and(|thread| thread.join().is_err()) {
            self.vitals.lose(self.inbox.unwritten() as u64);
        }
    }

    pub(super) fn put(&self, came: Instant, record: Record) {
        let lost = self.inbox.put(came, [record]);
        if lost > 0 {
            self.vitals.lose(lost);
        }
        self.noted.notify_one();
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.close();
    }
}
