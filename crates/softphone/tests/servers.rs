//! Finding servers (RFC 3263), from an account to the registrar, with a resolver of a script.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod stage;

use softphone::{Account, Cause, Softphone};
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
