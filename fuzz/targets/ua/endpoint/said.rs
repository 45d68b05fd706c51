//! What others say: requests and responses as they may be, of few transactions, so that what belongs together meets.

use std::net::SocketAddr;
use std::time::Duration;

use ringfence_wire::sip::{HeaderName, Message, Printer, StatusCode};

use super::super::draw::Draw;

/// Who it comes from: the registrar, a proxy, a peer, or a stranger.
pub(super) fn source(number: usize) -> SocketAddr {
    const SOURCES: [([u8; 4], u16); 5] = [
        ([192, 0, 2, 1], 5060),
        ([192, 0, 2, 1], 40_000),
        ([192, 0, 2, 2], 5070),
        ([192, 0, 2, 9], 5060),
        ([203, 0, 113, 66], 5060),
    ];
    let (ip, port) = SOURCES[number % SOURCES.len()];
    SocketAddr::from((ip, port))
}

pub(super) fn while_(draw: &mut Draw<'_>) -> Duration {
    let unit = *draw.one_of(&[1, 100, 500, 4_000, 32_000, 600_000]);
    Duration::from_millis(unit * (1 + u64::from(draw.byte() % 8)))
}

const METHODS: [&str; 14] = [
    "INVITE",
    "INVITE",
    "INVITE",
    "CANCEL",
    "ACK",
    "OPTIONS",
    "BYE",
    "MESSAGE",
    "NOTIFY",
    "REGISTER",
    "PRACK",
    "UPDATE",
    "SUBSCRIBE",
    "FOO",
];

/// A request of one of eight transactions, and where that comes from: its method and what it says besides may differ from the last one of it.
pub(super) fn request(draw: &mut Draw<'_>) -> (SocketAddr, Vec<u8>) {
    let (method, id) = (*draw.one_of(&METHODS), draw.below(8));
    let uri = *draw.one_of(&[
        "sip:858@192.0.2.7:5060",
        "sip:858@192.0.2.1",
        "sip:859@pbx.example;transport=udp",
        "sips:858@192.0.2.7",
        "tel:+41791234567",
        "sip:nobody@192.0.2.7",
    ]);
    let mut out = Vec::new();
    let mut printer = Printer::request(&mut out, method, uri.as_bytes());
    identity(&mut printer, method, id);
    let tag = draw.below(4);
    let to = if tag == 3 { "<sip:858@192.0.2.1>;tag=t" } else { "<sip:858@192.0.2.1>" };
    printer.header("To", to.as_bytes());
    for _ in 0..draw.below(4) {
        let (name, values) = draw.one_of(FIELDS);
        let value = if draw.below(8) == 7 { draw.text() } else { (*draw.one_of(values)).to_owned() };
        printer.header(name, value.as_bytes());
    }
    if draw.is() {
        printer.body("application/sdp", b"v=0\r\n");
    } else {
        printer.finish();
    }
    (source(id), out)
}

/// What tells transactions apart: the same for each request of one.
fn identity(printer: &mut Printer<'_>, method: &str, id: usize) {
    let (sent_by, rport) = (["192.0.2.1", "host.example:5070"][id & 1], ["", ";rport"][id >> 1 & 1]);
    printer.header("Via", format!("SIP/2.0/UDP {sent_by}{rport};branch=z9hG4bK{id}").as_bytes());
    printer.header("From", format!("\"A\" <sip:1002@192.0.2.1>;tag=f{id}").as_bytes());
    printer.header("Call-ID", format!("c{}", id >> 1).as_bytes());
    printer.header("CSeq", format!("{} {method}", id + 1).as_bytes());
}

/// Header fields that a user agent server heeds.
const FIELDS: &[(&str, &[&str])] = &[
    ("Max-Forwards", &["70", "0"]),
    ("Contact", &["<sip:1002@192.0.2.1>", "*"]),
    ("Require", &["100rel", "nothing, timer"]),
    ("Supported", &["100rel, timer, replaces"]),
    ("Content-Encoding", &["gzip"]),
    ("Content-Disposition", &["session", "icon;handling=optional"]),
    ("Content-Language", &["en"]),
    ("Timestamp", &["54", "54.1 2"]),
    ("Record-Route", &["<sip:p1.example;lr>, <sip:p2.example;lr>"]),
    ("Route", &["<sip:192.0.2.7;lr>"]),
    ("Expires", &["1", "30", "0"]),
    ("Replaces", &["c1;to-tag=1;from-tag=2"]),
    ("P-Asserted-Identity", &["<sip:+41791234567@192.0.2.1>, <tel:+41791234567>"]),
    ("Privacy", &["id"]),
    ("Alert-Info", &["<http://a.example/>;info=alert-autoanswer"]),
    ("Reason", &["SIP;cause=200;text=\"elsewhere\""]),
    ("Event", &["message-summary"]),
];

/// What came once comes again: as it was, or with another method, as an ACK and a CANCEL are made of their INVITE.
pub(super) fn again(datagram: Vec<u8>, draw: &mut Draw<'_>) -> Vec<u8> {
    let method = match draw.below(4) {
        0 | 1 => return datagram,
        2 => "ACK",
        _ => "CANCEL",
    };
    let Ok(message) = Message::parse(&datagram) else { return datagram };
    let (Some(uri), Ok(cseq)) = (message.request_uri(), message.cseq()) else { return datagram.clone() };
    let mut out = Vec::new();
    let mut printer = Printer::request(&mut out, method, uri);
    for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId] {
        printer.copy(&message, name);
    }
    printer.header("CSeq", format!("{} {method}", cseq.number).as_bytes());
    printer.finish();
    out
}

const STATUSES: [u16; 24] = [
    200, 200, 401, 407, 423, 100, 180, 301, 302, 305, 400, 403, 404, 408, 420, 430, 439, 480, 481, 500, 503,
    600, 603, 699,
];

/// A response to a request of the endpoint's.
pub(super) fn response(request: &Message<'_>, draw: &mut Draw<'_>) -> Vec<u8> {
    let status = StatusCode::new(*draw.one_of(&STATUSES)).expect("a status");
    let mut out = Vec::new();
    let mut printer = Printer::response(&mut out, status, None);
    let via = String::from_utf8_lossy(request.first(HeaderName::Via).unwrap_or_default()).into_owned();
    let seen = *draw.one_of(&["", "", ";received=198.51.100.7", ";received=198.51.100.7;rport=40001"]);
    let via = if seen.contains("rport=") { via.replace(";rport", "") } else { via };
    let via = if draw.below(8) == 7 { via.replace("branch=z9hG4bK", "branch=z9hG4bKx") } else { via };
    printer.header("Via", format!("{via}{seen}").as_bytes());
    printer.copy(request, HeaderName::From).copy(request, HeaderName::CallId).copy(request, HeaderName::CSeq);
    let to = String::from_utf8_lossy(request.first(HeaderName::To).unwrap_or_default()).into_owned();
    printer.header("To", format!("{to};tag=r").as_bytes());
    if draw.is() {
        // The binding, as a registrar tells it.
        let contact =
            String::from_utf8_lossy(request.first(HeaderName::Contact).unwrap_or_default()).into_owned();
        let expires = *draw.one_of(&["", ";expires=60", ";expires=1", ";expires=4294967295", ";expires=0"]);
        printer.header("Contact", format!("{contact}{expires}").as_bytes());
    }
    for _ in 0..draw.below(4) {
        let (name, values) = draw.one_of(ANSWERS);
        let value = if draw.below(8) == 7 { draw.text() } else { (*draw.one_of(values)).to_owned() };
        printer.header(name, value.as_bytes());
    }
    printer.finish();
    out
}

/// Header fields that a registering user agent client heeds.
const ANSWERS: &[(&str, &[&str])] = &[
    (
        "WWW-Authenticate",
        &[
            "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"",
            "Digest realm=\"r\", nonce=\"m\", stale=true, algorithm=SHA-256, qop=\"auth,auth-int\"",
            "Digest realm=\"r2\", nonce=\"n\"",
            "Basic realm=\"r\"",
        ],
    ),
    ("Proxy-Authenticate", &["Digest realm=\"p\", nonce=\"n\", qop=\"auth\", algorithm=MD5-sess"]),
    ("Authentication-Info", &["nextnonce=\"o\""]),
    ("Min-Expires", &["7200", "1", "4294967295"]),
    ("Retry-After", &["5", "0", "4294967295", "7 (busy);duration=9"]),
    ("Expires", &["60", "0", "4294967295"]),
    (
        "Contact",
        &[
            "<sip:858@192.0.2.2>;q=0.5, <sip:858@pbx.example>",
            "<sip:192.0.2.2:5070;transport=udp>",
            "<sips:858@192.0.2.2>",
            "*",
        ],
    ),
    ("Service-Route", &["<sip:192.0.2.2;lr>"]),
    ("Path", &["<sip:192.0.2.2;lr;ob>"]),
    ("Require", &["outbound"]),
    ("Supported", &["outbound, path, gruu"]),
    ("Flow-Timer", &["25", "0", "1"]),
    ("Warning", &["399 r \"no\""]),
    ("Date", &["Sat, 13 Nov 2010 23:29:00 GMT"]),
];
