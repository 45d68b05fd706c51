//! The calls of this run in memory, each with its end in whichever order the two come.
//!
//! ```text
//!  a call ──▶ the newest ──too many, and it has not ended──▶ under way ──too many──▶ forgotten
//!                 ▲                                              ▲
//!  its end ───────┴──────────────────────────────────────────────┘ or early: it waits for its call
//! ```
//!
//! A caller may give up before a late decision is told: then the end is there before its call.

use std::collections::VecDeque;
use std::sync::Arc;

use super::MOST_CALLS;
use super::call::Ended;
use super::generations::Generations;
use super::kept::Kept;

/// The calls of this run in memory.
#[derive(Debug)]
pub(super) struct Recent {
    newest: VecDeque<Arc<Kept>>,
    /// The end of the id of each, in the same order: to look there is to look in one place.
    ends_of_ids: VecDeque<u64>,
    /// How many have had to make room.
    pushed_out: usize,
    /// Behind so many, those included, stands the call that ended last: calls end about as they come, and the next is likely
    /// to stand there.
    next_to_end: usize,
    /// Calls that newer ones have pushed out before they ended.
    under_way: Generations<String, Option<Arc<Kept>>>,
    /// Ends whose call has not been told.
    early: Generations<String, Option<Ended>>,
}

/// As many as wait at once, and half as many again: see `undecided_calls` of the endpoint's limits.
const MOST_UNDER_WAY: usize = 16_384;
/// Ends that wait for their call: those of eight seconds of 2,000 calls a second, where a late decision takes one.
const MOST_EARLY: usize = 16_384;

impl Default for Recent {
    fn default() -> Self {
        Self {
            newest: VecDeque::new(),
            ends_of_ids: VecDeque::new(),
            pushed_out: 0,
            next_to_end: 0,
            under_way: Generations::new(MOST_UNDER_WAY),
            early: Generations::new(MOST_EARLY),
        }
    }
}

impl Recent {
    /// Takes the end of a call that came before the call itself.
    pub(super) fn early(&mut self, id: &str) -> Option<Ended> {
        self.early.remove(id).flatten()
    }

    /// Keeps a call. Returns whether the oldest had to make room for it.
    pub(super) fn keep(&mut self, call: Arc<Kept>) -> bool {
        let is_full = self.newest.len() == MOST_CALLS;
        let pushed_out = if is_full { self.newest.pop_front() } else { None };
        if is_full {
            self.ends_of_ids.pop_front();
            self.pushed_out += 1;
        }
        self.ends_of_ids.push_back(end_of_id(call.id()));
        self.newest.push_back(call);
        let is_pushed_out = pushed_out.is_some();
        if let Some(call) = pushed_out.filter(|call| call.ended.is_none()) {
            let id = call.id().to_owned();
            *self.under_way.touch(id).0 = Some(call);
        }
        is_pushed_out
    }

    /// Has the call noted how it ended, and returns it. Whoever notes it is told how many calls are newer, more or less. Of a call
    /// that was not told yet the end is kept until it is.
    pub(super) fn end(
        &mut self,
        id: &str,
        ended: Ended,
        note: impl FnOnce(&mut Arc<Kept>, Ended, usize),
    ) -> Option<Arc<Kept>> {
        if let Some(place) = self.place(id)
            && let Some(call) = self.newest.get_mut(place)
        {
            self.next_to_end = self.pushed_out + place + 1;
            let ended = ended.of(call);
            note(call, ended, self.ends_of_ids.len() - 1 - place);
            return Some(Arc::clone(call));
        }
        if let Some(mut call) = self.under_way.remove(id).flatten() {
            let ended = ended.of(&call);
            let newest = self.newest.back().map_or(0, |newest| newest.number);
            let newer = usize::try_from(newest.saturating_sub(call.number)).unwrap_or(usize::MAX);
            note(&mut call, ended, newer);
            return Some(call);
        }
        *self.early.touch(id.to_owned()).0 = Some(ended);
        None
    }

    /// Returns where among the newest the latest call is that has an id.
    fn place(&self, id: &str) -> Option<usize> {
        let end = end_of_id(id);
        let is_it = |place: usize| self.newest.get(place).is_some_and(|call| call.id() == id);
        let next = self.next_to_end.checked_sub(self.pushed_out);
        if let Some(next) = next.filter(|next| self.ends_of_ids.get(*next) == Some(&end) && is_it(*next)) {
            return Some(next);
        }
        // In two pieces, as they lie in memory: then to look at one is an instruction or two.
        let (older, newer) = self.ends_of_ids.as_slices();
        let last = |ends: &[u64], first: usize| {
            let mut before = ends.len();
            while let Some(place) = ends[..before].iter().rposition(|other| *other == end) {
                if is_it(first + place) {
                    return Some(first + place);
                }
                before = place;
            }
            None
        };
        last(newer, older.len()).or_else(|| last(older, 0))
    }

    /// Forgets the calls that something is true of. Returns how many of those that can be shown.
    pub(super) fn forget(&mut self, is_meant: impl Fn(&Kept) -> bool) -> usize {
        let before = self.newest.len();
        self.newest.retain(|call| !is_meant(call));
        self.ends_of_ids = self.newest.iter().map(|call| end_of_id(call.id())).collect();
        // Whichever it is, it is no longer there.
        self.next_to_end = 0;
        self.under_way.retain(|call| call.as_deref().is_some_and(|call| !is_meant(call)));
        before - self.newest.len()
    }

    /// Returns the newest calls, oldest first.
    pub(super) fn newest(&self, most: usize) -> Vec<Arc<Kept>> {
        self.newest.iter().skip(self.newest.len().saturating_sub(most)).cloned().collect()
    }
}

/// Returns the last letters of an id, in which those of calls that come one after the other differ.
fn end_of_id(id: &str) -> u64 {
    match id.as_bytes().last_chunk() {
        Some(end) => u64::from_le_bytes(*end),
        None => id.bytes().fold(0, |end, byte| end << 8 | u64::from(byte)),
    }
}
