//! `CSeq` (RFC 3261 section 20.16).

use crate::sip::error::Fault;
use crate::sip::lex::Lexer;
use crate::sip::method::Method;

/// A request's sequence number and method.
///
/// ```
/// use ringfence_wire::sip::{CSeq, Fault, Method};
///
/// assert_eq!(CSeq::parse(b"0009\r\n  INVITE")?, CSeq { number: 9, method: Method::Invite });
/// assert_eq!(CSeq::parse(b"2147483648 INVITE"), Err(Fault::NumberTooLarge { max: 2147483647 }));
/// # Ok::<(), Fault>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The sequence number, less than 2^31.
    pub number: u32,
    /// The request's method.
    pub method: Method<'a>,
}

impl<'a> CSeq<'a> {
    /// Reads a value.
    pub fn parse(value: &'a [u8]) -> Result<Self, Fault> {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.5
        //# The sequence number value MUST be expressible as a 32-bit unsigned
        //# integer and MUST be less than 2**31.
        const LARGEST: u32 = (1 << 31) - 1;

        let mut lexer = Lexer::new(value);
        lexer.skip_lws();
        let number = lexer.number(LARGEST)?;
        if !lexer.skip_lws() {
            return Err(lexer.unexpected());
        }
        let token = lexer.token()?;
        let method = Method::from_bytes(token).ok_or(Fault::Empty)?;
        lexer.end()?;
        Ok(Self { number, method })
    }
}
