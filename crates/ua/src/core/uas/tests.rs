use ringfence_wire::sip::{Printer, StatusCode};

use super::*;

/// A well-formed request, to be made worse.
fn request(method: &str) -> String {
    format!(
        "{method} sip:858@192.0.2.7 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n\
        From: <sip:1@192.0.2.1>;tag=1\r\nTo: <sip:858@192.0.2.1>\r\nCall-ID: c\r\nCSeq: 7 {method}\r\n\
        Contact: <sip:1@192.0.2.1>\r\n"
    )
}

/// What is said of a request, as a status and a phrase.
fn said(text: &str) -> Option<(u16, String)> {
    let message = Message::parse(text.as_bytes()).unwrap();
    let objection = object(&Head::of(&message), message.method().unwrap())?;
    Some((objection.status().as_u16(), objection.to_string()))
}

/// The status said of a request with these lines and this body.
fn status(method: &str, lines: &str, body: &str) -> Option<u16> {
    said(&format!("{}{lines}\r\n{body}", request(method))).map(|(status, _)| status)
}

/// The status said of an INVITE of which a part is replaced.
fn status_with(old: &str, new: &str) -> Option<u16> {
    let text = request("INVITE") + "\r\n";
    assert!(text.contains(old), "{old}");
    said(&text.replacen(old, new, 1)).map(|(status, _)| status)
}

#[test]
fn nothing_is_said_against_what_is_right() {
    for method in ["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"] {
        assert_eq!(status(method, "", ""), None, "{method}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.1
//= type=test
//# Once a request is authenticated (or authentication is skipped), the UAS MUST inspect the method
//# of the request.
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.1
//= type=test
//# If the UAS recognizes but does not support the method of a request, it MUST generate a 405
//# (Method Not Allowed) response.
#[test]
fn a_known_method_is_not_allowed_and_any_other_not_implemented() {
    for method in
        ["REGISTER", "PRACK", "UPDATE", "INFO", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "PUBLISH"]
    {
        assert_eq!(status(method, "", ""), Some(405), "{method}");
    }
    // RFC 3261 section 7.1: method names have a case.
    for method in ["FROBNICATE", "invite", "Options"] {
        assert_eq!(status(method, "", ""), Some(501), "{method}");
    }
}

#[test]
fn syntax_is_judged_before_the_method_and_the_method_before_what_it_requires() {
    assert_eq!(said(&request("REGISTER").replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia")).unwrap().0, 505);
    assert_eq!(said(&request("REGISTER").replace("CSeq: 7", "CSeq: x")).unwrap().0, 400);
    assert_eq!(said(&request("FROBNICATE").replace("CSeq: 7", "CSeq: x")).unwrap().0, 501);
    assert_eq!(said(&request("FROBNICATE").replace("SIP/2.0\r\nVia", "SIP/3.0\r\nVia")).unwrap().0, 505);
    assert_eq!(status("REGISTER", "Require: x\r\nContent-Type: a/b\r\n", "body"), Some(405));
    assert_eq!(status("INVITE", "Require: x\r\nContent-Type: a/b\r\n", "body"), Some(420));
    assert_eq!(status("INVITE", "Content-Type: a/b\r\nAccept: a/b\r\n", "body"), Some(415));
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-7.1
//= type=test
//# The SIP-Version string is case-insensitive, but implementations MUST send upper-case.
#[test]
fn the_version_has_no_case() {
    for version in ["sip/2.0", "Sip/2.0"] {
        assert_eq!(status_with("SIP/2.0\r\nVia", &format!("{version}\r\nVia")), None, "{version}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-21.5.7
//= type=test
//# The server was unable to process the request since the message length exceeded its capabilities.
#[test]
fn what_is_longer_than_any_message_that_is_taken_is_too_large() {
    for length in [65_536, 99_999_999] {
        let (status, phrase) =
            said(&format!("{}Content-Length: {length}\r\n\r\n", request("INVITE"))).unwrap();
        assert_eq!((status, phrase.as_str()), (513, "Message Too Large"));
    }
    assert_eq!(status("INVITE", "Content-Length: 65535\r\n", ""), Some(513), "with its head");
    assert_eq!(status("INVITE", "Content-Length: 65000\r\n", ""), Some(400));
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.3
//= type=test
//# If a UAS does not understand an option-tag listed in a Require header field, it MUST respond by
//# generating a response with status code 420 (Bad Extension).
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.3
//= type=test
//# These header fields MUST be ignored if they are present in these requests.
//= https://www.rfc-editor.org/rfc/rfc3261#section-20.32
//= type=test
//# Although an optional header field, the Require MUST NOT be ignored if it is present.
//= https://www.rfc-editor.org/rfc/rfc3261#section-20.32
//= type=test
//# Each option tag defines a SIP extension that MUST be understood to process the request.
#[test]
fn what_is_required_is_too_much_but_for_ack_and_cancel() {
    for method in ["INVITE", "BYE", "OPTIONS"] {
        assert_eq!(status(method, "Require: 100rel\r\n", ""), Some(420), "{method}");
    }
    for method in ["ACK", "CANCEL"] {
        assert_eq!(status(method, "Require: 100rel\r\n", ""), None, "{method}");
    }
    assert_eq!(status("INVITE", "Require:\r\n", ""), None);
    assert_eq!(status("INVITE", "Proxy-Require: x\r\nSupported: 100rel\r\n", ""), None);
}

#[test]
fn every_option_that_is_required_is_listed() {
    let text = request("INVITE") + "Require: 100rel, timer\r\nRequire: replaces\r\n\r\n";
    let message = Message::parse(text.as_bytes()).unwrap();
    let mut out = Vec::new();
    let mut response = Printer::response(&mut out, StatusCode::BAD_EXTENSION, None);
    Objection::BadExtension.write_headers(&message, "agent", &mut response);
    response.finish();
    let response = Message::parse(&out).unwrap();
    let listed: Vec<&[u8]> = response.tokens(HeaderName::Unsupported).collect();
    assert_eq!(listed, [&b"100rel"[..], b"timer", b"replaces"]);
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.3
//= type=test
//# If there are any bodies whose type (indicated by the Content-Type), language (indicated by the
//# Content-Language) or encoding (indicated by the Content-Encoding) are not understood, and that
//# body part is not optional (as indicated by the Content-Disposition header field), the UAS MUST
//# reject the request with a 415 (Unsupported Media Type) response.
//= https://www.rfc-editor.org/rfc/rfc3261#section-20.15
//= type=test
//# The Content-Type header field MUST be present if the body is not empty.
#[test]
fn a_body_must_be_named_and_understood_unless_it_may_be_ignored() {
    let with = |lines: &str| status("INVITE", lines, "v=0\r\n");
    assert_eq!(with(""), Some(400));
    assert_eq!(with("Content-Type: application/sdp\r\n"), None);
    assert_eq!(with("c: Application/SDP ; charset=utf-8\r\n"), None);
    assert_eq!(with("Content-Type: multipart/mixed;boundary=x\r\n"), None);
    assert_eq!(with("Content-Type: text/plain\r\n"), Some(415));
    assert_eq!(with("Content-Type: text/plain\r\nContent-Disposition: x; Handling = Optional\r\n"), None);
    assert_eq!(with("Content-Type: text/plain\r\nContent-Disposition: x;handling=required\r\n"), Some(415));
    assert_eq!(with("Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n"), Some(415));
    assert_eq!(with("Content-Type: application/sdp\r\nContent-Encoding: identity\r\n"), None);
    assert_eq!(status("INVITE", "Content-Type: text/plain\r\n", ""), None, "there is no body");
}

#[test]
fn a_caller_must_accept_session_descriptions() {
    for accepted in ["application/sdp", "text/plain, APPLICATION/SDP", "application/*", "*/*;q=0.1"] {
        assert_eq!(status("INVITE", &format!("Accept: {accepted}\r\n"), ""), None, "{accepted}");
    }
    for accepted in ["text/plain", "application/sdpx", ""] {
        assert_eq!(status("INVITE", &format!("Accept: {accepted}\r\n"), ""), Some(406), "{accepted}");
    }
    assert_eq!(status("OPTIONS", "Accept: text/plain\r\n", ""), None);
}

#[test]
fn a_request_uri_has_a_known_scheme_a_host_and_no_headers() {
    let uri = |uri| status_with("sip:858@192.0.2.7", uri);
    for right in ["sips:858@192.0.2.7", "SIP:858@192.0.2.7", "tel:+41445551234", "sip:192.0.2.7"] {
        assert_eq!(uri(right), None, "{right}");
    }
    for other in ["soap.beep://192.0.2.7", "http://a.example", "isbn:2983792873"] {
        assert_eq!(uri(other), Some(416), "{other}");
    }
    for wrong in ["sip:", "858", "sip:858@192.0.2.7?Subject=x", "sip:858@[::1", "<sip:858@192.0.2.7>"] {
        assert_eq!(uri(wrong), Some(400), "{wrong}");
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-20
//= type=test
//# and MUST be understood by the UAS receiving the request.
#[test]
fn a_header_that_everything_stands_on_must_be_there_once_and_readable() {
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        let text = request("INVITE") + "\r\n";
        let line = text.split_inclusive("\r\n").find(|line| line.starts_with(name)).unwrap();
        let missing = said(&text.replacen(line, "", 1)).unwrap();
        assert_eq!(missing, (400, format!("{name} header: is missing")));
        if name != "Via" {
            let twice = said(&text.replacen(line, &line.repeat(2), 1)).unwrap();
            assert_eq!(twice, (400, format!("{name} header: occurs more than once")));
        }
    }
    assert_eq!(status_with("CSeq: 7 INVITE", "CSeq: 7 OPTIONS"), Some(400));
    assert_eq!(status_with("Max-Forwards: 70\r\n", ""), None, "RFC 2543 had none");
    assert_eq!(status_with("Max-Forwards: 70", "Max-Forwards: 256"), Some(400));
    assert_eq!(status_with("<sip:1@192.0.2.1>\r\n", "*\r\n"), Some(400), "only a REGISTER may say so");
    assert_eq!(status_with("Contact: <sip:1@192.0.2.1>\r\n", ""), None);
}

#[test]
fn no_reason_phrase_repeats_the_peers_text_or_a_control_character() {
    for text in ["\u{7f}", "\u{1}", "\u{85}", "evil text"] {
        for line in ["From: <sip:1@192.0.2.1>;tag=1", "CSeq: 7 INVITE", "SIP/2.0", "Call-ID: c"] {
            let spoilt = (request("INVITE") + "\r\n").replacen(line, &format!("{line} {text} <"), 1);
            let Ok(message) = Message::parse(spoilt.as_bytes()) else { continue };
            let phrase = object(&Head::of(&message), Method::Invite).unwrap().to_string();
            assert!(!phrase.contains(text) && !phrase.contains(char::is_control), "{phrase:?}");
        }
    }
}
