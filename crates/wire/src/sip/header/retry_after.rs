//! Retry-After (RFC 3261 section 20.33).

use std::borrow::Cow;

use crate::sip::error::Fault;
use crate::sip::lex::{Lexer, decimal};
use crate::sip::params::Params;

/// When to try again.
///
/// ```
/// use ringfence_wire::sip::RetryAfter;
///
/// let retry_after = RetryAfter::parse(b"18000;duration=3600")?;
/// assert_eq!((retry_after.seconds, retry_after.duration), (18000, Some(3600)));
/// let retry_after = RetryAfter::parse(b"120 (I'm in a meeting)")?;
/// assert_eq!(retry_after.comment.as_deref(), Some("I'm in a meeting"));
/// # Ok::<(), ringfence_wire::sip::Fault>(())
/// ```
#[derive(Debug, Clone)]
pub struct RetryAfter<'a> {
    /// Seconds from now.
    pub seconds: u32,
    /// What was said about it, without its parentheses.
    pub comment: Option<Cow<'a, str>>,
    /// For how many seconds the callee will be there, from then on.
    pub duration: Option<u32>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> RetryAfter<'a> {
    /// Reads a value.
    pub fn parse(value: &'a [u8]) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(value);
        lexer.skip_lws();
        let seconds = lexer.number(u32::MAX)?;
        lexer.skip_lws();
        let comment = if lexer.peek() == Some(b'(') {
            let comment = lexer.comment()?;
            Some(crate::sip::quote::comment_text(comment))
        } else {
            None
        };
        let params = Params::take(&mut lexer, |_, _| Ok(()))?;
        lexer.end()?;
        let duration = match params.value("duration") {
            None => None,
            Some(digits) if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
                Some(decimal(digits, u32::MAX).ok_or(Fault::NumberTooLarge { max: u32::MAX })?)
            }
            Some(_) => return Err(Fault::NotANumber),
        };
        Ok(Self { seconds, comment, duration, params })
    }
}
