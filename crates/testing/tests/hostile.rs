//! Every datagram is hostile: whatever comes, the endpoint does not panic, answers no nonsense and keeps nothing.

#![allow(clippy::unwrap_used, reason = "a test may fail so")]

mod probe;

use std::path::Path;

use ringfence_testing::Random;
use ringfence_ua::auth::Credentials;
use ringfence_ua::{Account, Config, Verdict, Wait};
use ringfence_wire::sip::{Framing, Message};

use probe::{Probe, Sent, Shown, account, millis, phone_address, request, seconds};

/// The messages of both RFCs, and some that the endpoint takes.
fn originals() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let files =
        ["rfc4475", "rfc5118"].into_iter().flat_map(|rfc| std::fs::read_dir(folder.join(rfc)).unwrap());
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let torture = paths.into_iter().map(|path| std::fs::read(path).unwrap());
    torture.chain(["INVITE", "ACK", "CANCEL", "BYE", "OPTIONS"].map(|it| request(it).into_bytes())).collect()
}

/// Does damage to a message, one to five times.
fn mutilated(original: &[u8], others: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    const PIECES: [&str; 24] = [
        "\r\n",
        "\n",
        "\r",
        "\0",
        " ",
        "\t",
        ";",
        ",",
        ":",
        "=",
        "\"",
        "\\",
        "<",
        ">",
        "*",
        "%",
        "@",
        "[",
        "\u{ff}",
        "0",
        "-1",
        "99999999999999999999",
        ";tag=",
        "\r\n\r\n",
    ];
    let mut bytes = original.to_vec();
    for _ in 0..=below(random, 5) {
        let (at, end) = (below(random, bytes.len() + 1), below(random, bytes.len() + 1));
        let range = at.min(end)..at.max(end).min(at.min(end) + 60);
        match below(random, 6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(range)),
            2 => drop(bytes.splice(range.start..range.start, PIECES[below(random, PIECES.len())].bytes())),
            3 => {
                let copy = bytes[range.clone()].repeat(1 + below(random, 40));
                drop(bytes.splice(range, copy));
            }
            4 => {
                let other = &others[below(random, others.len())];
                let from = below(random, other.len());
                drop(bytes.splice(range, other[from..(from + 60).min(other.len())].iter().copied()));
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << below(random, 8);
                }
            }
        }
    }
    bytes
}

fn below(random: &mut Random, bound: usize) -> usize {
    usize::try_from(random.next_u64() % bound.max(1) as u64).unwrap()
}

/// Fails unless each is a message that any peer can read.
fn check_sense(seed: u64, sent: &[Sent]) {
    assert!(sent.len() <= 3, "seed {seed}: {sent:?}");
    for one in sent {
        let message = Message::parse(&one.payload).unwrap();
        assert_eq!(message.start_line_fault(), None, "seed {seed}: {one:?}");
        assert_eq!(message.malformed_line(), None, "seed {seed}: {one:?}");
        assert_eq!(message.framing(), Framing::Complete, "seed {seed}: {one:?}");
    }
}

#[test]
fn mutilated_messages_are_answered_sensibly_or_not_at_all_and_leave_nothing_behind() {
    let originals = originals();
    let silence = Verdict::Wait(Wait::silent(seconds(9)));
    for verdict in [Verdict::Offer, Verdict::Ring { limit: Some(seconds(9)) }, silence, Verdict::busy()] {
        let mut probe = Probe::open(Shown::default().screen(verdict)).unjudged();
        let mut answered = 0;
        for seed in 0..10_000 {
            let mut random = Random::new(seed);
            let original = &originals[below(&mut random, originals.len())];
            let sent = probe.receive(mutilated(original, &originals, &mut random));
            check_sense(seed, &sent);
            answered += sent.len();
            for (_, sent) in probe.pass(millis(10)) {
                check_sense(seed, &[sent]);
            }
        }
        assert!(answered > 1000, "only {answered} answers");
        probe.pass(seconds(700));
        assert_eq!((probe.counter("transactions"), probe.counter("undecided_calls")), (0, 0));
    }
}

#[test]
fn a_strangers_datagrams_are_never_answered_nor_kept() {
    let originals = originals();
    let stranger = "203.0.113.66:5060".parse().unwrap();
    let mut probe = Probe::new(Verdict::busy()).unjudged();
    for seed in 0..10_000 {
        let mut random = Random::new(seed);
        let original = &originals[below(&mut random, originals.len())];
        assert_eq!(
            probe.receive_from(stranger, mutilated(original, &originals, &mut random)),
            [],
            "seed {seed}"
        );
    }
    assert_eq!((probe.counter("transactions"), probe.counter("invites")), (0, 0));
    assert!(probe.counter("dropped_stranger") > 1000);
}

#[test]
fn mutilated_responses_neither_stop_a_registration_nor_make_it_a_storm() {
    let templates = ["200 OK", "401 Unauthorized", "423 Interval Too Brief", "302 Moved", "503 No"];
    let headers = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\", algorithm=SHA-256\r\n\
        Min-Expires: 120\r\nRetry-After: 5 (busy);duration=9\r\nAuthentication-Info: nextnonce=\"x\"\r\nExpires: 60\r\n";
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let credentials = Some(Credentials::new("858", "secret"));
        let account = Account { is_registering: true, credentials, ..account() };
        let screen = Shown::default().screen(Verdict::busy());
        let (probe, mut register) = Probe::registering(Config::new(phone_address()), account, screen);
        let mut probe = probe.unjudged();
        for _ in 0..10 {
            let field = |name: &str| format!("{name}: {}\r\n", register.header(name).unwrap());
            let echoed = ["Via", "From", "To", "Call-ID", "CSeq", "Contact"].map(field).concat();
            let status = templates[below(&mut random, templates.len())];
            // The fields that find the transaction stay whole.
            let rest = mutilated(headers.as_bytes(), &[echoed.clone().into_bytes()], &mut random);
            let response = [format!("SIP/2.0 {status}\r\n{echoed}").as_bytes(), &rest, b"\r\n"].concat();
            let sent = probe.receive(response);
            check_sense(seed, &sent);
            assert!(sent.len() <= 1, "seed {seed}: {sent:?}");
            match sent.into_iter().next() {
                Some(next) => register = next,
                None => break,
            }
        }
        assert!(
            probe.endpoint.poll_timeout().is_some() || probe.is_resolving(),
            "seed {seed}: it waits for nothing"
        );
    }
}
