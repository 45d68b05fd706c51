//! Reason (RFC 3326).

use std::borrow::Cow;

use crate::sip::error::Fault;
use crate::sip::lex::{Lexer, ascii, decimal};
use crate::sip::params::Params;
use crate::sip::quote::text;

/// One value of a Reason header: why a request was sent, or a response came.
///
/// ```
/// use ringfence_wire::sip::Reason;
///
/// let reason = Reason::parse(b"SIP ;cause=200 ;text=\"Call completed elsewhere\"")?;
/// assert_eq!((reason.protocol, reason.cause), ("SIP", Some(200)));
/// assert_eq!(reason.text.as_deref(), Some("Call completed elsewhere"));
/// # Ok::<(), ringfence_wire::sip::Fault>(())
/// ```
#[derive(Debug, Clone)]
pub struct Reason<'a> {
    /// Whose causes they are: `SIP`, `Q.850`, …
    pub protocol: &'a str,
    /// The cause, a status code for `SIP`.
    pub cause: Option<u16>,
    /// What it says, without quotation marks and escapes.
    pub text: Option<Cow<'a, str>>,
    /// All parameters.
    pub params: Params<'a>,
}

impl<'a> Reason<'a> {
    /// Reads one value, which must be all of `value`.
    pub fn parse(value: &'a [u8]) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(value);
        lexer.skip_lws();
        let protocol = ascii(lexer.token()?);
        let params = Params::take(&mut lexer, |_, _| Ok(()))?;
        lexer.end()?;
        let cause = match params.value("cause") {
            None => None,
            Some(digits) if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
                let max = u16::MAX.into();
                Some(
                    decimal(digits, max)
                        .and_then(|cause| u16::try_from(cause).ok())
                        .ok_or(Fault::NumberTooLarge { max })?,
                )
            }
            Some(_) => return Err(Fault::NotANumber),
        };
        Ok(Self { protocol, cause, text: params.value("text").map(text), params })
    }
}
