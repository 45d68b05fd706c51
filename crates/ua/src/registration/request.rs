//! The REGISTER request (RFC 3261 section 10.2).

use std::net::SocketAddr;

use ringfence_wire::sip::{Printer, quote};

use super::account::{Account, suffix};
use super::outbound;
use crate::core::ALLOW;
use crate::core::auth::Authenticator;
use crate::transport::{Transport, transport_parameter};

/// What one REGISTER says that makes, refreshes or removes a binding.
pub(super) struct Register<'a> {
    pub(super) opening: Opening<'a>,
    /// The URI of our binding.
    pub(super) contact: &'a str,
    /// Which of the line's flows it goes over.
    pub(super) reg_id: u8,
    /// Whether it is to be known as this device's (RFC 5626).
    pub(super) is_outbound: bool,
    /// The URIs of bindings of ours that no longer lead to us: they are taken back in the same breath.
    pub(super) old_contacts: &'a [String],
    /// In seconds; 0 removes the binding.
    pub(super) expires: u32,
    pub(super) user_agent: &'a str,
}

/// What every request to a registrar begins with: its way, whom it is from and to, and its place among others (RFC 3261
/// section 8.1.1).
#[derive(Clone, Copy)]
pub(super) struct Opening<'a> {
    pub(super) account: &'a Account,
    pub(super) method: &'a str,
    /// The Request-URI.
    pub(super) uri: &'a str,
    /// Who is meant by it.
    pub(super) to: &'a str,
    pub(super) transport: Transport,
    pub(super) local: SocketAddr,
    pub(super) branch: &'a str,
    pub(super) call_id: &'a str,
    pub(super) from_tag: &'a str,
    pub(super) cseq: u32,
}

impl Opening<'_> {
    pub(super) fn write<'o>(&self, out: &'o mut Vec<u8>) -> Printer<'o> {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1
        //# A valid SIP request formulated by a UAC MUST, at a minimum, contain the following header
        //# fields: To, From, CSeq, Call-ID, Max-Forwards, and Via; all of these header fields are
        //# mandatory in all SIP requests.
        let mut request = Printer::request(out, self.method, self.uri.as_bytes());
        request.header_fmt(
            "Via",
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
            //# The protocol name and protocol version in the header field MUST be SIP and 2.0,
            //# respectively.
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
            //# The Via header field value MUST contain a branch parameter.
            //= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
            //# Before a request is sent, the client transport MUST insert a value of the "sent-by"
            //# field into the Via header field.
            //= https://www.rfc-editor.org/rfc/rfc3581#section-3
            //# This parameter MUST have no value; it serves as a flag to indicate to the server
            //# that this extension is supported and requested for the transaction.
            format_args!("SIP/2.0/{} {};branch={};rport", self.transport, self.local, self.branch),
        );
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.6
        //# A UAC MUST insert a Max-Forwards header field into each request it originates with a
        //# value that SHOULD be 70.
        request.header("Max-Forwards", b"70");
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.2
        //# However, that approach
        //# for configuring an outbound proxy is NOT RECOMMENDED; a pre-existing
        //# route set with a single URI SHOULD be used instead.
        if let Some((host, port)) = &self.account.extras().outbound_proxy {
            let (scheme, port) = (self.account.scheme(), suffix(*port));
            let transport = transport_parameter(self.transport, self.account.is_secure);
            request.header_fmt("Route", format_args!("<{scheme}:{host}{port}{transport};lr>"));
        }
        let address = self.account.address_of_record();
        let display_name = self.account.extras().display_name.as_deref();
        let display_name = display_name.map(|name| format!("{} ", quote(name))).unwrap_or_default();
        request.header_fmt("From", format_args!("{display_name}<{address}>;tag={}", self.from_tag));
        let shown = if self.to == address { display_name.as_str() } else { "" };
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.2
        //# A request outside of a dialog MUST NOT contain a To tag; the tag in the To field of a
        //# request identifies the peer of the dialog.
        request.header_fmt("To", format_args!("{shown}<{}>", self.to));
        request.header("Call-ID", self.call_id.as_bytes());
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.5
        //# The method MUST match that of the request.
        request.header_fmt("CSeq", format_args!("{} {}", self.cseq, self.method));
        request
    }
}

impl Register<'_> {
    /// Writes the request, with the answer to a challenge where there was one.
    pub(super) fn write(&self, authenticator: Option<&mut Authenticator>, cnonce: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(768);
        let Opening { account, method, uri, to: address, .. } = self.opening;
        let mut request = self.opening.write(&mut out);
        let instance = account.instance.as_deref().filter(|_| self.is_outbound);
        let parameters =
            instance.map(|device| outbound::parameters(device, address, &account.label, self.reg_id));
        let parameters = parameters.unwrap_or_default();
        request.header_fmt("Contact", format_args!("<{}>{parameters}", self.contact));
        for old in self.old_contacts {
            request.header_fmt("Contact", format_args!("<{old}>;expires=0"));
        }
        request.header_fmt("Expires", format_args!("{}", self.expires));
        if let Some(authenticator) = authenticator {
            authenticator.authorize(method, uri.as_bytes(), b"", cnonce, &mut request);
        }
        //= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
        //# UAs that support this
        //# specification MUST include the outbound option tag in a Supported
        //# header field in a REGISTER request.
        // Path is the registrar's and the proxies' business alone (RFC 3327 section 5.1).
        //= https://www.rfc-editor.org/rfc/rfc5627#section-4.1
        //# The value of that header field MUST include
        //# "gruu" as one of the option tags.
        // Without an instance-id there is nothing to give one for.
        //= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
        //# The UAC MUST support the Path header [RFC3327] mechanism, and indicate its support by
        //# including the 'path' option-tag in a Supported header field value in its REGISTER
        //# requests.
        let supported: &[u8] = if instance.is_some() { b"path, outbound, gruu" } else { b"path" };
        request.header("Supported", supported);
        request.header("Allow", ALLOW.as_bytes());
        request.header("User-Agent", self.user_agent.as_bytes());
        request.finish();
        out
    }
}
