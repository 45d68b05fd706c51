//! Calls whose decision needs what a server or a program says: asked at once, decided at the deadline.
//!
//! The caller has heard 100 Trying and nothing else. What does not answer in time is missing: a list
//! that says `on_miss` counts as it says, any other makes the decision `on_error`. So does a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use ringfence_policy::{Answer as Told, By, Decision};
use softphone::{IncomingCall, Verdict};

use super::claims::arrival;
use super::memory::Said;
use super::record::{of_invite, outcome};
use super::{Attempt, Rules, Screen};
use crate::journal::{Call, Evidence};
use crate::sources::Question;

impl Screen {
    /// Decides a call that was offered, and carries the verdict out.
    pub(crate) async fn decide_late(&self, call: IncomingCall) {
        let began = Instant::now();
        let rules = self.rules.load_full();
        let deadline = tokio::time::Instant::from_std(began) + rules.policy.deadline();
        let mut said = Vec::new();
        let verdict = loop {
            // What panicked once on the shard may do so again: it must not take the call with it.
            let attempt =
                catch_unwind(AssertUnwindSafe(|| self.attempt(&rules, &call.invite(), &said, began)));
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

    /// Returns what is done with a call that cannot be decided, and writes that down.
    fn in_doubt(&self, rules: &Rules, call: &IncomingCall, began: Instant) -> Verdict {
        let invite = call.invite();
        let answer =
            rules.line(invite.line_label()).answers.of(Decision::on_error(&rules.policy).treatment());
        let policy = Arc::clone(&rules.checksum);
        let verdict = outcome(&invite, answer.action(), arrival(&invite).is_from_registrar());
        let record = Call {
            caller: invite.caller().map(|caller| caller.user().into_owned()).unwrap_or_default(),
            rule: By::Error.id().to_owned(),
            reason: "it could not be decided: the decision panicked".to_owned(),
            evidence: Evidence { policy, decided_in: began.elapsed(), ..Evidence::default() },
            ..of_invite(&invite, Timestamp::now(), verdict)
        };
        self.recorder.record(record, Some(invite.source().ip()));
        answer.plain_verdict()
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
            let nothing = |list: &&str| Said { list: (*list).into(), answer: Ok(Told::default()) };
            return names.iter().map(nothing).collect();
        };
        let answers = rules.sources.ask(&question, &names, deadline).await;
        let said = names.iter().map(|name| {
            let answer = answers.said.iter().find(|(list, _)| list == name);
            let missing = answers.missing.iter().find(|(list, _)| list == name);
            let answer = match (answer, missing) {
                (Some((_, answer)), _) => Ok(Told { score: answer.score, is_listed: answer.is_listed }),
                (None, Some((_, error))) => rules.missing(name, error.to_string()),
                (None, None) => rules.missing(name, "it was not asked".to_owned()),
            };
            Said { list: (*name).into(), answer }
        });
        said.collect()
    }
}

impl Rules {
    /// Returns what counts for a list that did not answer.
    fn missing(&self, list: &str, why: String) -> Result<Told, String> {
        self.unanswered.get(list).copied().ok_or(why)
    }
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
