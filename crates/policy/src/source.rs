//! Where a fact was read and how far it is trusted; where a call came from; how far its number is vouched for.

/// Where a fact was read.
///
/// ```
/// use ringfence_policy::{Source, Trust};
///
/// assert_eq!(Source::From.trust(), Trust::Claimed);
/// assert_eq!(Source::AssertedIdentity.as_str(), "P-Asserted-Identity");
/// ```
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub enum Source {
    /// The From header, which anybody can fill as they like.
    From,
    /// The P-Asserted-Identity header of a trusted peer.
    #[serde(rename = "P-Asserted-Identity")]
    AssertedIdentity,
    /// The Remote-Party-ID header of a trusted peer.
    #[serde(rename = "Remote-Party-ID")]
    RemotePartyId,
    /// The Request-URI.
    #[serde(rename = "Request-URI")]
    RequestUri,
    /// The To header.
    To,
    /// The P-Called-Party-ID header.
    #[serde(rename = "P-Called-Party-ID")]
    CalledPartyId,
    /// A person who asks what would happen.
    #[default]
    #[serde(rename = "told")]
    Told,
}

impl Source {
    /// Returns the name of the header, or what else it is.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Source::From => "From",
            Source::AssertedIdentity => "P-Asserted-Identity",
            Source::RemotePartyId => "Remote-Party-ID",
            Source::RequestUri => "Request-URI",
            Source::To => "To",
            Source::CalledPartyId => "P-Called-Party-ID",
            Source::Told => "told",
        }
    }

    /// Returns how far a fact from there is trusted.
    #[must_use]
    pub fn trust(self) -> Trust {
        match self {
            Source::AssertedIdentity | Source::RemotePartyId => Trust::Asserted,
            Source::From | Source::RequestUri | Source::To | Source::CalledPartyId | Source::Told => {
                Trust::Claimed
            }
        }
    }
}

/// How far a fact is trusted.
///
/// ```
/// use ringfence_policy::Trust;
///
/// assert!(Trust::Claimed < Trust::Asserted);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Trust {
    /// The caller says so.
    Claimed,
    /// A trusted peer says so.
    Asserted,
}

impl Trust {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Trust::Claimed => "claimed",
            Trust::Asserted => "asserted",
        }
    }
}

/// Where a call came from.
///
/// ```
/// use ringfence_policy::Arrival;
///
/// assert!(Arrival::Peer.is_trusted());
/// assert!(!Arrival::Anyone.is_trusted());
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// From the line's registrar or proxy.
    Registrar,
    /// From a peer that the configuration names.
    Peer,
    /// From elsewhere, with the token that only the registrar was given.
    Token,
    /// From anyone.
    #[serde(alias = "not_registrar")]
    Anyone,
}

impl Arrival {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Arrival::Registrar => "registrar",
            Arrival::Peer => "peer",
            Arrival::Token => "token",
            Arrival::Anyone => "anyone",
        }
    }

    /// Returns whether the registrar sent it, or was told where to.
    #[must_use]
    pub fn is_from_registrar(self) -> bool {
        match self {
            Arrival::Registrar | Arrival::Peer | Arrival::Token => true,
            Arrival::Anyone => false,
        }
    }

    /// Returns whether what it asserts is believed.
    #[must_use]
    pub fn is_trusted(self) -> bool {
        match self {
            Arrival::Registrar | Arrival::Peer => true,
            Arrival::Token | Arrival::Anyone => false,
        }
    }
}

/// Whether the caller's number was verified (RFC 8224).
///
/// ```
/// use ringfence_policy::Verification;
///
/// assert_eq!(Verification::default().as_str(), "unchecked");
/// ```
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// Nobody has said.
    #[default]
    Unchecked,
    /// It is the caller's own.
    Passed,
    /// It is not.
    Failed,
    /// There was nothing to verify.
    None,
}

impl Verification {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verification::Unchecked => "unchecked",
            Verification::Passed => "passed",
            Verification::Failed => "failed",
            Verification::None => "none",
        }
    }
}

/// How far the caller's provider vouches for the number (RFC 8588).
///
/// ```
/// use ringfence_policy::Attestation;
///
/// assert_eq!(Attestation::default().as_str(), "none");
/// ```
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
pub enum Attestation {
    /// Full: it knows the customer, and that the number is theirs.
    A,
    /// Partial: it knows the customer.
    B,
    /// Gateway: it knows neither.
    C,
    /// It says nothing.
    #[default]
    #[serde(rename = "none")]
    None,
}

impl Attestation {
    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Attestation::A => "A",
            Attestation::B => "B",
            Attestation::C => "C",
            Attestation::None => "none",
        }
    }
}

/// Whose word counts for who calls.
///
/// ```
/// use ringfence_policy::Identity;
///
/// assert_eq!(Identity::Asserted.as_str(), "pai");
/// ```
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// A signed `PASSporT` (RFC 8225): not verified yet, it counts for nothing.
    Passport,
    /// What the provider says it has verified, in the parameter `verstat`.
    Verstat,
    /// P-Asserted-Identity of a trusted peer.
    #[serde(rename = "pai", alias = "asserted")]
    Asserted,
    /// Remote-Party-ID of a trusted peer.
    #[serde(rename = "rpid")]
    RemoteParty,
    /// From, which anyone can write.
    From,
}

impl Identity {
    /// Returns whether it says who calls; the others say what is to be believed of that.
    pub(crate) fn names_callers(self) -> bool {
        match self {
            Identity::Passport | Identity::Verstat => false,
            Identity::Asserted | Identity::RemoteParty | Identity::From => true,
        }
    }

    /// Returns the word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Identity::Passport => "passport",
            Identity::Verstat => "verstat",
            Identity::Asserted => "pai",
            Identity::RemoteParty => "rpid",
            Identity::From => "from",
        }
    }
}
