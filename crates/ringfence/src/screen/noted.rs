//! What is no text of a call's facts, nor a rate: the same for call after call on a line, and so written down once for all of
//! them.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use ringfence_policy::{Arrival, Attestation, Call, Caller, Facts, OneOrMore, Policy, Source, Verification};

use super::memory::{Said, StoodOn};
use crate::journal::facts;

/// The facts of a call that are neither texts, nor the time, nor a rate, written down.
#[derive(Debug)]
pub(super) struct Noted {
    pub(super) facts: Call,
    /// The same as the journal has them, made for the first record that needs it.
    json: OnceLock<String>,
}

/// What was noted of the newest call on a line.
#[derive(Debug, Default)]
pub(super) struct Newest(Mutex<Option<Box<Known>>>);

#[derive(Debug)]
struct Known {
    few: Few,
    stood_on: StoodOn,
    noted: Arc<Noted>,
}

/// What an INVITE says in few words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Few {
    withheld: bool,
    caller_source: Source,
    called_source: Source,
    arrival: Arrival,
    verification: Verification,
    attestation: Attestation,
    vouched: Option<Source>,
    psap_callback: bool,
}

impl Few {
    pub(super) fn of(facts: &Facts<'_>, caller: &Caller<'_>) -> Self {
        Self {
            withheld: caller.withheld,
            caller_source: caller.source,
            called_source: facts.called.map_or(Source::To, |(_, source)| source),
            arrival: facts.arrival,
            verification: facts.verification,
            attestation: facts.attestation,
            vouched: facts.vouched,
            psap_callback: facts.psap_callback,
        }
    }
}

impl Noted {
    fn of(facts: Call) -> Arc<Self> {
        Arc::new(Self { facts, json: OnceLock::new() })
    }

    /// Returns the facts as the journal has them, a JSON object.
    pub(super) fn json(&self) -> &str {
        self.json.get_or_init(|| {
            let mut json = String::new();
            facts::write_others(&self.facts, &mut json);
            json
        })
    }
}

impl Newest {
    /// Writes the facts of a call down that is on this line, unless they are those of the call before. The policy and the groups
    /// are always those of the line. The rate is left to whoever asks.
    pub(super) fn noted(
        &self,
        few: Few,
        groups: &[Box<str>],
        policy: &Policy,
        stood_on: StoodOn,
        said: &[Said],
    ) -> Arc<Noted> {
        if !said.is_empty() {
            return Noted::of(written(few, groups, policy, &stood_on, said));
        }
        if let Some(known) = &*self.newest()
            && known.few == few
            && known.stood_on == stood_on
        {
            return Arc::clone(&known.noted);
        }
        // Without the lock: two calls that come at once both write, and the later one's stays.
        let noted = Noted::of(written(few, groups, policy, &stood_on, said));
        let known = Box::new(Known { few, stood_on, noted: Arc::clone(&noted) });
        let before = self.newest().replace(known);
        drop(before);
        noted
    }

    fn newest(&self) -> MutexGuard<'_, Option<Box<Known>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes facts down, with what the decision stood on beside them, but for when it was made and the texts of the call.
fn written(few: Few, groups: &[Box<str>], policy: &Policy, stood_on: &StoodOn, said: &[Said]) -> Call {
    let mut call = Call {
        withheld: few.withheld,
        caller_source: few.caller_source,
        called_source: few.called_source,
        group: (!groups.is_empty()).then(|| OneOrMore::More(groups.to_vec())),
        source: Some(few.arrival),
        verification: few.verification,
        attestation: few.attestation,
        vouched: few.vouched,
        psap_callback: few.psap_callback,
        lists: stood_on.added.clone(),
        dialed: stood_on.dialed.written(),
        answered: stood_on.answered.written(),
        emergency_call: stood_on.emergency_call.map(|at| at.to_string()),
        ..Call::default()
    };
    for Said { list, answer, failed } in said {
        if let Some(answer) = answer {
            match (answer.score, answer.is_listed) {
                (0, true) => call.lists.push(list.clone()),
                (1.., false) => call.unlisted.push(list.clone()),
                (0, false) | (1.., true) => {}
            }
            // Also of those that have nothing: they were asked.
            call.scores.insert(list.to_string(), answer.score);
        }
        if failed.is_some() {
            call.unanswered.push(list.clone());
        }
    }
    for (place, position) in &stood_on.switches {
        let Some(switch) = policy.switches().get(*place) else { continue };
        let is_on = position.unwrap_or(switch.default);
        if is_on { &mut call.switches } else { &mut call.switches_off }.push(switch.name.to_string());
    }
    call
}

#[cfg(test)]
mod tests {
    use ringfence_policy::{List, Region};

    use super::super::memory::Last;
    use super::*;

    const FEW: Few = Few {
        withheld: false,
        caller_source: Source::Told,
        called_source: Source::Told,
        arrival: Arrival::Registrar,
        verification: Verification::Unchecked,
        attestation: Attestation::None,
        vouched: None,
        psap_callback: false,
    };

    fn policy() -> Policy {
        let [allow, reject] = ["allow", "reject"].map(|name| Arc::new(List::empty(name)));
        Policy::of_lists(Region::parse("CH").unwrap(), allow, reject).unwrap()
    }

    #[test]
    fn calls_of_which_the_same_is_known_share_what_is_noted() {
        let (newest, policy) = (Newest::default(), policy());
        let note = || newest.noted(FEW, &[], &policy, StoodOn::default(), &[]);
        let (first, second) = (note(), note());
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(first.json(), r#"{"source":"registrar"}"#);
    }

    #[test]
    fn whatever_differs_from_the_call_before_is_noted() {
        let (newest, policy, groups) = (Newest::default(), policy(), ["paris".into()]);
        let added = |list: &str| StoodOn { added: vec![list.into()], ..StoodOn::default() };
        let dialed = || StoodOn { dialed: Last::Never, ..StoodOn::default() };
        let said = [Said { list: "bad".into(), answer: None, failed: Some("too late".to_owned()) }];
        let peer = Few { arrival: Arrival::Peer, ..FEW };
        for (few, stood_on, said, json) in [
            (FEW, StoodOn::default(), &[][..], r#"{"group":["paris"],"source":"registrar"}"#),
            (peer, StoodOn::default(), &[], r#"{"group":["paris"],"source":"peer"}"#),
            (peer, added("x"), &[], r#"{"group":["paris"],"source":"peer","lists":["x"]}"#),
            (peer, added("y"), &[], r#"{"group":["paris"],"source":"peer","lists":["y"]}"#),
            (
                peer,
                added("y"),
                &said,
                r#"{"group":["paris"],"source":"peer","lists":["y"],"unanswered":["bad"]}"#,
            ),
            (peer, added("y"), &[], r#"{"group":["paris"],"source":"peer","lists":["y"]}"#),
            (FEW, dialed(), &[], r#"{"group":["paris"],"source":"registrar","dialed":"never"}"#),
            (FEW, StoodOn::default(), &[], r#"{"group":["paris"],"source":"registrar"}"#),
        ] {
            assert_eq!(newest.noted(few, &groups, &policy, stood_on, said).json(), json);
        }
    }
}
