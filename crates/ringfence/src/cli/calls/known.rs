//! Which lines and rules there are: a filter that can mean none of them is a mistake, and no empty answer.
//!
//! Known is what the configuration has, and what the journal has of the time before it. Where the configuration cannot be
//! read, nothing is a mistake.

use anyhow::Result;
use ringfence_policy::By;

use crate::cli::Context;
use crate::cli::failure::with_hint;
use crate::config::Config;
use crate::journal::{Call, Query};
use crate::visible::{quoted, visible};

/// What a filter asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Line,
    Rule,
}

impl Kind {
    const fn noun(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Rule => "rule",
        }
    }

    /// Returns what a call has of it.
    pub(super) fn of(self, call: &Call) -> &str {
        match self {
            Self::Line => &call.line,
            Self::Rule => &call.rule,
        }
    }
}

/// The configuration, as far as it can be read.
#[derive(Debug)]
pub(super) struct Known {
    config: Option<Config>,
}

impl Known {
    /// Reads it; what is wrong with it is another verb's business.
    pub(super) fn read(context: &Context) -> Self {
        Self { config: context.reading().ok().and_then(|reading| reading.config) }
    }

    /// Returns what the journal calls a line by, which the policy may call otherwise.
    pub(super) fn label(&self, line: &str) -> String {
        let is_account = |config: &&Config| config.accounts.iter().any(|account| *account.name == *line);
        let account = self.config.as_ref().filter(|config| !is_account(config));
        let account = account.and_then(|config| config.policy.line(line).account);
        account.map_or_else(|| line.to_owned(), String::from)
    }

    /// Fails where a query asks for a line or a rule that neither the configuration has nor the journal.
    pub(super) fn check(&self, query: &Query, recorded: impl Fn(Kind) -> Result<Vec<String>>) -> Result<()> {
        let Some(config) = &self.config else { return Ok(()) };
        for (kind, asked) in [(Kind::Line, &query.line), (Kind::Rule, &query.rule)] {
            let Some(asked) = asked else { continue };
            let configured = configured(config, kind);
            if configured.contains(asked) || kind == Kind::Rule && is_no_rule(asked) {
                continue;
            }
            // Every call of the journal is looked at for it.
            let recorded = recorded(kind)?;
            if !recorded.contains(asked) {
                return Err(unknown(kind, asked, &[configured, recorded].concat()));
            }
        }
        Ok(())
    }
}

fn unknown(kind: Kind, asked: &str, names: &[String]) -> anyhow::Error {
    let mut told: Vec<String> = Vec::new();
    for name in names.iter().map(|name| visible(name)).filter(|name| !name.is_empty()) {
        if !told.contains(&name) {
            told.push(name);
        }
        if told.len() > MOST_TOLD {
            told.truncate(MOST_TOLD);
            told.push("…".to_owned());
            break;
        }
    }
    let noun = kind.noun();
    let message = format!("expected a {noun}, found {}", quoted(asked));
    with_hint(message, format!("the {noun}s are: {}", told.join(", ")))
}

/// Of the names that there are so many are told.
const MOST_TOLD: usize = 12;

/// Tells what the journal has in the place of a rule.
fn is_no_rule(name: &str) -> bool {
    By::NO_RULES.contains(&name) || name == By::UNDECIDED
}

fn configured(config: &Config, kind: Kind) -> Vec<String> {
    match kind {
        Kind::Line => config.accounts.iter().map(|account| account.name.to_string()).collect(),
        Kind::Rule => config.policy.rules().iter().map(|rule| rule.id().to_owned()).collect(),
    }
}
