//! Numbers in texts, as people and devices write them: `+41-79-555-44-33` (RFC 3966 section 5.1.1), `Anna 079 555 44 33`.
//!
//! ```text
//!  Anna +41 79 555-44-33, 0795554433
//!       ╰─── words ────╯  ╰─ word ─╯     each, and those that follow each other taken together, may be a number
//! ```

use std::net::Ipv4Addr;

/// Digits with what is written between them and next to none of a gap.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    /// Where it begins in its run.
    at: usize,
    digits: usize,
}

/// No number is longer, with a prefix for calls abroad.
const MOST_DIGITS: usize = 20;
/// Behind a plus sign fewer are no whole number: what follows belongs to it.
const FEWEST_DIGITS: usize = 7;

/// Tells whether one of the numbers that a text may have is the one that is sought. Each is shown as it is written, and by
/// its digits alone.
pub(super) fn any(text: &str, mut is_sought: impl FnMut(&str, &str) -> bool) -> bool {
    let mut digits = String::new();
    text.split(|letter| !is_part(letter)).filter(|run| !run.is_empty()).any(|run| {
        let words = words(run);
        let mut begun = None;
        (0..words.len()).any(|first| {
            let word = words[first];
            if word.text.starts_with('+') {
                begun = Some(0);
            }
            let is_inside = begun.is_some_and(|digits| (1..FEWEST_DIGITS).contains(&digits));
            begun = begun.map(|digits: usize| digits + word.digits);
            if is_inside {
                return false;
            }
            digits.clear();
            let following = words[first..].iter().enumerate();
            let of_it = following.take_while(|(index, word)| *index == 0 || !word.text.starts_with('+'));
            for (_, last) in of_it {
                digits.extend(last.text.chars().filter(char::is_ascii_digit));
                if digits.len() > MOST_DIGITS {
                    return false;
                }
                let raw = run[word.at..last.at + last.text.len()].trim_matches(is_outside);
                if is_sought(raw, &digits) {
                    return true;
                }
            }
            false
        })
    })
}

/// Tells whether bytes have these digits in this order, whatever else stands between them: where they have not, no number in
/// them ends so.
pub(super) fn may_end(bytes: &[u8], digits: &str) -> bool {
    let modulus = 10_u64.pow(u32::try_from(digits.len()).unwrap_or(u32::MAX).min(18));
    let Ok(sought) = digits.parse::<u64>() else { return false };
    let (mut last, mut count) = (0, 0);
    bytes.iter().filter(|byte| byte.is_ascii_digit()).any(|byte| {
        last = (last * 10 + u64::from(byte - b'0')) % modulus;
        count += 1;
        count >= digits.len() && last == sought
    })
}

/// Returns what of a run may be a number or a part of one: not an address, and not a date.
fn words(run: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut begin = 0;
    let ends = run.char_indices().filter(|(_, letter)| letter.is_whitespace() || *letter == '+');
    for end in ends.map(|(at, _)| at).chain([run.len()]) {
        let text = &run[begin..end];
        let (at, text) = (begin + text.len() - text.trim_start().len(), text.trim());
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let is_date = text.contains('-') && text.parse::<jiff::civil::Date>().is_ok();
        if (digits > 0 || text.starts_with('+')) && !is_date && text.parse::<Ipv4Addr>().is_err() {
            words.push(Word { text, at, digits });
        }
        begin = end;
    }
    words
}

/// Tells whether a letter may stand in a number: digits, a plus sign, what separates them for the eye, and what is not seen.
fn is_part(letter: char) -> bool {
    let is_gap = letter.is_whitespace() && !letter.is_control();
    letter.is_ascii_digit() || letter == '+' || is_gap || is_separator(letter)
}

const fn is_separator(letter: char) -> bool {
    matches!(
        letter,
        '-' | '.' | '(' | ')' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}'
            | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    )
}

/// Tells whether a letter at either end is none of the number's.
fn is_outside(letter: char) -> bool {
    letter.is_whitespace() || (is_separator(letter) && letter != '(')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Vec<String> {
        let mut numbers = Vec::new();
        any(text, |raw, digits| {
            if digits.len() >= FEWEST_DIGITS {
                numbers.push(raw.to_owned());
            }
            false
        });
        numbers
    }

    #[test]
    fn a_number_is_whole_however_it_is_separated() {
        for written in [
            "+41-79-555-44-33",
            "+41.79.555.44.33",
            "(079)5554433",
            "079/555.44.33",
            "079\u{2011}555\u{2011}44\u{2011}33",
            "+417955\u{200b}54433",
        ] {
            assert_eq!(numbers(&format!("{{\"diverted\":\"{written}\"}}")), [written], "{written}");
        }
    }

    #[test]
    fn words_that_follow_each_other_are_taken_together_as_far_as_a_number_goes() {
        assert_eq!(numbers("Anna 079 555 44 33."), ["079 555 44", "079 555 44 33", "555 44 33"]);
        assert_eq!(
            numbers("+41 (0)79 555 44 33"),
            ["+41 (0)79 555", "+41 (0)79 555 44", "+41 (0)79 555 44 33"]
        );
        assert_eq!(numbers("0795554433+41225556677"), ["0795554433", "+41225556677"]);
        assert_eq!(numbers(&"1 ".repeat(100)).iter().map(String::len).max(), Some(2 * MOST_DIGITS - 1));
    }

    #[test]
    fn addresses_dates_and_what_others_adjoin_are_no_numbers() {
        for text in ["192.0.2.177", "2026-12-01T10:00", "1234|567", "1234\n567", "a1b2c3d4e5f6a7", "+", ""] {
            assert!(numbers(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn digits_are_found_whatever_stands_between_them() {
        assert!(may_end(b"079 555-44-33", "5554433") && may_end(b"\xff5\x005544 33", "5554433"));
        assert!(
            !may_end(b"079 555-44-3", "5554433") && !may_end(b"", "0000000") && !may_end(b"000", "0000000")
        );
    }
}
