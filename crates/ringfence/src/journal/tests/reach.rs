//! How far back the rules see: as far as calls are kept, before a restart as after it.

use jiff::SignedDuration;
use ringfence_policy::{CallerId, History as _};

use super::file::{ANNA, BERT, Bench, Running, asks, from};
use super::*;

/// Has a caller call, and be spoken with, so many minutes ago; the call is kept for longer than others.
fn note(running: &mut Running, number: &str, minutes: i64) {
    let at = Timestamp::now() - SignedDuration::from_mins(minutes);
    let mut call = Call { at, ..from(number, minutes) };
    call.evidence.is_audited = true;
    running.write([call]);
    running.journal.dialed(number.to_owned(), at);
    running.journal.answered(number.to_owned(), at);
    assert!(running.journal.flush());
}

/// Tells whether a rule that asks for calls, a first call, what was dialled and what was answered finds it.
fn known(running: &Running, number: &str) -> [bool; 4] {
    let past = running.journal.past();
    let of_call = past.of_call(past.line("home"), None, Timestamp::now(), &[]);
    let ask = |caller: &CallerId<'_>| {
        let (dialed, answered) = (of_call.dialed(caller).is_some(), of_call.answered(caller).is_some());
        [of_call.calls(caller, Timestamp::MIN) > 0, of_call.is_known(caller), dialed, answered]
    };
    asks(number, ask)
}

#[test]
fn what_is_older_than_calls_are_kept_is_not_known_before_a_restart_nor_after_it() {
    let mut bench = Bench::new();
    bench.settings.retention = SignedDuration::from_hours(1);
    let mut running = bench.start();
    note(&mut running, ANNA, 61);
    note(&mut running, BERT, 59);
    for _ in 0..2 {
        assert_eq!((known(&running, ANNA), known(&running, BERT)), ([false; 4], [true; 4]));
        running.journal.close();
        drop(running);
        running = bench.start();
    }
}
