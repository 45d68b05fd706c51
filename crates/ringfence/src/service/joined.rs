//! Reloads, one at a time: who asks while one goes on has the next, together with all others who wait for it. Twenty SIGHUPs in a
//! row are two reloads.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Does the same for all who ask before it begins.
#[derive(Debug)]
pub(super) struct Joined<T> {
    /// How often it was begun.
    begun: AtomicU64,
    /// What came of it last, and the how manieth that was.
    last: Mutex<Option<(u64, T)>>,
}

/// When something was asked, for [`Joined::join`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// How often it had been begun.
    begun: u64,
}

/// Work that was begun.
#[derive(Debug)]
pub(super) struct Begun {
    number: u64,
}

impl<T: Clone> Joined<T> {
    /// Notes that it is asked now.
    pub(super) fn asked(&self) -> Asked {
        Asked { begun: self.begun.load(SeqCst) }
    }

    /// Returns what came of the work, done after it was asked: it is done, unless one of those who waited for it as well has done
    /// it. The caller sees to it that nobody else does meanwhile.
    pub(super) async fn join(&self, asked: Asked, work: impl Future<Output = T>) -> T {
        if let Some(came_of) = self.came_of(asked) {
            return came_of;
        }
        let begun = self.begin();
        let came_of = work.await;
        self.end(begun, &came_of);
        came_of
    }

    /// Returns what came of the work, if it was begun after it was asked, and done.
    pub(super) fn came_of(&self, asked: Asked) -> Option<T> {
        let last = self.last();
        last.as_ref().filter(|(number, _)| *number > asked.begun).map(|(_, came_of)| came_of.clone())
    }

    /// Begins the work: for who asks from now on it is too early.
    pub(super) fn begin(&self) -> Begun {
        Begun { number: self.begun.fetch_add(1, SeqCst) + 1 }
    }

    /// Notes what came of it, for those who have asked before it began. What is given up is not noted: they do it themselves.
    pub(super) fn end(&self, Begun { number }: Begun, came_of: &T) {
        *self.last() = Some((number, came_of.clone()));
    }

    /// Locks it; whoever panicked with it left it whole.
    fn last(&self) -> MutexGuard<'_, Option<(u64, T)>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Joined<T> {
    fn default() -> Self {
        Self { begun: AtomicU64::new(0), last: Mutex::new(None) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::join_all;
    use tokio::time::{Instant, sleep, timeout};

    use super::*;

    const TAKES: Duration = Duration::from_secs(1);

    /// What is done counts how often it was, and takes a second.
    #[derive(Default)]
    struct Bench {
        joined: Joined<usize>,
        done: tokio::sync::Mutex<usize>,
    }

    impl Bench {
        async fn ask(&self) -> usize {
            let asked = self.joined.asked();
            let mut done = self.done.lock().await;
            let work = async {
                sleep(TAKES).await;
                *done += 1;
                *done
            };
            self.joined.join(asked, work).await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_ask_while_one_goes_on_have_the_next_together() {
        let (bench, start) = (Bench::default(), Instant::now());
        let asked = [0, 100, 500, 999].map(async |after| {
            sleep(Duration::from_millis(after)).await;
            bench.ask().await
        });
        assert_eq!(join_all(asked).await, [1, 2, 2, 2]);
        assert_eq!(start.elapsed(), 2 * TAKES);
        assert_eq!(bench.ask().await, 3, "what was done before is of no use to who asks now");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_what_is_given_up_does_it_anew() {
        let bench = Bench::default();
        let (given_up, came_of) = tokio::join!(timeout(TAKES / 2, bench.ask()), bench.ask());
        assert_eq!((given_up.is_err(), came_of), (true, 1));
    }
}
