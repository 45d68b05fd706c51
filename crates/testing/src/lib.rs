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
//!  Network ── Conditions, Packet     loss, delay, duplication, reordering, address translation
//!     │ Node                         what takes part: datagrams and time in, datagrams and deadlines out
//!     ├── Pbx ── Verifier, Binding   a registrar with digest authentication that also calls its users
//!     ├── Proxy ── Forking           a registrar that forks calls to all phones of a user
//!     ├── Caller ── CallPlan, Call   strangers who call, by a script, and audit what they are answered
//!     ├── Callee ── CalleePlan       another phone of an account, which answers by a script
//!     ├── Phone                      the user agent of `ringfence-ua`
//!     └── anything else              another user agent under test
//!  Auditor, Judge                    what is wrong with anything that a user agent sends, by RFC 3261
//!  audit                             what is wrong with a response, by itself
//!  Clock, Random                     time that moves when told to; numbers that come back
//!  Pcap, Normalizer                  captures for Wireshark; recordings to compare with
//! ```
//!
//! [`Pbx`], [`Proxy`], [`Caller`] and [`Callee`] write and judge SIP by other code than the user agent of `ringfence-ua`, so that an
//! error of one is not repeated by the other. They do no I/O and read no clock: a program can run them on
//! a real socket, too.

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

pub use auditor::{Auditor, Fault, Judge};
pub use call::{Answer, Call, CallPlan, Outcome, audit};
pub use callee::{Callee, CalleePlan};
pub use caller::{CallId, Caller};
pub use clock::Clock;
pub use golden::Normalizer;
pub use ladder::{Sketch, Tone};
pub use network::{Conditions, Fate, Network, NodeId, Packet};
pub use node::Node;
pub use pbx::{Binding, Mode, Oddity, Pbx, PbxConfig, PbxEvent};
pub use pcap::Pcap;
pub use phone::Phone;
pub use proxy::{Forking, Proxy, ProxyConfig};
pub use random::Random;
pub use seeds::Seeds;
pub use socket::{Direction, Record};
pub use verifier::{Refusal, Verified, Verifier};
