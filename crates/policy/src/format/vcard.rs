//! vCard 3.0 (RFC 2426) and 4.0 (RFC 6350): the telephones of a card, with its name.
//!
//! Of vCard 2.1 what is plain text is read. Its quoted-printable encoding is refused: the name is
//! reported, and the numbers of the card are there all the same.

mod property;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;

use super::error::{RowError, RowFault};
use super::lines::{Line, Lines};
use super::row::Row;
use super::write::{full_number, plain};
use property::{Kind, Property};

#[derive(Debug)]
pub(super) struct Reader<'a> {
    lines: Lines<'a>,
    /// The card that has been begun.
    card: Option<Card<'a>>,
    pending: VecDeque<Result<Row<'a>, RowError>>,
}

#[derive(Debug)]
struct Card<'a> {
    begin: Line<'a>,
    numbers: Vec<(u32, Cow<'a, str>)>,
    is_crowded: bool,
    /// The best name so far: `FN`, `N`, `ORG` and `NICKNAME`, in this order.
    name: Option<(Kind, Cow<'a, str>)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { lines: Lines::new(bytes), card: None, pending: VecDeque::new() }
    }

    pub(super) fn position(&self) -> usize {
        self.lines.position()
    }

    fn read(&mut self, line: Line<'a>) -> Result<(), RowError> {
        if line.bytes.trim_ascii().is_empty() {
            return Ok(());
        }
        let Some(kind) = property::kind_of(line.bytes) else {
            property::skip(line, &mut self.lines);
            let is_property = line.bytes.contains(&b':');
            return if is_property { Ok(()) } else { Err(line.error(RowFault::Property, 0)) };
        };
        let property = Property::read(kind, line, &mut self.lines)?;
        match kind {
            Kind::Begin | Kind::End if !property.is_of_card() => {
                return Err(line.error(RowFault::OutsideCard, 0));
            }
            Kind::Begin => {
                let open = self.card.replace(Card::begin(line));
                return open.map_or(Ok(()), |open| self.end(open, true));
            }
            Kind::End => match self.card.take() {
                Some(card) => return self.end(card, false),
                None => return Err(line.error(RowFault::OutsideCard, 0)),
            },
            Kind::FullName | Kind::Name | Kind::Organization | Kind::Nickname | Kind::Telephone => {}
        }
        let Some(card) = &mut self.card else {
            return Err(line.error(RowFault::OutsideCard, 0));
        };
        if kind == Kind::Telephone {
            card.add(line, property.telephone())
        } else {
            card.call(kind, property.name());
            Ok(())
        }
    }

    fn end(&mut self, card: Card<'a>, is_open: bool) -> Result<(), RowError> {
        let begin = card.begin;
        let name = card.name.map(|(_, name)| name).unwrap_or_default();
        if card.numbers.is_empty() {
            self.pending.push_back(Ok(Row::new("").at(begin.number)));
        }
        for (line, number) in card.numbers {
            // A card must have a name: who has none is called by the number.
            let name = if name.trim() == number { Cow::Borrowed("") } else { name.clone() };
            self.pending.push_back(Ok(Row::new(number).named(name).at(line)));
        }
        if is_open { Err(begin.error(RowFault::OpenCard, 0)) } else { Ok(()) }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Row<'a>, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.pending.pop_front() {
                return Some(row);
            }
            let line = self.lines.next();
            let result = match (line, line.is_none().then(|| self.card.take()).flatten()) {
                (Some(line), _) => self.read(line),
                (None, Some(open)) => self.end(open, true),
                (None, None) => return None,
            };
            if let Err(error) = result {
                return Some(Err(error));
            }
        }
    }
}

impl<'a> Card<'a> {
    fn begin(line: Line<'a>) -> Self {
        Self { begin: line, numbers: Vec::new(), is_crowded: false, name: None }
    }

    fn add(&mut self, line: Line<'a>, number: Cow<'a, str>) -> Result<(), RowError> {
        if number.is_empty() {
            return Ok(());
        }
        if self.numbers.len() < MOST_NUMBERS {
            self.numbers.push((line.number, number));
            return Ok(());
        }
        // Of so many, one is told.
        if std::mem::replace(&mut self.is_crowded, true) {
            return Ok(());
        }
        Err(line.error(RowFault::CrowdedCard, 0))
    }

    fn call(&mut self, kind: Kind, name: Cow<'a, str>) {
        let is_better = self.name.as_ref().is_none_or(|(known, _)| kind < *known);
        if is_better && !name.trim().is_empty() {
            self.name = Some((kind, name));
        }
    }
}

/// A switchboard, not an exchange.
const MOST_NUMBERS: usize = 200;

/// Writes a row as a card of vCard 3.0, which every address book reads.
pub(super) fn write(row: &Row<'_>, to: &mut dyn fmt::Write) -> Result<bool, fmt::Error> {
    let Some(number) = full_number(&row.number) else {
        return Ok(false);
    };
    let name = escaped(row.name.as_deref().unwrap_or(number));
    to.write_str("BEGIN:VCARD\r\nVERSION:3.0\r\n")?;
    write_folded(&format!("FN:{name}"), to)?;
    write_folded(&format!("N:{name};;;;"), to)?;
    write!(to, "TEL;TYPE=VOICE:{number}\r\nEND:VCARD\r\n")?;
    Ok(true)
}

fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for c in plain(name) {
        if matches!(c, '\\' | ',' | ';') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Writes a line, and goes on with it behind a line break and a space where it is long.
fn write_folded(line: &str, to: &mut dyn fmt::Write) -> fmt::Result {
    let mut length = 0;
    for c in line.chars() {
        if length + c.len_utf8() > LONGEST_LINE {
            to.write_str("\r\n ")?;
            length = 1;
        }
        to.write_char(c)?;
        length += c.len_utf8();
    }
    to.write_str("\r\n")
}

/// RFC 2426 section 2.6, RFC 6350 section 3.2: 75 octets are the most.
const LONGEST_LINE: usize = 75;
