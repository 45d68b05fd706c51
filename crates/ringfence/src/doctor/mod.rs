//! What the facts about a line's way to its registrar mean, and what to do about them: a sentence for each.

mod address;
mod calls;
mod certificates;
mod clock;
mod facts;
mod names;
mod server;
mod way;

use std::net::IpAddr;
use std::time::SystemTime;

use serde::Serialize;
use softphone::examine::{Examination, Tried};

use crate::config::Account;
use crate::control::{LineState, LineStatus};

pub(crate) use facts::Facts;

/// What one finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Topic {
    Names,
    Connection,
    Certificate,
    Server,
    Password,
    Address,
    Clock,
    Calls,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// As it should be.
    Ok,
    /// Good to know.
    Note,
    /// It may go wrong.
    Warning,
    /// Calls do not come in.
    Error,
}

/// One thing that was found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) topic: Topic,
    pub(crate) severity: Severity,
    /// A sentence.
    pub(crate) found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remedy: Option<String>,
    /// What it was seen by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) details: Vec<String>,
}

/// What is known of the program that runs with the same configuration.
#[derive(Debug, Clone)]
pub(crate) enum Running {
    /// None does.
    Not,
    /// One does, and does not answer.
    Silent,
    /// It could not be asked: why, and what to do about it.
    Unknown { why: String, remedy: String },
    /// How the line stands there; nothing where it does not have it.
    Line(Option<LineStatus>),
}

impl Running {
    fn is_registered(&self) -> bool {
        matches!(self, Self::Line(Some(line)) if line.state == LineState::Registered)
    }
}

/// Returns what was found out about a line, in the order in which a call depends on it.
pub(crate) fn diagnose(account: &Account, examined: &Examination, running: &Running) -> Vec<Finding> {
    let mut findings = names::findings(examined);
    findings.extend(way::findings(examined));
    findings.extend(certificates::findings(examined, SystemTime::now()));
    findings.extend(server::findings(account, examined, running));
    findings.extend(cut_short(examined));
    findings.extend(address::findings(account, examined));
    findings.extend(clock::findings(examined));
    findings.extend(calls::findings(account, examined, running));
    findings
}

/// Has what is wrong with one of several proxies be a warning, where another is well: the line can be called.
pub(crate) fn soften(ways: &mut [Vec<Finding>]) {
    let is_well = |way: &Vec<Finding>| way.iter().all(|finding| finding.severity < Severity::Error);
    if ways.iter().any(is_well) {
        for finding in ways.iter_mut().flatten() {
            finding.severity = finding.severity.min(Severity::Warning);
        }
    }
}

/// Says that not all was asked.
fn cut_short(examined: &Examination) -> Option<Finding> {
    let severity = if well(examined).is_some() { Severity::Warning } else { Severity::Error };
    let found = "the time was over before all was asked";
    let finding = || Finding::new(Topic::Server, severity, found);
    examined.is_cut_short.then(|| finding().remedy("look at what is above, or give it more: `--timeout 60`"))
}

impl Finding {
    fn new(topic: Topic, severity: Severity, found: impl Into<String>) -> Self {
        Self { topic, severity, found: found.into(), remedy: None, details: Vec::new() }
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }
}

/// Returns the server that is in service, if one is.
fn well(examined: &Examination) -> Option<&Tried> {
    examined.tried.iter().rfind(|tried| tried.is_in_service())
}

/// Returns the server that is in service, or else the last that has answered at all.
fn answered(examined: &Examination) -> Option<&Tried> {
    well(examined).or_else(|| examined.tried.iter().rfind(|tried| tried.answers().next().is_some()))
}

/// Returns how bad it is that a server is not to be had: another may be.
fn severity_of_loss(examined: &Examination) -> Severity {
    if well(examined).is_some() { Severity::Warning } else { Severity::Error }
}

/// Returns whether an address means something within a network only.
fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            // RFC 6598: the addresses of carriers' translators.
            let is_shared = first == 100 && (64..128).contains(&second);
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || is_shared
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// Returns milliseconds as people read them.
fn took(time: std::time::Duration) -> String {
    match time.as_millis() {
        0 => "less than 1 ms".to_owned(),
        millis @ 1..10_000 => format!("{millis} ms"),
        millis => format!("{} s", millis / 1000),
    }
}
