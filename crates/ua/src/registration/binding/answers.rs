//! What each final response to a REGISTER means (RFC 3261 sections 8.1.3 and 10.2.4 to 10.2.8).

use std::time::{Duration, Instant};

use ringfence_wire::sip::{HeaderName, Message, StatusCode, unquote};

use super::{Asked, Binding, LONGEST_EXPIRES, Phase, ROUNDS, SHORTEST_REFRESH};
use crate::core::auth::AuthError;
use crate::id::Generator;
use crate::registration::contact::Ours;
use crate::registration::gruu::Gruu;
use crate::registration::outbound::{self, Wanted};
use crate::registration::service_route;
use crate::registration::state::{Cause, RegistrationState, shown};
use crate::transport::ContactAddress;

/// A refresh that is lost needs 32 s to be noticed: where the lifetime allows, it leaves that much and some.
const REFRESH_MARGIN: Duration = Duration::from_secs(40);

impl Binding {
    pub(super) fn granted(
        &mut self,
        now: Instant,
        Asked { contact, local }: Asked,
        response: &Message<'_>,
        generator: &mut Generator,
    ) {
        let granted = self.granted_expires(contact, response);
        if granted < SHORTEST_REFRESH {
            self.bound = None;
            return self.fail(now, Cause::NotGranted, None, generator);
        }
        let expires = Duration::from_secs(granted.into());
        self.is_by_instance = outbound::is_granted(response);
        self.note_bound(contact, now + expires);
        let listed = self.ours(contact).listed(response);
        self.gruu = listed.and_then(|listed| Gruu::of(&listed, &self.account, now + expires));
        if self.is_stopping {
            return self.remove(now, generator);
        }
        if self.has_moved_from(local) {
            return self.ask_from_here(generator);
        }
        // The registrar sees us elsewhere than we said: calls would be sent where we are not.
        if self.contact().is_some_and(|seen| seen != contact) && self.rounds < ROUNDS {
            return self.ask(generator);
        }
        (self.attempt, self.failures) = (0, 0);
        self.forget_setbacks(|setbacks| (setbacks.downgraded, setbacks.declined) = (None, None));
        self.forget_tried();
        let refresh_at = now + refresh_after(expires, generator.fraction());
        self.phase = Phase::Bound { refresh_at };
        let flow = self.current_target().map(|target| target.flow);
        if self.kept_open.is_none() && flow.is_some_and(|flow| !flow.is_reliable()) {
            self.connected_at = Some(now);
        }
        self.keep_open(Wanted::of(response));
        //= https://www.rfc-editor.org/rfc/rfc3608#section-6.1
        //# If the UA refreshes the registration, the stored value of the Service-
        //# Route is updated according to the Service-Route header field of the
        //# latest 200 class response.
        let service_route = service_route::of(response, self.account.is_secure);
        self.tell(RegistrationState::Registered { expires, refresh_at, lost: None, service_route });
    }

    /// Returns how long the registrar keeps our binding.
    fn granted_expires(&self, contact: ContactAddress, response: &Message<'_>) -> u32 {
        self.ours(contact).granted(response, self.expires).min(LONGEST_EXPIRES)
    }

    /// Returns what tells our binding from others.
    fn ours(&self, contact: ContactAddress) -> Ours<'_> {
        let seen = self.contact().unwrap_or(contact).address;
        let (user, token) = (&*self.account.user, self.token.as_str());
        let instance = self.account.instance_id().filter(|_| self.is_outbound);
        Ours { user, contact, seen, token, reg_id: self.reg_id, instance }
    }

    pub(super) fn challenged(
        &mut self,
        now: Instant,
        status: StatusCode,
        response: &Message<'_>,
        generator: &mut Generator,
    ) {
        let status = status.as_u16();
        if let Some(host) = self.led_away_to() {
            return self.fail(now, Cause::Elsewhere { host: shown(&host), status }, None, generator);
        }
        let Some(authenticator) = &mut self.authenticator else {
            return self.fail(now, Cause::NoCredentials { status }, None, generator);
        };
        let result = authenticator.handle_challenge(response);
        authenticator.share_realms(|realm| self.crowd.share_realm(realm));
        match result {
            // What was challenged has bound nothing, and nothing is to be bound any more.
            Ok(()) if self.is_stopping => self.leave(now, generator),
            Ok(()) if self.rounds < ROUNDS => self.ask(generator),
            Ok(()) => self.fail(now, Cause::BadCredentials { status }, None, generator),
            Err(error) => self.fail(now, cause_of(&error, status), None, generator),
        }
    }

    pub(super) fn too_brief(
        &mut self,
        now: Instant,
        status: StatusCode,
        response: &Message<'_>,
        generator: &mut Generator,
    ) {
        let least = response.min_expires().and_then(Result::ok).unwrap_or(0);
        if least <= self.expires || least > LONGEST_EXPIRES || self.rounds >= ROUNDS {
            return self.refused(now, status, response, generator);
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2.8
        //# If a UA receives a 423 (Interval Too Brief) response, it MAY retry
        //# the registration after making the expiration interval of all contact
        //# addresses in the REGISTER request equal to or greater than the
        //# expiration interval within the Min-Expires header field of the 423
        //# (Interval Too Brief) response.
        self.expires = least;
        self.ask(generator);
    }

    /// Takes a 439: the first hop knows no flows, and the registrar none through it.
    pub(super) fn without_outbound(
        &mut self,
        now: Instant,
        status: StatusCode,
        response: &Message<'_>,
        generator: &mut Generator,
    ) {
        if !self.is_outbound || self.rounds >= ROUNDS {
            return self.refused(now, status, response, generator);
        }
        //= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
        //# If the registering UA receives a 439 (First Hop Lacks Outbound
        //# Support) response to a REGISTER request, it MAY re-attempt
        //# registration without using the outbound mechanism
        (self.is_outbound, self.is_by_instance) = (false, false);
        self.ask(generator);
    }

    pub(super) fn refused(
        &mut self,
        now: Instant,
        status: StatusCode,
        response: &Message<'_>,
        generator: &mut Generator,
    ) {
        let (phrase, status) = (reason(response, status), status.as_u16());
        let cause = match status {
            408 | 429 | 480 | 500..600 => Cause::Unavailable { status, phrase },
            _ => Cause::Refused { status, phrase },
        };
        let retry_after = response.retry_after().and_then(Result::ok);
        let retry_after = retry_after.map(|after| Duration::from_secs(after.seconds.into()));
        if status == 503 {
            self.note_declined(&cause, retry_after);
            if self.ask_next(generator) || self.look_elsewhere(now) {
                return;
            }
        }
        self.fail(now, cause, retry_after, generator);
    }
}

/// Returns the reason phrase of a refusal, and behind a colon what its header says of it (RFC 3261 sections 21.4.15, 21.4.16 and 20.43).
fn reason(response: &Message<'_>, status: StatusCode) -> String {
    let phrase = shown(&String::from_utf8_lossy(response.reason_phrase().unwrap_or_default()));
    let told_by = match status.as_u16() {
        420 => HeaderName::Unsupported,
        421 => HeaderName::Require,
        _ => HeaderName::Warning,
    };
    let text = |value: &[u8]| {
        let text = value.iter().position(|byte| *byte == b'"').map_or(value, |quote| &value[quote..]);
        String::from_utf8_lossy(&unquote(text)).into_owned()
    };
    let told: Vec<String> = response.values(told_by).map(text).collect();
    if told.is_empty() { phrase } else { format!("{phrase}: {}", shown(&told.join(", "))) }
}

/// Returns how long after it was granted a binding is refreshed: at four fifths to nine tenths of its life, or earlier where less
/// than [`REFRESH_MARGIN`] would be left of it, but not before its half, and never at once.
///
/// Whatever the life, the random part is a tenth of it: lines that were registered at one time do not stay together.
fn refresh_after(expires: Duration, fraction: f64) -> Duration {
    let latest = expires.mul_f64(0.9).min(expires.saturating_sub(REFRESH_MARGIN)).max(expires.mul_f64(0.6));
    let early = latest.saturating_sub(expires.mul_f64((1.0 - fraction) / 10.0));
    early.max(Duration::from_secs(SHORTEST_REFRESH.into()))
}

fn cause_of(error: &AuthError, status: u16) -> Cause {
    match error {
        AuthError::WrongPassword { .. } | AuthError::TooManyChallenges { .. } => {
            Cause::BadCredentials { status }
        }
        AuthError::NoUsableChallenge { offered } => {
            Cause::NoUsableChallenge { offered: shown(&offered.join(", ")) }
        }
        AuthError::Downgrade { realm } => Cause::Downgrade { realm: shown(realm) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns when ten thousand lines refresh that are granted so much time at once, in milliseconds and in their order.
    fn refreshes(expires: u64) -> Vec<u128> {
        let mut generator = Generator::new([7; 32]);
        let expires = Duration::from_secs(expires);
        let refreshes = (0..10_000).map(|_| refresh_after(expires, generator.fraction()).as_millis());
        let mut refreshes: Vec<u128> = refreshes.collect();
        refreshes.sort_unstable();
        refreshes
    }

    #[test]
    fn lines_that_are_granted_any_time_at_once_refresh_evenly_over_a_tenth_of_it() {
        for expires in [30, 60, 80, 90, 100, 120, 180, 200, 300, 399, 400, 600, 3_600, 86_400] {
            let (refreshes, width) = (refreshes(expires), u128::from(expires) * 1_000 / 10);
            for (tenth, some) in (0..).zip(refreshes.chunks(1_000)) {
                let even = refreshes[0] + width * tenth / 10;
                assert!(some[0].abs_diff(even) < width / 20, "{expires} s, {tenth}: {} {even}", some[0]);
            }
        }
    }

    #[test]
    fn a_binding_is_refreshed_in_its_second_half_and_early_enough_to_notice_a_lost_answer() {
        let of = |expires| {
            let refreshes = refreshes(expires);
            [refreshes[0], refreshes[9_999]].map(|millis| (millis + 500) / 1_000)
        };
        assert_eq!(of(3_600), [2_880, 3_240]);
        assert_eq!(of(400), [320, 360]);
        assert_eq!(of(300), [230, 260]);
        assert_eq!(of(200), [140, 160]);
        assert_eq!(of(100), [50, 60]);
        // 32 s are left: what Timer F takes (RFC 3261 section 17.1.2.2).
        assert_eq!(of(80), [40, 48]);
        assert_eq!(of(60), [30, 36]);
        assert_eq!(of(5), [5, 5]);
    }
}
