//! The lines of the endpoint, its tables and its screen.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use ringfence_testing::Phone;
use ringfence_ua::auth::Credentials;
use ringfence_ua::{
    Account, Config, Extras, Limits, Ping, Redirection, Rejection, Screen, Trying, Verdict, Wait,
};

use super::super::draw::Draw;

pub(super) fn phone_address() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 7], 5060))
}

/// Tables for a few, or for as many as there are by default; and few requests of one source, or any.
pub(super) fn limits(draw: &mut Draw<'_>) -> Limits {
    let choice = draw.byte();
    let requests_per_source = NonZeroU32::new(u32::from(choice >> 5));
    if choice & 1 == 1 {
        return Limits { requests_per_source, ..Limits::default() };
    }
    Limits {
        requests_per_source,
        server_transactions: 1 + draw.below(4),
        response_bytes: 400 * (1 + draw.below(4)),
        client_transactions: 1 + draw.below(2),
        undecided_calls: 1 + draw.below(3),
        undecided_bytes: 400 * (1 + draw.below(4)),
        lines: 1 + draw.below(3),
    }
}

pub(super) fn phone(limits: Limits, draw: &mut Draw<'_>) -> Phone {
    let trying = if draw.is() { Trying::AtOnce } else { Trying::WhenWaiting };
    let config = Config { trying, limits, ..Config::new(phone_address()) };
    let mut phone = Phone::with_config(config, 7);
    phone.set_host("pbx.example", &[IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])]);
    if draw.is() {
        phone = phone.with_screen(screen(draw));
    }
    phone
}

/// Decides each call in its own way, and as before where it is seen again: at its bound the endpoint keeps nothing of it.
fn screen(draw: &mut Draw<'_>) -> Screen {
    let choices: Vec<(usize, u64)> =
        (0..=draw.below(8)).map(|_| (draw.below(8), 1 + u64::from(draw.byte()))).collect();
    Screen::each(move |invite| {
        let number = invite.head.cseq().map_or(0, |cseq| cseq.number as usize);
        let (choice, seconds) = choices[number % choices.len()];
        let limit = Duration::from_secs(seconds);
        match choice {
            0 => Verdict::Offer,
            1 => Verdict::busy(),
            2 => Verdict::Reject(Arc::new(Rejection::new(603).expect("a rejection"))),
            3 => Verdict::Redirect(Arc::new(Redirection::new("sip:999@192.0.2.99").expect("a uri"))),
            4 => Verdict::Ring { limit: Some(limit) },
            5 => Verdict::Wait(Wait::silent(limit).then_reject(Arc::new(Rejection::busy()))),
            6 => Verdict::Wait(Wait::silent(limit)),
            _ => Verdict::Ignore,
        }
    })
}

pub(super) fn account(draw: &mut Draw<'_>) -> Account {
    let domain = *draw.one_of(&["192.0.2.1", "pbx.example", "unknown.example"]);
    let user = *draw.one_of(&["858", "859"]);
    Account {
        credentials: draw.maybe(|_| Credentials::new(user, "secret")),
        is_registering: draw.is(),
        is_open: draw.is(),
        instance: draw.maybe(|_| "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6".into()),
        extras: Some(Box::new(Extras {
            outbound_proxy: (draw.below(4) == 3).then(|| ("192.0.2.2".to_owned(), Some(5070))),
            other_proxies: draw.several(1, |_| ("192.0.2.3".to_owned(), None)),
            peers: draw.several(1, |_| IpAddr::from([192, 0, 2, 9])),
            ..Extras::default()
        })),
        ping: *draw.one_of(&[Ping::Automatic, Ping::Crlf, Ping::Stun]),
        expires: Duration::from_secs(*draw.one_of(&[3600, 60, 1])),
        ..Account::new(user, domain, draw.maybe(|_| 5060))
    }
}

/// Returns the hosts that a line of an account knows as soon as it is there.
pub(super) fn hosts(account: &Account) -> Vec<IpAddr> {
    let registrar: &[[u8; 4]] = match &*account.domain {
        _ if account.extras().outbound_proxy.is_some() => &[],
        "192.0.2.1" => &[[192, 0, 2, 1]],
        "pbx.example" => &[[192, 0, 2, 1], [192, 0, 2, 2]],
        _ => &[],
    };
    registrar.iter().copied().map(IpAddr::from).chain(account.extras().peers.iter().copied()).collect()
}
