//! The lines that are registered at one server: what fails there fails for all of them at once, and they come back one
//! after the other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::target::Target;
use crate::transport::ContactAddress;

/// How far apart the lines of one server return on average: a hundred a second, each with a challenge and its answer.
/// A registrar on a small machine takes several times that.
pub(crate) const APART: Duration = Duration::from_millis(10);

/// One line's membership of those that are registered at one server. It ends when it is dropped.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crowd(Arc<Shared>);

/// What its lines share.
#[derive(Debug, Default)]
struct Shared {
    /// What tells them from those of any other server.
    number: u32,
    /// What they call themselves.
    user_agent: Arc<str>,
    /// What was found of the server last.
    targets: Mutex<Arc<Vec<Target>>>,
    /// The Contact that it has from the line that was registered last.
    contact: Mutex<Option<Arc<Contacts>>>,
    /// The realm that asked the last of them for its credentials.
    realm: Mutex<Arc<str>>,
}

/// The Contacts that a registrar has from a line, or may have. They are kept behind one pointer: there may be fifty thousand.
#[derive(Debug, Clone)]
pub(super) struct Contacts {
    /// The one that was granted last, or the first that was asked for.
    pub(super) first: ContactAddress,
    /// Those that were asked for since, and not answered.
    pub(super) others: Vec<ContactAddress>,
}

impl Crowd {
    /// Nobody is registered yet where this one is to be.
    pub(crate) fn new(number: u32, user_agent: Arc<str>) -> Self {
        Self(Arc::new(Shared { number, user_agent, ..Shared::default() }))
    }

    /// Returns what tells its lines from those of any other server.
    pub(crate) fn number(&self) -> u32 {
        self.0.number
    }

    /// Returns what its lines call themselves.
    pub(crate) fn user_agent(&self) -> &str {
        &self.0.user_agent
    }

    /// Returns whether nobody is a member but the one who asks.
    pub(crate) fn is_left(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Returns where a line is to register: what another has found as well is there once for both.
    pub(crate) fn share(&self, found: Vec<Target>) -> Arc<Vec<Target>> {
        let mut targets = self.0.targets.lock().unwrap_or_else(PoisonError::into_inner);
        if **targets != found {
            *targets = Arc::new(found);
        }
        Arc::clone(&targets)
    }

    /// Returns a Contact as another line has it, where one does.
    pub(super) fn share_contact(&self, contact: ContactAddress) -> Arc<Contacts> {
        let mut known = self.0.contact.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(match &mut *known {
            Some(known) if known.first == contact && known.others.is_empty() => known,
            other => other.insert(Arc::new(Contacts { first: contact, others: Vec::new() })),
        })
    }

    /// Returns the text of a realm as another line has it, where one does.
    pub(crate) fn share_realm(&self, realm: &Arc<str>) -> Arc<str> {
        let mut known = self.0.realm.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != *realm {
            known.clone_from(realm);
        }
        Arc::clone(&known)
    }

    /// Returns the time over which the lines return: this, or more where they are many.
    pub(crate) fn spread(&self, least: Duration) -> Duration {
        let lines = u32::try_from(Arc::strong_count(&self.0)).unwrap_or(u32::MAX);
        least.max(APART.saturating_mul(lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_lines_there_are_the_longer_they_take_to_return() {
        let second = Duration::from_secs(1);
        let crowd = Crowd::default();
        assert_eq!(crowd.spread(second), second);
        let lines = vec![crowd.clone(); 999];
        assert_eq!(crowd.spread(second), Duration::from_secs(10));
        assert!(!crowd.is_left());
        drop(lines);
        assert!(crowd.is_left() && crowd.spread(second) == second);
    }

    #[test]
    fn what_two_lines_have_in_common_is_there_once() {
        let (crowd, ip) = (Crowd::default(), [192, 0, 2, 9]);
        let at = |port: u16| ContactAddress {
            address: (ip, port).into(),
            transport: crate::transport::Transport::Udp,
            is_secure: false,
        };
        let contacts = [5060, 5060, 5062].map(|port| crowd.share_contact(at(port)));
        assert_eq!(contacts.each_ref().map(|contact| contact.first.address.port()), [5060, 5060, 5062]);
        assert!(Arc::ptr_eq(&contacts[0], &contacts[1]));
        let realms = ["one", "one", "other"].map(|realm| crowd.share_realm(&realm.into()));
        assert_eq!(realms.each_ref().map(|realm| &**realm), ["one", "one", "other"]);
        assert!(Arc::ptr_eq(&realms[0], &realms[1]));
        let crowd = Crowd::new(7, "agent".into());
        assert_eq!((crowd.number(), crowd.user_agent()), (7, "agent"));
    }
}
