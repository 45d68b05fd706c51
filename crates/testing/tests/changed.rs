//! A line whose account says something else: its binding stays what it is where that does not hang on it (RFC 3261 section 10.2.4).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod probe;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use ringfence_ua::auth::Credentials;
use ringfence_ua::{Account, Cause, Config, Event, Extras, RegistrationState, Target, Verdict};

use probe::{Probe, Sent, Shown, millis, phone_address, request, seconds, statuses};

const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 9));

fn account(password: &str) -> Account {
    let credentials = Some(Credentials::new("858", password));
    Account { credentials, ..Account::new("858", "pbx.example.com", 5060) }
}

/// A line that was granted an hour, and the REGISTER that it was granted for.
fn registered() -> (Probe, Sent) {
    let (mut probe, register) = Probe::registering(
        Config::new(phone_address()),
        account("secret"),
        Shown::default().screen(Verdict::busy()),
    );
    assert_eq!(probe.receive(answer(&register, "200 OK", 3600)), []);
    assert!(probe.is_registered());
    (probe, register)
}

fn answer(register: &Sent, status: &str, expires: u32) -> String {
    let via = register.header("Via").unwrap().replace(";rport", ";rport=5060;received=192.0.2.7");
    let field = |name: &str| format!("{name}: {}\r\n", register.header(name).unwrap());
    let echoed = ["From", "To", "Call-ID", "CSeq"].map(field).concat();
    let more = match status {
        "200 OK" => format!("Contact: {};expires={expires}\r\n", register.header("Contact").unwrap()),
        "401 Unauthorized" => {
            "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n".to_owned()
        }
        _ => String::new(),
    };
    format!("SIP/2.0 {status}\r\nVia: {via}\r\n{echoed}{more}Content-Length: 0\r\n\r\n")
}

fn change(probe: &mut Probe, account: Account) -> (bool, Vec<Sent>) {
    let (line, mut is_changed) = (probe.line, false);
    let sent = probe.act(|endpoint, now| is_changed = endpoint.change_account(now, line, account));
    (is_changed, sent)
}

/// The REGISTER that follows a change at once.
fn asked_anew(probe: &mut Probe) -> Sent {
    let mut sent = probe.pass(millis(100));
    if probe.is_resolving() {
        let (line, target) = (probe.line, Target::udp("192.0.2.1:5060".parse().unwrap(), phone_address()));
        let found = probe.act(|endpoint, now| endpoint.handle_resolved(now, line, Ok(vec![target])));
        sent.extend(found.into_iter().map(|sent| (Duration::ZERO, sent)));
    }
    let (_, register) = sent.pop().unwrap();
    assert!(sent.is_empty() && register.payload.starts_with(b"REGISTER "), "{sent:?}");
    register
}

fn state(probe: &Probe) -> &RegistrationState {
    probe.events().iter().rev().find_map(registration).unwrap()
}

fn registration(event: &Event) -> Option<&RegistrationState> {
    if let Event::Registration { state, .. } = event { Some(state) } else { None }
}

#[test]
fn other_peers_count_at_once_and_nothing_is_sent() {
    // A stranger is not answered, and then a peer is.
    let mut probe = registered().0.unjudged();
    let invite = request("INVITE");
    let from = (STRANGER, 5060).into();
    assert_eq!(probe.receive_from(from, &invite), []);
    let extras = Extras { peers: vec![STRANGER], ..Extras::default() };
    let with_peer = Account { extras: Some(Box::new(extras)), ..account("secret") };
    assert_eq!(change(&mut probe, with_peer), (true, vec![]));
    assert_eq!(statuses(&probe.receive_from(from, &invite)), [100, 486]);
    assert_eq!(change(&mut probe, account("secret")), (true, vec![]));
    assert_eq!(probe.receive_from(from, invite.replace("branch=z9hG4bK", "branch=z9hG4bKx")), []);
    assert!(probe.pass(seconds(60)).iter().all(|(_, sent)| !sent.payload.starts_with(b"REGISTER ")));
}

#[test]
fn another_password_is_tried_for_the_binding_that_there_is() {
    let (mut probe, first) = registered();
    assert_eq!(change(&mut probe, account("other")), (true, vec![]));
    let second = asked_anew(&mut probe);
    for name in ["Call-ID", "Contact", "From"] {
        assert_eq!(second.header(name), first.header(name), "{name}");
    }
    assert_eq!([&first, &second].map(|sent| sent.header("CSeq").unwrap()), ["1 REGISTER", "2 REGISTER"]);
    let third = probe.receive(answer(&second, "401 Unauthorized", 0));
    let [third] = &third[..] else { panic!("{third:?}") };
    assert!(third.header("Authorization").is_some());
    assert_eq!(probe.receive(answer(third, "200 OK", 3600)), []);
    assert!(probe.is_registered());
}

#[test]
fn a_password_that_is_wrong_leaves_the_binding_to_live_its_time() {
    let (mut probe, _) = registered();
    change(&mut probe, account("wrong"));
    let register = asked_anew(&mut probe);
    let second = probe.receive(answer(&register, "401 Unauthorized", 0));
    assert_eq!(probe.receive(answer(&second[0], "401 Unauthorized", 0)), []);
    let RegistrationState::Failed { cause: Cause::BadCredentials { .. }, .. } = state(&probe) else {
        panic!("{:?}", state(&probe))
    };
    // Nothing takes the binding back, and calls that come by it are taken.
    assert_eq!(statuses(&probe.receive(request("INVITE"))), [100, 486]);
    assert_eq!(change(&mut probe, account("secret")), (true, vec![]));
    let mended = asked_anew(&mut probe);
    assert_eq!(mended.header("Contact"), register.header("Contact"));
    probe.receive(answer(&mended, "200 OK", 3600));
    assert!(probe.is_registered());
}

#[test]
fn another_time_or_name_is_asked_for_anew() {
    for (changed, header, expected) in [
        (Account { expires: Duration::from_secs(600), ..account("secret") }, "Expires", "600"),
        (
            Account {
                extras: Some(Box::new(Extras { display_name: Some("Hall".into()), ..Extras::default() })),
                ..account("secret")
            },
            "From",
            "Hall",
        ),
    ] {
        let (mut probe, _) = registered();
        assert_eq!(change(&mut probe, changed), (true, vec![]));
        let register = asked_anew(&mut probe);
        let said = register.header(header).unwrap();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn what_makes_another_binding_changes_nothing() {
    let other = |change: &dyn Fn(&mut Account)| {
        let mut account = account("secret");
        change(&mut account);
        account
    };
    let (mut probe, _) = registered();
    for account in [
        other(&|account| account.user = "859".into()),
        other(&|account| account.domain = "other.example.com".into()),
        other(&|account| account.port = Some(5070)),
        other(&|account| account.transport = Some(ringfence_ua::Transport::Tcp)),
        other(&|account| account.is_registering = false),
        other(&|account| account.extras_mut().public_address = Some(STRANGER)),
        other(&|account| account.extras_mut().outbound_proxy = Some(("192.0.2.9".to_owned(), None))),
    ] {
        assert_eq!(change(&mut probe, account), (false, vec![]));
    }
    let line = probe.line;
    probe.act(|endpoint, now| endpoint.remove_line(now, line));
    assert!(!change(&mut probe, account("other")).0, "a line that is being removed is let go");
}
