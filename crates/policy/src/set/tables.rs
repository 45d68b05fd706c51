//! The numbers of a compiled list, ascending, in blocks.
//!
//! A block has its first number whole, its base, and of every number how far above the base it
//! is, its low, in four bytes. The starts tell which lows are a block's.
//!
//! ```text
//! bases   +12025550100           +12125550123    …
//! starts  0                      3               …
//! lows    0  17  4 000 021 │ 0  …
//! ```
//!
//! Whatever the bytes are, no look-up fails, reads elsewhere or takes more than logarithmic time:
//! in spoilt tables it finds too little or too much.

/// The three tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables<'a> {
    bases: &'a [[u8; 8]],
    starts: &'a [[u8; 4]],
    lows: &'a [[u8; 4]],
}

impl<'a> Tables<'a> {
    pub(super) fn new(bases: &'a [u8], starts: &'a [u8], lows: &'a [u8]) -> Self {
        Self { bases: bases.as_chunks().0, starts: starts.as_chunks().0, lows: lows.as_chunks().0 }
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        let Some(block) = self.block_of(number) else { return false };
        let Some(low) = self.low(block, number) else { return false };
        self.lows(block).binary_search_by_key(&low, |stored| u32::from_le_bytes(*stored)).is_ok()
    }

    /// Returns the lowest number that is at least this one.
    pub(super) fn first_from(&self, number: u64) -> Option<u64> {
        let block = self.block_of(number);
        let within = block.and_then(|block| {
            let low = self.low(block, number)?;
            let lows = self.lows(block);
            let above = lows.get(lows.partition_point(|stored| u32::from_le_bytes(*stored) < low))?;
            self.base(block)?.checked_add(u64::from(u32::from_le_bytes(*above)))
        });
        within.or_else(|| self.base(block.map_or(0, |block| block + 1)))
    }

    /// Returns all numbers, each with its place among the lows.
    pub(super) fn numbers(self) -> impl Iterator<Item = u64> + use<'a> {
        (0..self.bases.len()).flat_map(move |block| {
            let base = self.base(block).unwrap_or(u64::MAX);
            self.lows(block).iter().map(move |low| base.saturating_add(u64::from(u32::from_le_bytes(*low))))
        })
    }

    /// Returns the first block that does not begin where the one before it ends, or whose first
    /// number is not its base.
    pub(super) fn misplaced_block(&self) -> Option<usize> {
        let is_misplaced = |block: usize| {
            let start = self.start(block);
            let is_first = block > 0 || start == Some(0);
            let low = start.and_then(|start| self.lows.get(start));
            !is_first || low != Some(&[0; 4]) || self.lows(block).is_empty()
        };
        (0..self.bases.len()).find(|block| is_misplaced(*block))
    }

    /// Returns the block that has the number if any has.
    fn block_of(&self, number: u64) -> Option<usize> {
        self.bases.partition_point(|base| u64::from_le_bytes(*base) <= number).checked_sub(1)
    }

    fn base(&self, block: usize) -> Option<u64> {
        self.bases.get(block).map(|base| u64::from_le_bytes(*base))
    }

    fn start(&self, block: usize) -> Option<usize> {
        self.starts.get(block).map(|start| u32::from_le_bytes(*start) as usize)
    }

    fn low(&self, block: usize, number: u64) -> Option<u32> {
        u32::try_from(number.checked_sub(self.base(block)?)?).ok()
    }

    fn lows(&self, block: usize) -> &'a [[u8; 4]] {
        let lows: &'a [[u8; 4]] = self.lows;
        let start = self.start(block).unwrap_or(lows.len());
        let end = self.start(block + 1).unwrap_or(lows.len());
        lows.get(start..end).unwrap_or_default()
    }
}

/// Puts ascending numbers into blocks.
pub(super) struct Blocks {
    /// The first number of each.
    pub(super) bases: Vec<u64>,
    /// How many numbers stand before each.
    pub(super) starts: Vec<u32>,
}

impl Blocks {
    pub(super) fn of(numbers: &[u64]) -> Self {
        let mut blocks = Self { bases: Vec::new(), starts: Vec::new() };
        let mut start = 0;
        for (index, number) in (0_u32..).zip(numbers) {
            let is_within = blocks
                .bases
                .last()
                .is_some_and(|base| u32::try_from(number - base).is_ok() && index - start < MOST_IN_BLOCK);
            if !is_within {
                start = index;
                blocks.bases.push(*number);
                blocks.starts.push(index);
            }
        }
        blocks
    }

    /// Returns how far each number is above its block's base.
    pub(super) fn lows(&self, numbers: &[u64]) -> impl Iterator<Item = u32> {
        let mut block = 0;
        (0..).zip(numbers).map(move |(index, number): (u32, &u64)| {
            if self.starts.get(block + 1) == Some(&index) {
                block += 1;
            }
            u32::try_from(number - self.bases[block]).unwrap_or(u32::MAX)
        })
    }
}

/// Two lines of a cache: the bases then cost 12 bytes for 32 numbers, and no list of ten million
/// needs more than 12 bytes for each of 232,831 blocks that end early, since there are not more
/// spans of 2^32 below 10^15.
const MOST_IN_BLOCK: u32 = 32;
