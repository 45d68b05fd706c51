//! Where the server sees us, and what stands between.

use std::net::SocketAddr;

use softphone::Transport;
use softphone::examine::{Answered, Examination, Mapped, Tried};

use super::{Finding, Severity, Topic, answered};
use crate::config::Account;
use crate::visible::visible;

pub(super) fn findings(account: &Account, examined: &Examination) -> Vec<Finding> {
    let Some(tried) = answered(examined) else { return Vec::new() };
    let mut findings = Vec::new();
    findings.extend(tried.answers().find_map(rewritten));
    let seen = tried.answers().find_map(|response| response.seen);
    findings.push(seen_at(account, tried, seen));
    if let (Some(public), Some(seen)) = (account.public_address, seen)
        && public != seen.ip()
    {
        let found = format!("`public_address` is {public}, and the server sees {}", seen.ip());
        findings.push(Finding::new(Topic::Address, Severity::Warning, found).remedy(
            "calls are sent to `public_address`: correct it, or leave it away and the Contact follows what the server sees",
        ));
    }
    findings.extend(mapping(tried, seen));
    findings
}

fn rewritten(response: &Answered) -> Option<Finding> {
    let came_back = visible(response.rewritten.as_deref()?);
    let found = format!("a router on the way rewrites SIP: the address in our Via came back as {came_back}");
    Some(Finding::new(Topic::Address, Severity::Warning, found).remedy(
        "turn off what the router calls SIP ALG or SIP helper, or use `transport = \"tls\"`, which it cannot read",
    ))
}

/// Compares where the server sees us with where we are.
fn seen_at(account: &Account, tried: &Tried, seen: Option<SocketAddr>) -> Finding {
    let new = |severity, found: String| Finding::new(Topic::Address, severity, found);
    let by_udp = tried.chosen.transport == Transport::Udp;
    let (Some(seen), Some(local)) = (seen, tried.local) else {
        let found = "the server does not say where it sees us (no `rport`, RFC 3581)";
        if !by_udp {
            return new(Severity::Ok, format!("{found}: over a connection it need not"));
        }
        return new(Severity::Note, found.to_owned()).remedy(
            "behind a router that translates addresses, set `public_address` and forward the port, or use TCP or TLS",
        );
    };
    if seen == local {
        return new(Severity::Ok, format!("the server sees us at {seen}, which is our own address"));
    }
    let port = if seen.port() == local.port() { "keeps the port" } else { "gives another port" };
    let between =
        if seen.ip() == local.ip() { "something between" } else { "a router translates addresses (NAT) and" };
    let open = match (account.register, account.public_address) {
        (false, _) => "; the PBX is to send calls to where the router forwards them from",
        (true, Some(_)) => "",
        (true, None) if by_udp => "; the Contact follows it, and keep-alives hold the way open",
        (true, None) => "; the connection is held open, and calls come over it",
    };
    new(Severity::Ok, format!("the server sees us at {seen}, and we are at {local}: {between} {port}{open}"))
}

/// Compares where the server sees us with where the STUN server does: two addresses of the world that see the same port show
/// a translator that has one for all (RFC 4787 section 4.1, "endpoint-independent mapping").
fn mapping(tried: &Tried, seen: Option<SocketAddr>) -> Option<Finding> {
    let new = |severity, found: String| Finding::new(Topic::Address, severity, found);
    let &Mapped { address: mapped, by, .. } = match tried.stun.as_ref()? {
        Ok(mapped) => mapped,
        Err(why) => {
            let found = format!("the STUN server does not say where it sees us: {}", visible(why));
            let remedy = "compare `stun` with what its operator says; without an answer, media is announced at our own \
                          address";
            return Some(new(Severity::Warning, found).remedy(remedy));
        }
    };
    let Some(seen) = seen else {
        return Some(new(Severity::Note, format!("the STUN server sees us at {mapped}")));
    };
    if mapped == seen {
        let is_translated = tried.local != Some(seen) && by.ip() != tried.server.ip();
        let same =
            if is_translated { ": the router has one port for both, as it has for all others" } else { "" };
        return Some(new(Severity::Ok, format!("the STUN server sees us at {mapped}, too{same}")));
    }
    if mapped.ip() == seen.ip() {
        let found = format!(
            "the STUN server sees us at {mapped}, and the registrar at {seen}: the router gives another port for each \
             destination (symmetric NAT)"
        );
        let remedy = "what STUN tells of a port is not where others reach it: use a provider that relays media, or forward \
                      the ports and set `public_address`";
        return Some(new(Severity::Warning, found).remedy(remedy));
    }
    let found =
        format!("the STUN server sees us at {mapped}, and the registrar at {seen}: there are two ways out");
    let remedy = "a registrar within the same network or behind a VPN explains it; otherwise see that one way out is used \
                  for both";
    Some(new(Severity::Note, found).remedy(remedy))
}
