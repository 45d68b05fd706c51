//! The name of a caller in an entry: the user part of a `sip:` URI, whose escapes stand for what may not stand there
//! itself (RFC 3261 section 19.1.2). What a caller is called is compared with the escapes read, as it is in an INVITE.

use std::fmt;

/// Reads `sip:alice` or `sip:alice%20smith`. A host would not be compared, so it must not be there.
pub(super) fn read(text: &str) -> Option<Box<str>> {
    let (scheme, user) = text.split_once(':')?;
    let is_sip = scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips");
    let is_user = !user.is_empty() && !user.contains(|c: char| c.is_whitespace() || "@;:*<>\"".contains(c));
    if !is_sip || !is_user {
        return None;
    }
    String::from_utf8(unescape(user.as_bytes())).ok().map(String::into_boxed_str)
}

/// Writes a name as [`read`] takes it: on one line, visible, and without what a shell or a list would read otherwise.
pub(super) fn write(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("sip:")?;
    let mut before = None;
    for letter in name.chars() {
        // Two dots are a range.
        let is_range = letter == '.' && before == Some('.');
        if (letter.is_alphanumeric() || "-_.+=~#/".contains(letter)) && !is_range {
            write!(f, "{letter}")?;
        } else {
            let mut bytes = [0; 4];
            letter.encode_utf8(&mut bytes).bytes().try_for_each(|byte| write!(f, "%{byte:02X}"))?;
        }
        before = Some(letter);
    }
    Ok(())
}

/// Reads escapes, once; what is none stays.
fn unescape(text: &[u8]) -> Vec<u8> {
    let mut read = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let escaped = match (byte, after) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        read.push(escaped.unwrap_or(byte));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    read
}

fn digit(letter: u8) -> Option<u8> {
    char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
