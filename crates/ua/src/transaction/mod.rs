//! The transaction layer (RFC 3261 section 17): four machines, their timers, and the table that
//! matches a message to its machine.
//!
//! The machines know nothing of headers; the table knows nothing of what a response means.

pub(crate) mod awaited;
mod client;
mod confirmed;
mod ended_by;
mod entry;
pub(crate) mod hashes;
mod invite_client;
mod invite_server;
pub(crate) mod key;
pub(crate) mod outcome;
mod server;
mod spare;
pub(crate) mod table;
pub(crate) mod timers;

pub use client::Client;
pub use ended_by::EndedBy;
pub use invite_client::InviteClient;
pub use invite_server::{InviteServer, InviteServerEnd};
pub use server::Server;
