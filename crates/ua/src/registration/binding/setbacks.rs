//! What has stood in a registration's way, which mostly nothing does: fifty thousand lines have no room for it.

use std::net::SocketAddr;
use std::time::Instant;

use super::Binding;
use super::elsewhere::Declined;
use super::redirection::Redirection;

/// What is remembered of it. While a registrar is silent all of its lines have it, so it is small.
#[derive(Default)]
pub(super) struct Setbacks {
    /// The target that did not answer last, until another does: then those that failed are known to all lines, for five
    /// minutes, and it is not passed over any longer.
    pub(super) silent: Option<SocketAddr>,
    /// Where a 3xx has sent us.
    pub(super) redirection: Option<Box<Redirection>>,
    /// What those asked for that have said 503 to this attempt.
    pub(super) declined: Option<Box<Declined>>,
    /// Since when the registrar asks for MD5 that offered more before.
    pub(super) downgraded: Option<Instant>,
}

impl Binding {
    pub(super) fn setbacks_mut(&mut self) -> &mut Setbacks {
        self.setbacks.get_or_insert_default()
    }

    /// Forgets some of it, and keeps no room for nothing.
    pub(super) fn forget_setbacks(&mut self, forget: impl FnOnce(&mut Setbacks)) {
        self.setbacks.as_deref_mut().map(forget);
        self.setbacks.take_if(|setbacks| {
            let Setbacks { silent, redirection, declined, downgraded } = &**setbacks;
            silent.is_none() && redirection.is_none() && declined.is_none() && downgraded.is_none()
        });
    }

    /// Returns where the registrar has sent the line, if it has.
    pub(super) fn redirection(&self) -> Option<&Redirection> {
        self.setbacks.as_ref()?.redirection.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In an outage fifty thousand lines may have it.
    #[test]
    fn what_all_lines_remember_of_an_outage_is_small() {
        assert!(size_of::<Setbacks>() <= 64, "{}", size_of::<Setbacks>());
    }
}
