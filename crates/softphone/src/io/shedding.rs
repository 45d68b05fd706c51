//! What is not even received while more is asked than can be answered.
//!
//! When the receive buffer of a socket runs full the kernel drops whatever comes next: the ACK to an answer that is then
//! repeated for 32 s, the registrar's 200 OK, a CANCEL. So before it is full a filter in the kernel takes a part of the new
//! requests away, at hardly any cost and by chance, and lets all else pass. Which part is found out by how full the buffer is,
//! each 2 ms: it is to hold what is answered in some milliseconds, so that there is always something to do, always room, and
//! what is answered is still in the processor's cache: a call that has waited in megabytes of others costs a tenth more.
//! Less is let in while it is fuller and while it fills, more while it is emptier and while it empties:
//!
//! ```text
//!  half of what it is fuller than wanted + what it has become fuller in 2 ms = by how much less is let in
//! ```
//!
//! While it becomes as it is to be anyway, nothing is done to have it do so faster.
//!
//! First it is fewer new requests of strangers, then less of all that they send, and when it is hardly any of that, fewer new
//! requests of registrars, proxies and peers; these come back first. Of theirs it is never less than one of 32: whoever forges
//! their address can fill the buffer with what is not taken away, and is not to take all their calls away with it. It begins when the buffer is half full, and ends when all are let in again.
//!
//! Whoever is dropped repeats the request 500 ms later (RFC 3261 section 17.1.1.2), and comes through when that one is lucky.
//! It needs no privilege. Where the system has no such filter, or refuses it, nothing is shed and the buffer runs full.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// How much of a receive buffer is taken, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Queue {
    pub(super) taken: u32,
    pub(super) room: u32,
    /// Datagrams that were dropped since the socket was made: for want of room, or by a filter.
    pub(super) dropped: u32,
}

/// Which parts are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    /// Of the new requests of addresses that no line knows.
    pub(super) strangers: Part,
    /// Of what else comes from there: whoever floods us can write ACK as well as INVITE.
    pub(super) others: Part,
    /// Of the new requests of registrars, proxies and peers. All else of theirs is let in.
    pub(super) known: Part,
}

/// A part, of 65,536.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part(u32);

/// What is let in, and since when it is not all.
#[derive(Debug)]
pub(super) struct Shedding {
    parts: Parts,
    looked_at: Option<Instant>,
    /// When it was said last which parts are let in.
    told_at: Option<Instant>,
    /// How full the queue was then.
    fullness: i64,
    overload: Option<Overload>,
    overloads: u64,
    /// Whether there is no filter to be had.
    is_impossible: bool,
}

/// Since when not all was let in, and since when all is again.
#[derive(Debug, Clone, Copy)]
struct Overload {
    began: Instant,
    whole_since: Option<Instant>,
}

/// How full a queue is, and by how much something changes, is counted in parts of so many.
const WHOLE: i64 = 1_024;
/// So many bytes are the whole, where there is more room: a larger buffer is for what comes all at once, before it begins.
const MOST: u32 = 4 << 20;
/// So full is the queue to be: some 500 calls, each an INVITE and an ACK with what the kernel keeps beside them; of what it has
/// joined, before there was a filter, more.
const WANTED: i64 = WHOLE * 3 / 10;
/// At one look it becomes no less than half, and no more than five quarters.
const CHANGES: RangeInclusive<i64> = -WHOLE / 2..=WHOLE / 4;

/// Between two looks: a hundred requests and more are answered meanwhile.
const LOOK: Duration = Duration::from_millis(2);

/// So often at least the filter learns who is known: a line may be added meanwhile, or its registrar move.
const TOLD: Duration = Duration::from_secs(1);

/// An overload is over when all was let in for so long: about the limit it comes and goes by the second.
const OVER: Duration = Duration::from_secs(5);

impl Part {
    pub(super) const ALL: Self = Self(1 << 16);
    /// One of a thousand: a flood that leaves room for less would fill any buffer with what passes.
    pub(super) const LEAST: Self = Self(64);
    /// One of 32.
    pub(super) const LEAST_OF_KNOWN: Self = Self(2_048);

    /// Returns what a random word of 32 bits is compared with: what is greater is dropped.
    pub(super) fn threshold(self) -> u32 {
        u32::try_from((u64::from(self.0) << 16) - 1).unwrap_or(u32::MAX)
    }

    /// Returns a part that is another by so many parts of the whole.
    fn changed(self, by: i64, least: Self) -> Self {
        let part = i64::from(self.0) * (WHOLE + by) / WHOLE;
        u32::try_from(part).map_or(least, Self).clamp(least, Self::ALL)
    }
}

impl Parts {
    pub(super) const ALL: Self = Self { strangers: Part::ALL, others: Part::ALL, known: Part::ALL };

    fn changed(self, by: i64) -> Self {
        let has_less = [self.strangers, self.others].map(|part| part > Part::LEAST);
        let is_whole = [self.known, self.others].map(|part| part == Part::ALL);
        match (by < 0, has_less, is_whole) {
            (true, [true, _], _) | (false, _, [true, true]) => {
                Self { strangers: self.strangers.changed(by, Part::LEAST), ..self }
            }
            (true, [false, true], _) | (false, _, [true, false]) => {
                Self { others: self.others.changed(by, Part::LEAST), ..self }
            }
            (true, [false, false], _) | (false, _, [false, _]) => {
                Self { known: self.known.changed(by, Part::LEAST_OF_KNOWN), ..self }
            }
        }
    }
}

impl Queue {
    fn fullness(self) -> i64 {
        i64::from(self.taken) * WHOLE / i64::from(self.room.clamp(1, MOST))
    }

    fn is_half_full(self) -> bool {
        self.taken >= self.room / 2
    }
}

impl Default for Shedding {
    fn default() -> Self {
        Self {
            parts: Parts::ALL,
            looked_at: None,
            told_at: None,
            fullness: 0,
            overload: None,
            overloads: 0,
            is_impossible: false,
        }
    }
}

impl Shedding {
    /// Tells whether it is time to look at the queue again.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        !self.is_impossible && self.looked_at.is_none_or(|looked_at| now >= looked_at + LOOK)
    }

    /// Returns when the queue is to be looked at even if nothing comes.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let overload = self.overload?;
        match overload.whole_since {
            Some(since) => Some(since + OVER),
            None => self.looked_at.map(|looked_at| looked_at + LOOK),
        }
    }

    /// Takes how full the queue is. Returns which parts are to be let in from now on, if they are others, or others may be
    /// known by now; then
    /// [`Shedding::note`] is to be told that they are, or [`Shedding::give_up`] that they cannot be.
    pub(super) fn see(&mut self, now: Instant, queue: Queue) -> Option<Parts> {
        let (before, fullness) = (self.parts, queue.fullness());
        let (missing, filled) = (WANTED - fullness, fullness - self.fullness);
        let change = missing / 2 - filled;
        // On its way already, it is given the time for it: to empty a buffer takes a hundred looks.
        let change = if missing < 0 && filled < 0 {
            change.max(0)
        } else if missing > 0 && filled > 0 {
            change.min(0)
        } else {
            change
        };
        if before != Parts::ALL || queue.is_half_full() {
            self.parts = before.changed(change.clamp(*CHANGES.start(), *CHANGES.end()));
        }
        self.fullness = fullness;
        self.looked_at = Some(now);
        let is_old = self.parts != Parts::ALL && self.told_at.is_none_or(|told_at| now >= told_at + TOLD);
        if self.parts == before && !is_old {
            return None;
        }
        self.told_at = Some(now);
        Some(self.parts)
    }

    /// Lets all in from now on, as there is no filter to be had. It is not tried again.
    pub(super) fn give_up(&mut self) {
        *self = Self { overloads: self.overloads, is_impossible: true, ..Self::default() };
    }

    /// Tells whether there is an overload, and how many there have been.
    pub(super) fn counted(&self) -> (bool, u64) {
        (self.overload.is_some(), self.overloads)
    }

    /// Notes, and tells, when an overload begins and ends.
    pub(super) fn note(&mut self, now: Instant) {
        let is_whole = self.parts == Parts::ALL;
        match &mut self.overload {
            None if is_whole => {}
            None => {
                tracing::warn!("overloaded: a part of the new requests by UDP is not received");
                self.overload = Some(Overload { began: now, whole_since: None });
                self.overloads += 1;
            }
            Some(overload) if !is_whole => overload.whole_since = None,
            Some(overload) => {
                let since = *overload.whole_since.get_or_insert(now);
                if now >= since + OVER {
                    let lasted = since.saturating_duration_since(overload.began);
                    tracing::info!(?lasted, "no longer overloaded");
                    self.overload = None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
