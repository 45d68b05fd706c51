//! Who an INVITE says is calling, whose word counts, and how far it was verified.

use std::borrow::Cow;

use ringfence_policy::{
    Arrival, Attestation, Caller, CallerId, Identity, Region, Source, Verification, normalise,
};
use softphone::{Address, Invite, Trust};

/// Who calls, as far as the INVITE says.
#[derive(Debug)]
pub(super) struct Claims<'a> {
    from: Claim<'a>,
    /// The tag of From.
    tag: Option<Cow<'a, str>>,
    /// Only what the registrar, the proxy or a peer asserts.
    asserted: Option<Claim<'a>>,
    /// The same, in the words of older PBXs.
    remote_party: Option<Claim<'a>>,
    is_private: bool,
    /// The attestation in a header of its own, by a trusted peer.
    attestation: Option<Attestation>,
}

/// What a trusted peer found when it verified an address, and with which attestation.
type Found = (Verification, Option<Attestation>);

/// One address of an INVITE.
#[derive(Debug, Default)]
struct Claim<'a> {
    user: Cow<'a, str>,
    host: Cow<'a, str>,
    display_name: Option<Cow<'a, str>>,
    /// What a trusted peer found of this address.
    verstat: Option<Found>,
    /// Who else the same says is calling, and what a trusted peer found of that address.
    beside: Option<(Cow<'a, str>, Found)>,
    /// Whether another address of the same says that the caller is to be hidden.
    is_to_be_hidden: bool,
}

/// What a trusted peer says it has verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verified {
    pub(super) verification: Verification,
    pub(super) attestation: Attestation,
    pub(super) source: Source,
}

impl<'a> Claims<'a> {
    pub(super) fn of(invite: &Invite<'a>) -> Self {
        let is_trusted = arrival(invite).is_trusted();
        let verstat = |address: &Address<'_>| {
            if is_trusted { address.verstat().as_deref().map(read_verstat) } else { None }
        };
        Self {
            tag: invite.from_tag(),
            from: invite.from().map(|address| Claim::of(address, verstat(&address))).unwrap_or_default(),
            asserted: invite.asserted().map(|address| {
                let mut claim = Claim::of(address, verstat(&address));
                // There may be two, a sip and a tel URI of one caller, of which one says it, or that it is to be hidden.
                for other in invite.asserted_identities().filter(|other| other.uri() != address.uri()) {
                    if let (None, Some(found)) = (&claim.beside, verstat(&other)) {
                        claim.beside = Some((user_of(&other, &other.host()), found));
                    }
                    if hides(&other) {
                        claim.is_to_be_hidden = true;
                    } else {
                        // The name stands in the one, and the number in the other (RFC 3325 section 9.1).
                        claim.display_name = claim.display_name.or_else(|| other.display_name());
                    }
                }
                claim
            }),
            remote_party: invite.remote_party().map(|address| Claim::of(address, verstat(&address))),
            is_private: hides_identity(invite),
            attestation: if is_trusted { invite.attestation().as_deref().and_then(letter) } else { None },
        }
    }

    /// Chooses the identity that names the caller. One that hides behind From stays hidden, and is
    /// matched by what is asserted all the same.
    pub(super) fn caller(&self, order: &[Identity]) -> Caller<'_> {
        let withheld = self.is_private;
        let from = Caller { withheld, ..self.from.caller(Source::From) };
        let asserted = self.asserted.as_ref().map(|claim| claim.caller(Source::AssertedIdentity));
        let remote = self.remote_party.as_ref().map(|claim| claim.caller(Source::RemotePartyId));
        let mut has_from = false;
        for identity in order {
            let found = match identity {
                // Neither is a name of its own: the one is not verified here, the other stands on what follows.
                Identity::Passport | Identity::Verstat => None,
                Identity::Asserted => asserted,
                Identity::RemoteParty => remote,
                Identity::From => {
                    has_from = true;
                    (!self.from.user.is_empty()).then_some(from)
                }
            };
            match found {
                Some(caller) if caller.source == Source::From => return caller,
                Some(caller) => {
                    let withheld = withheld || caller.withheld;
                    return from.or_asserted(Some(Caller { withheld, ..caller }));
                }
                None => {}
            }
        }
        if has_from || order.is_empty() {
            from
        } else {
            Caller { source: Source::AssertedIdentity, ..NOBODY }
        }
    }

    /// Returns the tag of From, which all copies of a call have in common.
    pub(super) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns what a trusted peer says it has verified of the identity that names the caller, if its word counts on
    /// this line. What it found of another number says nothing of this one.
    pub(super) fn verified(
        &self,
        caller: &Caller<'_>,
        order: &[Identity],
        region: Region,
    ) -> Option<Verified> {
        if !order.contains(&Identity::Verstat) {
            return None;
        }
        let [of_from, of_asserted, of_remote] =
            [Some(&self.from), self.asserted.as_ref(), self.remote_party.as_ref()]
                .map(|claim| claim?.verified(region));
        let of_chosen = match caller.source {
            Source::AssertedIdentity => of_asserted,
            Source::RemotePartyId => of_remote,
            Source::From | Source::RequestUri | Source::To | Source::CalledPartyId | Source::Told => of_from,
        };
        let source = if of_chosen.is_some() { caller.source } else { Source::From };
        // Where From names the same caller it was the same number that was verified.
        let found =
            of_chosen.or_else(|| of_from.filter(|_| is_same(caller.user, &self.from.user, region)))?;
        Verified::new(found, self.attestation, source)
    }
}

/// Tells whether two users are one caller, also where they are one number that is written in two ways.
fn is_same(one: &str, other: &str, region: Region) -> bool {
    let number = |user| normalise(user, region).ok();
    !one.is_empty() && (one == other || number(one).is_some_and(|one| number(other) == Some(one)))
}

/// Tells whether a user is the name of somebody, and no number.
fn is_name(user: &str, region: Region) -> bool {
    match Caller::asserted(user, "").identify(region) {
        CallerId::Name(_) | CallerId::WithheldName(_) => true,
        CallerId::Number(_)
        | CallerId::Implausible(..)
        | CallerId::Ambiguous(_)
        | CallerId::Anonymous { .. }
        | CallerId::Unavailable
        | CallerId::Invalid(_) => false,
    }
}

/// Returns the user of an address; of a number with a context as it is written.
fn user_of<'a>(address: &Address<'a>, host: &str) -> Cow<'a, str> {
    let context = if host.is_empty() { address.param("phone-context") } else { None };
    match context {
        Some(context) => Cow::Owned(format!("{};phone-context={context}", address.user())),
        None => address.user(),
    }
}

const NOBODY: Caller<'static> =
    Caller { user: "", host: "", display_name: None, withheld: false, source: Source::From };

impl<'a> Claim<'a> {
    fn of(address: Address<'a>, verstat: Option<Found>) -> Self {
        let host = address.host();
        let user = user_of(&address, &host);
        let display_name = address.display_name();
        Self { user, host, display_name, verstat, beside: None, is_to_be_hidden: false }
    }

    /// Returns what a trusted peer found of it, or of the other address of the same: where that is the same number, or one of
    /// the two names who has the other. What it found of another number says nothing of this one.
    fn verified(&self, region: Region) -> Option<Found> {
        let of_other = || {
            let (user, found) = self.beside.as_ref()?;
            let is_one = is_same(&self.user, user, region)
                || [&self.user, user].iter().any(|user| is_name(user, region));
            is_one.then_some(*found)
        };
        self.verstat.or_else(of_other)
    }

    fn caller(&self, source: Source) -> Caller<'_> {
        let display_name = self.display_name.as_deref();
        let withheld = self.is_to_be_hidden;
        Caller { user: &self.user, host: &self.host, display_name, withheld, source }
    }
}

impl Verified {
    /// Takes `verstat` and the headers of providers. What is absent means none: never full attestation.
    fn new(
        (verification, in_verstat): Found,
        in_header: Option<Attestation>,
        source: Source,
    ) -> Option<Self> {
        // Who vouches for a number that nobody has verified vouches for nothing.
        let attestation = match verification {
            Verification::Passed => in_verstat.or(in_header).unwrap_or_default(),
            Verification::Failed | Verification::None | Verification::Unchecked => Attestation::None,
        };
        (verification != Verification::Unchecked).then_some(Self { verification, attestation, source })
    }
}

//= https://www.rfc-editor.org/rfc/rfc3323#section-4.2
//# header: The user requests that a privacy service obscure those
//# headers which cannot be completely expunged of identifying
//# information without the assistance of intermediaries (such as Via
//# and Contact).
/// Tells whether the caller asks that its identity be hidden. Other privacy is not about who calls, `header` neither.
fn hides_identity(invite: &Invite<'_>) -> bool {
    invite.privacy().any(|asked| ["id", "user"].iter().any(|word| asked.eq_ignore_ascii_case(word)))
}

/// Tells whether a caller wants to be hidden, by any word of the INVITE, whoever is believed.
pub(super) fn is_to_be_hidden(invite: &Invite<'_>) -> bool {
    let mut addresses = invite.from().into_iter().chain(invite.asserted_identities());
    invite.is_private() || addresses.any(|address| hides(&address))
}

fn hides(address: &Address<'_>) -> bool {
    Caller::asserted(&address.user(), &address.host()).hides()
}

/// Reads a value such as `TN-Validation-Passed-A`.
fn read_verstat(value: &str) -> Found {
    let after = |start: &str| {
        let (head, rest) = value.split_at_checked(start.len())?;
        head.eq_ignore_ascii_case(start).then_some(rest)
    };
    if let Some(rest) = after("TN-Validation-Passed") {
        (Verification::Passed, rest.strip_prefix('-').and_then(letter))
    } else if let Some(rest) = after("TN-Validation-Failed") {
        (Verification::Failed, rest.strip_prefix('-').and_then(letter))
    } else if after("No-TN-Validation") == Some("") {
        (Verification::None, None)
    } else {
        (Verification::Unchecked, None)
    }
}

fn letter(text: &str) -> Option<Attestation> {
    match text.trim() {
        "A" | "a" => Some(Attestation::A),
        "B" | "b" => Some(Attestation::B),
        "C" | "c" => Some(Attestation::C),
        _ => None,
    }
}

/// Returns where an INVITE came from, in the words of the policy.
pub(super) fn arrival(invite: &Invite<'_>) -> Arrival {
    match invite.trust() {
        Trust::Registrar => Arrival::Registrar,
        Trust::Peer => Arrival::Peer,
        Trust::Token => Arrival::Token,
        Trust::Anyone => Arrival::Anyone,
    }
}

/// Whose word counts unless something else is said.
pub(super) const USUAL: [Identity; 4] =
    [Identity::Verstat, Identity::Asserted, Identity::RemoteParty, Identity::From];

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(user: &'static str) -> Claim<'static> {
        Claim { user: user.into(), host: "pbx.example".into(), ..Claim::default() }
    }

    fn claims(from: &'static str, asserted: Option<&'static str>) -> Claims<'static> {
        let asserted = asserted.map(claim);
        Claims {
            from: claim(from),
            tag: None,
            asserted,
            remote_party: None,
            is_private: false,
            attestation: None,
        }
    }

    fn region() -> Region {
        Region::parse("GB").unwrap()
    }

    fn named<'a>(claims: &'a Claims<'_>, order: &[Identity]) -> (&'a str, bool) {
        let caller = claims.caller(order);
        (caller.user, caller.withheld)
    }

    #[test]
    fn what_is_asserted_wins_over_what_is_claimed() {
        let claims = claims("+441632960001", Some("+442079460123"));
        assert_eq!(named(&claims, &USUAL), ("+442079460123", false));
        assert_eq!(named(&claims, &[Identity::From]), ("+441632960001", false));
        assert_eq!(named(&claims, &[Identity::From, Identity::Asserted]), ("+441632960001", false));
    }

    #[test]
    fn a_caller_who_asks_for_privacy_is_matched_and_not_shown() {
        let from = Claim { user: "anonymous".into(), host: "anonymous.invalid".into(), ..Claim::default() };
        let claims = Claims { from, is_private: true, ..claims("", Some("+442079460123")) };
        assert_eq!(named(&claims, &USUAL), ("+442079460123", true));
    }

    #[test]
    fn without_an_assertion_the_claim_counts_unless_only_assertions_do() {
        let claims = claims("+441632960001", None);
        assert_eq!(named(&claims, &USUAL), ("+441632960001", false));
        assert_eq!(named(&claims, &[Identity::Asserted]), ("", false));
    }

    #[test]
    fn an_older_pbx_is_understood_and_counts_less_than_an_asserted_identity() {
        let remote_party = Some(claim("+442079460199"));
        let older = Claims { remote_party, ..claims("1001", None) };
        assert_eq!(named(&older, &USUAL).0, "+442079460199");
        let remote_party = Some(claim("+442079460199"));
        let both = Claims { remote_party, ..claims("1001", Some("+442079460123")) };
        assert_eq!(named(&both, &USUAL).0, "+442079460123");
    }

    #[test]
    fn what_was_verified_of_one_identity_says_nothing_of_another() {
        let verified = |claim: Claim<'static>, verstat| Claim { verstat: Some((verstat, None)), ..claim };
        let (passed, failed) = (Verification::Passed, Verification::Failed);
        let from = || verified(claim("+441632960001"), failed);
        let asserted = || verified(claim("+442079460123"), passed);
        let both = Claims { from: from(), asserted: Some(asserted()), ..claims("", None) };
        let of = |claims: &Claims<'_>, order: &[Identity]| {
            let verified = claims.verified(&claims.caller(order), order, region());
            verified.map(|verified| (verified.verification, verified.source))
        };
        let from_first = [Identity::Verstat, Identity::From];
        assert_eq!(of(&both, &USUAL), Some((passed, Source::AssertedIdentity)));
        assert_eq!(of(&both, &from_first), Some((failed, Source::From)));
        assert_eq!(of(&both, &[Identity::Asserted]), None);
        let only_asserted = Claims { asserted: Some(asserted()), ..claims("+441632960001", None) };
        assert_eq!(of(&only_asserted, &from_first), None);
        let only_from = Claims { from: from(), ..claims("", Some("+442079460123")) };
        assert_eq!(of(&only_from, &USUAL), None);
        let same = Claims { from: from(), ..claims("", Some("+441632960001")) };
        assert_eq!(of(&same, &USUAL), Some((failed, Source::From)));
    }

    #[test]
    fn a_number_that_was_verified_is_one_however_it_is_written() {
        let of = |from, asserted| {
            let from = Claim { verstat: Some((Verification::Failed, None)), ..claim(from) };
            let claims = Claims { from, ..claims("", Some(asserted)) };
            claims.verified(&claims.caller(&USUAL), &USUAL, region()).map(|verified| verified.verification)
        };
        for asserted in
            ["+442079460123", "02079460123", "020 7946 0123", "00442079460123", "+44-20-7946-0123;cpc=x"]
        {
            assert_eq!(
                of("+442079460123;verstat=TN-Validation-Failed", asserted),
                Some(Verification::Failed)
            );
        }
        for (from, asserted) in [("+442079460123", "+442079460124"), ("bob", "eve"), ("7946", "02079460123")]
        {
            assert_eq!(of(from, asserted), None, "{from} {asserted}");
        }
    }

    #[test]
    fn verstat_is_read_with_its_attestation_and_nothing_is_made_up() {
        use Verification::{Failed, None as Nothing, Passed, Unchecked};
        for (value, verification, attestation) in [
            ("TN-Validation-Passed", Passed, None),
            ("tn-validation-passed-a", Passed, Some(Attestation::A)),
            ("TN-Validation-Passed-C", Passed, Some(Attestation::C)),
            ("TN-Validation-Failed", Failed, None),
            ("TN-Validation-Failed-B", Failed, Some(Attestation::B)),
            ("No-TN-Validation", Nothing, None),
            ("No-TN-Validation-A", Unchecked, None),
            ("TN-Validation-Passed-AAA", Passed, None),
            ("passed", Unchecked, None),
        ] {
            assert_eq!(read_verstat(value), (verification, attestation), "{value}");
        }
    }
}
