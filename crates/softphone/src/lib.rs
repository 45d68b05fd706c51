//! A SIP softphone for programs: register lines with any PBX, be told of incoming calls, and ring,
//! reject, redirect or ignore each.
//!
//! ```no_run
#![doc = include_str!("../examples/reject.rs")]
//! ```
//!
//! # How it works
//!
//! | wanted | call | on the wire |
//! |---|---|---|
//! | a softphone | [`Softphone::builder`] … [`Builder::start`] | sockets bound, nothing sent |
//! | a registered line | [`Softphone::register`] | REGISTER, 401, REGISTER, 200 |
//! | a line, whatever its registrar says | [`Softphone::line`] | the same, in the background |
//! | a line that outlives a proxy | [`Account::outbound_proxies`] | REGISTER through each (RFC 5626) |
//! | its registration | [`Line::registration`] | refreshed, retried with back-off |
//! | its calls | [`Line::incoming`] | INVITE, 100 |
//! | what a call says | [`IncomingCall::caller`] and its like | |
//! | ring | [`IncomingCall::ring`] | 180 |
//! | reject | [`IncomingCall::reject`] | 486 or any 4xx to 6xx; the ACK is absorbed |
//! | send elsewhere | [`IncomingCall::redirect`] | 302 with Contact |
//! | stand aside, be silent, ring for a while | [`IncomingCall::wait`] | 180 or nothing; 480 or another answer at the limit |
//! | no answer at all | [`IncomingCall::ignore`] | nothing more |
//! | the caller gives up | [`IncomingCall::cancelled`] | CANCEL, 200, 487 |
//! | ports for media, and where they are seen | [`Line::rtp_pair`], [`Builder::stun_server`] | STUN Binding requests |
//! | decide before the application | [`Builder::screen`] | before anything is answered |
//! | how calls ended, and by whom | [`Builder::ended`] | ACK, or none |
//! | one queue instead of objects | [`flat::Phone`] | the same |
//! | one task for thousands of lines | [`Attendant::start`] | the same |
//! | find out why a line does not register | [`Builder::examine`] | OPTIONS, and a REGISTER that changes nothing |
//! | test what an application decides, in simulated time | [`simulated`] | |
//! | leave | [`Line::unregister`], [`Softphone::shutdown`] | REGISTER with `expires=0` of our own binding |
//!
//! Values that decide take `self`: an [`IncomingCall`] cannot be decided twice, and one that is dropped is answered 480.
//! Handles that observe ([`Softphone`], [`Line`], [`Registration`]) are cheap clones, and dropping them changes nothing.
//! Every wait can be raced in `select!`: a future that is dropped loses no call, no state and no event.
//!
//! # Screening
//!
//! An application that decides at once, from what it has in memory, does so in [`Builder::screen`]: it borrows the INVITE
//! and answers without a task or a copy.
//!
//! ```no_run
//! use softphone::{Account, Reject, Softphone, Verdict};
//!
//! # async fn run() -> softphone::Result<()> {
//! let busy = Reject::busy().warning("User reject");
//! let phone = Softphone::builder()
//!     .screen(move |invite| match invite.caller() {
//!         Some(caller) if caller.user().starts_with("+4179") => busy.clone().into(),
//!         _ => Verdict::Offer, // Line::incoming has it
//!     })
//!     .start()
//!     .await?;
//! let line = phone.register(Account::new("sip:858@192.0.2.1")?.password("secret")).await?;
//! while let Some(mut call) = line.incoming().await {
//!     call.ring().await?;
//!     call.cancelled().await;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Many lines, many cores
//!
//! [`Builder::shards`] spreads the lines over threads that share nothing: each has its own socket, and the Contact of a
//! line leads to the one that has it. An [`Attendant`] has what happens to all of them, where a task for each would be thousands.
//! The threads are the softphone's own; the application's runtime can be any, but for
//! [`flat::Phone`], which spawns on tokio's.
//!
//! # Where requests go
//!
//! An account without a port goes where its domain says (RFC 3263): its NAPTR records name the transport, their SRV records
//! the servers, whose addresses are tried in order of priority and weight, both families in turn. Over a connection, one
//! whose TLS or WebSocket handshake fails, or has not ended after 2 s, leads to the next; all of them together have 20 s.
//! Where none can be had, or a server over UDP has failed in the last five minutes, the next transport is tried that the
//! domain names ([`ChosenBy::Fallback`]): nothing in clear after TLS, nothing after a certificate that is not accepted, and
//! nothing else where the account names a transport. An account with a port goes to that port of the host. What was found is kept for all lines as long as it says; while the DNS is down, the last
//! answer is used on for a day. [`Builder::resolver`] puts another [`Resolver`] in the place of the system's.
//!
//! # Who may ring
//!
//! An INVITE is taken when it comes from the address of the line's registrar or proxy, from a configured
//! [`Account::peer`], or carries the unguessable token that the line's Contact gave the registrar. Every other is
//! dropped unanswered and counted, unless the line is [`Account::open_to_everyone`].
//!
//! # What is not supported yet
//!
//! Accepting and placing calls, media, and every extension (`100rel`, `timer`, …):
//! a request that requires one is answered 420 unless it is rejected before.
//!
//! # Logs
//!
//! Through [`tracing`], in fields. No number, name, password or address of a caller is in them, at any level. That is so of this
//! crate: `tungstenite` logs whole messages of WebSocket at `trace`, and is to be silenced where that is logged (`tungstenite=info`).
//!
//! | level | what |
//! |---|---|
//! | `error` | what cannot go on: a socket is lost; a hook has panicked, the first time |
//! | `warn` | that a thread does not run on its processor, and that there is an overload: a part of the new requests is not received |
//! | `info` | that the overload is over. What a line or a call means to people is the application's to say |
//! | `debug` | where an account's servers were found, and look-ups that fail; each state of a registration, with the cause of a failure; each call offered and ended, by its id; what the socket did not send or receive; that the machine has slept |
//! | `trace` | datagrams that are dropped because they cannot be read, with the reason |

mod account;
mod attendant;
mod builder;
mod call;
mod error;
pub mod examine;
pub mod flat;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzed;
mod hooks;
mod instance;
mod io;
mod line;
mod listener;
mod newest;
mod registration;
mod reject;
mod screen;
mod shard;
pub mod simulated;
mod softphone;
mod tls;
mod trace;
mod wait;
mod waiting;

pub use account::Account;
pub use attendant::{Attendant, News};
pub use builder::Builder;
pub use call::{Ended, How, IncomingCall};
pub use error::{Error, Result};
pub use instance::new_instance_id;
pub use io::{Lookup, LookupError, Naptr, Records, Resolver, RtpPair, RtpPorts, Srv, is_stun_server};
pub use line::{Line, LineId};
pub use listener::Listener;
pub use registration::{Chosen, ChosenBy, Registration, RegistrationState};
pub use reject::{Redirect, Reject};
#[doc(inline)]
pub use ringfence_ua::{
    Cause, Counters, EndedBy, LostFlow, MOST_TOGETHER, Ping, Removals, Transport, Trying,
};
pub use screen::{Address, CallId, Diversion, Invite, Objection, Trust, Verdict};
pub use softphone::Softphone;
pub use tls::{DangerousTls, Tls};
pub use trace::{Direction, Traced};
pub use wait::Wait;

/// The scripted resolver of the integration tests.
#[cfg(test)]
mod zone {
    use crate::{Lookup, LookupError, Naptr, Records, Resolver, Srv};

    include!("../tests/stage/zone.rs");
}
