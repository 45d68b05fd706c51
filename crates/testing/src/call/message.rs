//! The requests of one call, written line by line: independent of how the user agent under test writes them.

use std::fmt::Write as _;
use std::net::SocketAddr;

use ringfence_wire::sip::{Contact, HeaderName, Message, quote};

use super::plan::CallPlan;
use crate::random::Random;

/// What stays the same in the requests of a call.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) call_id: String,
    from_tag: String,
    branch: String,
    /// Host and port in Via and Contact.
    address: SocketAddr,
    domain: String,
    product: String,
    request_uri: String,
    from: String,
    to: String,
    /// The To header with the callee's tag, once there is one.
    tagged_to: String,
    /// Where requests in the dialog go.
    remote_target: String,
    /// Through whom (RFC 3261 section 12.1.2).
    routes: Vec<String>,
    /// What tells the branches of a second dialog of the same INVITE from those of the first.
    fork: String,
}

impl Identity {
    /// Makes up the identity of a new call. `request_uri` is the called user's contact, or `None` when the
    /// plan's own URI is to be called.
    pub(crate) fn new(
        plan: &CallPlan,
        address: SocketAddr,
        domain: &str,
        product: &str,
        request_uri: Option<&str>,
        random: &mut Random,
    ) -> Self {
        let to_uri = uri(&plan.to, domain);
        let request_uri = request_uri.unwrap_or(&to_uri).to_owned();
        let name = plan.display_name.as_ref().map(|name| format!("{} ", quote(name))).unwrap_or_default();
        let to = format!("<{to_uri}>");
        Self {
            call_id: random.token(),
            from_tag: random.token(),
            branch: format!("z9hG4bK{}", random.token()),
            address,
            domain: domain.to_owned(),
            product: product.to_owned(),
            from: format!("{name}<{}>", uri(&plan.from, domain)),
            tagged_to: to.clone(),
            to,
            remote_target: request_uri.clone(),
            routes: Vec::new(),
            fork: String::new(),
            request_uri,
        }
    }

    /// The same call on another way to the callee: only the branch differs.
    pub(crate) fn merged(&self, random: &mut Random) -> Self {
        Self { branch: format!("z9hG4bK{}", random.token()), tagged_to: self.to.clone(), ..self.clone() }
    }

    /// Returns whether a response with this Call-ID and branch is to a request of this call.
    pub(crate) fn is_of(&self, call_id: &[u8], branch: Option<&[u8]>, plan: &CallPlan) -> bool {
        let is_branch = match branch {
            Some(branch) => branch.starts_with(self.branch.as_bytes()),
            None => plan.has_no_branch,
        };
        self.call_id.as_bytes() == call_id && is_branch
    }

    /// Takes tag and contact from a final response.
    pub(crate) fn establish(&mut self, response: &Message<'_>) {
        if let Some(tag) = response.to().ok().and_then(|to| to.tag()) {
            self.tagged_to = format!("{};tag={}", self.to, String::from_utf8_lossy(tag));
        }
        if let Some(Ok(Contact::Addr(contact))) = response.contacts().next() {
            self.remote_target = String::from_utf8_lossy(contact.uri_bytes()).into_owned();
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.2
        //# The route set MUST be set to the list of URIs in the Record-Route
        //# header field from the response, taken in reverse order and preserving
        //# all URI parameters.
        let routes =
            response.values(HeaderName::RecordRoute).map(|route| String::from_utf8_lossy(route).into_owned());
        self.routes = routes.collect();
        self.routes.reverse();
    }

    /// The same call with another callee who has answered as well.
    pub(crate) fn forked(&self, response: &Message<'_>) -> Self {
        let mut forked = self.clone();
        forked.establish(response);
        forked.fork = forked.tag_of_callee().to_owned();
        forked
    }

    /// Returns whether a response is of the callee who has answered.
    pub(crate) fn is_same_callee(&self, response: &Message<'_>) -> bool {
        let tag = response.to().ok().and_then(|to| to.tag()).unwrap_or_default();
        tag == self.tag_of_callee().as_bytes()
    }

    fn tag_of_callee(&self) -> &str {
        self.tagged_to.split_once(";tag=").map_or("", |(_, tag)| tag)
    }

    pub(crate) fn invite(&self, plan: &CallPlan) -> Vec<u8> {
        let user = plan.from.split_once(':').map_or(plan.from.as_str(), |(_, rest)| rest);
        let user = user.split('@').next().unwrap_or(user);
        let mut text = self.head("INVITE", &self.request_uri, &self.via(plan.has_no_branch), &self.to, 1);
        let mut line = |name: &str, value: &str| {
            let _infallible = write!(text, "{name}: {value}\r\n");
        };
        line("Contact", &format!("<sip:{user}@{}>", self.address));
        if let Some(asserted) = &plan.asserted {
            line("P-Asserted-Identity", &format!("<{}>", uri(asserted, &self.domain)));
        }
        if let Some(privacy) = &plan.privacy {
            line("Privacy", privacy);
        }
        for (name, value) in &plan.headers {
            line(name, value);
        }
        line("User-Agent", &self.product);
        line("Allow", "INVITE, ACK, CANCEL, OPTIONS, BYE");
        let default = session_description(self.address);
        let sdp = plan.sdp.as_ref().unwrap_or(&default);
        line("Content-Type", "application/sdp");
        let _infallible = write!(text, "Content-Length: {}\r\n\r\n{sdp}", sdp.len());
        text.into_bytes()
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-9.1
    //# The
    //# Request-URI, Call-ID, To, the numeric part of CSeq, and From header
    //# fields in the CANCEL request MUST be identical to those in the
    //# request being cancelled, including tags.
    pub(crate) fn cancel(&self, plan: &CallPlan) -> Vec<u8> {
        finish(self.head("CANCEL", &self.request_uri, &self.via(plan.has_no_branch), &self.to, 1))
    }

    /// The ACK of a 3xx to 6xx belongs to the INVITE's transaction.
    pub(crate) fn ack_of_failure(&self, plan: &CallPlan) -> Vec<u8> {
        finish(self.head("ACK", &self.request_uri, &self.via(plan.has_no_branch), &self.tagged_to, 1))
    }

    /// The ACK of a 2xx is a transaction of its own.
    pub(crate) fn ack_of_success(&self) -> Vec<u8> {
        self.in_dialog("ACK", 1)
    }

    pub(crate) fn bye(&self) -> Vec<u8> {
        self.in_dialog("BYE", 2)
    }

    fn in_dialog(&self, method: &str, cseq: u32) -> Vec<u8> {
        let via = self.via_of(&format!("{}{}", method.to_lowercase(), self.fork));
        let mut head = self.head(method, &self.remote_target, &via, &self.tagged_to, cseq);
        for route in &self.routes {
            let _infallible = write!(head, "Route: {route}\r\n");
        }
        finish(head)
    }

    fn head(&self, method: &str, uri: &str, via: &str, to: &str, cseq: u32) -> String {
        format!(
            "{method} {uri} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: {};tag={}\r\nTo: {to}\r\n\
            Call-ID: {}\r\nCSeq: {cseq} {method}\r\n",
            self.from, self.from_tag, self.call_id
        )
    }

    fn via(&self, has_no_branch: bool) -> String {
        if has_no_branch { format!("SIP/2.0/UDP {}", self.address) } else { self.via_of("") }
    }

    /// A Via whose branch belongs to another transaction of this call.
    fn via_of(&self, transaction: &str) -> String {
        format!("SIP/2.0/UDP {};branch={}{transaction};rport", self.address, self.branch)
    }
}

fn finish(head: String) -> Vec<u8> {
    (head + "Content-Length: 0\r\n\r\n").into_bytes()
}

/// A URI is taken as it is, a user is one of the domain.
fn uri(who: &str, domain: &str) -> String {
    if who.contains(':') { who.to_owned() } else { format!("sip:{who}@{domain}") }
}

/// The offer of a common PBX: PCMA, PCMU, GSM, telephone events without `fmtp`, G.722.
fn session_description(address: SocketAddr) -> String {
    let (ip, family) = (address.ip(), if address.is_ipv4() { "IP4" } else { "IP6" });
    [
        "v=0".to_owned(),
        format!("o=- 763177212 429111000 IN {family} {ip}"),
        "s=call".to_owned(),
        format!("c=IN {family} {ip}"),
        "t=0 0".to_owned(),
        "m=audio 8653 RTP/AVP 8 0 3 101 9".to_owned(),
        "a=rtpmap:8 PCMA/8000".to_owned(),
        "a=rtpmap:0 PCMU/8000".to_owned(),
        "a=rtpmap:3 GSM/8000".to_owned(),
        "a=rtpmap:101 telephone-event/8000".to_owned(),
        "a=rtpmap:9 G722/8000".to_owned(),
        "a=fmtp:9 bitrate=64000".to_owned(),
        "a=sendrecv\r\n".to_owned(),
    ]
    .join("\r\n")
}
