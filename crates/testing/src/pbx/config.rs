//! How a PBX is set up.

use std::net::SocketAddr;
use std::time::Duration;

use ringfence_ua::auth::{Algorithm, Qop};

/// How a [`Pbx`](super::Pbx) is set up.
///
/// ```
/// use ringfence_testing::PbxConfig;
/// use ringfence_ua::auth::Algorithm;
///
/// let config = PbxConfig {
///     algorithms: vec![Algorithm::SHA_256, Algorithm::MD5],
///     ..PbxConfig::new("192.0.2.1:5060".parse().unwrap())
/// };
/// assert_eq!(config.realm, "192.0.2.1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PbxConfig {
    /// The PBX's own address, as its Via and Contact show it.
    pub address: SocketAddr,
    /// The host part of its users' URIs.
    pub domain: String,
    /// The protection domain of its challenges.
    pub realm: String,
    /// The algorithms of its challenges, the most preferred first; none lets everyone register.
    pub algorithms: Vec<Algorithm>,
    /// The protection it offers; none asks for the digest of RFC 2069.
    pub qops: Vec<Qop>,
    /// Whether names have to be hashed.
    pub wants_userhash: bool,
    /// How long a nonce may be used.
    pub nonce_lifetime: Duration,
    /// Whether each success names the next nonce.
    pub sends_next_nonce: bool,
    /// The status of its challenges: 401 as a registrar, 407 as a proxy.
    pub challenge_status: u16,
    /// The status of its answer to a wrong password: another challenge, or 403 (Forbidden).
    pub wrong_password_status: u16,
    /// A shorter expiry gets 423 (Interval Too Brief).
    pub min_expires: Duration,
    /// A longer expiry is shortened.
    pub max_expires: Duration,
    /// Whether it answers STUN Binding requests on its SIP port (RFC 5626 section 8).
    pub answers_stun: bool,
    /// What it wants further requests of a line to go through (RFC 3608).
    pub service_route: Vec<String>,
    /// In what it differs from an ordinary registrar.
    pub oddities: Vec<Oddity>,
    /// What its Server and User-Agent say.
    pub product: String,
}

impl PbxConfig {
    /// Makes the configuration of an ordinary PBX: MD5 with `qop=auth`, bindings for a minute to an hour.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V4(v4) => v4.ip().to_string(),
            SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
        };
        Self {
            address,
            realm: host.clone(),
            domain: host,
            algorithms: vec![Algorithm::MD5],
            qops: vec![Qop::Auth],
            wants_userhash: false,
            nonce_lifetime: Duration::from_secs(3600),
            sends_next_nonce: false,
            challenge_status: 401,
            wrong_password_status: 401,
            min_expires: Duration::from_secs(60),
            max_expires: Duration::from_secs(3600),
            answers_stun: false,
            service_route: Vec::new(),
            oddities: Vec::new(),
            product: "Ringfence-Testing PBX".to_owned(),
        }
    }
}

/// What some registrars do, and most do not.
///
/// ```
/// use ringfence_testing::{Oddity, PbxConfig};
///
/// let mut config = PbxConfig::new("192.0.2.1:5060".parse().unwrap());
/// config.oddities.push(Oddity::RewritesContacts);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// A binding is where its REGISTER came from, without the parameters of its Contact.
    RewritesContacts,
    /// A nonce that is used up is refused as a wrong password is, without `stale=true`.
    HidesStaleness,
}
