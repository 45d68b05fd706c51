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
use std::time::Duration;

use tokio::sync::mpsc;

use crate::account::Account;
use crate::call::{Ended, IncomingCall};
use crate::error::Result;
use crate::line::{Line, LineId};
use crate::registration::RegistrationState;
use crate::screen::CallId;
use crate::softphone::{Builder, Softphone};

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
    /// The caller has given up; there is nothing left to decide.
    Cancelled {
        /// Which call.
        call: CallId,
    },
    /// A call is over.
    Ended(Ended),
}

/// A softphone as one queue.
///
/// Calls that it was told of and that are undecided when it is dropped are answered 480; the lines go on.
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
    queue: mpsc::UnboundedReceiver<Queued>,
    sender: mpsc::UnboundedSender<Queued>,
}

#[derive(Debug)]
enum Queued {
    Event(Event),
    Call(IncomingCall),
}

impl Phone {
    /// Starts a softphone. The builder's `ended` hook is taken for the queue.
    pub async fn start(builder: Builder) -> Result<Self> {
        let (sender, queue) = mpsc::unbounded_channel();
        let ended = sender.clone();
        let phone = builder
            .ended(move |how| {
                // A queue that nobody reads any more needs no events.
                let _ = ended.send(Queued::Event(Event::Ended(*how)));
            })
            .start()
            .await?;
        Ok(Self { inner: phone, lines: BTreeMap::new(), calls: BTreeMap::new(), queue, sender })
    }

    /// Adds a line; its registration goes on in the background and comes as events.
    pub async fn line(&mut self, account: Account) -> Result<LineId> {
        let line = self.inner.line(account).await?;
        let id = line.id();
        self.lines.insert(id, line.clone());
        tokio::spawn(forward_states(line.clone(), self.sender.clone()));
        tokio::spawn(forward_calls(line, self.sender.clone()));
        Ok(id)
    }

    /// Returns the next event.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.queue.recv().await? {
                Queued::Event(event) => {
                    if let Event::Cancelled { call } = event
                        && self.calls.remove(&call).is_none()
                    {
                        // It was decided before the caller gave up.
                        continue;
                    }
                    return Some(event);
                }
                Queued::Call(call) => return Some(self.announce(call)),
            }
        }
    }

    /// Sends 180 Ringing. A call that is over is left alone.
    pub async fn ring(&mut self, call: CallId) -> Result<()> {
        match self.calls.get_mut(&call) {
            Some(incoming) => incoming.ring().await,
            None => Ok(()),
        }
    }

    /// Rejects a call. A call that is over is left alone.
    pub async fn reject(&mut self, call: CallId, reject: crate::Reject) -> Result<()> {
        match self.calls.remove(&call) {
            Some(incoming) => incoming.reject(reject).await,
            None => Ok(()),
        }
    }

    /// Redirects a call. A call that is over is left alone.
    pub async fn redirect(&mut self, call: CallId, target: &str) -> Result<()> {
        match self.calls.remove(&call) {
            Some(incoming) => incoming.redirect(target).await,
            None => Ok(()),
        }
    }

    /// Answers a call with nothing more. A call that is over is left alone.
    pub fn ignore(&mut self, call: CallId) {
        if let Some(incoming) = self.calls.remove(&call) {
            incoming.ignore();
        }
    }

    /// Removes a line, unregistered. A line that is no more is left alone.
    pub async fn remove(&mut self, line: LineId) -> Result<()> {
        match self.lines.remove(&line) {
            Some(line) => line.remove().await,
            None => Ok(()),
        }
    }

    /// Ends everything, as [`Softphone::shutdown`] does.
    pub async fn shutdown(self, grace: Duration) {
        self.inner.shutdown(grace).await;
    }

    fn announce(&mut self, call: IncomingCall) -> Event {
        let invite = call.invite();
        let (id, line) = (invite.id(), invite.line());
        let caller = invite.caller();
        let event = Event::Incoming {
            call: id,
            line,
            caller: caller.map(|caller| caller.user().into_owned()).unwrap_or_default(),
            display_name: caller.and_then(|caller| Some(caller.display_name()?.into_owned())),
        };
        let (cancelled, sender) = (call.cancellation(), self.sender.clone());
        tokio::spawn(async move {
            if cancelled.await {
                let _ = sender.send(Queued::Event(Event::Cancelled { call: id }));
            }
        });
        self.calls.insert(id, call);
        event
    }
}

async fn forward_states(line: Line, queue: mpsc::UnboundedSender<Queued>) {
    let (id, mut registration) = (line.id(), line.registration());
    drop(line);
    let mut state = Some(registration.state());
    while let Some(newest) = state {
        if queue.send(Queued::Event(Event::Registration { line: id, state: newest })).is_err() {
            return;
        }
        state = registration.changed().await;
    }
}

async fn forward_calls(line: Line, queue: mpsc::UnboundedSender<Queued>) {
    while let Some(call) = line.incoming().await {
        if queue.send(Queued::Call(call)).is_err() {
            return;
        }
    }
}
