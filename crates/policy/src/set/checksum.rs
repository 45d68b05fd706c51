//! The checksum of a compiled list: CRC-32 as in RFC 1952 section 8, eight bytes at a time.
//!
//! It finds what a disk or a copy has spoilt. It proves nothing about who wrote the file: whoever
//! may write there can write a right checksum, too.

/// A checksum over what has come so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Checksum(u32);

impl Checksum {
    pub(super) fn new() -> Self {
        Self(u32::MAX)
    }

    /// Returns the checksum of some bytes.
    pub(super) fn of(bytes: &[u8]) -> u32 {
        let mut checksum = Self::new();
        checksum.update(bytes);
        checksum.value()
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut sum = self.0;
        for [a, b, c, d, later @ ..] in words {
            let first = (sum ^ u32::from_le_bytes([*a, *b, *c, *d])).to_le_bytes();
            let mut next = 0;
            for (table, byte) in TABLES.iter().rev().zip(first.iter().chain(later)) {
                next ^= table[usize::from(*byte)];
            }
            sum = next;
        }
        for byte in rest {
            sum = TABLES[0][usize::from(sum.to_le_bytes()[0] ^ byte)] ^ (sum >> 8);
        }
        self.0 = sum;
    }

    pub(super) fn value(self) -> u32 {
        !self.0
    }
}

/// Table `n` has the checksum of each byte when `n` zero bytes follow it.
static TABLES: [[u32; 256]; 8] = tables();

/// RFC 1952 section 8: the polynomial, its bits reversed.
const POLYNOMIAL: u32 = 0xedb8_8320;

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    let mut value: u32 = 0;
    while byte < 256 {
        let mut sum = value;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
        value += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before: u32 = tables[table - 1][byte];
            tables[table][byte] = tables[0][(before & 0xff) as usize] ^ (before >> 8);
            byte += 1;
        }
        table += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_algorithm_comes_out() {
        assert_eq!(Checksum::of(b"123456789"), 0xcbf4_3926);
        assert_eq!(Checksum::of(b""), 0);
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut pieces = Checksum::new();
        bytes.chunks(13).for_each(|piece| pieces.update(piece));
        assert_eq!(pieces.value(), Checksum::of(&bytes));
    }
}
