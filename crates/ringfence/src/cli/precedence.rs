//! Which of the lists `allow` and `reject` wins where a number is on both: the first rule that holds decides.

use jiff::Timestamp;
use ringfence_policy::{Condition, Policy, Rule};

use crate::config::{ALLOW, REJECT};

/// What a policy makes of a number that is on both lists, as far as the order of its rules tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precedence<'a> {
    /// A rule that asks for `allow` and nothing else comes before all that ask for `reject`.
    Allow,
    /// A rule that asks for `reject` and nothing else comes before all that ask for `allow`.
    Reject { reject: &'a str, allow: Option<&'a str> },
    /// No rule asks for either, one for both, or what comes first asks for something else as well.
    Open,
}

/// What a rule asks of a caller's being on a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asks {
    /// Nothing that would make it hold.
    Nothing,
    /// It holds for those on the list if the rest of it does.
    Among,
    /// It holds for everybody on the list.
    Alone,
}

impl<'a> Precedence<'a> {
    /// Finds out which list a policy asks for first.
    pub(super) fn of(policy: &'a Policy, now: Timestamp) -> Self {
        let decides = |rule: &&Rule| !rule.is_shadow && rule.until.is_none_or(|until| now < until);
        let rules = || policy.rules().iter().filter(decides);
        let mut asked = [Asks::Nothing; 2];
        for rule in rules() {
            let asks = [ALLOW, REJECT].map(|list| asks(policy, rule, list));
            asked = [asked[0].max(asks[0]), asked[1].max(asks[1])];
            match asked {
                [Asks::Alone, Asks::Nothing] => return Self::Allow,
                [Asks::Nothing, Asks::Alone] => {
                    let allow = rules().find(|rule| self::asks(policy, rule, ALLOW) > Asks::Nothing);
                    // One that asks for those who are not on it does not overrule, and is not to be kept quiet about.
                    if allow.is_none() && asks_for(policy, ALLOW) {
                        return Self::Open;
                    }
                    return Self::Reject { reject: rule.id(), allow: allow.map(Rule::id) };
                }
                [Asks::Nothing, _] | [Asks::Among, Asks::Nothing] => {}
                [Asks::Among | Asks::Alone, _] => return Self::Open,
            }
        }
        Self::Open
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

/// Tells whether any rule asks for a list, be it for those who are not on it.
pub(super) fn asks_for(policy: &Policy, list: &str) -> bool {
    let mut asks = false;
    for rule in policy.rules() {
        rule.when().visit(&mut |condition| {
            if let Condition::CallerIn(places) = condition {
                asks |= places.iter().any(|place| is_it(policy, *place, list));
            }
        });
    }
    asks
}

fn asks(policy: &Policy, rule: &Rule, list: &str) -> Asks {
    let asks = of_condition(policy, rule.when(), list);
    // For a part of the lines or callers it is not there.
    if rule.rollout.is_some() { asks.min(Asks::Among) } else { asks }
}

fn of_condition(policy: &Policy, condition: &Condition, list: &str) -> Asks {
    let of = |inner: &Condition| of_condition(policy, inner, list);
    if let Condition::CallerIn(places) = condition {
        let is_asked_for = places.iter().any(|place| is_it(policy, *place, list));
        if is_asked_for { Asks::Alone } else { Asks::Nothing }
    } else if let Condition::Any(inner) = condition {
        inner.iter().map(of).max().unwrap_or(Asks::Nothing)
    } else if let Condition::All(inner) = condition {
        let most = inner.iter().map(of).max().unwrap_or(Asks::Nothing);
        if inner.iter().map(of).all(|asks| asks == most) { most } else { Asks::Among }
    } else {
        Asks::Nothing
    }
}

fn is_it(policy: &Policy, place: usize, list: &str) -> bool {
    policy.lists().get(place).is_some_and(|known| known.name() == list)
}
