//! Who it is about, as a key: a hash by a seed of this run, so that nobody outside can make two collide.

use std::collections::hash_map::{DefaultHasher, RandomState};
use std::fmt::{self, Write as _};
use std::hash::{BuildHasher as _, Hasher as _};
use std::net::IpAddr;

use ringfence_policy::CallerId;

use crate::journal::identity::Known;

/// Makes keys.
#[derive(Debug, Default)]
pub(super) struct Keys(RandomState);

/// What a key is of: the same text is another key in another table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table(u8);

pub(super) const CALLERS: Table = Table(b'c');
pub(super) const SPOKEN: Table = Table(b'n');
pub(super) const LINES: Table = Table(b'l');
const SOURCES: Table = Table(b's');
const ENTRIES: Table = Table(b'e');

impl Keys {
    /// Returns the key of a caller; none for one who cannot be told from others.
    pub(super) fn caller(&self, table: Table, caller: &CallerId<'_>) -> Option<u64> {
        Known::of(caller).map(|known| self.key(table, |key| key.print(&known)))
    }

    /// Returns the key of a caller by its identity, or of a line by its name.
    pub(super) fn named(&self, table: Table, name: &str) -> u64 {
        self.key(table, |key| key.0.write(name.as_bytes()))
    }

    /// Returns the key of an address.
    pub(super) fn source(&self, source: IpAddr) -> u64 {
        self.key(SOURCES, |key| match source {
            IpAddr::V4(address) => key.0.write(&address.octets()),
            IpAddr::V6(address) => key.0.write(&address.octets()),
        })
    }

    /// Returns the key of a caller on a list.
    pub(super) fn entry(&self, list: &str, identity: &str) -> u64 {
        self.key(ENTRIES, |key| {
            key.list(list);
            key.0.write(identity.as_bytes());
        })
    }

    /// Returns the key of a caller on a list; none for one who cannot be told from others.
    pub(super) fn entry_of(&self, list: &str, caller: &CallerId<'_>) -> Option<u64> {
        let known = Known::of(caller)?;
        let key = self.key(ENTRIES, |key| {
            key.list(list);
            key.print(&known);
        });
        Some(key)
    }

    fn key(&self, table: Table, write: impl FnOnce(&mut Hashing)) -> u64 {
        let mut hashing = Hashing(self.0.build_hasher());
        hashing.0.write(&[table.0]);
        write(&mut hashing);
        hashing.0.finish()
    }
}

/// Hashes what is printed to it. In how many pieces does not count.
struct Hashing(DefaultHasher);

impl Hashing {
    fn list(&mut self, list: &str) {
        // A name holds no such octet, so no other pair reads the same.
        self.0.write(list.as_bytes());
        self.0.write(&[0]);
    }

    fn print(&mut self, printed: &impl fmt::Display) {
        // A hasher takes all that is written to it.
        let _ = write!(self, "{printed}");
    }
}

impl fmt::Write for Hashing {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}
