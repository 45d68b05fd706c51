//! Accounts and their lines, which may have names of their own: rules, groups and tests know those only.

use std::collections::HashMap;

use super::diagnostic::{Report, Severity, Span};
use super::document::LineBlock;
use super::merge::Blocks;
use super::read::{At, brief};
use crate::wildcard::Wildcard;

/// An account, and what its line is called.
pub(super) struct Renamed<'b> {
    account: &'b str,
    line: &'b str,
}

impl Blocks {
    /// Finds an account that a name means and no call comes on, because its line has another name.
    pub(super) fn renamed(&self, name: &str) -> Option<Renamed<'_>> {
        let wanted = Wildcard::new(name);
        if self.lines.names().any(|line| wanted.is_match(line)) {
            return None;
        }
        let mut accounts =
            self.lines.iter().filter_map(|(line, block)| Some((line, account_of(line, block?))));
        let (line, account) = accounts.find(|(_, account)| wanted.is_match(account))?;
        Some(Renamed { account, line })
    }

    /// Returns the line of each account, by its name, with the account's address-of-record, which is empty where none is said.
    pub(super) fn lines_of_accounts(&self) -> Vec<(&str, &str)> {
        let named =
            self.lines.iter().filter_map(|(line, block)| Some((account_of(line, block?), line.as_str())));
        let named: HashMap<&str, &str> = named.collect();
        let line_of = |account: &'_ String| {
            let address = self.addresses.get(account).map_or("", String::as_str);
            (named.get(account.as_str()).copied(), address)
        };
        let accounts = self.accounts.iter().map(|account| (account, line_of(account)));
        accounts.map(|(account, (line, address))| (line.unwrap_or(account), address)).collect()
    }

    /// Returns whether a line names this account.
    pub(super) fn has_line_of(&self, account: &str) -> bool {
        self.lines.iter().any(|(line, block)| block.is_some_and(|block| account_of(line, block) == account))
    }
}

impl Renamed<'_> {
    /// Tells it where the name stands.
    pub(super) fn report(&self, name: &str, span: Span, severity: Severity, report: &mut Report) {
        let (account, line) = (brief(self.account), brief(self.line));
        let message = format!("there is no line \"{}\"", brief(name));
        let hint = format!("the account {account} has [line.{line}]: write \"{line}\"");
        report.push(severity, Some(span), message, hint);
    }
}

/// Returns the account that a line registers.
pub(super) fn account_of<'b>(name: &'b At<String>, block: &'b LineBlock) -> &'b str {
    block.account.as_ref().map_or(name.value.as_str(), |account| account.value.as_str())
}
