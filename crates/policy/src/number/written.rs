//! A number as people and networks write it: URIs, parameters, separators, escapes.

use super::digits::{HASH, STAR};
use super::plan::Plan;
use super::{Invalid, Unresolved};
use crate::unseen::is_unseen;

/// The digits of a written number, without what only aids the reader.
#[derive(Debug)]
pub(super) struct Written {
    symbols: [u8; MOST],
    count: usize,
    /// Whether a `+` stands before them.
    pub(super) is_global: bool,
    /// The plan of a `phone-context` that is a calling code: the digits are of that country.
    pub(super) context: Option<&'static Plan>,
    /// Whether `internal:` stands before them.
    pub(super) is_internal: bool,
}

impl Written {
    /// Reads a user part, a `tel:` or `sip:` URI, or a number on paper.
    pub(super) fn read(raw: &str) -> Result<Self, Unresolved> {
        // Most callers, and most entries of large lists, are plain: there is nothing to take off.
        if let Some(plain) = Self::plain(raw, false) {
            return Ok(plain);
        }
        let text = raw.trim();
        let (is_internal, text) = match strip_scheme(text, "internal:") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if let Some(plain) = Self::plain(text, is_internal) {
            return Ok(plain);
        }
        let (number, parameters) = subscriber(text);
        let mut written = Self {
            symbols: [0; MOST],
            count: 0,
            is_global: false,
            context: parameters.and_then(context),
            is_internal,
        };
        let mut rest = number;
        while let Some(symbol) = next_symbol(&mut rest)? {
            written.push(symbol)?;
        }
        if written.count == 0 { Err(Unresolved::NotANumber) } else { Ok(written) }
    }

    /// Reads digits that nothing but a `+` stands before.
    fn plain(text: &str, is_internal: bool) -> Option<Self> {
        let signs = text.bytes().take_while(|byte| *byte == b'+').count();
        let digits = &text.as_bytes()[signs..];
        if digits.is_empty() || digits.len() > MOST || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut symbols = [0; MOST];
        for (symbol, digit) in symbols.iter_mut().zip(digits) {
            *symbol = digit & 0xf;
        }
        Some(Self { symbols, count: digits.len(), is_global: signs > 0, context: None, is_internal })
    }

    /// Returns the symbols: digits from 0 to 9, [`STAR`] and [`HASH`].
    pub(super) fn symbols(&self) -> &[u8] {
        &self.symbols[..self.count]
    }

    /// Returns whether there is a `*` or a `#` among the symbols.
    pub(super) fn has_signs(&self) -> bool {
        self.symbols().iter().any(|symbol| *symbol >= STAR)
    }

    /// Leaves a `#` at the end of digits out: the key that ends dialling. Codes such as `*21#` keep theirs.
    pub(super) fn without_end_sign(mut self) -> Self {
        if let [digits @ .., HASH] = self.symbols()
            && !self.is_internal
            && !digits.is_empty()
            && digits.iter().all(|symbol| *symbol < STAR)
        {
            self.count -= 1;
        }
        self
    }

    fn push(&mut self, symbol: Symbol) -> Result<(), Unresolved> {
        match symbol {
            Symbol::Plus if self.count > 0 => Err(Unresolved::NotANumber),
            // A PBX that puts a + before each number has put a second one: it says the same again.
            Symbol::Plus => {
                self.is_global = true;
                Ok(())
            }
            Symbol::Dialled(value) => {
                let place = self.symbols.get_mut(self.count).ok_or(Unresolved::Invalid(Invalid::TooLong))?;
                *place = value;
                self.count += 1;
                Ok(())
            }
        }
    }
}

/// The longest international prefix, five digits, and the fifteen of E.164 leave room to spare.
const MOST: usize = 24;

#[derive(Debug, Clone, Copy)]
enum Symbol {
    Plus,
    Dialled(u8),
}

/// Takes a scheme off, in capitals or not.
fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// Splits a URI or user part into the subscriber and its parameters; the host is no part of it. What follows a `;` and begins
/// with no letter is no parameter, but perhaps a second number, which must not be lost: then nothing is split off.
fn subscriber(text: &str) -> (&str, Option<&str>) {
    let uri = ["tel:", "sip:", "sips:"].iter().find_map(|scheme| strip_scheme(text, scheme)).unwrap_or(text);
    let user = uri.split_once('@').map_or(uri, |(user, _)| user);
    match user.split_once(';') {
        Some((number, parameters)) if is_parameter(parameters) => (number, Some(parameters)),
        Some(_) | None => (user, None),
    }
}

fn is_parameter(text: &str) -> bool {
    text.trim_start().chars().next().is_none_or(|first| first.is_ascii_alphabetic() || first == ';')
}

/// Returns the plan of a `phone-context` that is a calling code.
///
/// Where it is a calling code and nothing more, it names the country whose habits the digits follow.
fn context(parameters: &str) -> Option<&'static Plan> {
    //= https://www.rfc-editor.org/rfc/rfc3966#section-5.1.5
    //# It does NOT indicate a prefix that turns the local number into a
    //# global (E.164) number.
    let value = parameters.split(';').find_map(|parameter| strip_scheme(parameter, "phone-context="))?;
    Plan::of(value.strip_prefix('+')?.parse().ok()?)
}

/// Takes the next symbol off, past separators. An escape stands for its character.
fn next_symbol(rest: &mut &str) -> Result<Option<Symbol>, Unresolved> {
    // Far most characters are these.
    if let [digit @ b'0'..=b'9', ..] = rest.as_bytes() {
        *rest = &rest[1..];
        return Ok(Some(Symbol::Dialled(digit - b'0')));
    }
    while let Some(written) = rest.chars().next() {
        let (character, length) = match written {
            '%' => (escaped(rest).ok_or(Unresolved::NotANumber)?, 3),
            plain => (plain, plain.len_utf8()),
        };
        *rest = &rest[length..];
        //= https://www.rfc-editor.org/rfc/rfc3966#section-5.1.1
        //# Visual separators
        //# ('visual-separator') merely aid readability and are not used for URI
        //# comparison or placing a call.
        if is_separator(character) {
            continue;
        }
        return match character {
            '+' | '\u{ff0b}' => Ok(Some(Symbol::Plus)),
            '*' => Ok(Some(Symbol::Dialled(STAR))),
            '#' => Ok(Some(Symbol::Dialled(HASH))),
            other => digit(other).map(|value| Some(Symbol::Dialled(value))).ok_or(Unresolved::NotANumber),
        };
    }
    Ok(None)
}

/// Reads `%2B` and its like.
fn escaped(text: &str) -> Option<char> {
    let hex = text.get(1..3)?;
    hex.bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u8::from_str_radix(hex, 16).ok())
        .flatten()
        .map(char::from)
}

/// Reads a digit: also the full-width and the two Arabic rows, which address books hold.
fn digit(character: char) -> Option<u8> {
    let value = match character {
        '0'..='9' => u32::from(character) - u32::from('0'),
        '\u{ff10}'..='\u{ff19}' => u32::from(character) - 0xff10,
        '\u{660}'..='\u{669}' => u32::from(character) - 0x660,
        '\u{6f0}'..='\u{6f9}' => u32::from(character) - 0x6f0,
        _ => return None,
    };
    u8::try_from(value).ok()
}

/// Visual separators: those of RFC 3966, spaces, dashes of print, and what nobody sees. Invisible marks come along
/// when a number is copied, and are put in by who would not be found on a list.
fn is_separator(character: char) -> bool {
    matches!(
        character,
        '-' | '.' | '(' | ')' | '/' | '\u{b7}' | '\u{2010}'
            ..='\u{2015}' | '\u{2212}' | '\u{30fc}' | '\u{ff08}' | '\u{ff09}' | '\u{ff0d}' | '\u{ff0e}'
    ) || character.is_whitespace()
        || is_unseen(character)
}
