//! The whole way to a decision: each fact, each rule, yes or no, and why.

use std::fmt;

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr as _;

use crate::action::Action;
use crate::caller::CallerId;
use crate::condition::Condition;
use crate::decide::{
    By, Decision, applies, decide, is_callback, is_emergency, is_never_blocked_by_hand, never_blocking,
};
use crate::facts::{Facts, NameWithheld};
use crate::number::Number;
use crate::policy::Policy;
use crate::position::Line;
use crate::printable::{dialable_or_quoted, printable, printable_in_quotes, visible};
use crate::reason::reason;
use crate::rule::Rule;
use crate::scene::Scene;
use crate::source::{Source, Trust};

/// The whole way to a decision. Its `Display` form is a page for people; it serialises for programs.
///
/// ```
/// use std::sync::Arc;
/// use jiff::Timestamp;
/// use ringfence_policy::{Caller, Facts, List, Policy, Region};
///
/// let switzerland = Region::parse("CH")?;
/// let (spam, _) = List::parse_text("reject", "spam.txt", "079*", switzerland);
/// let policy = Policy::of_lists(switzerland, Arc::new(List::empty("allow")), Arc::new(spam))?;
/// let facts = Facts::new(&Caller::from_header("+41791234567", "pbx.example"), "home", switzerland);
/// let trace = policy.trace(&facts, Timestamp::UNIX_EPOCH);
/// assert!(trace.to_string().contains("rule 2  listed     -> YES    caller_in reject: entry 079*, spam.txt:1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Trace {
    /// When, on the clock of the policy's zone.
    pub at: String,
    /// The line, and where it stands.
    pub line: String,
    /// Each fact: its name, its value, and where it was read.
    pub facts: Vec<TracedFact>,
    /// What was seen to before the rules.
    pub prelude: String,
    /// Each rule.
    pub rules: Vec<TracedRule>,
    /// What decided.
    pub decided_by: String,
    /// The treatment, and what it is on this line.
    pub action: String,
    /// The checksum of the policy.
    pub policy: String,
}

/// One fact of a trace.
///
/// ```
/// use ringfence_policy::TracedFact;
///
/// let fact = TracedFact { name: "caller".into(), value: "+41791234567".into(), source: "From".into(), trust: "claimed".into() };
/// assert_eq!(fact.trust, "claimed");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TracedFact {
    /// Its name.
    pub name: String,
    /// Its value; `none` where there is none.
    pub value: String,
    /// Where it was read; empty where that says nothing.
    pub source: String,
    /// How far it is trusted; empty where that says nothing.
    pub trust: String,
}

/// One rule of a trace.
///
/// ```
/// use ringfence_policy::{TracedRule, Verdict};
///
/// let rule = TracedRule { number: 1, id: "family".into(), verdict: Verdict::No, why: "caller_in family".into() };
/// assert_eq!(rule.verdict, Verdict::No);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TracedRule {
    /// Its place, counted from 1.
    pub number: usize,
    /// Its id.
    pub id: String,
    /// Whether it matched.
    pub verdict: Verdict,
    /// Why.
    pub why: String,
}

/// What a trace says of a rule.
///
/// ```
/// use ringfence_policy::Verdict;
///
/// assert_eq!(Verdict::Shadow.as_str(), "shadow");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It does not match.
    No,
    /// It decided.
    Yes,
    /// It matches, and only that is written down.
    Shadow,
    /// It matches, but an earlier one decided.
    After,
    /// It asked for a list that did not answer, and so the call was decided as `on_error` says.
    Unanswered,
}

impl Verdict {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::No => "no",
            Verdict::Yes => "YES",
            Verdict::Shadow => "shadow",
            Verdict::After => "(yes)",
            Verdict::Unanswered => "?",
        }
    }
}

impl Policy {
    /// Decides a call and tells all of it.
    #[must_use]
    pub fn trace(&self, facts: &Facts<'_>, now: Timestamp) -> Trace {
        let decision = decide(self, facts, now);
        let line = self.line(facts.line);
        Trace {
            at: now.to_zoned(self.zone().clone()).strftime("%Y-%m-%d %H:%M:%S%.3f %Z").to_string(),
            line: format!("{} ({})", printable(&line.name), line.position.as_str()),
            facts: traced_facts(self, facts),
            prelude: prelude(self, facts, now),
            rules: traced_rules(self, facts, now, &decision),
            decided_by: decision.rule_id().to_owned(),
            action: action(&decision, &line),
            policy: self.checksum().to_owned(),
        }
    }
}

fn traced_rules(
    policy: &Policy,
    facts: &Facts<'_>,
    now: Timestamp,
    decision: &Decision<'_>,
) -> Vec<TracedRule> {
    let scene = Scene::new(policy, facts, now);
    let decided = decision.rule().map(std::ptr::from_ref);
    let is_error = match decision.by() {
        By::Error => true,
        By::Emergency | By::EmergencyCallback | By::NeverBlock | By::Rule(_) => false,
    };
    let (mut is_after, mut has_missed) = (decided.is_none() && !is_error, false);
    let mut rules = Vec::new();
    for (number, rule) in (1..).zip(policy.rules()) {
        let (holds, why) = if rule.is_over(now) {
            (false, "its time is over".to_owned())
        } else if rule.is_rolled_out(facts) {
            reason(&scene, rule.when())
        } else {
            (false, "not rolled out to this call".to_owned())
        };
        let is_it = decided.is_some_and(|decided| std::ptr::eq(decided, rule));
        let missing = if is_error && !is_after { missing(policy, facts, now, rule) } else { String::new() };
        has_missed |= !missing.is_empty();
        is_after |= is_error && has_missed && holds && !rule.is_shadow;
        if !missing.is_empty() {
            let why = format!("no answer of {missing}: on_error");
            rules.push(TracedRule { number, id: rule.id().to_owned(), verdict: Verdict::Unanswered, why });
            continue;
        }
        let verdict = match (holds, is_it, is_after, rule.is_shadow) {
            (_, true, ..) => Verdict::Yes,
            (false, ..) => Verdict::No,
            (true, _, false, true) => Verdict::Shadow,
            (true, ..) => Verdict::After,
        };
        is_after |= is_it;
        let why = if why.is_empty() { "always".to_owned() } else { why };
        rules.push(TracedRule { number, id: rule.id().to_owned(), verdict, why });
    }
    rules
}

/// Names the lists that a rule in force asked for and that did not answer.
fn missing(policy: &Policy, facts: &Facts<'_>, now: Timestamp, rule: &Rule) -> String {
    let scene = Scene::new(policy, facts, now);
    // What it did not come to, because a condition before did not hold, is not missing.
    let _ = applies(rule, &scene);
    if !scene.has_missed() {
        return String::new();
    }
    let mut names: Vec<&str> = Vec::new();
    let mut note = |place: usize| {
        let list = policy.lists().get(place).map(|list| list.name());
        names.extend(list.filter(|name| facts.history.is_unanswered(name)));
    };
    rule.when().visit(&mut |condition| {
        if let Condition::CallerIn(places) = condition {
            places.iter().copied().for_each(&mut note);
        }
        if let Condition::Score { list, .. } = condition {
            note(*list);
        }
    });
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

fn prelude(policy: &Policy, facts: &Facts<'_>, now: Timestamp) -> String {
    let yes = |is: bool| if is { "YES" } else { "no" };
    let is_never_blocked =
        never_blocking(policy, facts, now).is_some() || is_never_blocked_by_hand(facts, now);
    format!(
        "emergency: {}   emergency call-back: {}   never_block: {}   source: {}",
        yes(is_emergency(policy, facts)),
        yes(is_callback(policy, facts, now)),
        yes(is_never_blocked),
        facts.arrival.as_str()
    )
}

fn action(decision: &Decision<'_>, line: &Line) -> String {
    let treatment = decision.treatment();
    let on_wire = line.act(treatment);
    let position = line.position.as_str();
    let article = if position.starts_with('i') { "an" } else { "a" };
    let told = match on_wire {
        Action::Reject(_)
        | Action::Redirect(_)
        | Action::SendOn(_)
        | Action::Ring { .. }
        | Action::Wait { .. }
        | Action::Ignore { .. }
        | Action::Unsupported { .. } => {
            format!("{} = {on_wire} (on {article} {position} line)", treatment.name())
        }
    };
    match (decision.prevented(), decision.wanted()) {
        (Some(prevented), _) => {
            format!("{told}; in shadow mode, else {} = {}", prevented.name(), line.act(prevented))
        }
        (None, Some(_)) => format!("{told}; without shadow mode it would ring as well"),
        (None, None) => told,
    }
}

fn traced_facts(policy: &Policy, facts: &Facts<'_>) -> Vec<TracedFact> {
    let fact = |name: &str, value: String, source: Option<Source>| TracedFact {
        name: name.to_owned(),
        value,
        source: source.map_or_else(String::new, |source| source.as_str().to_owned()),
        trust: source.map_or_else(String::new, |source| source.trust().as_str().to_owned()),
    };
    let mut told = vec![fact("caller", caller(facts), Some(facts.source))];
    if let Some(name) = facts.shown_name().filter(|name| *name != Ok("")) {
        let name = name.map_or_else(|_: NameWithheld| "withheld".to_owned(), printable_in_quotes);
        let mut name = fact("name", name, Some(facts.source));
        Trust::Claimed.as_str().clone_into(&mut name.trust);
        told.push(name);
    }
    let kinds = crate::kind::KindSet::of(&facts.caller, policy.region());
    told.push(fact("kind", kinds.to_string(), None));
    match facts.called {
        Some((called, source)) => told.push(fact("called", dialable_or_quoted(called), Some(source))),
        None => told.push(fact("called", "none".to_owned(), None)),
    }
    told.push(fact("verification", facts.verification.as_str().to_owned(), facts.vouched));
    told.push(fact("attestation", facts.attestation.as_str().to_owned(), facts.vouched));
    if let Some(by) = facts.diverted {
        told.push(fact("diverted", dialable_or_quoted(by), None));
    }
    if let Some(agent) = facts.user_agent {
        told.push(fact("user_agent", printable_in_quotes(agent), None));
    }
    if !facts.groups.is_empty() {
        let groups: Vec<_> = facts.groups.iter().map(|group| printable(group).to_string()).collect();
        told.push(fact("groups", groups.join(", "), None));
    }
    let unanswered = policy.lists().iter().filter(|list| facts.history.is_unanswered(list.name()));
    let unanswered: Vec<&str> = unanswered.map(|list| list.name()).collect();
    if !unanswered.is_empty() {
        told.push(fact("missing", format!("no answer of {}", unanswered.join(", ")), None));
    }
    told
}

fn caller(facts: &Facts<'_>) -> String {
    match facts.caller {
        CallerId::WithheldName(_) | CallerId::Anonymous { .. } => "withheld".to_owned(),
        CallerId::Unavailable => "unavailable".to_owned(),
        CallerId::Number(Number::Internal(digits)) => format!("{digits} (internal)"),
        CallerId::Invalid(invalid) => format!("{} ({invalid})", dialable_or_quoted(facts.raw)),
        CallerId::Name(name) => printable_in_quotes(name),
        CallerId::Implausible(number, fault) => format!("{number} ({fault})"),
        CallerId::Ambiguous(ambiguous) => ambiguous.to_string(),
        CallerId::Number(Number::E164(_)) => facts.caller.to_string(),
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}  line {}", self.at, self.line)?;
        for fact in &self.facts {
            write!(f, " {:12} {}", fact.name, fact.value)?;
            if fact.source.is_empty() {
                writeln!(f)?;
            } else {
                writeln!(f, "   [{}]   trust: {}", fact.source, fact.trust)?;
            }
        }
        writeln!(f, " {:12} {}", "prelude", self.prelude)?;
        let widest = self.rules.iter().map(|rule| visible(&rule.id).width()).max().unwrap_or(0);
        let digits = self.rules.len().to_string().len();
        for rule in &self.rules {
            let arrow = match rule.verdict {
                Verdict::Yes | Verdict::Unanswered => "->",
                Verdict::No | Verdict::Shadow | Verdict::After => "  ",
            };
            let (number, id, verdict) = (rule.number, visible(&rule.id), rule.verdict.as_str());
            let gap = widest - id.width();
            writeln!(f, " rule {number:digits$}  {id}{:gap$}  {arrow} {verdict:6} {}", "", rule.why)?;
        }
        write!(f, " {:12} {}", "action", self.action)?;
        if self.policy.is_empty() { Ok(()) } else { write!(f, "\n {:12} {}", "policy", self.policy) }
    }
}
