//! Where the server sees us, and what stands between.

use std::net::SocketAddr;

use softphone::Transport;
use softphone::examine::{Answered, Examination, Tried};

use super::{Finding, Severity, Topic, answered, responses};
use crate::config::Account;
use crate::visible::visible;

pub(super) fn findings(account: &Account, examined: &Examination) -> Vec<Finding> {
    let Some(tried) = answered(examined) else { return Vec::new() };
    let mut findings = Vec::new();
    if let Some(response) = responses(tried).find(|response| response.rewritten.is_some()) {
        findings.push(rewritten(response));
    }
    let seen = responses(tried).find_map(|response| response.seen);
    findings.push(seen_at(tried, seen));
    if let (Some(public), Some(seen)) = (account.public_address, seen)
        && public != seen.ip()
    {
        let found = format!("`public_address` is {public}, and the server sees {}", seen.ip());
        findings.push(
            Finding::new(Topic::Address, Severity::Warning, found)
                .remedy("calls are sent to `public_address`: correct it, or leave it away and the Contact follows what the server sees"),
        );
    }
    findings.extend(mapping(examined, seen));
    findings
}

fn rewritten(response: &Answered) -> Finding {
    let came_back = response.rewritten.as_deref().map(visible).unwrap_or_default();
    let found = format!("a router on the way rewrites SIP: the address in our Via came back as {came_back}");
    Finding::new(Topic::Address, Severity::Warning, found)
        .remedy("turn off what the router calls SIP ALG or SIP helper, or use `transport = \"tls\"`, which it cannot read")
}

/// Compares where the server sees us with where we are.
fn seen_at(tried: &Tried, seen: Option<SocketAddr>) -> Finding {
    let topic = Topic::Address;
    let (Some(seen), Some(local)) = (seen, tried.local) else {
        let found = "the server does not say where it sees us (it has no `rport`, RFC 3581)";
        return Finding::new(topic, Severity::Note, found)
            .remedy("behind a router that translates addresses, set `public_address` and forward the port, or use TCP or TLS");
    };
    if seen == local {
        return Finding::new(
            topic,
            Severity::Ok,
            format!("the server sees us at {seen}, which is our own address"),
        );
    }
    let port = if seen.port() == local.port() { "and keeps the port" } else { "and gives another port" };
    let how = if seen.ip() == local.ip() { "gives another port" } else { port };
    let open = if tried.chosen.transport == Transport::Udp {
        "the Contact follows it, and keep-alives hold the way open"
    } else {
        "the connection is held open, and calls come over it"
    };
    let found = if seen.ip() == local.ip() {
        format!("the server sees us at {seen}, and we are at {local}: something between {how}; {open}")
    } else {
        format!(
            "the server sees us at {seen}, and we are at {local}: a router translates addresses (NAT) {how}; {open}"
        )
    };
    Finding::new(topic, Severity::Ok, found)
}

/// Compares where the server sees us with where the STUN server does: two that see the same port show a translator that
/// has one for all (RFC 4787 section 4.1, "endpoint-independent mapping").
fn mapping(examined: &Examination, seen: Option<SocketAddr>) -> Option<Finding> {
    let topic = Topic::Address;
    match (&examined.stun, seen) {
        (Some(Err(why)), _) => {
            let found = format!("the STUN server does not say where it sees us: {}", visible(why));
            let remedy = "compare `stun` with what its operator says; without an answer, media is announced at our own address";
            Some(Finding::new(topic, Severity::Warning, found).remedy(remedy))
        }
        (Some(Ok(mapped)), Some(seen)) if *mapped == seen => {
            let found = format!("the STUN server sees us at {mapped}, too: the same for every destination");
            Some(Finding::new(topic, Severity::Ok, found))
        }
        (Some(Ok(mapped)), Some(seen)) if mapped.ip() == seen.ip() => {
            let found = format!(
                "the STUN server sees us at {mapped}, and the registrar at {seen}: the router gives another port for each \
                 destination (symmetric NAT)"
            );
            let remedy = "what STUN tells of a port is not where others reach it: use a provider that relays media, or forward \
                          the ports and set `public_address`";
            Some(Finding::new(topic, Severity::Warning, found).remedy(remedy))
        }
        (Some(Ok(mapped)), Some(seen)) => {
            let found = format!(
                "the STUN server sees us at {mapped}, and the registrar at {seen}: there are two ways out"
            );
            let remedy = "a registrar within the same network or behind a VPN explains it; otherwise see that one way out is used for both";
            Some(Finding::new(topic, Severity::Note, found).remedy(remedy))
        }
        (Some(Ok(mapped)), None) => {
            Some(Finding::new(topic, Severity::Note, format!("the STUN server sees us at {mapped}")))
        }
        (None, _) => None,
    }
}
