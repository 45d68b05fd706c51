//! Whether a text reads the same between quotation marks: most do, and need no second look letter by letter.

/// As many letters as fit a word are looked at at once.
const WORD: usize = size_of::<u64>();
const ONES: u64 = u64::MAX / 0xff;
/// The highest bit of each octet.
const HIGHS: u64 = ONES << 7;

/// Tells whether a text is all of printable ASCII, without a quotation mark and a backslash.
pub(crate) fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    match bytes.last_chunk::<WORD>() {
        // The last eight overlap those before them, unless these are all.
        Some(last) => {
            let is_plain = |word: &[u8; WORD]| is_plain_word(u64::from_le_bytes(*word));
            bytes.as_chunks().0.iter().all(is_plain) && is_plain(last)
        }
        None => is_plain_word(
            bytes.iter().fold(ONES * u64::from(b' '), |word, &byte| word << 8 | u64::from(byte)),
        ),
    }
}

/// Tells it of eight octets. Each that is not plain sets its highest bit in one of five words; of several the lowest does,
/// which is enough.
fn is_plain_word(word: u64) -> bool {
    let below_space = word.wrapping_sub(ONES * u64::from(b' '));
    let quotation_mark = (word ^ (ONES * u64::from(b'"'))).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
    let delete = word.wrapping_add(ONES);
    (word | below_space | quotation_mark | backslash | delete) & HIGHS == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_plain_as_far_as_each_of_its_letters_is() {
        let is_plain_letter = |letter: char| matches!(letter, ' '..='~') && letter != '"' && letter != '\\';
        for letter in (0..0x300).filter_map(char::from_u32) {
            for (before, behind) in [(0, 0), (0, 7), (1, 0), (3, 9), (7, 0), (8, 0), (15, 20)] {
                for other in [' ', 'x', '~'] {
                    let pad = |count: usize| String::from(other).repeat(count);
                    let text = format!("{}{letter}{}", pad(before), pad(behind));
                    assert_eq!(is_plain(&text), is_plain_letter(letter), "{text:?}");
                }
            }
        }
        assert!(is_plain(""));
    }

    #[test]
    fn two_letters_that_are_not_plain_do_not_make_up_for_each_other() {
        let letters = ['\0', '\u{1f}', '"', '\\', '\u{7f}', '\u{80}', '\u{ff}', ' ', '!', '#', '[', ']', '~'];
        for one in letters {
            for other in letters {
                let text = format!("{one}{other}");
                let expected =
                    text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
                assert_eq!(is_plain(&text), expected, "{text:?}");
            }
        }
    }
}
