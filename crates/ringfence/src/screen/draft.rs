//! The record of a decision, made after the caller has been answered.
//!
//! A shard notes what was decided, and of what. The sentence for people and the facts as the journal keeps them are made
//! where the journal is kept.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ringfence_policy::{
    Action, CallTexts, Caller, CallerKind, Decision, Facts as Known, KeptCaller, KeptDecision, Work,
};
use softphone::{CallId, Objection};

use super::conclusion::{Asked, Basis};
use super::noted::{Few, Noted};
use super::record::{is_shown_as_known, leads_away, with_shown, write_entry};
use super::seen::Seen;
use super::sheet::Sheet;
use super::{Moment, Rules};
use crate::journal::{Evidence, Kept, Outcome, Text, Texts, facts, with_identity};

/// A decision of which the record is still to be made.
#[derive(Debug)]
pub(super) struct Draft {
    rules: Arc<Rules>,
    decision: KeptDecision,
    /// Without the time, which is `at`, the rate, and what is in `texts`.
    noted: Arc<Noted>,
    /// The greatest rate that was asked for.
    rate: Option<u32>,
    /// Those of the INVITE.
    texts: Texts,
    who: KeptCaller,
    pub(super) outcome: Outcome,
    obstacle: Option<Obstacle>,
    /// The sentence, if it was made already.
    reason: Option<String>,
    /// What is said after it.
    remarks: String,
    id: CallId,
    source: SocketAddr,
    at: Timestamp,
    took: Duration,
    is_sole: bool,
    is_late: bool,
    /// Whether to put it into words panics.
    #[cfg(test)]
    pub(super) is_unspeakable: bool,
}

/// What stood against a call that was to ring or to be sent on.
#[derive(Debug)]
struct Obstacle {
    objection: Objection,
    to_redirection: bool,
}

/// What is told of a decision beside the texts.
#[derive(Debug, Default)]
struct Told {
    shadow: Vec<String>,
    is_audited: bool,
}

thread_local! {
    /// Where the texts of a record are put together, before it is known how long they are.
    static ROOM: Cell<String> = const { Cell::new(String::new()) };
    /// The address that was written last, and its text: from one PBX comes call after call.
    static SOURCE: RefCell<(Option<SocketAddr>, String)> = const { RefCell::new((None, String::new())) };
}

/// The room that is kept from one record to the next at most, in bytes: the texts of nearly every record are shorter.
pub(super) const MOST_KEPT: usize = 4 * 1024;
/// So long are the texts of most INVITEs, all of them together.
const USUAL: usize = 256;
/// So long is the sentence of most records at most: to grow in steps would copy it.
const SENTENCE: usize = 384;

impl Draft {
    /// Notes a decision, and what it means on the line.
    pub(super) fn on_a_sheet(
        asked: &Asked<'_>,
        decision: &Decision<'_>,
        action: &Action,
        outcome: Outcome,
        objection: Option<Objection>,
        basis: Basis<'_, '_>,
    ) -> Box<Sheet> {
        let took = asked.took();
        let Asked { rules, invite, line, .. } = asked;
        let line_label = invite.line_label();
        let Basis { caller, facts, mut stood_on, said, at, .. } = basis;
        // It differs from call to call where all else that is noted is the same.
        let rate = stood_on.rate.take();
        let policy = &rules.policy;
        let obstacle = objection.map(|objection| Obstacle { objection, to_redirection: leads_away(action) });
        // What happened before may be another thing a moment later.
        let is_told_now = asked.moment == Moment::Late || !said.is_empty() || decision.tells_of_the_past();
        let reason = is_told_now.then(|| {
            let explanation = Explained { decision, outcome: &outcome, obstacle: obstacle.as_ref() };
            let mut reason = String::with_capacity(SENTENCE);
            explanation.write_reason(rules, facts, at, &mut reason);
            reason
        });
        let mut remarks = String::new();
        for said in said {
            if let Some(why) = &said.failed {
                remarks.extend(["; no answer of ", &said.list, " (", why, ")"]);
            }
        }
        Sheet::written(|room| Self {
            decision: decision.keep(policy),
            texts: texts(&asked.seen, line_label, caller, facts, room),
            who: facts.caller.keep(),
            noted: line.newest.noted(Few::of(facts, caller), &line.groups, policy, stood_on, said),
            rate,
            outcome,
            obstacle,
            reason,
            remarks,
            id: invite.id(),
            source: invite.source(),
            at,
            took,
            is_sole: line.is_sole,
            is_late: asked.moment == Moment::Late,
            rules: Arc::clone(rules),
            #[cfg(test)]
            is_unspeakable: false,
        })
    }

    /// Returns what the softphone numbers the call by.
    pub(super) fn id(&self) -> CallId {
        self.id
    }

    /// Takes the room of the texts, for others.
    pub(super) fn take_room(&mut self) -> String {
        self.texts.take_room()
    }

    /// Has something said after the reason.
    pub(super) fn remark(&mut self, remark: &str) {
        self.remarks.push_str(remark);
    }

    /// Makes the record of the call of this number.
    pub(super) fn record(&self, number: u64) -> Kept {
        let mut texts = self.known();
        // Whatever goes wrong with the words: the call has a record.
        let told = catch_unwind(AssertUnwindSafe(|| self.tell(&mut texts))).ok().flatten();
        let Told { shadow, is_audited } = told.unwrap_or_else(|| {
            texts = self.known();
            self.tell_without_words(&mut texts);
            Told::default()
        });
        texts.say(Text::Facts, |out| facts::push(self.noted.json(), self.rate, out));
        let (texts, room) = texts.fitted();
        if room.capacity() <= MOST_KEPT {
            ROOM.set(room);
        }
        Kept {
            number,
            at: self.at,
            verdict: self.outcome.clone(),
            texts,
            shadow,
            policy: Arc::clone(&self.rules.checksum),
            is_audited,
            is_late: self.is_late,
            is_sole: self.is_sole,
            decided_in: self.took,
            ended: None,
        }
    }

    /// Tells it in words. `None` is never: the decision is of the policy that is kept beside it, and the facts are told apart.
    fn tell(&self, texts: &mut Texts) -> Option<Told> {
        #[cfg(test)]
        assert!(!self.is_unspeakable, "a test wants it");
        let Self { rules, at, outcome, .. } = self;
        let decision = self.decision.under(&rules.policy)?;
        let of_facts = CallTexts { who: Some(self.who), ..self.texts.of_facts()? };
        Some(self.noted.facts.with_texts(of_facts, &rules.policy, *at, None, |facts, at| {
            let explained = Explained { decision: &decision, outcome, obstacle: self.obstacle.as_ref() };
            texts.tell(Text::Rule, Some(decision.rule_id()));
            texts.tell(Text::List, decision.list());
            if is_shown_as_known(facts) {
                texts.tell_again(Text::Caller);
            } else {
                with_shown(facts, |shown| texts.tell(Text::Caller, Some(shown)));
            }
            if decision.entry().is_some() || decision.list().is_some() {
                texts.say(Text::Entry, |out| write_entry(&decision, facts, out));
            } else {
                texts.tell(Text::Entry, None);
            }
            texts.say(Text::Reason, |out| {
                match &self.reason {
                    Some(reason) => out.push_str(reason),
                    None => explained.write_reason(rules, facts, at, out),
                }
                out.push_str(&self.remarks);
            });
            let is_audited = decision.rule().is_some_and(|rule| rule.is_audited);
            Told { shadow: Evidence::shadow_of(&decision), is_audited }
        }))
    }

    fn tell_without_words(&self, texts: &mut Texts) {
        let decision = self.decision.under(&self.rules.policy);
        texts.tell(Text::Rule, decision.as_ref().map(Decision::rule_id));
        texts.tell(Text::List, None);
        texts.tell(Text::Caller, Some(CallerKind::Invalid.as_str()));
        texts.tell(Text::Entry, None);
        texts.say(Text::Reason, |out| out.extend(["to say why panicked", &self.remarks]));
    }

    /// Returns the texts that are known without the policy.
    fn known(&self) -> Texts {
        let mut texts = self.texts.copied_into(ROOM.take());
        texts.say(Text::Id, |out| self.id.push_to(out));
        texts.say(Text::Source, |out| push_address(self.source, out));
        texts
    }
}

/// Copies the texts of an INVITE into a room, which is made large enough for those of most.
fn texts(seen: &Seen<'_>, line_label: &str, caller: &Caller<'_>, facts: &Known<'_>, room: String) -> Texts {
    let called = facts.called.map(|(called, _)| called);
    with_identity(&facts.caller, |identity| {
        let mut texts = Texts::in_room(room, USUAL);
        texts.tell(Text::Line, Some(line_label));
        texts.tell(Text::Host, Some(caller.host));
        texts.tell(Text::OnLine, Some(facts.line));
        texts.tell(Text::UserAgent, facts.user_agent);
        texts.tell(Text::Identity, identity);
        texts.tell(Text::CallId, Some(seen.call_id()));
        texts.tell(Text::User, Some(caller.user));
        texts.tell(Text::DisplayName, caller.display_name);
        texts.tell(Text::Called, called);
        texts.tell(Text::Diverted, facts.diverted);
        texts
    })
}

/// What is explained.
struct Explained<'a> {
    decision: &'a Decision<'a>,
    outcome: &'a Outcome,
    obstacle: Option<&'a Obstacle>,
}

impl Explained<'_> {
    /// Writes the sentence that says why.
    fn write_reason(&self, rules: &Rules, facts: &Known<'_>, at: Timestamp, out: &mut String) {
        self.write_action(out);
        out.push_str(": ");
        self.decision.write_because(&rules.policy, facts, at, out);
        if let Some(Obstacle { objection, to_redirection }) = self.obstacle {
            let so = if *to_redirection { "it is not sent on" } else { "it cannot ring" };
            // To write to a string cannot fail.
            let _ = write!(out, "; {so}: {objection}");
        }
    }

    /// Writes what is done with this call: on this line, and in the place of silence.
    fn write_action(&self, out: &mut String) {
        if let Some(sent_on) = self.outcome.sent_on() {
            return out.push_str(&sent_on);
        }
        let work = self.decision.treatment().work();
        match (self.outcome, work) {
            (Outcome::Reject { status, to: Some(_) }, _) => {
                out.extend(["rejected with ", itoa::Buffer::new().format(*status)]);
                out.push_str(" instead of redirected to the URI that was called");
            }
            (Outcome::Reject { status, to: None }, Work::Drop(_)) => {
                out.extend(["rejected with ", itoa::Buffer::new().format(*status), " instead of ignored"]);
            }
            (Outcome::Reject { status, to: None }, Work::Reject(_)) => {
                out.extend(["rejected with ", itoa::Buffer::new().format(*status)]);
            }
            _ => out.push_str(&self.decision.action()),
        }
    }
}

/// Writes an address as its `Display` does.
fn push_address(source: SocketAddr, out: &mut String) {
    SOURCE.with_borrow_mut(|(known, text)| {
        if *known != Some(source) {
            (*known, *text) = (Some(source), source.to_string());
        }
        out.push_str(text);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_as_everywhere_else_whichever_came_before() {
        let addresses =
            ["192.0.2.1:5060", "192.0.2.1:5060", "192.0.2.1:5061", "[2001:db8::1]:5061", "0.0.0.0:0"];
        for text in addresses {
            let mut written = "from ".to_owned();
            push_address(text.parse().unwrap(), &mut written);
            assert_eq!(written, format!("from {text}"));
        }
    }
}
