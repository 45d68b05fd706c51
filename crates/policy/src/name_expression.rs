//! Expressions over names: in linear time, and bounded.

use std::fmt;

use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::util::syntax;

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
    regex: Regex,
}

impl NameExpression {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, NameExpressionError> {
        if text.len() > LONGEST {
            return Err(NameExpressionError { written: text.chars().take(60).collect(), why: too_long() });
        }
        let config = Config::new().nfa_size_limit(Some(MOST_BYTES)).hybrid_cache_capacity(MOST_BYTES);
        let syntax = syntax::Config::new().case_insensitive(true).nest_limit(DEEPEST);
        let built = Regex::builder().configure(config).syntax(syntax).build(text);
        match built {
            Ok(regex) => Ok(Self { written: text.into(), regex }),
            Err(error) => Err(NameExpressionError { written: text.into(), why: told(&error) }),
        }
    }

    /// Returns whether it is found in a text, of which at most 1,024 bytes are read.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        let end = (0..=text.len().min(MOST_TEXT)).rev().find(|end| text.is_char_boundary(*end));
        self.regex.is_match(&text[..end.unwrap_or(0)])
    }

    /// Returns it as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

/// Longer ones are not written by people.
const LONGEST: usize = 1_024;
/// What an expression may take, in bytes.
const MOST_BYTES: usize = 256 * 1024;
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

fn told(error: &BuildError) -> String {
    if let Some(limit) = error.size_limit() {
        return format!("it takes more than {limit} bytes");
    }
    match error.syntax_error() {
        // The first lines draw the place; the last says what is wrong.
        Some(error) => {
            error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        }
        None => error.to_string(),
    }
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
        write!(f, "`/{}/` is no expression: {}", self.written, self.why)
    }
}

impl std::error::Error for NameExpressionError {}
