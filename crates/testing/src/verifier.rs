//! The server's side of digest authentication: challenges, and whether an answer to one is right.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use ringfence_ua::auth::{Algorithm, Digested, Key, Protection, Qop};
use ringfence_wire::sip::{Challenge, HeaderName, Message, quote};

use crate::random::Random;

/// Challenges requests and verifies the answers, with the passwords in clear text.
///
/// ```
/// use std::{collections::BTreeMap, time::Instant};
/// use ringfence_testing::{Random, Verifier};
///
/// let mut verifier = Verifier::new("example.com", Random::new(1));
/// let challenges = verifier.challenge(Instant::now(), false);
/// assert!(challenges[0].starts_with("Digest realm=\"example.com\", nonce="));
/// ```
#[derive(Debug)]
pub struct Verifier {
    realm: String,
    algorithms: Vec<Algorithm>,
    qops: Vec<Qop>,
    wants_userhash: bool,
    nonce_lifetime: Duration,
    random: Random,
    nonces: BTreeMap<String, Nonce>,
}

/// What is remembered of a nonce.
#[derive(Debug, Clone)]
struct Nonce {
    issued: Instant,
    /// The highest count seen with it.
    count: u32,
    /// The nonces that began its session, once they are known: the challenge's and the client's.
    session: Option<(String, String)>,
}

/// Credentials as they came.
#[derive(Debug)]
struct Answer {
    username: String,
    is_user_hashed: bool,
    nonce: String,
    uri: String,
    response: String,
    algorithm: Algorithm,
    qop: Option<Qop>,
    nonce_count: u32,
    cnonce: String,
    opaque: String,
}

/// Who sent a request.
///
/// ```
/// use ringfence_testing::Verified;
///
/// let verified = Verified { user: "858".into(), nonce: "dcd98b71".into() };
/// assert_eq!(verified.user, "858");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The name that belongs to the password, in clear text also where it came hashed.
    pub user: String,
    /// The nonce that was used.
    pub nonce: String,
}

/// Why credentials are not accepted.
///
/// ```
/// use ringfence_testing::Refusal;
///
/// assert_eq!(Refusal::Missing.to_string(), "no credentials for this realm");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The request carries none for this realm.
    Missing,
    /// They are of a nonce that has expired, was never given, or was used with this count before.
    Stale,
    /// The user is not known.
    UnknownUser,
    /// The password is another.
    WrongPassword,
    /// A parameter is missing or is not what was asked for.
    Malformed(&'static str),
}

impl Verifier {
    /// Makes a verifier that asks for MD5 and `qop=auth`, with nonces that last for an hour.
    #[must_use]
    pub fn new(realm: &str, random: Random) -> Self {
        Self {
            realm: realm.to_owned(),
            algorithms: vec![Algorithm::MD5],
            qops: vec![Qop::Auth],
            wants_userhash: false,
            nonce_lifetime: Duration::from_secs(3600),
            random,
            nonces: BTreeMap::new(),
        }
    }

    /// Sets the algorithms, in the order in which they are offered.
    pub fn set_algorithms(&mut self, algorithms: &[Algorithm]) {
        self.algorithms = algorithms.to_vec();
    }

    /// Sets what protection is offered; none asks for the digest of RFC 2069.
    pub fn set_qops(&mut self, qops: &[Qop]) {
        self.qops = qops.to_vec();
    }

    /// Sets whether the user's name is to be hashed.
    pub fn set_userhash(&mut self, wants_userhash: bool) {
        self.wants_userhash = wants_userhash;
    }

    /// Sets how long a nonce may be used.
    pub fn set_nonce_lifetime(&mut self, lifetime: Duration) {
        self.nonce_lifetime = lifetime;
    }

    /// Changes the realm. Nonces of the old one are not known any more.
    pub fn set_realm(&mut self, realm: &str) {
        realm.clone_into(&mut self.realm);
        self.forget_nonces();
    }

    /// Forgets every nonce, so that the next use of one is stale.
    pub fn forget_nonces(&mut self) {
        self.nonces.clear();
    }

    /// Returns the values of `WWW-Authenticate` or `Proxy-Authenticate`, one an algorithm.
    pub fn challenge(&mut self, now: Instant, is_stale: bool) -> Vec<String> {
        let nonce = self.issue(now, None);
        let qops: Vec<&str> = self.qops.iter().map(|qop| qop.as_str()).collect();
        let shared = format!(
            "Digest realm={}, nonce={}, opaque={}{}{}",
            quote(&self.realm),
            quote(&nonce),
            quote(OPAQUE),
            if is_stale { ", stale=true" } else { "" },
            if self.wants_userhash { ", userhash=true" } else { "" },
        );
        let qop = if qops.is_empty() { String::new() } else { format!(", qop=\"{}\"", qops.join(",")) };
        self.algorithms.iter().map(|algorithm| format!("{shared}{qop}, algorithm={algorithm}")).collect()
    }

    /// Returns a nonce to be used next by who has just used `nonce`, for `Authentication-Info`.
    pub fn next_nonce(&mut self, now: Instant, nonce: &str) -> String {
        let session = self.nonces.get(nonce).and_then(|nonce| nonce.session.clone());
        self.issue(now, session)
    }

    /// Returns whose password the credentials of a request prove.
    ///
    /// The `uri` parameter has to be the Request-URI: what a registrar or a first proxy gets has not been
    /// forwarded yet.
    pub fn verify(
        &mut self,
        now: Instant,
        request: &Message<'_>,
        passwords: &BTreeMap<String, String>,
    ) -> Result<Verified, Refusal> {
        let mut all = [HeaderName::Authorization, HeaderName::ProxyAuthorization]
            .into_iter()
            .flat_map(|header| request.challenges(header));
        let credentials = all
            .find(|credentials| credentials.param("realm").as_deref() == Some(&self.realm))
            .ok_or(Refusal::Missing)?;
        let answer = Answer::read(&credentials)?;
        self.check_against_challenge(&answer, request)?;
        let nonce = self.nonces.get_mut(&answer.nonce).ok_or(Refusal::Stale)?;
        if now.saturating_duration_since(nonce.issued) > self.nonce_lifetime {
            return Err(Refusal::Stale);
        }
        let (user, password) = find_user(&answer, &self.realm, passwords).ok_or(Refusal::UnknownUser)?;
        let (first, cnonce) =
            nonce.session.clone().unwrap_or_else(|| (answer.nonce.clone(), answer.cnonce.clone()));
        let key = Key::new(answer.algorithm, user, &self.realm, password).of_session(&first, &cnonce);
        let digested = Digested {
            method: request.method().map_or("", |method| method.as_str()),
            uri: answer.uri.as_bytes(),
            body: request.body(),
            nonce: &answer.nonce,
            protection: answer.qop.map(|qop| Protection {
                qop,
                nonce_count: answer.nonce_count,
                cnonce: &answer.cnonce,
            }),
        };
        if !key.response(&digested).matches(answer.response.as_bytes()) {
            return Err(Refusal::WrongPassword);
        }
        if answer.qop.is_some() && answer.nonce_count <= nonce.count {
            return Err(Refusal::Stale);
        }
        nonce.count = answer.nonce_count;
        nonce.session = Some((first, cnonce));
        Ok(Verified { user: user.to_owned(), nonce: answer.nonce })
    }

    fn check_against_challenge(&self, answer: &Answer, request: &Message<'_>) -> Result<(), Refusal> {
        let is_qop_right = match answer.qop {
            Some(qop) => self.qops.contains(&qop),
            None => self.qops.is_empty(),
        };
        if !self.algorithms.contains(&answer.algorithm) {
            Err(Refusal::Malformed("algorithm"))
        } else if !is_qop_right {
            Err(Refusal::Malformed("qop"))
        } else if answer.opaque != OPAQUE {
            Err(Refusal::Malformed("opaque"))
        } else if request.request_uri() != Some(answer.uri.as_bytes()) {
            Err(Refusal::Malformed("uri"))
        } else if answer.is_user_hashed != self.wants_userhash {
            Err(Refusal::Malformed("userhash"))
        } else {
            Ok(())
        }
    }

    fn issue(&mut self, now: Instant, session: Option<(String, String)>) -> String {
        let lifetime = self.nonce_lifetime;
        self.nonces.retain(|_, nonce| now.saturating_duration_since(nonce.issued) <= lifetime);
        let nonce = self.random.token();
        self.nonces.insert(nonce.clone(), Nonce { issued: now, count: 0, session });
        nonce
    }
}

impl Answer {
    fn read(credentials: &Challenge<'_>) -> Result<Self, Refusal> {
        let param = |name| credentials.param(name).map(Cow::into_owned);
        let needed = |name| param(name).ok_or(Refusal::Malformed(name));
        let qop = match param("qop") {
            Some(token) => Some(Qop::from_token(&token).ok_or(Refusal::Malformed("qop"))?),
            None => None,
        };
        let nonce_count = match param("nc") {
            Some(digits) if digits.len() == 8 => {
                u32::from_str_radix(&digits, 16).map_err(|_| Refusal::Malformed("nc"))?
            }
            None if qop.is_none() => 0,
            Some(_) | None => return Err(Refusal::Malformed("nc")),
        };
        let algorithm = match param("algorithm") {
            Some(token) => Algorithm::from_token(&token).ok_or(Refusal::Malformed("algorithm"))?,
            None => Algorithm::MD5,
        };
        Ok(Self {
            username: needed("username")?,
            is_user_hashed: param("userhash").as_deref() == Some("true"),
            nonce: needed("nonce")?,
            uri: needed("uri")?,
            response: needed("response")?,
            algorithm,
            qop,
            nonce_count,
            cnonce: if qop.is_some() { needed("cnonce")? } else { String::new() },
            opaque: needed("opaque")?,
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no credentials for this realm"),
            Self::Stale => f.write_str("a nonce that is not valid any more"),
            Self::UnknownUser => f.write_str("an unknown user"),
            Self::WrongPassword => f.write_str("a wrong password"),
            Self::Malformed(parameter) => write!(f, "credentials with a wrong {parameter}"),
        }
    }
}

impl std::error::Error for Refusal {}

fn find_user<'p>(
    answer: &Answer,
    realm: &str,
    passwords: &'p BTreeMap<String, String>,
) -> Option<(&'p str, &'p str)> {
    let mut users = passwords.iter().map(|(user, password)| (user.as_str(), password.as_str()));
    users.find(|(user, _)| {
        if answer.is_user_hashed {
            answer.algorithm.userhash(user, realm).matches(answer.username.as_bytes())
        } else {
            *user == answer.username
        }
    })
}

const OPAQUE: &str = "b3BhcXVl";
