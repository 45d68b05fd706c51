//! Facts as JSON, written straight into the text: a serializer takes four times as long.
//!
//! What it writes is what `serde_json` makes of the same facts, octet for octet; a test compares the two. Most of what a call's
//! facts say are texts that its record has anyway: what is kept of each call are the others, and who reads it has the whole.

use jiff::Timestamp;
use ringfence_policy::{Arrival, Attestation, Call, CallTexts, Source, Verification};
use serde::Serialize;

use crate::plain_text::is_plain;
use crate::second;

/// Writes the facts that are neither texts nor the time as a JSON object. A fact that is new needs a new version of the journal:
/// who does not know it reads none of the facts of that call.
pub(crate) fn write_others(facts: &Call, out: &mut String) {
    write(facts, None, CallTexts::default(), None, out);
}

/// Adds the facts that [`write_others`] has written to a text, with a rate.
pub(crate) fn push(others: &str, rate: Option<u32>, out: &mut String) {
    let (Some(rate), Some(open)) = (rate, others.strip_suffix('}')) else { return out.push_str(others) };
    let before = if open.ends_with('{') { "\"rate\":" } else { ",\"rate\":" };
    out.extend([open, before, itoa::Buffer::new().format(rate), "}"]);
}

/// Returns all facts as a JSON object. `None` when the others are none. The time is told to the microsecond, as the file keeps
/// it: a call reads the same before it is written and after.
pub(super) fn whole(others: &str, texts: CallTexts<'_>, at: Timestamp) -> Option<String> {
    let others: Call = serde_json::from_str(others).ok()?;
    let at = Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
    let mut whole = String::new();
    write(&others, Some(texts.caller), texts, Some(&second::written(at)), &mut whole);
    Some(whole)
}

/// Writes facts as a JSON object, with the texts and the time that stand apart from them.
fn write(facts: &Call, caller: Option<&str>, texts: CallTexts<'_>, at: Option<&str>, out: &mut String) {
    // A key that is forgotten here is a field that is not named.
    let CallTexts { caller: _, host, name, called, line, user_agent, diverted, who: _ } = texts;
    let Call {
        caller: _,
        host: _,
        name: _,
        withheld,
        caller_source,
        called: _,
        called_source,
        line: _,
        group,
        source,
        at: _,
        verification,
        attestation,
        vouched,
        user_agent: _,
        diverted: _,
        psap_callback,
        lists,
        scores,
        unlisted,
        unanswered,
        recent,
        rate,
        dialed,
        answered,
        emergency_call,
        switches,
        switches_off,
    } = facts;
    out.push('{');
    let mut object = Object { before: "\"", text: out };
    object.string_of("caller", caller);
    object.string_unless(host.is_empty(), "host", host);
    object.string_of("name", name);
    object.flag("withheld", *withheld);
    object.word_unless(*caller_source == Source::default(), "caller_source", caller_source.as_str());
    object.string_of("called", called);
    object.word_unless(*called_source == Source::default(), "called_source", called_source.as_str());
    object.string_of("line", line);
    object.value_unless(group.is_none(), "group", group);
    object.word_unless(source.is_none(), "source", source.map_or("", Arrival::as_str));
    object.string_of("at", at);
    object.value_unless(*verification == Verification::default(), "verification", verification);
    object.value_unless(*attestation == Attestation::default(), "attestation", attestation);
    object.word_unless(vouched.is_none(), "vouched", vouched.map_or("", Source::as_str));
    object.string_of("user_agent", user_agent);
    object.string_of("diverted", diverted);
    object.flag("psap_callback", *psap_callback);
    object.value_unless(lists.is_empty(), "lists", lists);
    object.value_unless(scores.is_empty(), "scores", scores);
    object.value_unless(unlisted.is_empty(), "unlisted", unlisted);
    object.value_unless(unanswered.is_empty(), "unanswered", unanswered);
    object.value_unless(recent.is_empty(), "recent", recent);
    object.value_unless(rate.is_none(), "rate", rate);
    object.string_of("dialed", dialed.as_deref());
    object.string_of("answered", answered.as_deref());
    object.string_of("emergency_call", emergency_call.as_deref());
    object.value_unless(switches.is_empty(), "switches", switches);
    object.value_unless(switches_off.is_empty(), "switches_off", switches_off);
    object.text.push('}');
}

/// An object that is being written.
struct Object<'a> {
    /// What stands before the next key.
    before: &'static str,
    text: &'a mut String,
}

impl Object<'_> {
    fn string(&mut self, key: &'static str, value: &str) {
        if is_plain(value) {
            self.word(key, value);
        } else {
            self.key(key);
            self.value(value);
        }
    }

    /// Writes a text that reads the same between quotation marks.
    fn word(&mut self, key: &'static str, value: &str) {
        self.text.extend([self.before, key, "\":\"", value, "\""]);
        self.before = ",\"";
    }

    fn word_unless(&mut self, is_left_out: bool, key: &'static str, value: &'static str) {
        if !is_left_out {
            self.word(key, value);
        }
    }

    fn string_of(&mut self, key: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.string(key, value);
        }
    }

    fn string_unless(&mut self, is_left_out: bool, key: &'static str, value: &str) {
        if !is_left_out {
            self.string(key, value);
        }
    }

    fn flag(&mut self, key: &'static str, is_set: bool) {
        if is_set {
            self.key(key);
            self.text.push_str("true");
        }
    }

    /// Writes what few calls have.
    fn value_unless(&mut self, is_left_out: bool, key: &'static str, value: &impl Serialize) {
        if !is_left_out {
            self.key(key);
            self.value(value);
        }
    }

    fn key(&mut self, key: &'static str) {
        self.text.push_str(self.before);
        self.before = ",\"";
        self.text.push_str(key);
        self.text.push_str("\":");
    }

    fn value(&mut self, value: &(impl Serialize + ?Sized)) {
        // It cannot fail: every key is a string.
        self.text.push_str(&serde_json::to_string(value).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use ringfence_policy::OneOrMore;

    use super::*;

    fn is_as_serialized(facts: &Call) {
        let mut written = String::new();
        write(facts, Some(&facts.caller), facts.texts(), facts.at.as_deref(), &mut written);
        assert_eq!(written, serde_json::to_string(facts).unwrap());
        let (at, mut others) = (Timestamp::UNIX_EPOCH, String::new());
        write_others(facts, &mut others);
        let timed = Call { at: Some(at.to_string()), ..facts.clone() };
        assert_eq!(whole(&others, facts.texts(), at), Some(serde_json::to_string(&timed).unwrap()));
    }

    #[test]
    fn facts_are_written_as_a_serializer_writes_them() {
        let call = Call::told("+41791234567");
        is_as_serialized(&Call::default());
        is_as_serialized(&call);
        for source in [
            Source::From,
            Source::AssertedIdentity,
            Source::RemotePartyId,
            Source::RequestUri,
            Source::To,
            Source::CalledPartyId,
            Source::Told,
        ] {
            let sources = (source, source, Some(source));
            let (caller_source, called_source, vouched) = sources;
            is_as_serialized(&Call { caller_source, called_source, vouched, ..call.clone() });
        }
        for source in [Arrival::Registrar, Arrival::Peer, Arrival::Token, Arrival::Anyone] {
            is_as_serialized(&Call { source: Some(source), ..call.clone() });
        }
    }

    #[test]
    fn a_rate_is_read_whether_it_stands_among_the_others_or_behind_them() {
        for call in [Call::default(), Call { dialed: Some("never".to_owned()), ..Call::default() }] {
            for rate in [None, Some(1), Some(u32::MAX)] {
                let (mut others, mut pushed) = (String::new(), "before ".to_owned());
                write_others(&call, &mut others);
                push(&others, rate, &mut pushed);
                let pushed = pushed.strip_prefix("before ").unwrap();
                let (at, rated) = (Timestamp::UNIX_EPOCH, Call { rate, ..call.clone() });
                let mut among = String::new();
                write_others(&rated, &mut among);
                assert_eq!(whole(pushed, call.texts(), at), whole(&among, call.texts(), at));
                assert_eq!(
                    serde_json::from_str::<Call>(&whole(pushed, call.texts(), at).unwrap()).unwrap().rate,
                    rate
                );
            }
        }
    }

    #[test]
    fn what_is_no_object_of_facts_is_no_whole() {
        for others in ["", "7", "{\"source\":7}", "{\"source\":\"regis", "{\"what\":1}"] {
            assert_eq!(whole(others, CallTexts::default(), Timestamp::UNIX_EPOCH), None, "{others}");
        }
        assert!(whole("{}", CallTexts::default(), Timestamp::UNIX_EPOCH).is_some());
    }

    #[test]
    fn a_time_is_told_to_the_microsecond() {
        let of = |nanos| whole("{}", CallTexts::default(), Timestamp::from_nanosecond(nanos).unwrap());
        assert_eq!(of(1_790_000_000_123_456_789), of(1_790_000_000_123_456_000));
        assert!(of(1_790_000_000_123_456_789).unwrap().contains(".123456Z"));
    }

    #[test]
    fn all_that_a_call_can_have_is_written() {
        let text = || Some("x".to_owned());
        is_as_serialized(&Call {
            host: "pbx.example".to_owned(),
            name: text(),
            withheld: true,
            called: text(),
            line: text(),
            group: Some(OneOrMore::More(vec!["office".into(), "paris".into()])),
            at: text(),
            verification: Verification::Passed,
            attestation: Attestation::A,
            user_agent: text(),
            diverted: text(),
            psap_callback: true,
            lists: vec!["a".into(), "b".into()],
            scores: [("bad".to_owned(), 7), ("none".to_owned(), 0)].into(),
            unlisted: vec!["c".into()],
            unanswered: vec!["d".into()],
            recent: vec!["-2m".to_owned()],
            rate: Some(3),
            dialed: text(),
            answered: text(),
            emergency_call: text(),
            switches: vec!["away".to_owned()],
            switches_off: vec!["night".to_owned()],
            ..Call::told("alice")
        });
        is_as_serialized(&Call { group: Some(OneOrMore::One("paris".into())), ..Call::default() });
    }

    #[test]
    fn whatever_stands_in_a_text_is_written_as_a_serializer_does() {
        for code in 0..0x300 {
            let letter = char::from_u32(code).unwrap();
            for name in [format!("{letter}"), format!("before{letter}behind it")] {
                is_as_serialized(&Call { name: Some(name.clone()), ..Call::told(&name) });
            }
        }
    }
}
