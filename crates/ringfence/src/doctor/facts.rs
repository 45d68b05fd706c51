//! What was found out, as JSON has it.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use softphone::Transport;
use softphone::examine::{
    self, Answered, Binding, Certificate, Examination, Fetched, FoundServer, LookedUp, Tried,
};

use super::names::kind;

/// The facts of one examination.
#[derive(Debug, Serialize)]
pub(crate) struct Facts {
    host: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    lookups: Vec<Question>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found_in_ms: Option<f64>,
    servers: Vec<ServerAt>,
    tried: Vec<TriedServer>,
    cut_short: bool,
}

#[derive(Debug, Serialize)]
struct ServerAt {
    address: SocketAddr,
    transport: &'static str,
}

/// What something came to, or why it came to nothing.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Came<T> {
    Ok(T),
    Error(String),
}

#[derive(Debug, Serialize)]
struct Question {
    kind: &'static str,
    name: String,
    took_ms: f64,
    answer: Came<Vec<String>>,
}

#[derive(Debug, Serialize)]
struct TriedServer {
    address: SocketAddr,
    transport: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stun: Option<Came<SocketAddr>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connected_ms: Option<Came<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<Tls>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Came<Response>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    register: Option<Came<Response>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bindings: Option<Vec<Bound>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding_count: Option<usize>,
}

#[derive(Debug, Serialize)]
struct Tls {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cipher: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    any_accepted: bool,
    chain: Vec<ShownCertificate>,
}

#[derive(Debug, Serialize)]
struct ShownCertificate {
    subject: String,
    issuer: String,
    names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
struct Response {
    status: u16,
    phrase: String,
    took_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rewritten: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock_ahead_s: Option<i64>,
}

#[derive(Debug, Serialize)]
struct Bound {
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ours: Option<bool>,
    by_flow: bool,
}

impl From<&Examination> for Facts {
    fn from(examined: &Examination) -> Self {
        Self {
            host: examined.host.clone(),
            port: examined.port,
            lookups: examined.lookups.iter().map(Question::from).collect(),
            found_in_ms: examined.found_in.map(millis),
            servers: examined.servers.iter().map(ServerAt::from).collect(),
            tried: examined.tried.iter().map(TriedServer::from).collect(),
            cut_short: examined.is_cut_short,
        }
    }
}

impl<T, E: ToString> From<Result<T, E>> for Came<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(it) => Self::Ok(it),
            Err(error) => Self::Error(error.to_string()),
        }
    }
}

impl From<&FoundServer> for ServerAt {
    fn from(server: &FoundServer) -> Self {
        Self { address: server.address, transport: named(server.chosen.transport) }
    }
}

impl From<&LookedUp> for Question {
    fn from(lookup: &LookedUp) -> Self {
        let answer = lookup.records.clone().into();
        Self { kind: kind(lookup.kind), name: lookup.name.clone(), took_ms: millis(lookup.took), answer }
    }
}

impl From<&Tried> for TriedServer {
    fn from(tried: &Tried) -> Self {
        let (register, bindings, binding_count) = match &tried.bindings {
            Some(Fetched::Listed { bindings, count, response, .. }) => (
                Some(Came::Ok(response.into())),
                Some(bindings.iter().map(Bound::from).collect()),
                Some(*count),
            ),
            Some(Fetched::Denied { response, .. } | Fetched::Refused { response, .. }) => {
                (Some(Came::Ok(response.into())), None, None)
            }
            Some(Fetched::Unanswered(why)) => (Some(Came::Error(why.to_string())), None, None),
            Some(_) | None => (None, None, None),
        };
        let options = tried.capabilities.as_ref().map(|answered| match answered {
            Ok(answered) => Came::Ok(answered.into()),
            Err(why) => Came::Error(why.to_string()),
        });
        Self {
            address: tried.server,
            transport: named(tried.chosen.transport),
            local: tried.local,
            tcp_ms: tried.tcp.map(millis),
            stun: tried.stun.clone().map(|mapped| mapped.map(|mapped| mapped.address).into()),
            connected_ms: tried.connected.clone().map(|connected| connected.map(millis).into()),
            tls: tried.shown.as_ref().map(Tls::from),
            options,
            register,
            bindings,
            binding_count,
        }
    }
}

impl From<&examine::Shown> for Tls {
    fn from(shown: &examine::Shown) -> Self {
        let chain = shown.chain.iter().map(ShownCertificate::from).collect();
        Self {
            version: shown.version.clone(),
            cipher: shown.cipher.clone(),
            any_accepted: shown.is_anyone,
            chain,
        }
    }
}

impl From<&Certificate> for ShownCertificate {
    fn from(certificate: &Certificate) -> Self {
        let Certificate { subject, issuer, names, not_before, not_after, .. } = certificate.clone();
        let at = |time| Timestamp::try_from(time).ok();
        Self { subject, issuer, names, not_before: at(not_before), not_after: at(not_after) }
    }
}

impl From<&Answered> for Response {
    fn from(answered: &Answered) -> Self {
        let Answered { status, phrase, took, server, seen, rewritten, clock_ahead, .. } = answered.clone();
        let took_ms = millis(took);
        Self { status, phrase, took_ms, server, seen, rewritten, clock_ahead_s: clock_ahead }
    }
}

impl From<&Binding> for Bound {
    fn from(binding: &Binding) -> Self {
        Self {
            address: binding.address.clone(),
            expires_s: binding.expires.map(|expires| expires.as_secs()),
            ours: binding.is_ours,
            by_flow: binding.is_by_flow,
        }
    }
}

/// Returns a transport as the configuration names it.
fn named(transport: Transport) -> &'static str {
    match transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
        Transport::Tls => "tls",
        Transport::Ws => "ws",
        Transport::Wss => "wss",
    }
}

/// Returns milliseconds, to the hundredth.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 100_000.0).round() / 100.0
}
