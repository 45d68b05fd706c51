//! Classes of bytes: the basic rules of RFC 3261 section 25.1, and how many bytes of one stand in a row.

/// A class of bytes: its bit in [`CLASS`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Class(u16);

pub(super) const TOKEN: Class = Class(1);
const LWS: Class = Class(2);
const USER: Class = Class(4);
const PASSWORD: Class = Class(8);
const URI_PARAM: Class = Class(16);
const URI_HEADER: Class = Class(32);
pub(super) const PARAM_VALUE: Class = Class(64);
pub(super) const HOST: Class = Class(128);
/// A byte of a parameter's name in what was checked already, where the names of a URI's are more than tokens.
pub(super) const PARAM_NAME: Class = Class(256);
/// A byte of a URI's `user` that starts no escape.
pub(super) const PLAIN_USER: Class = Class(512);
/// A byte of a quoted string that neither ends it nor is half an escape.
pub(super) const QUOTED: Class = Class(1024);
/// A byte within `<>` that neither ends a URI there nor is white space.
pub(super) const BRACKETED: Class = Class(2048);

static CLASS: [u16; 256] = classes();

impl Class {
    pub(super) const fn has(self, byte: u8) -> bool {
        CLASS[byte as usize] & self.0 != 0
    }

    /// Counts the bytes at the front that are in the class.
    pub(super) fn run(self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        // Four to a branch: one a byte is most of what reading a value takes.
        while let [one, two, three, four, after @ ..] = rest {
            let all = CLASS[usize::from(*one)]
                & CLASS[usize::from(*two)]
                & CLASS[usize::from(*three)]
                & CLASS[usize::from(*four)];
            if all & self.0 == 0 {
                break;
            }
            rest = after;
        }
        while let [first, after @ ..] = rest
            && self.has(*first)
        {
            rest = after;
        }
        bytes.len() - rest.len()
    }
}

const fn classes() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 255")]
        let b = byte as u8;
        let alphanum = b.is_ascii_alphanumeric();
        let mark = matches!(b, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')');
        let unreserved = alphanum || mark;
        let mut class = 0;
        if alphanum || matches!(b, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~') {
            class |= TOKEN.0;
        }
        if matches!(b, b' ' | b'\t' | b'\r' | b'\n') {
            class |= LWS.0;
        }
        // '#' is not in the rule, but telephones put service codes like #31# there.
        if unreserved || matches!(b, b'&' | b'=' | b'+' | b'$' | b',' | b';' | b'?' | b'/' | b'%' | b'#') {
            class |= USER.0;
        }
        if unreserved || matches!(b, b'&' | b'=' | b'+' | b'$' | b',' | b'%') {
            class |= PASSWORD.0;
        }
        // '=' is not in the rule for values, but base64 padding arrives there.
        if unreserved || matches!(b, b'[' | b']' | b'/' | b':' | b'&' | b'+' | b'$' | b'%' | b'=') {
            class |= URI_PARAM.0;
        }
        if unreserved || matches!(b, b'[' | b']' | b'/' | b'?' | b':' | b'+' | b'$' | b'%' | b'=' | b'&') {
            class |= URI_HEADER.0;
        }
        if b > b' ' && b != 0x7f && !matches!(b, b'"' | b',' | b';' | b'<' | b'>') {
            class |= PARAM_VALUE.0;
        }
        if alphanum || matches!(b, b'-' | b'.' | b'_') {
            class |= HOST.0;
        }
        if class & PARAM_VALUE.0 != 0 && b != b'=' {
            class |= PARAM_NAME.0;
        }
        if class & USER.0 != 0 && b != b'%' {
            class |= PLAIN_USER.0;
        }
        if !matches!(b, b'"' | b'\\') {
            class |= QUOTED.0;
        }
        if class & LWS.0 == 0 && b != b'>' {
            class |= BRACKETED.0;
        }
        table[byte] = class;
        byte += 1;
    }
    table
}

macro_rules! class_tests {
    ($($(#[$doc:meta])* $name:ident: $class:ident;)*) => {$(
        $(#[$doc])*
        pub(super) const fn $name(byte: u8) -> bool {
            $class.has(byte)
        }
    )*};
}

class_tests! {
    /// A byte of a `token`.
    is_token: TOKEN;
    /// A byte of linear white space, folding included.
    is_lws: LWS;
    /// A byte of a URI's `user`, `%` included.
    is_user: USER;
    /// A byte of a URI's `password`, `%` included.
    is_password: PASSWORD;
    /// A byte of a `uri-parameter`, `%` and `=` included.
    is_uri_param: URI_PARAM;
    /// A byte of a URI's `headers`, `%`, `=` and `&` included.
    is_uri_header: URI_HEADER;
    /// A byte of an unquoted parameter value: more than `gen-value` allows, less than could be mistaken.
    is_param_value: PARAM_VALUE;
    /// A byte of a host name or IPv4 address.
    is_host: HOST;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_ends_before_the_first_byte_of_another_class_wherever_that_is() {
        for length in 0..20 {
            for at in 0..length {
                let mut bytes = vec![b'a'; length];
                assert_eq!(TOKEN.run(&bytes), length);
                bytes[at] = b'@';
                assert_eq!(TOKEN.run(&bytes), at);
            }
        }
    }
}
