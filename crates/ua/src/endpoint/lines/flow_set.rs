//! A line with several outbound proxies (RFC 5626 section 4.2): it is registered through each of them, by a flow and a
//! binding of its own, and can be called while one of them is.
//!
//! Each further flow is kept as a line that nobody knows of: it has a binding, its timers and its look-ups, and neither
//! token nor name. What it learns and what becomes of it is told of the line that leads it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::{Line, Lines, Reached};
use crate::id::{Generator, LineId};
use crate::registration::{Account, Binding, Cause, LostFlow, RegistrationState};
use crate::transport::{ContactAddress, Flow, OwnContact};

/// The flows of one line.
#[derive(Debug, Default)]
pub(super) struct FlowSet {
    flows: BTreeMap<LineId, Told>,
    /// What was told of the line last.
    told: Option<RegistrationState>,
    /// Whether its bindings are being removed: then nothing is told before the last is.
    is_leaving: bool,
}

/// What a flow has told.
#[derive(Debug, Default)]
struct Told {
    /// The host that it goes through.
    proxy: String,
    state: Option<RegistrationState>,
    /// The newest binding that has not failed: while it is refreshed it is still there.
    registered: Option<RegistrationState>,
    /// Why it is not registered, until it is again.
    lost: Option<Cause>,
    /// Where its proxy is.
    located: Vec<IpAddr>,
}

impl Lines {
    /// Adds a flow to a line.
    pub(in crate::endpoint) fn add_flow(
        &mut self,
        leader: LineId,
        account: Arc<Account>,
        binding: Binding,
    ) -> LineId {
        self.next += 1;
        let id = LineId::new(self.next);
        let through = |account: &Account| {
            let (host, port) = account.next_hop();
            let proxy = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
            Told { proxy, ..Told::default() }
        };
        let first = self.find(leader).map(|line| through(&line.account)).unwrap_or_default();
        let set = self.flow_sets.entry(leader).or_default();
        set.flows.entry(leader).or_insert(first);
        set.flows.insert(id, through(&account));
        self.by_id.insert(id, Box::new(Line::new(account, Some(binding))));
        self.leaders.insert(id, leader);
        id
    }

    /// Returns the bindings of all lines and their flows.
    pub(in crate::endpoint) fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.by_id.values().filter_map(|line| line.binding.as_ref())
    }

    /// Returns the line and its further flows.
    pub(in crate::endpoint) fn flows_of(&self, id: LineId) -> Vec<LineId> {
        self.flow_sets.get(&id).map_or_else(|| vec![id], |set| set.flows.keys().copied().collect())
    }

    /// Returns a line that has no further flows, or those of its flows for which there was no connection.
    pub(in crate::endpoint) fn unconnected_flows_of(&self, id: LineId) -> Vec<LineId> {
        let Some(set) = self.flow_sets.get(&id) else { return vec![id] };
        let unconnected = |told: &Told| matches!(told.lost, Some(Cause::Unconnected { .. }));
        set.flows.iter().filter(|(_, told)| unconnected(told)).map(|(id, _)| *id).collect()
    }

    /// Takes that the bindings of a line's flows are removed from now on, or made again. Returns the flows.
    pub(in crate::endpoint) fn set_leaving(&mut self, id: LineId, is_leaving: bool) -> Vec<LineId> {
        if let Some(set) = self.flow_sets.get_mut(&id) {
            set.is_leaving = is_leaving;
            if is_leaving {
                // Each tells that it has left, also one that had, and so does the line.
                set.told = None;
                set.flows.values_mut().for_each(|told| told.state = None);
            }
        }
        self.flows_of(id)
    }

    /// Returns the line that a flow is of.
    pub(in crate::endpoint) fn leader_of(&self, id: LineId) -> LineId {
        self.leaders.get(&id).copied().unwrap_or(id)
    }

    /// Takes a state of a line or of one of its flows. Returns whose state is another now, and which.
    pub(in crate::endpoint) fn combine(
        &mut self,
        now: Instant,
        id: LineId,
        state: RegistrationState,
        generator: &mut Generator,
    ) -> Option<(LineId, RegistrationState)> {
        let leader = self.leader_of(id);
        let Self { flow_sets, by_id, waits, .. } = self;
        let Some(set) = flow_sets.get_mut(&leader) else { return Some((leader, state)) };
        let combined = set.take(id, state);
        for flow in set.flows.keys() {
            let is_spare = set.flows.iter().any(|(other, told)| other != flow && told.registered.is_some());
            let Some(binding) = by_id.get_mut(flow).and_then(|line| line.binding.as_mut()) else { continue };
            let was_refused = set.flows[flow].lost.as_ref().is_some_and(Cause::is_refusal);
            if binding.set_spare(is_spare) && !was_refused {
                binding.hasten(now, generator);
                waits.add(binding.poll_timeout().unwrap_or(now), *flow);
            }
        }
        combined.map(|state| (leader, state))
    }

    /// Notes where the proxy of a flow is. Returns where those of all flows of its line are.
    pub(super) fn all_located(&mut self, id: LineId, found: Vec<IpAddr>) -> Vec<IpAddr> {
        let leader = self.leader_of(id);
        let Some(set) = self.flow_sets.get_mut(&leader) else { return found };
        set.flows.entry(id).or_default().located = found;
        set.flows.values().flat_map(|told| told.located.iter().copied()).collect()
    }

    /// Returns what a caller is told to reach a line at, whose INVITE came over a flow: where we are, if the line is no more.
    pub(in crate::endpoint) fn contact(
        &self,
        now: Instant,
        id: LineId,
        flow: Flow,
        reached: &Reached,
        is_secure: bool,
    ) -> OwnContact {
        let Some(line) = self.find(id) else {
            let contact = ContactAddress { is_secure, ..reached.at(None, reached.local.ip()) };
            return OwnContact::At { contact, user: "".into() };
        };
        let flows = self.flow_sets.get(&id).into_iter().flat_map(|set| set.flows.keys());
        let came_by = flows.filter_map(|id| self.find(*id)).find(|it| it.keeps_open(flow));
        came_by.unwrap_or(line).contact(now, reached, is_secure)
    }

    /// Forgets the further flows of a line that is no more.
    pub(super) fn forget_flows(&mut self, leader: LineId) {
        let flows = self.flow_sets.remove(&leader).into_iter().flat_map(|set| set.flows.into_keys());
        for id in flows.filter(|id| *id != leader) {
            self.remove(id);
            self.leaders.remove(&id);
        }
    }
}

impl FlowSet {
    /// Takes the state of a flow, and returns that of the line where it is another now.
    fn take(&mut self, id: LineId, state: RegistrationState) -> Option<RegistrationState> {
        let told = self.flows.entry(id).or_default();
        match &state {
            RegistrationState::Registering { .. } => {}
            RegistrationState::Registered { .. } => {
                (told.registered, told.lost) = (Some(state.clone()), None);
            }
            RegistrationState::Failed { cause, .. } => {
                (told.registered, told.lost) = (None, Some(cause.clone()));
            }
            RegistrationState::Unregistered => (told.registered, told.lost) = (None, None),
        }
        told.state = Some(state);
        if self.is_leaving {
            let has_left = |told: &Told| told.state == Some(RegistrationState::Unregistered);
            return self.flows.values().all(has_left).then_some(RegistrationState::Unregistered);
        }
        let combined = self.combined();
        let is_new = self.told.as_ref() != Some(&combined);
        self.told = Some(combined.clone());
        is_new.then_some(combined)
    }

    /// Returns the state of the line: the best of its flows.
    fn combined(&self) -> RegistrationState {
        let registered = self.flows.values().find_map(|told| told.registered.clone());
        if let Some(RegistrationState::Registered { expires, refresh_at, service_route, .. }) = registered {
            let lost = |told: &Told| Some(LostFlow { proxy: told.proxy.clone(), cause: told.lost.clone()? });
            let lost = self.flows.values().find_map(lost);
            return RegistrationState::Registered { expires, refresh_at, lost, service_route };
        }
        let states = || self.flows.values().filter_map(|told| told.state.as_ref());
        if let Some(asking) = states().find(|state| matches!(state, RegistrationState::Registering { .. })) {
            return asking.clone();
        }
        let failed = |state: &RegistrationState| match state {
            RegistrationState::Failed { cause, retry_at } => Some((cause.clone(), *retry_at)),
            RegistrationState::Registering { .. }
            | RegistrationState::Registered { .. }
            | RegistrationState::Unregistered => None,
        };
        match states().find_map(failed) {
            Some((cause, _)) => {
                let retry_at = states().filter_map(failed).filter_map(|(_, at)| at).min();
                RegistrationState::Failed { cause, retry_at }
            }
            None => RegistrationState::Unregistered,
        }
    }
}
