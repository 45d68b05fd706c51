//! The seeds that a test of random worlds tries, or the one that it is to try again.

use std::ops::Range;

/// The name of the environment variable that chooses other seeds.
const VARIABLE: &str = "RINGFENCE_SEED";

/// Seeds, one after the other. When the test fails, the one that it failed with is told.
///
/// Where the environment variable `RINGFENCE_SEED` is set it says which instead: one, as `17`, or a range, as `1000..4000`.
///
/// ```
/// use ringfence_testing::{Network, Seeds};
///
/// for seed in Seeds::new(0..20) {
///     let network = Network::new(seed);
///     assert!(network.packets().is_empty(), "nothing has happened yet");
/// }
/// ```
#[derive(Debug)]
pub struct Seeds {
    left: Range<u64>,
    newest: Option<u64>,
}

impl Seeds {
    /// Those of a range, where the environment does not say otherwise.
    ///
    /// # Panics
    ///
    /// When the environment variable is neither a number nor a range.
    #[must_use]
    pub fn new(usual: Range<u64>) -> Self {
        let left = match std::env::var(VARIABLE) {
            Err(_) => usual,
            Ok(text) => {
                let read = read(&text);
                assert!(read.is_some(), "expected a seed in {VARIABLE}, as 17 or 1000..4000, got {text:?}");
                read.unwrap_or_default()
            }
        };
        Self { left, newest: None }
    }
}

impl Iterator for Seeds {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.newest = self.left.next();
        self.newest
    }
}

impl Drop for Seeds {
    fn drop(&mut self) {
        if let Some(seed) = self.newest.filter(|_| std::thread::panicking()) {
            let test = std::thread::current().name().unwrap_or_default().to_owned();
            eprintln!("the same again: {VARIABLE}={seed} cargo test {test}");
        }
    }
}

fn read(text: &str) -> Option<Range<u64>> {
    if let Some((first, end)) = text.split_once("..") {
        let (first, end) = (first.trim().parse().ok()?, end.trim().parse().ok()?);
        return (first < end).then_some(first..end);
    }
    let seed: u64 = text.trim().parse().ok()?;
    Some(seed..seed.checked_add(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_one_seed_or_a_range_of_them() {
        assert_eq!(read("17"), Some(17..18));
        assert_eq!(read(" 1000..4000 "), Some(1_000..4_000));
        for wrong in ["", "x", "-1", "3..", "..3", "5..5", "7..5", "1..=3", "18446744073709551615"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
