//! SIP between bytes and values: what one datagram says, and how to say it.
//!
//! A received datagram becomes a [`sip::Message`]: spans into the bytes, found in one pass without copying or
//! allocating. Its headers are read on demand, each by the grammar of RFC 3261 section 25, and a header
//! that breaks its grammar says so when *it* is read, never before: a broken header hides no other.
//! A message to send is written by [`sip::Printer`] straight into the buffer that goes out.
//!
//! ```
//! use ringfence_wire::sip::{HeaderName, Message, Printer, StatusCode};
//!
//! let datagram = b"OPTIONS sip:1001@192.0.2.7 SIP/2.0\r\n\
//!     Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK77\r\n\
//!     f: <sip:1002@192.0.2.1>;tag=9fxced\r\n\
//!     t: <sip:1001@192.0.2.7>\r\n\
//!     i: a84b4c76e66710\r\n\
//!     CSeq: 63 OPTIONS\r\n\r\n";
//! let request = Message::parse(datagram)?;
//! assert_eq!(request.cseq()?.number, 63);
//! assert_eq!(request.from()?.uri()?.user(), Some(&b"1002"[..]));
//!
//! let mut out = Vec::new();
//! let mut response = Printer::response(&mut out, StatusCode::OK, None);
//! for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
//!     response.copy(&request, name);
//! }
//! response.header("Allow", b"INVITE, ACK, CANCEL, BYE, OPTIONS");
//! response.finish();
//! assert!(out.starts_with(b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK77\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! STUN is read and written besides, as far as a client needs it to learn where it is seen: [`stun`].
//!
//! # Layers
//!
//! ```text
//!  sip::Message ── Printer          a whole message: found, and written
//!      │
//!  sip::header                      one file a header: Via, CSeq, Contact, Challenge, Warning, …
//!      │
//!  sip::NameAddr ── Uri ── Params   what headers are made of
//!      │
//!  sip::lex                         bytes: tokens, quoted strings, white space
//!  sip::class                       which byte may stand where
//! ```
//!
//! Nothing here reads a clock, a socket or a source of randomness.

pub mod sip;
pub mod stun;
