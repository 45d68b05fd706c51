//! The user agent of `ringfence-ua` as a node of the simulated network.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use ringfence_ua::auth::Credentials;
use ringfence_ua::{
    Account, Config, ConnectionId, Endpoint, Event, Full, LineId, RegistrationState, Screen, Target,
    Transport, Unresolved, Verdict,
};

mod streams;

use crate::node::Node;
use crate::random::Random;
use streams::{Asker, Streams};

/// A user agent with one address, whose hosts are looked up in a table.
///
/// ```
/// use std::time::Duration;
/// use ringfence_testing::{Network, Pbx, PbxConfig, Phone};
///
/// let mut network = Network::new(1);
/// let (pbx_address, phone_address) = ("192.0.2.1:5060".parse()?, "192.0.2.7:5060".parse()?);
/// let mut pbx = Pbx::new(PbxConfig::new(pbx_address), 1);
/// pbx.add_user("858", "secret");
/// let pbx = network.add(pbx_address, pbx);
/// let phone = network.add(phone_address, Phone::new(phone_address, 1));
///
/// network.with(phone, |phone, now| phone.register(now, "858", "secret", pbx_address))?;
/// network.run_for(Duration::from_secs(1));
/// assert!(network.node(pbx).is_registered("858"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Phone {
    address: SocketAddr,
    endpoint: Endpoint,
    hosts: BTreeMap<String, Vec<IpAddr>>,
    events: Vec<(Instant, Event)>,
    streams: Streams,
    /// The calls that its screen ignores, by their Call-IDs, until who judges is told.
    ignored: Ignored,
}

type Ignored = Arc<Mutex<Vec<String>>>;

impl Phone {
    /// Makes a user agent with the default configuration. Its identifiers follow from the seed.
    #[must_use]
    pub fn new(address: SocketAddr, seed: u64) -> Self {
        Self::with_config(Config::new(address), seed)
    }

    /// Makes a user agent.
    #[must_use]
    pub fn with_config(config: Config, seed: u64) -> Self {
        let mut key = [0; 32];
        Random::new(seed).fill(&mut key);
        let address = config.local;
        let endpoint = Endpoint::new(config, key);
        let (hosts, events, streams) = (BTreeMap::new(), Vec::new(), Streams::default());
        Self { address, endpoint, hosts, events, streams, ignored: Ignored::default() }
    }

    /// Decides on new calls before they become events.
    #[must_use]
    pub fn with_screen(mut self, mut screen: Screen) -> Self {
        let ignored = Arc::clone(&self.ignored);
        self.endpoint = self.endpoint.with_screen(Screen::together(move |invites, verdicts| {
            let before = verdicts.len();
            screen.decide(invites, verdicts);
            for (invite, verdict) in invites.iter().zip(&verdicts[before..]) {
                if let (Verdict::Ignore, Ok(call_id)) = (verdict, invite.head.call_id()) {
                    let call_id = String::from_utf8_lossy(call_id).into_owned();
                    ignored.lock().unwrap_or_else(PoisonError::into_inner).push(call_id);
                }
            }
        }));
        self
    }

    /// Adds a line of a user with a password at a registrar, and registers it. Of an [`Account`] more can be said:
    /// [`Phone::act`] adds it.
    ///
    /// Fails where there is no room for another line.
    pub fn register(
        &mut self,
        now: Instant,
        user: &str,
        password: &str,
        registrar: SocketAddr,
    ) -> Result<LineId, Full> {
        let host = match registrar.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        let mut account = Account::new(user, &host, registrar.port());
        account.credentials = Some(Credentials::new(user, password));
        self.act(now, |endpoint| endpoint.add_line(now, account))
    }

    /// Gives a name addresses, in place of those it has; none makes it unknown. An address literal needs no entry.
    pub fn set_host(&mut self, name: &str, addresses: &[IpAddr]) {
        self.hosts.insert(name.to_owned(), addresses.to_vec());
    }

    /// Gives the user agent another address of its own, which what is looked up from now on is reached from.
    pub fn move_to(&mut self, address: SocketAddr) {
        self.address = address;
    }

    /// Gives the endpoint a command, and answers what it then wants to have looked up.
    pub fn act<R>(&mut self, now: Instant, command: impl FnOnce(&mut Endpoint) -> R) -> R {
        let result = command(&mut self.endpoint);
        while let Some(event) = self.endpoint.poll_event() {
            self.attend(now, &event);
            self.events.push((now, event));
        }
        self.streams.close_unused(&self.endpoint);
        result
    }

    /// Does what an event asks for.
    fn attend(&mut self, now: Instant, event: &Event) {
        match event {
            Event::Resolve { line, host, port, transport, is_connecting, .. } => {
                let transport = transport.unwrap_or_default();
                let resolved = self.resolve(host, *port, transport).map_err(Into::into);
                match resolved {
                    Ok(targets) if transport.is_reliable() && *is_connecting => {
                        self.connect(now, Asker::Line(*line), targets[0].flow.remote(), transport);
                    }
                    resolved => self.endpoint.handle_resolved(now, *line, resolved),
                }
            }
            Event::Locate { line, host, port } => {
                let located = self.resolve(host, *port, Transport::Udp).unwrap_or_default();
                let addresses: Vec<_> = located.iter().map(|target| target.flow.remote().ip()).collect();
                self.endpoint.handle_located(*line, &addresses);
            }
            Event::Connect { server } => self.connect(now, Asker::LongRequests, *server, Transport::Tcp),
            Event::Disconnect { connection } => {
                self.streams.close(*connection);
                self.endpoint.handle_disconnected(now, *connection, "it led nowhere");
            }
            Event::Registration { .. }
            | Event::Removed { .. }
            | Event::Incoming { .. }
            | Event::Cancelled { .. }
            | Event::Ended { .. }
            | _ => {}
        }
    }

    /// Returns the endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Returns every event so far, and when it came.
    #[must_use]
    pub fn events(&self) -> &[(Instant, Event)] {
        &self.events
    }

    /// Returns the states that a line's registration went through, and when.
    pub fn states(&self, line: LineId) -> impl Iterator<Item = (Instant, &RegistrationState)> {
        self.events.iter().filter_map(move |(at, event)| {
            let Event::Registration { line: found, state } = event else { return None };
            (*found == line).then_some((*at, state))
        })
    }

    fn resolve(
        &self,
        host: &str,
        port: Option<u16>,
        transport: Transport,
    ) -> Result<Vec<Target>, Unresolved> {
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse().ok().map(|ip| vec![ip]);
        let addresses = literal.or_else(|| self.hosts.get(host).cloned()).unwrap_or_default();
        if addresses.is_empty() {
            return Err(Unresolved { error: "no such name".to_owned() });
        }
        let target =
            |ip| Target::udp(SocketAddr::new(ip, port.unwrap_or(transport.default_port())), self.address);
        Ok(addresses.into_iter().map(target).collect())
    }
}

impl Node for Phone {
    fn handle_datagram(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) {
        // As a softphone takes those that it receives at once.
        self.act(now, |endpoint| endpoint.handle_datagrams(now, [(source, datagram)]));
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.act(now, |endpoint| endpoint.handle_timeout(now));
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.endpoint.poll_timeout()
    }

    fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.endpoint.poll_transmit().map(|transmit| (transmit.destination, transmit.payload.to_vec()))
    }

    fn poll_connect(&mut self) -> Option<(SocketAddr, Transport)> {
        self.streams.poll_connect()
    }

    fn handle_connected(
        &mut self,
        now: Instant,
        server: (SocketAddr, Transport),
        connected: Result<(ConnectionId, SocketAddr), &'static str>,
    ) {
        self.take_connection(now, server, connected);
    }

    fn handle_stream_message(&mut self, now: Instant, connection: ConnectionId, message: &[u8]) {
        let Some(flow) = self.streams.flow(connection) else { return };
        self.act(now, |endpoint| match message {
            b"\r\n\r\n" => endpoint.handle_ping(flow),
            b"\r\n" => endpoint.handle_pong(now, flow),
            message => drop(endpoint.handle_stream_message(now, flow, message)),
        });
    }

    fn handle_disconnected(&mut self, now: Instant, connection: ConnectionId, why: &'static str) {
        self.streams.closed(connection);
        self.act(now, |endpoint| endpoint.handle_disconnected(now, connection, why));
    }

    fn poll_write(&mut self) -> Option<(ConnectionId, Vec<u8>)> {
        self.endpoint.poll_write().map(|write| (write.connection, write.payload))
    }

    fn poll_close(&mut self) -> Option<ConnectionId> {
        self.streams.poll_close()
    }

    fn poll_ignored(&mut self) -> Option<String> {
        self.ignored.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn is_audited(&self) -> bool {
        true
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phone")
            .field("address", &self.address)
            .field("endpoint", &self.endpoint)
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}
