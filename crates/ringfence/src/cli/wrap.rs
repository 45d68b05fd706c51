//! Lines that fit the terminal: what is too long goes on below, under where its text began.
//!
//! A pipe gets each line whole: who reads it there cuts it by its own rules.

use std::fmt::Display;
use std::io::IsTerminal;

use anyhow::Result;
use unicode_width::UnicodeWidthChar as _;

use super::output::print;

/// Prints a text to the standard output, wrapped where that is a terminal; what does not fit goes on in column
/// `hang`.
pub(super) fn print_wrapped(text: impl Display, hang: usize) -> Result<()> {
    match columns() {
        Some(columns) => print(wrapped(&text.to_string(), columns, hang)),
        None => print(text),
    }
}

/// Returns how wide the terminal is; none if the output is no terminal, or one that does not say.
fn columns() -> Option<usize> {
    let out = std::io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let said = std::env::var("COLUMNS").ok();
    let is = terminal_size::terminal_size_of(&out).map(|(width, _)| usize::from(width.0));
    columns_of(said.as_deref(), is)
}

/// Returns how wide a terminal is by what `COLUMNS` says, if that is a number, or else by what it says itself.
fn columns_of(said: Option<&str>, is: Option<usize>) -> Option<usize> {
    let said = said.and_then(|said| said.trim().parse().ok()).filter(|columns| *columns > 0);
    said.or(is).filter(|columns| *columns > 0).map(|columns| columns.max(NARROWEST))
}

/// Nobody reads in less; a word in each line would be no text.
const NARROWEST: usize = 20;

/// Returns how wide the help is to be, where `COLUMNS` says what no terminal is; none where what it says, or the terminal, is fine.
pub(crate) fn width_of_help() -> Option<usize> {
    let said: usize = std::env::var("COLUMNS").ok()?.parse().ok()?;
    match said {
        0 => Some(USUAL),
        1..NARROWEST => Some(NARROWEST),
        _ => None,
    }
}

/// How wide the help is where nobody says.
const USUAL: usize = 100;

/// Wraps each line at the last space that fits, and a word that is longer than a line where the line ends.
fn wrapped(text: &str, columns: usize, hang: usize) -> String {
    // In a narrow window the words need the place more than the columns do.
    let hang = if hang * 2 > columns { 2.min(columns / 2) } else { hang };
    text.split_inclusive('\n').map(|line| wrapped_line(line, columns, hang)).collect()
}

fn wrapped_line(line: &str, columns: usize, hang: usize) -> String {
    let mut told = String::with_capacity(line.len());
    let mut column = 0;
    // Spaces are kept back until it is known that a word follows them on this line.
    let mut spaces = String::new();
    let mut is_first = true;
    for piece in pieces(line.trim_end_matches('\n')) {
        if piece.starts_with(' ') {
            spaces.push_str(piece);
            continue;
        }
        let (width, gap) = (crate::style::width(piece), crate::style::width(&spaces));
        if column + gap + width > columns && !is_first && column > hang {
            told.push('\n');
            told.push_str(&" ".repeat(hang));
            column = hang;
        } else {
            told.push_str(&spaces);
            column += gap;
        }
        spaces.clear();
        is_first &= width == 0;
        for (letter, width) in letters(piece) {
            if column + width > columns {
                told.push('\n');
                told.push_str(&" ".repeat(hang));
                column = hang;
            }
            told.push(letter);
            column += width;
        }
    }
    if line.ends_with('\n') {
        told.push('\n');
    }
    told
}

/// Cuts a line into words and the spaces between them, one after the other.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let is_space = rest.chars().next()? == ' ';
        let end = rest.find(|letter| (letter == ' ') != is_space).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

/// Returns the letters of a word, and how many columns each takes: those of a colour take none.
fn letters(word: &str) -> impl Iterator<Item = (char, usize)> {
    let mut is_colour = false;
    word.chars().map(move |letter| {
        is_colour |= letter == '\u{1b}';
        let width = if is_colour { 0 } else { letter.width().unwrap_or(1) };
        is_colour &= letter != 'm';
        (letter, width)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::{DIM, STRONG, paint};

    #[test]
    fn a_line_that_fits_stays_as_it_is() {
        let text = " caller       +41791234567   [From]\n\n rule 1  listed  -> yes    on it\n";
        assert_eq!(wrapped(text, 80, 14), text);
        assert_eq!(wrapped("12345 789", 9, 2), "12345 789");
    }

    #[test]
    fn what_does_not_fit_goes_on_under_the_text() {
        let text = " caller       one two  three\n";
        assert_eq!(wrapped(text, 22, 6), " caller       one two\n      three\n");
        assert_eq!(wrapped(text, 20, 6), " caller       one\n      two  three\n");
    }

    #[test]
    fn a_word_that_is_longer_than_a_line_is_broken_where_the_line_ends() {
        assert_eq!(wrapped("id abcdefghijkl z", 8, 3), "id abcde\n   fghij\n   kl z");
        assert_eq!(wrapped("abcdefghijkl", 4, 14), "abcd\n  ef\n  gh\n  ij\n  kl");
        assert_eq!(wrapped("", 4, 14), "");
    }

    #[test]
    fn a_wide_character_takes_two_columns_and_is_not_cut_in_two() {
        assert_eq!(wrapped("山田 太郎", 5, 0), "山田\n太郎");
        assert_eq!(wrapped("山田太郎", 5, 0), "山田\n太郎");
        assert_eq!(wrapped("Zoe\u{308} Zoe\u{308}", 7, 0), "Zoe\u{308} Zoe\u{308}");
    }

    #[test]
    fn what_columns_says_counts_where_it_is_a_width() {
        assert_eq!(columns_of(Some("132"), Some(80)), Some(132));
        for no_width in [None, Some(""), Some("0"), Some("abc"), Some("-1"), Some("99999999999999999999999")]
        {
            assert_eq!(columns_of(no_width, Some(80)), Some(80), "{no_width:?}");
            assert_eq!(columns_of(no_width, Some(0)), None, "{no_width:?}");
        }
        assert_eq!((columns_of(Some("1"), Some(80)), columns_of(None, Some(3))), (Some(20), Some(20)));
    }

    #[test]
    fn colours_take_no_column_and_go_on() {
        let text = format!("{} {}\n", paint(STRONG, "one two"), paint(DIM, "three"));
        let plain = anstream::adapter::strip_str(&wrapped(&text, 7, 2)).to_string();
        assert_eq!(plain, "one two\n  three\n");
        assert_eq!(wrapped(&text, 7, 2).matches('\u{1b}').count(), 4);
    }
}
