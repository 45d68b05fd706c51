//! A program that is killed at any instant while it brings a file of an earlier version up to date: the file is
//! whole, of the one version or of the other, and has all its calls.
//!
//! The child is this test's own binary, as in the journal's tests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;

/// Which file the child brings up to date; it is a child if this is set.
const CHILD: &str = "RINGFENCE_TEST_STORE";
const TEST: &str = "store::tests::killed::a_kill_while_a_file_is_brought_up_to_date_leaves_it_whole";
const KILLS: u64 = 25;
const SEED: u64 = 25;
/// The longest time to a kill, at first: in microseconds.
const LONGEST: u64 = 20_000;
const CALLS: i64 = 5_000;

#[test]
fn a_kill_while_a_file_is_brought_up_to_date_leaves_it_whole() {
    if let Some(path) = std::env::var_os(CHILD) {
        child(Path::new(&path));
    }
    let (_home, path) = home();
    let first = of_the_first_version(&path);
    let newest = i64::try_from(schema::MIGRATIONS.len()).unwrap();
    let (mut dice, mut longest, mut versions) = (SEED, LONGEST, [0; 2]);
    println!("seed {SEED}");
    for _ in 0..KILLS {
        fs::write(&path, &first).unwrap();
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        kill_after(Duration::from_micros((dice >> 33) % longest), &path);
        versions[usize::from(version_of_whole(&path) == newest)] += 1;
        longest = around(longest, versions);
        let mut store = open(&path).unwrap();
        let now = ["PRAGMA user_version", "SELECT last FROM numbering", "SELECT count(*) FROM calls"];
        assert_eq!(now.map(|sql| number(store.connection(), sql)), [newest, CALLS, CALLS]);
        drop(store);
        for end in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(place::beside(&path, end));
        }
    }
    assert!(!versions.contains(&0), "{versions:?} files of each version after {KILLS} kills");
}

/// Makes sure that a file is whole and has its calls, and returns its version.
fn version_of_whole(path: &Path) -> i64 {
    let killed = rusqlite::Connection::open(path).unwrap();
    let whole: String = killed.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!((whole.as_str(), number(&killed, "SELECT count(*) FROM calls")), ("ok", CALLS));
    number(&killed, "PRAGMA user_version")
}

/// Moves the longest time to a kill to where the change from one version to the other is, on a machine of any speed.
fn around(longest: u64, versions: [u64; 2]) -> u64 {
    match versions {
        [0, _] => (longest / 2).max(1),
        [_, 0] => longest * 2,
        _ => longest,
    }
}

/// Makes a file of the first version with calls, and returns what is in it.
fn of_the_first_version(path: &Path) -> Vec<u8> {
    drop(open(path).unwrap());
    fs::remove_file(path).unwrap();
    let first = rusqlite::Connection::open(path).unwrap();
    first.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = 0x524e4746").unwrap();
    first.execute_batch(schema::MIGRATIONS[0]).unwrap();
    let calls = format!(
        "PRAGMA user_version = 1;
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {CALLS})
         INSERT INTO calls (number, at, id, call_id, line, caller, source, verdict, rule, reason)
         SELECT i, i, i, i, 'home', '+442079460123', '192.0.2.1:5060', 'ring', 'otherwise', '' FROM n"
    );
    first.execute_batch(&calls).unwrap();
    drop(first);
    fs::read(path).unwrap()
}

/// Starts a program with a file, and kills it so long after it has begun to open it.
fn kill_after(time: Duration, path: &Path) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "begins"));
    std::thread::park_timeout(time);
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Brings a file up to date, and waits to be killed.
fn child(path: &Path) -> ! {
    println!("\nbegins");
    std::io::stdout().flush().unwrap();
    let _store = open(path).unwrap();
    loop {
        std::thread::park();
    }
}

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}
