//! The shard's side of finding servers: it asks, and what is found becomes targets, or ways to be tried.

use std::sync::Arc;

use ringfence_ua::{LineId as Number, Transport, Unresolved};

use super::ways::{targets, ways_to};
use super::{Command, Shard};
use crate::io::locate::{Names, Place, SUPPORTED, Wanted};
use crate::io::streams::Server;
use crate::registration::ChosenBy;

/// What [`ringfence_ua::Event::Resolve`] asks for.
pub(super) struct NextHop {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) transport: Option<Transport>,
    pub(super) is_secure: bool,
    /// The resource that is asked for by WebSocket.
    pub(super) path: Option<Arc<str>>,
}

impl Shard {
    /// Finds where a line's requests go, and connects to it where that is to be.
    pub(super) fn resolve(&mut self, line: Number, next_hop: NextHop, is_connecting: bool) {
        // Whatever it waits for since an older look-up.
        self.ways.remove(&line);
        let listening = self.udp.local();
        let (host, port, path) = (next_hop.host.clone(), next_hop.port, next_hop.path.clone());
        let server = move |transport| Server::of(&host, port, transport, path.as_deref());
        self.find(next_hop, move |found| {
            Some(match found {
                Ok((places, by)) if is_connecting => {
                    Command::Found { line, ways: ways_to(&places, by, server) }
                }
                Ok((places, _)) => {
                    Command::Resolved { line, resolved: targets(&places, listening).map_err(Into::into) }
                }
                Err(unresolved) => Command::Resolved { line, resolved: Err(unresolved.into()) },
            })
        });
    }

    /// Finds who may ring a line, because it is the registrar behind its proxy.
    pub(super) fn locate(&self, line: Number, host: String, port: Option<u16>) {
        let next_hop = NextHop { host, port, transport: None, is_secure: false, path: None };
        self.find(next_hop, move |found| {
            // A name that cannot be looked up just now still means what it meant.
            let (places, _) = found.ok()?;
            Some(Command::Located {
                line,
                addresses: places.iter().map(|place| place.address.ip()).collect(),
            })
        });
    }

    /// Finds a host, and tells the shard what is to be told of it.
    fn find(
        &self,
        next_hop: NextHop,
        command: impl FnOnce(Result<(Vec<Place>, ChosenBy), Unresolved>) -> Option<Command> + Send + 'static,
    ) {
        let NextHop { host, port, transport, is_secure, path: _ } = next_hop;
        let listening = self.udp.local();
        let wanted = Wanted { host, port, transport, is_secure, supported: SUPPORTED, listening };
        let (sender, names) = (self.sender.clone(), self.names.clone());
        let tell = move |found| {
            // A shard that has ended needs no address.
            let _ = command(found).map(|command| sender.send(command));
        };
        if let Some(found) = Names::at_address(&wanted) {
            tell(found);
            return;
        }
        tokio::spawn(async move { tell(names.locate(wanted).await) });
    }
}
