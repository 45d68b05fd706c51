//! The command line: one definition that parses it and makes its help, completions and man pages.
//! A verb is a file.

mod allow;
mod answered;
mod attempt;
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
mod doctor;
mod failure;
mod forget;
mod in_force;
mod init;
mod list;
mod man;
mod output;
mod parting;
mod policy_file;
mod precedence;
mod reach;
mod records;
mod reload;
mod remove;
mod replay;
mod run;
mod spoken;
mod stats;
mod status;
mod switch;
mod target;
mod test;
mod then;
mod turn;
mod was_wrong;
mod when;
mod why;
mod withheld;
mod wrap;

use std::cell::OnceCell;
use std::path::PathBuf;

use anyhow::Result;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use ringfence_policy::Region;
use tracing::Level;

pub(crate) use self::failure::tell;
pub(crate) use self::output::{day, span};
use crate::config::{self, Config, Lists, Reading};
use crate::control::client::Program;
use crate::journal::Settings;
use crate::log;
use crate::supply::Supply;

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
    #[command(flatten)]
    Other(Other),
}

/// What is done without being confined.
#[derive(Debug, Subcommand)]
enum Other {
    Demo(demo::Demo),
    Check(check::Check),
    Test(test::Test),
    Block(block::Block),
    Allow(allow::Allow),
    Remove(remove::Remove),
    List(list::List),
    Status(status::Status),
    Doctor(doctor::Doctor),
    Calls(calls::Calls),
    Why(why::Why),
    Replay(replay::Replay),
    WasWrong(was_wrong::WasWrong),
    Stats(stats::Stats),
    Switch(switch::Switch),
    Dialed(dialed::Dialed),
    Answered(answered::Answered),
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
    found: OnceCell<Found>,
}

/// What a configuration says of the program itself.
#[derive(Debug, Default)]
struct Found {
    path: Option<PathBuf>,
    control: Option<PathBuf>,
    journal: Option<Settings>,
    region: Option<Region>,
    /// The file, if it cannot be told what it says of the rest.
    spoilt: Option<PathBuf>,
}

/// Reads the command line; what is wrong with it is told, and ends the program.
pub(crate) fn parse() -> Cli {
    let command = Cli::command();
    let mut command = match wrap::width_of_help() {
        Some(width) => command.term_width(width),
        None => command,
    };
    let matches = command.try_get_matches_from_mut(std::env::args_os());
    let read = matches.and_then(|mut matches| Cli::from_arg_matches_mut(&mut matches));
    read.unwrap_or_else(|error| {
        let error = error.format(&mut command);
        if error.use_stderr() && log::journal_takes_it() {
            log::say(Level::ERROR, &error.to_string());
            std::process::exit(error.exit_code());
        }
        error.exit()
    })
}

/// A verb that can be done.
#[derive(Debug)]
pub(crate) struct Ready(Work);

#[derive(Debug)]
enum Work {
    Run(Box<run::Prepared>),
    Other(Box<Other>, Context),
}

impl Cli {
    /// Does what must be done while there are no further threads: the program that is to run confines itself.
    pub(crate) fn prepare(self) -> Result<Ready> {
        let context = Context { config: self.config, found: OnceCell::new() };
        Ok(Ready(match self.verb {
            Verb::Run(verb) => Work::Run(Box::new(verb.prepare(&context)?)),
            Verb::Other(verb) => Work::Other(Box::new(verb), context),
        }))
    }
}

impl Ready {
    /// Does what the command line says.
    pub(crate) async fn run(self) -> Result<Answer> {
        match self.0 {
            Work::Run(prepared) => prepared.run().await,
            Work::Other(verb, context) => verb.run(&context).await,
        }
    }
}

impl Other {
    async fn run(self, context: &Context) -> Result<Answer> {
        match self {
            Self::Demo(verb) => verb.run().await,
            Self::Check(verb) => verb.run(context),
            Self::Test(verb) => verb.run(context),
            Self::Block(verb) => verb.run(context).await,
            Self::Allow(verb) => verb.run(context).await,
            Self::Remove(verb) => verb.run(context).await,
            Self::List(verb) => verb.run(context).await,
            Self::Status(verb) => verb.run(context).await,
            Self::Doctor(verb) => verb.run(context).await,
            Self::Calls(verb) => verb.run(context).await,
            Self::Why(verb) => verb.run(context).await,
            Self::Replay(verb) => verb.run(context).await,
            Self::WasWrong(verb) => verb.run(context).await,
            Self::Stats(verb) => verb.run(context).await,
            Self::Switch(verb) => verb.run(context).await,
            Self::Dialed(verb) => verb.run(context).await,
            Self::Answered(verb) => verb.run(context).await,
            Self::Forget(verb) => verb.run(context).await,
            Self::Reload(verb) => verb.run(context).await,
            Self::Init(verb) => verb.run(context),
            Self::Completions(verb) => verb.run(),
            Self::Man(verb) => verb.run(),
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
        let reading = config::read(&self.path()?);
        self.note(&reading);
        Ok(reading)
    }

    /// Notes what was found.
    fn note(&self, reading: &Reading) {
        // What was found before is as good.
        let _ = self.found.set(Found::of(reading));
    }

    /// Returns the configuration as the program has it in force: with what was last fetched of its lists.
    /// Nobody is contacted.
    async fn config(&self) -> Result<Config> {
        in_force_of(self.reading()?).await
    }

    /// Returns what the configuration says of the program itself. It is read once, for its lists may be long;
    /// without one nothing is said.
    fn found(&self) -> Result<&Found> {
        if let Some(found) = self.found.get() {
            return Ok(found);
        }
        let path = if self.config.is_some() { Some(self.path()?) } else { self.path().ok() };
        Ok(self.found.get_or_init(|| path.map(|path| Found::of(&config::read(&path))).unwrap_or_default()))
    }

    /// Returns where the journal is, and how it is written.
    fn journal(&self) -> Result<Settings> {
        let found = self.found()?;
        match (&found.journal, &found.spoilt) {
            (Some(journal), _) => Ok(journal.clone()),
            // Another journal than the program's must not be taken for it.
            (None, Some(path)) => {
                let message = format!("where the journal is cannot be read in {}", path.display());
                Err(failure::with_hint(message, "`ringfence check` tells why"))
            }
            (None, None) => Ok(Settings::default()),
        }
    }

    /// Returns the region whose way of writing numbers is meant.
    fn region(&self) -> Result<Region> {
        let path = self.path()?;
        self.found()?.region.ok_or_else(|| {
            let message = format!("the region of your numbers cannot be read in {}", path.display());
            failure::with_hint(
                message,
                "[defaults] region says how they are written: `ringfence check` tells more",
            )
        })
    }

    /// Returns the running program that is meant.
    fn program(&self) -> Result<Program> {
        Ok(Program { places: self.control_places()?, configuration: self.found()?.path.clone() })
    }

    /// Returns where the control socket of the running program may be.
    fn control_places(&self) -> Result<Vec<PathBuf>> {
        use crate::control::place;
        use crate::user::own_user;
        let found = self.found()?;
        if let Some(place) = &found.control {
            return Ok(vec![place.clone()]);
        }
        if let Some(path) = &found.spoilt {
            let hint = "cannot be read, and may say that the program is asked elsewhere: ringfence check";
            failure::hint(&format!("{} {hint}", path.display()));
        }
        Ok(place::usual_places(own_user()?))
    }
}

impl Found {
    fn of(reading: &Reading) -> Self {
        Self {
            path: Some(reading.path.clone()),
            control: reading.control.clone(),
            journal: reading.journal.clone(),
            region: reading.lists.as_ref().map(|lists| lists.region),
            spoilt: reading.journal.is_none().then(|| reading.path.clone()),
        }
    }
}

/// Returns the configuration of a reading as the program has it in force, or tells what is wrong with it.
async fn in_force_of(reading: Reading) -> Result<Config> {
    let mut config = accept(reading)?;
    if !config.remote.is_empty() {
        // A program that is asked is started when there is one to ask.
        let look_ups = std::mem::take(&mut config.look_ups);
        Supply::default().open(&mut config).await;
        config.look_ups = look_ups;
    }
    Ok(config)
}

/// Returns the lists of a reading, or tells why they cannot be read.
fn lists_of(reading: Reading) -> Result<Lists> {
    let Some(lists) = reading.lists else {
        anstream::eprintln!("{}\n", reading.report);
        let message = format!("the lists of {} cannot be read", reading.path.display());
        return Err(failure::with_hint(message, "mend what is told above, then try again"));
    };
    Ok(lists)
}

/// Returns the configuration of a reading, or tells what is wrong with it.
fn accept(reading: Reading) -> Result<Config> {
    let errors = reading.report.errors();
    if !reading.report.diagnostics().is_empty() {
        let level = if errors > 0 { Level::ERROR } else { Level::WARN };
        log::say(level, &format!("{}\n", reading.report));
    }
    reading.config.ok_or_else(|| {
        let file = reading.path.display();
        let s = if errors == 1 { "" } else { "s" };
        failure::with_hint(format!("{file} has {errors} error{s}"), "`ringfence check` shows them again")
    })
}
