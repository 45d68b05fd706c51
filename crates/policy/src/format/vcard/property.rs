//! One property of a card: `group.NAME;PARAMETER=value:value`, unfolded and unescaped.

use std::borrow::Cow;
use std::ops::Range;

use crate::format::error::{RowError, RowFault};
use crate::format::lines::{LONGEST, Line, Lines};

/// The properties that say what a list wants to know; of names, the best one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    FullName,
    Name,
    Organization,
    Nickname,
    Telephone,
    Begin,
    End,
}

/// A property, its line unfolded.
#[derive(Debug)]
pub(super) struct Property<'a> {
    kind: Kind,
    value: Cow<'a, str>,
}

/// Returns which property a line begins, if it is one that matters.
pub(super) fn kind_of(line: &[u8]) -> Option<Kind> {
    let line = line.trim_ascii_start();
    let length = line.iter().position(|byte| matches!(byte, b':' | b';'))?;
    let name = line[..length].rsplit(|byte| *byte == b'.').next()?;
    let kinds = [
        ("TEL", Kind::Telephone),
        ("FN", Kind::FullName),
        ("N", Kind::Name),
        ("ORG", Kind::Organization),
        ("NICKNAME", Kind::Nickname),
        ("BEGIN", Kind::Begin),
        ("END", Kind::End),
    ];
    kinds.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes())).map(|(_, kind)| kind)
}

impl<'a> Property<'a> {
    /// Reads a property with the lines that go on with it.
    pub(super) fn read(kind: Kind, line: Line<'a>, lines: &mut Lines<'a>) -> Result<Self, RowError> {
        let bytes = unfold(line, lines);
        let (name_end, colon) = separators(line.bytes);
        let parameters = line.bytes[name_end..colon.min(name_end + LONGEST)].to_ascii_uppercase();
        if is_quoted_printable(&parameters) {
            skip_soft_breaks(line, lines);
            return Err(line.error(RowFault::QuotedPrintable, 0));
        }
        let is_other = |parameter: &[u8]| {
            let charset = parameter.strip_prefix(b"CHARSET=").map(<[u8]>::trim_ascii);
            charset.is_some_and(|charset| !matches!(charset, b"UTF-8" | b"UTF8" | b"\"UTF-8\"" | b"US-ASCII"))
        };
        // ASCII is UTF-8, whatever it is said to be.
        if !bytes.is_ascii() && parameters.split(|byte| *byte == b';').any(is_other) {
            return Err(line.error(RowFault::Charset, name_end));
        }
        let unfolded = Line { number: line.number, bytes: &bytes }.text();
        if let Err(error) = unfolded {
            // What is wrong may stand on a line that goes on with this one: of those, the first is told.
            return Err(line.error(error.fault(), line.bytes.len().min(error.column() as usize - 1)));
        }
        let text = match bytes {
            Cow::Borrowed(_) => Cow::Borrowed(line.text()?),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        };
        let (_, colon) = separators(text.as_bytes());
        if colon == text.len() {
            return Err(line.error(RowFault::Property, 0));
        }
        Ok(Self { kind, value: part(&text, colon + 1..text.len()) })
    }

    /// Returns whether it begins or ends a card, and not a calendar.
    pub(super) fn is_of_card(&self) -> bool {
        self.value.trim().eq_ignore_ascii_case("VCARD")
    }

    /// Returns the number of a telephone. The parameters of a URI do not belong to it, and neither does
    /// what is dialled after it.
    pub(super) fn telephone(&self) -> Cow<'a, str> {
        let value = unescaped(&self.value);
        let Some(uri) = strip_prefix_ignoring_case(value.trim(), "tel:") else {
            let end = value.find([',', ';']).unwrap_or(value.len());
            return trimmed(part(&value, 0..end));
        };
        let mut parts = uri.split(';');
        let number = parts.next().unwrap_or_default().trim();
        let context = parts.find_map(|part| strip_prefix_ignoring_case(part.trim(), "phone-context="));
        match context.filter(|context| context.starts_with('+') && !number.starts_with('+')) {
            // RFC 3966 section 5.1.5: a number that is local to a beginning of global ones.
            Some(context) => Cow::Owned(format!("{context}{number}")),
            None => Cow::Owned(number.to_owned()),
        }
    }

    /// Returns a name: of one in several parts, the given and the family name, or the organisation.
    pub(super) fn name(&self) -> Cow<'a, str> {
        let (first, rest) = self.value.split_at(unescaped_semicolon(&self.value));
        let joined = match self.kind {
            Kind::Name => {
                let rest = rest.strip_prefix(';').unwrap_or(rest);
                let given = &rest[..unescaped_semicolon(rest)];
                format!("{} {}", unescaped_str(given).trim(), unescaped_str(first).trim())
            }
            Kind::Organization => unescaped_str(first),
            Kind::FullName | Kind::Nickname | Kind::Telephone | Kind::Begin | Kind::End => {
                return trimmed(unescaped(&self.value));
            }
        };
        Cow::Owned(joined.trim().to_owned())
    }
}

/// Joins a line with those that go on with it: they begin with a space or a tab, which falls away.
/// What is too long is not joined, so that it is refused.
fn unfold<'a>(line: Line<'a>, lines: &mut Lines<'a>) -> Cow<'a, [u8]> {
    let mut bytes = Cow::Borrowed(line.bytes);
    while matches!(lines.peek(), Some(b' ' | b'\t')) {
        let Some(fold) = lines.next() else { break };
        if bytes.len() <= LONGEST {
            let fold = &fold.bytes[1..];
            bytes.to_mut().extend_from_slice(&fold[..fold.len().min(LONGEST + 1)]);
        }
    }
    bytes
}

/// Passes over the lines that go on with one that says nothing of interest, such as a photograph.
pub(super) fn skip<'a>(line: Line<'a>, lines: &mut Lines<'a>) {
    while matches!(lines.peek(), Some(b' ' | b'\t')) {
        lines.next();
    }
    let (name_end, colon) = separators(line.bytes);
    if is_quoted_printable(&line.bytes[name_end..colon.min(name_end + LONGEST)].to_ascii_uppercase()) {
        skip_soft_breaks(line, lines);
    }
}

/// Returns whether parameters, in capitals, name the encoding that vCard 3.0 did away with.
fn is_quoted_printable(parameters: &[u8]) -> bool {
    parameters
        .split(|byte| *byte == b';')
        .any(|parameter| matches!(parameter, b"ENCODING=QUOTED-PRINTABLE" | b"QUOTED-PRINTABLE"))
}

/// Passes over the lines that go on with one in quoted-printable: all but the last end with `=`.
fn skip_soft_breaks<'a>(line: Line<'a>, lines: &mut Lines<'a>) {
    let mut last = line.bytes;
    while last.trim_ascii_end().ends_with(b"=") {
        let Some(next) = lines.next() else { break };
        last = next.bytes;
    }
}

/// Returns where the name of a property ends, and where the colon before its value stands: outside of
/// quotes, or else at the end.
fn separators(line: &[u8]) -> (usize, usize) {
    let name_end = line.iter().position(|byte| matches!(byte, b':' | b';')).unwrap_or(line.len());
    let mut is_quoted = false;
    let colon = line[name_end..].iter().position(|byte| {
        is_quoted ^= *byte == b'"';
        *byte == b':' && !is_quoted
    });
    (name_end, colon.map_or(line.len(), |colon| name_end + colon))
}

/// Returns where the first part of a value ends.
fn unescaped_semicolon(value: &str) -> usize {
    let mut is_escaped = false;
    let end = value.bytes().position(|byte| {
        let is_end = byte == b';' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    end.unwrap_or(value.len())
}

/// Takes the backslashes away that stand before characters with a meaning; a line break is a space.
fn unescaped<'a>(value: &Cow<'a, str>) -> Cow<'a, str> {
    if value.contains('\\') { Cow::Owned(unescaped_str(value)) } else { value.clone() }
}

fn unescaped_str(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n' | 'N') | None => plain.push(' '),
                Some(escaped) => plain.push(escaped),
            },
            plain_character => plain.push(plain_character),
        }
    }
    plain
}

fn part<'a>(text: &Cow<'a, str>, range: Range<usize>) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[range]),
        Cow::Owned(text) => Cow::Owned(text[range].to_owned()),
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
