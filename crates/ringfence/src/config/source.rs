//! The text of one file: which line and column a byte is on, and which bytes may never be shown.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::near::nearest;

/// A file's name and text.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    text: String,
    /// What stands behind `password =` and its misspellings, in ascending order.
    secrets: Vec<Range<usize>>,
}

/// A place in a file, with the line it is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    /// Counted from 1.
    pub(crate) line: usize,
    /// Counted from 1, in characters.
    pub(crate) column: usize,
    /// The line as it may be shown: secrets blotted out, tabs as one space.
    pub(crate) text: String,
    /// Which characters of `text` are meant.
    pub(crate) underline: Range<usize>,
}

impl Place {
    /// Takes a place as the policy's reader has it.
    pub(crate) fn of_policy(place: ringfence_policy::Place) -> Self {
        let ringfence_policy::Place { file, line, column, text, underline } = place;
        Self { file: file.into(), line, column, text, underline }
    }
}

impl Source {
    /// Takes a file's text.
    pub(crate) fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let text = text.into();
        let secrets = secrets(&text);
        Self { path: path.into(), text, secrets }
    }

    /// Takes the text of a list, in which nothing is secret.
    pub(crate) fn without_secrets(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), secrets: Vec::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Finds the line and column of a span, which is cut at the end of its first line.
    pub(crate) fn place(&self, span: Range<usize>) -> Place {
        let start = self.before_secret(floor(&self.text, span.start));
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |newline| start + newline);
        let end = floor(&self.text, span.end).clamp(start, line_end);
        let shown_start = self.shown(line_start..start);
        let shown_span = self.shown(start..end);
        let underline_start = shown_start.chars().count();
        let underline_end = underline_start + shown_span.chars().count().max(1);
        Place {
            file: self.path.clone(),
            line: self.text[..line_start].matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            text: self.shown(line_start..line_end).trim_end().to_owned(),
            underline: underline_start..underline_end,
        }
    }

    /// Returns the place of `width` characters at a line and column, both counted from 1.
    pub(crate) fn place_at(&self, line: usize, column: usize, width: usize) -> Place {
        let text = self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim_end();
        let start = column.saturating_sub(1);
        Place {
            file: self.path.clone(),
            line,
            column,
            text: text.replace('\t', " ").chars().filter(|letter| !letter.is_control()).collect(),
            underline: start..start + width.max(1),
        }
    }

    /// Returns where the secret starts that a byte is in, or its line if the secret has several.
    fn before_secret(&self, at: usize) -> usize {
        let Some(secret) = self.secrets.iter().find(|secret| secret.contains(&at)) else { return at };
        self.text[secret.start..at].rfind('\n').map_or(secret.start, |newline| secret.start + newline + 1)
    }

    /// Returns a piece of the text as it may be shown.
    fn shown(&self, piece: Range<usize>) -> String {
        let mut shown = String::new();
        let mut at = piece.start;
        for secret in &self.secrets {
            if piece.is_empty() || secret.end <= at || secret.start >= piece.end {
                continue;
            }
            shown.push_str(&self.text[at..secret.start.max(at)]);
            shown.push_str("•••");
            at = secret.end.min(piece.end);
        }
        shown.push_str(&self.text[at..piece.end]);
        shown.replace('\t', " ").chars().filter(|letter| !letter.is_control()).collect()
    }
}

/// Finds the values of all keys that look like a password, however they are misspelt: the program
/// shows the lines that it complains about, and a password is not to be read over a shoulder.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let is_key = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let mut secrets = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(is_key).map(|offset| at + offset) {
        let end = text[start..].find(|letter| !is_key(letter)).map_or(text.len(), |length| start + length);
        at = end;
        let behind = text[end..].trim_start_matches(['"', '\'', ' ', '\t']);
        let value = match behind.strip_prefix('=') {
            Some(value) => value,
            // Whoever forgets the equals sign has written the password all the same.
            None if is_first_on_line(text, start) => behind.strip_prefix(':').unwrap_or(behind),
            None => continue,
        };
        let value = value.trim_start_matches([' ', '\t']);
        // In this order: to measure each value of one long line would take its square.
        if is_secret(&text[start..end]) && value_length(value) > 0 {
            let value_start = text.len() - value.len();
            at = value_start + value_length(value);
            secrets.push(value_start..at);
        }
    }
    secrets
}

fn is_first_on_line(text: &str, at: usize) -> bool {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    text[line..at].chars().all(|letter| matches!(letter, ' ' | '\t' | '{' | '"' | '\''))
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let names_no_secret = matches!(key.as_str(), "password_file" | "password_env");
    let looks_secret = ["pass", "pwd", "secret"].iter().any(|part| key.contains(part));
    !names_no_secret && (looks_secret || nearest(&key, ["password"]).is_some())
}

/// Returns how far a value that is not to be shown may reach: to the end of its line, or of its
/// multi-line string.
fn value_length(value: &str) -> usize {
    for quotes in ["\"\"\"", "'''"] {
        if let Some(inner) = value.strip_prefix(quotes) {
            return inner.find(quotes).map_or(value.len(), |end| end + 2 * quotes.len());
        }
    }
    value.find('\n').unwrap_or(value.len())
}

/// Returns the next character boundary at or before `index`.
fn floor(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, of: &str) -> Place {
        let start = text.find(of).unwrap();
        Source::new("f.toml", text).place(start..start + of.len())
    }

    #[test]
    fn a_span_becomes_line_and_column_in_characters() {
        let place = place("a = 1\nname = \"Zoë\" # port = x\n", "port");
        assert_eq!((place.line, place.column), (2, 16));
        assert_eq!(place.underline, 15..19);
        assert_eq!(place.text, "name = \"Zoë\" # port = x");
    }

    #[test]
    fn the_end_of_the_text_is_a_place() {
        let source = Source::new("f.toml", "a = 1\n");
        let place = source.place(6..6);
        assert_eq!((place.line, place.column, place.text.as_str()), (2, 1, ""));
        assert_eq!(source.place(100..200).line, 2);
    }

    #[test]
    fn a_span_over_lines_is_underlined_on_its_first() {
        let place = place("entries = [\n  1,\n]\n", "[\n  1,\n]");
        assert_eq!((place.line, place.underline), (1, 10..11));
    }

    #[test]
    fn passwords_are_blotted_out_even_when_misspelt() {
        for text in [
            "password = \"s3cret\"",
            "pasword = \"s3cret\"",
            "\"password\" = \"s3cret",
            "home = { user = \"1\", password = \"s3cret\" }",
            "passwort='s3cret'",
            "password = \"\"\"\ns3cret\n\"\"\"\nx = 1",
            "password = '''\ns3cret",
            "password s3cret",
            "  password \"s3cret\"",
            "password: s3cret",
            "x = 1\npassword\ts3cret",
        ] {
            let source = Source::new("f.toml", text);
            for start in 0..text.len() {
                let place = source.place(start..text.len());
                assert!(!place.text.contains("s3c"), "{text:?} at {start} shows {:?}", place.text);
                let width = place.text.chars().count();
                assert!(place.underline.end <= width + 1, "{text:?} at {start}: {place:?}");
            }
        }
    }

    #[test]
    fn the_name_of_a_password_file_is_no_secret() {
        let text = "password_file = \"pbx.secret\"";
        assert_eq!(place(text, "pbx.secret").text, text);
    }
}
