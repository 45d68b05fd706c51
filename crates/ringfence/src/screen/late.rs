//! Calls whose decision needs what a server or a program says: asked at once, decided at the deadline.
//!
//! The caller has heard 100 Trying and nothing else; silence would leave it waiting, so a call that is to be ignored is
//! answered 480. What does not answer in time is missing: a list that says `on_miss` counts as it says, any other makes
//! the decision `on_error`. So does a panic, unless it is somebody who is never refused.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use ringfence_policy::{Answer as Told, By, CallerKind, Decision};
use softphone::{IncomingCall, Invite, Verdict};

use super::claims::is_to_be_hidden;
use super::conclusion::{Asked, Basis, Conclusion, Recorded};
use super::memory::{Memory, Said};
use super::record::{objection, of_invite, outcome};
use super::undecided::without_caller;
use super::{Attempt, Moment, Rules, Screen};
use crate::journal::{Call, Evidence};
use crate::sources::Question;

impl Screen {
    /// Decides a call that was offered, and carries the verdict out.
    pub(crate) async fn decide_late(&self, call: IncomingCall) {
        let began = Instant::now();
        self.undecided.take_up(call.id());
        let rules = self.rules.load_full();
        let deadline = tokio::time::Instant::from_std(began) + rules.policy.deadline();
        let mut said = Vec::new();
        let verdict = loop {
            // What panicked once on the shard may do so again: it must not take the call with it.
            let attempt = catch_unwind(AssertUnwindSafe(|| {
                let invite = call.invite();
                self.attempt_of(&Asked::new(&rules, &invite, Moment::Late, began), &said, Timestamp::now())
            }));
            match attempt {
                Ok(Attempt::Decided(verdict)) => break verdict,
                Ok(Attempt::Wanting { lists, question }) => {
                    said.extend(self.ask(&rules, &lists, question, deadline).await);
                }
                Err(_) => break self.in_doubt(&rules, &call, began),
            }
        };
        // A call that the caller has given up, or that may not ring, has had its answer.
        let _ = carry_out(call, verdict).await;
    }

    /// Returns what is done with a call that cannot be decided, and writes that down. Who is never refused rings.
    fn in_doubt(&self, rules: &Arc<Rules>, call: &IncomingCall, began: Instant) -> Verdict {
        let invite = call.invite();
        // Who calls is asked again: if that is what panicked, not even this is known.
        let made = catch_unwind(AssertUnwindSafe(|| self.without_rules(rules, &invite, began)));
        let (record, verdict) = made.unwrap_or_else(|_| in_the_dark(rules, &invite, began));
        if self.undecided.take(invite.id()).is_some() {
            self.recorder.record(record, Some(invite.source().ip()));
        }
        verdict
    }

    /// Decides a call by what comes before the rules alone.
    fn without_rules(&self, rules: &Arc<Rules>, invite: &Invite<'_>, began: Instant) -> (Call, Verdict) {
        let (asked, now) = (Asked::new(rules, invite, Moment::Late, began), Timestamp::now());
        let caller = asked.seen.caller(&asked.line.order);
        let past = self.recorder.past().of_call(self.line_key(&asked), Some(invite.source().ip()), now, &[]);
        let memory = Memory::new(past, rules.policy.switches(), &[], &[]);
        let (order, groups) = (&asked.line.order, &asked.line.groups);
        let facts = asked.seen.facts(&caller, &rules.policy, order, groups, &memory);
        let decision = Decision::in_doubt(&rules.policy, &facts, now);
        let stood_on = memory.stood_on();
        let basis = Basis { caller: &caller, facts: &facts, stood_on, said: &[], at: now };
        let Conclusion { verdict, record, .. } = asked.conclude(&decision, basis);
        match record {
            Recorded::Whole(mut draft) => {
                draft.remark(Call::PANICKED);
                (draft.record(0).call(), verdict)
            }
            // That cannot be: no rule decided.
            Recorded::Counted(_) => in_the_dark(rules, invite, began),
        }
    }

    /// Asks lists about a caller. Each of them has an answer when this returns, or a reason for none.
    async fn ask(
        &self,
        rules: &Rules,
        lists: &[Box<str>],
        question: Option<Question>,
        deadline: tokio::time::Instant,
    ) -> Vec<Said> {
        let names: Vec<&str> = lists.iter().map(|list| &**list).collect();
        // Nobody is asked about a caller without a number.
        let Some(question) = question else {
            let nothing =
                |list: &&str| Said { list: (*list).into(), answer: Some(Told::default()), failed: None };
            return names.iter().map(nothing).collect();
        };
        let answers = rules.sources.ask(&question, &names, deadline).await;
        let said = names.iter().map(|name| {
            let answer = answers.said.iter().find(|(list, _)| list == name);
            let missing = answers.missing.iter().find(|(list, _)| list == name);
            let failed = match (answer, missing) {
                (Some(_), _) => None,
                (None, Some((_, error))) => Some(error.to_string()),
                (None, None) => Some("it was not asked".to_owned()),
            };
            let told = answer.map(|(_, answer)| Told { score: answer.score, is_listed: answer.is_listed });
            // What counts for one that did not answer, if the policy says.
            let answer = told.or_else(|| rules.unanswered.get(*name).copied());
            Said { list: (*name).into(), answer, failed }
        });
        said.collect()
    }
}

/// Returns what is done with a call of which not even the caller can be told.
fn in_the_dark(rules: &Rules, invite: &Invite<'_>, began: Instant) -> (Call, Verdict) {
    let answers = &rules.line(invite.line_label()).answers;
    let answer = answers.at(answers.place_after_trying(Decision::on_error(&rules.policy).treatment()));
    let verdict = outcome(
        invite,
        objection(invite, answer.action()).as_ref(),
        answer.action(),
        &answer.plain_verdict(),
    );
    // Who wants it kept private is not shown, whatever could not be worked out.
    let caller = invite.caller().filter(|_| !is_to_be_hidden(invite));
    let shown =
        caller.map_or_else(|| CallerKind::Anonymous.as_str().to_owned(), |caller| caller.user().into_owned());
    let record = Call {
        caller: shown,
        rule: By::Error.id().to_owned(),
        reason: format!("it could not be decided{}", Call::PANICKED),
        evidence: Evidence { decided_in: began.elapsed(), ..without_caller(rules, invite, Moment::Late) },
        ..of_invite(invite, Timestamp::now(), verdict)
    };
    (record, answer.plain_verdict())
}

/// Does with a call that was offered what the screen would have done at once.
async fn carry_out(mut call: IncomingCall, verdict: Verdict) -> softphone::Result<()> {
    match verdict {
        Verdict::Reject(reject) => call.reject(reject).await,
        Verdict::Redirect(redirect) => call.redirect_as(redirect).await,
        Verdict::Wait(wait) => call.wait(wait).await,
        Verdict::Ring { limit: Some(limit) } => call.wait(softphone::Wait::ringing(limit)).await,
        Verdict::Ignore => {
            call.ignore();
            Ok(())
        }
        Verdict::Ring { limit: None } | Verdict::Offer | _ => {
            call.ring().await?;
            call.cancelled().await;
            Ok(())
        }
    }
}
