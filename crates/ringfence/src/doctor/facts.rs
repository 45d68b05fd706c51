//! What was found out, as JSON has it.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
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
    lookups: Vec<Asked>,
    servers: Vec<Found>,
    tried: Vec<Server>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stun: Option<Outcome<SocketAddr>>,
    cut_short: bool,
}

#[derive(Debug, Serialize)]
struct Found {
    address: SocketAddr,
    transport: String,
}

/// What something came to, or why it came to nothing.
#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome<T> {
    Ok(T),
    Error(String),
}

#[derive(Debug, Serialize)]
struct Asked {
    kind: &'static str,
    name: String,
    took_ms: f64,
    answer: Outcome<Vec<String>>,
}

#[derive(Debug, Serialize)]
struct Server {
    address: SocketAddr,
    transport: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    local: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connected_ms: Option<Outcome<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<Spoken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Outcome<Response>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    register: Option<Outcome<Response>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bindings: Option<Vec<Bound>>,
}

#[derive(Debug, Serialize)]
struct Spoken {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cipher: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    any_accepted: bool,
    chain: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Shown {
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
    outbound: bool,
}

impl From<&Examination> for Facts {
    fn from(examined: &Examination) -> Self {
        Self {
            host: examined.host.clone(),
            port: examined.port,
            lookups: examined.lookups.iter().map(Asked::from).collect(),
            servers: examined.servers.iter().map(Found::from).collect(),
            tried: examined.tried.iter().map(Server::from).collect(),
            stun: examined.stun.clone().map(Outcome::from),
            cut_short: examined.is_cut_short,
        }
    }
}

impl<T, E: ToString> From<Result<T, E>> for Outcome<T> {
    fn from(result: Result<T, E>) -> Self {
        match result {
            Ok(it) => Self::Ok(it),
            Err(error) => Self::Error(error.to_string()),
        }
    }
}

impl From<&FoundServer> for Found {
    fn from(server: &FoundServer) -> Self {
        Self { address: server.address, transport: server.chosen.transport.to_string() }
    }
}

impl From<&LookedUp> for Asked {
    fn from(lookup: &LookedUp) -> Self {
        let answer = lookup.records.clone().into();
        Self { kind: kind(lookup.kind), name: lookup.name.clone(), took_ms: millis(lookup.took), answer }
    }
}

impl From<&Tried> for Server {
    fn from(tried: &Tried) -> Self {
        let (register, bindings) = match &tried.bindings {
            Some(Fetched::Listed { bindings, response, .. }) => {
                (Some(Outcome::Ok(response.into())), Some(bindings.iter().map(Bound::from).collect()))
            }
            Some(Fetched::Unauthenticated { response, .. } | Fetched::Refused { response }) => {
                (Some(Outcome::Ok(response.into())), None)
            }
            Some(Fetched::Unanswered(why)) => (Some(Outcome::Error(why.to_string())), None),
            Some(_) | None => (None, None),
        };
        let options = tried.capabilities.as_ref().map(|answered| match answered {
            Ok(answered) => Outcome::Ok(answered.into()),
            Err(why) => Outcome::Error(why.to_string()),
        });
        Self {
            address: tried.server,
            transport: tried.chosen.transport.to_string(),
            local: tried.local,
            connected_ms: tried.connected.clone().map(|connected| connected.map(millis).into()),
            tls: tried.shown.as_ref().map(Spoken::from),
            options,
            register,
            bindings,
        }
    }
}

impl From<&examine::Shown> for Spoken {
    fn from(shown: &examine::Shown) -> Self {
        let chain = shown.chain.iter().map(Shown::from).collect();
        Self {
            version: shown.version.clone(),
            cipher: shown.cipher.clone(),
            any_accepted: shown.is_anyone,
            chain,
        }
    }
}

impl From<&Certificate> for Shown {
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
            outbound: binding.is_outbound,
        }
    }
}

/// Returns milliseconds, to the hundredth.
fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 100_000.0).round() / 100.0
}
