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
mod conclusion;
mod copies;
mod draft;
mod ends;
#[cfg(test)]
mod forked;
mod late;
mod memory;
#[cfg(test)]
mod named;
mod noted;
mod on_line;
#[cfg(test)]
pub(crate) mod program;
mod record;
mod rules;
mod seen;
mod sheet;
#[cfg(test)]
mod together;
mod undecided;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use ringfence_policy::{CallerId, CallerKind, Decision, Facts, Number, decide};
use smallvec::SmallVec;
use softphone::{Invite, MOST_TOGETHER, Verdict};

use crate::config::Config;
use crate::journal::{Added, Call, CallerKey, Counted, LineKey, Recorder, identity};
use crate::sources::{Question, Sources};
use conclusion::{Asked, Basis, Conclusion, Recorded};
use copies::{Copies, Earlier, On};
use memory::{Memory, Said};
use on_line::OnLine;
use rules::Rules;
use sheet::Sheet;
use undecided::Undecided;

/// Decides every incoming call.
#[derive(Debug)]
pub(crate) struct Screen {
    rules: ArcSwap<Rules>,
    recorder: Recorder,
    /// Calls that are offered, to be decided late.
    undecided: Undecided,
    /// What was decided a moment ago, for further copies of the same call.
    copies: Copies,
    /// How many configurations there have been.
    configurations: AtomicU64,
    /// Which screen of this run it is.
    number: u64,
    /// Whether each attempt to decide panics.
    #[cfg(test)]
    panics: std::sync::atomic::AtomicBool,
    /// Whether to say why panics.
    #[cfg(test)]
    is_unspeakable: std::sync::atomic::AtomicBool,
}

/// Whose Call-ID begins so cannot be read together with others.
#[cfg(test)]
const UNREADABLE: &str = "call-1000";

/// Calls that are decided one behind the other are at least so far apart, as times are written down.
const DISTINCT: Duration = Duration::from_micros(1);

/// Where a call is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// On the shard, when its INVITE comes.
    AtOnce,
    /// In a task, after it was offered.
    Late,
}

/// What was decided of a call.
#[derive(Debug, Clone, Copy)]
struct Decided<'a> {
    facts: &'a Facts<'a>,
    decision: &'a Decision<'a>,
    /// What the past knows the caller and the line by.
    caller: Option<CallerKey>,
    line: LineKey,
    at: Timestamp,
    /// Whether a copy of the call was counted on another line.
    is_copy: bool,
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
        let (undecided, copies, configurations) =
            (Undecided::default(), Copies::default(), AtomicU64::new(1));
        let rules = ArcSwap::from_pointee(Rules::new(config, sources, recorder.past(), 0)?);
        Ok(Self {
            rules,
            recorder,
            undecided,
            copies,
            configurations,
            number: ends::next_number(),
            #[cfg(test)]
            panics: std::sync::atomic::AtomicBool::default(),
            #[cfg(test)]
            is_unspeakable: std::sync::atomic::AtomicBool::default(),
        })
    }

    /// Decides by another configuration from now on.
    pub(crate) fn adopt(&self, config: &Config, sources: Arc<Sources>) -> softphone::Result<()> {
        let number = self.configurations.fetch_add(1, Relaxed);
        self.rules.store(Arc::new(Rules::new(config, sources, self.recorder.past(), number)?));
        Ok(())
    }

    /// Tells whether the policy in force has a switch.
    pub(crate) fn has_switch(&self, name: &str) -> bool {
        self.rules.load().policy.switches().iter().any(|switch| *switch.name == *name)
    }

    /// Has each attempt to decide panic from now on.
    #[cfg(test)]
    pub(crate) fn panic_from_now_on(&self) {
        self.panics.store(true, Relaxed);
    }

    /// Has each attempt to say why panic from now on.
    #[cfg(test)]
    pub(crate) fn be_unspeakable_from_now_on(&self) {
        self.is_unspeakable.store(true, Relaxed);
    }

    /// Decides calls that came together, as one after another, and records what and why. A call that depends on what a server says
    /// is offered. All are read before the first is decided: the code of both is more than the first cache of a core holds.
    pub(crate) fn decide_together(&self, invites: &[Invite<'_>], verdicts: &mut Vec<Verdict>) {
        let (rules, began, mut at) = (self.rules.load(), Instant::now(), Timestamp::now());
        let mut read: SmallVec<[Option<Asked<'_>>; MOST_TOGETHER]> = SmallVec::new();
        while let Some(rest @ [_, ..]) = invites.get(read.len()..) {
            let reading = || {
                for invite in rest {
                    #[cfg(test)]
                    assert!(!invite.call_id().starts_with(UNREADABLE), "a test wants it");
                    read.push(Some(Asked::new(&rules, invite, Moment::AtOnce, began)));
                }
            };
            // One that cannot be read is tried again when its turn comes.
            if catch_unwind(AssertUnwindSafe(reading)).is_err() {
                read.push(None);
            }
        }
        // Each has its share of the time that it took to read all, and its own from when the one before was decided: what is
        // written down of that one is in it.
        let mut turn = Instant::now();
        let share = turn.saturating_duration_since(began) / u32::try_from(invites.len()).unwrap_or(1).max(1);
        for (invite, asked) in invites.iter().zip(&mut read) {
            let began = turn.checked_sub(share).unwrap_or(turn);
            let attempt = catch_unwind(AssertUnwindSafe(|| match asked {
                Some(asked) => {
                    asked.began = began;
                    self.attempt_of(asked, &[], at)
                }
                None => self.attempt_of(&Asked::new(&rules, invite, Moment::AtOnce, began), &[], at),
            }));
            let decided = asked.as_ref().and_then(|asked| asked.decided.get()).unwrap_or_else(Instant::now);
            // What is read of the journal tells calls from the copies of one by their times.
            let took = decided.saturating_duration_since(turn).max(DISTINCT);
            at = SignedDuration::try_from(took).ok().and_then(|took| at.checked_add(took).ok()).unwrap_or(at);
            turn = decided;
            verdicts.push(match attempt {
                Ok(Attempt::Decided(verdict)) => verdict,
                Ok(Attempt::Wanting { .. }) => {
                    self.hold(&rules, invite);
                    Verdict::Offer
                }
                Err(panic) => {
                    self.hold(&rules, invite);
                    // The softphone counts it, and offers the call.
                    resume_unwind(panic)
                }
            });
        }
    }

    /// Decides a call that has been read, with what lists have said of its caller.
    fn attempt_of(&self, asked: &Asked<'_>, said: &[Said], now: Timestamp) -> Attempt {
        #[cfg(test)]
        assert!(!self.panics.load(Relaxed), "a test wants it");
        let &Asked { rules, invite, line, ref seen, moment, began, .. } = asked;
        let caller = seen.caller(&line.order);
        let on = On { configuration: rules.number, line: std::ptr::from_ref(line).addr() };
        let key = self.copies.key(invite, &caller, seen);
        let earlier = key.and_then(|key| self.copies.find(key, on, began));
        let counted = match earlier {
            Some(Earlier::Elsewhere(at)) => Some(at),
            Some(Earlier::Here(_)) | None => None,
        };
        let now = counted.unwrap_or(now);
        let line_key = self.line_key(asked);
        let past = self.recorder.past().of_call(line_key, Some(invite.source().ip()), now, &[]);
        let past = past.without_copy(counted);
        let memory = Memory::new(past, rules.policy.switches(), &rules.asked, said);
        let facts = seen.facts(&caller, &rules.policy, &line.order, &line.groups, &memory);
        if let Some(Earlier::Here(first)) = earlier {
            return Attempt::Decided(self.same_again(asked, &facts, first));
        }
        let decision = match &line.not_started {
            None => decide(&rules.policy, &facts, now),
            // No rules are its own then; who is never refused is not refused here either.
            Some(why) => match Decision::before_rules(&rules.policy, &facts, now) {
                Some(decision) => decision,
                None => return Attempt::Decided(self.refuse_unstarted(rules, invite, why, moment)),
            },
        };
        // What the explanation asks again is no part of what the decision stood on.
        let stood_on = memory.stood_on();
        if !stood_on.wanting.is_empty() {
            let question = to_be_asked(&facts.caller).map(|number| Question {
                number,
                line: facts.line.to_owned(),
                called: facts.called.map(|(called, _)| called.to_owned()),
            });
            return Attempt::Wanting { lists: stood_on.wanting, question };
        }
        // What may panic comes before the call counts as decided: else it would have no record.
        let is_copy = counted.is_some();
        let basis = Basis { caller: &caller, facts: &facts, stood_on, said, at: now };
        let Conclusion { place, verdict, mut record } = asked.conclude(&decision, basis);
        if let Recorded::Whole(draft) = &mut record
            && moment == Moment::Late
            && said.is_empty()
        {
            draft.remark(Call::TRIED_AGAIN);
        }
        #[cfg(test)]
        if let Recorded::Whole(draft) = &mut record {
            draft.is_unspeakable = self.is_unspeakable.load(Relaxed);
        }
        let kept = copies::Decided { at: now, treatment: place };
        match key.and_then(|key| self.copies.keep(key, on, kept, began)) {
            None => {}
            Some(Earlier::Here(first)) => return Attempt::Decided(self.same_again(asked, &facts, first)),
            // Decided on another line just now: this one decides again as that one's copy.
            Some(Earlier::Elsewhere(_)) => return self.attempt_of(asked, said, now),
        }
        // One that was answered before it was decided has its record.
        if moment == Moment::AtOnce || self.undecided.take(invite.id()).is_some() {
            let (caller, line) = (memory.key(&facts.caller), line_key);
            let decided = Decided { facts: &facts, decision: &decision, caller, line, at: now, is_copy };
            self.write_down(asked, &decided, record);
        }
        Attempt::Decided(verdict)
    }

    /// Returns what the past knows a call's line by.
    fn line_key(&self, asked: &Asked<'_>) -> LineKey {
        asked.line.key.unwrap_or_else(|| self.recorder.past().line(asked.invite.line_label()))
    }

    /// Lets go of the room that was made for what is over.
    pub(crate) fn forget_what_is_over(&self) {
        self.copies.forget_what_is_over(Instant::now());
        Sheet::forget_spare();
    }

    /// Answers a further copy of a call as the first one was on this line.
    fn same_again(&self, asked: &Asked<'_>, facts: &Facts<'_>, first: copies::Decided) -> Verdict {
        let answers = &asked.line.answers;
        let place = match asked.moment {
            Moment::AtOnce => first.treatment,
            // The first may have been decided at once, and this one has heard 100 Trying.
            Moment::Late => answers.after_trying(first.treatment),
        };
        let answer = answers.at(place);
        let is_objected_to = record::objection(asked.invite, answer.action()).is_some();
        let verdict = asked.verdict(answer, facts, first.at, is_objected_to);
        self.recorder.copied();
        drop(self.undecided.take(asked.invite.id()));
        self.keep_no_record(asked);
        verdict
    }

    /// Does what follows from a decision here: the lists that the rule adds to, the events, the record or, without one, what
    /// is counted.
    fn write_down(&self, asked: &Asked<'_>, decided: &Decided<'_>, record: Recorded) {
        let Decided { facts, decision, caller, line, at, is_copy } = *decided;
        // Of a policy in shadow mode nothing follows but what is written down.
        if let Some(rule) = decision.rule().filter(|_| decision.wanted().is_none()) {
            if let Some(add_to) = &rule.add_to
                && let Some(identity) = identity(&facts.caller)
            {
                let ttl = add_to.ttl.and_then(|ttl| SignedDuration::try_from(ttl).ok());
                let until = ttl.and_then(|ttl| at.checked_add(ttl).ok());
                let (list, rule) = (add_to.list.to_string(), Some(rule.id().to_owned()));
                let is_withheld = facts.caller.kind() == CallerKind::Anonymous;
                let note = is_withheld.then(|| Added::WITHHELD.to_owned());
                self.recorder.add(Added { list, identity, at, until, rule, note });
            }
            if !rule.notify.is_empty() {
                let (rule, line) = (rule.id(), facts.line);
                tracing::info!(rule, line, notify = rule_targets(decision), "notify");
            }
        }
        let counted = |verdict| {
            let call = Counted { verdict, caller, line, source: Some(asked.invite.source().ip()), at };
            // One that was counted on another line counts for rates of its own only. Its time is that of the first:
            // those who called since have not called later for that.
            let copy = || Counted { caller: None, source: None, at: Timestamp::now(), ..call };
            self.recorder.count(if is_copy { copy() } else { call })
        };
        match record {
            Recorded::Whole(draft) => {
                let number = counted(&draft.outcome);
                self.recorder.draft(number, draft);
            }
            Recorded::Counted(outcome) => {
                counted(&outcome);
                self.keep_no_record(asked);
            }
        }
    }
}

/// Returns the number that others may be asked about. One that is withheld is matched here, and told nobody outside
/// (RFC 3325 section 9.3).
fn to_be_asked(caller: &CallerId<'_>) -> Option<Number> {
    match caller {
        CallerId::Anonymous { .. } | CallerId::WithheldName(_) => None,
        CallerId::Number(_)
        | CallerId::Implausible(..)
        | CallerId::Ambiguous(_)
        | CallerId::Unavailable
        | CallerId::Name(_)
        | CallerId::Invalid(_) => caller.number(),
    }
}

fn rule_targets(decision: &Decision<'_>) -> String {
    decision.rule().map(|rule| rule.notify.join(", ")).unwrap_or_default()
}
