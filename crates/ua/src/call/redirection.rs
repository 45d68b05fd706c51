//! A final answer that sends the caller elsewhere: 302, and where to.

use ringfence_wire::sip::{Printer, Uri, UriError, quote};

use super::answer::{InvalidAnswer, checked, is_token, is_within_brackets};

/// A redirection: 302 Moved Temporarily, and where to.
///
/// ```
/// use ringfence_ua::Redirection;
///
/// let mailbox = Redirection::new("sip:1000@pbx.example.com").unwrap();
/// assert!(mailbox.with_diversion("sip:858@pbx.example.com", "time-of-day").is_ok());
/// assert!(Redirection::new("1000").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirection {
    target: Box<str>,
    diversion: Option<Diversion>,
}

/// From whom a call is sent on, and why (RFC 5806).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Diversion {
    from: Box<str>,
    reason: Box<str>,
}

impl Redirection {
    /// Creates a redirection to a `sip`, `sips` or `tel` URI.
    pub fn new(target: &str) -> Result<Self, InvalidAnswer> {
        Ok(Self { target: checked_target("target", target)?, diversion: None })
    }

    /// Adds `Diversion` (RFC 5806): who sends the call on, a `sip`, `sips` or `tel` URI, and why, such as `time-of-day`
    /// or `do-not-disturb`. A reason that is no word is quoted.
    pub fn with_diversion(mut self, from: &str, reason: &str) -> Result<Self, InvalidAnswer> {
        let (from, reason) =
            (checked_target("diversion", from)?, checked("reason of the diversion", reason)?);
        self.diversion = Some(Diversion { from, reason });
        Ok(self)
    }

    /// Returns whether it leads to the URI that was called (compared as RFC 3261 section 19.1.4 says): such a call is rejected
    /// with 404.
    ///
    /// ```
    /// use ringfence_ua::Redirection;
    ///
    /// let back = Redirection::new("sip:858@pbx.example.com").unwrap();
    /// assert!(back.leads_to(b"sip:858@PBX.example.com") && !back.leads_to(b"sip:859@pbx.example.com"));
    /// ```
    #[must_use]
    pub fn leads_to(&self, called: &[u8]) -> bool {
        let target = Uri::parse(self.target.as_bytes());
        target.is_ok_and(|target| Uri::parse(called).is_ok_and(|called| called.matches(&target)))
    }

    pub(crate) fn write_headers(&self, response: &mut Printer<'_>) {
        response.header_fmt("Contact", format_args!("<{}>", self.target));
        //= https://www.rfc-editor.org/rfc/rfc5806#section-5.1
        //# A SIP User Agent Service (UAS) that receives a request and returns a
        //# 3xx SHOULD add a Diversion header containing the previous Request-URI
        //# and the reason for the diversion.
        if let Some(Diversion { from, reason }) = &self.diversion {
            if is_token(reason) {
                response.header_fmt("Diversion", format_args!("<{from}>;reason={reason}"));
            } else {
                response.header_fmt("Diversion", format_args!("<{from}>;reason={}", quote(reason)));
            }
        }
    }
}

fn checked_target(part: &'static str, target: &str) -> Result<Box<str>, InvalidAnswer> {
    let target = checked(part, target)?;
    let invalid = |error| InvalidAnswer::Target { uri: target.clone().into(), error };
    let uri = Uri::parse(target.as_bytes()).map_err(invalid)?;
    if !uri.is_sip() && uri.tel_number().is_none() {
        return Err(invalid(UriError::Scheme));
    }
    if !is_within_brackets(&target) {
        return Err(invalid(UriError::Byte));
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use ringfence_wire::sip::StatusCode;

    use super::*;

    fn headers(redirection: &Redirection) -> Vec<String> {
        let mut out = Vec::new();
        let mut response = Printer::response(&mut out, StatusCode::MOVED_TEMPORARILY, None);
        redirection.write_headers(&mut response);
        response.finish();
        let text = String::from_utf8(out).unwrap();
        text.lines()
            .skip(1)
            .take_while(|line| !line.starts_with("Content-Length"))
            .map(str::to_owned)
            .collect()
    }

    fn to_the_mailbox() -> Redirection {
        Redirection::new("sip:mailbox@pbx.example.com").unwrap()
    }

    #[test]
    fn a_diversion_says_from_whom_and_why() {
        let contact = "Contact: <sip:mailbox@pbx.example.com>";
        assert_eq!(headers(&to_the_mailbox()), [contact]);
        for (reason, written) in [
            ("time-of-day", "time-of-day"),
            ("do not disturb", "\"do not disturb\""),
            ("a\";b=\"c", "\"a\\\";b=\\\"c\""),
            ("", "\"\""),
        ] {
            let diverted = to_the_mailbox().with_diversion("sip:858@pbx.example.com", reason).unwrap();
            let diversion = format!("Diversion: <sip:858@pbx.example.com>;reason={written}");
            assert_eq!(headers(&diverted), [contact, &diversion]);
        }
    }

    #[test]
    fn no_text_of_a_user_can_add_a_header_or_a_second_target() {
        for text in ["\r\nX: y", "\n", "\0", "\u{85}"] {
            assert!(Redirection::new(&format!("sip:a@b{text}")).is_err());
            assert!(to_the_mailbox().with_diversion(&format!("sip:a@b{text}"), "away").is_err());
            assert!(to_the_mailbox().with_diversion("sip:a@b", text).is_err());
        }
        for uri in ["sip:a@b>,<sip:c@d", "sip:a@b>;x=y", "http://a.example", "858", ""] {
            assert!(Redirection::new(uri).is_err());
            assert!(to_the_mailbox().with_diversion(uri, "away").is_err());
        }
        assert!(to_the_mailbox().with_diversion("sip:a@b", &"x".repeat(513)).is_err());
    }
}
