//! What has to hold of the header fields of any message.

use std::ops::RangeInclusive;

use ringfence_wire::sip::{HeaderName, Message, Method};

use super::Rule;
use super::form::AnyMessage;

pub(super) const RULES: &[Rule<AnyMessage>] = &[
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20.15
    //# The Content-Type header field MUST be present if the body
    //# is not empty.
    Rule {
        section: "20.15",
        says: "a body has a Content-Type",
        holds: |it| it.message.body().is_empty() || it.message.has(HeaderName::ContentType),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.4.2
    //# The "chunked" transfer encoding of HTTP/1.1 MUST NOT be used for SIP.
    Rule {
        section: "7.4.2",
        says: "nothing is chunked",
        holds: |it| it.message.named("Transfer-Encoding").next().is_none(),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.1
    //# Multiple header field rows with these names MAY be
    //# present in a message, but since their grammar does not follow the
    //# general form listed in Section 7.3, they MUST NOT be combined into a
    //# single header field row.
    Rule {
        section: "7.3.1",
        says: "credentials and challenges stand in a field each",
        holds: |it| {
            CREDENTIALS.iter().all(|name| it.message.count(*name) == it.message.challenges(*name).count())
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20
    //# If the URI
    //# contains a comma, question mark or semicolon, the URI MUST be
    //# enclosed in angle brackets (< and >).
    Rule {
        section: "20",
        says: "a URI with a comma or a question mark is in angle brackets",
        // From and To of a response are those of its request, however they are written.
        holds: |it| {
            let echoed = [HeaderName::From, HeaderName::To].into_iter().filter(|_| it.message.is_request());
            let mut addresses = echoed.chain([HeaderName::Contact]).flat_map(|name| it.message.values(name));
            addresses.all(is_in_brackets)
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20
    //# Similarly, a
    //# header field labeled "not applicable" for a response means that the
    //# UAS MUST NOT place the header field in the response, and the UAC MUST
    //# ignore the header field in the response.
    Rule {
        section: "20",
        says: "a header field stands where the tables have it",
        holds: |it| PLACES.iter().all(|place| !it.message.has(place.0) || may_stand(it.message, place)),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20
    //# "Not applicable" means that the header
    //# field MUST NOT be present in a request.
    Rule {
        section: "20",
        says: "a header field is of a method that has it",
        holds: |it| {
            let method = it.message.cseq().ok().map(|cseq| cseq.method);
            let of_method = METHODS.iter().filter(|(of, _)| Some(*of) == method);
            of_method.flat_map(|(_, names)| names.iter()).all(|name| !it.message.has(*name))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20.5
    //# All methods, including ACK and CANCEL, understood by the UA MUST be
    //# included in the list of methods in the Allow header field, when
    //# present.
    Rule {
        section: "20.5",
        says: "who allows INVITE allows ACK and CANCEL",
        holds: |it| {
            let allows =
                |method: &str| it.message.tokens(HeaderName::Allow).any(|it| it == method.as_bytes());
            !allows("INVITE") || (allows("ACK") && allows("CANCEL"))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-20.37
    //# A UA compliant to this specification MUST only include option
    //# tags corresponding to standards-track RFCs.
    Rule {
        section: "20.37",
        says: "an option that is supported is one of a standard",
        holds: |it| it.message.tokens(HeaderName::Supported).all(is_standard),
    },
];

const CREDENTIALS: [HeaderName; 4] = [
    HeaderName::Authorization,
    HeaderName::ProxyAuthorization,
    HeaderName::WwwAuthenticate,
    HeaderName::ProxyAuthenticate,
];

/// A header field, whether requests have it, and which responses.
type Place = (HeaderName, bool, &'static [RangeInclusive<u16>]);

/// RFC 3261, tables 2 and 3: whether requests have a header field, and which responses have it.
const PLACES: &[Place] = &[
    (HeaderName::AlertInfo, true, &[180..=180]),
    (HeaderName::AuthenticationInfo, false, &[200..=299]),
    (HeaderName::Authorization, true, &[]),
    (HeaderName::Contact, true, &[100..=399, 485..=485]),
    (HeaderName::ErrorInfo, false, &[300..=699]),
    (HeaderName::InReplyTo, true, &[]),
    (HeaderName::MaxForwards, true, &[]),
    (HeaderName::MinExpires, false, &[423..=423]),
    (HeaderName::Priority, true, &[]),
    (HeaderName::ProxyAuthenticate, false, &[401..=401, 407..=407]),
    (HeaderName::ProxyAuthorization, true, &[]),
    (HeaderName::ProxyRequire, true, &[]),
    (HeaderName::RecordRoute, true, &[101..=299]),
    (HeaderName::RetryAfter, false, RETRIED),
    (HeaderName::Route, true, &[]),
    (HeaderName::Server, false, &[100..=699]),
    (HeaderName::Subject, true, &[]),
    (HeaderName::Unsupported, false, &[420..=420]),
    (HeaderName::Warning, false, &[100..=699]),
    (HeaderName::WwwAuthenticate, false, &[401..=401, 407..=407]),
];

/// Which responses say when to try again. What RFC 3261 has no word for may.
const RETRIED: &[RangeInclusive<u16>] = &[
    404..=404,
    409..=409,
    411..=413,
    417..=419,
    422..=422,
    424..=480,
    486..=486,
    489..=490,
    492..=492,
    494..=500,
    503..=503,
    506..=512,
    514..=600,
    601..=603,
    605..=605,
    607..=699,
];

/// The same tables: what the requests of a method and their responses do not have.
const METHODS: &[(Method<'static>, &[HeaderName])] = &[
    (
        Method::Cancel,
        &[
            HeaderName::Accept,
            HeaderName::AcceptEncoding,
            HeaderName::AcceptLanguage,
            HeaderName::AlertInfo,
            HeaderName::Allow,
            HeaderName::CallInfo,
            HeaderName::Contact,
            HeaderName::ContentType,
            HeaderName::Expires,
            HeaderName::InReplyTo,
            HeaderName::Organization,
            HeaderName::Priority,
            HeaderName::ProxyAuthorization,
            HeaderName::ProxyRequire,
            HeaderName::ReplyTo,
            HeaderName::Require,
            HeaderName::Subject,
            HeaderName::Unsupported,
        ],
    ),
    (
        Method::Register,
        &[
            HeaderName::AlertInfo,
            HeaderName::InReplyTo,
            HeaderName::Priority,
            HeaderName::RecordRoute,
            HeaderName::ReplyTo,
            HeaderName::Subject,
        ],
    ),
    (
        Method::Bye,
        &[
            HeaderName::AlertInfo,
            HeaderName::CallInfo,
            HeaderName::Expires,
            HeaderName::InReplyTo,
            HeaderName::Organization,
            HeaderName::Priority,
            HeaderName::ReplyTo,
            HeaderName::Subject,
        ],
    ),
];

/// The option tags that standards-track RFCs have registered.
const OPTIONS: &str = "100rel 199 answermode early-session eventlist explicitsub from-change geolocation-http \
    geolocation-sip gin gruu histinfo ice join multiple-refer norefersub nosub outbound path policy precondition pref \
    privacy recipient-list-invite recipient-list-message recipient-list-subscribe record-aware replaces \
    resource-priority sdp-anat sec-agree siprec tdialog timer trickle-ice uui";

fn is_standard(option: &[u8]) -> bool {
    OPTIONS.split(' ').any(|known| known.as_bytes().eq_ignore_ascii_case(option))
}

fn may_stand(message: &Message<'_>, place: &Place) -> bool {
    let (_, in_requests, statuses) = place;
    message
        .status()
        .map_or(*in_requests, |status| statuses.iter().any(|range| range.contains(&status.as_u16())))
}

fn is_in_brackets(value: &[u8]) -> bool {
    let uri = value.split(|byte| *byte == b';').next().unwrap_or_default();
    value.contains(&b'<') || !uri.iter().any(|byte| b",?".contains(byte))
}
