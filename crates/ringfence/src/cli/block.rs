//! `ringfence block`

use anyhow::Result;
use clap::Args;

use super::change::{Number, shown, told};
use super::failure::hint;
use super::output::print;
use super::{Answer, Context};

/// Put a number on the reject list
///
/// If the list has files, the entry is appended to the first of them, with the day as a comment; else
/// to `entries` of [list.reject] in the configuration, whose comments stay as they are. A running
/// ringfence takes it up by itself.
#[derive(Debug, Args)]
pub(super) struct Block {
    #[command(flatten)]
    number: Number,

    /// Why, written beside the entry
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
}

impl Block {
    pub(super) fn run(self, context: &Context) -> Result<Answer> {
        let change = self.number.change(context)?;
        let (reject, allow) = (change.lists.reject(), change.lists.allow());
        if let Some(entry) = change.covering(allow) {
            let allowed = told(allow, entry);
            anstream::eprintln!(
                "{} is not blocked: the allow list has {allowed}, and allowed wins",
                change.pattern
            );
            hint(&format!("take it off that list first: ringfence remove '{}'", entry.written()));
            return Ok(Answer::Negative);
        }
        if let Some(entry) = change.covering(reject) {
            print(format_args!("{} is blocked already: {}\n", change.pattern, told(reject, entry)))?;
            return Ok(Answer::Fine);
        }
        if change.is_emergency() {
            anstream::eprintln!("{} is an emergency number and cannot be blocked", change.pattern);
            return Ok(Answer::Negative);
        }
        let file = change.add(reject, "blocked", self.comment.as_deref())?;
        print(format_args!("blocked {} in {}\n", change.pattern, shown(&file)))?;
        Ok(Answer::Fine)
    }
}
