//! Reproducible randomness for simulations: never for anything that must be unpredictable.

use std::time::Duration;

/// The `SplitMix64` generator of Steele, Lea and Flood (2014): the same seed, the same numbers.
///
/// ```
/// use ringfence_testing::Random;
///
/// assert_eq!(Random::new(7).token(), Random::new(7).token());
/// assert_ne!(Random::new(7).token(), Random::new(8).token());
/// ```
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Starts the sequence that belongs to a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Returns the next number.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns true with a probability from 0 to 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        // 53 bits fill an f64's mantissa exactly.
        #[expect(clippy::cast_precision_loss, reason = "both numbers have at most 53 bits")]
        let unit = (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        unit < probability
    }

    /// Returns a duration below `limit`, or zero.
    pub fn duration(&mut self, limit: Duration) -> Duration {
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX).max(1);
        Duration::from_nanos(self.next_u64() % nanos)
    }

    /// Returns 16 hexadecimal digits, for tags, branches and nonces.
    pub fn token(&mut self) -> String {
        format!("{:016x}", self.next_u64())
    }

    /// Fills a buffer.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_published_generator() {
        let mut random = Random::new(1_234_567);
        // The reference output for this seed.
        assert_eq!(random.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(random.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn chance_is_as_often_as_asked() {
        let mut random = Random::new(1);
        let hits = (0..10_000).filter(|_| random.chance(0.3)).count();
        assert!((2_800..3_200).contains(&hits), "{hits} of 10000 at 0.3");
        assert!(!random.chance(0.0));
        assert!(random.chance(1.0));
    }
}
