//! What a user agent server must say of a request, whatever its method (RFC 3261 section 8.2).
//!
//! The steps are taken in the section's order after the syntax that they stand on. What comes out
//! is a value, not a response: of an INVITE of a new call it is looked for when the screen asks, or when the call is to ring,
//! to wait or to be offered.

use ringfence_wire::sip::{
    Contact, Fault, Framing, Head, HeaderError, HeaderName, MAX_MESSAGE, Message, Method, Scheme,
    StartLineFault,
};

use super::objection::Objection;

/// The option tags that are supported: none yet, so that whatever is required is too much.
const SUPPORTED: [&[u8]; 0] = [];

/// Returns what must be said of a request, or `None` where its method may be attended to.
pub(crate) fn object(head: &Head<'_>, method: Method<'_>) -> Option<Objection> {
    syntax(head, method).and_then(|()| semantics(head.message(), method)).err()
}

/// What must be readable before anything is understood.
fn syntax(head: &Head<'_>, method: Method<'_>) -> Result<(), Objection> {
    let request = head.message();
    match request.start_line_fault() {
        // A well-formed version that is another one is judged first: all below is 2.0's grammar.
        None | Some(StartLineFault::BracketedUri) if !is_spoken(request) => {
            return Err(Objection::Version);
        }
        Some(fault) => return Err(Objection::RequestLine(fault)),
        None => {}
    }
    // RFC 4475 section 3.1.2.18: a method that nobody knows is 501 even when CSeq disagrees.
    if matches!(method, Method::Other(_)) {
        return Err(Objection::NotImplemented);
    }
    request_uri(head)?;
    // What makes it one of a call comes first, see `Objection::precedes_matching`.
    head.via().map_err(Objection::Header)?;
    head.call_id().map_err(Objection::Header)?;
    if head.cseq().map_err(Objection::Header)?.method != method {
        return Err(Objection::CSeqMethod);
    }
    head.from().map_err(Objection::Header)?;
    head.to().map_err(Objection::Header)?;
    if let Some(max_forwards) = request.max_forwards() {
        max_forwards.map_err(Objection::Header)?;
    }
    let star = HeaderError::new(HeaderName::Contact, Fault::Unexpected { byte: b'*' });
    for contact in request.contacts() {
        match contact.map_err(Objection::Header)? {
            // Only a REGISTER may mean every binding.
            Contact::Star if method != Method::Register => return Err(Objection::Header(star)),
            Contact::Star | Contact::Addr(_) => {}
        }
    }
    match request.framing() {
        Framing::Complete => Ok(()),
        //= https://www.rfc-editor.org/rfc/rfc3261#section-21.5.7
        //# The server was unable to process the request since the message length
        //# exceeded its capabilities.
        Framing::Short { declared, got } if is_too_long(request, declared, got) => Err(Objection::TooLong),
        //= https://www.rfc-editor.org/rfc/rfc3261#section-18.3
        //# If the message is a request, the element SHOULD generate a 400 (Bad
        //# Request) response.
        Framing::Short { .. } | Framing::Invalid => Err(Objection::ContentLength),
        Framing::Unterminated => Err(Objection::Unterminated),
    }
}

/// Tells whether a message that is not whole would be longer than any that is taken.
fn is_too_long(request: &Message<'_>, declared: usize, got: usize) -> bool {
    (request.as_bytes().len() - got).saturating_add(declared) > MAX_MESSAGE
}

/// Tells whether a message is of the version of SIP that is spoken here.
pub(crate) fn is_spoken(message: &Message<'_>) -> bool {
    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.1
    //# The SIP-Version string is case-insensitive,
    message.version().eq_ignore_ascii_case(b"SIP/2.0")
}

fn request_uri(head: &Head<'_>) -> Result<(), Objection> {
    let uri = head.uri().map_err(Objection::RequestUri)?;
    match uri.scheme() {
        Scheme::Sip | Scheme::Sips if uri.headers().is_some() => Err(Objection::HeadersInRequestUri),
        Scheme::Sip | Scheme::Sips | Scheme::Tel => Ok(()),
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.1
        //# If the Request-URI uses a scheme not supported by the UAS,
        //# it SHOULD reject the request with a 416 (Unsupported URI Scheme)
        //# response.
        Scheme::Other(_) => Err(Objection::UnsupportedScheme),
    }
}

/// The steps of section 8.2, from the method to the content.
fn semantics(request: &Message<'_>, method: Method<'_>) -> Result<(), Objection> {
    match method {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.1
        //# Once a request is authenticated (or authentication is skipped), the UAS MUST inspect the
        //# method of the request.
        Method::Invite | Method::Ack | Method::Cancel | Method::Bye | Method::Options => {}
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.1
        //# If the UAS recognizes
        //# but does not support the method of a request, it MUST generate a 405
        //# (Method Not Allowed) response.
        Method::Register
        | Method::Prack
        | Method::Update
        | Method::Info
        | Method::Refer
        | Method::Notify
        | Method::Subscribe
        | Method::Message
        | Method::Publish => return Err(Objection::MethodNotAllowed),
        Method::Other(_) => return Err(Objection::NotImplemented),
    }
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.3
    //# Note that Require and Proxy-Require MUST NOT be used in a SIP CANCEL
    //# request, or in an ACK request sent for a non-2xx response.  These
    //# header fields MUST be ignored if they are present in these requests.
    if matches!(method, Method::Ack | Method::Cancel) {
        return Ok(());
    }
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.3
    //# If a UAS does not understand an option-tag listed in a Require header field, it MUST respond
    //# by generating a response with status code 420 (Bad Extension).
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20.32
    //# Although an optional header field, the Require MUST NOT be ignored if it is present.
    if unsupported(request).next().is_some() {
        return Err(Objection::BadExtension);
    }
    content(request)?;
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20.1
    //# The semantics are also identical, with the exception that if no
    //# Accept header field is present, the server SHOULD assume a default
    //# value of application/sdp.
    let is_description_accepted =
        !request.has(HeaderName::Accept) || request.values(HeaderName::Accept).any(is_sdp);
    if method == Method::Invite && !is_description_accepted {
        return Err(Objection::NotAcceptable);
    }
    Ok(())
}

/// Returns the options that are required and not supported.
pub(super) fn unsupported<'m>(request: &'m Message<'_>) -> impl Iterator<Item = &'m [u8]> {
    request
        .tokens(HeaderName::Require)
        .filter(|option| !SUPPORTED.iter().any(|known| known.eq_ignore_ascii_case(option)))
}

fn content(request: &Message<'_>) -> Result<(), Objection> {
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.3
    //# If there are any bodies whose type (indicated by the Content-Type), language (indicated by
    //# the Content-Language) or encoding (indicated by the Content-Encoding) are not understood,
    //# and that body part is not optional (as indicated by the Content-Disposition header field),
    //# the UAS MUST reject the request with a 415 (Unsupported Media Type) response.
    if request.body().is_empty() || is_optional(request) {
        return Ok(());
    }
    let mut codings = request.values(HeaderName::ContentEncoding);
    if !codings.all(|coding| coding.eq_ignore_ascii_case(b"identity")) {
        return Err(Objection::Encoding);
    }
    match request.first(HeaderName::ContentType) {
        Some(kind) if is_sdp(kind) || is_multipart(kind) => Ok(()),
        Some(_) => Err(Objection::MediaType),
        //= https://www.rfc-editor.org/rfc/rfc3261#section-20.15
        //# The Content-Type header field MUST be present if the body is not
        //# empty.
        None => Err(Objection::Header(HeaderError::new(HeaderName::ContentType, Fault::Missing))),
    }
}

/// Returns whether the body may be left unread (section 20.11).
fn is_optional(request: &Message<'_>) -> bool {
    let disposition = request.first(HeaderName::ContentDisposition).unwrap_or_default();
    disposition.split(|&byte| byte == b';').skip(1).any(|parameter| {
        let mut parts = parameter.split(|&byte| byte == b'=').map(<[u8]>::trim_ascii);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case(b"handling"))
            && parts.next().is_some_and(|value| value.eq_ignore_ascii_case(b"optional"))
    })
}

/// Returns whether a media type or a range of them is or holds `application/sdp`.
fn is_sdp(kind: &[u8]) -> bool {
    is_one_of(media_type(kind), &[b"application/sdp", b"application/*", b"*/*"])
}

fn is_multipart(kind: &[u8]) -> bool {
    is_one_of(media_type(kind), &[b"multipart/mixed", b"multipart/alternative", b"multipart/related"])
}

fn is_one_of(kind: &[u8], known: &[&[u8]]) -> bool {
    // Nearly all write it as the registry does, which takes fewer steps to see.
    known.contains(&kind) || known.iter().any(|known| known.eq_ignore_ascii_case(kind))
}

fn media_type(value: &[u8]) -> &[u8] {
    value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii()
}

#[cfg(test)]
mod tests;
