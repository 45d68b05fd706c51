//! Our Contact: how it is written, how it is found again among those that a registrar lists, and
//! the Contact of a redirection.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use ringfence_wire::sip::{Contact, Host, Message, NameAddr, Scheme, Uri};

use super::account::{Account, suffix};
use crate::transport::{ContactAddress, Transport};

/// What is taken for a lifetime that cannot be read (section 10.2).
const DEFAULT_EXPIRES: u32 = 3600;
/// RFC 3261 section 19.1.2: the default port of a `sip` URI over UDP.
const DEFAULT_PORT: u16 = 5060;

/// Returns the URI that the registrar sends our calls to.
///
/// The token goes into a URI parameter, which registrars keep, rather than into the user part, which
/// some compare with the address-of-record's.
pub(super) fn contact_uri(user: &str, contact: ContactAddress, token: &str) -> String {
    format!("{};line={token}", contact.uri(user))
}

/// What tells our binding from those of other phones of the same address-of-record.
pub(super) struct Ours<'a> {
    pub(super) user: &'a str,
    /// Where the REGISTER said we are.
    pub(super) contact: ContactAddress,
    /// Where the registrar saw us.
    pub(super) seen: SocketAddr,
    pub(super) token: &'a str,
    /// Which of the line's flows it is for.
    pub(super) reg_id: u8,
    /// The instance-id that the REGISTER named, if it did.
    pub(super) instance: Option<String>,
}

impl Ours<'_> {
    /// Returns how long the registrar keeps our binding, given how long was asked for: no time where it lists
    /// bindings and ours is none of them.
    pub(super) fn granted(&self, response: &Message<'_>, asked: u32) -> u32 {
        let contacts: Vec<NameAddr<'_>> = addresses(response).collect();
        //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2.4
        //# If so, it updates the expiration
        //# time interval according to the expires parameter or, if absent, the
        //# Expires field value.
        let default = || response.expires().and_then(Result::ok).unwrap_or(asked);
        if contacts.is_empty() {
            return default();
        }
        self.find(&contacts).map_or(0, |listed| expires_of(listed).unwrap_or_else(default))
    }

    /// Returns the Contact that is our binding, where the registrar lists it.
    pub(super) fn listed<'m>(&self, response: &'m Message<'_>) -> Option<NameAddr<'m>> {
        let contacts: Vec<NameAddr<'m>> = addresses(response).collect();
        self.find(&contacts).copied()
    }

    fn find<'c, 'm>(&self, contacts: &'c [NameAddr<'m>]) -> Option<&'c NameAddr<'m>> {
        let uri = contact_uri(self.user, self.contact, self.token);
        //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2.4
        //# The UA compares each
        //# contact address to see if it created the contact address, using
        //# comparison rules in Section 19.1.4.
        let same = self.preferred(contacts.iter().filter(|listed| is_same(listed, &uri)));
        // Some registrars rewrite the address that they list, and others drop its parameters: then the token,
        // the instance-id, the address or the user is still ours.
        let live = || contacts.iter().filter(|listed| expires_of(listed) != Some(0));
        same.or_else(|| self.preferred(live().filter(|listed| self.has_token(listed))))
            .or_else(|| live().find(|listed| self.has_instance(listed)))
            .or_else(|| live().find(|listed| self.has_address(listed)))
            .or_else(|| contacts.first().filter(|listed| contacts.len() == 1 && self.has_user(listed)))
    }

    /// Returns the one of our flow among those that may be ours, or the first: over UDP the flows of a line have one Contact.
    fn preferred<'c, 'm: 'c>(
        &self,
        mut candidates: impl Iterator<Item = &'c NameAddr<'m>>,
    ) -> Option<&'c NameAddr<'m>> {
        let is_of_this_flow = |listed: &NameAddr<'_>| {
            let reg_id = listed.param("reg-id").and_then(|value| std::str::from_utf8(value).ok());
            reg_id.and_then(|value| value.parse().ok()) == Some(self.reg_id)
        };
        let first = candidates.next()?;
        if is_of_this_flow(first) {
            Some(first)
        } else {
            candidates.find(|it| is_of_this_flow(it)).or(Some(first))
        }
    }

    fn has_token(&self, listed: &NameAddr<'_>) -> bool {
        let listed = listed.uri().ok().and_then(|uri| uri.param("line"));
        listed.is_some_and(|line| *line == *self.token.as_bytes())
    }

    /// Tells whether it is of this device and flow, or of this device where it is not said of which flow.
    fn has_instance(&self, listed: &NameAddr<'_>) -> bool {
        let text = |name| listed.param(name).and_then(|value| std::str::from_utf8(value).ok());
        let is_ours = |ours: &String| {
            let theirs = text("+sip.instance").map(|theirs| theirs.trim_matches(['"', '<', '>']));
            theirs.is_some_and(|theirs| theirs.eq_ignore_ascii_case(ours))
        };
        let is_of_this_flow = text("reg-id").is_none_or(|flow| flow.parse() == Ok(self.reg_id));
        is_of_this_flow && self.instance.as_ref().is_some_and(is_ours)
    }

    /// Another token at our address is another line's, or what a restart has left.
    fn has_address(&self, listed: &NameAddr<'_>) -> bool {
        listed.uri().is_ok_and(|uri| {
            let port = uri.port().unwrap_or(DEFAULT_PORT);
            let address = match uri.host() {
                Host::V4(address) => Some(IpAddr::V4(address)),
                Host::V6(address) => Some(IpAddr::V6(address)),
                Host::Name(_) => None,
            };
            let is_at = |ours: SocketAddr| address == Some(ours.ip()) && port == ours.port();
            uri.param("line").is_none() && (is_at(self.contact.address) || is_at(self.seen))
        })
    }

    fn has_user(&self, listed: &NameAddr<'_>) -> bool {
        let ours = contact_uri(self.user, self.contact, self.token);
        let ours =
            Uri::parse(ours.as_bytes()).ok().and_then(|ours| ours.user_unescaped().map(Cow::into_owned));
        listed.uri().is_ok_and(|uri| {
            uri.param("line").is_none() && uri.user_unescaped().as_deref() == ours.as_deref()
        })
    }
}

/// Where a redirection leads.
#[derive(Debug)]
pub(super) struct Next {
    /// A Request-URI.
    pub(super) uri: String,
    /// Its host and port.
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

/// Returns where a 3xx may lead: its Contacts that are to be asked in the way that is used here. A `sips` URI
/// or one for another transport asks for what the line does not use, and is not followed in clear.
pub(super) fn redirect_targets(
    response: &Message<'_>,
    account: &Account,
    used: Transport,
) -> impl Iterator<Item = Next> {
    addresses(response).filter_map(move |address| {
        let uri = address.uri().ok().filter(|uri| is_asked_alike(uri, account, used))?;
        let host = uri.host().to_string();
        let (scheme, port, parameters) = (account.scheme(), suffix(uri.port()), parameters_of(&uri)?);
        Some(Next { uri: format!("{scheme}:{host}{port}{parameters}"), host, port: uri.port() })
    })
}

/// Returns the parameters of a URI that the Request-URI made of it has, or `None` where they cannot be written.
fn parameters_of(uri: &Uri<'_>) -> Option<String> {
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.3.4
    //# In order to create a request based on a contact address in a 3xx
    //# response, a UAC MUST copy the entire URI from the target set into the
    //# Request-URI, except for the "method-param" and "header" URI
    //# parameters
    // That of a REGISTER has no user part (section 10.2).
    let is_copied = |name: &[u8]| !name.eq_ignore_ascii_case(b"method");
    let mut parameters = String::new();
    for (name, value) in uri.params().iter().filter(|(name, _)| is_copied(name)) {
        parameters.push(';');
        parameters.push_str(std::str::from_utf8(name).ok()?);
        if let Some(value) = value {
            parameters.push('=');
            parameters.push_str(std::str::from_utf8(value).ok()?);
        }
    }
    Some(parameters)
}

fn is_asked_alike(uri: &Uri<'_>, account: &Account, used: Transport) -> bool {
    let scheme = if account.is_secure { Scheme::Sips } else { Scheme::Sip };
    let used = used.uri_parameter().as_bytes();
    // A sips URI names what lies beneath TLS.
    let is_used = |transport: &[u8]| {
        transport.eq_ignore_ascii_case(used) || (account.is_secure && transport.eq_ignore_ascii_case(b"tcp"))
    };
    uri.scheme() == scheme && uri.param("transport").is_none_or(|transport| is_used(&transport))
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

    /// How long is granted of an hour, to one who is at 192.0.2.9 and seen at 198.51.100.1.
    fn granted(contacts: &str) -> u32 {
        let text = format!("SIP/2.0 200 OK\r\nExpires: 1800\r\n{contacts}\r\n");
        let (address, seen) = ("192.0.2.9:5060".parse().unwrap(), "198.51.100.1:40000".parse().unwrap());
        let contact = ContactAddress { address, transport: Transport::Udp, is_secure: false };
        let ours = Ours {
            user: "858",
            contact,
            seen,
            token: "secret",
            reg_id: 1,
            instance: Some(INSTANCE.to_owned()),
        };
        ours.granted(&Message::parse(text.as_bytes()).unwrap(), 3600)
    }

    #[test]
    fn our_contact_is_found_among_those_of_other_phones() {
        let others = "Contact: <sip:858@192.0.2.7>;expires=7, <sip:858@192.0.2.9;line=other>;expires=8\r\n";
        let ours = "m: <sip:858@192.0.2.9:5060;line=secret>;expires=60\r\n";
        assert_eq!(granted(&format!("{others}{ours}")), 60);
        assert_eq!(granted(""), 1800, "nothing is listed: the Expires header");
    }

    #[test]
    fn of_two_flows_the_one_counts_that_is_meant() {
        let listed = |reg_id, expires| {
            format!("<sip:858@192.0.2.9:5060;line=secret>;reg-id={reg_id};expires={expires}")
        };
        assert_eq!(granted(&format!("Contact: {}, {}\r\n", listed(2, 70), listed(1, 60))), 60);
        assert_eq!(
            granted(&format!("Contact: {}\r\n", listed(2, 70))),
            70,
            "a registrar that lists what it likes"
        );
    }

    #[test]
    fn a_list_without_ours_grants_nothing() {
        let others = "<sip:858@192.0.2.7>;expires=7, <sip:858@192.0.2.9;line=other>;expires=8";
        let alone = ["<sip:859@192.0.2.7>", "<sip:858@192.0.2.9;line=other>", "<tel:858>", others];
        for contacts in alone {
            assert_eq!(granted(&format!("Contact: {contacts}\r\n")), 0, "{contacts}");
        }
    }

    #[test]
    fn a_registrar_that_drops_parameters_is_understood_by_the_address() {
        for ours in ["<sip:858@192.0.2.9>", "<sip:192.0.2.9:5060>", "<sip:858@198.51.100.1:40000>"] {
            let contacts = format!("Contact: <sip:858@192.0.2.7>;expires=7, {ours};expires=90\r\n");
            assert_eq!(granted(&contacts), 90, "{ours}");
        }
    }

    #[test]
    fn a_registrar_that_rewrites_the_address_is_understood_by_the_token() {
        let rewritten =
            "Contact: <sip:858@198.51.100.1:40000;line=secret>;expires=90, <sip:858@192.0.2.7>;expires=7\r\n";
        assert_eq!(granted(rewritten), 90);
        assert_eq!(granted("Contact: <sip:858@203.0.113.1:4000>;expires=90\r\n"), 90, "the only one");
    }

    const INSTANCE: &str = "urn:uuid:00000000-0000-8000-8000-000a95a0e128";

    #[test]
    fn a_registrar_that_rewrites_all_of_it_is_understood_by_the_instance() {
        let listed = |instance: &str, more: &str| {
            let other = "<sip:858@192.0.2.7>;expires=7";
            format!(
                "Contact: {other}, <sip:x@203.0.113.5:1024>;expires=60;+sip.instance=\"<{instance}>\"{more}\r\n"
            )
        };
        for more in ["", ";reg-id=1"] {
            assert_eq!(granted(&listed(INSTANCE, more)), 60, "{more}");
            assert_eq!(granted(&listed(&INSTANCE.to_uppercase(), more)), 60, "{more}");
        }
        assert_eq!(granted(&listed(INSTANCE, ";reg-id=2")), 0, "another flow of ours");
        assert_eq!(
            granted(&listed("urn:uuid:00000000-0000-8000-8000-000a95a0e129", "")),
            0,
            "another device"
        );
    }

    #[test]
    fn an_expiry_that_cannot_be_read_is_an_hour() {
        assert_eq!(granted("Contact: <sip:858@192.0.2.9:5060;line=secret>;expires=soon\r\n"), 3600);
        assert_eq!(
            granted("Contact: <sip:858@192.0.2.9:5060;line=secret>;expires=99999999999\r\n"),
            u32::MAX
        );
    }
}
