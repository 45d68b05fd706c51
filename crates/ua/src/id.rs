//! Branches, tags, Call-IDs and tokens, from an injected seed: unpredictable to the network, and
//! the same again when a test gives the same seed.

use std::fmt;

use sha2::{Digest, Sha256};

/// One line of an endpoint.
///
/// ```
/// assert_eq!(ringfence_ua::LineId::new(3).to_string(), "3");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineId(u32);

impl LineId {
    /// Makes an id; those of real lines come from [`crate::Endpoint::add_line`].
    #[must_use]
    pub fn new(id: u32) -> Self {
        Self(id)
    }

    /// Returns the number of the line.
    #[must_use]
    pub fn as_u32(self) -> u32 {
        self.0
    }
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An unguessable text that a line keeps for as long as it is there: as it has no memory of its own, fifty thousand lines do
/// not have that, either.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Token<const N: usize>([u8; N]);

/// What a line's Contact has, and who it let in by it: of a hundred unguessable bits.
pub(crate) type LineToken = Token<20>;

impl<const N: usize> Token<N> {
    /// Takes what may be one, as it came from the network.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        text.try_into().map(Self).ok()
    }

    /// Returns it; what came from the network and is no text is none that we gave.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A UUID (RFC 9562 section 4), whoever has made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Uuid([u8; 16]);

impl Uuid {
    pub(crate) fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads it, as it is printed or with dashes elsewhere.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|&letter| letter != '-').collect();
        u128::from_str_radix(&digits, 16).ok().map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u128::from_be_bytes(self.0);
        let part = |shift: u32, bits: u32| (number >> shift) & ((1 << bits) - 1);
        let (low, mid, high, clock, node) =
            (part(96, 32), part(80, 16), part(64, 16), part(48, 16), part(0, 48));
        write!(f, "{low:08x}-{mid:04x}-{high:04x}-{clock:04x}-{node:012x}")
    }
}

/// A generator of unguessable identifiers: SHA-256 over a secret seed and a counter.
///
/// ```
/// use ringfence_ua::Generator;
///
/// let mut one = Generator::new([1; 32]);
/// let mut same = Generator::new([1; 32]);
/// assert_eq!(one.token(16), same.token(16));
/// assert_ne!(one.token(16), same.token(32));
/// ```
pub struct Generator {
    seed: [u8; 32],
    counter: u64,
}

impl Generator {
    /// Creates a generator. The seed is to come from the operating system's randomness.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0 }
    }

    /// Fills a buffer.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let block =
                Sha256::new().chain_update(self.seed).chain_update(self.counter.to_be_bytes()).finalize();
            self.counter += 1;
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }

    /// Returns a token of so many characters of five unguessable bits each.
    pub fn token(&mut self, characters: usize) -> String {
        let mut bytes = vec![0; characters];
        self.fill(&mut bytes);
        bytes.into_iter().map(character).map(char::from).collect()
    }

    /// Returns a token that is kept.
    pub(crate) fn kept_token<const N: usize>(&mut self) -> Token<N> {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        Token(bytes.map(character))
    }

    /// Returns a branch for a new client transaction (RFC 3261 section 8.1.1.7).
    pub fn branch(&mut self) -> String {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
        //# The branch parameter value MUST be unique across space and time for all requests sent by
        //# the UA.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
        //# The branch ID inserted by an element compliant with this specification MUST always begin
        //# with the characters "z9hG4bK".
        format!("z9hG4bK{}", self.token(20))
    }

    /// Returns a fraction from 0 to 1, for jitter.
    pub fn fraction(&mut self) -> f64 {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
    }

    /// Returns 16 bytes, the key of a keyed hash.
    pub fn key(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes
    }
}

fn character(byte: u8) -> u8 {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    ALPHABET[usize::from(byte & 31)]
}

impl fmt::Debug for Generator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generator").field("counter", &self.counter).finish_non_exhaustive()
    }
}
