//! The texts of a call, one behind the other: a shard makes room once for all of them.
//!
//! What one thread makes and another lets go of costs the most there is to pay for memory. So each text gets a place of its
//! own where it is let go of as well: where the journal is kept.

use ringfence_policy::{Call, Caller, Facts};
use softphone::Invite;

use crate::journal::with_identity;

/// The texts of a call. Not all of them are there.
#[derive(Debug, Default)]
pub(super) struct Texts {
    all: String,
    lengths: [Option<usize>; COUNT],
}

const COUNT: usize = 10;

/// What is of the record, not of the facts.
#[derive(Debug)]
pub(super) struct OfRecord {
    pub(super) identity: Option<String>,
    pub(super) call_id: String,
    /// The label of the line.
    pub(super) label: String,
}

impl Texts {
    /// Copies the texts of a call.
    pub(super) fn of(invite: &Invite<'_>, caller: &Caller<'_>, facts: &Facts<'_>) -> Self {
        with_identity(&facts.caller, |identity| {
            Self::copied([
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
            ])
        })
    }

    fn copied(texts: [Option<&str>; COUNT]) -> Self {
        let mut all = String::with_capacity(texts.iter().flatten().map(|text| text.len()).sum());
        all.extend(texts.into_iter().flatten());
        Self { all, lengths: texts.map(|text| text.map(str::len)) }
    }

    /// Returns what the rules know the caller by.
    pub(super) fn identity(&self) -> Option<&str> {
        let [identity, ..] = self.each();
        identity
    }

    /// Puts those of the facts into the facts, and returns the others.
    pub(super) fn put_into(self, facts: &mut Call) -> OfRecord {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let [identity, call_id, label, user, host, name, called, line, user_agent, diverted] = self.each();
        facts.caller = owned(user).unwrap_or_default();
        facts.host = owned(host).unwrap_or_default();
        facts.name = owned(name);
        facts.called = owned(called);
        facts.line = owned(line);
        facts.user_agent = owned(user_agent);
        facts.diverted = owned(diverted);
        OfRecord {
            identity: owned(identity),
            call_id: owned(call_id).unwrap_or_default(),
            label: owned(label).unwrap_or_default(),
        }
    }

    fn each(&self) -> [Option<&str>; COUNT] {
        let mut rest = self.all.as_str();
        self.lengths.map(|length| {
            let (text, behind) = rest.split_at_checked(length?)?;
            rest = behind;
            Some(text)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_out_as_they_went_in_also_those_that_are_empty_or_not_there() {
        let given = [
            Some("+41"),
            Some(""),
            None,
            Some("Jörg"),
            Some("a"),
            None,
            Some(""),
            Some("b"),
            None,
            Some("c"),
        ];
        let texts = Texts::copied(given);
        assert_eq!(texts.each(), given);
        assert_eq!(texts.identity(), Some("+41"));
        let mut facts = Call::default();
        let of_record = texts.put_into(&mut facts);
        assert_eq!((facts.caller.as_str(), facts.host.as_str(), facts.name), ("Jörg", "a", None));
        assert_eq!((facts.called.as_deref(), facts.line.as_deref()), (Some(""), Some("b")));
        assert_eq!((facts.user_agent, facts.diverted.as_deref()), (None, Some("c")));
        assert_eq!((of_record.call_id.as_str(), of_record.label.as_str()), ("", ""));
    }
}
