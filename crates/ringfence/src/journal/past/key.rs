//! Who it is about, as a key: a hash by a seed of this run, so that nobody outside can make two collide.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::IpAddr;

use ringfence_policy::{CallerId, E164, Number};

use crate::journal::identity::Known;
use crate::keyed::{IN_NO_TEXT, Keyed};

/// What the past knows a caller by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallerKey(pub(super) u64);

/// What the past knows a line by: the name of its account, for the policy may have another one for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineKey(pub(super) u64);

/// Makes keys. What stands in one table by more than one kind of name has a seed for each: the same text is another key.
#[derive(Debug, Default)]
pub(super) struct Keys {
    callers: RandomState,
    lines: RandomState,
    sources: RandomState,
    entries: RandomState,
}

impl Keys {
    /// Returns the key of a caller; none for one who cannot be told from others.
    pub(super) fn caller(&self, caller: &CallerId<'_>) -> Option<CallerKey> {
        Known::of(caller).map(|known| match known {
            Known::Number(Number::E164(number)) => self.number(number),
            Known::Number(Number::Internal(_)) | Known::Name(_) => {
                known.with_bytes(|bytes| self.spelled(bytes))
            }
        })
    }

    /// Returns the key of a caller by its identity.
    pub(super) fn identity(&self, identity: &str) -> CallerKey {
        self.spelled(identity.as_bytes())
    }

    /// Returns the key of a caller by its identity. What reads like a number is known as one, whatever it is.
    fn spelled(&self, identity: &[u8]) -> CallerKey {
        match e164(identity) {
            Some(number) => self.number(number),
            None => CallerKey(key(&self.callers, identity)),
        }
    }

    /// Returns the key of a number, of which nearly every call asks: it need not be spelled for it.
    fn number(&self, number: E164) -> CallerKey {
        let [one, two, three, four, five, six, seven, eight] = number.as_u64().to_le_bytes();
        CallerKey(key(&self.callers, &[one, two, three, four, five, six, seven, eight, IN_NO_TEXT]))
    }

    /// Returns the key of a line by the name of its account.
    pub(super) fn line(&self, account: &str) -> LineKey {
        LineKey(key(&self.lines, account.as_bytes()))
    }

    /// Returns the key of an address.
    pub(super) fn source(&self, source: IpAddr) -> u64 {
        match source {
            IpAddr::V4(address) => key(&self.sources, &address.octets()),
            IpAddr::V6(address) => key(&self.sources, &address.octets()),
        }
    }

    /// Returns the key of a caller on a list.
    pub(super) fn entry(&self, list: &str, identity: &str) -> u64 {
        self.on_list(list, identity.as_bytes())
    }

    /// Returns the key of a caller on a list; none for one who cannot be told from others.
    pub(super) fn entry_of(&self, list: &str, caller: &CallerId<'_>) -> Option<u64> {
        Known::of(caller).map(|known| known.with_bytes(|bytes| self.on_list(list, bytes)))
    }

    fn on_list(&self, list: &str, identity: &[u8]) -> u64 {
        let mut key = Keyed::by(&self.entries);
        // No other pair reads the same.
        key.put_text(list);
        key.put(identity);
        key.finish()
    }
}

/// Reads an international number as it is spelled, and in no other way.
fn e164(text: &[u8]) -> Option<E164> {
    let digits =
        text.strip_prefix(b"+").filter(|digits| digits.first().is_some_and(|&first| first != b'0'))?;
    let value = |sum: u64, digit: &u8| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    };
    E164::new(digits.iter().try_fold(0, value)?)
}

/// Hashes in one go: each piece would cost as much again.
fn key(seed: &RandomState, bytes: &[u8]) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use ringfence_policy::{Caller, Region};

    use super::*;
    use crate::journal::identity;

    #[test]
    fn a_caller_has_the_key_of_its_identity_and_nobody_else_has_it() {
        let keys = Keys::default();
        let region = Region::parse("GB").unwrap();
        let mut known = Vec::new();
        for user in [
            "+442079460123",
            "02079460124",
            "+1",
            "+12",
            "12",
            "1002",
            "*72#",
            "alice",
            "+alice",
            "+0044",
            "+44x",
            "+999999999999999",
            "+9999999999999999",
            "+99999999999999999999",
            "zürich",
            "",
        ] {
            let caller = Caller::told(user).identify(region);
            let key = keys.caller(&caller);
            assert_eq!(key, identity(&caller).map(|identity| keys.identity(&identity)), "{user}");
            known.extend(key);
        }
        for name in ["+442079460123", "+0044", "+99999999999999999999", "+", "", "+44 20"] {
            assert_eq!(keys.caller(&CallerId::Name(name)), Some(keys.identity(name)), "{name}");
        }
        let different: std::collections::HashSet<_> = known.iter().map(|CallerKey(key)| key).collect();
        assert_eq!(different.len(), known.len());
    }
}
