//! What has to hold of one message, whatever was sent before.

use super::*;

/// What is done to a right answer, and the rule that this breaks.
const ANSWERS: &[(&str, &str, &str, &str)] = &[
    ("486 Busy Here", "SIP/2.0 486", "sip/2.0 486", "the version is SIP/2.0"),
    ("486 Busy Here", "CANCEL\r\n", "CANCEL\n", "each line ends with CRLF"),
    ("486 Busy Here", "Allow: INVITE", "Allow INVITE", "each line is a header field"),
    ("486 Busy Here", "Length: 0\r\n\r\n", "Length: 1\r\n\r\n", "Content-Length is the body's"),
    ("486 Busy Here", "a.example>;tag=1", "a.example>;tag=9", "From is that of the request"),
    ("486 Busy Here", "CSeq: 1 INVITE", "CSeq: 01 INVITE", "CSeq is that of the request"),
    ("486 Busy Here", "bK6", "bK5", "Via is that of the request"),
    ("486 Busy Here", "858@b.example", "859@b.example", "To is that of the request, but for the tag"),
    ("486 Busy Here", ";tag=2", "", "To has a tag, but for 100"),
    ("100 Trying", "Timestamp: 54\r\n", "", "100 has the Timestamp of the request"),
    (
        "486 Busy Here",
        "received=192.0.2.1",
        "received=192.0.2.9",
        "Via says where the request was received from",
    ),
    ("486 Busy Here", ";rport=5060", ";rport", "rport says from which port (RFC 3581)"),
    ("405 Method Not Allowed", "Allow: INVITE, ACK, CANCEL\r\n", "", "405 has Allow"),
    ("420 Bad Extension", "Unsupported: x", "Unsupported: y", "Unsupported lists what was required"),
    (
        "486 Busy Here",
        "Accept: ",
        "Unsupported: x\r\nAccept: ",
        "a header field stands where the tables have it",
    ),
    (
        "486 Busy Here",
        "Accept: ",
        "Max-Forwards: 7\r\nAccept: ",
        "a header field stands where the tables have it",
    ),
    (
        "486 Busy Here",
        "Accept: ",
        "Retry-After: soon\r\nTransfer-Encoding: chunked\r\nAccept: ",
        "nothing is chunked",
    ),
    ("180 Ringing", "INVITE, ACK, CANCEL", "INVITE, ACK", "who allows INVITE allows ACK and CANCEL"),
    (
        "180 Ringing",
        "Accept: ",
        "Require: timer\r\nAccept: ",
        "a response requires only what the request supports",
    ),
    (
        "302 Moved Temporarily",
        "<sip:858@192.0.2.7>",
        "<sip:858@192.0.2.7;x=y>",
        "a redirection leads elsewhere",
    ),
    ("486 Busy Here", "Length: 0\r\n\r\n", "Length: 1\r\n\r\nx", "a body has a Content-Type"),
    ("420 Bad Extension", "Unsupported: x\r\n", "", "420 has Unsupported"),
    ("415 Unsupported Media Type", "Accept: application/sdp\r\n", "", "415 says what would be understood"),
    (
        "180 Ringing",
        "Record-Route: <sip:p.example;lr>\r\n",
        "",
        "what makes a dialog has the Record-Route of the request",
    ),
    ("180 Ringing", "Contact: <sip:858@192.0.2.7>\r\n", "", "what makes a dialog has one Contact"),
    ("486 Busy Here", "Call-ID: c\r\n", "Call-ID: d\r\n", "a response answers a request"),
];

#[test]
fn each_rule_about_an_answer_finds_what_it_is_about() {
    for (status, right, wrong, rule) in ANSWERS {
        let mut bench = Bench::called();
        let right_answer = answer(status);
        assert!(right_answer.contains(right), "{right}");
        bench.sent(&right_answer.replacen(right, wrong, 1));
        bench.expect(rule);
    }
}

/// What is done to a right REGISTER, and the rule that this breaks.
const REQUESTS: &[(&str, &str, &str)] = &[
    ("Max-Forwards: 70\r\n", "", "the six mandatory header fields are there"),
    ("To: <sip:858@b.example>", "To: <sip:858@b.example>;tag=2", "a REGISTER has no To tag"),
    (";tag=1", "", "From has a tag"),
    ("7 REGISTER", "7 OPTIONS", "CSeq has the method of the request"),
    ("SIP/2.0/UDP", "SIP/2.0/TCP", "Via names SIP/2.0 and the transport"),
    ("z9hG4bKr", "xxx", "the branch begins with z9hG4bK"),
    ("<sip:858@192.0.2.7>", "<sip:858@192.0.2.7>;q=1;Q=0", "a parameter is there once"),
    ("sip:b.example SIP", "sip:858@b.example SIP", "a registrar's URI has no user"),
    ("sip:b.example SIP", "<sip:b.example> SIP", "the start line is as its grammar has it"),
    (
        "Max-Forwards: 70\r\n",
        "Max-Forwards: 70\r\nMax-Forwards: 70\r\n",
        "a header field of one value occurs once",
    ),
    ("Call-ID: r\r\n", "", "a request has Via, Call-ID and CSeq"),
    ("sip:b.example SIP", "sips:b.example SIP", "a SIPS URI has a SIPS Contact with it"),
    ("To: <sip:858@b.example>", "To: <tel:858>", "what is registered is a SIP or SIPS URI"),
    ("Contact: <sip:858@192.0.2.7>", "Contact: *", "a Contact of * has Expires: 0 with it"),
    ("nonce=\"n\"", "nonce=n", "what credentials quote is in quotation marks, and nothing else"),
    ("nc=00000002", "nc=\"00000002\"", "what credentials quote is in quotation marks, and nothing else"),
    (",qop=auth", "", "cnonce and nc are there with qop, and with it alone"),
    ("Digest nonce", "Digest realm=\"a\", Digest nonce", "credentials and challenges stand in a field each"),
    (
        "<sip:858@192.0.2.7>",
        "sip:858@192.0.2.7?a=b",
        "a URI with a comma or a question mark is in angle brackets",
    ),
    (
        "Max-Forwards: 70\r\n",
        "Max-Forwards: 70\r\nSubject: x\r\n",
        "a header field is of a method that has it",
    ),
    (
        "Max-Forwards: 70\r\n",
        "Max-Forwards: 70\r\nSupported: x\r\n",
        "an option that is supported is one of a standard",
    ),
    ("REGISTER sip:b.example SIP/2.0\r\n", "hello\r\n", "what is sent is a SIP message"),
];

#[test]
fn each_rule_about_a_request_finds_what_it_is_about() {
    for (right, wrong, rule) in REQUESTS {
        let mut bench = Bench::new();
        assert!(REGISTER.contains(right), "{right}");
        bench.sent(&REGISTER.replacen(right, wrong, 1));
        assert!(bench.broken().contains(rule), "{rule}: {:?}", bench.auditor.faults());
    }
}

#[test]
fn what_a_response_echoes_is_not_judged_by_how_it_is_written() {
    let to = "To: <sip:858@b.example>";
    for odd in ["To: sip:858@b.example?x=y", "To: tel:+41?x"] {
        let mut bench = Bench::new();
        bench.received(&INVITE.replace(to, odd));
        bench.sent(&answer("486 Busy Here").replace(to, odd));
        assert_eq!(bench.auditor.faults(), [], "{odd}");
    }
}

#[test]
fn several_addresses_in_one_field_are_each_in_brackets_or_need_none() {
    let mut bench = Bench::new();
    bench.sent(&REGISTER.replace("<sip:858@192.0.2.7>", "sip:858@192.0.2.7, sip:858@192.0.2.8"));
    assert_eq!(bench.auditor.faults(), []);
}

#[test]
fn the_contact_of_a_request_within_a_dialog_is_no_matter_of_what_begins_one() {
    let mut bench = Bench::new();
    let within = |message: &str| message.replace("To: <sip:858@b.example>", "To: <sip:858@b.example>;tag=2");
    let secure = within(INVITE).replace("sip:p.example", "sips:p.example");
    bench.received(&secure);
    bench.sent(&answer("200 OK").replace("sip:p.example", "sips:p.example"));
    assert_eq!(bench.auditor.faults(), []);
}
