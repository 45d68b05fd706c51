//! Whether a call can reach us: what the registrar has on its list, and what runs here.

use std::net::{IpAddr, SocketAddr};

use softphone::examine::{Binding, Examination, Fetched};

use super::{Finding, Running, Severity, Topic, answered, is_private};
use crate::cli::span;
use crate::config::Account;
use crate::control::{LineState, LineStatus};
use crate::visible::visible;

pub(super) fn findings(account: &Account, examined: &Examination, running: &Running) -> Vec<Finding> {
    let Some(tried) = answered(examined) else { return Vec::new() };
    let mut findings = vec![of_program(account, running)];
    let Some(Fetched::Listed { bindings, .. }) = &tried.bindings else { return findings };
    let (ours, others): (Vec<&Binding>, Vec<&Binding>) =
        bindings.iter().partition(|binding| binding.is_ours == Some(true));
    let is_registered = matches!(running, Running::Line(Some(line)) if line.state == LineState::Registered);
    findings.extend(ours.iter().map(|binding| of_binding(binding, tried.server, is_registered)));
    match (ours.is_empty() && is_registered, others.is_empty()) {
        (true, _) => findings.push(of_none(&others)),
        (false, false) => findings.push(of_others(&others)),
        (false, true) => {}
    }
    findings
}

/// Says whether somebody here takes the call.
fn of_program(account: &Account, running: &Running) -> Finding {
    let new = |severity, found: String| Finding::new(Topic::Calls, severity, found);
    match running {
        Running::Not => new(Severity::Note, "ringfence does not run here: it takes no calls now".to_owned())
            .remedy("start it with `ringfence run`"),
        Running::Unknown(why) => {
            new(Severity::Note, format!("whether ringfence runs here is not known: {}", visible(why)))
                .remedy("ask as the user who runs it")
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
            new(Severity::Note, "the running ringfence registers it just now".to_owned())
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
fn of_binding(binding: &Binding, server: SocketAddr, is_registered: bool) -> Finding {
    let address = visible(&binding.address);
    let held = binding.expires.map(|expires| format!(", for {} more", span(expires))).unwrap_or_default();
    if !is_registered {
        let found =
            format!("the registrar still sends calls to {address}{held}, where this installation was");
        let remedy = "start it again with `ringfence run`, which takes the place of that binding";
        return Finding::new(Topic::Calls, Severity::Warning, found).remedy(remedy);
    }
    let host: Option<IpAddr> = host(&binding.address).and_then(|host| host.parse().ok());
    if host.is_some_and(is_private) && !is_private(server.ip()) && !binding.is_outbound {
        let found =
            format!("the registrar sends calls to {address}{held}, which cannot be reached from outside");
        let remedy =
            "set `public_address`, or use TCP or TLS, or have the provider treat the line as behind a router";
        return Finding::new(Topic::Calls, Severity::Warning, found).remedy(remedy);
    }
    let found = format!(
        "the registrar sends calls to {address}{held}, which is this installation: call it to hear whether they arrive"
    );
    Finding::new(Topic::Calls, Severity::Ok, found)
}

/// Returns the host of an address of a binding.
fn host(address: &str) -> Option<&str> {
    let address = address.split(';').next()?;
    match address.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => address.split(':').next(),
    }
}

/// Says what a list without a binding of ours means.
fn of_none(others: &[&Binding]) -> Finding {
    if others.is_empty() {
        let found = "the running ringfence has it registered, and the registrar lists no binding: it has forgotten us";
        return Finding::new(Topic::Calls, Severity::Error, found)
            .remedy("it comes back with the next refresh, which `ringfence status` tells; a PBX that restarts with an empty table has it so");
    }
    if others.iter().any(|binding| binding.is_ours.is_none()) {
        let found = format!("the registrar lists {} and does not tell which is ours", counted(others.len()));
        return Finding::new(Topic::Calls, Severity::Ok, found).details(addresses(others));
    }
    let found = format!("the registrar lists {}, and none is ours", counted(others.len()));
    Finding::new(Topic::Calls, Severity::Error, found)
        .remedy("another device has taken the place of ours: give each its own account, or let the PBX keep several bindings")
        .details(addresses(others))
}

fn of_others(others: &[&Binding]) -> Finding {
    // One that has never run, and one whose registrar keeps no instance-id, is not known there.
    let whose = if others.iter().all(|binding| binding.is_ours == Some(false)) { "of" } else { "of this or" };
    let found = format!(
        "the registrar lists {} {whose} other devices: each is called as well",
        counted(others.len())
    );
    Finding::new(Topic::Calls, Severity::Note, found).details(addresses(others))
}

fn counted(count: usize) -> String {
    if count == 1 { "1 binding".to_owned() } else { format!("{count} bindings") }
}

fn addresses(bindings: &[&Binding]) -> Vec<String> {
    let told = |binding: &&Binding| {
        let held = binding.expires.map(|expires| format!(", for {} more", span(expires))).unwrap_or_default();
        format!("{}{held}", visible(&binding.address))
    };
    bindings.iter().map(told).collect()
}
