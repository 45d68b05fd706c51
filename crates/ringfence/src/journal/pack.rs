//! Calls of a busy moment as the file keeps them: one piece of bytes.
//!
//! ```text
//!  pack     2 (the format) │ call │ call │ …
//!  call     which │ when │ when it ended │ how long the decision took │ a bit for each part that is as in the call before │
//!           the other parts: outcome, line, caller, rule, words, facts
//!  outcome  flags, statuses │ texts: verb, target, policy, how it ended │ how many rules in shadow mode │ these
//!  others   what of each text stands behind: 0 none, 1 the same as its model, its length + 2 │ these, one behind the other
//! ```
//!
//! A number is seven bits a byte, the lowest first, and the highest bit says that there is more; a time is eight bytes.
//! The texts stand as they do in memory: to pack them is to copy them. As a row a call is 25 values and an entry in each of
//! two indexes, which takes an order of magnitude more. [`Unpacked`] reads the first format as well.

mod bytes;
mod first;
mod unpacked;

use std::ops::Range;

use super::call::Ended;
use super::kept::Kept;
use super::texts::{Span as Stands, Text};

pub(super) use unpacked::Unpacked;

/// The format, the first byte of each pack.
const FORMAT: u8 = 2;
/// Parts of a call: the outcome, and those of its texts.
const PARTS: usize = 1 + Text::PARTS.len();
const IS_LATE: u64 = 1;
/// A pack of that length is full.
pub(super) const LONGEST: usize = 1 << 20;
/// So many bytes of parts are read of a pack, those included that are as in the call before: who reads it holds a few times
/// as much. A pack that is written has a sixteenth of it, and a call more; one that was written before there was a bound has
/// no more than that either: 1,024 calls of which each says what one datagram said.
const MOST_READ: usize = 64 << 20;
/// Room that a call takes at most beside its texts: its numbers and the lengths.
const ROOM: usize = 160;

/// Calls that are being packed. All of them have ended.
#[derive(Debug)]
pub(super) struct Pack<'a> {
    bytes: Vec<u8>,
    /// The call before, and its end.
    last: Option<(&'a Kept, &'a Ended)>,
    /// Where each part was told last.
    told: [Range<usize>; PARTS],
    /// How many bytes whoever reads it reads of parts.
    read: usize,
    span: Span,
}

/// Which calls are in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The lowest number and the highest.
    pub(super) first: i64,
    pub(super) last: i64,
    /// The earliest time and the latest, in microseconds since 1970.
    pub(super) oldest: i64,
    pub(super) newest: i64,
    pub(super) count: i64,
}

impl<'a> Pack<'a> {
    /// Begins with a call and its number, with room for so many bytes.
    pub(super) fn of(number: i64, call: &'a Kept, ended: &'a Ended, room: usize) -> Self {
        let at = call.at.as_microsecond();
        let span = Span { first: number, last: number, oldest: at, newest: at, count: 0 };
        let mut bytes = Vec::with_capacity(room);
        bytes.push(FORMAT);
        let mut pack = Self { bytes, last: None, told: [const { 0..0 }; PARTS], read: 0, span };
        pack.add(number, call, ended);
        pack
    }

    /// Tells whether it is as long as packs get, or takes as much to be read: a reader is to hold little at once.
    pub(super) const fn is_full(&self) -> bool {
        self.bytes.len() >= LONGEST || self.read >= MOST_READ / 16
    }

    /// Returns room that a call seldom needs more of.
    pub(super) fn room(call: &Kept) -> usize {
        ROOM + call.texts.all().len()
    }

    /// Adds a call of a higher number.
    pub(super) fn add(&mut self, number: i64, call: &'a Kept, ended: &'a Ended) {
        let at = call.at.as_microsecond();
        self.bytes.reserve(Self::room(call));
        put_number(&mut self.bytes, u64::try_from(number - self.span.last).unwrap_or_default());
        self.bytes.extend_from_slice(&at.to_le_bytes());
        self.bytes.extend_from_slice(&ended.at.as_microsecond().to_le_bytes());
        put_number(&mut self.bytes, u64::try_from(call.decided_in.as_micros()).unwrap_or(u64::MAX));
        let bits = self.bytes.len();
        self.bytes.push(0);
        self.bytes[bits] = self.parts(call, ended);
        let Span { first, oldest, newest, count, .. } = self.span;
        let (oldest, newest) = (oldest.min(at), newest.max(at));
        self.span = Span { first, last: number, oldest, newest, count: count + 1 };
    }

    /// Tells each part that is not as in the call before. Returns a bit for each that is.
    fn parts(&mut self, call: &'a Kept, ended: &'a Ended) -> u8 {
        let last = self.last.replace((call, ended));
        let mut same = if last.is_some_and(|last| has_same_outcome(last, (call, ended))) {
            self.read += self.told[0].len();
            1
        } else {
            self.part(0, |bytes| put_outcome(bytes, call, ended))
        };
        let (mut spans, mut rest) = (call.texts.spans(), call.texts.all().as_bytes());
        for (part, count) in (1..).zip(Text::PARTS) {
            same |= self.part(part, |bytes| {
                let mut own = 0;
                for _ in 0..count {
                    let stands = spans.next().unwrap_or(Stands::Nothing);
                    put_number(bytes, stands.number());
                    own += stands.own();
                }
                let (texts, behind) = rest.split_at(own);
                bytes.extend_from_slice(texts);
                rest = behind;
            });
        }
        same
    }

    /// Tells a part, and takes it back if that is what was told last. Returns its bit then.
    fn part(&mut self, part: usize, put: impl FnOnce(&mut Vec<u8>)) -> u8 {
        let begin = self.bytes.len();
        put(&mut self.bytes);
        self.read += self.bytes.len() - begin;
        let told = self.told[part].clone();
        let (before, now) = self.bytes.split_at(begin);
        if before[told] == *now {
            self.bytes.truncate(begin);
            return 1 << part;
        }
        self.told[part] = begin..self.bytes.len();
        0
    }

    /// Returns the bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns which calls are in it.
    pub(super) const fn span(&self) -> Span {
        self.span
    }
}

impl Stands {
    fn number(self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Again => 1,
            Self::Own(length) => u64::from(length) + 2,
        }
    }

    fn own(self) -> usize {
        match self {
            Self::Nothing | Self::Again => 0,
            Self::Own(length) => length as usize,
        }
    }
}

/// Tells whether [`put_outcome`] tells the same of two calls: of those of a busy moment it mostly does.
fn has_same_outcome((one, one_end): (&Kept, &Ended), (other, other_end): (&Kept, &Ended)) -> bool {
    one.is_late == other.is_late
        && one.verdict == other.verdict
        && one_end.status == other_end.status
        && one.policy == other.policy
        && one_end.how == other_end.how
        && one.shadow == other.shadow
}

fn put_outcome(bytes: &mut Vec<u8>, call: &Kept, ended: &Ended) {
    put_number(bytes, u64::from(call.is_late) * IS_LATE);
    put_number(bytes, call.verdict.status().map_or(0, |status| u64::from(status) + 1));
    put_number(bytes, ended.status.map_or(0, |status| u64::from(status) + 1));
    put_text(bytes, call.verdict.name());
    put_text(bytes, call.verdict.target().unwrap_or_default());
    put_text(bytes, &call.policy);
    put_text(bytes, &ended.how);
    put_number(bytes, call.shadow.len() as u64);
    call.shadow.iter().for_each(|rule| put_text(bytes, rule));
}

fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_number(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests;
