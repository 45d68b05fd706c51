use std::time::Duration;

use super::super::timers::epoch;
use super::*;

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
//= type=test
//# While in the "Proceeding" state, if the TU passes a response with status code from 300 to 699 to
//# the server transaction, the response MUST be passed to the transport layer for transmission, and
//# the state machine MUST enter the "Completed" state.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
//= type=test
//# If an ACK is received while the server transaction is in the "Completed" state, the server
//# transaction MUST transition to the "Confirmed" state.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
//= type=test
//# Once timer I fires, the server MUST transition to the "Terminated" state.
#[test]
fn a_rejection_is_retransmitted_on_timer_g_until_the_ack_is_absorbed() {
    let start = epoch();
    let mut transaction = InviteServer::new(false);
    assert!(transaction.respond(start, 486, b"486".to_vec()).is_some());
    assert_eq!(transaction.poll_transmit(), Some(&b"486"[..]));

    let mut sent_at = Vec::new();
    while sent_at.len() < 5 {
        let now = transaction.poll_timeout().unwrap();
        transaction.handle_timeout(now);
        if transaction.poll_transmit().is_some() {
            sent_at.push((now - start).as_millis());
        }
    }
    assert_eq!(sent_at, [500, 1500, 3500, 7500, 11500]);

    let acked = start + Duration::from_secs(12);
    assert!(transaction.handle_ack(acked));
    assert_eq!(transaction.poll_transmit(), None);
    assert_eq!(transaction.poll_timeout(), Some(acked + T4));
    assert!(transaction.handle_ack(acked + T1), "a retransmitted ACK is absorbed");
    transaction.handle_timeout(acked + T4);
    assert_eq!(transaction.end(), Some(InviteServerEnd::Acknowledged));
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
//= type=test
//# When the "Completed" state is entered, timer H MUST be set to fire in 64*T1 seconds for all
//# transports.
#[test]
fn without_an_ack_timer_h_ends_it_after_64_t1() {
    let start = epoch();
    for is_reliable in [true, false] {
        let mut transaction = InviteServer::new(is_reliable);
        transaction.respond(start, 486, b"486".to_vec());
        let mut last = start;
        while let Some(due) = transaction.poll_timeout() {
            last = due;
            transaction.handle_timeout(due);
        }
        assert_eq!(last, start + 64 * T1);
        assert_eq!(transaction.end(), Some(InviteServerEnd::Unacknowledged));
    }
}

#[test]
fn timer_g_never_runs_on_a_reliable_transport() {
    let start = epoch();
    let mut transaction = InviteServer::new(true);
    transaction.respond(start, 486, b"486".to_vec());
    assert_eq!(transaction.poll_timeout(), Some(start + 64 * T1));
    transaction.handle_ack(start);
    assert_eq!(transaction.poll_timeout(), Some(start), "timer I is zero");
}

#[test]
fn a_stranger_gets_no_more_than_he_sends() {
    let (now, mut transaction) = (epoch(), InviteServer::new(false).towards_stranger());
    transaction.respond(now, 100, b"100".to_vec());
    assert_eq!(transaction.poll_transmit(), None);
    assert!(!transaction.has_answered());
    transaction.respond(now, 180, b"180".to_vec());
    assert_eq!(transaction.poll_transmit(), None, "the final response is not to be without a request");
    transaction.handle_invite();
    assert_eq!(transaction.poll_transmit(), Some(&b"180"[..]));
    transaction.respond(now, 486, b"486".to_vec());
    assert_eq!(transaction.poll_transmit(), Some(&b"486"[..]));
    while let Some(due) = transaction.poll_timeout() {
        transaction.handle_timeout(due);
        assert_eq!(transaction.poll_transmit(), None, "timer G");
    }
}

#[test]
fn a_stranger_whose_answer_was_lost_has_it_when_he_asks_again() {
    let (now, mut transaction) = (epoch(), InviteServer::new(false).towards_stranger());
    transaction.respond(now, 486, b"486".to_vec());
    assert_eq!(transaction.poll_transmit(), Some(&b"486"[..]));
    transaction.handle_invite();
    assert_eq!(transaction.poll_transmit(), Some(&b"486"[..]));
}

#[test]
fn the_first_final_response_decides() {
    let now = epoch();
    let mut transaction = InviteServer::new(false);
    assert!(transaction.respond(now, 486, b"486".to_vec()).is_some());
    assert_eq!(transaction.respond(now, 200, b"200".to_vec()), None);
    assert_eq!(transaction.poll_transmit(), Some(&b"486"[..]));
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
//= type=test
//# So long as the server transaction is in the "Proceeding" state, each of these MUST be passed to
//# the transport layer for transmission.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
//= type=test
//# If a request retransmission is received while in the "Proceeding" state, the most recent
//# provisional response that was received from the TU MUST be passed to the transport layer for
//# retransmission.
#[test]
fn a_retransmitted_invite_gets_the_newest_response_again() {
    let now = epoch();
    let mut transaction = InviteServer::new(false);
    transaction.handle_invite();
    assert_eq!(transaction.poll_transmit(), None, "nothing was answered yet");
    for (status, text) in [(100, b"100"), (180, b"180"), (486, b"486")] {
        transaction.respond(now, status, text.to_vec());
        assert_eq!(transaction.poll_transmit(), Some(&text[..]));
        transaction.handle_invite();
        assert_eq!(transaction.poll_transmit(), Some(&text[..]));
    }
    transaction.handle_ack(now);
    transaction.handle_invite();
    assert_eq!(transaction.poll_transmit(), None, "Confirmed absorbs it");
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
//= type=test
//# If, while in the "Proceeding" state, the TU passes a 2xx response to the server transaction, the
//# server transaction MUST pass this response to the transport layer for transmission.
//= https://www.rfc-editor.org/rfc/rfc6026#section-6
//= type=test
//# An element sending or receiving a 2xx to an INVITE transaction MUST NOT destroy any matching
//# INVITE transaction state.
//= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
//= type=test
//# If the SIP element's TU (Transaction User) issues a 2xx response for this transaction while the
//# state machine is in the "Proceeding" state, the state machine MUST transition to the "Accepted"
//# state and set Timer L to 64*T1, where T1 is the round-trip time estimate defined in Section
//# 17.1.1.1 of [RFC3261].
//= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
//= type=test
//# The server transaction MUST NOT generate 2xx retransmissions on its own.
//= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
//= type=test
//# Any retransmission of the 2xx response passed from the TU to the transaction while in the
//# "Accepted" state MUST be passed to the transport layer for transmission.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.5
//= type=test
//# If, while in the "Proceeding" state, the TU passes a 2xx response to the server transaction, the
//# server transaction MUST pass this response to the transport layer for transmission.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.5
//= type=test
//# The server transaction MUST then transition to the "Accepted" state.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.7
//= type=test
//# While in the "Accepted" state, if the TU passes a 2xx response, the server transaction MUST pass
//# the response to the transport layer for transmission.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.7
//= type=test
//# When the INVITE server transaction enters the "Accepted" state, Timer L MUST be set to fire in
//# 64*T1 for all transports.
#[test]
fn a_2xx_is_accepted_its_ack_passed_on_and_its_repetitions_left_to_the_user() {
    let now = epoch();
    let mut transaction = InviteServer::new(false);
    transaction.respond(now, 200, b"200".to_vec());
    assert_eq!(transaction.poll_transmit(), Some(&b"200"[..]));
    transaction.handle_invite();
    assert_eq!(transaction.poll_transmit(), None, "absorbed");
    assert_eq!(transaction.poll_timeout(), Some(now + 64 * T1), "nothing is repeated before");
    assert!(!transaction.handle_ack(now), "the ACK of a 2xx is the user's");
    assert!(transaction.respond(now, 200, b"200".to_vec()).is_some());
    assert_eq!(transaction.poll_transmit(), Some(&b"200"[..]));
    transaction.handle_timeout(now + 64 * T1);
    assert_eq!(transaction.end(), Some(InviteServerEnd::Acknowledged));
}

#[test]
fn a_silenced_call_absorbs_everything_until_the_caller_has_given_up() {
    let now = epoch();
    let mut transaction = InviteServer::new(false);
    transaction.silence(now);
    transaction.handle_invite();
    assert_eq!(transaction.respond(now, 486, b"486".to_vec()), None);
    assert_eq!(transaction.poll_transmit(), None);
    transaction.handle_timeout(now + 64 * T1);
    assert_eq!(transaction.end(), Some(InviteServerEnd::Silent));
}
