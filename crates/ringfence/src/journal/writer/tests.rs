//! What of the file is kept in memory, and what is done at rest.

use super::*;
use crate::store::Durability;

#[test]
fn pages_that_the_start_has_read_go_with_the_first_wait_in_which_nothing_comes() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(&home.path().join("state/ringfence.db"), Durability::Process).unwrap();
    let mut open = Open::new(store).unwrap();
    assert!(open.has_pages);
    open.rest(0);
    assert!(!open.has_pages);
}

#[test]
fn the_bytes_of_who_was_forgotten_go_when_the_reader_that_kept_them_has_gone() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state/ringfence.db");
    let mut open = Open::new(Store::open(&path, Durability::Process).unwrap()).unwrap();
    let dialed = |identity: &str| Record::Dialed { identity: identity.to_owned(), at: Timestamp::UNIX_EPOCH };
    open.write(&[dialed("+41795554433"), dialed("+41225556677")]).unwrap();
    let reader = Store::read(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM spoken").unwrap();
    open.store.connection().busy_timeout(Duration::ZERO).unwrap();
    let person = Person::new("+41795554433", ringfence_policy::Region::parse("CH").unwrap());
    let forgotten = open.forget(person).unwrap();
    assert_eq!((forgotten.remembered, forgotten.is_compacted), (1, false));
    let is_left = || {
        let files = std::fs::read_dir(path.parent().unwrap()).unwrap();
        let bytes = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        bytes.into_iter().any(|bytes| bytes.windows(10).any(|window| window == b"1795554433"))
    };
    let after = |seconds| Instant::now() + Duration::from_secs(seconds);
    open.settle(after(40));
    assert!(is_left() && open.owed.is_some(), "the reader keeps them");
    drop(reader);
    open.settle(after(0));
    assert!(is_left(), "it is not time");
    open.settle(after(80));
    assert!(!is_left() && open.owed.is_none());
}

#[test]
fn a_journal_that_fails_is_tried_again_after_a_rest_whether_or_not_anything_waits() {
    let home = tempfile::tempdir().unwrap();
    let place = crate::store::Place::File(home.path().join("state/ringfence.db"));
    let settings = Settings { place, ..Settings::default() };
    let (inbox, vitals) = (Arc::new(Inbox::default()), Arc::new(Vitals::default()));
    let mut writer =
        Writer::new(settings, (None, true), inbox, Arc::clone(&vitals), Arc::new(Past::default())).unwrap();
    assert!(writer.patience() > AGAIN);
    let full = "database or disk is full".to_owned();
    vitals.fail(&StoreError::Unavailable { path: home.path().to_owned(), detail: full });
    assert_eq!(writer.patience(), Duration::ZERO);
    assert!(writer.write(&[]));
    assert!(writer.patience() > AGAIN, "it is written again");
}
