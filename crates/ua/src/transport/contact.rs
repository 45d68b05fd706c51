//! By what others reach us: the URI of a Contact, and what it is made of.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Transport;
use crate::id::Uuid;

/// Where a Contact says that we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContactAddress {
    pub(crate) address: SocketAddr,
    pub(crate) transport: Transport,
    /// Whether it is a `sips` URI.
    pub(crate) is_secure: bool,
}

impl ContactAddress {
    /// Returns the URI by which a user is reached there.
    pub(crate) fn uri(&self, user: &str) -> String {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.8
        //# If the Request-URI or top Route header field value contains a SIPS URI, the Contact
        //# header field MUST contain a SIPS URI as well.
        let scheme = if self.is_secure { "sips" } else { "sip" };
        let transport = transport_parameter(self.transport, self.is_secure);
        let address = SocketAddr::new(self.address.ip(), self.address.port());
        let at = if user.is_empty() { "" } else { "@" };
        format!("{scheme}:{user}{at}{address}{transport}")
    }
}

/// By what a caller's later requests reach us: written as a URI when a response has it, which a rejection has not.
#[derive(Debug, Clone)]
pub(crate) enum OwnContact {
    /// What the registrar gave the line for that (RFC 5627).
    Gruu(Box<str>),
    /// The same where it is the line's address with a UUID ([`gruu_of`]).
    GruuOf {
        is_secure: bool,
        user: Arc<str>,
        domain: Arc<str>,
        uuid: Uuid,
    },
    At {
        contact: ContactAddress,
        user: Arc<str>,
    },
}

impl OwnContact {
    pub(crate) fn uri(&self) -> Cow<'_, str> {
        match self {
            Self::Gruu(uri) => Cow::Borrowed(uri),
            Self::GruuOf { is_secure, user, domain, uuid } => {
                Cow::Owned(gruu_of(*is_secure, user, domain, *uuid))
            }
            Self::At { contact, user } => Cow::Owned(contact.uri(user)),
        }
    }
}

/// Returns the GRUU that registrars make of a line's address and its instance-id, which is a UUID.
pub(crate) fn gruu_of(is_secure: bool, user: &str, domain: &str, uuid: Uuid) -> String {
    let scheme = if is_secure { "sips" } else { "sip" };
    format!("{scheme}:{user}@{domain};gr=urn:uuid:{uuid}")
}

/// Returns the parameter of a URI that says by what it is reached. UDP goes without saying, and so does TLS behind
/// `sips`.
pub(crate) fn transport_parameter(transport: Transport, is_secure: bool) -> String {
    //= https://www.rfc-editor.org/rfc/rfc3261#section-26.2.2
    //# The use of
    //# "transport=tls" has consequently been deprecated, partly because
    //# it was specific to a single hop of the request.
    // Registrars know no other way to be told of it in a `sip` URI.
    match (transport, is_secure) {
        (Transport::Udp, _) | (Transport::Tls, true) => String::new(),
        (transport, _) => format!(";transport={}", transport.uri_parameter()),
    }
}
