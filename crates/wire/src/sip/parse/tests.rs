use super::*;
use crate::sip::{Fault, StartLineFault};

fn parse(text: &str) -> Result<Message<'_>, ParseError> {
    Message::parse(text.as_bytes())
}

#[test]
fn keep_alives_are_no_messages() {
    for datagram in ["", "\r\n", "\r\n\r\n", "\0\0\0\0", "\n", "\r\n\0"] {
        assert_eq!(parse(datagram).unwrap_err(), ParseError::KeepAlive, "{datagram:?}");
    }
}

#[test]
fn line_ends_before_the_start_line_are_skipped() {
    let message = parse("\r\n\r\nBYE sip:a@b SIP/2.0\r\n\r\n").unwrap();
    assert_eq!(message.as_bytes(), b"BYE sip:a@b SIP/2.0\r\n\r\n");
}

#[test]
fn what_starts_with_neither_line_is_no_message() {
    for datagram in [
        "GET / HTTP/1.1\r\n\r\n",
        "INVITE\r\n\r\n",
        "INVITE sip:a@b\r\n\r\n",
        "INVITE SIP/2.0\r\n\r\n",
        " INVITE sip:a@b SIP/2.0\r\n\r\n",
        "IN(VITE sip:a@b SIP/2.0\r\n\r\n",
        "SIP/2.0\r\n\r\n",
        "SIP/2.0 OK\r\n\r\n",
        "SIP/2.0 200OK\r\n\r\n",
        "\0INVITE sip:a@b SIP/2.0\r\n\r\n",
    ] {
        assert_eq!(parse(datagram).unwrap_err(), ParseError::StartLine, "{datagram:?}");
    }
    for datagram in
        ["SIP/2.0 99 x\r\n\r\n", "SIP/2.0 700 x\r\n\r\n", "SIP/2.0 1000 x\r\n\r\n", "SIP/2.0 20\r\n\r\n"]
    {
        assert_eq!(parse(datagram).unwrap_err(), ParseError::StatusCode, "{datagram:?}");
    }
}

#[test]
fn a_status_line_may_lack_its_phrase_and_the_space_before_it() {
    for (line, phrase) in
        [("SIP/2.0 200", ""), ("SIP/2.0 200 ", ""), ("sip/2.0 200 OK", "OK"), ("SIP/2.0 200  O K ", " O K ")]
    {
        let text = format!("{line}\r\n\r\n");
        let message = parse(&text).unwrap();
        assert_eq!(message.reason_phrase(), Some(phrase.as_bytes()), "{line}");
        assert_eq!(message.start_line_fault(), None, "{line}");
    }
    let message = parse("SIP/2.0  200 OK\r\n\r\n").unwrap();
    assert_eq!(message.start_line_fault(), Some(StartLineFault::ExtraSpace));
}

#[test]
fn what_is_wrong_with_a_request_line_is_told() {
    for (line, uri, fault) in [
        ("INVITE sip:a SIP/2.0", "sip:a", None),
        ("INVITE\tsip:a SIP/2.0", "sip:a", Some(StartLineFault::ExtraSpace)),
        ("INVITE  sip:a SIP/2.0", "sip:a", Some(StartLineFault::ExtraSpace)),
        ("INVITE sip:a \t SIP/2.0", "sip:a", Some(StartLineFault::ExtraSpace)),
        ("INVITE sip:a SIP/2.0 ", "sip:a", Some(StartLineFault::TrailingSpace)),
        ("INVITE a b  c SIP/2.0", "a b  c", Some(StartLineFault::SpaceInUri)),
        ("INVITE a\0b SIP/2.0", "a\0b", Some(StartLineFault::SpaceInUri)),
        ("INVITE <sip:a> SIP/2.0", "<sip:a>", Some(StartLineFault::BracketedUri)),
        ("INVITE sip:a sip/17.012", "sip:a", None),
        ("INVITE sip:a SIP/2", "sip:a", Some(StartLineFault::Version)),
        ("INVITE sip:a SIP/2.0x", "sip:a", Some(StartLineFault::Version)),
    ] {
        let text = format!("{line}\r\n\r\n");
        let message = parse(&text).unwrap();
        assert_eq!(message.request_uri(), Some(uri.as_bytes()), "{line:?}");
        assert_eq!(message.start_line_fault(), fault, "{line:?}");
    }
}

#[test]
fn a_line_that_is_no_header_hides_no_header() {
    let message = parse(
        "BYE sip:a SIP/2.0\r\n x: 1\r\nno colon\r\nTo: <sip:a@b>\r\nb d: 2\r\n: 3\r\nFrom: x:y\r\n\r\n",
    );
    let message = message.unwrap();
    assert_eq!(message.malformed_line(), Some(&b" x: 1\r"[..]));
    assert_eq!(message.fields().count(), 2);
    assert!(message.to().is_ok() && message.from().is_ok());
}

#[test]
fn a_line_without_colon_and_its_continuation_are_one() {
    let message = parse("BYE sip:a SIP/2.0\nno colon\n To: a\nTo: <sip:b>\n\n").unwrap();
    assert_eq!(message.malformed_line(), Some(&b"no colon\n To: a"[..]));
    assert_eq!(message.fields().count(), 1);
}

#[test]
fn an_empty_line_ends_the_headers_even_when_a_space_follows() {
    let message = parse("BYE sip:a SIP/2.0\r\nTo: a\r\n\r\n b").unwrap();
    assert_eq!((message.fields().count(), message.body()), (1, &b" b"[..]));
}

#[test]
fn headers_without_an_empty_line_are_told() {
    for text in [
        "BYE sip:a SIP/2.0",
        "BYE sip:a SIP/2.0\r\n",
        "BYE sip:a SIP/2.0\r\nTo: <sip:b>",
        "BYE sip:a SIP/2.0\nl: 0\n",
    ] {
        let message = parse(text).unwrap();
        assert_eq!((message.framing(), message.body()), (Framing::Unterminated, &b""[..]), "{text:?}");
    }
}

#[test]
fn the_length_decides_where_the_body_ends() {
    for (header, framing, body) in [
        ("X: y", Framing::Complete, "hello"),
        ("l: 5", Framing::Complete, "hello"),
        ("l: 005\r\nContent-Length: 5", Framing::Complete, "hello"),
        ("Content-Length: 0", Framing::Complete, ""),
        ("l: 2", Framing::Complete, "he"),
        ("l: 6", Framing::Short { declared: 6, got: 5 }, "hello"),
        ("l: 2\r\nl: 3", Framing::Invalid, "hello"),
        ("l: 2, 2", Framing::Invalid, "hello"),
        ("l: +2", Framing::Invalid, "hello"),
        ("l:", Framing::Invalid, "hello"),
        ("l: 99999999999999999999", Framing::Short { declared: usize::MAX, got: 5 }, "hello"),
    ] {
        let text = format!("INFO sip:a SIP/2.0\r\n{header}\r\n\r\nhello");
        let message = parse(&text).unwrap();
        assert_eq!((message.framing(), message.body()), (framing, body.as_bytes()), "{header:?}");
    }
}

#[test]
fn header_fields_have_a_limit() {
    let text = |count: usize| format!("INFO sip:a SIP/2.0\r\n{}\r\n", "X: y\r\n".repeat(count));
    assert_eq!(parse(&text(MAX_HEADERS)).unwrap().fields().count(), MAX_HEADERS);
    assert_eq!(parse(&text(MAX_HEADERS + 1)).unwrap_err(), ParseError::TooManyHeaders);
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
//= type=test
//# However, implementations MUST be able to handle messages up to the maximum datagram packet size.
#[test]
fn the_longest_message_is_read_to_its_last_byte() {
    let filled = |start: &str, length: usize| format!("{start}{}", "x".repeat(length - start.len()));
    let text = |length: usize| filled("INFO sip:a SIP/2.0\r\n\r\n", length);
    let longest = text(MAX_MESSAGE);
    assert_eq!(parse(&longest).unwrap().body().last(), Some(&b'x'));
    let header = filled("INFO sip:a SIP/2.0\r\nX: ", MAX_MESSAGE);
    assert_eq!(parse(&header).unwrap().fields().next().unwrap().value().len(), MAX_MESSAGE - 23);
    assert_eq!(parse(&text(MAX_MESSAGE + 1)).unwrap_err(), ParseError::TooLong { length: MAX_MESSAGE + 1 });
}

#[test]
fn a_value_that_is_empty_is_told_where_one_must_be() {
    let message =
        parse("BYE sip:a SIP/2.0\r\nVia:\r\nTo:\r\nCall-ID:\r\nContact: <sip:a>,\r\nSupported:\r\n\r\n")
            .unwrap();
    assert_eq!(message.via().unwrap_err().fault(), Fault::Empty);
    assert_eq!(message.to().unwrap_err().fault(), Fault::Empty);
    assert_eq!(message.call_id().unwrap_err().fault(), Fault::Empty);
    assert_eq!(message.contacts().filter(Result::is_err).count(), 1);
    assert_eq!(message.values(HeaderName::Supported).count(), 0);
}

#[test]
fn a_name_that_only_begins_like_a_known_one_is_another_and_one_with_nul_is_none() {
    let message = parse(
        "BYE sip:a SIP/2.0\r\nContent-Encoding-X: gzip\r\nContent-Length\0: 5\r\nRemote-Party-ID\0: <sip:a>\r\n\
         Content-Length: 2\r\n\r\nab",
    )
    .unwrap();
    let names: Vec<_> = message.fields().map(|field| field.name()).collect();
    assert_eq!(names, [HeaderName::Other, HeaderName::ContentLength]);
    assert_eq!(message.first(HeaderName::ContentEncoding), None);
    assert_eq!((message.body(), message.first(HeaderName::RemotePartyId)), (&b"ab"[..], None));
}

#[test]
fn debug_output_names_nobody() {
    let message = parse("BYE sip:alice@b SIP/2.0\r\nTo: <sip:alice@b>\r\n\r\nalice").unwrap();
    assert_eq!(format!("{message:?}"), "Message { method: Bye, fields: 1, bytes: 51, .. }");
}

#[test]
fn a_usual_line_is_found_as_any_line_is_and_no_other_is_usual() {
    let (mut usual, mut others) = (0, 0);
    for name in
        ["Via", "Call-ID", "Max-Forwards", "Accept-Contact", "call-id", "v", "X-Tag", "Accept-Language", ""]
    {
        for between in [": ", ":", " : ", ":  ", ":\t", ""] {
            for value in [
                "1",
                "a longer value than a block is",
                "\u{fc} \u{ff}",
                "a\tb",
                "a\0b",
                "a\rb",
                " a",
                "a ",
                "",
            ] {
                for end in ["\r\nTo: b\r\n\r\n", "\n", "\r\n", "\r\n\r\n", "\r\n b\r\n\r\n", "\r\r\n\r\n", ""]
                {
                    let text = [name, between, value, end, "the body of sixteen and more"].concat();
                    if let Some(found) = usual_line(text.as_bytes()) {
                        assert_eq!(
                            found,
                            Found { is_one_line: true, ..any_line(text.as_bytes()) },
                            "{text:?}"
                        );
                        assert!(!value.contains(['\0', '\r']) && name != "X-Tag", "{text:?}");
                        usual += 1;
                    } else {
                        others += 1;
                    }
                }
            }
        }
    }
    assert!(usual > 40 && others > 2_000, "{usual} and {others}");
}
