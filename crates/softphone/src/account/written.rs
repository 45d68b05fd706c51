//! What an application writes as the address of an account, a proxy or a registrar.

use ringfence_ua::Transport;
use ringfence_wire::sip::{Host, Scheme, Uri};

use crate::io::locate::is_one_host;

/// What an address says.
pub(super) struct Parts {
    pub(super) user: Option<String>,
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) transport: Option<Transport>,
    /// Whether it is a `sips` URI.
    pub(super) is_secure: bool,
}

/// Splits `[sip:][user@]host[:port][;transport=…]`.
pub(super) fn split(address: &str) -> Option<Parts> {
    let has =
        |scheme: &str| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let address = if has("sip:") || has("sips:") { address.to_owned() } else { format!("sip:{address}") };
    let uri = Uri::parse(address.as_bytes()).ok()?;
    let is_secure = match uri.scheme() {
        Scheme::Sip => false,
        Scheme::Sips => true,
        Scheme::Tel | Scheme::Other(_) => return None,
    };
    let transport = match uri.param("transport") {
        Some(name) => Some(transport(&name, is_secure)?),
        None => None,
    };
    let host = match uri.host() {
        Host::Name("") => return None,
        Host::V4(address) if !is_one_host(address.into()) => return None,
        Host::V6(address) if !is_one_host(address.into()) => return None,
        host @ (Host::Name(_) | Host::V4(_) | Host::V6(_)) => host.to_string(),
    };
    let user = uri.user().map(|user| String::from_utf8_lossy(user).into_owned());
    let is_plain = uri.password().is_none() && uri.headers().is_none() && uri.port() != Some(0);
    is_plain.then(|| Parts { user, host, port: uri.port(), transport, is_secure })
}

/// Reads the `transport` parameter. In a `sips` URI it names what lies beneath TLS (RFC 3261 section 26.2.2).
fn transport(name: &[u8], is_secure: bool) -> Option<Transport> {
    let is = |transport: Transport| name.eq_ignore_ascii_case(transport.uri_parameter().as_bytes());
    let by_websocket = is(Transport::Ws) || name.eq_ignore_ascii_case(b"wss");
    if is_secure {
        let by_tls = is(Transport::Tcp) || is(Transport::Tls);
        return by_tls.then_some(Transport::Tls).or(by_websocket.then_some(Transport::Wss));
    }
    // RFC 7118 has no "wss", and many write it.
    if name.eq_ignore_ascii_case(b"wss") {
        return Some(Transport::Wss);
    }
    let all = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws];
    all.into_iter().find(|&transport| is(transport))
}

/// Tells whether a text can stand in the request line of a WebSocket as its resource.
pub(super) fn is_resource(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(&byte);
    text.starts_with('/') && text.bytes().all(is_plain)
}

/// Hides what stands for a password in something that was to be an address: errors end in logs.
pub(crate) fn without_password(address: &str) -> String {
    let is_at_start =
        |scheme: &&&str| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let user = ["sip:", "sips:"].iter().find(is_at_start).map_or(0, |scheme| scheme.len());
    let end = address.rfind('@').unwrap_or(0);
    match address.get(user..end).and_then(|userinfo| userinfo.find(':')) {
        Some(colon) => format!("{}***{}", &address[..=user + colon], &address[end..]),
        None => address.to_owned(),
    }
}

/// Escapes what may not stand in the user part of a URI (RFC 3261 section 25.1, `user`).
pub(super) fn escape(user: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(user.len());
    for &byte in user.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

pub(super) fn unescape(user: &str) -> String {
    let uri = format!("sip:{user}@x");
    let unescaped = Uri::parse(uri.as_bytes()).ok().and_then(|uri| uri.user_unescaped());
    unescaped.map_or_else(|| user.to_owned(), |user| String::from_utf8_lossy(&user).into_owned())
}
