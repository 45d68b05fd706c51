//! All lines attended to in one place: for who has thousands of them, and no task for each.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::mpsc;

use crate::builder::Builder;
use crate::call::IncomingCall;
use crate::error::Result;
use crate::line::{Line, Shared};
use crate::registration::RegistrationState;
use crate::softphone::Softphone;

/// Attends to all lines of a softphone: what becomes of each registration, and each call, comes to it in one queue.
///
/// Each line is in the queue once until it is taken out, with its newest state; its calls are undecided until they are. Up to 4096
/// calls of all lines wait here; the next is answered 480, whichever line it is for. Dropped, what waits is answered 480, and so is
/// each call that the screen leaves to the application from then on; the lines stay registered.
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
///         News::Incoming(call) => {
///             // In a task of its own: all others would wait for its response.
///             tokio::spawn(call.reject(Reject::busy()));
///         }
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Attendant {
    queue: mpsc::UnboundedReceiver<Queued>,
    /// Those that came together, and were taken out of the queue together.
    calls: VecDeque<IncomingCall>,
    waiting: Arc<AtomicUsize>,
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
    /// The registrar has not confirmed that it has removed a line's binding, as it was asked to: it refused, did not answer, or could
    /// not be asked. The binding may stay there until it expires.
    Unconfirmed {
        /// Which line.
        line: Line,
    },
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
        let waiting = Arc::<AtomicUsize>::default();
        let desk = Desk { queue: sender, waiting: Arc::clone(&waiting) };
        let phone = builder.attended_at(desk).start().await?;
        Ok((phone, Self { queue, calls: VecDeque::new(), waiting }))
    }

    /// Returns what has happened next; `None` once the softphone was shut down and all is told. What is told of one line is in
    /// its order, but that a call may be told after a later state; none is told after the line was removed. Dropped before it
    /// resolves, it takes nothing.
    pub async fn next(&mut self) -> Option<News> {
        loop {
            if let Some(call) = self.calls.pop_front() {
                self.waiting.fetch_sub(1, Relaxed);
                return Some(News::Incoming(call));
            }
            return Some(match self.queue.recv().await? {
                Queued::Registration(line) => {
                    let state = line.states.dequeue().into();
                    News::Registration { line: Line::new(line, None), state }
                }
                Queued::Calls(calls) => {
                    self.calls = calls;
                    continue;
                }
                Queued::Unconfirmed(line) => News::Unconfirmed { line: Line::new(line, None) },
                Queued::Removed(line) => News::Removed { line: Line::new(line, None) },
            });
        }
    }
}

impl fmt::Debug for Attendant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = self.waiting.load(Relaxed);
        f.debug_struct("Attendant").field("waiting_calls", &calls).finish_non_exhaustive()
    }
}

/// Where the shards tell what happens. No peer can make it grow: a line is in it once with its state, once as it goes,
/// and once for each of its bindings that it was told to remove; and so many calls are.
#[derive(Clone)]
pub(crate) struct Desk {
    queue: mpsc::UnboundedSender<Queued>,
    /// How many calls are in it, of those that are over as well: a caller who gives up at once makes room for the next.
    waiting: Arc<AtomicUsize>,
}

enum Queued {
    Registration(Arc<Shared>),
    Calls(VecDeque<IncomingCall>),
    Unconfirmed(Arc<Shared>),
    Removed(Arc<Shared>),
}

/// Calls of all lines that wait; beyond them a call is answered 480.
const MOST: usize = 4096;

impl Desk {
    /// Tells of a line that is new.
    pub(crate) fn tell_new(&self, line: &Arc<Shared>) {
        if line.states.queue() {
            self.tell_registration(line);
        }
    }

    /// Tells that a line has another state, where it has just been noted that it stands in the queue.
    pub(crate) fn tell_registration(&self, line: &Arc<Shared>) {
        self.tell(Queued::Registration(Arc::clone(line)));
    }

    /// Tells of calls that came together, and turns those away that have no room. Where nobody is there to take them they are
    /// dropped, and so answered 480.
    pub(crate) fn tell_calls(&self, mut calls: VecDeque<IncomingCall>) {
        let room = self.room_for(calls.len());
        calls.drain(room..).for_each(IncomingCall::turn_away);
        if !calls.is_empty() {
            self.tell(Queued::Calls(calls));
        }
    }

    /// Takes room for so many calls, or for as many of them as there is. Returns how many that are.
    fn room_for(&self, wanted: usize) -> usize {
        let before = self.waiting.fetch_add(wanted, Relaxed);
        let given = MOST.saturating_sub(before).min(wanted);
        self.waiting.fetch_sub(wanted - given, Relaxed);
        given
    }

    /// Tells that a registrar has not confirmed that it has removed a line's binding.
    pub(crate) fn tell_unconfirmed(&self, line: &Arc<Shared>) {
        self.tell(Queued::Unconfirmed(Arc::clone(line)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_so_many_calls_and_again_for_those_that_were_taken() {
        let (queue, _attendant) = mpsc::unbounded_channel();
        let desk = Desk { queue, waiting: Arc::default() };
        assert_eq!([MOST - 1, 3, 1].map(|wanted| desk.room_for(wanted)), [MOST - 1, 1, 0]);
        desk.waiting.fetch_sub(2, Relaxed);
        assert_eq!([5, 1].map(|wanted| desk.room_for(wanted)), [2, 0]);
    }
}
