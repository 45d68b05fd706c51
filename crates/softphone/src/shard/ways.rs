//! The shard's side of reaching a server by one transport, and by the next where that leads nowhere.
//!
//! ```text
//!           TCP refused        UDP needs no connection
//! ways: TCP ───────────▶ UDP ──────────────────────────▶ the line asks there
//!       TLS ───────────▶ an error: what is encrypted is followed by nothing that is not
//! ```
//!
//! There is more than one way only where the domain's records name several transports: an account that names one keeps to
//! it. After TLS comes nothing in clear, and after a certificate that is not accepted nothing at all: whoever can keep a
//! line from TLS, or pretends to be its server, must not be given its calls for that.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ringfence_ua::{LineId as Number, Target, Transport, Unreached, Unresolved};

use super::Shard;
use crate::io::interfaces::local_address_towards;
use crate::io::locate::{Place, Unlocated, unresolved};
use crate::io::streams::{Asker, Connected, Reached, Server, Unconnected, canonical};
use crate::registration::{Chosen, ChosenBy};

/// How a server is reached by one transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Way {
    server: Server,
    chosen: Chosen,
    places: Vec<Place>,
}

/// The ways that a line has, and what became of those that were tried.
#[derive(Debug)]
pub(super) struct Ways {
    left: VecDeque<Way>,
    /// What is being connected to.
    awaited: Option<(Server, Chosen)>,
    until: Instant,
    tried: Vec<(Chosen, Unreached)>,
}

/// How long all attempts to connect may take together, so that a line does not give up before (30 s after the
/// servers were found).
const ALL: Duration = Duration::from_secs(20);
/// How long those by one transport may take while another is left.
const ONE: Duration = Duration::from_secs(10);

/// Returns the ways to a server, in the order of its places.
pub(crate) fn ways_to(places: &[Place], by: ChosenBy, server: impl Fn(Transport) -> Server) -> Vec<Way> {
    let mut ways: Vec<Way> = Vec::new();
    for &place in places {
        let transport = place.transport;
        if let Some(known) = ways.iter_mut().find(|way| way.chosen.transport == transport) {
            known.places.push(place);
            continue;
        }
        //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.2
        //# If the Request-URI contains a SIPS URI, any alternate destinations MUST be contacted
        //# with TLS.
        let is_secured = ways.iter().any(|way| way.chosen.transport.is_encrypted());
        if ways.is_empty() || by.is_domain() && (transport.is_encrypted() || !is_secured) {
            let by = if ways.is_empty() { by } else { ChosenBy::Fallback };
            let chosen = Chosen { transport, by };
            ways.push(Way { server: server(transport), chosen, places: vec![place] });
        }
    }
    ways
}

/// Puts the ways last of which all servers failed of late. What is in clear stays before what is encrypted, or the way back
/// to it would be none.
fn put_last(ways: &mut [Way], has_failed: impl Fn(&Place) -> bool) {
    ways.sort_by_key(|way| (way.chosen.transport.is_encrypted(), way.places.iter().all(&has_failed)));
}

impl Shard {
    /// Has a line reach its server by the first way that leads there.
    pub(super) fn take_ways(&mut self, now: Instant, line: Number, mut ways: Vec<Way>) {
        // What it waits for since an older look-up is not for it any more.
        self.ways.remove(&line);
        put_last(&mut ways, |place| self.endpoint.has_failed(now, place.address, place.transport));
        let ways = Ways { left: ways.into(), awaited: None, until: now + ALL, tried: Vec::new() };
        self.endpoint.handle_found(now, line);
        self.go_on(now, line, ways);
    }

    /// Takes a connection that lines wait for, or why there is none.
    pub(super) fn take_connection(
        &mut self,
        now: Instant,
        server: &Server,
        connected: Result<Connected, Unconnected>,
    ) {
        self.penalise(now, server.transport, &connected);
        let (askers, reached) = self.streams.connected(now, server, connected);
        for asker in askers {
            let line = match asker {
                Asker::Line(line) => line,
                Asker::LongRequests(address) => {
                    self.tell_connected(now, address, &reached);
                    continue;
                }
            };
            // One that has asked anew meanwhile may wait for another.
            let awaited = self.ways.get(&line).and_then(|ways| ways.awaited.as_ref());
            if awaited.is_some_and(|(awaited, _)| awaited == server)
                && let Some(mut ways) = self.ways.remove(&line)
                && let Some((_, chosen)) = ways.awaited.take()
            {
                match &reached {
                    Ok(target) => self.endpoint.handle_resolved(now, line, Ok(vec![*target])),
                    Err(unconnected) => {
                        ways.fail(chosen, unconnected);
                        self.go_on(now, line, ways);
                    }
                }
            }
        }
    }

    /// Has servers tried last, by all lines, that could not be connected to.
    fn penalise(&mut self, now: Instant, transport: Transport, connected: &Result<Connected, Unconnected>) {
        let failed = match connected {
            Ok(Connected { failed, .. }) | Err(failed) => failed,
        };
        for address in failed.servers() {
            self.endpoint.handle_unconnected(now, canonical(address), transport);
        }
    }

    /// Tries the ways that are left, until one leads there or is to be waited for.
    fn go_on(&mut self, now: Instant, line: Number, mut ways: Ways) {
        while let Some(way) = ways.left.pop_front() {
            self.choose(line, way.chosen);
            if !way.chosen.transport.is_reliable() {
                match way.targets(self.udp.local()) {
                    Ok(targets) => return self.endpoint.handle_resolved(now, line, Ok(targets)),
                    Err(unresolved) => ways.pass(way.chosen, unresolved.into()),
                }
                continue;
            }
            let until = if ways.has_connections() { ways.until.min(now + ONE) } else { ways.until };
            match self.reach(now, line, &way, until) {
                Some(Ok(target)) => return self.endpoint.handle_resolved(now, line, Ok(vec![target])),
                Some(Err(unconnected)) => ways.fail(way.chosen, &unconnected),
                None => {
                    ways.awaited = Some((way.server, way.chosen));
                    self.ways.insert(line, ways);
                    return;
                }
            }
        }
        self.endpoint.handle_resolved(now, line, ways.into_error());
    }

    /// Returns the connection that is open, unless it leads to a server that has failed of late and another has not: then,
    /// or where there is none, one is opened.
    fn reach(&mut self, now: Instant, line: Number, way: &Way, until: Instant) -> Option<Reached> {
        let Self { endpoint, streams, .. } = self;
        let has_failed = |server| endpoint.has_failed(now, canonical(server), way.chosen.transport);
        let have_all_failed = way.addresses().all(has_failed);
        if let Some(open) = streams.open_to(&way.server, |remote| have_all_failed || !has_failed(remote)) {
            return Some(Ok(open));
        }
        // Those that have failed are not connected to once more where a connection to one of them is open.
        let is_open = streams.open_to(&way.server, |_| true).is_some();
        let priorities = || way.priorities(has_failed, !is_open);
        streams.reach_anew(now, Asker::Line(line), &way.server, priorities, until)
    }
}

impl Ways {
    /// Takes that the way that was tried leads nowhere.
    fn pass(&mut self, chosen: Chosen, why: Unreached) {
        tracing::debug!(transport = %chosen.transport, %why, left = self.left.len(), "not reached");
        self.tried.push((chosen, why));
    }

    fn fail(&mut self, chosen: Chosen, unconnected: &Unconnected) {
        self.pass(chosen, Unreached::Unconnected { error: unconnected.to_string() });
        if unconnected.has_refused_certificate() {
            self.left.clear();
        }
    }

    /// Returns whether something else is to be connected to after the way that is tried.
    fn has_connections(&self) -> bool {
        self.left.iter().any(|way| way.chosen.transport.is_reliable())
    }

    /// Returns what a line is told. Who has not asked for a transport learns who did.
    fn into_error(self) -> super::command::Reached {
        const HINT: &str = "an account that names a transport keeps to it";
        let error = match <[_; 1]>::try_from(self.tried) {
            Ok([(chosen, Unreached::Unconnected { error })]) if chosen.by.is_domain() => {
                format!("{error} (by {chosen}; {HINT})")
            }
            Ok([(_, why)]) => return Err(why),
            Err(tried) if tried.is_empty() => {
                return Err(Unresolved { error: "no address".to_owned() }.into());
            }
            Err(tried) => {
                let each = tried.iter().map(|(chosen, why)| format!("by {} {why}", chosen.transport));
                format!("{} (which the domain names; {HINT})", each.collect::<Vec<_>>().join("; by "))
            }
        };
        Err(Unreached::Unconnected { error })
    }
}

impl Way {
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    pub(crate) fn chosen(&self) -> Chosen {
        self.chosen
    }

    /// Returns the addresses, in the order in which they are tried.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.places.iter().map(|place| place.address)
    }

    /// Returns the addresses, those of each priority together. Those that failed of late are a last resort, if any.
    fn priorities(&self, has_failed: impl Fn(SocketAddr) -> bool, with_failed: bool) -> Vec<Vec<SocketAddr>> {
        let (failed, well): (Vec<Place>, Vec<Place>) =
            self.places.iter().partition(|place| has_failed(place.address));
        let mut priorities = by_priority(&well);
        if with_failed {
            priorities.append(&mut by_priority(&failed));
        }
        priorities
    }

    fn targets(&self, listening: SocketAddr) -> Result<Vec<Target>, Unresolved> {
        targets(&self.places, listening)
    }
}

fn by_priority(places: &[Place]) -> Vec<Vec<SocketAddr>> {
    let equals = places.chunk_by(|one, next| one.priority == next.priority);
    equals.map(|places| places.iter().map(|place| place.address).collect()).collect()
}

/// Returns what is sent to by UDP.
pub(super) fn targets(places: &[Place], listening: SocketAddr) -> Result<Vec<Target>, Unresolved> {
    let target = |place: &Place| {
        Some(Target::udp(place.address, local_address_towards(place.address, listening).ok()?))
    };
    let targets: Vec<Target> = places.iter().filter_map(target).collect();
    if targets.is_empty() {
        return Err(unresolved(&Unlocated::Unreachable, listening));
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use tokio_rustls::rustls::CertificateError;

    use super::*;
    use crate::io::streams::failure::Failure;
    use Transport::{Tcp, Tls, Udp, Wss};

    fn place(transport: Transport) -> Place {
        Place { address: SocketAddr::from(([192, 0, 2, 1], 5060)), transport, priority: 0 }
    }

    fn ways(transports: &[Transport], by: ChosenBy) -> Vec<Way> {
        let places: Vec<Place> = transports.iter().copied().map(place).collect();
        ways_to(&places, by, |transport| Server::of("example.com", None, transport, None))
    }

    fn order(ways: &[Way]) -> Vec<Transport> {
        ways.iter().map(|way| way.chosen.transport).collect()
    }

    #[test]
    fn after_what_is_encrypted_comes_nothing_in_clear() {
        let of = |transports: &[Transport]| order(&ways(transports, ChosenBy::Naptr));
        assert_eq!(of(&[Tcp, Udp]), [Tcp, Udp]);
        assert_eq!(of(&[Tcp, Tls, Udp]), [Tcp, Tls]);
        assert_eq!(of(&[Tls, Udp, Tcp, Tls]), [Tls]);
    }

    #[test]
    fn an_account_that_names_a_transport_has_one_way() {
        assert_eq!(order(&ways(&[Tcp, Udp], ChosenBy::Account)), [Tcp]);
        assert_eq!(order(&ways(&[Udp, Tcp], ChosenBy::Default)), [Udp]);
        let chosen: Vec<ChosenBy> =
            ways(&[Udp, Tcp], ChosenBy::Srv).iter().map(|way| way.chosen.by).collect();
        assert_eq!(chosen, [ChosenBy::Srv, ChosenBy::Fallback]);
    }

    /// What is left, and what is told, when the first way has failed by something.
    fn after(mut ways: Vec<Way>, failure: Failure) -> (Vec<Transport>, String) {
        let chosen = ways.remove(0).chosen;
        let (left, until) = (ways.into(), Instant::now());
        let mut ways = Ways { left, awaited: None, until, tried: Vec::new() };
        ways.fail(chosen, &Unconnected::at(SocketAddr::from(([192, 0, 2, 1], 5061)), failure));
        let left = ways.left.iter().map(|way| way.chosen.transport).collect();
        (left, ways.into_error().unwrap_err().to_string())
    }

    #[test]
    fn nothing_comes_after_a_certificate_that_is_not_accepted() {
        let refused = || Failure::Certificate(CertificateError::Expired);
        let (left, said) = after(ways(&[Tls, Wss], ChosenBy::Naptr), refused());
        assert!(left.is_empty() && said.contains("it has expired (by TLS, which"), "{said}");
        let closed = Failure::Tls(std::io::ErrorKind::UnexpectedEof.into());
        assert_eq!(after(ways(&[Tls, Wss], ChosenBy::Naptr), closed).0, [Wss]);
        let (_, said) = after(ways(&[Tls], ChosenBy::Account), refused());
        assert!(said.ends_with("it has expired"), "who has asked for it needs no hint: {said}");
    }

    #[test]
    fn what_failed_of_late_is_last_of_what_is_in_clear() {
        let mut all = ways(&[Udp, Tcp, Tls], ChosenBy::Naptr);
        put_last(&mut all, |place| place.transport == Udp);
        assert_eq!(order(&all), [Tcp, Udp, Tls]);
        put_last(&mut all, |_| true);
        assert_eq!(order(&all), [Tcp, Udp, Tls], "where all failed it is as before");
    }

    #[test]
    fn addresses_of_one_priority_are_together_and_what_failed_of_late_is_a_last_resort() {
        let at = |priority, port| Place {
            address: SocketAddr::from(([192, 0, 2, 1], port)),
            priority,
            ..place(Wss)
        };
        let places = [at(1, 1), at(1, 2), at(3, 3), at(4, 4)];
        let way = ways_to(&places, ChosenBy::Srv, |it| Server::of("a", None, it, None)).remove(0);
        let ports = |failed: &[u16], with_failed| -> Vec<Vec<u16>> {
            let priorities = way.priorities(|address| failed.contains(&address.port()), with_failed);
            priorities.iter().map(|equals| equals.iter().map(SocketAddr::port).collect()).collect()
        };
        assert_eq!(ports(&[], true), [vec![1, 2], vec![3], vec![4]]);
        assert_eq!(ports(&[1, 2, 3], true), [vec![4], vec![1, 2], vec![3]]);
        assert_eq!(ports(&[1, 3], true), [vec![2], vec![4], vec![1], vec![3]]);
        assert_eq!(ports(&[1, 3], false), [vec![2], vec![4]]);
    }
}
