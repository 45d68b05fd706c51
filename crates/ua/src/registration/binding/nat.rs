//! Where the registrar sees us, when a translator stands between (RFC 3581), and which way that leads to us.
//!
//! What is too long for UDP takes a detour by TCP. Where a translator stands between, that says nothing of where the line is
//! seen by UDP, which would never be learned: so the detour becomes the way to the line. It is that already where the
//! registrar sends calls over the flow that the REGISTER came by (RFC 5626).

use std::net::SocketAddr;
use std::time::Instant;

use ringfence_wire::sip::{Message, StatusCode};

use super::Binding;
use crate::registration::outbound;
use crate::registration::target::Target;

impl Binding {
    /// Learns from the response to a REGISTER where the registrar saw it come from (RFC 3581 section 3), and by which way we
    /// are to be reached.
    pub(super) fn learn_way(
        &mut self,
        now: Instant,
        response: &Message<'_>,
        status: StatusCode,
        detour: Option<Target>,
    ) {
        let Some(target) = detour.or_else(|| self.current_target()) else { return };
        let seen = seen(response, target);
        if detour.is_none() {
            if let Some(seen) = seen {
                let public = (seen != target.local).then_some(seen);
                if self.public.as_deref() != public.as_ref() {
                    self.public = public.map(Box::new);
                }
            }
            return;
        }
        let is_elsewhere = self.public.is_some() || seen.is_some_and(|seen| seen != target.local);
        let is_translated = is_elsewhere && self.account.extras().public_address.is_none();
        let is_success = (200..300).contains(&status.as_u16());
        if !is_success || self.is_stopping || !(is_translated || outbound::is_granted(response)) {
            return;
        }
        let mut targets = self.targets.to_vec();
        if let Some(used) = targets.get_mut(usize::from(self.target)) {
            *used = target.nameable();
            self.targets = self.crowd.share(targets);
            self.public = seen.filter(|seen| *seen != target.local).map(Box::new);
            self.connected_at = Some(now);
        }
    }
}

/// Returns where a request was seen to come from, if the response says that, and can be believed.
fn seen(response: &Message<'_>, target: Target) -> Option<SocketAddr> {
    let via = response.via().ok()?;
    if !via.transport().eq_ignore_ascii_case(target.flow.transport().as_str()) {
        return None;
    }
    let (received, rport) = (via.received(), via.rport().flatten());
    if received.is_none() && rport.is_none() {
        return None;
    }
    let address = received.unwrap_or(target.local.ip()).to_canonical();
    let port = rport.unwrap_or(target.local.port());
    let is_plausible = port != 0 && !address.is_unspecified() && !address.is_multicast();
    is_plausible.then(|| SocketAddr::new(address, port))
}
