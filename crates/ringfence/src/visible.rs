//! What strangers wrote, fit to be shown: a name in an INVITE is not to move a terminal's cursor, nor
//! to turn the direction of what follows it.

use std::io;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

/// Returns a text with a dot in the place of every character that shows nothing of itself.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|letter| if is_unseen(letter) { '·' } else { letter }).collect()
}

/// Returns such a text in quotes, out of which it does not get.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", visible(text).replace('\\', "\\\\").replace('"', "\\\""))
}

/// Tells whether a text has only what is dialled, so that it cannot be taken for more than a number.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|sign| sign.is_ascii_digit() || "+*#".contains(sign))
}

/// Returns a text that fits into so many characters, with `…` at its end if it did not.
pub(crate) fn cut(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Returns a value as one line of JSON, in which such characters are escaped.
pub(crate) fn json(value: &impl Serialize) -> serde_json::Result<String> {
    let mut line = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut line, Escaped(CompactFormatter)))?;
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Tells controls (C0, C1), line and paragraph separators, marks of direction and what has no width.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
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
            write!(writer, "\\u{:04x}", u32::from(letter))?;
            fragment = &fragment[at + letter.len_utf8()..];
        }
        self.0.write_string_fragment(writer, fragment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: [char; 14] = [
        '\u{1b}', '\u{7f}', '\u{9b}', '\u{61c}', '\u{200b}', '\u{200d}', '\u{200e}', '\u{2028}', '\u{2029}',
        '\u{202e}', '\u{2060}', '\u{2066}', '\u{2069}', '\u{feff}',
    ];

    #[test]
    fn what_moves_the_cursor_or_turns_the_text_is_shown_as_a_dot() {
        for hostile in HOSTILE {
            assert_eq!(visible(&format!("Zoë{hostile}x")), "Zoë·x", "{hostile:?}");
        }
    }

    #[test]
    fn a_quoted_text_does_not_get_out_of_its_quotes() {
        assert_eq!(quoted("Zoë"), "\"Zoë\"");
        assert_eq!(quoted("x\" → home\\"), r#""x\" → home\\""#);
        assert!(is_number("+41791234567") && !is_number("x → home"));
    }

    #[test]
    fn json_escapes_it_and_is_still_the_same_text() {
        for hostile in HOSTILE {
            let text = format!("Zoë \"{hostile}\" x");
            let line = json(&text).unwrap();
            assert!(line.contains("\\u") && !line.contains(hostile), "{line:?}");
            assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }

    #[test]
    fn what_is_too_long_ends_with_an_ellipsis() {
        assert_eq!(cut("Zoë", 3), "Zoë");
        assert_eq!(cut("Zoë!", 3), "Zo…");
    }
}
