//! What stands in a pack, of this format and of the first.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use super::bytes::{Bytes, Unreadable};
use super::{FORMAT, IS_LATE, MOST_READ, PARTS, first};
use crate::journal::call::{Ended, Outcome};
use crate::journal::kept::Kept;
use crate::journal::texts::{Text, Texts};

/// The calls of a pack, in the order of their numbers; the last is an error if the rest cannot be read.
#[derive(Debug)]
pub(in crate::journal) struct Unpacked<'a> {
    bytes: Bytes<'a>,
    before: Before<'a>,
    number: i64,
}

/// What was told before, by the format.
#[derive(Debug)]
enum Before<'a> {
    /// The texts of the call before.
    First([Option<&'a str>; first::TEXTS]),
    Now(Told<'a>),
}

/// Where each part was told last, and how many bytes may still be read of parts, those that are read again included: what is
/// damaged would otherwise be thousands of calls with the one text that takes the whole pack.
#[derive(Debug)]
struct Told<'a> {
    parts: [Option<Bytes<'a>>; PARTS],
    left: usize,
}

impl<'a> Unpacked<'a> {
    /// Reads the bytes of a pack, of which the first call has a number.
    pub(in crate::journal) fn of(first: i64, bytes: &'a [u8]) -> Self {
        let (before, rest) = match bytes.split_first() {
            Some((&FORMAT, rest)) => (Before::Now(Told::default()), rest),
            Some((&first::FORMAT, rest)) => (Before::First([None; first::TEXTS]), rest),
            // Of another format there is something left, which is no call.
            Some(_) | None => (Before::Now(Told::default()), [0xff].as_slice()),
        };
        Self { bytes: Bytes(rest), before, number: first }
    }

    fn call(&mut self) -> Result<Kept, Unreadable> {
        match &mut self.before {
            Before::First(before) => first::call(&mut self.bytes, &mut self.number, before),
            Before::Now(told) => call(&mut self.bytes, &mut self.number, told),
        }
    }
}

impl Iterator for Unpacked<'_> {
    type Item = Result<Kept, Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.bytes.0.is_empty() {
            return None;
        }
        let call = self.call();
        if call.is_err() {
            self.bytes.0 = &[];
        }
        Some(call)
    }
}

/// Reads a call behind the one of another number and with other parts.
fn call<'a>(bytes: &mut Bytes<'a>, number: &mut i64, told: &mut Told<'a>) -> Result<Kept, Unreadable> {
    *number = number.checked_add_unsigned(bytes.number()?).ok_or(Unreadable)?;
    let (at, ended_at) = (bytes.time()?, bytes.time()?);
    let decided_in = Duration::from_micros(bytes.number()?);
    let same = bytes.byte()?;
    if same >> PARTS != 0 {
        return Err(Unreadable);
    }
    let Decided { is_late, verdict, policy, shadow, ended_status, how } =
        told.part(0, same, bytes, decided)?;
    let mut texts = Texts::in_room(String::new(), 0);
    let mut left = Text::ALL.as_slice();
    for (part, count) in (1..).zip(Text::PARTS) {
        let (these, behind) = left.split_at(count);
        told.part(part, same, bytes, |bytes| read(bytes, these, &mut texts))?;
        left = behind;
    }
    Ok(Kept {
        number: u64::try_from(*number).unwrap_or_default(),
        at,
        verdict,
        texts,
        shadow,
        policy: policy.into(),
        is_audited: false,
        is_late,
        is_sole: false,
        decided_in,
        ended: Some(ended(ended_at, ended_status, how)),
    })
}

impl Default for Told<'_> {
    fn default() -> Self {
        Self { parts: [None; PARTS], left: MOST_READ }
    }
}

impl<'a> Told<'a> {
    /// Reads a part where it stands, or where it was told last.
    fn part<T>(
        &mut self,
        part: usize,
        same: u8,
        bytes: &mut Bytes<'a>,
        read: impl FnOnce(&mut Bytes<'a>) -> Result<T, Unreadable>,
    ) -> Result<T, Unreadable> {
        let is_same = same & 1 << part != 0;
        let begin = if is_same { self.parts[part].ok_or(Unreadable)? } else { *bytes };
        let mut end = begin;
        let told = read(&mut end)?;
        self.left = self.left.checked_sub(begin.0.len() - end.0.len()).ok_or(Unreadable)?;
        if !is_same {
            self.parts[part] = Some(begin);
            *bytes = end;
        }
        Ok(told)
    }
}

/// What was decided, and what came of it.
struct Decided<'a> {
    is_late: bool,
    verdict: Outcome,
    policy: &'a str,
    shadow: Vec<String>,
    ended_status: Option<u16>,
    how: &'a str,
}

fn decided<'a>(bytes: &mut Bytes<'a>) -> Result<Decided<'a>, Unreadable> {
    let is_late = bytes.number()? & IS_LATE != 0;
    let (status, ended_status) = (bytes.status()?, bytes.status()?);
    let text = |bytes: &mut Bytes<'a>| bytes.number().and_then(|length| bytes.text(length));
    let (verb, target, policy, how) = (text(bytes)?, text(bytes)?, text(bytes)?, text(bytes)?);
    let shadow = bytes.texts(|bytes| text(bytes).map(str::to_owned))?;
    let target = (!target.is_empty()).then(|| target.to_owned());
    let verdict = Outcome::read(verb, status, target);
    Ok(Decided { is_late, verdict, policy, shadow, ended_status, how })
}

/// Reads texts: what of each stands there, and then that.
fn read(bytes: &mut Bytes<'_>, these: &[Text], texts: &mut Texts) -> Result<(), Unreadable> {
    let mut lengths = [0; Text::ALL.len()];
    for (length, _) in lengths.iter_mut().zip(these) {
        *length = bytes.number()?;
    }
    for (text, length) in these.iter().zip(lengths) {
        match length {
            0 => texts.tell(*text, None),
            1 if texts.tell_again(*text) => {}
            1 => return Err(Unreadable),
            length => texts.tell(*text, Some(bytes.text(length - 2)?)),
        }
    }
    Ok(())
}

/// Returns how a call ended.
pub(super) fn ended(at: Timestamp, status: Option<u16>, how: &str) -> Ended {
    let how = match how {
        // As most have.
        Ended::ACKNOWLEDGED => Cow::Borrowed(Ended::ACKNOWLEDGED),
        how => Cow::Owned(how.to_owned()),
    };
    Ended { at, status, how }
}
