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

#[test]
fn timer_a_doubles_without_a_cap_until_timer_b() {
    let start = epoch();
    let mut transaction = InviteClient::new(start, false, INVITE.to_vec());
    transaction.poll_transmit();
    let mut sent = Vec::new();
    while let Some(due) = transaction.poll_timeout() {
        transaction.handle_timeout(due);
        if transaction.poll_transmit().is_some() {
            sent.push((due - start).as_millis());
        }
    }
    assert_eq!(sent, [500, 1500, 3500, 7500, 15500, 31500], "seven requests in all");
    assert!(transaction.has_timed_out());
}

#[test]
fn a_provisional_response_ends_the_retransmissions() {
    let start = epoch();
    let mut transaction = InviteClient::new(start, false, INVITE.to_vec());
    assert!(take(&mut transaction, start, "100 Trying"));
    assert_eq!(transaction.poll_transmit(), None);
    assert_eq!(transaction.poll_timeout(), None);
    assert!(take(&mut transaction, start, "180 Ringing"));
}

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
    assert_eq!(ack.via().unwrap().received(), None, "the Via is the request's, not the response's");
    assert_eq!(ack.to().unwrap().tag(), Some(&b"99sa0xk"[..]));
    assert_eq!(ack.first(HeaderName::Route), Some(&b"<sip:p1.example.com;lr>"[..]));
    assert_eq!(ack.first(HeaderName::CSeq), Some(&b"986759 ACK"[..]));
}

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

#[test]
fn every_2xx_is_passed_up_until_timer_m() {
    let now = epoch();
    let mut transaction = InviteClient::new(now, false, INVITE.to_vec());
    transaction.poll_transmit();
    assert!(take(&mut transaction, now, "200 OK"));
    assert!(take(&mut transaction, now, "200 OK"));
    assert_eq!(transaction.poll_transmit(), None, "the ACK of a 2xx is not ours");
    transaction.handle_timeout(now + GIVE_UP);
    assert!(transaction.is_terminated());
}
