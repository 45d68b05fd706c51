//! The screen: an incoming call as it is shown to who decides, and what can be decided.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use ringfence_ua::Origin;
use ringfence_wire::sip::{HeaderName, Host, Message, NameAddr, Uri};

use crate::line::LineId;
use crate::reject::{Redirect, Reject};
use crate::wait::Wait;

/// An incoming call, numbered for the life of the softphone.
///
/// ```
/// # fn key(invite: &softphone::Invite<'_>) -> softphone::CallId {
/// let id = invite.id(); // Copy, Ord, Hash: a key for what you note of the call
/// # id
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    pub(crate) shard: u16,
    pub(crate) number: u64,
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.shard, self.number)
    }
}

/// An INVITE as who decides sees it: borrowed, without a copy. What it says was written by whoever called: only
/// [`Invite::trust`], [`Invite::source`] and [`Invite::asserted`] are known better.
///
/// ```
/// use softphone::{Invite, Reject, Verdict};
///
/// fn screen(invite: &Invite<'_>) -> Verdict {
///     match invite.caller() {
///         Some(caller) if caller.user() == "+41791234567" => Reject::busy().into(),
///         _ => Verdict::Offer,
///     }
/// }
/// # let _ = screen;
/// ```
#[derive(Clone, Copy)]
pub struct Invite<'a> {
    pub(crate) message: &'a Message<'a>,
    pub(crate) id: CallId,
    pub(crate) line: LineId,
    pub(crate) label: &'a str,
    pub(crate) source: SocketAddr,
    pub(crate) origin: Origin,
    pub(crate) objection: Option<ringfence_ua::Objection>,
}

impl<'a> Invite<'a> {
    /// Returns what the call is known by.
    #[must_use]
    pub fn id(&self) -> CallId {
        self.id
    }

    /// Returns the line that is rung.
    #[must_use]
    pub fn line(&self) -> LineId {
        self.line
    }

    /// Returns the label of that line's account.
    #[must_use]
    pub fn line_label(&self) -> &'a str {
        self.label
    }

    /// Returns who calls: the asserted identity where a trusted peer gave one, else From.
    #[must_use]
    pub fn caller(&self) -> Option<Address<'a>> {
        self.asserted().or_else(|| self.from())
    }

    /// Returns From, which any caller can claim.
    #[must_use]
    pub fn from(&self) -> Option<Address<'a>> {
        self.message.from().ok().map(Address::new)
    }

    /// Returns the first `P-Asserted-Identity` that can be read (RFC 3325), where the registrar, the proxy or a peer sent
    /// the INVITE; from anyone else it is worth nothing, and `None`.
    #[must_use]
    pub fn asserted(&self) -> Option<Address<'a>> {
        let is_trusted = self.origin.is_trusted();
        let mut asserted = self.message.addresses(HeaderName::PAssertedIdentity).filter(|_| is_trusted);
        // One that names nobody must not hide who From names.
        asserted.find_map(|address| {
            Some(Address::new(address.ok()?)).filter(|address| !address.user().is_empty())
        })
    }

    /// Returns who is called: To, or the Request-URI where To cannot be read.
    #[must_use]
    pub fn called(&self) -> Option<Address<'a>> {
        let to = self.message.to().ok().map(Address::new);
        to.or_else(|| {
            let bytes = self.message.request_uri()?;
            Some(Address { display: None, bytes, uri: Uri::parse(bytes).ok() })
        })
    }

    /// Returns the value of the first header of a name, in any case, long or compact, on one line: a fold is one space.
    /// Bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'a, str>> {
        match self.message.fields_named(name).next()?.unfolded() {
            Cow::Borrowed(value) => Some(String::from_utf8_lossy(value)),
            Cow::Owned(value) => Some(Cow::Owned(String::from_utf8_lossy(&value).into_owned())),
        }
    }

    /// Returns the `Call-ID`; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn call_id(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.message.call_id().unwrap_or_default())
    }

    /// Returns whether the caller asks for privacy (RFC 3323): `Privacy` with anything but `none`.
    #[must_use]
    pub fn is_private(&self) -> bool {
        let privacy = self.message.values(HeaderName::Privacy);
        privacy.flat_map(|value| value.split(|&byte| byte == b';')).any(|value| {
            let value = value.trim_ascii();
            !value.is_empty() && !value.eq_ignore_ascii_case(b"none")
        })
    }

    /// Returns the body, which is the session description that is offered, as it came; `None` where there is none.
    #[must_use]
    pub fn offer(&self) -> Option<&'a [u8]> {
        Some(self.message.body()).filter(|body| !body.is_empty())
    }

    /// Returns the address that the INVITE came from.
    #[must_use]
    pub fn source(&self) -> SocketAddr {
        self.source
    }

    /// Returns why it was let in, which says how far it can be believed.
    #[must_use]
    pub fn trust(&self) -> Trust {
        match self.origin {
            Origin::Registrar => Trust::Registrar,
            Origin::Peer => Trust::Peer,
            Origin::Token => Trust::Token,
            Origin::Anyone => Trust::Anyone,
        }
    }

    /// Returns what RFC 3261 section 8.2 would have answered whoever called: such a call can be rejected with any
    /// code, redirected or ignored, but it cannot ring.
    #[must_use]
    pub fn objection(&self) -> Option<Objection> {
        self.objection
            .map(|objection| Objection { status: objection.status().as_u16(), phrase: objection.to_string() })
    }

    /// Returns the whole message as it came.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.message.as_bytes()
    }
}

impl fmt::Debug for Invite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invite").field("id", &self.id).field("line", &self.label).finish_non_exhaustive()
    }
}

/// An address of someone in a call: a `sip`, `sips` or `tel` URI, and the name that goes with it. `Debug` shows neither.
///
/// ```
/// # fn show(invite: &softphone::Invite<'_>) {
/// if let Some(from) = invite.from() {
///     println!("{} at {}", from.user(), from.host());
/// }
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Address<'a> {
    display: Option<NameAddr<'a>>,
    bytes: &'a [u8],
    /// What the bytes say, where they are a URI.
    uri: Option<Uri<'a>>,
}

impl<'a> Address<'a> {
    fn new(address: NameAddr<'a>) -> Self {
        Self { display: Some(address), bytes: address.uri_bytes(), uri: address.uri().ok() }
    }

    /// Returns the user of a `sip` URI without escapes, with the parameters that stand in it, or the number of a
    /// `tel` URI; empty where there is none. Of a `sip` URI that is wrong elsewhere the user is read all the same.
    #[must_use]
    pub fn user(&self) -> Cow<'a, str> {
        let Some(uri) = &self.uri else { return String::from_utf8_lossy(user_of_no_uri(self.bytes)) };
        if let Some(number) = uri.tel_number() {
            return Cow::Borrowed(number);
        }
        match uri.user_unescaped() {
            Some(Cow::Borrowed(user)) => String::from_utf8_lossy(user),
            Some(Cow::Owned(user)) => Cow::Owned(String::from_utf8_lossy(&user).into_owned()),
            None => Cow::Borrowed(""),
        }
    }

    /// Returns the host of a `sip` URI: a name, or an address, IPv6 in brackets; empty for a `tel` URI.
    #[must_use]
    pub fn host(&self) -> Cow<'a, str> {
        match self.uri.as_ref().map(Uri::host) {
            None => Cow::Borrowed(""),
            Some(Host::Name(name)) => Cow::Borrowed(name),
            Some(host @ (Host::V4(_) | Host::V6(_))) => Cow::Owned(host.to_string()),
        }
    }

    /// Returns the value of a parameter of the URI, such as `phone-context` of a `tel` URI.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<Cow<'a, str>> {
        match self.uri.as_ref()?.param(name)? {
            Cow::Borrowed(value) => Some(String::from_utf8_lossy(value)),
            Cow::Owned(value) => Some(Cow::Owned(String::from_utf8_lossy(&value).into_owned())),
        }
    }

    /// Returns the display name without quotation marks, which any caller can claim.
    #[must_use]
    pub fn display_name(&self) -> Option<Cow<'a, str>> {
        self.display.and_then(|display| display.display_name())
    }

    /// Returns the URI as it came; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn uri(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes)
    }
}

/// Returns what stands between the scheme and the `@` of what is no URI.
fn user_of_no_uri(bytes: &[u8]) -> &[u8] {
    let after_scheme = bytes.iter().position(|&byte| byte == b':').map_or(bytes, |colon| &bytes[colon + 1..]);
    let end = after_scheme.iter().position(|&byte| byte == b'@').unwrap_or(0);
    after_scheme[..end].trim_ascii()
}

impl fmt::Debug for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

/// Why an INVITE was let in.
///
/// ```
/// assert_ne!(softphone::Trust::Registrar, softphone::Trust::Anyone);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trust {
    /// It came from the line's registrar or proxy.
    Registrar,
    /// It came from a configured peer.
    Peer,
    /// It carries the token that only the registrar was given with the line's Contact.
    Token,
    /// The line is open to everyone.
    Anyone,
}

/// What RFC 3261 section 8.2 would have answered to an INVITE, whoever called: 400, 415, 416, 420 and their like.
///
/// ```
/// # fn show(invite: &softphone::Invite<'_>) {
/// if let Some(objection) = invite.objection() {
///     println!("cannot ring: {objection}"); // 415 Unsupported Media Type
/// }
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The status.
    pub status: u16,
    /// The reason phrase.
    pub phrase: String,
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.phrase)
    }
}

/// What becomes of an incoming call, as [`Builder::screen`](crate::Builder::screen) says.
///
/// ```
/// use softphone::{Reject, Verdict};
///
/// let verdict = Verdict::from(Reject::unwanted());
/// # let _ = verdict;
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Verdict {
    /// It is rejected: 100, and the status. The application never hears of it, but for its end.
    Reject(Reject),
    /// The caller is sent elsewhere: 100, and 302 with Contact.
    Redirect(Redirect),
    /// It rings: 100, and 180 each minute, until the caller gives up (487), or until the limit and then 480. One that may
    /// not ring is answered what stands against it.
    Ring {
        /// The limit; without one, and at most, 10 minutes.
        limit: Option<Duration>,
    },
    /// It waits, ringing or in silence: 100, and what the [`Wait`] says.
    Wait(Wait),
    /// Nothing at all is answered, not even 100.
    Ignore,
    /// The application decides: 100, and the call comes out of [`Line::incoming`](crate::Line::incoming).
    Offer,
}

impl From<Reject> for Verdict {
    fn from(reject: Reject) -> Self {
        Self::Reject(reject)
    }
}

impl From<Redirect> for Verdict {
    fn from(redirect: Redirect) -> Self {
        Self::Redirect(redirect)
    }
}

impl From<Wait> for Verdict {
    fn from(wait: Wait) -> Self {
        Self::Wait(wait)
    }
}

impl Verdict {
    pub(crate) fn into_inner(self) -> ringfence_ua::Verdict {
        match self {
            Self::Reject(reject) => ringfence_ua::Verdict::Reject(reject.shared()),
            Self::Redirect(redirect) => ringfence_ua::Verdict::Redirect(redirect.shared()),
            Self::Ring { limit } => ringfence_ua::Verdict::Ring { limit },
            Self::Wait(wait) => ringfence_ua::Verdict::Wait(wait.into_inner()),
            Self::Ignore => ringfence_ua::Verdict::Ignore,
            Self::Offer => ringfence_ua::Verdict::Offer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_on_one_line_and_copied_only_where_it_was_folded() {
        let datagram = b"INVITE sip:a@b SIP/2.0\r\ns: Lunch\r\n\t at noon\r\nX-Queue: sales\r\n\r\n";
        let message = Message::parse(datagram).unwrap();
        let invite = Invite {
            message: &message,
            id: CallId { shard: 0, number: 1 },
            line: LineId { shard: 0, line: ringfence_ua::LineId::new(0) },
            label: "",
            source: SocketAddr::from(([127, 0, 0, 1], 5060)),
            origin: Origin::Anyone,
            objection: None,
        };
        assert_eq!(invite.header("Subject").as_deref(), Some("Lunch at noon"));
        assert!(matches!(invite.header("x-queue"), Some(Cow::Borrowed("sales"))));
    }
}
