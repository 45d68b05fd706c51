//! Whether a server can be reached, and by what.

use softphone::Transport;
use softphone::examine::{Examination, Tried, Unreached};

use super::{Finding, Severity, Topic, answered, took};
use crate::visible::visible;

pub(super) fn findings(examined: &Examination) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let has_answered = answered(examined).is_some();
    for tried in &examined.tried {
        match &tried.connected {
            Some(Err(why)) => findings.push(unreached(tried, why, has_answered)),
            Some(Ok(time)) => findings.push(reached(tried, *time)),
            None => findings.push(
                Finding::new(
                    Topic::Connection,
                    Severity::Error,
                    format!(
                        "{} at {} did not connect in the time there was",
                        tried.chosen.transport, tried.server
                    ),
                )
                .remedy(WALL),
            ),
        }
    }
    findings
}

const WALL: &str = "a firewall on the way drops what is sent, or the address is wrong: compare `domain`, `port` and \
                    `transport` with what the provider says";

fn reached(tried: &Tried, time: std::time::Duration) -> Finding {
    let from = tried.local.map(|local| format!(" from {local}")).unwrap_or_default();
    let (chosen, server) = (tried.chosen, tried.server);
    let found = if chosen.transport == Transport::Udp {
        format!("requests go to {server}{from} by {chosen}")
    } else {
        format!("connected to {server}{from} in {} by {chosen}", took(time))
    };
    Finding::new(Topic::Connection, Severity::Ok, found)
}

fn unreached(tried: &Tried, why: &Unreached, has_answered: bool) -> Finding {
    let (transport, server) = (tried.chosen.transport, tried.server);
    let severity = if has_answered { Severity::Warning } else { Severity::Error };
    let found = format!("no connection to {server} by {transport}: {}", visible(&why.to_string()));
    let remedy = match why {
        // What is wrong with it is a finding of its own.
        Unreached::Certificate(_) => return Finding::new(Topic::Connection, severity, found),
        Unreached::Refused => {
            "nothing listens there by this transport: compare `port` and `transport` with what the PBX says"
        }
        Unreached::NotInTime(_) => WALL,
        Unreached::Failed(_) | _ => {
            "it listens there and does not speak this transport, or there is no way to it: compare `port` and \
             `transport` with what the PBX says"
        }
    };
    Finding::new(Topic::Connection, severity, found).remedy(remedy)
}
