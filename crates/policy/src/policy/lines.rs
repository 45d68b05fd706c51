//! What a policy says of lines: by the name that rules know them by, and by the account that calls come in on.

use super::{Group, Policy};
use crate::position::Line;

impl Policy {
    /// Returns the lines that the policy says something of.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.core.lines
    }

    /// Returns what the policy says of a line, by the name that it has for it or else by its account's; one it does not
    /// know is the only phone of its number.
    #[must_use]
    pub fn line(&self, name: &str) -> Line {
        let lines = &self.core.lines;
        let by_name = lines.iter().find(|line| &*line.name == name);
        let of_account = || lines.iter().find(|line| line.account.as_deref() == Some(name));
        by_name.or_else(of_account).cloned().unwrap_or_else(|| Line::new(name))
    }

    /// Returns what the policy says of the line of an account: the one that names it, whatever names other lines have.
    /// An account without one is the only phone of its number, on a line of its own name.
    #[must_use]
    pub fn line_of_account(&self, account: &str) -> Line {
        let names_it = |line: &&Line| line.account.as_deref().unwrap_or(&line.name) == account;
        self.core.lines.iter().find(names_it).cloned().unwrap_or_else(|| Line::new(account))
    }

    /// Returns the groups a line is in, by its name and its address.
    #[must_use]
    pub fn groups_of(&self, name: &str, address: &str) -> Vec<Box<str>> {
        let groups = &self.core.groups;
        let mut found: Vec<Box<str>> = Vec::new();
        let is_named =
            |group: &&Group| group.lines.iter().any(|lines| lines.is_match(name) || lines.is_match(address));
        let mut waiting: Vec<&Group> = groups.iter().filter(is_named).collect();
        while let Some(group) = waiting.pop() {
            if found.contains(&group.name) {
                continue;
            }
            found.push(group.name.clone());
            let parents = groups.iter().filter(|parent| group.inherits.contains(&parent.name));
            waiting.extend(parents);
        }
        found.sort_unstable();
        found
    }
}
