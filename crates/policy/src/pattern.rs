//! Patterns: which callers an entry of a list means.

mod automaton;
mod error;
mod expression;
mod name;

use std::fmt;

pub(crate) use automaton::{Automaton, TooLarge};
pub use error::PatternError;
pub use expression::Expression;

use crate::caller::{name_in, names_nobody};
use crate::number::{self, Fault, Number, NumberRange, Prefix, Region, Unfinished, Unresolved, normalise};
use error::Problem;

/// Which callers an entry of a list means.
///
/// | written | meaning |
/// |---|---|
/// | `+41791234567`, `079 123 45 67` | one number, by the habits of the list's region |
/// | `+4179*`, `079*` | every number that begins so |
/// | `+41442551111..+41442559999` | every number of this length, from the first to the last |
/// | `/^\+4484[45]/` | every number, spelled like `+41791234567` or `1002`, in which the expression is found |
/// | `1002`, `internal:1002`, `internal:10*`, `**6*` | internal numbers |
/// | `anonymous` | callers that withhold their number |
/// | `unavailable` | callers whose number the network does not have |
/// | `invalid` | callers with a number that no numbering plan has |
/// | `sip:alice`, `sip:alice%20smith` | callers whose address has this name for a user; escapes are read |
///
/// Its `Display` form means the same in every region, and is read back as the same pattern: save an emergency number
/// behind the calling code, such as `+49112`, which is 112 where that is the region's own.
///
/// ```
/// use ringfence_policy::{Pattern, Region};
///
/// let us = Region::parse("US")?;
/// assert_eq!(Pattern::parse("(312) 555-0177", us)?.to_string(), "+13125550177");
/// assert_eq!(Pattern::parse("1 312*", us)?.to_string(), "+1312*");
/// assert_eq!(Pattern::parse("1002", us)?.to_string(), "internal:1002");
/// assert_eq!(Pattern::parse("312 555 0100..312 555 0199", us)?.to_string(), "+13125550100..+13125550199");
/// assert_eq!(Pattern::parse("/0{4} $/", us)?.to_string(), "/0{4}$/");
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
    /// Every number from a first to a last.
    Range(NumberRange),
    /// Every number in which an expression is found.
    Expression(Expression),
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
        if let Some(inner) = written.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
            return match Expression::parse(inner) {
                Ok(expression) => Ok(Pattern::Expression(expression)),
                Err(problem) => error(Problem::Expression(problem)),
            };
        }
        if let Some((first, last)) = written.contains('.').then(|| written.split_once("..")).flatten() {
            return match range(first, last, region) {
                Ok(range) => Ok(Pattern::Range(range)),
                Err(problem) => error(problem),
            };
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
            // A caller's name is compared without parameters and space around it, and one that says nobody is no name.
            Err(Unresolved::NotANumber) => match name::read(written).as_deref().map(name_in) {
                Some(name) if !names_nobody(name) => {
                    let pattern = Pattern::Name(name.into());
                    // With its escapes a name is longer than without, and what is written of it is to be read again.
                    if pattern.to_string().len() > LONGEST { error(Problem::TooLong) } else { Ok(pattern) }
                }
                Some(_) | None => error(Problem::Words),
            },
            Err(unresolved @ (Unresolved::Ambiguous(_) | Unresolved::Invalid(_))) => {
                error(Problem::Number(unresolved, region))
            }
        }
    }

    /// Returns what a numbering plan says against the number, if the pattern is one.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        let fault = |number| match number {
            Number::E164(number) => number.fault(),
            Number::Internal(_) => None,
        };
        match self {
            Pattern::Exact(number) => fault(*number),
            Pattern::Range(range) => fault(range.first()).or_else(|| fault(range.last())),
            Pattern::Prefix(_)
            | Pattern::Expression(_)
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
            Pattern::Range(range) => range.fmt(f),
            Pattern::Expression(expression) => expression.fmt(f),
            Pattern::Anonymous => f.write_str("anonymous"),
            Pattern::Unavailable => f.write_str("unavailable"),
            Pattern::Invalid => f.write_str("invalid"),
            Pattern::Name(name) => name::write(name, f),
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

fn range(first: &str, last: &str, region: Region) -> Result<NumberRange, Problem> {
    let end = |text: &str| normalise(text, region).map_err(|unresolved| Problem::End(unresolved, region));
    let (first, last) = (end(first)?, end(last)?);
    NumberRange::new(first, last).map_err(|problem| Problem::Range(problem, first, last))
}
