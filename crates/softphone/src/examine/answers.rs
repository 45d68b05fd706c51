//! What responses say of the server, of the way to it, and of the account.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[doc(inline)]
pub use ringfence_ua::auth::AuthError;
use ringfence_wire::sip::{Contact, HeaderName, Message, NameAddr, StatusCode, Uri, Via};

use super::exchange::{Asker, Unanswered};

/// What a response says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The reason phrase.
    pub phrase: String,
    /// How long it took.
    pub took: Duration,
    /// What the server calls itself, in `Server` or `User-Agent`.
    pub server: Option<String>,
    /// Where it saw the request come from: `received` and `rport` of the Via (RFC 3581). Without `received` it saw the address
    /// that the request named; without an `rport` that has a value it does not say.
    pub seen: Option<SocketAddr>,
    /// What somebody on the way made of the address in the Via, where it came back as another: a router that rewrites
    /// SIP.
    pub rewritten: Option<String>,
    /// How far the server's clock is before ours, in seconds, and behind where it is less than 0: what `Date` says, which is
    /// exact to a second and to the time that the answer took.
    pub clock_ahead: Option<i64>,
}

/// What came of asking for an account's bindings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fetched {
    /// The registrar took the credentials, or wanted none, and lists these.
    Listed {
        /// Those of this softphone's own line first, and 32 at most.
        bindings: Vec<Binding>,
        /// How many there are.
        count: usize,
        /// Whether the registrar wanted to know who asks.
        is_challenged: bool,
        /// The response.
        response: Answered,
    },
    /// The registrar wants to know who asks, and what it got was not enough.
    Denied {
        /// Why.
        why: Denial,
        /// The response.
        response: Answered,
    },
    /// The registrar answered something else.
    Refused {
        /// Whether it wanted to know who asks, and was told: some say by 403 that the password is wrong.
        is_challenged: bool,
        /// The response.
        response: Answered,
    },
    /// Nothing was answered.
    Unanswered(Unanswered),
}

/// Why a registrar does not let an account in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// It wants a password, and the account has none.
    #[error("it wants a password, and the account has none")]
    NoPassword,
    /// It does not take the answer to its challenge, or asks in a way that is not answered.
    #[error(transparent)]
    Challenge(#[from] AuthError),
}

impl Fetched {
    /// Returns the response, where one came.
    #[must_use]
    pub fn response(&self) -> Option<&Answered> {
        match self {
            Self::Listed { response, .. }
            | Self::Denied { response, .. }
            | Self::Refused { response, .. } => Some(response),
            Self::Unanswered(_) => None,
        }
    }
}

/// A binding that a registrar lists (RFC 3261 section 10.2.3): where one of the account's devices is called.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Binding {
    /// Host, port and transport of the Contact; its user is left out.
    pub address: String,
    /// How long it still holds.
    pub expires: Option<Duration>,
    /// Whether it is of this softphone's own line, by its instance-id (RFC 5626); nothing where the registrar does not tell,
    /// or the softphone has none.
    pub is_ours: Option<bool>,
    /// Whether its calls come over what it was registered over, wherever its address leads: by a flow (RFC 5626), or as the
    /// registrar has noted where it saw it (`received`).
    pub is_by_flow: bool,
}

/// Bindings that are kept of one answer.
const MOST_BINDINGS: usize = 32;
/// Characters of what a server says of itself.
const LONGEST: usize = 160;
/// The longest lifetime there is, a century, in seconds: what is longer is no time.
const LONGEST_EXPIRES: u64 = 3_155_760_000;

impl Answered {
    pub(super) fn of(response: &Message<'_>, took: Duration, local: SocketAddr) -> Self {
        let text = |value: &[u8]| bounded(String::from_utf8_lossy(value).trim());
        let server = [HeaderName::Server, HeaderName::UserAgent];
        let server = server.into_iter().find_map(|name| response.first(name)).map(text);
        let via = response.via().ok();
        let seen = via.as_ref().and_then(seen_by);
        let rewritten = via.as_ref().filter(|via| !is_at(via, local)).map(|via| text(via.sent_by()));
        let date = response.date().and_then(Result::ok).map(|date| date.unix_seconds());
        Self {
            status: response.status().map_or(0, StatusCode::as_u16),
            phrase: response.reason_phrase().map(text).unwrap_or_default(),
            took,
            server: server.filter(|name| !name.is_empty()),
            seen,
            rewritten,
            clock_ahead: date.zip(now()).map(|(date, now)| date - now),
        }
    }
}

fn now() -> Option<i64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

impl Asker<'_> {
    /// Returns the bindings that a response lists, and how many there are.
    pub(super) fn listed(&self, response: &Message<'_>) -> (Vec<Binding>, usize) {
        let instance = self.account().instance_id();
        let addresses = response.contacts().filter_map(|contact| match contact {
            Ok(Contact::Addr(address)) => Some(address),
            Ok(Contact::Star) | Err(_) => None,
        });
        // As many as a message holds.
        let mut all: Vec<Binding> =
            addresses.map(|address| Binding::of(&address, instance.as_deref())).collect();
        let count = all.len();
        all.sort_by_key(|binding| binding.is_ours != Some(true));
        all.truncate(MOST_BINDINGS);
        (all, count)
    }
}

impl Binding {
    fn of(listed: &NameAddr<'_>, instance: Option<&str>) -> Self {
        let text = |name: &str| listed.param(name).map(|value| String::from_utf8_lossy(value).into_owned());
        let theirs = text("+sip.instance").map(|value| value.trim_matches(['"', '<', '>']).to_owned());
        let is_ours = theirs.zip(instance).map(|(theirs, ours)| theirs.eq_ignore_ascii_case(ours));
        let expires = text("expires").and_then(|value| value.parse().ok());
        let expires = expires.filter(|seconds| *seconds <= LONGEST_EXPIRES).map(Duration::from_secs);
        let is_by_flow = listed.param("reg-id").is_some() || listed.param("received").is_some();
        Self { address: address(listed), expires, is_ours, is_by_flow }
    }
}

/// Returns where a Contact leads, without who is there.
fn address(listed: &NameAddr<'_>) -> String {
    let Some(uri) = listed.uri().ok().filter(Uri::is_sip) else {
        return "an address that is not SIP's".to_owned();
    };
    let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
    // What is no transport may be anything.
    let known = ["udp", "tcp", "tls", "ws", "wss", "sctp"];
    let named = uri.param("transport").map(|value| String::from_utf8_lossy(&value).to_ascii_lowercase());
    let transport = named.filter(|name| known.contains(&name.as_str()));
    let transport = transport.map(|name| format!(";transport={name}")).unwrap_or_default();
    bounded(&format!("{}{port}{transport}", uri.host()))
}

/// Returns where a server saw a request come from, as the Via has it that came back.
fn seen_by(via: &Via<'_>) -> Option<SocketAddr> {
    let ip = via.received().or_else(|| via.host().ip())?;
    let port = via.rport().flatten().filter(|port| *port != 0)?;
    (!ip.is_unspecified()).then(|| SocketAddr::new(ip, port))
}

/// Returns whether a Via names an address, however that is written.
fn is_at(via: &Via<'_>, local: SocketAddr) -> bool {
    via.host().ip() == Some(local.ip()) && via.port().unwrap_or(DEFAULT_PORT) == local.port()
}

/// RFC 3261 section 18.2.2: the port of a sent-by that names none.
const DEFAULT_PORT: u16 = 5060;

/// Cuts what a server says to what a person reads.
fn bounded(text: &str) -> String {
    let mut cut: String = text.chars().take(LONGEST).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "urn:uuid:00000000-0000-8000-8000-000a95a0e128";

    fn binding(contact: &str) -> Binding {
        Binding::of(&NameAddr::parse(contact.as_bytes()).unwrap(), Some(OURS))
    }

    #[test]
    fn ours_is_known_by_its_instance_id_alone() {
        let ours = binding(&format!("<sip:858@192.0.2.9>;+sip.instance=\"<{OURS}>\";reg-id=1;expires=60"));
        assert_eq!((ours.is_ours, ours.is_by_flow), (Some(true), true));
        assert_eq!(ours.expires, Some(Duration::from_secs(60)));
        let other = binding("<sip:858@192.0.2.9>;+sip.instance=\"<urn:uuid:1>\"");
        assert_eq!((other.is_ours, other.is_by_flow), (Some(false), false));
        assert_eq!(binding("<sip:858@192.0.2.9>").is_ours, None);
    }

    #[test]
    fn an_address_is_told_without_its_user_and_token() {
        let told = |contact: &str| binding(contact).address;
        assert_eq!(
            told("<sip:+41791234567@192.0.2.9:5070;transport=tcp;line=abc>"),
            "192.0.2.9:5070;transport=tcp"
        );
        assert_eq!(told("<sip:858@[2001:db8::1]>"), "[2001:db8::1]");
        assert_eq!(told("<tel:+41791234567>"), "an address that is not SIP's");
    }

    #[test]
    fn what_a_response_says_of_the_way_is_read_from_its_via() {
        let of = |via: &str| {
            let text = format!("SIP/2.0 200 OK\r\nVia: {via}\r\n\r\n");
            let message = Message::parse(text.as_bytes()).unwrap();
            let answered = Answered::of(&message, Duration::ZERO, "192.0.2.9:5060".parse().unwrap());
            (answered.seen.map(|seen| seen.to_string()), answered.rewritten)
        };
        let seen = |address: &str| Some(address.to_owned());
        let ours = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1";
        assert_eq!(
            of(&format!("{ours};received=198.51.100.1;rport=4000")),
            (seen("198.51.100.1:4000"), None)
        );
        assert_eq!(of(&format!("{ours};rport=5060")), (seen("192.0.2.9:5060"), None));
        assert_eq!(of(&format!("{ours};received=198.51.100.1;rport")), (None, None), "an old server");
        let rewritten = "SIP/2.0/UDP 198.51.100.1:4000;branch=z9hG4bK1;rport=4000";
        assert_eq!(of(rewritten), (seen("198.51.100.1:4000"), seen("198.51.100.1:4000")));
    }
}
