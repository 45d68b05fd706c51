//! One challenge of a 401 or 407, read into what answering it takes (RFC 7616 section 3.3).
//!
//! `domain` and `charset` are ignored: in SIP the realm alone defines the protection domain, and
//! text is UTF-8. User names and passwords are used as they are, not normalised.

use std::sync::Arc;

use ringfence_wire::sip::Challenge;

use super::digest::{Algorithm, Qop};

/// A Digest challenge that can be answered.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) realm: Arc<str>,
    pub(super) nonce: Box<str>,
    /// Echoed unchanged, even when empty.
    pub(super) opaque: Option<Box<str>>,
    /// What the challenge named; the default is MD5.
    pub(super) named_algorithm: Option<Algorithm>,
    /// `None` is answered as in RFC 2069.
    pub(super) qop: Option<Qop>,
    pub(super) is_stale: bool,
    pub(super) wants_userhash: bool,
}

impl Offer {
    /// Reads a challenge, or says what it asks for that cannot be given.
    pub(super) fn read(challenge: &Challenge<'_>) -> Result<Self, String> {
        //= https://www.rfc-editor.org/rfc/rfc8760#section-2.6
        //# SIP clients and servers MUST NOT accept or request Basic authentication.
        if !challenge.scheme().eq_ignore_ascii_case(b"Digest") {
            return Err(shown(&String::from_utf8_lossy(challenge.scheme())));
        }
        //= https://www.rfc-editor.org/rfc/rfc7616#section-3.3
        //# If the algorithm is not understood, the challenge SHOULD
        //# be ignored (and a different one used, if there is more than one).
        let named_algorithm = match challenge.param("algorithm") {
            Some(token) => {
                let known = Algorithm::from_token(&token);
                Some(known.ok_or_else(|| shown(&format!("Digest algorithm={token}")))?)
            }
            None => None,
        };
        let is_session = named_algorithm.is_some_and(Algorithm::is_session);
        let qop = choose_qop(&challenge.param("qop").unwrap_or_default(), is_session)?;
        let is_true = |name| challenge.param(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        Ok(Self {
            realm: text(challenge, "realm")?.ok_or("Digest without a realm")?.into(),
            nonce: text(challenge, "nonce")?.ok_or("Digest without a nonce")?.into(),
            opaque: text(challenge, "opaque")?.map(String::into),
            named_algorithm,
            qop,
            is_stale: is_true("stale"),
            wants_userhash: is_true("userhash"),
        })
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.named_algorithm.unwrap_or(Algorithm::MD5)
    }

    /// Returns whether it asks for more than MD5.
    pub(super) fn is_strong(&self) -> bool {
        self.algorithm().is_stronger_than(Algorithm::MD5)
    }
}

/// Chooses `auth` where both are offered: bodies are rewritten on the way too often.
fn choose_qop(offered: &str, is_session: bool) -> Result<Option<Qop>, String> {
    //= https://www.rfc-editor.org/rfc/rfc7616#section-3.3
    //# Unrecognized options MUST be ignored.
    //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4
    //# Its value MUST be one of the alternatives the server indicated it supports in the
    //# WWW-Authenticate header field.
    let known = || offered.split(',').filter_map(|token| Qop::from_token(token.trim()));
    match known().find(|qop| *qop == Qop::Auth).or_else(|| known().next()) {
        Some(qop) => Ok(Some(qop)),
        None if !offered.trim().is_empty() => Err(shown(&format!("Digest qop=\"{offered}\""))),
        //= https://www.rfc-editor.org/rfc/rfc3261#section-22.4
        //# Therefore, any
        //# algorithms that have a dependency on the cnonce (including
        //# "MD5-Sess") require that the qop directive be sent.
        None if is_session => Ok(Some(Qop::Auth)),
        None => Ok(None),
    }
}

/// Reads what `Authentication-Info` says to use from now on.
pub(super) fn next_nonce(info: &Challenge<'_>) -> Option<String> {
    text(info, "nextnonce").ok().flatten()
}

/// Reads a value that is kept and sent back within a quoted string.
fn text(challenge: &Challenge<'_>, name: &str) -> Result<Option<String>, String> {
    match challenge.param(name) {
        Some(value) if value.len() > LONGEST_VALUE => {
            Err(format!("Digest with {} bytes of {name}", value.len()))
        }
        Some(value) if value.chars().any(char::is_control) => {
            Err(format!("Digest with a control character in {name}"))
        }
        Some(value) => Ok(Some(value.into_owned())),
        None => Ok(None),
    }
}

/// Cuts what a server sent to what an error message can carry.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

/// The longest realm, nonce and opaque that are kept: far more than those in use have, and all realms'
/// together still leave most of a datagram of 64 KiB to the request.
const LONGEST_VALUE: usize = 1024;
