//! What has to hold of requests.

use ringfence_wire::sip::{Challenge, Contact, HeaderName, Message, Method, Params, Scheme, Uri};

use super::asked::{Asked, Registration, counted_by};
use super::branches::Used;
use super::credentials::Credentials;
use super::form::Written;
use super::{Judged, Rule, Time};

/// A request that is sent, and what was sent before.
pub(super) struct Asking<'a> {
    /// When it is sent, where that is known.
    pub(super) time: Option<Time>,
    pub(super) written: Written<'a>,
    /// The same transaction.
    pub(super) earlier: Option<&'a Asked>,
    /// What has used its branch first.
    pub(super) branch: Option<&'a Used>,
    /// Whether its server was tried to be connected to, so that it may be too long for UDP.
    pub(super) may_be_long: bool,
    /// The REGISTERs with the same Call-ID.
    pub(super) registration: Option<&'a Registration>,
}

pub(super) struct Request;

impl Judged for Request {
    type With<'a> = Asking<'a>;
}

pub(super) const RULES: &[Rule<Request>] = &[
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1
    //# A valid SIP request formulated by a UAC MUST, at a minimum, contain
    //# the following header fields: To, From, CSeq, Call-ID, Max-Forwards,
    //# and Via; all of these header fields are mandatory in all SIP
    //# requests.
    Rule { section: "8.1.1", says: "the six mandatory header fields are there", holds: has_mandatory },
    Rule { section: "20", says: "a header field of one value occurs once", holds: single_ones_occur_once },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.2
    //# A request outside of a dialog MUST NOT contain a To tag; the tag in
    //# the To field of a request identifies the peer of the dialog.
    Rule {
        section: "8.1.1.2",
        says: "a REGISTER has no To tag",
        holds: |it| !it.is_register() || it.written.message.to().is_ok_and(|to| to.tag().is_none()),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.3
    //# The From field MUST contain a new "tag" parameter, chosen by the UAC.
    Rule {
        section: "8.1.1.3",
        says: "From has a tag",
        holds: |it| it.written.message.from().is_ok_and(|from| from.tag().is_some()),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.5
    //# The method MUST match that of the request.
    Rule {
        section: "8.1.1.5",
        says: "CSeq has the method of the request",
        holds: |it| it.written.message.cseq().ok().map(|cseq| cseq.method) == it.written.message.method(),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.8
    //# If the Request-URI or top Route header field value contains a SIPS
    //# URI, the Contact header field MUST contain a SIPS URI as well.
    Rule { section: "8.1.1.8", says: "a SIPS URI has a SIPS Contact with it", holds: is_secure_as_a_whole },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
    //# The protocol name and protocol version in the header field MUST be
    //# SIP and 2.0, respectively.
    Rule {
        section: "8.1.1.7",
        says: "Via names SIP/2.0 and the transport",
        holds: |it| {
            let (message, transport) = (it.written.message, it.written.transport);
            let is_right = |name: &str| name.eq_ignore_ascii_case(&transport.to_string());
            message.via().is_ok_and(|via| via.version() == b"2.0" && is_right(via.transport()))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
    //# The branch ID inserted by an element compliant with this
    //# specification MUST always begin with the characters "z9hG4bK".
    Rule {
        section: "8.1.1.7",
        says: "the branch begins with z9hG4bK",
        holds: |it| {
            let via = it.written.message.via();
            via.is_ok_and(|via| via.branch().is_some_and(|branch| branch.starts_with(b"z9hG4bK")))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.7
    //# The branch parameter value MUST be unique across space and time for
    //# all requests sent by the UA.  The exceptions to this rule are CANCEL
    //# and ACK for non-2xx responses.
    Rule {
        section: "8.1.1.7",
        says: "a branch is of one request, and of its CANCEL and ACK",
        holds: |it| it.branch.is_none_or(|used| used.may_be_shared_with(it.written.message)),
    },
    Rule {
        section: "8.1.1.7",
        says: "a request that comes again on a branch is the same",
        holds: |it| it.earlier.is_none_or(|earlier| earlier.bytes == it.written.bytes),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-7.3.1
    //# Even though an arbitrary number of parameter pairs may be attached to
    //# a header field value, any given parameter-name MUST NOT appear more
    //# than once.
    Rule { section: "7.3.1", says: "a parameter is there once", holds: parameters_occur_once },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
    //# The "userinfo" and "@" components of the
    //# SIP URI MUST NOT be present.
    Rule {
        section: "10.2",
        says: "a registrar's URI has no user",
        holds: |it| !it.is_register() || it.uri().is_some_and(|uri| uri.user().is_none()),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
    //# This address-of-
    //# record MUST be a SIP URI or SIPS URI.
    Rule {
        section: "10.2",
        says: "what is registered is a SIP or SIPS URI",
        holds: |it| {
            let to = it.written.message.to();
            !it.is_register() || to.is_ok_and(|to| to.uri().is_ok_and(|uri| uri.is_sip()))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2.2
    //# The REGISTER-specific Contact header field value of "*" applies to
    //# all registrations, but it MUST NOT be used unless the Expires header
    //# field is present with a value of "0".
    Rule {
        section: "10.2.2",
        says: "a Contact of * has Expires: 0 with it",
        holds: |it| {
            let is_star = it.written.message.contacts().any(|contact| matches!(contact, Ok(Contact::Star)));
            !is_star || matches!(it.written.message.expires(), Some(Ok(0)))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
    //# A UA MUST increment the CSeq value by one for each
    //# REGISTER request with the same Call-ID.
    Rule {
        section: "10.2",
        says: "CSeq grows by one with each REGISTER",
        holds: |it| {
            it.is_repeated() || it.registration.is_none_or(|last| it.cseq() == last.cseq.checked_add(1))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
    //# UAs MUST NOT send a new registration (that is, containing new Contact
    //# header field values, as opposed to a retransmission) until they have
    //# received a final response from the registrar for the previous one or
    //# the previous REGISTER request has timed out.
    Rule {
        section: "10.2",
        says: "a REGISTER waits for the answer to the one before",
        holds: |it| {
            let last = it.registration.zip(it.time);
            it.is_repeated() || last.is_none_or(|(last, time)| !last.is_pending(time.now + time.early))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
    //# If an unreliable transport is in use, the client transaction MUST set
    //# timer E to fire in T1 seconds.
    Rule {
        section: "17.1.2.2",
        says: "a request is not repeated before its time",
        holds: |it| {
            let again_at = it.earlier.and_then(|earlier| earlier.again_at);
            again_at.zip(it.time).is_none_or(|(at, time)| time.is_from(at))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
    //# If Timer F fires while the client transaction is still in the
    //# "Trying" state, the client transaction SHOULD inform the TU about the
    //# timeout, and then it SHOULD enter the "Terminated" state.
    Rule {
        section: "17.1.2.2",
        says: "a request is not repeated after 64*T1",
        holds: |it| {
            let end = it.earlier.and_then(Asked::ends_at);
            end.zip(it.time).is_none_or(|(end, time)| time.is_until(end))
        },
    },
    Rule {
        section: "17.1.2.2",
        says: "a request that is answered is not repeated",
        holds: |it| it.time.is_none() || it.earlier.is_none_or(|earlier| !earlier.is_answered()),
    },
    Rule {
        section: "17.1.2.2",
        says: "a request is not repeated over a connection",
        holds: |it| it.earlier.is_none() || !it.written.transport.is_reliable(),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-18.1.1
    //# If a request is within 200 bytes of the path MTU, or if it is larger
    //# than 1300 bytes and the path MTU is unknown, the request MUST be sent
    //# using an RFC 2914 [43] congestion controlled transport protocol, such
    //# as TCP.
    Rule {
        section: "18.1.1",
        says: "more than 1,300 bytes go by UDP only where there is no connection to be had",
        holds: |it| it.written.transport.is_reliable() || it.may_be_long || it.written.bytes.len() <= 1300,
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-22.1
    //# A UAC MUST NOT re-attempt requests with the credentials
    //# that have just been rejected (though the request may be retried if
    //# the nonce was stale).
    Rule {
        section: "22.1",
        says: "credentials that were rejected are not offered again",
        holds: |it| it.is_repeated() || it.credentials(Credentials::offers_nothing_rejected),
    },
    Rule {
        section: "22.1",
        says: "a password that was rejected just now is not tried again at once",
        holds: |it| it.is_repeated() || it.credentials(Credentials::offers_nothing_wrong),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-22.4
    //# For SIP, the 'uri' MUST be enclosed in quotation marks.
    Rule {
        section: "22.4",
        says: "what credentials quote is in quotation marks, and nothing else",
        holds: |it| credentials_of(it.written.message).all(|given| is_quoted_as_prescribed(&given)),
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-22.4
    //# RFC 2617 notes that a cnonce value MUST NOT be sent in an
    //# Authorization (and by extension Proxy-Authorization) header
    //# field if no qop directive has been sent.
    Rule {
        section: "22.4",
        says: "cnonce and nc are there with qop, and with it alone",
        holds: |it| {
            let has = |given: &Challenge<'_>, name| given.param(name).is_some();
            credentials_of(it.written.message)
                .all(|given| ["cnonce", "nc"].iter().all(|name| has(&given, name) == has(&given, "qop")))
        },
    },
    //= https://www.rfc-editor.org/rfc/rfc3261#section-22.4
    //# If a client receives a "qop" parameter in a challenge header
    //# field, it MUST send the "qop" parameter in any resulting
    //# authorization header field.
    Rule {
        section: "22.4",
        says: "who was asked with qop answers with it",
        holds: |it| it.credentials(Credentials::answers_with_qop),
    },
    //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4
    //# The nc value is the hexadecimal count of the number of requests
    //# (including the current request) that the client has sent with the
    //# nonce value in this request.
    Rule { section: "22.4", says: "the count of a nonce grows", holds: nonce_counts_grow },
];

/// The header fields of every request.
const MANDATORY: [HeaderName; 6] = [
    HeaderName::To,
    HeaderName::From,
    HeaderName::CSeq,
    HeaderName::CallId,
    HeaderName::MaxForwards,
    HeaderName::Via,
];

/// Header fields that occur once, in every message or not at all.
const SINGLE: [HeaderName; 6] = [
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::MaxForwards,
    HeaderName::ContentLength,
];

fn single_ones_occur_once(it: &Asking<'_>) -> bool {
    SINGLE.into_iter().all(|name| it.written.message.count(name) <= 1)
}

impl Asking<'_> {
    fn is_register(&self) -> bool {
        self.written.message.method() == Some(Method::Register)
    }

    fn is_repeated(&self) -> bool {
        self.earlier.is_some()
    }

    /// Returns whether something holds, given the credentials that were offered before.
    fn credentials(&self, holds: fn(&Credentials, &Message<'_>) -> bool) -> bool {
        self.registration.is_none_or(|it| holds(&it.credentials, self.written.message))
    }

    fn cseq(&self) -> Option<u32> {
        self.written.message.cseq().ok().map(|cseq| cseq.number)
    }

    fn uri(&self) -> Option<Uri<'_>> {
        Uri::parse(self.written.message.request_uri()?).ok()
    }
}

fn has_mandatory(it: &Asking<'_>) -> bool {
    MANDATORY.into_iter().all(|name| it.written.message.has(name))
}

fn parameters_occur_once(it: &Asking<'_>) -> bool {
    let message = it.written.message;
    let are_unique = |params: Params<'_>| {
        let mut names: Vec<Vec<u8>> = params.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort();
        names.windows(2).all(|pair| pair[0] != pair[1])
    };
    let contact = |contact| match contact {
        Ok(Contact::Addr(address)) => are_unique(address.params()),
        Ok(Contact::Star) => true,
        Err(_) => false,
    };
    message.contacts().all(contact)
        && message.via().is_ok_and(|via| are_unique(via.params()))
        && [message.from(), message.to()].into_iter().all(|it| it.is_ok_and(|it| are_unique(it.params())))
}

fn nonce_counts_grow(it: &Asking<'_>) -> bool {
    let Some(last) = it.registration.filter(|_| !it.is_repeated()) else { return true };
    counted_by(it.written.message)
        .iter()
        .all(|now| last.nonces.iter().all(|known| known.of != now.of || known.count < now.count))
}

/// What answers challenges in a request.
fn credentials_of<'m>(message: &'m Message<'_>) -> impl Iterator<Item = Challenge<'m>> {
    [HeaderName::Authorization, HeaderName::ProxyAuthorization]
        .into_iter()
        .flat_map(|name| message.challenges(name))
}

fn is_quoted_as_prescribed(given: &Challenge<'_>) -> bool {
    given.raw_params().all(|(name, value)| match name.to_ascii_lowercase().as_slice() {
        b"username" | b"realm" | b"nonce" | b"uri" | b"response" | b"cnonce" | b"opaque" => {
            value.starts_with(b"\"")
        }
        b"algorithm" | b"qop" | b"nc" => !value.starts_with(b"\""),
        _ => true,
    })
}

fn is_secure_as_a_whole(it: &Asking<'_>) -> bool {
    let is_secure = |uri: Uri<'_>| uri.scheme() == Scheme::Sips;
    let message = it.written.message;
    let of_route = message
        .addresses(HeaderName::Route)
        .next()
        .is_some_and(|route| route.is_ok_and(|it| it.uri().is_ok_and(is_secure)));
    let mut contacts = message.contacts();
    let are_secure = contacts.all(|contact| match contact {
        Ok(Contact::Addr(address)) => address.uri().is_ok_and(is_secure),
        Ok(Contact::Star) => true,
        Err(_) => false,
    });
    are_secure || !(of_route || it.uri().is_some_and(is_secure))
}
