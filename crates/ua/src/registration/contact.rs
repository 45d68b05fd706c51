//! Our Contact: how it is written, how it is found again among those that a registrar lists, and
//! the Contact of a redirection.

use std::net::SocketAddr;

use ringfence_wire::sip::{Contact, Message, NameAddr, Scheme, Uri};

/// What is taken for a lifetime that cannot be read (section 10.2).
const DEFAULT_EXPIRES: u32 = 3600;
/// RFC 3261 section 19.1.2: the default port of a `sip` URI over UDP.
const DEFAULT_PORT: u16 = 5060;

/// Returns the URI that the registrar sends our calls to.
///
/// The token goes into a URI parameter, which registrars keep, rather than into the user part, which
/// some compare with the address-of-record's.
pub(super) fn contact_uri(user: &str, address: SocketAddr, token: &str) -> String {
    format!("sip:{user}@{address};line={token}")
}

/// Finds how long the registrar keeps the binding with this URI and token, among all that it lists.
pub(super) fn listed_expires(response: &Message<'_>, uri: &str, token: &str) -> Option<u32> {
    let contacts: Vec<NameAddr<'_>> = addresses(response).collect();
    let carries_token = |listed: &&NameAddr<'_>| {
        let listed = listed.uri().ok().and_then(|uri| uri.param("line"));
        listed.is_some_and(|line| *line == *token.as_bytes())
    };
    //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2.4
    //# The UA compares each
    //# contact address to see if it created the contact address, using
    //# comparison rules in Section 19.1.4.
    let same = contacts.iter().find(|listed| is_same(listed, uri));
    // Some registrars rewrite the address that they list: the token is still ours.
    let ours = same
        .or_else(|| contacts.iter().find(|listed| carries_token(listed) && expires_of(listed) != Some(0)))
        .or_else(|| contacts.first().filter(|_| contacts.len() == 1));
    //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2.4
    //# If so, it updates the expiration
    //# time interval according to the expires parameter or, if absent, the
    //# Expires field value.
    ours.and_then(expires_of).or_else(|| response.expires().and_then(Result::ok))
}

/// Where a redirection leads.
#[derive(Debug)]
pub(super) struct Next {
    /// A Request-URI.
    pub(super) uri: String,
    pub(super) host: String,
    pub(super) port: u16,
}

/// Returns where a 3xx leads: its first Contact that is to be asked in the way that is used here. A `sips` URI
/// or one for another transport asks for what UDP does not give, and is not followed in clear.
pub(super) fn redirect_target(response: &Message<'_>) -> Option<Next> {
    addresses(response).find_map(|address| {
        let uri = address.uri().ok().filter(is_over_udp)?;
        let host = uri.host().to_string();
        let port = uri.port().map_or_else(String::new, |port| format!(":{port}"));
        Some(Next { uri: format!("sip:{host}{port}"), host, port: uri.port().unwrap_or(DEFAULT_PORT) })
    })
}

fn is_over_udp(uri: &Uri<'_>) -> bool {
    let transport = uri.param("transport");
    uri.scheme() == Scheme::Sip && transport.is_none_or(|transport| transport.eq_ignore_ascii_case(b"udp"))
}

fn addresses<'m>(response: &'m Message<'_>) -> impl Iterator<Item = NameAddr<'m>> {
    response.contacts().filter_map(|contact| match contact {
        Ok(Contact::Addr(address)) => Some(address),
        Ok(Contact::Star) | Err(_) => None,
    })
}

fn is_same(listed: &NameAddr<'_>, uri: &str) -> bool {
    listed.uri().is_ok_and(|listed| Uri::parse(uri.as_bytes()).is_ok_and(|ours| listed.matches(&ours)))
}

fn expires_of(listed: &NameAddr<'_>) -> Option<u32> {
    let value = std::str::from_utf8(listed.param("expires")?).ok();
    //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
    //# Malformed values SHOULD be treated as equivalent to 3600.
    let seconds = value.and_then(|value| value.parse::<u64>().ok());
    Some(seconds.map_or(DEFAULT_EXPIRES, |seconds| u32::try_from(seconds).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expires(contacts: &str) -> Option<u32> {
        let text = format!("SIP/2.0 200 OK\r\nExpires: 1800\r\n{contacts}\r\n");
        let ours = contact_uri("858", "192.0.2.9:5060".parse().unwrap(), "secret");
        listed_expires(&Message::parse(text.as_bytes()).unwrap(), &ours, "secret")
    }

    #[test]
    fn our_contact_is_found_among_those_of_other_phones() {
        let others = "Contact: <sip:858@192.0.2.7>;expires=7, <sip:858@192.0.2.9;line=other>;expires=8\r\n";
        let ours = "m: <sip:858@192.0.2.9:5060;line=secret>;expires=60\r\n";
        assert_eq!(expires(&format!("{others}{ours}")), Some(60));
        assert_eq!(expires(others), Some(1800), "not listed: the Expires header");
    }

    #[test]
    fn a_registrar_that_rewrites_the_address_is_understood_by_the_token() {
        let rewritten =
            "Contact: <sip:858@198.51.100.1:40000;line=secret>;expires=90, <sip:858@192.0.2.7>;expires=7\r\n";
        assert_eq!(expires(rewritten), Some(90));
        assert_eq!(expires("Contact: <sip:858@198.51.100.1:40000>;expires=90\r\n"), Some(90), "the only one");
    }

    #[test]
    fn an_expiry_that_cannot_be_read_is_an_hour() {
        assert_eq!(expires("Contact: <sip:858@192.0.2.9:5060;line=secret>;expires=soon\r\n"), Some(3600));
        assert_eq!(
            expires("Contact: <sip:858@192.0.2.9:5060;line=secret>;expires=99999999999\r\n"),
            Some(u32::MAX)
        );
    }
}
