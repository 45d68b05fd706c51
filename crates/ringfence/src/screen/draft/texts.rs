//! The texts of an INVITE, one behind the other: a shard makes room once for all of them.
//!
//! What one thread makes and another lets go of costs the most there is to pay for memory.

use ringfence_policy::{CallTexts, Caller, Facts};
use softphone::Invite;

use crate::journal::{Texts, with_identity};

/// The texts of an INVITE. Not all of them are there.
#[derive(Debug)]
pub(super) struct Copied(Texts<COUNT>);

const COUNT: usize = 10;
/// It is of the record as well as of the facts.
const DISPLAY_NAME: usize = 5;

impl Copied {
    /// Copies the texts of a call.
    pub(super) fn of(invite: &Invite<'_>, caller: &Caller<'_>, facts: &Facts<'_>) -> Self {
        with_identity(&facts.caller, |identity| {
            Self(Texts::of([
                identity,
                Some(&invite.call_id()),
                Some(invite.line_label()),
                Some(caller.user),
                Some(caller.host),
                caller.display_name,
                facts.called.map(|(called, _)| called),
                Some(facts.line),
                facts.user_agent,
                facts.diverted,
            ]))
        })
    }

    /// Returns what the rules know the caller by.
    pub(super) fn identity(&self) -> Option<&str> {
        self.0.get(0)
    }

    pub(super) fn call_id(&self) -> Option<&str> {
        self.0.get(1)
    }

    /// Returns the label of the line.
    pub(super) fn label(&self) -> Option<&str> {
        self.0.get(2)
    }

    /// Returns the name beside the caller's address.
    pub(super) fn display_name(&self) -> Option<&str> {
        self.0.get(DISPLAY_NAME)
    }

    /// Returns those of the facts.
    pub(super) fn of_facts(&self) -> CallTexts<'_> {
        let [caller, host, name, called, line, user_agent, diverted] =
            [3, 4, DISPLAY_NAME, 6, 7, 8, 9].map(|number| self.0.get(number));
        let (caller, host) = (caller.unwrap_or_default(), host.unwrap_or_default());
        CallTexts { caller, host, name, called, line, user_agent, diverted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_found_in_its_place_also_one_that_is_empty_or_not_there() {
        let [identity, call_id, label] = ["+41", "", "home"].map(Some);
        let [user, host, name, called] = [Some("Jörg"), Some("a"), None, Some("")];
        let [line, user_agent, diverted] = [Some("b"), None, Some("c")];
        let all = [identity, call_id, label, user, host, name, called, line, user_agent, diverted];
        let texts = Copied(Texts::of(all));
        assert_eq!([texts.identity(), texts.call_id(), texts.label()], [identity, call_id, label]);
        let of_facts = CallTexts { caller: "Jörg", host: "a", name, called, line, user_agent, diverted };
        assert_eq!(texts.of_facts(), of_facts);
    }
}
