//! That reading a message allocates nothing.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what fails here fails the test")]

#[path = "../../../tests/counting_allocator.rs"]
mod counting_allocator;

use counting_allocator::allocations;
use ringfence_wire::sip::{Contact, HeaderName, Message, Printer, StatusCode, Uri};

const INVITE: &[u8] = include_bytes!("../../testing/data/reject-trace/1-invite.sip");

#[test]
fn parsing_an_invite_allocates_nothing() {
    assert_eq!(allocations(|| assert!(Message::parse(INVITE).is_ok())), 0);
}

#[test]
fn reading_what_a_server_needs_allocates_nothing() {
    let count = allocations(|| {
        let invite = Message::parse(INVITE).unwrap();
        assert!(Uri::parse(invite.request_uri().unwrap()).unwrap().user_unescaped().is_some());
        assert!(invite.vias().all(|via| via.unwrap().branch().is_some()));
        assert_eq!(invite.from().unwrap().display_name().as_deref(), Some("1002"));
        assert!(invite.from().unwrap().uri().is_ok());
        assert!(invite.to().unwrap().uri().is_ok());
        assert_eq!(invite.cseq().unwrap().number, 1);
        assert!(invite.call_id().is_ok());
        assert_eq!(invite.max_forwards(), Some(Ok(70)));
        assert!(invite.contacts().all(|contact| matches!(contact, Ok(Contact::Addr(_)))));
        assert_eq!(invite.tokens(HeaderName::Allow).count(), 11);
        assert!(invite.content_type().unwrap().unwrap().is("application", "sdp"));
    });
    assert_eq!(count, 0);
}

#[test]
fn answering_into_a_buffer_that_is_large_enough_allocates_nothing() {
    let invite = Message::parse(INVITE).unwrap();
    let mut out = Vec::with_capacity(2048);
    let count = allocations(|| {
        let mut response = Printer::response(&mut out, StatusCode::BUSY_HERE, None);
        for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq]
        {
            response.copy(&invite, name);
        }
        response
            .header_fmt("Warning", format_args!("399 ringfence {}", ringfence_wire::sip::quote("listed")));
        response.finish();
    });
    assert_eq!(count, 0);
}
