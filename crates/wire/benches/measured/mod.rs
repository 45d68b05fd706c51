//! What is measured: reading and answering the INVITE of the rejected call's trace.

use ringfence_wire::sip::{HeaderName, Message, Printer, StatusCode, Uri};

pub(crate) const INVITE: &[u8] = include_bytes!("../../../testing/data/reject-trace/1-invite.sip");

pub(crate) fn invite() -> Message<'static> {
    Message::parse(INVITE).expect("the trace is well formed")
}

/// Reads the headers of RFC 3261 section 8.2, and the URIs in them.
pub(crate) fn read(invite: &Message<'_>) -> bool {
    let uri = Uri::parse(invite.request_uri().unwrap_or_default());
    invite.via().is_ok()
        && invite.from().is_ok_and(|from| from.uri().is_ok())
        && invite.to().is_ok_and(|to| to.uri().is_ok())
        && invite.cseq().is_ok()
        && invite.call_id().is_ok()
        && matches!(invite.max_forwards(), Some(Ok(_)))
        && invite.contacts().all(|contact| contact.is_ok())
        && uri.is_ok()
}

/// Writes a 486 to the INVITE.
pub(crate) fn answer(invite: &Message<'_>, out: &mut Vec<u8>) {
    let mut response = Printer::response(out, StatusCode::BUSY_HERE, None);
    for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
        response.copy(invite, name);
    }
    response.header("Warning", b"399 ringfence \"on the list\"");
    response.finish();
}
