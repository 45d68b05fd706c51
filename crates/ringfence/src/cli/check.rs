//! `ringfence check`

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use ringfence_policy::{Diagnostic, ListSource, ListSpec, Set};
use serde::Serialize;

use super::failure::with_hint;
use super::output::{print, print_json};
use super::{Answer, Context};
use crate::config::{Config, Report, Told, beside, findings};
use crate::confine::wrong_user;
use crate::mapped::Contents;
use crate::runnable::{self, Refusal};
use crate::sources;
use crate::style::{BAD, GOOD, paint};
use crate::user::own_user;

/// Validate the configuration and the lists
///
/// Every error and warning is told with its file, line and column, what was expected, what came, and
/// a hint; also lines that `ringfence run` does not start, and lists that nobody renews. Exits 1 if there is an error, 2 if there is no file to be read.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Outcome<'a> {
    file: &'a std::path::Path,
    ok: bool,
    errors: usize,
    warnings: usize,
    diagnostics: Vec<Told<'a>>,
}

impl Check {
    pub(super) fn run(self, context: &Context) -> Result<Answer> {
        let path = context.path()?;
        let mut reading = crate::config::read(&path);
        if let Some(config) = &reading.config {
            findings::add(config, &mut reading.report);
            add_of_machine(config, &mut reading.report)?;
        }
        let report = &reading.report;
        if self.json {
            let ok = report.errors() == 0;
            let (errors, warnings) = (report.errors(), report.warnings());
            let diagnostics = report.diagnostics().iter().map(Told).collect();
            print_json(&Outcome { file: &path, ok, errors, warnings, diagnostics })?;
            return if reading.was_read { Ok(Answer::of(ok)) } else { Err(unreadable(report)) };
        }
        if !reading.was_read {
            return Err(unreadable(report));
        }
        if !report.diagnostics().is_empty() {
            anstream::eprintln!("{report}\n");
        }
        let is_usable = report.errors() == 0;
        if let (true, Some(config)) = (is_usable, &reading.config) {
            print(summary(config, report))?;
        } else {
            anstream::eprintln!("{} {}", paint(BAD, "not usable:"), counted(report.errors(), "error"));
        }
        Ok(Answer::of(is_usable))
    }
}

/// Adds what would be found out when the program ran here and now: lines that it would not start, a user that is not there,
/// rows of lists that nobody renews, servers that nothing vouches for, and settings of lists that cannot be what they say.
fn add_of_machine(config: &Config, report: &mut Report) -> Result<()> {
    let now = Timestamp::now();
    for (line, refusal) in runnable::refused(config, now) {
        let message = format!("`ringfence run` does not start the line `{line}`: it {refusal}");
        report.push(Diagnostic::warning(message).hint(Refusal::HINT));
    }
    if let Some(wrong) = wrong_user(config) {
        report.push(
            Diagnostic::warning(format!("`ringfence run` does not start here: {wrong}")).hint(wrong.hint),
        );
    }
    add_damaged(config, report)?;
    let unreadable = sources::unreadable_authorities(&config.draft);
    for warning in sources::too_old(&config.draft, &sources::kept_copies(), own_user()?, now)
        .into_iter()
        .chain(unreadable)
        .chain(sources::settings_amiss(&config.draft))
    {
        report.push(warning);
    }
    report.sort();
    Ok(())
}

/// Adds the compiled lists that are not what was written, which only reading all of them shows.
fn add_damaged(config: &Config, report: &mut Report) -> Result<()> {
    let user = own_user()?;
    for source in config.draft.lists().flat_map(ListSpec::sources) {
        let ListSource::Set { path } = &source.source else { continue };
        let path = beside(Path::new(&source.file), path);
        // One that cannot be opened was told when the lists were read.
        let Ok(contents) = Contents::open(&path, user) else { continue };
        let Err(error) = Set::open(Arc::new(contents)).and_then(|set| set.verify()) else { continue };
        let message = format!("cannot use the list {}: {error}", path.display());
        let mut diagnostic = Diagnostic::error(message).hint(error.hint());
        diagnostic.place = config.draft.place_of(source);
        report.push(diagnostic);
    }
    Ok(())
}

fn unreadable(report: &Report) -> anyhow::Error {
    let hint = report.diagnostics().iter().find_map(|diagnostic| diagnostic.hint.clone());
    with_hint(report.summary(), hint.unwrap_or_else(|| "name another with --config FILE".to_owned()))
}

fn summary(config: &Config, report: &Report) -> String {
    let warnings = match report.warnings() {
        0 => String::new(),
        warnings => format!(", {}", counted(warnings, "warning")),
    };
    format!(
        "{} {}: {}, {}, {}{warnings}\n",
        paint(GOOD, "ok:"),
        config.path.display(),
        counted(config.accounts.len(), "line"),
        counted(config.policy.rules().len(), "rule"),
        match config.lists.each().iter().map(|list| list.list.len()).sum::<usize>() {
            1 => "1 entry".to_owned(),
            entries => format!("{entries} entries"),
        },
    )
}

fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
