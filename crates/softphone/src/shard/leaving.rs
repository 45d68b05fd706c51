//! How a shard ends.

use std::time::Instant;

use ringfence_ua::Event;
use tokio::sync::oneshot;

use super::lines::LineState;
use super::{Command, Shard};

/// What a shard that ends waits for, and who waits for its end.
pub(super) struct Leaving {
    /// `None` is longer than the clock goes.
    pub(super) until: Option<Instant>,
    done: Vec<oneshot::Sender<()>>,
}

impl Shard {
    /// Refuses what comes from now on, and takes the lines' registrations away.
    pub(super) fn shut_down(&mut self, now: Instant, until: Option<Instant>, done: oneshot::Sender<()>) {
        if let Some(leaving) = &mut self.leaving {
            leaving.until = [leaving.until, until].into_iter().flatten().min();
            leaving.done.push(done);
        } else {
            self.endpoint.reject_all(now);
            self.endpoint.unregister_all(now);
            self.leaving = Some(Leaving { until, done: vec![done] });
        }
    }

    /// Tells whether no line is registered any more, or there is no more time.
    pub(super) fn has_left(&self) -> bool {
        self.leaving.as_ref().is_some_and(|leaving| {
            let is_time_over = leaving.until.is_some_and(|until| Instant::now() >= until);
            is_time_over || self.lines.values().all(LineState::is_unregistered)
        })
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
            let _ = done.send(());
        }
    }
}
