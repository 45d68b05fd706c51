//! A change of the lists that stays only if the configuration can be read with it: one that breaks a test of the
//! policy is taken back, for no program would take it up.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::Result;
use ringfence_policy::{Diagnostic, Severity};

use super::failure::hint;
use crate::config::edit::{self, EditError};
use crate::config::{self, Reading, Told};
use crate::style::{BAD, paint};

/// The files of a configuration as they were before a change.
#[derive(Debug)]
pub(super) struct Attempt {
    config: PathBuf,
    before: Vec<(PathBuf, io::Result<String>)>,
    /// Whether the configuration had errors before: then nothing can be said of the change.
    had_errors: bool,
}

impl Attempt {
    /// Prepares to change some lists of a configuration.
    pub(super) fn new<'a>(
        config: &Path,
        lists: impl IntoIterator<Item = &'a config::Loaded>,
        had_errors: bool,
    ) -> Self {
        let files: BTreeSet<PathBuf> = lists.into_iter().flat_map(config::Loaded::written_in).collect();
        let files = files.into_iter().chain([config.to_owned()]);
        let before = files.map(|file| (fs::read_to_string(&file), file)).map(|(text, file)| (file, text));
        Self { config: config.to_owned(), before: before.collect(), had_errors }
    }

    /// Makes a change, and returns what came of it with the configuration as it is then. One with which the
    /// configuration has errors is told and taken back: nothing comes of it.
    pub(super) fn make<T>(self, change: impl FnOnce() -> Result<T>) -> Result<Option<(T, Reading)>> {
        let made = match change() {
            Ok(made) => made,
            Err(error) => {
                self.undo()?;
                return Err(error);
            }
        };
        let reading = config::read(&self.config);
        if reading.config.is_some() || self.had_errors {
            return Ok(Some((made, reading)));
        }
        self.undo()?;
        for wrong in reading.report.diagnostics().iter().filter(|wrong| wrong.severity == Severity::Error) {
            // Its hint would be about a file that is as it was.
            anstream::eprintln!("{}\n", Told(&Diagnostic { hint: None, ..wrong.clone() }));
        }
        let message = "the configuration would have errors with that change: it is as it was";
        anstream::eprintln!("{} {message}", paint(BAD, "not changed:"));
        hint("a test of the policy may expect what is so now: mend it first");
        Ok(None)
    }

    fn undo(&self) -> Result<(), EditError> {
        for (file, before) in &self.before {
            match before {
                Ok(before) if fs::read_to_string(file).is_ok_and(|now| now == *before) => {}
                Ok(before) => edit::replace(file, before)?,
                Err(error) if error.kind() == ErrorKind::NotFound && file.exists() => {
                    // It was made by the change.
                    let _ = fs::remove_file(file);
                }
                // What cannot be read was not changed.
                Err(_) => {}
            }
        }
        Ok(())
    }
}
