//! What one line is: its address-of-record, its registrar, and who may ring it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::outbound;
use crate::core::auth::Credentials;
use crate::transport::{Ping, Transport};

/// One line's account, checked and ready for the wire.
///
/// ```
/// use ringfence_ua::Account;
///
/// let account = Account::new("858", "pbx.example.com", 5060);
/// assert_eq!(account.address_of_record(), "sip:858@pbx.example.com");
/// assert_eq!(account.registrar(), "sip:pbx.example.com");
/// ```
#[derive(Clone)]
pub struct Account {
    /// What the application calls the line.
    pub label: Arc<str>,
    /// The user part of the address-of-record, as it stands in a URI (escaped).
    pub user: Arc<str>,
    /// The domain: a name or an address, IPv6 in brackets.
    pub domain: Arc<str>,
    /// The port of the registrar, where one was given: without one it is that of the transport.
    pub port: Option<u16>,
    /// What a challenge is answered with.
    pub credentials: Option<Credentials>,
    /// Whether the line registers.
    pub is_registering: bool,
    /// What requests go by. Without one it is what the domain's records say, where no port was given, or UDP.
    pub transport: Option<Transport>,
    /// Whether the address-of-record is a `sips` URI: all requests go by TLS.
    pub is_secure: bool,
    /// What the device is known by to registrars, whatever its address: a URN that never changes, of which each line's
    /// instance-id is made (RFC 5626 section 4.1). Without one a binding is known by its Contact alone.
    pub instance: Option<Arc<str>>,
    /// By what the way from the registrar is kept open.
    pub ping: Ping,
    /// How long a binding is asked for.
    pub expires: Duration,
    /// Whether anyone may ring this line.
    pub is_open: bool,
    /// What few accounts say ([`Account::extras`]).
    pub extras: Option<Box<Extras>>,
}

/// What few accounts say: fifty thousand that do not have no room for it.
///
/// ```
/// use ringfence_ua::{Account, Extras};
///
/// let extras = Extras { display_name: Some("Reception".into()), ..Extras::default() };
/// let account = Account { extras: Some(Box::new(extras)), ..Account::new("858", "pbx.example.com", None) };
/// assert_eq!(account.extras().display_name.as_deref(), Some("Reception"));
/// ```
#[derive(Clone)]
pub struct Extras {
    /// What people are shown.
    pub display_name: Option<Box<str>>,
    /// The resource of the server that is asked for by WebSocket (RFC 6455 section 3), `/` without one.
    pub websocket_path: Option<Arc<str>>,
    /// Where requests go instead of to the domain: a host, and a port where one was given.
    pub outbound_proxy: Option<(String, Option<u16>)>,
    /// Further outbound proxies: the line is registered through each, over a flow of its own (RFC 5626 section 4.2).
    pub other_proxies: Vec<(String, Option<u16>)>,
    /// Where the line is reached through a translator that nobody but its owner knows of: what the Contact says, whatever
    /// the registrar sees.
    pub public_address: Option<IpAddr>,
    /// Addresses besides the registrar's and the proxy's whose calls are taken.
    pub peers: Vec<IpAddr>,
}

impl Extras {
    const NONE: Self = Self {
        display_name: None,
        websocket_path: None,
        outbound_proxy: None,
        other_proxies: Vec::new(),
        public_address: None,
        peers: Vec::new(),
    };
}

impl Default for Extras {
    fn default() -> Self {
        Self::NONE
    }
}

/// Shows nothing, as all of it may identify a person.
impl fmt::Debug for Extras {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extras").finish_non_exhaustive()
    }
}

/// Shows the label alone, as everything else may identify a person.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("label", &self.label).finish_non_exhaustive()
    }
}

/// RFC 3261 section 19.1.2: the default port of a `sip` URI over UDP.
const DEFAULT_PORT: u16 = 5060;

impl Account {
    /// Creates an account that registers, without a password, for an hour at a time. A port of `None` is none that was
    /// given.
    #[must_use]
    pub fn new(user: &str, domain: &str, port: impl Into<Option<u16>>) -> Self {
        Self {
            label: user.into(),
            user: user.into(),
            domain: domain.into(),
            port: port.into(),
            credentials: None,
            is_registering: true,
            transport: None,
            is_secure: false,
            instance: None,
            ping: Ping::default(),
            expires: Duration::from_secs(3600),
            is_open: false,
            extras: None,
        }
    }

    /// Returns what few accounts say.
    #[must_use]
    pub fn extras(&self) -> &Extras {
        self.extras.as_deref().unwrap_or(const { &Extras::NONE })
    }

    /// Returns what few accounts say, to be changed.
    pub fn extras_mut(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    /// Returns it with one proxy and no other: what one flow of its line is by (RFC 5626 section 4.2).
    #[must_use]
    pub fn through_proxy(&self, proxy: (String, Option<u16>)) -> Self {
        let mut account = self.clone();
        let extras = account.extras_mut();
        (extras.outbound_proxy, extras.other_proxies) = (Some(proxy), Vec::new());
        account
    }

    /// Returns the address-of-record.
    #[must_use]
    pub fn address_of_record(&self) -> String {
        format!("{}:{}@{}{}", self.scheme(), self.user, self.domain, self.port_suffix())
    }

    /// Returns the Request-URI of a REGISTER.
    #[must_use]
    pub fn registrar(&self) -> String {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-10.2
        //# The "userinfo" and "@" components of the
        //# SIP URI MUST NOT be present.
        format!("{}:{}{}", self.scheme(), self.domain, self.port_suffix())
    }

    /// Returns the host that requests are sent to, and the port where one was given.
    #[must_use]
    pub fn next_hop(&self) -> (&str, Option<u16>) {
        match &self.extras().outbound_proxy {
            Some((host, port)) => (host, *port),
            None => (&self.domain, self.port),
        }
    }

    /// Returns what requests go by where the domain's records do not say otherwise.
    #[must_use]
    pub fn transport(&self) -> Transport {
        let chosen = self.transport.unwrap_or_default();
        match (self.is_secure, chosen.is_websocket()) {
            (false, _) => chosen,
            (true, false) => Transport::Tls,
            //= https://www.rfc-editor.org/rfc/rfc7118#section-9.2
            //# If such a path includes a WebSocket connection, it MUST be a secure WebSocket
            //# connection.
            (true, true) => Transport::Wss,
        }
    }

    /// Returns what the line is known by to a registrar that knows RFC 5626: a URN made of the device's.
    #[must_use]
    pub fn instance_id(&self) -> Option<String> {
        let device = self.instance.as_deref()?;
        Some(outbound::instance(device, &self.address_of_record(), &self.label))
    }

    /// Returns whether a line of this account is to its registrar what one of the other is: by its address-of-record and by what
    /// the application calls it.
    pub(crate) fn is_same_line(&self, other: &Self) -> bool {
        let Self { label, user, domain, port, is_secure, is_registering, .. } = self;
        (label, user, domain, port, is_secure, is_registering)
            == (
                &other.label,
                &other.user,
                &other.domain,
                &other.port,
                &other.is_secure,
                &other.is_registering,
            )
    }

    /// Returns whether a binding of this account is one of the other, too: it is the same line, reached in the same way, and asked
    /// for in the same. Credentials, the name that people are shown, the time and who may ring make no other of it.
    pub(crate) fn has_binding_of(&self, other: &Self) -> bool {
        let way = |account: &Self| {
            let Extras { websocket_path, outbound_proxy, other_proxies, public_address, .. } =
                account.extras();
            let proxies = (outbound_proxy.clone(), other_proxies.clone());
            (account.transport, account.ping, websocket_path.clone(), proxies, *public_address)
        };
        self.is_same_line(other) && way(self) == way(other)
    }

    /// Returns the scheme of the line's URIs: `sip` or `sips`.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_secure { "sips" } else { "sip" }
    }

    fn port_suffix(&self) -> String {
        suffix(self.port.filter(|&port| port != DEFAULT_PORT || self.is_secure))
    }
}

/// Returns a port as it stands behind a host, or nothing.
pub(super) fn suffix(port: Option<u16>) -> String {
    port.map_or_else(String::new, |port| format!(":{port}"))
}
