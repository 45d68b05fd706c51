//! What one INVITE tells: the facts that rules are about.

use std::borrow::Cow;

use ringfence_policy::{
    Arrival, Attestation, Caller, Facts, History, Identity, Policy, Source, Verification,
};
use softphone::Invite;

use super::claims::{Claims, Verified, arrival};

/// What one INVITE tells.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    claims: Claims<'a>,
    call_id: Cow<'a, str>,
    /// The user of To, or of the Request-URI.
    meant: Cow<'a, str>,
    /// That of `P-Called-Party-ID`, by a trusted peer.
    party: Option<Cow<'a, str>>,
    called_source: Source,
    user_agent: Option<Cow<'a, str>>,
    diverted: Option<String>,
    line: &'a str,
    arrival: Arrival,
    psap_callback: bool,
}

impl<'a> Seen<'a> {
    /// Reads an INVITE on a line.
    pub(super) fn of(invite: &Invite<'a>, line: &'a str) -> Self {
        let arrival = arrival(invite);
        let party = invite.called_party().filter(|_| arrival.is_trusted()).map(|party| party.user());
        let party = party.filter(|party| !party.is_empty());
        let (meant, source) = match invite.to() {
            Some(to) => (to.user(), Source::To),
            None => (invite.request_uri().map(|uri| uri.user()).unwrap_or_default(), Source::RequestUri),
        };
        let first = invite.diversions().into_iter().next();
        Self {
            claims: Claims::of(invite),
            call_id: invite.call_id(),
            called_source: if party.is_some() { Source::CalledPartyId } else { source },
            meant,
            party,
            user_agent: invite.user_agent(),
            diverted: first.map(|diversion| diversion.by.user().into_owned()),
            line,
            arrival,
            psap_callback: is_emergency_callback(invite, arrival),
        }
    }

    /// Returns the facts; `caller` is who counts as calling.
    pub(super) fn facts<'f>(
        &'f self,
        caller: &Caller<'f>,
        policy: &Policy,
        order: &[Identity],
        groups: &'f [Box<str>],
        history: &'f dyn History,
    ) -> Facts<'f> {
        let verified = self.claims.verified(caller, order, policy.region());
        Facts {
            called: Some((self.party.as_ref().unwrap_or(&self.meant), self.called_source)),
            groups,
            arrival: self.arrival,
            verification: verified.map_or(Verification::Unchecked, |verified| verified.verification),
            attestation: verified.map_or(Attestation::None, |verified| verified.attestation),
            vouched: verified.map(|Verified { source, .. }| source),
            user_agent: self.user_agent.as_deref(),
            diverted: self.diverted.as_deref(),
            psap_callback: self.psap_callback,
            history,
            ..Facts::new(caller, self.line, policy.region())
        }
    }

    /// Returns what all copies of an INVITE have in common, beside its Call-ID, `CSeq` and caller: the tag of From, and whether it
    /// came from somebody who is trusted.
    pub(super) fn origin(&self) -> Option<(&str, bool)> {
        Some((self.claims.tag()?, self.arrival.is_trusted()))
    }

    /// Returns the Call-ID.
    pub(super) fn call_id(&self) -> &str {
        &self.call_id
    }

    /// Returns whom the caller meant. Of the numbers that are called this alone is the same on all branches of a fork.
    pub(super) fn meant(&self) -> &str {
        &self.meant
    }

    /// Returns who is calling, by whose word counts.
    pub(super) fn caller(&self, order: &[Identity]) -> Caller<'_> {
        self.claims.caller(order)
    }
}

/// Tells whether an emergency centre calls back (RFC 7090), which only those may say who are trusted.
fn is_emergency_callback(invite: &Invite<'_>, arrival: Arrival) -> bool {
    arrival.is_trusted()
        && invite.priority().is_some_and(|priority| priority.trim().eq_ignore_ascii_case("psap-callback"))
}
