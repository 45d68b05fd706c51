//! The decision: total, first match wins.

mod kept;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::facts::Facts;
use crate::list::Entry;
use crate::number::Number;
use crate::policy::{Mode, NEVER_BLOCK, Policy};
use crate::rule::Rule;
use crate::scene::{Found, Scene};
use crate::treatment::{Treatment, Work};
pub use kept::KeptDecision;

/// Decides what happens to a call. Every call gets exactly one decision: the first rule that
/// matches, and the last one always does.
///
/// A list that is asked for each call and did not answer makes the decision `on_error`, where a rule in force needed it
/// before one matched. It allocates nothing and cannot fail.
///
/// ```
/// use std::sync::Arc;
/// use jiff::Timestamp;
/// use ringfence_policy::{Caller, Facts, List, Policy, Region, decide};
///
/// let switzerland = Region::parse("CH")?;
/// let [allow, reject] = ["allow", "reject"].map(|name| Arc::new(List::empty(name)));
/// let policy = Policy::of_lists(switzerland, allow, reject)?;
/// let facts = Facts::new(&Caller::from_header("+41791234567", "pbx.example"), "home", switzerland);
/// let decision = decide(&policy, &facts, Timestamp::UNIX_EPOCH);
/// assert_eq!(decision.rule_id(), "otherwise");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn decide<'p>(policy: &'p Policy, facts: &Facts<'_>, now: Timestamp) -> Decision<'p> {
    if let Some(decision) = prelude(policy, facts, now) {
        return decision;
    }
    let scene = Scene::new(policy, facts, now);
    let mut shadow = Shadow::default();
    // What several rules ask, and was found not to hold.
    let mut missing = 0;
    for rule in policy.rules() {
        if rule.shared.all() & missing != 0 {
            continue;
        }
        let lacks = if rule.is_known_plain {
            scene.lacking_part(&rule.tried)
        } else {
            (!applies(rule, &scene)).then_some(0)
        };
        if let Some(part) = lacks {
            missing |= rule.shared.part(part);
            scene.forget_found();
            continue;
        }
        if rule.is_shadow {
            shadow.push(rule);
            scene.forget_found();
            continue;
        }
        if scene.has_missed() {
            break;
        }
        if let Some(written) = &rule.written {
            scene.find_as_written(written);
        }
        let (treatment, wanted) = in_mode(policy, rule.then());
        return Decision { by: By::Rule(rule), treatment, wanted, found: scene.found(), shadow };
    }
    // A list did not answer that a rule up to here asked for; that no rule matches cannot be.
    Decision { shadow, ..Decision::on_error(policy) }
}

/// Returns whether a rule would decide: it counts now and for this call, and its condition holds.
pub(crate) fn applies<'p>(rule: &'p Rule, scene: &Scene<'p, '_>) -> bool {
    let had_missed = scene.has_missed();
    scene.in_shadow(rule.is_shadow);
    let applies = !rule.is_over(scene.now) && rule.is_rolled_out(scene.facts) && scene.holds(&rule.tried);
    scene.in_shadow(false);
    if rule.is_shadow {
        scene.set_missed(had_missed);
    }
    applies
}

/// Returns the decision that no policy turns off: an emergency number, a call-back, or who is never refused.
fn prelude<'p>(policy: &'p Policy, facts: &Facts<'_>, now: Timestamp) -> Option<Decision<'p>> {
    let decision = |by, entry: Option<Entry<'p>>| {
        let (treatment, shadow) = (policy.welcome(), Shadow::default());
        let found = entry.map(Found::Written);
        Some(Decision { by, treatment, wanted: None, found, shadow })
    };
    if is_callback(policy, facts, now) {
        return decision(By::EmergencyCallback, None);
    }
    if is_emergency(policy, facts) {
        return decision(By::Emergency, None);
    }
    let entry = never_blocking(policy, facts, now);
    if entry.is_some() || is_never_blocked_by_hand(facts, now) {
        return decision(By::NeverBlock, entry);
    }
    None
}

//= https://www.rfc-editor.org/rfc/rfc7090#section-1
//# Any call from the same domain and directed to the
//# supplied Contact header or AOR after an emergency call should be
//# accepted as a callback from the PSAP if it occurs within a
//# reasonable time after an emergency call was placed.
/// For so long after an emergency number was dialled whoever calls rings: the domain of the centre is not known,
/// its number may be any or none, and a call-back that is not heard may cost a life.
const REASONABLE_TIME: SignedDuration = SignedDuration::from_hours(1);

/// Returns whether an emergency centre calls back: somebody trusted says so, or it may be.
pub(crate) fn is_callback(policy: &Policy, facts: &Facts<'_>, now: Timestamp) -> bool {
    // A clock that was set back since makes it no less so.
    let is_recent = |at: Timestamp| now.duration_since(at).abs() <= REASONABLE_TIME;
    facts.psap_callback || facts.history.emergency_call(policy.region()).is_some_and(is_recent)
}

/// Returns what is done, and what would be done if the policy acted.
fn in_mode<'p>(
    policy: &'p Policy,
    treatment: &'p Arc<Treatment>,
) -> (&'p Arc<Treatment>, Option<&'p Arc<Treatment>>) {
    match policy.mode() {
        Mode::Enforce => (treatment, None),
        Mode::Shadow => (policy.welcome(), Some(treatment)),
    }
}

/// Returns whether an emergency number calls, also one that hides.
pub(crate) fn is_emergency(policy: &Policy, facts: &Facts<'_>) -> bool {
    match facts.caller.number() {
        Some(Number::Internal(digits)) => policy.region().is_emergency(digits),
        Some(Number::E164(_)) | None => false,
    }
}

/// Finds the written entry for which a caller is never refused.
pub(crate) fn never_blocking<'p>(policy: &'p Policy, facts: &Facts<'_>, now: Timestamp) -> Option<Entry<'p>> {
    policy.list(NEVER_BLOCK)?.find(&facts.caller, now)
}

/// Returns whether somebody has put the caller on that list for a time, or says that it is on it.
pub(crate) fn is_never_blocked_by_hand(facts: &Facts<'_>, now: Timestamp) -> bool {
    facts.listed.iter().any(|listed| **listed == *NEVER_BLOCK)
        || facts.history.added(NEVER_BLOCK, &facts.caller, now)
}

/// What happens to a call, and by which rule.
///
/// ```
/// use std::sync::Arc;
/// use jiff::Timestamp;
/// use ringfence_policy::{Caller, Facts, List, Policy, Region, decide};
///
/// let switzerland = Region::parse("CH")?;
/// let [allow, reject] = ["allow", "reject"].map(|name| Arc::new(List::empty(name)));
/// let policy = Policy::of_lists(switzerland, allow, reject)?;
/// let facts = Facts::new(&Caller::from_header("118", "pbx.example"), "home", switzerland);
/// let now = Timestamp::UNIX_EPOCH;
/// let decision = decide(&policy, &facts, now);
/// assert_eq!(decision.explain(&policy, &facts, now).to_string(), "let ring: 118 is an emergency number");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Decision<'p> {
    by: By<'p>,
    treatment: &'p Arc<Treatment>,
    wanted: Option<&'p Arc<Treatment>>,
    found: Option<Found<'p>>,
    shadow: Shadow<'p>,
}

/// What decided a call.
///
/// ```
/// use ringfence_policy::By;
///
/// assert_eq!(By::Emergency.id(), "emergency");
/// ```
#[derive(Debug, Clone, Copy)]
pub enum By<'p> {
    /// An emergency number calls.
    Emergency,
    /// An emergency centre calls back.
    EmergencyCallback,
    /// The caller is on the list `never_block`.
    NeverBlock,
    /// A rule.
    Rule(&'p Rule),
    /// Nothing did, in time or at all.
    Error,
}

impl<'p> By<'p> {
    /// What a journal has in the place of a rule's id where a call was never decided.
    pub const UNDECIDED: &'static str = "undecided";

    /// The words for what decides but a rule.
    pub const NO_RULES: [&'static str; 4] =
        [Self::EMERGENCY, Self::EMERGENCY_CALLBACK, NEVER_BLOCK, Self::ON_ERROR];

    const EMERGENCY: &'static str = "emergency";
    const EMERGENCY_CALLBACK: &'static str = "emergency-callback";
    const ON_ERROR: &'static str = "on_error";

    /// Returns the id of the rule, or what else it is called.
    #[must_use]
    pub fn id(self) -> &'p str {
        match self {
            By::Emergency => Self::EMERGENCY,
            By::EmergencyCallback => Self::EMERGENCY_CALLBACK,
            By::NeverBlock => NEVER_BLOCK,
            By::Rule(rule) => rule.id(),
            By::Error => Self::ON_ERROR,
        }
    }
}

impl<'p> Decision<'p> {
    /// Makes the decision of a call that none could be found for.
    #[must_use]
    pub fn on_error(policy: &'p Policy) -> Self {
        let (treatment, wanted) = in_mode(policy, policy.on_error());
        Self { by: By::Error, treatment, wanted, found: None, shadow: Shadow::default() }
    }

    /// Makes the decision that no policy turns off: of an emergency number, a call-back, or who is never refused.
    #[must_use]
    pub fn before_rules(policy: &'p Policy, facts: &Facts<'_>, now: Timestamp) -> Option<Self> {
        prelude(policy, facts, now)
    }

    /// Makes the decision of a call whose rules cannot be tried: who is never refused is not refused then either.
    #[must_use]
    pub fn in_doubt(policy: &'p Policy, facts: &Facts<'_>, now: Timestamp) -> Self {
        Self::before_rules(policy, facts, now).unwrap_or_else(|| Self::on_error(policy))
    }

    /// Returns what decided.
    #[must_use]
    pub fn by(&self) -> By<'p> {
        self.by
    }

    /// Returns the rule that decided, unless something else did.
    #[must_use]
    pub fn rule(&self) -> Option<&'p Rule> {
        match self.by {
            By::Rule(rule) => Some(rule),
            By::Emergency | By::EmergencyCallback | By::NeverBlock | By::Error => None,
        }
    }

    /// Returns the id of the rule, or what else decided.
    #[must_use]
    pub fn rule_id(&self) -> &'p str {
        self.by.id()
    }

    /// Returns what is to be done.
    #[must_use]
    pub fn treatment(&self) -> &'p Arc<Treatment> {
        self.treatment
    }

    /// Returns what would be done, if the policy only writes down what it would do.
    #[must_use]
    pub fn wanted(&self) -> Option<&'p Arc<Treatment>> {
        self.wanted
    }

    /// Returns what a policy in shadow mode keeps from being done: the same, unless that lets the call ring as well.
    #[must_use]
    pub fn prevented(&self) -> Option<&'p Arc<Treatment>> {
        self.wanted.filter(|wanted| !matches!(wanted.work(), Work::Ring(_)))
    }

    /// Returns the entry that matched, if it is a written one.
    #[must_use]
    pub fn entry(&self) -> Option<Entry<'p>> {
        self.found.and_then(Found::entry)
    }

    /// Returns the list that has the caller: by a written entry, or because a rule or a person has put the caller on it.
    #[must_use]
    pub fn list(&self) -> Option<&'p str> {
        match self.by {
            By::NeverBlock => Some(NEVER_BLOCK),
            By::Rule(_) => self.found.and_then(Found::list),
            By::Emergency | By::EmergencyCallback | By::Error => None,
        }
    }

    /// Returns the rules in shadow mode that would have decided.
    pub fn shadow(&self) -> impl Iterator<Item = &'p Rule> {
        self.shadow.rules.into_iter().flatten()
    }

    /// Returns how many more there are: only the first eight are kept.
    #[must_use]
    pub fn more_shadow(&self) -> usize {
        self.shadow.more
    }
}

/// The first few rules in shadow mode that match.
#[derive(Debug, Clone, Copy, Default)]
struct Shadow<'p> {
    rules: [Option<&'p Rule>; 8],
    more: usize,
}

impl<'p> Shadow<'p> {
    fn push(&mut self, rule: &'p Rule) {
        match self.rules.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(rule),
            None => self.more += 1,
        }
    }
}
