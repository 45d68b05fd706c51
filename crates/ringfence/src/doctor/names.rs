//! What the names of a line lead to.

use std::time::Duration;

use softphone::LookupError;
use softphone::examine::{Examination, FoundServer, LookedUp, RecordKind};

use super::{Finding, Severity, Topic, took};
use crate::visible::visible;

/// A look-up that takes longer is felt at every registration after a pause.
const SLOW: Duration = Duration::from_secs(1);
/// Servers that are named in a sentence.
const MOST_NAMED: usize = 4;

pub(super) fn findings(examined: &Examination) -> Vec<Finding> {
    let details: Vec<String> = examined.lookups.iter().map(told).collect();
    if let Some(error) = &examined.not_found {
        let found = format!("{} leads nowhere: {}", visible(&examined.host), visible(error));
        let remedy = remedy(examined);
        return vec![Finding::new(Topic::Names, Severity::Error, found).remedy(remedy).details(details)];
    }
    if examined.servers.is_empty() {
        // The time was over before.
        let found = format!("{} was not found in the time there was", visible(&examined.host));
        let remedy = "the DNS does not answer: look at the servers that /etc/resolv.conf names";
        return vec![Finding::new(Topic::Names, Severity::Error, found).remedy(remedy).details(details)];
    }
    if examined.lookups.is_empty() {
        let found = format!("{} is an address, and no name is looked up", visible(&examined.host));
        return vec![Finding::new(Topic::Names, Severity::Ok, found)];
    }
    let time: Duration = examined.lookups.iter().map(|lookup| lookup.took).sum();
    let (named, more) = examined.servers.split_at(examined.servers.len().min(MOST_NAMED));
    let more = if more.is_empty() { String::new() } else { format!(", and {} more", more.len()) };
    let list = named.iter().map(at).collect::<Vec<_>>().join(", ");
    let found = format!("{} is at {}{more}, found in {}", visible(&examined.host), list, took(time));
    let failed =
        examined.lookups.iter().find(|lookup| matches!(lookup.records, Err(LookupError::Failed { .. })));
    let finding = if let Some(failed) = failed {
        let found = format!("{found}, though a question for {} records failed", kind(failed.kind));
        Finding::new(Topic::Names, Severity::Warning, found).remedy(
            "a server of the DNS that answers no such question hides what the provider prefers: name `port` and \
             `transport` in the account, or use another server",
        )
    } else if time > SLOW {
        Finding::new(Topic::Names, Severity::Warning, found)
            .remedy("a slow DNS delays each registration after a pause: look at the servers that /etc/resolv.conf names")
    } else {
        Finding::new(Topic::Names, Severity::Ok, found)
    };
    vec![finding.details(details)]
}

/// Writes where a server is.
fn at(server: &FoundServer) -> String {
    format!("{} by {}", server.address, server.chosen.transport)
}

fn remedy(examined: &Examination) -> &'static str {
    let has_failed =
        examined.lookups.iter().any(|lookup| matches!(lookup.records, Err(LookupError::Failed { .. })));
    if has_failed {
        "the DNS does not answer: look at the network, and at the servers that /etc/resolv.conf names"
    } else {
        "compare `domain`, `outbound_proxy` and `transport` with what the provider says"
    }
}

/// Writes a question and its answer on a line.
fn told(lookup: &LookedUp) -> String {
    let answer = match &lookup.records {
        Ok(records) if records.is_empty() => "none".to_owned(),
        Ok(records) => records.join("; "),
        Err(LookupError::Missing { .. }) => "none".to_owned(),
        Err(error) => error.to_string(),
    };
    let (kind, name) = (kind(lookup.kind), visible(&lookup.name));
    format!("{kind} {name}: {} ({})", visible(&answer), took(lookup.took))
}

/// Returns how a kind of records is called.
pub(super) fn kind(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Naptr => "NAPTR",
        RecordKind::Srv => "SRV",
        RecordKind::Address => "A, AAAA",
    }
}
