//! What a line is: an account at a PBX or a provider.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use ringfence_ua::Transport;
use ringfence_ua::auth::Credentials;
use ringfence_wire::sip::{Host, Scheme, Uri};
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};

/// An account at a PBX or a provider.
///
/// It registers, unless told otherwise, with its own user name as the name for authentication, and asks
/// for an hour at a time. Passwords are wiped from memory when dropped and shown by no `Debug`.
///
/// ```
/// use softphone::Account;
/// use std::time::Duration;
///
/// let account = Account::new("sip:858@pbx.example.com:5062")?
///     .password("secret")
///     .display_name("Reception")
///     .expires(Duration::from_secs(600));
/// assert_eq!(account.address_of_record(), "sip:858@pbx.example.com:5062");
/// assert!(!format!("{account:?}").contains("secret"));
/// # Ok::<(), softphone::Error>(())
/// ```
#[derive(Clone)]
pub struct Account {
    inner: ringfence_ua::Account,
    auth_user: Option<String>,
    password: Option<Zeroizing<String>>,
    outbound_proxy: Option<String>,
}

const ADDRESS: &str = "an address like sip:user@host:port, over UDP";
const PROXY: &str = "a proxy like proxy.example.com:5060 or 192.0.2.1, over UDP";
const DEFAULT_PORT: u16 = 5060;

impl Account {
    /// Creates an account from its address-of-record: `sip:858@pbx.example.com:5060`, where `sip:`
    /// and the port may be left out.
    ///
    /// Fails when that is no such address, or asks for another transport than UDP.
    pub fn new(address: &str) -> Result<Self> {
        let invalid = || Error::from(Kind::Account { expected: ADDRESS, got: without_password(address) });
        let (user, domain, port) = split(address).ok_or_else(invalid)?;
        let user = user.ok_or_else(invalid)?;
        Ok(Self::from_parts(&user, &domain, port))
    }

    /// Creates an account from a user name, which may contain any characters, a host name or
    /// address, and a port.
    ///
    /// Fails when the user is empty or the domain is neither a name nor an address.
    pub fn of(user: &str, domain: &str, port: u16) -> Result<Self> {
        let domain = if domain.parse::<std::net::Ipv6Addr>().is_ok() {
            format!("[{domain}]")
        } else {
            domain.to_owned()
        };
        Self::new(&format!("sip:{}@{domain}:{port}", escape(user)))
    }

    /// Sets the password that a challenge is answered with.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(Zeroizing::new(password.to_owned()));
        self
    }

    /// Sets the name for authentication, where it is not the user of the address.
    #[must_use]
    pub fn auth_user(mut self, user: &str) -> Self {
        self.auth_user = Some(user.to_owned());
        self
    }

    /// Sets the name that people are shown.
    #[must_use]
    pub fn display_name(mut self, name: &str) -> Self {
        self.inner.display_name = Some(name.to_owned());
        self
    }

    /// Sends requests to this proxy instead of to the domain. What is wrong with it is told when the
    /// account becomes a line.
    #[must_use]
    pub fn outbound_proxy(mut self, proxy: &str) -> Self {
        self.outbound_proxy = Some(proxy.to_owned());
        self
    }

    /// Sets what requests go by (default UDP). A line by TCP or TLS has one connection to its registrar or proxy, which the
    /// lines of one softphone share, and takes its calls over it; its Contact is the connection's own address. One that is
    /// lost is opened again within 3 s, and the line registered anew.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.inner.transport = Some(transport);
        self
    }

    /// Sets how long a binding is asked for, in whole seconds from 1 to 86,400 (default 3600). The
    /// registrar decides.
    #[must_use]
    pub fn expires(mut self, expires: Duration) -> Self {
        self.inner.expires = expires;
        self
    }

    /// Sets whether the line registers (default true). One that does not is rung by those who know
    /// its address: its domain, its proxy and its peers.
    #[must_use]
    pub fn register(mut self, is_registering: bool) -> Self {
        self.inner.is_registering = is_registering;
        self
    }

    /// Takes calls from this address too, besides the registrar's and the proxy's.
    #[must_use]
    pub fn peer(mut self, peer: IpAddr) -> Self {
        self.inner.peers.push(peer);
        self
    }

    /// Takes calls from everyone. On an address that the Internet can reach, scanners will ring.
    #[must_use]
    pub fn open_to_everyone(mut self, is_open: bool) -> Self {
        self.inner.is_open = is_open;
        self
    }

    /// Names the line for the application's own purposes (default: the user of the address).
    #[must_use]
    pub fn label(mut self, label: &str) -> Self {
        self.inner.label = label.into();
        self
    }

    /// Returns the address-of-record.
    #[must_use]
    pub fn address_of_record(&self) -> String {
        self.inner.address_of_record()
    }

    pub(crate) fn is_registering(&self) -> bool {
        self.inner.is_registering
    }

    /// Checks what could not be checked when it was set, and makes the core's account.
    pub(crate) fn into_inner(self) -> Result<ringfence_ua::Account> {
        let mut inner = self.inner;
        if let Some(proxy) = self.outbound_proxy {
            let (_, host, port) = split(&proxy)
                .ok_or_else(|| Kind::Account { expected: PROXY, got: without_password(&proxy) })?;
            inner.outbound_proxy = Some((host, port));
        }
        let user = self.auth_user.unwrap_or_else(|| unescape(&inner.user));
        inner.credentials = self.password.map(|password| Credentials::new(user, password.as_str()));
        Ok(inner)
    }

    fn from_parts(user: &str, domain: &str, port: u16) -> Self {
        let inner = ringfence_ua::Account::new(user, domain, port);
        Self { inner, auth_user: None, password: None, outbound_proxy: None }
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("label", &self.inner.label)
            .field("is_registering", &self.inner.is_registering)
            .finish_non_exhaustive()
    }
}

/// Splits `[sip:][user@]host[:port]` into user, host and port.
fn split(address: &str) -> Option<(Option<String>, String, u16)> {
    let has_scheme = address.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sip:"));
    let address = if has_scheme { address.to_owned() } else { format!("sip:{address}") };
    let uri = Uri::parse(address.as_bytes()).ok().filter(|uri| uri.scheme() == Scheme::Sip)?;
    let is_udp = uri.param("transport").is_none_or(|transport| transport.eq_ignore_ascii_case(b"udp"));
    let is_plain = uri.password().is_none() && uri.headers().is_none() && is_udp;
    let host = match uri.host() {
        Host::Name("") => return None,
        host @ (Host::Name(_) | Host::V4(_) | Host::V6(_)) => host.to_string(),
    };
    let user = uri.user().map(|user| String::from_utf8_lossy(user).into_owned());
    (is_plain && uri.port() != Some(0)).then(|| (user, host, uri.port().unwrap_or(DEFAULT_PORT)))
}

/// Hides what stands for a password in something that was to be an address: errors end in logs.
fn without_password(address: &str) -> String {
    let is_at_start =
        |scheme: &&&str| address.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let user = ["sip:", "sips:"].iter().find(is_at_start).map_or(0, |scheme| scheme.len());
    let end = address.rfind('@').unwrap_or(0);
    match address.get(user..end).and_then(|userinfo| userinfo.find(':')) {
        Some(colon) => format!("{}***{}", &address[..=user + colon], &address[end..]),
        None => address.to_owned(),
    }
}

/// Escapes what may not stand in the user part of a URI (RFC 3261 section 25.1, `user`).
fn escape(user: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(user.len());
    for &byte in user.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn unescape(user: &str) -> String {
    let uri = format!("sip:{user}@x");
    let unescaped = Uri::parse(uri.as_bytes()).ok().and_then(|uri| uri.user_unescaped());
    unescaped.map_or_else(|| user.to_owned(), |user| String::from_utf8_lossy(&user).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_with_and_without_scheme_and_port() {
        for address in ["sip:858@192.0.2.1:5060", "858@192.0.2.1", "SIP:858@192.0.2.1;transport=udp"] {
            assert_eq!(Account::new(address).unwrap().address_of_record(), "sip:858@192.0.2.1", "{address}");
        }
        assert_eq!(
            Account::new("a@[2001:db8::1]:5070").unwrap().address_of_record(),
            "sip:a@[2001:db8::1]:5070"
        );
    }

    #[test]
    fn what_is_no_address_of_ours_is_refused_by_name() {
        for address in [
            "",
            "858",
            "858@",
            "sips:858@host",
            "tel:+41",
            "858@host;transport=tcp",
            "a b@host",
            "858@host:0",
        ] {
            let error = Account::new(address).unwrap_err().to_string();
            assert!(error.contains(&format!("got {address:?}")), "{error}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        for address in [
            "sip:858:secret@host",
            "858:secret@host",
            "sips:858:secret@host",
            "858:se@cret@host",
            "858:***:secret@host",
        ] {
            let error = Account::new(address).unwrap_err().to_string();
            assert!(error.contains("858:***@host") && !error.contains("cret"), "{error}");
        }
        let error =
            Account::new("858@host").unwrap().outbound_proxy("a:secret@b c").into_inner().unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn any_user_name_can_be_an_account_and_authenticates_as_itself() {
        let account = Account::of("alice smith@home", "pbx.example.com", 5060).unwrap();
        assert_eq!(account.address_of_record(), "sip:alice%20smith%40home@pbx.example.com");
        assert_eq!(unescape("alice%20smith%40home"), "alice smith@home");
        assert!(Account::of("", "pbx.example.com", 5060).is_err());
        assert!(Account::of("858", "2001:db8::1", 5060).is_ok());
    }

    #[test]
    fn a_proxy_that_is_none_is_told_when_the_line_is_made() {
        let account = |proxy| Account::new("858@host").unwrap().outbound_proxy(proxy).into_inner();
        assert_eq!(account("10.0.0.1:5070").unwrap().outbound_proxy, Some(("10.0.0.1".to_owned(), 5070)));
        assert_eq!(account("sip:proxy.example.com;lr").unwrap().outbound_proxy.unwrap().1, 5060);
        assert!(account("not a host").is_err());
    }
}
