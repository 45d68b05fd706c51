//! Which of the lists `allow` and `reject` wins where a number is on both: the first rule that holds decides.

use jiff::Timestamp;
use ringfence_policy::{Condition, Policy, Rule};

use crate::config::{ALLOW, REJECT};

/// What a policy makes of a number that is on both lists, as far as the order of its rules tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precedence<'a> {
    /// The rule that asks for `allow` comes first, or none asks for `reject`.
    Allow,
    /// The rule that asks for `reject` comes first, or none asks for `allow`.
    Reject { reject: &'a str, allow: Option<&'a str> },
    /// No rule asks for either, or one for both.
    Open,
}

impl<'a> Precedence<'a> {
    /// Finds out which list a policy asks for first.
    pub(super) fn of(policy: &'a Policy, now: Timestamp) -> Self {
        let decides = |rule: &Rule| !rule.is_shadow && rule.until.is_none_or(|until| now < until);
        let first = |list| {
            let mut rules = policy.rules().iter().enumerate();
            rules
                .find(|(_, rule)| decides(rule) && asks(policy, rule, list))
                .map(|(at, rule)| (at, rule.id()))
        };
        match (first(REJECT), first(ALLOW)) {
            (Some((reject, id)), Some((allow, other))) if reject < allow => {
                Self::Reject { reject: id, allow: Some(other) }
            }
            (Some((reject, _)), Some((allow, _))) if reject == allow => Self::Open,
            (_, Some(_)) => Self::Allow,
            (Some((_, reject)), None) => Self::Reject { reject, allow: None },
            (None, None) => Self::Open,
        }
    }
}

impl Precedence<'_> {
    /// Tells why one list wins, of both that have a number.
    pub(super) fn why(&self) -> Option<String> {
        match self {
            Self::Reject { reject, allow: Some(allow) } => {
                Some(format!("rule {reject} comes before rule {allow}"))
            }
            Self::Reject { allow: None, .. } => Some("no rule asks for the allow list".to_owned()),
            Self::Allow | Self::Open => None,
        }
    }
}

/// Tells whether any rule asks for a list.
pub(super) fn asks_for(policy: &Policy, list: &str) -> bool {
    policy.rules().iter().any(|rule| asks(policy, rule, list))
}

fn asks(policy: &Policy, rule: &Rule, list: &str) -> bool {
    let is_it = |place: &usize| policy.lists().get(*place).is_some_and(|known| known.name() == list);
    let mut asks = false;
    rule.when().visit(&mut |condition| {
        if let Condition::CallerIn(places) = condition {
            asks |= places.iter().any(is_it);
        }
    });
    asks
}
