//! The command line: one definition that parses it and makes its help, completions and man pages.
//! A verb is a file.

mod allow;
mod block;
mod caller;
mod calls;
mod change;
mod check;
mod completions;
mod confirm;
mod csv;
mod demo;
mod dialed;
mod failure;
mod forget;
mod init;
mod list;
mod man;
mod output;
mod policy_file;
mod records;
mod reload;
mod remove;
mod replay;
mod run;
mod stats;
mod status;
mod switch;
mod test;
mod then;
mod was_wrong;
mod when;
mod why;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};
use ringfence_policy::Region;

pub(crate) use self::failure::tell;
use crate::config::{self, Config, Reading};
use crate::journal::Settings;

/// The call-rejecting softphone: registers with any PBX, decides each call by a policy, says why.
#[derive(Debug, Parser)]
#[command(name = "ringfence", version, arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "\
Start here:
  ringfence demo      see calls being rejected, without a PBX
  ringfence init      write a configuration, then edit it
  ringfence run       register, and screen every call

Exit status: 0 fine, 1 a negative answer, 2 an error.
The program runs on Linux and macOS.")]
pub(crate) struct Cli {
    /// The configuration file
    ///
    /// Without it the first of these that exists: ./ringfence.toml, `$XDG_CONFIG_HOME/ringfence/ringfence.toml`
    /// (or ~/.config/…), /etc/ringfence/ringfence.toml. `demo`, `completions` and `man` read none.
    #[arg(short, long, global = true, value_name = "FILE", env = "RINGFENCE_CONFIG")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::Run),
    Demo(demo::Demo),
    Check(check::Check),
    Test(test::Test),
    Block(block::Block),
    Allow(allow::Allow),
    Remove(remove::Remove),
    List(list::List),
    Status(status::Status),
    Calls(calls::Calls),
    Why(why::Why),
    Replay(replay::Replay),
    WasWrong(was_wrong::WasWrong),
    Stats(stats::Stats),
    Switch(switch::Switch),
    Dialed(dialed::Dialed),
    Forget(forget::Forget),
    Reload(reload::Reload),
    Init(init::Init),
    Completions(completions::Completions),
    Man(man::Man),
}

/// What a verb found: the difference between the exit codes 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Fine,
    Negative,
}

impl Answer {
    /// Returns `Fine` if something holds.
    fn of(is_fine: bool) -> Self {
        if is_fine { Self::Fine } else { Self::Negative }
    }
}

/// What all verbs are given.
#[derive(Debug)]
struct Context {
    config: Option<PathBuf>,
}

impl Cli {
    /// Does what the command line says.
    pub(crate) async fn run(self) -> Result<Answer> {
        let context = Context { config: self.config };
        match self.verb {
            Verb::Run(verb) => verb.run(&context).await,
            Verb::Demo(verb) => verb.run().await,
            Verb::Check(verb) => verb.run(&context),
            Verb::Test(verb) => verb.run(&context),
            Verb::Block(verb) => verb.run(&context),
            Verb::Allow(verb) => verb.run(&context),
            Verb::Remove(verb) => verb.run(&context),
            Verb::List(verb) => verb.run(&context),
            Verb::Status(verb) => verb.run(&context).await,
            Verb::Calls(verb) => verb.run(&context).await,
            Verb::Why(verb) => verb.run(&context).await,
            Verb::Replay(verb) => verb.run(&context).await,
            Verb::WasWrong(verb) => verb.run(&context).await,
            Verb::Stats(verb) => verb.run(&context).await,
            Verb::Switch(verb) => verb.run(&context).await,
            Verb::Dialed(verb) => verb.run(&context).await,
            Verb::Forget(verb) => verb.run(&context).await,
            Verb::Reload(verb) => verb.run(&context).await,
            Verb::Init(verb) => verb.run(&context),
            Verb::Completions(verb) => verb.run(),
            Verb::Man(verb) => verb.run(),
        }
    }
}

impl Context {
    /// Finds the configuration file.
    fn path(&self) -> Result<PathBuf> {
        config::find(self.config.as_deref()).map_err(|places| {
            let places: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
            let message = format!("no configuration: there is no {}", places.join(", no "));
            failure::with_hint(message, "write one with `ringfence init`, or name yours with --config FILE")
        })
    }

    /// Reads the configuration file, whatever is wrong with it.
    fn reading(&self) -> Result<Reading> {
        Ok(config::read(&self.path()?))
    }

    /// Returns where the journal is, and how it is written.
    fn journal(&self) -> Result<Settings> {
        Ok(self.reading()?.journal.unwrap_or_default())
    }

    /// Returns the region whose way of writing numbers is meant.
    fn region(&self) -> Result<Region> {
        let reading = self.reading()?;
        reading.lists.map(|lists| lists.region).ok_or_else(|| {
            anstream::eprintln!("{}\n", reading.report);
            let hint = "[defaults] region says how numbers are written: `ringfence check` tells more";
            failure::with_hint("the region of your numbers cannot be read", hint)
        })
    }

    /// Returns where the control socket of the running program may be.
    fn control_places(&self) -> Result<Vec<PathBuf>> {
        use crate::control::place;
        let path = if self.config.is_some() { Some(self.path()?) } else { self.path().ok() };
        match path.and_then(|path| config::read(&path).control) {
            Some(place) => Ok(vec![place]),
            None => Ok(place::usual_places(place::own_user()?)),
        }
    }
}

/// Returns the configuration of a reading, or tells what is wrong with it.
fn accept(reading: Reading) -> Result<Config> {
    let errors = reading.report.errors();
    if !reading.report.diagnostics().is_empty() {
        anstream::eprintln!("{}\n", reading.report);
    }
    reading.config.ok_or_else(|| {
        let file = reading.path.display();
        let s = if errors == 1 { "" } else { "s" };
        failure::with_hint(format!("{file} has {errors} error{s}"), "`ringfence check` shows them again")
    })
}
