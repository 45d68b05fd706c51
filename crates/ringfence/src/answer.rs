//! What each treatment of a policy is on one line, ready to be sent.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use ringfence_policy::{
    Action, Facts, Final, Line, Only, Policy, Redirection, Rejection, RetryAfter, Treatment,
};
use softphone::{Redirect, Reject, Verdict, Wait};

/// What each treatment of a policy is on one line.
#[derive(Debug)]
pub(crate) struct Answers {
    /// By the place that the policy keeps the treatment at, in ascending order.
    each: Vec<(usize, Answer)>,
    /// What lets a call through.
    welcome: Answer,
    /// What a caller hears in the place of silence who has heard 100 Trying.
    unavailable: Answer,
}

/// The answers of lines that act alike, made once: thousands of lines differ in their names only.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    made: Vec<(Line, Arc<Answers>)>,
}

/// Lines differ in few ways; those beyond have answers of their own.
const MOST_SHARED: usize = 64;

impl Shared {
    /// Prepares what a policy may do on a line with this address-of-record, or finds it prepared for another.
    pub(crate) fn of_line(
        &mut self,
        policy: &Policy,
        line: &Line,
        address: &str,
    ) -> softphone::Result<Arc<Answers>> {
        if let Some((_, answers)) = self.made.iter().find(|(known, _)| known.acts_as(line)) {
            return Ok(Arc::clone(answers));
        }
        let answers = Arc::new(Answers::of_line(policy, line, address)?);
        if self.made.len() < MOST_SHARED && !answers.tell_address() {
            self.made.push((line.clone(), Arc::clone(&answers)));
        }
        Ok(answers)
    }
}

/// What a treatment is on a line.
#[derive(Debug)]
pub(crate) struct Answer {
    action: Action,
    verdict: Verdict,
}

impl Answers {
    /// Prepares what a policy may do on a line with this address-of-record.
    pub(crate) fn of_line(policy: &Policy, line: &Line, address: &str) -> softphone::Result<Self> {
        let rules = policy.rules().iter().map(ringfence_policy::Rule::then);
        let treatments = policy.treatments().iter().chain(rules).chain([policy.on_error(), policy.welcome()]);
        let mut each = Vec::new();
        for treatment in treatments {
            each.push((Self::place(treatment), Answer::new(line.act(treatment), address)?));
        }
        each.sort_by_key(|(place, _)| *place);
        each.dedup_by_key(|(place, _)| *place);
        let welcome = Answer::new(line.act(policy.welcome()), address)?;
        Ok(Self {
            each,
            welcome,
            unavailable: Answer::new(Action::Reject(Rejection::unavailable()), address)?,
        })
    }

    /// Returns whether one of them tells the caller the line's own address.
    fn tell_address(&self) -> bool {
        let all = self.each.iter().map(|(_, answer)| answer).chain([&self.welcome, &self.unavailable]);
        all.into_iter().any(|answer| match &answer.action {
            Action::Redirect(away)
            | Action::SendOn(Final::Redirect(away))
            | Action::Wait { then: Final::Redirect(away), .. } => away.diversion.is_some(),
            Action::Wait { then: Final::Reject(_), .. }
            | Action::SendOn(Final::Reject(_))
            | Action::Reject(_)
            | Action::Ring { .. }
            | Action::Ignore { .. }
            | Action::Unsupported { .. } => false,
        })
    }

    /// Returns the place of the answer of a treatment, for a caller who has heard nothing. The policy keeps its
    /// treatments where they are as long as it lives.
    pub(crate) fn place(treatment: &Arc<Treatment>) -> usize {
        Arc::as_ptr(treatment).addr()
    }

    /// Returns the same for a caller who has heard 100 Trying, and would wait for more as long as its timer runs.
    pub(crate) fn place_after_trying(&self, treatment: &Arc<Treatment>) -> usize {
        self.after_trying(Self::place(treatment))
    }

    /// Returns the place of the answer for such a caller, where another one may have been decided for a copy of its call.
    pub(crate) fn after_trying(&self, place: usize) -> usize {
        if matches!(self.at(place).action, Action::Ignore { .. }) { IN_PLACE_OF_SILENCE } else { place }
    }

    /// Returns the answer at a place; one that is not there, or not possible, lets the call through.
    pub(crate) fn at(&self, place: usize) -> &Answer {
        if place == IN_PLACE_OF_SILENCE {
            return &self.unavailable;
        }
        let found = self.each.binary_search_by_key(&place, |(place, _)| *place);
        let found = found.ok().and_then(|place| self.each.get(place)).map(|(_, answer)| answer);
        found.filter(|answer| !matches!(answer.action, Action::Unsupported { .. })).unwrap_or(&self.welcome)
    }
}

/// No treatment is kept there.
pub(crate) const IN_PLACE_OF_SILENCE: usize = 0;

impl Answer {
    fn new(action: Action, address: &str) -> softphone::Result<Self> {
        let verdict = match &action {
            Action::Reject(rejection) | Action::SendOn(Final::Reject(rejection)) => reject(rejection)?.into(),
            Action::Redirect(away) | Action::SendOn(Final::Redirect(away)) => redirect(away, address)?.into(),
            Action::Ring { limit } => Verdict::Ring { limit: Some(*limit) },
            Action::Wait { is_ringing, limit, then } => {
                let wait = waiting(*is_ringing, *limit);
                match then {
                    Final::Reject(then) => wait.then_reject(reject(then)?).into(),
                    Final::Redirect(then) => wait.then_redirect(redirect(then, address)?).into(),
                }
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

    /// Returns the same as the softphone takes it, for a call of which nothing is known.
    pub(crate) fn plain_verdict(&self) -> Verdict {
        self.verdict.clone()
    }

    /// Returns the same as the softphone takes it, for a call with these facts.
    pub(crate) fn verdict(&self, policy: &Policy, facts: &Facts<'_>, now: Timestamp) -> Verdict {
        let of_this_call = match &self.action {
            Action::Reject(rejection) => until_end_of(policy, rejection, now).map(Into::into),
            Action::Wait { is_ringing, limit, then: Final::Reject(rejection) } => {
                let wait = |then| waiting(*is_ringing, *limit).then_reject(then).into();
                until_end_of(policy, rejection, now).map(wait)
            }
            // Only who is not the registrar is left without an answer: a PBX would take the line for dead.
            Action::Ignore { .. } if !facts.arrival.is_from_registrar() => Some(Verdict::Ignore),
            Action::Ignore { .. }
            | Action::Redirect(_)
            | Action::SendOn(_)
            | Action::Ring { .. }
            | Action::Wait { .. }
            | Action::Unsupported { .. } => None,
        };
        of_this_call.unwrap_or_else(|| self.verdict.clone())
    }
}

fn waiting(is_ringing: bool, limit: Duration) -> Wait {
    if is_ringing { Wait::ringing(limit) } else { Wait::silent(limit) }
}

/// Makes a refusal that says that the caller may try again when a schedule ends, if it is to say that.
fn until_end_of(policy: &Policy, rejection: &Rejection, now: Timestamp) -> Option<Reject> {
    let wait = left(policy, rejection, now)?;
    Some(reject(rejection).ok()?.retry_after(wait))
}

/// Returns how long the schedule goes on whose end a refusal tells.
fn left(policy: &Policy, rejection: &Rejection, now: Timestamp) -> Option<Duration> {
    let Some(RetryAfter::UntilEndOf(schedule)) = rejection.retry() else { return None };
    let schedule = policy.schedules().iter().find(|known| known.name() == &**schedule)?;
    let end = schedule.end(policy.zone().to_datetime(now))?;
    Duration::try_from(next(policy.zone(), end, now)?.duration_since(now)).ok()
}

/// Returns when the clock of a zone shows a time next, or goes past it: what it never shows is where it skips that.
fn next(zone: &TimeZone, shown: DateTime, now: Timestamp) -> Option<Timestamp> {
    let instant = zone.to_ambiguous_timestamp(shown);
    match instant.offset() {
        AmbiguousOffset::Unambiguous { .. } => instant.compatible().ok(),
        AmbiguousOffset::Fold { .. } => {
            instant.earlier().ok().filter(|first| *first > now).or_else(|| instant.later().ok())
        }
        AmbiguousOffset::Gap { .. } => {
            let before = instant.earlier().ok()?;
            zone.following(before).next().map(|transition| transition.timestamp())
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
    if let Some(value) = rejection.call_info_value() {
        let (uri, parameters) = bracketed(value);
        let said = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("purpose="));
        let usual = if rejection.code() == 608 { "jwscard" } else { "info" };
        reject = reject.call_info(uri, said.unwrap_or(usual))?;
    }
    if let Some(value) = rejection.error_info_value() {
        reject = reject.error_info(bracketed(value).0)?;
    }
    if let Some(RetryAfter::In(wait)) = rejection.retry() {
        reject = reject.retry_after(*wait);
    }
    Ok(reject)
}

/// Returns the address of a header's value, and the parameters behind it.
fn bracketed(value: &str) -> (&str, &str) {
    let inner = value.trim().strip_prefix('<').and_then(|rest| rest.split_once('>'));
    inner.unwrap_or((value.trim(), ""))
}

fn redirect(away: &Redirection, address: &str) -> softphone::Result<Redirect> {
    let redirect = Redirect::to(away.to.as_str())?;
    match &away.diversion {
        // Who has no address-of-record has nothing to say it was diverted from.
        Some(reason) if !address.is_empty() => redirect.diversion(address, reason),
        Some(_) | None => Ok(redirect),
    }
}

#[cfg(test)]
mod tests {
    use ringfence_policy::{Draft, File, ListSpec, Work};

    use super::*;

    /// Returns after how many minutes a refusal at an instant says that `night` ends, where there is one.
    fn minutes_left(hours: &str, now: &str) -> Option<u64> {
        let text = format!(
            "defaults = {{ region = \"CH\", timezone = \"Europe/Zurich\" }}\n[schedule.night]\nhours = \"{hours}\"\n\
             [treatment.later]\nreject = {{ code = 480, retry_after = \"until_end_of:night\" }}\n\
             [[rule]]\nid = \"all\"\nthen = \"later\"\n"
        );
        let mut open = |_: &str, _: &str| Err("none".to_owned());
        let (draft, _) = Draft::read(File::new("p", text), &mut open, &[]);
        let policy = draft.compile(ListSpec::inline).unwrap();
        let Work::Reject(rejection) = policy.rules()[0].then().work() else { unreachable!("it rejects") };
        left(&policy, rejection, now.parse().unwrap()).map(|left| left.as_secs() / 60)
    }

    #[test]
    fn an_end_that_the_clock_shows_twice_is_the_next_one_and_one_that_it_skips_is_where_it_does() {
        // On 25 October 2026 the clock goes back from 03:00 to 02:00 at 01:00 UTC, on 28 March 2027 from 02:00 to 03:00.
        for (hours, now, expected) in [
            ("22:00-02:30", "2026-10-25T00:10:00Z", Some(20)),
            ("22:00-02:30", "2026-10-25T01:10:00Z", Some(20)),
            ("22:00-02:30", "2026-10-24T23:50:00Z", Some(40)),
            ("22:00-03:30", "2026-10-25T00:10:00Z", Some(140)),
            ("22:00-02:30", "2027-03-28T00:50:00Z", Some(10)),
            ("22:00-02:00", "2027-03-28T00:50:00Z", Some(10)),
            ("22:00-03:30", "2027-03-28T00:50:00Z", Some(40)),
            ("22:00-02:30", "2026-10-25T12:00:00Z", None),
        ] {
            assert_eq!(minutes_left(hours, now), expected, "{hours} at {now}");
        }
    }
}
