//! What becomes of a server transaction whose connection is no more.

use super::{Key, Machine, MergeKey, Table};
use crate::transport::Flow;

impl Table {
    /// Has what a server transaction still has to say go over the connection that its request, or the CANCEL of it, has come over
    /// again, from the same peer. Returns whether it is another one than before.
    pub(crate) fn move_to(&mut self, key: Key, flow: Flow) -> bool {
        let Some(entry) = self.entries.find_mut(key.hash(), |entry| entry.key == key) else { return false };
        let is_server = match entry.machine {
            Machine::InviteServer(_) | Machine::Server(_) => true,
            Machine::Client(_) => false,
        };
        let is_of_peer = entry.flow.remote().ip() == flow.remote().ip();
        let is_another = entry.flow.connection_id() != flow.connection_id();
        let moves = is_server && is_of_peer && is_another && entry.flow.is_reliable() && flow.is_reliable();
        if moves {
            entry.flow = flow;
        }
        moves
    }

    /// Has a copy of a request that comes by another way be one by itself: what is said to this one nobody hears.
    pub(crate) fn part(&mut self, key: Key) {
        let entry = self.entries.find_mut(key.hash(), |entry| entry.key == key);
        let merge = entry.and_then(|entry| entry.merge.take());
        self.forget(merge.map(MergeKey::mark));
    }
}
