//! What a registration does when an attempt fails: it tries again later, whatever the cause.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Binding, Phase};
use crate::core::auth::Authenticator;
use crate::id::Generator;
use crate::registration::backoff::{self, Need};
use crate::registration::state::{Cause, RegistrationState};
use crate::registration::target::{Unreached, Unresolved};

/// How long a registrar that offered more before is not answered with MD5. One that was set back to it is lost
/// no longer than that; one who only pretends to be it must have kept the line from registering all the while.
const DOWNGRADE: Duration = Duration::from_secs(24 * 60 * 60);

/// Within how long the lines of a connection that was lost register again, where they are few.
pub(super) const AFTER_DISCONNECT: Duration = Duration::from_secs(3);
/// A connection that is lost sooner is of no use: calls that came meanwhile were few, and one that is made anew will not
/// last either. The first such loss may be a restart, which another follows; from the second in a row on they count as
/// failures, or a registrar that closes after each answer would be asked every second or two for ever.
const SHORT_LIVED: Duration = Duration::from_secs(60);

impl Binding {
    pub(super) fn unreached(&mut self, now: Instant, why: Unreached, generator: &mut Generator) {
        self.phase = Phase::Idle;
        if self.fail_declined(now, generator) {
            return;
        }
        let (host, _) = self.next_hop();
        let cause = match why {
            Unreached::Unresolved(Unresolved { error }) => Cause::Unresolved { host, error },
            Unreached::Unconnected { error } => Cause::Unconnected { host, error },
        };
        self.fail(now, cause, None, generator);
    }

    /// Takes that the last REGISTER was never answered, or by what is `unreadable`.
    pub(crate) fn handle_unanswered(
        &mut self,
        now: Instant,
        unreadable: Option<&str>,
        generator: &mut Generator,
    ) {
        match self.phase {
            Phase::Removing => self.give_up(now),
            Phase::Asking(ref asked) => {
                let contact = asked.contact;
                self.setbacks_mut().silent = self.current_target().map(|target| target.flow.remote());
                self.may_be_bound(now, contact);
                //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.1
                //# When a timeout error is received from the transaction layer, it MUST be treated
                //# as if a 408 (Request Timeout) status code has been received.
                let cause =
                    unreadable.map_or(Cause::TimedOut, |error| Cause::Unreadable { error: error.to_owned() });
                self.fail(now, cause, None, generator);
            }
            Phase::Idle | Phase::Resolving { .. } | Phase::Bound { .. } | Phase::Waiting { .. } => {}
        }
    }

    /// Takes that the connection to the registrar is no more: it has a binding of ours that leads nowhere.
    pub(crate) fn handle_disconnected(&mut self, now: Instant, error: &str, generator: &mut Generator) {
        // Nothing more is sent over a connection that is no more: who leaves now need not wait for an answer.
        if self.current_target().is_some_and(|target| target.flow.is_reliable()) {
            self.targets = Arc::default();
            self.public = None;
        }
        match self.phase {
            Phase::Bound { .. } => {
                self.keep_none_open();
                let cause = self.disconnected(error);
                let has_lasted =
                    self.connected_at.is_none_or(|at| now.saturating_duration_since(at) >= SHORT_LIVED);
                self.short_lived = if has_lasted { 0 } else { self.short_lived.saturating_add(1) };
                let retry_at = now
                    + match self.short_lived {
                        // The lines of a registrar that restarts do not all come back in one instant.
                        0 | 1 => self.crowd.spread(AFTER_DISCONNECT).mul_f64(generator.fraction()),
                        times => backoff::delay(
                            &cause,
                            u32::from(times) - 1,
                            None,
                            &self.crowd,
                            generator.fraction(),
                        ),
                    };
                self.phase = Phase::Waiting { retry_at };
                self.tell(RegistrationState::Failed { cause, retry_at: Some(retry_at) });
            }
            Phase::Asking(ref asked) => {
                let contact = asked.contact;
                self.keep_none_open();
                self.may_be_bound(now, contact);
                self.fail(now, self.disconnected(error), None, generator);
            }
            Phase::Removing => self.give_up(now),
            Phase::Idle | Phase::Resolving { .. } | Phase::Waiting { .. } => {}
        }
    }

    /// Takes that the flow that is kept open to a UDP registrar is no more what it was: it may lead nowhere. A REGISTER on
    /// its way finds that out by itself.
    pub(crate) fn handle_flow_failed(
        &mut self,
        now: Instant,
        seen: Option<SocketAddr>,
        error: &str,
        generator: &mut Generator,
    ) {
        if !matches!(self.phase, Phase::Bound { .. }) {
            return;
        }
        if let (Some(seen), Some(target)) = (seen, self.current_target()) {
            self.public = (seen != target.local).then(|| Box::new(seen));
        }
        self.handle_disconnected(now, error, generator);
    }

    fn disconnected(&self, error: &str) -> Cause {
        Cause::Unconnected { host: self.account.next_hop().0.to_owned(), error: error.to_owned() }
    }

    pub(super) fn fail(
        &mut self,
        now: Instant,
        cause: Cause,
        retry_after: Option<Duration>,
        generator: &mut Generator,
    ) {
        let retry_after = self.take_retry_after(&cause, retry_after);
        if self.is_stopping {
            return self.leave(now, generator);
        }
        if matches!(cause, Cause::Downgrade { .. }) {
            let since = *self.setbacks_mut().downgraded.get_or_insert(now);
            if now.saturating_duration_since(since) >= DOWNGRADE {
                self.forget_challenges();
            }
        }
        self.failures = self.failures.saturating_add(1);
        let (failures, fraction) = (self.failures, generator.fraction());
        let delay = |retry_after| match self.need {
            Need::Only => backoff::delay(&cause, failures, retry_after, &self.crowd, fraction),
            Need::Spare => backoff::delay_of_spare(&cause, failures, retry_after, &self.crowd, fraction),
        };
        // Each says so of itself alone (RFC 3261 section 20.33): the line is back with the first of them that is.
        let least = retry_after.into_iter().map(&delay).min();
        let retry_at = now + least.unwrap_or_else(|| delay(None));
        self.phase = Phase::Waiting { retry_at };
        self.tell(RegistrationState::Failed { cause, retry_at: Some(retry_at) });
    }

    /// Forgets what the registrar asked for, and with it that it once offered more than MD5.
    pub(super) fn forget_challenges(&mut self) {
        self.authenticator.iter_mut().for_each(Authenticator::forget);
        self.forget_setbacks(|setbacks| setbacks.downgraded = None);
    }
}
