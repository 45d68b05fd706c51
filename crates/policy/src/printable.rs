//! Text of strangers, fit for a terminal and a log: a name in an INVITE is not to move a terminal's cursor, nor to turn the
//! direction of what follows it, nor to pass for more than a name.

use std::fmt;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::unseen;

/// Shows what a stranger wrote: on one line, without control characters, and not for ever.
pub(crate) fn printable(text: &str) -> impl fmt::Display {
    visible(&cut(text, LONGEST))
}

/// Shows the same in quotes.
pub(crate) fn printable_in_quotes(text: &str) -> String {
    quoted(&cut(text, LONGEST))
}

/// Shows what a stranger wrote where a number belongs: what is more than one is in quotes, and passes for nothing else.
pub(crate) fn dialable_or_quoted(text: &str) -> String {
    if is_dialable(text) { printable(text).to_string() } else { printable_in_quotes(text) }
}

/// Shows what stands in a row of a file as far as it is digits and what is written between them. The file may be
/// another than was meant, such as a private key, and an error be read by others than its owner: letters may be part
/// of a secret, while digits are what a list tells anyway. One that holds nothing but digits is read as numbers.
pub(crate) fn numeric(row: &str) -> String {
    let is_numeric = |c: &char| c.is_ascii_digit() || " +-./()*#".contains(*c);
    let shown: String = row.chars().take_while(is_numeric).take(LONGEST_RANGE).collect();
    if shown.len() == row.len() { shown } else { format!("{}…", shown.trim_end()) }
}

/// Two numbers of fifteen digits each, with `+` and dots.
const LONGEST_RANGE: usize = 34;

/// Enough to recognise a caller or an entry by.
const LONGEST: usize = 60;

/// Returns a text with a dot in the place of every character that shows nothing of itself.
///
/// ```
/// assert_eq!(ringfence_policy::visible("Zoë\u{202e}"), "Zoë·");
/// ```
#[must_use]
pub fn visible(text: &str) -> String {
    // Nearly all of what is shown: it is written down with every call.
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.to_owned();
    }
    text.chars().map(|letter| if is_unseen(letter) { '·' } else { letter }).collect()
}

/// Returns such a text in quotes, out of which it does not get.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", visible(text).replace('\\', "\\\\").replace('"', "\\\""))
}

/// Tells whether a text has only what is dialled, so that it cannot be taken for more than a number.
#[must_use]
pub fn is_dialable(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|sign| sign.is_ascii_digit() || "+*#".contains(sign))
}

/// Returns a text that fits into so many columns of a terminal, with `…` at its end if it did not.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    // What takes no column is bounded too: a name may be a letter under a thousand accents.
    // No character takes more columns than it has bytes.
    if text.len() <= most {
        return text.to_owned();
    }
    if text.width() <= most && text.chars().nth(MOST_A_COLUMN * most).is_none() {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(1);
    let fits = |letter: &char| {
        let width = letter.width().unwrap_or(1);
        let fits = width <= left;
        left = left.saturating_sub(width);
        fits
    };
    text.chars().take(MOST_A_COLUMN * most).take_while(fits).chain(['…']).collect()
}

/// A letter has no more accents in any script.
const MOST_A_COLUMN: usize = 4;

/// Tells controls (C0, C1), line and paragraph separators, marks of direction and what Unicode lets be ignored where it
/// is not supported: `Default_Ignorable_Code_Point`, and the format characters that are not shown.
#[must_use]
pub fn is_unseen(letter: char) -> bool {
    unseen::is_unseen(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_or_turns_the_text_is_shown_as_a_dot() {
        for hostile in [
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
            '\u{3164}',
            '\u{fe0f}',
            '\u{e0041}',
        ] {
            assert_eq!(visible(&format!("Zoë{hostile}x")), "Zoë·x", "{hostile:?}");
        }
    }

    #[test]
    fn a_quoted_text_does_not_get_out_of_its_quotes() {
        assert_eq!(quoted("Zoë"), "\"Zoë\"");
        assert_eq!(quoted("x\" → home\\"), r#""x\" → home\\""#);
        assert!(is_dialable("+41791234567") && !is_dialable("x → home"));
    }

    #[test]
    fn what_is_too_wide_ends_with_an_ellipsis() {
        assert_eq!(cut("Zoë", 3), "Zoë");
        assert_eq!(cut("Zoë!", 3), "Zo…");
        assert_eq!(cut("山田", 4), "山田");
        assert_eq!(cut("山田太郎", 5), "山田…");
        assert_eq!(cut("山田太郎", 4), "山…");
        assert_eq!(cut(&"e\u{301}\u{301}".repeat(3), 3).chars().count(), 9);
        assert!(cut(&format!("e{}", "\u{301}".repeat(1_000)), 3).chars().count() <= 13);
    }
}
