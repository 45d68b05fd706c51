//! What a line is: an account at a PBX or a provider.

mod written;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ringfence_ua::auth::Credentials;
use ringfence_ua::{Ping, Transport};
use zeroize::Zeroizing;

use crate::error::{Error, Kind, Result};
use crate::io::locate::is_one_host;
pub(crate) use written::without_password;
use written::{Parts, escape, is_resource, split, unescape};

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
    outbound_proxies: Vec<String>,
    shard: Option<u16>,
}

const ADDRESS: &str = "an address like sip:user@host:port, over UDP, TCP, TLS or WebSocket";
const PROXIES: &str = "up to four different proxies that are reached by the same transport";
/// Each is a registration of its own: RFC 5626 section 4.2 wants two.
const MOST_PROXIES: usize = 4;
const PROXY: &str = "a proxy like proxy.example.com:5060 or 192.0.2.1, over UDP, TCP, TLS or WebSocket";

impl Account {
    /// Creates an account from its address-of-record: `sip:858@pbx.example.com:5060`, where `sip:`
    /// and the port may be left out.
    ///
    /// A port that is left out is that of the transport: 5060, for TLS 5061, for WebSocket 80 or 443. The
    /// address-of-record has the port that was given, but for 5060.
    ///
    /// `;transport=tcp`, `tls` or `ws` behind it does what [`Account::transport`] does; `sips:` asks for TLS to the registrar and
    /// for a Contact that is a `sips` URI (RFC 3261 section 26.2.2).
    ///
    /// Fails when that is no such address, stands for no host (`0.0.0.0`) or several, or asks for a transport that is none of UDP, TCP, TLS and WebSocket.
    pub fn new(address: &str) -> Result<Self> {
        let invalid = || Error::from(Kind::Account { expected: ADDRESS, got: without_password(address) });
        let Parts { user, host, port, transport, is_secure } = split(address).ok_or_else(invalid)?;
        let user = user.ok_or_else(invalid)?;
        let mut inner = ringfence_ua::Account::new(&user, &host, port);
        (inner.transport, inner.is_secure) = (transport, is_secure);
        Ok(Self { inner, auth_user: None, password: None, outbound_proxies: Vec::new(), shard: None })
    }

    /// Creates an account from a user name, which may contain any characters, a host name or
    /// address, and a port, or `None` where none is given (see [`Account::new`]).
    ///
    /// Fails when the user is empty or the domain is neither a name nor an address.
    pub fn of(user: &str, domain: &str, port: impl Into<Option<u16>>) -> Result<Self> {
        let domain = if domain.parse::<std::net::Ipv6Addr>().is_ok() {
            format!("[{domain}]")
        } else {
            domain.to_owned()
        };
        let port = port.into().map_or_else(String::new, |port| format!(":{port}"));
        Self::new(&format!("sip:{}@{domain}{port}", escape(user)))
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
        self.inner.extras_mut().display_name = Some(name.into());
        self
    }

    /// Sends requests to this proxy instead of to the domain. What is wrong with it is told when the
    /// account becomes a line.
    #[must_use]
    pub fn outbound_proxy(mut self, proxy: &str) -> Self {
        self.outbound_proxies = vec![proxy.to_owned()];
        self
    }

    /// Sends requests to these proxies, up to four: the line is registered through each of them, over a flow of its own
    /// (RFC 5626 section 4.2), and can be called while one of them lives; what is lost is in
    /// [`RegistrationState::Registered`]. All are reached by the same transport. The registrar needs to know RFC 5626, and
    /// the softphone an instance-id ([`Builder::instance_id`]), or each registration takes the place of the other.
    ///
    /// [`RegistrationState::Registered`]: crate::RegistrationState::Registered
    /// [`Builder::instance_id`]: crate::Builder::instance_id
    #[must_use]
    pub fn outbound_proxies(mut self, proxies: &[&str]) -> Self {
        self.outbound_proxies = proxies.iter().map(|proxy| (*proxy).to_owned()).collect();
        self
    }

    /// Sets what requests go by, and nothing else (default: what the domain's NAPTR and SRV records prefer, or the next that
    /// they name where that cannot be reached, if no port was given, and else UDP; RFC 3263). A line by any other than UDP has one connection to its registrar or proxy, which the
    /// lines of one softphone share, and takes its calls over it; its Contact is the connection's own address. One that is
    /// lost is opened again within 3 s, and the line registered anew.
    ///
    /// Of a line by UDP, a REGISTER of more than 1300 bytes goes by TCP where the server takes that (RFC 3261 section
    /// 18.1.1). Its Contact stays UDP's, and so do its calls, unless the registrar says that it sends calls over the flow that
    /// the REGISTER came by (RFC 5626), or a translator of addresses stands between: then the line is one by that connection
    /// until that is lost, when it is registered anew within 3 s.
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.inner.transport = Some(transport);
        self
    }

    /// Sets by what the way from the registrar is kept open (default [`Ping::Automatic`]; RFC 5626 section 4.4): over UDP by a
    /// double CRLF that nobody answers, or by STUN, whose answer tells when a router has given the line another address, or
    /// that the registrar is gone. The line then registers again within 3 s.
    #[must_use]
    pub fn keep_alive(mut self, ping: Ping) -> Self {
        self.inner.ping = ping;
        self
    }

    /// Says at which address the line is reached from outside, where a router forwards its ports: the Contact has it from
    /// the first REGISTER on, whatever the registrar sees. The port is the softphone's own, unless the registrar sees
    /// another at that address. Without it the Contact is where the registrar sees the line (RFC 3581). An address that is none of
    /// one host, such as `0.0.0.0` or `224.0.0.1`, fails when the line is added.
    ///
    /// ```
    /// use std::net::Ipv4Addr;
    /// use softphone::Account;
    ///
    /// let account = Account::new("sip:858@pbx.example")?;
    /// assert!(account.clone().public_address(Ipv4Addr::new(203, 0, 113, 9).into()).check().is_ok());
    /// assert!(account.public_address(Ipv4Addr::UNSPECIFIED.into()).check().is_err());
    /// # Ok::<(), softphone::Error>(())
    /// ```
    #[must_use]
    pub fn public_address(mut self, address: IpAddr) -> Self {
        self.inner.extras_mut().public_address = Some(address.to_canonical());
        self
    }

    /// Sets the resource that a server is asked for by WebSocket, such as `/ws` (default `/`). What is no path that begins
    /// with `/`, with a query behind it or none, fails when the line is added.
    ///
    /// ```
    /// use softphone::Account;
    ///
    /// let account = Account::new("sip:858@pbx.example;transport=wss")?;
    /// assert!(account.clone().websocket_path("/ws?room=1").check().is_ok());
    /// assert!(account.websocket_path("@elsewhere.example/").check().is_err());
    /// # Ok::<(), softphone::Error>(())
    /// ```
    #[must_use]
    pub fn websocket_path(mut self, path: &str) -> Self {
        self.inner.extras_mut().websocket_path = Some(path.into());
        self
    }

    /// Sets how long a binding is asked for, in whole seconds from 5 to 86,400 (default 3600). The
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
        self.inner.extras_mut().peers.push(peer);
        self
    }

    /// Takes calls from everyone. On an address that the Internet can reach, scanners will ring.
    ///
    /// A datagram of an unknown source is answered once at most: without 100, with 180 when the INVITE was repeated, and with
    /// the final response once for each repetition.
    #[must_use]
    pub fn open_to_everyone(mut self, is_open: bool) -> Self {
        self.inner.is_open = is_open;
        self
    }

    /// Has the line on the n-th shard, counted from 0, whose port is n above the first one's ([`Builder::shards`]).
    ///
    /// Without it a line that registers is on any: its Contact says where it is reached. One that does not register, or is open to
    /// everyone, is on the first, at the port that callers were given: each shard knows its own lines alone, and takes what a
    /// PBX sends to its port as a call for one of them.
    ///
    /// A softphone that has no such shard does not take the line.
    ///
    /// [`Builder::shards`]: crate::Builder::shards
    #[must_use]
    pub fn shard(mut self, shard: u16) -> Self {
        self.shard = Some(shard);
        self
    }

    /// Names the line for the application's own purposes (default: the user of the address).
    #[must_use]
    pub fn label(mut self, label: impl Into<Arc<str>>) -> Self {
        self.inner.label = label.into();
        self
    }

    /// Tells what is wrong with its proxies, which is told else when it becomes a line.
    pub fn check(&self) -> Result<()> {
        self.clone().into_inner().map(drop)
    }

    /// Returns the address-of-record.
    #[must_use]
    pub fn address_of_record(&self) -> String {
        self.inner.address_of_record()
    }

    pub(crate) fn is_registering(&self) -> bool {
        self.inner.is_registering
    }

    /// Returns the shard that it is to be on, where that matters.
    pub(crate) fn own_shard(&self) -> Option<u16> {
        self.shard.or((!self.inner.is_registering || self.inner.is_open).then_some(0))
    }

    /// Checks what could not be checked when it was set, and makes the core's account.
    pub(crate) fn into_inner(self) -> Result<ringfence_ua::Account> {
        let mut inner = self.inner;
        if self.outbound_proxies.len() > MOST_PROXIES {
            let got = format!("{} proxies", self.outbound_proxies.len());
            return Err(Kind::Account { expected: PROXIES, got }.into());
        }
        if let Some(path) = inner.extras().websocket_path.as_deref().filter(|path| !is_resource(path)) {
            let expected = "the path of a WebSocket resource, as /ws";
            return Err(Kind::Account { expected, got: path.to_owned() }.into());
        }
        if let Some(address) = inner.extras().public_address.filter(|address| !is_one_host(*address)) {
            let expected = "a public address of one host, as 203.0.113.9";
            return Err(Kind::Account { expected, got: address.to_string() }.into());
        }
        let asked = inner.transport;
        for (index, proxy) in self.outbound_proxies.iter().enumerate() {
            let invalid = |expected| Kind::Account { expected, got: without_password(proxy) };
            let Parts { host, port, transport, is_secure, .. } =
                split(proxy).ok_or_else(|| invalid(PROXY))?;
            // What is said of the way is said of the first hop.
            let transport = transport.or(is_secure.then_some(Transport::Tls)).or(asked);
            if index == 0 {
                inner.extras_mut().outbound_proxy = Some((host, port));
                inner.transport = transport;
                continue;
            }
            let hop = (host, port);
            let known = inner.extras();
            let is_another =
                known.outbound_proxy.as_ref() != Some(&hop) && !known.other_proxies.contains(&hop);
            if !is_another || transport != inner.transport {
                return Err(invalid(PROXIES).into());
            }
            inner.extras_mut().other_proxies.push(hop);
        }
        let user = self.auth_user.unwrap_or_else(|| unescape(&inner.user));
        inner.credentials = self.password.map(|password| Credentials::new(user, password.as_str()));
        Ok(inner)
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
            "sips:858@host;transport=udp",
            "tel:+41",
            "858@host;transport=sctp",
            "858@host;transport=",
            "a b@host",
            "858@host:0",
            "858@0.0.0.0",
            "858@255.255.255.255",
            "858@[ff02::1]:5070",
        ] {
            let error = Account::new(address).unwrap_err().to_string();
            assert!(error.contains(&format!("got {address:?}")), "{error}");
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc7118#section-9.2
    //= type=test
    //# If such a path includes a WebSocket connection, it MUST be a secure WebSocket connection.
    //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1.2
    //= type=test
    //# Any implementation that supports TLS MUST support the SIPS URI scheme.
    #[test]
    fn an_address_says_what_requests_go_by() {
        let transport = |address: &str| Account::new(address).unwrap().into_inner().unwrap().transport();
        assert_eq!(transport("858@host"), Transport::Udp);
        assert_eq!(transport("858@host;transport=TCP"), Transport::Tcp);
        assert_eq!(transport("sip:858@host:5061;transport=tls"), Transport::Tls);
        for secure in ["sips:858@host", "sips:858@host;transport=tcp"] {
            assert_eq!(transport(secure), Transport::Tls);
            assert_eq!(Account::new(secure).unwrap().address_of_record(), "sips:858@host");
        }
        assert_eq!(transport("858@host;transport=ws"), Transport::Ws);
        assert_eq!(transport("sips:858@host;transport=ws"), Transport::Wss);
        assert_eq!(transport("858@host;transport=wss"), Transport::Wss);
        let through = |proxy| Account::new("858@host").unwrap().outbound_proxy(proxy).into_inner().unwrap();
        assert_eq!(through("proxy.example.com;transport=tcp").transport(), Transport::Tcp);
        assert_eq!(through("sips:proxy.example.com").transport(), Transport::Tls);
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
    fn a_port_that_was_not_given_is_told_from_the_default_one() {
        let port = |account: Account| account.into_inner().unwrap().port;
        assert_eq!(port(Account::new("858@pbx.example.com").unwrap()), None);
        assert_eq!(port(Account::of("858", "pbx.example.com", None).unwrap()), None);
        assert_eq!(port(Account::new("858@pbx.example.com:5060").unwrap()), Some(5060));
        assert_eq!(port(Account::of("858", "pbx.example.com", 5060).unwrap()), Some(5060));
    }

    #[test]
    fn several_proxies_are_different_and_of_one_transport() {
        let account =
            |proxies: &[&str]| Account::new("858@host").unwrap().outbound_proxies(proxies).into_inner();
        let two =
            account(&["edge1.example.com;transport=tcp", "edge2.example.com:5070;transport=tcp"]).unwrap();
        assert_eq!(two.extras().outbound_proxy, Some(("edge1.example.com".to_owned(), None)));
        assert_eq!(two.extras().other_proxies, [("edge2.example.com".to_owned(), Some(5070))]);
        assert_eq!(two.transport(), Transport::Tcp);
        for wrong in [&["a", "a"][..], &["a", "b;transport=tcp"], &["a", "b", "c", "d", "e"], &["a", "b c"]] {
            assert!(account(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_proxy_that_is_none_is_told_when_the_line_is_made() {
        let account = |proxy| Account::new("858@host").unwrap().outbound_proxy(proxy).into_inner();
        assert_eq!(
            account("10.0.0.1:5070").unwrap().extras().outbound_proxy,
            Some(("10.0.0.1".to_owned(), Some(5070)))
        );
        assert_eq!(
            account("sip:proxy.example.com;lr").unwrap().extras().outbound_proxy.as_ref().unwrap().1,
            None
        );
        assert!(account("not a host").is_err());
    }
}
