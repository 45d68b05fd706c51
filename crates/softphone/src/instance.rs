//! What a device is known by to registrars (RFC 5626 section 4.1).

use std::io;

use crate::error::{Kind, Result};

/// Makes what a device is to be known by from now on: a random UUID, as a URN. Keep it, and give it to
/// [`Builder::instance_id`](crate::Builder::instance_id) each time.
///
/// Fails when the operating system has no randomness.
///
/// ```
/// # fn show() -> softphone::Result<()> {
/// let urn = softphone::new_instance_id()?;
/// assert!(urn.starts_with("urn:uuid:"));
/// # Ok(())
/// # }
/// # show().unwrap();
/// ```
pub fn new_instance_id() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Kind::System { what: "no randomness", error: io::Error::other(error) })?;
    // RFC 9562 section 5.4: version 4 is random.
    Ok(ringfence_ua::uuid_urn(bytes, 4))
}

pub(crate) const INSTANCE: &str = "a URN like urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

pub(crate) fn is_urn(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&()*+,;=%".contains(&byte);
    let rest = text.get(..4).filter(|start| start.eq_ignore_ascii_case("urn:")).map(|_| &text[4..]);
    rest.is_some_and(|rest| rest.contains(':') && rest.bytes().all(is_plain))
}
