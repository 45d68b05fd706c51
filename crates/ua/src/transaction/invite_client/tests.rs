use super::super::timers::{T4, epoch};
use super::*;

const INVITE: &[u8] = b"INVITE sip:bob@biloxi.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff\r\n\
    Route: <sip:p1.example.com;lr>\r\n\
    To: Bob <sip:bob@biloxi.com>\r\n\
    From: Alice <sip:alice@atlanta.com>;tag=88sja8x\r\n\
    Max-Forwards: 70\r\nCall-ID: 987asjd97y7atg\r\nCSeq: 986759 INVITE\r\n\r\n";

fn response(status: &str) -> Vec<u8> {
    format!(
        "SIP/2.0 {status}\r\nVia: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff;received=192.0.2.1\r\n\
         To: Bob <sip:bob@biloxi.com>;tag=99sa0xk\r\nFrom: Alice <sip:alice@atlanta.com>;tag=88sja8x\r\n\
         Call-ID: 987asjd97y7atg\r\nCSeq: 986759 INVITE\r\n\r\n"
    )
    .into_bytes()
}

fn take(transaction: &mut InviteClient, now: Instant, status: &str) -> bool {
    let bytes = response(status);
    transaction.handle_response(now, &Message::parse(&bytes).unwrap())
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# The initial state, "calling", MUST be entered when the TU initiates a new client transaction
//# with an INVITE request.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# The client transaction MUST pass the request to the transport layer for transmission (see
//# Section 18).
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# If an unreliable transport is being used, the client transaction MUST start timer A with a value
//# of T1.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# When timer A fires, the client transaction MUST retransmit the request by passing it to the
//# transport layer, and MUST reset the timer with a value of 2*T1.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# When timer A fires 2*T1 seconds later, the request MUST be retransmitted again (assuming the
//# client transaction is still in this state).
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# This process MUST continue so that the request is retransmitted with intervals that double after
//# each transmission.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# Whatever the value of T1, the exponential backoffs on retransmissions described in this section
//# MUST be used.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# The client transaction MUST NOT generate an ACK.
#[test]
fn timer_a_doubles_without_a_cap_until_timer_b() {
    let start = epoch();
    let mut transaction = InviteClient::new(start, false, INVITE.to_vec());
    assert_eq!(transaction.poll_transmit(), Some(INVITE));
    let (mut sent, mut last) = (Vec::new(), start);
    while let Some(due) = transaction.poll_timeout() {
        last = due;
        transaction.handle_timeout(due);
        if let Some(request) = transaction.poll_transmit() {
            assert_eq!(request, INVITE);
            sent.push((due - start).as_millis());
        }
    }
    assert_eq!(sent, [500, 1500, 3500, 7500, 15500, 31500], "seven requests in all");
    assert_eq!(last, start + 64 * T1);
    assert!(transaction.has_timed_out());
    assert_eq!(transaction.poll_transmit(), None, "nothing is acknowledged that did not come");
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# For any transport, the client transaction MUST start timer B with a value of 64*T1 seconds
//# (Timer B controls transaction timeouts).
#[test]
fn over_a_reliable_transport_the_invite_goes_out_once_and_timer_b_runs_all_the_same() {
    let start = epoch();
    let mut transaction = InviteClient::new(start, true, INVITE.to_vec());
    assert_eq!(transaction.poll_transmit(), Some(INVITE));
    assert_eq!(transaction.poll_timeout(), Some(start + 64 * T1));
    transaction.handle_timeout(start + 64 * T1);
    assert_eq!(transaction.poll_transmit(), None);
    assert!(transaction.has_timed_out());
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# Furthermore, the provisional response MUST be passed to the TU.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# Any further provisional responses MUST be passed up to the TU while in the "Proceeding" state.
#[test]
fn a_provisional_response_ends_the_retransmissions() {
    let start = epoch();
    let mut transaction = InviteClient::new(start, false, INVITE.to_vec());
    assert!(take(&mut transaction, start, "100 Trying"));
    assert_eq!(transaction.poll_transmit(), None);
    assert_eq!(transaction.poll_timeout(), None);
    assert!(take(&mut transaction, start, "180 Ringing"));
    assert!(take(&mut transaction, start, "180 Ringing"), "each of them is the user's");
}

/// An INVITE that nobody has answered, or that rings.
fn undecided(now: Instant, is_reliable: bool, rings: bool) -> InviteClient {
    let mut transaction = InviteClient::new(now, is_reliable, INVITE.to_vec());
    transaction.poll_transmit();
    if rings {
        assert!(take(&mut transaction, now, "180 Ringing"));
    }
    transaction
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# When in either the "Calling" or "Proceeding" states, reception of a response with status code
//# from 300-699 MUST cause the client transaction to transition to "Completed".
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# The client transaction MUST pass the received response up to the TU, and the client transaction
//# MUST generate an ACK request, even if the transport is reliable (guidelines for constructing the
//# ACK from the response are given in Section 17.1.1.3) and then pass the ACK to the transport
//# layer for transmission.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
//= type=test
//# The client transaction MUST start Timer D when it enters the "Completed" state for any reason,
//# with a value of at least 32 seconds for unreliable transports, and a value of zero seconds for
//# reliable transports.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
//= type=test
//# When in either the "Calling" or "Proceeding" states, reception of a response with status code
//# from 300-699 MUST cause the client transaction to transition to "Completed".
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
//= type=test
//# The client transaction MUST pass the received response up to the TU, and the client transaction
//# MUST generate an ACK request, even if the transport is reliable (guidelines for constructing the
//# ACK from the response are given in Section 17.1.1.3), and then pass the ACK to the transport
//# layer for transmission.
#[test]
fn a_rejection_is_passed_up_and_acknowledged_whether_or_not_it_rang_and_over_any_transport() {
    let now = epoch();
    for (is_reliable, rings) in [(false, false), (false, true), (true, false), (true, true)] {
        for status in ["300 Multiple Choices", "486 Busy Here", "699 No"] {
            let mut transaction = undecided(now, is_reliable, rings);
            assert!(take(&mut transaction, now, status));
            assert!(transaction.poll_transmit().unwrap().starts_with(b"ACK "));
            let timer_d = if is_reliable { Duration::ZERO } else { Duration::from_secs(32) };
            assert_eq!(transaction.poll_timeout(), Some(now + timer_d));
            transaction.handle_timeout(now + timer_d);
            assert!(transaction.is_terminated());
            assert!(!take(&mut transaction, now, status), "it is over");
        }
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.3
//= type=test
//# The ACK request constructed by the client transaction MUST contain values for the Call-ID, From,
//# and Request-URI that are equal to the values of those header fields in the request passed to the
//# transport by the client transaction (call this the "original request").
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.3
//= type=test
//# The To header field in the ACK MUST equal the To header field in the response being
//# acknowledged, and therefore will usually differ from the To header field in the original request
//# by the addition of the tag parameter.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.3
//= type=test
//# The ACK MUST contain a single Via header field, and this MUST be equal to the top Via header
//# field of the original request.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.3
//= type=test
//# The CSeq header field in the ACK MUST contain the same value for the sequence number as was
//# present in the original request, but the method parameter MUST be equal to "ACK".
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.3
//= type=test
//# If the INVITE request whose response is being acknowledged had Route header fields, those header
//# fields MUST appear in the ACK.
#[test]
fn the_ack_of_a_rejection_is_the_rfcs_example() {
    let now = epoch();
    let mut transaction = InviteClient::new(now, false, INVITE.to_vec());
    transaction.poll_transmit();
    assert!(take(&mut transaction, now, "486 Busy Here"));
    let sent = transaction.poll_transmit().unwrap().to_vec();
    let ack = Message::parse(&sent).unwrap();
    assert!(sent.starts_with(b"ACK sip:bob@biloxi.com SIP/2.0\r\n"));
    assert_eq!(ack.vias().count(), 1);
    let invite = Message::parse(INVITE).unwrap();
    for name in [HeaderName::Via, HeaderName::From, HeaderName::CallId] {
        assert_eq!(ack.first(name), invite.first(name), "{name} is the request's, not the response's");
    }
    assert_eq!(ack.to().unwrap().tag(), Some(&b"99sa0xk"[..]));
    assert_eq!(ack.first(HeaderName::Route), Some(&b"<sip:p1.example.com;lr>"[..]));
    assert_eq!(ack.first(HeaderName::CSeq), Some(&b"986759 ACK"[..]));
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-8.2.2.3
//= type=test
//# Note that Require and Proxy-Require MUST NOT be used in a SIP CANCEL request, or in an ACK
//# request sent for a non-2xx response.
#[test]
fn the_ack_of_a_rejection_requires_nothing_that_its_invite_required() {
    let now = epoch();
    let invite = String::from_utf8(INVITE.to_vec()).unwrap();
    let invite = invite.replacen("Max-Forwards", "Require: x\r\nProxy-Require: y\r\nMax-Forwards", 1);
    let mut transaction = InviteClient::new(now, false, invite.into_bytes());
    assert!(take(&mut transaction, now, "420 Bad Extension"));
    let sent = transaction.poll_transmit().unwrap().to_vec();
    let ack = Message::parse(&sent).unwrap();
    assert!(sent.starts_with(b"ACK ") && !ack.has(HeaderName::Require) && !ack.has(HeaderName::ProxyRequire));
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# Any retransmissions of the final response that are received while in the "Completed" state MUST
//# cause the ACK to be re-passed to the transport layer for retransmission, but the newly received
//# response MUST NOT be passed up to the TU.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.2
//= type=test
//# If timer D fires while the client transaction is in the "Completed" state, the client
//# transaction MUST move to the terminated state.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
//= type=test
//# Any retransmissions of a response with status code 300-699 that are received while in the
//# "Completed" state MUST cause the ACK to be re-passed to the transport layer for retransmission,
//# but the newly received response MUST NOT be passed up to the TU.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
//= type=test
//# If Timer D fires while the client transaction is in the "Completed" state, the client
//# transaction MUST move to the "Terminated" state.
#[test]
fn a_retransmitted_rejection_is_acknowledged_again_for_timer_d() {
    let now = epoch();
    let mut transaction = InviteClient::new(now, false, INVITE.to_vec());
    take(&mut transaction, now, "486 Busy Here");
    transaction.poll_transmit();
    assert!(!take(&mut transaction, now + T4, "486 Busy Here"), "not passed up again");
    assert!(transaction.poll_transmit().unwrap().starts_with(b"ACK "));
    transaction.handle_timeout(now + TIMER_D);
    assert!(transaction.is_terminated() && !transaction.has_timed_out());
}

//= https://www.rfc-editor.org/rfc/rfc6026#section-7.2
//= type=test
//# If a 2xx response is received while the client INVITE state machine is in the "Calling" or
//# "Proceeding" states, it MUST transition to the "Accepted" state, pass the 2xx response to the
//# TU, and set Timer M to 64*T1.
//= https://www.rfc-editor.org/rfc/rfc6026#section-7.2
//= type=test
//# A 2xx response received while in the "Accepted" state MUST be passed to the TU and the machine
//# remains in the "Accepted" state.
//= https://www.rfc-editor.org/rfc/rfc6026#section-7.2
//= type=test
//# The client transaction MUST NOT generate an ACK to any 2xx response on its own.
//= https://www.rfc-editor.org/rfc/rfc6026#section-7.2
//= type=test
//# When Timer M fires and the state machine is in the "Accepted" state, the machine MUST transition
//# to the "Terminated" state.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
//= type=test
//# When a 2xx response is received while in either the "Calling" or "Proceeding" states, the client
//# transaction MUST transition to the "Accepted" state, and Timer M MUST be started with a value of
//# 64*T1.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
//= type=test
//# The 2xx response MUST be passed up to the TU.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
//= type=test
//# The client transaction MUST NOT generate an ACK to the 2xx response -- its handling is delegated
//# to the TU.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
//= type=test
//# Any 2xx responses that match this client transaction and that are received while in the
//# "Accepted" state MUST be passed up to the TU.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
//= type=test
//# The client transaction MUST NOT generate an ACK to the 2xx response.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.4
//= type=test
//# If Timer M fires while the client transaction is in the "Accepted" state, the client transaction
//# MUST move to the "Terminated" state.
//= https://www.rfc-editor.org/rfc/rfc6026#section-6
//= type=test
//# An element sending or receiving a 2xx to an INVITE transaction MUST NOT destroy any matching
//# INVITE transaction state.
#[test]
fn every_2xx_is_passed_up_until_timer_m() {
    let now = epoch();
    for rings in [false, true] {
        let mut transaction = undecided(now, false, rings);
        assert!(take(&mut transaction, now, "200 OK"));
        assert!(take(&mut transaction, now, "200 OK"));
        assert_eq!(transaction.poll_transmit(), None, "the ACK of a 2xx is not ours");
        assert_eq!(transaction.poll_timeout(), Some(now + 64 * T1));
        transaction.handle_timeout(now + 64 * T1);
        assert!(transaction.is_terminated() && !transaction.has_timed_out());
    }
}
