//! Digest authentication of a user agent client (RFC 3261 section 22, RFC 7616, RFC 8760).
//!
//! ```text
//!              401, 407                 request with the answer            any other final response
//!  (nothing) ───────────▶ Challenged ─────────────────────────▶ Answered ──────────────────────────▶ Reused
//!      ▲                      ▲  ▲                               │    │     or a further request        │ ↺ nc+1
//!      │    wrong password    │  └── challenged, stale ──────────┘    │                                 │
//!      ├──────────────────────┼────── challenged again ──────────────┘                                 │
//!      │                      └──── challenged, stale or with another nonce: this one has expired ─────┤
//!      └─────────────────────────── challenged with the same nonce, not stale ─────────────────────────┘
//! ```
//!
//! An [`Authenticator`] remembers one such session a realm. It verifies no `rspauth`: who can answer
//! for the registrar can also drop the calls, and only TLS helps against that.

mod challenge;
mod digest;
mod nonce;
mod session;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use ringfence_wire::sip::{HeaderName, Message, Printer};
use zeroize::Zeroizing;

pub use digest::{Algorithm, Digested, HexDigest, Key, Protection, Qop};

use challenge::Offer;
use nonce::Outgoing;
use session::Session;

/// Who a user is: a name and a password, which no `Debug` shows and which is wiped when dropped.
///
/// ```
/// use ringfence_ua::auth::Credentials;
///
/// let credentials = Credentials::new("858", "secret");
/// assert_eq!(format!("{credentials:?}"), "Credentials(..)");
/// ```
#[derive(Clone)]
pub struct Credentials(Arc<Pair>);

/// One for all that a line keeps, and one text for both: there may be fifty thousand.
struct Pair {
    text: Zeroizing<Box<str>>,
    /// Where in it the password begins, behind the user.
    password: usize,
}

/// Answers the challenges to one line's requests.
///
/// It serves one request at a time: what is challenged is taken to be what was authorized last. A
/// registration has its own, and so has a dialog.
///
/// ```
/// use ringfence_ua::auth::{Authenticator, Credentials};
///
/// let authenticator = Authenticator::new(Credentials::new("858", "secret"));
/// assert!(!authenticator.is_challenged()); // the first request goes out without credentials
/// ```
pub struct Authenticator {
    credentials: Credentials,
    sessions: Vec<Session>,
    /// Whether any realm ever offered more than MD5: then none that is new gets MD5.
    has_offered_strong: bool,
    /// Challenges since the last success.
    challenges_in_a_row: u8,
}

/// One pair is another where both its parts are.
impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        (&**self.0.text, self.0.password) == (&**other.0.text, other.0.password)
    }
}

impl Eq for Credentials {}

impl Credentials {
    /// Makes credentials of an authentication name and a password.
    #[must_use]
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        let (user, password) = (user.into(), Zeroizing::new(password.into()));
        // Made of its length: what grows leaves a password behind where it was.
        let mut text = String::with_capacity(user.len() + password.len());
        text.push_str(&user);
        text.push_str(&password);
        Self(Arc::new(Pair { text: Zeroizing::new(text.into()), password: user.len() }))
    }

    fn user(&self) -> &str {
        &self.0.text[..self.0.password]
    }

    fn password(&self) -> &str {
        &self.0.text[self.0.password..]
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").field("is_challenged", &self.is_challenged()).finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Starts without a challenge, so that the first request carries no credentials.
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, sessions: Vec::new(), has_offered_strong: false, challenges_in_a_row: 0 }
    }

    /// Takes a 401 or 407. After `Ok` the request is to be sent again, with a new `CSeq` and with
    /// what [`Authenticator::authorize`] writes; after an error it is not.
    pub fn handle_challenge(&mut self, response: &Message<'_>) -> Result<(), AuthError> {
        self.challenges_in_a_row = self.challenges_in_a_row.saturating_add(1);
        let result = if usize::from(self.challenges_in_a_row) > MOST_CHALLENGES_IN_A_ROW {
            Err(AuthError::TooManyChallenges { limit: MOST_CHALLENGES_IN_A_ROW })
        } else {
            self.take(response)
        };
        if result.is_err() {
            self.challenges_in_a_row = 0;
            self.sessions.iter_mut().for_each(Session::silence);
        }
        result
    }

    /// Takes that the last request went out more than once, before what it was answered: a server that takes each count
    /// of a nonce but once may have accepted the request, whose response was lost, and then challenges its repetition. With
    /// another nonce, or as stale, that says nothing of the password, and is answered.
    pub fn handle_repetition(&mut self) {
        self.sessions.iter_mut().for_each(Session::handle_repetition);
    }

    /// Takes any other final response to an authorized request, with its `nextnonce`.
    pub fn handle_success(&mut self, response: &Message<'_>) {
        self.challenges_in_a_row = 0;
        let next_nonce = response.authentication_info().and_then(|info| challenge::next_nonce(&info));
        for session in &mut self.sessions {
            let is_meant = session.challenger == Challenger::Server;
            session.handle_success(next_nonce.as_deref().filter(|_| is_meant));
        }
    }

    /// Forgets who has asked and whether anybody offered more than MD5. How often the last nonces of each
    /// realm were used is not forgotten.
    pub fn forget(&mut self) {
        self.has_offered_strong = false;
        self.challenges_in_a_row = 0;
        for session in &mut self.sessions {
            session.silence();
            session.has_offered_strong = false;
        }
    }

    /// Writes `Authorization` and `Proxy-Authorization` for the next request: the answer to a
    /// challenge, or the newest nonce with the next count. Writes nothing when nobody has asked.
    ///
    /// `cnonce` is a fresh unpredictable token.
    pub fn authorize(&mut self, method: &str, uri: &[u8], body: &[u8], cnonce: &str, out: &mut Printer<'_>) {
        let request = Outgoing { method, uri, body, cnonce };
        for session in &mut self.sessions {
            let header = session.challenger.answer_header();
            if let Some(answer) = session.authorize(&self.credentials, request) {
                //= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.1
                //# Multiple header field rows with these names MAY be present in a message, but
                //# since their grammar does not follow the general form listed in Section 7.3, they
                //# MUST NOT be combined into a single header field row.
                out.header_fmt(header.as_str(), format_args!("{answer}"));
            }
        }
    }

    /// Has it keep the texts of its realms as others have them.
    pub(crate) fn share_realms(&mut self, share: impl Fn(&Arc<str>) -> Arc<str>) {
        for session in &mut self.sessions {
            session.realm = share(&session.realm);
        }
    }

    /// Returns whether the next request will carry credentials.
    #[must_use]
    pub fn is_challenged(&self) -> bool {
        !self.sessions.iter().all(Session::is_silent)
    }

    fn take(&mut self, response: &Message<'_>) -> Result<(), AuthError> {
        let mut best: Vec<(Challenger, Offer)> = Vec::new();
        let mut unusable = Vec::new();
        for challenger in [Challenger::Server, Challenger::Proxy] {
            let challenges = response.challenges(challenger.challenge_header());
            for challenge in challenges.take(MOST_CHALLENGES) {
                //= https://www.rfc-editor.org/rfc/rfc8760#section-2.4
                //# The client MUST ignore any challenge it does not understand.
                match Offer::read(&challenge) {
                    Ok(offer) => keep_strongest(&mut best, challenger, offer),
                    Err(reason) => unusable.push(reason),
                }
            }
        }
        if best.is_empty() {
            return Err(AuthError::NoUsableChallenge { offered: unusable });
        }
        if let Some((_, offer)) = best.iter().find(|(who, offer)| self.is_downgrade(*who, offer)) {
            return Err(AuthError::Downgrade { realm: offer.realm.as_ref().to_owned() });
        }
        self.has_offered_strong |= best.iter().any(|(_, offer)| offer.is_strong());
        self.silence_replaced_realms(&best);
        for (challenger, offer) in best {
            self.session(challenger, &offer.realm).handle_challenge(&offer)?;
        }
        Ok(())
    }

    /// Returns whether a realm asks for MD5 that may not have it: one that knew more, or one that came when the account
    /// had been offered more, as of one who gives himself another name to get it.
    fn is_downgrade(&self, challenger: Challenger, offer: &Offer) -> bool {
        let known = self.sessions.iter().find(|session| session.is_for(challenger, &offer.realm));
        !offer.is_strong() && known.map_or(self.has_offered_strong, |session| session.has_offered_strong)
    }

    /// A registrar that was given another realm is not sent the answer for its old one, which it
    /// might take for the only one. Proxies on the way each keep theirs.
    fn silence_replaced_realms(&mut self, best: &[(Challenger, Offer)]) {
        let is_asked = |session: &Session| best.iter().any(|(who, offer)| session.is_for(*who, &offer.realm));
        if best.iter().any(|(who, _)| *who == Challenger::Server) {
            let servers = self.sessions.iter_mut().filter(|session| session.challenger == Challenger::Server);
            servers.filter(|session| !is_asked(session)).for_each(Session::silence);
        }
    }

    /// Finds or makes the session with a realm; the oldest makes room.
    fn session(&mut self, challenger: Challenger, realm: &Arc<str>) -> &mut Session {
        let known = self.sessions.iter().position(|session| session.is_for(challenger, realm));
        let index = known.unwrap_or_else(|| {
            if self.sessions.len() == MOST_REALMS {
                self.sessions.remove(0);
            }
            // Nearly every line has one realm.
            self.sessions.reserve_exact(1);
            self.sessions.push(Session::new(challenger, Arc::clone(realm)));
            self.sessions.len() - 1
        });
        &mut self.sessions[index]
    }
}

/// Who asks for credentials: each may, for realms of its own, and gets an answer in its own header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Challenger {
    /// A registrar or user agent server, with 401 and `WWW-Authenticate`.
    Server,
    /// A proxy, with 407 and `Proxy-Authenticate`.
    Proxy,
}

/// Why a challenged request is not worth repeating.
///
/// ```
/// use ringfence_ua::auth::AuthError;
///
/// let error = AuthError::WrongPassword { realm: "example.com".into() };
/// assert_eq!(error.to_string(), "realm \"example.com\" does not accept this user and password");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The answer to a fresh challenge was refused.
    #[error("realm {realm:?} does not accept this user and password")]
    WrongPassword {
        /// The protection domain that asked.
        realm: String,
    },
    /// A realm that knows SHA-2 asked for MD5, or a new one did though others know SHA-2, as one who wants to break the
    /// password would.
    #[error("realm {realm:?} asks for MD5, and SHA-2 was offered before")]
    Downgrade {
        /// The protection domain that asked.
        realm: String,
    },
    /// Nothing that was asked for can be given.
    #[error("expected a Digest challenge with a known algorithm, got {}", list(offered))]
    NoUsableChallenge {
        /// What was asked for instead.
        offered: Vec<String>,
    },
    /// One request was challenged again and again, each time for another reason.
    #[error("gave up after {limit} challenges without a success")]
    TooManyChallenges {
        /// How many were answered.
        limit: usize,
    },
}

impl Challenger {
    fn challenge_header(self) -> HeaderName {
        match self {
            Self::Server => HeaderName::WwwAuthenticate,
            Self::Proxy => HeaderName::ProxyAuthenticate,
        }
    }

    fn answer_header(self) -> HeaderName {
        match self {
            Self::Server => HeaderName::Authorization,
            Self::Proxy => HeaderName::ProxyAuthorization,
        }
    }
}

/// Keeps one challenge a realm: of several the one with the strongest algorithm, whatever order an
/// attacker may have given them; of equals the topmost.
fn keep_strongest(best: &mut Vec<(Challenger, Offer)>, challenger: Challenger, offer: Offer) {
    match best.iter_mut().find(|(who, kept)| *who == challenger && kept.realm == offer.realm) {
        //= https://www.rfc-editor.org/rfc/rfc7616#section-5.6
        //# A user agent MUST choose to use the strongest auth-scheme it understands and request
        //# credentials from the user based upon that challenge.
        Some((_, kept)) if offer.algorithm().is_stronger_than(kept.algorithm()) => *kept = offer,
        Some(_) => {}
        None => best.push((challenger, offer)),
    }
}

fn list(offered: &[String]) -> String {
    if offered.is_empty() { "no challenge at all".to_owned() } else { offered.join(", ") }
}

/// How many challenges of one response are looked at, and of how many realms one line is told.
const MOST_CHALLENGES: usize = 16;
const MOST_REALMS: usize = 8;
/// A registrar and a proxy with two realms each, all with stale nonces, ask eight times.
const MOST_CHALLENGES_IN_A_ROW: usize = 8;
