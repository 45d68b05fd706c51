//! What a row of a ladder says of a message: its start line and the few header fields that explain it.

use super::glimpse::{Glimpse, Start, parameter};

/// A message in a few words, for who draws it.
///
/// The words are as the network sent them, control characters included, but without the digests of credentials.
///
/// ```
/// use ringfence_testing::{Sketch, Tone};
///
/// let busy = b"SIP/2.0 486 Busy Here\r\nCSeq: 1 INVITE\r\nWarning: 399 pbx \"User reject\"\r\n\r\n";
/// let sketch = Sketch::of(busy);
/// assert_eq!((sketch.label.as_str(), sketch.tone), ("486 Busy Here", Tone::Failure));
/// assert_eq!(sketch.details, ["Warning: 399 pbx \"User reject\""]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    /// What kind of message it is.
    pub tone: Tone,
    /// Method and Request-URI, or status and phrase.
    pub label: String,
    /// Small print beside the label, or nothing.
    pub aside: String,
    /// The header fields that explain it, one each.
    pub details: Vec<String>,
    /// The call that it belongs to, where it says so.
    pub call_id: Option<String>,
}

/// What kind of message a row shows.
///
/// ```
/// use ringfence_testing::{Sketch, Tone};
///
/// assert_eq!(Sketch::of(b"\r\n\r\n").tone, Tone::KeepAlive);
/// assert_eq!(Sketch::of(b"\xff\xfe").label, "2 bytes, not SIP");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// A request.
    Request,
    /// A 1xx.
    Provisional,
    /// A 2xx.
    Success,
    /// A 3xx.
    Redirection,
    /// A 4xx, 5xx or 6xx.
    Failure,
    /// Line ends only.
    KeepAlive,
    /// No SIP message.
    Other,
}

impl Sketch {
    /// Looks at a datagram. It judges nothing: what cannot be read is told by its length.
    #[must_use]
    pub fn of(datagram: &[u8]) -> Self {
        let glimpse = Glimpse::new(datagram);
        let cseq = glimpse.header("cseq").unwrap_or_default();
        let (tone, label, aside) = match glimpse.start(datagram) {
            Start::Request { method, uri } => {
                let number: String =
                    cseq.chars().take_while(|letter| !letter.is_whitespace()).take(LONGEST_CSEQ).collect();
                let label = format!("{method} {}", without_parameters(uri));
                (Tone::Request, label, if number.is_empty() { number } else { format!("CSeq {number}") })
            }
            Start::Response { status, phrase } => {
                let label = format!("{status} {phrase}").trim_end().to_owned();
                let cseq: String = cseq.chars().take(LONGEST_CSEQ).collect();
                let aside = if cseq.is_empty() { String::new() } else { format!("CSeq {cseq}") };
                (Tone::of(status), label, aside)
            }
            Start::KeepAlive => (Tone::KeepAlive, "keep-alive".to_owned(), String::new()),
            Start::Other { length } => (Tone::Other, format!("{length} bytes, not SIP"), String::new()),
        };
        let call_id = glimpse.header("call-id").map(str::to_owned);
        Self { tone, label, aside, details: details(&glimpse, datagram), call_id }
    }
}

impl Tone {
    fn of(status: u16) -> Self {
        match status {
            0..200 => Self::Provisional,
            200..300 => Self::Success,
            300..400 => Self::Redirection,
            _ => Self::Failure,
        }
    }
}

/// More of a `CSeq` says nothing: a number of ten digits and the longest method's name.
const LONGEST_CSEQ: usize = 20;

/// Returns the header fields that explain a message, each ready to be shown.
fn details(glimpse: &Glimpse<'_>, datagram: &[u8]) -> Vec<String> {
    let field = |name: &str, title: &str| glimpse.header(name).map(|value| format!("{title}: {value}"));
    let found = match glimpse.start(datagram) {
        Start::Request { method: "INVITE", .. } => vec![
            glimpse.header("from").map(|from| format!("from {}", without_tag(from))),
            field("p-asserted-identity", "P-Asserted-Identity"),
            field("privacy", "Privacy"),
        ],
        Start::Request { method: "REGISTER", .. } => vec![
            glimpse.header("authorization").or(glimpse.header("proxy-authorization")).map(credentials),
            field("expires", "Expires"),
        ],
        Start::Response { status: 401 | 407, .. } => {
            let challenge = glimpse.header("www-authenticate").or(glimpse.header("proxy-authenticate"));
            vec![challenge.map(self::challenge)]
        }
        Start::Response { status: 200..300, .. } => {
            let expires = glimpse.header("contact").and_then(|contact| parameter(contact, "expires"));
            vec![expires.map(|expires| format!("Contact: …;expires={expires}"))]
        }
        Start::Response { status: 300..=399, .. } => {
            vec![field("contact", "Contact"), field("warning", "Warning")]
        }
        Start::Response { .. } => {
            vec![field("warning", "Warning"), field("reason", "Reason"), field("retry-after", "Retry-After")]
        }
        Start::Request { .. } | Start::KeepAlive | Start::Other { .. } => Vec::new(),
    };
    found.into_iter().flatten().collect()
}

fn credentials(value: &str) -> String {
    let user = parameter(value, "username").unwrap_or_default();
    format!("Authorization: Digest username=\"{user}\", {}, response=…", algorithm(value))
}

fn challenge(value: &str) -> String {
    let realm = parameter(value, "realm").unwrap_or_default();
    format!("WWW-Authenticate: Digest realm=\"{realm}\", {}", algorithm(value))
}

fn algorithm(value: &str) -> String {
    format!("algorithm={}", parameter(value, "algorithm").unwrap_or("MD5"))
}

/// Leaves the parameters of a URI out: the token in our Contact is of no use to a reader.
fn without_parameters(uri: &str) -> String {
    match uri.split_once(';') {
        Some((address, _)) => format!("{address};…"),
        None => uri.to_owned(),
    }
}

fn without_tag(value: &str) -> &str {
    value.rsplit_once(";tag=").map_or(value, |(address, _)| address)
}
