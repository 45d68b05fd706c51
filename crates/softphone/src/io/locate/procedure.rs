//! The procedure of RFC 3263 sections 4.1 and 4.2: a function of a question and of what the DNS answers.
//!
//! ```text
//! an address ─────────────────────────────────────────────────────▶ that address
//! a port ────────────────────────────────────▶ A, AAAA ───────────▶ at that port
//! a transport ─────────────▶ SRV of it ──────▶ A, AAAA ───────────▶ at their ports
//! none of them ──▶ NAPTR ──▶ SRV of each ────▶ A, AAAA ───────────▶ at their ports
//!        no NAPTR: SRV of what is supported ─┘   no SRV: A, AAAA ─▶ at the default port
//! ```
//!
//! A resolver that does not know NAPTR or SRV, as that of some home routers, is taken for a domain without them: its hosts
//! are still found.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use ringfence_ua::Transport;

use super::Place;
use super::families::{self, Source};
use super::host::{is_one_host, literal};
use super::naptr::{self, Service};
use super::srv::{self, Draw};
use crate::io::resolver::{LookupError, Records, Resolver, Srv};
use crate::registration::ChosenBy;

/// Who is to be found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    /// A name, or an address, an IPv6 one with or without brackets.
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
    pub(super) transport: Option<Transport>,
    /// Whether it is the host of a `sips` URI.
    pub(super) is_secure: bool,
    /// The preferred first.
    pub(super) supported: &'a [Transport],
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Located {
    /// In the order in which they are tried; not empty.
    pub(super) places: Vec<Place>,
    /// What chose the transport of the first.
    pub(super) by: ChosenBy,
    /// How long that holds; `None` where no record says anything about it.
    pub(super) ttl: Option<Duration>,
}

/// Why nothing was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unlocated {
    #[error("no address")]
    NoAddress,
    #[error("{0} is no address of a host")]
    NoHost(IpAddr),
    #[error("no address that can be reached from here")]
    Unreachable,
    #[error("its domain has no SIP service")]
    NoService,
    /// What else there is, is in clear: whoever keeps an answer of the DNS back must not lead there.
    #[error("its domain wants TLS, and its servers by TLS cannot be found")]
    NoTls,
    #[error("{0} is not supported here")]
    Unsupported(Transport),
    #[error("a sips address needs TLS, and {0} was asked for")]
    Insecure(Transport),
    #[error("{0}")]
    Failed(String),
}

/// Places that are tried at most: a list that is longer is not gone through within any caller's patience.
const MOST_PLACES: usize = 32;
/// Hosts of SRV records whose addresses are asked for.
const MOST_HOSTS: usize = 16;
/// Addresses of one host.
const MOST_ADDRESSES: usize = 8;

/// Finds the servers of a host.
pub(super) async fn locate(
    question: Question<'_>,
    resolver: &dyn Resolver,
    source: Source<'_>,
    draw: Draw<'_>,
) -> Result<Located, Unlocated> {
    let by = question.by();
    let mut search = Search { question, resolver, source, draw, by, ttl: None };
    let places = search.run().await?;
    Ok(Located { places, by: search.by, ttl: search.ttl })
}

/// Returns where a host is that is an address; `None` where it is a name.
pub(super) fn at_address(question: &Question<'_>, source: Source<'_>) -> Option<Result<Place, Unlocated>> {
    let address = literal(question.host)?;
    //= https://www.rfc-editor.org/rfc/rfc3263#section-4.2
    //# If TARGET is a numeric IP address, the client uses that address.  If
    //# the URI also contains a port, it uses that port.  If no port is
    //# specified, it uses the default port for the particular transport
    //# protocol.
    let transport = question.wanted().and_then(|wanted| question.usual(wanted));
    Some(transport.and_then(|transport| {
        if !is_one_host(address) {
            return Err(Unlocated::NoHost(address));
        }
        source(address).ok_or(Unlocated::Unreachable)?;
        let port = question.port.unwrap_or(transport.default_port());
        Ok(Place { address: SocketAddr::new(address, port), transport, priority: 0 })
    }))
}

impl Question<'_> {
    /// Returns what chooses the transport before anything is looked up.
    pub(super) fn by(&self) -> ChosenBy {
        if self.transport.is_some() { ChosenBy::Account } else { ChosenBy::Default }
    }

    /// Returns the transport that the URI asks for.
    fn wanted(&self) -> Result<Option<Transport>, Unlocated> {
        //= https://www.rfc-editor.org/rfc/rfc3263#section-4.1
        //# If the URI specifies a transport protocol in the transport parameter,
        //# that transport protocol SHOULD be used.
        let transport = match self.transport {
            // What lies beneath TLS is TCP (RFC 3261 section 26.2.1).
            //= https://www.rfc-editor.org/rfc/rfc3261#section-8.1.2
            //# Independent of which URI is used as input to the procedures of [4], if the
            //# Request-URI specifies a SIPS resource, the UAC MUST follow the procedures of [4] as
            //# if the input URI were a SIPS URI.
            Some(Transport::Tcp | Transport::Tls) if self.is_secure => Some(Transport::Tls),
            Some(Transport::Ws | Transport::Wss) if self.is_secure => Some(Transport::Wss),
            Some(Transport::Udp) if self.is_secure => {
                return Err(Unlocated::Insecure(Transport::Udp));
            }
            transport => transport,
        };
        transport.map(|transport| self.supported(transport)).transpose()
    }

    /// Returns the transport that is used where neither the URI nor records ask for one.
    fn usual(&self, wanted: Option<Transport>) -> Result<Transport, Unlocated> {
        //= https://www.rfc-editor.org/rfc/rfc3263#section-4.1
        //# Otherwise, if no transport protocol is specified, but the TARGET is a
        //# numeric IP address, the client SHOULD use UDP for a SIP URI, and TCP
        //# for a SIPS URI.  Similarly, if no transport protocol is specified,
        //# and the TARGET is not numeric, but an explicit port is provided, the
        //# client SHOULD use UDP for a SIP URI, and TCP for a SIPS URI.
        let usual = if self.is_secure { Transport::Tls } else { Transport::Udp };
        self.supported(wanted.unwrap_or(usual))
    }

    fn supported(&self, transport: Transport) -> Result<Transport, Unlocated> {
        let is_supported = self.supported.contains(&transport);
        is_supported.then_some(transport).ok_or(Unlocated::Unsupported(transport))
    }
}

struct Search<'a> {
    question: Question<'a>,
    resolver: &'a dyn Resolver,
    source: Source<'a>,
    draw: Draw<'a>,
    by: ChosenBy,
    /// The shortest of those that were used.
    ttl: Option<Duration>,
}

/// Returns the services without those in clear that come after one that is encrypted: they are no way to go on when that
/// leads nowhere.
fn before_clear(mut services: Vec<Service>) -> Vec<Service> {
    let mut wants_tls = false;
    services.retain(|service| {
        let is_encrypted = service.transport.is_encrypted();
        wants_tls |= is_encrypted;
        is_encrypted || !wants_tls
    });
    services
}

/// What the SRV records of one name lead to.
enum Listed {
    Servers(Vec<Srv>),
    /// The domain has none, or they cannot be had.
    Nothing,
    Unavailable,
}

impl Search<'_> {
    async fn run(&mut self) -> Result<Vec<Place>, Unlocated> {
        let Question { host, port, .. } = self.question;
        if let Some(place) = at_address(&self.question, self.source) {
            return place.map(|place| vec![place]);
        }
        let wanted = self.question.wanted()?;
        if let Some(port) = port {
            //= https://www.rfc-editor.org/rfc/rfc3263#section-4.2
            //# If the TARGET was not a numeric IP address, but a port is present in
            //# the URI, the client performs an A or AAAA record lookup of the domain
            //# name.
            let transport = self.question.usual(wanted)?;
            return self.at(host, port, transport).await;
        }
        match wanted {
            Some(transport) => self.by_transport(transport).await,
            None => self.by_any().await,
        }
    }

    /// A transport and no port: its SRV records, or else the host at the default port.
    async fn by_transport(&mut self, transport: Transport) -> Result<Vec<Place>, Unlocated> {
        let services = self.service_of(transport).into_iter().collect();
        let (places, is_unavailable) = self.by_services(services).await?;
        match (places.is_empty(), is_unavailable) {
            (false, _) => Ok(places),
            (true, true) => Err(Unlocated::NoService),
            (true, false) => self.at(self.question.host, transport.default_port(), transport).await,
        }
    }

    /// Neither a transport nor a port: NAPTR says which, or else what has SRV records.
    async fn by_any(&mut self) -> Result<Vec<Place>, Unlocated> {
        let Question { host, is_secure, supported, .. } = self.question;
        //= https://www.rfc-editor.org/rfc/rfc3263#section-4.1
        //# Otherwise, if no transport protocol or port is specified, and the
        //# target is not a numeric IP address, the client SHOULD perform a NAPTR
        //# query for the domain in the URI.
        let records = self.resolver.naptr(host).await;
        let services = self
            .used(&records)
            .map(|records| naptr::services(records, is_secure, supported))
            .unwrap_or_default();
        let services = before_clear(services);
        let wants_tls = services.iter().any(|service| service.transport.is_encrypted());
        let (mut places, _) = self.by_services(services).await?;
        if !places.is_empty() {
            self.by = ChosenBy::Naptr;
            return Ok(places);
        }
        if wants_tls {
            return Err(Unlocated::NoTls);
        }
        //= https://www.rfc-editor.org/rfc/rfc3263#section-4.1
        //# If no NAPTR records are found, the client constructs SRV queries for
        //# those transport protocols it supports, and does a query for each.
        //# Queries are done using the service identifier "_sip" for SIP URIs and
        //# "_sips" for SIPS URIs.  A particular transport is supported if the
        //# query is successful.
        let transports = supported.iter().filter(|transport| (**transport == Transport::Tls) == is_secure);
        let services = transports.filter_map(|transport| self.service_of(*transport)).collect();
        let is_unavailable;
        (places, is_unavailable) = self.by_services(services).await?;
        if !places.is_empty() {
            self.by = ChosenBy::Srv;
            return Ok(places);
        }
        if is_unavailable {
            return Err(Unlocated::NoService);
        }
        //= https://www.rfc-editor.org/rfc/rfc3263#section-4.1
        //# If no SRV records are found, the client SHOULD use TCP for a SIPS
        //# URI, and UDP for a SIP URI.
        let transport = self.question.usual(None)?;
        self.at(host, transport.default_port(), transport).await
    }

    /// Returns the servers of each service that has some, and whether a service is decidedly not available.
    async fn by_services(&mut self, services: Vec<Service>) -> Result<(Vec<Place>, bool), Unlocated> {
        let resolver = self.resolver;
        let answers = join_all(services.iter().map(|service| resolver.srv(&service.name))).await;
        let (mut places, mut is_unavailable, mut failure) = (Vec::new(), false, None);
        for (service, answer) in services.iter().zip(answers) {
            match self.listed(&answer) {
                Listed::Servers(servers) => match self.places_of(servers, service.transport).await {
                    Ok(found) => places.extend(found),
                    Err(error) => failure = Some(error),
                },
                Listed::Unavailable => is_unavailable = true,
                Listed::Nothing => {}
            }
        }
        places.truncate(MOST_PLACES);
        match failure {
            Some(failure) if places.is_empty() => Err(failure),
            Some(_) | None => Ok((places, is_unavailable)),
        }
    }

    /// Returns where the servers of a transport are listed. Those of WebSocket are nowhere: RFC 7118 registers a service of
    /// NAPTR and none of SRV.
    fn service_of(&self, transport: Transport) -> Option<Service> {
        //= https://www.rfc-editor.org/rfc/rfc3263#section-4.2
        //# For a
        //# SIP URI, if the client wishes to use TLS, it also uses the service
        //# identifier "_sips" for that specific transport, otherwise, it uses
        //# "_sip".
        let service = match transport {
            Transport::Udp => "_sip._udp",
            Transport::Tcp => "_sip._tcp",
            Transport::Tls => "_sips._tcp",
            Transport::Ws | Transport::Wss => return None,
        };
        Some(Service { transport, name: format!("{service}.{}", self.question.host) })
    }

    fn listed(&mut self, answer: &Result<Records<Srv>, LookupError>) -> Listed {
        match self.used(answer) {
            Some(records) if srv::is_unavailable(records) => Listed::Unavailable,
            Some(records) => match srv::in_order(records, &mut *self.draw) {
                servers if servers.is_empty() => Listed::Nothing,
                servers => Listed::Servers(servers),
            },
            None => Listed::Nothing,
        }
    }

    /// Returns the addresses of servers, in the servers' order.
    async fn places_of(
        &mut self,
        mut servers: Vec<Srv>,
        transport: Transport,
    ) -> Result<Vec<Place>, Unlocated> {
        servers.truncate(MOST_HOSTS);
        let resolver = self.resolver;
        let hosts: Vec<&str> = servers.iter().map(|server| server.target.trim_end_matches('.')).collect();
        let found = join_all(hosts.iter().map(|host| resolver.addresses(host))).await;
        let (mut places, mut failure) = (Vec::new(), Unlocated::NoAddress);
        for (server, addresses) in servers.iter().zip(found) {
            match self.reached(&addresses, server.port, transport) {
                Ok(found) => {
                    for place in found {
                        if places.iter().all(|known: &Place| known.address != place.address) {
                            places.push(Place { priority: server.priority, ..place });
                        }
                    }
                }
                Err(error) => failure = error,
            }
        }
        places.truncate(MOST_PLACES);
        if places.is_empty() { Err(failure) } else { Ok(places) }
    }

    async fn at(&mut self, host: &str, port: u16, transport: Transport) -> Result<Vec<Place>, Unlocated> {
        let addresses = self.resolver.addresses(host).await;
        self.reached(&addresses, port, transport)
    }

    fn reached(
        &mut self,
        addresses: &Result<Records<IpAddr>, LookupError>,
        port: u16,
        transport: Transport,
    ) -> Result<Vec<Place>, Unlocated> {
        let found = match addresses {
            Ok(_) => self.used(addresses).unwrap_or_default(),
            Err(LookupError::Missing { .. }) => &[],
            Err(LookupError::Failed { error }) => return Err(Unlocated::Failed(error.clone())),
        };
        let (hosts, others): (Vec<IpAddr>, Vec<IpAddr>) = found.iter().partition(|at| is_one_host(**at));
        let mut ordered = families::in_order(&hosts, self.source);
        ordered.truncate(MOST_ADDRESSES);
        if ordered.is_empty() {
            return Err(match (hosts.is_empty(), others.first()) {
                (false, _) => Unlocated::Unreachable,
                (true, Some(&other)) => Unlocated::NoHost(other),
                (true, None) => Unlocated::NoAddress,
            });
        }
        let place = |address| Place { address: SocketAddr::new(address, port), transport, priority: 0 };
        Ok(ordered.into_iter().map(place).collect())
    }

    /// Returns the records of an answer, and takes its lifetime into account: what is missing may be there as soon.
    fn used<'r, R>(&mut self, answer: &'r Result<Records<R>, LookupError>) -> Option<&'r [R]> {
        let ttl = match answer {
            Ok(records) => Some(records.ttl()),
            Err(LookupError::Missing { ttl }) => *ttl,
            Err(LookupError::Failed { .. }) => None,
        };
        self.ttl = [self.ttl, ttl].into_iter().flatten().min();
        answer.as_ref().ok().map(Records::records)
    }
}

#[cfg(test)]
mod tests;
