//! The examples of RFC 3261 sections 7.3.1, 19.1 and 20, each read as the section says.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

use ringfence_wire::sip::{Contact, HeaderName, Host, Message, Method, Scheme, Uri};

fn with_headers(headers: &str) -> Message<'static> {
    let bytes =
        format!("OPTIONS sip:bob@biloxi.com SIP/2.0\r\n{}\r\n\r\n", headers.trim_end().replace('\n', "\r\n"));
    Message::parse(bytes.as_bytes()).unwrap().into_owned()
}

#[test]
fn section_7_3_1_spaces_around_the_colon_do_not_count() {
    for subject in [
        "Subject:            lunch",
        "Subject      :      lunch",
        "Subject            :lunch",
        "Subject: lunch",
    ] {
        assert_eq!(with_headers(subject).first(HeaderName::Subject), Some(&b"lunch"[..]), "{subject}");
    }
}

#[test]
fn section_7_3_1_a_fold_is_one_space() {
    let folded = with_headers(
        "Subject: I know you're there,\n         pick up the phone\n         and talk to me!\nPriority: urgent",
    );
    let subject = folded.fields().next().unwrap();
    assert_eq!(*subject.unfolded(), *b"I know you're there, pick up the phone and talk to me!");
    assert_eq!(folded.fields().count(), 2);
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.1
//= type=test
//# It MUST be possible to combine the multiple header field rows into one "field-name: field-value"
//# pair, without changing the semantics of the message, by appending each subsequent field-value to
//# the first, each separated by a comma.
//= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.1
//= type=test
//# Implementations MUST be able to process multiple header field rows with the same name in any
//# combination of the single-value-per-line or comma-separated value forms.
#[test]
fn section_7_3_1_values_in_one_field_or_in_several_are_the_same() {
    let groups = [
        "Route: <sip:alice@atlanta.com>\nSubject: Lunch\nRoute: <sip:bob@biloxi.com>\nRoute: <sip:carol@chicago.com>",
        "Route: <sip:alice@atlanta.com>, <sip:bob@biloxi.com>\nRoute: <sip:carol@chicago.com>\nSubject: Lunch",
        "Subject: Lunch\nRoute: <sip:alice@atlanta.com>, <sip:bob@biloxi.com>,\n       <sip:carol@chicago.com>",
    ];
    for group in groups {
        let message = with_headers(group);
        let routes: Vec<_> =
            message.addresses(HeaderName::Route).map(|route| route.unwrap().uri_bytes().to_vec()).collect();
        let expected = [&b"sip:alice@atlanta.com"[..], b"sip:bob@biloxi.com", b"sip:carol@chicago.com"];
        assert_eq!(routes, expected, "{group}");
    }
}

#[test]
fn section_7_3_1_names_and_tokens_have_no_case() {
    for contact in
        ["Contact: <sip:alice@atlanta.com>;expires=3600", "CONTACT: <sip:alice@atlanta.com>;ExPiReS=3600"]
    {
        let message = with_headers(contact);
        let Some(Ok(Contact::Addr(contact))) = message.contacts().next() else { panic!("{contact}") };
        assert_eq!(contact.param("expires"), Some(&b"3600"[..]));
    }
    for disposition in
        ["Content-Disposition: session;handling=optional", "content-disposition: Session;HANDLING=OPTIONAL"]
    {
        let message = with_headers(disposition);
        let disposition = message.content_disposition().unwrap().unwrap();
        assert!(disposition.kind.eq_ignore_ascii_case("session") && disposition.is_optional());
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.2
//= type=test
//# All SIP implementations MUST support the SIP URI scheme.
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.2
//= type=test
//# Any implementation that supports TLS MUST support the SIPS URI scheme.
#[test]
fn section_19_1_3_example_uris_are_taken_apart() {
    let uri =
        |text: &'static str| Uri::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(uri("sip:alice@atlanta.com").user(), Some(&b"alice"[..]));
    let secret = uri("sip:alice:secretword@atlanta.com;transport=tcp");
    assert_eq!(
        (secret.password(), secret.param("transport").as_deref()),
        (Some(&b"secretword"[..]), Some(&b"tcp"[..]))
    );
    let headers = uri("sips:alice@atlanta.com?subject=project%20x&priority=urgent");
    assert_eq!(
        (headers.scheme(), headers.headers()),
        (Scheme::Sips, Some(&b"subject=project%20x&priority=urgent"[..]))
    );
    let phone = uri("sip:+1-212-555-1212:1234@gateway.com;user=phone");
    assert_eq!((phone.user(), phone.password()), (Some(&b"+1-212-555-1212"[..]), Some(&b"1234"[..])));
    assert_eq!(uri("sips:1212@gateway.com").host(), Host::Name("gateway.com"));
    assert_eq!(uri("sip:alice@192.0.2.4").host(), Host::V4([192, 0, 2, 4].into()));
    let method = uri("sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com");
    assert_eq!((method.user(), method.param("method").as_deref()), (None, Some(&b"REGISTER"[..])));
    assert_eq!(uri("sip:alice;day=tuesday@atlanta.com").user(), Some(&b"alice;day=tuesday"[..]));
}

#[test]
fn section_19_1_4_equivalent_uris_match() {
    let sets: [&[&str]; 4] = [
        &["sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"],
        &["sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"],
        &[
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ],
        &[
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ],
    ];
    for set in sets {
        for (one, two) in set.iter().flat_map(|one| set.iter().map(move |two| (one, two))) {
            assert!(matches(one, two), "{one} {two}");
        }
    }
}

#[test]
fn section_19_1_4_other_uris_do_not_match() {
    for (one, two) in [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:alice@atlanta.com", "sips:alice@atlanta.com"),
        ("sip:alice@atlanta.com", "sip:alice:word@atlanta.com"),
        ("sip:alice@atlanta.com", "sip:atlanta.com"),
        ("sip:alice@atlanta.com", "sip:alice@atlanta.com;maddr=239.255.255.1"),
        ("sip:alice@atlanta.com", "sip:alice@atlanta.com;user=phone"),
        ("sip:alice@atlanta.com;ttl=1", "sip:alice@atlanta.com"),
        ("sip:a%3Bb@atlanta.com", "sip:a;b@atlanta.com"),
    ] {
        assert!(!matches(one, two) && !matches(two, one), "{one} {two}");
    }
}

#[test]
fn section_19_1_6_a_tel_uri_s_number_has_its_parameters_apart() {
    let tel = Uri::parse(b"tel:+358-555-1234567;postd=pp22").unwrap();
    assert_eq!(
        (tel.tel_number(), tel.param("postd").as_deref()),
        (Some("+358-555-1234567"), Some(&b"pp22"[..]))
    );
    let sip = Uri::parse(b"sip:+358-555-1234567;postd=pp22@foo.com;user=phone").unwrap();
    assert_eq!(sip.user(), Some(&b"+358-555-1234567;postd=pp22"[..]));
    assert!(matches("tel:+358-555-1234567;postd=pp22", "tel:+3585551234567;POSTD=pp22"));
}

#[test]
fn section_20_examples_of_lists_are_split() {
    let message = with_headers(
        "Accept: application/sdp;level=1, application/x-private, text/html\n\
         Allow: INVITE, ACK, OPTIONS, CANCEL, BYE\n\
         In-Reply-To: 70710@saturn.bell-tel.com, 17320@saturn.bell-tel.com\n\
         Record-Route: <sip:server10.biloxi.com;lr>,\n              <sip:bigbox3.site3.atlanta.com;lr>\n\
         Require: 100rel",
    );
    let accepted: Vec<_> = message.accept().map(|range| range.unwrap().subtype.to_owned()).collect();
    assert_eq!(accepted, ["sdp", "x-private", "html"]);
    assert_eq!(message.tokens(HeaderName::Allow).count(), 5);
    assert_eq!(message.values(HeaderName::InReplyTo).last(), Some(&b"17320@saturn.bell-tel.com"[..]));
    assert!(
        message.addresses(HeaderName::RecordRoute).all(|route| route
            .unwrap()
            .uri()
            .unwrap()
            .param("lr")
            .is_some())
    );
    assert!(message.tokens(HeaderName::Require).eq([&b"100rel"[..]]));
}

#[test]
fn section_20_10_contacts_keep_their_parameters_apart() {
    let message = with_headers(
        "Contact: \"Mr. Watson\" <sip:watson@worcester.bell-telephone.com>\n   ;q=0.7; expires=3600,\n   \
         \"Mr. Watson\" <mailto:watson@bell-telephone.com> ;q=0.1\nm: <sips:bob@192.0.2.4>;expires=60",
    );
    let contacts: Vec<_> = message
        .contacts()
        .map(|contact| match contact.unwrap() {
            Contact::Addr(addr) => addr,
            Contact::Star => panic!("no star"),
        })
        .collect();
    assert_eq!(contacts.len(), 3);
    assert_eq!(contacts[0].display_name().as_deref(), Some("Mr. Watson"));
    assert_eq!(
        (contacts[0].param("q"), contacts[0].param("expires")),
        (Some(&b"0.7"[..]), Some(&b"3600"[..]))
    );
    assert_eq!(contacts[1].uri().unwrap().scheme(), Scheme::Other("mailto"));
    assert_eq!(contacts[2].uri_bytes(), b"sips:bob@192.0.2.4");
}

#[test]
fn section_20_examples_of_from_and_to_are_read() {
    for (header, name, tag) in [
        ("From: \"A. G. Bell\" <sip:agb@bell-telephone.com> ;tag=a48s", Some("A. G. Bell"), "a48s"),
        ("From: sip:+12125551212@server.phone2net.com;tag=887s", None, "887s"),
        ("f: Anonymous <sip:c8oqz84zk7z@privacy.org>;tag=hyh8", Some("Anonymous"), "hyh8"),
    ] {
        let message = with_headers(header);
        let from = message.from().unwrap();
        assert_eq!((from.display_name().as_deref(), from.tag()), (name, Some(tag.as_bytes())), "{header}");
    }
    let message = with_headers("To: The Operator <sip:operator@cs.columbia.edu>;tag=287447");
    assert_eq!(message.to().unwrap().display_name().as_deref(), Some("The Operator"));
    let message = with_headers("t: sip:+12125551212@server.phone2net.com");
    assert_eq!(message.to().unwrap().uri().unwrap().user(), Some(&b"+12125551212"[..]));
}

#[test]
fn section_20_examples_of_single_values_are_read() {
    let message = with_headers(
        "i:f81d4fae-7dec-11d0-a765-00a0c91e6bf6@192.0.2.4\nCSeq: 4711 INVITE\nMax-Forwards: 6\nExpires: 5\n\
         Min-Expires: 60\nl: 0\nc: text/html; charset=ISO-8859-4\nDate: Sat, 13 Nov 2010 23:29:00 GMT\n\
         Retry-After: 120 (I'm in a meeting)",
    );
    assert_eq!(message.call_id(), Ok(&b"f81d4fae-7dec-11d0-a765-00a0c91e6bf6@192.0.2.4"[..]));
    let cseq = message.cseq().unwrap();
    assert_eq!((cseq.number, cseq.method), (4711, Method::Invite));
    assert_eq!(
        (message.max_forwards(), message.expires(), message.min_expires()),
        (Some(Ok(6)), Some(Ok(5)), Some(Ok(60)))
    );
    assert_eq!(message.content_length(), Some(Ok(0)));
    let content_type = message.content_type().unwrap().unwrap();
    assert!(content_type.is("text", "html"));
    assert_eq!(content_type.params.value("charset"), Some(&b"ISO-8859-4"[..]));
    assert_eq!(message.date().unwrap().unwrap().hour, 23);
    assert_eq!(message.retry_after().unwrap().unwrap().comment.as_deref(), Some("I'm in a meeting"));
}

#[test]
fn section_20_42_a_via_may_have_space_in_it() {
    let message = with_headers(
        "Via: SIP / 2.0 / UDP first.example.com: 4000;ttl=16\n  ;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1",
    );
    let via = message.via().unwrap();
    assert_eq!(
        (via.transport(), via.host(), via.port()),
        ("UDP", Host::Name("first.example.com"), Some(4000))
    );
    assert_eq!((via.ttl(), via.maddr()), (Some(16), Some(Host::V4([224, 2, 0, 1].into()))));
    assert_eq!(via.branch(), Some(&b"z9hG4bKa7c6a8dlze.1"[..]));
}

#[test]
fn section_20_43_warnings_keep_their_case() {
    let message = with_headers(
        "Warning: 307 isi.edu \"Session parameter 'foo' not understood\", 370 devnull \"CHOOSE A BIGGER PIPE\"",
    );
    let warnings: Vec<_> = message.warnings().map(Result::unwrap).collect();
    assert_eq!((warnings[0].code, &*warnings[0].text), (307, "Session parameter 'foo' not understood"));
    assert_eq!((warnings[1].agent, &*warnings[1].text), (&b"devnull"[..], "CHOOSE A BIGGER PIPE"));
}

#[test]
fn section_20_44_a_challenge_is_read() {
    let message = with_headers(
        "WWW-Authenticate: Digest realm=\"atlanta.com\",\n      domain=\"sip:boxesbybob.com\", qop=\"auth\",\n      \
         nonce=\"f84f1cec41e6cbe5aea9c8e88d359\",\n      opaque=\"\", stale=FALSE, algorithm=MD5",
    );
    let challenge = message.challenges(HeaderName::WwwAuthenticate).next().unwrap();
    assert_eq!(challenge.scheme(), b"Digest");
    for (name, value) in [
        ("realm", "atlanta.com"),
        ("domain", "sip:boxesbybob.com"),
        ("qop", "auth"),
        ("nonce", "f84f1cec41e6cbe5aea9c8e88d359"),
        ("opaque", ""),
        ("stale", "FALSE"),
        ("algorithm", "MD5"),
    ] {
        assert_eq!(challenge.param(name).as_deref(), Some(value), "{name}");
    }
}

fn matches(one: &str, two: &str) -> bool {
    Uri::parse(one.as_bytes()).unwrap().matches(&Uri::parse(two.as_bytes()).unwrap())
}
