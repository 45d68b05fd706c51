//! What a pack is made of: numbers, times and texts.

use jiff::Timestamp;

/// The bytes of a pack that are not read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

/// What stands there is no call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) struct Unreadable;

impl<'a> Bytes<'a> {
    /// Reads a text of so many bytes.
    pub(super) fn text(&mut self, length: u64) -> Result<&'a str, Unreadable> {
        let length = usize::try_from(length).map_err(|_| Unreadable)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(Unreadable)?;
        self.0 = rest;
        str::from_utf8(text).map_err(|_| Unreadable)
    }

    /// Reads as many texts as a number says.
    pub(super) fn texts(
        &mut self,
        text: impl Fn(&mut Self) -> Result<String, Unreadable>,
    ) -> Result<Vec<String>, Unreadable> {
        let count = self.number()?;
        // As long as the rest is, so that nobody has room made for what does not come.
        if count > self.0.len() as u64 {
            return Err(Unreadable);
        }
        (0..count).map(|_| text(self)).collect()
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, Unreadable> {
        let (time, rest) = self.0.split_first_chunk().ok_or(Unreadable)?;
        self.0 = rest;
        Timestamp::from_microsecond(i64::from_le_bytes(*time)).map_err(|_| Unreadable)
    }

    pub(super) fn status(&mut self) -> Result<Option<u16>, Unreadable> {
        match self.number()? {
            0 => Ok(None),
            status => u16::try_from(status - 1).map(Some).map_err(|_| Unreadable),
        }
    }

    pub(super) fn number(&mut self) -> Result<u64, Unreadable> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Unreadable)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Unreadable> {
        let (byte, rest) = self.0.split_first().ok_or(Unreadable)?;
        self.0 = rest;
        Ok(*byte)
    }
}
