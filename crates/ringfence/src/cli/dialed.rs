//! `ringfence dialed`

use std::io::BufRead as _;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;

use super::failure::with_hint;
use super::output::print;
use super::records::{note, told};
use super::{Answer, Context, caller, when};
use crate::control::Request;
use crate::journal::Offline;

/// Note that you called a number, for rules with `dialed_within`
///
/// Let your PBX run it for each call that goes out, or feed it the numbers of its call records.
#[derive(Debug, Args)]
pub(super) struct Dialed {
    /// Numbers as they are written where you live, or with their country codes; `-` reads them from the
    /// standard input, one a line
    #[arg(value_name = "NUMBER", required = true)]
    numbers: Vec<String>,

    /// When it was, instead of now: 2h, 2026-03-01T23:10
    #[arg(long, value_name = "WHEN")]
    at: Option<String>,
}

/// A request of so many is no longer than the control socket takes.
const AT_ONCE: usize = 50;

impl Dialed {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let now = Timestamp::now();
        let at = self.at.as_deref().map_or(Ok(now), |text| when::time("--at", text, now))?;
        let region = context.region()?;
        let mut identities = Vec::new();
        for number in self.numbers()? {
            identities.push(caller::known_by(&number, region)?);
        }
        let mut offline = None;
        for some in identities.chunks(AT_ONCE) {
            let request = Request::Dialed { identities: some.to_vec(), at };
            if note(context, &request).await?.is_some() {
                continue;
            }
            if offline.is_none() {
                offline = Offline::open(&context.journal()?).map_err(|error| told(&error))?;
            }
            let Some(journal) = &mut offline else { return Err(nowhere()) };
            for identity in some {
                journal.dialed(identity.clone(), at).map_err(|error| told(&error))?;
            }
        }
        let s = if identities.len() == 1 { "" } else { "s" };
        print(format_args!("noted {} number{s} as dialled\n", identities.len()))?;
        Ok(Answer::Fine)
    }

    fn numbers(&self) -> Result<Vec<String>> {
        if self.numbers != ["-"] {
            return Ok(self.numbers.clone());
        }
        let lines: std::io::Result<Vec<String>> = std::io::stdin().lock().lines().collect();
        Ok(lines?.into_iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
    }
}

/// Returns the failure of a note that nobody can take.
pub(super) fn nowhere() -> anyhow::Error {
    with_hint(
        "ringfence is not running, and its journal is kept in memory: there is nowhere to note it",
        "start it with `ringfence run`, or give the journal a file: [journal] path = \"…\"",
    )
}
