//! Numbers that stand for all: some of each numbering plan, of every first digit and length that it has.

use super::E164;
use super::plan::Plan;

impl E164 {
    /// Returns numbers that are spread over all numbering plans: a hundred or a few more behind each calling code, as
    /// many of each first digit and each length that numbers have there. They are the same each time.
    ///
    /// How many of them a pattern means tells how much of the world it does.
    ///
    /// ```
    /// use ringfence_policy::E164;
    ///
    /// let swiss = || E164::samples().filter(|number| number.calling_code() == Some(41));
    /// assert!(swiss().count() >= 100 && swiss().all(|number| number.fault().is_none()));
    /// ```
    pub fn samples() -> impl Iterator<Item = E164> {
        Plan::all().flat_map(|plan| {
            let shapes = || (0..10).flat_map(|first| plan.expected_lengths(first).map(move |n| (first, n)));
            let each = PER_CALLING_CODE.div_ceil(shapes().count().max(1));
            shapes().flat_map(move |(first, length)| {
                (0..MOST_TRIED).filter_map(move |turn| sample(plan, first, length, turn)).take(each)
            })
        })
    }
}

/// Returns a number behind a calling code, if the plan has it.
fn sample(plan: &Plan, first: u8, length: usize, turn: u64) -> Option<E164> {
    let scale = 10_u64.checked_pow(u32::try_from(length.checked_sub(1)?).ok()?)?;
    let seed = (u64::from(plan.calling_code()) * 10 + u64::from(first)) * 16 + length as u64;
    let national = u64::from(first) * scale + scattered(seed * MOST_TRIED + turn) % scale;
    let number = E164::new(u64::from(plan.calling_code()) * scale * 10 + national)?;
    number.fault().is_none().then_some(number)
}

/// Returns digits without a pattern: the mixing steps of `SplitMix64`.
fn scattered(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// Few enough that an expression is looked for in all of them in milliseconds.
const PER_CALLING_CODE: usize = 100;

/// North America, whose area codes and exchanges have rules of their own, has a number among every two or three.
const MOST_TRIED: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_calling_code_has_about_a_hundred_samples_that_its_plan_has() {
        let samples: Vec<E164> = E164::samples().collect();
        let by_code: Vec<&[E164]> =
            samples.chunk_by(|one, other| one.calling_code() == other.calling_code()).collect();
        assert_eq!(by_code.len(), Plan::all().count());
        assert!(by_code.iter().all(|behind| (100..200).contains(&behind.len())));
        assert!(samples.iter().all(|number| number.fault().is_none()));
    }

    #[test]
    fn the_last_digits_of_samples_are_as_many_of_each() {
        let mut ends = [0_usize; 10];
        E164::samples().for_each(|number| ends[usize::try_from(number.as_u64() % 10).unwrap()] += 1);
        let all: usize = ends.iter().sum();
        assert!(ends.iter().all(|count| (all / 12..all / 8).contains(count)), "{ends:?}");
    }
}
