//! Who an INVITE says is calling, whose word counts, and how far it was verified.

use std::borrow::Cow;

use ringfence_policy::{Arrival, Attestation, Caller, Identity, Source, Verification};
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
    /// What a trusted peer says it has verified.
    verstat: Option<Verified>,
}

/// One address of an INVITE.
#[derive(Debug, Default)]
struct Claim<'a> {
    user: Cow<'a, str>,
    host: Cow<'a, str>,
    display_name: Option<Cow<'a, str>>,
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
        let from = invite.from();
        Self {
            tag: from.as_ref().and_then(|from| from.header_param("tag")),
            from: from.map(Claim::of).unwrap_or_default(),
            asserted: invite.asserted().map(Claim::of),
            remote_party: invite.remote_party().map(Claim::of),
            is_private: hides_identity(invite),
            verstat: if is_trusted { Verified::of(invite) } else { None },
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
                Some(caller) => return from.or_asserted(Some(Caller { withheld, ..caller })),
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

    /// Returns what a trusted peer says it has verified, if its word counts on this line.
    pub(super) fn verified(&self, order: &[Identity]) -> Option<Verified> {
        self.verstat.filter(|_| order.contains(&Identity::Verstat))
    }
}

const NOBODY: Caller<'static> =
    Caller { user: "", host: "", display_name: None, withheld: false, source: Source::From };

impl<'a> Claim<'a> {
    fn of(address: Address<'a>) -> Self {
        let user = match address.param("phone-context") {
            Some(context) if address.host().is_empty() => {
                Cow::Owned(format!("{};phone-context={context}", address.user()))
            }
            _ => address.user(),
        };
        Self { user, host: address.host(), display_name: address.display_name() }
    }

    fn caller(&self, source: Source) -> Caller<'_> {
        let display_name = self.display_name.as_deref();
        Caller { user: &self.user, host: &self.host, display_name, withheld: false, source }
    }
}

impl Verified {
    /// Reads `verstat` and the headers of providers. What is absent means none: never full attestation.
    fn of(invite: &Invite<'_>) -> Option<Self> {
        let verstat = invite.verstat();
        let is_asserted = invite.asserted_identities().any(|address| address.verstat().is_some());
        let header = invite.attestation();
        let (verification, in_verstat) =
            verstat.as_deref().map_or((Verification::Unchecked, None), read_verstat);
        let in_header = header.as_deref().and_then(letter);
        // Who vouches for a number that nobody has verified vouches for nothing.
        let attestation = match verification {
            Verification::Passed => in_verstat.or(in_header).unwrap_or_default(),
            Verification::Failed | Verification::None | Verification::Unchecked => Attestation::None,
        };
        let says_nothing = verification == Verification::Unchecked && attestation == Attestation::None;
        let source = if is_asserted { Source::AssertedIdentity } else { Source::From };
        (!says_nothing).then_some(Self { verification, attestation, source })
    }
}

/// Tells whether the caller asks that its identity be hidden. Other privacy is not about who calls.
fn hides_identity(invite: &Invite<'_>) -> bool {
    invite.privacy().any(|asked| ["id", "user"].iter().any(|word| asked.eq_ignore_ascii_case(word)))
}

/// Reads a value such as `TN-Validation-Passed-A`.
fn read_verstat(value: &str) -> (Verification, Option<Attestation>) {
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
        Claim { user: user.into(), host: "pbx.example".into(), display_name: None }
    }

    fn claims(from: &'static str, asserted: Option<&'static str>) -> Claims<'static> {
        let asserted = asserted.map(claim);
        Claims {
            from: claim(from),
            tag: None,
            asserted,
            remote_party: None,
            is_private: false,
            verstat: None,
        }
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
        let from = Claim { user: "anonymous".into(), host: "anonymous.invalid".into(), display_name: None };
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
