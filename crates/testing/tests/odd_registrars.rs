//! Registrars as they are met: with several addresses, behind translators, restarting, and answering oddly
//! (RFC 3261 section 10, RFC 3581). Each REGISTER is answered by a script.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod probe;

use std::net::SocketAddr;
use std::time::Duration;

use ringfence_ua::auth::Credentials;
use ringfence_ua::{Account, Cause, Config, Endpoint, Event, RegistrationState, Target, Unresolved, Verdict};
use ringfence_wire::sip::Method;

use probe::{Probe, Sent, Shown, peer_address, phone_address, request, seconds, statuses};

fn account() -> Account {
    let mut account = Account::new("858", "pbx.example.com", 5060);
    account.credentials = Some(Credentials::new("858", "secret"));
    account
}

/// A line that has sent its first REGISTER.
fn registering(account: Account) -> (Probe, Sent) {
    Probe::registering(Config::new(phone_address()), account, Shown::default().screen(Verdict::busy()))
}

/// A line that was granted an hour.
fn registered() -> Probe {
    let (mut probe, register) = registering(account());
    assert_eq!(probe.receive(answer(&register, "200 OK", &listed(&register, 3600))), []);
    assert!(probe.is_registered());
    probe
}

/// The answer to a REGISTER that came from where its Via says.
fn answer(register: &Sent, status: &str, headers: &str) -> String {
    answer_seen_at(register, "192.0.2.7:5060", status, headers)
}

/// The answer of a registrar that saw the REGISTER come from somewhere.
fn answer_seen_at(register: &Sent, source: &str, status: &str, headers: &str) -> String {
    let source: SocketAddr = source.parse().unwrap();
    let (address, port) = (source.ip(), source.port());
    let via = register.header("Via").unwrap().replace(";rport", &format!(";rport={port};received={address}"));
    answer_by(register, &via, status, headers)
}

fn answer_by(register: &Sent, via: &str, status: &str, headers: &str) -> String {
    let field = |name: &str| format!("{name}: {}\r\n", register.header(name).unwrap());
    let echoed = ["From", "To", "Call-ID", "CSeq"].map(field).concat();
    format!("SIP/2.0 {status}\r\nVia: {via}\r\n{echoed}{headers}Content-Length: 0\r\n\r\n")
}

/// The Contact of a REGISTER, as a registrar lists it.
fn listed(register: &Sent, expires: u32) -> String {
    format!("Contact: {};expires={expires}\r\n", register.header("Contact").unwrap())
}

fn challenge(realm: &str, nonce: &str) -> String {
    format!("WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\"\r\n")
}

/// The only thing that was sent: a REGISTER.
fn only_register(sent: Vec<Sent>) -> Sent {
    assert!(matches!(&sent[..], [one] if one.message().method() == Some(Method::Register)), "{sent:?}");
    sent.into_iter().next().unwrap()
}

/// What is sent next, within a time.
fn next_register(probe: &mut Probe, limit: Duration) -> Sent {
    let sent = probe.pass(limit).into_iter().map(|(_, sent)| sent);
    sent.into_iter().find(|sent| sent.payload.starts_with(b"REGISTER ")).unwrap()
}

/// Gives the line the addresses that it asks for, for as long as it asks.
fn resolve(probe: &mut Probe, remotes: &[&str]) -> Vec<Sent> {
    let local = phone_address();
    let targets = remotes.iter().map(|remote| Target::udp(remote.parse().unwrap(), local)).collect();
    let line = probe.line;
    probe.act(|endpoint, now| endpoint.handle_resolved(now, line, Ok(targets)))
}

/// The newest state.
fn state(probe: &Probe) -> &RegistrationState {
    probe.events().iter().rev().find_map(registration).unwrap()
}

fn registration(event: &Event) -> Option<&RegistrationState> {
    if let Event::Registration { state, .. } = event { Some(state) } else { None }
}

fn cause(probe: &Probe) -> &Cause {
    let RegistrationState::Failed { cause, .. } = state(probe) else { panic!("{:?}", state(probe)) };
    cause
}

/// How long the line waits until it tries again.
fn wait(probe: &Probe) -> Duration {
    let RegistrationState::Failed { retry_at: Some(at), .. } = state(probe) else {
        panic!("{:?}", state(probe))
    };
    at.duration_since(probe.now())
}

/// What a line that failed sends when it tries again.
fn retried(probe: &mut Probe) -> Sent {
    let limit = wait(probe);
    let passed = probe.pass(limit);
    assert!(passed.iter().all(|(_, sent)| sent.payload == b"\r\n\r\n"), "{passed:?}");
    assert!(probe.is_resolving());
    only_register(resolve(probe, &["192.0.2.1:5060"]))
}

mod translated {
    use super::*;

    #[test]
    fn a_new_mapping_becomes_the_contact_and_the_old_one_is_removed_in_the_same_request() {
        let (mut probe, first) = registering(account());
        let challenged = answer_seen_at(&first, "198.51.100.9:40001", "401 No", &challenge("r", "n"));
        let second = only_register(probe.receive(challenged));
        let bound = second.header("Contact").unwrap();
        assert!(bound.starts_with("<sip:858@198.51.100.9:40001;line="), "{bound}");
        assert_eq!(second.headers("Contact").len(), 1, "nothing was bound yet");
        probe.receive(answer_seen_at(&second, "198.51.100.9:40001", "200 OK", &listed(&second, 60)));
        assert!(probe.is_registered());

        let refresh = next_register(&mut probe, seconds(60));
        let granted = answer_seen_at(&refresh, "198.51.100.9:40002", "200 OK", &listed(&refresh, 60));
        let moved = only_register(probe.receive(granted));
        let (new, old) = (bound.replace("40001", "40002"), format!("{bound};expires=0"));
        assert_eq!(moved.headers("Contact"), [new, old]);
        probe.receive(answer_seen_at(&moved, "198.51.100.9:40002", "200 OK", &listed(&moved, 60)));
        assert!(probe.is_registered());
        assert_eq!(next_register(&mut probe, seconds(60)).headers("Contact").len(), 1, "it is gone");
    }

    #[test]
    fn a_mapping_that_changes_with_every_request_is_not_run_after() {
        let (mut probe, mut register) = registering(account());
        let mut port = 40000;
        while !probe.is_registered() {
            port += 1;
            assert!(port < 40010, "it asks for ever");
            let source = format!("198.51.100.9:{port}");
            let sent = probe.receive(answer_seen_at(&register, &source, "200 OK", &listed(&register, 3600)));
            if let Some(next) = sent.into_iter().next() {
                register = next;
            }
        }
    }

    #[test]
    fn an_address_that_nobody_can_have_is_not_believed() {
        for source in ["0.0.0.0:5060", "198.51.100.9:0", "224.0.0.1:5060"] {
            let (mut probe, first) = registering(account());
            assert_eq!(probe.receive(answer_seen_at(&first, source, "200 OK", &listed(&first, 60))), []);
            assert!(probe.is_registered(), "{source}");
        }
    }

    #[test]
    fn a_registrar_of_rfc_3261_that_fills_in_received_alone_is_believed() {
        let (mut probe, first) = registering(account());
        let via = first.header("Via").unwrap() + ";received=198.51.100.9";
        let moved = only_register(probe.receive(answer_by(&first, &via, "200 OK", &listed(&first, 60))));
        assert!(moved.header("Contact").unwrap().starts_with("<sip:858@198.51.100.9:5060;"));
    }
}

mod granted {
    use super::*;

    #[test]
    fn over_ipv6_every_address_stands_in_brackets() {
        let local: SocketAddr = "[2001:db8::7]:5060".parse().unwrap();
        let account = Account { domain: "[2001:db8::1]".into(), ..account() };
        let mut probe = Probe::resolving(Config::new(local), account);
        let target = Target::udp("[2001:db8::1]:5060".parse().unwrap(), local);
        let line = probe.line;
        let sent = probe.act(|endpoint, now| endpoint.handle_resolved(now, line, Ok(vec![target])));
        let register = only_register(sent);
        assert_eq!(register.message().request_uri(), Some(&b"sip:[2001:db8::1]"[..]));
        assert!(register.header("Via").unwrap().starts_with("SIP/2.0/UDP [2001:db8::7]:5060;branch="));
        assert!(register.header("Contact").unwrap().starts_with("<sip:858@[2001:db8::7]:5060;line="));
        let granted = answer_seen_at(&register, "[2001:db8::7]:5060", "200 OK", &listed(&register, 60));
        assert_eq!(probe.receive_from(target.flow.remote(), granted), []);
        assert!(probe.is_registered());
    }

    #[test]
    fn the_zone_of_an_address_is_told_to_nobody() {
        let mut probe = Probe::resolving(Config::new("[fe80::7%2]:5060".parse().unwrap()), account());
        let remote: SocketAddr = "[fe80::1%2]:5060".parse().unwrap();
        let target = Target::udp(remote, "[fe80::7%2]:5060".parse().unwrap());
        let line = probe.line;
        let sent = probe.act(|endpoint, now| endpoint.handle_resolved(now, line, Ok(vec![target])));
        let register = only_register(sent);
        assert_eq!(register.destination, remote);
        assert!(register.header("Via").unwrap().starts_with("SIP/2.0/UDP [fe80::7]:5060;branch="));
        assert!(register.header("Contact").unwrap().starts_with("<sip:858@[fe80::7]:5060;line="));
        let granted = answer_seen_at(&register, "[fe80::7]:5060", "200 OK", &listed(&register, 60));
        assert_eq!(probe.receive_from(remote, granted), []);
        assert!(probe.is_registered());
    }

    #[test]
    fn the_newest_expiry_of_ours_counts_whatever_else_is_listed() {
        let (mut probe, register) = registering(account());
        let others =
            "Contact: <sip:858@198.51.100.1>;expires=5, \"B\" <sip:858@192.0.2.7:5060;line=b>;expires=6\r\n";
        let contacts = format!("{others}{}Expires: 7\r\n", listed(&register, 600));
        probe.receive(answer(&register, "200 OK", &contacts));
        let expires = seconds(600);
        assert!(
            matches!(state(&probe), RegistrationState::Registered { expires: found, .. } if *found == expires)
        );
    }

    #[test]
    fn a_200_that_grants_nothing_is_a_failure_that_is_not_repeated_soon() {
        let others =
            "Contact: <sip:858@192.0.2.8>;expires=60, <sip:858@192.0.2.9:5060;line=b>;expires=60\r\n";
        for headers in ["Expires: 0\r\n", "Contact: <sip:858@192.0.2.7>;expires=0\r\n", others] {
            let (mut probe, register) = registering(account());
            probe.receive(answer(&register, "200 OK", headers));
            assert_eq!(cause(&probe), &Cause::NotGranted);
            assert!(wait(&probe) >= seconds(120), "{:?}", wait(&probe));
        }
    }

    #[test]
    fn a_lifetime_of_seconds_is_no_reason_for_a_storm() {
        for granted in [1, 4, 5, 6, 10, 20] {
            let (mut probe, register) = registering(account());
            probe.receive(answer(&register, "200 OK", &listed(&register, granted)));
            let sooner = probe.pass(Duration::from_millis(4_900));
            assert!(sooner.is_empty(), "{granted} s: {sooner:?}");
            assert_eq!(probe.is_registered(), granted >= 5);
        }
    }

    #[test]
    fn the_next_nonce_is_used_and_a_stale_one_answered_at_once() {
        let (mut probe, first) = registering(account());
        let second = only_register(probe.receive(answer(&first, "401 No", &challenge("r", "one"))));
        let info = format!("{}Authentication-Info: nextnonce=\"two\"\r\n", listed(&second, 60));
        probe.receive(answer(&second, "200 OK", &info));
        let refresh = next_register(&mut probe, seconds(60));
        assert!(refresh.header("Authorization").unwrap().contains("nonce=\"two\""));
        let stale = challenge("r", "three").replace("qop", "stale=true, qop");
        let again = only_register(probe.receive(answer(&refresh, "401 No", &stale)));
        assert!(again.header("Authorization").unwrap().contains("nonce=\"three\""));
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.1
    //= type=test
    //# When a pre-existing route set is present, the procedures for populating the Request-URI and
    //# Route header field detailed in Section 12.2.1.1 MUST be followed (even though there is no
    //# dialog), using the desired Request-URI as the remote target URI.
    #[test]
    fn calls_are_let_in_from_the_proxy_that_requests_go_through() {
        let mut account = account();
        account.extras_mut().outbound_proxy = Some(("192.0.2.1".into(), Some(5060)));
        let (mut probe, register) = registering(account);
        assert_eq!(register.destination, peer_address());
        assert_eq!(register.header("Route").as_deref(), Some("<sip:192.0.2.1:5060;lr>"));
        assert_eq!(register.message().request_uri(), Some(&b"sip:pbx.example.com"[..]));
        assert_eq!(statuses(&probe.receive(request("INVITE"))), [100, 486]);
    }
}

mod failing {
    use super::*;

    #[test]
    fn a_server_error_is_asked_again_quickly_twice_and_then_ever_more_rarely() {
        let (mut probe, mut register) = registering(account());
        let mut waits = Vec::new();
        for _ in 0..6 {
            probe.receive(answer(&register, "500 Server Internal Error", ""));
            assert_eq!(cause(&probe).status(), Some(500));
            waits.push(wait(&probe).as_secs());
            register = retried(&mut probe);
        }
        let within = [1..=2, 5..=10, 15..=30, 30..=60, 60..=120, 120..=240];
        assert!(within.iter().zip(&waits).all(|(range, wait)| range.contains(wait)), "{waits:?}");
        probe.receive(answer(&register, "200 OK", &listed(&register, 60)));
        assert!(probe.is_registered());
    }

    #[test]
    fn a_registrar_that_wants_to_be_asked_again_at_once_is_not_asked_for_ever() {
        let (mut probe, mut register) = registering(account());
        let start = probe.now();
        for _ in 0..8 {
            probe.receive(answer(&register, "503 Service Unavailable", "Retry-After: 0\r\n"));
            register = retried(&mut probe);
        }
        let took = probe.now() - start;
        assert!(took >= seconds(90), "eight refusals in {took:?}");
    }

    #[test]
    fn a_refusal_that_wants_to_be_asked_again_at_once_still_waits_for_minutes() {
        for headers in ["Retry-After: 0\r\n", "Retry-After: 1\r\n", ""] {
            let (mut probe, register) = registering(account());
            probe.receive(answer(&register, "404 Not Found", headers));
            assert!(wait(&probe) >= seconds(120), "{headers}: {:?}", wait(&probe));
        }
    }

    #[test]
    fn what_a_registrar_says_is_cut_and_steers_no_terminal() {
        let (mut probe, register) = registering(account());
        let status = format!(
            "403 \u{1b}[2J\u{202e}N\u{200b}\u{61c}\u{ad}o\u{7}\u{e0041}\u{2028} {}",
            "x".repeat(1000)
        );
        probe.receive(answer(&register, &status, ""));
        let Cause::Refused { phrase, .. } = cause(&probe) else { panic!("{:?}", cause(&probe)) };
        assert!(phrase.starts_with("[2JNo x") && phrase.len() == 64, "{phrase:?}");
    }

    #[test]
    fn a_refusal_says_which_extension_or_what_else_it_is_about() {
        for (status, headers, told) in [
            ("421 Extension Required", "Require: sec-agree, path\r\n", "Extension Required: sec-agree, path"),
            ("420 Bad Extension", "Unsupported: outbound\r\n", "Bad Extension: outbound"),
            (
                "403 Forbidden",
                "Warning: 399 pbx.example \"Too many \\\"contacts\\\"\"\r\n",
                "Forbidden: Too many \"contacts\"",
            ),
            ("403 Forbidden", "Warning: 399\r\n", "Forbidden: 399"),
            ("403 Forbidden", "Require: path\r\n", "Forbidden"),
        ] {
            let (mut probe, register) = registering(account());
            probe.receive(answer(&register, status, headers));
            let Cause::Refused { phrase, .. } = cause(&probe) else { panic!("{:?}", cause(&probe)) };
            assert_eq!(phrase, told);
        }
        let (mut probe, register) = registering(account());
        let long = format!("Warning: 399 x \"\u{1b}{}\"\r\n", "y".repeat(1000));
        probe.receive(answer(&register, "403 No", &long));
        let Cause::Refused { phrase, .. } = cause(&probe) else { panic!("{:?}", cause(&probe)) };
        assert!(phrase.starts_with("No: yyy") && phrase.len() == "No: ".len() + 64, "{phrase:?}");
    }

    #[test]
    fn a_registrar_set_back_to_md5_is_answered_after_a_day_or_when_it_is_asked_for() {
        let strong = |nonce| challenge("r", nonce).replace("qop", "algorithm=SHA-256, qop");
        let (mut probe, first) = registering(account());
        let second = only_register(probe.receive(answer(&first, "401 No", &strong("1"))));
        probe.receive(answer(&second, "200 OK", &listed(&second, 60)));
        let mut register = next_register(&mut probe, seconds(60));
        let start = probe.now();
        while probe.receive(answer(&register, "401 No", &challenge("r", "2"))).is_empty() {
            assert_eq!(cause(&probe), &Cause::Downgrade { realm: "r".to_owned() });
            register = retried(&mut probe);
        }
        let took = probe.now() - start;
        assert!((seconds(24 * 3600)..seconds(25 * 3600)).contains(&took), "{took:?}");
    }

    #[test]
    fn a_line_that_is_registered_anew_by_hand_takes_md5_again() {
        let strong = challenge("r", "1").replace("qop", "algorithm=SHA-256, qop");
        let (mut probe, first) = registering(account());
        let second = only_register(probe.receive(answer(&first, "401 No", &strong)));
        probe.receive(answer(&second, "403 Forbidden", ""));
        let line = probe.line;
        probe.act(|endpoint, now| endpoint.unregister(now, line));
        probe.act(|endpoint, now| endpoint.register(now, line));
        let third = only_register(resolve(&mut probe, &["192.0.2.1:5060"]));
        let fourth = only_register(probe.receive(answer(&third, "401 No", &challenge("r", "2"))));
        assert!(fourth.header("Authorization").is_some());
    }

    #[test]
    fn after_the_machine_slept_every_line_registers_again_within_seconds() {
        let mut probe = registered();
        assert_eq!(probe.act(Endpoint::handle_clock_jump), []);
        next_register(&mut probe, seconds(5));
        let (mut probe, register) = registering(account());
        probe.receive(answer(&register, "403 Forbidden", ""));
        probe.act(Endpoint::handle_clock_jump);
        probe.pass(seconds(5));
        assert!(probe.is_resolving());
    }

    #[test]
    fn a_host_without_an_address_is_looked_up_again() {
        let mut probe = Probe::resolving(Config::new(phone_address()), account());
        let line = probe.line;
        for _ in 0..3 {
            assert!(probe.is_resolving());
            let nothing = Err(Unresolved { error: "no such name".to_owned() }.into());
            let sent = probe.act(|endpoint, now| endpoint.handle_resolved(now, line, nothing));
            assert_eq!(sent, []);
            assert!(matches!(cause(&probe), Cause::Unresolved { host, .. } if host == "pbx.example.com"));
            let limit = wait(&probe);
            assert_eq!(probe.pass(limit), []);
        }
        only_register(resolve(&mut probe, &["192.0.2.1:5060"]));
    }

    #[test]
    fn what_cannot_be_read_of_a_registrar_is_told_where_nothing_else_came() {
        let too_many = "Via-More: 1\r\n".repeat(257);
        for (status_line, fields, why) in [
            ("SIP/2.0 200 OK", too_many.as_str(), "more than 256 header fields"),
            ("SIP/3.0 200 OK", "", "the version is not SIP/2.0"),
            ("SIP/2.0 99 OK", "", "a status code that is not from 100 to 699"),
            ("SIP/2.0 200 OK", "Content-Length: 9\r\n", "the body ends before its Content-Length"),
            ("SIP/2.0 200 OK", "Via: SIP/2.0 UDP\r\n", "Via header: "),
        ] {
            let (mut probe, register) = registering(account());
            let readable = answer(&register, "200 OK", "").replace("Content-Length: 0\r\n", "");
            let answer = readable.replacen("SIP/2.0 200 OK\r\n", &format!("{status_line}\r\n{fields}"), 1);
            probe.pass(seconds(20));
            probe.receive(answer);
            probe.pass(seconds(12));
            assert!(
                matches!(cause(&probe), Cause::Unreadable { error } if error.starts_with(why)),
                "{why}: {:?}",
                cause(&probe)
            );
        }
    }

    #[test]
    fn who_is_silent_is_not_said_to_answer_what_others_sent_through_him_or_he_to_others() {
        let unreadable = "SIP/2.0 99 OK\r\n\r\n";
        let silent = |came: &dyn Fn(&mut Probe, &Sent)| {
            let (mut probe, register) = registering(account());
            probe.pass(seconds(20));
            came(&mut probe, &register);
            probe.pass(seconds(12));
            assert_eq!(cause(&probe), &Cause::TimedOut);
        };
        silent(&|probe, _| _ = probe.receive("INVITE sip:858@192.0.2.7 SIP/2.0\r\nVia: x\r\n\r\n"));
        silent(&|probe, _| _ = probe.receive_from("192.0.2.1:5099".parse().unwrap(), unreadable));
        silent(&|probe, register| {
            probe.receive(unreadable);
            probe.receive(answer(register, "100 Trying", ""));
        });
    }

    #[test]
    fn another_address_of_a_silent_registrar_is_tried_next() {
        let mut probe = Probe::resolving(Config::new(phone_address()), account());
        let both = ["192.0.2.1:5060", "192.0.2.2:5060"];
        let first = only_register(resolve(&mut probe, &both));
        probe.pass(seconds(32));
        assert_eq!(cause(&probe), &Cause::TimedOut);
        let limit = wait(&probe);
        probe.pass(limit);
        let second = only_register(resolve(&mut probe, &both));
        let gone_to = [first, second].map(|sent| sent.destination.to_string());
        assert_eq!(gone_to, both);
    }

    #[test]
    fn a_registrar_that_changes_its_realm_is_answered_in_the_new_one_alone() {
        let (mut probe, first) = registering(account());
        let second = only_register(probe.receive(answer(&first, "401 No", &challenge("old", "1"))));
        probe.receive(answer(&second, "200 OK", &listed(&second, 60)));
        let refresh = next_register(&mut probe, seconds(60));
        let again = only_register(probe.receive(answer(&refresh, "401 No", &challenge("new", "2"))));
        let answers = again.headers("Authorization");
        assert!(matches!(&answers[..], [one] if one.contains("realm=\"new\"")), "{answers:?}");
    }

    #[test]
    fn a_challenge_that_never_ends_does() {
        let (mut probe, mut register) = registering(account());
        let mut requests = 1;
        loop {
            let stale = challenge("r", &requests.to_string()).replace("qop", "stale=true, qop");
            let Some(next) = probe.receive(answer(&register, "401 No", &stale)).pop() else { break };
            register = next;
            requests += 1;
        }
        assert!(requests <= 5, "{requests}");
        assert_eq!(cause(&probe), &Cause::BadCredentials { status: 401 });
        assert!(wait(&probe) >= seconds(120));
    }

    #[test]
    fn a_423_that_asks_for_no_more_than_was_asked_is_a_refusal() {
        for min_expires in ["Min-Expires: 60\r\n", "Min-Expires: 4294967295\r\n", ""] {
            let (mut probe, register) = registering(account());
            assert_eq!(probe.receive(answer(&register, "423 Interval Too Brief", min_expires)), []);
            assert_eq!(cause(&probe).status(), Some(423), "{min_expires}");
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.4
    //= type=test
    //# In order to create a request based on a contact address in a 3xx response, a UAC MUST copy
    //# the entire URI from the target set into the Request-URI, except for the "method-param" and
    //# "header" URI parameters (see Section 19.1.1 for a definition of these parameters).
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.4
    //= type=test
    //# Finally, once the new request has been constructed, it is sent using a new client
    //# transaction, and therefore MUST have a new branch ID in the top Via field as discussed in
    //# Section 8.1.1.7.
    #[test]
    fn a_redirection_is_followed_to_its_first_sip_uri_and_without_one_refused() {
        let (mut probe, register) = registering(account());
        let clear =
            "<sips:a.example.com>, <sip:b.example.com;transport=tls>, <sip:c.example.com;transport=TCP>";
        let over_udp =
            "<sip:858@r2.example.com:5070;transport=UDP;method=INVITE;x?Subject=y>, <sip:r3.example.com>";
        let contacts = format!("Contact: <mailto:a@b>, {clear}, {over_udp}\r\n");
        assert_eq!(probe.receive(answer(&register, "302 Moved Temporarily", &contacts)), []);
        let next = probe.events().last();
        assert!(
            matches!(next, Some(Event::Resolve { host, port: Some(5070), .. }) if host == "r2.example.com")
        );
        let moved = only_register(resolve(&mut probe, &["192.0.2.2:5070"]));
        assert_eq!(moved.message().request_uri(), Some(&b"sip:r2.example.com:5070;transport=UDP;x"[..]));
        let branch = |sent: &Sent| sent.message().via().unwrap().branch().unwrap().to_vec();
        assert_ne!(branch(&moved), branch(&register));
        assert_eq!(moved.destination, "192.0.2.2:5070".parse().unwrap());
        for contacts in ["*", "<sips:a.example.com>, <sip:b.example.com;transport=tcp>"] {
            let (mut probe, register) = registering(account());
            let contacts = format!("Contact: {contacts}\r\n");
            assert_eq!(probe.receive(answer(&register, "301 Moved Permanently", &contacts)), []);
            assert_eq!(cause(&probe).status(), Some(301));
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.4
    //= type=test
    //# As with proxy recursion, a client processing 3xx class responses MUST NOT add any given URI
    //# to the target set more than once.
    #[test]
    fn what_was_asked_within_an_attempt_is_not_asked_again_because_of_a_redirection() {
        let contacts = |hosts: &[&str]| format!("Contact: {}\r\n", hosts.join(", "));
        let (mut probe, register) = registering(account());
        probe.receive(answer(&register, "302 Moved", &contacts(&["<sip:r2.example.com>"])));
        let second = only_register(resolve(&mut probe, &["192.0.2.2:5060"]));
        let back = ["<sip:858@PBX.example.com>", "<sip:R2.example.com>", "<sip:r3.example.com>"];
        probe.receive(answer(&second, "302 Moved", &contacts(&back)));
        let third = only_register(resolve(&mut probe, &["192.0.2.3:5060"]));
        assert_eq!(third.message().request_uri(), Some(&b"sip:r3.example.com"[..]));
        assert_eq!(probe.receive(answer(&third, "302 Moved", &contacts(&back))), []);
        assert_eq!(cause(&probe), &Cause::Circular { status: 302 });
        let limit = wait(&probe);
        probe.pass(limit);
        let again = only_register(resolve(&mut probe, &["192.0.2.1:5060"]));
        assert_eq!(again.message().request_uri(), register.message().request_uri());
    }

    #[test]
    fn who_is_registered_where_it_was_sent_may_be_sent_back() {
        let (mut probe, register) = registering(account());
        probe.receive(answer(&register, "302 Moved", "Contact: <sip:r2.example.com>\r\n"));
        let second = only_register(resolve(&mut probe, &["192.0.2.2:5060"]));
        probe.receive(answer(&second, "200 OK", &listed(&second, 60)));
        let refresh = next_register(&mut probe, seconds(60));
        probe.receive(answer(&refresh, "302 Moved", "Contact: <sip:pbx.example.com>\r\n"));
        let back = only_register(resolve(&mut probe, &["192.0.2.1:5060"]));
        assert_eq!(back.message().request_uri(), register.message().request_uri());
    }

    #[test]
    fn servers_that_fail_on_the_way_do_not_make_a_redirection_endless() {
        let (mut probe, mut register) = registering(account());
        for host in 2..100 {
            let contact = format!("Contact: <sip:r{host}.example.com>\r\n");
            assert_eq!(probe.receive(answer(&register, "302 Moved", &contact)), []);
            if !probe.is_resolving() {
                break;
            }
            let first = only_register(resolve(&mut probe, &["192.0.2.2:5060", "192.0.2.3:5060"]));
            register = only_register(probe.receive(answer(&first, "503 Busy", "")));
        }
        assert_eq!(cause(&probe).status(), Some(302));
        assert_eq!(register.message().request_uri(), Some(&b"sip:r5.example.com"[..]));
    }

    #[test]
    fn a_redirection_of_a_line_with_a_proxy_is_followed_through_the_proxy() {
        let mut account = account();
        account.extras_mut().outbound_proxy = Some(("192.0.2.1".into(), Some(5060)));
        let (mut probe, register) = registering(account);
        let contact = "Contact: <sip:r2.example.com>\r\n";
        let moved = only_register(probe.receive(answer(&register, "302 Moved Temporarily", contact)));
        assert_eq!(moved.destination, peer_address());
        assert_eq!(moved.message().request_uri(), Some(&b"sip:r2.example.com"[..]));
        assert_eq!(moved.header("Route"), register.header("Route"));
    }

    #[test]
    fn the_host_that_has_no_address_after_a_redirection_is_the_one_that_is_named() {
        let (mut probe, register) = registering(account());
        probe.receive(answer(&register, "302 Moved Temporarily", "Contact: <sip:r2.example.com>\r\n"));
        let nothing = Err(Unresolved { error: "no such name".to_owned() }.into());
        let line = probe.line;
        probe.act(|endpoint, now| endpoint.handle_resolved(now, line, nothing));
        assert!(matches!(cause(&probe), Cause::Unresolved { host, .. } if host == "r2.example.com"));
    }

    #[test]
    fn a_look_up_that_is_never_answered_fails_and_is_tried_again() {
        let mut probe = Probe::resolving(Config::new(phone_address()), account());
        assert_eq!(probe.pass(seconds(30)), []);
        assert!(matches!(cause(&probe), Cause::Unresolved { host, .. } if host == "pbx.example.com"));
        assert_eq!(resolve(&mut probe, &["192.0.2.1:5060"]), [], "it comes too late");
        retried(&mut probe);
    }
}

mod leaving {
    use super::*;

    fn unregister(probe: &mut Probe) -> Vec<Sent> {
        let line = probe.line;
        probe.act(|endpoint, now| endpoint.unregister(now, line))
    }

    #[test]
    fn the_removal_names_our_own_contact_and_is_repeated_when_it_is_challenged() {
        let mut probe = registered();
        let removal = only_register(unregister(&mut probe));
        assert_eq!(removal.header("Expires").as_deref(), Some("0"));
        assert!(removal.headers("Contact").iter().all(|contact| contact.contains(";line=")));
        let again = only_register(probe.receive(answer(&removal, "401 No", &challenge("r", "n"))));
        assert_eq!(again.header("Contact"), removal.header("Contact"));
        assert!(again.header("Authorization").is_some());
        assert_eq!(probe.receive(answer(&again, "200 OK", "")), []);
        assert_eq!(state(&probe), &RegistrationState::Unregistered);
        assert_eq!(probe.pass(seconds(24 * 3600)), [], "nothing is sent any more");
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
    //= type=test
    //# UAs MUST NOT send a new registration (that is, containing new Contact header field values, as
    //# opposed to a retransmission) until they have received a final response from the registrar for
    //# the previous one or the previous REGISTER request has timed out.
    #[test]
    fn a_registration_that_is_wanted_while_one_is_pending_waits_for_its_final_response() {
        let (mut probe, register) = registering(account());
        let line = probe.line;
        assert_eq!(probe.receive(answer(&register, "100 Trying", "")), []);
        assert_eq!(unregister(&mut probe), []);
        assert_eq!(probe.act(|endpoint, now| endpoint.register(now, line)), []);
        assert_eq!(probe.act(|endpoint, now| endpoint.retry(now, line)), []);
        assert_eq!(unregister(&mut probe), []);
        let copies = probe.pass(seconds(31));
        assert!(copies.len() > 5 && copies.iter().all(|(_, copy)| copy.payload == register.payload));
        let removal = only_register(probe.receive(answer(&register, "200 OK", &listed(&register, 60))));
        assert_eq!(removal.header("Expires").as_deref(), Some("0"));
    }

    #[test]
    fn a_removal_while_a_request_is_on_its_way_waits_for_its_answer() {
        let (mut probe, register) = registering(account());
        assert_eq!(unregister(&mut probe), []);
        let removal = only_register(probe.receive(answer(&register, "200 OK", &listed(&register, 60))));
        assert_eq!(removal.header("Expires").as_deref(), Some("0"));
        probe.receive(answer(&removal, "200 OK", ""));
        assert_eq!(state(&probe), &RegistrationState::Unregistered);
    }

    #[test]
    fn a_line_that_is_wanted_again_while_it_is_removed_registers_again() {
        let mut probe = registered();
        let removal = only_register(unregister(&mut probe));
        let line = probe.line;
        assert_eq!(probe.act(|endpoint, now| endpoint.register(now, line)), []);
        probe.receive(answer(&removal, "200 OK", ""));
        assert!(probe.is_resolving());
        let register = only_register(resolve(&mut probe, &["192.0.2.1:5060"]));
        assert_eq!(register.header("Expires").as_deref(), Some("3600"));
    }

    #[test]
    fn a_line_that_never_registered_has_nothing_to_remove() {
        let mut probe = Probe::resolving(Config::new(phone_address()), account());
        assert_eq!(unregister(&mut probe), []);
        assert_eq!(state(&probe), &RegistrationState::Unregistered);
        assert_eq!(resolve(&mut probe, &["192.0.2.1:5060"]), [], "the look-up comes too late");
    }

    #[test]
    fn a_binding_whose_confirmation_was_lost_is_removed_all_the_same() {
        let (mut probe, register) = registering(account());
        probe.pass(seconds(32));
        assert_eq!(cause(&probe), &Cause::TimedOut);
        let removal = only_register(unregister(&mut probe));
        assert_eq!(removal.header("Expires").as_deref(), Some("0"));
        assert_eq!(removal.header("Contact"), register.header("Contact"));
        probe.receive(answer(&removal, "200 OK", ""));
        assert_eq!(state(&probe), &RegistrationState::Unregistered);
    }

    //= https://www.rfc-editor.org/rfc/rfc6026#section-8.9
    //= type=test
    //# Otherwise, any element other than a stateless proxy MUST silently discard the response.
    #[test]
    fn an_answer_that_comes_too_late_changes_nothing() {
        let (mut probe, register) = registering(account());
        probe.pass(seconds(32));
        assert_eq!(cause(&probe), &Cause::TimedOut);
        probe.receive(answer(&register, "200 OK", &listed(&register, 60)));
        assert_eq!(cause(&probe), &Cause::TimedOut);
        assert_eq!(probe.counter("dropped_unmatched_response"), 1);
    }
}

#[test]
fn a_challenge_that_is_none_is_told_as_such() {
    let (mut probe, register) = registering(account());
    assert_eq!(probe.receive(answer(&register, "401 Unauthorized", "")), []);
    assert_eq!(
        cause(&probe).to_string(),
        "the registrar asks for a password and does not say how it is to be proven"
    );
}
