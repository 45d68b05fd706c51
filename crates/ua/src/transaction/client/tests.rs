use std::time::Duration;

use super::super::timers::epoch;
use super::*;

fn sent_at(transaction: &mut Client, start: Instant) -> Vec<u128> {
    let mut sent = Vec::new();
    while let Some(due) = transaction.poll_timeout() {
        transaction.handle_timeout(due);
        if transaction.poll_transmit().is_some() {
            sent.push((due - start).as_millis());
        }
    }
    sent
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
//= type=test
//# The request MUST be passed to the transport layer for transmission.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
//= type=test
//# If an unreliable transport is in use, the client transaction MUST set timer E to fire in T1
//# seconds.
#[test]
fn timer_e_doubles_up_to_t2_until_timer_f() {
    let start = epoch();
    let mut transaction = Client::new(start, false, b"R".to_vec());
    assert_eq!(transaction.poll_transmit(), Some(&b"R"[..]));
    let sent = sent_at(&mut transaction, start);
    assert_eq!(sent, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert!(transaction.has_timed_out());
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
//= type=test
//# If a provisional response is received while in the "Trying" state, the response MUST be passed
//# to the TU, and then the client transaction SHOULD move to the "Proceeding" state.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
//= type=test
//# If Timer E fires while in the "Proceeding" state, the request MUST be passed to the transport
//# layer for retransmission, and Timer E MUST be reset with a value of T2 seconds.
#[test]
fn a_provisional_response_slows_timer_e_to_t2() {
    let start = epoch();
    let mut transaction = Client::new(start, false, b"R".to_vec());
    transaction.poll_transmit();
    assert!(transaction.handle_response(start, 100));
    assert!(transaction.handle_response(start, 100), "each of them is the user's");
    assert_eq!(sent_at(&mut transaction, start)[..3], [500, 4500, 8500]);
    assert!(transaction.has_timed_out(), "timer F still ends it");
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
//= type=test
//# If a final response (status codes 200-699) is received while in the "Trying" state, the response
//# MUST be passed to the TU, and the client transaction MUST transition to the "Completed" state.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
//= type=test
//# If a final response (status codes 200-699) is received while in the "Proceeding" state, the
//# response MUST be passed to the TU, and the client transaction MUST transition to the "Completed"
//# state.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
//= type=test
//# Once the client transaction enters the "Completed" state, it MUST set Timer K to fire in T4
//# seconds for unreliable transports, and zero seconds for reliable transports.
#[test]
fn any_final_response_completes_it_whether_or_not_a_provisional_one_came() {
    let start = epoch();
    for (is_reliable, timer_k) in [(false, T4), (true, Duration::ZERO)] {
        for (is_proceeding, status) in [(false, 200), (true, 200), (false, 302), (true, 699)] {
            let mut transaction = Client::new(start, is_reliable, b"R".to_vec());
            transaction.poll_transmit();
            if is_proceeding {
                assert!(transaction.handle_response(start, 183));
            }
            assert!(transaction.handle_response(start, status));
            assert_eq!(transaction.poll_timeout(), Some(start + timer_k));
            transaction.handle_timeout(start + timer_k);
            assert!(transaction.is_terminated() && !transaction.has_timed_out());
        }
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
//= type=test
//# If Timer K fires while in this state, the client transaction MUST transition to the "Terminated"
//# state.
#[test]
fn completed_absorbs_retransmitted_responses_for_t4() {
    let start = epoch();
    let mut transaction = Client::new(start, false, b"R".to_vec());
    assert!(transaction.handle_response(start, 200));
    assert_eq!(transaction.poll_transmit(), None, "what was answered is not sent");
    assert!(!transaction.handle_response(start, 200));
    assert_eq!(transaction.poll_timeout(), Some(start + T4));
    transaction.handle_timeout(start + T4);
    assert!(transaction.is_terminated() && !transaction.has_timed_out());
}

#[test]
fn a_reliable_transport_is_not_retransmitted_to() {
    let start = epoch();
    let mut transaction = Client::new(start, true, b"R".to_vec());
    transaction.poll_transmit();
    assert_eq!(sent_at(&mut transaction, start), [0_u128; 0]);
    assert!(transaction.has_timed_out());
    assert_eq!(GIVE_UP, Duration::from_secs(32));
}
