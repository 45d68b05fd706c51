//! Callers who withhold their number: the journal keeps what the provider tells of them, and shows it
//! to who asks.

use clap::Args;
use ringfence_policy::CallerKind;
use serde_json::{Map, Value};

use crate::journal::{Added, Call};

/// Whether such numbers are shown.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Withheld {
    /// Show the numbers that callers withhold, where the provider tells them
    #[arg(long = "withheld")]
    is_shown: bool,
}

impl Withheld {
    /// Tells whether such numbers are shown.
    pub(super) fn is_shown(self) -> bool {
        self.is_shown
    }

    /// Returns a call as a program is given it.
    pub(super) fn exported(self, call: &Call) -> Call {
        if self.is_shown { call.clone() } else { masked(call) }
    }

    /// Returns a call as a person reads it.
    pub(super) fn told(self, call: &Call) -> Call {
        let mut told = self.exported(call);
        if let (true, Some(number)) = (is_withheld(&told), &told.evidence.identity) {
            told.caller = format!("{} ({number})", told.caller);
        }
        told
    }

    /// Returns what tells such a number, if it is to be shown.
    pub(super) fn shown<T>(self, secret: Option<T>) -> Option<T> {
        secret.filter(|_| self.is_shown)
    }

    /// Returns what names an entry that a rule added.
    pub(super) fn entry(self, added: &Added) -> &str {
        if added.is_withheld() && !self.is_shown { Added::WITHHELD } else { &added.identity }
    }
}

/// Returns a call without the number, and without the name, that its caller withholds.
pub(super) fn masked(call: &Call) -> Call {
    let mut call = call.clone();
    if !is_withheld(&call) {
        return call;
    }
    let is_known = call.evidence.identity.take().is_some();
    let entry = call.entry.take_if(|entry| tells_of_somebody(entry));
    if let Some(at) = entry.and_then(|entry| call.reason.find(&format!(" (entry {entry}"))) {
        // A journal of an earlier version may name it.
        call.reason.truncate(at);
    }
    let facts = serde_json::from_str::<Map<String, Value>>(&call.evidence.facts);
    // The name of one who only says to be nobody is the caller's own word. Beside a number it may be that again.
    let is_asserted = facts.as_ref().map_or(true, |facts| facts.get("withheld") == Some(&Value::Bool(true)));
    let hides_name = is_known || is_asserted;
    if hides_name {
        call.display_name = None;
    }
    // What is no object cannot be searched for what is to be hidden.
    call.evidence.facts = facts.map_or_else(|_| String::new(), |facts| without_caller(facts, hides_name));
    call
}

/// Tells whether an entry means more than a kind of callers: a number has digits, and before a name stands `sip:`.
fn tells_of_somebody(entry: &str) -> bool {
    entry.contains(|letter: char| letter.is_ascii_digit() || letter == ':')
}

fn without_caller(mut facts: Map<String, Value>, hides_name: bool) -> String {
    facts.insert("caller".to_owned(), anonymous().into());
    facts.remove("host");
    if hides_name {
        facts.remove("name");
    }
    Value::Object(facts).to_string()
}

fn is_withheld(call: &Call) -> bool {
    call.caller == anonymous()
}

fn anonymous() -> &'static str {
    CallerKind::Anonymous.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::calls::a_call;

    /// Returns a call whose number the provider tells.
    fn withheld() -> Call {
        let mut call = a_call();
        call.caller = "anonymous".to_owned();
        call.display_name = Some("Anna".to_owned());
        call.entry = Some("079 123 45 67".to_owned());
        call.reason =
            "rejected with 486: a withheld number is on the reject list (entry 079 123 45 67, inline)"
                .to_owned();
        call.evidence.identity = Some("+41791234567".to_owned());
        call.evidence.facts =
            r#"{"caller":"+41791234567","host":"pbx.example","line":"home","name":"Anna","withheld":true}"#
                .to_owned();
        call
    }

    #[test]
    fn a_call_is_told_without_what_its_caller_withholds() {
        let told = serde_json::to_string(&masked(&withheld())).unwrap();
        assert!(!told.contains("1234567") && !told.contains("123 45 67") && !told.contains("Anna"), "{told}");
        assert!(told.contains(r#""caller":"anonymous""#) && told.contains(r#""line":"home""#), "{told}");
        assert!(told.contains("is on the reject list\""), "{told}");
        assert_eq!(masked(&a_call()), a_call());
    }

    #[test]
    fn a_name_is_hidden_beside_a_number_and_is_the_callers_own_word_without_one() {
        let mut call = withheld();
        call.evidence.facts = call.evidence.facts.replace(r#","withheld":true"#, "");
        let told = serde_json::to_string(&masked(&call)).unwrap();
        assert!(!told.contains("Anna") && !told.contains("1234567"), "{told}");
        call.evidence.identity = None;
        assert_eq!(masked(&call).display_name.as_deref(), Some("Anna"));
    }

    #[test]
    fn who_asks_is_told_the_number() {
        let shown = Withheld { is_shown: true };
        assert_eq!(shown.exported(&withheld()), withheld());
        assert_eq!(shown.told(&withheld()).caller, "anonymous (+41791234567)");
        assert_eq!(Withheld { is_shown: false }.told(&withheld()).caller, "anonymous");
    }

    #[test]
    fn facts_that_cannot_be_read_are_not_shown() {
        let mut call = withheld();
        call.evidence.facts = "\"+41791234567\"".to_owned();
        assert_eq!(masked(&call).evidence.facts, "");
    }
}
