//! The text of one file: which line and column a byte is on, and which bytes may never be shown.

use std::fmt;
use std::ops::Range;

use unicode_width::UnicodeWidthStr as _;

use super::near::nearest;

/// A policy file, or a file beside it: its name, as messages show it, and its text.
///
/// ```
/// use ringfence_policy::File;
///
/// let file = File::new("policy.toml", "version = 1\n");
/// assert_eq!(file.name(), "policy.toml");
/// ```
#[derive(Clone)]
pub struct File {
    name: String,
    /// What tells it from other files, where that is not the name.
    identity: Option<String>,
    text: String,
    /// What stands behind `password =` and its misspellings, in ascending order.
    secrets: Vec<Range<usize>>,
    /// Where the bytes are no UTF-8 first: there and behind it `text` says so in their place.
    spoilt: Option<Range<usize>>,
}

/// A place in a file, with the line it is on.
///
/// ```
/// use ringfence_policy::File;
///
/// let place = File::new("policy.toml", "version = 1\nregion = \"XX\"\n").place(21..25);
/// assert_eq!((place.line, place.column), (2, 10));
/// assert_eq!(&place.text[place.underline], "\"XX\"");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    /// The name of the file.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// The line as it may be shown: passwords blotted out, tabs as one space.
    pub text: String,
    /// Which characters of `text` are meant.
    pub underline: Range<usize>,
}

impl Place {
    /// Returns in how many columns of a terminal what stands before is shown.
    ///
    /// ```
    /// use ringfence_policy::File;
    ///
    /// let place = File::new("policy.toml", "\"山\" = x\n").place(8..9);
    /// assert_eq!((place.column, place.indent(), place.width()), (7, 7, 1));
    /// ```
    #[must_use]
    pub fn indent(&self) -> usize {
        columns(&self.text, 0..self.underline.start)
    }

    /// Returns in how many columns of a terminal what is meant is shown: at least one.
    #[must_use]
    pub fn width(&self) -> usize {
        // Behind the end of a line nothing is shown that could be underlined.
        let beyond = self.underline.end.saturating_sub(self.text.chars().count().max(self.underline.start));
        (columns(&self.text, self.underline.clone()) + beyond).max(1)
    }
}

/// Counts the columns that some characters of a text take. An East Asian character takes two, an accent none.
fn columns(text: &str, characters: Range<usize>) -> usize {
    text.chars().skip(characters.start).take(characters.len()).collect::<String>().width()
}

impl fmt::Debug for File {
    /// Prints no text: it may have passwords, and has people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("name", &self.name)
            .field("len", &self.text.len())
            .finish_non_exhaustive()
    }
}

impl File {
    /// Takes a file's name and text.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let mut secrets = secrets(&text);
        secrets.extend(userinfos(&text));
        secrets.sort_by_key(|secret| secret.start);
        Self { name: name.into(), identity: None, text, secrets, spoilt: None }
    }

    /// Takes a file's name and bytes. That they are no UTF-8 is an error of the policy that is read of it: see
    /// [`Diagnostic::not_utf8`](super::Diagnostic::not_utf8).
    ///
    /// ```
    /// use ringfence_policy::File;
    ///
    /// assert_eq!(File::from_bytes("policy.toml", b"version = 1".to_vec()).text(), "version = 1");
    /// ```
    #[must_use]
    pub fn from_bytes(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::new(name, text),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(error.as_bytes());
                let spoilt = Some(at..at + char::REPLACEMENT_CHARACTER.len_utf8());
                Self { spoilt, ..Self::new(name, text) }
            }
        }
    }

    /// Says what tells it from other files, such as its whole path without links: files of one identity are the same, by
    /// whatever names they come. Without it that is the name.
    ///
    /// ```
    /// use ringfence_policy::File;
    ///
    /// let file = File::new("link.toml", "version = 1").known_as("/etc/ringfence/policy.toml");
    /// assert_eq!(file.name(), "link.toml");
    /// ```
    #[must_use]
    pub fn known_as(self, identity: impl Into<String>) -> Self {
        Self { identity: Some(identity.into()), ..self }
    }

    /// Returns what tells it from other files.
    pub(super) fn identity(&self) -> &str {
        self.identity.as_deref().unwrap_or(&self.name)
    }

    /// Returns where the bytes are no UTF-8 first.
    pub(super) fn spoilt(&self) -> Option<Range<usize>> {
        self.spoilt.clone()
    }

    /// Takes the name and text of a file in which nothing is secret, such as a list.
    ///
    /// ```
    /// use ringfence_policy::File;
    ///
    /// let list = File::without_secrets("spam.txt", "# password = none\n");
    /// assert_eq!(list.place(0..1).text, "# password = none");
    /// ```
    #[must_use]
    pub fn without_secrets(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), identity: None, text: text.into(), secrets: Vec::new(), spoilt: None }
    }

    /// Returns the name, as messages show it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Finds the line and column of some bytes, which are cut at the end of their first line.
    #[must_use]
    pub fn place(&self, bytes: Range<usize>) -> Place {
        let start = self.before_secret(floor(&self.text, bytes.start));
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |newline| start + newline);
        let end = floor(&self.text, bytes.end).clamp(start, line_end);
        // Of a line that is a whole file only what is around the place is looked at.
        let shown_start = floor(&self.text, start.saturating_sub(FARTHEST)).max(line_start);
        let shown_end = floor(&self.text, start + FARTHEST).clamp(start, line_end);
        let text = self.shown(shown_start..shown_end).trim_end().to_owned();
        let before = self.shown(shown_start..start).chars().count();
        let meant = self.shown(start..end.min(shown_end)).chars().count().max(1);
        Place {
            file: self.name.clone(),
            line: self.text[..line_start].matches('\n').count() + 1,
            column: self.text[line_start..start].chars().count() + 1,
            underline: window(before, meant, text.chars().count()),
            text: cut_around(&text, before),
        }
    }

    /// Returns the place of `width` characters at a line and column, both counted from 1, of a file in which
    /// nothing is secret.
    ///
    /// ```
    /// use ringfence_policy::File;
    ///
    /// let place = File::without_secrets("spam.txt", "+4179*\nnonsense\n").place_at(2, 1, 8);
    /// assert_eq!((place.line, &place.text[place.underline]), (2, "nonsense"));
    /// ```
    #[must_use]
    pub fn place_at(&self, line: usize, column: usize, width: usize) -> Place {
        let text = self.text.lines().nth(line.saturating_sub(1)).unwrap_or_default().trim_end();
        let text: String = text.replace('\t', " ").chars().filter(|letter| !letter.is_control()).collect();
        let before = column.saturating_sub(1);
        Place {
            file: self.name.clone(),
            line,
            column,
            underline: window(before, width.max(1), text.chars().count()),
            text: cut_around(&text, before),
        }
    }

    /// Returns the comment that follows a byte on the same line, behind an optional comma.
    pub(super) fn comment_after(&self, end: usize) -> Option<&str> {
        let rest = self.text[floor(&self.text, end)..].lines().next()?;
        let rest = rest.trim_start().trim_start_matches(',').trim_start();
        rest.strip_prefix('#').map(str::trim).filter(|comment| !comment.is_empty())
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

/// How many bytes before and behind a place may be shown.
const FARTHEST: usize = 4 * WIDEST;

/// A line of a policy is shown whole; a line that is a whole file is not.
const WIDEST: usize = 240;

/// Cuts a line that is too wide to be shown, so that what stands at `start` is still there.
fn cut_around(line: &str, start: usize) -> String {
    let skipped = skipped(start, line.chars().count());
    line.chars().skip(skipped).take(WIDEST).collect()
}

fn window(start: usize, length: usize, width: usize) -> Range<usize> {
    let start_shown = start - skipped(start, width);
    start_shown..(start_shown + length).min(WIDEST.max(start_shown + 1))
}

fn skipped(start: usize, width: usize) -> usize {
    if width <= WIDEST { 0 } else { start.saturating_sub(WIDEST / 2) }
}

/// Finds the values of all keys that look like a password, however they are misspelt: a policy may
/// stand in the same file as the accounts, the line that is complained about is shown, and a
/// password is not to be read over a shoulder.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let is_key = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let mut secrets = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(is_key).map(|offset| at + offset) {
        let end = text[start..].find(|letter| !is_key(letter)).map_or(text.len(), |length| start + length);
        let is_first = begins_line(&text[at..start], at == 0);
        let is_entry = text[..start].ends_with(['"', '\'']) && ends_entry(&text[end..]);
        at = end;
        let behind = text[end..].trim_start_matches(['"', '\'', ' ', '\t']);
        let value = match behind.strip_prefix('=') {
            Some(value) => value,
            // Whoever forgets the equals sign has written the password all the same.
            None if is_first && !is_entry => behind.strip_prefix(':').unwrap_or(behind),
            None => continue,
        };
        let value = value.trim_start_matches([' ', '\t']);
        // The key first: to look for the end of every value would be to read the text again and again.
        if is_secret(&text[start..end]) && value_length(value) > 0 {
            let value_start = text.len() - value.len();
            at = value_start + value_length(value);
            secrets.push(value_start..at);
        }
    }
    secrets
}

/// Finds who asks, and by which password, in the addresses of servers: `https://anna:hunter2@dav.example`. It is refused there,
/// and shown with what is wrong.
fn userinfos(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices("://").filter_map(|(at, scheme_end)| {
        let start = at + scheme_end.len();
        let ends = |letter: char| letter.is_whitespace() || matches!(letter, '/' | '?' | '#' | '"' | '\'');
        let authority = text[start..].split(ends).next().unwrap_or_default();
        let is_no_port =
            |behind: &str| !behind.contains(']') && !behind.bytes().all(|byte| byte.is_ascii_digit());
        // A password may hold what ends an authority.
        let whole = match authority.rsplit_once(':') {
            Some((_, behind)) if !authority.contains('@') && is_no_port(behind) => {
                text[start..].split(['"', '\'', '\n']).next().unwrap_or_default()
            }
            Some(_) | None => authority,
        };
        whole.rfind('@').map(|length| start..start + length)
    })
}

/// Tells whether a key begins its line, by what stands between it and the word before.
fn begins_line(before: &str, begins_text: bool) -> bool {
    let blank = match before.rsplit_once('\n') {
        Some((_, blank)) => blank,
        None if begins_text => before,
        None => return false,
    };
    blank.chars().all(|letter| matches!(letter, ' ' | '\t' | '{' | '"' | '\''))
}

/// Tells whether a quoted word ends here as an entry of an array does, such as `"passport",`: no value stands behind it.
fn ends_entry(behind: &str) -> bool {
    let behind = behind.strip_prefix(['"', '\'']).unwrap_or(behind).trim_start_matches([' ', '\t']);
    behind.is_empty() || behind.starts_with([',', ']', '}', '#', '\r', '\n'])
}

fn is_secret(key: &str) -> bool {
    // Longer than any misspelling of a key.
    if key.len() > 64 {
        return false;
    }
    let key = key.to_ascii_lowercase();
    let names_no_secret =
        matches!(key.as_str(), "password_file" | "password_env" | "on_pass" | "remember_pass" | "passes");
    let looks_secret = ["pass", "pwd", "secret", "paswd", "psswd"].iter().any(|part| key.contains(part));
    !names_no_secret && (looks_secret || nearest(&key, ["password", "passwd"]).is_some())
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
        File::new("f.toml", text).place(start..start + of.len())
    }

    #[test]
    fn who_asks_a_server_and_how_is_not_shown() {
        let text = "source = [\"https://anna:hunter2@dav.example/a@b\", 'https://dav.example/c@d', \"http://e@f:@g\"]";
        let shown = place(text, "source").text;
        let expected =
            "source = [\"https://•••@dav.example/a@b\", 'https://dav.example/c@d', \"http://•••@g\"]";
        assert_eq!(shown, expected);
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
        let file = File::new("f.toml", "a = 1\n");
        let place = file.place(6..6);
        assert_eq!((place.line, place.column, place.text.as_str()), (2, 1, ""));
        assert_eq!(file.place(100..200).line, 2);
    }

    #[test]
    fn bytes_over_lines_are_underlined_on_their_first() {
        let place = place("entries = [\n  1,\n]\n", "[\n  1,\n]");
        assert_eq!((place.line, place.underline), (1, 10..11));
    }

    #[test]
    fn a_line_that_is_a_whole_file_is_cut_around_what_is_meant() {
        let text = format!("entries = [{}\"wrong\", {}]", "\"+1\", ".repeat(500), "\"+1\", ".repeat(500));
        let place = place(&text, "\"wrong\"");
        assert!(place.text.chars().count() <= WIDEST);
        assert_eq!(&place.text[place.underline], "\"wrong\"");
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
            "paswd = \"s3cret\"",
            "psswd = \"s3cret\"",
            "\"password\" s3cret",
            "\"password\" \"#s3cret\"",
            "\"password\": s3cret",
            "x = 1\npassword\ts3cret",
        ] {
            let file = File::new("f.toml", text);
            for start in 0..text.len() {
                let place = file.place(start..text.len());
                assert!(!place.text.contains("s3c"), "{text:?} at {start} shows {:?}", place.text);
                let width = place.text.chars().count();
                assert!(place.underline.end <= width + 1, "{text:?} at {start}: {place:?}");
            }
        }
    }

    #[test]
    fn what_merely_sounds_like_a_password_is_shown() {
        for text in [
            "password_file = \"pbx.secret\"",
            "on_pass = \"ring\"",
            "remember_pass = \"30d\"",
            "passes = \"ring\"",
            "  \"passport\", \"asserted\"",
            "\"passport\"] # whom to believe",
        ] {
            assert_eq!(place(text, "\"").text, text);
        }
    }

    #[test]
    fn a_comment_behind_an_entry_is_found() {
        let text = "[\"a\", # first\n \"b\" # second\n, \"c\"]";
        let file = File::new("f.toml", text);
        assert_eq!(file.comment_after(4), Some("first"));
        assert_eq!(file.comment_after(18), Some("second"));
        assert_eq!(file.comment_after(text.len()), None);
    }
}
