//! What each treatment of a policy is on one line, ready to be sent.

use std::sync::Arc;

use ringfence_policy::{Action, Facts, Line, Only, Policy, Redirection, Rejection, RetryAfter, Treatment};
use softphone::{Redirect, Reject, Verdict, Wait};

/// What each treatment of a policy is on one line.
#[derive(Debug)]
pub(crate) struct Answers {
    /// By the address that the policy keeps the treatment at, in ascending order.
    each: Vec<(usize, Answer)>,
    /// What lets a call through.
    welcome: Answer,
}

/// What a treatment is on a line.
#[derive(Debug)]
pub(crate) struct Answer {
    action: Action,
    verdict: Verdict,
}

impl Answers {
    /// Prepares what a policy may do on a line.
    pub(crate) fn of_line(policy: &Policy, line: &Line) -> softphone::Result<Self> {
        let rules = policy.rules().iter().map(ringfence_policy::Rule::then);
        let treatments = policy.treatments().iter().chain(rules).chain([policy.on_error(), policy.welcome()]);
        let mut each = Vec::new();
        for treatment in treatments {
            each.push((address(treatment), Answer::new(line.act(treatment))?));
        }
        each.sort_by_key(|(address, _)| *address);
        each.dedup_by_key(|(address, _)| *address);
        Ok(Self { each, welcome: Answer::new(line.act(policy.welcome()))? })
    }

    /// Returns what a treatment of the policy is; one that is not there, or not possible, lets the
    /// call through.
    pub(crate) fn of(&self, treatment: &Arc<Treatment>) -> &Answer {
        let place = self.each.binary_search_by_key(&address(treatment), |(address, _)| *address);
        let found = place.ok().and_then(|place| self.each.get(place)).map(|(_, answer)| answer);
        found.filter(|answer| !matches!(answer.action, Action::Unsupported { .. })).unwrap_or(&self.welcome)
    }
}

/// The policy keeps its treatments where they are as long as it lives.
fn address(treatment: &Arc<Treatment>) -> usize {
    Arc::as_ptr(treatment).addr()
}

impl Answer {
    fn new(action: Action) -> softphone::Result<Self> {
        let verdict = match &action {
            Action::Reject(rejection) => reject(rejection)?.into(),
            Action::Redirect(away) => redirect(away)?.into(),
            Action::Ring { limit } => Verdict::Ring { limit: Some(*limit) },
            Action::Wait { is_ringing, limit, then } => {
                let wait = if *is_ringing { Wait::ringing(*limit) } else { Wait::silent(*limit) };
                wait.then_reject(reject(then)?).into()
            }
            Action::Ignore { only: Only::NotFromRegistrar } => Reject::unavailable().into(),
            Action::Ignore { only: Only::Always } => Verdict::Ignore,
            Action::Unsupported { .. } => Verdict::Ring { limit: None },
        };
        Ok(Self { action, verdict })
    }

    /// Returns what goes out on the wire.
    pub(crate) fn action(&self) -> &Action {
        &self.action
    }

    /// Returns the same as the softphone takes it, for a call with these facts.
    pub(crate) fn verdict(&self, facts: &Facts<'_>) -> Verdict {
        match &self.action {
            // Only who is not the registrar is left without an answer: a PBX would take the line for dead.
            Action::Ignore { .. } if !facts.arrival.is_from_registrar() => Verdict::Ignore,
            Action::Ignore { .. }
            | Action::Reject(_)
            | Action::Redirect(_)
            | Action::Ring { .. }
            | Action::Wait { .. }
            | Action::Unsupported { .. } => self.verdict.clone(),
        }
    }
}

fn reject(rejection: &Rejection) -> softphone::Result<Reject> {
    let mut reject = Reject::status(rejection.code())?;
    if let Some(phrase) = rejection.reason_phrase() {
        reject = reject.phrase(phrase);
    }
    if let Some(warning) = rejection.warning_text() {
        reject = reject.warning(warning);
    }
    if let Some(reason) = rejection.reason_value() {
        reject = reject.reason(reason);
    }
    if let Some(uri) = rejection.call_info_value() {
        let purpose = if rejection.code() == 608 { "jwscard" } else { "info" };
        reject = reject.call_info(uri, purpose)?;
    }
    if let Some(uri) = rejection.error_info_value() {
        reject = reject.error_info(uri)?;
    }
    if let Some(RetryAfter::In(wait)) = rejection.retry() {
        reject = reject.retry_after(*wait);
    }
    Ok(reject)
}

fn redirect(away: &Redirection) -> softphone::Result<Redirect> {
    Redirect::to(away.to.as_str())
}
