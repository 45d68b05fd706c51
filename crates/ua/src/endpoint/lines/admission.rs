//! Which line a request may reach, and why it is let in.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use ringfence_wire::sip::{Head, Message, Uri};

use super::{Bearers, Lines};
use crate::call::Origin;
use crate::id::{LineId, LineToken};

impl Lines {
    /// Returns whether no line can let a request in, without reading more of it than that takes: most of what scans the
    /// Internet ends here, however many lines have the user that it tries.
    pub(in crate::endpoint) fn is_stranger(&self, request: &Message<'_>, source: SocketAddr) -> bool {
        if self.knows(source.ip()) {
            return false;
        }
        let uri = request.request_uri().and_then(|uri| Uri::parse(uri).ok());
        uri.and_then(|uri| self.by_its_token(&uri)).is_none()
    }

    /// Returns whether a line lets a source in by its address, or anyone.
    pub(in crate::endpoint) fn knows(&self, source: IpAddr) -> bool {
        self.has_address(source) || !self.open.is_empty()
    }

    /// Returns whether an address is one of a line's registrar, or of its peers.
    pub(in crate::endpoint) fn has_address(&self, source: IpAddr) -> bool {
        self.by_address.contains_key(&source.to_canonical())
    }

    /// Returns the line that a request is for and why it is let in, or `None` where it is a stranger's.
    ///
    /// The token in the Request-URI decides before all else. Without it the source must be known,
    /// and of the lines that know it the one is meant that the Request-URI or To names; a trunk's
    /// numbers are the names of no line, and reach the first.
    pub(in crate::endpoint) fn admit(&self, head: &Head<'_>, source: SocketAddr) -> Option<(LineId, Origin)> {
        let source = source.ip().to_canonical();
        let uri = head.uri().ok();
        if let Some(id) = uri.and_then(|uri| self.by_its_token(uri)) {
            return Some((id, self.origin(id, source).unwrap_or(Origin::Token)));
        }
        let known = self.by_address.get(&source);
        if known.is_none() && self.open.is_empty() {
            return None;
        }
        let named = |uri: &Uri<'_>| {
            let named = self.named(uri)?;
            known.and_then(|known| named.first_of(known)).or_else(|| named.first_of(&self.open))
        };
        let id = uri
            .and_then(named)
            .or_else(|| named(&head.to().ok()?.uri().ok()?))
            .or_else(|| known.and_then(BTreeSet::first).copied())
            .or_else(|| self.open.first().copied().filter(|_| !self.is_for_a_line(head)))?;
        Some((id, self.origin(id, source)?))
    }

    /// Returns whether a request is for a line, by its Request-URI or its To: a stranger who may not call it reaches no other.
    fn is_for_a_line(&self, head: &Head<'_>) -> bool {
        let is_named = |uri: &Uri<'_>| self.named(uri).is_some();
        head.uri().is_ok_and(is_named)
            || head.to().ok().and_then(|to| to.uri().ok()).is_some_and(|uri| is_named(&uri))
    }

    /// Returns the line whose token a URI has.
    fn by_its_token(&self, uri: &Uri<'_>) -> Option<LineId> {
        self.by_token.get(&LineToken::read(&uri.param("line")?)?).copied()
    }

    /// Returns the lines that have the user part of a URI.
    fn named(&self, uri: &Uri<'_>) -> Option<&Bearers> {
        self.by_user.get(&*uri.user_unescaped()?)
    }

    /// Returns why a line lets a source in.
    fn origin(&self, id: LineId, source: IpAddr) -> Option<Origin> {
        let line = self.by_id.get(&id)?;
        if line.located.addresses().any(|address| address == source) {
            Some(Origin::Registrar)
        } else if line.account.extras().peers.iter().any(|peer| peer.to_canonical() == source) {
            Some(Origin::Peer)
        } else if line.account.is_open {
            Some(Origin::Anyone)
        } else {
            None
        }
    }
}
