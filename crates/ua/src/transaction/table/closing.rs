//! The end of all INVITE server transactions, when the program ends.

use super::{Ended, Entry, Machine, MergeKey, Table};

impl Table {
    /// Returns whether a final response to an INVITE waits for its ACK.
    pub(crate) fn awaits_ack(&self) -> bool {
        self.entries.iter().any(|entry| match &entry.machine {
            Machine::InviteServer(transaction) => transaction.awaits_ack(),
            Machine::Server(_) | Machine::Client(_) => false,
        })
    }

    /// Ends every INVITE server transaction that was answered for good, as if no more were to come.
    pub(crate) fn close(&mut self) {
        let is_over = |entry: &mut Entry| match &entry.machine {
            Machine::InviteServer(transaction) => !transaction.is_undecided(),
            Machine::Server(_) | Machine::Client(_) => false,
        };
        let mut over: Vec<Entry> = self.entries.extract_if(is_over).collect();
        over.sort_by_key(|entry| entry.user);
        for Entry { merge, user, status, by, machine, .. } in over {
            let Machine::InviteServer(transaction) = machine else { continue };
            self.ended.push_back(Ended::Invite { user, status, by, end: transaction.end_by_now() });
            self.keep_buffer(transaction.into_buffer());
            self.forget_ignored(merge);
            self.forget(merge.map(MergeKey::mark));
        }
    }
}
