//! Treatments against the positions of the lines they are used on.

use std::collections::BTreeMap;

use super::Finding;
use crate::action::Action;
use crate::condition::Condition;
use crate::language::Severity;
use crate::policy::Policy;
use crate::position::{Line, Position};
use crate::rule::Rule;
use crate::treatment::{Only, Treatment, Work};

/// Looks for treatments that do not do on a line what they say.
pub(super) fn check(policy: &Policy, others: &[Line], findings: &mut Vec<Finding>) {
    for rule in policy.rules() {
        if let Some((severity, message)) = anywhere(rule.then()) {
            findings.push(Finding::of_rule(rule, severity, format!("rule {}: {message}", rule.id())));
        }
        // What is odd on five hundred lines is told once, with the first of them.
        let mut odd: BTreeMap<(Severity, String), (&str, usize)> = BTreeMap::new();
        let lines = policy.lines().iter().chain(others).take(MOST_LINES);
        for line in lines.filter(|line| may_hold_on(policy, rule.when(), line)) {
            let Some(found) = on_line(rule, line) else { continue };
            odd.entry(found).or_insert((&line.name, 0)).1 += 1;
        }
        for ((severity, message), (line, lines)) in odd.into_iter().rev() {
            let more = if lines > 1 { format!(" and {} more", lines - 1) } else { String::new() };
            let message = format!("rule {}: {message} (line {line}{more})", rule.id());
            findings.push(Finding::of_rule(rule, severity, message));
        }
    }
}

/// Lines beyond these are alike.
const MOST_LINES: usize = 1_000;

/// Returns whether a rule can decide on a line, as far as its condition says.
fn may_hold_on(policy: &Policy, condition: &Condition, line: &Line) -> bool {
    if let Condition::All(all) = condition {
        return all.iter().all(|inner| may_hold_on(policy, inner, line));
    }
    if let Condition::Line(lines) = condition {
        return lines.iter().any(|wanted| wanted.is_match(&line.name));
    }
    if let Condition::Group(groups) = condition {
        let of_line = policy.groups_of(&line.name, "");
        // A group may name lines by addresses, which a policy does not know.
        return of_line.is_empty() || groups.iter().any(|group| of_line.contains(group));
    }
    true
}

/// Says what is odd about a treatment wherever it is used.
fn anywhere(treatment: &Treatment) -> Option<(Severity, String)> {
    match treatment.work() {
        Work::Drop(Only::Always) => {
            let message = "a PBX that gets no answer takes the line for dead: only_if = \"not_from_registrar\" is safer";
            Some((Severity::Warning, message.to_owned()))
        }
        Work::Reject(_)
        | Work::Forward(_)
        | Work::Answer(_)
        | Work::Challenge(_)
        | Work::Ring(_)
        | Work::StandAside
        | Work::Hold(_)
        | Work::Drop(Only::NotFromRegistrar) => None,
    }
}

fn on_line(rule: &Rule, line: &Line) -> Option<(Severity, String)> {
    let warning = |message: String| Some((Severity::Warning, message));
    if let Some(odd) = odd_for(rule.then(), line) {
        return warning(odd);
    }
    match line.act(rule.then()) {
        Action::Reject(rejection) if line.position == Position::Parallel => match rejection.code() {
            code @ ..600 => warning(cannot_stop(code)),
            code if line.capture.is_none() => Some((
                Severity::Note,
                format!(
                    "{code} stops the other phones only where the proxy heeds it: if yours does, write capture = {code}"
                ),
            )),
            _ => None,
        },
        Action::Redirect(_) if line.position == Position::Parallel => warning(cannot_stop(302)),
        Action::Reject(rejection) if !line.passes.is_empty() && !line.passes.contains(&rejection.code()) => {
            warning(format!(
                "{} does not reach the caller unchanged here: give it a `fallback`",
                rejection.code()
            ))
        }
        Action::Unsupported { needs } => warning(format!(
            "{} needs {needs}, which is not there yet: the line does not start",
            rule.then().name()
        )),
        Action::Reject(_)
        | Action::Redirect(_)
        | Action::SendOn(_)
        | Action::Ring { .. }
        | Action::Wait { .. }
        | Action::Ignore { .. } => None,
    }
}

fn cannot_stop(code: u16) -> String {
    format!("{code} cannot stop the other phones on a parallel line")
}

fn odd_for(treatment: &Treatment, line: &Line) -> Option<String> {
    match (treatment.work(), line.position) {
        (Work::StandAside, Position::Sole) => {
            Some("stand_aside leaves the call to other phones, and a sole line has none".to_owned())
        }
        (Work::StandAside, Position::First | Position::Inline) => Some(format!(
            "stand_aside lets no phone ring on a line that is {}: write ring",
            line.position.as_str()
        )),
        (Work::Forward(forward), _) if leads_back(forward.to.as_str(), line) => {
            Some(format!("{} leads back to the line itself", forward.to))
        }
        (
            Work::Reject(_)
            | Work::Forward(_)
            | Work::Answer(_)
            | Work::Challenge(_)
            | Work::Ring(_)
            | Work::StandAside
            | Work::Hold(_)
            | Work::Drop(_),
            _,
        ) => None,
    }
}

/// Returns whether an address is the line's own, as far as its name and its account's say.
fn leads_back(address: &str, line: &Line) -> bool {
    let without_scheme = address.split_once(':').map_or(address, |(_, rest)| rest);
    let user = without_scheme.split(['@', ';']).next().unwrap_or_default();
    let own = [Some(&*line.name), line.account.as_deref()];
    own.into_iter().flatten().any(|own| own.eq_ignore_ascii_case(address) || own.eq_ignore_ascii_case(user))
}
