//! Content-Disposition (RFC 3261 section 20.11).

use crate::sip::error::Fault;
use crate::sip::lex::{Lexer, ascii};
use crate::sip::params::Params;

/// What a body is for.
///
/// ```
/// use ringfence_wire::sip::Disposition;
///
/// let disposition = Disposition::parse(b"icon;handling=Optional")?;
/// assert_eq!(disposition.kind, "icon");
/// assert!(disposition.is_optional());
/// # Ok::<(), ringfence_wire::sip::Fault>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Disposition<'a> {
    /// `session`, `render`, …, as written; compare it without regard to case.
    pub kind: &'a str,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Disposition<'a> {
    /// Reads a value.
    pub fn parse(value: &'a [u8]) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(value);
        lexer.skip_lws();
        let kind = ascii(lexer.token()?);
        let params = Params::take(&mut lexer, |_, _| Ok(()))?;
        lexer.end()?;
        Ok(Self { kind, params })
    }

    /// Tells whether a body that is not understood may be ignored.
    ///
    /// Without a `handling` parameter it may not: RFC 3261 section 20.11 assumes `required`.
    #[must_use]
    pub fn is_optional(&self) -> bool {
        self.params.value("handling").is_some_and(|handling| handling.eq_ignore_ascii_case(b"optional"))
    }
}
