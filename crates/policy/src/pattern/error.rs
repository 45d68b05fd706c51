//! Why a text is no pattern.

use std::fmt;

use super::expression::NoExpression;
use crate::number::{NoRange, Number, Region, Unfinished, Unresolved, with_end};
use crate::printable::{numeric, printable};

/// Why a text is no pattern: where, what was expected, what was found, and what to write instead.
///
/// ```
/// use ringfence_policy::{Pattern, Region};
///
/// let error = Pattern::parse("  anonymus", Region::parse("CH")?).unwrap_err();
/// assert_eq!(error.column(), 3);
/// assert_eq!(error.to_string(), "expected a number or a word such as `anonymous`, found `anonymus`");
/// assert_eq!(error.hint().as_deref(), Some("did you mean `anonymous`?"));
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    found: Box<str>,
    column: usize,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Problem {
    Empty,
    TooLong,
    Expression(NoExpression),
    /// One end of a range is no number.
    End(Unresolved, Region),
    Range(NoRange, Number, Number),
    Words,
    /// It stands in a row of a file, and this is what to write instead.
    WordsOfRow(&'static str),
    Number(Unresolved, Region),
    Prefix(Unfinished, Region),
}

impl PatternError {
    pub(super) fn new(text: &str, written: &str, problem: Problem) -> Self {
        let before = text.len() - text.trim_start().len();
        let column = text[..before].chars().count() + 1;
        Self { found: printable(written).to_string().into(), column, problem }
    }

    /// Returns the error as it is told of a row of a file, which may be no list at all: of what stands there no more
    /// than begins as a number does.
    ///
    /// ```
    /// use ringfence_policy::{Pattern, Region};
    ///
    /// let error = Pattern::parse("hunter2", Region::parse("GB")?).unwrap_err();
    /// assert_eq!(error.without_words().to_string(), "expected a number or a word such as `anonymous`, found `…`");
    /// # Ok::<(), ringfence_policy::UnknownRegion>(())
    /// ```
    #[must_use]
    pub fn without_words(self) -> Self {
        let problem = match self.problem {
            Problem::Words | Problem::WordsOfRow(_) => Problem::WordsOfRow(hint_for_row(&self.found)),
            Problem::Expression(problem) => Problem::Expression(problem.without_text()),
            problem @ (Problem::Empty
            | Problem::TooLong
            | Problem::End(..)
            | Problem::Range(..)
            | Problem::Number(..)
            | Problem::Prefix(..)) => problem,
        };
        Self { found: numeric(&self.found).into(), problem, ..self }
    }

    /// Returns where it stands in the text, counted in characters from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns what stood there, cut short when it is long.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }

    /// Returns what was expected instead.
    #[must_use]
    pub fn expected(&self) -> &'static str {
        match self.problem {
            Problem::Empty | Problem::Words | Problem::WordsOfRow(_) => {
                "a number or a word such as `anonymous`"
            }
            Problem::TooLong => "at most 256 characters",
            Problem::Expression(_) => "an expression such as `/^\\+4484[45]/`",
            Problem::End(..) | Problem::Range(..) => "a range such as `+41442551111..+41442559999`",
            Problem::Number(..) => "one number",
            Problem::Prefix(..) => "the beginning of numbers before the `*`",
        }
    }

    /// Returns what to write instead, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self.problem {
            Problem::Empty | Problem::TooLong => None,
            Problem::Expression(ref problem) => problem.hint(),
            Problem::Range(problem, first, last) => Some(hint_for_range(problem, first, last)),
            Problem::Words => Some(hint_for_word(&self.found)),
            Problem::WordsOfRow(hint) => Some(hint.to_owned()),
            Problem::Number(unresolved, region) | Problem::End(unresolved, region) => {
                Some(hint_for_number(unresolved, region))
            }
            Problem::Prefix(unfinished, region) => Some(hint_for_prefix(unfinished, region)),
        }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found `{}`", self.expected(), self.found)?;
        match self.problem {
            Problem::Number(unresolved, _) | Problem::End(unresolved, _) => write!(f, ": {unresolved}"),
            Problem::Expression(ref problem) => write!(f, ": {problem}"),
            Problem::Range(problem, first, last) => write_range(f, problem, first, last),
            Problem::Prefix(Unfinished::Ambiguous([one, other]), _) => {
                write!(f, ": it can be +{one}* or +{other}*")
            }
            Problem::Empty
            | Problem::TooLong
            | Problem::Words
            | Problem::WordsOfRow(_)
            | Problem::Prefix(
                Unfinished::NotDigits
                | Unfinished::TooLong
                | Unfinished::Everything
                | Unfinished::OnlyDialled
                | Unfinished::Bare { .. },
                _,
            ) => Ok(()),
        }
    }
}

impl std::error::Error for PatternError {}

fn write_range(f: &mut fmt::Formatter<'_>, problem: NoRange, first: Number, last: Number) -> fmt::Result {
    match problem {
        NoRange::Kinds => f.write_str(": one end is a full number and the other is not"),
        NoRange::Lengths => write!(f, ": {first} and {last} are of different lengths"),
        NoRange::Order => write!(f, ": {last} comes before {first}"),
        NoRange::Signs => f.write_str(": `*` and `#` have no order"),
    }
}

fn hint_for_range(problem: NoRange, first: Number, last: Number) -> String {
    match (problem, first, last) {
        (NoRange::Order, Number::E164(_), _) => format!("write `{last}..{first}`"),
        (NoRange::Order, Number::Internal(_), _) => format!("write `internal:{last}..internal:{first}`"),
        (NoRange::Kinds, Number::E164(from), Number::Internal(end)) => match with_end(from, end) {
            Some(to) => format!("write both ends in full: `{from}..{to}`"),
            None => "write both ends in full".to_owned(),
        },
        (NoRange::Kinds | NoRange::Lengths | NoRange::Signs, _, _) => "write both ends in full".to_owned(),
    }
}

fn hint_for_word(found: &str) -> String {
    let word = found.to_ascii_lowercase();
    let known = ["anonymous", "unavailable", "invalid"];
    if let Some(meant) =
        known.into_iter().find(|known| known.get(..3).is_some_and(|start| word.starts_with(start)))
    {
        return format!("did you mean `{meant}`?");
    }
    if ["private", "restricted", "blocked", "hidden"].contains(&word.as_str()) {
        return "for callers that withhold their number write `anonymous`".to_owned();
    }
    if found.contains([',', ';']) {
        return "write one entry a line; what is beside it goes behind ` # `".to_owned();
    }
    if let Some((address, _)) = found.split_once('@') {
        let user = address.rsplit_once(':').map_or(address, |(_, user)| user);
        return format!("the host is not compared; write `sip:{user}`");
    }
    if found.chars().all(char::is_alphanumeric) && !found.contains(|c: char| c.is_ascii_digit()) {
        return format!("for callers with this user name write `sip:{found}`");
    }
    "write the digits, with `+` and the country's code in front: `+41791234567`".to_owned()
}

/// The same, without a word of what was found.
fn hint_for_row(found: &str) -> &'static str {
    let hint = hint_for_word(found);
    let said = [
        "did you mean `anonymous`?",
        "did you mean `unavailable`?",
        "did you mean `invalid`?",
        "for callers that withhold their number write `anonymous`",
        "write one entry a line; what is beside it goes behind ` # `",
    ];
    let known = said.into_iter().find(|known| *known == hint);
    known.unwrap_or("write the digits, with `+` and the country's code in front: `+41791234567`")
}

fn hint_for_number(unresolved: Unresolved, region: Region) -> String {
    let Unresolved::Ambiguous(ambiguous) = unresolved else {
        return format!("numbers of region {region} begin with +{}", region.calling_code());
    };
    let mut hint = match ambiguous.readings().next() {
        None => return format!("write all of it, beginning with +{}", region.calling_code()),
        Some(first) => format!("write `{first}`"),
    };
    for reading in ambiguous.readings().skip(1) {
        hint = format!("{hint} or `{reading}`");
    }
    hint
}

fn hint_for_prefix(unfinished: Unfinished, region: Region) -> String {
    match unfinished {
        Unfinished::NotDigits | Unfinished::TooLong => "write the first digits, such as `+4179*`".to_owned(),
        Unfinished::Everything => "to refuse everyone, set what happens to callers on no list".to_owned(),
        Unfinished::OnlyDialled => {
            format!(
                "a dialling prefix alone says nothing; for the whole of {region} write `+{}*`",
                region.calling_code()
            )
        }
        Unfinished::Ambiguous([one, other]) => format!("write `+{one}*` or `+{other}*`"),
        Unfinished::Bare { digits, national: Some(national) } => {
            format!("write `+{national}*` for full numbers or `internal:{digits}*` for extensions")
        }
        Unfinished::Bare { digits, national: None } => {
            format!("write `internal:{digits}*` for extensions, and full numbers with their `+`")
        }
    }
}
