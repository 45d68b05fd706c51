//! Decides calls from facts: numbers, lists, rules, with the reason.
//!
//! This crate is pure. It reads no clock, opens no file and knows no SIP: a program gives it what
//! it knows of a call as [`Facts`], and [`decide`] returns one [`Decision`], always. What a person
//! or a program wants to know of it is in [`Decision::explain`].
//!
//! ```
//! use std::sync::Arc;
//! use ringfence_policy::{Caller, Facts, List, Policy, Region, Treatment, decide};
//!
//! let switzerland = Region::parse("CH")?;
//! let (spam, errors) = List::parse_text("reject", "spam.txt", "+4179*  # sells wine\n", switzerland);
//! assert!(errors.is_empty());
//! let policy = Policy::builder(switzerland).reject(Arc::new(spam)).build()?;
//!
//! let caller = Caller::from_header("+41791234567", "pbx.example");
//! let facts = Facts::new(&caller, "home", switzerland);
//! let now = "2026-03-01T12:00:00Z".parse()?;
//! let decision = decide(&policy, &facts, now);
//!
//! assert!(matches!(decision.treatment(), Treatment::Reject(_)));
//! assert_eq!(
//!     decision.explain(&facts).to_string(),
//!     "rejected with 486: +41791234567 is on the reject list (entry +4179*, spam.txt:1, sells wine)"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod check;
mod decide;
mod explain;
mod facts;
mod format;
mod list;
mod number;
mod pattern;
mod policy;
mod printable;
mod set;
mod treatment;

pub use check::{Finding, Severity, check};
pub use decide::{Decision, Rule, decide};
pub use explain::{Action, ExplainedEntry, Explanation};
pub use facts::{Caller, CallerId, CallerKind, Facts, Source, Trust};
pub use format::{Columns, Exported, Format, Row, RowError, RowFault, Rows, Tally};
pub use list::{Entry, List, ListBuilder, ListError, ListFile, Origin, Record};
pub use number::{
    Ambiguous, Digits, E164, Fault, Invalid, Number, NumberRange, Prefix, Region, UnknownRegion, Unresolved,
    normalise,
};
pub use pattern::{Expression, Pattern, PatternError};
pub use policy::{EmergencyEntry, Policy, PolicyBuilder, PolicyError};
pub use set::{Set, SetError, SetFull, SetWriter, Written};
pub use treatment::{Rejection, Target, Treatment, TreatmentError, Welcome};
