//! What has to hold of a response, given the request that it answers.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use ringfence_wire::sip::{Contact, HeaderName, Message, Method, NameAddr, Scheme, StatusCode, Uri, Via};

use super::form::Written;
use super::served::{Received, Served};
use super::{Judged, Rule};

/// A response that is sent. Where several requests look as if they were of one transaction, it answers one of them.
pub(super) struct Answering<'a> {
    pub(super) written: Written<'a>,
    pub(super) destination: SocketAddr,
    pub(super) served: &'a Served,
    /// The hosts that the user agent does not know.
    pub(super) strangers: &'a BTreeSet<IpAddr>,
}

pub(super) struct Response;

impl Judged for Response {
    type With<'a> = Answering<'a>;
}

pub(super) const RULES: &[Rule<Response>] = &[
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //# The From field of the response MUST equal the From header field of
    //# the request.
    Rule { section: "8.2.6.2", says: "From is that of the request", holds: |it| it.echoes(HeaderName::From) },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //# The Call-ID header field of the response MUST equal the
    //# Call-ID header field of the request.
    Rule {
        section: "8.2.6.2",
        says: "Call-ID is that of the request",
        holds: |it| it.echoes(HeaderName::CallId),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //# The CSeq header field of the
    //# response MUST equal the CSeq field of the request.
    Rule { section: "8.2.6.2", says: "CSeq is that of the request", holds: |it| it.echoes(HeaderName::CSeq) },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //# The Via header field
    //# values in the response MUST equal the Via header field values in the
    //# request and MUST maintain the same ordering.
    Rule {
        section: "8.2.6.2",
        says: "Via is that of the request",
        holds: |it| it.served.any(|request| are_vias_echoed(it.written.message, &request.message)),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //# If a request contained a To tag in the request, the To header field
    //# in the response MUST equal that of the request.
    Rule {
        section: "8.2.6.2",
        says: "To is that of the request, but for the tag",
        holds: |it| it.served.any(|request| is_to_echoed(it.written.message, &request.message)),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //# additionally, the UAS MUST add
    //# a tag to the To header field in the response (with the exception of
    //# the 100 (Trying) response, in which a tag MAY be present).
    Rule {
        section: "8.2.6.2",
        says: "To has a tag, but for 100",
        holds: |it| it.status() == 100 || it.written.message.to().map_or(true, |to| to.tag().is_some()),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2
    //# The same tag MUST be used for all responses to that request, both
    //# final and provisional (again excepting the 100 (Trying)).
    Rule { section: "8.2.6.2", says: "all responses have the same To tag", holds: is_tag_the_same },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.1
    //# When a 100 (Trying) response is generated, any
    //# Timestamp header field present in the request MUST be copied into
    //# this 100 (Trying) response.
    Rule {
        section: "8.2.6.1",
        says: "100 has the Timestamp of the request",
        holds: |it| it.status() != 100 || it.served.any(|request| has_timestamp(it.written.message, request)),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.1
    //# If the host portion of the "sent-by"
    //# parameter contains a domain name, or if it contains an IP address
    //# that differs from the packet source address, the server MUST add a
    //# "received" parameter to that Via header field value.
    Rule {
        section: "18.2.1",
        says: "Via says where the request was received from",
        holds: |it| it.served.any(|request| is_received_said(it.written.message, request)),
    },
    //= https://www.rfc-editor.org/rfc/rfc3581#section-4
    //# If this Via header field value contains an "rport" parameter
    //# with no value, it MUST set the value of the parameter to the source
    //# port of the request.
    Rule {
        section: "18.2.1",
        says: "rport says from which port (RFC 3581)",
        holds: |it| it.served.any(|request| is_port_said(it.written.message, request)),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
    //# the response MUST be sent to the
    //# address in the "received" parameter, using the port indicated
    //# in the "sent-by" value, or using port 5060 if none is specified
    //# explicitly.
    Rule {
        section: "18.2.2",
        says: "a response goes where its Via says",
        holds: |it| it.served.any(|request| it.destination == it.destination_of(request)),
    },
    Rule {
        section: "17",
        says: "ACK is not answered",
        holds: |it| it.served.any(|request| request.message.method() != Some(Method::Ack)),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.1
    //# The UAS MUST also add an Allow header field to the 405 (Method
    //# Not Allowed) response.
    Rule { section: "8.2.1", says: "405 has Allow", holds: |it| it.has_where(405, &[HeaderName::Allow]) },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.3
    //# The UAS MUST add an Unsupported header field, and list in it those
    //# options it does not understand amongst those in the Require header
    //# field of the request.
    Rule {
        section: "8.2.2.3",
        says: "420 has Unsupported",
        holds: |it| {
            let is_required = it.served.any(|request| request.message.has(HeaderName::Require));
            !is_required || it.has_where(420, &[HeaderName::Unsupported])
        },
    },
    Rule {
        section: "8.2.2.3",
        says: "Unsupported lists what was required",
        holds: |it| {
            let mut unsupported = it.written.message.tokens(HeaderName::Unsupported);
            unsupported.all(|option| it.names(&[HeaderName::Require, HeaderName::ProxyRequire], option))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.3
    //# Note that Require and Proxy-Require MUST NOT be used in a SIP CANCEL
    //# request, or in an ACK request sent for a non-2xx response.  These
    //# header fields MUST be ignored if they are present in these requests.
    Rule {
        section: "8.2.2.3",
        says: "what a CANCEL requires is ignored",
        holds: |it| {
            it.status() != 420 || it.served.any(|request| request.message.method() != Some(Method::Cancel))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.4
    //# A UAS that wishes to apply some extension when generating the
    //# response MUST NOT do so unless support for that extension is
    //# indicated in the Supported header field in the request.
    Rule {
        section: "8.2.4",
        says: "a response requires only what the request supports",
        holds: |it| {
            let mut required = it.written.message.tokens(HeaderName::Require);
            required.all(|option| it.names(&[HeaderName::Supported, HeaderName::Require], option))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.3
    //# However, redirect servers MUST NOT redirect a request to a URI equal
    //# to the one in the Request-URI;
    Rule { section: "8.3", says: "a redirection leads elsewhere", holds: leads_elsewhere },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.3
    //# The response MUST contain an Accept header field listing the types of
    //# all bodies it understands, in the event the request contained bodies
    //# of types not supported by the UAS.  If the request contained content
    //# encodings not understood by the UAS, the response MUST contain an
    //# Accept-Encoding header field listing the encodings understood by the
    //# UAS.
    Rule {
        section: "8.2.3",
        says: "415 says what would be understood",
        holds: |it| {
            it.has_where(415, &[HeaderName::Accept, HeaderName::AcceptEncoding, HeaderName::AcceptLanguage])
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
    //# When a UAS responds to a request with a response that establishes a
    //# dialog (such as a 2xx to INVITE), the UAS MUST copy all Record-Route
    //# header field values from the request into the response (including the
    //# URIs, URI parameters, and any Record-Route header field parameters,
    //# whether they are known or unknown to the UAS) and MUST maintain the
    //# order of those values.
    Rule {
        section: "12.1.1",
        says: "what makes a dialog has the Record-Route of the request",
        holds: |it| {
            !it.makes_dialog() || it.served.any(|request| is_route_copied(it.written.message, request))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
    //# The UAS MUST add a Contact header field to the response.
    Rule {
        section: "12.1.1",
        says: "what makes a dialog has one Contact",
        holds: |it| !it.makes_dialog() || has_one_contact(it.written.message),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
    //# If the request that initiated the
    //# dialog contained a SIPS URI in the Request-URI or in the top Record-
    //# Route header field value, if there was any, or the Contact header
    //# field if there was no Record-Route header field, the Contact header
    //# field in the response MUST be a SIPS URI.
    Rule {
        section: "12.1.1",
        says: "a dialog of a SIPS URI has a SIPS Contact",
        holds: |it| {
            let is_secure = has_secure_contact(it.written.message);
            !it.makes_dialog() || is_secure || it.served.any(|request| !begins_securely(&request.message))
        },
    },
];

impl Answering<'_> {
    fn status(&self) -> u16 {
        self.written.message.status().map_or(0, StatusCode::as_u16)
    }

    fn echoes(&self, name: HeaderName) -> bool {
        self.served.any(|request| request.message.first(name) == self.written.message.first(name))
    }

    /// Returns whether a response of some status has one of these.
    fn has_where(&self, status: u16, names: &[HeaderName]) -> bool {
        self.status() != status || names.iter().any(|name| self.written.message.has(*name))
    }

    /// Returns where the responses to a request go.
    fn destination_of(&self, request: &Received) -> SocketAddr {
        let source = request.source;
        let Some(via) = request.message.via().ok().filter(|_| !request.transport.is_reliable()) else {
            return source;
        };
        let port = via.port().unwrap_or(5060);
        //= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
        //# Otherwise, if the Via header field value contains a "maddr"
        //# parameter, the response MUST be forwarded to the address listed
        //# there, using the port indicated in "sent-by", or port 5060 if
        //# none is present.
        // Who is not known has nothing sent elsewhere: what his Via says may be a third one's address.
        let maddr = via.maddr().and_then(|maddr| maddr.ip());
        let maddr = maddr.filter(|_| !self.strangers.contains(&source.ip().to_canonical()));
        //= https://www.rfc-editor.org/rfc/rfc3581#section-4
        //# the response MUST be
        //# sent to the IP address listed in the "received" parameter, and the
        //# port in the "rport" parameter.
        match maddr {
            Some(maddr) => SocketAddr::new(maddr, port),
            None if via.rport().is_some() => source,
            None => SocketAddr::new(source.ip(), port),
        }
    }

    /// Returns whether the request names an option in one of these.
    fn names(&self, fields: &[HeaderName], option: &[u8]) -> bool {
        self.served.any(|request| {
            let mut tokens = fields.iter().flat_map(|name| request.message.tokens(*name));
            tokens.any(|token| token.eq_ignore_ascii_case(option))
        })
    }

    fn makes_dialog(&self) -> bool {
        self.served.is_invite() && matches!(self.status(), 101..300)
    }
}

fn are_vias_echoed(response: &Message<'_>, request: &Message<'_>) -> bool {
    let mut values = response.values(HeaderName::Via).zip(request.values(HeaderName::Via));
    let is_first_echoed = values.next().is_some_and(|(echoed, sent)| {
        let (Ok(echoed), Ok(sent)) = (Via::parse(echoed), Via::parse(sent)) else { return false };
        echoed.sent_by() == sent.sent_by()
            && echoed.transport() == sent.transport()
            && others(&echoed).eq(others(&sent))
    });
    let are_as_many = response.values(HeaderName::Via).count() == request.values(HeaderName::Via).count();
    is_first_echoed && are_as_many && values.all(|(echoed, sent)| echoed == sent)
}

/// The parameters of a Via that are echoed as they are.
fn others<'a>(via: &Via<'a>) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
    let is_filled_in =
        |name: &[u8]| name.eq_ignore_ascii_case(b"received") || name.eq_ignore_ascii_case(b"rport");
    via.params().iter().filter(move |(name, _)| !is_filled_in(name))
}

fn is_to_echoed(response: &Message<'_>, request: &Message<'_>) -> bool {
    match (request.to(), response.to()) {
        (Ok(sent), Ok(echoed)) => {
            sent.uri_bytes() == echoed.uri_bytes() && (sent.tag().is_none() || sent.tag() == echoed.tag())
        }
        // What cannot be read is echoed as it is, or with a tag behind it.
        (Err(_), _) => {
            let (sent, echoed) = (request.first(HeaderName::To), response.first(HeaderName::To));
            echoed.unwrap_or_default().starts_with(sent.unwrap_or_default())
        }
        (Ok(_), Err(_)) => false,
    }
}

fn is_tag_the_same(it: &Answering<'_>) -> bool {
    let tag = it.written.message.to().ok().and_then(|to| to.tag());
    it.status() == 100 || it.served.tag.as_deref().is_none_or(|known| tag == Some(known))
}

fn has_timestamp(response: &Message<'_>, request: &Received) -> bool {
    let sent = request.message.first(HeaderName::Timestamp);
    let echoed = response.first(HeaderName::Timestamp);
    sent.is_none_or(|sent| echoed.is_some_and(|echoed| echoed.starts_with(sent)))
}

fn is_received_said(response: &Message<'_>, request: &Received) -> bool {
    let (Ok(sent), Ok(echoed)) = (request.message.via(), response.via()) else { return true };
    let source = request.source.ip().to_canonical();
    match echoed.received() {
        Some(received) => received.to_canonical() == source,
        None => sent.host().ip().is_some_and(|ip| ip.to_canonical() == source),
    }
}

fn is_port_said(response: &Message<'_>, request: &Received) -> bool {
    let (Ok(sent), Ok(echoed)) = (request.message.via(), response.via()) else { return true };
    sent.rport() != Some(None) || echoed.rport() == Some(Some(request.source.port()))
}

fn is_route_copied(response: &Message<'_>, request: &Received) -> bool {
    response.values(HeaderName::RecordRoute).eq(request.message.values(HeaderName::RecordRoute))
}

fn has_one_contact(response: &Message<'_>) -> bool {
    let mut contacts = response.contacts();
    let is_sip = matches!(contacts.next(), Some(Ok(Contact::Addr(address))) if address.uri().is_ok_and(|uri| uri.is_sip()));
    is_sip && contacts.next().is_none()
}

fn leads_elsewhere(it: &Answering<'_>) -> bool {
    if !matches!(it.status(), 300..400) {
        return true;
    }
    it.served.any(|request| {
        let asked = request.message.request_uri().and_then(|uri| Uri::parse(uri).ok());
        let is_asked = |contact| match contact {
            Ok(Contact::Addr(address)) => NameAddr::uri(&address)
                .is_ok_and(|uri| asked.as_ref().is_some_and(|asked| uri.matches(asked))),
            Ok(Contact::Star) | Err(_) => false,
        };
        !it.written.message.contacts().any(is_asked)
    })
}

/// Returns whether a request initiates a dialog of which the Contact is to be a SIPS URI.
fn begins_securely(request: &Message<'_>) -> bool {
    if request.to().is_ok_and(|to| to.tag().is_some()) {
        return false;
    }
    let is_secure = |uri: Uri<'_>| uri.scheme() == Scheme::Sips;
    let of_route = |route: NameAddr<'_>| route.uri().is_ok_and(is_secure);
    let asked = request.request_uri().and_then(|uri| Uri::parse(uri).ok());
    let target = match request.addresses(HeaderName::RecordRoute).next() {
        Some(route) => route.is_ok_and(of_route),
        None => has_secure_contact(request),
    };
    target || asked.is_some_and(is_secure)
}

fn has_secure_contact(message: &Message<'_>) -> bool {
    match message.contacts().next() {
        Some(Ok(Contact::Addr(address))) => address.uri().is_ok_and(|uri| uri.scheme() == Scheme::Sips),
        Some(Ok(Contact::Star) | Err(_)) | None => false,
    }
}
