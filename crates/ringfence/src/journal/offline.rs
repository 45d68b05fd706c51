//! Changes the journal while no program writes it: what `switch`, `dialed`, `answered` and `forget` do then.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use ringfence_policy::Region;

use super::call::{Added, Flipped, Record};
use super::forget::{self, Forgotten, Person};
use super::rows::Rows;
use crate::store::{Settings, Store, StoreError};

/// The journal, in the hands of a verb. It is refused while another program writes it.
#[derive(Debug)]
pub(crate) struct Offline {
    store: Store,
    path: PathBuf,
}

impl Offline {
    /// Opens the journal that the settings name, `None` if they keep it in memory.
    pub(crate) fn open(settings: &Settings) -> Result<Option<Self>, StoreError> {
        let Some(path) = settings.path() else { return Ok(None) };
        let store = Store::open_for_a_verb(path, settings.durability)?;
        Ok(Some(Self { store, path: path.to_owned() }))
    }

    /// Notes that a number was dialled.
    pub(crate) fn dialed(&mut self, identity: String, at: Timestamp) -> Result<(), StoreError> {
        self.write(&[Record::Dialed { identity, at }])
    }

    /// Notes entries of lists: such as are added, or end.
    pub(crate) fn add(&mut self, entries: Vec<Added>) -> Result<(), StoreError> {
        let records: Vec<_> = entries.into_iter().map(|entry| Record::Added(Arc::new(entry))).collect();
        self.write(&records)
    }

    /// Notes that a call of a number was answered.
    pub(crate) fn answered(&mut self, identity: String, at: Timestamp) -> Result<(), StoreError> {
        self.write(&[Record::Answered { identity, at }])
    }

    /// Flips a switch.
    pub(crate) fn flip(&mut self, flipped: Flipped) -> Result<(), StoreError> {
        self.write(&[Record::Flipped(Arc::new(flipped))])
    }

    /// Removes every trace of a caller.
    pub(crate) fn forget(&mut self, identity: &str, region: Region) -> Result<Forgotten, StoreError> {
        let forgotten = forget::forget(self.store.connection(), Person::new(identity, region));
        forgotten.map_err(|error| StoreError::of(&self.path, &error))
    }

    fn write(&mut self, records: &[Record]) -> Result<(), StoreError> {
        let written = Rows::new().write(self.store.connection(), records);
        written.map_err(|error| StoreError::of(&self.path, &error))
    }
}
