//! Warning (RFC 3261 section 20.43).

use std::borrow::Cow;

use crate::sip::class::is_lws;
use crate::sip::error::Fault;
use crate::sip::lex::Lexer;
use crate::sip::quote::text;

/// One value of a Warning header.
///
/// ```
/// use ringfence_wire::sip::Warning;
///
/// let warning = Warning::parse(b"301 isi.edu \"Incompatible network address type 'E.164'\"")?;
/// assert_eq!((warning.code, warning.agent), (301, &b"isi.edu"[..]));
/// assert_eq!(warning.text, "Incompatible network address type 'E.164'");
/// # Ok::<(), ringfence_wire::sip::Fault>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning<'a> {
    /// The code, three digits.
    pub code: u16,
    /// Who warns: host and port, or a pseudonym.
    pub agent: &'a [u8],
    /// What it says, without quotation marks and escapes.
    pub text: Cow<'a, str>,
}

impl<'a> Warning<'a> {
    /// Reads one value, which must be all of `value`.
    pub fn parse(value: &'a [u8]) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(value);
        lexer.skip_lws();
        let code = u16::try_from(lexer.number(999)?).map_err(|_| Fault::NumberTooLarge { max: 999 })?;
        lexer.skip_lws();
        let agent = lexer.take_while(|byte| !is_lws(byte) && byte != b'"');
        if agent.is_empty() {
            return Err(lexer.unexpected());
        }
        lexer.skip_lws();
        if lexer.peek() != Some(b'"') {
            return Err(lexer.unexpected());
        }
        let text = text(lexer.quoted_string()?);
        lexer.end()?;
        Ok(Self { code, agent, text })
    }
}
