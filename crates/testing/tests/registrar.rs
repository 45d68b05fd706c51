//! The registrar of the PBX, asked message by message.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_testing::{Binding, Clock, Mode, Node, Pbx, PbxConfig, PbxEvent, Refusal};
use ringfence_ua::auth::{Algorithm, AuthError, Authenticator, Credentials, Qop};
use ringfence_wire::sip::{HeaderName, Message, Printer};

const URI: &[u8] = b"sip:192.0.2.1";

fn pbx_address() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

fn phone_address() -> SocketAddr {
    "198.51.100.7:40000".parse().unwrap()
}

fn config() -> PbxConfig {
    PbxConfig::new(pbx_address())
}

/// A client that registers 858 by hand.
struct Phone {
    clock: Clock,
    pbx: Pbx,
    authenticator: Authenticator,
    cseq: u32,
}

impl Phone {
    fn new(config: PbxConfig, password: &str) -> Self {
        let mut pbx = Pbx::new(config, 1);
        pbx.add_user("858", "secret");
        let authenticator = Authenticator::new(Credentials::new("858", password));
        Self { clock: Clock::new(), pbx, authenticator, cseq: 0 }
    }

    /// Sends one REGISTER with these header lines and returns the response.
    fn send(&mut self, headers: &[(&str, &str)]) -> Option<Message<'static>> {
        self.cseq += 1;
        let mut request = Vec::new();
        let mut printer = Printer::request(&mut request, "REGISTER", URI);
        printer
            .header_fmt("Via", format_args!("SIP/2.0/UDP 10.0.0.7:5060;branch=z9hG4bK{};rport", self.cseq));
        printer.header("From", b"<sip:858@192.0.2.1>;tag=1");
        printer.header("To", b"<sip:858@192.0.2.1>");
        printer.header("Call-ID", b"a84b4c76e66710");
        printer.header_fmt("CSeq", format_args!("{} REGISTER", self.cseq));
        for (name, value) in headers {
            printer.header(name, value.as_bytes());
        }
        self.authenticator.authorize("REGISTER", URI, b"", &format!("cnonce{}", self.cseq), &mut printer);
        printer.finish();
        self.exchange(&request)
    }

    fn exchange(&mut self, request: &[u8]) -> Option<Message<'static>> {
        self.pbx.handle_datagram(self.clock.now(), phone_address(), request);
        let (destination, response) = self.pbx.poll_transmit()?;
        assert_eq!(destination, phone_address());
        Some(Message::parse(&response).unwrap().into_owned())
    }

    /// Sends a REGISTER and answers challenges; returns the final status.
    fn register(&mut self, headers: &[(&str, &str)]) -> Result<Message<'static>, AuthError> {
        loop {
            let response = self.send(headers).unwrap();
            match response.status().unwrap().as_u16() {
                401 | 407 => self.authenticator.handle_challenge(&response)?,
                _ => {
                    self.authenticator.handle_success(&response);
                    return Ok(response);
                }
            }
        }
    }

    fn register_for(&mut self, expires: &str) -> u16 {
        let headers = [("Contact", "<sip:858@10.0.0.7:5060>"), ("Expires", expires)];
        status(&self.register(&headers).unwrap())
    }

    fn advance(&mut self, by: Duration) {
        self.clock.advance(by);
        self.pbx.handle_timeout(self.clock.now());
    }

    fn contacts(&self) -> Vec<&str> {
        self.pbx.bindings("858").iter().map(|binding| binding.contact.as_str()).collect()
    }
}

fn status(response: &Message<'_>) -> u16 {
    response.status().unwrap().as_u16()
}

fn first(response: &Message<'_>, name: HeaderName) -> String {
    String::from_utf8_lossy(response.first(name).unwrap_or_default()).into_owned()
}

#[test]
fn every_algorithm_and_protection_registers() {
    for algorithm in [Algorithm::MD5, Algorithm::SHA_256, Algorithm::SHA_512_256] {
        for algorithm in [algorithm, algorithm.session()] {
            for qops in [vec![Qop::Auth], vec![Qop::AuthInt], vec![Qop::Auth, Qop::AuthInt]] {
                let config = PbxConfig { algorithms: vec![algorithm], qops, ..config() };
                let mut phone = Phone::new(PbxConfig { wants_userhash: true, ..config }, "secret");
                assert_eq!(phone.register_for("600"), 200, "{algorithm}");
                assert_eq!(phone.register_for("600"), 200, "{algorithm}, refreshed");
                assert_eq!(phone.cseq, 3, "{algorithm}: the refresh is not challenged");
            }
        }
    }
}

#[test]
fn a_registrar_of_rfc_2069_is_satisfied() {
    let mut phone = Phone::new(PbxConfig { qops: Vec::new(), ..config() }, "secret");
    assert_eq!((phone.register_for("600"), phone.cseq), (200, 2));
}

#[test]
fn a_proxy_challenges_with_407() {
    let mut phone = Phone::new(PbxConfig { challenge_status: 407, ..config() }, "secret");
    assert_eq!((phone.register_for("600"), phone.cseq), (200, 2));
}

#[test]
fn a_wrong_password_is_found_out_after_two_requests() {
    let mut phone = Phone::new(config(), "wrong");
    let error = phone.register(&[]).unwrap_err();
    assert_eq!(error, AuthError::WrongPassword { realm: "192.0.2.1".into() });
    assert_eq!(phone.cseq, 2);
    let refused = |refusal| PbxEvent::Refused { user: "858".into(), refusal };
    assert_eq!(phone.pbx.poll_event(), Some(refused(Refusal::Missing)));
    assert_eq!(phone.pbx.poll_event(), Some(refused(Refusal::WrongPassword)));
}

#[test]
fn a_wrong_password_may_get_403() {
    let mut phone = Phone::new(PbxConfig { wrong_password_status: 403, ..config() }, "wrong");
    assert_eq!(status(&phone.register(&[]).unwrap()), 403);
}

#[test]
fn an_expired_nonce_is_stale_and_replaced() {
    let mut phone = Phone::new(PbxConfig { nonce_lifetime: Duration::from_secs(300), ..config() }, "secret");
    phone.register_for("3600");
    phone.advance(Duration::from_secs(301));
    assert_eq!((phone.register_for("3600"), phone.cseq), (200, 4));
}

#[test]
fn each_success_may_name_the_next_nonce() {
    let config =
        PbxConfig { sends_next_nonce: true, algorithms: vec![Algorithm::SHA_256.session()], ..config() };
    let mut phone = Phone::new(config, "secret");
    for _ in 0..3 {
        assert_eq!(phone.register_for("600"), 200);
    }
    assert_eq!(phone.cseq, 4);
}

#[test]
fn a_restarted_registrar_with_another_realm_is_answered() {
    let mut phone = Phone::new(config(), "secret");
    phone.register_for("600");
    phone.pbx.restart();
    assert!(!phone.pbx.is_registered("858"));
    phone.pbx.set_realm("renamed");
    assert_eq!((phone.register_for("600"), phone.cseq), (200, 4));
}

#[test]
fn the_expiry_is_bounded_at_both_ends() {
    let mut phone = Phone::new(config(), "secret");
    let response = phone.register(&[("Contact", "<sip:858@10.0.0.7>;expires=30")]).unwrap();
    assert_eq!((status(&response), first(&response, HeaderName::MinExpires).as_str()), (423, "60"));
    let response = phone.register(&[("Contact", "<sip:858@10.0.0.7>;expires=86400")]).unwrap();
    assert_eq!(first(&response, HeaderName::Contact), "<sip:858@10.0.0.7>;expires=3600");
}

#[test]
fn every_binding_is_listed_with_its_own_expiry() {
    let mut phone = Phone::new(config(), "secret");
    let binding = Binding {
        contact: "sip:858@10.0.0.8".into(),
        source: "198.51.100.8:5060".parse().unwrap(),
        expires_at: phone.clock.now() + Duration::from_secs(120),
        call_id: "other".into(),
        cseq: 1,
    };
    phone.pbx.add_binding("858", binding);
    let response = phone.register(&[("Contact", "<sip:858@10.0.0.7>;expires=600")]).unwrap();
    let contacts: Vec<_> = response.values(HeaderName::Contact).collect();
    assert_eq!(contacts, [&b"<sip:858@10.0.0.8>;expires=120"[..], b"<sip:858@10.0.0.7>;expires=600"]);
}

#[test]
fn a_binding_ends_when_it_is_not_refreshed() {
    let mut phone = Phone::new(config(), "secret");
    phone.register_for("600");
    assert_eq!(phone.pbx.poll_timeout(), Some(phone.clock.now() + Duration::from_secs(600)));
    phone.advance(Duration::from_secs(600));
    assert!(!phone.pbx.is_registered("858"));
    let last = std::iter::from_fn(|| phone.pbx.poll_event()).last();
    assert!(matches!(last, Some(PbxEvent::Expired { .. })), "{last:?}");
}

#[test]
fn expiry_zero_removes_one_binding_and_a_star_all() {
    let mut phone = Phone::new(config(), "secret");
    for contact in ["<sip:858@10.0.0.7>", "<sip:858@10.0.0.8>", "<sip:858@10.0.0.9>"] {
        phone.register(&[("Contact", contact)]).unwrap();
    }
    phone.register(&[("Contact", "<sip:858@10.0.0.8>;expires=0")]).unwrap();
    assert_eq!(phone.contacts(), ["sip:858@10.0.0.7", "sip:858@10.0.0.9"]);
    assert_eq!(status(&phone.register(&[("Contact", "*")]).unwrap()), 400);
    phone.register(&[("Contact", "*"), ("Expires", "0")]).unwrap();
    assert!(phone.contacts().is_empty());
}

#[test]
fn a_repeated_request_gets_the_same_bytes() {
    let mut phone = Phone::new(PbxConfig { algorithms: Vec::new(), ..config() }, "secret");
    let request = b"REGISTER sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;rport\r\n\
        From: <sip:858@192.0.2.1>;tag=1\r\nTo: <sip:858@192.0.2.1>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\
        Contact: <sip:858@10.0.0.7>\r\n\r\n";
    let one = phone.exchange(request).unwrap();
    let two = phone.exchange(request).unwrap();
    assert_eq!(one.as_bytes(), two.as_bytes());
    assert_eq!(status(&one), 200);
}

#[test]
fn the_response_says_where_the_request_came_from() {
    let mut phone = Phone::new(config(), "secret");
    let response = phone.send(&[]).unwrap();
    let via = response.via().unwrap();
    assert_eq!((via.received(), via.rport()), (Some(phone_address().ip()), Some(Some(40000))));
}

#[test]
fn it_refuses_redirects_and_keeps_silent_when_told_to() {
    let mut phone = Phone::new(config(), "secret");
    phone.pbx.set_mode(Mode::Refusing { status: 503, retry_after: Some(120) });
    let response = phone.send(&[]).unwrap();
    assert_eq!((status(&response), first(&response, HeaderName::RetryAfter).as_str()), (503, "120"));
    phone.pbx.set_mode(Mode::Redirecting { status: 302, contact: "sip:192.0.2.2".into() });
    let response = phone.send(&[]).unwrap();
    assert_eq!((status(&response), first(&response, HeaderName::Contact).as_str()), (302, "<sip:192.0.2.2>"));
    phone.pbx.set_mode(Mode::Silent);
    assert!(phone.send(&[]).is_none());
}

#[test]
fn strangers_are_not_found() {
    let mut pbx = Pbx::new(config(), 1);
    let request = b"REGISTER sip:192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;rport\r\n\
        From: <sip:858@192.0.2.1>;tag=1\r\nTo: <sip:858@192.0.2.1>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n";
    pbx.handle_datagram(Instant::now(), phone_address(), request);
    let (_, response) = pbx.poll_transmit().unwrap();
    assert!(response.starts_with(b"SIP/2.0 404 Not Found\r\n"));
}
