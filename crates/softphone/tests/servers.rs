//! Finding servers (RFC 3263), from an account to the registrar, with a resolver of a script.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod stage;

use softphone::{Account, Cause, Chosen, ChosenBy, RegistrationState, Softphone, Transport};
use stage::zone::Zone;
use stage::{pbx, soon};

async fn phone(zone: &Zone) -> Softphone {
    let listen = "127.0.0.1:0".parse().unwrap();
    Softphone::builder().listen(listen).resolver(zone.clone()).start().await.unwrap()
}

fn account(address: &str) -> Account {
    Account::new(address).unwrap().password("secret")
}

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
