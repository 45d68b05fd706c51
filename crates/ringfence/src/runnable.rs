//! What of a configuration can be run: its treatments may ask for what is not there yet.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use ringfence_policy::{Action, Condition, Line, Mode, Rule};

use crate::config::{Account, Config};

/// Why a line is not started: it can reach a treatment that needs audio, or a call of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The rule by which it can; `on_error` is none.
    pub(crate) rule: String,
    treatment: String,
    needs: &'static str,
}

impl Refusal {
    /// Returns what to do about it.
    pub(crate) const HINT: &str = ABOUT_AUDIO;
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, treatment, needs } = self;
        write!(f, "can reach `{treatment}` by `{rule}`, which needs {needs}, and that is not there yet")
    }
}

/// Returns why a configuration cannot be run at all, if it cannot, and what to do about it.
pub(crate) fn obstacle(
    config: &Config,
    refused: &BTreeMap<Arc<str>, Refusal>,
) -> Option<(String, &'static str)> {
    if let Some(account) =
        config.accounts.iter().find(|account| account.register && account.password.is_none())
    {
        let why = format!("the line `{}` registers, and its password is not there", account.name);
        return Some((why, "set the environment variable that `password_env` names"));
    }
    let is_refused = |account: &Arc<Account>| refused.contains_key(&account.name);
    let first = refused.iter().next().filter(|_| config.accounts.iter().all(is_refused));
    first.map(|(line, refusal)| {
        (format!("the line `{line}` {refusal}; no line is left to be started"), Refusal::HINT)
    })
}

/// Returns the lines that are not to be started, each with the reason.
pub(crate) fn refused(config: &Config, now: Timestamp) -> BTreeMap<Arc<str>, Refusal> {
    // Of a policy in shadow mode nothing is done.
    if config.policy.mode() == Mode::Shadow {
        return BTreeMap::new();
    }
    let refused = config
        .accounts
        .iter()
        .filter_map(|account| Some((account.name.clone(), refusal(config, account, now)?)));
    refused.collect()
}

fn refusal(config: &Config, account: &Account, now: Timestamp) -> Option<Refusal> {
    let policy = &*config.policy;
    let line = policy.line_of_account(&account.name);
    let address = format!("sip:{}@{}", account.user, account.domain);
    let groups = policy.groups_of(&line.name, &address);
    let is_reached = |rule: &&Rule| !rule.is_shadow && !rule.is_over(now) && reaches(rule, &line, &groups);
    let acts = policy.rules().iter().filter(is_reached).map(|rule| (rule.id(), rule.then()));
    acts.chain([("on_error", policy.on_error())]).find_map(|(rule, treatment)| match line.act(treatment) {
        Action::Unsupported { needs } => {
            Some(Refusal { rule: rule.to_owned(), treatment: treatment.name().to_owned(), needs })
        }
        Action::Reject(_)
        | Action::Redirect(_)
        | Action::SendOn(_)
        | Action::Ring { .. }
        | Action::Wait { .. }
        | Action::Ignore { .. } => None,
    })
}

const ABOUT_AUDIO: &str = "choose `reject`, `forward`, `ring` or `hold` there; on a parallel line, \
                               `capture = 603` refuses for all phones where the PBX lets it";

/// Returns whether a rule may decide a call on a line: one that names other lines or groups does not.
fn reaches(rule: &Rule, line: &Line, groups: &[Box<str>]) -> bool {
    let mut waiting = vec![rule.when()];
    while let Some(condition) = waiting.pop() {
        let is_other = if let Condition::Line(lines) = condition {
            !lines.iter().any(|wanted| wanted.is_match(&line.name))
        } else if let Condition::Group(wanted) = condition {
            !wanted.iter().any(|group| groups.contains(group))
        } else {
            if let Condition::All(inner) = condition {
                waiting.extend(inner);
            }
            false
        };
        if is_other {
            return false;
        }
    }
    true
}
