//! The lines of an endpoint, and the ways to find one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ringfence_wire::sip::Uri;

use crate::id::{LineId, LineToken};
use crate::registration::{Account, Binding, Crowd, Target};
use crate::transaction::key::Key;
use crate::transaction::timers::{GIVE_UP, Timers};
use crate::transport::{ConnectionId, ContactAddress, Flow, OwnContact, Transport};

mod admission;
mod bearers;
mod flow_set;

use bearers::Bearers;
use flow_set::FlowSet;

/// One line.
pub(crate) struct Line {
    pub(crate) account: Arc<Account>,
    pub(crate) binding: Option<Binding>,
    /// Where it is towards its registrar, or would be reached if it does not register.
    pub(crate) local: Option<SocketAddr>,
    /// None of a flow that nobody knows of.
    token: Option<LineToken>,
    /// The addresses of its registrar and its proxy, which many lines share.
    registrar: Arc<[IpAddr]>,
    /// The addresses of the registrar that stands behind the proxy.
    behind_proxy: Box<[IpAddr]>,
    /// The newest REGISTER and what it went over, where that is a connection.
    asked: Option<Box<(Key, ConnectionId)>>,
    /// When a line that does not register looks up its peer again.
    lookup_at: Option<Instant>,
    /// When it is removed, once it has said good-bye.
    pub(crate) is_leaving: bool,
}

/// A peer that could not be looked up is looked up again after half a minute, any other hourly:
/// names move, and nothing else would tell a line that does not register.
const LOOKUP_AFTER_FAILURE: Duration = Duration::from_secs(30);
const LOOKUP_AGAIN: Duration = Duration::from_secs(3600);

impl Line {
    fn new(account: Arc<Account>, binding: Option<Binding>, token: Option<LineToken>) -> Self {
        Self {
            account,
            binding,
            local: None,
            token,
            registrar: Arc::default(),
            behind_proxy: Box::default(),
            asked: None,
            lookup_at: None,
            is_leaving: false,
        }
    }

    /// Returns whether a flow is kept open for it.
    fn keeps_open(&self, flow: Flow) -> bool {
        self.binding.as_ref().is_some_and(|binding| binding.keeps_open(flow))
    }

    /// Returns the Contact that a caller's later requests are to reach the line at: what the registrar gave it for that, or
    /// where it is, by what the INVITE came by. It has no token: what a caller learns must not let anyone in.
    fn contact(
        &self,
        now: Instant,
        fallback: SocketAddr,
        transport: Transport,
        is_secure: bool,
    ) -> OwnContact {
        //= https://www.rfc-editor.org/rfc/rfc5627#section-4.4
        //# A UA SHOULD use a GRUU when populating the Contact header field of
        //# dialog-forming and target refresh requests and responses.
        let gruu = self.binding.as_ref().and_then(|binding| binding.gruu(now));
        if let Some(gruu) = gruu.filter(|gruu| !is_secure || gruu.starts_with("sips:")) {
            return OwnContact::Gruu(gruu.into());
        }
        let registered = self.binding.as_ref().and_then(Binding::contact);
        let contact = registered.filter(|contact| contact.transport == transport).unwrap_or_else(|| {
            let address = self.local.unwrap_or(fallback);
            ContactAddress { address, transport, is_secure: false }
        });
        let is_secure = is_secure || contact.is_secure;
        OwnContact::At {
            contact: ContactAddress { is_secure, ..contact },
            user: Arc::clone(&self.account.user),
        }
    }

    /// Returns every address that may ring the line.
    fn known_addresses(&self) -> impl Iterator<Item = IpAddr> {
        let peers = self.account.extras().peers.iter().map(IpAddr::to_canonical);
        peers.chain(self.registrar.iter().copied()).chain(self.behind_proxy.iter().copied())
    }

    /// Brings an index up to date with the addresses that may ring the line now, given those of before.
    fn index_again(&self, before: &[IpAddr], index: &mut BTreeMap<IpAddr, BTreeSet<LineId>>, id: LineId) {
        for address in before {
            forget(index, address, id);
        }
        for address in self.known_addresses() {
            index.entry(address).or_default().insert(id);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.binding.as_ref().map_or(self.lookup_at, Binding::poll_timeout)
    }
}

/// All lines, and the ways to find one.
pub(crate) struct Lines {
    /// In boxes: a node of the map has room for eleven, and is half empty.
    by_id: BTreeMap<LineId, Box<Line>>,
    by_token: BTreeMap<LineToken, LineId>,
    by_user: BTreeMap<Arc<[u8]>, Bearers>,
    /// Where the registrar of a line was found last.
    located: Arc<[IpAddr]>,
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
    timers: Timers<LineId>,
    next: u32,
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self {
            by_id: BTreeMap::new(),
            by_token: BTreeMap::new(),
            by_user: BTreeMap::new(),
            located: Arc::default(),
            domain: Arc::default(),
            by_address: BTreeMap::new(),
            by_connection: BTreeMap::new(),
            heard: BTreeMap::new(),
            crowds: BTreeMap::new(),
            flow_sets: BTreeMap::new(),
            leaders: BTreeMap::new(),
            open: BTreeSet::new(),
            timers: Timers::new(),
            next: 0,
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
        self.by_id.insert(id, Box::new(Line::new(account, binding, Some(token))));
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
    pub(crate) fn crowd_of(&mut self, account: &Account) -> Crowd {
        self.crowds.entry(server_of(account)).or_default().clone()
    }

    /// Removes a line, and its bindings with it.
    pub(crate) fn remove(&mut self, id: LineId) -> Option<Line> {
        self.forget_flows(id);
        let mut line = self.by_id.remove(&id)?;
        let server = server_of(&line.account);
        drop(line.binding.take());
        if self.crowds.get(&server).is_some_and(Crowd::is_left) {
            self.crowds.remove(&server);
        }
        if let Some(token) = line.token {
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
        if self.by_id.is_empty() {
            // The waits of lines that are gone come up in vain, which an endpoint without any need not be woken for.
            self.timers = Timers::new();
        }
        Some(*line)
    }

    pub(crate) fn find(&self, id: LineId) -> Option<&Line> {
        self.by_id.get(&id).map(Box::as_ref)
    }

    pub(crate) fn find_mut(&mut self, id: LineId) -> Option<&mut Line> {
        self.by_id.get_mut(&id).map(Box::as_mut)
    }

    /// Notes when a line is to be woken next.
    pub(crate) fn schedule(&mut self, now: Instant, id: LineId) {
        if let Some(due) = self.find(id).and_then(Line::poll_timeout) {
            self.timers.add(now, due, id);
        }
    }

    /// Returns the next line of which something is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<LineId> {
        while let Some((_, id)) = self.timers.pop_due(now) {
            // Woken by a wait that was since replaced: the one that counts has its own place.
            if self.find(id).and_then(Line::poll_timeout).is_some_and(|due| due <= now) {
                return Some(id);
            }
        }
        None
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Notes where a line's registrar and proxy are, as they were looked up.
    pub(crate) fn located(&mut self, now: Instant, id: LineId, targets: Option<&[Target]>) {
        let Some(line) = self.by_id.get_mut(&id) else { return };
        if line.binding.is_none() {
            let again = if targets.is_some() { LOOKUP_AGAIN } else { LOOKUP_AFTER_FAILURE };
            line.lookup_at = Some(now + again);
        }
        // A name that cannot be looked up just now still means what it meant.
        let Some(targets) = targets else { return };
        line.local = targets.first().map(|target| target.local);
        let found = targets.iter().map(|target| target.flow.remote().ip().to_canonical()).collect();
        let (id, found) = (self.leader_of(id), self.all_located(id, found));
        if self.located[..] != found[..] {
            self.located = found.into();
        }
        let found = Arc::clone(&self.located);
        let Self { by_id, by_address, .. } = self;
        let Some(line) = by_id.get_mut(&id) else { return };
        let before: Vec<IpAddr> = line.known_addresses().collect();
        line.registrar = found;
        line.index_again(&before, by_address, id);
    }

    /// Notes where the registrar is that stands behind a line's proxy.
    pub(crate) fn located_behind_proxy(&mut self, id: LineId, addresses: &[IpAddr]) {
        let id = self.leader_of(id);
        let Self { by_id, by_address, .. } = self;
        let Some(line) = by_id.get_mut(&id) else { return };
        let before: Vec<IpAddr> = line.known_addresses().collect();
        line.behind_proxy = addresses.iter().map(IpAddr::to_canonical).collect();
        line.index_again(&before, by_address, id);
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

    /// Returns whether a line that does not register is to look its peer up again.
    pub(crate) fn is_lookup_due(&mut self, now: Instant, id: LineId) -> bool {
        let Some(line) = self.by_id.get_mut(&id) else { return false };
        let is_due = line.lookup_at.is_some_and(|due| due <= now);
        if is_due {
            line.lookup_at = None;
        }
        is_due
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
