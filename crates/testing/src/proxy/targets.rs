//! Whether a request goes on, and where (RFC 3261 sections 16.3 to 16.5).

use std::net::SocketAddr;

use ringfence_wire::sip::{HeaderName, Message, Method, Uri};

use super::message::{address_in, address_of, loop_mark, routes_behind};
use super::{Proxy, text};

impl Proxy {
    /// Returns where a request goes: Request-URI and address of each target. Fails with the status that it is answered.
    pub(super) fn targets(
        &self,
        method: Method<'_>,
        request: &Message<'_>,
    ) -> Result<Vec<(String, SocketAddr)>, u16> {
        let uri = request.request_uri().and_then(|uri| Uri::parse(uri).ok()).ok_or(400_u16)?;
        //= https://www.rfc-editor.org/rfc/rfc3261#section-16.3
        //# If the Request-URI has a URI whose scheme is not understood by the
        //# proxy, the proxy SHOULD reject the request with a 416 (Unsupported
        //# URI Scheme) response.
        if !uri.is_sip() {
            return Err(416);
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-16.3
        //# If the request contains a Max-Forwards header field with a field
        //# value of zero (0), the element MUST NOT forward the request.
        match request.max_forwards() {
            Some(Ok(0)) => return Err(483),
            Some(Err(_)) => return Err(400),
            Some(Ok(_)) | None => {}
        }
        if self.has_looped(request) {
            return Err(482);
        }
        if request.has(HeaderName::ProxyRequire) {
            return Err(420);
        }
        if let Some(route) = routes_behind(request, self.address()).first() {
            let next = address_in(route).ok_or(404_u16)?;
            return Ok(vec![(text(uri.as_bytes()), next)]);
        }
        if !self.is_ours(request) {
            let next = address_of(&uri).ok_or(404_u16)?;
            return Ok(vec![(text(uri.as_bytes()), next)]);
        }
        let user = uri.user_unescaped().map(|user| text(&user)).unwrap_or_default();
        if !self.registrar.has_user(&user) {
            return Err(404);
        }
        let bindings = self.bindings(&user).iter().rev();
        let mut targets: Vec<_> = bindings.map(|it| (it.contact.clone(), it.source)).collect();
        if method != Method::Invite {
            targets.truncate(1);
        }
        if targets.is_empty() { Err(480) } else { Ok(targets) }
    }

    /// Returns whether the Request-URI is of our domain.
    pub(super) fn is_ours(&self, request: &Message<'_>) -> bool {
        let Some(uri) = request.request_uri().and_then(|uri| Uri::parse(uri).ok()) else { return false };
        let is_domain = uri.host().to_string() == self.config.registrar.domain && uri.port().is_none();
        is_domain || address_of(&uri) == Some(self.address())
    }

    fn has_looped(&self, request: &Message<'_>) -> bool {
        let (mark, own) = (loop_mark(request, self.address()), self.address().to_string());
        let is_same = |branch: &[u8]| branch.ends_with(mark.as_bytes());
        let mut vias = request.vias().filter_map(Result::ok);
        vias.any(|via| via.sent_by() == own.as_bytes() && via.branch().is_some_and(is_same))
    }
}
