//! A policy: lists, rules from top to bottom, and what they do.
//!
//! ```text
//!  prelude      emergency numbers and call-backs, `never_block`     not to be configured away
//!  guards       too many calls of one caller, line or source
//!  rules        the first that matches decides; the last always does
//! ```

mod lines;
mod parts;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::condition::Condition;
use crate::list::{Entry, List};
use crate::number::{Number, Region};
use crate::pattern::Pattern;
use crate::rule::Rule;
use crate::schedule::Schedule;
use crate::shared_parts;
use crate::treatment::Treatment;
use crate::tried::may_ask;
pub use parts::{Group, Mode, PolicyParts, Switch};

/// The list whose callers are never refused.
pub(crate) const NEVER_BLOCK: &str = "never_block";

/// What happens to which calls. It cannot be changed, is cheap to clone, and always decides.
///
/// ```
/// use std::sync::Arc;
/// use ringfence_policy::{List, Policy, Region};
///
/// let switzerland = Region::parse("CH")?;
/// let policy = Policy::of_lists(switzerland, Arc::new(List::empty("allow")), Arc::new(List::empty("reject")))?;
/// let ids: Vec<&str> = policy.rules().iter().map(|rule| rule.id()).collect();
/// assert_eq!(ids, ["allowed", "listed", "otherwise"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Policy {
    lists: Vec<Arc<List>>,
    core: Arc<PolicyParts>,
}

impl Policy {
    /// Puts a policy together, if it always decides and lets every emergency number ring.
    pub fn new(mut parts: PolicyParts) -> Result<Self, PolicyError> {
        if !parts.rules.last().is_some_and(Rule::is_unconditional) {
            return Err(PolicyError::NotTotal);
        }
        let lists = std::mem::take(&mut parts.lists);
        for rule in &mut parts.rules {
            rule.is_known_plain = rule.is_plain();
            rule.ask_last(&parts.look_ups);
        }
        shared_parts::find(&mut parts.rules, &parts.look_ups);
        let policy = Self { lists, core: Arc::new(parts) };
        let entries = policy.refused_emergencies();
        if entries.is_empty() { Ok(policy) } else { Err(PolicyError::Emergency(entries)) }
    }

    /// Makes the policy of two lists and three rules: callers on the one list ring, those on the
    /// other are busy, everyone else rings.
    #[expect(clippy::missing_panics_doc, reason = "both treatments are built in")]
    pub fn of_lists(region: Region, allow: Arc<List>, reject: Arc<List>) -> Result<Self, PolicyError> {
        let mut parts = PolicyParts::new(region);
        let [ring, busy] = ["ring", "busy"].map(|name| {
            let found = parts.treatments.iter().find(|treatment| treatment.name() == name);
            Arc::clone(found.expect("both are built in"))
        });
        parts.lists = vec![allow, reject];
        parts.rules = vec![
            Rule::new("allowed", Condition::CallerIn(vec![0]), Arc::clone(&ring)),
            Rule::new("listed", Condition::CallerIn(vec![1]), busy),
            Rule::new("otherwise", Condition::Always, ring),
        ];
        Self::new(parts)
    }

    /// Returns the same policy with another list of the same name, if it has one.
    #[expect(clippy::needless_pass_by_value, reason = "the policy keeps it")]
    pub fn with_list(&self, list: Arc<List>) -> Result<Self, PolicyError> {
        let mut changed = self.clone();
        for known in changed.lists.iter_mut().filter(|known| known.name() == list.name()) {
            *known = Arc::clone(&list);
        }
        let entries = changed.refused_emergencies();
        if entries.is_empty() { Ok(changed) } else { Err(PolicyError::Emergency(entries)) }
    }

    /// Returns the region whose habits give numbers their meaning, and whose emergency numbers are
    /// never refused.
    #[must_use]
    pub fn region(&self) -> Region {
        self.core.region
    }

    /// Returns the zone whose clock schedules are read on.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.core.zone
    }

    /// Returns whether it acts, or only writes down what it would do.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.core.mode
    }

    /// Returns how long facts may be waited for.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.core.deadline
    }

    /// Returns the lists.
    #[must_use]
    pub fn lists(&self) -> &[Arc<List>] {
        &self.lists
    }

    /// Returns whether finding out if a condition holds may ask a list that is kept elsewhere.
    pub(crate) fn may_ask(&self, condition: &Condition) -> bool {
        may_ask(condition, &self.core.look_ups)
    }

    /// Returns whether nobody is on a list, by its place, but who was put there by a rule.
    pub(crate) fn is_put_on(&self, place: usize) -> bool {
        self.core.put_on.contains(&place)
    }

    /// Returns the list of a name.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<&Arc<List>> {
        self.lists.iter().find(|list| list.name() == name)
    }

    /// Returns the rules, those that guard against floods first.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.core.rules
    }

    /// Returns the treatments, those that every policy has first.
    #[must_use]
    pub fn treatments(&self) -> &[Arc<Treatment>] {
        &self.core.treatments
    }

    /// Returns what is done when a decision fails.
    #[must_use]
    pub fn on_error(&self) -> &Arc<Treatment> {
        &self.core.on_error
    }

    /// Returns the treatment that lets a call through.
    #[must_use]
    pub fn welcome(&self) -> &Arc<Treatment> {
        &self.core.welcome
    }

    /// Returns the schedules.
    #[must_use]
    pub fn schedules(&self) -> &[Arc<Schedule>] {
        &self.core.schedules
    }

    /// Returns the switches.
    #[must_use]
    pub fn switches(&self) -> &[Switch] {
        &self.core.switches
    }

    /// Returns what tells it from every other policy that there is at the same time: where its parts are in memory.
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.core).addr()
    }

    /// Returns what tells this policy's rules from others'.
    #[must_use]
    pub fn checksum(&self) -> &str {
        &self.core.checksum
    }

    /// Returns how many rows of a list's sources name an emergency number that a rule would not let ring. They are
    /// left out: no rule decides what becomes of it. In `entries` and rules, where an owner has written it, such a
    /// number is an error.
    #[must_use]
    pub fn left_out(&self, list: &str) -> usize {
        self.emergency_rows().iter().filter(|entry| entry.list() == list).count()
    }

    /// Finds the rows of sources that name such a number, each once.
    pub(crate) fn emergency_rows(&self) -> Vec<Entry<'_>> {
        let mut rows: Vec<Entry<'_>> = self.emergency_entries().into_iter().map(|(entry, _)| entry).collect();
        rows.retain(|entry| entry.origin().file().is_some());
        rows.sort_by_key(place);
        rows.dedup_by_key(|entry| place(entry));
        rows
    }

    /// Finds the emergency numbers that a rule names in the policy itself and would not let ring.
    fn refused_emergencies(&self) -> Vec<EmergencyEntry> {
        let mut entries = self.emergency_entries();
        entries.retain(|(entry, _)| entry.origin().file().is_none());
        entries.sort_by_key(inline_place);
        entries.dedup_by_key(|found| inline_place(found));
        entries.into_iter().map(|(entry, rule)| EmergencyEntry::new(entry, rule)).collect()
    }

    fn emergency_entries(&self) -> Vec<(Entry<'_>, &Rule)> {
        let mut entries = Vec::new();
        for rule in self.rules().iter().filter(|rule| !rule.then.lets_ring()) {
            let mut named: Vec<&List> = Vec::new();
            named_lists(rule.when(), &self.lists, &mut named);
            for digits in self.region().emergencies() {
                let pattern = Pattern::Exact(Number::Internal(digits));
                let found = named.iter().filter_map(|list| list.find_pattern(&pattern));
                entries.extend(found.map(|entry| (entry, rule)));
            }
        }
        entries
    }
}

/// Returns where an entry stands, and what it says.
fn place<'e>(entry: &Entry<'e>) -> (Option<&'e str>, u32, &'e str) {
    let origin = entry.origin();
    (origin.file(), origin.line(), entry.written())
}

/// Returns where an entry of the policy itself stands: in a list, whichever rules refuse it, or in one rule.
fn inline_place<'e>((entry, rule): &(Entry<'e>, &'e Rule)) -> (u32, &'e str, &'e str, &'e str) {
    let rule = if entry.list().is_empty() { rule.id() } else { "" };
    (entry.origin().line(), entry.written(), entry.list(), rule)
}

/// Finds the lists whose callers a condition means, but not those it means to leave out.
fn named_lists<'a>(condition: &'a Condition, lists: &'a [Arc<List>], found: &mut Vec<&'a List>) {
    let mut waiting = vec![condition];
    while let Some(condition) = waiting.pop() {
        if let Condition::All(inner) | Condition::Any(inner) = condition {
            waiting.extend(inner);
        } else if let Condition::Caller(list) = condition {
            found.push(list);
        } else if let Condition::CallerIn(places) = condition {
            found.extend(places.iter().filter_map(|place| lists.get(*place)).map(|list| &**list));
        }
    }
}

/// Why a policy is refused.
///
/// ```
/// use ringfence_policy::{Policy, PolicyParts, Region};
///
/// let error = Policy::new(PolicyParts::new(Region::parse("CH")?)).unwrap_err();
/// assert_eq!(error.to_string(), "expected a last rule without `when`, so that every call is decided");
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyError {
    /// A call might match no rule.
    NotTotal,
    /// A rule names emergency numbers.
    Emergency(Vec<EmergencyEntry>),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicyError::NotTotal => {
                f.write_str("expected a last rule without `when`, so that every call is decided")
            }
            PolicyError::Emergency(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    let joint = if index == 0 { "" } else { "; " };
                    write!(f, "{joint}{entry}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for PolicyError {}

/// An emergency number that a rule would refuse, forward, challenge or answer.
///
/// ```
/// use std::sync::Arc;
/// use ringfence_policy::{List, Policy, PolicyError, Region};
///
/// let germany = Region::parse("DE")?;
/// let mut reject = List::builder("reject");
/// reject.inline("110", germany);
/// let (list, _) = reject.build();
/// let error = Policy::of_lists(germany, Arc::new(List::empty("allow")), Arc::new(list)).unwrap_err();
/// let PolicyError::Emergency(entries) = error else { unreachable!() };
/// assert_eq!((entries[0].written(), entries[0].line()), ("110", 1));
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmergencyEntry {
    written: String,
    list: String,
    rule: String,
    line: u32,
    origin: String,
    is_refused: bool,
}

impl EmergencyEntry {
    fn new(entry: Entry<'_>, rule: &Rule) -> Self {
        let origin = entry.origin();
        Self {
            written: entry.written().to_owned(),
            list: entry.list().to_owned(),
            rule: rule.id().to_owned(),
            line: origin.line(),
            origin: origin.to_string(),
            is_refused: rule.then.is_refusal(),
        }
    }

    /// Returns the entry as it was written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Returns the list it is on.
    #[must_use]
    pub fn list(&self) -> &str {
        &self.list
    }

    /// Returns the id of the rule.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// Returns whether the rule would refuse it; otherwise it would do something else than let it ring.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Returns which of the inline entries it is, counted from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Display for EmergencyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = if self.is_refused { "cannot be refused" } else { "must ring" };
        write!(f, "{}: {} is an emergency number and {end}", self.origin, self.written)
    }
}
