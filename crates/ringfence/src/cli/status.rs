//! `ringfence status`

mod lines;
mod sources;

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;
use tokio::time::timeout;

use super::failure::with_hint;
use super::output::{between, clock, print, print_json, span};
use super::{Answer, Context};
use crate::control::client::{self, AskError};
use crate::control::{self, Configuration, Listener, Request, Response};
use crate::journal::{Health, Tally};
use crate::page::Page;
use crate::style::{BAD, CAUTION, DIM, STRONG, paint};
use crate::visible::visible;

/// How long it may take to answer: a machine may be busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// Show the running program's lines, registrations and calls
///
/// Exits 1 if a line is not registered or was refused, or if the last reload failed. A line that refreshes a registration is
/// registered. What each key of the JSON means, and which are counters, is in docs/reference/status.md.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// Which lines; without one, all. The exit status is of these
    #[arg(value_name = "LINE")]
    lines: Vec<String>,

    /// Show no line but those with which something is wrong
    #[arg(long)]
    wrong: bool,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let mut status = ask(&context.program()?).await?;
        lines::choose(&mut status.lines, &self.lines)?;
        let is_up = status.lines.iter().all(|line| line.state.is_up());
        status.lines.retain(|line| !self.wrong || line.is_amiss());
        if self.json {
            print_json(&status)?;
        } else {
            print(render(&status))?;
        }
        Ok(Answer::of(is_up && status.configuration.failed.is_none()))
    }
}

async fn ask(program: &client::Program) -> Result<control::Status> {
    let asked = async { client::ask(program, &Request::Status).await?.next().await };
    let Ok(answer) = timeout(PATIENCE, asked).await else {
        let message = format!("ringfence runs, and does not answer within {} s", PATIENCE.as_secs());
        return Err(with_hint(
            message,
            "see whether it is stopped, or the machine too busy, and what its log says",
        ));
    };
    match answer.map_err(explain)? {
        Some(Response::Status(status)) => Ok(*status),
        other => anyhow::bail!("expected a status, got {other:?}"),
    }
}

/// Tells why the running program did not answer, and what to do.
pub(super) fn explain(error: AskError) -> anyhow::Error {
    let message = error.to_string();
    match error {
        // The configuration names the one place.
        AskError::NotRunning(places) if places.len() == 1 => with_hint(
            message,
            "start it with `ringfence run`, or restart it if `[softphone] control` is another one since then",
        ),
        AskError::NotRunning(_) => with_hint(message, "start it with `ringfence run`"),
        AskError::NotOurs(_) => {
            with_hint(message, "start it with `ringfence run`, or ask as the user who runs it")
        }
        AskError::Forbidden(_) => with_hint(message, "ask as the user who runs it, or as root"),
        AskError::Declined { hint, .. } => with_hint(message, hint),
        AskError::Refused(_) | AskError::Io(_) => anyhow::Error::new(error),
    }
}

fn render(status: &control::Status) -> Page {
    let mut page = Page::new();
    let version = paint(STRONG, format_args!("ringfence {}", status.version));
    page.line(format_args!(
        "{version} process {}, up {}",
        status.pid,
        span(between(status.started, status.now))
    ));
    configuration(&mut page, &status.configuration, status.now);
    sources::tell(&mut page, &status.sources, status.now);
    listening(&mut page, &status.listen);
    labelled(&mut page, "sandbox", &status.confined);
    for lack in &status.confined.lacks {
        labelled(&mut page, "", paint(CAUTION, visible(lack)));
    }
    lines::rows(&mut page, &status.lines, status.now);
    page.line("");
    lines::sum(&mut page, status.line_states);
    let Tally {
        screened,
        rejected,
        redirected,
        sent_on,
        rung,
        stood_aside,
        ignored,
        refused,
        copies,
        lost,
        forgotten: _,
    } = status.calls;
    let calls = format!("{rejected} rejected, {redirected} redirected, {rung} rung, {ignored} ignored");
    let mut apart = if sent_on > 0 { format!(", {sent_on} sent on") } else { String::new() };
    if stood_aside > 0 {
        apart = format!("{apart}, {stood_aside} stood aside");
    }
    if refused > 0 {
        apart = format!("{apart}, {refused} could not ring");
    }
    if copies > 0 {
        apart = format!("{apart}; {copies} further copies of them");
    }
    labelled(&mut page, "calls", format_args!("{screened} screened: {calls}{apart}"));
    if lost > 0 {
        labelled(
            &mut page,
            "",
            paint(CAUTION, format_args!("{lost} records lost: the journal was too slow")),
        );
    }
    journal(&mut page, &status.journal, status.now);
    let counters = status.counters.iter().filter(|(_, count)| **count > 0);
    let counters: Vec<_> = counters.map(|(name, count)| format!("{name} {count}")).collect();
    for (index, some) in counters.chunks(3).enumerate() {
        labelled(&mut page, if index == 0 { "counters" } else { "" }, paint(DIM, some.join(", ")));
    }
    page
}

fn configuration(page: &mut Page, configuration: &Configuration, now: Timestamp) {
    let Configuration { path, loaded, failed, needs_restart, kept, policy, rules, lists } = configuration;
    labelled(page, "configuration", path.display());
    labelled(page, "", format_args!("read {} ago, at {}", span(between(*loaded, now)), clock(*loaded)));
    if let Some(failed) = failed {
        let ago = span(between(failed.at, now));
        labelled(
            page,
            "",
            paint(BAD, format_args!("last reload failed {ago} ago: {}", visible(&failed.error))),
        );
    }
    if !needs_restart.is_empty() {
        labelled(page, "", paint(CAUTION, format_args!("waits for a restart: {}", needs_restart.join(", "))));
    }
    labelled(page, "policy", format_args!("{policy}, {rules} rules"));
    let lists: Vec<String> =
        lists.iter().map(|(name, entries)| format!("{} {entries}", visible(name))).collect();
    labelled(page, "lists", lists.join(", "));
    for kept in kept {
        labelled(page, "", paint(CAUTION, format_args!("kept as it was: {}", visible(kept))));
    }
}

/// Tells where calls come in: a line a transport.
fn listening(page: &mut Page, listeners: &[Listener]) {
    for (index, alike) in listeners.chunk_by(|one, next| one.transport == next.transport).enumerate() {
        let addresses: Vec<String> = alike.iter().map(|listener| listener.address.to_string()).collect();
        let transport = alike.first().map_or("", |listener| &listener.transport);
        let label = if index == 0 { "listening" } else { "" };
        labelled(page, label, format_args!("{transport} {}", addresses.join(", ")));
    }
}

fn journal(page: &mut Page, journal: &Health, now: Timestamp) {
    match &journal.path {
        Some(path) => labelled(page, "journal", visible(&path.display().to_string())),
        None => labelled(page, "journal", "in memory: a restart forgets the calls"),
    }
    if let Some(failing) = &journal.failing {
        let ago = span(between(failing.since, now));
        let (waiting, lost) = (journal.waiting, journal.lost);
        let since = clock(failing.since);
        let text = format_args!(
            "not written since {since}, {ago} ago: {waiting} records kept in memory, {lost} lost"
        );
        labelled(page, "", paint(BAD, text));
        labelled(page, "", visible(&failing.why));
        if !failing.hint.is_empty() {
            labelled(page, "", format_args!("hint: {}", visible(&failing.hint)));
        }
    }
    if journal.unread {
        let told =
            "not read at the start: the rules do without the calls, entries, switches and numbers in it";
        labelled(page, "", paint(BAD, told));
    }
    if journal.removed > 0 {
        let s = if journal.removed == 1 { "" } else { "s" };
        let told = format_args!("{} call{s} removed since the start, for age or room", journal.removed);
        labelled(page, "", told);
    }
    slow(page, journal);
}

/// Tells that the disk is slow, or was.
fn slow(page: &mut Page, journal: &Health) {
    if let Some(since) = journal.slow_since {
        let since = clock(since);
        labelled(
            page,
            "",
            paint(BAD, format_args!("slow disk: a kill would lose what happened since {since}")),
        );
    } else if journal.slow > 0 {
        let s = if journal.slow == 1 { "" } else { "s" };
        labelled(page, "", paint(CAUTION, format_args!("the disk was slow {} time{s}", journal.slow)));
    }
}

fn labelled(page: &mut Page, label: &str, text: impl std::fmt::Display) {
    page.line(format_args!("{label:15}{text}"));
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::confine::{Confined, Extent};
    use crate::control::{Failed, LineState, LineStates, LineStatus};
    use crate::journal::Failing;

    fn line(name: &str, state: LineState, cause: Option<&str>, next: Option<i64>) -> LineStatus {
        LineStatus {
            name: name.to_owned(),
            address: format!("sip:{name}@pbx.example"),
            state,
            refreshing: false,
            cause: cause.map(str::to_owned),
            next: next.map(|second| Timestamp::from_second(second).unwrap()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_program_that_does_not_answer_is_not_waited_for_without_end() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("control");
        let _listener = tokio::net::UnixListener::bind(&place).unwrap();
        let error = ask(&client::Program { places: vec![place], configuration: None }).await.unwrap_err();
        assert_eq!(error.to_string(), "ringfence runs, and does not answer within 10 s");
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn listener(transport: &str, address: &str) -> Listener {
        Listener { transport: transport.to_owned(), address: address.parse().unwrap() }
    }

    /// Returns a configuration of which the last reading failed.
    fn configuration() -> Configuration {
        Configuration {
            path: PathBuf::from("/etc/ringfence/ringfence.toml"),
            loaded: at(11_400),
            failed: Some(Failed {
                at: at(11_460),
                error: "ringfence.toml:9:1: unknown key `pasword`".to_owned(),
            }),
            needs_restart: vec!["softphone.listen".to_owned()],
            kept: vec!["spam (spam.csv: expected rows with numbers, found none)".to_owned()],
            policy: "9f3c2d1e".to_owned(),
            rules: 3,
            lists: vec![("reject".to_owned(), 12), ("allow".to_owned(), 3)],
        }
    }

    fn calls() -> Tally {
        Tally {
            screened: 42,
            rejected: 30,
            redirected: 2,
            sent_on: 0,
            rung: 6,
            stood_aside: 3,
            ignored: 1,
            refused: 0,
            copies: 2,
            lost: 0,
            forgotten: 0,
        }
    }

    pub(super) fn lines() -> Vec<LineStatus> {
        let cause = Some("the registrar refused the password (403)");
        vec![
            line("home", LineState::Registered, None, Some(13_200)),
            line("office", LineState::Failed, cause, Some(11_550)),
            LineStatus { refreshing: true, ..line("shop", LineState::Registered, None, None) },
            line("trunk", LineState::Static, None, None),
        ]
    }

    #[test]
    fn a_status_tells_each_line_and_what_went_wrong() {
        let status = control::Status {
            version: "0.1.0".to_owned(),
            pid: 4_711,
            started: at(0),
            now: at(11_520),
            confined: Confined {
                user: Some("ringfence".to_owned()),
                files: Extent::Part,
                calls: Extent::Whole,
                lacks: vec!["this kernel has less of Landlock".to_owned()],
            },
            listen: vec![
                listener("UDP", "0.0.0.0:5060"),
                listener("UDP", "0.0.0.0:5061"),
                listener("TLS", "[::]:5061"),
            ],
            configuration: configuration(),
            line_states: LineStates::of(&lines()),
            lines: lines(),
            calls: calls(),
            sources: crate::sources::SourcesStatus::default(),
            journal: Health {
                path: Some(PathBuf::from("/var/lib/ringfence/ringfence.db")),
                failing: Some(Failing {
                    since: at(11_400),
                    why: "database or disk is full".to_owned(),
                    hint: "is the disk full?".to_owned(),
                }),
                waiting: 17,
                ..Health::default()
            },
            counters: [("datagrams_received".to_owned(), 90), ("dropped_stranger".to_owned(), 0)].into(),
        };
        let plain = anstream::adapter::strip_str(&render(&status).to_string()).to_string();
        insta::assert_snapshot!(plain.replace(&clock(at(11_400)), "HH:MM:SS"));
    }
}
