//! What the user agent has asked in one transaction, and in the REGISTERs of one binding.

use std::time::{Duration, Instant};

use ringfence_wire::sip::{HeaderName, Message, Method};

use super::credentials::Credentials;
use super::form::Written;
use super::{T1, T2};

/// One transaction in which the user agent asks.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) bytes: Vec<u8>,
    since: Option<Instant>,
    /// When timer E has it sent again.
    pub(super) again_at: Option<Instant>,
    interval: Duration,
    state: State,
    is_invite: bool,
    /// Whether it need not be repeated.
    pub(super) is_excused: bool,
}

/// How far it has come, in the words of RFC 3261 section 17.1.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    #[default]
    Trying,
    Proceeding,
    Completed,
}

/// The REGISTERs with one Call-ID.
#[derive(Debug, Default)]
pub(super) struct Registration {
    pub(super) cseq: u32,
    /// Until when the newest may still be answered; nothing where its transport tells more than we see.
    pending: Option<Instant>,
    branch: Vec<u8>,
    /// How often each nonce was used: the newest ones.
    pub(super) nonces: Vec<Counted>,
    pub(super) credentials: Credentials,
}

impl Asked {
    pub(super) fn sent(&mut self, now: Instant, written: &Written<'_>) {
        if self.since.is_none() {
            self.bytes = written.bytes.to_vec();
            self.since = Some(now);
            self.interval = T1;
            self.is_invite = written.message.method() == Some(Method::Invite);
        } else if self.is_invite {
            self.interval *= 2;
        } else {
            self.interval = if self.state >= State::Proceeding { T2 } else { (2 * self.interval).min(T2) };
        }
        self.again_at = Some(now + self.interval);
    }

    pub(super) fn answered(&mut self, is_final: bool) {
        let state = if is_final { State::Completed } else { State::Proceeding };
        self.state = std::mem::take(&mut self.state).max(state);
    }

    /// Returns whether a final response has come.
    pub(super) fn is_answered(&self) -> bool {
        self.state == State::Completed
    }

    /// Returns whether it is an INVITE that was answered something, and is not repeated any more.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_invite && self.state >= State::Proceeding
    }

    /// Returns when it has been waited long enough for an answer.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        self.since.map(|since| since + 64 * T1)
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ends_at().is_none_or(|ends_at| ends_at < now)
    }
}

impl Registration {
    pub(super) fn asks(&mut self, now: Instant, written: &Written<'_>) {
        let message = written.message;
        self.cseq = message.cseq().map_or(0, |cseq| cseq.number);
        self.pending = (!written.transport.is_reliable()).then(|| now + 64 * T1);
        self.branch = message.via().ok().and_then(|via| via.branch()).unwrap_or_default().to_vec();
        for counted in counted_by(message) {
            self.nonces.retain(|known| known.of != counted.of);
            self.nonces.push(counted);
        }
        let too_many = self.nonces.len().saturating_sub(MOST_NONCES);
        self.nonces.drain(..too_many);
        self.credentials.asks(message);
    }

    /// Returns whether a branch is that of the newest REGISTER.
    pub(super) fn is_of(&self, branch: &[u8]) -> bool {
        self.branch == branch
    }

    /// Returns whether the newest REGISTER may still be answered.
    pub(super) fn is_pending(&self, now: Instant) -> bool {
        self.pending.is_some_and(|until| now < until)
    }

    /// Takes the first final response to one of them.
    pub(super) fn answered(&mut self, branch: &[u8], response: &Message<'_>) {
        if self.branch == branch {
            self.pending = None;
            self.credentials.answered(response);
        }
    }
}

/// A nonce that a request is authorized by, and its count.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// The header field, the realm and the nonce.
    pub(super) of: (HeaderName, String, String),
    pub(super) count: u64,
}

/// Nonces that are remembered: nobody counts on for ever with one that was given long ago.
const MOST_NONCES: usize = 8;

/// Returns the nonces that a request is authorized by, with their counts.
pub(super) fn counted_by(request: &Message<'_>) -> Vec<Counted> {
    let of = |name| {
        request.challenges(name).filter_map(move |given| {
            let count = u64::from_str_radix(&given.param("nc")?, 16).ok()?;
            let realm = given.param("realm").unwrap_or_default().into_owned();
            Some(Counted { of: (name, realm, given.param("nonce")?.into_owned()), count })
        })
    };
    of(HeaderName::Authorization).chain(of(HeaderName::ProxyAuthorization)).collect()
}
