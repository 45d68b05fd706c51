//! Contact (RFC 3261 section 20.10).

use crate::sip::error::Fault;
use crate::sip::lex::trim;
use crate::sip::name_addr::NameAddr;

/// One value of a Contact header.
///
/// ```
/// use ringfence_wire::sip::Contact;
///
/// assert!(matches!(Contact::parse(b" * ")?, Contact::Star));
/// let Contact::Addr(addr) = Contact::parse(b"<sip:1001@192.0.2.7>;expires=60")? else { unreachable!() };
/// assert_eq!(addr.param("expires"), Some(&b"60"[..]));
/// # Ok::<(), ringfence_wire::sip::Fault>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Contact<'a> {
    /// `*`, all bindings: allowed only to remove them.
    Star,
    /// An address.
    Addr(NameAddr<'a>),
}

impl<'a> Contact<'a> {
    /// Reads one value, which must be all of `value`.
    pub fn parse(value: &'a [u8]) -> Result<Self, Fault> {
        match trim(value) {
            b"" => Err(Fault::Empty),
            b"*" => Ok(Self::Star),
            addr => NameAddr::parse(addr).map(Self::Addr),
        }
    }
}
