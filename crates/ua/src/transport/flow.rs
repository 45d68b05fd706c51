//! What a message came in on, and goes out on: a UDP peer, or a connection (RFC 5626 section 2, "flow").

use std::fmt;
use std::net::SocketAddr;

/// A transport protocol (RFC 3261 section 18).
///
/// ```
/// use ringfence_ua::Transport;
///
/// assert!(!Transport::Udp.is_reliable());
/// assert_eq!(Transport::Tls.to_string(), "TLS");
/// assert_eq!(Transport::Tls.default_port(), 5061);
/// assert_eq!(Transport::Wss.uri_parameter(), "ws");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Transport {
    /// UDP: datagrams, which get lost and are repeated.
    #[default]
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket (RFC 7118).
    Ws,
    /// WebSocket over TLS.
    Wss,
}

impl Transport {
    /// Returns whether the transport repeats what is lost (RFC 3261 section 17.1.1).
    #[must_use]
    pub fn is_reliable(self) -> bool {
        match self {
            Self::Udp => false,
            Self::Tcp | Self::Tls | Self::Ws | Self::Wss => true,
        }
    }

    /// Returns whether what goes by it is encrypted.
    #[must_use]
    pub fn is_encrypted(self) -> bool {
        match self {
            Self::Udp | Self::Tcp | Self::Ws => false,
            Self::Tls | Self::Wss => true,
        }
    }

    /// Returns whether messages go by WebSocket, each in one of its own.
    #[must_use]
    pub fn is_websocket(self) -> bool {
        match self {
            Self::Udp | Self::Tcp | Self::Tls => false,
            Self::Ws | Self::Wss => true,
        }
    }

    /// Returns what a Via says, in capitals.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WS",
            Self::Wss => "WSS",
        }
    }

    /// Returns the port of a URI that names none.
    #[must_use]
    pub fn default_port(self) -> u16 {
        //= https://www.rfc-editor.org/rfc/rfc3261#section-19.1.2
        //# The default port value is transport and scheme dependent.  The
        //# default  is  5060 for sip: using UDP, TCP, or SCTP.  The default is
        //# 5061 for sip: using TLS over TCP and sips: over TCP.
        match self {
            Self::Udp | Self::Tcp => 5060,
            Self::Tls => 5061,
            //= https://www.rfc-editor.org/rfc/rfc7118#section-5.5
            //# In the absence of DNS SRV resource records or an explicit port, the
            //# default port for a SIP URI using the "sip" scheme and the "ws"
            //# transport parameter is 80, and the default port for a SIP URI using
            //# the "sips" scheme and the "ws" transport parameter is 443.
            Self::Ws => 80,
            Self::Wss => 443,
        }
    }

    /// Returns what the `transport` parameter of a URI says, in small letters.
    #[must_use]
    pub fn uri_parameter(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Ws | Self::Wss => "ws",
        }
    }
}

/// Writes it as a Via does.
impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a connection is known by: given by who opens and accepts connections, and never given again.
///
/// ```
/// use ringfence_ua::ConnectionId;
///
/// assert!(ConnectionId::new(1) < ConnectionId::new(2));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// Creates an id.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a message came in on, and goes out on.
///
/// ```
/// use ringfence_ua::{ConnectionId, Flow, Transport};
///
/// let remote = "192.0.2.1:5060".parse()?;
/// assert_eq!(Flow::from(remote).transport(), Transport::Udp);
/// assert!(Flow::connection(ConnectionId::new(1), Transport::Tcp, remote).is_reliable());
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    remote: SocketAddr,
    transport: Transport,
    connection: Option<ConnectionId>,
}

impl Flow {
    /// Creates the flow of a connection to or from `remote`.
    #[must_use]
    pub fn connection(id: ConnectionId, transport: Transport, remote: SocketAddr) -> Self {
        Self { remote, transport, connection: Some(id) }
    }

    /// Returns the peer's address.
    #[must_use]
    pub fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// Returns the protocol.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Returns the connection; UDP has none.
    #[must_use]
    pub fn connection_id(&self) -> Option<ConnectionId> {
        self.connection
    }

    /// Returns whether the transport repeats what is lost.
    #[must_use]
    pub fn is_reliable(&self) -> bool {
        self.connection.is_some()
    }
}

/// A peer that is reached by UDP.
impl From<SocketAddr> for Flow {
    fn from(remote: SocketAddr) -> Self {
        Self { remote, transport: Transport::Udp, connection: None }
    }
}
