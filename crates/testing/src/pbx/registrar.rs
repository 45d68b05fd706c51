//! The registrar of the PBX (RFC 3261 section 10.3), with all the ways in which real ones fail.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_wire::sip::{Contact, Message, Uri};

use super::PbxEvent;
use super::binding::Binding;
use super::config::{Oddity, PbxConfig};
use crate::random::Random;
use crate::response::Response;
use crate::verifier::{Refusal, Verifier};

/// What a registrar does with requests.
///
/// ```
/// use ringfence_testing::Mode;
///
/// let overloaded = Mode::Refusing { status: 503, retry_after: Some(120) };
/// assert_ne!(overloaded, Mode::Working);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Mode {
    /// What RFC 3261 says.
    #[default]
    Working,
    /// It refuses every REGISTER.
    Refusing {
        /// The status code.
        status: u16,
        /// The value of `Retry-After`, in seconds.
        retry_after: Option<u32>,
    },
    /// It sends every REGISTER elsewhere.
    Redirecting {
        /// The status code: 301 or 302.
        status: u16,
        /// The URI of the other registrar.
        contact: String,
    },
    /// It answers nothing.
    Silent,
}

#[derive(Debug)]
pub(crate) struct Registrar {
    config: PbxConfig,
    /// `None` lets everyone register.
    verifier: Option<Verifier>,
    random: Random,
    pub(crate) mode: Mode,
    /// By authentication name.
    passwords: BTreeMap<String, String>,
    users: BTreeMap<String, User>,
    /// When the next binding may expire: no later than one does.
    expiring: Option<Instant>,
    /// Responses that were sent, for requests that come again.
    answered: VecDeque<Answered>,
}

#[derive(Debug)]
struct User {
    auth_user: String,
    bindings: Vec<Binding>,
}

#[derive(Debug)]
struct Answered {
    until: Instant,
    transaction: Vec<u8>,
    destination: SocketAddr,
    response: Vec<u8>,
}

/// One value of Contact in a REGISTER.
struct Wish {
    contact: String,
    expires: Duration,
}

/// How a REGISTER is answered: the status and the header lines.
type Verdict = (u16, Vec<(&'static str, String)>);

impl Registrar {
    pub(crate) fn new(config: PbxConfig, mut random: Random) -> Self {
        let mut verifier = Verifier::new(&config.realm, Random::new(random.next_u64()));
        verifier.set_algorithms(&config.algorithms);
        verifier.set_qops(&config.qops);
        verifier.set_userhash(config.wants_userhash);
        verifier.set_nonce_lifetime(config.nonce_lifetime);
        Self {
            verifier: (!config.algorithms.is_empty()).then_some(verifier),
            config,
            random,
            mode: Mode::Working,
            passwords: BTreeMap::new(),
            users: BTreeMap::new(),
            expiring: None,
            answered: VecDeque::new(),
        }
    }

    pub(crate) fn add_user(&mut self, user: &str, auth_user: &str, password: &str) {
        self.passwords.insert(auth_user.to_owned(), password.to_owned());
        self.users.insert(user.to_owned(), User { auth_user: auth_user.to_owned(), bindings: Vec::new() });
    }

    pub(crate) fn add_binding(&mut self, user: &str, binding: Binding) {
        if let Some(user) = self.users.get_mut(user) {
            self.expiring = [self.expiring, Some(binding.expires_at)].into_iter().flatten().min();
            user.bindings.push(binding);
        }
    }

    pub(crate) fn has_user(&self, user: &str) -> bool {
        self.users.contains_key(user)
    }

    pub(crate) fn bindings(&self, user: &str) -> &[Binding] {
        self.users.get(user).map_or(&[], |user| &user.bindings)
    }

    pub(crate) fn forget_bindings(&mut self) {
        self.users.values_mut().for_each(|user| user.bindings.clear());
    }

    pub(crate) fn forget_nonces(&mut self) {
        if let Some(verifier) = &mut self.verifier {
            verifier.forget_nonces();
        }
    }

    pub(crate) fn forget_transactions(&mut self) {
        self.answered.clear();
    }

    pub(crate) fn set_realm(&mut self, realm: &str) {
        if let Some(verifier) = &mut self.verifier {
            verifier.set_realm(realm);
        }
    }

    /// Answers a REGISTER, unless the registrar is silent.
    pub(crate) fn handle_register(
        &mut self,
        now: Instant,
        source: SocketAddr,
        request: &Message<'_>,
        events: &mut VecDeque<PbxEvent>,
    ) -> Option<(SocketAddr, Vec<u8>)> {
        if self.mode == Mode::Silent {
            return None;
        }
        self.answered.retain(|answered| now < answered.until);
        let transaction = transaction_of(source, request)?;
        if let Some(known) = self.answered.iter().find(|answered| answered.transaction == transaction) {
            return Some((known.destination, known.response.clone()));
        }
        let (status, headers) = match self.mode.clone() {
            Mode::Working | Mode::Silent => self.decide(now, source, request, events),
            Mode::Refusing { status, retry_after } => {
                let retry_after = retry_after.map(|seconds| ("Retry-After", seconds.to_string()));
                (status, retry_after.into_iter().collect())
            }
            Mode::Redirecting { status, contact } => (status, vec![("Contact", format!("<{contact}>"))]),
        };
        let mut response = Response::new(request, source, status).header("Server", &self.config.product);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        let (destination, response) = response.finish(&self.random.token())?;
        let answered =
            Answered { until: now + TIMER_J, transaction, destination, response: response.clone() };
        self.answered.push_back(answered);
        Some((destination, response))
    }

    /// Removes what has expired.
    pub(crate) fn handle_timeout(&mut self, now: Instant, events: &mut VecDeque<PbxEvent>) {
        if self.expiring.is_none_or(|due| now < due) {
            return;
        }
        for (name, user) in &mut self.users {
            for expired in user.bindings.extract_if(.., |binding| binding.expires_at <= now) {
                events.push_back(PbxEvent::Expired { user: name.clone(), contact: expired.contact });
            }
        }
        self.expiring = self.users.values().flat_map(|user| &user.bindings).map(|it| it.expires_at).min();
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.expiring
    }

    fn decide(
        &mut self,
        now: Instant,
        source: SocketAddr,
        request: &Message<'_>,
        events: &mut VecDeque<PbxEvent>,
    ) -> Verdict {
        let Some(name) = user_of(request).filter(|name| self.users.contains_key(name)) else {
            return (404, Vec::new());
        };
        let mut headers = Vec::new();
        if let Some(verifier) = &mut self.verifier {
            match verifier.verify(now, request, &self.passwords) {
                Ok(verified) if self.users.get(&name).is_some_and(|user| user.auth_user == verified.user) => {
                    if self.config.sends_next_nonce {
                        let next = verifier.next_nonce(now, &verified.nonce);
                        headers.push(("Authentication-Info", format!("nextnonce=\"{next}\"")));
                    }
                }
                Ok(_) => return (403, Vec::new()),
                Err(refusal) => {
                    events.push_back(PbxEvent::Refused { user: name, refusal: refusal.clone() });
                    return self.refuse(now, &refusal);
                }
            }
        }
        match self.update(now, source, request, &name, events) {
            Ok(()) => {
                let bindings = self.bindings(&name);
                headers.extend(bindings.iter().map(|binding| ("Contact", binding.to_contact(now))));
                let route = self.config.service_route.iter();
                headers.extend(route.map(|hop| ("Service-Route", hop.clone())));
                (200, headers)
            }
            Err((status, more)) => {
                headers.extend(more);
                (status, headers)
            }
        }
    }

    fn refuse(&mut self, now: Instant, refusal: &Refusal) -> Verdict {
        let status = match refusal {
            Refusal::Missing | Refusal::Stale => self.config.challenge_status,
            Refusal::UnknownUser | Refusal::WrongPassword => self.config.wrong_password_status,
            Refusal::Malformed(_) => return (400, Vec::new()),
        };
        let name = match status {
            401 => "WWW-Authenticate",
            407 => "Proxy-Authenticate",
            _ => return (status, Vec::new()),
        };
        let is_hidden = self.config.oddities.contains(&Oddity::HidesStaleness);
        let is_stale = *refusal == Refusal::Stale && !is_hidden;
        let challenges = self.verifier.as_mut().map(|verifier| verifier.challenge(now, is_stale));
        (status, challenges.into_iter().flatten().map(|challenge| (name, challenge)).collect())
    }

    /// Does what the Contact values ask for, all or nothing.
    fn update(
        &mut self,
        now: Instant,
        source: SocketAddr,
        request: &Message<'_>,
        name: &str,
        events: &mut VecDeque<PbxEvent>,
    ) -> Result<(), Verdict> {
        let malformed = || (400, Vec::new());
        let call_id = String::from_utf8_lossy(request.call_id().map_err(|_| malformed())?).into_owned();
        let cseq = request.cseq().map_err(|_| malformed())?.number;
        let default = match request.expires() {
            Some(seconds) => Duration::from_secs(seconds.map_err(|_| malformed())?.into()),
            None => self.config.max_expires,
        };
        let mut bindings = self.bindings(name).to_vec();
        let mut news = Vec::new();
        for mut wish in read_contacts(request, default, &bindings).ok_or_else(malformed)? {
            if self.config.oddities.contains(&Oddity::RewritesContacts) {
                wish.contact = format!("sip:{name}@{source}");
            }
            if wish.expires < self.config.min_expires && !wish.expires.is_zero() {
                return Err((423, vec![("Min-Expires", self.config.min_expires.as_secs().to_string())]));
            }
            let known = bindings.iter().position(|binding| binding.is_of(&wish.contact));
            if let Some(index) = known {
                let old = bindings.remove(index);
                // A REGISTER that was overtaken must not undo the one that overtook it.
                if old.call_id == call_id && old.cseq >= cseq {
                    return Err((500, Vec::new()));
                }
            }
            if wish.expires.is_zero() {
                news.push(PbxEvent::Unregistered { user: name.to_owned(), contact: wish.contact });
                continue;
            }
            let expires = wish.expires.min(self.config.max_expires);
            news.push(PbxEvent::Registered { user: name.to_owned(), contact: wish.contact.clone(), expires });
            let (contact, call_id) = (wish.contact, call_id.clone());
            self.expiring = [self.expiring, Some(now + expires)].into_iter().flatten().min();
            bindings.push(Binding { contact, source, expires_at: now + expires, call_id, cseq });
        }
        if let Some(user) = self.users.get_mut(name) {
            user.bindings = bindings;
        }
        events.extend(news);
        Ok(())
    }
}

/// The user part of To.
fn user_of(request: &Message<'_>) -> Option<String> {
    let user = request.to().ok()?.uri().ok()?.user_unescaped()?.into_owned();
    String::from_utf8(user).ok()
}

/// Reads what is to be bound or, with an expiry of zero, removed; `*` is every binding.
fn read_contacts(request: &Message<'_>, default: Duration, bindings: &[Binding]) -> Option<Vec<Wish>> {
    let mut wishes = Vec::new();
    for contact in request.contacts() {
        match contact.ok()? {
            Contact::Star if default.is_zero() => {
                let all = bindings.iter().map(|binding| binding.contact.clone());
                wishes.extend(all.map(|contact| Wish { contact, expires: Duration::ZERO }));
            }
            Contact::Star => return None,
            Contact::Addr(address) => {
                Uri::parse(address.uri_bytes()).ok()?;
                let expires = match address.param("expires") {
                    Some(digits) => Duration::from_secs(std::str::from_utf8(digits).ok()?.parse().ok()?),
                    None => default,
                };
                let contact = String::from_utf8_lossy(address.uri_bytes()).into_owned();
                wishes.push(Wish { contact, expires });
            }
        }
    }
    Some(wishes)
}

/// What makes a request the same as an earlier one (RFC 3261 section 17.2.3).
fn transaction_of(source: SocketAddr, request: &Message<'_>) -> Option<Vec<u8>> {
    let via = request.via().ok()?;
    let cseq = request.cseq().ok()?;
    let mut key = format!("{source} {} ", cseq.number).into_bytes();
    key.extend(via.sent_by());
    key.extend(via.branch()?);
    Some(key)
}

/// 64*T1 (RFC 3261 table 4).
const TIMER_J: Duration = Duration::from_secs(32);
