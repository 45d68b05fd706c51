//! What we are capable of, in the answer to an OPTIONS (RFC 3261 section 11.2).

use ringfence_wire::sip::Printer;

use super::{ACCEPT, ACCEPT_ENCODING, ALLOW};

/// Writes the capabilities.
pub(crate) fn write_capabilities(response: &mut Printer<'_>) {
    //= https://www.rfc-editor.org/rfc/rfc3261#section-11.2
    //# Allow, Accept, Accept-Encoding, Accept-Language, and Supported header
    //# fields SHOULD be present in a 200 (OK) response to an OPTIONS
    //# request.
    response.header("Allow", ALLOW.as_bytes());
    response.header("Accept", ACCEPT.as_bytes());
    response.header("Accept-Encoding", ACCEPT_ENCODING.as_bytes());
    response.header("Accept-Language", b"en");
    // Empty: no extension is supported (section 20.37).
    response.header("Supported", b"");
}
