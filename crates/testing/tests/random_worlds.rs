//! Anything may happen at any time: calls, cancellations, answers of every kind and too late, restarts, other accounts, loss,
//! cuts, translators that forget, connections that end or lead nowhere, registrations that are taken back. At every step the
//! rules of RFC 3261 hold for what the phones send, and in the end every line is registered, every call has ended once and as
//! was decided, and nothing is left in any table. Without its lines a phone wants to be woken no more.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

mod world;

use std::process::Command;

use ringfence_testing::Seeds;
use world::World;

/// How many things happen in each world.
const STEPS: usize = 60;

fn lived(seed: u64) -> World {
    let mut world = World::new(seed);
    world.live(STEPS);
    world.settle();
    world
}

#[test]
fn whatever_happens_every_line_comes_back_and_every_call_ends_once() {
    for seed in Seeds::new(0..300) {
        let mut world = lived(seed);
        let faults = world.faults();
        assert!(faults.is_empty(), "seed {seed}:\n{}", faults.join("\n"));
        world.end();
        let remains = world.remains();
        assert!(remains.is_empty(), "seed {seed}:\n{}", remains.join("\n"));
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
