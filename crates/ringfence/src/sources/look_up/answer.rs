//! What a source says of a caller.

use std::sync::Arc;

use serde::Deserialize;

use crate::sources::error::SourceError;
use crate::visible::{cut, visible};

/// What a source says of a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// How many complaints there are, or how bad it is; 0 when nothing is known.
    pub(crate) score: u32,
    pub(crate) is_listed: bool,
    /// Whose number it is, fit to be shown.
    pub(crate) name: Option<Arc<str>>,
}

impl Answer {
    /// What is said of a caller of whom nothing is known.
    pub(crate) const NOTHING: Answer = Answer { score: 0, is_listed: false, name: None };
}

/// An answer as services and programs write it.
#[derive(Debug, Deserialize)]
pub(crate) struct Written {
    score: Option<u32>,
    listed: Option<bool>,
    name: Option<String>,
}

impl Written {
    /// Makes an answer; one of score and listed must be there.
    pub(crate) fn read(self) -> Result<Answer, SourceError> {
        let is_listed = match (self.listed, self.score) {
            (Some(listed), _) => listed,
            (None, Some(score)) => score > 0,
            (None, None) => {
                return Err(SourceError::Garbage {
                    why: "expected `score` or `listed`, found neither".to_owned(),
                });
            }
        };
        let score = self.score.unwrap_or(u32::from(is_listed));
        let name = self.name.map(|name| cut(&visible(name.trim()), LONGEST_NAME));
        Ok(Answer { score, is_listed, name: name.filter(|name| !name.is_empty()).map(Into::into) })
    }
}

/// A name, not a text.
const LONGEST_NAME: usize = 100;
