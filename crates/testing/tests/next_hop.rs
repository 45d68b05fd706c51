//! Where requests go: what a line asks to have looked up, with a port and without one (RFC 3263 section 4).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod probe;

use std::net::SocketAddr;
use std::time::Duration;

use ringfence_ua::{Account, Config, Event, LineId, RegistrationState, Target, Transport, Verdict};

use probe::{Probe, Sent, Shown, phone_address, seconds};

fn asked(account: Account) -> Vec<(String, Option<u16>)> {
    let probe = Probe::resolving(Config::new(phone_address()), account);
    let asked = probe.events().iter().filter_map(|event| {
        let (Event::Resolve { host, port, .. } | Event::Locate { host, port, .. }) = event else {
            return None;
        };
        Some((host.clone(), *port))
    });
    asked.collect()
}

#[test]
fn a_port_that_was_given_is_told_from_none_even_where_it_is_the_default_one() {
    let of = |port: Option<u16>| asked(Account::new("858", "pbx.example.com", port));
    assert_eq!(of(None), [("pbx.example.com".to_owned(), None)]);
    assert_eq!(of(Some(5060)), [("pbx.example.com".to_owned(), Some(5060))]);
    assert_eq!(of(Some(5070)), [("pbx.example.com".to_owned(), Some(5070))]);
}

#[test]
fn a_proxy_without_a_port_is_asked_for_and_stands_in_the_route_without_one() {
    let mut account = Account::new("858", "pbx.example.com", 5070);
    account.extras_mut().outbound_proxy = Some(("proxy.example.com".to_owned(), None));
    let proxy = ("proxy.example.com".to_owned(), None);
    assert_eq!(asked(account.clone()), [proxy, ("pbx.example.com".to_owned(), Some(5070))]);
    let screen = Shown::default().screen(Verdict::busy());
    let (_, register) = Probe::registering(Config::new(phone_address()), account, screen);
    assert_eq!(register.header("Route").as_deref(), Some("<sip:proxy.example.com;lr>"));
    assert_eq!(register.message().request_uri(), Some(&b"sip:pbx.example.com:5070"[..]));
}

#[test]
fn what_the_account_says_of_the_way_is_asked_for_and_nothing_else() {
    let way = |account: Account| {
        let probe = Probe::resolving(Config::new(phone_address()), account);
        let asked = probe.events().iter().find_map(|event| {
            let Event::Resolve { transport, is_secure, is_connecting, .. } = event else { return None };
            Some((*transport, *is_secure, *is_connecting))
        });
        asked.unwrap()
    };
    let plain = || Account::new("858", "pbx.example.com", None);
    assert_eq!(way(plain()), (None, false, true));
    assert_eq!(way(Account { is_secure: true, ..plain() }), (None, true, true));
    let tcp = Some(Transport::Tcp);
    assert_eq!(way(Account { transport: tcp, is_registering: false, ..plain() }), (tcp, false, false));
}

/// Where a line's next REGISTER goes when these servers are found for it.
fn asked_of(probe: &mut Probe, line: LineId, servers: &[&str]) -> SocketAddr {
    let target = |server: &&str| Target::udp(server.parse().unwrap(), phone_address());
    let targets = servers.iter().map(target).collect();
    let sent = probe.act(|endpoint, now| endpoint.handle_resolved(now, line, Ok(targets)));
    sent.iter().find(|sent| sent.payload.starts_with(b"REGISTER")).unwrap().destination
}

/// The answer of a server that asks to be left alone for ten minutes.
fn unavailable(register: &Sent) -> String {
    let field = |name: &str| format!("{name}: {}\r\n", register.header(name).unwrap());
    let echoed = ["Via", "From", "To", "Call-ID", "CSeq"].map(field).concat();
    format!("SIP/2.0 503 No\r\n{echoed}Retry-After: 600\r\nContent-Length: 0\r\n\r\n")
}

/// A line more of the same registrar.
fn another(probe: &mut Probe) -> LineId {
    let mut line = None;
    let account = Account::new("859", "pbx.example.com", None);
    probe.act(|endpoint, now| line = Some(endpoint.add_line(now, account).unwrap()));
    line.unwrap()
}

#[test]
fn a_server_that_was_silent_to_one_line_is_tried_last_by_all_for_five_minutes() {
    let servers = ["192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.3:5060"];
    let account = Account::new("858", "pbx.example.com", None);
    let mut probe = Probe::resolving(Config::new(phone_address()), account);
    let first = probe.line;
    assert_eq!(asked_of(&mut probe, first, &servers).to_string(), servers[0]);
    probe.pass(seconds(33));
    for _ in 0..2 {
        let line = another(&mut probe);
        assert_eq!(asked_of(&mut probe, line, &servers).to_string(), servers[1]);
    }
    let line = another(&mut probe);
    assert_eq!(asked_of(&mut probe, line, &servers[..1]).to_string(), servers[0], "better than none");
    // The last REGISTER there is given up in 32 s.
    probe.pass(seconds(32 + 300));
    let line = another(&mut probe);
    assert_eq!(asked_of(&mut probe, line, &servers).to_string(), servers[0]);
}

#[test]
fn a_server_that_cannot_is_tried_last_for_as_long_as_it_asks() {
    let servers = ["192.0.2.1:5060", "192.0.2.2:5060"];
    let account = Account::new("858", "pbx.example.com", None);
    let mut probe = Probe::resolving(Config::new(phone_address()), account);
    let line = probe.line;
    let target = Target::udp(servers[0].parse().unwrap(), phone_address());
    let sent = probe.act(|endpoint, now| endpoint.handle_resolved(now, line, Ok(vec![target])));
    probe.receive(unavailable(&sent[0]));
    for (after, first) in [(0, servers[1]), (599, servers[1]), (1, servers[0])] {
        probe.pass(seconds(after));
        let line = another(&mut probe);
        assert_eq!(asked_of(&mut probe, line, &servers).to_string(), first, "after {after} s more");
    }
}

#[test]
fn a_server_that_cannot_is_followed_by_the_next_at_once() {
    //= https://www.rfc-editor.org/rfc/rfc3263#section-4.3
    //= type=test
    //# If a failure occurs, the client
    //# SHOULD create a new request, which is identical to the previous, but
    //# has a different value of the Via branch ID than the previous (and
    //# therefore constitutes a new SIP transaction).
    let mut probe =
        Probe::resolving(Config::new(phone_address()), Account::new("858", "pbx.example.com", None));
    let (line, servers) = (probe.line, ["192.0.2.1:5060", "192.0.2.2:5060"]);
    let target = |server: &str| Target::udp(server.parse().unwrap(), phone_address());
    let targets = servers.map(target).to_vec();
    let mut sent = probe.act(|endpoint, now| endpoint.handle_resolved(now, line, Ok(targets)));
    let mut tried = Vec::new();
    while let Some(register) = sent.pop() {
        tried.push((register.destination.to_string(), register.header("Via").unwrap()));
        sent = probe.receive(unavailable(&register));
    }
    assert_eq!(
        tried.iter().map(|(server, _)| server).collect::<Vec<_>>(),
        servers.iter().collect::<Vec<_>>()
    );
    assert_ne!(tried[0].1, tried[1].1);
    assert!(matches!(probe.events().last(), Some(Event::Registration { .. })), "the last one is believed");
}

/// The answer to a REGISTER.
fn answer(register: &Sent, status: &str) -> String {
    unavailable(register).replacen("503 No", status, 1).replacen("Retry-After: 600", "Expires: 3600", 1)
}

/// How long a line takes to register at one of these servers, within a day. Each says a status, or nothing, at a time.
fn time_to_register(
    servers: &[&str],
    says: impl Fn(&str, Duration) -> Option<&'static str>,
) -> Option<Duration> {
    let mut probe =
        Probe::resolving(Config::new(phone_address()), Account::new("858", "pbx.example.com", None));
    let (line, start) = (probe.line, probe.now());
    let targets: Vec<_> =
        servers.iter().map(|server| Target::udp(server.parse().unwrap(), phone_address())).collect();
    let mut found = 0;
    while probe.now() - start < seconds(24 * 3600) && !probe.is_registered() {
        let mut sent: Vec<Sent> = probe.pass(seconds(1)).into_iter().map(|(_, sent)| sent).collect();
        if probe.events().iter().filter(|event| matches!(event, Event::Resolve { .. })).count() > found {
            found += 1;
            sent = probe.act(|endpoint, now| endpoint.handle_resolved(now, line, Ok(targets.clone())));
        }
        while let Some(register) = sent.pop() {
            if let Some(status) = says(&register.destination.to_string(), probe.now() - start) {
                sent.extend(probe.receive_from(register.destination, answer(&register, status)));
            }
        }
    }
    probe.is_registered().then(|| probe.now() - start)
}

//= https://www.rfc-editor.org/rfc/rfc2782
//= type=test
//# A client MUST attempt to
//# contact the target host with the lowest-numbered priority it can
//# reach
#[test]
fn a_server_that_was_silent_once_is_asked_again_where_the_other_one_says_no() {
    let servers = ["192.0.2.1:5060", "192.0.2.2:5060"];
    for no in ["500 Standby", "403 Forbidden", "503 Standby"] {
        let says = |server: &str, at: Duration| {
            if server == servers[0] { (at >= seconds(40)).then_some("200 OK") } else { Some(no) }
        };
        let taken = time_to_register(&servers, says);
        assert!(taken.is_some_and(|taken| taken <= seconds(20 * 60)), "{no}: {taken:?}");
    }
}

#[test]
fn of_servers_that_are_silent_each_has_its_turn_however_long_the_others_are() {
    let servers = ["192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.3:5060"];
    for back in servers {
        let says =
            |server: &str, at: Duration| (server == back && at >= seconds(6 * 3600)).then_some("200 OK");
        let taken = time_to_register(&servers, says);
        let bound = seconds(6 * 3600 + 3 * (30 * 60 + 33));
        assert!(taken.is_some_and(|taken| taken <= bound), "{back}: {taken:?}");
    }
}

/// How long a line waits when its servers have answered so, one after the other: with a status, and a Retry-After where
/// there is one.
fn wait_after(answers: [(&str, Option<u32>); 2]) -> Duration {
    let mut probe =
        Probe::resolving(Config::new(phone_address()), Account::new("858", "pbx.example.com", None));
    let targets =
        ["192.0.2.1:5060", "192.0.2.2:5060"].map(|it| Target::udp(it.parse().unwrap(), phone_address()));
    let line = probe.line;
    let mut sent = probe.act(|endpoint, now| endpoint.handle_resolved(now, line, Ok(targets.to_vec())));
    for (status, retry_after) in answers {
        let register = sent.pop().unwrap();
        let field = retry_after.map(|it| format!("Retry-After: {it}\r\n")).unwrap_or_default();
        let no =
            unavailable(&register).replacen("503 No", status, 1).replacen("Retry-After: 600\r\n", &field, 1);
        sent = probe.receive_from(register.destination, no);
    }
    let Some(Event::Registration { state: RegistrationState::Failed { retry_at: Some(at), .. }, .. }) =
        probe.events().last()
    else {
        panic!("{:?}", probe.events().last())
    };
    *at - probe.now()
}

#[test]
fn of_servers_that_all_cannot_the_first_to_be_back_says_when_they_are_asked_again() {
    let busy = |retry_after| ("503 Service Unavailable", retry_after);
    for (answers, least, most) in [
        ([busy(Some(5)), busy(Some(3600))], 5, 6),
        ([busy(Some(3600)), busy(Some(5))], 5, 6),
        ([busy(Some(600)), busy(Some(3600))], 600, 660),
        ([busy(None), busy(Some(3600))], 1, 2),
        ([busy(Some(3600)), busy(None)], 1, 2),
        ([busy(Some(5)), ("403 Forbidden", None)], 120, 240),
    ] {
        let wait = wait_after(answers);
        assert!(wait >= seconds(least) && wait <= seconds(most), "{answers:?}: {wait:?}");
    }
}
