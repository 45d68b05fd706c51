//! One call as the journal has it, and what else it writes down.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ringfence_policy::{Action, Decision, Final, Only, Rule};
use serde::{Deserialize, Serialize};

use super::kept::Kept;

/// One call: who, where, what was decided, why, and how it ended.
#[expect(clippy::struct_field_names, reason = "RFC 3261 calls it Call-ID")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// Counts the calls since the start; one that is read back from the file has the file's number. 0 is none: the file
    /// has given it none yet.
    #[serde(default, skip_serializing_if = "is_none_yet")]
    pub(crate) number: u64,
    /// When the INVITE arrived.
    pub(crate) at: Timestamp,
    /// What this program numbers it by.
    pub(crate) id: String,
    pub(crate) call_id: String,
    /// The line that was called.
    pub(crate) line: String,
    /// The caller as normalised, or as the INVITE says if that is no number.
    pub(crate) caller: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    /// Where the INVITE came from.
    pub(crate) source: String,
    pub(crate) verdict: Outcome,
    /// What decided: the rule's id, or `emergency`, `emergency-callback`, `never_block` or `on_error`; of one
    /// that was never decided `undecided`.
    pub(crate) rule: String,
    /// The entry that matched, as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entry: Option<String>,
    /// The sentence for people.
    pub(crate) reason: String,
    #[serde(default)]
    pub(crate) evidence: Evidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<Ended>,
}

/// What the decision stood on, so that it can be explained and repeated later.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Evidence {
    /// What the rules know the caller by, also one that is not shown: see [`super::identity()`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<String>,
    /// The list that the entry is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) list: Option<String>,
    /// The rules that would have decided otherwise, were not they or the whole policy in shadow mode.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) shadow: Vec<String>,
    /// The facts with their sources, a JSON object; empty when they were not kept.
    #[serde(with = "json", skip_serializing_if = "String::is_empty")]
    pub(crate) facts: String,
    /// The checksum of the policy that decided.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) policy: Arc<str>,
    /// Whether the rule asks that it be kept longer.
    #[serde(rename = "audited", skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_audited: bool,
    /// Whether the caller had heard 100 Trying before it was decided: lists were asked about it, or the decision panicked.
    #[serde(rename = "late", skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_late: bool,
    /// Whether no other phone rings on its line. It is known of calls of this run only.
    #[serde(skip)]
    pub(crate) is_sole: bool,
    /// How long the decision took, in whole microseconds.
    #[serde(with = "micros")]
    pub(crate) decided_in: Duration,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_none_yet(number: &u64) -> bool {
    *number == 0
}

impl Call {
    /// How the reason ends of a call whose decision panicked each time.
    pub(crate) const PANICKED: &'static str = "; the decision panicked";
    /// How the reason ends of a call that was decided when it was tried again, without a list that was asked meanwhile.
    pub(crate) const TRIED_AGAIN: &'static str = "; it was decided when that was tried again";
}

impl Evidence {
    /// Returns the rules in shadow mode that would have decided, and of a policy in shadow mode what would have done anything
    /// but let the call ring.
    pub(crate) fn shadow_of(decision: &Decision<'_>) -> Vec<String> {
        let rules = decision.shadow().map(Rule::id);
        rules.chain(decision.prevented().map(|_| decision.rule_id())).map(str::to_owned).collect()
    }
}

/// What was decided, with what it says on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "lowercase")]
pub(crate) enum Outcome {
    Reject {
        status: u16,
        /// Where a redirection was to lead that came to nothing: to the URI that was called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    Redirect {
        to: String,
    },
    /// The call was let through where nothing rings: who asked goes on, at this status or to this address.
    #[serde(rename = "send_on")]
    SendOn {
        status: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    Ring,
    /// The caller was left to other phones, or held: 180 or silence, and a refusal at the end.
    #[serde(rename = "stand_aside")]
    StandAside,
    Ignore,
    /// What stands against the call itself was answered: it could not ring, whatever was decided.
    Refuse {
        status: u16,
    },
}

/// What is sent in the place of a redirection that leads back.
const NOT_FOUND: u16 = 404;

impl Outcome {
    /// Returns the verb.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Reject { .. } => "reject",
            Self::Redirect { .. } => "redirect",
            Self::SendOn { .. } => "send_on",
            Self::Ring => "ring",
            Self::StandAside => "stand_aside",
            Self::Ignore => "ignore",
            Self::Refuse { .. } => "refuse",
        }
    }

    /// Makes a refusal with a status.
    pub(crate) const fn reject(status: u16) -> Self {
        Self::Reject { status, to: None }
    }

    /// Returns the same for a call to the URI that a redirection leads to: it is rejected (RFC 3261 section 8.3).
    pub(crate) fn led_back(self) -> Self {
        match self {
            Self::Redirect { to } | Self::SendOn { to: Some(to), .. } => {
                Self::Reject { status: NOT_FOUND, to: Some(to) }
            }
            Self::SendOn { to: None, .. }
            | Self::Reject { .. }
            | Self::Ring
            | Self::StandAside
            | Self::Ignore
            | Self::Refuse { .. } => self,
        }
    }

    /// Returns this where a call is decided again of which `written` was written down: what led it back to the URI that it was
    /// for does so again.
    pub(crate) fn again_as(self, written: &Self) -> Self {
        let led_back = self.clone().led_back();
        if led_back == *written { led_back } else { self }
    }

    /// Returns what an action makes of a call that nothing else stands against.
    pub(crate) fn of(action: &Action, is_from_registrar: bool) -> Self {
        match action {
            // See [`crate::answer::Answer::verdict`] also of what cannot be done yet.
            Action::Ring { .. } | Action::Unsupported { .. } => Self::Ring,
            Action::Wait { .. } => Self::StandAside,
            Action::Reject(rejection) => Self::reject(rejection.code()),
            Action::Redirect(away) => Self::Redirect { to: away.to.as_str().to_owned() },
            Action::SendOn(on) => {
                let to = match on {
                    Final::Reject(_) => None,
                    Final::Redirect(away) => Some(away.to.as_str().to_owned()),
                };
                Self::SendOn { status: on.code(), to }
            }
            Action::Ignore { only: Only::NotFromRegistrar } if is_from_registrar => Self::reject(480),
            Action::Ignore { only: Only::Always | Only::NotFromRegistrar } => Self::Ignore,
        }
    }

    /// Returns the same for a caller who has heard 100 Trying: see [`crate::answer::Answers::place_after_trying`].
    pub(crate) fn after_trying(self) -> Self {
        match self {
            Self::Ignore => Self::reject(480),
            Self::Reject { .. }
            | Self::Redirect { .. }
            | Self::SendOn { .. }
            | Self::Ring
            | Self::StandAside
            | Self::Refuse { .. } => self,
        }
    }

    /// Returns the final status that was decided on.
    pub(crate) const fn status(&self) -> Option<u16> {
        match self {
            Self::Reject { status, .. } | Self::Refuse { status } | Self::SendOn { status, .. } => {
                Some(*status)
            }
            Self::Redirect { .. } => Some(302),
            Self::Ring | Self::StandAside | Self::Ignore => None,
        }
    }

    /// Returns how the caller was sent on, in the past tense; none of any other outcome.
    pub(crate) fn sent_on(&self) -> Option<String> {
        match self {
            Self::SendOn { to: Some(to), .. } => Some(format!("sent on to {to}")),
            Self::SendOn { status, to: None } => Some(format!("sent on ({status})")),
            Self::Reject { .. }
            | Self::Redirect { .. }
            | Self::Ring
            | Self::StandAside
            | Self::Ignore
            | Self::Refuse { .. } => None,
        }
    }

    /// Returns where a redirection leads.
    pub(super) fn target(&self) -> Option<&str> {
        match self {
            Self::Redirect { to } => Some(to),
            Self::SendOn { to, .. } | Self::Reject { to, .. } => to.as_deref(),
            Self::Refuse { .. } | Self::Ring | Self::StandAside | Self::Ignore => None,
        }
    }

    /// Makes the outcome again of what was written of it. What a file says is taken as it is: a verb
    /// that this version does not know is an ignored call.
    pub(super) fn read(verb: &str, status: Option<u16>, target: Option<String>) -> Self {
        let status = status.unwrap_or_default();
        match verb {
            "reject" => Self::Reject { status, to: target },
            "refuse" => Self::Refuse { status },
            "redirect" => Self::Redirect { to: target.unwrap_or_default() },
            "send_on" => Self::SendOn { status, to: target },
            "ring" => Self::Ring,
            "stand_aside" => Self::StandAside,
            _ => Self::Ignore,
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ended {
    pub(crate) at: Timestamp,
    /// The final response, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// `acknowledged`, `never acknowledged`, `the caller gave up`, `answered elsewhere`, …
    pub(crate) how: Cow<'static, str>,
}

impl Ended {
    /// How a call ended whose caller has acknowledged its final response.
    pub(crate) const ACKNOWLEDGED: &'static str = "acknowledged";
    /// How a call ended that another phone answered.
    pub(crate) const ELSEWHERE: &'static str = "answered elsewhere";
    /// How a call ended that was not answered in time.
    pub(crate) const GAVE_UP: &'static str = "the caller gave up";

    /// Returns the end of a call as far as it can be: where no other phone rings, none has answered,
    /// whatever a CANCEL says.
    pub(super) fn of(self, call: &Kept) -> Self {
        if call.is_sole && self.how == Self::ELSEWHERE {
            return Self { how: Self::GAVE_UP.into(), ..self };
        }
        self
    }
}

/// An entry that a rule or a person added to a list for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Added {
    pub(crate) list: String,
    /// The caller, as [`super::identity()`] has it.
    pub(crate) identity: String,
    pub(crate) at: Timestamp,
    /// When it goes by itself; never without.
    pub(crate) until: Option<Timestamp>,
    /// The rule that added it; none when a person did.
    pub(crate) rule: Option<String>,
    /// [`Added::WITHHELD`] where the caller withheld the number.
    pub(crate) note: Option<String>,
}

impl Added {
    /// What is noted beside a number that is not to be shown.
    pub(crate) const WITHHELD: &'static str = "withheld";

    /// Tells whether the caller withheld the number.
    pub(crate) fn is_withheld(&self) -> bool {
        self.note.as_deref() == Some(Self::WITHHELD)
    }
}

/// A switch as it was last flipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flipped {
    pub(crate) name: String,
    pub(crate) is_on: bool,
    pub(crate) at: Timestamp,
    /// When it returns to its default by itself.
    pub(crate) until: Option<Timestamp>,
}

/// What waits in the queue, in the order in which it happened.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    Call(Arc<Kept>),
    Ended {
        id: String,
        ended: Ended,
    },
    /// We called a number.
    Dialed {
        identity: String,
        at: Timestamp,
    },
    /// A call of a number was answered.
    Answered {
        identity: String,
        at: Timestamp,
    },
    Added(Arc<Added>),
    Flipped(Arc<Flipped>),
}

impl Record {
    /// Returns when what it tells happened.
    pub(super) fn at(&self) -> Timestamp {
        match self {
            Self::Call(call) => call.at,
            Self::Ended { ended, .. } => ended.at,
            Self::Dialed { at, .. } | Self::Answered { at, .. } => *at,
            Self::Added(added) => added.at,
            Self::Flipped(flipped) => flipped.at,
        }
    }
}

/// A text that is JSON already, written as what it says instead of as a string. What is none, in a pack that is damaged, is
/// written as a string: an error here would hide every call behind it.
mod json {
    use serde::de::{Deserialize as _, Deserializer};
    use serde::ser::{Serialize as _, Serializer};
    use serde_json::Value;

    pub(super) fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        match serde_json::from_str::<Value>(text) {
            Ok(value) => value.serialize(serializer),
            Err(_) => serializer.serialize_str(text),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        Ok(Value::deserialize(deserializer)?.to_string())
    }
}

/// A duration as whole microseconds.
mod micros {
    use std::time::Duration;

    use serde::de::{Deserialize as _, Deserializer};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_micros)
    }
}
