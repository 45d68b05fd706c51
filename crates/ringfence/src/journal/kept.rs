//! A call as the journal holds it until it is written and after: its numbers, and all its texts in one piece.
//!
//! [`Call`] is the same with each text apart, for those who read it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::call::{Call, Ended, Evidence, Outcome};
use super::facts;
use super::texts::{Text, Texts};

/// A call as the journal holds it. What is not told here is told of [`Call`] and its [`Evidence`].
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) verdict: Outcome,
    pub(crate) texts: Texts,
    /// The rules in shadow mode: next to no call has any.
    pub(crate) shadow: Vec<String>,
    pub(crate) policy: Arc<str>,
    pub(crate) is_audited: bool,
    pub(crate) is_late: bool,
    pub(crate) is_sole: bool,
    pub(crate) decided_in: Duration,
    pub(crate) ended: Option<Ended>,
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
        // Those of facts that are told apart are not there.
        let told = [
            (Text::Line, Some(line.as_str())),
            (Text::Host, None),
            (Text::OnLine, None),
            (Text::UserAgent, None),
            (Text::Identity, identity.as_deref()),
            (Text::CallId, Some(&call_id)),
            (Text::User, None),
            (Text::DisplayName, display_name.as_deref()),
            (Text::Called, None),
            (Text::Diverted, None),
            (Text::Id, Some(&id)),
            (Text::Source, Some(&source)),
            (Text::Rule, Some(&rule)),
            (Text::List, list.as_deref()),
            (Text::Caller, Some(&caller)),
            (Text::Entry, entry.as_deref()),
            (Text::Reason, Some(&reason)),
            (Text::Facts, Some(&facts)),
        ];
        let (texts, _) = Texts::of(told).fitted();
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
                facts: self.facts().into_owned(),
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
        self.text(Text::DisplayName).filter(|name| !name.is_empty())
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

    /// Facts that are told apart are put together each time.
    pub(crate) fn facts(&self) -> Cow<'_, str> {
        let facts = self.text(Text::Facts).unwrap_or_default();
        match self.texts.of_facts() {
            // What a damaged file has in their place is shown as it is.
            Some(texts) => facts::whole(facts, texts, self.at).map_or(Cow::Borrowed(facts), Cow::Owned),
            None => Cow::Borrowed(facts),
        }
    }

    /// Returns every text that may name somebody, beside the identity.
    pub(super) fn naming(&self) -> impl Iterator<Item = &str> {
        let texts = [
            Text::User,
            Text::Host,
            Text::DisplayName,
            Text::Called,
            Text::OnLine,
            Text::UserAgent,
            Text::Diverted,
            Text::Caller,
            Text::Source,
            Text::Entry,
            Text::Reason,
            Text::Facts,
        ];
        texts.into_iter().filter_map(|text| self.text(text)).chain(self.verdict.target())
    }

    fn text(&self, text: Text) -> Option<&str> {
        self.texts.get(text)
    }
}

#[cfg(test)]
mod tests;
