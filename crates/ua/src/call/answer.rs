//! A final answer from 400 to 699, and what no answer may contain.

use std::time::Duration;

use ringfence_wire::sip::{Printer, StatusCode, Uri, UriError, quote};

use crate::core::Agent;

/// A rejection: its status, and what goes with it.
///
/// ```
/// use ringfence_ua::Rejection;
///
/// let rejection = Rejection::new(486).unwrap().with_warning("User reject").unwrap();
/// assert_eq!(rejection.status().as_u16(), 486);
/// assert!(Rejection::new(302).is_none(), "a redirect is no rejection");
/// assert!(rejection.with_phrase("Busy\r\nX: y").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    status: StatusCode,
    phrase: Option<Box<str>>,
    /// Quoted already.
    warning: Option<Box<str>>,
    reason: Option<Box<str>>,
    retry_after: Option<u32>,
    call_info: Option<Info>,
    error_info: Option<Box<str>>,
    /// The fields of all these as each response has them, but for how a warning begins.
    printed: Vec<u8>,
}

/// A URI and what it is for (section 20.9).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Info {
    uri: Box<str>,
    purpose: Box<str>,
}

/// Why a part of an answer cannot be sent.
///
/// ```
/// use ringfence_ua::{InvalidAnswer, Rejection};
///
/// let error = Rejection::new(486).unwrap().with_warning("a\nb").unwrap_err();
/// assert_eq!(error, InvalidAnswer::ControlCharacter { part: "warning" });
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAnswer {
    /// A line end or another control character, which could add a header of its own.
    #[error("{part}: expected text without control characters")]
    ControlCharacter {
        /// Which part.
        part: &'static str,
    },
    /// Text that would not fit a datagram.
    #[error("{part}: expected at most {limit} bytes, got {length}")]
    TooLong {
        /// Which part.
        part: &'static str,
        /// The limit.
        limit: usize,
        /// The length.
        length: usize,
    },
    /// A redirect needs somewhere to go.
    #[error("expected a sip, sips or tel uri, got {uri:?}: {error}")]
    Target {
        /// What was given.
        uri: String,
        /// What is wrong with it.
        error: UriError,
    },
    /// A header that points somewhere needs a URI.
    #[error("{part}: expected an absolute uri, got {uri:?}: {error}")]
    Uri {
        /// Which part.
        part: &'static str,
        /// What was given.
        uri: String,
        /// What is wrong with it.
        error: UriError,
    },
    /// A word that is none.
    #[error("{part}: expected a word of letters, digits and -.!%*_+`'~, got {text:?}")]
    Token {
        /// Which part.
        part: &'static str,
        /// What was given.
        text: String,
    },
    /// A status that is no rejection.
    #[error("expected a status from 400 to 699, got {status}")]
    Status {
        /// What was given.
        status: u16,
    },
}

/// The longest text that is put into one header: with its like it leaves room in a datagram for
/// the headers that a response copies.
const LONGEST_TEXT: usize = 512;

impl Rejection {
    /// Creates a rejection with a status from 400 to 699.
    #[must_use]
    pub fn new(status: u16) -> Option<Self> {
        let status = StatusCode::new(status).filter(|status| status.is_reject())?;
        Some(Self { status, ..Self::busy() })
    }

    /// 486 Busy Here, without more.
    #[must_use]
    pub fn busy() -> Self {
        Self {
            status: StatusCode::BUSY_HERE,
            phrase: None,
            warning: None,
            reason: None,
            retry_after: None,
            call_info: None,
            error_info: None,
            printed: Vec::new(),
        }
    }

    /// 480 Temporarily Unavailable, without more.
    #[must_use]
    pub fn unavailable() -> Self {
        Self { status: StatusCode::TEMPORARILY_UNAVAILABLE, ..Self::busy() }
    }

    /// 503 Service Unavailable, with a time to wait.
    pub(crate) fn overloaded(retry_after: u32) -> Self {
        let retry_after = Some(retry_after);
        Self { status: StatusCode::SERVICE_UNAVAILABLE, retry_after, ..Self::busy() }.printed()
    }

    /// Replaces the reason phrase.
    pub fn with_phrase(mut self, phrase: &str) -> Result<Self, InvalidAnswer> {
        self.phrase = Some(checked("phrase", phrase)?);
        Ok(self)
    }

    /// Adds `Warning: 399` with this text (section 20.43); the agent is the endpoint's.
    pub fn with_warning(mut self, text: &str) -> Result<Self, InvalidAnswer> {
        self.warning = Some(quote(&checked("warning", text)?).to_string().into());
        Ok(self.printed())
    }

    /// Adds `Reason` (RFC 3326) with this value, such as `Q.850;cause=21;text="Call rejected"`.
    pub fn with_reason(mut self, value: &str) -> Result<Self, InvalidAnswer> {
        self.reason = Some(checked("reason", value)?);
        Ok(self.printed())
    }

    /// Adds `Retry-After` (section 20.33), in whole seconds rounded up.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.retry_after = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
        self.printed()
    }

    /// Adds `Call-Info` (section 20.9): where more is to be had, and what it is. That of a 608 is the `jwscard` by which
    /// a caller gets redress (RFC 8688 section 3.1).
    pub fn with_call_info(mut self, uri: &str, purpose: &str) -> Result<Self, InvalidAnswer> {
        if !is_token(purpose) {
            return Err(InvalidAnswer::Token { part: "purpose of Call-Info", text: purpose.to_owned() });
        }
        let (uri, purpose) = (checked_uri("Call-Info", uri)?, checked("purpose of Call-Info", purpose)?);
        self.call_info = Some(Info { uri, purpose });
        Ok(self.printed())
    }

    /// Adds `Error-Info` (section 20.18): where a caller can hear or read why.
    pub fn with_error_info(mut self, uri: &str) -> Result<Self, InvalidAnswer> {
        self.error_info = Some(checked_uri("Error-Info", uri)?);
        Ok(self.printed())
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn phrase(&self) -> Option<&str> {
        self.phrase.as_deref()
    }

    pub(crate) fn write_headers(&self, agent: &Agent, response: &mut Printer<'_>) {
        if self.warning.is_some() {
            response.printed(agent.warning_start());
        }
        response.printed(&self.printed);
    }

    /// Prints the fields, which are the same each time it is sent.
    fn printed(mut self) -> Self {
        self.printed.clear();
        if let Some(warning) = &self.warning {
            self.printed.extend([b" ", warning.as_bytes(), b"\r\n"].concat());
        }
        let mut fields = Printer::fields(&mut self.printed);
        if let Some(reason) = &self.reason {
            fields.header("Reason", reason.as_bytes());
        }
        if let Some(seconds) = self.retry_after {
            fields.header_fmt("Retry-After", format_args!("{seconds}"));
        }
        if let Some(Info { uri, purpose }) = &self.call_info {
            fields.header_fmt("Call-Info", format_args!("<{uri}>;purpose={purpose}"));
        }
        if let Some(uri) = &self.error_info {
            fields.header_fmt("Error-Info", format_args!("<{uri}>"));
        }
        self
    }
}

pub(super) fn checked(part: &'static str, text: &str) -> Result<Box<str>, InvalidAnswer> {
    if text.len() > LONGEST_TEXT {
        return Err(InvalidAnswer::TooLong { part, limit: LONGEST_TEXT, length: text.len() });
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidAnswer::ControlCharacter { part });
    }
    Ok(text.into())
}

/// Requires a URI that stays within its `<>`, of any scheme.
fn checked_uri(part: &'static str, uri: &str) -> Result<Box<str>, InvalidAnswer> {
    let checked = checked(part, uri)?;
    let invalid = |error| InvalidAnswer::Uri { part, uri: uri.to_owned(), error };
    Uri::parse(uri.as_bytes()).map_err(invalid)?;
    if is_within_brackets(uri) { Ok(checked) } else { Err(invalid(UriError::Byte)) }
}

/// Returns whether nothing ends the `<>` early, which could add parameters or a second value.
pub(super) fn is_within_brackets(uri: &str) -> bool {
    !uri.contains(['<', '>', '"', ','])
}

pub(super) fn is_token(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent() -> Agent {
        Agent::new("softphone".to_owned(), "agent".to_owned())
    }

    fn lines(write: impl FnOnce(&mut Printer<'_>)) -> Vec<String> {
        let mut out = Vec::new();
        let mut response = Printer::response(&mut out, StatusCode::BUSY_HERE, None);
        write(&mut response);
        response.finish();
        String::from_utf8(out).unwrap().lines().skip(1).map(str::to_owned).collect()
    }

    #[test]
    fn every_status_from_400_to_699_is_a_rejection_and_no_other() {
        assert!((400..=699).all(|status| Rejection::new(status).is_some()));
        assert!([0, 100, 200, 302, 399, 700].iter().all(|&status| Rejection::new(status).is_none()));
    }

    #[test]
    fn a_rejection_carries_its_warning_reason_and_time_to_wait() {
        let rejection = Rejection::busy()
            .with_warning("say \"no\"")
            .unwrap()
            .with_reason("Q.850;cause=21")
            .unwrap()
            .with_retry_after(Duration::from_millis(1500));
        let lines = lines(|response| rejection.write_headers(&agent(), response));
        assert_eq!(
            lines[..3],
            [r#"Warning: 399 agent "say \"no\"""#, "Reason: Q.850;cause=21", "Retry-After: 2"]
        );
    }

    #[test]
    fn a_rejection_says_where_to_get_redress() {
        let rejection = Rejection::new(608)
            .unwrap()
            .with_call_info("https://block.example.net/complaint-jws", "jwscard")
            .unwrap()
            .with_error_info("sip:why@block.example.net;transport=udp")
            .unwrap();
        let lines = lines(|response| rejection.write_headers(&agent(), response));
        assert_eq!(lines[0], "Call-Info: <https://block.example.net/complaint-jws>;purpose=jwscard");
        assert_eq!(lines[1], "Error-Info: <sip:why@block.example.net;transport=udp>");
    }

    #[test]
    fn no_text_of_a_user_can_add_a_header() {
        for text in ["a\r\nX: y", "a\nb", "a\0b", "\u{85}"] {
            assert!(Rejection::busy().with_phrase(text).is_err());
            assert!(Rejection::busy().with_warning(text).is_err());
            assert!(Rejection::busy().with_reason(text).is_err());
            assert!(Rejection::busy().with_error_info(&format!("https://a.example/{text}")).is_err());
            assert!(Rejection::busy().with_call_info("https://a.example", text).is_err());
        }
        for uri in ["https://a>,<https://b", "https://a b", "https://a,b", "a.example", "", "sip:"] {
            assert!(Rejection::busy().with_error_info(uri).is_err(), "{uri}");
            assert!(Rejection::busy().with_call_info(uri, "jwscard").is_err(), "{uri}");
        }
        for purpose in ["", "a b", "icon;x=y", "\"icon\"", "ü"] {
            assert!(Rejection::busy().with_call_info("https://a.example", purpose).is_err(), "{purpose}");
        }
        assert!(Rejection::busy().with_warning(&"x".repeat(LONGEST_TEXT + 1)).is_err());
    }
}
