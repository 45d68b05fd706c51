//! The authentication session with one realm (RFC 7616 section 3.6).

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use ringfence_wire::sip::quote;

use super::challenge::Offer;
use super::digest::{Digested, HexDigest, Key, Protection};
use super::{AuthError, Challenger, Credentials};

/// What is remembered of one realm.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) challenger: Challenger,
    pub(super) realm: Arc<str>,
    /// Whether the realm ever offered more than MD5: then it does not get MD5 any more.
    pub(super) has_offered_strong: bool,
    state: State,
    spent: Spent,
}

/// The nonces that were used last and are no more, each by its hash and with its count: a server may give one again. The newest
/// is at the end; what has no count is no nonce.
#[derive(Debug, Default)]
struct Spent(Option<Box<[(Mark, u32); MOST_SPENT]>>);

/// The hash of a nonce, in halves: so it takes no room for its alignment.
type Mark = [u32; 2];

/// More are not remembered: who gives a nonce again gives one of the last.
const MOST_SPENT: usize = 8;

#[derive(Debug)]
enum State {
    /// The realm has asked for nothing, or is not to be answered any more.
    Silent,
    /// The next request answers the newest challenge.
    Challenged(Nonce),
    /// The last request was the answer to the newest challenge.
    Answered(Nonce),
    /// Requests carry an answer in advance, with a nonce that may have expired.
    Reused(Nonce),
}

/// A nonce with all that is needed to use it again.
#[derive(Debug)]
struct Nonce {
    offer: Offer,
    /// How many requests were sent with it.
    count: u32,
    /// Made by the first answer to the challenge.
    start: Option<Start>,
}

/// What the first answer to a challenge leaves for the next ones.
#[derive(Debug)]
struct Start {
    key: Key,
    /// The client's nonce of a session variant. It is kept, since not every server knows that only
    /// the first one goes into the key.
    cnonce: Option<Box<str>>,
}

/// What is authorized: a request that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub(super) method: &'a str,
    pub(super) uri: &'a [u8],
    pub(super) body: &'a [u8],
    pub(super) cnonce: &'a str,
}

/// Prints as the value of `Authorization` or `Proxy-Authorization`.
pub(super) struct Answer<'a> {
    user: &'a str,
    userhash: Option<HexDigest>,
    offer: &'a Offer,
    uri: &'a [u8],
    protection: Option<Protection<'a>>,
    response: HexDigest,
}

impl Session {
    pub(super) fn new(challenger: Challenger, realm: Arc<str>) -> Self {
        Self { challenger, realm, has_offered_strong: false, state: State::Silent, spent: Spent::default() }
    }

    /// Takes the best of one response's challenges for this realm.
    pub(super) fn handle_challenge(&mut self, mut offer: Offer) -> Result<(), AuthError> {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-22.1
        //# A UAC MUST NOT re-attempt requests with the credentials
        //# that have just been rejected (though the request may be retried if
        //# the nonce was stale).
        let is_refused = match &self.state {
            State::Silent | State::Challenged(_) => false,
            State::Answered(_) => !offer.is_stale,
            // A nonce that has expired is replaced: where it is asked for again, it was not at fault.
            State::Reused(nonce) => !offer.is_stale && nonce.offer.nonce == offer.nonce,
        };
        if is_refused {
            return Err(AuthError::WrongPassword { realm: offer.realm.as_ref().to_owned() });
        }
        self.has_offered_strong |= offer.is_strong();
        self.silence();
        //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4
        //# The nc value is the
        //# hexadecimal count of the number of requests (including the current
        //# request) that the client has sent with the nonce value in this
        //# request.
        let count = self.spent.take(&offer.nonce);
        offer.realm = Arc::clone(&self.realm);
        self.state = State::Challenged(Nonce { offer, count, start: None });
        Ok(())
    }

    /// Takes a final response that challenged nothing, with its `nextnonce`.
    pub(super) fn handle_success(&mut self, next_nonce: Option<&str>) {
        self.state = match std::mem::replace(&mut self.state, State::Silent) {
            State::Answered(mut nonce) | State::Reused(mut nonce) => {
                //= https://www.rfc-editor.org/rfc/rfc7616#section-3.5
                //# If the nextnonce field is present, the
                //# client SHOULD use it when constructing the Authorization header
                //# field for its next request.
                if let Some(next) = next_nonce.filter(|next| **next != *nonce.offer.nonce) {
                    self.spent.put(&nonce.offer.nonce, nonce.count);
                    nonce.offer.nonce = next.into();
                    nonce.count = self.spent.take(next);
                }
                State::Reused(nonce)
            }
            unsent @ (State::Silent | State::Challenged(_)) => unsent,
        };
    }

    /// Takes that the last request went out more than once: its nonce may have been used up by itself.
    pub(super) fn handle_repetition(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Silent) {
            State::Answered(nonce) => State::Reused(nonce),
            other @ (State::Silent | State::Challenged(_) | State::Reused(_)) => other,
        };
    }

    /// Uses the nonce no more. What the realm has once offered is not forgotten, nor how often the nonce was used.
    pub(super) fn silence(&mut self) {
        match std::mem::replace(&mut self.state, State::Silent) {
            State::Silent => {}
            State::Challenged(nonce) | State::Answered(nonce) | State::Reused(nonce) => {
                self.spent.put(&nonce.offer.nonce, nonce.count);
            }
        }
    }

    pub(super) fn is_silent(&self) -> bool {
        matches!(self.state, State::Silent)
    }

    pub(super) fn is_for(&self, challenger: Challenger, realm: &str) -> bool {
        self.challenger == challenger && *self.realm == *realm
    }

    /// Returns the answer that a request is to carry, or `None` where the realm has asked for none.
    pub(super) fn authorize<'a>(
        &'a mut self,
        credentials: &'a Credentials,
        request: Outgoing<'a>,
    ) -> Option<Answer<'a>> {
        self.state = match std::mem::replace(&mut self.state, State::Silent) {
            State::Silent => State::Silent,
            State::Challenged(nonce) => State::Answered(nonce),
            State::Answered(nonce) | State::Reused(nonce) => State::Reused(nonce),
        };
        match &mut self.state {
            State::Answered(nonce) | State::Reused(nonce) => Some(nonce.answer(credentials, request)),
            State::Silent | State::Challenged(_) => None,
        }
    }
}

impl Spent {
    /// Takes out how often a nonce was used.
    fn take(&mut self, nonce: &str) -> u32 {
        let (Some(spent), hash) = (&mut self.0, hash(nonce)) else { return 0 };
        let place = spent.iter().position(|&(spent, count)| spent == hash && count > 0);
        let Some(place) = place else { return 0 };
        let (_, count) = std::mem::take(&mut spent[place]);
        spent[..=place].rotate_right(1);
        count
    }

    fn put(&mut self, nonce: &str, count: u32) {
        if count > 0 {
            let spent = self.0.get_or_insert_default();
            spent.rotate_left(1);
            spent[MOST_SPENT - 1] = (hash(nonce), count);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the other half is the other")]
fn hash(nonce: &str) -> Mark {
    let mut hasher = DefaultHasher::new();
    nonce.hash(&mut hasher);
    let hash = hasher.finish();
    [hash as u32, (hash >> 32) as u32]
}

impl Nonce {
    fn answer<'a>(&'a mut self, credentials: &'a Credentials, request: Outgoing<'a>) -> Answer<'a> {
        let Outgoing { method, uri, body, cnonce } = request;
        let Self { offer, count, start } = self;
        let (user, algorithm) = (credentials.user(), offer.algorithm());
        *count = count.saturating_add(1);
        let start = start.get_or_insert_with(|| Start {
            key: Key::new(algorithm, user, &offer.realm, credentials.password())
                .of_session(&offer.nonce, cnonce),
            cnonce: algorithm.is_session().then(|| cnonce.into()),
        });
        let cnonce = start.cnonce.as_deref().unwrap_or(cnonce);
        let protection = offer.qop.map(|qop| Protection { qop, nonce_count: *count, cnonce });
        let response = start.key.response(&Digested { method, uri, body, nonce: &offer.nonce, protection });
        //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4.4
        //# If the client supports the userhash parameter, and the userhash parameter value in the
        //# WWW-Authentication header field is set to "true", then the client MUST calculate a hash
        //# of the username after any other hash calculation and include the userhash parameter with
        //# the value of "true" in the Authorization header field.
        let userhash = offer.wants_userhash.then(|| algorithm.userhash(user, &offer.realm));
        Answer { user, userhash, offer, uri, protection, response }
    }
}

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, userhash, offer, uri, protection, response } = self;
        let username = userhash.as_ref().map_or(*user, HexDigest::as_str);
        let uri = String::from_utf8_lossy(uri);
        //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4
        //# For historical reasons, a sender MUST only generate the quoted string
        //# syntax for the following parameters: username, realm, nonce, uri,
        //# response, cnonce, and opaque.
        write!(f, "Digest username={}, realm={}", quote(username), quote(&offer.realm))?;
        write!(
            f,
            ", nonce={}, uri={}, response=\"{}\"",
            quote(&offer.nonce),
            quote(&uri),
            response.as_str()
        )?;
        //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4
        //# For historical reasons, a sender MUST NOT generate the quoted string
        //# syntax for the following parameters: algorithm, qop, and nc.
        if let Some(algorithm) = offer.named_algorithm {
            write!(f, ", algorithm={algorithm}")?;
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-22.4
        //# If a client receives a "qop" parameter in a challenge header field, it MUST send the
        //# "qop" parameter in any resulting authorization header field.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-22.4
        //# RFC 2617 notes that a cnonce value MUST NOT be sent in an Authorization (and by
        //# extension Proxy-Authorization) header field if no qop directive has been sent.
        if let Some(Protection { qop, nonce_count, cnonce }) = protection {
            write!(f, ", qop={qop}, nc={nonce_count:08x}, cnonce={}", quote(cnonce))?;
        }
        if let Some(opaque) = &offer.opaque {
            write!(f, ", opaque={}", quote(opaque))?;
        }
        if userhash.is_some() { f.write_str(", userhash=true") } else { Ok(()) }
    }
}
