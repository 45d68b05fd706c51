//! Patterns: which callers an entry of a list means.

use std::fmt;

use crate::number::{self, Fault, Number, Prefix, Region, Unfinished, Unresolved, normalise};
use crate::printable::printable;

/// Which callers an entry of a list means.
///
/// | written | meaning |
/// |---|---|
/// | `+41791234567`, `079 123 45 67` | one number, by the habits of the list's region |
/// | `+4179*`, `079*` | every number that begins so |
/// | `1002`, `internal:1002`, `internal:10*`, `**6*` | internal numbers |
/// | `anonymous` | callers that withhold their number |
/// | `unavailable` | callers whose number the network does not have |
/// | `invalid` | callers with a number that no numbering plan has |
/// | `sip:alice` | callers whose address has this name for a user |
///
/// Its `Display` form means the same in every region, and is read back as the same pattern.
///
/// ```
/// use ringfence_policy::{Pattern, Region};
///
/// let us = Region::parse("US")?;
/// assert_eq!(Pattern::parse("(312) 555-0177", us)?.to_string(), "+13125550177");
/// assert_eq!(Pattern::parse("1 312*", us)?.to_string(), "+1312*");
/// assert_eq!(Pattern::parse("1002", us)?.to_string(), "internal:1002");
/// assert_eq!(
///     Pattern::parse("555-0177", us).unwrap_err().to_string(),
///     "expected one number, found `555-0177`: 5550177 lacks its area code"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// One number.
    Exact(Number),
    /// Every number that begins so.
    Prefix(Prefix),
    /// Callers that withhold their number.
    Anonymous,
    /// Callers whose number the network does not have.
    Unavailable,
    /// Callers with a number that no numbering plan has.
    Invalid,
    /// Callers whose address has this name for a user, such as `alice`.
    Name(Box<str>),
}

impl Pattern {
    /// Reads a pattern by the habits of a region.
    pub fn parse(text: &str, region: Region) -> Result<Self, PatternError> {
        let written = text.trim();
        let error = |problem| Err(PatternError::new(text, written, problem));
        if written.len() > LONGEST {
            return error(Problem::TooLong);
        }
        if let Some(keyword) = keyword(written) {
            return Ok(keyword);
        }
        if written.is_empty() {
            return error(Problem::Empty);
        }
        if written.starts_with('/') && written.len() > 1 && written.ends_with('/') {
            return error(Problem::Regex);
        }
        if written.contains("..") {
            return error(Problem::Range);
        }
        if let Some(start) = written.strip_suffix('*') {
            return match number::normalise_prefix(start, region) {
                Ok(prefix) => Ok(Pattern::Prefix(prefix)),
                Err(unfinished) => error(Problem::Prefix(unfinished, region)),
            };
        }
        match normalise(written, region) {
            // A `*` at the end is for beginnings alone, wherever parameters and separators hide it.
            Ok(Number::Internal(digits)) if digits.ends_in_star() => {
                error(Problem::Prefix(Unfinished::NotDigits, region))
            }
            Ok(number) => Ok(Pattern::Exact(number)),
            Err(Unresolved::NotANumber) => match user_name(written) {
                Some(name) => Ok(Pattern::Name(name.into())),
                None => error(Problem::Words),
            },
            Err(unresolved @ (Unresolved::Ambiguous(_) | Unresolved::Invalid(_))) => {
                error(Problem::Number(unresolved, region))
            }
        }
    }

    /// Returns what a numbering plan says against the number, if the pattern is one.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Pattern::Exact(Number::E164(number)) => number.fault(),
            Pattern::Exact(Number::Internal(_))
            | Pattern::Prefix(_)
            | Pattern::Anonymous
            | Pattern::Unavailable
            | Pattern::Invalid
            | Pattern::Name(_) => None,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Exact(Number::E164(number)) => number.fmt(f),
            Pattern::Exact(Number::Internal(digits)) => write!(f, "internal:{digits}"),
            Pattern::Prefix(prefix @ Prefix::E164(_)) => write!(f, "{prefix}*"),
            Pattern::Prefix(Prefix::Internal(digits)) => write!(f, "internal:{digits}*"),
            Pattern::Anonymous => f.write_str("anonymous"),
            Pattern::Unavailable => f.write_str("unavailable"),
            Pattern::Invalid => f.write_str("invalid"),
            Pattern::Name(name) => write!(f, "sip:{name}"),
        }
    }
}

/// Longer than any number with its separators and parameters.
const LONGEST: usize = 256;

fn keyword(text: &str) -> Option<Pattern> {
    let keywords = [
        ("anonymous", Pattern::Anonymous),
        ("withheld", Pattern::Anonymous),
        ("unavailable", Pattern::Unavailable),
        ("invalid", Pattern::Invalid),
    ];
    keywords.into_iter().find_map(|(word, pattern)| text.eq_ignore_ascii_case(word).then_some(pattern))
}

/// Reads `sip:alice`. A host would not be compared, so it must not be there.
fn user_name(text: &str) -> Option<&str> {
    let (scheme, name) = text.split_once(':')?;
    let is_sip = scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips");
    let is_user = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || "@;:*<>\"".contains(c));
    (is_sip && is_user).then_some(name)
}

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    Empty,
    TooLong,
    Regex,
    Range,
    Words,
    Number(Unresolved, Region),
    Prefix(Unfinished, Region),
}

impl PatternError {
    fn new(text: &str, written: &str, problem: Problem) -> Self {
        let before = text.len() - text.trim_start().len();
        let column = text[..before].chars().count() + 1;
        Self { found: printable(written).to_string().into(), column, problem }
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
            Problem::Empty | Problem::Words => "a number or a word such as `anonymous`",
            Problem::TooLong => "at most 256 characters",
            Problem::Regex | Problem::Range => "a number or the beginning of one",
            Problem::Number(..) => "one number",
            Problem::Prefix(..) => "the beginning of numbers before the `*`",
        }
    }

    /// Returns what to write instead, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self.problem {
            Problem::Empty | Problem::TooLong => None,
            Problem::Regex => {
                Some("expressions are not supported yet; write beginnings, such as `+4179*`".to_owned())
            }
            Problem::Range => {
                Some("ranges are not supported yet; write beginnings, such as `+4179*`".to_owned())
            }
            Problem::Words => Some(hint_for_word(&self.found)),
            Problem::Number(unresolved, region) => Some(hint_for_number(unresolved, region)),
            Problem::Prefix(unfinished, region) => Some(hint_for_prefix(unfinished, region)),
        }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found `{}`", self.expected(), self.found)?;
        match self.problem {
            Problem::Number(unresolved, _) => write!(f, ": {unresolved}"),
            Problem::Prefix(Unfinished::Ambiguous([one, other]), _) => {
                write!(f, ": it can be +{one}* or +{other}*")
            }
            Problem::Empty
            | Problem::TooLong
            | Problem::Regex
            | Problem::Range
            | Problem::Words
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
