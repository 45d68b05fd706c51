//! `ringfence reload`

use anyhow::Result;
use clap::Args;

use super::failure::with_hint;
use super::output::print;
use super::status::explain;
use super::{Answer, Context};
use crate::control::client::{self, AskError};
use crate::control::{Request, Response};
use crate::page::Page;
use crate::style::{BAD, CAUTION, GOOD, paint};

/// Make the running program read its configuration and lists again
///
/// It does so by itself when a file changes, and on SIGHUP. If the new configuration is wrong, the
/// last good one stays in force, the error is told, and the exit status is 1.
#[derive(Debug, Args)]
pub(super) struct Reload {}

impl Reload {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let mut answer = client::ask(&context.program()?, &Request::Reload).await.map_err(explain)?;
        loop {
            match answer.next().await {
                Ok(Some(Response::Reloaded(reloaded))) => {
                    let mut page = Page::new();
                    page.line(format_args!("{} the configuration is in force", paint(GOOD, "reloaded:")));
                    for change in &reloaded.changes {
                        page.line(format_args!("  {change}"));
                    }
                    for setting in &reloaded.needs_restart {
                        page.line(format_args!(
                            "  {} {setting} changes with a restart",
                            paint(CAUTION, "later:")
                        ));
                    }
                    if reloaded.warnings > 0 {
                        page.line(format_args!("  warnings: {}, see ringfence check", reloaded.warnings));
                    }
                    print(page)?;
                }
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Answer::Fine),
                Err(AskError::Refused(error)) => {
                    anstream::eprintln!(
                        "{} the last good configuration stays: {error}",
                        paint(BAD, "not reloaded:")
                    );
                    super::failure::hint("`ringfence check` shows all errors");
                    return Ok(Answer::Negative);
                }
                Err(error @ AskError::Declined { .. }) => return Err(explain(error)),
                Err(error) => {
                    return Err(with_hint(error.to_string(), "is it still running? ringfence status"));
                }
            }
        }
    }
}
