//! What a binding needs its turn for, where many are registered at one server.

use std::time::Instant;

use super::{Binding, Phase, Successor};

impl Binding {
    /// Returns whether it has a REGISTER on its way, or finds out where to send it.
    pub(crate) fn is_under_way(&self) -> bool {
        self.is_asking() || matches!(self.phase, Phase::Resolving { .. })
    }

    /// Returns whether [`Binding::start`] has something sent.
    pub(crate) fn needs_turn_to_start(&self) -> bool {
        matches!(self.phase, Phase::Idle | Phase::Waiting { .. })
    }

    /// Returns whether [`Binding::stop`] has something sent at once.
    pub(crate) fn needs_turn_to_stop(&self, now: Instant) -> bool {
        let is_left_to_another = self.successor == Successor::AnotherLine && self.is_by_instance;
        let is_sent = match self.phase {
            Phase::Bound { .. } => true,
            Phase::Waiting { .. } | Phase::Resolving { .. } => self.may_be_bound_at(now),
            Phase::Idle | Phase::Asking(_) | Phase::Removing => false,
        };
        is_sent && !is_left_to_another
    }

    /// Returns what tells the lines of its server from those of any other.
    pub(crate) fn server(&self) -> u32 {
        self.crowd.number()
    }
}
