//! Finding servers (RFC 3263), from an account to the registrar, with a resolver of a script.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod stage;

use rcgen::CertificateParams;
use ringfence_testing::Mode;
use softphone::{Account, Cause, Chosen, ChosenBy, RegistrationState, Softphone, Tls, Transport};
use stage::authority::Authority;
use stage::connections::pbx_behind;
use stage::zone::Zone;
use stage::{next, pbx, soon};
use tokio::net::TcpSocket;

async fn phone(zone: &Zone) -> Softphone {
    let listen = "127.0.0.1:0".parse().unwrap();
    Softphone::builder().listen(listen).resolver(zone.clone()).start().await.unwrap()
}

fn account(address: &str) -> Account {
    Account::new(address).unwrap().password("secret")
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.2
//= type=test
//# Unless there is local policy specifying otherwise, the destination MUST be determined by
//# applying the DNS procedures described in [4] as follows.
#[tokio::test]
async fn an_account_without_a_port_registers_where_the_service_records_say() {
    let pbx = pbx().await;
    let port = pbx.address.port();
    let zone = Zone::default()
        .with("example.com 60 NAPTR 10 10 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com")
        .with(&format!("_sip._udp.example.com 60 SRV 0 0 {port} sip1.example.com"))
        .with("sip1.example.com 60 A 127.0.0.1");
    let phone = phone(&zone).await;
    let line = soon(phone.register(account("sip:858@example.com"))).await.unwrap();
    assert_eq!(line.address_of_record(), "sip:858@example.com");
    assert_eq!(zone.asked(), ["NAPTR example.com", "SRV _sip._udp.example.com", "A sip1.example.com"]);
    let call = pbx.call("1002", "858");
    assert!(soon(line.incoming()).await.is_some(), "the servers of the domain may ring");
    pbx.cancel(call);
}

#[tokio::test]
async fn an_account_with_a_port_registers_at_the_host_and_many_ask_once() {
    let pbx = pbx().await;
    let port = pbx.address.port();
    let zone = Zone::default()
        .with("example.com 60 A 127.0.0.1")
        .with("_sip._udp.example.com 60 SRV 0 0 9 nowhere.example.com");
    let phone = phone(&zone).await;
    for user in ["858", "859"] {
        soon(phone.register(account(&format!("sip:{user}@example.com:{port}")))).await.unwrap();
    }
    assert_eq!(zone.asked(), ["A example.com"]);
}

#[tokio::test]
async fn who_has_no_service_is_said_to_have_none() {
    let zone =
        Zone::default().with("_sip._udp.example.com 60 SRV 0 0 0 .").with("example.com 60 A 127.0.0.1");
    let phone = phone(&zone).await;
    let error = soon(phone.register(account("sip:858@example.com"))).await.unwrap_err();
    let Some(Cause::Unresolved { host, error }) = error.cause() else { panic!("{error}") };
    assert_eq!((host.as_str(), error.as_str()), ("example.com", "its domain has no SIP service"));
}

#[tokio::test]
async fn what_chose_the_transport_is_told_with_the_registration() {
    let pbx = pbx().await;
    let port = pbx.address.port();
    let zone = Zone::default()
        .with("example.com 60 NAPTR 10 10 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com")
        .with(&format!("_sip._udp.example.com 60 SRV 0 0 {port} sip1.example.com"))
        .with(&format!("_sip._udp.example.org 60 SRV 0 0 {port} sip1.example.com"))
        .with("sip1.example.com 60 A 127.0.0.1");
    let phone = phone(&zone).await;
    let plain = [
        "sip:858@example.com".to_owned(),
        "sip:859@example.org".to_owned(),
        format!("sip:858@127.0.0.1:{port}"),
    ];
    for (address, by) in plain.iter().zip([ChosenBy::Naptr, ChosenBy::Srv, ChosenBy::Default]) {
        let line = soon(phone.register(account(address))).await.unwrap();
        let RegistrationState::Registered { chosen, .. } = line.registration().state() else {
            panic!("{address}")
        };
        assert_eq!(chosen, Chosen { transport: Transport::Udp, by });
    }
    let named = account(&plain[0]).transport(Transport::Udp);
    let line = soon(phone.register(named)).await.unwrap();
    let RegistrationState::Registered { chosen, .. } = line.registration().state() else { panic!("named") };
    assert_eq!(chosen.by, ChosenBy::Account);
}

#[tokio::test]
async fn who_cannot_connect_by_what_the_domain_prefers_is_told_so() {
    //= https://www.rfc-editor.org/rfc/rfc3263#section-4.1
    //= type=test
    //# A client resolving a SIP URI SHOULD
    //# retain records with "SIPS" as the protocol, if the client supports
    //# TLS.
    let zone = Zone::default()
        .with("example.com 60 NAPTR 10 10 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.example.com")
        .with("_sips._tcp.example.com 60 SRV 0 0 9 sip1.example.com")
        .with("sip1.example.com 60 A 127.0.0.1");
    let phone = phone(&zone).await;
    let error = soon(phone.register(account("sip:858@example.com"))).await.unwrap_err();
    let Some(Cause::Unconnected { error, .. }) = error.cause() else { panic!("{error}") };
    let why =
        "(by TLS, which the domain's NAPTR records prefer; an account that names a transport keeps to it)";
    assert!(error.ends_with(why), "{error}");
}

/// A zone of `example.com` whose NAPTR records name these services at these ports of this machine, the preferred first.
fn naming(services: &[(&str, &str, u16)]) -> Zone {
    let zone = Zone::default().with("sip1.example.com 60 A 127.0.0.1");
    services.iter().zip(1..).fold(zone, |zone, ((service, name, port), preference)| {
        zone.with(&format!(
            "example.com 60 NAPTR 10 {preference} \"s\" \"{service}\" \"\" {name}.example.com"
        ))
        .with(&format!("{name}.example.com 60 SRV 0 0 {port} sip1.example.com"))
    })
}

const UDP: (&str, &str) = ("SIP+D2U", "_sip._udp");
const TCP: (&str, &str) = ("SIP+D2T", "_sip._tcp");
const TLS: (&str, &str) = ("SIPS+D2T", "_sips._tcp");

fn at<'a>((service, name): (&'a str, &'a str), port: u16) -> (&'a str, &'a str, u16) {
    (service, name, port)
}

/// A port that is bound, and so nobody else's, and not listened at.
fn refusing() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

#[tokio::test]
async fn where_one_transport_cannot_be_had_the_next_that_the_domain_names_is_tried() {
    let (pbx, (_bound, port)) = (pbx().await, refusing());
    let phone = phone(&naming(&[at(TCP, port), at(UDP, pbx.address.port())])).await;
    let line = soon(phone.register(account("sip:858@example.com"))).await.unwrap();
    let RegistrationState::Registered { chosen, .. } = line.registration().state() else { panic!("lost") };
    assert_eq!(chosen, Chosen { transport: Transport::Udp, by: ChosenBy::Fallback });
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.2
//= type=test
//# If the Request-URI contains a SIPS URI, any alternate destinations MUST be contacted with TLS.
#[tokio::test]
async fn nothing_in_clear_comes_after_tls() {
    let (pbx, (_bound, port)) = (pbx().await, refusing());
    for services in [
        vec![at(TLS, port), at(UDP, pbx.address.port())],
        vec![at(TCP, port), at(TLS, port), at(UDP, pbx.address.port())],
    ] {
        let phone = phone(&naming(&services)).await;
        let error = soon(phone.register(account("sip:858@example.com"))).await.unwrap_err();
        let Some(Cause::Unconnected { error, .. }) = error.cause() else { panic!("{error}") };
        let tried = error.matches(&format!("at 127.0.0.1:{port}: ")).count();
        assert!(
            tried == services.len() - 1 && error.contains("an account that names a transport"),
            "{error}"
        );
        let named = account("sip:858@example.com").transport(Transport::Tcp);
        assert!(soon(phone.register(named)).await.is_err(), "a transport that is named is kept");
    }
    assert!(pbx.received("REGISTER").is_empty());
}

#[tokio::test]
async fn a_server_that_fails_over_udp_is_followed_by_the_next_transport() {
    let (failing, pbx) = (pbx().await, pbx_behind(None, None).await);
    failing.set_mode(Mode::Refusing { status: 503, retry_after: None });
    let services = [at(UDP, failing.address.port()), at(TCP, pbx.address.port())];
    let phone = phone(&naming(&services)).await;
    let line = soon(phone.line(account("sip:858@example.com"))).await.unwrap();
    let mut registration = line.registration();
    while !registration.state().is_registered() {
        next(registration.changed()).await;
    }
    let RegistrationState::Registered { chosen, .. } = registration.state() else { panic!("lost") };
    assert_eq!(chosen.transport, Transport::Tcp);
    assert_eq!(failing.received("REGISTER").len(), 1, "it is left alone for a while");
}

/// A zone of `example.com` whose SRV records for TCP name these ports of this machine, the preferred first.
fn by_tcp(ports: &[u16]) -> Zone {
    let zone = Zone::default().with("sip1.example.com 60 A 127.0.0.1");
    ports.iter().zip(1..).fold(zone, |zone, (port, priority)| {
        zone.with(&format!("_sip._tcp.example.com 60 SRV {priority} 0 {port} sip1.example.com"))
    })
}

const UNAVAILABLE: Mode = Mode::Refusing { status: 503, retry_after: Some(600) };

//= https://www.rfc-editor.org/rfc/rfc3263#section-4.3
//= type=test
//# That request is sent
//# to the next element in the list as specified by RFC 2782.
#[tokio::test]
async fn a_server_over_a_connection_that_says_503_is_followed_by_the_next_at_once() {
    let (failing, pbx) = (pbx_behind(None, None).await, pbx_behind(None, None).await);
    failing.set_mode(UNAVAILABLE);
    let phone = phone(&by_tcp(&[failing.address.port(), pbx.address.port()])).await;
    let account = |user: &str| account(&format!("sip:{user}@example.com")).transport(Transport::Tcp);
    let line = soon(phone.register(account("858"))).await.unwrap();
    soon(phone.register(account("859"))).await.unwrap();
    assert_eq!(failing.received("REGISTER").len(), 1, "all lines leave it alone for a while");
    let call = pbx.call("1002", "858");
    assert!(soon(line.incoming()).await.is_some(), "who has the binding may ring");
    pbx.cancel(call);
}

#[tokio::test]
async fn where_all_servers_say_503_each_is_asked_once() {
    let servers = [pbx_behind(None, None).await, pbx_behind(None, None).await];
    for server in &servers {
        server.set_mode(UNAVAILABLE);
    }
    let phone = phone(&by_tcp(&servers.each_ref().map(|server| server.address.port()))).await;
    let named = account("sip:858@example.com").transport(Transport::Tcp);
    let error = soon(phone.register(named)).await.unwrap_err();
    assert!(matches!(error.cause(), Some(Cause::Unavailable { status: 503, .. })), "{error}");
    assert_eq!(servers.each_ref().map(|server| server.received("REGISTER").len()), [1, 1]);
}

#[tokio::test]
async fn a_server_that_says_503_is_asked_no_more_where_the_next_cannot_be_connected_to() {
    let (failing, (_bound, port)) = (pbx_behind(None, None).await, refusing());
    failing.set_mode(UNAVAILABLE);
    let phone = phone(&by_tcp(&[failing.address.port(), port])).await;
    for user in ["858", "859"] {
        let named = account(&format!("sip:{user}@example.com")).transport(Transport::Tcp);
        let error = soon(phone.register(named)).await.unwrap_err();
        assert!(matches!(error.cause(), Some(Cause::Unavailable { status: 503, .. })), "{error}");
    }
    assert_eq!(failing.received("REGISTER").len(), 2);
    let counters = soon(phone.counters()).await.unwrap();
    assert_eq!(counters.connections, 1, "the connection that is open is used");
}

#[tokio::test]
async fn where_the_domain_wants_tls_nothing_leads_to_what_is_in_clear() {
    let pbx = pbx().await;
    let port = pbx.address.port();
    let of = |tls: &str| {
        let zone = Zone::default()
            .with("example.com 60 NAPTR 10 10 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.example.com")
            .with("example.com 60 NAPTR 10 20 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com")
            .with(&format!("_sip._udp.example.com 60 SRV 0 0 {port} sip1.example.com"))
            .with("sip1.example.com 60 A 127.0.0.1")
            .with("example.com 60 A 127.0.0.1");
        if tls.is_empty() { zone } else { zone.with(tls) }
    };
    for tls in [
        "",
        "_sips._tcp.example.com 60 SRV 0 0 5061 .",
        "_sips._tcp.example.com 60 SRV 0 0 5061 none.example.com",
    ] {
        let phone = phone(&of(tls)).await;
        let error = soon(phone.register(account("sip:858@example.com"))).await.unwrap_err();
        assert!(matches!(error.cause(), Some(Cause::Unresolved { .. })), "{tls}: {error}");
    }
    assert!(pbx.received("REGISTER").is_empty());
}

#[tokio::test]
async fn a_connection_by_tls_is_shared_by_the_lines_of_one_name_alone() {
    let authority = Authority::new();
    let names = ["a.example.com", "b.example.com"].map(str::to_owned).to_vec();
    let params = CertificateParams::new(names).unwrap();
    let pbx = pbx_behind(Some(authority.server_with(&params)), None).await;
    let zone = Zone::default().with("a.example.com 60 A 127.0.0.1").with("b.example.com 60 A 127.0.0.1");
    let tls = Tls::new().trust(authority.pem.as_bytes()).unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let phone = Softphone::builder().listen(listen).resolver(zone).tls(tls).start().await.unwrap();
    for (address, connections) in [("858@a", 1), ("859@a", 1), ("858@b", 2)] {
        let address = format!("sip:{address}.example.com:{}", pbx.address.port());
        soon(phone.register(account(&address).transport(Transport::Tls))).await.unwrap();
        assert_eq!(soon(phone.counters()).await.unwrap().connections, connections, "{address}");
    }
}

#[tokio::test]
async fn who_is_sent_elsewhere_over_tls_goes_there_by_tls() {
    let authority = Authority::new();
    let pbx = pbx_behind(Some(authority.server("example.com")), None).await;
    let clear = stage::pbx().await;
    pbx.set_mode(Mode::Redirecting {
        status: 302,
        contact: format!("sip:127.0.0.1:{}", clear.address.port()),
    });
    let zone = Zone::default()
        .with("example.com 60 NAPTR 10 10 \"s\" \"SIPS+D2T\" \"\" _sips._tcp.example.com")
        .with(&format!("_sips._tcp.example.com 60 SRV 0 0 {} sip1.example.com", pbx.address.port()))
        .with("sip1.example.com 60 A 127.0.0.1");
    let tls = Tls::new().trust(authority.pem.as_bytes()).unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let phone = Softphone::builder().listen(listen).resolver(zone).tls(tls).start().await.unwrap();
    let error = soon(phone.register(account("sip:858@example.com"))).await.unwrap_err();
    assert!(matches!(error.cause(), Some(Cause::Unconnected { .. })), "{error}");
    assert!(!pbx.received("REGISTER").is_empty() && clear.received("").is_empty());
}

#[tokio::test]
async fn a_503_that_asks_for_no_time_is_followed_by_the_next_at_once() {
    let (failing, pbx) = (pbx_behind(None, None).await, pbx_behind(None, None).await);
    failing.set_mode(Mode::Refusing { status: 503, retry_after: Some(0) });
    let phone = phone(&by_tcp(&[failing.address.port(), pbx.address.port()])).await;
    soon(phone.register(account("sip:858@example.com").transport(Transport::Tcp))).await.unwrap();
}
