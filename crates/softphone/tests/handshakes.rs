//! Registrars with several addresses, some of which take a connection and come no further.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod stage;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::SystemTime;

use ringfence_testing::Pbx;
use softphone::{Account, Cause, RegistrationState, Softphone, Tls, Transport};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use stage::authority::Authority;
use stage::connections::pbx_behind;
use stage::zone::Zone;
use stage::{Host, builder, next, soon};

/// What a server does with the connections that it takes.
#[derive(Clone)]
enum Does {
    Close,
    Hang,
    /// Shows a certificate of another authority than the one that is trusted.
    Impersonate(Arc<ServerConfig>),
}

/// A server that nobody registers at. It ends with what is returned.
fn bad(listener: TcpListener, does: Does) -> JoinSet<()> {
    let mut run = JoinSet::new();
    run.spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.extend(treat(stream, &does).await);
        }
    });
    run
}

async fn treat(stream: TcpStream, does: &Does) -> Option<TcpStream> {
    match does {
        Does::Close => None,
        Does::Hang => Some(stream),
        Does::Impersonate(tls) => {
            // Who is not taken in ends it.
            let _ = TlsAcceptor::from(Arc::clone(tls)).accept(stream).await;
            None
        }
    }
}

/// A PBX that is reached by TLS, and a listener at the same port of another address of this machine.
async fn two(authority: &Authority) -> (Host<Pbx>, TcpListener) {
    loop {
        let pbx = pbx_behind(Some(authority.server("example.com")), None).await;
        if let Ok(listener) = TcpListener::bind(("127.0.0.2", pbx.address.port())).await {
            return (pbx, listener);
        }
    }
}

/// A softphone that trusts an authority, in a world where a host has these addresses at a port.
async fn phone(authority: &Authority, port: u16, addresses: &[IpAddr]) -> Softphone {
    let host = format!("_sips._tcp.example.com 60 SRV 0 0 {port} sip1.example.com");
    let zone = addresses.iter().fold(Zone::default().with(&host), |zone, address| {
        zone.with(&format!("sip1.example.com 60 A {address}"))
    });
    let tls = Tls::new().trust(authority.pem.as_bytes()).unwrap();
    builder().resolver(zone).tls(tls).start().await.unwrap()
}

fn account() -> Account {
    Account::new("sip:858@example.com;transport=tls").unwrap().password("secret")
}

//= https://www.rfc-editor.org/rfc/rfc3263#section-4.3
//= type=test
//# For SIP requests, failure occurs if the transaction layer reports a
//# 503 error response or a transport failure of some sort (generally,
//# due to fatal ICMP errors in UDP or connection failures in TCP).
#[tokio::test]
async fn an_address_whose_handshake_fails_or_never_ends_leads_to_the_next() {
    let (authority, other) = (Authority::new(), Authority::new());
    for does in [Does::Close, Does::Impersonate(other.server("example.com")), Does::Hang] {
        let (pbx, listener) = two(&authority).await;
        let addresses = [listener.local_addr().unwrap(), pbx.address].map(|address| address.ip());
        let _bad = bad(listener, does);
        let phone = phone(&authority, pbx.address.port(), &addresses).await;
        let line = soon(phone.register(account())).await.unwrap();
        assert!(line.registration().state().is_registered());
        pbx.bound("858", 1).await;
    }
}

#[tokio::test]
async fn a_line_whose_server_was_not_trusted_tries_at_once_when_another_authority_is() {
    let authority = Authority::new();
    let pbx = pbx_behind(Some(authority.server("127.0.0.1")), None).await;
    let phone = builder().start().await.unwrap();
    let line = soon(phone.line(pbx.account("858").transport(Transport::Tls))).await.unwrap();
    let mut registration = line.registration();
    // The first is followed by another after a second or two, whatever happens.
    let mut failures = 0;
    let retry_at = loop {
        if let RegistrationState::Failed { retry_at: Some(retry_at), .. } = next(registration.changed()).await
        {
            failures += 1;
            if failures == 2 {
                break retry_at;
            }
        }
    };
    let tls = Tls::new().trust(authority.pem.as_bytes()).unwrap();
    soon(phone.set_tls(tls)).await.unwrap();
    while !next(registration.changed()).await.is_registered() {}
    assert!(SystemTime::now() < retry_at, "it would have waited");
}

#[tokio::test]
async fn a_certificate_that_is_refused_at_every_address_is_told_with_all_of_them() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (pbx, listener) = two(&other).await;
    let addresses: [SocketAddr; 2] = [listener.local_addr().unwrap(), pbx.address];
    let _bad = bad(listener, Does::Impersonate(other.server("example.com")));
    let phone = phone(&authority, pbx.address.port(), &addresses.map(|address| address.ip())).await;
    let error = soon(phone.register(account())).await.unwrap_err();
    let Some(Cause::Unconnected { error, .. }) = error.cause() else { panic!("{error}") };
    let [first, second] = addresses;
    let said = format!("at each of {first}, {second}: its certificate is not accepted: the authority");
    assert!(error.starts_with(&said), "{error}");
    assert!(pbx.received("REGISTER").is_empty(), "nothing is said to a stranger");
}

#[tokio::test]
async fn a_connection_to_a_server_that_is_trusted_no_more_is_closed_and_others_stay() {
    let (authority, other) = (Authority::new(), Authority::new());
    let trusting = |authority: &Authority| Tls::new().trust(authority.pem.as_bytes()).unwrap();
    let pbx = pbx_behind(Some(authority.server("127.0.0.1")), None).await;
    let kept = pbx_behind(Some(other.server("127.0.0.1")), None).await;
    let both = trusting(&authority).trust(other.pem.as_bytes()).unwrap();
    let phone = builder().tls(both).start().await.unwrap();
    let line = soon(phone.register(pbx.account("858").transport(Transport::Tls))).await.unwrap();
    let stays = soon(phone.register(kept.account("859").transport(Transport::Tls))).await.unwrap();
    let mut registration = line.registration();
    assert!(registration.state().is_registered());
    soon(phone.set_tls(trusting(&other))).await.unwrap();
    let lost = next(registration.changed()).await;
    let RegistrationState::Failed { cause: Cause::Unconnected { error, .. }, .. } = lost else {
        panic!("{lost:?}")
    };
    assert!(error.contains("its certificate is not accepted"), "{error}");
    assert!(stays.registration().state().is_registered());
}
