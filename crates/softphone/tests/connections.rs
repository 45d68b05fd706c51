//! Lines over TCP and TLS, and callers who connect to us.

#![allow(clippy::unwrap_used, clippy::panic, clippy::wildcard_enum_match_arm, reason = "a test may fail so")]

mod stage;

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use rcgen::{CertificateParams, SanType};
use softphone::{
    Account, Cause, Counters, Direction, RegistrationState, Reject, Softphone, Tls, Transport, Verdict,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Error as WebSocketError, Message};

use stage::authority::Authority;
use stage::connections::pbx_behind;
use stage::{builder, next, phone, showing_datagrams, soon};

async fn register(phone: &Softphone, account: Account) -> softphone::Result<softphone::Line> {
    soon(phone.register(account)).await
}

/// Waits until a softphone has counted something.
async fn counted(phone: &Softphone, is_it: impl Fn(&Counters) -> bool) {
    soon(async { while !is_it(&phone.counters().await.unwrap()) {} }).await;
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-18
//= type=test
//# All SIP elements MUST implement UDP and TCP.
//= https://www.rfc-editor.org/rfc/rfc7118#section-5.4
//= type=test
//# All SIP elements MUST implement UDP and TCP.
#[tokio::test]
async fn a_line_registers_and_rejects_over_tcp_however_the_stream_is_cut() {
    for pieces in [None, Some(1), Some(7)] {
        let (pbx, phone) = (pbx_behind(None, pieces).await, phone().await);
        let line = register(&phone, pbx.account("858").transport(Transport::Tcp)).await.unwrap();
        let contact = pbx.contacts("858").remove(0);
        assert!(contact.contains(";transport=tcp;line="), "{contact}");
        let register = pbx.received("REGISTER").pop().unwrap();
        assert!(register.contains("\r\nVia: SIP/2.0/TCP 127.0.0.1:"), "{register}");
        let call = pbx.call("1001", "858");
        next(line.incoming()).await.reject(Reject::busy()).await.unwrap();
        assert_eq!(pbx.statuses(call).await, [100, 486]);
        assert_eq!(soon(phone.counters()).await.unwrap().connections, 1);
    }
}

#[tokio::test]
async fn the_lines_of_one_registrar_share_a_connection() {
    let (pbx, phone) = (pbx_behind(None, None).await, phone().await);
    for user in ["858", "859"] {
        register(&phone, pbx.account(user).transport(Transport::Tcp)).await.unwrap();
    }
    assert_eq!(soon(phone.counters()).await.unwrap().connections, 1);
}

#[tokio::test]
async fn a_registrar_that_nobody_listens_at_is_told_at_once() {
    // Bound, and so nobody else's, and not listened at.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let account = Account::new(&format!("858@{};transport=tcp", socket.local_addr().unwrap())).unwrap();
    let error = register(&phone().await, account).await.unwrap_err();
    let Some(Cause::Unconnected { host, error }) = error.cause() else { panic!("{error}") };
    assert!(host == "127.0.0.1" && error.contains("refused"), "{host}: {error}");
}

#[tokio::test]
async fn a_lost_connection_is_told_at_once_and_opened_again() {
    let (pbx, phone) = (pbx_behind(None, None).await, phone().await);
    let line = register(&phone, pbx.account("858").transport(Transport::Tcp)).await.unwrap();
    let mut registration = line.registration();
    assert!(registration.state().is_registered());
    pbx.disconnect();
    let lost = next(registration.changed()).await;
    let RegistrationState::Failed { cause, retry_at } = lost else { panic!("{lost:?}") };
    assert!(matches!(cause, Cause::Unconnected { .. }) && retry_at.is_some());
    while !next(registration.changed()).await.is_registered() {}
    let call = pbx.call("1001", "858");
    next(line.incoming()).await.reject(Reject::busy()).await.unwrap();
    assert_eq!(pbx.statuses(call).await, [100, 486]);
    assert_eq!(pbx.contacts("858").len(), 1, "the binding of the connection that was lost is taken back");
}

#[tokio::test]
async fn a_line_registers_and_rejects_over_tls_with_a_private_authority() {
    let authority = Authority::new();
    let pbx = pbx_behind(Some(authority.server("127.0.0.1")), Some(100)).await;
    let tls = Tls::new().trust(authority.pem.as_bytes()).unwrap();
    let phone = builder().tls(tls).start().await.unwrap();
    let line = register(&phone, pbx.account("858").transport(Transport::Tls)).await.unwrap();
    assert!(pbx.contacts("858")[0].contains(";transport=tls;line="));
    let call = pbx.call("1001", "858");
    next(line.incoming()).await.reject(Reject::busy()).await.unwrap();
    assert_eq!(pbx.statuses(call).await, [100, 486]);
}

#[tokio::test]
async fn a_certificate_that_leads_nowhere_or_is_for_another_is_refused_unless_any_is_accepted() {
    let authority = Authority::new();
    let trusting = || Tls::new().trust(authority.pem.as_bytes()).unwrap();
    let cases = [("127.0.0.1", Tls::new(), "no authority"), ("pbx.example.com", trusting(), "another name")];
    for (host, tls, why) in cases {
        let pbx = pbx_behind(Some(authority.server(host)), None).await;
        let account = || pbx.account("858").transport(Transport::Tls);
        let phone = builder().tls(tls).start().await.unwrap();
        let error = register(&phone, account()).await.unwrap_err();
        let Some(Cause::Unconnected { error, .. }) = error.cause() else { panic!("{error}") };
        assert!(error.contains("certificate") && error.contains(why), "{error}");
        assert!(pbx.received("REGISTER").is_empty(), "nothing is said to a stranger");
        let careless = Tls::new().dangerous().accept_any_certificate();
        let phone = builder().tls(careless).start().await.unwrap();
        register(&phone, account()).await.unwrap();
    }
}

//= https://www.rfc-editor.org/rfc/rfc7118#section-9.1
//= type=test
//# When establishing a connection using SIP over secure WebSocket transport, the client MUST
//# authenticate the server using the server's certificate according to the WebSocket validation
//# procedure in [RFC6455].
#[tokio::test]
async fn a_certificate_of_a_sip_domain_alone_will_do_by_tls_and_not_by_websocket() {
    let authority = Authority::new();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = vec![SanType::URI("sip:127.0.0.1".try_into().unwrap())];
    let pbx = pbx_behind(Some(authority.server_with(&params)), None).await;
    let tls = Tls::new().trust(authority.pem.as_bytes()).unwrap();
    let phone = builder().tls(tls).start().await.unwrap();
    register(&phone, pbx.account("858").transport(Transport::Tls)).await.unwrap();
    let refused = register(&phone, pbx.account("859").transport(Transport::Wss)).await.unwrap_err();
    let Some(Cause::Unconnected { error, .. }) = refused.cause() else { panic!("{refused}") };
    assert!(error.ends_with("it is for another name (sip:127.0.0.1)"), "{error}");
}

const INVITE: &str = "INVITE sip:858@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKone\r\n\
    From: <sip:1001@127.0.0.1>;tag=a\r\nTo: <sip:858@127.0.0.1>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n\
    Contact: <sip:1001@127.0.0.1:9>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n";

/// Sends something over a new connection and returns what comes back until it contains some words, or it ends.
async fn say(to: SocketAddr, bytes: &[u8], until: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut heard = Vec::new();
    soon(async {
        while !String::from_utf8_lossy(&heard).contains(until) {
            if stream.read_buf(&mut heard).await.map_or(true, |length| length == 0) {
                break;
            }
        }
    })
    .await;
    String::from_utf8_lossy(&heard).into_owned()
}

/// A softphone that takes TCP connections, and a line of it that anyone may ring.
async fn listening_by_tcp() -> (Softphone, softphone::Line) {
    let phone = builder().listen_tcp("127.0.0.1:0".parse().unwrap()).start().await.unwrap();
    let account = Account::new("858@127.0.0.1:9").unwrap().register(false);
    let line = soon(phone.line(account)).await.unwrap();
    (phone, line)
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2
//= type=test
//# If the "sent-protocol" is a reliable transport protocol such as TCP or SCTP, or TLS over those,
//# the response MUST be sent using the existing connection to the source of the original request
//# that created the transaction, if that connection is still open.
#[tokio::test]
async fn a_trunk_that_connects_to_us_is_answered_over_its_connection_once() {
    let (phone, line) = listening_by_tcp().await;
    let reject = tokio::spawn(async move { next(line.incoming()).await.reject(Reject::busy()).await });
    let heard = say(by_connection(&phone), INVITE.as_bytes(), "SIP/2.0 486").await;
    reject.await.unwrap().unwrap();
    assert_eq!(heard.matches("SIP/2.0 486").count(), 1);
    assert!(heard.contains("Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKone"), "{heard}");
}

//= https://www.rfc-editor.org/rfc/rfc5923#section-8.2
//= type=test
//# If the server
//# chooses not to honor an aliased connection, the server MUST allow the
//# request to proceed as though the "alias" header field parameter was
//# not present in the topmost Via header.
#[tokio::test]
async fn a_trunk_that_would_have_its_connection_reused_is_answered_as_any_other() {
    let (phone, line) = listening_by_tcp().await;
    let reject = tokio::spawn(async move { next(line.incoming()).await.reject(Reject::busy()).await });
    let invite = INVITE.replace("z9hG4bKone", "z9hG4bKone;alias");
    let heard = say(by_connection(&phone), invite.as_bytes(), "SIP/2.0 486").await;
    reject.await.unwrap().unwrap();
    assert!(heard.contains("branch=z9hG4bKone;alias"), "{heard}");
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-12.1.1
//= type=test
//# The UAS MUST add a Contact header field to the response.
#[tokio::test]
async fn who_connects_is_told_where_others_connect_to() {
    let phone = builder().listen_tcp("127.0.0.1:0".parse().unwrap());
    let phone = phone.screen(|_| Verdict::Ring { limit: None }).start().await.unwrap();
    let account = Account::new("858@127.0.0.1:9").unwrap().register(false);
    let _line = soon(phone.line(account.public_address("127.0.0.99".parse().unwrap()))).await.unwrap();
    let port = by_connection(&phone).port();
    let contact = format!("Contact: <sip:858@127.0.0.99:{port};transport=tcp>");
    let heard = say(by_connection(&phone), INVITE.as_bytes(), &contact).await;
    assert!(heard.contains("SIP/2.0 180") && heard.contains(&contact), "{heard}");
}

#[tokio::test]
async fn who_closes_a_connection_may_cancel_over_the_next() {
    let phone = builder().listen_tcp("127.0.0.1:0".parse().unwrap());
    let phone = phone.screen(|_| Verdict::Ring { limit: None }).start().await.unwrap();
    let account = Account::new("858@127.0.0.1:9").unwrap().register(false);
    let _line = soon(phone.line(account)).await.unwrap();
    let first = TcpStream::connect(by_connection(&phone)).await.unwrap();
    let (mut reader, mut writer) = first.into_split();
    writer.write_all(INVITE.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains("SIP/2.0 180") {
        assert!(soon(reader.read_buf(&mut heard)).await.unwrap() > 0);
    }
    // It is read before another connection is taken and read from.
    writer.shutdown().await.unwrap();
    let heard =
        say(by_connection(&phone), INVITE.replace("INVITE", "CANCEL").as_bytes(), "SIP/2.0 487").await;
    assert!(heard.contains("SIP/2.0 200") && heard.contains("SIP/2.0 487"), "{heard}");
}

#[tokio::test]
async fn each_message_over_a_connection_is_traced_by_itself() {
    let (builder, mut shown) = showing_datagrams(builder().listen_tcp("127.0.0.1:0".parse().unwrap()));
    // Both are decided at once, and written together.
    let phone = builder.screen(|_| Reject::busy().into()).start().await.unwrap();
    let account = Account::new("858@127.0.0.1:9").unwrap().register(false);
    let _line = soon(phone.line(account)).await.unwrap();
    say(by_connection(&phone), INVITE.as_bytes(), "SIP/2.0 486").await;
    shown.until(Direction::Received, "INVITE ").await;
    for status in ["SIP/2.0 100 ", "SIP/2.0 486 "] {
        shown.until(Direction::Sent, status).await;
    }
}

#[tokio::test]
async fn who_says_that_he_will_say_no_more_still_gets_his_answer() {
    let (phone, line) = listening_by_tcp().await;
    let mut stream = TcpStream::connect(by_connection(&phone)).await.unwrap();
    stream.write_all(INVITE.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let call = next(line.incoming()).await;
    let mut heard = [0; "SIP/2.0 100".len()];
    soon(stream.read_exact(&mut heard)).await.unwrap();
    assert_eq!(&heard, b"SIP/2.0 100");
    call.reject(Reject::busy()).await.unwrap();
    let mut rest = String::new();
    soon(stream.read_to_string(&mut rest)).await.unwrap();
    assert!(rest.contains("SIP/2.0 486"), "{rest}");
    counted(&phone, |counters| counters.connections == 0).await;
}

#[tokio::test]
async fn a_ping_is_answered_and_what_is_no_sip_ends_the_connection() {
    let (phone, _line) = listening_by_tcp().await;
    let to = by_connection(&phone);
    assert_eq!(say(to, b"\r\n\r\n", "\r\n").await, "\r\n");
    assert_eq!(say(to, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "never").await, "");
}

#[tokio::test]
async fn a_message_that_is_too_long_or_of_too_many_headers_leaves_the_connection_to_the_others() {
    let (phone, line) = listening_by_tcp().await;
    let reject = tokio::spawn(async move { next(line.incoming()).await.reject(Reject::busy()).await });
    let options = INVITE.replace("INVITE", "OPTIONS");
    let many = options.replacen("Max-Forwards", &("X: y\r\n".repeat(300) + "Max-Forwards"), 1);
    let long = options.replacen("Content-Length: 0", "Content-Length: 200000", 1);
    let said = [many.as_bytes(), long.as_bytes(), &vec![b'\n'; 200_000], INVITE.as_bytes()].concat();
    let heard = say(by_connection(&phone), &said, "SIP/2.0 486").await;
    reject.await.unwrap().unwrap();
    let answers: Vec<&str> = heard.lines().filter(|line| line.starts_with("SIP/2.0 ")).collect();
    assert_eq!(answers, ["SIP/2.0 513 Message Too Large", "SIP/2.0 100 Trying", "SIP/2.0 486 Busy Here"]);
    assert_eq!(soon(phone.counters()).await.unwrap().dropped_malformed, 1);
}

#[tokio::test]
async fn a_stranger_is_told_nothing_whatever_he_says() {
    let phone = builder().listen_tcp("127.0.0.1:0".parse().unwrap()).start().await.unwrap();
    let said = ["\r\n\r\n", INVITE].concat();
    assert_eq!(say(by_connection(&phone), said.as_bytes(), "never").await, "");
    let counters = soon(phone.counters()).await.unwrap();
    assert_eq!((counters.dropped_stranger, counters.keep_alives), (1, 0), "his ping is not attended to");
}

#[tokio::test]
async fn one_peer_holds_so_many_connections_and_no_more() {
    let (phone, _line) = listening_by_tcp().await;
    let to = by_connection(&phone);
    let mut held = Vec::new();
    for _ in 0..64 {
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.write_all(b"\r\n\r\n").await.unwrap();
        soon(stream.read_u16()).await.unwrap();
        held.push(stream);
    }
    let mut turned_away = TcpStream::connect(to).await.unwrap();
    assert!(soon(turned_away.read_u16()).await.is_err());
    let counters = soon(phone.counters()).await.unwrap();
    assert_eq!((counters.connections, counters.refused_connections), (64, 1));
}

#[tokio::test]
async fn those_who_connect_by_tls_see_our_certificate() {
    let authority = Authority::new();
    let (chain, key) = authority.identity("127.0.0.1");
    let tls = Tls::new().identity(chain.as_bytes(), key.as_bytes()).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let phone = builder().listen_tls(any).tls(tls).start().await.unwrap();
    let trusting = Tls::new().trust(authority.pem.as_bytes()).unwrap();
    // Two of ours: one registers at the other, which knows nobody and is silent, but for the handshake.
    let other = builder().tls(trusting).start().await.unwrap();
    let account = Account::new(&format!("858@{}", by_connection(&phone))).unwrap();
    let line = soon(other.line(account.transport(Transport::Tls))).await.unwrap();
    counted(&phone, |counters| counters.dropped_stranger > 0).await;
    drop(line);
    let without = builder().listen_tls(any).start().await.unwrap_err();
    assert!(without.to_string().contains("certificate"), "{without}");
}

#[tokio::test]
async fn a_certificate_is_replaced_while_the_softphone_runs() {
    let (old, new) = (Authority::new(), Authority::new());
    let identity = |authority: &Authority| {
        let (chain, key) = authority.identity("127.0.0.1");
        Tls::new().identity(chain.as_bytes(), key.as_bytes()).unwrap()
    };
    let server =
        builder().listen_tls("127.0.0.1:0".parse().unwrap()).tls(identity(&old)).start().await.unwrap();
    let address = format!("858@{}", by_connection(&server));
    let account = || Account::new(&address).unwrap().transport(Transport::Tls);
    let client = builder().tls(Tls::new().trust(new.pem.as_bytes()).unwrap()).start().await.unwrap();
    let error = register(&client, account()).await.unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(soon(server.set_tls(Tls::new())).await.is_err(), "nothing to show");
    soon(server.set_tls(identity(&new))).await.unwrap();
    let _line = soon(client.line(account())).await.unwrap();
    counted(&server, |counters| counters.dropped_stranger > 0).await;
}

#[tokio::test]
async fn a_softphone_tells_where_it_is_reached_by_each_transport_and_thread() {
    use Transport::{Tcp, Udp, Ws};
    let any = || "127.0.0.1:0".parse().unwrap();
    let listening = builder().shards(2).listen_ws(any()).listen_tcp("[::1]:0".parse().unwrap());
    let phone = listening.start().await.unwrap();
    let listeners = phone.listeners();
    let by: Vec<Transport> = listeners.iter().map(|listener| listener.transport).collect();
    assert_eq!(by, [Udp, Udp, Tcp, Tcp, Ws, Ws]);
    assert_eq!([listeners[0].address, listeners[1].address].as_slice(), phone.local_addresses());
    assert_eq!(listeners[2].to_string(), format!("TCP [::1]:{}", listeners[2].address.port()));
    let taken = listeners[4];
    let refused = builder().listen_ws(taken.address).start().await.unwrap_err();
    assert!(refused.is_address_in_use() && refused.listener() == Some(taken), "{refused}");
}

/// Returns where one connects to a softphone.
fn by_connection(phone: &Softphone) -> SocketAddr {
    let listeners = phone.listeners();
    listeners.iter().find(|listener| listener.transport.is_reliable()).unwrap().address
}

/// A softphone that takes WebSocket connections, and a line of it that anyone may ring.
async fn listening_by_websocket() -> (Softphone, softphone::Line, SocketAddr) {
    let phone = builder().listen_ws("127.0.0.1:0".parse().unwrap()).start().await.unwrap();
    let account = Account::new("858@127.0.0.1:9").unwrap().register(false);
    let line = soon(phone.line(account)).await.unwrap();
    let address = by_connection(&phone);
    (phone, line, address)
}

//= https://www.rfc-editor.org/rfc/rfc7118#section-5
//= type=test
//# Each SIP message MUST be carried within a single WebSocket message,
//# and a WebSocket message MUST NOT contain more than one SIP message.
//= https://www.rfc-editor.org/rfc/rfc7118#section-4.1
//= type=test
//# The 101 reply from the server MUST contain "sip" in its corresponding Sec-WebSocket-Protocol
//# header.
//= https://www.rfc-editor.org/rfc/rfc7118#section-4.1
//= type=test
//# Messages other than SIP requests and responses MUST NOT be transmitted over this connection.
//= https://www.rfc-editor.org/rfc/rfc7118#section-4.2
//= type=test
//# Therefore, SIP WebSocket Clients and SIP WebSocket Servers MUST accept both text and binary
//# frames.
#[tokio::test]
async fn each_message_to_a_page_is_one_of_its_own() {
    let (_phone, line, address) = listening_by_websocket().await;
    let request =
        ClientRequestBuilder::new(format!("ws://{address}/").parse().unwrap()).with_sub_protocol("sip");
    let (mut page, agreed) =
        tokio_tungstenite::client_async(request, TcpStream::connect(address).await.unwrap()).await.unwrap();
    assert_eq!(agreed.headers()["Sec-WebSocket-Protocol"], "sip");
    let invite = INVITE.replace("SIP/2.0/TCP 127.0.0.1:9", "SIP/2.0/WS df7jal23ls0d.invalid");
    // RFC 7118 section 5: a page need not say how long its message is.
    page.send(Message::text(invite.replace("Content-Length: 0\r\n", ""))).await.unwrap();
    next(line.incoming()).await.reject(Reject::busy()).await.unwrap();
    for status in ["100 Trying", "486 Busy Here"] {
        let text = next(page.next()).await.unwrap().into_text().unwrap();
        assert!(
            text.starts_with(&format!("SIP/2.0 {status}\r\n")) && text.matches("SIP/2.0 ").count() == 1,
            "{text}"
        );
    }
    page.send(Message::text("\r\n\r\n")).await.unwrap();
    assert_eq!(next(page.next()).await.unwrap().into_text().unwrap(), "\r\n");
}

//= https://www.rfc-editor.org/rfc/rfc7118#section-4.2
//= type=test
//# Therefore, SIP WebSocket Clients and SIP WebSocket Servers MUST accept both text and binary
//# frames.
//= https://www.rfc-editor.org/rfc/rfc7118#section-4.2
//= type=test
//# If there is at least one non-UTF-8 symbol in the whole SIP message (including headers and the
//# body), then the whole message MUST be sent within a WebSocket binary message.
#[tokio::test]
async fn a_page_may_send_bytes_and_is_answered_in_bytes_what_is_no_utf_8() {
    let (_phone, line, address) = listening_by_websocket().await;
    let request =
        ClientRequestBuilder::new(format!("ws://{address}/").parse().unwrap()).with_sub_protocol("sip");
    let (mut page, _) =
        tokio_tungstenite::client_async(request, TcpStream::connect(address).await.unwrap()).await.unwrap();
    let (before, behind) = INVITE.split_once("<sip:1001@127.0.0.1>;tag").unwrap();
    let name = b"\"J\xfcrgen\" <sip:1001@127.0.0.1>;tag";
    page.send(Message::binary([before.as_bytes(), name, behind.as_bytes()].concat())).await.unwrap();
    next(line.incoming()).await.reject(Reject::busy()).await.unwrap();
    for status in [&b"SIP/2.0 100 "[..], b"SIP/2.0 486 "] {
        let Message::Binary(bytes) = next(page.next()).await.unwrap() else { panic!("a text") };
        assert!(bytes.starts_with(status) && bytes.windows(name.len()).any(|window| window == name));
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-10.2
//= type=test
//# Servers that are not intended to process input from any web page but only for certain sites
//# SHOULD verify the |Origin| field is an origin they expect.
#[tokio::test]
async fn a_page_of_another_site_is_refused_where_sites_are_named() {
    let phone = builder().listen_ws("127.0.0.1:0".parse().unwrap()).ws_origins(["https://phone.example"]);
    let phone = phone.start().await.unwrap();
    let address = by_connection(&phone);
    let connect = async |origin: Option<&str>| {
        let mut request =
            ClientRequestBuilder::new(format!("ws://{address}/").parse().unwrap()).with_sub_protocol("sip");
        if let Some(origin) = origin {
            request = request.with_header("Origin", origin);
        }
        let stream = TcpStream::connect(address).await.unwrap();
        soon(tokio_tungstenite::client_async(request, stream)).await.map(drop)
    };
    for taken in [Some("https://phone.example"), Some("HTTPS://Phone.Example"), None] {
        assert!(connect(taken).await.is_ok(), "{taken:?}");
    }
    for refused in ["https://evil.example", "http://phone.example", "https://phone.example:8443", "null"] {
        let Err(WebSocketError::Http(response)) = connect(Some(refused)).await else { panic!("{refused}") };
        assert_eq!(response.status(), 403, "{refused}");
    }
}

#[tokio::test]
async fn who_asks_for_no_sip_is_refused() {
    let (phone, _line, address) = listening_by_websocket().await;
    for protocol in ["chat", "sips"] {
        let request = ClientRequestBuilder::new(format!("ws://{address}/").parse().unwrap())
            .with_sub_protocol(protocol);
        let stream = TcpStream::connect(address).await.unwrap();
        let refused = soon(tokio_tungstenite::client_async(request, stream)).await.unwrap_err();
        assert!(matches!(refused, WebSocketError::Http(response) if response.status() == 400));
    }
    counted(&phone, |counters| counters.connections == 0).await;
}

//= https://www.rfc-editor.org/rfc/rfc7118#section-4.1
//= type=test
//# The client MUST include the value "sip" in the Sec-WebSocket-Protocol header in its handshake
//# request.
#[tokio::test]
async fn a_line_asks_its_registrar_by_websocket() {
    let (server, _line, address) = listening_by_websocket().await;
    let client = phone().await;
    let account = Account::new(&format!("858@{address};transport=ws")).unwrap().websocket_path("/sip");
    let line = soon(client.line(account)).await.unwrap();
    // It is no registrar, and answers that it cannot.
    let mut registration = line.registration();
    let cause = loop {
        if let RegistrationState::Failed { cause, .. } = registration.state() {
            break cause;
        }
        next(registration.changed()).await;
    };
    assert_eq!(cause.status(), Some(405), "{cause}");
    assert_eq!(soon(server.counters()).await.unwrap().connections, 1);
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_is_shown_ours() {
    let authority = Authority::new();
    let pbx = pbx_behind(Some(authority.server_that_asks("127.0.0.1")), None).await;
    let trusting = || Tls::new().trust(authority.pem.as_bytes()).unwrap();
    let account = || pbx.account("858").transport(Transport::Tls);
    let nameless = builder().tls(trusting()).start().await.unwrap();
    // Who has no connection has nothing to take back: it is told at once, and not when a REGISTER would have timed out.
    let refused = timeout(Duration::from_secs(10), register(&nameless, account())).await.unwrap();
    let error = refused.unwrap_err();
    assert!(
        error.to_string().contains("the server wants a certificate of ours and was shown none"),
        "{error}"
    );
    assert!(pbx.received("REGISTER").is_empty(), "nothing is heard of who does not say who he is");
    let (certificate, key) = authority.identity("phone.example.com");
    let named = trusting().identity(certificate.as_bytes(), key.as_bytes()).unwrap();
    let phone = builder().tls(named).start().await.unwrap();
    assert!(register(&phone, account()).await.is_ok());
}

#[tokio::test]
async fn a_page_that_closes_is_told_goodbye() {
    let phone = builder().listen_ws("127.0.0.1:0".parse().unwrap()).start().await.unwrap();
    let trunk = Account::new("sip:858@127.0.0.1").unwrap().register(false);
    soon(phone.line(trunk)).await.unwrap();
    let address = phone.listeners().iter().find(|it| it.transport == Transport::Ws).unwrap().address;
    let stream = TcpStream::connect(address).await.unwrap();
    let uri = format!("ws://{address}/").parse().unwrap();
    let request = ClientRequestBuilder::new(uri).with_sub_protocol("sip");
    let (mut page, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
    page.close(None).await.unwrap();
    let goodbye = soon(page.next()).await;
    assert!(matches!(goodbye, Some(Ok(Message::Close(_)))), "{goodbye:?}");
}
