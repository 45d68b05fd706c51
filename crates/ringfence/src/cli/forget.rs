//! `ringfence forget`

use anyhow::Result;
use clap::Args;

use super::confirm::confirm;
use super::failure::hint;
use super::output::{print, print_json};
use super::records::{Noted, note_where_known, told};
use super::{Answer, Context, caller};
use crate::control::{Request, Response};
use crate::journal::Forgotten;

/// Remove every trace of a caller from the journal
///
/// Their calls, what the rules remember of them, the entries that name them in lists for a time, and what look-ups
/// answered about them; the bytes are overwritten. Lists that you wrote stay: `ringfence remove` takes a number off them. Exits 1
/// if nothing was known.
#[derive(Debug, Args)]
pub(super) struct Forget {
    /// A number as it is written where you live, or with its country code; or a name
    #[arg(value_name = "NUMBER", allow_hyphen_values = true)]
    number: String,

    /// Do not ask
    #[arg(short, long)]
    yes: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Forget {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let region = context.region()?;
        let identity = caller::known_by(&self.number, region)?;
        if !confirm(
            &format!("Remove all calls of {}, and all that is remembered of them?", caller::told(&identity)),
            self.yes,
        )? {
            return Ok(Answer::Negative);
        }
        let request = Request::Forget { identity: identity.clone(), region: region.to_string() };
        let (forgotten, left) = match note_where_known(context, &request).await? {
            Noted::Running(Response::Forgotten(forgotten)) => {
                (forgotten, "the running program does it when that is over")
            }
            Noted::Running(other) => anyhow::bail!("expected what was forgotten, got {other:?}"),
            Noted::File(mut journal) => (
                journal.forget(&identity, region).map_err(|error| told(&error))?,
                "run it again when that is over, also where it then knows nothing",
            ),
            Noted::Nowhere => (Forgotten { is_compacted: true, ..Forgotten::default() }, ""),
        };
        if self.json {
            print_json(&forgotten)?;
        } else {
            print(rendered(&identity, forgotten))?;
        }
        if !forgotten.is_compacted {
            hint(&format!(
                "bytes are to be overwritten yet, for the disk has no room for a copy, or somebody reads the journal: {left}"
            ));
        }
        Ok(Answer::of(!forgotten.is_nothing()))
    }
}

fn rendered(identity: &str, forgotten: Forgotten) -> String {
    let Forgotten { calls, remembered, .. } = forgotten;
    let identity = caller::told(identity);
    let s = |count: usize| if count == 1 { "" } else { "s" };
    if forgotten.is_nothing() {
        return format!("nothing was known of {identity}\n");
    }
    format!("forgot {identity}: {calls} call{}, {remembered} note{}\n", s(calls), s(remembered))
}
