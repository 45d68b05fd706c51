//! URIs, one to a line.

use ringfence_wire::sip::{MAX_PARAMETERS, Message, NameAddr, Printer, Uri};

use super::again::{one_line, uri, within};

/// What is a URI is the same when it is written again, as a Request-URI and within `<>`; and of any two of them one is the
/// same as the other where the other is the same as the one (RFC 3261 section 19.1.4).
pub fn run(bytes: &[u8]) {
    let mut read: Vec<Uri<'_>> = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n').take(8) {
        match Uri::parse(line) {
            Ok(found) => {
                is_taken_apart(line, &found);
                uri(&found);
                is_written(&found);
                read.push(found);
            }
            Err(error) => one_line(&error),
        }
    }
    for one in &read {
        for two in &read {
            assert_eq!(one.matches(two), two.matches(one), "the same one way round");
        }
    }
}

fn is_taken_apart(line: &[u8], uri: &Uri<'_>) {
    assert_eq!(uri.as_bytes(), line);
    let parts = [uri.user(), uri.password(), uri.headers(), Some(uri.params().as_bytes())];
    parts.into_iter().flatten().for_each(|part| within(line, part));
    assert!(uri.params().iter().count() <= MAX_PARAMETERS);
    let headers = uri.headers().unwrap_or_default();
    assert!(headers.split(|byte| *byte == b'&').count() <= MAX_PARAMETERS);
    for (name, value) in uri.params() {
        within(line, name);
        assert!(!name.is_empty() && value.is_none_or(|value| !value.is_empty()));
    }
    if let (Some(user), Some(plain)) = (uri.user(), uri.user_unescaped()) {
        let escapes = user.split(|byte| *byte == b'%').count() - 1;
        assert_eq!(plain.len() + 2 * escapes, user.len());
    }
}

/// Nothing of it gets out of the Request-URI or the brackets that it is written in.
fn is_written(uri: &Uri<'_>) {
    let mut out = Vec::new();
    Printer::request(&mut out, "OPTIONS", uri.as_bytes()).finish();
    let request = Message::parse(&out).expect("a request can be read");
    assert_eq!((request.request_uri(), request.start_line_fault()), (Some(uri.as_bytes()), None));
    assert_eq!(request.fields().count(), 1);

    let bracketed = [b"<", uri.as_bytes(), b">;tag=1"].concat();
    let address = NameAddr::parse(&bracketed).expect("an address can be read");
    assert_eq!((address.uri_bytes(), address.tag()), (uri.as_bytes(), Some(&b"1"[..])));
}
