//! Requests within the early dialog of a call that rings (RFC 3261 sections 12.2.2 and 15.1.2).

use std::net::SocketAddr;

use ringfence_wire::sip::{Head, Message};

use super::Endpoint;
use crate::call::Origin;
use crate::id::LineId;

impl Endpoint {
    /// Returns whether a request may be within the early dialog of a call that waits, without reading more of it than that takes.
    pub(super) fn may_be_of_a_call(&self, request: &Message<'_>) -> bool {
        !self.calls.is_empty() && request.to().is_ok_and(|to| to.tag().is_some())
    }

    /// Returns which line the call came for whose early dialog a request of its caller is in, and why it was let in. Our 180 gave
    /// him no token, and the line may be gone since, or have another registrar.
    pub(super) fn admit_to_early_dialog(
        &self,
        head: &Head<'_>,
        source: SocketAddr,
    ) -> Option<(LineId, Origin)> {
        let number = self.calls.find_by_dialog(head)?;
        let call = self.calls.find(number).filter(|call| call.source.ip() == source.ip())?;
        Some((call.line, call.origin))
    }
}
