//! Header field values by their own grammars, a file a header.

mod challenge;
mod contact;
mod cseq;
mod date;
mod disposition;
mod media_type;
mod name;
mod names;
mod reason;
mod retry_after;
mod via;
mod warning;

pub use challenge::Challenge;
pub(super) use challenge::Challenges;
pub use contact::Contact;
pub use cseq::CSeq;
pub use date::Date;
pub use disposition::Disposition;
pub use media_type::MediaType;
pub use name::HeaderName;
pub(super) use names::Names;
pub use reason::Reason;
pub use retry_after::RetryAfter;
pub use via::Via;
pub use warning::Warning;
