//! Whose turn it is to register or to unregister, where a server has many lines.
//!
//! ```text
//!         there is room                        no REGISTER is on its way any more
//!  asks ─────────────────▶ under way ────────────────────────────────────────────▶ forgotten, and the next one has its turn
//!    │                          ▲
//!    └──▶ waits in its order ───┘ there is room again, or 10 ms have passed in which nobody had his turn
//! ```
//!
//! Ten thousand REGISTERs in one burst do not fit into the socket of a registrar, and what does not fit is lost. So the answers set
//! the pace: at each server a hundred lines may be under way. One that is silent, or loses some, keeps the others from their turn
//! no longer than the lines that return to it after a failure. Refreshes and retries have no turn: they are spread already.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::id::LineId;
use crate::registration::APART;

/// Lines that are under way to one server at once. The receive buffer of a socket has room for about so many REGISTERs where
/// nothing was set for it (Linux: `net.core.rmem_default`, 212,992 bytes, of which one takes about 2 KiB with what the kernel adds).
const AT_ONCE: usize = 100;

/// What a line has its turn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Register,
    Unregister,
}

/// A server, by the number of its crowd.
type Server = u32;

/// The lines that wait for their turn, and those that have it. There are no more of them than lines.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    lines: BTreeMap<LineId, Place>,
    servers: BTreeMap<Server, Queue>,
    /// Servers at which there may be room for one that waits.
    ready: BTreeSet<Server>,
    /// When the next one at each server has its turn whatever is answered.
    due: BTreeSet<(Instant, Server)>,
    next_number: u64,
}

/// Where a line stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    Waiting { server: Server, number: u64, turn: Turn },
    UnderWay { server: Server },
}

/// The lines of one server.
#[derive(Debug, Default)]
struct Queue {
    under_way: usize,
    waiting: BTreeMap<u64, LineId>,
    /// When the first of those that wait has its turn at the latest.
    due: Option<Instant>,
}

impl Turns {
    /// Takes that a line wants its turn. Returns whether it has it at once; else [`Turns::next`] returns it. One that waits for
    /// another turn already waits for this one in its place.
    pub(crate) fn ask(&mut self, now: Instant, server: Server, id: LineId, turn: Turn) -> bool {
        match self.lines.get_mut(&id) {
            Some(Place::UnderWay { .. }) => return true,
            Some(Place::Waiting { turn: before, .. }) => {
                *before = turn;
                return false;
            }
            None => {}
        }
        let queue = self.servers.entry(server).or_default();
        if queue.has_room() && queue.waiting.is_empty() {
            queue.under_way += 1;
            self.lines.insert(id, Place::UnderWay { server });
            return true;
        }
        self.next_number += 1;
        let number = self.next_number;
        queue.waiting.insert(number, id);
        self.lines.insert(id, Place::Waiting { server, number, turn });
        if queue.due.is_none() {
            self.set_due(server, Some(now + APART));
        }
        false
    }

    /// Takes that a line does not wait for its turn any more.
    pub(crate) fn withdraw(&mut self, id: LineId) {
        let Some(&Place::Waiting { server, number, .. }) = self.lines.get(&id) else { return };
        self.lines.remove(&id);
        if let Some(queue) = self.servers.get_mut(&server) {
            queue.waiting.remove(&number);
        }
        self.tidy(server);
    }

    /// Returns whether a line has its turn.
    pub(crate) fn is_under_way(&self, id: LineId) -> bool {
        matches!(self.lines.get(&id), Some(Place::UnderWay { .. }))
    }

    /// Takes that a line has had its turn.
    pub(crate) fn end(&mut self, id: LineId) {
        let Some(&Place::UnderWay { server }) = self.lines.get(&id) else { return };
        self.lines.remove(&id);
        if let Some(queue) = self.servers.get_mut(&server) {
            queue.under_way -= 1;
            self.ready.insert(server);
        }
        self.tidy(server);
    }

    /// Takes that a line is no more.
    pub(crate) fn forget(&mut self, id: LineId) {
        self.withdraw(id);
        self.end(id);
    }

    /// Returns the next line whose turn it is, and for what.
    pub(crate) fn next(&mut self, now: Instant) -> Option<(LineId, Turn)> {
        while let Some(&server) = self.ready.first() {
            if self.servers.get(&server).is_some_and(Queue::has_room)
                && let Some(next) = self.begin(now, server)
            {
                return Some(next);
            }
            self.ready.remove(&server);
        }
        let &(due, server) = self.due.first()?;
        if due <= now { self.begin(now, server) } else { None }
    }

    /// Returns when [`Turns::next`] is to be asked whatever is answered.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Gives the first of those that wait at a server its turn.
    fn begin(&mut self, now: Instant, server: Server) -> Option<(LineId, Turn)> {
        let queue = self.servers.get_mut(&server)?;
        let (_, id) = queue.waiting.pop_first()?;
        queue.under_way += 1;
        let before = self.lines.insert(id, Place::UnderWay { server });
        self.set_due(server, Some(now + APART));
        self.tidy(server);
        match before {
            Some(Place::Waiting { turn, .. }) => Some((id, turn)),
            Some(Place::UnderWay { .. }) | None => None,
        }
    }

    /// Forgets when the next one is due where nobody waits, and a server at which nobody is under way, either.
    fn tidy(&mut self, server: Server) {
        let Some(queue) = self.servers.get(&server).filter(|queue| queue.waiting.is_empty()) else { return };
        let is_left = queue.under_way == 0;
        self.set_due(server, None);
        self.ready.remove(&server);
        if is_left {
            self.servers.remove(&server);
        }
    }

    fn set_due(&mut self, server: Server, due: Option<Instant>) {
        let Some(queue) = self.servers.get_mut(&server) else { return };
        if let Some(before) = std::mem::replace(&mut queue.due, due) {
            self.due.remove(&(before, server));
        }
        self.due.extend(due.map(|due| (due, server)));
    }
}

impl Queue {
    fn has_room(&self) -> bool {
        self.under_way < AT_ONCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transaction::timers::epoch;

    fn line(number: usize) -> LineId {
        LineId::new(u32::try_from(number).unwrap())
    }

    /// So many lines have asked one server for their turn.
    fn asked(now: Instant, count: usize) -> Turns {
        let mut turns = Turns::default();
        let at_once = (0..count).filter(|number| turns.ask(now, 1, line(*number), Turn::Register));
        assert_eq!(at_once.count(), count.min(AT_ONCE));
        turns
    }

    #[test]
    fn a_hundred_have_their_turn_at_once_and_each_that_ends_gives_it_to_the_next() {
        let now = epoch();
        let mut turns = asked(now, AT_ONCE + 3);
        assert_eq!(turns.next(now), None);
        turns.end(line(7));
        assert_eq!(turns.next(now), Some((line(AT_ONCE), Turn::Register)));
        assert_eq!(turns.next(now), None);
        turns.forget(line(AT_ONCE));
        turns.forget(line(AT_ONCE + 1));
        assert_eq!(turns.next(now), Some((line(AT_ONCE + 2), Turn::Register)));
        assert_eq!(turns.poll_timeout(), None);
    }

    #[test]
    fn at_a_silent_server_one_has_its_turn_every_10_ms_and_those_of_another_do_not_wait_for_that() {
        let now = epoch();
        let mut turns = asked(now, AT_ONCE + 3);
        assert!(turns.ask(now, 2, line(999), Turn::Unregister));
        for number in AT_ONCE..AT_ONCE + 3 {
            let due = turns.poll_timeout().unwrap();
            assert_eq!(due, now + APART * u32::try_from(number + 1 - AT_ONCE).unwrap());
            assert_eq!(turns.next(due), Some((line(number), Turn::Register)));
            // However late it is asked: what was missed is not made up for in a burst.
            assert_eq!(turns.next(due), None);
        }
        assert_eq!(turns.poll_timeout(), None);
        turns.end(line(0));
        assert!(!turns.ask(now, 1, line(1_000), Turn::Register), "more than a hundred are under way");
    }

    #[test]
    fn who_wants_something_else_keeps_its_place_and_who_wants_nothing_has_none() {
        let now = epoch();
        let mut turns = asked(now, AT_ONCE + 3);
        assert!(!turns.ask(now, 1, line(AT_ONCE), Turn::Unregister));
        turns.withdraw(line(AT_ONCE + 1));
        for number in 0..AT_ONCE {
            turns.end(line(number));
        }
        assert_eq!(turns.next(now), Some((line(AT_ONCE), Turn::Unregister)));
        assert_eq!(turns.next(now), Some((line(AT_ONCE + 2), Turn::Register)));
        assert!(turns.is_under_way(line(AT_ONCE)) && !turns.is_under_way(line(AT_ONCE + 1)));
        turns.end(line(AT_ONCE));
        turns.end(line(AT_ONCE + 2));
        assert!(turns.lines.is_empty() && turns.servers.is_empty() && turns.due.is_empty());
        assert!(turns.ready.is_empty());
    }
}
