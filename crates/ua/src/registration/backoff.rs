//! When a registration that failed is tried again.
//!
//! A first failure is mostly a lost packet or a registrar that restarts: the first two retries
//! are quick. After them the wait doubles from 30 s to 30 min. A registrar that said *no* is not asked
//! again soon: repeated wrong passwords are what intrusion detection blocks an address for. Every
//! wait has a random part, so that a thousand lines behind one registrar spread: the more there are, the further.

use std::time::Duration;

use super::crowd::Crowd;
use super::state::Cause;

const FIRST: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];
const BASE: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// Where a refusal starts: as if it were the fifth failure.
const REFUSED: Duration = Duration::from_secs(4 * 60);
/// A Retry-After beyond an hour is not obeyed to the letter: one answer, which may be a mistake or made up, is not to take a
/// line away for longer.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// Whether a line can be called while a registration of it has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Need {
    /// It cannot: this is its only flow, or the others have failed too.
    #[default]
    Only,
    /// Over another flow it can.
    Spare,
}

/// RFC 5626 section 4.5: the base-time where not all flows have failed.
const SPARE_BASE: Duration = Duration::from_secs(90);

/// Returns how long to wait after the `failures`th failure in a row of a flow whose line can be called over another.
pub(crate) fn delay_of_spare(
    cause: &Cause,
    failures: u32,
    retry_after: Option<Duration>,
    crowd: &Crowd,
    fraction: f64,
) -> Duration {
    //= https://www.rfc-editor.org/rfc/rfc5626#section-4.5
    //# W = min (max-time, (base-time * (2 ^ consecutive-failures)))
    let longest = doubled(SPARE_BASE, failures as usize);
    //= https://www.rfc-editor.org/rfc/rfc5626#section-4.5
    //# The actual amount of time the UA waits before retrying
    //# registration (the retry delay time) is computed by selecting a
    //# uniform random time between 50 and 100% of the upper-bound wait time.
    let wait = longest / 2 + (longest / 2).mul_f64(fraction);
    wait.max(delay(cause, failures, retry_after, crowd, fraction))
}

/// Returns how long a flow that has failed before waits when the last other one of its line has failed too: it may be back.
pub(crate) fn delay_of_last(crowd: &Crowd, fraction: f64) -> Duration {
    BASE / 2 + crowd.spread(BASE / 2).mul_f64(fraction)
}

/// Returns how long to wait after the `failures`th failure in a row (from 1).
///
/// `crowd` are the lines that fail alike, `fraction` is a random number from 0 to 1.
pub(crate) fn delay(
    cause: &Cause,
    failures: u32,
    retry_after: Option<Duration>,
    crowd: &Crowd,
    fraction: f64,
) -> Duration {
    let index = failures.max(1) as usize - 1;
    let wait = if cause.is_refusal() {
        doubled(REFUSED, index)
    } else {
        FIRST.get(index).copied().unwrap_or_else(|| doubled(BASE, index - FIRST.len()))
    };
    let spread = |least: Duration| crowd.spread(least).mul_f64(fraction);
    let wait = wait / 2 + spread(wait / 2);
    // What the registrar asks for is the least; up to a tenth more spreads the returns. One that asks
    // for no time at all is not asked without end, and one that said no not sooner than without it.
    let asked =
        retry_after.map(|asked| asked.min(LONGEST_RETRY_AFTER)).map(|asked| asked + spread(asked / 10));
    let least = if cause.is_refusal() { wait } else { wait.min(BASE) };
    asked.map_or(wait, |asked| asked.max(least))
}

fn doubled(base: Duration, times: usize) -> Duration {
    let times = u32::try_from(times).unwrap_or(u32::MAX);
    2_u32
        .checked_pow(times)
        .and_then(|factor| base.checked_mul(factor))
        .map_or(LONGEST, |wait| wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(cause: &Cause, fraction: f64) -> Vec<u64> {
        (1..=10).map(|failures| delay(cause, failures, None, &Crowd::default(), fraction).as_secs()).collect()
    }

    #[test]
    fn a_silent_registrar_is_tried_quickly_twice_and_then_ever_more_rarely() {
        assert_eq!(seconds(&Cause::TimedOut, 1.0), [2, 10, 30, 60, 120, 240, 480, 960, 1800, 1800]);
        assert_eq!(seconds(&Cause::TimedOut, 0.0), [1, 5, 15, 30, 60, 120, 240, 480, 900, 900]);
    }

    #[test]
    fn a_flow_that_is_not_needed_is_tried_again_more_rarely() {
        let crowd = Crowd::default();
        let after = |failures| delay_of_spare(&Cause::TimedOut, failures, None, &crowd, 1.0).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 99].map(after), [180, 360, 720, 1440, 1800, 1800]);
        let refused = Cause::BadCredentials { status: 401 };
        assert_eq!(delay_of_spare(&refused, 1, None, &crowd, 1.0).as_secs(), 240);
    }

    #[test]
    fn a_wrong_password_is_never_a_storm() {
        let cause = Cause::BadCredentials { status: 401 };
        assert_eq!(seconds(&cause, 1.0)[..5], [240, 480, 960, 1800, 1800]);
    }

    #[test]
    fn what_the_registrar_asks_for_is_the_least_up_to_an_hour() {
        let asked = |seconds| {
            delay(&Cause::TimedOut, 9, Some(Duration::from_secs(seconds)), &Crowd::default(), 0.5).as_secs()
        };
        assert_eq!(asked(100), 105);
        assert_eq!(asked(u64::from(u32::MAX)), 3_780);
    }

    #[test]
    fn a_registrar_that_said_no_is_not_asked_sooner_for_a_short_retry_after() {
        let cause = Cause::Refused { status: 403, phrase: "Forbidden".to_owned() };
        let after =
            |seconds| delay(&cause, 1, Some(Duration::from_secs(seconds)), &Crowd::default(), 1.0).as_secs();
        assert_eq!([after(0), after(1), after(1000)], [240, 240, 1100]);
    }

    #[test]
    fn any_number_of_failures_has_a_wait() {
        assert_eq!(delay(&Cause::TimedOut, u32::MAX, None, &Crowd::default(), 1.0), LONGEST);
        assert!(delay(&Cause::TimedOut, 0, None, &Crowd::default(), 0.0) > Duration::ZERO);
    }
}
