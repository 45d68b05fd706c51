//! Which branches the user agent has used, and for what (RFC 3261 section 8.1.1.7).

use std::collections::{BTreeMap, VecDeque};

use ringfence_wire::sip::{Message, Method};

/// How many branches are remembered: the oldest is forgotten first.
const MOST: usize = 4096;

/// The branches of the newest requests, each with the request that has used it first.
#[derive(Debug, Default)]
pub(super) struct Branches {
    used: BTreeMap<Vec<u8>, Used>,
    order: VecDeque<Vec<u8>>,
}

/// What makes a request this one and no other.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Used {
    call_id: Vec<u8>,
    cseq: u32,
    method: Vec<u8>,
    /// Whether it is an INVITE that was answered with a 2xx: the ACK of that has a branch of its own.
    is_accepted: bool,
}

impl Branches {
    /// Returns what the branch of a request was used for before.
    pub(super) fn get(&self, request: &Message<'_>) -> Option<&Used> {
        self.used.get(branch_of(request)?)
    }

    /// Takes a request that is sent.
    pub(super) fn sent(&mut self, request: &Message<'_>) {
        let Some((branch, used)) = branch_of(request).zip(Used::by(request)) else { return };
        if self.used.contains_key(branch) {
            return;
        }
        if self.order.len() >= MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.used.remove(&oldest);
        }
        self.used.insert(branch.to_vec(), used);
        self.order.push_back(branch.to_vec());
    }

    /// Takes a response that came.
    pub(super) fn answered(&mut self, response: &Message<'_>) {
        let is_success = response.status().is_some_and(|status| matches!(status.as_u16(), 200..300));
        let is_of_invite = response.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
        if is_success
            && is_of_invite
            && let Some(used) = branch_of(response).and_then(|branch| self.used.get_mut(branch))
        {
            used.is_accepted = true;
        }
    }
}

impl Used {
    fn by(request: &Message<'_>) -> Option<Self> {
        let (cseq, method) = (request.cseq().ok()?, request.method()?);
        Some(Self {
            call_id: request.call_id().ok()?.to_vec(),
            cseq: cseq.number,
            method: method.as_str().into(),
            is_accepted: false,
        })
    }

    /// Returns whether a request may have the branch of this one: because it is this one, cancels it or acknowledges what it
    /// was answered.
    pub(super) fn may_be_shared_with(&self, request: &Message<'_>) -> bool {
        let Some(other) = Self::by(request) else { return true };
        let is_invite = self.method == b"INVITE";
        let is_of_it = match request.method() {
            Some(Method::Ack) => is_invite && !self.is_accepted,
            Some(Method::Cancel) => is_invite,
            Some(_) | None => false,
        };
        (is_of_it || self.method == other.method) && self.call_id == other.call_id && self.cseq == other.cseq
    }
}

fn branch_of<'a>(message: &'a Message<'a>) -> Option<&'a [u8]> {
    message.via().ok().and_then(|via| via.branch())
}
