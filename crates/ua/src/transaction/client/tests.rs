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

#[test]
fn timer_e_doubles_up_to_t2_until_timer_f() {
    let start = epoch();
    let mut transaction = Client::new(start, false, b"R".to_vec());
    assert!(transaction.poll_transmit().is_some());
    let sent = sent_at(&mut transaction, start);
    assert_eq!(sent, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert!(transaction.has_timed_out());
}

#[test]
fn a_provisional_response_slows_timer_e_to_t2() {
    let start = epoch();
    let mut transaction = Client::new(start, false, b"R".to_vec());
    transaction.poll_transmit();
    assert!(transaction.handle_response(start, 100));
    assert_eq!(sent_at(&mut transaction, start)[..3], [500, 4500, 8500]);
}

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
