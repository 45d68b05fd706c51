//! Choices by bytes: the same bytes choose the same, and where they end all that is left is the first choice.

#![allow(dead_code, reason = "each crate's targets use a part of it")]

/// The bytes that are left.
#[derive(Debug)]
pub(crate) struct Draw<'a>(&'a [u8]);

impl<'a> Draw<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Tells whether nothing is left to draw from.
    pub(crate) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn is(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Draws a number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end.max(1)
    }

    pub(crate) fn one_of<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[self.below(choices.len())]
    }

    /// Draws up to `most` values.
    pub(crate) fn several<T>(&mut self, most: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| one(self)).collect()
    }

    /// Draws a value, or none.
    pub(crate) fn maybe<T>(&mut self, one: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.is().then(|| one(self))
    }

    /// Draws a text: what stands up to the next zero byte, 255 bytes at most.
    pub(crate) fn text(&mut self) -> String {
        let end = self.0.iter().take(255).position(|byte| *byte == 0);
        let (text, rest) = self.0.split_at(end.unwrap_or(self.0.len().min(255)));
        self.0 = rest.strip_prefix(b"\0").unwrap_or(rest);
        String::from_utf8_lossy(text).into_owned()
    }

    /// Returns all that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}
