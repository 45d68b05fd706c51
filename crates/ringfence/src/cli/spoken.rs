//! What `ringfence dialed` and `ringfence answered` share: numbers we spoke with, and when.

use std::io::BufRead as _;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use ringfence_policy::Region;

use super::failure::with_hint;
use super::output::print;
use super::records::{Noted, is_kept, note, told};
use super::{Answer, Context, caller, when};
use crate::control::Request;
use crate::style::{BAD, paint};

/// The numbers, and when it was.
#[derive(Debug, Args)]
pub(super) struct Spoken {
    /// Numbers as they are written where you live, or with their country codes; `-` reads them from the
    /// standard input, one a line: a row that is no number is told and left out, and the exit code is then 1
    #[arg(value_name = "NUMBER", required = true)]
    numbers: Vec<String>,

    /// When it was, instead of now: 2h, 2026-03-01T23:10
    #[arg(long, value_name = "WHEN")]
    at: Option<String>,
}

/// How we spoke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Dialed,
    Answered,
}

/// Of the rows that are no number, so many are told.
const MOST_TOLD: u64 = 10;
/// A request of so many is no longer than the control socket takes.
const AT_ONCE: usize = 50;

impl Spoken {
    pub(super) async fn note(self, context: &Context, how: How) -> Result<Answer> {
        let now = Timestamp::now();
        let at = self.at.as_deref().map_or(Ok(now), |text| when::time("--at", text, now))?;
        if at > now {
            let message = format!("expected a time that was, found {at}, which is to come");
            return Err(with_hint(message, "how long ago (2h), or when (2026-03-01T23:10)"));
        }
        let region = context.region()?;
        let (identities, left_out) = self.identities(region)?;
        let (mut offline, mut is_told) = (None, false);
        for some in identities.chunks(AT_ONCE) {
            if offline.is_none() {
                // Who has the file once goes on with it: a program that starts meanwhile waits for that.
                match note(context, &how.request(some.to_vec(), at)).await? {
                    Noted::Running(_) => is_told = true,
                    Noted::File(journal) => offline = Some(journal),
                    Noted::Nowhere => return Err(nowhere()),
                }
            }
            let Some(journal) = &mut offline else { continue };
            for identity in some {
                let noted = match how {
                    How::Dialed => journal.dialed(identity.clone(), at),
                    How::Answered => journal.answered(identity.clone(), at),
                };
                noted.map_err(|error| told(&error))?;
            }
        }
        let s = if identities.len() == 1 { "" } else { "s" };
        let rest = if left_out == 0 { String::new() } else { format!(", left out {left_out}") };
        print(format_args!("noted {} number{s} as {}{rest}\n", identities.len(), how.as_str()))?;
        let kept = !is_told || is_kept(context).await;
        Ok(Answer::of(left_out == 0 && kept))
    }

    /// Returns the numbers, and how many rows of the standard input are none.
    fn identities(&self, region: Region) -> Result<(Vec<String>, u64)> {
        if self.numbers != ["-"] {
            caller::refuse_taken_apart(&self.numbers, region)?;
            // One that is none is told before anything is noted.
            let known = |number: &String| caller::number_known_by(number, region);
            return Ok((self.numbers.iter().map(known).collect::<Result<_>>()?, 0));
        }
        let (mut identities, mut left_out) = (Vec::new(), 0);
        for (line, written) in (1_u64..).zip(std::io::stdin().lock().split(b'\n')) {
            let written = written?;
            let written = String::from_utf8_lossy(&written);
            match caller::number_known_by(written.trim(), region) {
                _ if written.trim().is_empty() => {}
                Ok(identity) => identities.push(identity),
                Err(error) => {
                    left_out += 1;
                    if left_out <= MOST_TOLD {
                        anstream::eprintln!("{} line {line}: {error}", paint(BAD, "left out:"));
                    }
                }
            }
        }
        if left_out > MOST_TOLD {
            anstream::eprintln!("{} {} more", paint(BAD, "left out:"), left_out - MOST_TOLD);
        }
        Ok((identities, left_out))
    }
}

impl How {
    fn request(self, identities: Vec<String>, at: Timestamp) -> Request {
        match self {
            Self::Dialed => Request::Dialed { identities, at },
            Self::Answered => Request::Answered { identities, at },
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Dialed => "dialled",
            Self::Answered => "answered",
        }
    }
}

/// Returns the failure of a note that nobody can take.
pub(super) fn nowhere() -> anyhow::Error {
    with_hint(
        "ringfence is not running, and its journal is kept in memory: there is nowhere to note it",
        "start it with `ringfence run`, or give the journal a file: [journal] path = \"…\"",
    )
}
