//! Which credentials were offered with one Call-ID, and which of them were rejected (RFC 3261 section 22.1).

use ringfence_wire::sip::{Challenge, HeaderName, Message};

/// Rejected ones that are remembered.
const MOST: usize = 32;

/// What answers a challenge: the header field that this stood in, and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Offered {
    challenged_by: HeaderName,
    realm: String,
    nonce: String,
}

/// The credentials of the requests with one Call-ID.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    newest: Vec<Offered>,
    /// Those of the request before.
    before: Vec<Offered>,
    /// Whether the newest request went out more than once: its own copy may have used its nonce up.
    is_repeated: bool,
    rejected: Vec<Offered>,
    /// Those that were asked for with `qop`.
    protected: Vec<Offered>,
    /// Those of the newest request that were rejected the first time that their nonce was used.
    wrong: Vec<Offered>,
}

impl Credentials {
    /// Takes a new request.
    pub(super) fn asks(&mut self, request: &Message<'_>) {
        self.before = std::mem::replace(&mut self.newest, offered_by(request));
        // Who asks without credentials begins anew: what was rejected was not so just now.
        if self.newest.is_empty() {
            self.rejected.clear();
        }
        self.wrong.clear();
        self.is_repeated = false;
    }

    /// Takes that the newest request goes out once more.
    pub(super) fn asks_again(&mut self) {
        self.is_repeated = true;
    }

    /// Takes the first final response to the newest request.
    pub(super) fn answered(&mut self, response: &Message<'_>) {
        let asked = asked_by(response);
        self.protected.retain(|it| !asked.iter().any(|(challenged, _)| challenged == it));
        let without = |it: &Offered| asked.iter().any(|(challenged, has_qop)| challenged == it && !has_qop);
        let with = asked.iter().filter(|(challenged, has_qop)| *has_qop && !without(challenged));
        self.protected.extend(with.map(|(challenged, _)| challenged.clone()));
        let too_many = self.protected.len().saturating_sub(MOST);
        self.protected.drain(..too_many);
        let rejected: Vec<_> = self.newest.iter().filter(|it| it.is_rejected_by(response)).cloned().collect();
        let is_first = |it: &&Offered| !self.is_repeated && !self.before.contains(it);
        self.wrong = rejected.iter().filter(is_first).cloned().collect();
        //= https://www.rfc-editor.org/rfc/rfc3261#section-22.1
        //# (though the request may be retried if
        //# the nonce was stale).
        self.rejected.retain(|it| !it.is_given_by(response));
        self.rejected.extend(rejected);
        let too_many = self.rejected.len().saturating_sub(MOST);
        self.rejected.drain(..too_many);
    }

    /// Returns whether a request offers nothing that was rejected before.
    pub(super) fn offers_nothing_rejected(&self, request: &Message<'_>) -> bool {
        offered_by(request).iter().all(|it| !self.rejected.contains(it))
    }

    /// Returns whether a request says `qop` where it was asked to.
    pub(super) fn answers_with_qop(&self, request: &Message<'_>) -> bool {
        offered_with(request, |it| it.param("qop").is_none()).iter().all(|it| !self.protected.contains(it))
    }

    /// Returns whether a request tries no password again, with whatever nonce, that was wrong just now.
    pub(super) fn offers_nothing_wrong(&self, request: &Message<'_>) -> bool {
        let is_wrong = |it: &Offered| {
            self.wrong
                .iter()
                .any(|wrong| (wrong.challenged_by, &wrong.realm) == (it.challenged_by, &it.realm))
        };
        !offered_by(request).iter().any(is_wrong)
    }
}

impl Offered {
    fn of(given: &Challenge<'_>, challenged_by: HeaderName) -> Option<Self> {
        let (realm, nonce) = (given.param("realm")?.into_owned(), given.param("nonce")?.into_owned());
        Some(Self { challenged_by, realm, nonce })
    }

    /// Returns whether a response asks for other credentials than these, and does not say that only their nonce was too old.
    /// In what is neither 401 nor 407 a challenge is a header field that does not belong there.
    fn is_rejected_by(&self, response: &Message<'_>) -> bool {
        let mut challenges = response
            .challenges(self.challenged_by)
            .filter(|it| it.param("realm").as_deref() == Some(&self.realm))
            .peekable();
        is_challenge(response) && challenges.peek().is_some() && !challenges.any(|it| is_stale(&it))
    }

    /// Returns whether a response gives their nonce itself, for a request that had one which was too old.
    fn is_given_by(&self, response: &Message<'_>) -> bool {
        let mut challenges = response.challenges(self.challenged_by).filter(is_stale);
        is_challenge(response)
            && challenges.any(|it| Self::of(&it, self.challenged_by).as_ref() == Some(self))
    }
}

fn is_challenge(response: &Message<'_>) -> bool {
    response.status().is_some_and(|status| matches!(status.as_u16(), 401 | 407))
}

fn is_stale(given: &Challenge<'_>) -> bool {
    given.param("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true"))
}

fn offered_by(request: &Message<'_>) -> Vec<Offered> {
    offered_with(request, |_| true)
}

/// What a request offers, of which something holds.
fn offered_with(request: &Message<'_>, holds: fn(&Challenge<'_>) -> bool) -> Vec<Offered> {
    let of = |field, challenged_by| {
        request.challenges(field).filter(holds).filter_map(move |it| Offered::of(&it, challenged_by))
    };
    of(HeaderName::Authorization, HeaderName::WwwAuthenticate)
        .chain(of(HeaderName::ProxyAuthorization, HeaderName::ProxyAuthenticate))
        .collect()
}

/// What a response asks for, and whether with `qop`.
fn asked_by(response: &Message<'_>) -> Vec<(Offered, bool)> {
    let of = |name| {
        let challenges = response.challenges(name);
        challenges.filter_map(move |it| Some((Offered::of(&it, name)?, it.param("qop").is_some())))
    };
    of(HeaderName::WwwAuthenticate).chain(of(HeaderName::ProxyAuthenticate)).collect()
}
