//! `ringfence doctor`

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use tokio::time::timeout;

use super::failure::with_hint;
use super::output::print_json;
use super::wrap::print_wrapped;
use super::{Answer, Context, accept};
use crate::config::Account;
use crate::control::client::{self, AskError};
use crate::control::{LineStatus, Request, Response};
use crate::doctor::{Facts, Finding, Running, Severity, diagnose, soften};
use crate::fleet::softphone_account;
use crate::page::Page;
use crate::service;
use crate::style::{BAD, CAUTION, DIM, GOOD, LEAD, STRONG, paint};
use crate::visible::visible;

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

/// How long the running program may take to say how its lines stand.
const ASK: Duration = Duration::from_secs(3);

/// What was found out about a line.
#[derive(Debug, Serialize)]
struct Outcome<'a> {
    line: &'a str,
    address: String,
    ok: bool,
    /// Why it cannot be examined.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
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
        let program = ask(&context.program()?).await;
        let builder = service::builder(&config, service::known_instance(&config));
        let within = Duration::from_secs(self.timeout.into());
        let examined = stream::iter(accounts)
            .map(|account| examine(&builder, account, &program, within))
            .buffered(AT_ONCE);
        let mut examined = std::pin::pin!(examined);
        let mut is_fine = true;
        while let Some(outcome) = examined.next().await {
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
            accounts.iter().find(|account| *account.name == **name).map(|account| &**account).ok_or_else(
                || {
                    let known: Vec<_> = accounts.iter().map(|account| &*account.name).collect();
                    with_hint(
                        format!("there is no line {name:?}"),
                        format!("there are: {}", known.join(", ")),
                    )
                },
            )
        };
        if self.lines.is_empty() {
            return Ok(accounts.iter().map(|account| &**account).collect());
        }
        let mut chosen: Vec<&Account> = Vec::new();
        for account in self.lines.iter().map(find) {
            let account = account?;
            if !chosen.iter().any(|known| known.name == account.name) {
                chosen.push(account);
            }
        }
        Ok(chosen)
    }
}

/// What the running program says of its lines.
enum Program {
    Lines(Vec<LineStatus>),
    NotRunning,
    Silent,
    /// Why, and what to do about it.
    Unknown(String, String),
}

async fn ask(program: &client::Program) -> Program {
    let asked = async {
        let mut answer = client::ask(program, &Request::Status).await?;
        answer.next().await
    };
    match timeout(ASK, asked).await {
        Ok(Ok(Some(Response::Status(status)))) => Program::Lines(status.lines),
        Ok(Ok(_)) => {
            Program::Unknown("it gave no status".to_owned(), "ask again, and look at its log".to_owned())
        }
        Ok(Err(AskError::NotRunning(_))) => Program::NotRunning,
        Ok(Err(AskError::Declined { error, hint })) => Program::Unknown(error, hint),
        Ok(Err(error)) => Program::Unknown(error.to_string(), "ask as the user who runs it".to_owned()),
        Err(_) => Program::Silent,
    }
}

impl Program {
    fn of(&self, account: &Account) -> Running {
        match self {
            Self::Lines(lines) => {
                Running::Line(lines.iter().find(|line| *line.name == *account.name).cloned())
            }
            Self::NotRunning => Running::Not,
            Self::Silent => Running::Silent,
            Self::Unknown(why, remedy) => Running::Unknown { why: why.clone(), remedy: remedy.clone() },
        }
    }
}

async fn examine<'a>(
    builder: &softphone::Builder,
    account: &'a Account,
    program: &Program,
    within: Duration,
) -> Outcome<'a> {
    let (line, address) = (&*account.name, format!("sip:{}@{}", account.user, account.domain));
    let examined = async {
        let made = softphone_account(account)?;
        let address = made.address_of_record();
        Ok::<_, softphone::Error>((address, builder.examine(made, within).await?))
    };
    let (address, examined) = match examined.await {
        Ok(examined) => examined,
        Err(error) => {
            return Outcome { line, address, ok: false, error: Some(error.to_string()), ways: Vec::new() };
        }
    };
    let running = program.of(account);
    let mut findings: Vec<_> =
        examined.iter().map(|examined| diagnose(account, examined, &running)).collect();
    soften(&mut findings);
    let ok = findings.iter().flatten().all(|finding| finding.severity < Severity::Error);
    let ways = findings.into_iter().zip(&examined);
    let ways = ways.map(|(findings, examined)| Way { findings, facts: Facts::from(examined) }).collect();
    Outcome { line, address, ok, error: None, ways }
}

/// Where the sentences begin.
const HANG: usize = 11;

fn render(outcome: &Outcome<'_>) -> Page {
    let mut page = Page::new();
    page.line(format_args!("{} {}", paint(STRONG, outcome.line), outcome.address));
    if let Some(error) = &outcome.error {
        marked(&mut page, Severity::Error, &visible(error));
        led_on(&mut page, "correct the account in the configuration: `ringfence check` says more");
    }
    for finding in outcome.ways.iter().flat_map(|way| &way.findings) {
        marked(&mut page, finding.severity, &finding.found);
        for detail in &finding.details {
            page.line(format_args!("{:HANG$}{}", "", paint(DIM, detail)));
        }
        if let Some(remedy) = &finding.remedy {
            led_on(&mut page, remedy);
        }
    }
    page.line("");
    page
}

fn marked(page: &mut Page, severity: Severity, found: &str) {
    let (style, word) = match severity {
        Severity::Ok => (GOOD, "ok"),
        Severity::Note => (STRONG, "note"),
        Severity::Warning => (CAUTION, "warning"),
        Severity::Error => (BAD, "error"),
    };
    let gap = HANG - 2 - word.len();
    page.line(format_args!("  {}{:gap$}{found}", paint(style, word), ""));
}

fn led_on(page: &mut Page, remedy: &str) {
    page.line(format_args!("{:HANG$}{} {remedy}", "", paint(LEAD, "do:")));
}
