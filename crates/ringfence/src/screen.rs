//! The product in one file: an incoming call becomes facts, the policy decides, the verdict goes out.
//!
//! ```text
//!  Invite ──▶ Seen ──▶ Facts ──▶ policy ──▶ Decision ──▶ Answer on this line ──▶ Verdict
//!                        ▲                     │
//!  the past, look-ups ───┘                     └──▶ the journal: who, what, why, on what
//! ```
//!
//! It runs on the thread of the shard that received the INVITE, and waits for nothing there. A call
//! whose decision needs what a server says is offered instead, and decided in `late.rs` at the policy's
//! deadline. A new configuration is swapped in whole; calls under way keep their verdict.

mod claims;
mod late;
mod memory;
mod record;
mod seen;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use ringfence_policy::{Answer as Told, Decision, Identity, Line, Log, Policy, decide};
use softphone::{Invite, Verdict};

use crate::answer::Answers;
use crate::config::Config;
use crate::journal::{Added, Recorder, identity};
use crate::sources::{Question, Sources};
use memory::{Memory, Said};
use record::{Decided, objection};
use seen::{Seen, written};

/// Decides every incoming call.
#[derive(Debug)]
pub(crate) struct Screen {
    rules: ArcSwap<Rules>,
    recorder: Recorder,
}

/// One configuration, with its answers ready to be sent.
#[derive(Debug)]
struct Rules {
    policy: Arc<Policy>,
    /// The policy's checksum, which the records of all its calls share.
    checksum: Arc<str>,
    lines: BTreeMap<String, OnLine>,
    /// For a line that is none of them.
    other: OnLine,
    /// Whom to ask about a caller.
    sources: Arc<Sources>,
    /// The lists that are asked for each call, with what counts when one does not answer.
    asked: Vec<Box<str>>,
    unanswered: BTreeMap<Box<str>, Told>,
}

/// What the rules need of one line.
#[derive(Debug)]
struct OnLine {
    /// The name that rules know it by.
    name: String,
    groups: Vec<Box<str>>,
    /// Whose word counts for who calls.
    order: Vec<Identity>,
    answers: Answers,
}

/// What came of one attempt to decide a call.
#[derive(Debug)]
enum Attempt {
    /// The verdict, which is in the journal.
    Decided(Verdict),
    /// It depends on what these lists say, which have not been asked.
    Wanting { lists: Vec<Box<str>>, question: Option<Question> },
}

impl Screen {
    /// Makes a screen that decides by a configuration, and asks its sources.
    pub(crate) fn new(config: &Config, sources: Arc<Sources>, recorder: Recorder) -> softphone::Result<Self> {
        Ok(Self { rules: ArcSwap::from_pointee(Rules::new(config, sources)?), recorder })
    }

    /// Decides by another configuration from now on.
    pub(crate) fn adopt(&self, config: &Config, sources: Arc<Sources>) -> softphone::Result<()> {
        self.rules.store(Arc::new(Rules::new(config, sources)?));
        Ok(())
    }

    /// Decides one call, and records what and why. A call that depends on what a server says is offered.
    pub(crate) fn decide(&self, invite: &Invite<'_>) -> Verdict {
        match self.attempt(&self.rules.load(), invite, &[], Instant::now()) {
            Attempt::Decided(verdict) => verdict,
            Attempt::Wanting { .. } => Verdict::Offer,
        }
    }

    /// Decides a call with what lists have said of its caller.
    fn attempt(&self, rules: &Rules, invite: &Invite<'_>, said: &[Said], began: Instant) -> Attempt {
        let now = Timestamp::now();
        let policy = &rules.policy;
        let line = rules.line(invite.line_label());
        let seen = Seen::of(invite, if line.name.is_empty() { invite.line_label() } else { &line.name });
        let caller = seen.caller(&line.order);
        let past = self.recorder.past().of_call(Some(invite.source().ip()), now, &[]);
        let memory = Memory::new(past, &rules.asked, said);
        let facts = seen.facts(&caller, policy, &line.order, &line.groups, &memory);
        let decided = decide(policy, &facts, now);
        // What the explanation asks again is no part of what the decision stood on.
        let stood_on = memory.stood_on();
        if !stood_on.wanting.is_empty() {
            let question = facts.caller.number().map(|number| Question {
                number,
                line: facts.line.to_owned(),
                called: facts.called.map(|(called, _)| called.to_owned()),
            });
            return Attempt::Wanting { lists: stood_on.wanting, question };
        }
        let decision = if stood_on.missing.is_empty() { decided } else { Decision::on_error(policy) };
        let answer = line.answers.of(decision.treatment());
        let decided = Decided {
            policy,
            checksum: &rules.checksum,
            facts: &facts,
            decision: &decision,
            action: answer.action(),
            at: now,
            took: began.elapsed(),
            said,
        };
        self.write_down(invite, &decided, || written(&facts, &caller, now, stood_on, said));
        let verdict = answer.verdict(policy, &facts, now);
        // It cannot ring either: the endpoint answers what stands against it.
        let is_held_back =
            matches!(verdict, Verdict::Redirect(_)) && objection(invite, answer.action()).is_some();
        Attempt::Decided(if is_held_back { Verdict::Ring { limit: None } } else { verdict })
    }

    /// Does what follows from a decision here: the lists that the rule adds to, the events, the record.
    fn write_down(
        &self,
        invite: &Invite<'_>,
        decided: &Decided<'_>,
        written: impl FnOnce() -> ringfence_policy::Call,
    ) {
        let Decided { facts, decision, at, .. } = *decided;
        let source = invite.source().ip();
        if let Some(rule) = decision.rule() {
            // Of a policy in shadow mode nothing follows but what is written down.
            let is_enforced = decision.wanted().is_none();
            if is_enforced
                && let Some(add_to) = &rule.add_to
                && let Some(identity) = identity(&facts.caller)
            {
                let ttl = add_to.ttl.and_then(|ttl| SignedDuration::try_from(ttl).ok());
                let until = ttl.and_then(|ttl| at.checked_add(ttl).ok());
                let (list, rule) = (add_to.list.to_string(), Some(rule.id().to_owned()));
                self.recorder.add(Added { list, identity, at, until, rule, note: None });
            }
            if is_enforced && !rule.notify.is_empty() {
                let (rule, line) = (rule.id(), facts.line);
                tracing::info!(rule, line, notify = rule_targets(decision), "notify");
            }
            if rule.log == Log::Counter {
                let caller = identity(&facts.caller);
                let outcome = decided.outcome(invite);
                self.recorder.count(&outcome, caller.as_deref(), invite.line_label(), source, at);
                return;
            }
        }
        self.recorder.record(decided.record(invite, &written()), Some(source));
    }
}

fn rule_targets(decision: &Decision<'_>) -> String {
    decision.rule().map(|rule| rule.notify.join(", ")).unwrap_or_default()
}

impl Rules {
    fn new(config: &Config, sources: Arc<Sources>) -> softphone::Result<Self> {
        let policy = &config.policy;
        let mut lines = BTreeMap::new();
        for account in &config.accounts {
            let address = format!("sip:{}@{}", account.user, account.domain);
            let line = OnLine::new(policy, &policy.line(&account.name), &address, &account.caller)?;
            lines.insert(account.name.clone(), line);
        }
        let nobody = OnLine { name: String::new(), ..OnLine::new(policy, &Line::new(""), "", &[])? };
        Ok(Self {
            policy: Arc::clone(policy),
            checksum: policy.checksum().into(),
            lines,
            other: nobody,
            sources,
            asked: config.look_ups.iter().map(|look_up| look_up.name.as_str().into()).collect(),
            unanswered: config.unanswered.clone(),
        })
    }

    /// Returns what the rules need of a line.
    fn line(&self, label: &str) -> &OnLine {
        self.lines.get(label).unwrap_or(&self.other)
    }
}

impl OnLine {
    fn new(policy: &Policy, line: &Line, address: &str, order: &[Identity]) -> softphone::Result<Self> {
        let order =
            [line.identity.as_slice(), order, &claims::USUAL].into_iter().find(|order| !order.is_empty());
        Ok(Self {
            name: line.name.to_string(),
            groups: policy.groups_of(&line.name, address),
            order: order.unwrap_or_default().to_vec(),
            answers: Answers::of_line(policy, line, address)?,
        })
    }
}
