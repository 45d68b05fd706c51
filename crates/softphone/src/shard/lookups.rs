//! The shard's side of finding servers: it asks, and what is found becomes targets, or connections to be opened.

use std::net::SocketAddr;
use std::sync::Arc;

use ringfence_ua::{LineId as Number, Target, Transport, Unreached, Unresolved};

use super::{Command, Shard};
use crate::io::interfaces::local_address_towards;
use crate::io::locate::{Names, Place, SUPPORTED, Wanted};
use crate::io::streams::Server;
use crate::registration::{Chosen, ChosenBy};

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
    pub(super) fn resolve(&self, line: Number, next_hop: NextHop, is_connecting: bool) {
        let listening = self.udp.local();
        let (host, port, path) = (next_hop.host.clone(), next_hop.port, next_hop.path.clone());
        let server = move |transport| Server::of(&host, port, transport, path.as_deref());
        self.find(next_hop, move |found| match found {
            Ok((places, by)) if is_connecting => reached(line, by, server, &places, listening),
            Ok((places, by)) => {
                let resolved = targets(&places, listening).map_err(Into::into);
                Command::Resolved { line, resolved, chosen: chosen(&places, by) }
            }
            Err(unresolved) => {
                Command::Resolved { line, resolved: Err(unresolved.into()), chosen: Chosen::default() }
            }
        });
    }

    /// Finds who may ring a line, because it is the registrar behind its proxy.
    pub(super) fn locate(&self, line: Number, host: String, port: Option<u16>) {
        let next_hop = NextHop { host, port, transport: None, is_secure: false, path: None };
        self.find(next_hop, move |found| {
            // A registrar without an address rings nobody.
            let addresses =
                found.iter().flat_map(|(places, _)| places).map(|place| place.address.ip()).collect();
            Command::Located { line, addresses }
        });
    }

    /// Finds a host, and tells the shard.
    fn find(
        &self,
        next_hop: NextHop,
        command: impl FnOnce(Result<(Vec<Place>, ChosenBy), Unresolved>) -> Command + Send + 'static,
    ) {
        let NextHop { host, port, transport, is_secure, path: _ } = next_hop;
        let listening = self.udp.local();
        let wanted = Wanted { host, port, transport, is_secure, supported: SUPPORTED, listening };
        let (sender, names) = (self.sender.clone(), self.names.clone());
        // A shard that has ended needs no address.
        if let Some(found) = Names::at_address(&wanted) {
            let _ = sender.send(command(found));
            return;
        }
        tokio::spawn(async move {
            let _ = sender.send(command(names.locate(wanted).await));
        });
    }
}

/// Returns what to do with the places of a host: those of its preferred transport are used.
fn reached(
    line: Number,
    by: ChosenBy,
    server: impl FnOnce(Transport) -> Server,
    places: &[Place],
    listening: SocketAddr,
) -> Command {
    let chosen = chosen(places, by);
    let transport = chosen.transport;
    let of_it: Vec<Place> = places.iter().filter(|place| place.transport == transport).copied().collect();
    if transport.is_reliable() {
        let priorities = of_it.chunk_by(|one, next| one.priority == next.priority);
        let priorities =
            priorities.map(|equals| equals.iter().map(|place| place.address).collect()).collect();
        return Command::Found { line, server: server(transport), priorities, chosen };
    }
    let resolved = targets(&of_it, listening).map_err(Unreached::from);
    Command::Resolved { line, resolved, chosen }
}

fn chosen(places: &[Place], by: ChosenBy) -> Chosen {
    Chosen { transport: places.first().map(|place| place.transport).unwrap_or_default(), by }
}

fn targets(places: &[Place], listening: SocketAddr) -> Result<Vec<Target>, Unresolved> {
    let target = |place: &Place| {
        Some(Target::udp(place.address, local_address_towards(place.address, listening).ok()?))
    };
    let targets: Vec<Target> = places.iter().filter_map(target).collect();
    if targets.is_empty() {
        return Err(Unresolved { error: format!("no address that can be reached from {listening}") });
    }
    Ok(targets)
}
