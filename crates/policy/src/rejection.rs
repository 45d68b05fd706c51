//! A refusal: the final response and what it says.

use std::time::Duration;

use crate::treatment::TreatmentError;

/// A refusal: the final response and what it says.
///
/// ```
/// use ringfence_policy::Rejection;
///
/// let refusal = Rejection::new(603)?.phrase("Not Today")?.warning("calls are screened")?;
/// assert_eq!(refusal.code(), 603);
/// assert!(Rejection::new(302).is_err());
/// assert!(Rejection::busy().warning("two\r\nlines").is_err());
/// # Ok::<(), ringfence_policy::TreatmentError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    code: u16,
    fallback: Option<u16>,
    retry_after: Option<RetryAfter>,
    phrase: Option<Box<str>>,
    warning: Option<Box<str>>,
    reason: Option<Box<str>>,
    call_info: Option<Box<str>>,
    error_info: Option<Box<str>>,
}

/// When the caller may try again.
///
/// ```
/// use std::time::Duration;
/// use ringfence_policy::{Rejection, RetryAfter};
///
/// let later = Rejection::new(480)?.retry_after(RetryAfter::In(Duration::from_secs(600)));
/// assert!(later.retry().is_some());
/// # Ok::<(), ringfence_policy::TreatmentError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RetryAfter {
    /// After a time.
    In(Duration),
    /// When this schedule ends.
    UntilEndOf(Box<str>),
}

impl Rejection {
    /// Makes a refusal with any code from 400 to 699, and the phrase that goes with it.
    pub fn new(code: u16) -> Result<Self, TreatmentError> {
        if (400..=699).contains(&code) {
            Ok(Self::plain(code))
        } else {
            Err(TreatmentError::Code { found: code })
        }
    }

    /// Makes the usual refusal: 486 Busy Here, with a warning text.
    #[must_use]
    pub fn busy() -> Self {
        Self { warning: Some(Self::WARNING.into()), ..Self::plain(486) }
    }

    /// Makes 603 Decline, with a warning text.
    #[must_use]
    pub fn decline() -> Self {
        Self { warning: Some(Self::WARNING.into()), ..Self::plain(603) }
    }

    /// Makes 480 Temporarily Unavailable.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::plain(480)
    }

    /// The text of the Warning header unless something else is said.
    pub const WARNING: &str = "User reject";

    pub(crate) fn plain(code: u16) -> Self {
        Self {
            code,
            fallback: None,
            retry_after: None,
            phrase: None,
            warning: None,
            reason: None,
            call_info: None,
            error_info: None,
        }
    }

    /// Says the same with another code, and the phrase that goes with it.
    pub(crate) fn with_code(self, code: u16) -> Self {
        Self { code, phrase: None, fallback: None, ..self }
    }

    /// Sets the reason phrase.
    pub fn phrase(mut self, phrase: impl Into<Box<str>>) -> Result<Self, TreatmentError> {
        self.phrase = Some(one_line("phrase", phrase.into())?);
        Ok(self)
    }

    /// Sets the text of the Warning header.
    pub fn warning(mut self, warning: impl Into<Box<str>>) -> Result<Self, TreatmentError> {
        self.warning = Some(one_line("warning", warning.into())?);
        Ok(self)
    }

    /// Leaves the Warning header out.
    #[must_use]
    pub fn without_warning(mut self) -> Self {
        self.warning = None;
        self
    }

    /// Sets the value of the Reason header (RFC 3326).
    pub fn reason(mut self, reason: impl Into<Box<str>>) -> Result<Self, TreatmentError> {
        self.reason = Some(one_line("reason", reason.into())?);
        Ok(self)
    }

    /// Sets the value of the Call-Info header: a contact for redress (RFC 8688).
    pub fn call_info(mut self, call_info: impl Into<Box<str>>) -> Result<Self, TreatmentError> {
        self.call_info = Some(one_line("call_info", call_info.into())?);
        Ok(self)
    }

    /// Sets the value of the Error-Info header.
    pub fn error_info(mut self, error_info: impl Into<Box<str>>) -> Result<Self, TreatmentError> {
        self.error_info = Some(one_line("error_info", error_info.into())?);
        Ok(self)
    }

    /// Sets when the caller may try again.
    #[must_use]
    pub fn retry_after(mut self, retry_after: RetryAfter) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// Sets the code to use on lines where this one does not reach the caller.
    pub fn fallback(mut self, code: u16) -> Result<Self, TreatmentError> {
        self.fallback = Some(Self::new(code)?.code);
        Ok(self)
    }

    /// Returns the status code, from 400 to 699.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Returns the code for lines where this one does not reach the caller.
    #[must_use]
    pub fn fallback_code(&self) -> Option<u16> {
        self.fallback
    }

    /// Returns the reason phrase, unless the one of the code is meant.
    #[must_use]
    pub fn reason_phrase(&self) -> Option<&str> {
        self.phrase.as_deref()
    }

    /// Returns the text of the Warning header.
    #[must_use]
    pub fn warning_text(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// Returns the value of the Reason header.
    #[must_use]
    pub fn reason_value(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Returns the value of the Call-Info header.
    #[must_use]
    pub fn call_info_value(&self) -> Option<&str> {
        self.call_info.as_deref()
    }

    /// Returns the value of the Error-Info header.
    #[must_use]
    pub fn error_info_value(&self) -> Option<&str> {
        self.error_info.as_deref()
    }

    /// Returns when the caller may try again.
    #[must_use]
    pub fn retry(&self) -> Option<&RetryAfter> {
        self.retry_after.as_ref()
    }
}

fn one_line(field: &'static str, text: Box<str>) -> Result<Box<str>, TreatmentError> {
    if text.contains(char::is_control) {
        Err(TreatmentError::Text { field, found: text.into_string() })
    } else {
        Ok(text)
    }
}
