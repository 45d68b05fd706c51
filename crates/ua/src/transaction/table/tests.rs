use std::net::SocketAddr;
use std::time::Duration;

use super::super::timers::{GIVE_UP, T4, epoch};
use super::*;

fn peer() -> Flow {
    SocketAddr::from(([192, 0, 2, 1], 5060)).into()
}

fn drain(out: &mut Outbox) -> usize {
    std::iter::from_fn(|| out.pop().map(|_| ())).count()
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
//= type=test
//# Once the transaction is in the "Terminated" state, it MUST be destroyed immediately.
#[test]
fn ten_thousand_rejected_calls_leave_nothing_behind() {
    let (start, mut out, mut table) = (epoch(), Outbox::default(), Table::new(Limits::default()));
    for number in 0..10_000_u32 {
        let (key, now) = (
            Key(u128::from(number).wrapping_mul(u128::MAX / 3)),
            start + Duration::from_micros(u64::from(number)),
        );
        assert!(table.start_invite_server(
            key,
            Some(MergeKey(key.0)),
            peer(),
            u64::from(number),
            Vouched::Yes
        ));
        assert!(table.respond(now, key, 486, &mut out, |out| out.extend_from_slice(b"486")));
        assert_eq!(table.handle_request(now, key, Method::Ack, &mut out), Some(Matched::Ack));
    }
    assert_eq!((drain(&mut out), table.len(), table.merges.len()), (10_000, 10_000, 10_000));
    let end = start + T4 + Duration::from_secs(1);
    while table.poll_timeout().is_some_and(|due| due <= end) {
        table.handle_timeout(end, &mut out);
    }
    assert_eq!((drain(&mut out), table.len(), table.merges.len()), (0, 0, 0));
    assert!(table.merges.room() < 5_000, "memory is given back");
}

#[test]
fn a_confirmed_call_absorbs_what_is_repeated_until_timer_i() {
    let (start, mut out, mut table) = (epoch(), Outbox::default(), Table::new(Limits::default()));
    assert!(table.start_invite_server(Key(1), Some(MergeKey(1)), peer(), 1, Vouched::Yes));
    table.respond(start, Key(1), 486, &mut out, |out| out.push(b'x'));
    let acked = start + Duration::from_secs(2);
    table.handle_request(acked, Key(1), Method::Ack, &mut out);
    drain(&mut out);
    for method in [Method::Ack, Method::Invite] {
        assert!(table.handle_request(acked, Key(1), method, &mut out).is_some());
    }
    table.handle_timeout(acked + Duration::from_millis(4999), &mut out);
    assert_eq!((drain(&mut out), table.len(), table.is_merged(MergeKey(1))), (0, 1, true));
    assert_eq!(table.cancellable(Key(1)), Some(Cancellable::Decided));
    table.handle_timeout(acked + T4, &mut out);
    assert_eq!((table.len(), table.is_merged(MergeKey(1))), (0, false));
    assert_eq!(table.handle_request(acked + T4, Key(1), Method::Ack, &mut out), None);
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
//= type=test
//# In this case, the server transaction MUST transition to the "Terminated" state, and MUST
//# indicate to the TU that a transaction failure has occurred.
#[test]
fn every_end_is_told_once() {
    let (start, mut out, mut table) = (epoch(), Outbox::default(), Table::new(Limits::default()));
    for user in [1, 2] {
        assert!(table.start_invite_server(
            Key(user.into()),
            Some(MergeKey(user.into())),
            peer(),
            user,
            Vouched::Yes
        ));
        table.respond(start, Key(user.into()), 486, &mut out, |out| out.push(b'x'));
    }
    table.handle_request(start, Key(1), Method::Ack, &mut out);
    table.handle_request(start, Key(1), Method::Ack, &mut out);
    let mut now = start;
    while let Some(due) = table.poll_timeout() {
        now = due;
        table.handle_timeout(due, &mut out);
    }
    let ended: Vec<_> = std::iter::from_fn(|| table.poll_ended()).collect();
    let end = |user, end| Ended::Invite { user, status: 486, by: EndedBy::Decision, end };
    assert_eq!(ended, [end(1, InviteServerEnd::Acknowledged), end(2, InviteServerEnd::Unacknowledged)]);
    assert_eq!(now, start + GIVE_UP);
}

#[test]
fn at_its_bound_it_takes_no_more() {
    let limits = Limits { server_transactions: 1, client_transactions: 1, ..Limits::default() };
    let (now, mut out, mut table) = (epoch(), Outbox::default(), Table::new(limits));
    assert!(table.start_server(Key(1), None, peer()));
    assert!(!table.start_server(Key(2), None, peer()));
    assert!(table.start_client(now, Key(3), peer(), 0, vec![b'R'], &mut out));
    assert!(!table.start_client(now, Key(4), peer(), 0, vec![b'R'], &mut out));
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
//= type=test
//# If timer F fires while in the "Proceeding" state, the TU MUST be informed of a timeout, and the
//# client transaction MUST transition to the terminated state.
#[test]
fn a_client_that_nobody_answers_is_told_of_once() {
    for (provisional, sent) in [(None, 11), (Some(100), 9)] {
        let (start, mut out, mut table) = (epoch(), Outbox::default(), Table::new(Limits::default()));
        assert!(table.start_client(start, Key(3), peer(), 9, vec![b'R'], &mut out));
        if let Some(status) = provisional {
            let heard = table.handle_response(start, Key(3), peer(), status, &mut out);
            assert_eq!(heard, Some(Heard::News { user: 9, is_repeated: false }));
        }
        while let Some(due) = table.poll_timeout() {
            table.handle_timeout(due, &mut out);
        }
        assert_eq!(table.poll_ended(), Some(Ended::TimedOut { user: 9, flow: peer() }));
        assert_eq!((table.poll_ended(), drain(&mut out), table.len()), (None, sent, 0));
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2
//= type=test
//# Once the transaction is in the terminated state, it MUST be destroyed immediately.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
//= type=test
//# The server transaction remains in this state until Timer J fires, at which point it MUST
//# transition to the "Terminated" state.
//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.2
//= type=test
//# The server transaction MUST be destroyed the instant it enters the "Terminated" state.
//= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
//= type=test
//# Any ACKs received from the network while in the "Accepted" state MUST be passed directly to the
//# TU and not absorbed.
//= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
//= type=test
//# When Timer L fires and the state machine is in the "Accepted" state, the machine MUST transition
//# to the "Terminated" state.
//= https://www.rfc-editor.org/rfc/rfc6026#section-7.1
//= type=test
//# Once the transaction is in the "Terminated" state, it MUST be destroyed immediately.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.7
//= type=test
//# If Timer L fires while the INVITE server transaction is in the "Accepted" state, the transaction
//# MUST transition to the "Terminated" state.
//= https://www.rfc-editor.org/rfc/rfc6026#section-8.7
//= type=test
//# Once the transaction is in the "Terminated" state, it MUST be destroyed immediately.
#[test]
fn what_is_answered_is_forgotten_when_its_last_timer_fires() {
    let (start, mut out, mut table) = (epoch(), Outbox::default(), Table::new(Limits::default()));
    assert!(table.start_client(start, Key(1), peer(), 9, vec![b'R'], &mut out));
    table.handle_response(start, Key(1), peer(), 200, &mut out);
    assert!(table.start_server(Key(2), None, peer()));
    table.respond(start, Key(2), 200, &mut out, |out| out.push(b'x'));
    assert!(table.start_invite_server(Key(3), None, peer(), 1, Vouched::Yes));
    table.respond(start, Key(3), 200, &mut out, |out| out.push(b'x'));
    let ack = table.handle_request(start, Key(3), Method::Ack, &mut out);
    assert_eq!(ack, Some(Matched::AckOfSuccess), "the ACK of a 2xx is the user's");
    for (after, left) in [(4_999, 3), (5_000, 2), (31_999, 2), (32_000, 0)] {
        table.handle_timeout(start + Duration::from_millis(after), &mut out);
        assert_eq!(table.len(), left, "after {after} ms");
    }
}
