//! A line by UDP whose REGISTER is too long for it, where the connection that takes that is the way to the line: a translator
//! stands between, or the registrar calls back over the flow of the REGISTER (RFC 5626).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod wordy;

use ringfence_ua::auth::Credentials;
use ringfence_ua::{Cause, Limits, RegistrationState};
use wordy::{Phone, account, other_server, seconds, server};

/// Returns a phone behind a translator, which a connection has become the way to: it was seen at this port.
fn translated(port: u16) -> Phone {
    let mut phone = Phone::new();
    phone.connect();
    let register = phone.by_tcp().pop().unwrap();
    phone.accept(&register, port);
    assert!(!phone.state().is_registered(), "the Contact is not yet where it is seen");
    let again = phone.by_tcp().pop().unwrap();
    let contact = format!("<sip:858@198.51.100.1:{port};transport=tcp;line=");
    assert!(again.contains(&contact) && again.contains("\r\nVia: SIP/2.0/TCP 192.0.2.7:40001;"), "{again}");
    let old = again.lines().find(|line| line.contains("<sip:858@192.0.2.7:5060;line=")).unwrap();
    assert!(old.ends_with(";expires=0"), "{again}");
    phone.accept(&again, port);
    assert!(phone.state().is_registered() && phone.wanted() == 1);
    phone
}

#[test]
fn where_a_translator_stands_between_the_connection_becomes_the_way_to_the_line() {
    let mut phone = translated(62_000);
    phone.pass(seconds(120));
    assert!(phone.by_udp().is_empty(), "nothing is to be kept open there");
    assert_eq!(phone.by_tcp(), ["\r\n\r\n"], "it is pinged once, whoever wants that");
    phone.disconnect();
    let lost = "closed by the peer";
    assert!(
        matches!(phone.state(), RegistrationState::Failed { cause: Cause::Unconnected { error, .. }, .. } if error == lost)
    );
    phone.pass(seconds(3));
    assert_eq!(phone.wanted(), 1);
    phone.connect();
    let register = phone.by_tcp().pop().unwrap();
    phone.accept(&register, 62_001);
    let again = phone.by_tcp().pop().unwrap();
    assert!(again.contains("<sip:858@198.51.100.1:62001;transport=tcp;line="), "{again}");
    phone.accept(&again, 62_001);
    assert!(phone.state().is_registered());
}

#[test]
fn a_line_that_has_lost_its_connection_and_gets_no_other_is_one_by_udp_again() {
    let mut phone = translated(62_000);
    phone.pass(seconds(120));
    phone.disconnect();
    phone.pass(seconds(3));
    phone.by_udp();
    phone.refuse();
    let register = phone.registers_by_udp().pop().unwrap();
    assert!(register.contains("\r\nContact: <sip:858@192.0.2.7:5060;line="), "{register}");
    phone.accept(&register, 5060);
    assert!(phone.state().is_registered());
    phone.pass(seconds(29));
    assert_eq!(phone.by_udp(), ["\r\n\r\n"]);
}

#[test]
fn a_connection_that_does_not_last_is_not_the_way_to_a_line_for_an_hour() {
    let mut phone = translated(62_000);
    phone.pass(seconds(59));
    phone.by_tcp();
    phone.disconnect();
    phone.pass(seconds(3));
    let register = phone.registers_by_udp().pop().unwrap();
    phone.accept(&register, 62_100);
    let again = phone.registers_by_udp().pop().unwrap();
    assert!(again.contains("\r\nContact: <sip:858@198.51.100.1:62100;line="), "{again}");
    phone.accept(&again, 62_100);
    assert!(phone.state().is_registered() && phone.wanted() == 0);
}

#[test]
fn what_was_seen_by_udp_before_has_the_connection_become_the_way_to_the_line_as_well() {
    let mut account = account(1);
    account.credentials = Some(Credentials::new("858", "secret"));
    let mut phone = Phone::of(Limits::default(), account);
    let register = phone.registers_by_udp().pop().unwrap();
    let nonce = "n".repeat(900);
    let challenge = format!("401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\",nonce=\"{nonce}\"");
    phone.answer(&register, 62_000, &challenge);
    phone.connect();
    let register = phone.by_tcp().pop().unwrap();
    assert!(register.contains("\r\nContact: <sip:858@198.51.100.1:62000;line="), "{register}");
    phone.accept(&register, 40_001);
    let again = phone.by_tcp().pop().unwrap();
    assert!(again.contains("\r\nContact: <sip:858@192.0.2.7:40001;transport=tcp;line="), "{again}");
}

#[test]
fn an_address_that_is_given_by_hand_is_where_the_line_is_by_udp() {
    let mut account = account(500);
    account.extras_mut().public_address = Some("198.51.100.1".parse().unwrap());
    let mut phone = Phone::of(Limits::default(), account);
    phone.connect();
    let register = phone.by_tcp().pop().unwrap();
    assert!(register.contains("\r\nContact: <sip:858@198.51.100.1:5060;line="), "{register}");
    phone.accept(&register, 62_000);
    assert!(phone.state().is_registered(), "it does not ask again with another Contact");
    assert!(phone.by_tcp().is_empty() && phone.by_udp().is_empty());
}

//= https://www.rfc-editor.org/rfc/rfc5626#section-4.4
//= type=test
//# The UA MUST
//# send keep-alives at least as often as this number of seconds.
#[test]
fn a_connection_that_the_registrar_sends_calls_over_is_the_way_to_the_line() {
    let mut phone = Phone::new();
    phone.connect();
    let register = phone.by_tcp().pop().unwrap();
    let granted = "200 OK\r\nRequire: outbound\r\nFlow-Timer: 40";
    phone.answer(&register, 40_001, granted);
    let again = phone.by_tcp().pop().unwrap();
    assert!(again.contains("\r\nContact: <sip:858@192.0.2.7:40001;transport=tcp;line="), "{again}");
    assert!(!again.contains("192.0.2.7:5060"), "the instance tells what it takes the place of: {again}");
    phone.answer(&again, 40_001, granted);
    assert!(phone.state().is_registered());
    phone.pass(seconds(40));
    assert!(phone.by_tcp() == ["\r\n\r\n"] && phone.by_udp().is_empty());
    phone.pass(seconds(30));
    phone.disconnect();
    assert!(!phone.state().is_registered(), "no call reaches it");
    phone.wanted();
    phone.pass(seconds(3));
    assert_eq!(phone.wanted(), 1);
}

#[test]
fn a_server_that_is_not_in_service_is_left_alone_by_udp_as_well() {
    let mut phone = translated(62_000);
    phone.servers = vec![server(), other_server()];
    let refresh = loop {
        phone.pass(seconds(10));
        let sent = phone.by_tcp().into_iter().find(|sent| sent.starts_with("REGISTER"));
        if let Some(refresh) = sent {
            break refresh;
        }
    };
    phone.answer(&refresh, 62_000, "503 Service Unavailable");
    phone.add(1);
    assert_eq!(phone.by_udp_to(other_server()).len(), 1);
}
