//! Anything may happen at any time: calls, cancellations, answers of every kind and too late, restarts, other accounts, loss,
//! cuts, translators that forget, connections that end or lead nowhere, registrations that are taken back. After each thing that
//! happens the rules of RFC 3261 hold for what the phones send, no table is beyond its limit, nothing is overdue, no call has ended
//! twice and no caller has a second final response. In the end every line has come back by itself, every call has ended once and
//! as was decided, its caller was answered so, and nothing is left in any table. Without its lines a phone wants to be woken no
//! more.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

mod world;

use std::process::Command;

use ringfence_testing::Seeds;
use world::World;
use world::happenings::{DECIDED_TOO_LATE, RESTARTED_WHILE_REGISTERING, SWITCHED_OFF_WHILE_WAITING};
use world::tally::{CROSSED, LOST_ACK, Tally};

/// How many things happen in each world.
const STEPS: usize = 60;

/// What has to happen somewhere.
const RARE: [&str; 5] =
    [CROSSED, LOST_ACK, DECIDED_TOO_LATE, RESTARTED_WHILE_REGISTERING, SWITCHED_OFF_WHILE_WAITING];

fn lived(seed: u64) -> World {
    let mut world = World::new(seed);
    world.live(STEPS);
    world.settle();
    world
}

#[test]
fn whatever_happens_every_line_comes_back_and_every_call_ends_once() {
    let (mut tally, mut lived_through) = (Tally::default(), 0);
    for seed in Seeds::new(0..200) {
        let mut world = lived(seed);
        world.tally.look_through(world.network.packets());
        tally.add(&world.tally);
        lived_through += 1;
        let faults = world.faults();
        assert!(faults.is_empty(), "seed {seed}:\n{}", faults.join("\n"));
        world.end();
        let remains = world.remains();
        assert!(remains.is_empty(), "seed {seed}:\n{}", remains.join("\n"));
    }
    // One world need not have everything.
    if lived_through >= 100 {
        tally.assert_all(&RARE);
    }
}

#[test]
fn a_seed_gives_the_same_world_again_bit_for_bit() {
    let digest = |seed| lived(seed).network.digest();
    let first = digest(7);
    println!("digest {first:016x}");
    assert_eq!(digest(7), first);
    assert_ne!(digest(8), first);
}

/// Addresses of memory and keys of hash tables are others there.
#[test]
fn a_seed_gives_the_same_world_in_another_process() {
    let told = || {
        let mut test = Command::new(std::env::current_exe().unwrap());
        test.args(["--exact", "a_seed_gives_the_same_world_again_bit_for_bit", "--nocapture"]);
        let output = String::from_utf8(test.output().unwrap().stdout).unwrap();
        let (_, after) = output.split_once("digest ").expect("the test tells the digest");
        after[..16].to_owned()
    };
    assert_eq!(told(), told());
}
