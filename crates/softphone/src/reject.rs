//! Answers that are no acceptance.

use std::sync::Arc;
use std::time::Duration;

use ringfence_ua::{InvalidAnswer, Redirection, Rejection};

use crate::error::{Kind, Result};

/// A rejection: any status from 400 to 699, and what goes with it.
///
/// Text is for people to read. Whatever is passed, it stays within its header: line ends and other
/// control characters become spaces, and what exceeds 512 bytes is cut off. A clone shares the
/// whole, so that a rejection made once serves for every call.
///
/// ```
/// use softphone::Reject;
/// use std::time::Duration;
///
/// let busy = Reject::busy().warning("User reject");
/// let later = Reject::unavailable().retry_after(Duration::from_secs(3600));
/// let anonymous = Reject::status(433)?.phrase("Anonymity Disallowed");
/// assert_eq!((busy.code(), later.code(), anonymous.code()), (486, 480, 433));
/// assert!(Reject::status(302).is_err());
/// # Ok::<(), softphone::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    inner: Arc<Rejection>,
}

/// The longest text of a phrase, a warning or a reason, in bytes.
const LONGEST_TEXT: usize = 512;

impl Reject {
    /// 486 Busy Here: not willing at this phone. The default of this crate.
    #[must_use]
    pub fn busy() -> Self {
        Self::of(Rejection::busy())
    }

    /// 603 Decline: not willing anywhere.
    #[must_use]
    pub fn decline() -> Self {
        Self::known(603)
    }

    /// 607 Unwanted (RFC 8197): the called party takes the call for spam.
    #[must_use]
    pub fn unwanted() -> Self {
        Self::known(607)
    }

    /// 480 Temporarily Unavailable.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::of(Rejection::unavailable())
    }

    /// Any status from 400 to 699; fails for any other.
    pub fn status(status: u16) -> Result<Self> {
        let rejection = Rejection::new(status).ok_or(Kind::Answer(InvalidAnswer::Status { status }))?;
        Ok(Self::of(rejection))
    }

    /// Replaces the reason phrase of the status line.
    #[must_use]
    pub fn phrase(self, phrase: &str) -> Self {
        self.with(|rejection| rejection.with_phrase(&within_a_line(phrase)))
    }

    /// Adds `Warning: 399 <agent> "text"` (RFC 3261 section 20.43); the agent is the softphone's.
    #[must_use]
    pub fn warning(self, text: &str) -> Self {
        self.with(|rejection| rejection.with_warning(&within_a_line(text)))
    }

    /// Adds a `Reason` header (RFC 3326) with this value, such as `Q.850;cause=21;text="Call rejected"`.
    #[must_use]
    pub fn reason(self, value: &str) -> Self {
        self.with(|rejection| rejection.with_reason(&within_a_line(value)))
    }

    /// Adds `Retry-After` (RFC 3261 section 20.33), in whole seconds rounded up, at most 4,294,967,295.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let wait = wait.min(Duration::from_secs(u32::MAX.into()));
        self.with(|rejection| Ok(rejection.with_retry_after(wait)))
    }

    /// Adds `Call-Info` (RFC 3261 section 20.9): a URI and what it is for, such as the `jwscard` by which the caller of a
    /// 608 gets redress (RFC 8688). Fails for what is no absolute URI or no word.
    ///
    /// ```
    /// use softphone::Reject;
    ///
    /// let blocked = Reject::status(608)?.call_info("https://block.example.net/complaint-jws", "jwscard")?;
    /// assert!(blocked.call_info("somewhere", "jwscard").is_err());
    /// # Ok::<(), softphone::Error>(())
    /// ```
    pub fn call_info(self, uri: &str, purpose: &str) -> Result<Self> {
        let rejection =
            Arc::unwrap_or_clone(self.inner).with_call_info(uri, purpose).map_err(Kind::Answer)?;
        Ok(Self::of(rejection))
    }

    /// Adds `Error-Info` (RFC 3261 section 20.18): where the caller can hear or read why. Fails for what is no absolute
    /// URI.
    pub fn error_info(self, uri: &str) -> Result<Self> {
        let rejection = Arc::unwrap_or_clone(self.inner).with_error_info(uri).map_err(Kind::Answer)?;
        Ok(Self::of(rejection))
    }

    /// Returns the status.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.inner.status().as_u16()
    }

    pub(crate) fn shared(&self) -> Arc<Rejection> {
        Arc::clone(&self.inner)
    }

    fn known(status: u16) -> Self {
        Self::of(Rejection::new(status).expect("a status from 400 to 699"))
    }

    fn with(self, change: impl FnOnce(Rejection) -> Result<Rejection, InvalidAnswer>) -> Self {
        let rejection = Arc::unwrap_or_clone(self.inner);
        Self::of(change(rejection).expect("text within its line and limit"))
    }

    fn of(rejection: Rejection) -> Self {
        Self { inner: Arc::new(rejection) }
    }
}

/// A redirection: 302 Moved Temporarily, with a Contact. A clone shares the whole.
///
/// ```
/// use softphone::Redirect;
///
/// assert!(Redirect::to("sip:1000@pbx.example.com").is_ok());
/// assert!(Redirect::to("1000").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    inner: Arc<Redirection>,
}

impl Redirect {
    /// Sends the caller to a `sip`, `sips` or `tel` URI; fails for what is none.
    pub fn to(target: &str) -> Result<Self> {
        Ok(Self { inner: Arc::new(Redirection::new(target).map_err(Kind::Answer)?) })
    }

    /// Adds `Diversion` (RFC 5806): who sends the call on, which is the line's address-of-record rather than its Contact,
    /// and why: `time-of-day`, `do-not-disturb`, `unconditional`, `user-busy`, `no-answer`, `away`, or other words,
    /// which are quoted.
    ///
    /// Fails for what is no `sip`, `sips` or `tel` URI, and for a reason with control characters or of more than 512
    /// bytes.
    ///
    /// ```
    /// use softphone::Redirect;
    ///
    /// let closed = Redirect::to("sip:mailbox@pbx.example.com")?.diversion("sip:858@pbx.example.com", "time-of-day")?;
    /// assert!(closed.diversion("858", "away").is_err());
    /// # Ok::<(), softphone::Error>(())
    /// ```
    pub fn diversion(self, from: &str, reason: &str) -> Result<Self> {
        let redirection =
            Arc::unwrap_or_clone(self.inner).with_diversion(from, reason).map_err(Kind::Answer)?;
        Ok(Self { inner: Arc::new(redirection) })
    }

    pub(crate) fn leads_to(&self, called: &[u8]) -> bool {
        self.inner.leads_to(called)
    }

    pub(crate) fn shared(&self) -> Arc<Redirection> {
        Arc::clone(&self.inner)
    }
}

fn within_a_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if line.len() + c.len_utf8() > LONGEST_TEXT {
            break;
        }
        line.push(c);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_taken_and_stays_within_its_line() {
        for text in ["a\r\nX: y", "\0\u{85}\u{7f}", &"ü".repeat(2000), ""] {
            let reject = Reject::busy().phrase(text).warning(text).reason(text);
            assert_eq!(reject.code(), 486);
        }
        assert_eq!(within_a_line("a\r\nX: y"), "a  X: y");
        assert!(within_a_line(&"ü".repeat(2000)).len() <= LONGEST_TEXT);
    }

    #[test]
    fn any_time_to_wait_is_taken() {
        for wait in [Duration::ZERO, Duration::from_millis(1500), Duration::MAX] {
            assert_eq!(Reject::unavailable().retry_after(wait).code(), 480);
        }
    }

    #[test]
    fn every_status_from_400_to_699_is_a_rejection_and_no_other() {
        assert!((400..=699).all(|status| Reject::status(status).is_ok_and(|reject| reject.code() == status)));
        for status in [0, 100, 180, 200, 302, 399, 700, u16::MAX] {
            let error = Reject::status(status).unwrap_err().to_string();
            assert_eq!(error, format!("expected a status from 400 to 699, got {status}"));
        }
    }
}
