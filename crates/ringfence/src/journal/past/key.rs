//! Who it is about, as a key: a hash by a seed of this run, so that nobody outside can make two collide.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::IpAddr;

use ringfence_policy::CallerId;

use crate::journal::identity::Known;
use crate::keyed::Keyed;

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
    pub(super) fn caller(&self, caller: &CallerId<'_>) -> Option<u64> {
        Known::of(caller).map(|known| known.with_bytes(|bytes| key(&self.callers, bytes)))
    }

    /// Returns the key of a caller by its identity.
    pub(super) fn identity(&self, identity: &str) -> u64 {
        key(&self.callers, identity.as_bytes())
    }

    /// Returns the key of a line by its name.
    pub(super) fn line(&self, name: &str) -> u64 {
        key(&self.lines, name.as_bytes())
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

/// Hashes in one go: each piece would cost as much again.
fn key(seed: &RandomState, bytes: &[u8]) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write(bytes);
    hasher.finish()
}
