//! Decides calls from facts: numbers, lists, rules, with the reason.
//!
//! This crate is pure. It reads no clock, opens no file and knows no SIP: a program gives it what
//! it knows of a call as [`Facts`], and [`decide`] returns one [`Decision`], always. What a person
//! or a program wants to know of it is in [`Decision::explain`] and [`Policy::trace`].
//!
//! ```
//! use std::sync::Arc;
//! use jiff::Timestamp;
//! use ringfence_policy::{Caller, Facts, List, Policy, Region, decide};
//!
//! let switzerland = Region::parse("CH")?;
//! let (spam, errors) = List::parse_text("reject", "spam.txt", "+4179*  # sells wine\n", switzerland);
//! assert!(errors.is_empty());
//! let policy = Policy::of_lists(switzerland, Arc::new(List::empty("allow")), Arc::new(spam))?;
//!
//! let caller = Caller::from_header("+41791234567", "pbx.example");
//! let facts = Facts::new(&caller, "home", switzerland);
//! let now = Timestamp::UNIX_EPOCH;
//! let decision = decide(&policy, &facts, now);
//!
//! assert_eq!(decision.treatment().name(), "busy");
//! assert_eq!(
//!     decision.explain(&policy, &facts, now).to_string(),
//!     "rejected with 486: +41791234567 is on the reject list (entry +4179*, spam.txt:1, sells wine)"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action;
mod call;
mod caller;
mod check;
mod condition;
mod decide;
mod duration;
mod explain;
mod facts;
mod format;
mod history;
mod kind;
mod language;
mod list;
mod name_expression;
mod number;
mod pattern;
mod policy;
mod position;
mod printable;
mod reason;
mod rejection;
mod rule;
mod scene;
mod schedule;
mod set;
mod shared_parts;
mod source;
mod trace;
mod treatment;
mod tried;
mod unseen;
mod wildcard;

pub use action::{Action, Final, Redirection};
pub use call::{Call, CallTexts, OneOrMore};
pub use caller::{Caller, CallerId, CallerKind, KeptCaller};
pub use check::{Finding, check};
pub use condition::{Condition, Text};
pub use decide::{By, Decision, KeptDecision, decide};
pub use duration::parse_duration;
pub use explain::{ExplainedEntry, Explanation};
pub use facts::Facts;
pub use format::{Columns, Exported, Format, Row, RowError, RowFault, Rows, Tally};
pub use history::{Addition, Answer, History, NoHistory, Per};
pub use kind::KindSet;
pub use language::{
    Diagnostic, Draft, File, ListSource, ListSpec, Place, Severity, SourceError, SourceSpec, TestResult,
    brief, nearest, schema,
};
pub use list::{Entry, List, ListBuilder, ListError, ListFile, Origin, Record};
pub use name_expression::{NameExpression, NameExpressionError};
pub use number::{
    Ambiguous, Digits, E164, Fault, Invalid, LineKind, Number, NumberRange, Prefix, Region, UnknownRegion,
    Unresolved, normalise,
};
pub use pattern::{Expression, Pattern, PatternError};
pub use policy::{EmergencyEntry, Group, Mode, Policy, PolicyError, PolicyParts, Switch};
pub use position::{Aside, Line, Pass, Position};
pub use printable::{cut, is_dialable, is_unseen, quoted, visible};
pub use rejection::{Rejection, RetryAfter};
pub use rule::{AddTo, Log, Rollout, Rule, Share};
pub use schedule::{Event, Hours, Schedule};
pub use set::{Set, SetError, SetFull, SetWriter, Written};
pub use source::{Arrival, Attestation, Identity, Source, Trust, Verification};
pub use trace::{Trace, TracedFact, TracedRule, Verdict};
pub use treatment::{
    Announcement, Challenge, Forward, Hold, Only, Ringing, Target, Then, Treatment, TreatmentError, Work,
};
pub use wildcard::Wildcard;
