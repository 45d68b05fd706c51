//! `ringfence doctor`

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use futures_util::{StreamExt as _, stream};
use serde::Serialize;

use super::failure::with_hint;
use super::output::print_json;
use super::wrap::print_wrapped;
use super::{Answer, Context, accept};
use crate::config::Account;
use crate::control::client::{self, AskError, Program};
use crate::control::{LineStatus, Request, Response};
use crate::doctor::{Facts, Finding, Running, Severity, diagnose};
use crate::fleet::softphone_account;
use crate::page::Page;
use crate::service;
use crate::style::{BAD, CAUTION, DIM, GOOD, LEAD, STRONG, paint};

/// Examine each line's way to its registrar, and say what to do about it
///
/// For each line: its names are looked up, its server is connected to, an OPTIONS is timed, the password is tried by a
/// REGISTER that changes nothing, and it is told where the server sees us, whether the clocks agree, and whether calls
/// can come in. It runs beside the running program and takes none of its ports. Nobody is contacted whom the
/// configuration does not name. Exits 1 if a line has an error.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Which lines; without one, all
    #[arg(value_name = "LINE")]
    lines: Vec<String>,
    /// How long each line may take
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=600))]
    timeout: u16,
    /// Print one JSON object a line, with the facts
    #[arg(long)]
    json: bool,
}

/// Lines that are examined at once: more would look to a registrar like an attack.
const AT_ONCE: usize = 8;

/// What was found out about a line.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    line: &'a str,
    address: String,
    ok: bool,
    /// One for each way to it: its registrar, or each of its proxies.
    ways: Vec<Way>,
}

#[derive(Debug, Serialize)]
struct Way {
    findings: Vec<Finding>,
    facts: Facts,
}

impl Doctor {
    pub(super) async fn run(self, context: &Context) -> Result<Answer> {
        let config = accept(context.reading()?)?;
        let accounts = self.chosen(&config.accounts)?;
        let running = ask(&context.program()?).await;
        let builder = service::builder(&config, service::known_instance(&config));
        let within = Duration::from_secs(self.timeout.into());
        let examined = stream::iter(accounts)
            .map(|account| examine(&builder, account, &running, within))
            .buffered(AT_ONCE);
        let mut examined = std::pin::pin!(examined);
        let mut is_fine = true;
        while let Some(outcome) = examined.next().await {
            let outcome = outcome?;
            is_fine &= outcome.ok;
            if self.json {
                print_json(&outcome)?;
            } else {
                print_wrapped(render(&outcome), HANG)?;
            }
        }
        Ok(Answer::of(is_fine))
    }

    /// Returns the accounts that are meant.
    fn chosen<'a>(&self, accounts: &'a [Arc<Account>]) -> Result<Vec<&'a Account>> {
        let find = |name: &String| {
            accounts.iter().find(|account| account.name == *name).map(|account| &**account).ok_or_else(|| {
                let known: Vec<_> = accounts.iter().map(|account| account.name.as_str()).collect();
                with_hint(format!("there is no line {name:?}"), format!("there are: {}", known.join(", ")))
            })
        };
        if self.lines.is_empty() {
            return Ok(accounts.iter().map(|account| &**account).collect());
        }
        self.lines.iter().map(find).collect()
    }
}

/// What the running program says of its lines.
enum Asked {
    Lines(Vec<LineStatus>),
    NotRunning,
    Unknown(String),
}

async fn ask(program: &Program) -> Asked {
    let asked = async {
        let mut answer = client::ask(program, &Request::Status).await?;
        answer.next().await
    };
    match asked.await {
        Ok(Some(Response::Status(status))) => Asked::Lines(status.lines),
        Ok(_) => Asked::Unknown("it gave no status".to_owned()),
        Err(AskError::NotRunning(_)) => Asked::NotRunning,
        Err(error) => Asked::Unknown(error.to_string()),
    }
}

impl Asked {
    fn of(&self, account: &Account) -> Running {
        match self {
            Self::Lines(lines) => Running::Line(lines.iter().find(|line| line.name == account.name).cloned()),
            Self::NotRunning => Running::Not,
            Self::Unknown(why) => Running::Unknown(why.clone()),
        }
    }
}

async fn examine<'a>(
    builder: &softphone::Builder,
    account: &'a Account,
    running: &Asked,
    within: Duration,
) -> Result<Outcome<'a>> {
    let made = softphone_account(account)?;
    let address = made.address_of_record();
    let running = running.of(account);
    let examined = builder.examine(made, within).await?;
    let ways: Vec<Way> = examined
        .iter()
        .map(|examined| Way { findings: diagnose(account, examined, &running), facts: Facts::from(examined) })
        .collect();
    let mut findings = ways.iter().flat_map(|way| &way.findings);
    let ok = findings.all(|finding| finding.severity < Severity::Error);
    Ok(Outcome { line: &account.name, address, ok, ways })
}

/// Where the sentences begin.
const HANG: usize = 11;

fn render(outcome: &Outcome<'_>) -> Page {
    let mut page = Page::new();
    page.line(format_args!("{} {}", paint(STRONG, outcome.line), outcome.address));
    for way in &outcome.ways {
        for finding in &way.findings {
            let (style, word) = match finding.severity {
                Severity::Ok => (GOOD, "ok"),
                Severity::Note => (STRONG, "note"),
                Severity::Warning => (CAUTION, "warning"),
                Severity::Error => (BAD, "error"),
            };
            let pad = " ".repeat(HANG - 2 - word.len());
            page.line(format_args!("  {}{pad}{}", paint(style, word), finding.found));
            let indent = " ".repeat(HANG);
            for detail in &finding.details {
                page.line(format_args!("{indent}{}", paint(DIM, detail)));
            }
            if let Some(remedy) = &finding.remedy {
                page.line(format_args!("{indent}{} {remedy}", paint(LEAD, "do:")));
            }
        }
    }
    page.line("");
    page
}
