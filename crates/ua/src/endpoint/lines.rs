//! The lines of an endpoint, and the ways to find one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use ringfence_wire::sip::Uri;

use crate::id::{LineId, LineToken};
use crate::registration::{Account, Binding, Crowd};
use crate::transaction::key::Key;
use crate::transaction::timers::GIVE_UP;
use crate::transport::{ConnectionId, ContactAddress, Flow, OwnContact, Transport};

mod admission;
mod bearers;
mod flow_set;
mod located;
mod turns;
mod waits;

use bearers::Bearers;
use flow_set::FlowSet;
use located::Located;
pub(super) use turns::Turn;
use turns::Turns;
use waits::Waits;

/// One line.
pub(crate) struct Line {
    pub(crate) account: Arc<Account>,
    pub(crate) binding: Option<Binding>,
    /// Of one that does not register.
    silent: Option<Box<Silent>>,
    /// Where its registrar is, as was found last.
    located: Arc<Located>,
    /// The newest REGISTER and what it went over, where that is a connection.
    asked: Option<Box<(Key, ConnectionId)>>,
}

/// Where callers reach us who called by a transport.
#[derive(Debug)]
pub(in crate::endpoint) struct Reached {
    /// The address of the UDP socket.
    pub(in crate::endpoint) local: SocketAddr,
    pub(in crate::endpoint) transport: Transport,
    /// Where they connect to, or send datagrams; none where nobody listens by that transport.
    pub(in crate::endpoint) listening: Option<SocketAddr>,
}

impl Reached {
    /// Returns the way to us, by UDP where there is none by the caller's transport: at a public address, or at the one that is
    /// listened on, or, where that is any, at the one by which the registrar is reached.
    fn at(&self, public: Option<IpAddr>, route: IpAddr) -> ContactAddress {
        let by_udp = (Transport::Udp, self.local);
        let (transport, own) = self.listening.map_or(by_udp, |listening| (self.transport, listening));
        let ip = if own.ip().is_unspecified() { route } else { own.ip() };
        let address = SocketAddr::new(public.unwrap_or(ip), own.port());
        ContactAddress { address, transport, is_secure: false }
    }
}

/// What a line has that does not register: the others need no room for it.
struct Silent {
    token: LineToken,
    /// When it looks up its peer again.
    lookup_at: Option<Instant>,
}

impl Line {
    fn new(account: Arc<Account>, binding: Option<Binding>) -> Self {
        Self { account, binding, silent: None, located: Arc::default(), asked: None }
    }

    /// Returns where it is towards its registrar, or would be reached if it does not register.
    pub(crate) fn local(&self) -> Option<SocketAddr> {
        self.located.local
    }

    /// Returns whether a flow is kept open for it.
    fn keeps_open(&self, flow: Flow) -> bool {
        self.binding.as_ref().is_some_and(|binding| binding.keeps_open(flow))
    }

    /// Returns the Contact that a caller's later requests are to reach the line at: what the registrar gave it for that, or
    /// where it is, by what the INVITE came by. It has no token: what a caller learns must not let anyone in.
    fn contact(&self, now: Instant, reached: &Reached, is_secure: bool) -> OwnContact {
        //= https://www.rfc-editor.org/rfc/rfc5627#section-4.4
        //# A UA SHOULD use a GRUU when populating the Contact header field of
        //# dialog-forming and target refresh requests and responses.
        if let Some(gruu) = self.binding.as_ref().and_then(|binding| binding.gruu(now, is_secure)) {
            return gruu;
        }
        let registered = self.binding.as_ref().and_then(Binding::contact);
        let contact = match registered {
            Some(registered) if registered.transport == reached.transport => registered,
            // Nobody listens by what the INVITE came by: it came over a connection of ours.
            Some(registered) if reached.listening.is_none() => registered,
            Some(_) | None => {
                let local = self.local().unwrap_or(reached.local);
                reached.at(self.account.extras().public_address, local.ip())
            }
        };
        let is_secure = is_secure || contact.is_secure;
        OwnContact::At {
            contact: ContactAddress { is_secure, ..contact },
            user: Arc::clone(&self.account.user),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.binding {
            Some(binding) => binding.poll_timeout(),
            None => self.silent.as_ref()?.lookup_at,
        }
    }
}

/// All lines, and the ways to find one.
pub(crate) struct Lines {
    /// In boxes: a node of the map has room for eleven, and is half empty.
    by_id: BTreeMap<LineId, Box<Line>>,
    by_token: BTreeMap<LineToken, LineId>,
    by_user: BTreeMap<Arc<[u8]>, Bearers>,
    /// Those that are being removed.
    leaving: BTreeSet<LineId>,
    /// What was found of the registrars of lines last: a line behind a proxy needs both.
    located: [Arc<Located>; 2],
    /// The domain of the newest account: mostly that of the next, too.
    domain: Arc<str>,
    by_address: BTreeMap<IpAddr, BTreeSet<LineId>>,
    /// The lines that are registered, or ask to be, over each connection.
    by_connection: BTreeMap<ConnectionId, BTreeSet<LineId>>,
    /// When the newest message came over each of them.
    heard: BTreeMap<ConnectionId, Instant>,
    /// Those that are registered at one server, by its host and port.
    crowds: BTreeMap<(String, Option<u16>), Crowd>,
    /// Those that have several flows, and whose the further ones are.
    flow_sets: BTreeMap<LineId, FlowSet>,
    leaders: BTreeMap<LineId, LineId>,
    open: BTreeSet<LineId>,
    waits: Waits,
    pub(super) turns: Turns,
    next: u32,
    next_crowd: u32,
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self {
            by_id: BTreeMap::new(),
            by_token: BTreeMap::new(),
            by_user: BTreeMap::new(),
            leaving: BTreeSet::new(),
            located: Default::default(),
            domain: Arc::default(),
            by_address: BTreeMap::new(),
            by_connection: BTreeMap::new(),
            heard: BTreeMap::new(),
            crowds: BTreeMap::new(),
            flow_sets: BTreeMap::new(),
            leaders: BTreeMap::new(),
            open: BTreeSet::new(),
            waits: Waits::default(),
            turns: Turns::default(),
            next: 0,
            next_crowd: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_id.len() - self.leaders.len()
    }

    /// Returns all lines, with each further flow as one.
    pub(crate) fn ids(&self) -> Vec<LineId> {
        self.by_id.keys().copied().collect()
    }

    pub(crate) fn add(
        &mut self,
        account: Arc<Account>,
        binding: Option<Binding>,
        token: LineToken,
    ) -> LineId {
        self.next += 1;
        let id = LineId::new(self.next);
        self.by_token.insert(token, id);
        self.by_user.entry(unescaped(&account.user)).or_default().insert(id);
        for peer in &account.extras().peers {
            self.by_address.entry(peer.to_canonical()).or_default().insert(id);
        }
        if account.is_open {
            self.open.insert(id);
        }
        let silent = binding.is_none().then(|| Box::new(Silent { token, lookup_at: None }));
        self.by_id.insert(id, Box::new(Line { silent, ..Line::new(account, binding) }));
        id
    }

    /// Returns an account with the text of its domain that other lines have.
    pub(crate) fn with_known_domain(&mut self, account: Account) -> Account {
        if self.domain != account.domain {
            self.domain = Arc::clone(&account.domain);
        }
        Account { domain: Arc::clone(&self.domain), ..account }
    }

    /// Returns the lines that are registered where an account is to be.
    pub(crate) fn crowd_of(&mut self, account: &Account, user_agent: &Arc<str>) -> Crowd {
        let Self { crowds, next_crowd, .. } = self;
        let crowd = crowds.entry(server_of(account)).or_insert_with(|| {
            *next_crowd += 1;
            Crowd::new(*next_crowd, Arc::clone(user_agent))
        });
        crowd.clone()
    }

    /// Removes a line, and its bindings with it.
    pub(crate) fn remove(&mut self, id: LineId) -> Option<Line> {
        self.forget_flows(id);
        let mut line = self.by_id.remove(&id)?;
        let server = server_of(&line.account);
        let silent = line.silent.as_ref().map(|silent| silent.token);
        let token = silent.or_else(|| line.binding.take().map(|binding| binding.token()));
        if self.crowds.get(&server).is_some_and(Crowd::is_left) {
            self.crowds.remove(&server);
        }
        // That of a further flow is its leader's.
        if let Some(token) = token.filter(|_| !self.leaders.contains_key(&id)) {
            self.by_token.remove(&token);
        }
        let user = unescaped(&line.account.user);
        if self.by_user.get_mut(&user).is_some_and(|bearers| bearers.remove(id)) {
            self.by_user.remove(&user);
        }
        for address in line.known_addresses() {
            forget(&mut self.by_address, &address, id);
        }
        if let Some((_, connection)) = line.asked.as_deref().copied() {
            forget(&mut self.by_connection, &connection, id);
        }
        self.open.remove(&id);
        self.leaving.remove(&id);
        self.turns.forget(id);
        if self.by_id.is_empty() {
            // The waits of lines that are gone come up in vain, which an endpoint without any need not be woken for.
            self.waits = Waits::default();
        }
        Some(*line)
    }

    pub(crate) fn find(&self, id: LineId) -> Option<&Line> {
        self.by_id.get(&id).map(Box::as_ref)
    }

    pub(crate) fn find_mut(&mut self, id: LineId) -> Option<&mut Line> {
        self.by_id.get_mut(&id).map(Box::as_mut)
    }

    /// Takes that a line is being removed.
    pub(crate) fn leave(&mut self, id: LineId) {
        if self.by_id.contains_key(&id) {
            self.leaving.insert(id);
        }
    }

    /// Returns whether a line is being removed, once it has said good-bye.
    pub(crate) fn is_leaving(&self, id: LineId) -> bool {
        self.leaving.contains(&id)
    }

    /// Returns the lines of the user of an account that are being removed; of many the newest.
    pub(crate) fn leaving_like(&self, account: &Account) -> Vec<LineId> {
        let bearers = self.by_user.get(&*unescaped(&account.user));
        bearers.map_or_else(Vec::new, |bearers| bearers.newest_of(&self.leaving))
    }

    /// Notes when a line is to be woken next.
    pub(crate) fn schedule(&mut self, id: LineId) {
        if let Some(due) = self.find(id).and_then(Line::poll_timeout) {
            self.waits.add(due, id);
        }
    }

    /// Returns the next line of which something is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<LineId> {
        while let Some(id) = self.waits.pop_due(now) {
            // Woken by a wait that was since replaced: the one that counts has its own place.
            if self.find(id).and_then(Line::poll_timeout).is_some_and(|due| due <= now) {
                return Some(id);
            }
        }
        None
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        [self.waits.next(), self.turns.poll_timeout()].into_iter().flatten().min()
    }

    /// Notes what a line's REGISTER goes over, and what it is known by.
    pub(crate) fn asks(&mut self, id: LineId, key: Key, flow: Flow) {
        self.stop_asking(id);
        let Some(connection) = flow.connection_id() else { return };
        if let Some(line) = self.find_mut(id) {
            line.asked = Some(Box::new((key, connection)));
            self.by_connection.entry(connection).or_default().insert(id);
        }
    }

    /// Forgets what a line's newest REGISTER went over, and returns what it is known by.
    pub(crate) fn stop_asking(&mut self, id: LineId) -> Option<Key> {
        let (key, connection) = *self.find_mut(id)?.asked.take()?;
        forget(&mut self.by_connection, &connection, id);
        Some(key)
    }

    /// Returns the connection that a line's newest REGISTER went over.
    pub(crate) fn asks_over(&self, id: LineId) -> Option<ConnectionId> {
        self.find(id)?.asked.as_ref().map(|asked| asked.1)
    }

    /// Returns whether the newest REGISTER of a line went over a connection.
    pub(crate) fn use_connection(&self, connection: ConnectionId) -> bool {
        self.by_connection.contains_key(&connection)
    }

    /// Notes that a message came over a connection, where it is one that lines ask over.
    pub(crate) fn heard(&mut self, now: Instant, connection: Option<ConnectionId>) {
        if let Some(connection) = connection.filter(|id| self.by_connection.contains_key(id)) {
            self.heard.insert(connection, now);
        }
    }

    /// Returns the connection that a line's newest REGISTER went over, unless something came over it while that waited
    /// for its answer: then the registrar does not answer this line, and the connection serves the others.
    pub(crate) fn silent_connection_of(&self, now: Instant, id: LineId) -> Option<ConnectionId> {
        let connection = self.asks_over(id)?;
        let heard = self.heard.get(&connection);
        let is_silent = heard.is_none_or(|&at| now.saturating_duration_since(at) >= GIVE_UP);
        is_silent.then_some(connection)
    }

    /// Forgets a connection that is no more, and returns the lines whose newest REGISTER went over it.
    pub(crate) fn disconnected(&mut self, connection: ConnectionId) -> Vec<LineId> {
        self.heard.remove(&connection);
        self.by_connection.get(&connection).into_iter().flatten().copied().collect()
    }

    /// Returns the addresses that lines know.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.by_address.keys().copied()
    }

    /// Returns the lines that know an address, and their flows.
    pub(crate) fn at(&self, address: IpAddr) -> Vec<LineId> {
        let lines = self.by_address.get(&address.to_canonical()).into_iter().flatten();
        lines.flat_map(|&line| self.flows_of(line)).collect()
    }
}

/// Returns the server that an account's requests go to.
fn server_of(account: &Account) -> (String, Option<u16>) {
    let (host, port) = account.next_hop();
    (host.to_ascii_lowercase(), port)
}

/// Removes a line from an index, and the entry with its last line.
fn forget<K: Ord + ?Sized, Q: Ord + std::borrow::Borrow<K>>(
    index: &mut BTreeMap<Q, BTreeSet<LineId>>,
    key: &K,
    id: LineId,
) {
    if let Some(ids) = index.get_mut(key) {
        ids.remove(&id);
        if ids.is_empty() {
            index.remove(key);
        }
    }
}

/// Returns a user part without its escapes, as it is compared (section 19.1.4).
fn unescaped(user: &Arc<str>) -> Arc<[u8]> {
    let uri = format!("sip:{user}@x");
    let uri = Uri::parse(uri.as_bytes()).ok();
    match uri.and_then(|uri| uri.user_unescaped()).filter(|unescaped| **unescaped != *user.as_bytes()) {
        Some(unescaped) => (&*unescaped).into(),
        // One text for both.
        None => Arc::clone(user).into(),
    }
}

#[cfg(test)]
mod tests;
