//! Whether a condition holds of no call, as far as that can be seen.
//!
//! A condition is taken apart into what must hold and what must not. It is impossible when one of these
//! parts is, when two exclude one another, when what must hold implies what must not, or when no kind of
//! caller is left that all of them may hold of.

use super::excludes::excludes;
use super::implies::implies;
use super::kinds::{may_fail, may_hold, of_one_caller};
use crate::condition::Condition;
use crate::policy::Policy;

/// Returns whether a condition holds of no call.
pub(super) fn is_impossible(policy: &Policy, condition: &Condition) -> bool {
    is_never(policy, condition, true)
}

/// As many as a person writes; a machine's are left alone.
const MOST_PARTS: usize = 64;

/// Returns whether a condition is never what it should be: holding, or not.
fn is_never(policy: &Policy, condition: &Condition, holds: bool) -> bool {
    let mut parts = Parts::default();
    parts.take_apart(condition, holds);
    parts.wanted.truncate(MOST_PARTS);
    parts.unwanted.truncate(MOST_PARTS);
    let Parts { wanted, unwanted } = &parts;
    let is_never_one = |part: &Condition| matches!(part, Condition::Any(any) if any.iter().all(|inner| is_never(policy, inner, true)));
    let is_always_one = |part: &Condition| {
        let are_always =
            matches!(part, Condition::All(all) if all.iter().all(|inner| is_never(policy, inner, false)));
        are_always || matches!(part, Condition::Always)
    };
    let mut pairs = wanted
        .iter()
        .enumerate()
        .flat_map(|(place, one)| wanted[..place].iter().map(move |other| (one, other)));
    wanted.iter().any(|part| is_never_one(part))
        || unwanted.iter().any(|part| is_always_one(part) || imply(policy, wanted, part))
        || pairs.any(|(one, other)| excludes(policy, one, other))
        || !of_one_caller().any(|kinds| {
            wanted.iter().all(|part| may_hold(policy, part, kinds))
                && unwanted.iter().all(|part| may_fail(part, kinds))
        })
}

/// Returns whether one more condition holds whenever all of these do.
fn imply(policy: &Policy, all: &[&Condition], wide: &Condition) -> bool {
    let by_parts = if let Condition::All(wide) = wide {
        wide.iter().all(|wide| imply(policy, all, wide))
    } else if let Condition::Any(wide) = wide {
        wide.iter().any(|wide| imply(policy, all, wide))
    } else {
        false
    };
    by_parts || all.iter().any(|narrow| implies(policy, narrow, wide))
}

/// What must hold and what must not, so that a condition does.
#[derive(Debug, Default)]
struct Parts<'c> {
    wanted: Vec<&'c Condition>,
    unwanted: Vec<&'c Condition>,
}

impl<'c> Parts<'c> {
    fn take_apart(&mut self, condition: &'c Condition, holds: bool) {
        match (condition, holds) {
            (Condition::All(inner), true) | (Condition::Any(inner), false) => {
                for inner in inner {
                    self.take_apart(inner, holds);
                }
            }
            (Condition::Not(inner), _) => self.take_apart(inner, !holds),
            (_, true) => self.wanted.push(condition),
            (_, false) => self.unwanted.push(condition),
        }
    }
}
