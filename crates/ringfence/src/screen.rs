//! The product in one file: an incoming call becomes facts, the policy decides, the verdict goes out.
//!
//! ```text
//!  Invite ──▶ who calls ──▶ Facts ──▶ policy ──▶ Decision ──▶ Verdict: reject, redirect, ring, ignore
//!                                                   │
//!                                                   └──▶ the journal: who, what, why
//! ```
//!
//! It runs on the thread of the shard that received the INVITE: it waits for nothing, and a decision
//! allocates nothing. A new configuration is swapped in whole; calls under way keep their verdict.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use ringfence_policy::{Action, Caller, CallerId, Decision, Facts, NoHistory, Policy, Source, decide};
use softphone::{Address, Invite, Trust, Verdict};

use crate::answer::{Answer, Answers};
use crate::config::{Config, Identity};
use crate::journal::{self, Call, Evidence, Outcome, Recorder};

/// Decides every incoming call.
#[derive(Debug)]
pub(crate) struct Screen {
    rules: ArcSwap<Rules>,
    recorder: Recorder,
}

/// One configuration, with its answers ready to be sent.
#[derive(Debug)]
struct Rules {
    policy: Arc<Policy>,
    /// Which identities may name a line's callers, and what each treatment is there, by the line's name.
    lines: BTreeMap<String, (Vec<Identity>, Answers)>,
    /// What each treatment is on a line that is none of them.
    other: Answers,
}

/// Who calls, as far as the INVITE says.
#[derive(Debug)]
struct Claims<'a> {
    from: Claim<'a>,
    /// Only what the registrar, the proxy or a peer asserts.
    asserted: Option<Claim<'a>>,
    is_private: bool,
}

/// One address of an INVITE.
#[derive(Debug, Default)]
struct Claim<'a> {
    user: Cow<'a, str>,
    host: Cow<'a, str>,
    display_name: Option<Cow<'a, str>>,
}

impl Screen {
    /// Makes a screen that decides by a configuration.
    pub(crate) fn new(config: &Config, recorder: Recorder) -> softphone::Result<Self> {
        Ok(Self { rules: ArcSwap::from_pointee(Rules::new(config)?), recorder })
    }

    /// Decides by another configuration from now on.
    pub(crate) fn adopt(&self, config: &Config) -> softphone::Result<()> {
        self.rules.store(Arc::new(Rules::new(config)?));
        Ok(())
    }

    /// Decides one call, and records what and why.
    pub(crate) fn decide(&self, invite: &Invite<'_>) -> Verdict {
        let rules = self.rules.load();
        let now = Timestamp::now();
        let claims = Claims::of(invite);
        let (order, answers) = match rules.lines.get(invite.line_label()) {
            Some((order, answers)) => (order.as_slice(), answers),
            None => (BOTH.as_slice(), &rules.other),
        };
        let caller = claims.caller(order);
        let called = invite.called().map(|called| called.user()).unwrap_or_default();
        let facts = Facts {
            called: Some((&called, Source::To)),
            psap_callback: is_emergency_callback(invite),
            history: &NoHistory,
            ..Facts::new(&caller, invite.line_label(), rules.policy.region())
        };
        let decision = decide(&rules.policy, &facts, now);
        let answer = answers.of(decision.treatment());
        self.recorder.record(record(invite, &rules.policy, &facts, &decision, answer, now));
        let verdict = answer.verdict(&facts);
        // It cannot ring either: the endpoint answers what stands against it.
        let is_held_back = matches!(verdict, Verdict::Redirect(_)) && is_unreadable(invite);
        if is_held_back { Verdict::Ring { limit: None } } else { verdict }
    }
}

impl Rules {
    fn new(config: &Config) -> softphone::Result<Self> {
        let policy = &config.policy;
        let mut lines = BTreeMap::new();
        for account in &config.accounts {
            let answers = Answers::of_line(policy, &policy.line(&account.name))?;
            lines.insert(account.name.clone(), (account.caller.clone(), answers));
        }
        let other = Answers::of_line(policy, &policy.line(""))?;
        Ok(Self { policy: Arc::clone(policy), lines, other })
    }
}

/// Whose word counts unless something else is said.
const BOTH: [Identity; 2] = [Identity::Asserted, Identity::From];

impl<'a> Claims<'a> {
    fn of(invite: &Invite<'a>) -> Self {
        Self {
            from: invite.from().map(Claim::of).unwrap_or_default(),
            asserted: invite.asserted().map(Claim::of),
            is_private: invite.is_private(),
        }
    }

    /// Chooses the identity that names the caller. One that hides behind From stays hidden, and is
    /// matched by what is asserted all the same.
    fn caller(&self, order: &[Identity]) -> Caller<'_> {
        let withheld = self.is_private;
        let from = Caller { withheld, ..self.from.caller(Source::From) };
        let asserted =
            self.asserted.as_ref().map(|claim| Caller { withheld, ..claim.caller(Source::AssertedIdentity) });
        match order {
            [Identity::Asserted] => asserted.unwrap_or(Caller { source: Source::AssertedIdentity, ..NOBODY }),
            [Identity::Asserted, ..] => from.or_asserted(asserted),
            [Identity::From, Identity::Asserted, ..] if self.from.user.is_empty() => {
                from.or_asserted(asserted)
            }
            [Identity::From, ..] | [] => from,
        }
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

/// Tells whether the INVITE breaks the grammar: it might hide who calls, and is not sent on to other phones.
fn is_unreadable(invite: &Invite<'_>) -> bool {
    invite.objection().is_some_and(|objection| objection.status == 400)
}

/// Tells whether an emergency centre calls back (RFC 7090), which only those may say who are trusted.
fn is_emergency_callback(invite: &Invite<'_>) -> bool {
    let is_trusted = match invite.trust() {
        Trust::Registrar | Trust::Peer => true,
        Trust::Token | Trust::Anyone => false,
    };
    is_trusted
        && invite
            .header("Priority")
            .is_some_and(|priority| priority.trim().eq_ignore_ascii_case("psap-callback"))
}

/// Writes down what the policy decided, and why.
fn record(
    invite: &Invite<'_>,
    policy: &Policy,
    facts: &Facts<'_>,
    decision: &Decision<'_>,
    answer: &Answer,
    now: Timestamp,
) -> Call {
    let explanation = decision.explain(policy, facts, now);
    Call {
        number: 0,
        at: now,
        id: invite.id().to_string(),
        call_id: invite.call_id().into_owned(),
        line: invite.line_label().to_owned(),
        caller: match facts.caller {
            CallerId::Invalid(_) => facts.raw.to_owned(),
            CallerId::Anonymous { .. } | CallerId::Unavailable => facts.caller.kind().as_str().to_owned(),
            CallerId::Number(_) | CallerId::Implausible(..) | CallerId::Ambiguous(_) | CallerId::Name(_) => {
                facts.caller.to_string()
            }
        },
        display_name: facts.display_name.filter(|name| !name.is_empty()).map(str::to_owned),
        source: invite.source().to_string(),
        verdict: outcome(invite, answer.action()),
        rule: decision.rule_id().to_owned(),
        entry: decision.entry().map(|entry| entry.written().to_owned()),
        reason: match (answer.action(), invite.objection()) {
            (Action::Ring { .. } | Action::Wait { .. }, Some(objection)) => {
                format!("{explanation}; it cannot ring: {objection}")
            }
            (Action::Redirect(_), Some(objection)) if is_unreadable(invite) => {
                format!("{explanation}; it is not sent on: {objection}")
            }
            (_, _) => explanation.to_string(),
        },
        evidence: Evidence { identity: journal::identity(&facts.caller), ..Evidence::default() },
        ended: None,
    }
}

/// Returns what becomes of the call: what stands against the INVITE is answered in the place of a ring,
/// and of a redirection that would send it on unread.
fn outcome(invite: &Invite<'_>, action: &Action) -> Outcome {
    match (action, invite.objection()) {
        (Action::Ring { .. } | Action::Wait { .. }, Some(objection)) => {
            Outcome::Refuse { status: objection.status }
        }
        (Action::Redirect(_), Some(objection)) if is_unreadable(invite) => {
            Outcome::Refuse { status: objection.status }
        }
        (Action::Ring { .. } | Action::Wait { .. }, None) => Outcome::Ring,
        (Action::Reject(rejection), _) => Outcome::Reject { status: rejection.code() },
        (Action::Redirect(away), _) => Outcome::Redirect { to: away.to.as_str().to_owned() },
        (Action::Ignore { .. } | Action::Unsupported { .. }, _) => Outcome::Ignore,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(user: &'static str) -> Claim<'static> {
        Claim { user: user.into(), host: "pbx.example".into(), display_name: None }
    }

    fn named<'a>(claims: &'a Claims<'_>, order: &[Identity]) -> (&'a str, bool) {
        let caller = claims.caller(order);
        (caller.user, caller.withheld)
    }

    #[test]
    fn what_is_asserted_wins_over_what_is_claimed() {
        let claims = Claims {
            from: claim("+441632960001"),
            asserted: Some(claim("+442079460123")),
            is_private: false,
        };
        assert_eq!(named(&claims, &BOTH), ("+442079460123", false));
        assert_eq!(named(&claims, &[Identity::From]), ("+441632960001", false));
    }

    #[test]
    fn a_caller_who_asks_for_privacy_is_matched_and_not_shown() {
        let from = Claim { user: "anonymous".into(), host: "anonymous.invalid".into(), display_name: None };
        let claims = Claims { from, asserted: Some(claim("+442079460123")), is_private: true };
        assert_eq!(named(&claims, &BOTH), ("+442079460123", true));
    }

    #[test]
    fn without_an_assertion_the_claim_counts_unless_only_assertions_do() {
        let claims = Claims { from: claim("+441632960001"), asserted: None, is_private: false };
        assert_eq!(named(&claims, &BOTH), ("+441632960001", false));
        assert_eq!(named(&claims, &[Identity::Asserted]), ("", false));
    }
}
