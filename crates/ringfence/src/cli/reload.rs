//! `ringfence reload`

use anyhow::Result;
use clap::Args;

use super::failure::{hint, with_hint};
use super::output::print;
use super::status::explain;
use super::{Answer, Context};
use crate::control::client::{self, AskError};
use crate::page::Page;
use crate::style::{BAD, CAUTION, GOOD, paint};

/// Make the running program read its configuration and lists again
///
/// It does so by itself a moment after a file changes (after five seconds where many lines or all rules would go), at
/// once for a verb that changes a list, and on SIGHUP. If the new configuration is wrong, the last good one stays in
/// force, the error is told, and the exit status is 1.
#[derive(Debug, Args)]
pub(super) struct Reload {}

impl Reload {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let reloaded = match client::reload(&context.program()?).await {
            Ok(reloaded) => reloaded,
            Err(AskError::Refused(error)) => {
                let message = format_args!("the last good configuration stays: {error}");
                anstream::eprintln!("{} {message}", paint(BAD, "not reloaded:"));
                // What stands against it need not be in the files: it may be how the program was started.
                let is_right = context.reading().is_ok_and(|reading| reading.report.errors() == 0);
                hint(if is_right {
                    "the files have no error: what is told is of the program as it was started, restart it to have them"
                } else {
                    "`ringfence check` shows all errors"
                });
                return Ok(Answer::Negative);
            }
            Err(error @ AskError::Io(_)) => {
                return Err(with_hint(error.to_string(), "is it still running? ringfence status"));
            }
            Err(
                error @ (AskError::NotRunning(_)
                | AskError::NotOurs(_)
                | AskError::Forbidden(_)
                | AskError::Declined { .. }),
            ) => {
                return Err(explain(error));
            }
        };
        let mut page = Page::new();
        page.line(format_args!("{} the configuration is in force", paint(GOOD, "reloaded:")));
        for change in &reloaded.changes {
            page.line(format_args!("  {change}"));
        }
        for setting in &reloaded.needs_restart {
            page.line(format_args!("  {} {setting} changes with a restart", paint(CAUTION, "later:")));
        }
        if reloaded.warnings > 0 {
            page.line(format_args!("  warnings: {}, see ringfence check", reloaded.warnings));
        }
        print(page)?;
        Ok(Answer::Fine)
    }
}
