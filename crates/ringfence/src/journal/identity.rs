//! Who a caller is, for what is remembered: the same from one call to the next, and from one run to the next.
//!
//! A name is kept as it came, so that no two callers become one: it is a stranger's word, and not fit to be shown.

use ring::digest::{SHA256, digest};
use ringfence_policy::{CallerId, Number};

/// Returns what the rules know a caller by: the number, also one that is withheld, or the name; `None`
/// for one who cannot be told from others.
pub(crate) fn identity(caller: &CallerId<'_>) -> Option<String> {
    with_identity(caller, |identity| identity.map(str::to_owned))
}

/// Shows the same where it need not be kept.
pub(crate) fn with_identity<T>(caller: &CallerId<'_>, see: impl FnOnce(Option<&str>) -> T) -> T {
    match Known::of(caller) {
        // It is text, of numbers and names.
        Some(known) => known.with_bytes(|bytes| see(str::from_utf8(bytes).ok())),
        None => see(None),
    }
}

/// A caller who can be told from others.
pub(super) enum Known<'a> {
    Number(Number),
    Name(&'a str),
}

impl<'a> Known<'a> {
    pub(super) fn of(caller: &CallerId<'a>) -> Option<Self> {
        match *caller {
            CallerId::Number(number) => Some(Self::Number(number)),
            CallerId::Implausible(number, _) => Some(Self::Number(Number::E164(number))),
            CallerId::Ambiguous(ambiguous) => Some(Self::Number(Number::Internal(ambiguous.digits()))),
            CallerId::Name(name) | CallerId::WithheldName(name) => Some(Self::Name(name)),
            CallerId::Anonymous { number } => number.map(Self::Number),
            CallerId::Unavailable | CallerId::Invalid(_) => None,
        }
    }

    /// Shows what the caller is known by. Each call asks for it several times: it needs neither formatter nor allocation.
    pub(super) fn with_bytes<T>(&self, see: impl FnOnce(&[u8]) -> T) -> T {
        match *self {
            Self::Number(number) => see(number.spell(&mut [0; Number::LONGEST])),
            Self::Name(name) if name.len() > LONGEST => see(shortened(name).as_bytes()),
            Self::Name(name) => see(name.as_bytes()),
        }
    }
}

/// In bytes. No PBX gives a longer name; a datagram has room for two hundred times as much, which is not kept.
const LONGEST: usize = 256;

/// Returns the beginning of a name and a digest of it all: longer than any name that is kept whole, and so none of
/// these.
fn shortened(name: &str) -> String {
    let end = (0..=LONGEST).rev().find(|end| name.is_char_boundary(*end)).unwrap_or_default();
    let digest = digest(&SHA256, name.as_bytes());
    let digits = digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}"));
    format!("{}…{}", &name[..end], digits.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> String {
        identity(&CallerId::Name(name)).unwrap()
    }

    #[test]
    fn a_name_is_known_as_it_came() {
        let long = "x".repeat(LONGEST);
        for name in ["alice", "al\u{7}ice", "al\u{202e}ice", "al\u{fffd}ice", &long] {
            assert_eq!(of(name), name);
        }
    }

    #[test]
    fn no_two_names_are_one_however_long_they_are() {
        let names = ["a", "b"].map(|end| format!("{}{end}", "ü".repeat(30_000)));
        let [one, other] = names.each_ref().map(|name| of(name));
        assert_ne!(one, other);
        assert_eq!(of(&names[0]), one);
        assert!((LONGEST + 1..LONGEST + 50).contains(&one.len()), "{}", one.len());
        // Nobody is named like the short form of another.
        assert_ne!(of(&one), one);
    }
}
