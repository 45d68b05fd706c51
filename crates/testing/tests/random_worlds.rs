//! Anything may happen at any time: calls, cancellations, restarts, loss, cuts, translators that forget, registrations that
//! are taken back. At every step the rules of RFC 3261 hold for what the phones send, and in the end every line is registered,
//! every call has ended once, and nothing is left in any table.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

mod world;

use ringfence_testing::Fate;
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
    for seed in 0..300 {
        let world = lived(seed);
        let faults = world.faults();
        assert!(faults.is_empty(), "seed {seed}:\n{}", faults.join("\n"));
    }
}

#[test]
fn a_seed_gives_the_same_world_again_bit_for_bit() {
    let packets = |seed| {
        let world = lived(seed);
        let network = &world.network;
        let told = network.packets().iter().map(|packet| {
            (network.clock().since_epoch(packet.sent_at), packet.payload.clone(), packet.fate == Fate::Lost)
        });
        told.collect::<Vec<_>>()
    };
    assert!(packets(7) == packets(7) && packets(7) != packets(8));
}
