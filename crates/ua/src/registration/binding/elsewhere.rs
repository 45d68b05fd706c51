//! Another server within the same attempt, where one that was connected to says 503 (RFC 3263 section 4.3).
//!
//! By UDP all servers of a host are known when it is found, and the next is one of them. Over a connection there is one,
//! the one that it leads to: so the host is looked up once more, which leads to a server that has not failed of late where
//! there is one. Where it leads to one that has said 503 to this attempt there is none left, and the attempt has failed by
//! what was said last. Whatever they were asked over, the next attempt is made when the first of them may be back.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Binding;
use crate::id::Generator;
use crate::registration::state::Cause;
use crate::registration::target::Target;

/// Servers that are asked within one attempt, as many as a look-up of the softphone has.
const SERVERS: usize = 32;

/// What the servers have said that have said 503 to one attempt.
pub(super) struct Declined {
    /// Those of them that were connected to.
    by: Vec<SocketAddr>,
    /// What the last of them said.
    cause: Cause,
    /// For how long each has asked to be left alone, where it has.
    pub(super) retry_after: Vec<Option<Duration>>,
}

impl Binding {
    /// Notes that the server in use has said 503, and what it asks for.
    pub(super) fn note_declined(&mut self, cause: &Cause, retry_after: Option<Duration>) {
        let by = self.current_target().filter(|target| target.flow.is_reliable());
        let declined = self.setbacks_mut().declined.get_or_insert_with(|| {
            Box::new(Declined { by: Vec::new(), cause: cause.clone(), retry_after: Vec::new() })
        });
        declined.cause = cause.clone();
        declined.retry_after.push(retry_after);
        declined.by.extend(by.map(|target| target.flow.remote()));
    }

    /// Looks for another server after one that was connected to has said 503. Returns whether there may be one.
    pub(super) fn look_elsewhere(&mut self, now: Instant) -> bool {
        let is_connected = self.current_target().is_some_and(|target| target.flow.is_reliable());
        let declined = self.setbacks.as_ref().and_then(|setbacks| setbacks.declined.as_ref());
        if !is_connected || self.is_stopping || declined.is_some_and(|declined| declined.by.len() > SERVERS) {
            return false;
        }
        //= https://www.rfc-editor.org/rfc/rfc3263#section-4.3
        //# If a failure occurs, the client
        //# SHOULD create a new request, which is identical to the previous, but
        //# has a different value of the Via branch ID than the previous (and
        //# therefore constitutes a new SIP transaction).  That request is sent
        //# to the next element in the list as specified by RFC 2782.
        self.rounds = 0;
        let (host, port) = self.next_hop();
        self.resolve(now, host, port);
        true
    }

    /// Returns whether a server has said 503 to this attempt.
    pub(super) fn has_declined(&self, target: Target) -> bool {
        let declined = self.setbacks.as_ref().and_then(|setbacks| setbacks.declined.as_ref());
        declined.is_some_and(|declined| declined.by.contains(&target.flow.remote()))
    }

    /// Takes that no server is left where one that was connected to has said 503. Returns whether one has.
    pub(super) fn fail_declined(&mut self, now: Instant, generator: &mut Generator) -> bool {
        let declined = self.setbacks.as_ref().and_then(|setbacks| setbacks.declined.as_ref());
        let cause =
            declined.filter(|declined| !declined.by.is_empty()).map(|declined| declined.cause.clone());
        let Some(cause) = cause else { return false };
        self.fail(now, cause, None, generator);
        true
    }

    /// Takes that the attempt has failed. Returns for how long those who made it fail have asked to be left alone: all that have
    /// said 503, or the one that has said something else behind them.
    pub(super) fn take_retry_after(
        &mut self,
        cause: &Cause,
        retry_after: Option<Duration>,
    ) -> Vec<Option<Duration>> {
        let mut declined = None;
        self.forget_setbacks(|setbacks| declined = setbacks.declined.take());
        let declined = declined.filter(|_| cause.status() == Some(503));
        declined.map_or_else(|| vec![retry_after], |declined| declined.retry_after)
    }
}
