//! Ten million numbers as such lists have them, and callers that are among them and that are not.

use jiff::Timestamp;
use ringfence_policy::{E164, SetWriter};

pub(crate) const ENTRIES: usize = 10_000_000;

/// Returns distinct numbers, ascending: four of five in the North American plan, where complaints
/// are published by the million, the others in those of eight European countries.
pub(crate) fn numbers() -> Vec<u64> {
    let mut numbers: Vec<u64> = (0..ENTRIES as u64 * 51 / 50).map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert!(numbers.len() >= ENTRIES, "one in two hundred repeats");
    let surplus = numbers.len() - ENTRIES;
    let mut index = 0;
    numbers.retain(|_| {
        index += 1;
        index % 50 != 0 || index / 50 > surplus
    });
    numbers
}

/// Returns the number that comes of an index.
pub(crate) fn number(index: u64) -> u64 {
    let random = mixed(index);
    let within = random >> 8;
    if !random.is_multiple_of(5) {
        return 12_000_000_000 + within % 7_999_999_999;
    }
    let country = [33, 34, 39, 41, 44, 46, 48, 49][usize::try_from(random / 5 % 8).unwrap_or(0)];
    country * 1_000_000_000 + 100_000_000 + within % 899_999_999
}

/// Returns callers in an order that no cache foresees: numbers of a list, and others like them.
pub(crate) fn callers(numbers: &[u64]) -> (Vec<E164>, Vec<E164>) {
    let listed = (0..CALLERS).filter_map(|index| {
        let place = mixed(index) % numbers.len() as u64;
        numbers.get(usize::try_from(place).ok()?).copied()
    });
    let others = (1 << 40..).map(number).filter(|number| numbers.binary_search(number).is_err());
    (
        listed.filter_map(E164::new).collect(),
        others.filter_map(E164::new).zip(0..CALLERS).map(|(other, _)| other).collect(),
    )
}

/// Compiles numbers.
pub(crate) fn compiled(numbers: &[u64]) -> Vec<u8> {
    let mut writer = SetWriter::new("reject", Timestamp::UNIX_EPOCH);
    for number in numbers {
        writer.push_number(E164::new(*number).expect("eleven digits")).expect("they are few enough");
    }
    let mut bytes = Vec::new();
    writer.write(&mut bytes).expect("memory takes all");
    bytes
}

const CALLERS: u64 = 1 << 20;

/// A permutation of the 64-bit words that looks random (splitmix64).
fn mixed(index: u64) -> u64 {
    let mut word = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
