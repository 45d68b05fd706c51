//! The numbers of a compiled list, ascending, in blocks.
//!
//! A block has its first number whole, its base, where its numbers begin among all, its start, and
//! of every number how far above the base it is, its low, in four bytes. Every 16th base stands a
//! second time among the signposts: they stay in the cache, and one stretch of the blocks, one of
//! the lows is all that a look-up has to fetch.
//!
//! ```text
//! signposts  +12025550100                                 …
//! blocks     +12025550100, 0    +12025550123, 3           …
//! lows       0  17  21        │ 0  4 000 021 …
//! ```
//!
//! Whatever the bytes are, no look-up fails, reads elsewhere or takes more than logarithmic time:
//! in spoilt tables it finds too little or too much.

/// The three tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables<'a> {
    signposts: &'a [[u8; 8]],
    blocks: &'a [[u8; BLOCK_LENGTH]],
    lows: &'a [[u8; 4]],
}

/// A base and a start.
pub(super) const BLOCK_LENGTH: usize = 12;

/// How many blocks have one signpost: three or four lines of a cache. Ten million numbers then have
/// 20,000 signposts, in 160 kB.
pub(super) const BLOCKS_A_SIGNPOST: u32 = 16;

impl<'a> Tables<'a> {
    pub(super) fn new(signposts: &'a [u8], blocks: &'a [u8], lows: &'a [u8]) -> Self {
        Self { signposts: signposts.as_chunks().0, blocks: blocks.as_chunks().0, lows: lows.as_chunks().0 }
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        let Some(block) = self.block_of(number) else { return false };
        let Some(low) = self.low(block, number) else { return false };
        let lows = self.lows(block);
        lows.get(below(lows, low)).is_some_and(|stored| u32::from_le_bytes(*stored) == low)
    }

    /// Returns the lowest number that is at least this one.
    pub(super) fn first_from(&self, number: u64) -> Option<u64> {
        let block = self.block_of(number);
        let within = block.and_then(|block| {
            let low = self.low(block, number)?;
            let lows = self.lows(block);
            let above = lows.get(below(lows, low))?;
            self.base(block)?.checked_add(u64::from(u32::from_le_bytes(*above)))
        });
        within.or_else(|| self.base(block.map_or(0, |block| block + 1)))
    }

    /// Returns all numbers.
    pub(super) fn numbers(self) -> impl Iterator<Item = u64> + use<'a> {
        (0..self.blocks.len()).flat_map(move |block| {
            let base = self.base(block).unwrap_or(u64::MAX);
            self.lows(block).iter().map(move |low| base.saturating_add(u64::from(u32::from_le_bytes(*low))))
        })
    }

    /// Returns the first block that does not begin where the one before it ends, whose first number
    /// is not its base, or whose signpost is not its base.
    pub(super) fn misplaced_block(&self) -> Option<usize> {
        let is_misplaced = |block: usize| {
            let start = self.start(block);
            let is_first = block > 0 || start == Some(0);
            let low = start.and_then(|start| self.lows.get(start));
            let signpost = block.is_multiple_of(BLOCKS_A_SIGNPOST as usize).then(|| {
                let signpost = self.signposts.get(block / BLOCKS_A_SIGNPOST as usize)?;
                Some(u64::from_le_bytes(*signpost))
            });
            let is_signposted = signpost.is_none_or(|signpost| signpost == self.base(block));
            !is_first || low != Some(&[0; 4]) || self.lows(block).is_empty() || !is_signposted
        };
        (0..self.blocks.len()).find(|block| is_misplaced(*block))
    }

    /// Returns the block that has the number if any has.
    fn block_of(&self, number: u64) -> Option<usize> {
        let signposts = self.signposts.partition_point(|base| u64::from_le_bytes(*base) <= number);
        let first = signposts.checked_sub(1)? * BLOCKS_A_SIGNPOST as usize;
        let all = self.blocks.get(first..)?;
        let stretch = all.get(..BLOCKS_A_SIGNPOST as usize).unwrap_or(all);
        let bases = stretch.iter().filter(|block| base_of(block) <= number).count();
        Some(first + bases.checked_sub(1)?)
    }

    fn base(&self, block: usize) -> Option<u64> {
        self.blocks.get(block).map(base_of)
    }

    fn start(&self, block: usize) -> Option<usize> {
        let start = self.blocks.get(block)?.last_chunk()?;
        Some(u32::from_le_bytes(*start) as usize)
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

/// Returns how many of ascending lows are below one.
///
/// Those of a block are counted rather than halved: all reads then go out at once, and memory is
/// waited for once.
fn below(lows: &[[u8; 4]], low: u32) -> usize {
    let is_below = |stored: &[u8; 4]| u32::from_le_bytes(*stored) < low;
    if lows.len() > MOST_IN_BLOCK as usize {
        return lows.partition_point(is_below);
    }
    lows.iter().filter(|stored| is_below(stored)).count()
}

fn base_of(block: &[u8; BLOCK_LENGTH]) -> u64 {
    block.first_chunk().map_or(0, |base| u64::from_le_bytes(*base))
}

/// Puts ascending numbers into blocks.
pub(super) struct Blocks {
    /// The base and the start of each.
    pub(super) blocks: Vec<(u64, u32)>,
}

impl Blocks {
    pub(super) fn of(numbers: &[u64]) -> Self {
        let mut blocks: Vec<(u64, u32)> = Vec::new();
        for (index, number) in (0_u32..).zip(numbers) {
            let is_within = blocks.last().is_some_and(|(base, start)| {
                u32::try_from(number - base).is_ok() && index - start < MOST_IN_BLOCK
            });
            if !is_within {
                blocks.push((*number, index));
            }
        }
        Self { blocks }
    }

    /// Returns every 16th base.
    pub(super) fn signposts(&self) -> impl Iterator<Item = u64> {
        self.blocks.iter().step_by(BLOCKS_A_SIGNPOST as usize).map(|(base, _)| *base)
    }

    /// Returns how far each number is above its block's base.
    pub(super) fn lows(&self, numbers: &[u64]) -> impl Iterator<Item = u32> {
        let mut block = 0;
        (0..).zip(numbers).map(move |(index, number): (u32, &u64)| {
            if self.blocks.get(block + 1).is_some_and(|(_, start)| *start == index) {
                block += 1;
            }
            u32::try_from(number - self.blocks[block].0).unwrap_or(u32::MAX)
        })
    }
}

/// Two lines of a cache. The blocks then cost 12 bytes for 32 numbers; of those that end early,
/// since the next number is too far away, there are at most 232,831, the spans of 2^32 below 10^15.
const MOST_IN_BLOCK: u32 = 32;
