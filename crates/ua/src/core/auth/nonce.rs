//! A nonce with all that is needed to use it again.

use std::fmt;

use ringfence_wire::sip::quote;

use super::Credentials;
use super::challenge::Offer;
use super::digest::{Algorithm, Digested, HexDigest, Key, Protection, Qop};

/// What an [`Offer`] leaves for the requests that follow. There may be fifty thousand.
#[derive(Debug)]
pub(super) struct Nonce {
    /// The server's nonce, its opaque and the client's nonce, one behind the other.
    texts: Box<str>,
    /// How long the server's nonce is.
    length: u16,
    /// How long the opaque is.
    opaque: Option<u16>,
    named_algorithm: Option<Algorithm>,
    qop: Option<Qop>,
    wants_userhash: bool,
    /// How many requests were sent with it.
    pub(super) count: u32,
    /// Made by the first answer to the challenge.
    key: Option<Key>,
}

/// What is authorized: a request that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub(super) method: &'a str,
    pub(super) uri: &'a [u8],
    pub(super) body: &'a [u8],
    pub(super) cnonce: &'a str,
}

/// Prints as the value of `Authorization` or `Proxy-Authorization`.
pub(super) struct Answer<'a> {
    user: &'a str,
    userhash: Option<HexDigest>,
    realm: &'a str,
    nonce: &'a Nonce,
    uri: &'a [u8],
    protection: Option<Protection<'a>>,
    response: HexDigest,
}

impl Nonce {
    pub(super) fn new(offer: &Offer, count: u32) -> Self {
        let opaque = offer.opaque.as_deref();
        Self {
            texts: joined(&offer.nonce, opaque, ""),
            length: length(&offer.nonce),
            opaque: opaque.map(length),
            named_algorithm: offer.named_algorithm,
            qop: offer.qop,
            wants_userhash: offer.wants_userhash,
            count,
            key: None,
        }
    }

    /// Has the next request use another, which was used so often.
    pub(super) fn replace(&mut self, next: &str, count: u32) {
        self.texts = joined(next, self.opaque(), self.cnonce());
        (self.length, self.count) = (length(next), count);
    }

    pub(super) fn as_str(&self) -> &str {
        &self.texts[..self.length.into()]
    }

    fn opaque(&self) -> Option<&str> {
        let length = usize::from(self.opaque?);
        Some(&self.texts[self.length.into()..][..length])
    }

    fn cnonce(&self) -> &str {
        &self.texts[usize::from(self.length) + usize::from(self.opaque.unwrap_or(0))..]
    }

    pub(super) fn answer<'a>(
        &'a mut self,
        realm: &'a str,
        credentials: &'a Credentials,
        request: Outgoing<'a>,
    ) -> Option<Answer<'a>> {
        let Outgoing { method, uri, body, cnonce } = request;
        let (user, algorithm) = (credentials.user(), self.named_algorithm.unwrap_or(Algorithm::MD5));
        self.count = self.count.saturating_add(1);
        if self.key.is_none() {
            let key = Key::new(algorithm, user, realm, credentials.password());
            self.key = Some(key.of_session(self.as_str(), cnonce));
            if algorithm.is_session() {
                // It is kept, since not every server knows that only the first one goes into the key.
                self.texts = joined(self.as_str(), self.opaque(), cnonce);
            }
        }
        let nonce = &*self;
        let cnonce = if algorithm.is_session() { nonce.cnonce() } else { cnonce };
        let protection = nonce.qop.map(|qop| Protection { qop, nonce_count: nonce.count, cnonce });
        let digested = Digested { method, uri, body, nonce: nonce.as_str(), protection };
        let response = nonce.key.as_ref()?.response(&digested);
        //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4.4
        //# If the client supports the userhash parameter, and the userhash parameter value in the
        //# WWW-Authentication header field is set to "true", then the client MUST calculate a hash
        //# of the username after any other hash calculation and include the userhash parameter with
        //# the value of "true" in the Authorization header field.
        let userhash = nonce.wants_userhash.then(|| algorithm.userhash(user, realm));
        Some(Answer { user, userhash, realm, nonce, uri, protection, response })
    }
}

fn joined(nonce: &str, opaque: Option<&str>, cnonce: &str) -> Box<str> {
    [nonce, opaque.unwrap_or_default(), cnonce].concat().into()
}

/// None is longer that is kept: [`Offer::read`] takes 1,024 bytes of each.
fn length(text: &str) -> u16 {
    u16::try_from(text.len()).unwrap_or(u16::MAX)
}

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, userhash, realm, nonce, uri, protection, response } = self;
        let username = userhash.as_ref().map_or(*user, HexDigest::as_str);
        let uri = String::from_utf8_lossy(uri);
        //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4
        //# For historical reasons, a sender MUST only generate the quoted string
        //# syntax for the following parameters: username, realm, nonce, uri,
        //# response, cnonce, and opaque.
        write!(f, "Digest username={}, realm={}", quote(username), quote(realm))?;
        write!(
            f,
            ", nonce={}, uri={}, response=\"{}\"",
            quote(nonce.as_str()),
            quote(&uri),
            response.as_str()
        )?;
        //= https://www.rfc-editor.org/rfc/rfc7616#section-3.4
        //# For historical reasons, a sender MUST NOT generate the quoted string
        //# syntax for the following parameters: algorithm, qop, and nc.
        if let Some(algorithm) = nonce.named_algorithm {
            write!(f, ", algorithm={algorithm}")?;
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-22.4
        //# If a client receives a "qop" parameter in a challenge header field, it MUST send the
        //# "qop" parameter in any resulting authorization header field.
        //= https://www.rfc-editor.org/rfc/rfc3261#section-22.4
        //# RFC 2617 notes that a cnonce value MUST NOT be sent in an Authorization (and by
        //# extension Proxy-Authorization) header field if no qop directive has been sent.
        if let Some(Protection { qop, nonce_count, cnonce }) = protection {
            write!(f, ", qop={qop}, nc={nonce_count:08x}, cnonce={}", quote(cnonce))?;
        }
        if let Some(opaque) = nonce.opaque() {
            write!(f, ", opaque={}", quote(opaque))?;
        }
        if userhash.is_some() { f.write_str(", userhash=true") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_what_it_was_empty_or_not_also_behind_another_nonce() {
        for opaque in [None, Some(""), Some("opaque")] {
            let offer = Offer {
                realm: "realm".into(),
                nonce: "n\u{e4}".into(),
                opaque: opaque.map(Box::from),
                named_algorithm: Some(Algorithm::SHA_256.session()),
                qop: Some(Qop::Auth),
                is_stale: false,
                wants_userhash: false,
            };
            let mut nonce = Nonce::new(&offer, 0);
            assert_eq!((nonce.as_str(), nonce.opaque(), nonce.cnonce()), ("n\u{e4}", opaque, ""));
            let request = Outgoing { method: "REGISTER", uri: b"sip:x", body: b"", cnonce: "cnonce" };
            assert!(nonce.answer("realm", &Credentials::new("user", "password"), request).is_some());
            assert_eq!((nonce.as_str(), nonce.opaque(), nonce.cnonce()), ("n\u{e4}", opaque, "cnonce"));
            nonce.replace("next", 7);
            let texts = (nonce.as_str(), nonce.opaque(), nonce.cnonce());
            assert_eq!((texts, nonce.count), (("next", opaque, "cnonce"), 7));
        }
    }
}
