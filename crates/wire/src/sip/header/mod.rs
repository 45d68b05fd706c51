//! Header field values by their own grammars, a file a header.

mod challenge;
mod contact;
mod cseq;
mod name;
mod reason;
mod retry_after;
mod via;
mod warning;

pub use challenge::Challenge;
pub(super) use challenge::Challenges;
pub use contact::Contact;
pub use cseq::CSeq;
pub use name::HeaderName;
pub use reason::Reason;
pub use retry_after::RetryAfter;
pub use via::Via;
pub use warning::Warning;
