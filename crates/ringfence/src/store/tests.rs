mod killed;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use tempfile::TempDir;

use super::*;

fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(path, Durability::Process)
}

fn home() -> (TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state/ringfence.db");
    (home, path)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn the_file_and_its_directory_are_for_the_owner_only() {
    let (_home, path) = home();
    let mut store = open(&path).unwrap();
    store.connection().execute("INSERT INTO switches VALUES ('a', 1, 1, NULL)", []).unwrap();
    let files = ["", "-wal", "-shm", ".lock"].map(|end| mode(&place::beside(&path, end)));
    assert_eq!((files, mode(path.parent().unwrap())), ([0o600; 4], 0o700));
}

#[test]
fn a_file_that_others_could_read_is_closed_to_them() {
    let (_home, path) = home();
    drop(open(&path).unwrap());
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let _store = open(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_symlink_is_not_followed() {
    let (home, path) = home();
    fs::create_dir(path.parent().unwrap()).unwrap();
    for end in ["", "-wal", ".lock"] {
        let link = place::beside(&path, end);
        symlink(home.path().join("elsewhere"), &link).unwrap();
        assert!(matches!(open(&path), Err(StoreError::NotPrivate { .. })), "{end}");
        fs::remove_file(link).unwrap();
    }
    assert!(!home.path().join("elsewhere").exists());
}

#[test]
fn a_directory_that_others_may_write_is_refused() {
    let (home, _) = home();
    fs::set_permissions(home.path(), Permissions::from_mode(0o777)).unwrap();
    assert!(matches!(open(&home.path().join("a.db")), Err(StoreError::NotPrivate { .. })));
}

#[test]
fn a_second_program_is_told_of_the_first() {
    let (_home, path) = home();
    let _first = open(&path).unwrap();
    let error = open(&path).unwrap_err();
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    assert!(!error.may_pass() && !error.hint().is_empty());
}

#[test]
fn a_file_of_another_program_is_left_as_it_is() {
    let (_home, path) = home();
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, "dear diary, this is no database, and it is longer than a header").unwrap();
    assert!(matches!(open(&path), Err(StoreError::Foreign { .. })));
    assert!(fs::read_to_string(&path).unwrap().starts_with("dear diary"));
    fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(open(&path), Err(StoreError::Foreign { .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_of_a_newer_version_is_refused_by_readers_and_writers() {
    let (_home, path) = home();
    open(&path).unwrap().connection().execute_batch("PRAGMA user_version = 77").unwrap();
    assert!(matches!(open(&path), Err(StoreError::Newer { version: 77, .. })));
    let error = Store::read(&path).unwrap_err();
    assert!(error.to_string().contains("version 77"), "{error}");
}

/// Makes a file of the first version with one call, whose decision panicked.
fn make_first_version(path: &Path) {
    drop(open(path).unwrap());
    fs::remove_file(path).unwrap();
    let first = rusqlite::Connection::open(path).unwrap();
    first.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = 0x524e4746").unwrap();
    first.execute_batch(schema::MIGRATIONS[0]).unwrap();
    first
        .execute_batch(
            "PRAGMA user_version = 1;
             INSERT INTO calls (number, at, id, call_id, line, caller, source, verdict, rule, reason)
             VALUES (17, 1, '0.1', 'a', 'home', '+442079460123', '192.0.2.1:5060', 'ring', 'otherwise',
                     'let ring: it could not be decided; the decision panicked')",
        )
        .unwrap();
}

#[test]
fn a_file_of_the_first_version_is_brought_up_to_date_with_its_calls() {
    let (_home, path) = home();
    make_first_version(&path);
    let count = |connection: &Connection, sql: &str| -> i64 {
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let reader = Store::read(&path).unwrap();
    assert_eq!(count(&reader, "SELECT count(*) FROM calls"), 1, "it is read as it is");
    let mut store = open(&path).unwrap();
    let now = [
        "PRAGMA user_version",
        "SELECT last FROM numbering",
        "SELECT max(number) FROM calls",
        "SELECT late FROM calls",
    ]
    .map(|sql| count(store.connection(), sql));
    assert_eq!(now, [5, 17, 17, 1]);
}

#[test]
fn a_file_whose_making_was_interrupted_is_made_whole() {
    let (_home, path) = home();
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, "").unwrap();
    drop(open(&path).unwrap());
    fs::remove_file(&path).unwrap();
    let begun = rusqlite::Connection::open(&path).unwrap();
    begun.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = 0x524e4746").unwrap();
    drop(begun);
    open(&path).unwrap().connection().execute("INSERT INTO switches VALUES ('a', 1, 1, NULL)", []).unwrap();
}

#[test]
fn a_damaged_file_is_told_and_never_replaced() {
    let (_home, path) = home();
    let mut store = open(&path).unwrap();
    let fill = "INSERT INTO switches SELECT hex(randomblob(64)), 1, 1, NULL FROM generate_series(1, 1000)";
    let fill = fill.replace(
        "generate_series(1, 1000)",
        "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n)",
    );
    store.connection().execute_batch(&fill).unwrap();
    drop(store);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0x5a);
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(open(&path), Err(StoreError::Damaged { .. })));
    assert_eq!(fs::read(&path).unwrap(), bytes);
    fs::rename(&path, place::beside(&path, ".damaged")).unwrap();
    open(&path).unwrap();
}

#[test]
fn a_file_that_is_removed_or_replaced_is_noticed() {
    let (_home, path) = home();
    let store = open(&path).unwrap();
    assert_eq!(store.misplaced(), None);
    fs::remove_file(&path).unwrap();
    assert!(store.misplaced().is_some());
    fs::write(&path, "").unwrap();
    assert!(store.misplaced().is_some());
}

#[test]
fn ages_and_sizes_are_read_with_their_units_or_not_at_all() {
    let days = |text| read_age(text).map(|age| age.as_hours() / 24).ok();
    assert_eq!(
        [days("90d"), days("2w"), days("1y"), days("36h"), days("1mo")],
        [Some(90), Some(14), Some(365), Some(1), Some(30)]
    );
    assert_eq!([days("90"), days("-1d"), days("1s"), days("1000y"), days("")], [None; 5]);
    let sizes = ["500MB", "2GiB", " 1 GB "].map(|text| read_size(text).ok());
    assert_eq!(sizes, [Some(500_000_000), Some(2 << 30), Some(1_000_000_000)]);
    assert!(["500", "MB", "1KB", "9999999999999TB", "-1MB"].iter().all(|text| read_size(text).is_err()));
}

/// Returns how many locks this process has on a file. `/proc/locks` has those of all processes, and changes while it is read.
#[cfg(target_os = "linux")]
fn locks(path: &Path) -> usize {
    let inode = format!(":{} ", fs::metadata(path).unwrap().ino());
    let is_on_it = |line: &&str| line.starts_with("lock:") && line.contains(&inode);
    // Another test may close its file meanwhile.
    let open = fs::read_dir("/proc/self/fdinfo").unwrap();
    let told = open.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
    told.map(|file| file.lines().filter(is_on_it).count()).max().unwrap_or(0)
}

/// Without its lock the next program that closes the database believes to be the last, and removes the log of changes.
#[cfg(target_os = "linux")]
#[test]
fn to_look_whether_the_file_is_in_place_leaves_the_locks_on_it() {
    let (_home, path) = home();
    let mut store = open(&path).unwrap();
    store.connection().execute("INSERT INTO switches VALUES ('a', 1, 1, NULL)", []).unwrap();
    let before = locks(&path);
    assert_eq!(store.misplaced(), None);
    assert_eq!((before > 0, locks(&path)), (true, before));
}
