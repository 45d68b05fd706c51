//! What is odd about a configuration without errors: the policy's findings, each at its place.

use jiff::Timestamp;
use ringfence_policy::{Diagnostic, Entry, Finding, Forward, Work, check};

use super::account::Account;
use super::lists::Lists;
use super::report::Report;
use super::{Config, Loaded};

/// Adds what the policy finds odd to a report.
pub(crate) fn add(config: &Config, report: &mut Report) {
    let of_entries = check(&config.policy);
    for mut diagnostic in config.draft.check(&config.policy, Timestamp::now()) {
        // What stands in a file of a list is shown there.
        let finding = of_entries.iter().find(|finding| finding.to_string() == diagnostic.message);
        if let (None, Some(finding)) = (&diagnostic.place, finding)
            && let Some((list, entry)) = entry_of(&config.lists, finding)
        {
            finding.message().clone_into(&mut diagnostic.message);
            diagnostic.place = Some(list.shown_place(entry));
        }
        report.push(diagnostic);
    }
    for wrong in unknown_lines(config).into_iter().chain(circles(config)).chain(no_rule(config)) {
        report.push(wrong);
    }
    report.sort();
}

/// Finds the lines that rules name and that are not there. A policy without accounts is tried, not run.
fn unknown_lines(config: &Config) -> Vec<Diagnostic> {
    let policy = &config.policy;
    let named = config.accounts.iter().map(|account| policy.line_of_account(&account.name).name);
    let mut lines: Vec<Box<str>> = named.chain(policy.lines().iter().map(|line| line.name.clone())).collect();
    lines.sort_unstable();
    lines.dedup();
    let known: Vec<&str> = lines.iter().map(|line| &**line).collect();
    if config.accounts.is_empty() { Vec::new() } else { config.draft.check_lines(&known) }
}

/// Finds that nothing says whom to reject, as in a file that ends before its policy. Who has entries on the list `reject`, or a
/// file of them, needs no rule.
fn no_rule(config: &Config) -> Option<Diagnostic> {
    let names_nobody = |list: &Loaded| list.list.is_empty();
    let has_sources = config.draft.lists().any(|list| !list.sources().is_empty());
    let says_nothing = !config.has_rules && !has_sources && config.lists.each().iter().all(names_nobody);
    let message = "expected a rule or entries of the list `reject`, found neither: all may ring but who is blocked for a time";
    let hint = "write [[rule]], or put callers on the list: ringfence block NUMBER; if you have, is this the whole file?";
    says_nothing.then(|| Diagnostic::warning(message).hint(hint))
}

/// Finds the redirections that lead back to one of the lines, whose calls are screened again.
fn circles(config: &Config) -> Vec<Diagnostic> {
    let mut circles = Vec::new();
    for rule in config.policy.rules() {
        let Work::Forward(Forward { to, .. }) = rule.then().work() else { continue };
        let (name, to) = (rule.id(), to.as_str());
        for account in config.accounts.iter().filter(|account| is_address_of(account, to)) {
            let message = format!("`{name}` redirects to {to}, the line `{}` itself", account.name);
            let hint = "redirect to another phone: here the call comes back and is screened again";
            circles.push(Diagnostic::warning(message).hint(hint));
        }
    }
    circles
}

/// Tells whether a URI is the address that a line registers.
fn is_address_of(account: &Account, uri: &str) -> bool {
    let address = ["sips:", "sip:"].iter().find_map(|scheme| {
        let (start, rest) = uri.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    let Some((user, host)) = address.and_then(|address| address.rsplit_once('@')) else { return false };
    let user = user.split([';', ':']).next().unwrap_or(user);
    let host = host.split([';', '?']).next().unwrap_or(host);
    let port = host.get(account.domain.len()..);
    let known = account.port.unwrap_or(account.transport.unwrap_or_default().default_port());
    let is_port = port.is_some_and(|port| port.is_empty() || port == format!(":{known}"));
    let is_domain =
        host.get(..account.domain.len()).is_some_and(|host| host.eq_ignore_ascii_case(&account.domain));
    user == account.user && is_domain && is_port
}

/// Finds the entry that a finding is about: its message begins with it.
fn entry_of<'a>(lists: &'a Lists, finding: &Finding) -> Option<(&'a Loaded, Entry<'a>)> {
    let is_meant = |entry: &Entry<'_>| {
        let origin = entry.origin();
        (origin.file(), origin.line()) == (finding.file(), finding.line())
            && finding.message().starts_with(entry.written())
    };
    lists.each().iter().find_map(|list| {
        let repeated = list.list.repeated().map(|(_, again)| again);
        list.list.entries().chain(repeated).find(is_meant).map(|entry| (list, entry))
    })
}
