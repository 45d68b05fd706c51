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
        let pushed_out = if self.newest.len() == MOST_CALLS { self.newest.pop_front() } else { None };
        self.newest.push_back(call);
        let is_pushed_out = pushed_out.is_some();
        if let Some(call) = pushed_out.filter(|call| call.ended.is_none()) {
            let id = call.id().to_owned();
            *self.under_way.touch(id).0 = Some(call);
        }
        is_pushed_out
    }

    /// Has the call noted how it ended, and returns it. Of one that was not told yet it is kept until it is.
    pub(super) fn end(
        &mut self,
        id: &str,
        ended: Ended,
        note: impl FnOnce(&mut Arc<Kept>, Ended),
    ) -> Option<Arc<Kept>> {
        if let Some(call) = self.newest.iter_mut().rev().find(|call| call.id() == id) {
            let ended = ended.of(call);
            note(call, ended);
            return Some(Arc::clone(call));
        }
        if let Some(mut call) = self.under_way.remove(id).flatten() {
            let ended = ended.of(&call);
            note(&mut call, ended);
            return Some(call);
        }
        *self.early.touch(id.to_owned()).0 = Some(ended);
        None
    }

    /// Forgets the calls that something is true of. Returns how many of those that can be shown.
    pub(super) fn forget(&mut self, is_meant: impl Fn(&Kept) -> bool) -> usize {
        let before = self.newest.len();
        self.newest.retain(|call| !is_meant(call));
        self.under_way.retain(|call| call.as_deref().is_some_and(|call| !is_meant(call)));
        before - self.newest.len()
    }

    /// Returns the newest calls, oldest first.
    pub(super) fn newest(&self, most: usize) -> Vec<Arc<Kept>> {
        self.newest.iter().skip(self.newest.len().saturating_sub(most)).cloned().collect()
    }
}
