//! Everything in one queue of one enum, with ids instead of objects: for bindings to other languages, and
//! for user interfaces that have a loop of their own.
//!
//! ```no_run
//! use softphone::{Account, Reject, Softphone, flat};
//!
//! # async fn run() -> softphone::Result<()> {
//! let mut phone = flat::Phone::start(Softphone::builder()).await?;
//! phone.line(Account::new("sip:858@192.0.2.1")?.password("secret")).await?;
//! while let Some(event) = phone.next().await {
//!     match event {
//!         flat::Event::Registration { line, state } => println!("{line}: {state:?}"),
//!         flat::Event::Incoming { call, .. } => phone.reject(call, Reject::busy()).await?,
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ringfence_ua::Removals;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::account::Account;
use crate::builder::Builder;
use crate::call::{Ended, IncomingCall};
use crate::error::{Kind, Result};
use crate::line::{Line, LineId};
use crate::registration::{Registration, RegistrationState};
use crate::screen::{CallId, Invite};
use crate::softphone::Softphone;

/// What happens to a softphone.
///
/// ```
/// fn show(event: &softphone::flat::Event) -> String {
///     format!("{event:?}")
/// }
/// # let _ = show;
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A line's registration has a new state.
    Registration {
        /// Which line.
        line: LineId,
        /// The state.
        state: RegistrationState,
    },
    /// A call waits for a decision.
    Incoming {
        /// What it is known by.
        call: CallId,
        /// The line that is rung.
        line: LineId,
        /// The user of who calls, as [`crate::Invite::caller`] says; empty where there is none.
        caller: String,
        /// The display name of who calls, which anyone can claim.
        display_name: Option<String>,
    },
    /// The caller has given up, or the call has expired; there is nothing left to decide.
    Cancelled {
        /// Which call.
        call: CallId,
    },
    /// A call is over, whether it was announced or decided by the screen.
    Ended(Ended),
    /// So many calls have ended that the queue had no room to tell of.
    Missed {
        /// How many.
        ended: u64,
    },
}

/// A softphone as one queue: what happens comes out of [`Phone::next`], what is decided goes in with the call's id.
///
/// Calls that it was told of and that are undecided when it is dropped are answered 480; the softphone goes on,
/// with nobody to take its calls. The queue holds 1024 events: while nobody takes them, calls wait in their line, of
/// the states of a registration the newest, and the ends of calls are left out, which is told
/// ([`Event::Missed`]).
///
/// ```no_run
/// # async fn run() -> softphone::Result<()> {
/// let mut phone = softphone::flat::Phone::start(softphone::Softphone::builder()).await?;
/// while let Some(event) = phone.next().await {
///     println!("{event:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Phone {
    inner: Softphone,
    lines: BTreeMap<LineId, Line>,
    calls: BTreeMap<CallId, IncomingCall>,
    queue: mpsc::Receiver<Queued>,
    /// The softphone and its lines hold the queue open; this does not.
    sender: mpsc::WeakSender<Queued>,
    missed: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Queued {
    Event(Event),
    Call(IncomingCall),
}

/// As many events as a user interface may fall behind by.
const QUEUE: usize = 1024;

impl Phone {
    /// Starts a softphone, as [`Builder::start`] does. The builder's `ended` hook is taken for the queue.
    pub async fn start(builder: Builder) -> Result<Self> {
        let (ended, queue) = mpsc::channel(QUEUE);
        let missed = Arc::new(AtomicU64::new(0));
        let (sender, counter) = (ended.downgrade(), Arc::clone(&missed));
        let builder = builder.ended(move |how| {
            if let Err(TrySendError::Full(_)) = ended.try_send(Queued::Event(Event::Ended(*how))) {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        let inner = builder.start().await?;
        Ok(Self { inner, lines: BTreeMap::new(), calls: BTreeMap::new(), queue, sender, missed })
    }

    /// Adds a line, as [`Softphone::line`] does; its registration goes on in the background and comes as events.
    ///
    /// Must be called within a tokio runtime.
    pub async fn line(&mut self, account: Account) -> Result<LineId> {
        let queue = self.sender.upgrade().ok_or(Kind::Closed)?;
        let line = self.inner.line(account).await?;
        let id = line.id();
        self.lines.insert(id, line.clone());
        tokio::spawn(forward_states(id, line.registration(), queue.clone()));
        tokio::spawn(forward_calls(line, queue));
        Ok(id)
    }

    /// Returns the next event; `None` once the softphone was shut down and all is told. Dropped before it resolves,
    /// it takes no event. Must be called within a tokio runtime; where that in which [`Phone::line`] was called has ended,
    /// nothing of that line is told any more.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let missed = self.missed.swap(0, Ordering::Relaxed);
            if missed > 0 {
                return Some(Event::Missed { ended: missed });
            }
            let event = match self.queue.recv().await? {
                // It was decided before the caller gave up.
                Queued::Event(Event::Cancelled { call }) if self.calls.remove(&call).is_none() => None,
                Queued::Event(event) => Some(event),
                Queued::Call(call) => self.announce(call),
            };
            if event.is_some() {
                return event;
            }
        }
    }

    /// Returns what the INVITE of an announced call says; `None` where it was decided or is over.
    #[must_use]
    pub fn invite(&self, call: CallId) -> Option<Invite<'_>> {
        self.calls.get(&call).map(IncomingCall::invite)
    }

    /// Sends 180 Ringing, as [`IncomingCall::ring`] does. A call that is over is left alone.
    pub async fn ring(&mut self, call: CallId) -> Result<()> {
        let Some(incoming) = self.calls.get_mut(&call) else { return Ok(()) };
        let rung = incoming.ring().await;
        if rung.is_err() {
            // It was answered, or its softphone is gone: nothing is left to decide.
            self.calls.remove(&call);
        }
        rung
    }

    /// Rejects a call, as [`IncomingCall::reject`] does. A call that is over is left alone.
    pub async fn reject(&mut self, call: CallId, reject: crate::Reject) -> Result<()> {
        match self.calls.remove(&call) {
            Some(incoming) => incoming.reject(reject).await,
            None => Ok(()),
        }
    }

    /// Redirects a call, as [`IncomingCall::redirect`] does. A call that is over is left alone.
    pub async fn redirect(&mut self, call: CallId, target: &str) -> Result<()> {
        match self.calls.remove(&call) {
            Some(incoming) => incoming.redirect(target).await,
            None => Ok(()),
        }
    }

    /// Leaves a call to itself, as [`IncomingCall::wait`] does. A call that is over is left alone.
    pub async fn wait(&mut self, call: CallId, wait: crate::Wait) -> Result<()> {
        match self.calls.remove(&call) {
            Some(incoming) => incoming.wait(wait).await,
            None => Ok(()),
        }
    }

    /// Answers a call with nothing more, as [`IncomingCall::ignore`] does. A call that is over is left alone.
    pub fn ignore(&mut self, call: CallId) {
        if let Some(incoming) = self.calls.remove(&call) {
            incoming.ignore();
        }
    }

    /// Registers a line again, as [`Line::register`] does. A line that is no more is left alone.
    pub fn register(&self, line: LineId) -> Result<()> {
        self.lines.get(&line).map_or(Ok(()), Line::register)
    }

    /// Unregisters a line, as [`Line::unregister`] does. A line that is no more is left alone.
    pub async fn unregister(&self, line: LineId) -> Result<()> {
        match self.lines.get(&line) {
            Some(line) => line.unregister().await,
            None => Ok(()),
        }
    }

    /// Removes a line, as [`Line::remove`] does. A line that is no more is left alone.
    pub async fn remove(&mut self, line: LineId) -> Result<()> {
        match self.lines.remove(&line) {
            Some(line) => line.remove().await,
            None => Ok(()),
        }
    }

    /// Ends everything, as [`Softphone::shutdown`] does. What was not told yet can still be taken, and then
    /// [`Phone::next`] returns `None`.
    pub async fn shutdown(&self, grace: Duration) -> Removals {
        self.inner.shutdown(grace).await
    }

    /// Makes a call known by its id, unless the caller has given up while it was in the queue.
    fn announce(&mut self, mut call: IncomingCall) -> Option<Event> {
        if call.is_cancelled() {
            call.is_decided = true;
            return None;
        }
        let invite = call.invite();
        let (id, line) = (invite.id(), invite.line());
        let caller = invite.caller();
        let event = Event::Incoming {
            call: id,
            line,
            caller: caller.map(|caller| caller.user().into_owned()).unwrap_or_default(),
            display_name: caller.and_then(|caller| Some(caller.display_name()?.into_owned())),
        };
        // Where the softphone is gone there is nobody to give up.
        if let Some(queue) = self.sender.upgrade() {
            tokio::spawn(forward_cancellation(id, call.cancellation(), queue));
        }
        self.calls.insert(id, call);
        Some(event)
    }
}

async fn forward_states(id: LineId, mut registration: Registration, queue: mpsc::Sender<Queued>) {
    let mut state = Some(registration.state());
    while let Some(newest) = state {
        if queue.send(Queued::Event(Event::Registration { line: id, state: newest })).await.is_err() {
            return;
        }
        state = registration.changed().await;
    }
}

async fn forward_calls(line: Line, queue: mpsc::Sender<Queued>) {
    while let Some(call) = line.incoming().await {
        if queue.send(Queued::Call(call)).await.is_err() {
            return;
        }
    }
}

async fn forward_cancellation(
    call: CallId,
    is_cancelled: impl Future<Output = bool> + Send,
    queue: mpsc::Sender<Queued>,
) {
    if is_cancelled.await {
        // A queue that nobody reads any more needs no events.
        let _ = queue.send(Queued::Event(Event::Cancelled { call })).await;
    }
}
