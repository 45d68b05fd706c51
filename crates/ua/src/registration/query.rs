//! What is asked of a registrar without changing anything there.

use std::net::SocketAddr;

use super::account::Account;
use super::request::Opening;
use crate::core::ACCEPT;
use crate::core::auth::Authenticator;
use crate::transport::Transport;

/// A request to a line's registrar after which everything there is as it was.
///
/// ```
/// use ringfence_ua::{Account, Asks, Query, Transport};
///
/// let account = Account::new("858", "pbx.example.com", 5060);
/// let query = Query {
///     account: &account,
///     asks: Asks::Bindings,
///     transport: Transport::Udp,
///     local: "192.0.2.9:5060".parse().unwrap(),
///     branch: "z9hG4bK1",
///     call_id: "a",
///     from_tag: "b",
///     cseq: 1,
///     user_agent: "example",
/// };
/// let request = String::from_utf8(query.write(None, "")).unwrap();
/// assert!(request.starts_with("REGISTER sip:pbx.example.com SIP/2.0\r\n") && !request.contains("Contact"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// Whose registrar is asked.
    pub account: &'a Account,
    /// What is asked.
    pub asks: Asks,
    /// By what the request goes.
    pub transport: Transport,
    /// Where it leaves from.
    pub local: SocketAddr,
    /// Of this request alone.
    pub branch: &'a str,
    /// Of all requests of one kind.
    pub call_id: &'a str,
    /// The same.
    pub from_tag: &'a str,
    /// Higher with each request of one Call-ID.
    pub cseq: u32,
    /// What `User-Agent` says.
    pub user_agent: &'a str,
}

/// What is asked of a registrar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// What it is capable of: OPTIONS (RFC 3261 section 11). It goes to the registrar itself, as one to the
    /// address-of-record would ring at its phones.
    Capabilities,
    /// Which bindings an address-of-record has: a REGISTER without a Contact (RFC 3261 section 10.2.3).
    Bindings,
}

impl Query<'_> {
    /// Writes the request, with the answer to a challenge where there was one. `cnonce` is a fresh unpredictable token.
    #[must_use]
    pub fn write(&self, authenticator: Option<&mut Authenticator>, cnonce: &str) -> Vec<u8> {
        let Self { account, transport, local, branch, call_id, from_tag, cseq, .. } = *self;
        let uri = account.registrar();
        let (method, to) = match self.asks {
            Asks::Capabilities => ("OPTIONS", uri.clone()),
            Asks::Bindings => ("REGISTER", account.address_of_record()),
        };
        let opening = Opening {
            account,
            method,
            uri: &uri,
            to: &to,
            transport,
            local,
            branch,
            call_id,
            from_tag,
            cseq,
        };
        let mut out = Vec::with_capacity(512);
        let mut request = opening.write(&mut out);
        if let Some(authenticator) = authenticator {
            authenticator.authorize(method, uri.as_bytes(), b"", cnonce, &mut request);
        }
        match self.asks {
            //= https://www.rfc-editor.org/rfc/rfc3261#section-11.1
            //# An Accept header field SHOULD be included to indicate the type of
            //# message body the UAC wishes to receive in the response.
            Asks::Capabilities => drop(request.header("Accept", ACCEPT.as_bytes())),
            //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2.3
            //# If no Contact header
            //# field is present in a REGISTER request, the list of bindings is left
            //# unchanged.
            Asks::Bindings => drop(request.header("Supported", b"path")),
        }
        request.header("User-Agent", self.user_agent.as_bytes());
        request.finish();
        out
    }
}

#[cfg(test)]
mod tests {
    use ringfence_wire::sip::{HeaderName, Message};

    use super::*;
    use crate::core::auth::Credentials;

    fn written(asks: Asks, authenticator: Option<&mut Authenticator>) -> Vec<u8> {
        let mut account = Account::new("858", "pbx.example.com", 5062);
        account.extras_mut().display_name = Some("Reception".into());
        let query = Query {
            account: &account,
            asks,
            transport: Transport::Tcp,
            local: "192.0.2.9:40000".parse().unwrap(),
            branch: "z9hG4bK1",
            call_id: "a",
            from_tag: "b",
            cseq: 2,
            user_agent: "ringfence",
        };
        query.write(authenticator, "cnonce")
    }

    #[test]
    fn options_go_to_the_registrar_and_not_to_the_phones_behind_it() {
        let written = written(Asks::Capabilities, None);
        let request = Message::parse(&written).unwrap();
        assert_eq!(request.request_uri(), Some(&b"sip:pbx.example.com:5062"[..]));
        assert_eq!(request.first(HeaderName::To), Some(&b"<sip:pbx.example.com:5062>"[..]));
        assert_eq!(request.first(HeaderName::CSeq), Some(&b"2 OPTIONS"[..]));
        assert!(request.has(HeaderName::Accept) && !request.has(HeaderName::Contact));
    }

    #[test]
    fn bindings_are_asked_for_with_neither_a_contact_nor_a_lifetime() {
        let mut authenticator = Authenticator::new(Credentials::new("858", "secret"));
        let challenge =
            b"SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\n\r\n";
        authenticator.handle_challenge(&Message::parse(challenge).unwrap()).unwrap();
        let written = written(Asks::Bindings, Some(&mut authenticator));
        let request = Message::parse(&written).unwrap();
        assert_eq!(request.first(HeaderName::To), Some(&b"\"Reception\" <sip:858@pbx.example.com:5062>"[..]));
        assert!(!request.has(HeaderName::Contact) && !request.has(HeaderName::Expires));
        assert!(request.has(HeaderName::Authorization));
    }
}
