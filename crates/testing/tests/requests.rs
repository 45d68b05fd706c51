//! What every request of a line looks like, whichever it is: RFC 3261 sections 7.3.1, 8.1.1, 10.2 and 20.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod scene;

use std::collections::BTreeSet;
use std::time::Duration;

use ringfence_testing::{Clock, PbxConfig, Phone};
use ringfence_ua::{Account, Config, ConnectionId, Endpoint, Flow, Target, Transport};
use ringfence_wire::sip::{Contact, HeaderName, Message, Method, Scheme, StatusCode};

use scene::{Scene, account, pbx_address, phone_address, seconds};

/// What two lines of one phone send: challenged, sent elsewhere in the network, refreshed and removed.
fn everything() -> Scene {
    let device = |account: Account| Account {
        instance: Some("urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6".into()),
        ..account
    };
    let config = PbxConfig { nonce_lifetime: seconds(60), ..PbxConfig::new(pbx_address()) };
    let mut scene = Scene::of(1, config, device(account()), Phone::new(phone_address(), 1));
    scene.with_pbx(|pbx, _| pbx.add_user("859", "secret"));
    let second = device(Account { user: "859".into(), ..account() });
    let second = scene.with_endpoint(|endpoint, now| endpoint.add_line(now, second)).unwrap();
    scene.run(seconds(3600));
    scene.network.translate(phone_address(), "198.51.100.9:40001".parse().unwrap());
    scene.run(seconds(2 * 3600));
    scene.with_endpoint(|endpoint, now| endpoint.unregister(now, second));
    scene.run(seconds(60));
    scene
}

/// Shows each request that is no repetition.
fn each(mut show: impl FnMut(&Message<'_>)) {
    let (scene, mut known) = (everything(), BTreeSet::new());
    let requests = scene.requests(Method::Register);
    let news = requests
        .iter()
        .filter(|(_, it)| known.insert((it.call_id().unwrap().to_vec(), it.cseq().unwrap().number)));
    let mut shown = 0;
    news.for_each(|(_, request)| {
        show(request);
        shown += 1;
    });
    assert!(shown > 10, "{shown}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1
//= type=test
//# A valid SIP request formulated by a UAC MUST, at a minimum, contain the following header fields:
//# To, From, CSeq, Call-ID, Max-Forwards, and Via; all of these header fields are mandatory in all
//# SIP requests.
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.5
//= type=test
//# The method MUST match that of the request.
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.5
//= type=test
//# The sequence number value MUST be expressible as a 32-bit unsigned integer and MUST be less than
//# 2**31.
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.6
//= type=test
//# A UAC MUST insert a Max-Forwards header field into each request it originates with a value that
//# SHOULD be 70.
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
//= type=test
//# When the UAC creates a request, it MUST insert a Via into that request.
//= https://www.rfc-editor.org/rfc/rfc3261#section-20
//= type=test
//# A "mandatory" header field MUST be present in a request
//= https://www.rfc-editor.org/rfc/rfc3261#section-20.16
//= type=test
//# The sequence number MUST be expressible as a 32-bit unsigned integer.
//= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
//= type=test
//# The following header fields, except Contact, MUST be included in a REGISTER request.
#[test]
fn each_has_what_every_request_must_have() {
    each(|request| {
        for name in [
            HeaderName::To,
            HeaderName::From,
            HeaderName::CSeq,
            HeaderName::CallId,
            HeaderName::MaxForwards,
            HeaderName::Via,
        ] {
            assert_eq!(request.count(name), 1, "{name}");
        }
        assert!(request.request_uri().is_some());
        assert_eq!(request.max_forwards(), Some(Ok(70)));
        assert_eq!(request.version(), b"SIP/2.0");
        let cseq = request.cseq().unwrap();
        assert!(cseq.method == Method::Register && cseq.number < 1 << 31);
        assert_eq!(request.content_length(), Some(Ok(0)));
        assert!(request.body().is_empty() && !request.has(HeaderName::ContentType));
    });
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.2
//= type=test
//# A request outside of a dialog MUST NOT contain a To tag; the tag in the To field of a request
//# identifies the peer of the dialog.
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.3
//= type=test
//# The From field MUST contain a new "tag" parameter, chosen by the UAC.
//= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
//= type=test
//# This address-of-record MUST be a SIP URI or SIPS URI.
#[test]
fn each_names_its_sender_by_a_tag_and_its_addressee_by_an_address_of_record_alone() {
    each(|request| {
        assert!(request.from().unwrap().tag().is_some_and(|tag| tag.len() >= 8));
        let to = request.to().unwrap();
        assert!(to.tag().is_none() && to.uri().unwrap().scheme() == Scheme::Sip);
        assert!(to.uri().unwrap().user().is_some());
    });
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
//= type=test
//# The protocol name and protocol version in the header field MUST be SIP and 2.0, respectively.
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
//= type=test
//# The Via header field value MUST contain a branch parameter.
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
//= type=test
//# The branch parameter value MUST be unique across space and time for all requests sent by the UA.
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
//= type=test
//# The branch ID inserted by an element compliant with this specification MUST always begin with
//# the characters "z9hG4bK".
//= https://www.rfc-editor.org/rfc/rfc3261#section-20.42
//= type=test
//# For implementations compliant to this specification, the value of the branch parameter MUST
//# start with the magic cookie "z9hG4bK", as discussed in Section 8.1.1.7.
//= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
//= type=test
//# Before a request is sent, the client transport MUST insert a value of the "sent-by" field into
//# the Via header field.
//= https://www.rfc-editor.org/rfc/rfc3581#section-3
//= type=test
//# This parameter MUST have no value; it serves as a flag to indicate to the server that this
//# extension is supported and requested for the transaction.
//= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
//= type=test
//# For unreliable unicast transports, the client transport MUST be prepared to receive responses on
//# the source IP address from which the request is sent (as responses are sent back to the source
//# address) and the port number in the "sent-by" field.
//= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
//= type=test
//# The client MUST be prepared to receive responses on any address and port that would be selected
//# by a server based on the procedures described in Section 5 of [4].
//= https://www.rfc-editor.org/rfc/rfc3581#section-3
//= type=test
//# For backwards compatibility, the client MUST still be prepared to receive a response on the port
//# indicated in the sent-by field of the topmost Via header field value, as specified in Section
//# 18.1.1 of SIP [1].
#[test]
fn each_has_a_via_of_its_own_that_asks_where_it_is_seen() {
    let mut branches = BTreeSet::new();
    each(|request| {
        let via = request.via().unwrap();
        let field = text(request.first(HeaderName::Via).unwrap());
        assert!(field.starts_with("SIP/2.0/UDP 192.0.2.7:5060;"), "{field}");
        let branch = via.branch().unwrap();
        assert!(branch.starts_with(b"z9hG4bK") && branch.len() > 20, "{field}");
        assert!(branches.insert(branch.to_vec()), "{field}");
        assert_eq!(via.rport(), Some(None), "{field}");
    });
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.4
//= type=test
//# In a new request created by a UAC outside of any dialog, the Call-ID header field MUST be
//# selected by the UAC as a globally unique identifier over space and time unless overridden by
//# method-specific behavior.
//= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
//= type=test
//# A UA MUST increment the CSeq value by one for each REGISTER request with the same Call-ID.
#[test]
fn each_line_has_one_call_id_and_counts_its_requests() {
    let mut last: Vec<(String, String, u32)> = Vec::new();
    each(|request| {
        let user = text(request.to().unwrap().uri().unwrap().user().unwrap());
        let (call_id, number) = (text(request.call_id().unwrap()), request.cseq().unwrap().number);
        assert!(call_id.len() >= 20);
        let before = last.iter().position(|(_, id, _)| *id == call_id);
        if let Some(before) = before {
            let (of, _, count) = last.remove(before);
            assert_eq!((of, count + 1), (user.clone(), number));
        }
        last.push((user, call_id, number));
    });
    assert_eq!(last.len(), 2, "{last:?}");
}

#[test]
fn each_says_one_sip_uri_at_which_we_are_and_what_is_taken_back() {
    each(|request| {
        let mut contacts = request.contacts().map(|contact| match contact.unwrap() {
            Contact::Addr(contact) => contact,
            Contact::Star => unreachable!("no binding but our own is removed"),
        });
        let ours = contacts.next().unwrap();
        assert_eq!(ours.uri().unwrap().scheme(), Scheme::Sip);
        assert!(contacts.all(|old| old.param("expires") == Some(b"0")));
    });
}

/// RFC 3327 defines path, RFC 5626 outbound and RFC 5627 gruu, each on the standards track.
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.9
//= type=test
//# The option tags listed MUST only refer to extensions defined in standards-track RFCs.
//= https://www.rfc-editor.org/rfc/rfc3261#section-20.37
//= type=test
//# A UA compliant to this specification MUST only include option tags corresponding to
//# standards-track RFCs.
//= https://www.rfc-editor.org/rfc/rfc5626#section-4.2.1
//= type=test
//# The UAC MUST support the Path header [RFC3327] mechanism, and indicate its support by including
//# the 'path' option-tag in a Supported header field value in its REGISTER requests.
#[test]
fn each_names_extensions_of_the_standards_track_alone_and_requires_none() {
    each(|request| {
        let known: [&[u8]; 3] = [b"path", b"outbound", b"gruu"];
        assert!(request.tokens(HeaderName::Supported).all(|tag| known.contains(&tag)));
        assert!(request.tokens(HeaderName::Supported).any(|tag| tag == b"path"));
        assert!(!request.has(HeaderName::Require) && !request.has(HeaderName::ProxyRequire));
    });
}

/// Tables 2 and 3: what stands with a dash under REG, or in responses alone.
//= https://www.rfc-editor.org/rfc/rfc3261#section-20
//= type=test
//# "Not applicable" means that the header field MUST NOT be present in a request.
#[test]
fn none_has_a_header_field_that_is_not_for_it() {
    let not_for_it = "Alert-Info, In-Reply-To, Priority, Record-Route, Reply-To, Subject, Min-Expires, Error-Info, \
        Authentication-Info, Proxy-Authenticate, WWW-Authenticate, Retry-After, Server, Unsupported, Warning";
    each(|request| {
        for name in not_for_it.split(", ") {
            assert_eq!(request.named(name).count(), 0, "{name}");
        }
    });
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.1
//= type=test
//# Even though an arbitrary number of parameter pairs may be attached to a header field value, any
//# given parameter-name MUST NOT appear more than once.
//= https://www.rfc-editor.org/rfc/rfc3261#section-20
//= type=test
//# If the URI contains a comma, question mark or semicolon, the URI MUST be enclosed in angle
//# brackets (< and >).
//= https://www.rfc-editor.org/rfc/rfc3261#section-20.10
//= type=test
//# Even if the "display-name" is empty, the "name-addr" form MUST be used if the "addr-spec"
//# contains a comma, semicolon, or question mark.
//= https://www.rfc-editor.org/rfc/rfc3261#section-20.20
//= type=test
//# Even if the "display-name" is empty, the "name-addr" form MUST be used if the "addr-spec"
//# contains a comma, question mark, or semicolon.
#[test]
fn none_has_a_parameter_twice_or_a_uri_outside_of_brackets() {
    each(|request| {
        for field in request.fields() {
            let value = text(&field.unfolded());
            let header_parameters = value.rsplit_once('>').map_or(&value[..], |(_, parameters)| parameters);
            let name = |parameter: &str| parameter.split('=').next().unwrap().trim().to_ascii_lowercase();
            let names: Vec<String> = header_parameters.split([';', ',']).skip(1).map(name).collect();
            let different: BTreeSet<&String> = names.iter().collect();
            assert_eq!(different.len(), names.len(), "{value}");
            assert!(
                !value.contains("sip:") || value.contains('<') || value.starts_with("Digest "),
                "{value}"
            );
        }
    });
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.8
//= type=test
//# If the Request-URI or top Route header field value contains a SIPS URI, the Contact header field
//# MUST contain a SIPS URI as well.
#[test]
fn a_line_of_a_sips_address_says_that_it_is_reached_by_one() {
    let (clock, remote) = (Clock::new(), "192.0.2.1:5061".parse().unwrap());
    let mut endpoint = Endpoint::new(Config::new(phone_address()), [7; 32]);
    let account = Account { is_secure: true, ..Account::new("858", "pbx.example.com", 5061) };
    let line = endpoint.add_line(clock.now(), account).unwrap();
    let flow = Flow::connection(ConnectionId::new(1), Transport::Tls, remote);
    endpoint.handle_resolved(clock.now(), line, Ok(vec![Target { flow, local: phone_address() }]));
    let register = endpoint.poll_write().unwrap().payload;
    let register = Message::parse(&register).unwrap();
    assert_eq!(register.request_uri(), Some(&b"sips:pbx.example.com:5061"[..]));
    let Some(Ok(Contact::Addr(contact))) = register.contacts().next() else { unreachable!("no Contact") };
    assert_eq!(contact.uri().unwrap().scheme(), Scheme::Sips);
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
//= type=test
//# UAs MUST NOT send a new registration (that is, containing new Contact header field values, as
//# opposed to a retransmission) until they have received a final response from the registrar for
//# the previous one or the previous REGISTER request has timed out.
#[test]
fn none_is_sent_before_the_one_before_it_is_answered_or_given_up() {
    let mut scene = everything();
    scene.network.cut_off(pbx_address());
    let line = scene.line;
    scene.with_endpoint(|endpoint, now| endpoint.register(now, line));
    scene.run(Duration::from_secs(4 * 3600));
    let answers = scene.packets_of(pbx_address());
    let is_answered = |request: &Message<'_>, before: Duration| {
        answers.iter().any(|(at, answer)| {
            let is_final = answer.status().is_some_and(StatusCode::is_final);
            is_final && *at <= before && answer.via().unwrap().branch() == request.via().unwrap().branch()
        })
    };
    let requests = scene.requests(Method::Register);
    for (index, (at, request)) in requests.iter().enumerate() {
        let of_line = |other: &Message<'_>| other.call_id() == request.call_id();
        let before = requests[..index].iter().rev().find(|(_, other)| of_line(other));
        let Some((_, before)) = before.filter(|(_, it)| it.cseq() != request.cseq()) else { continue };
        let first = requests.iter().find(|(_, it)| of_line(it) && it.cseq() == before.cseq()).unwrap().0;
        assert!(is_answered(before, *at) || at.saturating_sub(first) >= seconds(32), "at {at:?}");
    }
}
