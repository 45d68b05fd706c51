//! `ringfence status`

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;

use super::failure::with_hint;
use super::output::{between, clock, print, print_json, span, table, visible};
use super::{Answer, Context};
use crate::control::client::{self, AskError};
use crate::control::{self, Configuration, LineState, LineStatus, Request, Response};
use crate::style::{BAD, CAUTION, DIM, GOOD, STRONG, paint};

/// Show the running program's lines, registrations and calls
///
/// Exits 1 if a line is not registered, or if the last reload failed.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let places = context.control_places()?;
        let mut answer = client::ask(&places, &Request::Status).await.map_err(explain)?;
        let status = match answer.next().await.map_err(explain)? {
            Some(Response::Status(status)) => *status,
            other => anyhow::bail!("expected a status, got {other:?}"),
        };
        if self.json {
            print_json(&status)?;
        } else {
            print(&render(&status))?;
        }
        let is_up = status.lines.iter().all(|line| line.state.is_up());
        Ok(Answer::of(is_up && status.configuration.failed.is_none()))
    }
}

/// Tells why the running program did not answer, and what to do.
pub(super) fn explain(error: AskError) -> anyhow::Error {
    let message = error.to_string();
    match error {
        AskError::NotRunning(_) => with_hint(message, "start it with `ringfence run`"),
        AskError::Forbidden(_) => with_hint(message, "ask as the user who runs it, or as root"),
        AskError::Refused(_) | AskError::Io(_) => anyhow::Error::new(error),
    }
}

fn render(status: &control::Status) -> String {
    let uptime = span(between(status.started, status.now));
    let mut text = format!(
        "{} process {}, up {uptime}\n",
        paint(STRONG, format_args!("ringfence {}", status.version)),
        status.pid
    );
    text += &configuration(&status.configuration, status.now);
    text += &format!("listening      {}\n\n", status.listen.join(", "));
    let rows: Vec<_> = status.lines.iter().map(|line| row(line, status.now)).collect();
    text += &table(&["LINE", "ADDRESS", "STATE", "NEXT", "CAUSE"], &rows);
    let calls = &status.calls;
    text += &format!(
        "\ncalls          {} screened: {} rejected, {} redirected, {} rung, {} ignored\n",
        calls.screened, calls.rejected, calls.redirected, calls.rung, calls.ignored
    );
    if calls.lost > 0 {
        text += &format!(
            "               {}\n",
            paint(CAUTION, format_args!("{} not in the journal: it was full", calls.lost))
        );
    }
    let counters: Vec<_> = status.counters.iter().filter(|(_, count)| **count > 0).collect();
    if !counters.is_empty() {
        let counters: Vec<_> = counters.iter().map(|(name, count)| format!("{name} {count}")).collect();
        text += &format!("{}\n", paint(DIM, format_args!("counters       {}", counters.join(", "))));
    }
    text
}

fn configuration(configuration: &Configuration, now: Timestamp) -> String {
    let loaded = configuration.loaded;
    let mut text = format!(
        "configuration  {}, read {} ago ({}): {} rejected, {} allowed\n",
        configuration.path.display(),
        span(between(loaded, now)),
        clock(loaded),
        configuration.rejected_entries,
        configuration.allowed_entries,
    );
    if let Some(failed) = &configuration.failed {
        let told =
            format!("last reload failed {} ago: {}", span(between(failed.at, now)), visible(&failed.error));
        text += &format!("               {}\n", paint(BAD, told));
    }
    if !configuration.needs_restart.is_empty() {
        let told = format!("waits for a restart: {}", configuration.needs_restart.join(", "));
        text += &format!("               {}\n", paint(CAUTION, told));
    }
    text
}

fn row(line: &LineStatus, now: Timestamp) -> Vec<String> {
    let (style, state) = match line.state {
        LineState::Registered => (GOOD, "registered"),
        LineState::Static => (GOOD, "no registration"),
        LineState::Registering => (CAUTION, "registering"),
        LineState::Failed => (BAD, "failed"),
        LineState::Unregistered => (BAD, "unregistered"),
    };
    let next = line.next.map_or_else(String::new, |next| match between(now, next) {
        Duration::ZERO => "now".to_owned(),
        wait => format!("in {}", span(wait)),
    });
    let cause = line.cause.as_deref().map(visible).unwrap_or_default();
    vec![line.name.clone(), line.address.clone(), paint(style, state), next, cause]
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::control::Failed;
    use crate::journal::Tally;

    fn line(name: &str, state: LineState, cause: Option<&str>, next: Option<i64>) -> LineStatus {
        LineStatus {
            name: name.to_owned(),
            address: format!("sip:{name}@pbx.example"),
            state,
            cause: cause.map(str::to_owned),
            next: next.map(|second| Timestamp::from_second(second).unwrap()),
        }
    }

    #[test]
    fn a_status_tells_each_line_and_what_went_wrong() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let status = control::Status {
            version: "0.1.0".to_owned(),
            pid: 4_711,
            started: at(0),
            now: at(11_520),
            listen: vec!["0.0.0.0:5060".to_owned()],
            configuration: Configuration {
                path: PathBuf::from("/etc/ringfence/ringfence.toml"),
                loaded: at(11_400),
                failed: Some(Failed {
                    at: at(11_460),
                    error: "ringfence.toml:9:1: unknown key `pasword`".to_owned(),
                }),
                needs_restart: vec!["softphone.listen".to_owned()],
                rejected_entries: 12,
                allowed_entries: 3,
            },
            lines: vec![
                line("home", LineState::Registered, None, Some(13_200)),
                line(
                    "office",
                    LineState::Failed,
                    Some("the registrar refused the password (403)"),
                    Some(11_550),
                ),
                line("trunk", LineState::Static, None, None),
            ],
            calls: Tally {
                screened: 42,
                rejected: 30,
                redirected: 2,
                rung: 9,
                ignored: 1,
                lost: 0,
                forgotten: 0,
            },
            counters: [("datagrams_received".to_owned(), 90), ("dropped_stranger".to_owned(), 0)].into(),
        };
        let plain = anstream::adapter::strip_str(&render(&status)).to_string();
        insta::assert_snapshot!(plain.replace(&clock(at(11_400)), "HH:MM:SS"));
    }
}
