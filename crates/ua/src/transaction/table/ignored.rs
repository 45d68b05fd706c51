//! INVITEs that are to hear nothing, and neither are their copies that come by another way.

use std::time::Instant;

use super::{Key, Machine, MergeKey, Outbox, Table};

impl Table {
    /// Leaves an INVITE unanswered for good.
    pub(crate) fn silence(&mut self, now: Instant, key: Key, out: &mut Outbox) {
        let Self { entries, timers, ignored, .. } = self;
        let Some(entry) = entries.find_mut(key.hash(), |entry| entry.key == key) else { return };
        let before = entry.poll_timeout();
        if let Machine::InviteServer(transaction) = &mut entry.machine {
            transaction.silence(now);
        }
        if let Some(merge) = entry.merge {
            ignored.insert(merge.mark());
        }
        entry.settle(now, before, timers, out);
    }

    /// Returns whether a request has come by another way and is to hear nothing.
    pub(crate) fn is_ignored(&self, merge: MergeKey) -> bool {
        self.ignored.contains(merge.mark())
    }

    /// Forgets that a request was to hear nothing, where it was.
    pub(super) fn forget_ignored(&mut self, merge: Option<MergeKey>) {
        if let Some(merge) = merge {
            self.ignored.remove(merge.mark());
        }
    }
}
