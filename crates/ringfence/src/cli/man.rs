//! `ringfence man`

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;

use super::output::print;
use super::{Answer, Cli};

/// Write the man pages, one a verb, into a directory
///
/// Without a directory the page of the program itself is printed.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// The directory, which is made if it is missing
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(self) -> Result<Answer> {
        // A page of `help` for each verb would say what the verb's own page says.
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        let Some(directory) = self.directory else {
            let mut text = Vec::new();
            Page::new(command).render(&mut text)?;
            print(String::from_utf8(text)?)?;
            return Ok(Answer::Fine);
        };
        let why = || format!("cannot write the man pages to {}", directory.display());
        fs::create_dir_all(&directory).with_context(why)?;
        clap_mangen::generate_to(command, &directory).with_context(why)?;
        Ok(Answer::Fine)
    }
}
