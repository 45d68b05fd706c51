//! How properties are tested: from a fixed seed, so that a run that fails fails again.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// The seed is fixed; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` look further.
pub(crate) fn configuration() -> ProptestConfig {
    let configuration = ProptestConfig::default();
    let rng_seed = match configuration.rng_seed {
        RngSeed::Random => RngSeed::Fixed(41_791_234_567),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    ProptestConfig { failure_persistence: None, rng_seed, ..configuration }
}
