//! What strangers wrote, fit to be shown: a name in an INVITE is not to move a terminal's cursor, nor
//! to turn the direction of what follows it.

use std::io;

pub(crate) use ringfence_policy::{cut, is_dialable, is_unseen, quoted, visible};
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

/// Returns a value as one line of JSON, in which such characters are escaped.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let mut line = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut line, Escaped(CompactFormatter)))?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// JSON itself escapes only C0.
struct Escaped(CompactFormatter);

impl Formatter for Escaped {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        mut fragment: &str,
    ) -> io::Result<()> {
        while let Some((at, letter)) = fragment.char_indices().find(|(_, letter)| is_unseen(*letter)) {
            self.0.write_string_fragment(writer, &fragment[..at])?;
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            fragment = &fragment[at + letter.len_utf8()..];
        }
        self.0.write_string_fragment(writer, fragment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: [char; 19] = [
        '\u{1b}',
        '\u{7f}',
        '\u{9b}',
        '\u{61c}',
        '\u{200b}',
        '\u{200d}',
        '\u{200e}',
        '\u{2028}',
        '\u{2029}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{feff}',
        '\u{ad}',
        '\u{34f}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{e0041}',
    ];

    #[test]
    fn json_escapes_it_and_is_still_the_same_text() {
        for hostile in HOSTILE {
            let text = format!("Zoë \"{hostile}\" x");
            let line = json(&text).unwrap();
            assert!(line.contains("\\u") && !line.contains(hostile), "{line:?}");
            assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }
}
