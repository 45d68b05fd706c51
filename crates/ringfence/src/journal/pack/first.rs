//! The first format of a pack: files of earlier versions have it, and it is no longer written.
//!
//! ```text
//!  call   which │ when │ when it ended │ flags, statuses, how long the decision took │ 16 texts │ the rules in shadow mode
//!  text   0: none │ 1: that of the call before │ length + 2, and so many bytes
//! ```

use std::time::Duration;

use super::IS_LATE;
use super::bytes::{Bytes, Unreadable};
use super::unpacked::ended;
use crate::journal::call::{Call, Evidence, Outcome};
use crate::journal::kept::Kept;

/// The format, the first byte of each pack.
pub(super) const FORMAT: u8 = 1;
/// Texts of a call that stand one after the other.
pub(super) const TEXTS: usize = 16;

/// Reads a call behind the one of another number and with other texts.
pub(super) fn call<'a>(
    bytes: &mut Bytes<'a>,
    number: &mut i64,
    before: &mut [Option<&'a str>; TEXTS],
) -> Result<Kept, Unreadable> {
    *number = number.checked_add_unsigned(bytes.number()?).ok_or(Unreadable)?;
    let (at, ended_at) = (bytes.time()?, bytes.time()?);
    let flags = bytes.number()?;
    let (status, ended_status) = (bytes.status()?, bytes.status()?);
    let decided_in = Duration::from_micros(bytes.number()?);
    for before in &mut *before {
        *before = text(bytes, *before)?;
    }
    let [id, call_id, line, caller, identity, display_name, source, verb, ..] = *before;
    let [.., target, rule, list, entry, policy, how, reason, facts] = *before;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let said = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Ok(Kept::of(Call {
        number: u64::try_from(*number).unwrap_or_default(),
        at,
        id: said(id),
        call_id: said(call_id),
        line: said(line),
        caller: said(caller),
        display_name: owned(display_name),
        source: said(source),
        verdict: Outcome::read(verb.unwrap_or_default(), status, owned(target)),
        rule: said(rule),
        entry: owned(entry),
        reason: said(reason),
        evidence: Evidence {
            identity: owned(identity),
            list: owned(list),
            shadow: bytes.texts(|bytes| text(bytes, None).map(said))?,
            facts: said(facts),
            policy: policy.unwrap_or_default().into(),
            is_late: flags & IS_LATE != 0,
            decided_in,
            ..Evidence::default()
        },
        ended: Some(ended(ended_at, ended_status, how.unwrap_or_default())),
    }))
}

fn text<'a>(bytes: &mut Bytes<'a>, before: Option<&'a str>) -> Result<Option<&'a str>, Unreadable> {
    match bytes.number()? {
        0 => Ok(None),
        1 => before.map(Some).ok_or(Unreadable),
        length => bytes.text(length - 2).map(Some),
    }
}
