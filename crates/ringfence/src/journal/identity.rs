//! Who a caller is, for what is remembered: the same from one call to the next, and from one run to the next.
//!
//! A name is kept as it came, so that no two callers become one: it is a stranger's word, and not fit to be shown.

use std::fmt;

use ring::digest::{SHA256, digest};
use ringfence_policy::CallerId;

/// Returns what the rules know a caller by: the number, also one that is withheld, or the name; `None`
/// for one who cannot be told from others.
pub(crate) fn identity(caller: &CallerId<'_>) -> Option<String> {
    Known::of(caller).map(|known| known.to_string())
}

/// A caller who can be told from others.
pub(super) struct Known<'a>(&'a CallerId<'a>);

impl<'a> Known<'a> {
    pub(super) fn of(caller: &'a CallerId<'_>) -> Option<Self> {
        let is_somebody = match caller {
            CallerId::Number(_)
            | CallerId::Implausible(..)
            | CallerId::Ambiguous(_)
            | CallerId::Name(_)
            | CallerId::WithheldName(_) => true,
            CallerId::Anonymous { number } => number.is_some(),
            CallerId::Unavailable | CallerId::Invalid(_) => false,
        };
        is_somebody.then_some(Self(caller))
    }
}

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            CallerId::Name(name) | CallerId::WithheldName(name) if name.len() > LONGEST => {
                write_long(f, name)
            }
            CallerId::Name(name) | CallerId::WithheldName(name) => f.write_str(name),
            CallerId::Anonymous { number: Some(number) } => number.fmt(f),
            CallerId::Number(_)
            | CallerId::Implausible(..)
            | CallerId::Ambiguous(_)
            | CallerId::Anonymous { number: None }
            | CallerId::Unavailable
            | CallerId::Invalid(_) => self.0.fmt(f),
        }
    }
}

/// In bytes. No PBX gives a longer name; a datagram has room for two hundred times as much, which is not kept.
const LONGEST: usize = 256;

/// Writes the beginning of a name and a digest of it all: longer than any name that is kept whole, and so none of
/// these.
fn write_long(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let end = (0..=LONGEST).rev().find(|end| name.is_char_boundary(*end)).unwrap_or_default();
    write!(f, "{}…", &name[..end])?;
    digest(&SHA256, name.as_bytes()).as_ref().iter().take(16).try_for_each(|byte| write!(f, "{byte:02x}"))
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
