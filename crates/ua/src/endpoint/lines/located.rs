//! Where the registrars of lines are, and their proxies: whoever sends from there may ring the line.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Line, Lines, forget};
use crate::id::LineId;
use crate::registration::Account;
use crate::registration::Target;

/// What was found of the registrar of a line: nearly always the same for many lines, which share it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Located {
    /// Where the line is towards its registrar, or would be reached if it does not register.
    pub(super) local: Option<SocketAddr>,
    /// The addresses of the registrar and the proxy.
    registrar: Box<[IpAddr]>,
    /// The addresses of the registrar that stands behind the proxy.
    behind_proxy: Box<[IpAddr]>,
}

/// A peer that could not be looked up is looked up again after half a minute, any other hourly:
/// names move, and nothing else would tell a line that does not register.
const LOOKUP_AFTER_FAILURE: Duration = Duration::from_secs(30);
const LOOKUP_AGAIN: Duration = Duration::from_secs(3600);

impl Located {
    /// Returns the addresses of the registrar, wherever it stands, and of the proxy.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.registrar.iter().chain(&self.behind_proxy).copied()
    }
}

impl Line {
    /// Returns every address that may ring the line.
    pub(super) fn known_addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.account.extras().peers.iter().map(IpAddr::to_canonical).chain(self.located.addresses())
    }

    /// Brings an index up to date with the addresses that may ring the line now, given those of before.
    fn index_again(&self, before: &[IpAddr], index: &mut BTreeMap<IpAddr, BTreeSet<LineId>>, id: LineId) {
        for address in before {
            forget(index, address, id);
        }
        for address in self.known_addresses() {
            index.entry(address).or_default().insert(id);
        }
    }
}

impl Lines {
    /// Has a line, or one of its flows, be of another account from now on, whose user is the same.
    pub(in crate::endpoint) fn set_account(&mut self, id: LineId, account: &Arc<Account>) {
        let is_further_flow = self.leaders.contains_key(&id);
        let Self { by_id, by_address, open, .. } = self;
        let Some(line) = by_id.get_mut(&id) else { return };
        let before: Vec<IpAddr> = line.known_addresses().collect();
        line.account = Arc::clone(account);
        // What comes to a further flow is its leader's.
        if is_further_flow {
            return;
        }
        line.index_again(&before, by_address, id);
        if account.is_open {
            open.insert(id)
        } else {
            open.remove(&id)
        };
    }

    /// Notes where a line's registrar and proxy are, as they were looked up.
    pub(in crate::endpoint) fn located(&mut self, now: Instant, id: LineId, targets: Option<&[Target]>) {
        let Some(line) = self.by_id.get_mut(&id) else { return };
        if let Some(silent) = &mut line.silent {
            let again = if targets.is_some() { LOOKUP_AGAIN } else { LOOKUP_AFTER_FAILURE };
            silent.lookup_at = Some(now + again);
        }
        // A name that cannot be looked up just now still means what it meant.
        let Some(targets) = targets else { return };
        let local = targets.first().map(|target| target.local);
        let found = targets.iter().map(|target| target.flow.remote().ip().to_canonical()).collect();
        let leader = self.leader_of(id);
        if leader != id
            && let Some(line) = self.by_id.get_mut(&id)
        {
            line.located = Arc::new(Located { local, ..Located::default() });
        }
        let registrar = self.all_located(id, found).into();
        self.locate(leader, |before| {
            let local = if leader == id { local } else { before.local };
            Located { local, registrar, behind_proxy: before.behind_proxy.clone() }
        });
    }

    /// Notes where the registrar is that stands behind a line's proxy.
    pub(in crate::endpoint) fn located_behind_proxy(&mut self, id: LineId, addresses: &[IpAddr]) {
        let behind_proxy = addresses.iter().map(IpAddr::to_canonical).collect();
        self.locate(self.leader_of(id), |before| Located { behind_proxy, ..before.clone() });
    }

    /// Takes what was found of a line's registrar. What another line has as well is there once for both.
    fn locate(&mut self, id: LineId, find: impl FnOnce(&Located) -> Located) {
        let Self { by_id, by_address, located, .. } = self;
        let Some(line) = by_id.get_mut(&id) else { return };
        let found = find(&line.located);
        let known = located.iter().find(|known| ***known == found).map(Arc::clone);
        let found = known.unwrap_or_else(|| {
            located.rotate_right(1);
            located[0] = Arc::new(found);
            Arc::clone(&located[0])
        });
        let before: Vec<IpAddr> = line.known_addresses().collect();
        line.located = found;
        line.index_again(&before, by_address, id);
    }

    /// Returns whether a line that does not register is to look its peer up again.
    pub(in crate::endpoint) fn is_lookup_due(&mut self, now: Instant, id: LineId) -> bool {
        let silent = self.by_id.get_mut(&id).and_then(|line| line.silent.as_mut());
        silent.is_some_and(|silent| silent.lookup_at.take_if(|due| *due <= now).is_some())
    }
}
