//! A list's signature: the owner's Ed25519 key (RFC 8032) over the bytes of the list.
//!
//! It stands beside the list, under the same address with `.sig` behind it: 64 bytes, or the same in
//! base 64. TLS proves the server, the signature the owner; an old list with its old signature still
//! verifies.

use ring::signature::{ED25519, UnparsedPublicKey};

use super::base64;
use super::error::SourceError;

/// The key of a list's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey([u8; KEY_BYTES]);

const KEY_BYTES: usize = 32;
const SIGNATURE_BYTES: usize = 64;
/// A signature in base 64, with line ends.
pub(crate) const MOST_SIGNATURE: u64 = 1024;

impl PublicKey {
    /// Reads a key of the form `ed25519:BASE64`.
    pub(crate) fn parse(text: &str) -> Result<Self, SourceError> {
        let key = text.strip_prefix("ed25519:").and_then(base64::decode).and_then(|key| key.try_into().ok());
        key.map(Self)
            .ok_or_else(|| refused("`pubkey` is no key, expected `ed25519:` and 32 bytes in base 64"))
    }

    /// Checks the signature of a list.
    pub(crate) fn verify(&self, list: &[u8], signature: &[u8]) -> Result<(), SourceError> {
        let signature =
            raw(signature).ok_or_else(|| refused("the signature is not 64 bytes, or those in base 64"))?;
        let key = UnparsedPublicKey::new(&ED25519, self.0);
        key.verify(list, &signature)
            .map_err(|_| refused("the signature is not that of `pubkey` for this list"))
    }
}

fn raw(signature: &[u8]) -> Option<Vec<u8>> {
    if signature.len() == SIGNATURE_BYTES {
        return Some(signature.to_vec());
    }
    let decoded = base64::decode(std::str::from_utf8(signature).ok()?.trim())?;
    (decoded.len() == SIGNATURE_BYTES).then_some(decoded)
}

fn refused(why: &str) -> SourceError {
    SourceError::Signature { why: why.to_owned() }
}
