//! The sans-IO SIP user agent.
//!
//! It opens no socket, reads no clock and takes no randomness but the seed it is given: datagrams,
//! time and commands go in, datagrams, events and deadlines come out of one door, [`Endpoint`].
//!
//! | layer | folder | RFC 3261 |
//! |---|---|---|
//! | the door | `endpoint` | |
//! | incoming calls; the binding at a registrar | `call`, `registration` | 9, 13; 10 |
//! | what a UAS must say, responses, digest authentication | `core` | 8, 11, 22 |
//! | the four machines, their timers and table | `transaction` | 17, RFC 6026 |
//! | where responses go, keep-alive | `transport` | 18, RFC 3581 |
//! | bounds, identifiers | `limits`, `id` | 8.1.1.7, 19.3 |
//!
//! A folder uses only what stands below it. Lower layers return values; they never call up.
//!
//! Not here: dialogs and what needs them (accepting and placing calls), reliable provisional
//! responses.

mod call;
mod core;
mod endpoint;
mod id;
mod limits;
mod registration;
pub mod transaction;
mod transport;

pub use call::{
    CallEnd, CallNumber, InvalidAnswer, Invite, Origin, Redirection, Rejection, Screen, Verdict, Wait,
};
pub use core::{Objection, auth};
pub use endpoint::{Config, Counters, Decided, Endpoint, Event, Full, MOST_TOGETHER, Removals, Trying};
pub use id::{Generator, LineId};
pub use limits::Limits;
pub use registration::{
    Account, Asks, Cause, Extras, LostFlow, Query, RegistrationState, Target, Unreached, Unresolved, uuid_urn,
};
pub use transaction::EndedBy;
pub use transport::{ConnectionId, Flow, Outbox, Ping, Transmit, Transmits, Transport, Write};
