//! The user agent core (RFC 3261 section 8): what a UAS must say of a request before anyone
//! decides on it, how its responses are made, and how a challenge is answered.

pub mod auth;
mod objection;
mod options;
mod response;
mod uas;

pub use objection::Objection;
pub(crate) use options::write_capabilities;
pub(crate) use response::{Agent, Answering, Echo};
pub(crate) use uas::{is_spoken, object};

/// The methods that are taken: a BYE belongs to no call that we could have accepted, and is told so with 481.
//= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.1
//# The Allow header field MUST list the set of methods supported by the UAS generating the message.
//= https://www.rfc-editor.org/rfc/rfc3261#section-20.5
//# All methods, including ACK and CANCEL, understood by the UA MUST be included in the list of
//# methods in the Allow header field, when present.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS";
/// The bodies that are understood. Multiparts are let through: the part that describes the session is in them.
pub(crate) const ACCEPT: &str = "application/sdp, multipart/mixed, multipart/alternative, multipart/related";
/// The content codings that are understood.
pub(crate) const ACCEPT_ENCODING: &str = "identity";
