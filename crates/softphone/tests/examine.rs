//! Examining an account: what is asked, what is told of it, and what is left alone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

mod stage;

use std::net::IpAddr;
use std::time::Duration;

use ringfence_testing::Mode;
use softphone::examine::{
    AuthError, Denial, Distrust, Examination, Fetched, RecordKind, Tried, Unanswered, Unreached,
};
use softphone::{
    Account, Builder, ChosenBy, Lookup, Naptr, Records, Resolver, Softphone, Srv, Tls, Transport,
    new_instance_id,
};
use tokio::net::{TcpListener, TcpSocket};

use stage::authority::Authority;
use stage::connections::pbx_behind;
use stage::zone::Zone;
use stage::{builder, pbx, soon};

const LONG: Duration = Duration::from_secs(20);

async fn examined(builder: &Builder, account: Account) -> Examination {
    let [examined] = soon(builder.examine(account, LONG)).await.unwrap().try_into().unwrap();
    assert!(!examined.is_cut_short, "{examined:?}");
    examined
}

fn account(address: &str) -> Account {
    Account::new(address).unwrap().password("secret")
}

fn last(examined: &Examination) -> &Tried {
    examined.tried.last().unwrap()
}

#[tokio::test]
async fn bindings_are_told_and_not_changed() {
    let pbx = pbx().await;
    let device = new_instance_id().unwrap();
    let known = || builder().instance_id(&device);
    let empty = examined(&known(), pbx.account("858")).await;
    let Some(Fetched::Listed { bindings, count: 0, is_challenged: true, response }) = &last(&empty).bindings
    else {
        panic!("{empty:?}")
    };
    assert!(bindings.is_empty() && response.status == 200, "{empty:?}");
    assert_eq!(pbx.contacts("858"), [""; 0]);

    let phone = known().start().await.unwrap();
    soon(phone.register(pbx.account("858"))).await.unwrap();
    let before = pbx.contacts("858");
    let beside = examined(&known(), pbx.account("858")).await;
    let Some(Fetched::Listed { bindings, .. }) = &last(&beside).bindings else { panic!("{beside:?}") };
    let [binding] = bindings.as_slice() else { panic!("{bindings:?}") };
    assert_eq!(binding.address, phone.local_addresses()[0].to_string());
    assert_eq!(binding.is_ours, None, "this registrar keeps no instance-id");
    assert_eq!(pbx.contacts("858"), before);
}

#[tokio::test]
async fn where_the_server_sees_us_is_told_and_who_answers_nothing_is_waited_for_in_vain() {
    let pbx = pbx().await;
    let seen = examined(&builder(), pbx.account("858")).await;
    let tried = last(&seen);
    let Some(Fetched::Listed { response, .. }) = &tried.bindings else { panic!("{tried:?}") };
    assert_eq!((response.seen, &response.rewritten), (tried.local, &None));
    pbx.set_mode(Mode::Silent);
    let within = Duration::from_millis(300);
    let cut = soon(builder().examine(pbx.account("858"), within)).await.unwrap().remove(0);
    assert!(cut.is_cut_short && last(&cut).connected.is_some(), "{cut:?}");
}

#[tokio::test]
async fn a_password_that_is_refused_is_sent_once() {
    let pbx = pbx().await;
    let examined = examined(&builder(), pbx.account("858").password("wrong")).await;
    let Some(Fetched::Denied { why, response }) = &last(&examined).bindings else { panic!("{examined:?}") };
    let realm = pbx.address.ip().to_string();
    assert_eq!((why, response.status), (&Denial::Challenge(AuthError::WrongPassword { realm }), 401));
    let answers = pbx.received("REGISTER").iter().filter(|it| it.contains("\r\nAuthorization:")).count();
    assert_eq!(answers, 1);
}

#[tokio::test]
async fn who_is_sent_elsewhere_stays() {
    let (pbx, elsewhere) = (pbx().await, stage::pbx_at("127.0.0.2", |_| {}).await);
    let contact = format!("sip:{}", elsewhere.address);
    pbx.set_mode(Mode::Redirecting { status: 302, contact });
    let examined = examined(&builder(), pbx.account("858")).await;
    assert!(
        matches!(&last(&examined).bindings, Some(Fetched::Refused { response, .. }) if response.status == 302)
    );
    assert!(elsewhere.received("").is_empty(), "credentials are for whom the account names");
}

#[tokio::test]
async fn a_name_is_followed_as_a_line_follows_it_from_one_transport_to_the_next() {
    let pbx = pbx().await;
    let refusing = TcpSocket::new_v4().unwrap();
    refusing.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let (port, closed) = (pbx.address.port(), refusing.local_addr().unwrap().port());
    let zone = Zone::default()
        .with("example.com 60 NAPTR 10 10 \"s\" \"SIP+D2T\" \"\" _sip._tcp.example.com")
        .with("example.com 60 NAPTR 10 20 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com")
        .with(&format!("_sip._tcp.example.com 60 SRV 0 0 {closed} sip1.example.com"))
        .with(&format!("_sip._udp.example.com 60 SRV 0 0 {port} sip1.example.com"))
        .with("sip1.example.com 60 A 127.0.0.1");
    let builder = Softphone::builder().listen("127.0.0.1:0".parse().unwrap()).resolver(zone);
    let examined = examined(&builder, account("sip:858@example.com")).await;
    let kinds: Vec<RecordKind> = examined.lookups.iter().map(|lookup| lookup.kind).collect();
    assert_eq!(kinds.first(), Some(&RecordKind::Naptr), "{kinds:?}");
    assert_eq!(examined.lookups[0].records.as_ref().unwrap().len(), 2);
    let ways: Vec<_> = examined.servers.iter().map(|it| (it.chosen.transport, it.chosen.by)).collect();
    assert_eq!(ways, [(Transport::Tcp, ChosenBy::Naptr), (Transport::Udp, ChosenBy::Fallback)]);
    let [tcp, udp] = examined.tried.as_slice() else { panic!("{examined:?}") };
    assert_eq!(tcp.connected, Some(Err(Unreached::Refused)));
    assert!(matches!(udp.bindings, Some(Fetched::Listed { .. })), "{udp:?}");
}

#[tokio::test]
async fn the_chain_is_told_where_it_is_accepted_and_where_it_is_not() {
    let authority = Authority::new();
    let pbx = pbx_behind(Some(authority.server("example.com")), None).await;
    let port = pbx.address.port();
    let zone = Zone::default().with("example.com 60 A 127.0.0.1").with("example.org 60 A 127.0.0.1");
    let listen = "127.0.0.1:0".parse().unwrap();
    let trusting = Tls::new().trust(authority.pem.as_bytes()).unwrap();
    let builder = Softphone::builder().listen(listen).resolver(zone).tls(trusting);

    let right = account(&format!("sip:858@example.com:{port};transport=tls"));
    let accepted = examined(&builder, right).await;
    let tried = last(&accepted);
    let shown = tried.shown.as_ref().unwrap();
    assert_eq!(
        (shown.chain[0].names.as_slice(), shown.version.as_deref()),
        (&["example.com".to_owned()][..], Some("TLS 1.3"))
    );
    assert!(matches!(tried.bindings, Some(Fetched::Listed { .. })), "{tried:?}");

    let said = pbx.received("").len();
    let wrong = account(&format!("sip:858@example.org:{port};transport=tls"));
    let refused = examined(&builder, wrong).await;
    let tried = last(&refused);
    assert!(matches!(tried.connected, Some(Err(Unreached::Certificate(Distrust::OtherName)))), "{tried:?}");
    let shown = tried.shown.as_ref().unwrap();
    assert_eq!((shown.chain[0].names.as_slice(), &shown.version), (&["example.com".to_owned()][..], &None));
    assert_eq!(pbx.received("").len(), said, "nothing is said to whom nobody vouches for");
}

#[tokio::test]
async fn after_a_server_that_is_out_of_service_or_silent_comes_the_next() {
    let (first, second) = (pbx().await, stage::pbx_at("127.0.0.2", |_| {}).await);
    let zone = Zone::default()
        .with(&format!("_sip._udp.example.com 60 SRV 1 0 {} sip1.example.com", first.address.port()))
        .with(&format!("_sip._udp.example.com 60 SRV 2 0 {} sip2.example.com", second.address.port()))
        .with("sip1.example.com 60 A 127.0.0.1")
        .with("sip2.example.com 60 A 127.0.0.2");
    let of = |zone: Zone| {
        let listen = "0.0.0.0:0".parse().unwrap();
        Softphone::builder().listen(listen).resolver(zone)
    };
    first.set_mode(Mode::Refusing { status: 503, retry_after: None });
    let found = examined(&of(zone.clone()), account("sip:858@example.com;transport=udp")).await;
    let served: Vec<bool> = found.tried.iter().map(Tried::is_in_service).collect();
    assert_eq!(served, [false, true], "{found:?}");
    first.set_mode(Mode::Working);
    let found = examined(&of(zone), account("sip:858@example.com;transport=udp")).await;
    assert_eq!(found.tried.len(), 1, "a server that is well is enough");
}

#[tokio::test]
async fn an_address_that_this_machine_does_not_have_is_told_as_ours() {
    let pbx = pbx_behind(None, None).await;
    let builder = Softphone::builder().listen("192.0.2.77:0".parse().unwrap());
    let examined = examined(&builder, pbx.account("858").transport(Transport::Tcp)).await;
    assert!(matches!(last(&examined).connected, Some(Err(Unreached::NotBound { .. }))), "{examined:?}");
}

#[tokio::test]
async fn what_listens_and_does_not_speak_tls_is_told_from_what_does_not_listen() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let within = Duration::from_millis(500);
    let account = account(&format!("sip:858@{address};transport=tls"));
    let cut = soon(builder().examine(account, within)).await.unwrap().remove(0);
    let tried = last(&cut);
    assert!(cut.is_cut_short && tried.tcp.is_some() && tried.connected.is_none(), "{tried:?}");
}

#[tokio::test]
async fn an_options_and_a_register_are_calls_of_their_own() {
    let pbx = pbx().await;
    examined(&builder(), pbx.account("858")).await;
    let call_id =
        |request: &String| request.lines().find(|line| line.starts_with("Call-ID:")).unwrap().to_owned();
    let options: Vec<String> = pbx.received("OPTIONS").iter().map(call_id).collect();
    let registers: Vec<String> = pbx.received("REGISTER").iter().map(call_id).collect();
    assert!(
        !registers.contains(&options[0]) && registers.iter().all(|it| *it == registers[0]),
        "{registers:?}"
    );
}

#[tokio::test]
async fn each_proxy_is_examined_by_itself() {
    let (first, second) = (pbx().await, stage::pbx_at("127.0.0.2", |_| {}).await);
    let proxies = [first.address.to_string(), second.address.to_string()];
    let proxies: Vec<&str> = proxies.iter().map(String::as_str).collect();
    let account = first.account("858").outbound_proxies(&proxies);
    second.set_mode(Mode::Refusing { status: 503, retry_after: None });
    let both = soon(builder().examine(account, LONG)).await.unwrap();
    let hosts: Vec<_> = both.iter().map(|it| it.host.as_str()).collect();
    assert_eq!(hosts, ["127.0.0.1", "127.0.0.2"]);
    assert!(matches!(last(&both[0]).bindings, Some(Fetched::Listed { .. })));
    assert!(
        matches!(&last(&both[1]).bindings, Some(Fetched::Refused { response, .. }) if response.status == 503)
    );
}

#[tokio::test]
async fn a_port_where_nobody_listens_says_so_itself() {
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let examined = examined(&builder(), account(&format!("sip:858@{nobody}"))).await;
    assert!(matches!(last(&examined).capabilities, Some(Err(Unanswered::Refused))), "{examined:?}");
}

/// A resolver that knows addresses alone: it panics when it is asked for what it does not know.
#[derive(Debug)]
struct Simple;

impl Resolver for Simple {
    fn naptr<'a>(&'a self, _: &'a str) -> Lookup<'a, Naptr> {
        Box::pin(async { panic!("no NAPTR here") })
    }

    fn srv<'a>(&'a self, _: &'a str) -> Lookup<'a, Srv> {
        Box::pin(async { panic!("no SRV here") })
    }

    fn addresses<'a>(&'a self, _: &'a str) -> Lookup<'a, IpAddr> {
        Box::pin(async { Ok(Records::new(vec![IpAddr::from([127, 0, 0, 1])], Duration::from_secs(60))) })
    }
}

#[tokio::test]
async fn a_resolver_that_panics_has_failed_as_it_has_for_a_line() {
    let builder = Softphone::builder().listen("127.0.0.1:0".parse().unwrap()).resolver(Simple);
    let examined = examined(&builder, account("sip:858@pbx.example.com")).await;
    let failed = examined.lookups.iter().filter(|asked| asked.records.is_err()).count();
    assert!(failed > 0 && failed < examined.lookups.len(), "{examined:?}");
    assert_eq!(examined.servers[0].address.ip().to_string(), "127.0.0.1");
}
