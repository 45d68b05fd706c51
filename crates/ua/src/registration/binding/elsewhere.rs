//! Another server within the same attempt, where one that was connected to says 503 (RFC 3263 section 4.3).
//!
//! By UDP all servers of a host are known when it is found, and the next is one of them. Over a connection there is one,
//! the one that it leads to: so the host is looked up once more, which leads to a server that has not failed of late where
//! there is one. Where it leads to one that has said 503 to this attempt there is none left, and the attempt has failed by
//! what was said first to last.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::Binding;
use crate::id::Generator;
use crate::registration::state::Cause;
use crate::registration::target::Target;

/// Servers that are asked within one attempt, as many as a look-up of the softphone has.
const SERVERS: usize = 32;

/// The servers that have said 503 to one attempt, and what the last of them said.
pub(super) struct Declined {
    by: Vec<SocketAddr>,
    cause: Cause,
    retry_after: Option<Duration>,
}

impl Binding {
    /// Looks for another server after one that was connected to has said 503. Returns whether there may be one.
    pub(super) fn look_elsewhere(
        &mut self,
        now: Instant,
        cause: &Cause,
        retry_after: Option<Duration>,
    ) -> bool {
        let Some(target) = self.current_target().filter(|target| target.flow.is_reliable()) else {
            return false;
        };
        let declined = self.setbacks.as_mut().and_then(|setbacks| setbacks.declined.take());
        let mut by = declined.map(|declined| declined.by).unwrap_or_default();
        if self.is_stopping || by.len() >= SERVERS {
            return false;
        }
        //= https://www.rfc-editor.org/rfc/rfc3263#section-4.3
        //# If a failure occurs, the client
        //# SHOULD create a new request, which is identical to the previous, but
        //# has a different value of the Via branch ID than the previous (and
        //# therefore constitutes a new SIP transaction).  That request is sent
        //# to the next element in the list as specified by RFC 2782.
        by.push(target.flow.remote());
        self.setbacks_mut().declined = Some(Box::new(Declined { by, cause: cause.clone(), retry_after }));
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

    /// Takes that no server is left where one has said 503. Returns whether one has.
    pub(super) fn fail_declined(&mut self, now: Instant, generator: &mut Generator) -> bool {
        let declined = self.setbacks.as_mut().and_then(|setbacks| setbacks.declined.take());
        let Some(declined) = declined else { return false };
        self.fail(now, declined.cause, declined.retry_after, generator);
        true
    }
}
