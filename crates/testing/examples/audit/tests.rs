//! What is taken for the user agent's, what is judged, and what is refused.

use std::time::{Duration, UNIX_EPOCH};

use ringfence_testing::Pcap;

use super::*;

/// The user agent, where it listens and where it connects from, and its registrar.
const UA: &str = "192.0.2.7:5062";
const CONNECTING: &str = "192.0.2.7:40001";
const PBX: &str = "192.0.2.1:5060";

/// What both of a transaction have.
const REST: &str = "From: <sip:858@b.example>;tag=1\r\nTo: <sip:858@b.example>";

fn register(transport: &str, more: &str) -> String {
    format!(
        "REGISTER sip:b.example SIP/2.0\r\nVia: SIP/2.0/{transport} {UA};branch=z9hG4bK1\r\nMax-Forwards: 70\r\n{REST}\r\n\
         Call-ID: r\r\nCSeq: 1 REGISTER\r\nContact: <sip:858@{UA}>\r\n{more}Content-Length: 0\r\n\r\n"
    )
}

fn options(transport: &str) -> String {
    format!(
        "OPTIONS sip:858@{UA} SIP/2.0\r\nVia: SIP/2.0/{transport} {PBX};branch=z9hG4bK2\r\nMax-Forwards: 70\r\n{REST}\r\n\
         Call-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

fn answered(request: &str, tag: &str) -> String {
    let (_, rest) = request.split_once("\r\n").unwrap();
    let rest = rest.replace("Max-Forwards: 70\r\n", "");
    format!(
        "SIP/2.0 200 OK\r\n{}",
        rest.replace("To: <sip:858@b.example>", &format!("To: <sip:858@b.example>{tag}"))
    )
}

/// Judges a capture of messages, each with its milliseconds.
fn judged(words: &str, messages: &[(u64, &str, &str, &str)]) -> io::Result<Vec<String>> {
    let asked = Asked::read(words.split_whitespace().map(str::to_owned)).unwrap();
    let mut capture = Pcap::new(Vec::new()).unwrap();
    for (millis, source, destination, message) in messages {
        let at = UNIX_EPOCH + Duration::from_secs(1_700_000_000) + Duration::from_millis(*millis);
        capture.write(at, source.parse().unwrap(), destination.parse().unwrap(), message.as_bytes()).unwrap();
    }
    let judged = judge(&capture.into_inner()[..], &asked)?;
    assert_eq!(judged.messages, messages.len());
    Ok(judged.faults)
}

fn faults(words: &str, messages: &[(u64, &str, &str, &str)]) -> Vec<String> {
    judged(words, messages).unwrap()
}

#[test]
fn the_user_agent_is_who_has_a_port_that_was_named() {
    let (options, untagged) = (options("UDP"), answered(&options("UDP"), ""));
    let messages = [(0, PBX, UA, &*options), (1_500, UA, PBX, &*untagged)];
    let wrong = ["1.500000 RFC 3261 section 8.2.6.2: To has a tag, but for 100: SIP/2.0 200 OK"];
    assert_eq!(faults("FILE 5062", &messages), wrong);
    assert_eq!(faults("FILE 5064 192.0.2.7:5062", &messages), wrong);
    let right = answered(&options, ";tag=2");
    assert_eq!(faults("FILE 5062", &[(0, PBX, UA, &options), (1, UA, PBX, &right)]), [""; 0]);
}

#[test]
fn where_no_port_tells_it_is_who_registers_first() {
    let (register, options) = (register("TCP", ""), options("TCP"));
    let untagged = answered(&options, "");
    let messages =
        [(0, PBX, CONNECTING, &*options), (1, CONNECTING, PBX, &*register), (2, CONNECTING, PBX, &*untagged)];
    assert_eq!(faults("FILE 5062", &messages).len(), 1);
    // Both have it.
    assert_eq!(faults("FILE 5060 40001", &messages).len(), 1);
}

#[test]
fn where_nobody_registers_it_is_who_does_not_ask_first() {
    let (options, untagged) = (options("TCP"), answered(&options("TCP"), ""));
    let messages = [(0, PBX, CONNECTING, &*options), (1, CONNECTING, PBX, &*untagged)];
    assert_eq!(faults("FILE", &messages).len(), 1);
}

#[test]
fn where_nobody_asks_it_is_not_known_and_nothing_is_judged() {
    let error = judged("FILE", &[(0, PBX, CONNECTING, &answered(&options("TCP"), ""))]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected a PORT of 192.0.2.1:5060 or 192.0.2.7:40001, or a request between them: which of them is the user agent?"
    );
}

#[test]
fn what_comes_too_soon_is_wrong_unless_time_does_not_count() {
    let register = register("UDP", "");
    let messages = [(0, UA, PBX, &*register), (100, UA, PBX, &*register)];
    let line = "REGISTER sip:b.example SIP/2.0";
    assert_eq!(
        faults("FILE 5062", &messages),
        [format!("0.100000 RFC 3261 section 17.1.2.2: a request is not repeated before its time: {line}")]
    );
    assert_eq!(faults("--timeless FILE 5062", &messages), [""; 0]);
}

#[test]
fn what_is_too_long_for_udp_is_wrong_unless_there_is_no_connection_to_be_had() {
    let long = register("UDP", &format!("X: {}\r\n", "x".repeat(1300)));
    let messages = [(0, UA, PBX, &*long)];
    assert_eq!(faults("FILE 5062", &messages).len(), 1);
    assert_eq!(faults("--long-by-udp FILE 5062", &messages), [""; 0]);
}

#[test]
fn words_that_are_not_understood_are_refused() {
    let refused = |words: &str| Asked::read(words.split_whitespace().map(str::to_owned)).unwrap_err();
    assert_eq!(refused(""), "expected [--timeless] [--long-by-udp] CAPTURE PORT…, found no CAPTURE");
    assert_eq!(refused("--times FILE"), "expected --timeless or --long-by-udp, found --times");
    assert_eq!(refused("FILE 70000"), "expected a port or an address with one, found 70000");
}
