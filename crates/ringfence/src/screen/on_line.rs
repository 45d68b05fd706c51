//! What the rules need of a line. Lines differ in few ways: what they have in common is there once, however many they are.

use std::ops::Deref;
use std::sync::Arc;

use ringfence_policy::{Identity, Line, Policy, Position};

use super::claims;
use super::noted::Newest;
use crate::answer::{Answers, Shared};
use crate::config::Account;
use crate::journal::{LineKey, Past};
use crate::runnable::Refusal;

/// What the rules need of one line.
#[derive(Debug)]
pub(super) struct OnLine {
    /// The name that rules know it by.
    pub(super) name: Arc<str>,
    /// What the past knows it by; none where it is no account's.
    pub(super) key: Option<LineKey>,
    kind: Arc<Kind>,
    /// What is noted of call after call.
    pub(super) newest: Newest,
}

/// What many lines have in common.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) groups: Vec<Box<str>>,
    /// Whether it is the only phone of its number.
    pub(super) is_sole: bool,
    /// Why it is not started, if it is not.
    pub(super) not_started: Option<String>,
    /// Whose word counts for who calls.
    pub(super) order: Vec<Identity>,
    pub(super) answers: Arc<Answers>,
}

/// The kinds of the lines that were made so far.
#[derive(Default)]
pub(super) struct Kinds {
    answers: Shared,
    made: Vec<Arc<Kind>>,
}

/// Lines beyond so many kinds have one of their own each.
const MOST_KINDS: usize = 64;

impl OnLine {
    /// Returns what the rules need of the line of an account.
    pub(super) fn of(
        policy: &Policy,
        past: &Past,
        account: &Account,
        refused: Option<&Refusal>,
        kinds: &mut Kinds,
    ) -> softphone::Result<Self> {
        let (line, address) =
            (policy.line_of_account(&account.name), format!("sip:{}@{}", account.user, account.domain));
        let kind = kinds.of_line(policy, &line, &address, &account.caller, refused)?;
        let is_same = *line.name == *account.name;
        let name = if is_same { Arc::clone(&account.name) } else { (&*line.name).into() };
        Ok(Self { name, key: Some(past.line(&account.name)), kind, newest: Newest::default() })
    }

    /// Returns what the rules need of a line that is none of the accounts'.
    pub(super) fn of_none(policy: &Policy, kinds: &mut Kinds) -> softphone::Result<Self> {
        let kind = kinds.of_line(policy, &Line::new(""), "", &[], None)?;
        Ok(Self { name: "".into(), key: None, kind, newest: Newest::default() })
    }
}

impl Deref for OnLine {
    type Target = Kind;

    fn deref(&self) -> &Kind {
        &self.kind
    }
}

impl Kinds {
    fn of_line(
        &mut self,
        policy: &Policy,
        line: &Line,
        address: &str,
        order: &[Identity],
        refused: Option<&Refusal>,
    ) -> softphone::Result<Arc<Kind>> {
        let order =
            [line.identity.as_slice(), order, &claims::USUAL].into_iter().find(|order| !order.is_empty());
        let kind = Kind {
            is_sole: line.position == Position::Sole,
            not_started: refused.map(ToString::to_string),
            groups: policy.groups_of(&line.name, address),
            order: order.unwrap_or_default().to_vec(),
            answers: self.answers.of_line(policy, line, address)?,
        };
        if let Some(made) = self.made.iter().find(|made| made.is(&kind)) {
            return Ok(Arc::clone(made));
        }
        let kind = Arc::new(kind);
        if self.made.len() < MOST_KINDS {
            self.made.push(Arc::clone(&kind));
        }
        Ok(kind)
    }
}

impl Kind {
    fn is(&self, other: &Self) -> bool {
        let Self { groups, is_sole, not_started, order, answers } = self;
        (groups, is_sole, not_started, order)
            == (&other.groups, &other.is_sole, &other.not_started, &other.order)
            && Arc::ptr_eq(answers, &other.answers)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::super::program::{Program, invite};
    use crate::journal::Outcome;

    /// Screens calls to lines, and returns the account of each and with which status it was rejected.
    fn rejected(lines: &str, rules: &str, calls: &[(u64, u64)]) -> Vec<(String, u16)> {
        let account = |user| {
            format!("[account.{user}]\nuser = \"{user}\"\ndomain = \"192.0.2.1\"\npassword = \"secret\"\n\n")
        };
        let now = Instant::now();
        let mut program = Program::start(now, &format!("{}{}{lines}{rules}", account("858"), account("859")));
        let invites: Vec<_> =
            calls.iter().map(|&(call, line)| invite(call, 2_079_460_000 + call, line)).collect();
        program.take(now, &invites);
        let status = |verdict: &Outcome| verdict.status().unwrap_or_default();
        program.calls().iter().map(|call| (call.line.clone(), status(&call.verdict))).collect()
    }

    #[test]
    fn a_rate_by_line_counts_whatever_name_the_policy_has_for_the_account() {
        let lines = "[line.front]\naccount = \"858\"\n";
        let rules = r#"
[[rule]]
id = "flood"
when = { all = [{ line = "front" }, { rate = { per = "line", more_than = 2, within = "1m" } }] }
then = "busy"

[[rule]]
id = "others"
then = "decline"
"#;
        let told = rejected(lines, rules, &[(1, 0), (2, 0), (3, 0), (4, 0)]);
        assert_eq!(told, [603, 603, 486, 486].map(|status| ("858".to_owned(), status)));
    }

    #[test]
    fn an_account_has_the_line_that_names_it_and_none_that_only_has_its_name() {
        let lines = "[line.858]\naccount = \"859\"\n\n[line.859]\naccount = \"858\"\n";
        let rules = r#"
[[rule]]
id = "of-the-line-859"
when = { line = "859" }
then = "decline"

[[rule]]
id = "others"
then = "busy"
"#;
        let told = rejected(lines, rules, &[(1, 0), (2, 1)]);
        assert_eq!(told, [("858".to_owned(), 603), ("859".to_owned(), 486)]);
    }
}
