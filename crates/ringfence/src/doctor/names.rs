//! What the names of a line lead to.

use std::time::Duration;

use softphone::LookupError;
use softphone::examine::{Examination, FoundServer, LookedUp, NotFound, RecordKind};

use super::{Finding, Severity, Topic, took};
use crate::visible::visible;

/// A look-up that takes longer is felt at every registration after a pause.
const SLOW: Duration = Duration::from_secs(1);
/// Servers that are named in a sentence.
const MOST_NAMED: usize = 4;

pub(super) fn findings(examined: &Examination) -> Vec<Finding> {
    let details: Vec<String> = examined.lookups.iter().map(told).collect();
    let host = visible(&examined.host);
    if let Some(why) = &examined.not_found {
        let found = format!("{host} leads nowhere: {}", visible(&why.to_string()));
        let finding = Finding::new(Topic::Names, Severity::Error, found);
        return vec![finding.remedy(remedy(why)).details(details)];
    }
    let Some(time) = examined.found_in else {
        let found = format!("{host} was not found in the time there was");
        return vec![Finding::new(Topic::Names, Severity::Error, found).remedy(DNS).details(details)];
    };
    if examined.lookups.is_empty() {
        let found = format!("{host} is an address, and no name is looked up");
        return vec![Finding::new(Topic::Names, Severity::Ok, found)];
    }
    let (named, more) = examined.servers.split_at(examined.servers.len().min(MOST_NAMED));
    let more = if more.is_empty() { String::new() } else { format!(", and {} more", more.len()) };
    let list = named.iter().map(at).collect::<Vec<_>>().join(", ");
    let found = format!("{host} is at {list}{more}, found in {}", took(time));
    let has_failed = |lookup: &&LookedUp| matches!(lookup.records, Err(LookupError::Failed { .. }));
    let finding = if let Some(failed) = examined.lookups.iter().find(has_failed) {
        let found = format!("{found}, though the question for {} records failed", kind(failed.kind));
        Finding::new(Topic::Names, Severity::Warning, found).remedy(
            "a DNS server that answers no such question hides what the provider prefers: name `port` and `transport` in \
             the account, or use another server",
        )
    } else if time > SLOW {
        let remedy = "a slow DNS delays each registration after a pause: look at the servers that /etc/resolv.conf names";
        Finding::new(Topic::Names, Severity::Warning, found).remedy(remedy)
    } else {
        Finding::new(Topic::Names, Severity::Ok, found)
    };
    vec![finding.details(details)]
}

/// Writes where a server is.
fn at(server: &FoundServer) -> String {
    format!("{} by {}", server.address, server.chosen.transport)
}

const DNS: &str = "the DNS gives no answer that can be used: look at the network, and at the servers that /etc/resolv.conf names";
const ACCOUNT: &str = "compare `domain`, `outbound_proxy` and `transport` with what the provider says";

fn remedy(why: &NotFound) -> &'static str {
    match why {
        NotFound::Unreachable { from } if from.ip().is_loopback() => {
            "from there this machine alone is reached: `listen` in [softphone] is to be another of its addresses, or \
             `0.0.0.0:5060` for all"
        }
        NotFound::Unreachable { .. } => {
            "it has addresses of the other family of IP only: `listen = \"[::]:0\"` in [softphone] takes both, where this \
             machine has both"
        }
        NotFound::Failed(_) => DNS,
        NotFound::NoHost { .. } => {
            "whoever answers for the name keeps it from being reached, or is wrong: compare the name with what the provider \
             says, and look at what blocks names in this network"
        }
        NotFound::NoAddress | NotFound::NoService | NotFound::Unsupported(_) | _ => ACCOUNT,
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
