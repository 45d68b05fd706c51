//! The authentication session with one realm (RFC 7616 section 3.6).

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use super::challenge::Offer;
use super::nonce::{Answer, Nonce, Outgoing};
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

impl Session {
    pub(super) fn new(challenger: Challenger, realm: Arc<str>) -> Self {
        Self { challenger, realm, has_offered_strong: false, state: State::Silent, spent: Spent::default() }
    }

    /// Takes the best of one response's challenges for this realm.
    pub(super) fn handle_challenge(&mut self, offer: &Offer) -> Result<(), AuthError> {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-22.1
        //# A UAC MUST NOT re-attempt requests with the credentials
        //# that have just been rejected (though the request may be retried if
        //# the nonce was stale).
        let is_refused = match &self.state {
            State::Silent | State::Challenged(_) => false,
            State::Answered(_) => !offer.is_stale,
            // A nonce that has expired is replaced: where it is asked for again, it was not at fault.
            State::Reused(nonce) => !offer.is_stale && *nonce.as_str() == *offer.nonce,
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
        self.state = State::Challenged(Nonce::new(offer, count));
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
                if let Some(next) = next_nonce.filter(|next| **next != *nonce.as_str()) {
                    self.spent.put(nonce.as_str(), nonce.count);
                    nonce.replace(next, self.spent.take(next));
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
                self.spent.put(nonce.as_str(), nonce.count);
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
            State::Answered(nonce) | State::Reused(nonce) => nonce.answer(&self.realm, credentials, request),
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
