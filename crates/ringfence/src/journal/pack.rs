//! Calls of a busy moment as the file keeps them: one piece of bytes.
//!
//! ```text
//!  pack   1 (the format) │ call │ call │ …
//!  call   numbers: which call, when, statuses, …, then its texts, then the rules in shadow mode
//!  text   0: none │ 1: that of the call before │ length + 2, and so many bytes
//! ```
//!
//! A number is seven bits a byte, the lowest first, and the highest bit says that there is more; a time is eight bytes.
//! As a row a call is 25 values and an entry in each of two indexes, which takes an order of magnitude more.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::call::{Call, Ended, Evidence, Outcome};
use super::kept::Kept;

/// The format, the first byte of each pack.
const FORMAT: u8 = 1;
/// Texts of a call that stand one after the other.
const TEXTS: usize = 16;
const IS_LATE: u64 = 1;
/// Room that a call takes at most beside its texts: its numbers and the lengths.
const ROOM: usize = 128;

/// Calls that are being packed. All of them have ended.
#[derive(Debug)]
pub(super) struct Pack<'a> {
    bytes: Vec<u8>,
    before: [Option<&'a str>; TEXTS],
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
    /// Begins with a call and its number.
    pub(super) fn of(number: i64, call: &'a Kept, ended: &'a Ended) -> Self {
        let at = call.at.as_microsecond();
        let span = Span { first: number, last: number, oldest: at, newest: at, count: 0 };
        let mut pack = Self { bytes: vec![FORMAT], before: [None; TEXTS], span };
        pack.add(number, call, ended);
        pack
    }

    /// Adds a call of a higher number.
    pub(super) fn add(&mut self, number: i64, call: &'a Kept, ended: &'a Ended) {
        let texts = [
            Some(call.id()),
            Some(call.call_id()),
            Some(call.line()),
            Some(call.caller()),
            call.identity(),
            call.display_name(),
            Some(call.source()),
            Some(call.verdict.name()),
            call.verdict.target(),
            Some(call.rule()),
            call.list(),
            call.entry(),
            Some(&call.policy),
            Some(&ended.how),
            Some(call.reason()),
            Some(call.facts()),
        ];
        let at = call.at.as_microsecond();
        self.bytes.reserve(ROOM + texts.iter().flatten().map(|text| text.len()).sum::<usize>());
        self.number(u64::try_from(number - self.span.last).unwrap_or_default());
        self.bytes.extend_from_slice(&at.to_le_bytes());
        self.bytes.extend_from_slice(&ended.at.as_microsecond().to_le_bytes());
        self.number(u64::from(call.is_late) * IS_LATE);
        self.number(call.verdict.status().map_or(0, |status| u64::from(status) + 1));
        self.number(ended.status.map_or(0, |status| u64::from(status) + 1));
        self.number(u64::try_from(call.decided_in.as_micros()).unwrap_or(u64::MAX));
        for (before, text) in self.before.iter_mut().zip(texts) {
            put_text(&mut self.bytes, before, text);
        }
        self.number(call.shadow.len() as u64);
        for rule in &call.shadow {
            put_text(&mut self.bytes, &mut None, Some(rule));
        }
        let Span { first, oldest, newest, count, .. } = self.span;
        let (oldest, newest) = (oldest.min(at), newest.max(at));
        self.span = Span { first, last: number, oldest, newest, count: count + 1 };
    }

    /// Returns the bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns which calls are in it.
    pub(super) const fn span(&self) -> Span {
        self.span
    }

    fn number(&mut self, number: u64) {
        put_number(&mut self.bytes, number);
    }
}

fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn put_text<'a>(bytes: &mut Vec<u8>, before: &mut Option<&'a str>, text: Option<&'a str>) {
    match text {
        None => bytes.push(0),
        Some(_) if text == *before => bytes.push(1),
        Some(text) => {
            put_number(bytes, text.len() as u64 + 2);
            bytes.extend_from_slice(text.as_bytes());
        }
    }
    *before = text;
}

/// The calls of a pack, in the order of their numbers; the last is an error if the rest cannot be read.
#[derive(Debug)]
pub(super) struct Unpacked<'a> {
    rest: &'a [u8],
    before: [Option<&'a str>; TEXTS],
    number: i64,
}

/// What stands there is no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

impl<'a> Unpacked<'a> {
    /// Reads the bytes of a pack, of which the first call has a number.
    pub(super) fn of(first: i64, bytes: &'a [u8]) -> Self {
        // Of another format the first byte is left, and is no call.
        let rest = bytes.strip_prefix(&[FORMAT]).unwrap_or(&[0xff]);
        Self { rest, before: [None; TEXTS], number: first }
    }

    fn call(&mut self) -> Result<Call, Unreadable> {
        self.number = self.number.checked_add_unsigned(self.number()?).ok_or(Unreadable)?;
        let (at, ended_at) = (self.time()?, self.time()?);
        let flags = self.number()?;
        let (status, ended_status) = (self.status()?, self.status()?);
        let decided_in = Duration::from_micros(self.number()?);
        let mut texts = [None; TEXTS];
        for (index, text) in texts.iter_mut().enumerate() {
            *text = self.text(self.before[index])?;
        }
        self.before = texts;
        let [id, call_id, line, caller, identity, display_name, source, verb, ..] = texts;
        let [.., target, rule, list, entry, policy, how, reason, facts] = texts;
        let owned = |text: Option<&str>| text.map(str::to_owned);
        // As long as the rest is, so that nobody has room made for what does not come.
        let shadow = self.number()?;
        if shadow > self.rest.len() as u64 {
            return Err(Unreadable);
        }
        let shadow = (0..shadow).map(|_| self.text(None).map(|rule| owned(rule).unwrap_or_default()));
        let shadow = shadow.collect::<Result<_, _>>()?;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Ok(Call {
            number: u64::try_from(self.number).unwrap_or_default(),
            at,
            id: text(id),
            call_id: text(call_id),
            line: text(line),
            caller: text(caller),
            display_name: owned(display_name),
            source: text(source),
            verdict: Outcome::read(verb.unwrap_or_default(), status, owned(target)),
            rule: text(rule),
            entry: owned(entry),
            reason: text(reason),
            evidence: Evidence {
                identity: owned(identity),
                list: owned(list),
                shadow,
                facts: text(facts),
                policy: Arc::from(policy.unwrap_or_default()),
                is_audited: false,
                is_late: flags & IS_LATE != 0,
                is_sole: false,
                decided_in,
            },
            ended: Some(Ended { at: ended_at, status: ended_status, how: Cow::Owned(text(how)) }),
        })
    }

    fn text(&mut self, before: Option<&'a str>) -> Result<Option<&'a str>, Unreadable> {
        match self.number()? {
            0 => Ok(None),
            1 => before.map(Some).ok_or(Unreadable),
            length => {
                let length = usize::try_from(length - 2).map_err(|_| Unreadable)?;
                let (text, rest) = self.rest.split_at_checked(length).ok_or(Unreadable)?;
                self.rest = rest;
                std::str::from_utf8(text).map(Some).map_err(|_| Unreadable)
            }
        }
    }

    fn time(&mut self) -> Result<Timestamp, Unreadable> {
        let (time, rest) = self.rest.split_first_chunk().ok_or(Unreadable)?;
        self.rest = rest;
        Timestamp::from_microsecond(i64::from_le_bytes(*time)).map_err(|_| Unreadable)
    }

    fn status(&mut self) -> Result<Option<u16>, Unreadable> {
        match self.number()? {
            0 => Ok(None),
            status => u16::try_from(status - 1).map(Some).map_err(|_| Unreadable),
        }
    }

    fn number(&mut self) -> Result<u64, Unreadable> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(Unreadable)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Unreadable)
    }
}

impl Iterator for Unpacked<'_> {
    type Item = Result<Call, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let call = self.call();
        if call.is_err() {
            self.rest = &[];
        }
        Some(call)
    }
}

#[cfg(test)]
mod tests;
