//! Whether a configuration can be run: its treatments may ask for what is not there yet.

use jiff::Timestamp;
use ringfence_policy::{Action, Condition, Line, Mode, Rule};

use crate::config::Config;

/// Returns why a configuration cannot be run, if it cannot, and what to do about it: a line can reach a treatment that needs
/// audio, or a call of our own.
pub(crate) fn obstacle(config: &Config, now: Timestamp) -> Option<(String, &'static str)> {
    if let Some(account) =
        config.accounts.iter().find(|account| account.register && account.password.is_none())
    {
        let why = format!("the line `{}` registers, and its password is not there", account.name);
        return Some((why, "set the environment variable that `password_env` names"));
    }
    let policy = &*config.policy;
    // Of a policy in shadow mode nothing is done.
    if policy.mode() == Mode::Shadow {
        return None;
    }
    let reaching = config.accounts.iter().find_map(|account| {
        let line = policy.line(&account.name);
        let address = format!("sip:{}@{}", account.user, account.domain);
        let groups = policy.groups_of(&line.name, &address);
        let reached = policy
            .rules()
            .iter()
            .filter(|rule| !rule.is_shadow && !rule.is_over(now) && reaches(rule, &line, &groups));
        let acts = reached.map(|rule| (rule.id(), rule.then()));
        acts.chain([("on_error", policy.on_error())]).find_map(|(rule, treatment)| match line.act(treatment) {
            Action::Unsupported { needs } => Some(format!(
                "the line `{}` can reach `{}` by `{rule}`, which needs {needs}, and that is not there yet",
                line.name,
                treatment.name()
            )),
            Action::Reject(_)
            | Action::Redirect(_)
            | Action::Ring { .. }
            | Action::Wait { .. }
            | Action::Ignore { .. } => None,
        })
    });
    reaching.map(|why| (why, ABOUT_AUDIO))
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
