//! Where the registrar sees us, when a translator stands between (RFC 3581).

use std::net::SocketAddr;

use ringfence_wire::sip::Message;

use super::Binding;

impl Binding {
    /// Learns where the registrar saw the request come from (RFC 3581 section 3).
    pub(super) fn learn_public_address(&mut self, response: &Message<'_>) {
        let (Ok(via), Some(target)) = (response.via(), self.current_target()) else { return };
        // A request that took a detour was seen to come from that.
        if !via.transport().eq_ignore_ascii_case(target.flow.transport().as_str()) {
            return;
        }
        let (received, rport) = (via.received(), via.rport().flatten());
        if received.is_none() && rport.is_none() {
            return;
        }
        let address = received.unwrap_or(target.local.ip()).to_canonical();
        let port = rport.unwrap_or(target.local.port());
        let seen = SocketAddr::new(address, port);
        let is_plausible = port != 0 && !address.is_unspecified() && !address.is_multicast();
        if is_plausible {
            self.public = (seen != target.local).then_some(seen);
        }
    }
}
