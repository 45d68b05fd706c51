//! Asks a STUN server where it sees a socket of ours (RFC 8489), over that very socket: a router gives each its own
//! address.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ringfence_ua::{Transport, Unresolved};
use ringfence_wire::sip::{Host, Uri};
use ringfence_wire::stun::{Answer, TransactionId, binding_request};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::error::{Error, Kind, Result};
use crate::io::locate::{Found, Wanted};

/// RFC 8489 section 18.6.
const DEFAULT_PORT: u16 = 3478;
/// How long each of the requests waits for an answer: a caller waits meanwhile, so that the third is the last. RFC 8489
/// section 6.2.1 has it go on for 39.5 s and makes that a default.
const WAITS: [Duration; 3] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_millis(1500)];
/// How long the look-up of its name may take.
const LOOKUP: Duration = Duration::from_secs(5);
/// More than a Binding response has: what is longer is cut, and read as none.
const LONGEST_ANSWER: usize = 1500;

pub(crate) const STUN_SERVER: &str = "a STUN server like stun.example.com or 192.0.2.1:3478";

/// Returns whether a text names a STUN server, as [`Builder::stun_server`](crate::Builder::stun_server) takes it.
///
/// ```
/// assert!(softphone::is_stun_server("stun.example.com:3478") && !softphone::is_stun_server("a b"));
/// ```
#[must_use]
pub fn is_stun_server(text: &str) -> bool {
    StunServer::read(text).is_some()
}

/// A STUN server by its name or address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StunServer {
    host: String,
    port: u16,
}

impl StunServer {
    /// Reads `[stun:]host[:port]`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("stun:").unwrap_or(text);
        let uri = format!("sip:{text}");
        let uri = Uri::parse(uri.as_bytes()).ok().filter(|_| !text.contains([';', '?', '@']))?;
        let host = match uri.host() {
            Host::Name("") => return None,
            Host::Name(name) => name.to_owned(),
            Host::V4(address) => address.to_string(),
            Host::V6(address) => address.to_string(),
        };
        let port = uri.port().unwrap_or(DEFAULT_PORT);
        (port != 0).then_some(Self { host, port })
    }

    /// Returns where the server can be asked from an address of ours.
    pub(crate) async fn resolve(
        &self,
        find: impl AsyncFnOnce(Wanted) -> Found,
        local: IpAddr,
    ) -> Result<SocketAddr> {
        let wanted = Wanted {
            host: self.host.clone(),
            port: Some(self.port),
            transport: Some(Transport::Udp),
            is_secure: false,
            supported: &[Transport::Udp],
            listening: SocketAddr::new(local, 0),
        };
        let late = |_| self.failed(&format!("its name was not found within {} s", LOOKUP.as_secs()));
        let found = timeout(LOOKUP, find(wanted)).await.map_err(late)?;
        let (places, _) = found.map_err(|Unresolved { error }| self.failed(&error))?;
        let place = places.first().ok_or_else(|| self.failed("its name has no address"))?;
        Ok(place.address)
    }

    /// Returns where the server, at its address, sees a socket.
    pub(crate) async fn mapped(&self, socket: &UdpSocket, server: SocketAddr) -> Result<SocketAddr> {
        let mut random = [0; 12];
        getrandom::fill(&mut random)
            .map_err(|error| Kind::System { what: "no randomness", error: io::Error::other(error) })?;
        let id = TransactionId::new(random);
        for wait in WAITS {
            let asked = socket.send_to(&binding_request(id), server).await;
            asked.map_err(|error| self.failed(&error.to_string()))?;
            match timeout(wait, answer(socket, server, id)).await {
                Ok(Ok(mapped)) => return Ok(mapped),
                Ok(Err(code)) => return Err(self.failed(&format!("it answered with error {code}"))),
                Err(_) => {}
            }
        }
        let waited: Duration = WAITS.iter().sum();
        Err(self.failed(&format!("it was silent for {} s", waited.as_secs())))
    }

    fn failed(&self, why: &str) -> Error {
        let server = format!("{}:{}", self.host, self.port);
        Kind::Stun { server, why: why.to_owned() }.into()
    }
}

/// Waits for the answer to a request. What else comes, from others or of another id, is no answer.
async fn answer(
    socket: &UdpSocket,
    server: SocketAddr,
    id: TransactionId,
) -> std::result::Result<SocketAddr, u16> {
    let mut buffer = [0; LONGEST_ANSWER];
    loop {
        // An ICMP error may be of an earlier datagram: the time limit ends what is in vain.
        let Ok((length, source)) = socket.recv_from(&mut buffer).await else {
            tokio::task::yield_now().await;
            continue;
        };
        match Answer::parse(&buffer[..length]) {
            Ok(answer) if source == server && answer.id == id => return answer.mapped,
            Ok(_) | Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_and_a_port_where_it_is_another_than_3478() {
        let read = |text| StunServer::read(text).map(|server| (server.host, server.port));
        assert_eq!(read("stun.example.com"), Some(("stun.example.com".to_owned(), 3478)));
        assert_eq!(read("stun:192.0.2.1:19302"), Some(("192.0.2.1".to_owned(), 19302)));
        assert_eq!(read("[2001:db8::1]:3479"), Some(("2001:db8::1".to_owned(), 3479)));
        for wrong in ["", "stun.example.com:0", "user@host", "host;x", "a b", "stun.example.com:99999"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }
}
