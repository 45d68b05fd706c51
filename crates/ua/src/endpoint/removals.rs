//! What became of the bindings that were to be removed.

use std::time::Instant;

use super::{Endpoint, Event};
use crate::id::LineId;

/// What became of bindings that registrars were asked to remove (RFC 3261 section 10.2.2). A line with several outbound proxies has
/// one for each.
///
/// ```
/// use ringfence_ua::Removals;
///
/// let removals = Removals { confirmed: 3, ..Removals::default() };
/// assert_eq!((removals.plus(removals).confirmed, removals.unconfirmed), (6, 0));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removals {
    /// Those that the registrar has confirmed.
    pub confirmed: u64,
    /// Those that it has not: it refused, did not answer, or could not be asked. They stay there until they expire.
    pub unconfirmed: u64,
}

impl Removals {
    /// Returns the sum of two, for several endpoints of one softphone.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let confirmed = self.confirmed + other.confirmed;
        Self { confirmed, unconfirmed: self.unconfirmed + other.unconfirmed }
    }
}

impl Endpoint {
    /// Returns what became of the bindings that were to be removed since [`Endpoint::leave`], or since the start where there was none, as
    /// if those that are still there were given up now. It looks at every line.
    #[must_use]
    pub fn removals(&self, now: Instant) -> Removals {
        let bindings = self.lines.bindings().filter(|binding| binding.may_be_bound_at(now));
        self.removals.plus(Removals { unconfirmed: bindings.count() as u64, ..Removals::default() })
    }

    pub(super) fn note_left(&mut self, id: LineId, is_confirmed: bool) {
        if is_confirmed {
            self.removals.confirmed += 1;
        } else {
            self.removals.unconfirmed += 1;
            self.events.push_back(Event::Unconfirmed { line: self.lines.leader_of(id) });
        }
    }
}
