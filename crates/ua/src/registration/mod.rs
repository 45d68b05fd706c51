//! Registration (RFC 3261 section 10): the binding of one line at its registrar, kept alive.

mod account;
mod backoff;
mod binding;
mod contact;
mod crowd;
mod gruu;
mod outbound;
mod penalties;
mod query;
mod request;
mod service_route;
mod state;
mod target;
mod unseen;

pub use account::{Account, Extras};
pub(crate) use binding::{Action, Binding};
pub(crate) use crowd::{APART, Crowd};
pub use outbound::uuid_urn;
pub(crate) use penalties::Penalties;
pub use query::{Asks, Query};
pub use state::{Cause, LostFlow, RegistrationState};
pub use target::{Target, Unreached, Unresolved};
