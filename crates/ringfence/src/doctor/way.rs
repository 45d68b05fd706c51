//! Whether a server can be reached, and by what.

use std::time::Duration;

use softphone::Transport;
use softphone::examine::{Examination, Tried, Unanswered, Unreached};

use super::{Finding, Severity, Topic, severity_of_loss, took};
use crate::visible::visible;

pub(super) fn findings(examined: &Examination) -> Vec<Finding> {
    let mut findings = Vec::new();
    for tried in &examined.tried {
        match &tried.connected {
            // What is wrong with it is a finding of its own.
            Some(Err(Unreached::Certificate(_))) if has_chain(tried) => {}
            Some(Err(why)) => findings.push(unreached(examined, tried, why)),
            // What is sent by UDP goes somewhere, which tells nothing where nothing comes back.
            Some(Ok(_)) if tried.chosen.transport == Transport::Udp && is_silent(tried) => {}
            Some(Ok(time)) => findings.push(reached(tried, *time)),
            None => findings.push(late(examined, tried)),
        }
    }
    findings
}

fn has_chain(tried: &Tried) -> bool {
    tried.shown.as_ref().is_some_and(|shown| !shown.chain.is_empty())
}

fn is_silent(tried: &Tried) -> bool {
    let is_nothing = |why: &Unanswered| matches!(why, Unanswered::Silent(_) | Unanswered::Refused);
    tried.answers().next().is_none() && matches!(&tried.capabilities, Some(Err(why)) if is_nothing(why))
}

const WALL: &str = "a firewall on the way drops what is sent, or the address is wrong: compare `domain`, `port` and \
                    `transport` with what the provider says";
const TRANSPORT: &str = "what listens there takes connections and does not speak this: compare `port` and `transport` with \
                         what the PBX says (TLS is often at 5061)";

fn reached(tried: &Tried, time: Duration) -> Finding {
    let from = tried.local.map(|local| format!(" from {local}")).unwrap_or_default();
    let (chosen, server) = (tried.chosen, tried.server);
    let found = if chosen.transport == Transport::Udp {
        format!("requests go to {server}{from} by {chosen}")
    } else {
        format!("connected to {server}{from} in {} by {chosen}", took(time))
    };
    Finding::new(Topic::Connection, Severity::Ok, found)
}

fn unreached(examined: &Examination, tried: &Tried, why: &Unreached) -> Finding {
    let (transport, server) = (tried.chosen.transport, tried.server);
    let found = format!("no connection to {server} by {transport}: {}", visible(&why.to_string()));
    let remedy = match why {
        Unreached::Refused => {
            "nothing listens there by this transport: compare `port` and `transport` with what the PBX says"
        }
        Unreached::Silent(_) => WALL,
        Unreached::NotBound { .. } => {
            "`listen` in [softphone] names an address that this machine does not have: one that it has, or 0.0.0.0"
        }
        Unreached::Certificate(_) => "have the server's operator look at its certificate",
        Unreached::Handshake(_) => TRANSPORT,
        Unreached::Failed(_) | _ => "see that this machine has a network, and a route to that address",
    };
    Finding::new(Topic::Connection, severity_of_loss(examined), found).remedy(remedy)
}

/// Says how far it came when the time was over.
fn late(examined: &Examination, tried: &Tried) -> Finding {
    let (transport, server) = (tried.chosen.transport, tried.server);
    let (found, remedy) = match tried.tcp {
        Some(time) => {
            let found = format!(
                "{server} took a TCP connection in {}, and no {transport} came of it in the time there was",
                took(time)
            );
            (found, TRANSPORT)
        }
        None => (format!("no connection to {server} by {transport} in the time there was"), WALL),
    };
    Finding::new(Topic::Connection, severity_of_loss(examined), found).remedy(remedy)
}
