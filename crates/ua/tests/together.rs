//! Datagrams that come together are taken as one after another would be.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../tests/fixed_seed.rs"]
mod fixed_seed;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fixed_seed::configuration;
use proptest::prelude::*;
use ringfence_ua::{
    Account, Config, Endpoint, Event, Invite, Limits, Redirection, Rejection, Screen, Trying, Verdict, Wait,
};
use ringfence_wire::sip::Message;

/// A datagram of somebody who calls, or makes trouble.
#[derive(Debug, Clone, Copy)]
struct Sent {
    method: &'static str,
    call: u8,
    /// By which way: the same call by two ways is one that was forked.
    branch: u8,
    is_stranger: bool,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Usual,
    /// As RFC 2543 has it: the branch names no transaction.
    OldBranch,
    WithoutVia,
    WithoutCallId,
    Requiring,
    InDialog,
    Nonsense,
    Stun,
}

fn pbx() -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], 5060))
}

#[expect(clippy::disallowed_methods, reason = "a time of its own needs one instant to start from")]
fn start() -> Instant {
    Instant::now()
}

impl Sent {
    fn source(self) -> SocketAddr {
        if self.is_stranger { SocketAddr::from(([203, 0, 113, 9], 5060)) } else { pbx() }
    }

    fn bytes(self) -> Vec<u8> {
        let Self { method, call, branch, what, .. } = self;
        match what {
            What::Nonsense => return format!("{method} \r\nnonsense {call}\r\n\r\n").into_bytes(),
            What::Stun => return [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[call; 12]].concat(),
            What::Usual
            | What::OldBranch
            | What::WithoutVia
            | What::WithoutCallId
            | What::Requiring
            | What::InDialog => {}
        }
        let cookie = if what == What::OldBranch { "" } else { "z9hG4bK" };
        let via = format!("Via: SIP/2.0/UDP 192.0.2.1;branch={cookie}{call}-{branch}\r\n");
        let via = if what == What::WithoutVia { "" } else { &via };
        let id = format!("Call-ID: {call}\r\n");
        let id = if what == What::WithoutCallId { "" } else { &id };
        let tag = if what == What::InDialog { ";tag=1" } else { "" };
        let require = if what == What::Requiring { "Require: nothing\r\n" } else { "" };
        let message = format!(
            "{method} sip:858@192.0.2.7 SIP/2.0\r\n{via}From: <sip:{call}@b>;tag=f{call}\r\nTo: <sip:858@b>{tag}\r\n{id}\
             CSeq: 7 {method}\r\n{require}Content-Length: 0\r\n\r\n"
        );
        message.into_bytes()
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let method = prop_oneof![
        8 => Just("INVITE"), 4 => Just("ACK"), 1 => Just("CANCEL"), 1 => Just("BYE"), 1 => Just("OPTIONS"), 1 => Just("OTHER")
    ];
    let what = prop_oneof![
        20 => Just(What::Usual), 1 => Just(What::OldBranch), 1 => Just(What::WithoutVia), 1 => Just(What::WithoutCallId),
        1 => Just(What::Requiring), 1 => Just(What::InDialog), 1 => Just(What::Nonsense), 1 => Just(What::Stun)
    ];
    (method, 0..12_u8, prop_oneof![6 => Just(0_u8), 1 => 1..3_u8], prop::bool::weighted(0.05), what).prop_map(
        |(method, call, branch, is_stranger, what)| Sent { method, call, branch, is_stranger, what },
    )
}

/// Decides each caller's calls in a way of their own.
fn verdict(invite: &Invite<'_>) -> Verdict {
    let wait = Wait::silent(Duration::from_secs(2));
    match invite.head.call_id().map_or(0, |id| id.iter().map(|digit| digit & 0x0f).sum::<u8>()) {
        0 => Verdict::Offer,
        1 => Verdict::Ring { limit: Some(Duration::from_secs(3)) },
        2 => Verdict::Wait(wait.then_reject(Arc::new(Rejection::busy()))),
        3 => Verdict::Redirect(Arc::new(Redirection::new("sip:999@192.0.2.99").unwrap())),
        4 => Verdict::Ignore,
        _ => Verdict::busy(),
    }
}

/// An endpoint, and what came out of it: each datagram once, since an ACK that is taken before a repeated INVITE spares it the
/// answer that it has had.
struct Seen {
    endpoint: Endpoint,
    transmits: BTreeSet<Vec<u8>>,
    /// Ends of calls apart: an ACK may be taken sooner.
    events: Vec<String>,
    ends: BTreeSet<String>,
}

impl Seen {
    fn new(now: Instant, limits: Limits, trying: Trying, is_open: bool) -> Self {
        let config = Config { trying, limits, ..Config::new(SocketAddr::from(([192, 0, 2, 7], 5060))) };
        let mut endpoint = Endpoint::new(config, [7; 32]).with_screen(Screen::each(verdict));
        let mut account = Account { is_registering: false, is_open, ..Account::new("858", "b", 5060) };
        account.extras_mut().peers = vec![pbx().ip()];
        endpoint.add_line(now, account).unwrap();
        Self { endpoint, transmits: BTreeSet::new(), events: Vec::new(), ends: BTreeSet::new() }
    }

    fn take(&mut self) {
        let out = std::iter::from_fn(|| self.endpoint.poll_transmit().map(|sent| sent.payload.to_vec()));
        self.transmits.extend(out);
        while let Some(event) = self.endpoint.poll_event() {
            if let Event::Incoming { call, invite, .. } = &event {
                self.events.push(format!("{call:?} {:?}", invite.call_id()));
            } else if let Event::Ended { .. } = event {
                assert!(self.ends.insert(format!("{event:?}")), "a call ends once: {event:?}");
            } else {
                self.events.push(format!("{event:?}"));
            }
        }
    }
}

proptest! {
    #![proptest_config(configuration())]

    #[test]
    fn what_comes_together_is_taken_as_one_after_another(
        batches in prop::collection::vec(prop::collection::vec(sent(), 1..24), 1..6),
        transactions in prop_oneof![Just(4_usize), Just(1_000)],
        a_second in prop_oneof![3 => Just(None), 1 => Just(std::num::NonZeroU32::new(5))],
        undecided_calls in prop_oneof![Just(1_usize), Just(10_000)],
        (is_open, is_waiting) in any::<(bool, bool)>(),
    ) {
        let mut now = start();
        let limits =
            Limits { server_transactions: transactions, undecided_calls, requests_per_source: a_second, ..Limits::default() };
        let trying = if is_waiting { Trying::WhenWaiting } else { Trying::AtOnce };
        let [mut single, mut together] = [0; 2].map(|_| Seen::new(now, limits, trying, is_open));
        for batch in batches {
            let datagrams: Vec<_> = batch.into_iter().map(|sent| (sent.source(), sent.bytes())).collect();
            for (source, datagram) in &datagrams {
                single.endpoint.handle_datagram(now, *source, datagram);
            }
            together.endpoint.handle_datagrams(now, datagrams.iter().map(|(source, it)| (*source, &**it)));
            for seen in [&mut single, &mut together] {
                seen.take();
            }
            prop_assert_eq!(&single.transmits, &together.transmits);
            prop_assert_eq!(&single.events, &together.events);
            prop_assert_eq!(&single.ends, &together.ends);
            prop_assert_eq!(single.endpoint.counters(), together.endpoint.counters());
            now += Duration::from_secs(1);
            for seen in [&mut single, &mut together] {
                seen.endpoint.handle_timeout(now);
                seen.take();
            }
        }
    }
}

fn invite(call: u8) -> Sent {
    Sent { method: "INVITE", call, branch: 0, is_stranger: false, what: What::Usual }
}

/// What is answered to datagrams that come together, by status and Call-ID.
fn answers(sent: &[Sent]) -> Vec<(u16, Vec<u8>)> {
    let now = start();
    let mut seen = Seen::new(now, Limits::default(), Trying::AtOnce, false);
    let datagrams: Vec<_> = sent.iter().map(|sent| (sent.source(), sent.bytes())).collect();
    seen.endpoint.handle_datagrams(now, datagrams.iter().map(|(source, datagram)| (*source, &**datagram)));
    let out = seen.endpoint.transmits();
    let answer = |payload: &[u8]| {
        let answer = Message::parse(payload).unwrap();
        (answer.status().unwrap().as_u16(), answer.call_id().unwrap().to_vec())
    };
    out.iter().map(|sent| answer(sent.payload)).collect()
}

#[test]
fn an_invite_that_comes_twice_at_once_is_one_and_by_another_way_it_is_merged() {
    let again = Sent { branch: 1, ..invite(9) };
    let of_nine = |status| (status, b"9".to_vec());
    assert_eq!(answers(&[invite(9), invite(9)]), [of_nine(100), of_nine(486), of_nine(486)]);
    assert_eq!(answers(&[invite(9), again]), [of_nine(100), of_nine(486), of_nine(482)]);
}

#[test]
fn a_copy_of_an_ignored_invite_that_comes_together_with_it_hears_nothing() {
    let now = start();
    let mut seen = Seen::new(now, Limits::default(), Trying::AtOnce, false);
    seen.endpoint = seen.endpoint.with_screen(Screen::each(|_| Verdict::Ignore));
    let datagrams = [invite(9).bytes(), Sent { branch: 1, ..invite(9) }.bytes()];
    seen.endpoint.handle_datagrams(now, datagrams.iter().map(|datagram| (pbx(), &**datagram)));
    assert_eq!(seen.endpoint.transmits().iter().count(), 0);
    let counters = seen.endpoint.counters();
    assert_eq!((counters.ignored, counters.merged), (1, 1));
}

#[test]
fn a_cancel_behind_its_invite_finds_it() {
    let cancel = Sent { method: "CANCEL", ..invite(1) };
    let statuses: Vec<u16> =
        answers(&[invite(7), invite(1), cancel]).into_iter().map(|(status, _)| status).collect();
    assert_eq!(statuses, [100, 486, 100, 180, 200, 487]);
}

#[test]
fn calls_are_shown_to_the_screen_together_and_those_that_it_says_nothing_of_are_offered() {
    let (now, (told, shown)) = (start(), std::sync::mpsc::channel());
    let screen = Screen::together(move |invites, verdicts| {
        told.send(invites.len()).unwrap();
        verdicts.push(Verdict::busy());
    });
    let mut seen = Seen::new(now, Limits::default(), Trying::AtOnce, false);
    seen.endpoint = seen.endpoint.with_screen(screen);
    let datagrams: Vec<_> = (0..11).map(|call| invite(call).bytes()).collect();
    seen.endpoint.handle_datagrams(now, datagrams.iter().map(|datagram| (pbx(), &**datagram)));
    assert_eq!(shown.try_iter().collect::<Vec<_>>(), [8, 3]);
    let counters = seen.endpoint.counters();
    assert_eq!((counters.invites, counters.rejected, counters.offered), (11, 2, 9));
}

#[test]
fn where_the_screen_panics_each_call_has_its_answer_and_those_without_a_verdict_are_offered() {
    let now = start();
    let mut seen = Seen::new(now, Limits::default(), Trying::AtOnce, false);
    seen.endpoint = seen.endpoint.with_screen(Screen::each(|invite| {
        assert_ne!(invite.head.call_id(), Ok(&b"1"[..]), "a test wants it");
        Verdict::busy()
    }));
    let datagrams: Vec<_> = (0..3).map(|call| invite(call).bytes()).collect();
    let taken = catch_unwind(AssertUnwindSafe(|| {
        seen.endpoint.handle_datagrams(now, datagrams.iter().map(|datagram| (pbx(), &**datagram)));
    }));
    let counters = seen.endpoint.counters();
    assert_eq!((taken.is_err(), counters.rejected, counters.offered), (true, 1, 2));
    assert_eq!(seen.endpoint.transmits().iter().count(), 4, "486 and three times 100");
    seen.endpoint.handle_datagrams(now, [(pbx(), &*invite(7).bytes())]);
    assert_eq!(seen.endpoint.counters().rejected, 2);
}
