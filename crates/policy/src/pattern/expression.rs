//! Regular expressions over numbers.

use std::fmt;

use super::automaton::{Automaton, Refused};
use crate::printable::printable;

/// A regular expression, looked for in a number spelled like `+41791234567`, or `1002`.
///
/// It is found anywhere in the number unless it begins with `^` or ends in `$`. The syntax is
/// that of the `regex` crate, with ASCII classes; spaces in it do not count. Matching takes one
/// step a digit, whatever the expression is: one that would need too much memory for that is
/// refused.
///
/// ```
/// use ringfence_policy::{Pattern, Region};
///
/// let britain = Region::parse("GB")?;
/// let Pattern::Expression(shared_cost) = Pattern::parse(r"/^\+44 84[45]/", britain)? else { return Ok(()) };
/// assert_eq!(shared_cost.as_str(), r"^\+4484[45]");
/// assert_eq!(
///     Pattern::parse("/^+44/", britain).unwrap_err().hint().as_deref(),
///     Some(r"write `\+` for the + of a number: `/^\+44/`")
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Expression {
    text: Box<str>,
    /// Of its automaton, in bytes.
    size: usize,
}

impl Expression {
    /// Reads what stands between the slashes.
    pub(super) fn parse(written: &str) -> Result<Self, NoExpression> {
        let text: String = written.chars().filter(|c| !c.is_whitespace()).collect();
        if text.is_empty() {
            return Err(NoExpression::Empty);
        }
        if let Some(place) = bare_plus(&text) {
            return Err(NoExpression::BarePlus { written: text.into(), place });
        }
        match Automaton::single(&text) {
            Ok(automaton) => Ok(Self { text: text.into(), size: automaton.size() }),
            Err(Refused::Syntax(message)) => Err(NoExpression::Syntax(message)),
            Err(Refused::TooLarge) => Err(NoExpression::TooLarge),
        }
    }

    /// Returns what stands between the slashes, without spaces.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns how many bytes it takes to look for it.
    pub(crate) fn size(&self) -> usize {
        self.size
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.text)
    }
}

/// Finds a `+` at the beginning, or after a `^`, where it repeats nothing: that of a number. A `^` behind a `[` or a `\`
/// is none: `[^+]` is all but a plus.
fn bare_plus(text: &str) -> Option<usize> {
    let is_beginning = |caret: &usize| !text[..*caret].ends_with(['[', '\\']);
    let mut carets = text.match_indices("^+").map(|(caret, _)| caret);
    if text.starts_with('+') { Some(0) } else { carets.find(is_beginning).map(|caret| caret + 1) }
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoExpression {
    Empty,
    /// The `+` of a number, which repeats what stands before it unless it is escaped.
    BarePlus {
        written: Box<str>,
        place: usize,
    },
    Syntax(Box<str>),
    TooLarge,
}

impl NoExpression {
    /// Returns the same without what was written.
    pub(super) fn without_text(self) -> Self {
        match self {
            NoExpression::BarePlus { .. } => NoExpression::BarePlus { written: "+".into(), place: 0 },
            NoExpression::Empty | NoExpression::Syntax(_) | NoExpression::TooLarge => self,
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        match self {
            NoExpression::BarePlus { written, place } => {
                let (before, after) = written.split_at(*place);
                Some(format!(
                    "write `\\+` for the + of a number: `/{}/`",
                    printable(&format!("{before}\\{after}"))
                ))
            }
            NoExpression::TooLarge => Some("repeat less in it, or write several".to_owned()),
            NoExpression::Empty | NoExpression::Syntax(_) => None,
        }
    }
}

impl fmt::Display for NoExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoExpression::Empty => f.write_str("it is empty"),
            NoExpression::BarePlus { .. } => f.write_str("the `+` has nothing to repeat"),
            NoExpression::Syntax(message) => f.write_str(message),
            NoExpression::TooLarge => f.write_str("it needs too much memory"),
        }
    }
}
