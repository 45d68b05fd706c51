//! What becomes of connections when others are trusted than before. Those that are being opened by TLS begin anew, so that
//! none is taken, or given up, by what counted when it was begun. Those that are open are looked at once more: a server
//! whose certificate would not be accepted now is left.
//!
//! Time is no reason for that: a certificate that has ended since is judged as on the day on which it was shown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_ua::{ConnectionId, Transport};
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::ServerCertVerifier as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};

use super::failure::Failure;
use super::steps::server_name;
use super::{Event, Opened, Server, Streams};
use crate::error::Result;
use crate::tls::{Tls, Verifier};

/// What a server has shown when it was connected to by TLS, its own certificate first.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    chain: Arc<[CertificateDer<'static>]>,
    at: UnixTime,
}

/// A server that is connected to, and what it has shown.
type Known = (ConnectionId, Server, Credentials);

impl Credentials {
    pub(super) fn of<S>(stream: &TlsStream<S>) -> Self {
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default().into();
        Self { chain, at: UnixTime::now() }
    }

    /// Returns why they are not accepted for a server.
    fn refused_by(&self, verifier: &Verifier, server: &Server) -> Option<Failure> {
        let (own, others) = self.chain.split_first()?;
        let verify = |name| verifier.verify_server_cert(own, others, &name, &[], self.at);
        match server_name(&server.host).map(verify) {
            Ok(Ok(_)) => None,
            Ok(Err(why)) => Some(Failure::of_tls(std::io::Error::other(why))),
            Err(why) => Some(why),
        }
    }
}

/// How long what begins anew has at least: who waits does so for ten seconds more than any attempt may take
/// (`shard/ways.rs`).
const ANEW: Duration = Duration::from_secs(10);

impl Streams {
    /// Has connections from now on made and taken with other certificates. [`Event::Distrusted`] comes for those that are
    /// open and would not be accepted.
    pub(crate) fn set_tls(&mut self, tls: Tls) -> Result<()> {
        if !self.shown.is_empty() {
            let server = tls.server()?;
            for shown in &self.shown {
                shown.send_replace(Arc::clone(&server));
            }
        }
        self.tls = tls;
        self.trust += 1;
        // What failed by the old ones may not by these.
        self.failed.clear();
        self.open_anew();
        self.look_at_certificates();
        Ok(())
    }

    /// Returns whether this is the number of what is trusted now.
    pub(crate) fn is_newest_trust(&self, trust: u64) -> bool {
        self.trust == trust
    }

    /// Begins those anew that are being opened by TLS.
    fn open_anew(&mut self) {
        let connecting = std::mem::take(&mut self.connecting).into_iter();
        let (encrypted, in_clear): (BTreeMap<_, _>, _) =
            connecting.partition(|(server, _)| server.transport.is_encrypted());
        self.connecting = in_clear;
        let anew = Instant::now() + ANEW;
        for (server, connecting) in encrypted {
            connecting.attempt.abort();
            self.begin(server, connecting.askers, connecting.priorities, connecting.until.max(anew));
        }
    }

    fn look_at_certificates(&mut self) {
        let known = self.open.iter().filter_map(|(&id, open)| match &open.opened {
            Opened::To { server, credentials: Some(credentials), .. } => {
                Some((id, server.clone(), credentials.clone()))
            }
            Opened::To { credentials: None, .. } | Opened::ByPeer { .. } => None,
        });
        let known: Vec<Known> = known.collect();
        if known.is_empty() {
            return;
        }
        let (tls, trust, events) = (self.tls.clone(), self.trust, self.sender.clone());
        self.tasks.spawn(async move {
            // The system's authorities are read, which takes a while.
            let refused = tokio::task::spawn_blocking(move || refused(&tls, known)).await;
            for (id, why) in refused.unwrap_or_default() {
                // A shard that has ended has closed them.
                let _ = events.send(Event::Distrusted { id, trust, why }).await;
            }
        });
    }
}

/// Returns the connections whose servers would not be accepted, and why. Where not all authorities of the system can be read,
/// none is refused for want of one.
fn refused(tls: &Tls, known: Vec<Known>) -> Vec<(ConnectionId, String)> {
    let mut verifiers: BTreeMap<Transport, Option<Verifier>> = BTreeMap::new();
    let refused = |(id, server, credentials): Known| {
        let verifier = verifiers.entry(server.transport).or_insert_with(|| {
            tls.verifier(server.transport).inspect_err(|error| tracing::debug!(%error, "authorities")).ok()
        });
        let verifier = verifier.as_ref().filter(|verifier| verifier.is_whole())?;
        let why = credentials.refused_by(verifier, &server)?;
        Some((id, why.to_string()))
    };
    known.into_iter().filter_map(refused).collect()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use ringfence_ua::LineId;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::super::{Asker, Room, Unconnected};
    use super::*;

    fn streams() -> Streams {
        Streams::new(SocketAddr::from(([127, 0, 0, 1], 0)), Tls::new(), Room::new(None, 1))
    }

    /// Has a line ask for a connection to a server at an address.
    fn is_begun(streams: &mut Streams, server: &Server, address: SocketAddr) -> bool {
        let (now, asker) = (Instant::now(), Asker::Line(LineId::new(1)));
        streams.reach(now, asker, server, vec![vec![address]], now + Duration::from_secs(60)).is_none()
    }

    #[tokio::test]
    async fn what_is_being_opened_by_tls_is_begun_anew_and_what_came_of_it_before_is_not_awaited() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut streams = streams();
        let [tls, tcp] = [Transport::Tls, Transport::Tcp].map(|it| Server::of("127.0.0.1", None, it, None));
        assert!(is_begun(&mut streams, &tls, address) && streams.is_awaited(&tls, 0));
        let (mut old, _) = listener.accept().await.unwrap();
        let silent = SocketAddr::from(([127, 0, 0, 1], 9));
        assert!(is_begun(&mut streams, &tcp, silent));
        streams.set_tls(Tls::new()).unwrap();
        assert!(streams.is_awaited(&tls, 1) && !streams.is_awaited(&tls, 0));
        assert!(streams.is_awaited(&tcp, 0), "it shows no certificate");
        let (_new, _) = listener.accept().await.unwrap();
        // Which ends where the old one is given up.
        old.read_to_end(&mut Vec::new()).await.unwrap();
    }

    #[tokio::test]
    async fn what_has_failed_just_now_is_tried_at_once_by_what_is_trusted_now() {
        let mut streams = streams();
        let server = Server::of("127.0.0.1", None, Transport::Tls, None);
        let address = SocketAddr::from(([127, 0, 0, 1], 9));
        let failed = Err(Unconnected::at(address, Failure::Name("a test".to_owned())));
        streams.connected(Instant::now(), &server, failed).1.unwrap_err();
        assert!(!is_begun(&mut streams, &server, address));
        streams.set_tls(Tls::new()).unwrap();
        assert!(is_begun(&mut streams, &server, address));
    }
}
