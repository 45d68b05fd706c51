//! The part of the configuration that decides: the policy, with what its lists have on this machine.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ringfence_policy::{Answer, Diagnostic, Draft, File, ListSource, Policy};

use super::account::{Account, beside};
use super::lists::Lists;
use super::policy_file;
use super::report::Report;
use super::stamp::Stamped;
use crate::answer::Answers;
use crate::sources::{self, ListSpec, LookUpSpec, Source};
use crate::user::own_user;

/// What was read of the policy.
#[derive(Debug)]
pub(super) struct Screening {
    /// Every file that it was read from, as it was.
    pub(super) files: Vec<Stamped>,
    /// The policy, unless something is wrong with it.
    pub(super) policy: Option<Policy>,
    pub(super) draft: Draft,
    pub(super) lists: Lists,
    /// Whether the lists are those of the file: without a region no number can be read.
    pub(super) is_readable: bool,
    pub(super) remote: Vec<ListSpec>,
    pub(super) look_ups: Vec<LookUpSpec>,
    pub(super) unanswered: BTreeMap<Box<str>, Answer>,
}

/// The tables of the configuration that are not the policy's.
pub(crate) const FOREIGN: [&str; 5] = ["softphone", "service", "tls", "journal", "account"];

impl Screening {
    /// Reads the policy of a configuration. What is wrong goes into the report.
    pub(super) fn read(main: &Stamped, file: File, accounts: &[Account], report: &mut Report) -> Self {
        let mut files = vec![main.clone()];
        let mut open = |written: &str, by: &str| {
            let path = policy_file::included(Path::new(by), written);
            files.push(Stamped::now(&path));
            policy_file::read(&path)
        };
        let (draft, told) = Draft::read(file, &mut open, &FOREIGN);
        for wrong in told {
            report.push(wrong);
        }
        // It says for whom a file may be mapped; whoever cannot be told gets a copy instead.
        let lists = Lists::read(&draft, own_user().unwrap_or(u32::MAX), report);
        files.extend(lists.each().iter().flat_map(|list| list.stamped.clone()));
        let is_readable = report.errors() == 0 || draft.lists().len() > 0;
        let (remote, look_ups, unanswered) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut screening =
            Self { files, policy: None, draft, lists, is_readable, remote, look_ups, unanswered };
        screening.look_elsewhere(report);
        let (draft, lists) = (&screening.draft, &screening.lists);
        let compiled = draft.compile(|spec| match lists.named(spec.name()) {
            Some(loaded) => Arc::clone(&loaded.list),
            None => spec.inline(),
        });
        match compiled {
            Ok(policy) => {
                check_accounts(&policy, accounts, report);
                check_answers(&policy, accounts, report);
                check_tests(draft, report);
                screening.policy = Some(policy);
            }
            // What is wrong with the draft itself has been told.
            Err(told) => {
                for wrong in told {
                    if !report.has(&wrong) {
                        report.push(wrong);
                    }
                }
            }
        }
        screening
    }

    /// Returns the files that its lists name beside those that were read: passwords, authorities, programs.
    pub(super) fn named_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for spec in self.draft.lists() {
            let named = spec.password_file().into_iter().chain(spec.authority());
            files.extend(named.map(|(path, file)| beside(Path::new(file), path)));
            for source in spec.sources() {
                if let ListSource::LookupProgram { program } = &source.source {
                    files.push(beside(Path::new(&source.file), program));
                }
            }
        }
        files
    }

    /// Finds out which lists lie on servers, in part, and who is asked for each call.
    fn look_elsewhere(&mut self, report: &mut Report) {
        let draft = &self.draft;
        for spec in draft.lists() {
            match sources::ready(spec) {
                Ok((list, look_ups)) => {
                    if !look_ups.is_empty()
                        && let Some(counts) = spec.on_miss()
                    {
                        let answer = Answer { score: if counts { u32::MAX } else { 0 }, is_listed: counts };
                        self.unanswered.insert(spec.name().into(), answer);
                    }
                    // The file is another one when its authority is, and then the server is to be asked anew.
                    let is_asked = !look_ups.is_empty() || list.sources.iter().any(Source::is_fetched);
                    self.files.extend(list.trust.authority.clone().filter(|_| is_asked));
                    self.look_ups.extend(look_ups);
                    // Rows pass out of a window by themselves.
                    let is_aging = list.window.is_some() && !list.sources.is_empty();
                    if is_aging || list.sources.iter().any(Source::is_fetched) {
                        self.remote.push(list);
                    }
                }
                Err((index, error)) => {
                    let mut wrong = Diagnostic::error(error.to_string());
                    wrong.place = spec.sources().get(index).and_then(|source| draft.place_of(source));
                    wrong.hint = error.hint().map(str::to_owned);
                    report.push(wrong);
                }
            }
        }
    }
}

/// Makes sure that the lines of the policy are lines of the configuration.
fn check_accounts(policy: &Policy, accounts: &[Account], report: &mut Report) {
    for line in policy.lines() {
        let account = line.account.as_deref().unwrap_or(&line.name);
        let Some(known) = accounts.iter().find(|known| *known.name == *account) else {
            let message = format!(
                "the line `{}` has the account `{account}`, and there is no [account.{account}]",
                line.name
            );
            let known: Vec<&str> = accounts.iter().map(|account| &*account.name).collect();
            report.push(Diagnostic::error(message).hint(format!("the accounts are: {}", known.join(", "))));
            continue;
        };
        for peer in line.peers.iter().filter(|peer| !is_known_peer(peer, known)) {
            let message = format!("expected an IP address for the peer `{peer}` of the line `{}`", line.name);
            let hint = "the account's own domain and proxy are trusted already; others are named by address";
            report.push(Diagnostic::error(message).hint(hint));
        }
    }
}

/// Makes sure that every answer of the policy can be sent on every line.
fn check_answers(policy: &Policy, accounts: &[Account], report: &mut Report) {
    for account in accounts {
        let (line, address) =
            (policy.line_of_account(&account.name), format!("sip:{}@{}", account.user, account.domain));
        if let Err(error) = Answers::of_line(policy, &line, &address) {
            let message = format!("the line `{}` cannot answer as the policy says: {error}", line.name);
            report.push(Diagnostic::error(message).hint("look for it among the treatments"));
        }
    }
}

/// Tells whether a peer is an address, or a host that the account names itself.
fn is_known_peer(peer: &str, account: &Account) -> bool {
    let host = |proxy: &'_ String| {
        let proxy = proxy.trim_start_matches("sips:").trim_start_matches("sip:");
        proxy.split([':', ';']).next().unwrap_or(proxy).to_owned()
    };
    let mut proxies = account.outbound_proxies.iter().map(host);
    peer.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
        || peer.eq_ignore_ascii_case(&account.domain)
        || proxies.any(|proxy| peer.eq_ignore_ascii_case(&proxy))
}

/// Makes sure that the policy does what its own tests say: one that does not is not taken up.
fn check_tests(draft: &Draft, report: &mut Report) {
    for failed in draft.run_tests().into_iter().filter(|result| !result.passed) {
        let message =
            format!("test {} fails: expected {}, got {}", failed.number, failed.expected, failed.got);
        let mut wrong =
            Diagnostic::error(message).hint("`ringfence test` tells the whole way to that decision");
        wrong.place = failed.place;
        report.push(wrong);
    }
}
