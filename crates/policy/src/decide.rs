//! The decision: total, first match wins.

use jiff::Timestamp;

use crate::facts::{CallerId, Facts};
use crate::list::Entry;
use crate::number::Number;
use crate::policy::Policy;
use crate::treatment::Treatment;

/// Decides what happens to a call. Every call gets exactly one decision: the first rule that
/// matches, and the last one always does.
///
/// It allocates nothing and cannot fail.
///
/// ```
/// use ringfence_policy::{Caller, Facts, Policy, Region, Rule, decide};
///
/// let switzerland = Region::parse("CH")?;
/// let policy = Policy::builder(switzerland).build()?;
/// let facts = Facts::new(&Caller::from_header("+41791234567", "pbx.example"), "home", switzerland);
/// let now = "2026-03-01T12:00:00Z".parse()?;
/// assert_eq!(decide(&policy, &facts, now).rule(), Rule::Otherwise);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn decide<'p>(policy: &'p Policy, facts: &Facts<'_>, now: Timestamp) -> Decision<'p> {
    if is_emergency(policy, facts) {
        return Decision { rule: Rule::Emergency, treatment: policy.allowed(), entry: None };
    }
    if let entry @ Some(_) = policy.allow().find(&facts.caller, now) {
        return Decision { rule: Rule::Allowed, treatment: policy.allowed(), entry };
    }
    if let entry @ Some(_) = policy.reject().find(&facts.caller, now) {
        return Decision { rule: Rule::Listed, treatment: policy.listed(), entry };
    }
    Decision { rule: Rule::Otherwise, treatment: policy.otherwise(), entry: None }
}

fn is_emergency(policy: &Policy, facts: &Facts<'_>) -> bool {
    match facts.caller {
        CallerId::Number(Number::Internal(digits)) => {
            facts.psap_callback || policy.region().is_emergency(digits)
        }
        CallerId::Number(Number::E164(_))
        | CallerId::Implausible(..)
        | CallerId::Ambiguous(_)
        | CallerId::Name(_)
        | CallerId::Anonymous { .. }
        | CallerId::Unavailable
        | CallerId::Invalid(_) => facts.psap_callback,
    }
}

/// What happens to a call, and by which rule.
///
/// ```
/// use ringfence_policy::{Caller, Facts, Policy, Region, decide};
///
/// let switzerland = Region::parse("CH")?;
/// let policy = Policy::builder(switzerland).build()?;
/// let facts = Facts::new(&Caller::from_header("118", "pbx.example"), "home", switzerland);
/// let now = "2026-03-01T12:00:00Z".parse()?;
/// let decision = decide(&policy, &facts, now);
/// assert_eq!(decision.explain(&facts).to_string(), "let ring: 118 is an emergency number");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Decision<'p> {
    rule: Rule,
    treatment: &'p Treatment,
    entry: Option<Entry<'p>>,
}

impl<'p> Decision<'p> {
    /// Returns the rule that matched.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// Returns what is to be done.
    #[must_use]
    pub fn treatment(&self) -> &'p Treatment {
        self.treatment
    }

    /// Returns the entry of the list that matched.
    #[must_use]
    pub fn entry(&self) -> Option<Entry<'p>> {
        self.entry
    }
}

/// The rules, in the order in which they are tried.
///
/// ```
/// use ringfence_policy::Rule;
///
/// assert_eq!(Rule::Listed.as_str(), "listed");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// An emergency number, or an emergency centre that calls back: never refused.
    Emergency,
    /// The caller is on the allow list.
    Allowed,
    /// The caller is on the reject list.
    Listed,
    /// The caller is on neither.
    Otherwise,
}

impl Rule {
    /// Returns the rule's id.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Rule::Emergency => "emergency",
            Rule::Allowed => "allowed",
            Rule::Listed => "listed",
            Rule::Otherwise => "otherwise",
        }
    }
}
