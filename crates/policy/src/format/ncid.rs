//! `ncidd.blacklist` and `ncidd.whitelist` of NCID: expressions, several a line.
//!
//! NCID compares an expression with the number and with the name of a caller, and finds it anywhere in
//! them unless it begins with `^`. A list holds numbers, and beginnings of numbers:
//!
//! | expression | entry |
//! |---|---|
//! | `4075551212`, `"407-555-1212"` | that number |
//! | `^999` | `999*` |
//! | `^1?999` | `+1999*` |
//! | `^1?4075551212` | `+14075551212` |
//! | `PRIVATE`, `ANONYMOUS` | `anonymous` |
//! | `OUT-OF-AREA`, `UNAVAILABLE`, `UNKNOWN` | `unavailable` |
//!
//! Other names and regular expressions are reported.

use std::borrow::Cow;
use std::fmt;

use super::error::{RowError, RowFault, characters};
use super::lines::{Line, Lines};
use super::row::Row;
use super::write::{beginning, full_number, write_one_line};

#[derive(Debug)]
pub(super) struct Reader<'a> {
    lines: Lines<'a>,
    line: Option<Expressions<'a>>,
}

/// The expressions of a line that are not read yet.
#[derive(Debug)]
struct Expressions<'a> {
    line: Line<'a>,
    /// All of it, where the next expression begins, and what follows the last one.
    text: &'a str,
    at: usize,
    /// The character that `at` is, counted from 0.
    character: usize,
    end: usize,
    name: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { lines: Lines::new(bytes), line: None }
    }

    pub(super) fn position(&self) -> usize {
        self.lines.position()
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Row<'a>, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.line.as_mut().and_then(Expressions::next) {
                return Some(row);
            }
            let line = self.lines.next()?;
            match line.text() {
                Ok(text) => self.line = Some(Expressions::new(line, text)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl<'a> Expressions<'a> {
    fn new(line: Line<'a>, text: &'a str) -> Self {
        let end = comment(text);
        let name = text[end..].strip_prefix('#').unwrap_or_default();
        let name = name.strip_prefix('=').unwrap_or(name).trim();
        Self { line, text, at: 0, character: 0, end, name }
    }

    fn next(&mut self) -> Option<Result<Row<'a>, RowError>> {
        let rest = &self.text[self.at..self.end];
        let expression = rest.trim_start();
        let from = self.at + (rest.len() - expression.len());
        let column = self.character + characters(&self.text.as_bytes()[self.at..from]) + 1;
        let column = u32::try_from(column).unwrap_or(u32::MAX);
        let error = |fault| RowError::new(self.line.number, column, self.line.bytes, fault);

        let quoted = expression.strip_prefix('"');
        let length = match quoted {
            Some(quoted) => quoted.find('"').map(|length| length + 2),
            None => expression.find(char::is_whitespace).or(Some(expression.len())),
        };
        let expression = match (length, quoted) {
            (None, _) => {
                self.at = self.end;
                return Some(Err(error(RowFault::OpenQuote)));
            }
            (Some(0), _) => return None,
            (Some(length), Some(quoted)) => &quoted[..length - 2],
            (Some(length), None) => &expression[..length],
        };
        let row = entry(expression.trim()).map_err(error);
        let row = row.map(|entry| Row::new(entry).named(self.name).at(self.line.number));
        let next = from + length.unwrap_or_default();
        self.character += characters(&self.text.as_bytes()[self.at..next]);
        self.at = next;
        Some(row)
    }
}

/// Returns where the comment of a line begins: at a `#` between expressions.
fn comment(text: &str) -> usize {
    let mut is_quoted = false;
    let mut is_between = true;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'#' if is_between => return at,
            b'"' if is_between || is_quoted => is_quoted = !is_quoted,
            _ => {}
        }
        is_between = !is_quoted && (byte.is_ascii_whitespace() || byte == b'"');
    }
    text.len()
}

fn entry(expression: &str) -> Result<Cow<'_, str>, RowFault> {
    match expression {
        "PRIVATE" | "ANONYMOUS" => return Ok("anonymous".into()),
        "OUT-OF-AREA" | "UNAVAILABLE" | "UNKNOWN" => return Ok("unavailable".into()),
        _ => {}
    }
    if is_number(expression) {
        return Ok(expression.into());
    }
    if let Some(beginning) = expression.strip_prefix("^1?").filter(|beginning| is_number(beginning)) {
        let digits = beginning.bytes().filter(u8::is_ascii_digit).count();
        let star = if digits == NANP_DIGITS { "" } else { "*" };
        return Ok(format!("+1{beginning}{star}").into());
    }
    if let Some(beginning) = expression.strip_prefix('^').filter(|beginning| is_number(beginning)) {
        return Ok(format!("{beginning}*").into());
    }
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '\'' | '&' | ',' | '/');
    let name = expression.strip_prefix('^').unwrap_or(expression);
    Err(if name.chars().all(is_name) { RowFault::Name } else { RowFault::Expression })
}

/// Digits, with what people write between them. A `.` is no such: it stands for any character.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b' '))
}

/// The digits of a national number of the North American numbering plan.
const NANP_DIGITS: usize = 10;

/// Writes a row. A number without `^` would be found inside of others: internal numbers are left out,
/// as are the patterns that NCID has no like of.
pub(super) fn write(row: &Row<'_>, to: &mut dyn fmt::Write) -> Result<bool, fmt::Error> {
    match &*row.number {
        "anonymous" => to.write_str("PRIVATE")?,
        "unavailable" => to.write_str("OUT-OF-AREA")?,
        number => match (full_number(number), beginning(number)) {
            (Some(number), _) => match number.strip_prefix("+1") {
                Some(national) if national.len() == NANP_DIGITS => write!(to, "^1?{national}")?,
                Some(_) => return Ok(false),
                None => to.write_str(number)?,
            },
            (None, Some(beginning)) => match beginning.strip_prefix("+1") {
                Some(national) if national.is_empty() || national.len() == NANP_DIGITS => return Ok(false),
                Some(national) => write!(to, "^1?{national}")?,
                None => write!(to, "^{beginning}")?,
            },
            (None, None) => return Ok(false),
        },
    }
    if let Some(name) = &row.name {
        to.write_str("  #= ")?;
        write_one_line(name, to)?;
    }
    to.write_char('\n')?;
    Ok(true)
}
