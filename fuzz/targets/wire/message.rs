//! A SIP message in a datagram.

use ringfence_wire::sip::{
    Field, Framing, Head, HeaderError, HeaderName, MAX_HEADERS, MAX_MESSAGE, Message, Method, ParseError,
    Printer, StatusCode, Via, topmost_via_of_ack, unquote,
};

use super::again::{address, one_line, uri, within};

/// The message lies within the bytes and its limits; what is read of it in parts is what the whole says; and printed, it is
/// the same message.
pub fn run(bytes: &[u8]) {
    let parsed = Message::parse(bytes);
    if let Err(error) = &parsed {
        one_line(error);
    }
    let Ok(message) = parsed else { return };
    lies_within(bytes, &message);
    fields_are_lines(&message);
    is_printed(&message);
    is_owned(&message);
    is_read_in_parts(bytes, &message);
    is_answered(&message);
}

fn lies_within(bytes: &[u8], message: &Message<'_>) {
    within(bytes, message.as_bytes());
    let whole = message.as_bytes();
    assert!(whole.len() <= MAX_MESSAGE && message.fields().count() <= MAX_HEADERS);
    assert!(whole.ends_with(message.body()));
    let mut behind = whole;
    for field in message.fields() {
        within(behind, field.raw_name());
        within(behind, field.value());
        let end = if field.value().is_empty() { field.raw_name() } else { field.value() }.as_ptr_range().end;
        behind = &whole[end as usize - whole.as_ptr() as usize..];
    }
    match message.framing() {
        Framing::Complete => {
            let declared = message.content_length().and_then(Result::ok);
            // The same length may be declared twice.
            let is_repeated = message.count(HeaderName::ContentLength) > 1;
            assert!(is_repeated || declared.is_none_or(|declared| declared == message.body().len()));
        }
        Framing::Short { declared, got } => assert!(declared > got && got == message.body().len()),
        Framing::Invalid => assert!(message.has(HeaderName::ContentLength)),
        Framing::Unterminated => assert!(message.body().is_empty()),
    }
}

/// No field has another one in it, or is found by another name.
fn fields_are_lines(message: &Message<'_>) {
    for field in message.fields() {
        let lines = field.value().split(|byte| *byte == b'\n').skip(1);
        assert!(lines.into_iter().all(|line| matches!(line, [] | [b' ' | b'\t', ..])));
        assert!(!field.unfolded().contains(&b'\n') && !field.unfolded().contains(&b'\r'));
        assert!(message.has(field.name()));
        let name = String::from_utf8(field.canonical_name().to_vec()).expect("a name is a token");
        assert!(message.named(&name).any(|value| std::ptr::eq(value, field.value())));
    }
    let names: Vec<HeaderName> = message.fields().map(|field| field.name()).collect();
    for name in names {
        assert_eq!(message.count(name), message.fields().filter(|field| field.name() == name).count());
        assert_eq!(message.first(name), message.fields_of(name).next().map(|field| field.value()));
    }
}

fn is_printed(message: &Message<'_>) {
    let once = printed(message);
    let again = match Message::parse(&once) {
        Ok(again) => again,
        // Long names, and a Content-Length where there was none, may be too much.
        Err(ParseError::TooLong { .. }) if once.len() > MAX_MESSAGE => return,
        Err(ParseError::TooManyHeaders) if message.fields().count() == MAX_HEADERS => return,
        Err(error) => panic!("what was printed cannot be read: {error}"),
    };
    assert_eq!(printed(&again), once);
    assert_eq!((again.body(), again.framing()), (message.body(), Framing::Complete));
    assert_eq!((again.malformed_line(), again.version()), (None, message.version()));
    assert_eq!((again.method(), again.status()), (message.method(), message.status()));
    assert_eq!(fields(&again), fields(message));
}

fn printed(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    message.print(&mut out);
    out
}

fn fields(message: &Message<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let said = |field: Field<'_>| (field.canonical_name().to_vec(), field.unfolded().into_owned());
    message.fields().filter(|field| field.name() != HeaderName::ContentLength).map(said).collect()
}

fn is_owned(message: &Message<'_>) {
    let owned = message.clone().into_owned();
    assert_eq!((owned.as_bytes(), owned.start_line()), (message.as_bytes(), message.start_line()));
    assert_eq!(owned.start_line_fault(), message.start_line_fault());
    assert!(owned.fields().eq(message.fields()) && owned.body() == message.body());
}

/// The topmost Via, the head of a request and the first look at an ACK are what the whole message says.
fn is_read_in_parts(bytes: &[u8], message: &Message<'_>) {
    let topmost = message.via().map(|via| via.as_bytes());
    let first = message.vias().next().map(|via| via.map(|via| via.as_bytes()));
    assert_eq!(Some(topmost), first.or(Some(topmost)));
    assert!(first.is_some() || topmost.is_err());
    if let Some(via) = topmost_via_of_ack(bytes).and_then(|via| Via::parse(via).ok()) {
        assert_eq!((message.method(), topmost), (Some(Method::Ack), Ok(via.as_bytes())));
    }
    if message.is_request() {
        let head = Head::of(message);
        assert_eq!(head.via().map(Via::as_bytes), topmost);
        assert_eq!((head.cseq(), head.call_id()), (message.cseq(), message.call_id()));
        let from = message.from();
        assert_eq!(head.from_tag(), from.ok().and_then(|from| from.tag()).unwrap_or_default());
        let to = message.to();
        assert_eq!(head.to_tag(), to.ok().and_then(|to| to.tag()).unwrap_or_default());
        let _ = head.uri().map(uri);
    }
    for said in [message.from(), message.to()] {
        let _ = said.map(|said| address(&said)).map_err(|error| told(&error));
    }
    message.contacts().filter_map(Result::err).for_each(|error| told(&error));
}

fn told(error: &HeaderError) {
    one_line(error);
    one_line(&error.fault());
}

/// A response to it is a message, and says of it what it says itself (RFC 3261 section 8.2.6.2).
fn is_answered(message: &Message<'_>) {
    const COPIED: [HeaderName; 5] =
        [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];
    let mut out = Vec::new();
    let mut printer = Printer::response(&mut out, StatusCode::BUSY_HERE, None);
    for name in COPIED {
        printer.copy(message, name);
    }
    printer.finish();
    let response = match Message::parse(&out) {
        Ok(response) => response,
        Err(ParseError::TooLong { .. }) if out.len() > MAX_MESSAGE => return,
        Err(ParseError::TooManyHeaders) if message.fields().count() == MAX_HEADERS => return,
        Err(error) => panic!("a response cannot be read: {error}"),
    };
    assert_eq!((response.malformed_line(), response.framing()), (None, Framing::Complete));
    for name in COPIED {
        assert_eq!(response.count(name), message.count(name));
    }
    assert_eq!(response.cseq(), message.cseq());
    assert_eq!(response.call_id().ok(), message.call_id().ok());
    assert_eq!(response.vias().count(), message.vias().count());
    for (ours, theirs) in response.vias().zip(message.vias()) {
        let branch = |via: &Via<'_>| via.branch().map(|branch| unquote(branch).into_owned());
        assert_eq!(ours.as_ref().ok().map(branch), theirs.as_ref().ok().map(branch));
    }
}
