//! The turn to change the lists, as a person waits for it and gives it away.

use std::path::Path;

use anyhow::Result;

use super::Context;
use super::change::shown;
use super::confirm::confirm;
use super::failure::{hint, with_hint};
use crate::config::Reading;
use crate::config::edit::Turn;
use crate::style::{CAUTION, paint};

/// Waits for the turn to change the lists, and reads the configuration file, whatever is wrong with it.
pub(super) fn take(context: &Context) -> Result<(Turn, Reading)> {
    let (turn, reading) = Turn::take(&context.path()?, waits)?;
    context.note(&reading);
    Ok((turn, reading))
}

/// Asks a question, unless `--yes` has answered it, while others may have their turn. A yes is none to what they have changed
/// meanwhile.
pub(super) fn asked(turn: &mut Turn, question: &str, yes: bool) -> Result<bool> {
    if yes {
        return Ok(true);
    }
    turn.give_away();
    if !confirm(question, false)? {
        return Ok(false);
    }
    if turn.take_again()? {
        return Ok(true);
    }
    Err(with_hint(
        "the lists have changed since that was asked: nothing was done",
        "do it again, to see them as they are now",
    ))
}

/// Says who is waited for.
fn waits(file: &Path, process: Option<u32>) {
    let who = process.map_or_else(|| "another program".to_owned(), |process| format!("process {process}"));
    let (waiting, file) = (paint(CAUTION, "waiting:"), shown(file));
    anstream::eprintln!("{waiting} {who} is changing {file}");
    hint("this goes on when that is done; interrupted, it has changed nothing");
}
