//! Telling those who decided calls that their responses are sent.
//!
//! ```text
//!  64 tasks wait, each for its own response
//!    told by the shard, one after the other:  each is a task of another thread, which is woken for it, has it run, and sleeps
//!    told by a task among them:               that thread is woken once
//! ```
//!
//! Where both threads share a core, each time one is woken it takes the core from the shard at once.

use ringfence_ua::Decided;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::oneshot;

/// Who decided, and waits until that is done.
#[derive(Debug)]
pub(crate) struct Waiter {
    told: oneshot::Sender<Decided>,
    /// The runtime that it waits on in a task, where that has threads of its own. One of them is to run both tasks; who waits
    /// elsewhere needs none of them.
    on: Option<Handle>,
}

impl Waiter {
    /// Makes both ends, for who waits where this is called.
    pub(crate) fn here() -> (Self, oneshot::Receiver<Decided>) {
        let (told, decided) = oneshot::channel();
        let on = Handle::try_current().ok().filter(|_| tokio::task::try_id().is_some());
        let on = on.filter(|on| on.runtime_flavor() != RuntimeFlavor::CurrentThread);
        (Self { told, on }, decided)
    }

    fn is_on(&self, other: &Handle) -> bool {
        self.on.as_ref().is_some_and(|on| on.id() == other.id())
    }
}

/// Those who are to be told. Whatever becomes of it, they are: what is left is told when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Telling(Vec<(Waiter, Decided)>);

impl Telling {
    /// Adds who is to be told.
    pub(super) fn add(&mut self, waiter: Waiter, decided: Decided) {
        self.0.push((waiter, decided));
    }

    /// Tells all: those who wait on one runtime by a task of it.
    pub(super) fn tell(&mut self) {
        while let Some(on) = self.0.iter().find_map(|(waiter, _)| waiter.on.clone()) {
            let together = Self(self.0.extract_if(.., |(waiter, _)| waiter.is_on(&on)).collect());
            if together.0.len() > 1 {
                // A runtime that is shut down drops it.
                on.spawn(async move { drop(together) });
            }
        }
        self.tell_here();
    }

    fn tell_here(&mut self) {
        for (waiter, decided) in self.0.drain(..) {
            // Who decided may not wait for it.
            let _ = waiter.told.send(decided);
        }
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.tell_here();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::runtime::{Builder, Runtime};
    use tokio::sync::oneshot::Receiver;
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    const DONE: Decided = Decided::Sent;

    fn with_threads() -> Runtime {
        Builder::new_multi_thread().worker_threads(1).build().unwrap()
    }

    /// Has so many wait where this is called.
    fn waiting(telling: &mut Telling, count: usize) -> Vec<Receiver<Decided>> {
        added(telling, (0..count).map(|_| Waiter::here()).collect())
    }

    /// Has so many wait in a task of a runtime.
    fn waiting_on(runtime: &Runtime, telling: &mut Telling, count: usize) -> Vec<Receiver<Decided>> {
        let made = runtime.spawn(async move { (0..count).map(|_| Waiter::here()).collect() });
        added(telling, runtime.block_on(made).unwrap())
    }

    fn added(telling: &mut Telling, made: Vec<(Waiter, Receiver<Decided>)>) -> Vec<Receiver<Decided>> {
        let add = |(waiter, decided)| {
            telling.add(waiter, DONE);
            decided
        };
        made.into_iter().map(add).collect()
    }

    /// Keeps the only thread of a runtime busy until what is returned is dropped.
    fn busy(runtime: &Runtime) -> mpsc::Sender<()> {
        let (free, until) = mpsc::channel();
        let (begun, has_begun) = mpsc::channel();
        runtime.spawn(async move {
            begun.send(()).unwrap();
            until.recv().unwrap_err();
        });
        has_begun.recv_timeout(Duration::from_secs(5)).unwrap();
        free
    }

    #[test]
    fn those_who_wait_on_one_runtime_are_told_by_a_task_of_it_and_all_others_at_once() {
        let (one, other) = (with_threads(), with_threads());
        let here = Builder::new_current_thread().build().unwrap();
        let mut telling = Telling::default();
        let mut at_once = waiting(&mut telling, 2);
        let mut by_a_task = waiting_on(&one, &mut telling, 2);
        at_once.extend(waiting_on(&other, &mut telling, 1));
        at_once.extend(waiting_on(&here, &mut telling, 2));
        by_a_task.extend(waiting_on(&one, &mut telling, 1));
        // As `main` does.
        at_once.extend(one.block_on(async { waiting(&mut telling, 2) }));
        let free = busy(&one);
        telling.tell();
        for decided in &mut at_once {
            assert!(matches!(decided.try_recv(), Ok(DONE)));
        }
        for decided in &mut by_a_task {
            assert!(matches!(decided.try_recv(), Err(TryRecvError::Empty)));
        }
        drop(free);
        for decided in by_a_task {
            assert!(matches!(decided.blocking_recv(), Ok(DONE)));
        }
    }

    #[test]
    fn who_waits_on_a_runtime_that_ends_is_told_as_well() {
        let runtime = with_threads();
        let mut telling = Telling::default();
        let before = waiting_on(&runtime, &mut telling, 3);
        let mut later = Telling::default();
        let after = waiting_on(&runtime, &mut later, 3);
        let free = busy(&runtime);
        telling.tell();
        drop(free);
        runtime.shutdown_background();
        later.tell();
        for decided in before.into_iter().chain(after) {
            assert!(matches!(decided.blocking_recv(), Ok(DONE)));
        }
    }

    #[test]
    fn who_is_left_is_told_when_nobody_tells() {
        let mut telling = Telling::default();
        let left = waiting(&mut telling, 2);
        drop(telling);
        for decided in left {
            assert!(matches!(decided.blocking_recv(), Ok(DONE)));
        }
    }
}
