//! What is written down from what was read is read as the same again.

use ringfence_wire::sip::{NameAddr, Uri, quote};

/// The parts of an address, in a form that can be compared.
type Address = (Option<String>, Vec<u8>, Vec<Parameter>, Option<Vec<u8>>);
/// The name and the value of a parameter.
pub(crate) type Parameter = (Vec<u8>, Option<Vec<u8>>);

/// Asserts that an address says the same when it is written as RFC 3261 section 20.10 has it.
pub(crate) fn address(read: &NameAddr<'_>) {
    let Ok(uri) = read.uri() else { return };
    assert_eq!(uri.as_bytes(), read.uri_bytes());
    let name = read.display_name().map(|name| quote(&name).to_string()).unwrap_or_default();
    let written = [name.as_bytes(), b" <", read.uri_bytes(), b">", read.params().as_bytes()].concat();
    let again = NameAddr::parse(&written).expect("what is written can be read");
    assert_eq!(parts(&again), parts(read));
}

fn parts(address: &NameAddr<'_>) -> Address {
    // A quoted string has no NUL: a space is written for it.
    let name = address.display_name().map(|name| name.replace('\0', " "));
    let tag = address.tag().map(<[u8]>::to_vec);
    (name, address.uri_bytes().to_vec(), parameters(address.params()), tag)
}

/// Asserts that a URI says the same when it is put together from its parts, and is the same to itself.
pub(crate) fn uri(read: &Uri<'_>) {
    assert!(read.matches(read), "a uri matches itself");
    assert_eq!(Uri::parse(read.as_bytes()).map(|again| again.matches(read)), Ok(true));
    assert!(!read.as_bytes().iter().any(|byte| byte.is_ascii_control() || *byte == b' '));
    if !read.is_sip() {
        assert!(read.user().is_none() && read.port().is_none() && read.headers().is_none());
        return;
    }
    let scheme = read.as_bytes().split(|byte| *byte == b':').next().expect("a uri has a scheme");
    let mut written = [scheme, b":"].concat();
    if let Some(user) = read.user() {
        written.extend(user);
        written.extend(read.password().map(|password| [b":", password].concat()).unwrap_or_default());
        written.extend(b"@");
    }
    let port = read.port().map(|port| format!(":{port}")).unwrap_or_default();
    written.extend(format!("{}{port}", read.host()).bytes());
    written.extend(read.params().as_bytes());
    written.extend(read.headers().map(|headers| [b"?", headers].concat()).unwrap_or_default());
    let again = Uri::parse(&written).expect("what is written can be read");
    assert!(again.matches(read) && read.matches(&again));
    assert_eq!(
        (again.user(), again.password(), again.host(), again.port(), parameters(again.params())),
        (read.user(), read.password(), read.host(), read.port(), parameters(read.params())),
    );
}

pub(crate) fn parameters<'a>(
    params: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
) -> Vec<Parameter> {
    params.into_iter().map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect()
}

/// Asserts that a part lies within the whole.
pub(crate) fn within(whole: &[u8], part: &[u8]) {
    let (whole, part) = (whole.as_ptr_range(), part.as_ptr_range());
    assert!(part.start >= whole.start && part.end <= whole.end || part.is_empty(), "a part lies outside");
}

/// Asserts that a text is fit for a line of a log or of a response.
pub(crate) fn one_line(text: &impl ToString) {
    let text = text.to_string();
    assert!(!text.is_empty() && !text.contains(char::is_control), "{text:?}");
}
