//! Header field names: one table of the names, their compact forms, and the way back from bytes.

use std::fmt;

use crate::sip::words::words_before;

macro_rules! header_names {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The name of a header field.
        ///
        /// ```
        /// use ringfence_wire::sip::HeaderName;
        ///
        /// assert_eq!(HeaderName::from_bytes(b"call-id"), HeaderName::CallId);
        /// assert_eq!(HeaderName::from_bytes(b"I"), HeaderName::CallId);
        /// assert_eq!(HeaderName::CallId.as_str(), "Call-ID");
        /// assert_eq!(HeaderName::from_bytes(b"X-Anything"), HeaderName::Other);
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum HeaderName {
            $($(#[$doc])* $variant,)*
            /// Any name that is not listed here; the field has it as written.
            Other,
        }

        const NAMES: &[(HeaderName, &str)] = &[$((HeaderName::$variant, $name),)*];
    };
}

header_names! {
    /// `Accept` (RFC 3261).
    Accept = "Accept",
    /// `Accept-Contact` (RFC 3841); compact form `a`.
    AcceptContact = "Accept-Contact",
    /// `Accept-Encoding` (RFC 3261).
    AcceptEncoding = "Accept-Encoding",
    /// `Accept-Language` (RFC 3261).
    AcceptLanguage = "Accept-Language",
    /// `Alert-Info` (RFC 3261).
    AlertInfo = "Alert-Info",
    /// `Allow` (RFC 3261).
    Allow = "Allow",
    /// `Allow-Events` (RFC 6665); compact form `u`.
    AllowEvents = "Allow-Events",
    /// `Answer-Mode` (RFC 5373).
    AnswerMode = "Answer-Mode",
    /// `Authentication-Info` (RFC 3261).
    AuthenticationInfo = "Authentication-Info",
    /// `Authorization` (RFC 3261).
    Authorization = "Authorization",
    /// `Call-ID` (RFC 3261); compact form `i`.
    CallId = "Call-ID",
    /// `Call-Info` (RFC 3261).
    CallInfo = "Call-Info",
    /// `Contact` (RFC 3261); compact form `m`.
    Contact = "Contact",
    /// `Content-Disposition` (RFC 3261).
    ContentDisposition = "Content-Disposition",
    /// `Content-Encoding` (RFC 3261); compact form `e`.
    ContentEncoding = "Content-Encoding",
    /// `Content-Language` (RFC 3261).
    ContentLanguage = "Content-Language",
    /// `Content-Length` (RFC 3261); compact form `l`.
    ContentLength = "Content-Length",
    /// `Content-Type` (RFC 3261); compact form `c`.
    ContentType = "Content-Type",
    /// `CSeq` (RFC 3261).
    CSeq = "CSeq",
    /// `Date` (RFC 3261).
    Date = "Date",
    /// `Diversion` (RFC 5806).
    Diversion = "Diversion",
    /// `Error-Info` (RFC 3261).
    ErrorInfo = "Error-Info",
    /// `Event` (RFC 6665); compact form `o`.
    Event = "Event",
    /// `Expires` (RFC 3261).
    Expires = "Expires",
    /// `Flow-Timer` (RFC 5626).
    FlowTimer = "Flow-Timer",
    /// `From` (RFC 3261); compact form `f`.
    From = "From",
    /// `Geolocation` (RFC 6442).
    Geolocation = "Geolocation",
    /// `History-Info` (RFC 7044).
    HistoryInfo = "History-Info",
    /// `Identity` (RFC 8224); compact form `y`.
    Identity = "Identity",
    /// `Identity-Info` (RFC 4474); compact form `n`.
    IdentityInfo = "Identity-Info",
    /// `In-Reply-To` (RFC 3261).
    InReplyTo = "In-Reply-To",
    /// `Info-Package` (RFC 6086).
    InfoPackage = "Info-Package",
    /// `Join` (RFC 3911).
    Join = "Join",
    /// `Max-Breadth` (RFC 5393).
    MaxBreadth = "Max-Breadth",
    /// `Max-Forwards` (RFC 3261).
    MaxForwards = "Max-Forwards",
    /// `MIME-Version` (RFC 3261).
    MimeVersion = "MIME-Version",
    /// `Min-Expires` (RFC 3261).
    MinExpires = "Min-Expires",
    /// `Min-SE` (RFC 4028).
    MinSe = "Min-SE",
    /// `Organization` (RFC 3261).
    Organization = "Organization",
    /// `P-Access-Network-Info` (RFC 7315).
    PAccessNetworkInfo = "P-Access-Network-Info",
    /// `P-Asserted-Identity` (RFC 3325).
    PAssertedIdentity = "P-Asserted-Identity",
    /// `P-Associated-URI` (RFC 7315).
    PAssociatedUri = "P-Associated-URI",
    /// `P-Called-Party-ID` (RFC 7315).
    PCalledPartyId = "P-Called-Party-ID",
    /// `P-Charging-Vector` (RFC 7315).
    PChargingVector = "P-Charging-Vector",
    /// `P-Early-Media` (RFC 5009).
    PEarlyMedia = "P-Early-Media",
    /// `P-Preferred-Identity` (RFC 3325).
    PPreferredIdentity = "P-Preferred-Identity",
    /// `Path` (RFC 3327).
    Path = "Path",
    /// `Priority` (RFC 3261).
    Priority = "Priority",
    /// `Privacy` (RFC 3323).
    Privacy = "Privacy",
    /// `Priv-Answer-Mode` (RFC 5373).
    PrivAnswerMode = "Priv-Answer-Mode",
    /// `Proxy-Authenticate` (RFC 3261).
    ProxyAuthenticate = "Proxy-Authenticate",
    /// `Proxy-Authorization` (RFC 3261).
    ProxyAuthorization = "Proxy-Authorization",
    /// `Proxy-Require` (RFC 3261).
    ProxyRequire = "Proxy-Require",
    /// `RAck` (RFC 3262).
    Rack = "RAck",
    /// `Reason` (RFC 3326).
    Reason = "Reason",
    /// `Record-Route` (RFC 3261).
    RecordRoute = "Record-Route",
    /// `Recv-Info` (RFC 6086).
    RecvInfo = "Recv-Info",
    /// `Refer-Sub` (RFC 4488).
    ReferSub = "Refer-Sub",
    /// `Refer-To` (RFC 3515); compact form `r`.
    ReferTo = "Refer-To",
    /// `Referred-By` (RFC 3892); compact form `b`.
    ReferredBy = "Referred-By",
    /// `Reject-Contact` (RFC 3841); compact form `j`.
    RejectContact = "Reject-Contact",
    /// `Remote-Party-ID`, an early form of `P-Asserted-Identity` that many PBXs still send.
    RemotePartyId = "Remote-Party-ID",
    /// `Replaces` (RFC 3891).
    Replaces = "Replaces",
    /// `Reply-To` (RFC 3261).
    ReplyTo = "Reply-To",
    /// `Request-Disposition` (RFC 3841); compact form `d`.
    RequestDisposition = "Request-Disposition",
    /// `Require` (RFC 3261).
    Require = "Require",
    /// `Resource-Priority` (RFC 4412).
    ResourcePriority = "Resource-Priority",
    /// `Retry-After` (RFC 3261).
    RetryAfter = "Retry-After",
    /// `Route` (RFC 3261).
    Route = "Route",
    /// `RSeq` (RFC 3262).
    Rseq = "RSeq",
    /// `Server` (RFC 3261).
    Server = "Server",
    /// `Service-Route` (RFC 3608).
    ServiceRoute = "Service-Route",
    /// `Session-Expires` (RFC 4028); compact form `x`.
    SessionExpires = "Session-Expires",
    /// `Session-ID` (RFC 7989).
    SessionId = "Session-ID",
    /// `SIP-ETag` (RFC 3903).
    SipEtag = "SIP-ETag",
    /// `SIP-If-Match` (RFC 3903).
    SipIfMatch = "SIP-If-Match",
    /// `Subject` (RFC 3261); compact form `s`.
    Subject = "Subject",
    /// `Subscription-State` (RFC 6665).
    SubscriptionState = "Subscription-State",
    /// `Supported` (RFC 3261); compact form `k`.
    Supported = "Supported",
    /// `Target-Dialog` (RFC 4538).
    TargetDialog = "Target-Dialog",
    /// `Timestamp` (RFC 3261).
    Timestamp = "Timestamp",
    /// `To` (RFC 3261); compact form `t`.
    To = "To",
    /// `Unsupported` (RFC 3261).
    Unsupported = "Unsupported",
    /// `User-Agent` (RFC 3261).
    UserAgent = "User-Agent",
    /// `User-to-User` (RFC 7433).
    UserToUser = "User-to-User",
    /// `Via` (RFC 3261); compact form `v`.
    Via = "Via",
    /// `Warning` (RFC 3261).
    Warning = "Warning",
    /// `WWW-Authenticate` (RFC 3261).
    WwwAuthenticate = "WWW-Authenticate",
}

impl HeaderName {
    /// Reads a name in its long or compact form, in any case.
    #[must_use]
    pub fn from_bytes(name: &[u8]) -> Self {
        Self::beginning(start_of(name), name)
    }

    /// Reads the name that a line begins with, where it is one of at most 14 letters with its colon at once behind it, and
    /// finds that, too; `Other` where it is none that is known.
    pub(in crate::sip) fn at_start(line: &[u8; 16]) -> Option<(Self, usize)> {
        let (start, colon) = words_before(line, b':')?;
        Some((Self::beginning(start, &line[..colon]), colon))
    }

    /// Reads a name whose first letters are in `start`, too.
    fn beginning(start: [u64; 2], name: &[u8]) -> Self {
        match STARTS.get(usize::from(SLOTS[slot(start)])) {
            // Most peers write the names as the RFCs do. More letters may follow those that were looked at, and NUL any name.
            Some((as_written, found)) if start == *as_written && name.len() == found.as_str().len() => *found,
            found => Self::in_any_case(name, found.map(|(_, found)| *found)),
        }
    }

    /// Reads a name that is `found` in any case, or a compact form.
    #[cold]
    fn in_any_case(name: &[u8], found: Option<Self>) -> Self {
        match (found, name) {
            (_, [letter]) => Self::from_compact(*letter),
            (Some(found), _) if name.eq_ignore_ascii_case(found.as_str().as_bytes()) => found,
            (Some(_) | None, _) => Self::Other,
        }
    }

    /// Returns the long form as the RFCs write it, `extension-header` for [`HeaderName::Other`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES.get(self as usize).map_or("extension-header", |(_, text)| text)
    }

    fn from_compact(letter: u8) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.3
        //# Implementations MUST accept both the long and short forms
        //# of each header name.
        match letter.to_ascii_lowercase() {
            b'a' => Self::AcceptContact,
            b'u' => Self::AllowEvents,
            b'i' => Self::CallId,
            b'm' => Self::Contact,
            b'e' => Self::ContentEncoding,
            b'l' => Self::ContentLength,
            b'c' => Self::ContentType,
            b'o' => Self::Event,
            b'f' => Self::From,
            b'y' => Self::Identity,
            b'n' => Self::IdentityInfo,
            b'r' => Self::ReferTo,
            b'b' => Self::ReferredBy,
            b'j' => Self::RejectContact,
            b'd' => Self::RequestDisposition,
            b'x' => Self::SessionExpires,
            b's' => Self::Subject,
            b'k' => Self::Supported,
            b't' => Self::To,
            b'v' => Self::Via,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The letters of a name, the first eight and the next, with zeros behind its end.
const fn start_of(name: &[u8]) -> [u64; 2] {
    let (mut start, mut index) = (0_u128, 0);
    while index < 16 && index < name.len() {
        start |= (name[index] as u128) << (8 * index);
        index += 1;
    }
    #[expect(clippy::cast_possible_truncation, reason = "each half is a word of its own")]
    let words = [start as u64, (start >> 64) as u64];
    words
}

/// How each name of [`NAMES`] begins: all of it where it has at most 16 letters, and where it has more, what none begins with.
static STARTS: [([u64; 2], HeaderName); NAMES.len()] = starts();

const fn starts() -> [([u64; 2], HeaderName); NAMES.len()] {
    let mut starts = [([0; 2], HeaderName::Other); NAMES.len()];
    let mut index = 0;
    while index < NAMES.len() {
        let (name, text) = NAMES[index];
        assert!(name as usize == index, "the enum and the table are in one order");
        let start = if text.len() <= 16 { start_of(text.as_bytes()) } else { [u64::MAX; 2] };
        starts[index] = (start, name);
        index += 1;
    }
    starts
}

/// Where each name of [`NAMES`] stands, by [`slot`]; 255 for no name.
static SLOTS: [u8; 512] = slots();

const fn slots() -> [u8; 512] {
    let mut slots = [u8::MAX; 512];
    let mut index = 0;
    while index < NAMES.len() {
        let (name, text) = NAMES[index];
        let slot = slot(start_of(text.as_bytes()));
        assert!(slots[slot] == u8::MAX, "two names share a slot: change the factor of `slot`");
        slots[slot] = name as u8;
        index += 1;
    }
    slots
}

/// A perfect hash of the names in the table by their first 16 letters, in any case. The factor was found by trial;
/// `slots` proves at compile time that it still holds.
const fn slot([first, next]: [u64; 2]) -> usize {
    const FACTOR: u64 = 0x798a_5d2c_97e8_9481;
    const LOWER_CASE: u64 = 0x2020_2020_2020_2020;

    let sum = (first | LOWER_CASE).wrapping_add((next | LOWER_CASE) << 1);
    (sum.wrapping_mul(FACTOR) >> (u64::BITS - 9)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for (name, text) in NAMES {
            for spelling in [(*text).to_owned(), text.to_ascii_lowercase(), text.to_ascii_uppercase()] {
                assert_eq!(HeaderName::from_bytes(spelling.as_bytes()), *name, "{spelling}");
            }
            assert_eq!(name.as_str(), *text);
        }
    }

    #[test]
    fn a_name_that_shares_a_slot_is_another() {
        for name in ["", "Vi", "Vja", "Call_ID", "Content-Lengtj", "X-Via", "q", ":"] {
            assert_eq!(HeaderName::from_bytes(name.as_bytes()), HeaderName::Other, "{name}");
        }
    }

    /// Reads a name by comparing it with one after the other.
    fn searched(name: &[u8]) -> HeaderName {
        let long = NAMES.iter().find(|(_, text)| name.eq_ignore_ascii_case(text.as_bytes()));
        match (long, name) {
            (Some((found, _)), _) => *found,
            (None, [letter]) => HeaderName::from_compact(*letter),
            (None, _) => HeaderName::Other,
        }
    }

    #[test]
    fn what_begins_like_a_name_or_has_a_byte_more_or_another_is_found_as_by_a_search() {
        let bytes = [0, b' ', b'-', b':' - 1, b'x', 0x7f, u8::MAX];
        let mut names: Vec<Vec<u8>> = Vec::new();
        for (_, text) in NAMES {
            let text = text.as_bytes();
            names.extend((0..=text.len()).map(|end| text[..end].to_vec()));
            for byte in bytes {
                names.extend((1..=16).map(|count| [text, &vec![byte; count]].concat()));
                names.extend((0..text.len()).map(|at| [&text[..at], &[byte], &text[at + 1..]].concat()));
            }
        }
        for byte in bytes {
            names.extend((0..40).map(|length| vec![byte; length]));
        }
        for name in names {
            assert_eq!(HeaderName::from_bytes(&name), searched(&name), "{}", name.escape_ascii());
            let line: Vec<u8> = [&name[..], &[b':'; 16]].concat();
            let found = HeaderName::at_start(line.first_chunk().unwrap());
            assert_eq!(
                found,
                (name.len() < 15).then(|| (searched(&name), name.len())),
                "{}",
                name.escape_ascii()
            );
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.3
    //= type=test
    //# Implementations MUST accept both the long and short forms of each header name.
    #[test]
    fn compact_forms_are_those_that_are_registered() {
        let compact: String = ('a'..='z')
            .filter(|letter| HeaderName::from_bytes(letter.to_string().as_bytes()) != HeaderName::Other)
            .collect();
        assert_eq!(compact, "abcdefijklmnorstuvxy");
        assert_eq!(HeaderName::from_bytes(b"V"), HeaderName::Via);
    }
}
