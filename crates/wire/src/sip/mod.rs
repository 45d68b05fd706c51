//! The Session Initiation Protocol's message grammar (RFC 3261 sections 7, 19, 20 and 25).
//!
//! [`Message::parse`] is lenient about structure and never about memory: what can be told apart as lines is
//! a message, of at most [`MAX_MESSAGE`] bytes and [`MAX_HEADERS`] header fields. The typed readings
//! ([`Message::via`], [`Message::from`], …) take what the grammar has and what cannot be misunderstood: each yields
//! its value or a [`HeaderError`] whose text says what is wrong, fit for the reason phrase of a 400 (Bad Request)
//! response.

mod class;
mod error;
mod field;
mod framer;
mod framing;
mod head;
pub mod header;
mod host;
mod lex;
mod message;
mod method;
mod name_addr;
mod params;
mod parse;
mod print;
mod quote;
mod start_line;
mod status;
mod topmost;
mod typed;
mod uri;
mod words;

pub use error::{Fault, HeaderError, ParseError, UriError};
pub use field::Field;
pub use framer::{Frame, Framer, StreamError};
pub use framing::Framing;
pub use head::Head;
pub use header::{
    CSeq, Challenge, Contact, Date, Disposition, HeaderName, MediaType, Reason, RetryAfter, Via, Warning,
};
pub use host::Host;
pub use message::Message;
pub use method::Method;
pub use name_addr::NameAddr;
pub use params::{MAX_PARAMETERS, Params, ParamsIter};
pub use parse::{MAX_HEADERS, MAX_MESSAGE};
pub use print::Printer;
pub use quote::{Quoted, quote, unquote};
pub use start_line::{StartLine, StartLineFault};
pub use status::StatusCode;
pub use topmost::topmost_via_of_ack;
pub use uri::{Scheme, Uri};
