//! What RFC 3261 says every response to an INVITE must look like, checked on each one.

use ringfence_wire::sip::{Framing, HeaderName, Message};

/// Lists what is wrong with a response. `tag` is the To tag of an earlier response of this call.
pub(crate) fn audit(invite: &Message<'_>, response: &Message<'_>, tag: Option<&str>) -> Vec<String> {
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
        check(response.first(name) == invite.first(name), &format!("{name} is not echoed"));
        check(response.count(name) == 1, &format!("{name} does not occur once"));
    }
    let hops = response.vias().count();
    check(hops == invite.vias().count(), "Via values are missing or added");
    for (echoed, sent) in response.vias().zip(invite.vias()) {
        let is_echoed = match (echoed, sent) {
            (Ok(echoed), Ok(sent)) => echoed.sent_by() == sent.sent_by() && echoed.branch() == sent.branch(),
            (Ok(_) | Err(_), _) => false,
        };
        check(is_echoed, "Via is not echoed");
    }
    let is_trying = response.status().is_some_and(|status| status.as_u16() == 100);
    match response.to() {
        Ok(to) => {
            check(invite.to().is_ok_and(|sent| sent.uri_bytes() == to.uri_bytes()), "To is not echoed");
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
