//! What one INVITE tells: the facts that rules are about, and the same written down.

use std::borrow::Cow;

use jiff::Timestamp;
use ringfence_policy::{
    Arrival, Attestation, Call, Caller, Facts, History, Identity, OneOrMore, Policy, Source, Verification,
};
use softphone::Invite;

use super::claims::{Claims, Verified, arrival};
use super::memory::{Said, StoodOn};

/// What one INVITE tells.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    claims: Claims<'a>,
    called: Cow<'a, str>,
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
        let (called, called_source) = match party.filter(|party| !party.is_empty()) {
            Some(party) => (party, Source::CalledPartyId),
            None => (invite.called().map(|called| called.user()).unwrap_or_default(), Source::To),
        };
        let first = invite.diversions().into_iter().next();
        Self {
            claims: Claims::of(invite),
            called,
            called_source,
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
        let verified = self.claims.verified(order);
        Facts {
            called: Some((&self.called, self.called_source)),
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

    /// Returns who is calling, by whose word counts.
    pub(super) fn caller(&self, order: &[Identity]) -> Caller<'_> {
        self.claims.caller(order)
    }
}

/// Writes facts down, with what the decision stood on beside them.
pub(super) fn written(
    facts: &Facts<'_>,
    caller: &Caller<'_>,
    at: Timestamp,
    stood_on: StoodOn,
    said: &[Said],
) -> Call {
    let answers = || said.iter().filter_map(|said| Some((&said.list, said.answer.as_ref().ok()?)));
    let scored = || answers().filter(|(_, answer)| answer.score > 0);
    let unscored = answers().filter(|(_, answer)| answer.score == 0 && answer.is_listed);
    Call {
        caller: caller.user.to_owned(),
        host: caller.host.to_owned(),
        name: caller.display_name.map(str::to_owned),
        withheld: caller.withheld,
        caller_source: caller.source,
        called: facts.called.map(|(called, _)| called.to_owned()),
        called_source: facts.called.map_or(Source::To, |(_, source)| source),
        line: Some(facts.line.to_owned()),
        group: (!facts.groups.is_empty()).then(|| OneOrMore::More(facts.groups.to_vec())),
        source: Some(facts.arrival),
        at: Some(at.to_string()),
        verification: facts.verification,
        attestation: facts.attestation,
        vouched: facts.vouched,
        user_agent: facts.user_agent.map(str::to_owned),
        diverted: facts.diverted.map(str::to_owned),
        psap_callback: facts.psap_callback,
        lists: stood_on.added.into_iter().chain(unscored.map(|(list, _)| list.clone())).collect(),
        scores: scored().map(|(list, answer)| (list.to_string(), answer.score)).collect(),
        unlisted: scored().filter(|(_, answer)| !answer.is_listed).map(|(list, _)| list.clone()).collect(),
        rate: stood_on.rate,
        dialed: stood_on.dialed.map(|at| at.to_string()),
        answered: stood_on.answered.map(|at| at.to_string()),
        switches: stood_on.switches,
        recent: Vec::new(),
    }
}

/// Tells whether an emergency centre calls back (RFC 7090), which only those may say who are trusted.
fn is_emergency_callback(invite: &Invite<'_>, arrival: Arrival) -> bool {
    arrival.is_trusted()
        && invite
            .header("Priority")
            .is_some_and(|priority| priority.trim().eq_ignore_ascii_case("psap-callback"))
}
