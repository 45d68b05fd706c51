//! To ask again and again for datagrams, in the place of sleeping until the system says that there are some.
//!
//! ```text
//!  datagram      the next within `busy_poll`     none within it
//!     │ asks asks asks  │ asks asks asks asks asks asks │ sleeps …
//! ```
//!
//! Who is woken waits for the system's scheduler, who asks does not; it has a processor for itself meanwhile.

use std::time::{Duration, Instant};

/// Whether a shard asks or sleeps.
#[derive(Debug)]
pub(super) struct Asking {
    busy_poll: Duration,
    until: Option<Instant>,
}

/// What is longer than the clock goes.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl Asking {
    /// It will ask for so long after the last datagram; for no time is not at all.
    pub(super) fn new(busy_poll: Duration) -> Self {
        Self { busy_poll, until: None }
    }

    /// Notes that datagrams have come.
    pub(super) fn heard(&mut self, now: Instant) {
        if !self.busy_poll.is_zero() {
            self.until = Some(now.checked_add(self.busy_poll).unwrap_or(now + FOR_EVER));
        }
    }

    /// Is ready when it is to be asked again: as soon as connections, names and clocks had their turn, or never.
    pub(super) async fn again(&self) {
        match self.until {
            Some(until) if Instant::now() < until => tokio::task::yield_now().await,
            Some(_) | None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    /// Whether it is asked again rather than slept.
    async fn asks(asking: &Asking) -> bool {
        tokio::time::timeout(Duration::from_secs(1), asking.again()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn it_asks_for_a_time_after_a_datagram_and_then_sleeps() {
        let (now, mut asking) = (Instant::now(), Asking::new(LONG));
        assert!(!asks(&asking).await, "before there was any");
        asking.heard(now);
        assert!(asks(&asking).await);
        asking.heard(now.checked_sub(LONG).expect("the clock goes back so far"));
        assert!(!asks(&asking).await, "long after the last");
    }

    #[tokio::test(start_paused = true)]
    async fn it_sleeps_at_all_times_where_it_is_not_to_ask() {
        let mut asking = Asking::new(Duration::ZERO);
        asking.heard(Instant::now());
        assert!(!asks(&asking).await);
    }

    #[tokio::test]
    async fn others_have_their_turn_before_it_is_asked_again() {
        let mut asking = Asking::new(LONG);
        asking.heard(Instant::now());
        assert_eq!(asking.again().now_or_never(), None);
    }
}
