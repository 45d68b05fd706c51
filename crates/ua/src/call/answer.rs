//! Final answers that are no acceptance: a rejection (4xx to 6xx) and a redirection (302).

use std::time::Duration;

use ringfence_wire::sip::{Printer, StatusCode, Uri, UriError, quote};

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
    warning: Option<Box<str>>,
    reason: Option<Box<str>>,
    retry_after: Option<u32>,
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
        Some(Self { status, phrase: None, warning: None, reason: None, retry_after: None })
    }

    /// 486 Busy Here, without more.
    #[must_use]
    pub fn busy() -> Self {
        Self { status: StatusCode::BUSY_HERE, phrase: None, warning: None, reason: None, retry_after: None }
    }

    /// 480 Temporarily Unavailable, without more.
    #[must_use]
    pub fn unavailable() -> Self {
        Self { status: StatusCode::TEMPORARILY_UNAVAILABLE, ..Self::busy() }
    }

    /// 503 Service Unavailable, with a time to wait.
    pub(crate) fn overloaded(retry_after: u32) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, retry_after: Some(retry_after), ..Self::busy() }
    }

    /// Replaces the reason phrase.
    pub fn with_phrase(mut self, phrase: &str) -> Result<Self, InvalidAnswer> {
        self.phrase = Some(checked("phrase", phrase)?);
        Ok(self)
    }

    /// Adds `Warning: 399` with this text (section 20.43); the agent is the endpoint's.
    pub fn with_warning(mut self, text: &str) -> Result<Self, InvalidAnswer> {
        self.warning = Some(checked("warning", text)?);
        Ok(self)
    }

    /// Adds `Reason` (RFC 3326) with this value, such as `Q.850;cause=21;text="Call rejected"`.
    pub fn with_reason(mut self, value: &str) -> Result<Self, InvalidAnswer> {
        self.reason = Some(checked("reason", value)?);
        Ok(self)
    }

    /// Adds `Retry-After` (section 20.33), in whole seconds rounded up.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.retry_after = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
        self
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn phrase(&self) -> Option<&str> {
        self.phrase.as_deref()
    }

    pub(crate) fn write_headers(&self, agent: &str, response: &mut Printer<'_>) {
        if let Some(warning) = &self.warning {
            response.header_fmt("Warning", format_args!("399 {agent} {}", quote(warning)));
        }
        if let Some(reason) = &self.reason {
            response.header("Reason", reason.as_bytes());
        }
        if let Some(seconds) = self.retry_after {
            response.header_fmt("Retry-After", format_args!("{seconds}"));
        }
    }
}

/// A redirection: 302 Moved Temporarily, and where to.
///
/// ```
/// use ringfence_ua::Redirection;
///
/// assert!(Redirection::new("sip:1000@pbx.example.com").is_ok());
/// assert!(Redirection::new("1000").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirection {
    target: Box<str>,
}

impl Redirection {
    /// Creates a redirection to a `sip`, `sips` or `tel` URI.
    pub fn new(target: &str) -> Result<Self, InvalidAnswer> {
        let target = checked("target", target)?;
        let invalid = |error| InvalidAnswer::Target { uri: target.clone().into(), error };
        let uri = Uri::parse(target.as_bytes()).map_err(invalid)?;
        if !uri.is_sip() && uri.tel_number().is_none() {
            return Err(invalid(UriError::Scheme));
        }
        // What would end the <> early could add parameters or a second Contact.
        if target.contains(['<', '>', '"', ',']) {
            return Err(invalid(UriError::Byte));
        }
        Ok(Self { target })
    }

    pub(crate) fn write_headers(&self, response: &mut Printer<'_>) {
        response.header_fmt("Contact", format_args!("<{}>", self.target));
    }
}

fn checked(part: &'static str, text: &str) -> Result<Box<str>, InvalidAnswer> {
    if text.len() > LONGEST_TEXT {
        return Err(InvalidAnswer::TooLong { part, limit: LONGEST_TEXT, length: text.len() });
    }
    if text.chars().any(char::is_control) {
        return Err(InvalidAnswer::ControlCharacter { part });
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let lines = lines(|response| rejection.write_headers("agent", response));
        assert_eq!(
            lines[..3],
            [r#"Warning: 399 agent "say \"no\"""#, "Reason: Q.850;cause=21", "Retry-After: 2"]
        );
    }

    #[test]
    fn no_text_of_a_user_can_add_a_header() {
        for text in ["a\r\nX: y", "a\nb", "a\0b", "\u{85}"] {
            assert!(Rejection::busy().with_phrase(text).is_err());
            assert!(Rejection::busy().with_warning(text).is_err());
            assert!(Rejection::busy().with_reason(text).is_err());
            assert!(Redirection::new(&format!("sip:a@b{text}")).is_err());
        }
        assert!(Redirection::new("sip:a@b>,<sip:c@d").is_err());
        assert!(Rejection::busy().with_warning(&"x".repeat(LONGEST_TEXT + 1)).is_err());
    }
}
