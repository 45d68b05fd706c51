//! The INVITEs that were turned away without a transaction (RFC 3261 section 8.2.7): one that comes again is turned away again,
//! also when there is room for it by then. Who has had his 503 has gone.

use std::collections::VecDeque;
use std::time::Instant;

use crate::transaction::hashes::{Hash, Hashes};
use crate::transaction::key::Key;
use crate::transaction::timers::GIVE_UP;

/// The newest INVITEs that were turned away, each for as long as it may be repeated.
#[derive(Debug, Default)]
pub(super) struct TurnedAway {
    keys: Hashes,
    /// In the order in which they were turned away.
    waiting: VecDeque<(Instant, Hash)>,
}

/// How many are known: of 512 a second all for their whole time, in less than a megabyte. At the bound the oldest is forgotten, and
/// may be taken for new.
const MOST: usize = 16_384;

impl TurnedAway {
    /// Notes an INVITE. One that is known stays known no longer for it.
    pub(super) fn add(&mut self, now: Instant, invite: Key) {
        self.forget(now);
        if !self.keys.insert(invite.mark()) {
            return;
        }
        if self.waiting.len() >= MOST
            && let Some((_, oldest)) = self.waiting.pop_front()
        {
            self.keys.remove(oldest);
        }
        self.waiting.push_back((now + GIVE_UP, invite.mark()));
    }

    /// Returns whether an INVITE was turned away. Nothing is looked up where none was.
    pub(super) fn contains(&mut self, now: Instant, invite: Key) -> bool {
        !self.waiting.is_empty() && {
            self.forget(now);
            self.keys.contains(invite.mark())
        }
    }

    /// Forgets those whose senders must have given up.
    fn forget(&mut self, now: Instant) {
        while let Some(&(until, over)) = self.waiting.front()
            && until <= now
        {
            self.waiting.pop_front();
            self.keys.remove(over);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a time of its own needs one instant to start from")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn one_is_known_for_as_long_as_it_may_be_repeated() {
        let (mut turned_away, now) = (TurnedAway::default(), start());
        assert!(!turned_away.contains(now, Key(1)));
        turned_away.add(now, Key(1));
        turned_away.add(now + GIVE_UP / 2, Key(1));
        assert!(!turned_away.contains(now, Key(2)));
        assert!(turned_away.contains(now + Duration::from_millis(31_999), Key(1)));
        assert!(!turned_away.contains(now + GIVE_UP, Key(1)));
        assert_eq!((turned_away.keys.len(), turned_away.waiting.len()), (0, 0));
    }

    #[test]
    fn at_the_bound_the_oldest_is_forgotten() {
        let (mut turned_away, now) = (TurnedAway::default(), start());
        let key = |number: usize| Key((number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060));
        (0..=MOST).for_each(|number| turned_away.add(now, key(number)));
        assert_eq!((turned_away.keys.len(), turned_away.waiting.len()), (MOST, MOST));
        assert!(!turned_away.contains(now, key(0)));
        assert!(turned_away.contains(now, key(1)) && turned_away.contains(now, key(MOST)));
    }
}
