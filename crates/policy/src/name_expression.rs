//! Expressions over names: in linear time, and bounded.
//!
//! A whole deterministic automaton is made when the policy is read: a look takes one table step a
//! byte, and there is no cache that a thread would have to allocate, fill or lock.

mod needed;

use std::fmt;
use std::sync::Arc;

use regex_automata::Input;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::syntax;

use crate::printable::printable;
use crate::wildcard::{Letters, Shown};
use needed::needed_letters;

/// An expression such as `^v\d+$`; capitals do not matter.
///
/// ```
/// use ringfence_policy::NameExpression;
///
/// assert!(NameExpression::parse("^v[0-9]+$")?.is_match("V4711"));
/// assert!(NameExpression::parse("(").is_err());
/// # Ok::<(), ringfence_policy::NameExpressionError>(())
/// ```
#[derive(Clone)]
pub struct NameExpression {
    written: Box<str>,
    automaton: Arc<dense::DFA<Vec<u32>>>,
    /// What a text must have that it is found in.
    needed: Letters,
}

impl NameExpression {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, NameExpressionError> {
        if text.len() > LONGEST {
            return Err(NameExpressionError { written: text.chars().take(60).collect(), why: too_long() });
        }
        match automaton(text) {
            Ok(automaton) => {
                let needed = needed_letters(&automaton);
                Ok(Self { written: text.into(), automaton: Arc::new(automaton), needed })
            }
            Err(why) => Err(NameExpressionError { written: text.into(), why }),
        }
    }

    /// Returns whether it is found in a text, of which at most 1,024 bytes are read.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        // What is cut within a character is no UTF-8 at its end, and matches nothing there.
        let beginning = &text.as_bytes()[..text.len().min(MOST_TEXT)];
        let found = self.automaton.try_search_fwd(&Input::new(beginning).earliest(true));
        found.is_ok_and(|found| found.is_some())
    }

    /// Returns whether it is found in a text that was looked at before: most lack a letter, and are done with.
    pub(crate) fn means(&self, shown: &Shown<'_>) -> bool {
        !shown.lacks(self.needed) && self.is_match(shown.text)
    }

    /// Returns it as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

/// Longer ones are not written by people.
const LONGEST: usize = 1_024;
/// What an expression may take, in bytes: `\w+` takes a tenth of it.
const MOST_BYTES: usize = 1024 * 1024;
const DEEPEST: u32 = 64;
const MOST_TEXT: usize = 1_024;

impl fmt::Debug for NameExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NameExpression(/{}/)", self.written)
    }
}

fn too_long() -> String {
    format!("it is longer than {LONGEST} bytes")
}

fn automaton(text: &str) -> Result<dense::DFA<Vec<u32>>, String> {
    let rules = syntax::Config::new().case_insensitive(true).nest_limit(DEEPEST);
    if let Err(error) = syntax::parse_with(text, &rules) {
        return Err(told(&error));
    }
    let config = thompson::Config::new().which_captures(WhichCaptures::None).nfa_size_limit(Some(MOST_BYTES));
    let nfa = thompson::Compiler::new().syntax(rules).configure(config).build(text);
    let nfa = nfa.map_err(|error| if error.size_limit().is_some() { too_large() } else { told(&error) })?;
    let config = dense::Config::new()
        .start_kind(StartKind::Unanchored)
        .dfa_size_limit(Some(MOST_BYTES))
        .determinize_size_limit(Some(MOST_BYTES));
    let built = dense::Builder::new().configure(config).build_from_nfa(&nfa);
    // All else was found out by then.
    built.map_err(|error| if error.is_size_limit_exceeded() { too_large() } else { EDGE_OF_WORD.to_owned() })
}

/// Whether a letter beyond ASCII is one of a word takes more than a table of bytes.
const EDGE_OF_WORD: &str = r"the edge of a word is written `(?-u:\b)` here";

fn too_large() -> String {
    format!("it takes more than {MOST_BYTES} bytes")
}

/// The first lines draw the place; the last says what is wrong.
fn told(error: &impl fmt::Display) -> String {
    error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// Why a text is no expression.
///
/// ```
/// use ringfence_policy::NameExpression;
///
/// let error = NameExpression::parse("[").unwrap_err();
/// assert_eq!(error.to_string(), "`/[/` is no expression: unclosed character class");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameExpressionError {
    written: Box<str>,
    why: String,
}

impl fmt::Display for NameExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`/{}/` is no expression: {}", printable(&self.written), self.why)
    }
}

impl std::error::Error for NameExpressionError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_are_compared_without_regard_to_capitals() {
        for (expression, name, expected) in [
            ("spam|prize", "Your PRIZE waits", true),
            ("^ärzte", "ÄRZTEHAUS Nord", true),
            (r"^\w+ \w+$", "Žofie Černá", true),
            (r"(?-u:\b)bank(?-u:\b)", "My Bank calls", true),
            (r"(?-u:\b)bank(?-u:\b)", "Bankrupt", false),
            ("^$", "", true),
        ] {
            assert_eq!(
                NameExpression::parse(expression).unwrap().is_match(name),
                expected,
                "{expression} {name}"
            );
        }
    }

    #[test]
    fn a_text_that_was_looked_at_before_is_meant_as_if_it_were_not() {
        let expressions =
            ["spam|prize", "^v[0-9]+$", "a.c|abc", "(?-i:K)elvin", "^$", "x*", "(?-u:\\b)k", "a&&b[^a]"];
        let long = format!("{}prize", ".".repeat(300));
        let texts =
            ["", "v1", "V12", "w1", "a prize", "ABC", "axc", "Kelvin", "\u{212a}elvin", "a&&bc", &long];
        for expression in expressions.map(|written| NameExpression::parse(written).unwrap()) {
            for text in texts {
                assert_eq!(
                    expression.means(&Shown::new(text)),
                    expression.is_match(text),
                    "{expression:?} {text}"
                );
            }
        }
    }

    #[test]
    fn an_error_is_told_on_one_line_without_control_characters() {
        let error = NameExpression::parse("*sp\u{10}\n").unwrap_err().to_string();
        assert_eq!(error, "`/*sp··/` is no expression: repetition operator missing expression");
    }

    #[test]
    fn what_takes_too_much_memory_or_cannot_be_read_is_refused() {
        for (expression, why) in [
            ("(a|b)*a(a|b){20}", "it takes more than 1048576 bytes"),
            (r"\w{100}", "it takes more than 1048576 bytes"),
            (&"(".repeat(100), "unclosed group"),
            (r"\bbank", r"the edge of a word is written `(?-u:\b)` here"),
        ] {
            let error = NameExpression::parse(expression).unwrap_err().to_string();
            assert!(error.ends_with(why), "{error}");
        }
    }
}
