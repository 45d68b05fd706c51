//! How a shard ends.

use std::ops::Bound;
use std::time::{Duration, Instant};

use ringfence_ua::{Event, LineId, Removals};
use tokio::sync::oneshot;

use super::{Command, Shard};

/// How long the answers to calls are sent again until they are acknowledged: a lost one goes twice more, 0.5 and 1.5 s after the
/// first (RFC 3261 section 17.2.1).
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_secs(2);

/// What a shard that ends waits for, and who waits for its end.
pub(super) struct Leaving {
    /// `None` is longer than the clock goes.
    until: Option<Instant>,
    /// Until when an ACK is waited for, or `None` where it is no more.
    acknowledged_by: Option<Instant>,
    /// The first line that was not unregistered when that was last looked at. Those before it stay so.
    first: Option<LineId>,
    done: Vec<oneshot::Sender<Removals>>,
}

impl Leaving {
    /// Returns when it is to be looked at again.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        [self.until, self.acknowledged_by].into_iter().flatten().min()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.acknowledged_by.take_if(|by| now >= *by);
    }
}

impl Shard {
    /// Refuses what comes from now on, and takes the lines' registrations away.
    pub(super) fn shut_down(
        &mut self,
        now: Instant,
        until: Option<Instant>,
        done: oneshot::Sender<Removals>,
    ) {
        if let Some(leaving) = &mut self.leaving {
            leaving.until = [leaving.until, until].into_iter().flatten().min();
            leaving.done.push(done);
        } else {
            self.endpoint.leave(now);
            let acknowledged_by = now.checked_add(ACKNOWLEDGED_WITHIN);
            self.leaving = Some(Leaving { until, acknowledged_by, first: None, done: vec![done] });
        }
    }

    /// Tells whether no line is registered any more and no answer waits for its ACK, or there is no more time.
    pub(super) fn has_left(&mut self) -> bool {
        let Some(leaving) = &mut self.leaving else { return false };
        if leaving.until.is_some_and(|until| Instant::now() >= until) {
            return true;
        }
        let left = leaving.first.map_or(Bound::Unbounded, Bound::Included);
        let mut others = self.lines.range((left, Bound::Unbounded));
        leaving.first = others.find(|(_, line)| !line.is_unregistered()).map(|(id, _)| *id);
        let is_acknowledged = || leaving.acknowledged_by.is_none() || !self.endpoint.awaits_ack();
        leaving.first.is_none() && is_acknowledged()
    }

    /// Answers who still asks, closes the socket, and only then says so.
    pub(super) async fn leave(mut self) {
        self.endpoint.reject_all(Instant::now());
        self.write();
        self.send().await;
        self.endpoint.close(Instant::now());
        while let Some(event) = self.endpoint.poll_event() {
            if let Event::Ended { call, status, by, end } = event {
                self.tell_ended(call, status, by, end);
            }
        }
        let removals = self.endpoint.removals(Instant::now());
        self.tell_all_unregistered();
        let mut waiting = self.leaving.take().map(|leaving| leaving.done).unwrap_or_default();
        self.commands.close();
        while let Some(command) = self.commands.recv().await {
            // What else was asked for just now is dropped here, which tells who waits for it.
            if let Command::Shutdown { done, .. } = command {
                waiting.push(done);
            }
        }
        let Self { streams, udp, .. } = self;
        streams.leave().await;
        drop(udp);
        for done in waiting {
            // Nobody may wait for it.
            let _ = done.send(removals);
        }
    }
}
