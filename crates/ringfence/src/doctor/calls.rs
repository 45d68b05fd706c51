//! Whether a call can reach us: what the registrar has on its list, and what runs here.

use std::net::IpAddr;

use softphone::Transport;
use softphone::examine::{Binding, Examination, Fetched, Tried};

use super::{Finding, Running, Severity, Topic, answered, is_private};
use crate::cli::span;
use crate::config::Account;
use crate::control::{LineState, LineStatus};
use crate::visible::visible;

pub(super) fn findings(account: &Account, examined: &Examination, running: &Running) -> Vec<Finding> {
    let Some(tried) = answered(examined) else { return Vec::new() };
    let mut findings = vec![of_program(account, running)];
    let Some(Fetched::Listed { bindings, count, .. }) = &tried.bindings else { return findings };
    let (ours, others): (Vec<&Binding>, Vec<&Binding>) =
        bindings.iter().partition(|binding| binding.is_ours == Some(true));
    findings.extend(ours.iter().map(|binding| of_binding(binding, tried, running)));
    let others = Others { count: count - ours.len(), told: others };
    match (ours.is_empty() && running.is_registered(), others.count) {
        (true, _) => findings.push(others.without_ours()),
        (false, 0) => {}
        (false, _) => findings.push(others.beside_ours()),
    }
    findings
}

/// Bindings that are not known to be ours.
struct Others<'a> {
    count: usize,
    /// Some of them.
    told: Vec<&'a Binding>,
}

/// Says whether somebody here takes the call.
fn of_program(account: &Account, running: &Running) -> Finding {
    let new = |severity, found: String| Finding::new(Topic::Calls, severity, found);
    match running {
        Running::Not => new(Severity::Note, "ringfence does not run here: it takes no calls now".to_owned())
            .remedy("start it with `ringfence run`"),
        Running::Silent => {
            new(Severity::Warning, "ringfence runs here and does not answer when it is asked".to_owned())
                .remedy("look at its log, and restart it if it hangs: a program that hangs takes no calls")
        }
        Running::Unknown { why, remedy } => {
            new(Severity::Note, format!("whether ringfence runs here is not known: {}", visible(why)))
                .remedy(visible(remedy))
        }
        Running::Line(None) => {
            new(Severity::Warning, format!("the running ringfence does not have the line {}", account.name))
                .remedy("have it read its configuration again: `ringfence reload`")
        }
        Running::Line(Some(line)) => of_line(line),
    }
}

fn of_line(line: &LineStatus) -> Finding {
    let new = |severity, found: String| Finding::new(Topic::Calls, severity, found);
    let cause = line.cause.as_deref().map(|cause| format!(": {}", visible(cause))).unwrap_or_default();
    match line.state {
        LineState::Registered => new(Severity::Ok, "the running ringfence has it registered".to_owned()),
        LineState::Static => {
            let found = "it does not register: the PBX is to know where it is, and its calls are taken from `domain`, the \
                         proxy and `peers`";
            new(Severity::Note, found.to_owned())
        }
        LineState::Registering => {
            new(Severity::Note, format!("the running ringfence registers it just now{cause}"))
                .remedy("ask again in a minute")
        }
        LineState::Failed => new(
            Severity::Error,
            format!("the running ringfence has it not registered{cause}"),
        )
        .remedy(
            "what is wrong is above; where nothing is, it comes back by itself: `ringfence status` says when",
        ),
        LineState::Unregistered => {
            new(Severity::Error, format!("the running ringfence has it not registered{cause}"))
                .remedy("have it read its configuration again: `ringfence reload`")
        }
        LineState::Refused => {
            new(Severity::Error, format!("the running ringfence has not started it{cause}"))
                .remedy("`ringfence check` says what the line needs")
        }
    }
}

/// Says where the registrar sends our calls.
fn of_binding(binding: &Binding, tried: &Tried, running: &Running) -> Finding {
    let new = |severity, found: String| Finding::new(Topic::Calls, severity, found);
    let to = format!("{}{}", visible(&binding.address), held(binding));
    if let Running::Not = running {
        return new(
            Severity::Warning,
            format!("the registrar still sends calls to {to}, where this installation was"),
        )
        .remedy("start it again with `ringfence run`, which takes the place of that binding");
    }
    let host: Option<IpAddr> = host(&binding.address).and_then(|host| host.parse().ok());
    let is_hidden = host.is_some_and(is_private) && !is_private(tried.server.ip());
    if is_hidden && !binding.is_by_flow && tried.chosen.transport == Transport::Udp {
        return new(
            Severity::Warning,
            format!("the registrar has us at {to}, which cannot be reached from outside"),
        )
        .remedy(
            "set `public_address`, or use TCP or TLS, or have the provider treat the line as behind a router",
        );
    }
    if running.is_registered() {
        let found = format!(
            "the registrar sends calls to {to}, which is this installation: call it to hear whether they arrive"
        );
        return new(Severity::Ok, found);
    }
    new(Severity::Note, format!("the registrar has a binding of this installation at {to}"))
}

fn held(binding: &Binding) -> String {
    binding.expires.map(|expires| format!(", for {} more", span(expires))).unwrap_or_default()
}

/// Returns the host of an address of a binding.
fn host(address: &str) -> Option<&str> {
    let address = address.split(';').next()?;
    match address.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => address.split(':').next(),
    }
}

impl Others<'_> {
    /// Says what a list without a binding of ours means, for a line that is registered.
    fn without_ours(&self) -> Finding {
        let new = |severity, found: String| Finding::new(Topic::Calls, severity, found);
        let counted = self.counted();
        if self.count == 0 {
            let found = "the running ringfence has it registered, and the registrar lists no binding: it has forgotten us";
            return new(Severity::Error, found.to_owned()).remedy(
                "it comes back with the next refresh, which `ringfence status` tells; a PBX that restarts with an empty table \
                 has it so",
            );
        }
        if self.told.iter().any(|binding| binding.is_ours.is_none()) {
            let found = format!(
                "the registrar lists {counted} and does not tell which is ours: call it to hear whether calls arrive"
            );
            return new(Severity::Note, found).details(self.addresses());
        }
        new(Severity::Error, format!("the registrar lists {counted}, and none is ours"))
            .remedy(
                "another device has taken the place of ours: give each its own account, or let the PBX keep several bindings",
            )
            .details(self.addresses())
    }

    fn beside_ours(&self) -> Finding {
        // One that has never run, and one whose registrar keeps no instance-id, is not known there.
        let is_known = self.told.iter().all(|binding| binding.is_ours == Some(false));
        let whose = if is_known { "of" } else { "of this or" };
        let found =
            format!("the registrar lists {} {whose} other devices: each is called as well", self.counted());
        Finding::new(Topic::Calls, Severity::Note, found).details(self.addresses())
    }

    fn counted(&self) -> String {
        if self.count == 1 { "1 binding".to_owned() } else { format!("{} bindings", self.count) }
    }

    fn addresses(&self) -> Vec<String> {
        let told = self.told.iter().take(MOST_TOLD);
        let mut all: Vec<String> =
            told.map(|binding| format!("{}{}", visible(&binding.address), held(binding))).collect();
        if self.count > all.len() {
            all.push(format!("and {} more", self.count - all.len()));
        }
        all
    }
}

/// Bindings that are told of one line.
const MOST_TOLD: usize = 8;
