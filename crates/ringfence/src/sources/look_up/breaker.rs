//! Leaves a source alone that fails again and again, so that calls do not wait for it.

use std::time::Duration;

use tokio::time::Instant;

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: u32,
    rests_until: Option<Instant>,
    /// Whether a question tries if the source is back.
    is_tried: bool,
    rests: u64,
}

/// So many failures in a row are no accident.
const MOST_FAILURES: u32 = 5;
/// So long it is left alone; then one question tries whether it is back.
const REST: Duration = Duration::from_secs(30);

impl Breaker {
    /// Asks whether a question may be asked; if not, how long that still is so.
    pub(crate) fn begin(&mut self, now: Instant) -> Result<(), Duration> {
        match self.rests_until {
            Some(until) if now < until => Err(until - now),
            // The first question after the rest is alone until it has its answer.
            Some(_) => {
                self.rests_until = Some(now + REST);
                self.is_tried = true;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Notes how a question ended.
    pub(crate) fn end(&mut self, is_answered: bool, now: Instant) {
        let was_tried = std::mem::take(&mut self.is_tried);
        if is_answered {
            self.failures = 0;
            self.rests_until = None;
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= MOST_FAILURES {
            self.rests_until = Some(now + REST);
            // Of questions that fail together the first brings the rest.
            if self.failures == MOST_FAILURES || was_tried {
                self.rests += 1;
            }
        }
    }

    /// Returns how often it was left alone.
    pub(crate) fn rests(&self) -> u64 {
        self.rests
    }

    pub(crate) fn is_resting(&self, now: Instant) -> bool {
        self.rests_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_row_bring_a_rest_and_one_success_ends_the_row() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for is_answered in [false, false, false, false, true, false, false, false, false] {
            assert_eq!(breaker.begin(now), Ok(()));
            breaker.end(is_answered, now);
        }
        assert!(!breaker.is_resting(now));
        breaker.end(false, now);
        assert_eq!((breaker.begin(now), breaker.rests()), (Err(REST), 1));
    }

    #[test]
    fn after_the_rest_one_question_tries_and_its_answer_decides() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        (0..5).for_each(|_| breaker.end(false, now));
        let later = now + REST;
        assert_eq!(breaker.begin(later), Ok(()));
        assert!(breaker.begin(later).is_err());
        breaker.end(false, later);
        assert!(breaker.begin(later).is_err());
        let at_last = later + REST;
        assert_eq!(breaker.begin(at_last), Ok(()));
        breaker.end(true, at_last);
        assert_eq!(breaker.begin(at_last), Ok(()));
        assert_eq!(breaker.begin(at_last), Ok(()));
    }

    #[test]
    fn questions_that_fail_together_bring_one_rest() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        (0..8).for_each(|_| breaker.end(false, now));
        assert_eq!(breaker.rests(), 1);
        let later = now + REST;
        assert_eq!(breaker.begin(later), Ok(()));
        breaker.end(false, later);
        assert_eq!(breaker.rests(), 2);
    }
}
