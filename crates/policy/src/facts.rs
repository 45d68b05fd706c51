//! What is known of a call, from where, and how far it is trusted.

use crate::caller::{Caller, CallerId, CallerKind};
use crate::history::{History, NoHistory};
use crate::number::Region;
use crate::source::{Arrival, Attestation, Source, Verification};

/// All that is known of a call. Each fact has a value for "no answer": nothing is unknown to a rule.
///
/// ```
/// use ringfence_policy::{Caller, CallerKind, Facts, Region, Source};
///
/// let switzerland = Region::parse("CH")?;
/// let caller = Caller::from_header("0791234567", "pbx.example");
/// let facts = Facts { called: Some(("1001", Source::RequestUri)), ..Facts::new(&caller, "home", switzerland) };
/// assert_eq!(facts.caller.to_string(), "+41791234567");
/// assert_eq!(facts.raw, "0791234567");
/// # Ok::<(), ringfence_policy::UnknownRegion>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Who is calling.
    pub caller: CallerId<'a>,
    /// The caller as the header has it.
    pub raw: &'a str,
    /// The name the header gives the caller: decoration, never a reason to let a call pass.
    pub display_name: Option<&'a str>,
    /// Where the caller was read.
    pub source: Source,
    /// Who was called, and where that was read.
    pub called: Option<(&'a str, Source)>,
    /// The line the call came on.
    pub line: &'a str,
    /// The groups the line is in.
    pub groups: &'a [Box<str>],
    /// Where the call came from.
    pub arrival: Arrival,
    /// Whether the caller's number was verified.
    pub verification: Verification,
    /// How far the provider vouches for it.
    pub attestation: Attestation,
    /// Where the verification and the attestation were read.
    pub vouched: Option<Source>,
    /// What the caller's software calls itself.
    pub user_agent: Option<&'a str>,
    /// Who sent the call on, as the header has it.
    pub diverted: Option<&'a str>,
    /// Whether an emergency centre calls back (RFC 7090), said by a trusted peer.
    pub psap_callback: bool,
    /// Lists that are said to have the caller, whatever is on them: in tests of a policy.
    pub listed: &'a [Box<str>],
    /// What happened before.
    pub history: &'a dyn History,
}

/// There is a name, which is not to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NameWithheld;

impl<'a> Facts<'a> {
    /// Gathers what a header says of the caller, by the habits of the line's region.
    #[must_use]
    pub fn new(caller: &Caller<'a>, line: &'a str, region: Region) -> Self {
        Self::of(caller, caller.identify(region), line)
    }

    /// Gathers the same where it is known who that is.
    pub(crate) fn of(caller: &Caller<'a>, who: CallerId<'a>, line: &'a str) -> Self {
        Self {
            caller: who,
            raw: caller.user,
            display_name: caller.display_name,
            source: caller.source,
            called: None,
            line,
            groups: &[],
            arrival: Arrival::Registrar,
            verification: Verification::Unchecked,
            attestation: Attestation::None,
            vouched: None,
            user_agent: None,
            diverted: None,
            psap_callback: false,
            listed: &[],
            history: &NoHistory,
        }
    }

    /// Returns the display name, unless it may be the one of an identity that the caller withholds: then that there is
    /// one.
    pub(crate) fn shown_name(&self) -> Option<Result<&'a str, NameWithheld>> {
        let is_asserted = matches!(self.source, Source::AssertedIdentity | Source::RemotePartyId);
        let hides = self.caller.kind() == CallerKind::Anonymous && is_asserted;
        self.display_name
            .map(|name| if hides || self.caller.is_withheld() { Err(NameWithheld) } else { Ok(name) })
    }
}
