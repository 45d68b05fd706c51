//! An incoming INVITE as it is shown to who decides: what it says, and how far that can be believed.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;

use ringfence_ua::Origin;
use ringfence_wire::sip::{Field, HeaderName, MediaType, Message};

use super::address::{Address, lossy, text};
use super::diversion::{self, Diversion};
use super::request::Request;
use super::{CallId, Objection, Trust};
use crate::line::LineId;
use crate::reject::Redirect;

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
    pub(crate) request: Request<'a>,
    pub(crate) id: CallId,
    pub(crate) line: LineId,
    pub(crate) label: &'a str,
    pub(crate) source: SocketAddr,
    pub(crate) origin: Origin,
}

impl<'a> Invite<'a> {
    /// Makes it of what an endpoint shows, which a shard has.
    pub(crate) fn of(shard: u16, invite: &ringfence_ua::Invite<'a>) -> Self {
        Self {
            request: Request::Read(invite.head),
            id: CallId { shard, number: invite.call.as_u64() },
            line: LineId { shard, line: invite.line },
            label: invite.label,
            source: invite.source,
            origin: invite.origin,
        }
    }

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
        self.request.from().map(Address::new)
    }

    /// Returns the `P-Asserted-Identity` that says who calls (RFC 3325), where the registrar, the proxy or a peer sent the
    /// INVITE; from anyone else it is worth nothing, and `None`. Of several that can be read it is the first that is a
    /// telephone number, or else the first: the display name, and whether the number is to be hidden, may stand in another
    /// of [`Invite::asserted_identities`].
    #[must_use]
    pub fn asserted(&self) -> Option<Address<'a>> {
        if !self.message().has(HeaderName::PAssertedIdentity) {
            return None;
        }
        let mut identities = self.asserted_identities();
        let first = identities.next()?;
        //= https://www.rfc-editor.org/rfc/rfc3325#section-9.1
        //# If there are two values, one value MUST be a sip or sips URI and the
        //# other MUST be a tel URI.
        // The name of one is of its own domain, and its number the one that everybody knows it by.
        if first.is_number() { Some(first) } else { identities.find(Address::is_number).or(Some(first)) }
    }

    /// Returns every such `P-Asserted-Identity`: there may be two, a `sip` and a `tel` URI.
    pub fn asserted_identities(&self) -> impl Iterator<Item = Address<'a>> + use<'a> {
        // One that names nobody must not hide who From names.
        self.trusted(HeaderName::PAssertedIdentity).filter(|address| !address.user().is_empty())
    }

    /// Returns the first `Remote-Party-ID` of the caller, which is what some PBXs send in place of
    /// `P-Asserted-Identity`, with its `screen` and `privacy` as [`Address::header_param`]; from those alone of whom
    /// [`Invite::asserted`] takes one.
    #[must_use]
    pub fn remote_party(&self) -> Option<Address<'a>> {
        if !self.message().has(HeaderName::RemotePartyId) {
            return None;
        }
        self.trusted(HeaderName::RemotePartyId).find(|address| {
            let party = address.header_param("party");
            !address.user().is_empty() && party.is_none_or(|party| party.eq_ignore_ascii_case("calling"))
        })
    }

    /// Returns what the registrar, the proxy or a peer found when it verified who calls, as written in `verstat`
    /// ([`Address::verstat`]) of `P-Asserted-Identity`, or else of From. `None` means unverified, whoever called.
    #[must_use]
    pub fn verstat(&self) -> Option<Cow<'a, str>> {
        let asserted = self.asserted_identities().find_map(|address| address.verstat());
        asserted.or_else(|| self.from().filter(|_| self.origin.is_trusted())?.verstat())
    }

    /// Returns the level of attestation that the registrar, the proxy or a peer says in a header of its own,
    /// `Attestation-Info`, `X-Attestation-Info` or `P-Attestation-Indicator`, as written: `A`, `B` or `C`.
    #[must_use]
    pub fn attestation(&self) -> Option<Cow<'a, str>> {
        if !self.message().has(HeaderName::Other) {
            return None;
        }
        let names = [&b"Attestation-Info"[..], b"X-Attestation-Info", b"P-Attestation-Indicator"];
        let place =
            |field: &Field<'_>| names.iter().position(|name| field.raw_name().eq_ignore_ascii_case(name));
        let said =
            self.message().fields_of(HeaderName::Other).filter_map(|field| Some((place(&field)?, field)));
        let (_, field) = said.filter(|_| self.origin.is_trusted()).min_by_key(|(place, _)| *place)?;
        Some(text(field.unfolded()))
    }

    /// Returns who is called: To, or the Request-URI where To cannot be read.
    #[must_use]
    pub fn called(&self) -> Option<Address<'a>> {
        self.to().or_else(|| self.request_uri())
    }

    /// Returns To (RFC 3261 section 8.1.1.2), if it can be read: whom the caller meant.
    #[must_use]
    pub fn to(&self) -> Option<Address<'a>> {
        self.request.to().map(Address::new)
    }

    /// Returns the Request-URI: through which Contact or number of ours the call came. The proxies on the way have
    /// written it.
    #[must_use]
    pub fn request_uri(&self) -> Option<Address<'a>> {
        self.message().request_uri().map(Address::bare)
    }

    /// Returns whether a redirection leads back to the Request-URI: 404 is sent in its place then (RFC 3261 section 8.3).
    ///
    /// ```
    /// use softphone::{Invite, Redirect, Reject, Verdict};
    ///
    /// fn screen(invite: &Invite<'_>, desk: &Redirect) -> Verdict {
    ///     if invite.is_led_back_by(desk) { Reject::busy().into() } else { desk.clone().into() }
    /// }
    /// # let _ = screen;
    /// ```
    #[must_use]
    pub fn is_led_back_by(&self, redirect: &Redirect) -> bool {
        redirect.leads_to(self.message().request_uri().unwrap_or_default())
    }

    /// Returns the first `P-Called-Party-ID` that can be read (RFC 7315): the number that was called, where the
    /// Request-URI was rewritten to ours. Anyone can claim it.
    #[must_use]
    pub fn called_party(&self) -> Option<Address<'a>> {
        if !self.message().has(HeaderName::PCalledPartyId) {
            return None;
        }
        self.message().addresses(HeaderName::PCalledPartyId).find_map(Result::ok).map(Address::new)
    }

    /// Returns who sent the call on before it came here, the last of them first: of `Diversion` (RFC 5806), or where there
    /// is none, of `History-Info` (RFC 7044). At most 32; anyone can claim them.
    #[must_use]
    pub fn diversions(&self) -> Vec<Diversion<'a>> {
        diversion::of(self.message())
    }

    /// Returns the value of the first header of a name, in any case, long or compact, on one line: a fold is one space.
    /// Bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<Cow<'a, str>> {
        Some(text(self.message().fields_named(name).next()?.unfolded()))
    }

    /// Returns the `Call-ID`; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn call_id(&self) -> Cow<'a, str> {
        lossy(self.request.call_id())
    }

    /// Returns the number of `CSeq`, which with the Call-ID and the tag of From tells one INVITE from others: all copies of
    /// it have it, and a caller who tries again has a greater one (RFC 3261 section 8.1.3.5).
    #[must_use]
    pub fn cseq(&self) -> Option<u32> {
        self.request.cseq().map(|cseq| cseq.number)
    }

    /// Returns the tag of From, which with the Call-ID is the same in every copy of a call, whichever lines a proxy forks
    /// it to and however often it tries; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn from_tag(&self) -> Option<Cow<'a, str>> {
        Some(self.request.tag_of_from()).filter(|tag| !tag.is_empty()).map(lossy)
    }

    /// Returns whether the caller asks for privacy (RFC 3323): `Privacy` with anything but `none`.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.privacy().any(|value| !value.eq_ignore_ascii_case("none"))
    }

    /// Returns the values of `Privacy` (RFC 3323): `id`, `header`, `user`, `critical`, `none`, …
    pub fn privacy(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        let values = self.message().values(HeaderName::Privacy);
        let values = values.flat_map(|value| value.split(|&byte| byte == b';')).map(<[u8]>::trim_ascii);
        values.filter(|value| !value.is_empty()).map(lossy)
    }

    /// Returns `User-Agent`: the software of the caller, as it claims.
    #[must_use]
    pub fn user_agent(&self) -> Option<Cow<'a, str>> {
        self.first(HeaderName::UserAgent)
    }

    /// Returns `Priority` (RFC 3261 section 20.26): `emergency`, `urgent`, `normal`, `non-urgent`, or `psap-callback` where an
    /// emergency centre calls back (RFC 7090); anyone can claim it.
    #[must_use]
    pub fn priority(&self) -> Option<Cow<'a, str>> {
        if !self.message().has(HeaderName::Priority) {
            return None;
        }
        self.first(HeaderName::Priority)
    }

    /// Returns the session description that is offered, as it came: the body where that is `application/sdp`. `None` where there is
    /// none, and where it is a part of a `multipart` body (RFC 5621), in which nobody looks for it: [`Invite::body`] has that.
    #[must_use]
    pub fn offer(&self) -> Option<&'a [u8]> {
        let message = self.message();
        let is_sdp = |kind: MediaType<'_>| kind.is("application", "sdp");
        let is_plain = || {
            let mut codings = message.values(HeaderName::ContentEncoding);
            codings.all(|coding| coding.eq_ignore_ascii_case(b"identity"))
        };
        let is_offer = message.content_type().and_then(Result::ok).is_some_and(is_sdp) && is_plain();
        self.body().filter(|_| is_offer)
    }

    /// Returns the body as it came, of whatever type `Content-Type` says; `None` where there is none.
    #[must_use]
    pub fn body(&self) -> Option<&'a [u8]> {
        Some(self.message().body()).filter(|body| !body.is_empty())
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
    /// code, redirected or ignored, but it cannot ring. In a screen each question looks for it anew.
    #[must_use]
    pub fn objection(&self) -> Option<Objection> {
        self.request
            .objection()
            .map(|objection| Objection { status: objection.status().as_u16(), phrase: objection.to_string() })
    }

    /// Returns the whole message as it came.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.message().as_bytes()
    }

    fn message(&self) -> &'a Message<'a> {
        self.request.message()
    }

    /// Returns the value of the first header of a name, on one line.
    fn first(&self, name: HeaderName) -> Option<Cow<'a, str>> {
        Some(text(self.message().fields_of(name).next()?.unfolded()))
    }

    /// Reads the addresses of a header that is worth something of those alone who are trusted.
    fn trusted(&self, name: HeaderName) -> impl Iterator<Item = Address<'a>> + use<'a> {
        let is_trusted = self.origin.is_trusted();
        let addresses = self.message().addresses(name).filter(move |_| is_trusted);
        addresses.filter_map(Result::ok).map(Address::new)
    }
}

impl fmt::Debug for Invite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invite").field("id", &self.id).field("line", &self.label).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ringfence_wire::sip::Head;

    use super::*;

    /// Asks an INVITE with these header lines, from somewhere: as a shard shows it, and as it is kept.
    fn ask<T: PartialEq + fmt::Debug>(origin: Origin, headers: &str, ask: impl Fn(&Invite<'_>) -> T) -> T {
        let datagram = format!("INVITE sip:858;x=y@b SIP/2.0\r\n{headers}\r\n\r\n");
        let message = Message::parse(datagram.as_bytes()).unwrap();
        let kept = Invite {
            request: Request::Kept { message: &message, objection: None },
            id: CallId { shard: 0, number: 1 },
            line: LineId { shard: 0, line: ringfence_ua::LineId::new(0) },
            label: "",
            source: SocketAddr::from(([127, 0, 0, 1], 5060)),
            origin,
        };
        let shown = ask(&Invite { request: Request::Read(&Head::of(&message)), ..kept });
        let kept = ask(&kept);
        assert_eq!(shown, kept, "{headers}");
        kept
    }

    #[test]
    fn an_offer_is_a_session_description_and_nothing_else() {
        let with = |headers: &str| {
            let headers = format!("{headers}\r\n\r\nv=0");
            ask(Origin::Anyone, &headers, |invite| (invite.offer().is_some(), invite.body().is_some()))
        };
        for kind in ["application/sdp", "Application/SDP ;charset=utf-8"] {
            assert_eq!(with(&format!("Content-Type: {kind}")), (true, true), "{kind}");
        }
        for headers in [
            "c: multipart/mixed;boundary=x",
            "c: application/isup\r\nContent-Disposition: signal;handling=optional",
            "c: application/sdp\r\ne: gzip",
            "X: no type",
        ] {
            assert_eq!(with(headers), (false, true), "{headers}");
        }
        assert!(!ask(Origin::Anyone, "c: application/sdp", |invite| invite.body().is_some()));
    }

    #[test]
    fn a_header_is_on_one_line_and_copied_only_where_it_was_folded() {
        ask(Origin::Anyone, "s: Lunch\r\n\t at noon\r\nX-Queue: sales\r\nUser-Agent: x/1", |invite| {
            assert_eq!(invite.header("Subject").as_deref(), Some("Lunch at noon"));
            assert!(matches!(invite.header("x-queue"), Some(Cow::Borrowed("sales"))));
            assert!(matches!(invite.user_agent(), Some(Cow::Borrowed("x/1"))));
            assert_eq!(invite.priority(), None);
        });
        ask(Origin::Anyone, "Priority: psap-\r\n callback\r\nPriority: urgent", |invite| {
            assert_eq!(invite.priority().as_deref(), Some("psap- callback"));
        });
    }

    #[test]
    fn a_call_is_known_by_its_call_id_and_the_tag_of_from() {
        ask(Origin::Anyone, "f: <sip:+1@b>;x=y;TAG=9fxced76sl\r\ni: 3848276298220188511@b", |invite| {
            assert_eq!(invite.from_tag().as_deref(), Some("9fxced76sl"));
            assert_eq!(invite.call_id(), "3848276298220188511@b");
        });
        ask(Origin::Anyone, "From: <sip:+1@b>", |invite| assert_eq!(invite.from_tag(), None));
        ask(Origin::Anyone, "CSeq: 4711 INVITE", |invite| assert_eq!(invite.cseq(), Some(4_711)));
        ask(Origin::Anyone, "CSeq: x INVITE", |invite| assert_eq!(invite.cseq(), None));
    }

    #[test]
    fn each_identity_that_is_asserted_is_told_where_it_is_worth_something() {
        let headers = "P-Asserted-Identity: <sip:+1@b>, <>\r\nP-Asserted-Identity: tel:+2\r\n\
            Remote-Party-ID: <sip:858@b>;party=called, \"A\" <sip:+3@b>;party=calling;screen=yes;privacy=full";
        let users = |invite: &Invite<'_>| -> Vec<String> {
            invite.asserted_identities().map(|address| address.user().into_owned()).collect()
        };
        let screened = |invite: &Invite<'_>| {
            let party = invite.remote_party()?;
            Some((party.user().into_owned(), party.header_param("screen")?.into_owned()))
        };
        for origin in [Origin::Registrar, Origin::Peer] {
            assert_eq!(ask(origin, headers, users), ["+1", "+2"]);
            assert_eq!(ask(origin, headers, screened), Some(("+3".to_owned(), "yes".to_owned())));
        }
        for origin in [Origin::Token, Origin::Anyone] {
            assert_eq!(ask(origin, headers, users), [""; 0]);
            assert_eq!(ask(origin, headers, screened), None);
        }
    }

    #[test]
    fn of_two_identities_the_one_that_is_a_number_says_who_calls() {
        let asserted = |headers: &str| {
            ask(Origin::Peer, headers, |invite| Some(invite.asserted()?.user().into_owned()))
                .unwrap_or_default()
        };
        for (told, headers) in [
            ("+2", "P-Asserted-Identity: \"Bob\" <sip:bob@b>, <tel:+2>"),
            ("+2", "P-Asserted-Identity: <sip:bob@b>\r\nP-Asserted-Identity: <tel:+2>"),
            ("+2", "P-Asserted-Identity: <tel:+2>, <sip:bob@b>"),
            ("+1;cpc=x", "P-Asserted-Identity: <sip:+1;cpc=x@b;user=phone>, <tel:+2>"),
            ("2(0)3-4", "P-Asserted-Identity: <sip:bob@b>, <tel:2(0)3-4;phone-context=b>"),
            ("bob", "P-Asserted-Identity: <sip:bob@b>"),
            ("bob", "P-Asserted-Identity: <sip:bob@b>, <sip:eve2@b>, <sip:+@b>, <>, <"),
            ("", "Subject: x"),
        ] {
            assert_eq!(asserted(headers), told, "{headers}");
        }
    }

    #[test]
    fn what_was_verified_is_told_of_the_asserted_identity_before_from_and_of_trusted_peers_alone() {
        let verstat =
            |origin, headers: &str| ask(origin, headers, |invite| invite.verstat().map(Cow::into_owned));
        let from = "From: <sip:+1;verstat=TN-Validation-Passed-A@b>;tag=1";
        let both =
            format!("{from}\r\nP-Asserted-Identity: <sip:+2@b>, <tel:+2;verstat=TN-Validation-Failed>");
        assert_eq!(verstat(Origin::Peer, from).as_deref(), Some("TN-Validation-Passed-A"));
        assert_eq!(verstat(Origin::Peer, &both).as_deref(), Some("TN-Validation-Failed"));
        assert_eq!(verstat(Origin::Peer, "From: <sip:+1@b>;tag=1"), None);
        assert_eq!(verstat(Origin::Anyone, &both), None);
        let attested =
            |origin| ask(origin, "X-Attestation-Info: A", |invite| invite.attestation().map(Cow::into_owned));
        assert_eq!((attested(Origin::Registrar).as_deref(), attested(Origin::Token)), (Some("A"), None));
    }

    /// Every header that is read, with an address as it should not be written.
    fn mutilated(seed: u64) -> String {
        const NAMES: [&str; 10] = [
            "From",
            "To",
            "P-Asserted-Identity",
            "Remote-Party-ID",
            "P-Called-Party-ID",
            "Privacy",
            "Diversion",
            "History-Info",
            "User-Agent",
            "Attestation-Info",
        ];
        const PIECES: [&str; 12] =
            ["<", ">", ";", ",", "\"", "=", "@", "sip:", "tel:", "?Reason=", "%3Bcause%3D", ";verstat="];
        let mut random = ringfence_testing::Random::new(seed);
        let mut below = |bound: usize| usize::try_from(random.next_u64() % bound as u64).unwrap();
        let mut value = "Bob <sip:+4179;verstat=TN-Validation-Passed@b;cause=302>;index=1;mp=1".to_owned();
        for _ in 0..=below(6) {
            let at = below(value.len() + 1);
            let end = (at + below(9)).min(value.len());
            value.replace_range(at..end, PIECES[below(PIECES.len())]);
        }
        NAMES.map(|name| format!("{name}: {value}")).join("\r\n")
    }

    #[test]
    fn whatever_an_invite_says_each_question_about_it_has_an_answer() {
        for seed in 0..20_000 {
            ask(Origin::Registrar, &mutilated(seed), |invite| {
                let named = [invite.from(), invite.called(), invite.called_party(), invite.remote_party()];
                let diversions = invite.diversions();
                let diverting = diversions.iter().map(|diversion| diversion.by);
                let all = named.into_iter().flatten().chain(diverting).chain(invite.asserted_identities());
                for address in all {
                    let _ = (address.user(), address.host(), address.uri(), address.display_name());
                    assert!(address.verstat().is_none_or(|verstat| !verstat.is_empty()), "seed {seed}");
                }
                assert!(invite.privacy().all(|value| !value.is_empty()), "seed {seed}");
                let _ = (invite.verstat(), invite.attestation(), invite.user_agent());
            });
        }
    }

    #[test]
    fn privacy_is_told_value_by_value() {
        let privacy = |headers: &str| {
            ask(Origin::Anyone, headers, |invite| {
                let values: Vec<String> = invite.privacy().map(Cow::into_owned).collect();
                (values.join(" "), invite.is_private())
            })
        };
        assert_eq!(privacy("Privacy: id;critical"), ("id critical".to_owned(), true));
        assert_eq!(privacy("Privacy: none"), ("none".to_owned(), false));
        assert_eq!(privacy("Privacy: none\r\nPrivacy: ; header"), ("none header".to_owned(), true));
        assert_eq!(privacy("Subject: x"), (String::new(), false));
    }

    #[test]
    fn the_called_number_is_told_in_each_form_it_has() {
        let headers = "To: <sip:+41445551234@b>\r\nP-Called-Party-ID: <sip:+41445559999@b>;x=y";
        ask(Origin::Anyone, headers, |invite| {
            assert_eq!(invite.called().unwrap().user(), "+41445551234");
            assert_eq!(invite.called_party().unwrap().user(), "+41445559999");
            assert_eq!(invite.request_uri().unwrap().user(), "858;x=y");
            assert_eq!(invite.request_uri().unwrap().display_name(), None);
        });
    }
}
