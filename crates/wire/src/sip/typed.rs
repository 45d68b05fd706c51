//! A message's header fields by their own grammars.

use super::error::{Fault, HeaderError};
use super::header::{
    CSeq, Challenge, Challenges, Contact, Date, Disposition, HeaderName, MediaType, Reason, RetryAfter, Via,
    Warning,
};
use super::lex::{Lexer, split_comma, trim};
use super::message::{Message, elements};
use super::name_addr::NameAddr;
use super::words::is_visible;

/// The header fields by their own grammars.
impl Message<'_> {
    /// Reads the topmost Via value.
    pub fn via(&self) -> Result<Via<'_>, HeaderError> {
        let fault = |fault| HeaderError::new(HeaderName::Via, fault);
        let field = self.first(HeaderName::Via).ok_or_else(|| fault(Fault::Missing))?;
        Via::parse(split_comma(field).0).map_err(fault)
    }

    /// Reads the Via values one by one, the topmost first.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via<'_>, HeaderError>> {
        self.each(HeaderName::Via, Via::parse)
    }

    /// Reads From.
    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        self.only(HeaderName::From, NameAddr::parse)
    }

    /// Reads To.
    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        self.only(HeaderName::To, NameAddr::parse)
    }

    /// Reads Call-ID. Any bytes but white space and control characters are taken: software that puts base64
    /// there exists, and an identifier is only compared.
    pub fn call_id(&self) -> Result<&[u8], HeaderError> {
        self.only(HeaderName::CallId, |value| {
            if value.is_empty() {
                return Err(Fault::Empty);
            }
            if is_visible(value) {
                return Ok(value);
            }
            let unexpected = value.iter().find(|&&byte| byte <= b' ' || byte == 0x7f);
            Err(unexpected.map_or(Fault::Empty, |&byte| Fault::Unexpected { byte }))
        })
    }

    /// Reads `CSeq`.
    pub fn cseq(&self) -> Result<CSeq<'_>, HeaderError> {
        self.only(HeaderName::CSeq, CSeq::parse)
    }

    /// Reads Max-Forwards, from 0 to 255.
    #[must_use]
    pub fn max_forwards(&self) -> Option<Result<u8, HeaderError>> {
        self.optional(HeaderName::MaxForwards, |value| {
            u8::try_from(number(value, u8::MAX.into())?).map_err(|_| Fault::NumberTooLarge { max: 255 })
        })
    }

    /// Reads the Contact values one by one.
    pub fn contacts(&self) -> impl Iterator<Item = Result<Contact<'_>, HeaderError>> {
        self.each(HeaderName::Contact, Contact::parse)
    }

    /// Reads Expires, in seconds.
    #[must_use]
    pub fn expires(&self) -> Option<Result<u32, HeaderError>> {
        self.optional(HeaderName::Expires, |value| number(value, u32::MAX))
    }

    /// Reads Min-Expires, in seconds.
    #[must_use]
    pub fn min_expires(&self) -> Option<Result<u32, HeaderError>> {
        self.optional(HeaderName::MinExpires, |value| number(value, u32::MAX))
    }

    /// Reads Retry-After.
    #[must_use]
    pub fn retry_after(&self) -> Option<Result<RetryAfter<'_>, HeaderError>> {
        self.optional(HeaderName::RetryAfter, RetryAfter::parse)
    }

    /// Reads Content-Length.
    #[must_use]
    pub fn content_length(&self) -> Option<Result<usize, HeaderError>> {
        self.optional(HeaderName::ContentLength, |value| Ok(number(value, u32::MAX)? as usize))
    }

    /// Reads Content-Type.
    #[must_use]
    pub fn content_type(&self) -> Option<Result<MediaType<'_>, HeaderError>> {
        self.optional(HeaderName::ContentType, MediaType::parse)
    }

    /// Reads Content-Disposition.
    #[must_use]
    pub fn content_disposition(&self) -> Option<Result<Disposition<'_>, HeaderError>> {
        self.optional(HeaderName::ContentDisposition, Disposition::parse)
    }

    /// Reads the ranges of Accept one by one.
    pub fn accept(&self) -> impl Iterator<Item = Result<MediaType<'_>, HeaderError>> {
        self.values(HeaderName::Accept)
            .map(|value| MediaType::parse(value).map_err(|fault| HeaderError::new(HeaderName::Accept, fault)))
    }

    /// Reads Date.
    #[must_use]
    pub fn date(&self) -> Option<Result<Date, HeaderError>> {
        self.optional(HeaderName::Date, Date::parse)
    }

    /// Iterates over the values of Privacy (RFC 3323), which semicolons separate.
    pub fn privacy(&self) -> impl Iterator<Item = &[u8]> {
        self.all(HeaderName::Privacy)
            .flat_map(|value| value.split(|&byte| matches!(byte, b';' | b',')).map(trim))
            .filter(|value| !value.is_empty())
    }

    /// Reads the Warning values one by one.
    pub fn warnings(&self) -> impl Iterator<Item = Result<Warning<'_>, HeaderError>> {
        self.each(HeaderName::Warning, Warning::parse)
    }

    /// Reads the Reason values (RFC 3326) one by one.
    pub fn reason(&self) -> impl Iterator<Item = Result<Reason<'_>, HeaderError>> {
        self.each(HeaderName::Reason, Reason::parse)
    }

    /// Reads the challenges or credentials of all fields of that name; what breaks the grammar is left out,
    /// with what follows it in the same field.
    pub fn challenges(&self, name: HeaderName) -> impl Iterator<Item = Challenge<'_>> {
        self.all(name).flat_map(Challenges::new)
    }

    /// Reads the parameters of `Authentication-Info`, as a challenge without scheme.
    #[must_use]
    pub fn authentication_info(&self) -> Option<Challenge<'_>> {
        self.first(HeaderName::AuthenticationInfo).map(Challenge::without_scheme)
    }

    /// Reads the values of any header that carries addresses: Route, P-Asserted-Identity, Diversion, …
    pub fn addresses(&self, name: HeaderName) -> impl Iterator<Item = Result<NameAddr<'_>, HeaderError>> {
        self.each(name, NameAddr::parse)
    }

    /// Reads each comma-separated value; an empty field is an empty value.
    fn each<'m, T>(
        &'m self,
        name: HeaderName,
        parse: impl Fn(&'m [u8]) -> Result<T, Fault>,
    ) -> impl Iterator<Item = Result<T, HeaderError>> {
        self.all(name).flat_map(elements).map(move |value| match value {
            b"" => Err(HeaderError::new(name, Fault::Empty)),
            _ => parse(value).map_err(|fault| HeaderError::new(name, fault)),
        })
    }

    /// Reads a header that must occur once.
    fn only<'m, T>(
        &'m self,
        name: HeaderName,
        parse: impl FnOnce(&'m [u8]) -> Result<T, Fault>,
    ) -> Result<T, HeaderError> {
        self.optional(name, parse).unwrap_or(Err(HeaderError::new(name, Fault::Missing)))
    }

    /// Reads a header that may occur once.
    fn optional<'m, T>(
        &'m self,
        name: HeaderName,
        parse: impl FnOnce(&'m [u8]) -> Result<T, Fault>,
    ) -> Option<Result<T, HeaderError>> {
        let fields = self.spans_of(name);
        let at = fields.iter().position(|field| field.id == name)?;
        let (found, others) = (&fields[at], &fields[at + 1..]);
        let is_repeated = others.iter().any(|field| field.id == name);
        let parsed = if is_repeated { Err(Fault::Repeated) } else { parse(found.value.of(&self.bytes)) };
        Some(parsed.map_err(|fault| HeaderError::new(name, fault)))
    }
}

/// Reads a value that is one number.
fn number(value: &[u8], max: u32) -> Result<u32, Fault> {
    let mut lexer = Lexer::new(value);
    lexer.skip_lws();
    let number = lexer.number(max)?;
    lexer.end()?;
    Ok(number)
}
