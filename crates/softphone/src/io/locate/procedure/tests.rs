//! The procedure over a zone of a script, with the first number that can be drawn.

use std::net::Ipv4Addr;

use futures_util::FutureExt as _;

use super::*;
use crate::zone::Zone;

const ALL: &[Transport] = &[Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

/// Names and what they lead to: `192.0.2.1:5060 UDP`.
fn found(zone: &Zone, question: Question<'_>) -> Result<Vec<String>, Unlocated> {
    located(zone, question).map(|located| {
        let shown = |place: &Place| format!("{} {}", place.address, place.transport);
        located.places.iter().map(shown).collect()
    })
}

fn located(zone: &Zone, question: Question<'_>) -> Result<Located, Unlocated> {
    let source = |to: IpAddr| to.is_ipv4().then_some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9)));
    let mut draw = |_| 0;
    locate(question, zone, &source, &mut draw).now_or_never().unwrap()
}

/// A host of a `sip` URI that says nothing else.
fn sip(host: &str) -> Question<'_> {
    Question { host, port: None, transport: None, is_secure: false, supported: ALL }
}

fn sips(host: &str) -> Question<'_> {
    Question { is_secure: true, ..sip(host) }
}

fn by(transport: Transport, question: Question<'_>) -> Question<'_> {
    Question { transport: Some(transport), ..question }
}

fn at(port: u16, question: Question<'_>) -> Question<'_> {
    Question { port: Some(port), ..question }
}

fn example() -> Zone {
    Zone::default()
        .with("example.com 300 NAPTR 50 50 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.example.com.")
        .with("example.com 300 NAPTR 90 50 \"s\" \"SIP+D2T\" \"\" _sip._tcp.example.com.")
        .with("example.com 300 NAPTR 100 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com.")
        .with("_sips._tcp.example.com 200 SRV 0 0 5061 tls.example.com.")
        .with("_sip._tcp.example.com 200 SRV 0 0 5070 tcp.example.com.")
        .with("_sip._udp.example.com 200 SRV 10 0 5080 udp.example.com.")
        .with("_sip._udp.example.com 200 SRV 20 0 5090 spare.example.com.")
        .with("tls.example.com 100 A 192.0.2.1")
        .with("tcp.example.com 100 A 192.0.2.2")
        .with("udp.example.com 100 A 192.0.2.3")
        .with("spare.example.com 60 A 192.0.2.4")
        .with("example.com 50 A 192.0.2.99")
}

#[test]
fn an_address_is_asked_of_nobody() {
    let zone = example();
    let plain = |question| found(&zone, question).unwrap();
    assert_eq!(plain(sip("192.0.2.7")), ["192.0.2.7:5060 UDP"]);
    assert_eq!(plain(at(5070, sip("192.0.2.7"))), ["192.0.2.7:5070 UDP"]);
    assert_eq!(plain(by(Transport::Tcp, sip("192.0.2.7"))), ["192.0.2.7:5060 TCP"]);
    assert_eq!(plain(by(Transport::Tls, sip("192.0.2.7"))), ["192.0.2.7:5061 TLS"]);
    assert_eq!(plain(sips("192.0.2.7")), ["192.0.2.7:5061 TLS"]);
    assert_eq!(found(&zone, sip("[2001:db8::1]")), Err(Unlocated::Unreachable));
    assert!(zone.asked().is_empty());
}

#[test]
fn an_address_that_is_none_of_a_host_is_not_sent_to() {
    let zone = Zone::default()
        .with("none.example.com 9 A 0.0.0.0")
        .with("_sip._udp.group.example.com 9 SRV 0 0 5060 group.example.com.")
        .with("group.example.com 9 A 224.0.0.251")
        .with("mixed.example.com 9 A 255.255.255.255")
        .with("mixed.example.com 9 A 192.0.2.1");
    let no_host = |address: &str| Err(Unlocated::NoHost(address.parse().unwrap()));
    for address in ["0.0.0.0", "224.0.0.251", "255.255.255.255", "::", "ff02::1"] {
        assert_eq!(found(&zone, sip(address)), no_host(address));
    }
    assert_eq!(found(&zone, at(5070, sip("none.example.com"))), no_host("0.0.0.0"));
    assert_eq!(found(&zone, sip("group.example.com")), no_host("224.0.0.251"));
    assert_eq!(found(&zone, sip("mixed.example.com")).unwrap(), ["192.0.2.1:5060 UDP"]);
    let told = found(&zone, sip("none.example.com")).unwrap_err().to_string();
    assert_eq!(told, "0.0.0.0 is no address of a host");
}

#[test]
fn with_a_port_addresses_alone_are_looked_up() {
    //= https://www.rfc-editor.org/rfc/rfc3263#section-4.2
    //= type=test
    //# This is a change from RFC 2543.  Previously, if the port was
    //# explicit, but with a value of 5060, SRV records were used.  Now, A
    //# or AAAA records will be used.
    let zone = example();
    assert_eq!(found(&zone, at(5060, sip("example.com"))).unwrap(), ["192.0.2.99:5060 UDP"]);
    assert_eq!(found(&zone, at(5062, sips("example.com"))).unwrap(), ["192.0.2.99:5062 TLS"]);
    assert_eq!(found(&zone, at(1, by(Transport::Tcp, sip("example.com")))).unwrap(), ["192.0.2.99:1 TCP"]);
    assert_eq!(zone.asked(), ["A example.com"; 3]);
}

#[test]
fn a_transport_that_was_given_has_its_own_srv_records() {
    let zone = example();
    assert_eq!(found(&zone, by(Transport::Tcp, sip("example.com"))).unwrap(), ["192.0.2.2:5070 TCP"]);
    assert_eq!(zone.asked(), ["SRV _sip._tcp.example.com", "A tcp.example.com"]);
    for question in [by(Transport::Tls, sip("example.com")), by(Transport::Tcp, sips("example.com"))] {
        assert_eq!(found(&zone, question).unwrap(), ["192.0.2.1:5061 TLS"]);
        assert_eq!(zone.asked()[0], "SRV _sips._tcp.example.com");
    }
}

#[test]
fn naptr_says_which_transport_and_its_srv_records_where() {
    let zone = example();
    assert_eq!(found(&zone, sip("example.com")).unwrap(), ["192.0.2.1:5061 TLS"]);
    let udp = Question { supported: &[Transport::Udp], ..sip("example.com") };
    assert_eq!(found(&zone, udp).unwrap(), ["192.0.2.3:5080 UDP", "192.0.2.4:5090 UDP"]);
    assert_eq!(zone.asked().iter().filter(|asked| asked.starts_with("NAPTR")).count(), 2);
}

#[test]
fn the_priority_of_a_server_is_that_of_its_addresses() {
    let zone = example().with("_sip._udp.example.com 200 SRV 20 0 5090 udp.example.com.");
    let priorities = |question| -> Vec<u16> {
        located(&zone, question).unwrap().places.iter().map(|place| place.priority).collect()
    };
    assert_eq!(priorities(by(Transport::Udp, sip("example.com"))), [10, 20, 20]);
    assert_eq!(priorities(at(5070, sip("example.com"))), [0]);
}

#[test]
fn without_naptr_each_transport_is_asked_for_and_the_preferred_first() {
    let zone = example();
    zone.without("example.com", "NAPTR");
    let udp = ["192.0.2.3:5080 UDP", "192.0.2.4:5090 UDP"];
    assert_eq!(found(&zone, sip("example.com")).unwrap(), [&udp[..], &["192.0.2.2:5070 TCP"]].concat());
    assert_eq!(
        zone.asked()[..3],
        ["NAPTR example.com", "SRV _sip._udp.example.com", "SRV _sip._tcp.example.com"]
    );
    assert_eq!(found(&zone, sips("example.com")).unwrap(), ["192.0.2.1:5061 TLS"]);
    zone.without("_sip._udp.example.com", "SRV");
    assert_eq!(found(&zone, sip("example.com")).unwrap(), ["192.0.2.2:5070 TCP"]);
}

#[test]
fn without_any_records_of_a_service_the_host_is_asked_at_the_default_port() {
    //= https://www.rfc-editor.org/rfc/rfc3263#section-4.2
    //= type=test
    //# If no SRV records were found, the client performs an A or AAAA record
    //# lookup of the domain name.
    let zone = Zone::default().with("fritz.box 9 A 192.0.2.1");
    assert_eq!(found(&zone, sip("fritz.box")).unwrap(), ["192.0.2.1:5060 UDP"]);
    assert_eq!(found(&zone, sips("fritz.box")).unwrap(), ["192.0.2.1:5061 TLS"]);
    assert_eq!(found(&zone, by(Transport::Tcp, sip("fritz.box"))).unwrap(), ["192.0.2.1:5060 TCP"]);
    assert_eq!(found(&zone, sip("nobody.example.com")), Err(Unlocated::NoAddress));
}

#[test]
fn websocket_is_asked_for_alone_and_at_its_own_port() {
    let zone = example();
    assert_eq!(found(&zone, by(Transport::Ws, sip("example.com"))).unwrap(), ["192.0.2.99:80 WS"]);
    for question in [by(Transport::Wss, sip("example.com")), by(Transport::Ws, sips("example.com"))] {
        assert_eq!(found(&zone, question).unwrap(), ["192.0.2.99:443 WSS"]);
    }
    assert_eq!(zone.asked(), ["A example.com"; 3]);
}

#[test]
fn a_naptr_record_that_leads_to_no_srv_records_is_passed_over() {
    let zone = Zone::default()
        .with("example.org 9 NAPTR 10 10 \"s\" \"SIP+D2T\" \"\" _sip._tcp.example.org")
        .with("example.org 9 NAPTR 10 20 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.org")
        .with("_sip._udp.example.org 9 SRV 0 0 5080 sip.example.org")
        .with("sip.example.org 9 A 192.0.2.3");
    assert_eq!(found(&zone, sip("example.org")).unwrap(), ["192.0.2.3:5080 UDP"]);
}

#[test]
fn a_domain_that_wants_tls_is_not_asked_in_clear_where_its_servers_by_tls_are_missing() {
    let zone = example();
    zone.without("_sips._tcp.example.com", "SRV");
    assert_eq!(found(&zone, sip("example.com")), Err(Unlocated::NoTls));
    let udp = found(&zone, by(Transport::Udp, sip("example.com"))).unwrap();
    assert!(udp.iter().all(|place| place.ends_with("UDP")), "an account that names a transport keeps to it");
}

#[test]
fn a_resolver_that_knows_no_services_still_finds_hosts() {
    let zone = Zone::default()
        .with("fritz.box 9 NAPTR SERVFAIL")
        .with("_sip._udp.fritz.box 9 SRV SERVFAIL")
        .with("_sip._tcp.fritz.box 9 SRV SERVFAIL")
        .with("fritz.box 9 A 192.0.2.1");
    assert_eq!(found(&zone, sip("fritz.box")).unwrap(), ["192.0.2.1:5060 UDP"]);
    zone.set_down(true);
    assert_eq!(found(&zone, sip("fritz.box")), Err(Unlocated::Failed("SERVFAIL".to_owned())));
}

#[test]
fn a_service_that_is_decidedly_not_available_is_not_looked_for_elsewhere() {
    //= https://www.rfc-editor.org/rfc/rfc2782
    //= type=test
    //# A Target of "." means that the service is decidedly not
    //# available at this domain.
    let zone = Zone::default().with("a.example 9 A 192.0.2.1").with("_sip._udp.a.example 9 SRV 0 0 0 .");
    assert_eq!(found(&zone, by(Transport::Udp, sip("a.example"))), Err(Unlocated::NoService));
    assert_eq!(found(&zone, sip("a.example")), Err(Unlocated::NoService));
    let zone = zone.with("_sip._tcp.a.example 9 SRV 0 0 5060 a.example.");
    assert_eq!(found(&zone, sip("a.example")).unwrap(), ["192.0.2.1:5060 TCP"]);
}

#[test]
fn what_cannot_be_used_is_said() {
    let zone = example();
    let only_udp = |question| Question { supported: &[Transport::Udp], ..question };
    let tcp = Err(Unlocated::Unsupported(Transport::Tcp));
    assert_eq!(found(&zone, only_udp(by(Transport::Tcp, sip("example.com")))), tcp);
    assert_eq!(found(&zone, only_udp(sips("192.0.2.1"))), Err(Unlocated::Unsupported(Transport::Tls)));
    assert_eq!(
        found(&zone, by(Transport::Udp, sips("example.com"))),
        Err(Unlocated::Insecure(Transport::Udp))
    );
}

#[test]
fn what_was_found_holds_as_long_as_the_shortest_of_its_records() {
    let zone = example();
    let ttl = |question| located(&zone, question).unwrap().ttl.map(|ttl| ttl.as_secs());
    assert_eq!(ttl(sip("example.com")), Some(100));
    assert_eq!(ttl(by(Transport::Udp, sip("example.com"))), Some(60));
    assert_eq!(ttl(at(5060, sip("example.com"))), Some(50));
    assert_eq!(ttl(sip("192.0.2.1")), None);
}

#[test]
fn a_server_without_an_address_does_not_keep_from_the_next() {
    let zone = example();
    zone.without("udp.example.com", "A");
    assert_eq!(found(&zone, by(Transport::Udp, sip("example.com"))).unwrap(), ["192.0.2.4:5090 UDP"]);
    let zone = zone.with("udp.example.com 9 A 2001:db8::1");
    assert_eq!(found(&zone, by(Transport::Udp, sip("example.com"))).unwrap(), ["192.0.2.4:5090 UDP"]);
    zone.without("spare.example.com", "A");
    assert_eq!(found(&zone, by(Transport::Udp, sip("example.com"))), Err(Unlocated::NoAddress));
}

#[test]
fn an_absurd_answer_is_cut_and_the_same_place_is_tried_once() {
    let mut zone = Zone::default();
    for host in 0..100 {
        zone = zone.with(&format!("_sip._udp.a.example 9 SRV {host} 0 5060 h{host}.a.example."));
        for address in 0..20 {
            zone = zone.with(&format!("h{host}.a.example 9 A 10.0.{host}.{address}"));
        }
    }
    let places = found(&zone, by(Transport::Udp, sip("a.example"))).unwrap();
    assert_eq!((places.len(), zone.asked().len()), (MOST_PLACES, 1 + MOST_HOSTS));
    assert_eq!(places.iter().filter(|place| place.starts_with("10.0.0.")).count(), MOST_ADDRESSES);
    let twice = Zone::default()
        .with("_sip._udp.a.example 9 SRV 0 0 5060 h.a.example.")
        .with("_sip._udp.a.example 9 SRV 1 0 5060 h.a.example.")
        .with("h.a.example 9 A 10.0.0.1");
    assert_eq!(found(&twice, by(Transport::Udp, sip("a.example"))).unwrap(), ["10.0.0.1:5060 UDP"]);
}
