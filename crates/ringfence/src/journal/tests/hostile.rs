//! A file with any octets in it: an error or an answer, never a panic.

use std::ops::ControlFlow;

use super::file::{Bench, at, from};
use super::*;

/// As many files, each with a few octets that are not what was written.
const FILES: u64 = 150;

/// Writes calls, a switch and a number, and returns the file's octets.
fn written(bench: &Bench) -> Vec<u8> {
    let mut running = bench.start();
    running.write((0..40).map(|second| from("+442079460123", second)));
    running
        .write((0..200).map(|second| Call { ended: Some(acknowledged()), ..from("+442079460123", second) }));
    running.journal.flip(Flipped { name: "on_call".to_owned(), is_on: true, at: at(0), until: None });
    running.journal.dialed("+442079460999".to_owned(), at(0));
    running.write([]);
    running.journal.close();
    std::fs::read(bench.path()).unwrap()
}

#[test]
fn a_file_with_any_octets_in_it_is_read_or_refused() {
    let bench = Bench::new();
    let whole = written(&bench);
    let seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut dice = seed;
    let mut roll = |most: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(dice >> 33).unwrap() % most
    };
    let mut refused = 0;
    for _ in 0..FILES {
        let mut octets = whole.clone();
        for _ in 0..=roll(8) {
            let (place, octet) = (roll(octets.len()), roll(256));
            octets[place] = u8::try_from(octet).unwrap();
        }
        if roll(4) == 0 {
            octets.truncate(roll(whole.len()));
        }
        std::fs::write(bench.path(), &octets).unwrap();
        refused += usize::from(!read_all(&bench));
    }
    assert!(refused > 10, "{refused}");
}

/// Asks all there is to ask, and writes. Returns whether there was no error.
fn read_all(bench: &Bench) -> bool {
    let read = Reader::open(&bench.path()).and_then(|reader| {
        reader.search(&Query::default())?;
        reader.walk(None, |_| ControlFlow::Continue(()))?;
        reader.stats(None, &jiff::tz::TimeZone::UTC)?;
        reader.entries(at(0))?;
        reader.switches(at(0))?;
        reader.past(at(100)).map(drop)
    });
    let Ok((recorder, journal, mut records)) = open(bench.settings.clone()) else { return false };
    recorder.record(from("+442079460123", 50), None);
    drop(journal.take(records.take_one().unwrap()));
    let is_written = journal.flush();
    is_written && read.is_ok()
}
