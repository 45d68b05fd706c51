//! What of the file is kept in memory.

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
