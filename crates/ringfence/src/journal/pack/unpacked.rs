//! What stands in a pack, of this format and of the first.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use super::bytes::{Bytes, Unreadable};
use super::{FORMAT, IS_LATE, PARTS, first};
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
    /// Where each part was told last.
    Now([Option<Bytes<'a>>; PARTS]),
}

impl<'a> Unpacked<'a> {
    /// Reads the bytes of a pack, of which the first call has a number.
    pub(in crate::journal) fn of(first: i64, bytes: &'a [u8]) -> Self {
        let (before, rest) = match bytes.split_first() {
            Some((&FORMAT, rest)) => (Before::Now([None; PARTS]), rest),
            Some((&first::FORMAT, rest)) => (Before::First([None; first::TEXTS]), rest),
            // Of another format there is something left, which is no call.
            Some(_) | None => (Before::Now([None; PARTS]), [0xff].as_slice()),
        };
        Self { bytes: Bytes(rest), before, number: first }
    }

    fn call(&mut self) -> Result<Kept, Unreadable> {
        match &mut self.before {
            Before::First(before) => first::call(&mut self.bytes, &mut self.number, before),
            Before::Now(before) => call(&mut self.bytes, &mut self.number, before),
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
fn call<'a>(
    bytes: &mut Bytes<'a>,
    number: &mut i64,
    before: &mut [Option<Bytes<'a>>; PARTS],
) -> Result<Kept, Unreadable> {
    *number = number.checked_add_unsigned(bytes.number()?).ok_or(Unreadable)?;
    let (at, ended_at) = (bytes.time()?, bytes.time()?);
    let decided_in = Duration::from_micros(bytes.number()?);
    let same = bytes.byte()?;
    let [outcome, parts @ ..] = before;
    let Decided { is_late, verdict, policy, shadow, ended_status, how } =
        part(bytes, outcome, same & 1 != 0, decided)?;
    let mut texts = Texts::with_room(0);
    let mut left = Text::ALL.as_slice();
    for ((before, count), bit) in parts.iter_mut().zip(Text::PARTS).zip(1..) {
        let (these, behind) = left.split_at(count);
        part(bytes, before, same & 1 << bit != 0, |bytes| read(bytes, these, &mut texts))?;
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

/// Reads a part where it stands, or where it was told last.
fn part<'a, T>(
    bytes: &mut Bytes<'a>,
    told: &mut Option<Bytes<'a>>,
    is_same: bool,
    read: impl FnOnce(&mut Bytes<'a>) -> Result<T, Unreadable>,
) -> Result<T, Unreadable> {
    if is_same {
        return read(&mut told.ok_or(Unreadable)?);
    }
    *told = Some(*bytes);
    read(bytes)
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
