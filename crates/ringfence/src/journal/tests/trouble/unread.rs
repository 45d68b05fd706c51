//! A file that cannot be read at the start.

use super::super::file::{BERT, Bench, asks, at, from};
use super::*;

const NOBODY: &str = "+442079460777";

/// Writes a journal in which somebody is known, and a switch is on; then its directory is gone.
fn lost(bench: &Bench) -> std::path::PathBuf {
    let mut running = bench.start();
    running.write((0..3).map(|second| from(ANNA, second)));
    running.journal.flip(Flipped { name: "on_call".to_owned(), is_on: true, at: at(0), until: None });
    assert!(running.journal.flush());
    drop(running);
    let directory = bench.path().parent().unwrap().to_owned();
    std::fs::rename(&directory, directory.with_extension("elsewhere")).unwrap();
    directory
}

#[test]
fn a_file_that_cannot_be_read_at_the_start_is_told_and_read_when_it_can_be() {
    let bench = Bench::new();
    let directory = lost(&bench);
    std::fs::write(&directory, "no directory").unwrap();
    let mut running = bench.start();
    assert!(running.journal.health().unread);
    running.record([from(ANNA, 10), from(BERT, 11)]);
    assert!(!running.journal.flush());
    let calls =
        |running: &Running, number| asks(number, |who| running.journal.past().calls(who, at(0), at(20)));
    assert_eq!([ANNA, BERT].map(|number| calls(&running, number)), [1, 1]);
    std::fs::remove_file(&directory).unwrap();
    std::fs::rename(directory.with_extension("elsewhere"), &directory).unwrap();
    assert!(running.journal.flush());
    assert_eq!([ANNA, BERT, NOBODY].map(|number| calls(&running, number)), [4, 1, 0]);
    let past = running.journal.past();
    assert_eq!(past.calls_on(past.line("home"), at(0), at(20)), 5);
    assert_eq!((past.switch("on_call", at(20)), running.journal.health().unread), (Some(true), false));
    assert_eq!(bench.count(), 5);
}
