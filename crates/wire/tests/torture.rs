//! What the torture test messages of RFC 4475 and RFC 5118 say, as this crate reads them.
//!
//! What an endpoint makes of each is tested where the endpoint is; here is what it can know. A test is named by
//! what it shows of the message, and reads the message of the same section.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use std::net::IpAddr;

use ringfence_wire::sip::{
    Contact, Fault, Framing, HeaderName, Host, Message, Method, ParseError, Scheme, StartLineFault, Uri,
    UriError, Via,
};

fn bytes(name: &str) -> Vec<u8> {
    let path = format!("{}/../testing/data/{name}.dat", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn message(name: &str) -> Message<'static> {
    Message::parse(&bytes(name)).unwrap_or_else(|error| panic!("{name}: {error}")).into_owned()
}

fn request_uri(message: &Message<'static>) -> Result<Scheme<'static>, UriError> {
    let uri: &'static [u8] = message.request_uri().unwrap().to_vec().leak();
    Uri::parse(uri).map(|uri| uri.scheme())
}

/// That nothing a user agent server reads of it is wrong.
fn assert_well_formed(name: &str) -> Message<'static> {
    let message = message(name);
    assert_eq!(message.start_line_fault(), None, "{name}");
    assert_eq!(message.malformed_line(), None, "{name}");
    assert_eq!(message.framing(), Framing::Complete, "{name}");
    for via in message.vias() {
        via.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for contact in message.contacts() {
        if let Contact::Addr(addr) = contact.unwrap_or_else(|error| panic!("{name}: {error}")) {
            addr.uri().unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    message.from().unwrap().uri().unwrap();
    message.to().unwrap().uri().unwrap();
    message.call_id().unwrap();
    let cseq = message.cseq().unwrap();
    assert!(message.method().is_none_or(|method| method == cseq.method), "{name}");
    assert!(message.max_forwards().is_none_or(|max_forwards| max_forwards.is_ok()), "{name}");
    message
}

#[test]
fn every_message_but_an_overlarge_code_can_be_taken_apart_and_printed_stably() {
    let mut count = 0;
    for folder in ["rfc4475", "rfc5118"] {
        let path = format!("{}/../testing/data/{folder}", env!("CARGO_MANIFEST_DIR"));
        for file in std::fs::read_dir(path).unwrap() {
            let path = file.unwrap().path();
            let datagram = std::fs::read(&path).unwrap();
            let Ok(message) = Message::parse(&datagram) else {
                assert!(path.ends_with("bigcode.dat"), "{}", path.display());
                continue;
            };
            let (mut once, mut twice) = (Vec::new(), Vec::new());
            message.print(&mut once);
            Message::parse(&once).unwrap().print(&mut twice);
            assert_eq!(once, twice, "{}", path.display());
            count += 1;
        }
    }
    assert!(count >= 60, "only {count} messages");
}

#[test]
fn folding_compact_names_and_spaces_everywhere_change_nothing() {
    let message = assert_well_formed("rfc4475/wsinv");
    let to = message.to().unwrap();
    assert_eq!(
        (to.uri_bytes(), to.tag()),
        (&b"sip:vivekg@chair-dnrc.example.com"[..], Some(&b"1918181833n"[..]))
    );
    let from = message.from().unwrap();
    assert_eq!(from.display_name().as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(from.tag(), Some(&b"98asjd8"[..]));
    assert_eq!(message.max_forwards(), Some(Ok(68)));
    assert_eq!((message.cseq().unwrap().number, message.cseq().unwrap().method), (9, Method::Invite));
    let vias: Vec<_> = message.vias().map(Result::unwrap).collect();
    assert_eq!(vias.iter().map(Via::transport).collect::<Vec<_>>(), ["UDP", "TCP", "UDP"]);
    assert_eq!(vias[0].host(), Host::V4([192, 0, 2, 2].into()));
    assert_eq!(vias[1].branch(), Some(&b"z9hG4bK9ikj8"[..]));
    assert_eq!(vias[2].branch(), Some(&b"z9hG4bK30239"[..]));
    assert_eq!(message.first(HeaderName::Subject), Some(&b""[..]));
    assert_eq!(message.named("unknownheaderwithunusualvalue").next(), Some(&b";;,,;;,;"[..]));
    let Some(Ok(Contact::Addr(contact))) = message.contacts().next() else { panic!("one contact") };
    assert_eq!(contact.display_name().as_deref(), Some("Quoted string \"\""));
    assert_eq!((contact.param("newparam"), contact.param("q")), (Some(&b"newvalue"[..]), Some(&b"0.33"[..])));
    assert_eq!(contact.param("secondparam"), Some(&b""[..]));
}

#[test]
fn every_character_that_a_token_may_have_is_taken() {
    let message = assert_well_formed("rfc4475/intmeth");
    let method = "!interesting-Method0123456789_*+`.%indeed'~";
    assert_eq!(message.method(), Some(Method::Other(method)));
    assert_eq!(message.cseq().unwrap().method.as_str(), method);
    let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
    assert_eq!(uri.user(), Some(&b"1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"[..]));
    assert_eq!(uri.password(), Some(&b"&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"[..]));
    let to = message.to().unwrap();
    assert_eq!(to.display_name().as_deref(), Some("BEL:\u{7} NUL:\0 DEL:\u{7f}"));
    let from = message.from().unwrap();
    assert_eq!(from.display_name().as_deref(), Some("token1~` token2'+_ token3*%!.-"));
    assert_eq!(from.tag(), Some(&b"_token~1'+`*%!-."[..]));
    let extension = message.named("extensionHeader-!.%*+_`'~").next();
    assert_eq!(extension, Some("\u{feff}大停電".as_bytes()));
}

#[test]
fn escapes_are_undone_once_and_only_in_uris() {
    let message = assert_well_formed("rfc4475/esc01");
    let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
    assert_eq!(uri.user_unescaped().as_deref(), Some(&b"sips:user@example.com"[..]));
    let Some(Ok(Contact::Addr(contact))) = message.contacts().next() else { panic!("one contact") };
    let contact = contact.uri().unwrap();
    assert_eq!(contact.user_unescaped().as_deref(), Some(&b"caller"[..]));
    assert_eq!(contact.param("lr").as_deref(), Some(&b""[..]));
    assert_eq!(contact.param("name").as_deref(), Some(&b"value%41"[..]));
}

#[test]
fn an_escaped_nul_does_not_end_a_user_part() {
    let message = assert_well_formed("rfc4475/escnull");
    let to = message.to().unwrap();
    assert_eq!(to.uri().unwrap().user_unescaped().as_deref(), Some(&b"null-\0-null"[..]));
    let uris: Vec<_> = message
        .contacts()
        .map(|contact| match contact.unwrap() {
            Contact::Addr(addr) => addr.uri().unwrap(),
            Contact::Star => panic!("no star"),
        })
        .collect();
    assert_eq!(uris.len(), 2);
    assert!(!uris[0].matches(&uris[1]));
}

#[test]
fn a_percent_sign_in_a_name_escapes_nothing() {
    let message = assert_well_formed("rfc4475/esc02");
    assert_eq!(message.method(), Some(Method::Other("RE%47IST%45R")));
    assert_eq!(message.to().unwrap().display_name().as_deref(), Some("%Z%45"));
    assert_eq!(message.contacts().count(), 2);
    assert_eq!(message.named("C%6Fntact").count(), 1);
}

#[test]
fn no_space_is_needed_before_the_bracket() {
    let message = assert_well_formed("rfc4475/lwsdisp");
    assert_eq!(message.from().unwrap().display_name().as_deref(), Some("caller"));
}

#[test]
fn long_values_are_read_whole() {
    let message = assert_well_formed("rfc4475/longreq");
    assert_eq!(message.vias().count(), 34);
    assert_eq!(message.from().unwrap().tag().unwrap().len(), 2 + 3 * 50 + 3);
    assert_eq!(message.via().unwrap().host(), Host::Name("sip33.example.com"));
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-18.3
//= type=test
//# If there are additional bytes in the transport packet beyond the end of the body, they MUST be
//# discarded.
#[test]
fn bytes_after_the_declared_body_are_cut_off() {
    let message = assert_well_formed("rfc4475/dblreq");
    assert_eq!((message.method(), message.body()), (Some(Method::Register), &b""[..]));
    assert!(message.as_bytes().len() < bytes("rfc4475/dblreq").len());
}

#[test]
fn a_semicolon_before_the_at_sign_belongs_to_the_user() {
    let message = assert_well_formed("rfc4475/semiuri");
    let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
    assert_eq!(uri.user_unescaped().as_deref(), Some(&b"user;par=u@example.net"[..]));
    assert_eq!(uri.host(), Host::Name("example.com"));
}

#[test]
fn transports_that_nobody_knows_are_read() {
    let message = assert_well_formed("rfc4475/transports");
    let transports: Vec<_> = message.vias().map(|via| via.unwrap().transport().to_owned()).collect();
    assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
}

#[test]
fn a_binary_body_is_framed_by_its_length() {
    let message = assert_well_formed("rfc4475/mpart01");
    assert_eq!(message.body().len(), 553);
    assert!(message.content_type().unwrap().unwrap().is("multipart", "mixed"));
    assert_eq!(message.date().unwrap().unwrap().unix_seconds(), 1_129_351_496);
}

#[test]
fn a_reason_phrase_may_be_anything_and_nothing() {
    let unusual = assert_well_formed("rfc4475/unreason");
    assert!(unusual.reason_phrase().unwrap().starts_with(b"= 2**3 * 5**2 \xd0\xbd"));
    let empty = assert_well_formed("rfc4475/noreason");
    assert_eq!((empty.status().unwrap().as_u16(), empty.reason_phrase()), (100, Some(&b""[..])));
}

#[test]
fn separators_without_parameters_are_told() {
    let message = message("rfc4475/badinv01");
    assert_eq!(message.via().unwrap_err().fault(), Fault::EmptyParameter);
    assert_eq!(message.contacts().next().unwrap().unwrap_err().fault(), Fault::EmptyParameter);
    assert!(message.from().is_ok());
}

#[test]
fn a_length_beyond_the_datagram_is_told() {
    let message = message("rfc4475/clerr");
    assert_eq!(message.framing(), Framing::Short { declared: 9999, got: 154 });
}

#[test]
fn a_length_that_is_no_number_is_told() {
    let message = message("rfc4475/ncl");
    assert_eq!(message.framing(), Framing::Invalid);
    let error = message.content_length().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "Content-Length header: expected a number");
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.5
//= type=test
//# The sequence number value MUST be expressible as a 32-bit unsigned integer and MUST be less than
//# 2**31.
//= https://www.rfc-editor.org/rfc/rfc3261#section-20.16
//= type=test
//# The sequence number MUST be expressible as a 32-bit unsigned integer.
#[test]
fn numbers_beyond_their_range_are_told() {
    let request = message("rfc4475/scalar02");
    assert_eq!(request.cseq().unwrap_err().fault(), Fault::NumberTooLarge { max: 0x7fff_ffff });
    assert_eq!(request.max_forwards().unwrap().unwrap_err().fault(), Fault::NumberTooLarge { max: 255 });
    assert_eq!(request.expires().unwrap().unwrap_err().fault(), Fault::NumberTooLarge { max: u32::MAX });
    let response = message("rfc4475/scalarlg");
    assert_eq!(response.cseq().unwrap_err().header(), HeaderName::CSeq);
    assert!(response.retry_after().unwrap().is_err());
    assert_eq!(response.warnings().next().unwrap().unwrap_err().fault(), Fault::NumberTooLarge { max: 999 });
}

#[test]
fn a_quoted_string_without_end_is_told() {
    assert_eq!(message("rfc4475/quotbal").to().unwrap_err().fault(), Fault::UnterminatedQuote);
}

#[test]
fn what_is_wrong_with_a_request_line_is_told() {
    let faults = [
        ("ltgtruri", StartLineFault::BracketedUri),
        ("lwsruri", StartLineFault::SpaceInUri),
        ("lwsstart", StartLineFault::ExtraSpace),
        ("trws", StartLineFault::TrailingSpace),
    ];
    for (name, fault) in faults {
        let message = message(&format!("rfc4475/{name}"));
        assert_eq!(message.start_line_fault(), Some(fault), "{name}");
    }
    assert_eq!(message("rfc4475/lwsruri").request_uri(), Some(&b"sip:user@example.com; lr"[..]));
    assert_eq!(message("rfc4475/lwsstart").request_uri(), Some(&b"sip:user@example.com"[..]));
}

#[test]
fn headers_in_a_request_uri_are_told() {
    let message = assert_well_formed("rfc4475/escruri");
    let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
    assert_eq!(uri.headers(), Some(&b"Route=%3Csip:example.com%3E"[..]));
}

#[test]
fn a_date_that_is_not_in_gmt_is_told() {
    let message = assert_well_formed("rfc4475/baddate");
    assert_eq!(message.date().unwrap().unwrap_err().fault(), Fault::Date);
}

#[test]
fn addresses_that_break_their_grammar_are_told() {
    let unenclosed = message("rfc4475/regbadct");
    let contact = unenclosed.contacts().next().unwrap();
    assert_eq!(contact.unwrap_err().fault(), Fault::UnenclosedUri { byte: b'?' });
}

#[test]
fn spaces_at_the_ends_of_a_uri_in_brackets_are_ignored() {
    let message = assert_well_formed("rfc4475/badaspec");
    assert_eq!(message.to().unwrap().uri_bytes(), b"sip:t.watson@example.org");
}

#[test]
fn missing_quotation_marks_around_a_display_name_are_inferred() {
    let message = message("rfc4475/baddn");
    let (from, to) = (message.from().unwrap(), message.to().unwrap());
    assert_eq!(from.display_name().as_deref(), Some("Bell, Alexander"));
    assert_eq!((from.uri_bytes(), from.tag()), (&b"sip:a.g.bell@example.com"[..], Some(&b"43"[..])));
    assert_eq!(to.display_name().as_deref(), Some("Watson, Thomas"));
    // The archive leaves out the empty line: that is all that is wrong with it.
    assert_eq!(message.framing(), Framing::Unterminated);
}

#[test]
fn another_version_is_read() {
    let message = message("rfc4475/badvers");
    assert_eq!((message.version(), message.start_line_fault()), (&b"SIP/7.0"[..], None));
    assert_eq!(message.via().unwrap().version(), b"7.0");
}

#[test]
fn a_method_in_cseq_that_is_not_the_request_s_can_be_seen() {
    for name in ["rfc4475/mismatch01", "rfc4475/mismatch02"] {
        let message = message(name);
        assert_ne!(message.method(), Some(message.cseq().unwrap().method));
    }
}

#[test]
fn a_status_code_beyond_699_is_no_message() {
    assert_eq!(Message::parse(&bytes("rfc4475/bigcode")).unwrap_err(), ParseError::StatusCode);
}

#[test]
fn a_branch_that_is_only_the_cookie_is_read() {
    let message = assert_well_formed("rfc4475/badbranch");
    assert_eq!(message.via().unwrap().branch(), Some(&b"z9hG4bK"[..]));
}

#[test]
fn missing_headers_are_told() {
    let message = message("rfc4475/insuf");
    assert_eq!(message.call_id().unwrap_err().to_string(), "Call-ID header: is missing");
    assert_eq!(message.from().unwrap_err().fault(), Fault::Missing);
    assert_eq!(message.to().unwrap_err().fault(), Fault::Missing);
}

#[test]
fn uris_of_any_scheme_are_read() {
    assert_eq!(
        request_uri(&assert_well_formed("rfc4475/unkscm")),
        Ok(Scheme::Other("nobodyKnowsThisScheme"))
    );
    assert_eq!(request_uri(&assert_well_formed("rfc4475/novelsc")), Ok(Scheme::Other("soap.beep")));
    let message = assert_well_formed("rfc4475/unksm2");
    assert_eq!(message.to().unwrap().uri().unwrap().scheme(), Scheme::Other("isbn"));
    assert_eq!(message.from().unwrap().uri().unwrap().scheme(), Scheme::Other("http"));
}

#[test]
fn what_a_request_requires_is_listed() {
    let message = assert_well_formed("rfc4475/bext01");
    let required = [&b"nothingSupportsThis"[..], b"nothingSupportsThisEither"];
    assert!(message.tokens(HeaderName::Require).eq(required));
    assert_eq!(message.tokens(HeaderName::ProxyRequire).count(), 2);
}

#[test]
fn media_types_that_nobody_knows_are_read() {
    let message = assert_well_formed("rfc4475/invut");
    assert!(message.content_type().unwrap().unwrap().is("application", "unknownformat"));
    let message = assert_well_formed("rfc4475/sdp01");
    assert!(message.accept().next().unwrap().unwrap().is("text", "nobodyknowsthis"));
}

#[test]
fn credentials_of_any_scheme_are_read() {
    let message = assert_well_formed("rfc4475/regaut01");
    let credentials = message.challenges(HeaderName::Authorization).next().unwrap();
    assert_eq!(credentials.scheme(), b"NoOneKnowsThisScheme");
    assert_eq!(credentials.param("opaque-data").as_deref(), Some("here"));
}

#[test]
fn what_may_occur_once_and_occurs_twice_is_told() {
    let message = message("rfc4475/multi01");
    assert_eq!(message.cseq().unwrap_err().fault(), Fault::Repeated);
    assert_eq!(message.call_id().unwrap_err().fault(), Fault::Repeated);
    assert_eq!(message.from().unwrap_err().fault(), Fault::Repeated);
    assert_eq!(message.to().unwrap_err().fault(), Fault::Repeated);
    assert_eq!(message.max_forwards().unwrap().unwrap_err().fault(), Fault::Repeated);
    assert_eq!((message.count(HeaderName::CallId), message.count(HeaderName::Contact)), (2, 2));
}

#[test]
fn several_lengths_are_as_good_as_none() {
    let message = message("rfc4475/mcl01");
    assert_eq!(message.framing(), Framing::Invalid);
    assert_eq!(message.content_length().unwrap().unwrap_err().fault(), Fault::Repeated);
}

#[test]
fn a_broadcast_address_in_a_via_is_an_address() {
    let message = assert_well_formed("rfc4475/bcast");
    let via = message.vias().nth(1).unwrap().unwrap();
    assert_eq!(via.host(), Host::V4([255; 4].into()));
}

#[test]
fn max_forwards_may_be_zero() {
    assert_eq!(assert_well_formed("rfc4475/zeromf").max_forwards(), Some(Ok(0)));
}

#[test]
fn brackets_decide_whose_parameter_it_is() {
    for (name, is_of_header) in [("rfc4475/cparam01", true), ("rfc4475/cparam02", false)] {
        let message = assert_well_formed(name);
        let Some(Ok(Contact::Addr(contact))) = message.contacts().next() else { panic!("one contact") };
        assert_eq!(contact.param("unknownparam").is_some(), is_of_header);
        assert_eq!(contact.uri().unwrap().param("unknownparam").is_some(), !is_of_header);
    }
}

#[test]
fn headers_in_a_contact_s_uri_are_kept() {
    let message = assert_well_formed("rfc4475/regescrt");
    let Some(Ok(Contact::Addr(contact))) = message.contacts().next() else { panic!("one contact") };
    assert_eq!(contact.uri().unwrap().headers(), Some(&b"Route=%3Csip:sip.example.com%3E"[..]));
}

#[test]
fn a_request_of_rfc_2543_is_read() {
    let message = assert_well_formed("rfc4475/inv2543");
    assert_eq!(message.via().unwrap().branch(), None);
    assert_eq!(message.from().unwrap().tag(), None);
    assert_eq!(message.to().unwrap().param("user"), Some(&b"phone"[..]));
    assert!(message.body().starts_with(b"v=0"));
}

#[test]
fn ipv6_references_are_read() {
    let v6 = |text: &str| Host::V6(text.parse().unwrap());
    for (name, host, port) in [
        ("ipv6-good", "2001:db8::10", None),
        ("port-ambiguous", "2001:db8::10:5070", None),
        ("port-unambiguous", "2001:db8::10", Some(5070)),
        ("ipv6-bug-abnf-3-colons", "2001:db8::192.0.2.1", None),
        ("ipv6-correct-abnf-2-colons", "2001:db8::192.0.2.1", None),
    ] {
        let message = assert_well_formed(&format!("rfc5118/{name}"));
        let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
        assert_eq!((uri.host(), uri.port()), (v6(host), port), "{name}");
    }
}

#[test]
fn an_ipv6_address_without_brackets_is_no_host() {
    let message = message("rfc5118/ipv6-bad");
    assert_eq!(request_uri(&message), Err(UriError::Host));
    assert_eq!(message.via().unwrap().host(), Host::V6("2001:db8::9:1".parse().unwrap()));
}

#[test]
fn received_may_have_brackets() {
    for name in ["rfc5118/via-received-param-with-delim", "rfc5118/via-received-param-no-delim"] {
        let message = assert_well_formed(name);
        let received = message.via().unwrap().received();
        assert_eq!(received, Some(IpAddr::V6("2001:db8::9:255".parse().unwrap())), "{name}");
    }
}

#[test]
fn addresses_of_both_kinds_mix_in_vias() {
    let message = assert_well_formed("rfc5118/mult-ip-in-header");
    let vias: Vec<_> = message.vias().map(Result::unwrap).collect();
    assert_eq!((vias[0].port(), vias[1].host()), (Some(6050), Host::V4([192, 0, 2, 1].into())));
    assert_eq!(vias[2].received(), Some([192, 0, 2, 200].into()));
}

#[test]
fn an_ipv4_mapped_address_is_an_ipv6_address() {
    let message = assert_well_formed("rfc5118/ipv4-mapped-ipv6-corrected");
    let via = message.via().unwrap();
    assert_eq!((via.host(), via.port()), (Host::V6("::ffff:192.0.2.10".parse().unwrap()), Some(19823)));
}

#[test]
fn a_length_that_the_rfc_got_wrong_is_told() {
    assert!(matches!(message("rfc5118/ipv6-in-sdp-as-printed").framing(), Framing::Short { .. }));
    assert_well_formed("rfc5118/ipv6-in-sdp-corrected");
    assert_well_formed("rfc5118/mult-ip-in-sdp-corrected");
}
