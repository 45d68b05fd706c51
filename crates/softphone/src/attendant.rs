//! All lines attended to in one place: for who has thousands of them, and no task for each.

use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::builder::Builder;
use crate::call::IncomingCall;
use crate::error::Result;
use crate::line::{Line, Shared};
use crate::registration::RegistrationState;
use crate::softphone::Softphone;

/// Attends to all lines of a softphone: what becomes of each registration, and each call, comes to it in one queue.
///
/// A line that is attended to so takes a third of the memory of one with a task of its own. Each line is in the queue once
/// until it is taken out, with its newest state; its calls are undecided until they are. Dropped, what waits is answered
/// 480, and so is each call that the screen leaves to the application from then on; the lines stay registered.
///
/// ```no_run
/// use softphone::{Account, Attendant, News, Reject, Softphone};
///
/// # async fn run(passwords: Vec<(String, String)>) -> softphone::Result<()> {
/// let (phone, mut attendant) = Attendant::start(Softphone::builder()).await?;
/// for (user, password) in passwords {
///     phone.line(Account::of(&user, "pbx.example.com", None)?.password(&password)).await?;
/// }
/// while let Some(news) = attendant.next().await {
///     match news {
///         News::Registration { line, state } => println!("{}: {state:?}", line.label()),
///         News::Incoming(call) => call.reject(Reject::busy()).await?,
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Attendant {
    queue: mpsc::UnboundedReceiver<Queued>,
}

/// What happens to the lines.
///
/// ```
/// fn show(news: &softphone::News) -> String {
///     format!("{news:?}")
/// }
/// # let _ = show;
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum News {
    /// A line is new, or its registration has another state: this is the newest.
    Registration {
        /// Which line.
        line: Line,
        /// The state.
        state: RegistrationState,
    },
    /// A call waits for a decision, or is over already (see [`IncomingCall::is_cancelled`]), as with
    /// [`Line::incoming_or_over`].
    Incoming(IncomingCall),
    /// A line is no more. Calls of it that are undecided stay decidable.
    Removed {
        /// Which line.
        line: Line,
    },
}

impl Attendant {
    /// Starts a softphone, as [`Builder::start`] does, all of whose lines are attended to here: [`Line::incoming`] has no
    /// calls. [`Line::registration`] is a watch all the same.
    pub async fn start(builder: Builder) -> Result<(Softphone, Self)> {
        let (sender, queue) = mpsc::unbounded_channel();
        let phone = builder.attended_at(Desk { queue: sender }).start().await?;
        Ok((phone, Self { queue }))
    }

    /// Returns what has happened next; `None` once the softphone was shut down and all is told. What is told of one line is in
    /// its order, but that a call may be told after a later state. Dropped before it resolves, it takes nothing.
    pub async fn next(&mut self) -> Option<News> {
        Some(match self.queue.recv().await? {
            Queued::Registration(line) => {
                let state = line.states.dequeue().into();
                News::Registration { line: Line::new(line, None), state }
            }
            Queued::Call(call) => News::Incoming(*call),
            Queued::Removed(line) => News::Removed { line: Line::new(line, None) },
        })
    }
}

impl fmt::Debug for Attendant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attendant").field("waiting", &self.queue.len()).finish_non_exhaustive()
    }
}

/// Where the shards tell what happens. It is bounded: a line is in it once with its state and once as it goes, and the calls that
/// are undecided are bounded.
#[derive(Clone)]
pub(crate) struct Desk {
    queue: mpsc::UnboundedSender<Queued>,
}

enum Queued {
    Registration(Arc<Shared>),
    Call(Box<IncomingCall>),
    Removed(Arc<Shared>),
}

impl Desk {
    /// Tells that a line has another state.
    pub(crate) fn tell_registration(&self, line: &Arc<Shared>) {
        if line.states.queue() {
            self.tell(Queued::Registration(Arc::clone(line)));
        }
    }

    /// Tells of a call. One that nobody takes is dropped, and so answered 480.
    pub(crate) fn tell_call(&self, call: IncomingCall) {
        self.tell(Queued::Call(Box::new(call)));
    }

    /// Tells that a line is no more.
    pub(crate) fn tell_removed(&self, line: &Arc<Shared>) {
        self.tell(Queued::Removed(Arc::clone(line)));
    }

    fn tell(&self, what: Queued) {
        // Who attended may have gone.
        let _ = self.queue.send(what);
    }
}
