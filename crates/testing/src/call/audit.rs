//! What RFC 3261 says every response must look like, checked on each one.

use ringfence_wire::sip::{Framing, HeaderName, Message};

/// Lists what is wrong with a response to a request, in words. `tag` is the To tag of an earlier response to it.
///
/// ```
/// use ringfence_testing::audit;
/// use ringfence_wire::sip::Message;
///
/// let head = "Via: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\nCall-ID: c\r\n\
///     CSeq: 1 OPTIONS\r\nTo: <sip:b@b.example>";
/// let request = format!("OPTIONS sip:b@b.example SIP/2.0\r\n{head}\r\n\r\n");
/// let response = format!("SIP/2.0 200 OK\r\n{head}\r\n\r\n");
/// let (request, response) = (Message::parse(request.as_bytes())?, Message::parse(response.as_bytes())?);
/// assert_eq!(audit(&request, &response, None), ["To has no tag"]);
/// # Ok::<(), ringfence_wire::sip::ParseError>(())
/// ```
#[must_use]
pub fn audit(request: &Message<'_>, response: &Message<'_>, tag: Option<&str>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |is_right: bool, fault: &str| {
        if !is_right {
            faults.push(fault.to_owned());
        }
    };
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //# The From field of the response MUST equal the From header field of
    //# the request.  The Call-ID header field of the response MUST equal the
    //# Call-ID header field of the request.  The CSeq header field of the
    //# response MUST equal the CSeq field of the request.
    for name in [HeaderName::From, HeaderName::CallId, HeaderName::CSeq] {
        check(response.first(name) == request.first(name), &format!("{name} is not echoed"));
        check(response.count(name) == 1, &format!("{name} does not occur once"));
    }
    let hops = response.vias().count();
    check(hops == request.vias().count(), "Via values are missing or added");
    for (echoed, sent) in response.vias().zip(request.vias()) {
        let is_echoed = match (echoed, sent) {
            (Ok(echoed), Ok(sent)) => echoed.sent_by() == sent.sent_by() && echoed.branch() == sent.branch(),
            (Ok(_) | Err(_), _) => false,
        };
        check(is_echoed, "Via is not echoed");
    }
    let is_trying = response.status().is_some_and(|status| status.as_u16() == 100);
    match response.to() {
        Ok(to) => {
            check(request.to().is_ok_and(|sent| sent.uri_bytes() == to.uri_bytes()), "To is not echoed");
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
            //# If a request contained a To tag in the request, the To header field
            //# in the response MUST equal that of the request.
            let sent_tag = request.to().ok().and_then(|sent| sent.tag());
            check(sent_tag.is_none_or(|sent| to.tag() == Some(sent)), "the To tag is not echoed");
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
            //# However, if the To header field in the request did not
            //# contain a tag, the URI in the To header field in the response MUST
            //# equal the URI in the To header field; additionally, the UAS MUST add
            //# a tag to the To header field in the response (with the exception of
            //# the 100 (Trying) response, in which a tag MAY be present).
            check(to.tag().is_some() || is_trying, "To has no tag");
            let is_same = match (to.tag(), tag) {
                (Some(now), Some(before)) => now == before.as_bytes(),
                (Some(_) | None, _) => true,
            };
            check(is_same, "the To tag differs from that of an earlier response");
        }
        Err(error) => check(false, &error.to_string()),
    }
    check(response.framing() == Framing::Complete, "Content-Length does not fit the body");
    check(response.malformed_line().is_none(), "a line is no header field");
    faults
}
