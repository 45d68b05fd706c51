//! A call as the journal holds it until it is written and after: its numbers, and all its texts in one piece.
//!
//! [`Call`] is the same with each text apart, for those who read it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::call::{Call, Ended, Evidence, Outcome};
use super::texts::Texts;

/// A call as the journal holds it. What is not told here is told of [`Call`] and its [`Evidence`].
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) verdict: Outcome,
    pub(crate) texts: Texts<{ Text::COUNT }>,
    /// The rules in shadow mode: next to no call has any.
    pub(crate) shadow: Vec<String>,
    pub(crate) policy: Arc<str>,
    pub(crate) is_audited: bool,
    pub(crate) is_late: bool,
    pub(crate) is_sole: bool,
    pub(crate) decided_in: Duration,
    pub(crate) ended: Option<Ended>,
}

/// The number of a text among those of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Text {
    Id,
    CallId,
    Line,
    Caller,
    DisplayName,
    Source,
    Rule,
    Entry,
    Reason,
    Identity,
    List,
    Facts,
}

impl Text {
    /// How many there are.
    pub(crate) const COUNT: usize = Self::Facts as usize + 1;
}

impl Texts<{ Text::COUNT }> {
    /// Puts a text of a call behind the others, if there is one.
    pub(crate) fn tell(&mut self, text: Text, told: Option<&str>) {
        self.put(text as usize, told);
    }

    /// Has a text of a call written behind the others.
    pub(crate) fn say(&mut self, text: Text, say: impl FnOnce(&mut String)) {
        self.write(text as usize, say);
    }
}

impl Kept {
    /// Takes the texts of a call together.
    pub(crate) fn of(call: Call) -> Self {
        let Call {
            number,
            at,
            id,
            call_id,
            line,
            caller,
            display_name,
            source,
            verdict,
            rule,
            entry,
            reason,
            evidence,
            ended,
        } = call;
        let Evidence { identity, list, shadow, facts, policy, is_audited, is_late, is_sole, decided_in } =
            evidence;
        // In the order of `Text`.
        let texts = Texts::of([
            Some(&id),
            Some(&call_id),
            Some(&line),
            Some(&caller),
            display_name.as_deref(),
            Some(&source),
            Some(&rule),
            entry.as_deref(),
            Some(&reason),
            identity.as_deref(),
            list.as_deref(),
            Some(&facts),
        ]);
        Self { number, at, verdict, texts, shadow, policy, is_audited, is_late, is_sole, decided_in, ended }
    }

    /// Returns the call with each text apart.
    pub(crate) fn call(&self) -> Call {
        Call {
            number: self.number,
            at: self.at,
            id: self.id().to_owned(),
            call_id: self.call_id().to_owned(),
            line: self.line().to_owned(),
            caller: self.caller().to_owned(),
            display_name: self.display_name().map(str::to_owned),
            source: self.source().to_owned(),
            verdict: self.verdict.clone(),
            rule: self.rule().to_owned(),
            entry: self.entry().map(str::to_owned),
            reason: self.reason().to_owned(),
            evidence: Evidence {
                identity: self.identity().map(str::to_owned),
                list: self.list().map(str::to_owned),
                shadow: self.shadow.clone(),
                facts: self.facts().to_owned(),
                policy: Arc::clone(&self.policy),
                is_audited: self.is_audited,
                is_late: self.is_late,
                is_sole: self.is_sole,
                decided_in: self.decided_in,
            },
            ended: self.ended.clone(),
        }
    }

    /// Returns how many bytes of memory it holds.
    pub(super) fn bytes(&self) -> usize {
        let shadow = self.shadow.iter().map(|rule| size_of::<String>() + rule.len());
        size_of::<Self>()
            + self.texts.bytes()
            + self.verdict.target().map_or(0, str::len)
            + shadow.sum::<usize>()
    }
}

/// Its texts, as [`Call`] and its [`Evidence`] name them.
impl Kept {
    pub(crate) fn id(&self) -> &str {
        self.text(Text::Id).unwrap_or_default()
    }

    pub(crate) fn call_id(&self) -> &str {
        self.text(Text::CallId).unwrap_or_default()
    }

    pub(crate) fn line(&self) -> &str {
        self.text(Text::Line).unwrap_or_default()
    }

    pub(crate) fn caller(&self) -> &str {
        self.text(Text::Caller).unwrap_or_default()
    }

    pub(crate) fn display_name(&self) -> Option<&str> {
        self.text(Text::DisplayName)
    }

    pub(crate) fn source(&self) -> &str {
        self.text(Text::Source).unwrap_or_default()
    }

    pub(crate) fn rule(&self) -> &str {
        self.text(Text::Rule).unwrap_or_default()
    }

    pub(crate) fn entry(&self) -> Option<&str> {
        self.text(Text::Entry)
    }

    pub(crate) fn reason(&self) -> &str {
        self.text(Text::Reason).unwrap_or_default()
    }

    pub(crate) fn identity(&self) -> Option<&str> {
        self.text(Text::Identity)
    }

    pub(crate) fn list(&self) -> Option<&str> {
        self.text(Text::List)
    }

    pub(crate) fn facts(&self) -> &str {
        self.text(Text::Facts).unwrap_or_default()
    }

    fn text(&self, text: Text) -> Option<&str> {
        self.texts.get(text as usize)
    }
}

#[cfg(test)]
mod tests;
