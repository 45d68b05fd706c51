//! The characters that nobody sees, or that act on the text around them.
//!
//! This list stands in `policy` and in `ua`, which know nothing of each other: `scripts/check-layers` keeps the two files
//! the same.

use std::ops::RangeInclusive;

/// Tells controls (C0, C1) and what [`UNSEEN`] has.
pub(crate) fn is_unseen(letter: char) -> bool {
    if letter.is_ascii() {
        return letter.is_ascii_control();
    }
    letter.is_control() || UNSEEN.iter().any(|range| range.contains(&letter))
}

/// `Default_Ignorable_Code_Point` of `DerivedCoreProperties.txt`, the line and paragraph separators, and the format characters
/// (`Cf`) other than the prepended marks, which are shown: of Unicode 16.0.
///
/// What joins emoji (U+200D) and chooses between the forms of a character (U+FE00 to U+FE0F) is among them.
const UNSEEN: [RangeInclusive<char>; 18] = [
    '\u{ad}'..='\u{ad}',       // soft hyphen
    '\u{34f}'..='\u{34f}',     // combining grapheme joiner
    '\u{61c}'..='\u{61c}',     // Arabic letter mark
    '\u{115f}'..='\u{1160}',   // Hangul fillers
    '\u{17b4}'..='\u{17b5}',   // Khmer inherent vowels
    '\u{180b}'..='\u{180f}',   // Mongolian selectors and vowel separator
    '\u{200b}'..='\u{200f}',   // zero width, joiners, marks of direction
    '\u{2028}'..='\u{202e}',   // separators, embeddings and overrides of direction
    '\u{2060}'..='\u{206f}',   // word joiner, invisible operators, isolates, deprecated format characters
    '\u{3164}'..='\u{3164}',   // Hangul filler
    '\u{fe00}'..='\u{fe0f}',   // variation selectors
    '\u{feff}'..='\u{feff}',   // zero width no-break space
    '\u{ffa0}'..='\u{ffa0}',   // halfwidth Hangul filler
    '\u{fff0}'..='\u{fffb}',   // unassigned, interlinear annotation
    '\u{13430}'..='\u{1343f}', // Egyptian hieroglyph format controls
    '\u{1bca0}'..='\u{1bca3}', // shorthand format controls
    '\u{1d173}'..='\u{1d17a}', // musical beams, ties, slurs and phrases
    '\u{e0000}'..='\u{e0fff}', // tags, variation selectors, unassigned
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_range_is_unseen_from_its_first_to_its_last() {
        for range in &UNSEEN {
            assert!(range.clone().all(is_unseen), "{range:?}");
            let (before, after) = (u32::from(*range.start()) - 1, u32::from(*range.end()) + 1);
            let is_in_another = |letter: &char| UNSEEN.iter().any(|other| other.contains(letter));
            for beside in [before, after].into_iter().filter_map(char::from_u32) {
                assert_eq!(is_unseen(beside), is_in_another(&beside), "{beside:?}");
            }
        }
    }

    #[test]
    fn controls_are_unseen_and_letters_accents_and_spaces_are_not() {
        assert!(('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}').all(is_unseen));
        let seen = "Zoë 山\u{300}\u{20dd}\u{a0}\u{600}\u{6dd}+041";
        assert!(!seen.contains(is_unseen));
    }
}
