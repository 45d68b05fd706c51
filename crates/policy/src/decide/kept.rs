//! A decision without its policy, so that it can be explained later and elsewhere.

use crate::condition::Condition;
use crate::list::{KeptEntry, List};
use crate::policy::Policy;
use crate::rule::Rule;
use crate::scene::Found;

use super::{By, Decision, Shadow, in_mode};

/// A decision that borrows nothing: what is said of it, and written down, can wait until the call has been answered.
///
/// It is worth something only together with the policy it was made under, which is kept beside it for as long: it is
/// known by where its parts are in memory, and those of a policy that is dropped become another's.
///
/// ```
/// use std::sync::Arc;
/// use jiff::Timestamp;
/// use ringfence_policy::{Caller, Facts, List, Policy, Region, decide};
///
/// let switzerland = Region::parse("CH")?;
/// let (spam, _) = List::parse_text("reject", "spam.txt", "079*", switzerland);
/// let policy = Policy::of_lists(switzerland, Arc::new(List::empty("allow")), Arc::new(spam))?;
/// let facts = Facts::new(&Caller::from_header("+41791234567", "pbx.example"), "home", switzerland);
/// let kept = decide(&policy, &facts, Timestamp::UNIX_EPOCH).keep(&policy);
/// let decision = kept.under(&policy).expect("it is the same policy");
/// assert_eq!((decision.rule_id(), decision.list()), ("listed", Some("reject")));
/// assert!(kept.under(&Policy::of_lists(
///     switzerland,
///     Arc::new(List::empty("allow")),
///     Arc::new(List::empty("reject"))
/// )?).is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct KeptDecision {
    /// Which policy it is of: where its parts are in memory.
    policy: usize,
    by: KeptBy,
    found: Option<KeptFound>,
    /// The places of the rules in shadow mode.
    shadow: [Option<u32>; 8],
    more_shadow: usize,
}

/// [`By`], with the place of the rule.
#[derive(Debug, Clone, Copy)]
enum KeptBy {
    Emergency,
    EmergencyCallback,
    NeverBlock,
    Rule(usize),
    Error,
}

/// [`Found`], with where the list is in memory.
#[derive(Debug, Clone, Copy)]
enum KeptFound {
    Written(KeptEntry),
    Put(usize),
}

impl<'p> Decision<'p> {
    /// Keeps it apart from the policy that it was made under.
    #[must_use]
    pub fn keep(&self, policy: &'p Policy) -> KeptDecision {
        let place = |rule: &Rule| {
            let first = policy.rules().as_ptr().addr();
            std::ptr::from_ref(rule).addr().wrapping_sub(first) / size_of::<Rule>()
        };
        let by = match self.by {
            By::Emergency => KeptBy::Emergency,
            By::EmergencyCallback => KeptBy::EmergencyCallback,
            By::NeverBlock => KeptBy::NeverBlock,
            By::Rule(rule) => KeptBy::Rule(place(rule)),
            By::Error => KeptBy::Error,
        };
        let found = self.found.map(|found| match found {
            Found::Written(entry) => KeptFound::Written(entry.keep()),
            Found::Put(list) => KeptFound::Put(std::ptr::from_ref(list).addr()),
        });
        let shadow = self.shadow.rules.map(|rule| rule.and_then(|rule| u32::try_from(place(rule)).ok()));
        KeptDecision { policy: policy.identity(), by, found, shadow, more_shadow: self.shadow.more }
    }

    /// Returns whether the explanation tells what a history says: then it is made while that still says the same.
    #[must_use]
    pub fn tells_of_the_past(&self) -> bool {
        match (self.by, self.found) {
            // What is on no list is explained by the whole condition: also an entry of the rule itself.
            (By::Rule(rule), _) if self.list().is_none() => asks_the_past(rule.when()),
            (By::Rule(_) | By::NeverBlock, Some(Found::Put(_)) | None) => true,
            (By::Rule(_) | By::NeverBlock, Some(Found::Written(_)))
            | (By::Emergency | By::EmergencyCallback | By::Error, _) => false,
        }
    }
}

impl KeptDecision {
    /// Returns the decision again. `None` under any other policy than the one it was made under; one with
    /// [another list](Policy::with_list) counts as the same, unless that list decided.
    #[must_use]
    pub fn under<'p>(&self, policy: &'p Policy) -> Option<Decision<'p>> {
        if policy.identity() != self.policy {
            return None;
        }
        let by = match self.by {
            KeptBy::Emergency => By::Emergency,
            KeptBy::EmergencyCallback => By::EmergencyCallback,
            KeptBy::NeverBlock => By::NeverBlock,
            KeptBy::Rule(place) => By::Rule(policy.rules().get(place)?),
            KeptBy::Error => By::Error,
        };
        let (treatment, wanted) = match by {
            By::Rule(rule) => in_mode(policy, rule.then()),
            By::Error => in_mode(policy, policy.on_error()),
            By::Emergency | By::EmergencyCallback | By::NeverBlock => (policy.welcome(), None),
        };
        let found = match self.found {
            Some(found) => Some(found.under(policy, by)?),
            None => None,
        };
        let rules = self.shadow.map(|place| policy.rules().get(usize::try_from(place?).ok()?));
        Some(Decision { by, treatment, wanted, found, shadow: Shadow { rules, more: self.more_shadow } })
    }
}

impl KeptFound {
    fn under<'p>(self, policy: &'p Policy, by: By<'p>) -> Option<Found<'p>> {
        let found = |list: &'p List| match self {
            Self::Written(entry) => entry.on(list).map(Found::Written),
            Self::Put(place) => (std::ptr::from_ref(list).addr() == place).then_some(Found::Put(list)),
        };
        let named = policy.lists().iter().find_map(|list| found(list));
        named.or_else(|| {
            // What a rule names itself is on a list without a name.
            let By::Rule(rule) = by else { return None };
            let mut of_rule = None;
            rule.when().visit(&mut |condition| {
                if let Condition::Caller(list) = condition {
                    of_rule = of_rule.or_else(|| found(list));
                }
            });
            of_rule
        })
    }
}

/// Returns whether what a condition says of a call depends on what happened before, or on who was asked.
fn asks_the_past(condition: &Condition) -> bool {
    match condition {
        Condition::All(inner) | Condition::Any(inner) => inner.iter().any(asks_the_past),
        Condition::Not(inner) => asks_the_past(inner),
        Condition::CallerIn(_)
        | Condition::Score { .. }
        | Condition::Repeat { .. }
        | Condition::DialedWithin(_)
        | Condition::AnsweredWithin(_)
        | Condition::FirstTime(_)
        | Condition::Rate { .. }
        | Condition::Switch(_) => true,
        Condition::Always
        | Condition::Caller(_)
        | Condition::CallerKind(_)
        | Condition::Name(_)
        | Condition::Country(_)
        | Condition::NearList { .. }
        | Condition::LikeCalled { .. }
        | Condition::Called(_)
        | Condition::Line(_)
        | Condition::Group(_)
        | Condition::Source(_)
        | Condition::Verification(_)
        | Condition::Attestation(_)
        | Condition::Hours(_)
        | Condition::Schedule(_)
        | Condition::UserAgent(_)
        | Condition::Diverted(_)
        | Condition::DivertedBy(_) => false,
    }
}
