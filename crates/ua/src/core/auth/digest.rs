//! The digest of RFC 7616 section 3.4, and of RFC 2069 where a server offers no `qop`.
//!
//! ```text
//!  user:realm:password ─H─▶ A1 ──(-sess: A1:nonce:cnonce ─H─▶)──┐
//!                                                               ├─▶ A1:nonce:nc:cnonce:qop:A2 ─H─▶ response
//!  method:uri[:H(body)] ─H─▶ A2 ────────────────────────────────┘   (without qop: A1:nonce:A2)
//! ```
//!
//! Pure functions of their input: nonces, counts and cnonces are the caller's.

use std::fmt;

use md5::Md5;
use sha2::{Sha256, Sha512_256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A1 of one user in one realm: as good as the password there, so it is wiped when dropped.
///
/// ```
/// use ringfence_ua::auth::{Algorithm, Digested, Key, Protection, Qop};
///
/// let key = Key::new(Algorithm::MD5, "Mufasa", "testrealm@host.com", "Circle Of Life");
/// let response = key.response(&Digested {
///     method: "GET",
///     uri: b"/dir/index.html",
///     body: b"",
///     nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
///     protection: Some(Protection { qop: Qop::Auth, nonce_count: 1, cnonce: "0a4f113b" }),
/// });
/// assert_eq!(response.as_str(), "6629fae49393a05397450978507c4ef1");
/// ```
#[derive(Clone)]
pub struct Key {
    algorithm: Algorithm,
    /// The hash itself: its digits are twice as long, and there may be fifty thousand.
    a1: Zeroizing<[u8; LONGEST]>,
}

/// What one digest is computed over, besides the key.
///
/// ```
/// use ringfence_ua::auth::Digested;
///
/// // A challenge without `qop` is answered as in RFC 2069.
/// let request = Digested { method: "REGISTER", uri: b"sip:example.com", body: b"", nonce: "n", protection: None };
/// assert!(request.protection.is_none());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Digested<'a> {
    /// The request's method; empty for `rspauth`, which is over a response.
    pub method: &'a str,
    /// The Request-URI as it is in the `uri` parameter.
    pub uri: &'a [u8],
    /// The body, which counts for `auth-int` only.
    pub body: &'a [u8],
    /// The server's nonce, without quotes and escapes.
    pub nonce: &'a str,
    /// What RFC 2617 added; `None` computes the digest of RFC 2069.
    pub protection: Option<Protection<'a>>,
}

/// The part of a digest that `qop` brings.
///
/// ```
/// use ringfence_ua::auth::{Protection, Qop};
///
/// let first = Protection { qop: Qop::Auth, nonce_count: 1, cnonce: "0a4f113b" };
/// assert_eq!(first.qop.as_str(), "auth");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Protection<'a> {
    /// What is protected.
    pub qop: Qop,
    /// How many requests were sent with the nonce, this one included.
    pub nonce_count: u32,
    /// The client's nonce.
    pub cnonce: &'a str,
}

/// A digest algorithm of the IANA registry: a hash, over the request alone or over a session.
///
/// ```
/// use ringfence_ua::auth::Algorithm;
///
/// let algorithm = Algorithm::from_token("sha-256-sess").unwrap();
/// assert_eq!(algorithm.as_str(), "SHA-256-sess");
/// assert!(algorithm.is_stronger_than(Algorithm::MD5));
/// assert_eq!(Algorithm::from_token("ROT-13"), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Algorithm {
    hash: Hash,
    session: bool,
}

/// The hashes, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Hash {
    Md5,
    Sha256,
    Sha512_256,
}

/// What a digest protects.
///
/// ```
/// use ringfence_ua::auth::Qop;
///
/// assert_eq!(Qop::from_token("auth-int"), Some(Qop::AuthInt));
/// assert_eq!(Qop::Auth.as_str(), "auth");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qop {
    /// `auth`: method and URI.
    Auth,
    /// `auth-int`: method, URI and body.
    AuthInt,
}

/// The lower-case hexadecimal form of a hash, compared in constant time.
///
/// ```
/// use ringfence_ua::auth::Algorithm;
///
/// let empty = Algorithm::MD5.hash(&[b""]);
/// assert_eq!(empty.as_str(), "d41d8cd98f00b204e9800998ecf8427e");
/// assert!(empty.matches(b"d41d8cd98f00b204e9800998ecf8427e"));
/// ```
#[derive(Clone, Copy)]
pub struct HexDigest {
    digits: [u8; HexDigest::LONGEST],
    length: usize,
}

impl Key {
    /// Computes the key of a user: name (not hashed even where it travels hashed), realm and
    /// password, none with quotes or escapes.
    #[must_use]
    pub fn new(algorithm: Algorithm, username: &str, realm: &str, password: &str) -> Self {
        let parts = [username.as_bytes(), b":", realm.as_bytes(), b":", password.as_bytes()];
        Self { algorithm, a1: Zeroizing::new(algorithm.bytes(&parts)) }
    }

    /// Makes it the key of an authentication session, which is begun by the first answer to a
    /// challenge. Changes nothing unless the algorithm is a session variant.
    #[must_use]
    pub fn of_session(self, nonce: &str, cnonce: &str) -> Self {
        if !self.algorithm.session {
            return self;
        }
        let a1 = self.digits();
        let parts = [a1.as_bytes(), b":", nonce.as_bytes(), b":", cnonce.as_bytes()];
        Self { algorithm: self.algorithm, a1: Zeroizing::new(self.algorithm.bytes(&parts)) }
    }

    /// Computes the `response` parameter for a request, or `rspauth` where its method is empty.
    #[must_use]
    pub fn response(&self, request: &Digested<'_>) -> HexDigest {
        let Digested { method, uri, body, nonce, protection } = *request;
        let digits = self.digits();
        let (algorithm, a1, nonce) = (self.algorithm, digits.as_bytes(), nonce.as_bytes());
        let Some(Protection { qop, nonce_count, cnonce }) = protection else {
            let a2 = algorithm.hash(&[method.as_bytes(), b":", uri]);
            return algorithm.hash(&[a1, b":", nonce, b":", a2.as_bytes()]);
        };
        let a2 = match qop {
            Qop::Auth => algorithm.hash(&[method.as_bytes(), b":", uri]),
            Qop::AuthInt => {
                let body = algorithm.hash(&[body]);
                algorithm.hash(&[method.as_bytes(), b":", uri, b":", body.as_bytes()])
            }
        };
        let protected = format!(":{nonce_count:08x}:{cnonce}:{qop}:");
        algorithm.hash(&[a1, b":", nonce, protected.as_bytes(), a2.as_bytes()])
    }

    fn digits(&self) -> Zeroizing<HexDigest> {
        Zeroizing::new(HexDigest::new(&self.a1[..self.algorithm.length()]))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl Algorithm {
    /// The algorithm of RFC 2617, the default where none is named.
    pub const MD5: Self = Self { hash: Hash::Md5, session: false };
    /// SHA-256, which RFC 7616 makes mandatory.
    pub const SHA_256: Self = Self { hash: Hash::Sha256, session: false };
    /// SHA-512/256, RFC 7616's backup.
    pub const SHA_512_256: Self = Self { hash: Hash::Sha512_256, session: false };

    /// Returns the session variant, whose key depends on the nonces too.
    #[must_use]
    pub fn session(self) -> Self {
        Self { session: true, ..self }
    }

    /// Returns whether this is a session variant.
    #[must_use]
    pub fn is_session(self) -> bool {
        self.session
    }

    /// Returns whether its hash is stronger than the other's; a session variant is as strong as the
    /// plain one.
    #[must_use]
    pub fn is_stronger_than(self, other: Self) -> bool {
        self.hash > other.hash
    }

    /// Reads the value of an `algorithm` parameter, in any case.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        let every = [Self::MD5, Self::SHA_256, Self::SHA_512_256];
        every
            .into_iter()
            .flat_map(|algorithm| [algorithm, algorithm.session()])
            .find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(token))
    }

    /// Returns the value of the `algorithm` parameter.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match (self.hash, self.session) {
            (Hash::Md5, false) => "MD5",
            (Hash::Md5, true) => "MD5-sess",
            (Hash::Sha256, false) => "SHA-256",
            (Hash::Sha256, true) => "SHA-256-sess",
            (Hash::Sha512_256, false) => "SHA-512-256",
            (Hash::Sha512_256, true) => "SHA-512-256-sess",
        }
    }

    /// Computes what travels as `username` where the server asked for `userhash`.
    #[must_use]
    pub fn userhash(self, username: &str, realm: &str) -> HexDigest {
        self.hash(&[username.as_bytes(), b":", realm.as_bytes()])
    }

    /// Hashes the concatenation of `parts`.
    #[must_use]
    pub fn hash(self, parts: &[&[u8]]) -> HexDigest {
        HexDigest::new(&self.bytes(parts)[..self.length()])
    }

    fn bytes(self, parts: &[&[u8]]) -> [u8; LONGEST] {
        match self.hash {
            Hash::Md5 => hash_with::<Md5>(parts),
            Hash::Sha256 => hash_with::<Sha256>(parts),
            Hash::Sha512_256 => hash_with::<Sha512_256>(parts),
        }
    }

    /// Returns how many bytes its hash has.
    fn length(self) -> usize {
        match self.hash {
            Hash::Md5 => 16,
            Hash::Sha256 | Hash::Sha512_256 => LONGEST,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Qop {
    /// Reads one token of a `qop` parameter, in any case.
    #[must_use]
    pub fn from_token(token: &str) -> Option<Self> {
        [Self::Auth, Self::AuthInt].into_iter().find(|qop| qop.as_str().eq_ignore_ascii_case(token))
    }

    /// Returns the token.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }
}

impl fmt::Display for Qop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl HexDigest {
    /// Four bits to a digit.
    const LONGEST: usize = 2 * LONGEST;

    fn new(hash: &[u8]) -> Self {
        //= https://www.rfc-editor.org/rfc/rfc7616#section-3.2
        //# Each sequence of four bits is represented by its familiar
        //# hexadecimal notation from the characters 0123456789abcdef
        let mut digits = [0; Self::LONGEST];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(hash) {
            pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        Self { digits, length: 2 * hash.len() }
    }

    /// Returns the digits.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("hexadecimal digits are ASCII")
    }

    /// Returns whether `other` is this digest, in a time that tells nothing of where they differ.
    #[must_use]
    pub fn matches(&self, other: &[u8]) -> bool {
        self.as_bytes().ct_eq(&other.to_ascii_lowercase()).into()
    }

    fn as_bytes(&self) -> &[u8] {
        &self.digits[..self.length]
    }
}

impl Zeroize for HexDigest {
    fn zeroize(&mut self) {
        self.digits.zeroize();
    }
}

impl fmt::Debug for HexDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HexDigest(..)")
    }
}

/// The bytes of the longest hash: 256 bits.
const LONGEST: usize = 32;

fn hash_with<D: sha2::Digest>(parts: &[&[u8]]) -> [u8; LONGEST] {
    let mut hasher = D::new();
    for part in parts {
        hasher.update(part);
    }
    let (mut bytes, hash) = ([0; LONGEST], hasher.finalize());
    bytes[..hash.len()].copy_from_slice(&hash);
    bytes
}
