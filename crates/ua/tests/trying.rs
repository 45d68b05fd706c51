//! When an INVITE is answered 100 Trying (RFC 3261 section 17.2.1).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_ua::{Account, Config, Endpoint, Screen, Trying, Verdict, Wait};
use ringfence_wire::sip::Message;

const INVITE: &[u8] = include_bytes!("../../testing/data/reject-trace/1-invite.sip");

/// The statuses that an INVITE is answered at once.
fn answers(trying: Trying, verdict: &Verdict) -> Vec<u16> {
    #[expect(clippy::disallowed_methods, reason = "a time of its own needs one instant to start from")]
    let now = Instant::now();
    let pbx = SocketAddr::from(([192, 168, 115, 149], 5060));
    let verdict = verdict.clone();
    let mut endpoint = Endpoint::new(Config { trying, ..Config::new(pbx) }, [7; 32])
        .with_screen(Screen::each(move |_| verdict.clone()));
    let mut account = Account { is_registering: false, ..Account::new("1001", "pbx", 5060) };
    account.extras_mut().peers = vec![pbx.ip()];
    endpoint.add_line(now, account).unwrap();
    endpoint.handle_datagram(now, pbx, INVITE);
    let status = |payload: &[u8]| Message::parse(payload).unwrap().status().unwrap().as_u16();
    endpoint.transmits().iter().map(|transmit| status(transmit.payload)).collect()
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
//= type=test
//# The server transaction MUST generate a 100 (Trying) response unless it knows that the TU will
//# generate a provisional or final response within 200 ms, in which case it MAY generate a 100
//# (Trying) response.
#[test]
fn by_default_100_goes_out_before_anything_else() {
    for (verdict, expected) in [
        (Verdict::busy(), [100, 486]),
        (Verdict::Ring { limit: None }, [100, 180]),
        (Wait::ringing(Duration::from_secs(3)).into(), [100, 180]),
    ] {
        assert_eq!(answers(Trying::AtOnce, &verdict), expected);
    }
}

//= https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1
//= type=test
//# The server transaction MUST generate a 100
//# (Trying) response unless it knows that the TU will generate a
//# provisional or final response within 200 ms, in which case it MAY
//# generate a 100 (Trying) response.
#[test]
fn what_is_answered_at_once_may_do_without_a_100_and_what_waits_may_not() {
    for (verdict, expected) in [
        (Verdict::busy(), &[486][..]),
        (Verdict::Ring { limit: None }, &[180]),
        (Wait::silent(Duration::from_secs(3)).into(), &[100]),
        (Verdict::Offer, &[100]),
        (Verdict::Ignore, &[]),
    ] {
        assert_eq!(answers(Trying::WhenWaiting, &verdict), expected, "{verdict:?}");
    }
}
