//! `ringfence completions`

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::output::print;
use super::{Answer, Cli};

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(
    after_help = "For example: ringfence completions bash > ~/.local/share/bash-completion/completions/ringfence"
)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<Answer> {
        let mut text = Vec::new();
        generate(self.shell, &mut Cli::command(), "ringfence", &mut text);
        print(String::from_utf8(text)?)?;
        Ok(Answer::Fine)
    }
}
