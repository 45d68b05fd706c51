//! A pair of ports for the media of one call, and where a peer is to send to.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::UdpSocket;

use super::RtpPorts;
use super::locate::Names;
use super::stun::StunServer;
use crate::error::{Kind, Result};

/// Two bound UDP sockets for RTP and RTCP, and the addresses at which others reach them: what `c=`, `m=` and `a=rtcp` of a
/// session description say (RFC 3605). Dropping it frees the ports.
///
/// ```no_run
/// # async fn media(line: softphone::Line) -> softphone::Result<()> {
/// let pair = line.rtp_pair().await?;
/// let [rtp, _rtcp] = pair.public_addresses();
/// println!("c=IN IP4 {}\r\nm=audio {} RTP/AVP 8 0", rtp.ip(), rtp.port());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RtpPair {
    sockets: [std::net::UdpSocket; 2],
    local: [SocketAddr; 2],
    public: [SocketAddr; 2],
}

/// What decides on where a pair is bound and reached.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) ports: RtpPorts,
    /// The address that goes to the line's registrar.
    pub(crate) local: IpAddr,
    /// What the account says.
    pub(crate) public: Option<IpAddr>,
    pub(crate) stun: Option<StunServer>,
    /// Who finds the server.
    pub(crate) names: Names,
}

impl RtpPair {
    /// Binds a pair, and asks where it is seen. Needs a runtime.
    pub(crate) async fn bind(wanted: Wanted) -> Result<Self> {
        let [rtp, rtcp] = bind(&wanted)?;
        let system = |error| Kind::System { what: "no address of a media port", error };
        let local = [rtp.local_addr().map_err(system)?, rtcp.local_addr().map_err(system)?];
        let public = match (wanted.public, &wanted.stun) {
            // Ports are forwarded as they are: nobody needs to be asked.
            (Some(public), _) => local.map(|local| SocketAddr::new(public, local.port())),
            (None, None) => local,
            (None, Some(stun)) => {
                let find = async |server| wanted.names.locate(server).await;
                let server = stun.resolve(find, wanted.local).await?;
                let (rtp, rtcp) = tokio::join!(stun.mapped(&rtp, server), stun.mapped(&rtcp, server));
                [rtp?, rtcp?]
            }
        };
        let system = |error| Kind::System { what: "no socket for media", error };
        let sockets = [rtp.into_std().map_err(system)?, rtcp.into_std().map_err(system)?];
        Ok(Self { sockets, local, public })
    }

    /// Returns the addresses that RTP and RTCP are bound to.
    #[must_use]
    pub fn local_addresses(&self) -> [SocketAddr; 2] {
        self.local
    }

    /// Returns the addresses at which others reach RTP and RTCP: the account's public address, or where the STUN server
    /// saw them, or the local ones.
    #[must_use]
    pub fn public_addresses(&self) -> [SocketAddr; 2] {
        self.public
    }

    /// Returns the sockets of RTP and RTCP, which do not block.
    #[must_use]
    pub fn into_sockets(self) -> [std::net::UdpSocket; 2] {
        self.sockets
    }
}

/// Binds an even port and its next (RFC 3550 section 11), somewhere in the range: the ports of the last call rest.
fn bind(wanted: &Wanted) -> Result<[UdpSocket; 2]> {
    let mut random = [0; 2];
    getrandom::fill(&mut random)
        .map_err(|error| Kind::System { what: "no randomness", error: io::Error::other(error) })?;
    let first = wanted.ports.first().next_multiple_of(2);
    let pairs = (wanted.ports.last() - first).div_ceil(2);
    let start = u16::from_be_bytes(random) % pairs;
    let mut failed = None;
    for index in (start..pairs).chain(0..start) {
        let port = first + 2 * index;
        let socket = |port| {
            let socket = std::net::UdpSocket::bind((wanted.local, port))?;
            socket.set_nonblocking(true)?;
            UdpSocket::from_std(socket)
        };
        match (socket(port), socket(port + 1)) {
            (Ok(rtp), Ok(rtcp)) => return Ok([rtp, rtcp]),
            (Err(error), _) | (_, Err(error)) => failed = Some(error),
        }
    }
    let error = failed.unwrap_or_else(|| io::ErrorKind::AddrInUse.into());
    let (address, last) = (SocketAddr::new(wanted.local, first), wanted.ports.last());
    Err(Kind::MediaPorts { address, last, error }.into())
}
