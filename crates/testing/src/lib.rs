//! Tests SIP applications without a network, a clock or a PBX: all of it simulated, in one thread, from a seed.
//!
//! ```
//! use std::time::Duration;
//! use ringfence_testing::{Conditions, Network, Pbx, PbxConfig};
//!
//! let mut network = Network::new(42); // the seed: the same run every time
//! network.set_conditions(Conditions { loss: 0.2, ..Conditions::default() });
//!
//! let address = "192.0.2.1:5060".parse().unwrap();
//! let mut pbx = Pbx::new(PbxConfig::new(address), 42);
//! pbx.add_user("858", "secret");
//! let pbx = network.add(address, pbx);
//!
//! network.run_for(Duration::from_secs(24 * 3600)); // a day, in no time
//! assert!(!network.node(pbx).is_registered("858"));
//! ```
//!
//! # What there is
//!
//! ```text
//!  Network ── Conditions, Packet     loss, delay, duplication, reordering, address translation, connections
//!     │ Node                         what takes part: datagrams and time in, datagrams and deadlines out
//!     ├── Pbx ── Verifier, Binding   a registrar with digest authentication that also calls its users
//!     ├── Proxy ── Forking           a registrar that forks calls to all phones of a user
//!     ├── Caller ── CallPlan, Call   strangers who call, by a script, and audit what they are answered
//!     ├── Callee ── CalleePlan       another phone of an account, which answers by a script
//!     ├── Phone                      the user agent of `ringfence-ua`
//!     └── anything else              another user agent under test
//!  Auditor, Judge, Witness           what is wrong with anything that a user agent sends, by RFC 3261
//!  audit                             what is wrong with a response, by itself
//!  Clock, Random, Seeds              time that moves when told to; numbers that come back
//!  Pcap, Capture, Normalizer, Sketch captures for Wireshark; recordings to compare with; a message in a few words
//! ```
//!
//! # A call in a bad network
//!
//! A [`Phone`] registers at a [`Pbx`], which calls it. Nothing happens but in [`Network::run_for`] and its like, and all of
//! it in virtual time: a retransmission that comes after four seconds costs none.
//!
//! ```
//! use std::time::Duration;
//! use ringfence_testing::{CallPlan, Conditions, Network, Outcome, Pbx, PbxConfig, Phone};
//! use ringfence_ua::{Screen, Verdict};
//!
//! let mut network = Network::new(7);
//! let (pbx_address, phone_address) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.7:5060".parse().unwrap());
//! let mut pbx = Pbx::new(PbxConfig::new(pbx_address), 7);
//! pbx.add_user("858", "secret");
//! let pbx = network.add(pbx_address, pbx);
//! // The screen is the code under test.
//! let phone = Phone::new(phone_address, 7).with_screen(Screen::each(|invite| match invite.head.from() {
//!     Ok(from) if from.uri_bytes().starts_with(b"sip:+4179") => Verdict::busy(),
//!     Ok(_) | Err(_) => Verdict::Ring { limit: Some(Duration::from_secs(20)) },
//! }));
//! let phone = network.add(phone_address, phone);
//! network.with(phone, |phone, now| phone.register(now, "858", "secret", pbx_address)).unwrap();
//! assert!(network.run_until(Duration::from_secs(60), |network| network.node(pbx).is_registered("858")));
//!
//! network.set_conditions(Conditions { loss: 0.3, duplication: 0.1, ..Conditions::default() });
//! let mut call = |from: &str| {
//!     let id = network.with(pbx, |pbx, now| pbx.call(now, CallPlan::new(from, "858")));
//!     network.run_for(Duration::from_secs(60));
//!     network.node(pbx).get(id).outcome().and_then(Outcome::status)
//! };
//! assert_eq!(call("+41791234567"), Some(486));
//! assert_eq!(call("1002"), Some(480));
//! ```
//!
//! When `network` is dropped it panics if the phone has sent anything that RFC 3261 forbids: what a [`Node`] says to be
//! audited is judged by an [`Auditor`], message by message. So it does where something was owed and not sent; what ends that and
//! cannot be seen on the wire has to be told: [`Network::excuse`], [`Network::does_not_know`].
//!
//! # Trouble
//!
//! | what | how |
//! |---|---|
//! | loss, doubles, delay, reordering | [`Network::set_conditions`] |
//! | a cut, and its end | [`Network::cut_off`], [`Network::reconnect`] |
//! | a translator of addresses, and one that forgets | [`Network::translate`], once more |
//! | a machine that is switched off and on | [`Network::add`] another one at its address |
//! | a PBX that loses all it knows, is overloaded or silent | [`Pbx::restart`], [`Pbx::set_mode`] |
//! | calls over TCP and its like | [`Network::listen`], and an account with a transport |
//! | a connection that is lost, or leads nowhere without a word | [`Network::lose`], [`Network::silence`] |
//! | a caller who gives up, or leaves out his ACKs | [`CallPlan`] |
//!
//! # Several phones on one account
//!
//! ```
//! use std::time::Duration;
//! use ringfence_testing::{Binding, CallPlan, Callee, CalleePlan, Caller, Network, Outcome, Phone, Proxy, ProxyConfig};
//! use ringfence_ua::{EndedBy, Event, Screen, Verdict};
//!
//! let mut network = Network::new(1);
//! let address = |last: u8| std::net::SocketAddr::from(([192, 0, 2, last], 5060));
//! let mut proxy = Proxy::new(ProxyConfig::new(address(1)), 1);
//! proxy.add_user("858", "secret");
//! let proxy = network.add(address(1), proxy);
//! let ours = Phone::new(address(7), 1).with_screen(Screen::each(|_| Verdict::Ring { limit: None }));
//! let ours = network.add(address(7), ours);
//! network.with(ours, |phone, now| phone.register(now, "858", "secret", address(1))).unwrap();
//!
//! // Another phone of the account, which is picked up after five seconds.
//! network.add(address(8), Callee::new(address(8), CalleePlan::default(), 1));
//! let expires_at = network.clock().now() + Duration::from_secs(3600);
//! let (contact, source, call_id) = ("sip:858@192.0.2.8".to_owned(), address(8), "other".to_owned());
//! let binding = Binding { contact, source, expires_at, call_id, cseq: 1 };
//! network.with(proxy, |proxy, _| proxy.add_binding("858", binding));
//! network.run_for(Duration::from_secs(1));
//!
//! let caller = network.add(address(2), Caller::new(address(2), 1));
//! let plan = CallPlan { may_fork: true, ..CallPlan::new("1002", "sip:858@192.0.2.1") };
//! let id = network.with(caller, |caller, now| caller.call(now, address(1), plan));
//! network.run_for(Duration::from_secs(20));
//! assert_eq!(network.node(caller).get(id).outcome(), Some(&Outcome::Answered));
//! let events = network.node(ours).events().iter();
//! let is_elsewhere = |event: &Event| matches!(event, Event::Ended { by: EndedBy::Elsewhere, .. });
//! assert_eq!(events.filter(|(_, event)| is_elsewhere(event)).count(), 1);
//! ```
//!
//! # Random tests
//!
//! A test that makes up what happens, from a seed, finds what nobody thought of. [`Seeds`] gives the seeds; numbers come from
//! [`Random`] alone, and time from [`Network::clock`], so that a seed is all there is to know of a failure.
//!
//! ```
//! use std::time::Duration;
//! use ringfence_testing::{Network, Random, Seeds};
//!
//! fn lived(seed: u64) -> Network {
//!     let (mut network, mut random) = (Network::new(seed), Random::new(seed));
//!     for _ in 0..10 {
//!         network.run_for(random.duration(Duration::from_secs(20)));
//!         // What happens now? random.next_u64() says.
//!     }
//!     network
//! }
//!
//! for seed in Seeds::new(0..20) {
//!     let network = lived(seed);
//!     assert_eq!(network.faults().count(), 0, "seed {seed}");
//! }
//! assert_eq!(lived(3).digest(), lived(3).digest()); // the same bytes at the same times
//! ```
//!
//! `RINGFENCE_SEED=17 cargo test NAME` plays 17 again, and `RINGFENCE_SEED=1000..4000` others. `tests/random_worlds.rs`,
//! `tests/random_forks.rs` and `tests/scenarios.rs` of this crate are such tests, to begin from.
//!
//! # When a test fails
//!
//! A [`Network`] that is dropped by a panic prints its seed, the digest of what was sent, where it has left a capture file for
//! Wireshark, and a ladder of the last messages, with a lifeline for each host and what became of each message:
//!
//! ```text
//!                192.0.2.1:5060                                                     192.0.2.7:5060
//!          1.500 │ INVITE sip:858@192.0.2.7;…  CSeq 1 #a84b4c ─────────────────────▶│
//!                │   from <sip:1@a>                                                 │
//!          1.500 │✗ lost ───────────────────── 486 Busy Here  CSeq 1 INVITE #a84b4c │
//! ```
//!
//! `▶▶` arrives twice, `✗` is lost, `⊘` reaches nobody, `▷` goes over a connection. [`Network::ladder`] draws it at any time.
//!
//! # Another user agent
//!
//! Whatever implements [`Node`] takes part: bytes and time in, bytes and deadlines out. One that says
//! [`Node::is_audited`] is held to RFC 3261 as [`Phone`] is. [`Pbx`], [`Proxy`], [`Caller`] and [`Callee`] write and judge
//! SIP by other code than the user agent of `ringfence-ua`, so that an error of one is not repeated by the other.
//!
//! They do no I/O and read no clock: a program can run them on a real socket, too, and so be tested as it is.
//!
//! ```
//! use std::{net::UdpSocket, time::Instant};
//! use ringfence_testing::{Node, Pbx, PbxConfig};
//!
//! let socket = UdpSocket::bind("127.0.0.1:0")?;
//! let mut pbx = Pbx::new(PbxConfig::new(socket.local_addr()?), 1);
//! let client = UdpSocket::bind("127.0.0.1:0")?;
//! let options = format!(
//!     "OPTIONS sip:pbx SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:pbx>\r\n\
//!     Call-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n",
//!     client.local_addr()?
//! );
//! client.send_to(options.as_bytes(), socket.local_addr()?)?;
//!
//! // What a test's thread does again and again; at `pbx.poll_timeout()` it calls `pbx.handle_timeout`.
//! let mut buffer = [0; 65_535];
//! let (length, source) = socket.recv_from(&mut buffer)?;
//! pbx.handle_datagram(Instant::now(), source, &buffer[..length]);
//! while let Some((destination, datagram)) = pbx.poll_transmit() {
//!     socket.send_to(&datagram, destination)?;
//! }
//! let (length, _) = client.recv_from(&mut buffer)?;
//! assert!(buffer[..length].starts_with(b"SIP/2.0 200 OK"));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! A [`Witness`] beside it judges whoever speaks with it by what it has written down, as an [`Auditor`] does, without times. What a
//! program has written to a capture file itself is judged with `cargo run -p ringfence-testing --example audit -- FILE PORT…`, in
//! the repository.
//!
//! # What cannot be simulated
//!
//! - A `softphone::Softphone`: it has threads, real sockets and the machine's clock. What it decides can be
//!   (`softphone::simulated`); the whole of it is tested on the loopback interface with a [`Pbx`] on a real socket, as above,
//!   in real time.
//! - Names: a [`Phone`] looks hosts up in a table ([`Phone::set_host`]). NAPTR and SRV records are `softphone`'s business.
//! - What TLS and WebSocket do before the first message: over them a connection is a stream that is whole or gone.
//! - Connections that others open to a [`Phone`]. It opens some, and is called over those.
//! - Media: there are no RTP packets.

mod auditor;
mod call;
mod callee;
mod caller;
mod clock;
mod digest;
mod golden;
mod ladder;
mod network;
mod node;
mod pbx;
mod pcap;
mod phone;
mod proxy;
mod random;
mod repeat;
mod response;
mod seeds;
mod socket;
mod verifier;

pub use auditor::{Auditor, Fault, Judge, Witness};
pub use call::{Answer, Call, CallPlan, Outcome, audit};
pub use callee::{Callee, CalleePlan};
pub use caller::{CallId, Caller};
pub use clock::Clock;
pub use golden::Normalizer;
pub use ladder::{Sketch, Tone};
pub use network::{Conditions, Fate, Network, NodeId, Packet};
pub use node::Node;
pub use pbx::{Binding, Mode, Oddity, Pbx, PbxConfig, PbxEvent};
pub use pcap::{Capture, Captured, Pcap};
pub use phone::Phone;
pub use proxy::{Forking, Proxy, ProxyConfig};
pub use random::Random;
pub use seeds::Seeds;
pub use socket::{Direction, Record};
pub use verifier::{Refusal, Verified, Verifier};
