//! A line by UDP whose REGISTER is too long for it: that goes by TCP, and the line stays where it is (RFC 3261 section
//! 18.1.1).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod wordy;

use std::time::Duration;

use ringfence_ua::{Cause, ConnectionId, Limits, RegistrationState};
use wordy::{Phone, account, other_server, seconds, server};

//= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
//= type=test
//# If a request is within 200 bytes of the path MTU, or if it is larger
//# than 1300 bytes and the path MTU is unknown, the request MUST be sent
//# using an RFC 2914 [43] congestion controlled transport protocol, such
//# as TCP.
//= https://www.rfc-editor.org/rfc/rfc3261#section-18
//= type=test
//# It has arisen out of the need to handle larger messages, which MUST use TCP, as discussed below.
//= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
//= type=test
//# If this causes a change in the transport protocol from the one indicated in the top Via, the
//# value in the top Via MUST be changed.
#[test]
fn a_long_register_goes_by_tcp_and_its_line_stays_one_by_udp() {
    let mut phone = Phone::new();
    assert!(phone.by_udp().is_empty(), "it waits for the connection");
    let register = phone.registered_by_tcp();
    assert!(register.len() > 1300 && register.contains("\r\nVia: SIP/2.0/TCP 192.0.2.7:40001;branch="));
    assert!(register.contains("\r\nContact: <sip:858@192.0.2.7:5060;line="), "{register}");
    assert!(phone.by_udp().is_empty() && phone.wanted() == 0);
    phone.pass(seconds(29));
    assert_eq!(phone.by_udp(), ["\r\n\r\n"], "the flow by UDP is kept open");
    assert_eq!(phone.endpoint.counters().requests_by_tcp, 1);
}

#[test]
fn one_of_1300_bytes_goes_by_udp_and_one_of_a_byte_more_does_not() {
    let length = Phone::named(100).by_udp().pop().unwrap().len();
    let fitting = 100 + (1300 - length) / 2;
    let mut phone = Phone::named(fitting);
    let sent = phone.by_udp().pop().unwrap().len();
    assert!((1299..=1300).contains(&sent) && phone.wanted() == 0, "{sent}");
    let mut phone = Phone::named(fitting + 1);
    assert!(phone.by_udp().is_empty() && phone.wanted() == 1);
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
//= type=test
//# if the attempt to establish the connection generates either an
//# ICMP Protocol Not Supported, or results in a TCP reset, the element
//# SHOULD retry the request, using UDP.
#[test]
fn a_server_that_refuses_tcp_is_asked_by_udp_for_an_hour() {
    let mut phone = Phone::new();
    assert_eq!(phone.wanted(), 1);
    phone.refuse();
    let mut passed = Duration::ZERO;
    while phone.wanted() == 0 {
        for register in phone.by_udp() {
            if register.starts_with("REGISTER") {
                assert!(register.contains("\r\nVia: SIP/2.0/UDP 192.0.2.7:5060;branch="), "{register}");
                phone.accept(&register, 5060);
            }
        }
        phone.pass(seconds(10));
        passed += seconds(10);
    }
    assert!(!phone.has_failed());
    // The lifetime is an hour: the refresh before it is by UDP, and the next one is not.
    assert!(passed > seconds(3600) && passed < seconds(2 * 3600), "{passed:?}");
}

#[test]
fn a_server_that_says_nothing_to_tcp_is_asked_by_udp_after_4_s() {
    let mut phone = Phone::new();
    phone.pass(Duration::from_millis(3_999));
    assert!(phone.by_udp().is_empty());
    phone.pass(Duration::from_millis(1));
    let register = phone.by_udp().pop().unwrap();
    phone.accept(&register, 5060);
    assert!(phone.state().is_registered() && !phone.has_failed());
    phone.connect();
    assert!(phone.by_tcp().is_empty(), "what came too late is for the next one");
}

#[test]
fn a_connection_that_is_lost_has_the_line_refresh_and_is_no_failure() {
    let mut phone = Phone::new();
    phone.registered_by_tcp();
    phone.pass(seconds(60));
    phone.disconnect();
    phone.pass(seconds(3));
    assert!(phone.wanted() == 1 && !phone.has_failed(), "it is known where the line is");
    phone.connect();
    let register = phone.by_tcp().pop().unwrap();
    phone.accept(&register, 40001);
    // A registrar that closes it at once is not asked again and again.
    phone.disconnect();
    phone.pass(seconds(600));
    assert!(phone.wanted() == 0 && phone.state().is_registered() && !phone.has_failed());
}

#[test]
fn a_connection_that_is_closed_instead_of_an_answer_leads_to_udp_at_once() {
    let mut phone = Phone::new();
    assert_eq!(phone.wanted(), 1);
    phone.connect();
    let by_tcp = phone.by_tcp().pop().unwrap();
    phone.disconnect();
    let register = phone.registers_by_udp().pop().unwrap();
    assert!(register.contains("\r\nVia: SIP/2.0/UDP 192.0.2.7:5060;branch="), "{register}");
    let branch = |register: &str| register.split("branch=").nth(1).unwrap()[..30].to_owned();
    assert_ne!(branch(&register), branch(&by_tcp), "it is another transaction");
    assert!(register.contains("\r\nCSeq: 2 REGISTER"), "the first may have arrived: {register}");
    phone.accept(&register, 5060);
    assert!(phone.state().is_registered() && !phone.has_failed());
}

#[test]
fn a_connection_over_which_nothing_comes_leads_to_udp_at_once_and_is_closed() {
    let mut phone = Phone::new();
    assert_eq!(phone.wanted(), 1);
    phone.connect();
    assert_eq!(phone.by_tcp().len(), 1);
    phone.pass(seconds(32));
    assert!(phone.disconnects(), "it is closed");
    let register = phone.registers_by_udp().pop().unwrap();
    phone.disconnect();
    phone.accept(&register, 5060);
    assert!(phone.state().is_registered() && !phone.has_failed() && phone.wanted() == 0);
}

#[test]
fn the_removal_that_a_connection_does_not_answer_goes_by_udp() {
    let mut phone = Phone::new();
    phone.registered_by_tcp();
    phone.pass(seconds(1));
    phone.endpoint.unregister(phone.clock.now(), phone.line);
    phone.look();
    assert!(phone.by_tcp().pop().unwrap().contains("\r\nExpires: 0\r\n"));
    phone.disconnect();
    let removal = phone.registers_by_udp().pop().unwrap();
    assert!(removal.contains("\r\nExpires: 0\r\n"), "{removal}");
}

#[test]
fn all_the_lines_of_a_silent_connection_go_by_udp_and_none_has_failed() {
    let mut phone = Phone::new();
    phone.add(600);
    phone.connect();
    assert_eq!(phone.by_tcp().join("").matches("REGISTER sip:").count(), 2);
    phone.pass(seconds(32));
    let registers = phone.registers_by_udp();
    assert_eq!(registers.len(), 2);
    for register in registers {
        phone.accept(&register, 5060);
    }
    phone.pass(seconds(60));
    assert!(!phone.has_failed());
}

#[test]
fn the_lines_that_were_registered_over_a_connection_that_has_become_silent_are_refreshed() {
    let mut phone = Phone::new();
    phone.registered_by_tcp();
    phone.pass(seconds(1000));
    phone.add(600);
    phone.by_tcp();
    phone.by_udp();
    phone.pass(seconds(32));
    phone.disconnect();
    phone.pass(seconds(3));
    let registers = phone.registers_by_udp();
    let is_ours =
        |register: &&String| register.contains(&"n".repeat(500)) && !register.contains(&"n".repeat(600));
    assert!(registers.iter().any(|register| is_ours(&register)), "it may have led the calls here");
    assert!(!phone.has_failed());
}

#[test]
fn a_silent_connection_says_nothing_of_the_way_by_udp() {
    let mut phone = Phone::new();
    phone.servers = vec![server(), other_server()];
    phone.connect();
    phone.by_tcp();
    phone.pass(seconds(32));
    phone.add(1);
    assert_eq!(phone.registers_by_udp().len(), 2, "both go to the first");
}

/// Returns a phone whose long REGISTER has gone by TCP, and that REGISTER; a short one of another line is not answered by UDP.
fn silent_by_udp() -> (Phone, String) {
    let mut phone = Phone::new();
    phone.servers = vec![server(), other_server()];
    phone.add(1);
    phone.pass(seconds(3));
    phone.connect();
    let register = phone.by_tcp().pop().unwrap();
    phone.pass(Duration::from_millis(29_500));
    phone.by_udp();
    (phone, register)
}

#[test]
fn an_answer_over_a_connection_does_not_say_that_udp_is_answered() {
    let (mut phone, register) = silent_by_udp();
    phone.accept(&register, 40001);
    phone.add(2);
    assert_eq!(phone.by_udp_to(other_server()).len(), 1);
}

#[test]
fn a_server_that_is_not_in_service_is_left_alone_whatever_it_was_asked_by() {
    let mut phone = Phone::new();
    phone.connect();
    let register = phone.by_tcp().pop().unwrap();
    phone.answer(&register, 40001, "503 Service Unavailable");
    phone.servers = vec![server(), other_server()];
    phone.add(1);
    assert_eq!(phone.by_udp_to(other_server()).len(), 1);
}

#[test]
fn the_lines_of_one_server_share_a_connection() {
    let mut phone = Phone::new();
    let now = phone.clock.now();
    for _ in 0..2 {
        phone.endpoint.add_line(now, account(600)).unwrap();
    }
    phone.look();
    assert_eq!(phone.wanted(), 1);
    phone.connect();
    assert_eq!(phone.by_tcp().join("").matches("REGISTER sip:").count(), 3);
    assert_eq!(phone.wanted(), 0);
}

#[test]
fn a_request_that_there_is_no_room_for_when_it_may_go_is_tried_again_later() {
    let limits = Limits { client_transactions: 1, ..Limits::default() };
    let mut phone = Phone::within(limits, 500);
    phone.endpoint.add_line(phone.clock.now(), account(600)).unwrap();
    phone.look();
    assert_eq!(phone.by_udp().len(), 1, "no more wait than there is room for");
    phone.connect();
    assert!(matches!(phone.state(), RegistrationState::Failed { cause: Cause::Overloaded, .. }));
    assert!(phone.by_tcp().is_empty());
}

#[test]
fn a_connection_is_kept_open_while_a_line_needs_it() {
    let mut phone = Phone::new();
    phone.registered_by_tcp();
    phone.pass(seconds(120));
    assert_eq!(phone.by_tcp(), ["\r\n\r\n"]);
    assert!(phone.endpoint.uses(ConnectionId::new(1)));
    phone.endpoint.unregister(phone.clock.now(), phone.line);
    phone.look();
    let removal = phone.by_tcp().pop().unwrap();
    assert!(removal.contains("\r\nExpires: 0\r\n"), "{removal}");
    phone.accept(&removal, 40001);
    assert!(!phone.endpoint.uses(ConnectionId::new(1)), "it may be closed");
    phone.disconnect();
    phone.pass(seconds(600));
    assert!(phone.by_tcp().is_empty() && phone.wanted() == 0);
}

#[test]
fn a_connection_from_an_address_that_we_no_longer_have_is_to_be_closed() {
    let mut phone = Phone::new();
    phone.registered_by_tcp();
    let now = phone.clock.now();
    let kept = phone.endpoint.handle_route(now, server().ip(), Ok("192.0.2.7".parse().unwrap()));
    assert!(kept.is_empty());
    let lost = phone.endpoint.handle_route(now, server().ip(), Ok("192.0.2.8".parse().unwrap()));
    assert_eq!(Vec::from_iter(lost), [ConnectionId::new(1)]);
}
