//! `ringfence list check`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::super::failure::with_hint;
use super::super::output::{day, print};
use super::super::{Answer, Context};
use super::compiled::{counted, grouped, opened};
use crate::mapped::Contents;
use crate::style::{GOOD, paint};
use crate::user::own_user;
use crate::visible::visible;

/// Read compiled lists from end to end, and see that they are what was written
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Compiled lists
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

impl Check {
    pub(super) fn run(self, _context: &Context) -> Result<Answer> {
        let user = own_user()?;
        for path in &self.files {
            let contents = Contents::open(path, user).map_err(|error| {
                with_hint(format!("cannot read {}: {error}", path.display()), "name a compiled list")
            })?;
            let set = opened(contents, path)?;
            print(format_args!(
                "{}: {}, `{}` of {}: {}, {} kept as text\n",
                path.display(),
                paint(GOOD, "as it was written"),
                visible(set.name()),
                day(set.made()),
                counted(set.len() as u64, "number"),
                grouped(set.others().lines().count() as u64),
            ))?;
        }
        Ok(Answer::Fine)
    }
}
