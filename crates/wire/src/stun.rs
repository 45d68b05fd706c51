//! STUN, as much of it as tells where a server sees a socket: Binding requests and what answers them (RFC 8489).
//!
//! ```text
//!  0                   1                   2                   3
//! |0 0|   type    |         length        |  the header is 20 bytes
//! |            magic cookie               |
//! |         transaction id, 96 bits       |
//! |  attribute type   |      length       |  and again, each padded to 4 bytes
//! |               value …                 |
//! ```
//!
//! Neither credentials nor FINGERPRINT: where STUN shares a port with SIP, the first two bits and the cookie tell them
//! apart. Requests and indications of others are not read: this is a client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// RFC 8489 section 5.
const MAGIC_COOKIE: u32 = 0x2112_A442;
const HEADER: usize = 20;
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;
// RFC 8489 section 18.3.
const MAPPED_ADDRESS: u16 = 0x0001;
const ERROR_CODE: u16 = 0x0009;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
/// Attributes below this are to be understood, or the message is not (section 14).
const COMPREHENSION_OPTIONAL: u16 = 0x8000;
/// Attributes of a response that are to be understood, and say nothing of what is asked here: those of
/// authentication, which nothing here uses, and RFC 5780's, which older servers number below the bound.
const PASSED_OVER: [u16; 12] =
    [0x0004, 0x0005, 0x0006, 0x0008, 0x000A, 0x000B, 0x0014, 0x0015, 0x001C, 0x001D, 0x001E, 0x0027];

/// What a request is known by, and its answer.
///
/// ```
/// use ringfence_wire::stun::TransactionId;
///
/// assert_ne!(TransactionId::new([1; 12]), TransactionId::new([2; 12]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId([u8; 12]);

impl TransactionId {
    /// Makes an id of what is to be unguessable: who guesses it can answer for the server.
    //= https://www.rfc-editor.org/rfc/rfc8489#section-5
    //# As such, the transaction ID MUST be uniformly and
    //# randomly chosen from the interval 0 .. 2**96-1 and MUST be
    //# cryptographically random.
    #[must_use]
    pub fn new(random: [u8; 12]) -> Self {
        Self(random)
    }
}

/// Returns a Binding request without attributes.
///
/// ```
/// use ringfence_wire::stun::{TransactionId, binding_request, is_stun};
///
/// assert!(is_stun(&binding_request(TransactionId::new([7; 12]))));
/// ```
#[must_use]
pub fn binding_request(id: TransactionId) -> [u8; HEADER] {
    let mut request = [0; HEADER];
    request[..2].copy_from_slice(&BINDING_REQUEST.to_be_bytes());
    request[4..8].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    request[8..].copy_from_slice(&id.0);
    request
}

/// Returns whether a datagram is STUN rather than SIP, by its first two bits and the cookie. Nothing else of it is read.
///
/// ```
/// assert!(!ringfence_wire::stun::is_stun(b"OPTIONS sip:858@192.0.2.9 SIP/2.0\r\n"));
/// ```
#[must_use]
pub fn is_stun(datagram: &[u8]) -> bool {
    //= https://www.rfc-editor.org/rfc/rfc8489#section-5
    //# The most significant 2 bits of every STUN message MUST be zeroes.
    datagram.first().is_some_and(|byte| byte & 0xC0 == 0)
        && datagram.get(4..8) == Some(&MAGIC_COOKIE.to_be_bytes())
}

/// What a server answers to a Binding request.
///
/// ```
/// use ringfence_wire::stun::{Answer, ParseError};
///
/// assert_eq!(Answer::parse(b"SIP/2.0 200 OK\r\n\r\n......"), Err(ParseError::NotStun));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// What it answers.
    pub id: TransactionId,
    /// Where the server saw the request come from, or the code of its error.
    pub mapped: Result<SocketAddr, u16>,
}

/// Why something is no answer to a Binding request.
///
/// ```
/// use ringfence_wire::stun::ParseError;
///
/// assert_eq!(ParseError::NoAddress.to_string(), "a Binding response without an address");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Without the cookie, or too short for a header.
    #[error("no STUN message")]
    NotStun,
    /// A request, an indication, or of another method.
    #[error("no Binding response: type {0:#06x}")]
    Type(u16),
    /// The length in the header is not that of the message.
    #[error("a length of {said} in a STUN message with {is} bytes behind its header")]
    Length {
        /// What the header says.
        said: u16,
        /// What is there.
        is: usize,
    },
    /// An attribute that ends behind the message.
    #[error("STUN attribute {0:#06x} is cut off")]
    CutOff(u16),
    /// An attribute whose value is none of its kind.
    #[error("STUN attribute {0:#06x} cannot be read")]
    Value(u16),
    /// An attribute that must be understood and is not.
    #[error("STUN attribute {0:#06x} is not known")]
    Unknown(u16),
    /// A success without an address.
    #[error("a Binding response without an address")]
    NoAddress,
    /// An error without a code.
    #[error("a Binding error response without a code")]
    NoCode,
}

impl Answer {
    /// Reads an answer. Whether it is one to a request of ours, its id says.
    pub fn parse(datagram: &[u8]) -> Result<Self, ParseError> {
        if !is_stun(datagram) {
            return Err(ParseError::NotStun);
        }
        let (header, mut attributes) = datagram.split_first_chunk::<HEADER>().ok_or(ParseError::NotStun)?;
        let is_success = match u16::from_be_bytes([header[0], header[1]]) {
            BINDING_SUCCESS => true,
            BINDING_ERROR => false,
            other => return Err(ParseError::Type(other)),
        };
        let (said, is) = (u16::from_be_bytes([header[2], header[3]]), attributes.len());
        if usize::from(said) != is || is % 4 != 0 {
            return Err(ParseError::Length { said, is });
        }
        let mut id = [0; 12];
        id.copy_from_slice(&header[8..]);
        let id = TransactionId(id);
        let (mut xored, mut plain, mut code) = (None, None, None);
        while let Some((kind, value, rest)) = next(attributes)? {
            attributes = rest;
            // The first of a kind counts (section 14).
            match kind {
                XOR_MAPPED_ADDRESS => xored = xored.or(Some(address(kind, value)?.xored(id))),
                MAPPED_ADDRESS => plain = plain.or(Some(address(kind, value)?)),
                ERROR_CODE => code = code.or(Some(error_code(value)?)),
                //= https://www.rfc-editor.org/rfc/rfc8489#section-6.3.3
                //# If the success response contains unknown comprehension-required
                //# attributes, the response is discarded and the transaction is
                //# considered to have failed.
                kind if kind < COMPREHENSION_OPTIONAL && is_success && !PASSED_OVER.contains(&kind) => {
                    return Err(ParseError::Unknown(kind));
                }
                _ => {}
            }
        }
        if !is_success {
            return Ok(Self { id, mapped: Err(code.ok_or(ParseError::NoCode)?) });
        }
        // A server of before RFC 5389 knows the plain one alone; a router on the way may have rewritten that.
        let mapped = xored.or(plain).ok_or(ParseError::NoAddress)?;
        Ok(Self { id, mapped: Ok(mapped.0) })
    }
}

/// Splits the next attribute from what follows its padding: its type and its value.
#[expect(clippy::type_complexity, reason = "three parts of one thing, used once")]
fn next(attributes: &[u8]) -> Result<Option<(u16, &[u8], &[u8])>, ParseError> {
    let Some((head, rest)) = attributes.split_first_chunk::<4>() else { return Ok(None) };
    let kind = u16::from_be_bytes([head[0], head[1]]);
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let value = rest.get(..length).ok_or(ParseError::CutOff(kind))?;
    let rest = rest.get(length.next_multiple_of(4)..).ok_or(ParseError::CutOff(kind))?;
    Ok(Some((kind, value, rest)))
}

/// An address as an attribute has it.
#[derive(Clone, Copy)]
struct Address(SocketAddr);

impl Address {
    /// Undoes what hides an address from those who rewrite the addresses that they find (section 14.2).
    fn xored(self, id: TransactionId) -> Self {
        let cookie = MAGIC_COOKIE.to_be_bytes();
        let port = self.0.port() ^ u16::from_be_bytes([cookie[0], cookie[1]]);
        let ip = match self.0.ip() {
            IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip) ^ MAGIC_COOKIE).into(),
            IpAddr::V6(ip) => {
                let mut mask = [0; 16];
                mask[..4].copy_from_slice(&cookie);
                mask[4..].copy_from_slice(&id.0);
                Ipv6Addr::from(u128::from(ip) ^ u128::from_be_bytes(mask)).into()
            }
        };
        Self(SocketAddr::new(ip, port))
    }
}

/// Reads an address: a byte of nothing, the family, the port, the address (section 14.1).
fn address(kind: u16, value: &[u8]) -> Result<Address, ParseError> {
    let (head, ip) = value.split_first_chunk::<4>().ok_or(ParseError::Value(kind))?;
    let port = u16::from_be_bytes([head[2], head[3]]);
    let ip: IpAddr = match (head[1], <[u8; 4]>::try_from(ip), <[u8; 16]>::try_from(ip)) {
        (1, Ok(ip), _) => ip.into(),
        (2, _, Ok(ip)) => ip.into(),
        _ => return Err(ParseError::Value(kind)),
    };
    Ok(Address(SocketAddr::new(ip, port)))
}

/// Reads an error's code: its hundreds and the rest apart (section 14.8).
fn error_code(value: &[u8]) -> Result<u16, ParseError> {
    let &[_, _, class, number, ..] = value else { return Err(ParseError::Value(ERROR_CODE)) };
    let (class, number) = (u16::from(class & 7), u16::from(number));
    let is_code = (3..=6).contains(&class) && number < 100;
    is_code.then_some(class * 100 + number).ok_or(ParseError::Value(ERROR_CODE))
}

#[cfg(test)]
mod tests;
