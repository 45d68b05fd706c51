//! Texts with `*` and `?`.

use std::fmt;

/// A text in which `*` stands for any run of characters and `?` for one. Capitals do not matter.
///
/// ```
/// use ringfence_policy::Wildcard;
///
/// let paris = Wildcard::new("sip:1???@pbx.example");
/// assert!(paris.is_match("sip:1702@PBX.example"));
/// assert!(!paris.is_match("sip:2702@pbx.example"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wildcard {
    text: Box<str>,
    /// What a text must have to be meant.
    letters: Letters,
}

impl Wildcard {
    /// Takes a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let text: String = Folded(text.chars()).collect();
        let needed = text.bytes().filter(|byte| byte.is_ascii() && !matches!(byte, b'*' | b'?'));
        Self { letters: Letters::of(needed), text: text.into() }
    }

    /// Returns whether a text is meant. It takes at most the product of both lengths in steps, and
    /// a text of a stranger counts up to 256 characters.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.means(&Shown::new(text))
    }

    /// Returns whether a text is meant that was looked at before: most lack a letter, and are done with.
    pub(crate) fn means(&self, shown: &Shown<'_>) -> bool {
        if !shown.letters.contain(self.letters) {
            return false;
        }
        if self.text.is_ascii() && shown.is_ascii {
            return is_ascii_match(self.text.as_bytes(), shown.beginning());
        }
        let mut pattern = self.text.chars();
        let mut text = Folded(shown.text.chars().take(LONGEST));
        // Where to go on when what follows the last `*` does not fit: it then stands for one more.
        let mut again = None;
        loop {
            let before = text.clone();
            match (pattern.clone().next(), text.next()) {
                (Some('*'), _) => {
                    pattern.next();
                    text = before.clone();
                    again = Some((pattern.clone(), before));
                }
                (None, None) => return true,
                (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                    pattern.next();
                }
                (_, _) => {
                    let Some((after_star, skipped)) = &mut again else { return false };
                    if skipped.next().is_none() {
                        return false;
                    }
                    pattern = after_star.clone();
                    text = skipped.clone();
                }
            }
        }
    }

    /// Returns the text, in small letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The characters of a text without regard to capitals, each one character: a `?` is for what somebody reads as one.
#[derive(Debug, Clone)]
struct Folded<C>(C);

impl<C: Iterator<Item = char> + Clone> Iterator for Folded<C> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let letter = folded(self.0.next()?);
        // The small letter of `İ` is an `i` with a dot of its own above, which programs write; people leave it out.
        if letter == 'i' {
            let mut behind = self.0.clone();
            if behind.next() == Some('\u{307}') {
                self.0 = behind;
            }
        }
        Some(letter)
    }
}

/// Returns the character that stands for it and for its capital: that of a Σ is another small letter where a word ends, and that
/// of `İ` an `i`, as it is of `I`.
fn folded(letter: char) -> char {
    match letter.to_lowercase().next() {
        Some('ς') => 'σ',
        Some(small) => small,
        None => letter,
    }
}

/// A text that wildcards are compared with, and what it has: looked at once for all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'t> {
    pub(crate) text: &'t str,
    /// Whether each of the bytes that count is a character.
    is_ascii: bool,
    letters: Letters,
}

impl<'t> Shown<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let shown = Self { text, is_ascii: false, letters: Letters::ALL };
        let beginning = shown.beginning();
        // Other letters may have small forms that are ASCII: nothing is known of what such a text lacks.
        if !beginning.is_ascii() {
            return shown;
        }
        Self { is_ascii: true, letters: Letters::of(beginning.iter().copied()), ..shown }
    }

    /// Returns whether it certainly has not all of some letters.
    pub(crate) fn lacks(&self, needed: Letters) -> bool {
        // Only the beginning of a longer one was looked at.
        self.text.len() <= LONGEST && !self.letters.contain(needed)
    }

    fn beginning(&self) -> &'t [u8] {
        &self.text.as_bytes()[..self.text.len().min(LONGEST)]
    }
}

/// Which ASCII characters a text has. Half of the bits are for letters, one for both the capital and the small one, and
/// half for digits and signs; control characters share those of signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Letters(u64);

impl Letters {
    pub(crate) const NONE: Letters = Letters(0);
    pub(crate) const ALL: Letters = Letters(u64::MAX);

    pub(crate) fn of_one(byte: u8) -> Self {
        Self::of([byte].into_iter())
    }

    pub(crate) fn with(self, other: Letters) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn shared_with(self, other: Letters) -> Self {
        Self(self.0 & other.0)
    }

    fn of(bytes: impl Iterator<Item = u8>) -> Self {
        // 0x40 tells letters from the rest, 0x20 small ones from capitals.
        Self(bytes.fold(0, |letters, byte| letters | 1 << (byte & 0x1f | (byte & 0x40) >> 1)))
    }

    fn contain(self, needed: Letters) -> bool {
        self.0 & needed.0 == needed.0
    }
}

/// Returns whether a text is meant, both having a byte for each character: the same steps as above.
fn is_ascii_match(pattern: &[u8], text: &[u8]) -> bool {
    let (mut wanted, mut found) = (0, 0);
    let mut again = None;
    loop {
        match (pattern.get(wanted), text.get(found)) {
            (Some(b'*'), _) if wanted + 1 == pattern.len() => return true,
            (Some(b'*'), _) => {
                wanted += 1;
                again = Some((wanted, found));
            }
            (None, None) => return true,
            (Some(one), Some(other)) if *one == b'?' || *one == other.to_ascii_lowercase() => {
                wanted += 1;
                found += 1;
            }
            (_, _) => {
                let Some((after_star, skipped)) = &mut again else { return false };
                if *skipped == text.len() {
                    return false;
                }
                *skipped += 1;
                (wanted, found) = (*after_star, *skipped);
            }
        }
    }
}

/// Longer than any name that is shown on a phone.
const LONGEST: usize = 256;

impl fmt::Display for Wildcard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_what_they_should() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("a*", "", false),
            ("*spam*", "maybe SPAM caller", true),
            ("*ab", "aab", true),
            ("*ab*ba*", "xxabyba", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("Ärzte*", "ÄRZTEHAUS", true),
            ("a*b*c", "a--b--", false),
            ("k*", "\u{212a}elvin", true),
            ("*kelvin*", "zero kelvin", true),
            ("*kelvin*", "zero calvin", false),
            ("ΟΔΥΣΣΕΥΣ", "ΟΔΥΣΣΕΥΣ", true),
            ("ΟΔΥΣΣΕΥΣ", "Οδυσσευς", true),
            ("οδυσσευς*", "ΟΔΥΣΣΕΥΣ Α", true),
            ("*ΕΥΣ", "οδυσσευσ", true),
            ("?stanbul", "İstanbul", true),
            ("İstanbul", "İstanbul", true),
            ("İSTANBUL", "istanbul", true),
            ("istanbul", "İSTANBUL", true),
            ("?İ?", "xİy", true),
            ("i\u{307}stanbul", "İSTANBUL", true),
            ("İSTANBUL", "i\u{307}stanbul", true),
            ("?stanbul", "i\u{307}stanbul", true),
            ("istanbul", "I\u{307}STANBUL", true),
            ("e\u{307}*", "e", false),
            ("??stanbul", "İstanbul", false),
        ] {
            assert_eq!(Wildcard::new(pattern).is_match(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_longer_than_the_product_of_the_lengths() {
        let text = "a".repeat(100_000);
        assert!(!Wildcard::new(&"a*".repeat(60)).is_match(&format!("{text}b").replace('a', "c")));
        assert!(!Wildcard::new(&format!("{}b", "*a".repeat(60))).is_match(&text));
    }
}
