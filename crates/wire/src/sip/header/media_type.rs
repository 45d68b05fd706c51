//! Content-Type and the ranges of Accept (RFC 3261 sections 20.1 and 20.15).

use crate::sip::error::Fault;
use crate::sip::lex::{Lexer, ascii};
use crate::sip::params::Params;

/// What a body is, or may be: a `media-type`, or a `media-range` with `*` in it.
///
/// ```
/// use ringfence_wire::sip::MediaType;
///
/// let sdp = MediaType::parse(b"Application / SDP;charset=utf-8")?;
/// assert!(sdp.is("application", "sdp"));
/// assert!(MediaType::parse(b"application/*;q=0.8")?.covers(&sdp));
/// assert!(!MediaType::parse(b"text/*")?.covers(&sdp));
/// # Ok::<(), ringfence_wire::sip::Fault>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct MediaType<'a> {
    /// The type as written; compare it without regard to case.
    pub kind: &'a str,
    /// The subtype as written; compare it without regard to case.
    pub subtype: &'a str,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> MediaType<'a> {
    /// Reads one value, which must be all of `value`.
    pub fn parse(value: &'a [u8]) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(value);
        lexer.skip_lws();
        let kind = ascii(lexer.token()?);
        if !lexer.eat_separator(b'/') {
            return Err(lexer.unexpected());
        }
        let subtype = ascii(lexer.token()?);
        let params = Params::take(&mut lexer, |_, _| Ok(()))?;
        lexer.end()?;
        Ok(Self { kind, subtype, params })
    }

    /// Tells whether it is this type, in any case.
    #[must_use]
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }

    /// Tells whether `other` is in this range; parameters are not compared.
    #[must_use]
    pub fn covers(&self, other: &MediaType<'_>) -> bool {
        match (self.kind, self.subtype) {
            ("*", "*") => true,
            (kind, "*") => kind.eq_ignore_ascii_case(other.kind),
            _ => self.is(other.kind, other.subtype),
        }
    }
}
