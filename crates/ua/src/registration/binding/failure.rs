//! What a registration does when an attempt fails: it tries again later, whatever the cause.

use std::time::{Duration, Instant};

use super::{Binding, Phase};
use crate::core::auth::Authenticator;
use crate::id::Generator;
use crate::registration::backoff;
use crate::registration::state::{Cause, RegistrationState};

/// How long a registrar that offered more before is not answered with MD5. One that was set back to it is lost
/// no longer than that; one who only pretends to be it must have kept the line from registering all the while.
const DOWNGRADE: Duration = Duration::from_secs(24 * 60 * 60);

impl Binding {
    pub(super) fn unresolved(&mut self, now: Instant, error: String, generator: &mut Generator) {
        let Phase::Resolving { host, .. } = std::mem::replace(&mut self.phase, Phase::Idle) else { return };
        self.fail(now, Cause::Unresolved { host, error }, None, generator);
    }

    pub(super) fn fail(
        &mut self,
        now: Instant,
        cause: Cause,
        retry_after: Option<Duration>,
        generator: &mut Generator,
    ) {
        if self.is_stopping {
            let may_be_bound = self.bound.is_some_and(|bound| now < bound.until);
            return if may_be_bound { self.remove(now, generator) } else { self.end(now) };
        }
        if matches!(cause, Cause::Downgrade { .. }) {
            let since = *self.downgraded.get_or_insert(now);
            if now.saturating_duration_since(since) >= DOWNGRADE {
                self.forget_challenges();
            }
        }
        self.failures = self.failures.saturating_add(1);
        let retry_at = now + backoff::delay(&cause, self.failures, retry_after, generator.fraction());
        self.phase = Phase::Waiting { retry_at };
        self.tell(RegistrationState::Failed { cause, retry_at: Some(retry_at) });
    }

    /// Forgets what the registrar asked for, and with it that it once offered more than MD5.
    pub(super) fn forget_challenges(&mut self) {
        self.authenticator = self.account.credentials.clone().map(Authenticator::new);
        self.downgraded = None;
    }
}
