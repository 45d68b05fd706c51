//! `[softphone]`: the sockets, and what the program says of itself.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use softphone::{Transport, Trying};

use super::account::beside;
use super::listening::{self, Listening};
use super::section::{Key, Section, parse_duration};
use super::tls::Tls;

/// What `[softphone]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Softphone {
    pub(crate) listen: SocketAddr,
    /// Where others connect to, if they may.
    pub(crate) connections: BTreeMap<Transport, SocketAddr>,
    /// Whose pages may connect by WebSocket, where not those of any site may.
    pub(crate) ws_origins: Option<Vec<String>>,
    pub(crate) rtp_ports: RangeInclusive<u16>,
    /// Who is asked where media is seen.
    pub(crate) stun: Option<String>,
    pub(crate) user_agent: String,
    pub(crate) shards: u16,
    /// Where each shard runs; none for wherever the system has it run.
    pub(crate) processors: Vec<u16>,
    /// How long after a datagram the next is asked for before a shard sleeps; zero is not at all.
    pub(crate) busy_poll: Duration,
    pub(crate) trying: Trying,
    /// How many new requests one address may make in a second, if there is a limit.
    pub(crate) requests_per_source: Option<NonZeroU32>,
    /// The control socket, if not in its usual place.
    pub(crate) control: Option<PathBuf>,
}

static LISTEN: Key = Key::new("listen", "an IP address and a port", "\"0.0.0.0:5060\"");
/// Where others connect to, by what.
static CONNECTIONS: [(Transport, Key); 4] = [
    (Transport::Tcp, Key::new("listen_tcp", "an IP address and a port", "\"0.0.0.0:5060\"")),
    (Transport::Tls, Key::new("listen_tls", "an IP address and a port", "\"0.0.0.0:5061\"")),
    (Transport::Ws, Key::new("listen_ws", "an IP address and a port", "\"0.0.0.0:8088\"")),
    (Transport::Wss, Key::new("listen_wss", "an IP address and a port", "\"0.0.0.0:8089\"")),
];
const WS_ORIGINS: Key =
    Key::new("ws_origins", "sites: a scheme and a host, and perhaps a port", "[\"https://phone.example\"]");
const RTP_PORTS: Key = Key::new(
    "rtp_ports",
    "two ports, the lower first, with an even one and the next among them",
    "\"5000-10000\"",
);
const STUN: Key =
    Key::new("stun", "a STUN server's name or address, and its port", "\"stun.example.com:3478\"");
const USER_AGENT: Key = Key::new("user_agent", "a product name without line breaks", "\"ringfence/0.1.0\"");
const SHARDS: Key = Key::new("shards", "a number of threads from 1 to 256", "1");
const PROCESSORS: Key =
    Key::new("processors", "numbers of processors from 0 to 1023, or ranges", "\"0,2-3\"");
const BUSY_POLL: Key = Key::new("busy_poll", "a time from 1 ms to 1 min", "\"5ms\"");
const TRYING: Key = Key::new("trying", "`at once` or `when waiting`", "\"when waiting\"");
const REQUESTS_PER_SOURCE: Key =
    Key::new("requests_per_source", "a number of requests a second from 1 to 1000000", "200");
const CONTROL: Key = Key::new(
    "control",
    "the path of the control socket, as long as a socket's may be",
    "\"/run/ringfence/ringfence.sock\"",
);

impl Default for Softphone {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            connections: BTreeMap::new(),
            ws_origins: None,
            rtp_ports: 5000..=10_000,
            stun: None,
            user_agent: concat!("ringfence/", env!("CARGO_PKG_VERSION")).to_owned(),
            shards: 1,
            processors: Vec::new(),
            busy_poll: Duration::ZERO,
            trying: Trying::AtOnce,
            requests_per_source: None,
            control: None,
        }
    }
}

impl Softphone {
    /// Reads a section; what it does not say keeps its default.
    pub(crate) fn read(section: &Section<'_>) -> Self {
        let default = Self::default();
        let shards = section.integer(&SHARDS, 1..=256).and_then(|at| u16::try_from(at.value).ok());
        let requests = section.integer(&REQUESTS_PER_SOURCE, 1..=1_000_000);
        let control = section.parsed(&CONTROL, |name| socket(name, beside(section.path(), name)));
        let control = control.map(|at| at.value);
        let connections = CONNECTIONS
            .iter()
            .filter_map(|(transport, key)| section.parsed(key, address).map(|at| (*transport, at.value)));
        let softphone = Self {
            listen: section.parsed(&LISTEN, address).map_or(default.listen, |at| at.value),
            connections: connections.collect(),
            ws_origins: Some(origins(section)).filter(|_| section.has(&WS_ORIGINS)),
            rtp_ports: section.parsed(&RTP_PORTS, ports).map_or(default.rtp_ports, |at| at.value),
            stun: section.parsed(&STUN, stun_server).map(|at| at.value),
            user_agent: section.parsed(&USER_AGENT, product).map_or(default.user_agent, |at| at.value),
            shards: shards.unwrap_or(default.shards),
            processors: section.parsed(&PROCESSORS, processors).map_or(default.processors, |at| at.value),
            busy_poll: section.parsed(&BUSY_POLL, busy_poll).map_or(default.busy_poll, |at| at.value),
            trying: section.parsed(&TRYING, trying).map_or(default.trying, |at| at.value),
            requests_per_source: requests.and_then(|at| NonZeroU32::new(at.value)),
            control,
        };
        section.finish();
        softphone.check_listening(section);
        softphone.check_origins(section);
        softphone
    }

    /// Tells which addresses cannot be listened on at once.
    fn check_listening(&self, section: &Section<'_>) {
        let by_udp = Listening { key: &LISTEN, transport: Transport::Udp, address: self.listen };
        let others = CONNECTIONS.iter().filter_map(|(transport, key)| {
            let address = *self.connections.get(transport)?;
            Some(Listening { key, transport: *transport, address })
        });
        listening::check(section, &[by_udp].into_iter().chain(others).collect::<Vec<_>>(), self.shards);
    }

    /// Warns of sites that are named where no page can connect.
    fn check_origins(&self, section: &Section<'_>) {
        let has_pages =
            [Transport::Ws, Transport::Wss].iter().any(|transport| self.connections.contains_key(transport));
        if self.ws_origins.is_none() || has_pages {
            return;
        }
        let span = section.span_of(&WS_ORIGINS).unwrap_or_else(|| section.span());
        let message = "`ws_origins` says nothing where no page can connect";
        section.warning(span, message, "add `listen_ws` or `listen_wss`, or leave it out");
    }

    /// Returns the key that says where others reach us by a transport.
    pub(crate) fn listen_key(transport: Transport) -> &'static str {
        let connections = CONNECTIONS.iter().find(|(known, _)| *known == transport);
        connections.map_or(LISTEN.name, |(_, key)| key.name)
    }

    /// Tells where TLS is to be listened for and there is nothing to show to those who connect.
    pub(super) fn check_tls(&self, section: &Section<'_>, tls: &Tls) {
        for (_, key) in CONNECTIONS.iter().filter(|(transport, _)| {
            transport.is_encrypted() && self.connections.contains_key(transport) && !tls.has_identity
        }) {
            let hint = format!("add [tls] with `certificate` and `key`, or leave `{}` away", key.name);
            let message = format!("`{}` needs a certificate to show to those who connect", key.name);
            let span = section.span_of(key).unwrap_or_else(|| section.span());
            section.error(span, message, hint);
        }
    }

    /// Returns the settings that another one changes; each takes effect with a restart.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let differs = [
            (&LISTEN, self.listen != other.listen),
            (&WS_ORIGINS, self.ws_origins != other.ws_origins),
            (&RTP_PORTS, self.rtp_ports != other.rtp_ports),
            (&STUN, self.stun != other.stun),
            (&USER_AGENT, self.user_agent != other.user_agent),
            (&SHARDS, self.shards != other.shards),
            (&PROCESSORS, self.processors != other.processors),
            (&BUSY_POLL, self.busy_poll != other.busy_poll),
            (&TRYING, self.trying != other.trying),
            (&REQUESTS_PER_SOURCE, self.requests_per_source != other.requests_per_source),
            (&CONTROL, self.control != other.control),
        ];
        let listens = CONNECTIONS.iter().map(|(transport, key)| {
            (key, self.connections.get(transport) != other.connections.get(transport))
        });
        let changed = differs.into_iter().chain(listens).filter(|(_, differs)| *differs);
        changed.map(|(key, _)| format!("softphone.{}", key.name)).collect()
    }
}

/// Reads the sites whose pages may connect: what a browser says in `Origin` (RFC 6455 section 10.2).
fn origins(section: &Section<'_>) -> Vec<String> {
    let mut origins = Vec::new();
    for text in section.texts(&WS_ORIGINS) {
        match origin(text.value) {
            Some(origin) => origins.push(origin),
            None => section.unfit(&WS_ORIGINS, text.span, &format!("\"{}\"", text.value.escape_debug())),
        }
    }
    origins
}

/// Reads a site, and returns it as a browser names it: in small letters, and without the port that its scheme has anyway.
fn origin(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (scheme, usual) = [("https://", ":443"), ("http://", ":80")]
        .into_iter()
        .find(|(scheme, _)| text.starts_with(scheme))?;
    let site = &text[scheme.len()..];
    let (host, port) =
        match site.rsplit_once(':').filter(|(host, _)| !host.starts_with('[') || host.ends_with(']')) {
            Some((host, port)) => (host, Some(port)),
            None => (site, None),
        };
    let is_host = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@*,\"'".contains(&byte))
        && (host.starts_with('[') || !host.contains(':'));
    let is_port =
        |port: &str| port.parse::<u16>().is_ok_and(|port| port != 0) && !port.starts_with(['0', '+']);
    let is_origin = is_host && port.is_none_or(is_port);
    is_origin.then(|| text.strip_suffix(usual).unwrap_or(&text).to_owned())
}

/// How many bytes a socket's name has at most, its last one being none of the name (`sun_path` of unix(7)).
fn socket(name: &str, path: PathBuf) -> Option<PathBuf> {
    let length = std::path::absolute(&path).map_or(0, |path| path.as_os_str().len());
    (!name.is_empty() && !name.ends_with('/') && length <= LONGEST_SOCKET).then_some(path)
}

const LONGEST_SOCKET: usize = if cfg!(target_os = "macos") { 103 } else { 107 };

fn address(text: &str) -> Option<SocketAddr> {
    text.trim().parse().ok()
}

fn ports(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    // RFC 3550 section 11: an even one for RTP, and the next.
    let has_pair = |first: u16, last: u16| first.checked_add(first % 2).is_some_and(|even| even < last);
    (first > 0 && has_pair(first, last)).then_some(first..=last)
}

/// Reads what `taskset` and its like read, too.
fn processors(text: &str) -> Option<Vec<u16>> {
    let number = |text: &str| text.trim().parse().ok().filter(|number| *number <= LAST_PROCESSOR);
    let mut all = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            Some((first, last)) => all.extend(number(first)?..=number(last)?),
            None => all.push(number(part)?),
        }
    }
    (!all.is_empty() && all.len() <= LAST_PROCESSOR.into()).then_some(all)
}

/// What a set of processors holds on Linux.
const LAST_PROCESSOR: u16 = 1_023;

/// Reads for how long a processor may be kept busy behind the last datagram.
fn busy_poll(text: &str) -> Option<Duration> {
    let is_allowed = |time: &Duration| (Duration::from_millis(1)..=Duration::from_secs(60)).contains(time);
    parse_duration(text).filter(is_allowed)
}

fn trying(text: &str) -> Option<Trying> {
    match text.trim() {
        "at once" => Some(Trying::AtOnce),
        "when waiting" => Some(Trying::WhenWaiting),
        _ => None,
    }
}

/// Reads a server as the softphone will.
fn stun_server(text: &str) -> Option<String> {
    let text = text.trim();
    softphone::is_stun_server(text).then(|| text.to_owned())
}

fn product(text: &str) -> Option<String> {
    let is_plain = |letter: char| letter.is_ascii_graphic() || letter == ' ';
    (!text.trim().is_empty() && text.len() <= 200 && text.chars().all(is_plain)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stun_server_is_what_the_softphone_takes_for_one() {
        assert_eq!(stun_server(" stun.example.com:3478 ").unwrap(), "stun.example.com:3478");
        assert_eq!(stun_server("a b"), None);
    }

    #[test]
    fn a_site_is_named_as_a_browser_names_it() {
        for (written, named) in [
            ("https://phone.example", "https://phone.example"),
            ("HTTPS://Phone.Example:8443", "https://phone.example:8443"),
            ("https://phone.example:443", "https://phone.example"),
            ("http://phone.example:80", "http://phone.example"),
            ("http://phone.example:443", "http://phone.example:443"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://[::1]", "http://[::1]"),
        ] {
            assert_eq!(origin(written).as_deref(), Some(named), "{written}");
        }
        for wrong in [
            "phone.example",
            "https://",
            "https://phone.example/",
            "https://*.example",
            "*",
            "null",
            "wss://phone.example",
            "https://a.example, https://b.example",
            "https://phone.example:0",
            "https://phone.example:99999",
            "https://phone.example:",
            "https://phone.example:08443",
            "https://::1",
        ] {
            assert_eq!(origin(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn processors_are_numbers_and_ranges_of_them() {
        assert_eq!(processors("0, 2-4").unwrap(), [0, 2, 3, 4]);
        assert_eq!(processors("1023").unwrap(), [1_023]);
        for wrong in ["", "1024", "3-1", "0-", "-1", "one", "0,,1", "0-1023,0-1023"] {
            assert_eq!(processors(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn datagrams_are_asked_for_from_a_millisecond_to_a_minute() {
        assert_eq!(busy_poll("1ms"), Some(Duration::from_millis(1)));
        assert_eq!(busy_poll(" 1m "), Some(Duration::from_secs(60)));
        for wrong in ["", "0ms", "0s", "61s", "2m", "5", "200us"] {
            assert_eq!(busy_poll(wrong), None, "{wrong}");
        }
    }
}
