//! Whether a caller is to be told a `sips` URI (RFC 3261 section 12.1.1).

use ringfence_wire::sip::{Contact, Head, HeaderName, Scheme, Uri};

/// Tells whether an INVITE is for a `sips` URI, or came by way of one.
pub(crate) fn is_asked_for(head: &Head<'_>) -> bool {
    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
    //# If the request that initiated the dialog contained a
    //# SIPS URI in the Request-URI or in the top Record-Route header field
    //# value, if there was any, or the Contact header field if there was no
    //# Record-Route header field, the Contact header field in the response
    //# MUST be a SIPS URI.
    let request = head.message();
    let contact = || match request.contacts().next() {
        Some(Ok(Contact::Addr(contact))) => Some(contact),
        Some(Ok(Contact::Star) | Err(_)) | None => None,
    };
    let last = request.addresses(HeaderName::RecordRoute).next().map_or_else(contact, Result::ok);
    head.uri().is_ok_and(is_sips) || last.is_some_and(|last| last.uri().is_ok_and(|uri| is_sips(&uri)))
}

fn is_sips(uri: &Uri<'_>) -> bool {
    uri.scheme() == Scheme::Sips
}

#[cfg(test)]
mod tests {
    use ringfence_wire::sip::Message;

    use super::*;

    fn is_asked_for_by(uri: &str, fields: &str) -> bool {
        let text = format!("INVITE {uri} SIP/2.0\r\n{fields}\r\n");
        is_asked_for(&Head::of(&Message::parse(text.as_bytes()).unwrap()))
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
    //= type=test
    //# SIPS URI in the Request-URI or in the top Record-Route header field value, if there was any,
    //# or the Contact header field if there was no Record-Route header field, the Contact header
    //# field in the response MUST be a SIPS URI.
    #[test]
    fn a_sips_uri_of_the_request_or_of_who_asked_last_is_answered_with_one() {
        let (sip, sips) = ("sip:858@192.0.2.7", "sips:858@192.0.2.7");
        assert!(is_asked_for_by(sips, ""));
        assert!(is_asked_for_by(sip, "Contact: <sips:1001@192.0.2.1>\r\n"));
        assert!(is_asked_for_by(sip, "Record-Route: <sips:192.0.2.2;lr>, <sip:192.0.2.1;lr>\r\n"));
        let route = "Record-Route: <sip:192.0.2.2;lr>, <sips:192.0.2.1;lr>\r\n";
        assert!(!is_asked_for_by(sip, &format!("{route}Contact: <sips:1001@192.0.2.1>\r\n")));
        for fields in ["", "Contact: *\r\n", "Contact: <sip:1001@192.0.2.1>\r\n", "Record-Route: x\r\n"] {
            assert!(!is_asked_for_by(sip, fields), "{fields}");
        }
    }
}
