//! Where requests go: what a line asks to have looked up, with a port and without one (RFC 3263 section 4).

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod probe;

use ringfence_ua::{Account, Config, Event, Transport, Verdict};

use probe::{Probe, Shown, phone_address};

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
    let outbound_proxy = Some(("proxy.example.com".to_owned(), None));
    let account = Account { outbound_proxy, ..Account::new("858", "pbx.example.com", 5070) };
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
