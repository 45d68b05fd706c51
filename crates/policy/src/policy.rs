//! A policy: two lists and three rules.
//!
//! ```text
//!  emergency    an emergency number or call-back             as allowed     not to be configured away
//!  allowed      a caller on the allow list                   ring, redirect
//!  listed       a caller on the reject list                  any treatment
//!  otherwise    everyone else                                any treatment
//! ```

use std::fmt;
use std::sync::Arc;

use crate::list::{Entry, List};
use crate::number::{Number, Region};
use crate::pattern::Pattern;
use crate::treatment::{Rejection, Treatment, Welcome};

/// Which callers are allowed, which are refused, and what happens to everyone else.
///
/// ```
/// use ringfence_policy::{Policy, Region, Rejection};
///
/// let policy = Policy::builder(Region::parse("CH")?).otherwise(Rejection::new(603)?).build()?;
/// assert_eq!(policy.otherwise().to_string(), "reject with 603");
/// assert_eq!(policy.listed().to_string(), "reject with 486");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Policy {
    region: Region,
    allow: Arc<List>,
    reject: Arc<List>,
    allowed: Treatment,
    listed: Treatment,
    otherwise: Treatment,
}

impl Policy {
    /// Starts a policy with empty lists, that rejects listed callers with 486 and lets everyone
    /// else ring.
    pub fn builder(region: Region) -> PolicyBuilder {
        PolicyBuilder(Policy {
            region,
            allow: Arc::new(List::empty("allow")),
            reject: Arc::new(List::empty("reject")),
            allowed: Welcome::default().into(),
            listed: Rejection::busy().into(),
            otherwise: Welcome::default().into(),
        })
    }

    /// Returns the region whose emergency numbers are never refused.
    #[must_use]
    pub fn region(&self) -> Region {
        self.region
    }

    /// Returns the callers that are never refused.
    #[must_use]
    pub fn allow(&self) -> &Arc<List> {
        &self.allow
    }

    /// Returns the callers that are refused.
    #[must_use]
    pub fn reject(&self) -> &Arc<List> {
        &self.reject
    }

    /// Returns what is done with callers on the allow list: it is never a refusal.
    #[must_use]
    pub fn allowed(&self) -> &Treatment {
        &self.allowed
    }

    /// Returns what is done with callers on the reject list.
    #[must_use]
    pub fn listed(&self) -> &Treatment {
        &self.listed
    }

    /// Returns what is done with everyone else.
    #[must_use]
    pub fn otherwise(&self) -> &Treatment {
        &self.otherwise
    }
}

/// Puts a policy together.
///
/// ```
/// use std::sync::Arc;
/// use ringfence_policy::{List, Policy, Region, Treatment};
///
/// let switzerland = Region::parse("CH")?;
/// let (spam, _) = List::parse_text("reject", "spam.txt", "anonymous", switzerland);
/// let policy = Policy::builder(switzerland).reject(Arc::new(spam)).listed(Treatment::Ignore).build()?;
/// assert_eq!(policy.reject().len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct PolicyBuilder(Policy);

impl PolicyBuilder {
    /// Sets the callers that are never refused.
    pub fn allow(mut self, list: Arc<List>) -> Self {
        self.0.allow = list;
        self
    }

    /// Sets the callers that are refused.
    pub fn reject(mut self, list: Arc<List>) -> Self {
        self.0.reject = list;
        self
    }

    /// Sets what is done with callers on the allow list.
    pub fn allowed(mut self, welcome: Welcome) -> Self {
        self.0.allowed = welcome.into();
        self
    }

    /// Sets what is done with callers on the reject list.
    pub fn listed(mut self, treatment: impl Into<Treatment>) -> Self {
        self.0.listed = treatment.into();
        self
    }

    /// Sets what is done with everyone else.
    pub fn otherwise(mut self, treatment: impl Into<Treatment>) -> Self {
        self.0.otherwise = treatment.into();
        self
    }

    /// Makes the policy, unless its reject list names an emergency number.
    pub fn build(self) -> Result<Policy, PolicyError> {
        let policy = self.0;
        let named = policy
            .region
            .emergencies()
            .filter_map(|digits| policy.reject.find_pattern(&Pattern::Exact(Number::Internal(digits))));
        let entries: Vec<EmergencyEntry> = named.map(EmergencyEntry::new).collect();
        if entries.is_empty() { Ok(policy) } else { Err(PolicyError { entries }) }
    }
}

/// Why a policy is refused: its reject list names emergency numbers.
///
/// ```
/// use std::sync::Arc;
/// use ringfence_policy::{List, Policy, Region};
///
/// let switzerland = Region::parse("CH")?;
/// let (list, _) = List::parse_text("reject", "spam.txt", "112", switzerland);
/// let error = Policy::builder(switzerland).reject(Arc::new(list)).build().unwrap_err();
/// assert_eq!(error.to_string(), "spam.txt:1: 112 is an emergency number and cannot be refused");
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    entries: Vec<EmergencyEntry>,
}

impl PolicyError {
    /// Returns the entries, at least one.
    #[must_use]
    pub fn entries(&self) -> &[EmergencyEntry] {
        &self.entries
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, entry) in self.entries.iter().enumerate() {
            let joint = if index == 0 { "" } else { "; " };
            write!(f, "{joint}{entry}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {}

/// An emergency number on a reject list.
///
/// ```
/// use std::sync::Arc;
/// use ringfence_policy::{List, Policy, Region};
///
/// let germany = Region::parse("DE")?;
/// let (list, _) = List::parse_text("reject", "spam.txt", "\n110", germany);
/// let error = Policy::builder(germany).reject(Arc::new(list)).build().unwrap_err();
/// assert_eq!((error.entries()[0].written(), error.entries()[0].line()), ("110", 2));
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmergencyEntry {
    written: String,
    file: Option<String>,
    line: u32,
    origin: String,
}

impl EmergencyEntry {
    fn new(entry: Entry<'_>) -> Self {
        let origin = entry.origin();
        Self {
            written: entry.written().to_owned(),
            file: origin.file().map(str::to_owned),
            line: origin.line(),
            origin: origin.to_string(),
        }
    }

    /// Returns the entry as it was written.
    #[must_use]
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Returns the file; `None` for an entry written inline.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Returns the line in the file, or which of the inline entries it is, counted from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }
}

impl fmt::Display for EmergencyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} is an emergency number and cannot be refused", self.origin, self.written)
    }
}
