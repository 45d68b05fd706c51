//! Which columns hold what: by the names in the first line.

use super::record::{Field, Records};
use crate::format::Columns;
use crate::format::error::{RowError, RowFault};

/// Where in a record things stand.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) numbers: Vec<usize>,
    /// Joined, in this order.
    pub(super) names: Vec<usize>,
    /// What tells who it is when those are empty.
    pub(super) reason: Option<usize>,
    pub(super) date: Option<usize>,
    pub(super) until: Option<usize>,
    pub(super) weight: Option<usize>,
    /// Whether the first record names the columns.
    pub(super) has_names: bool,
}

impl Layout {
    /// Finds the columns by the first record of a file.
    pub(super) fn find(first: &[Field<'_>], wanted: &Columns) -> Result<Self, RowError> {
        let names: Vec<String> = first.iter().map(|field| simplified(field.text().ok().as_deref())).collect();
        let at = |name: &str| names.iter().position(|known| *known == simplified(Some(name)));
        let numbers: Vec<usize> = match &wanted.number {
            Some(name) => at(name).into_iter().collect(),
            None => known_numbers(&names),
        };
        if numbers.is_empty() {
            return Self::without_names(first, wanted);
        }
        let name = match &wanted.name {
            Some(name) => {
                let counted = || counted(name, first.len());
                Some(vec![at(name).or_else(counted).ok_or_else(|| error(first, RowFault::NoSuchColumn))?])
            }
            None => None,
        };
        let first_of = |known: &[&str]| known.iter().find_map(|name| names.iter().position(|n| n == name));
        Ok(Self {
            reason: if name.is_none() { first_of(REASONS) } else { None },
            names: name.unwrap_or_else(|| known_names(&names, &numbers)),
            numbers,
            date: first_of(DATES),
            until: first_of(UNTIL),
            weight: first_of(WEIGHTS),
            has_names: true,
        })
    }

    /// Finds the columns of a file whose first record is one like the others: the number is the first
    /// field that looks like one, or the one that was counted, and the name is the next.
    fn without_names(first: &[Field<'_>], wanted: &Columns) -> Result<Self, RowError> {
        let is_number = |field: &&Field<'_>| field.text().is_ok_and(|text| looks_like_a_number(&text));
        let number = match &wanted.number {
            Some(column) => counted(column, first.len()),
            None => first.iter().position(|field| is_number(&field)),
        };
        let fault = if wanted.number.is_some() { RowFault::NoSuchColumn } else { RowFault::NoNumberColumn };
        let number = number.ok_or_else(|| error(first, fault))?;
        let name = match &wanted.name {
            Some(column) => {
                Some(counted(column, first.len()).ok_or_else(|| error(first, RowFault::NoSuchColumn))?)
            }
            None => (number + 1 < first.len()).then_some(number + 1),
        };
        // A column that was counted may have a name all the same.
        let has_names = !first.get(number).is_some_and(|field| is_number(&field));
        Ok(Self { numbers: vec![number], names: name.into_iter().collect(), has_names, ..Self::default() })
    }
}

/// Returns whether a file begins with names of columns, one of which is known to hold numbers.
pub(in crate::format) fn has_known_header(first: &[u8]) -> bool {
    let mut fields = Vec::new();
    let is_read = Records::new(first).read(&mut fields).is_some_and(|record| record.is_ok());
    let names: Vec<String> = fields.iter().map(|field| simplified(field.text().ok().as_deref())).collect();
    is_read && !known_numbers(&names).is_empty()
}

/// An error of the first record.
fn error(first: &[Field<'_>], fault: RowFault) -> RowError {
    first.first().map_or_else(|| RowError::new(1, 1, &[], fault), |field| field.error(fault))
}

/// Reads a column that is counted, from 1.
fn counted(column: &str, columns: usize) -> Option<usize> {
    column.trim().parse().ok().filter(|column| (1..=columns).contains(column)).map(|column: usize| column - 1)
}

/// Returns a name without what differs from program to program: case, spaces, underscores.
fn simplified(name: Option<&str>) -> String {
    let letters = name.unwrap_or_default().chars().take(LONGEST_NAME).filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Returns the columns of numbers: all telephones of an address book, or else the first of the words
/// that mean a number.
fn known_numbers(names: &[String]) -> Vec<usize> {
    let telephones = (0..names.len()).filter(|index| is_telephone(&names[*index]));
    let telephones: Vec<usize> = telephones.take(MOST_TELEPHONES).collect();
    if !telephones.is_empty() {
        return telephones;
    }
    NUMBERS.iter().find_map(|known| names.iter().position(|name| name == known)).into_iter().collect()
}

/// "Mobile Phone", "Phone 1 - Value"; not "Phone 1 - Label".
fn is_telephone(name: &str) -> bool {
    let name = name.strip_suffix("value").unwrap_or(name).trim_end_matches(|c: char| c.is_ascii_digit());
    let name = name.strip_suffix("number").unwrap_or(name);
    let mut kinds = TELEPHONES.iter().filter_map(|telephone| name.strip_suffix(telephone));
    kinds.any(|kind| KINDS.contains(&kind))
}

/// Returns the column of the name, or the columns of its parts.
fn known_names(names: &[String], numbers: &[usize]) -> Vec<usize> {
    let at = |known: &&str| names.iter().position(|name| name == known).filter(|at| !numbers.contains(at));
    if let Some(whole) = WHOLE_NAMES.iter().find_map(at) {
        return vec![whole];
    }
    NAME_PARTS.iter().filter_map(|known| known.iter().find_map(at)).collect()
}

/// At least three digits, with what people write between them.
fn looks_like_a_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits >= 3 && text.trim().chars().all(|c| c.is_ascii_digit() || " +-./()*#".contains(c))
}

const TELEPHONES: &[&str] =
    &["phone", "telephone", "tel", "mobile", "cell", "telefon", "telefono", "téléphone", "telephon", "handy"];
/// What stands before the word, in address books and in the list of the Federal Trade Commission.
const KINDS: &[&str] = &[
    "",
    "company",
    "business",
    "home",
    "mobile",
    "cell",
    "main",
    "primary",
    "other",
    "work",
    "car",
    "private",
    "assistants",
    "companymain",
];
const NUMBERS: &[&str] = &[
    "number",
    "phonenumber",
    "callerid",
    "cid",
    "caller",
    "e164",
    "msisdn",
    "did",
    "dnis",
    "ani",
    "rufnummer",
    "telefonnummer",
    "nummer",
    "numero",
    "numéro",
    "match",
    "pattern",
];
const WHOLE_NAMES: &[&str] = &["name", "fullname", "displayname", "contactname", "callername", "cnam"];
const NAME_PARTS: &[&[&str]] = &[
    &["firstname", "givenname", "vorname"],
    &["middlename", "additionalname"],
    &["lastname", "familyname", "surname", "nachname"],
];
const REASONS: &[&str] = &[
    "company",
    "companyname",
    "organization",
    "organisation",
    "organizationname",
    "organization1name",
    "firma",
    "description",
    "comment",
    "note",
    "notes",
    "reason",
    "subject",
    "label",
    "beschreibung",
];
const DATES: &[&str] = &["createddate", "datecreated", "created", "createdat", "dateadded", "added", "date"];
const UNTIL: &[&str] = &["until", "expires", "expiration", "expiry", "validuntil"];
const WEIGHTS: &[&str] = &["count", "complaints", "votes", "reports"];

/// Address books have a dozen.
const MOST_TELEPHONES: usize = 32;

/// No known name is as long.
const LONGEST_NAME: usize = 64;
