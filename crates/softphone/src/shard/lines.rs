//! The shard's side of a line: who watches it, and who waits for it.

use std::sync::Arc;
use std::time::Instant;

use ringfence_ua::{Cause, LineId as Number};
use tokio::sync::oneshot;

use super::Shard;
use crate::call::IncomingCall;
use crate::error::{Kind, Result};
use crate::line::{Line, LineId, NewLine};
use crate::newest::{Tells, newest};
use crate::registration::{Chosen, RegistrationState};
use crate::waiting::{self, Offers};

/// One line of a shard.
pub(super) struct LineState {
    pub(super) label: Arc<str>,
    states: Tells<RegistrationState>,
    pub(super) calls: Offers<IncomingCall>,
    is_registering: bool,
    is_leaving: bool,
    /// What it goes by since the last look-up.
    chosen: Chosen,
    /// Who waits until it is unregistered, and who until it is no more.
    unregistered: Vec<oneshot::Sender<()>>,
    removed: Vec<oneshot::Sender<()>>,
}

impl Shard {
    pub(super) fn register(&mut self, now: Instant, line: Number) {
        let Some(state) = self.lines.get_mut(&line) else { return };
        if state.is_leaving || self.leaving.is_some() {
            return;
        }
        // Who waits for the end of the registration waits for what is not wanted any more.
        for done in state.unregistered.drain(..) {
            let _ = done.send(());
        }
        self.endpoint.register(now, line);
    }

    pub(super) fn unregister(&mut self, now: Instant, line: Number, done: oneshot::Sender<()>) {
        match self.lines.get_mut(&line).filter(|state| state.is_registering) {
            Some(state) => state.unregistered.push(done),
            // Nothing is to be unregistered.
            None => {
                let _ = done.send(());
            }
        }
        self.endpoint.unregister(now, line);
    }

    pub(super) fn remove(&mut self, now: Instant, line: Number, done: Option<oneshot::Sender<()>>) {
        match self.lines.get_mut(&line) {
            Some(state) => {
                state.is_leaving = true;
                state.removed.extend(done);
            }
            None => {
                // It is no more.
                let _ = done.map(|done| done.send(()));
            }
        }
        self.endpoint.remove_line(now, line);
    }

    pub(super) fn add_line(&mut self, now: Instant, account: ringfence_ua::Account) -> Result<NewLine> {
        if self.leaving.is_some() {
            return Err(Kind::Closed.into());
        }
        let (label, address_of_record) = (Arc::clone(&account.label), account.address_of_record());
        let is_registering = account.is_registering;
        let first = if is_registering {
            RegistrationState::Registering { attempt: 1, after: None }
        } else {
            RegistrationState::Unregistered
        };
        let line = self.endpoint.add_line(now, account).map_err(|_| Kind::Full)?;
        let (states, watched) = newest(first);
        let (calls, waiting) = waiting::queue();
        let state = LineState {
            label: Arc::clone(&label),
            states,
            calls,
            is_registering,
            is_leaving: false,
            chosen: Chosen::default(),
            unregistered: Vec::new(),
            removed: Vec::new(),
        };
        self.lines.insert(line, state);
        let id = LineId { shard: self.index, line };
        let line = Line::new(id, label, address_of_record, self.sender.clone(), watched, waiting);
        Ok(NewLine::new(line))
    }

    /// Takes what a look-up chose for a line.
    pub(super) fn choose(&mut self, line: Number, chosen: Chosen) {
        if let Some(known) = self.lines.get_mut(&line) {
            known.chosen = chosen;
        }
    }

    pub(super) fn tell_registration(&mut self, line: Number, state: ringfence_ua::RegistrationState) {
        let chosen = self.lines.get(&line).map(|known| known.chosen).unwrap_or_default();
        let state = RegistrationState::from_inner(state, chosen, Instant::now());
        log(LineId { shard: self.index, line }, &state);
        if let Some(known) = self.lines.get_mut(&line) {
            known.tell(state);
        }
    }

    pub(super) fn tell_removed(&mut self, line: Number) {
        let id = LineId { shard: self.index, line };
        tracing::debug!(line = %id, "removed");
        self.ways.remove(&line);
        let waiting = self.lines.remove(&line).map(|state| state.removed);
        for done in waiting.into_iter().flatten() {
            // Nobody may wait for it.
            let _ = done.send(());
        }
    }
}

impl LineState {
    pub(super) fn is_unregistered(&self) -> bool {
        self.states.see(|state| *state == RegistrationState::Unregistered)
    }

    /// Returns whether it waits to try again because there was no connection by TLS, or a flow of it does, maybe for that: which
    /// one, and for what, the endpoint knows.
    pub(super) fn has_no_tls(&self) -> bool {
        let is_waiting = self.states.see(|state| match state {
            RegistrationState::Failed { cause, .. } => matches!(cause, Cause::Unconnected { .. }),
            RegistrationState::Registered { lost, .. } => lost.is_some(),
            RegistrationState::Registering { .. } | RegistrationState::Unregistered => false,
        });
        is_waiting && self.chosen.transport.is_encrypted()
    }

    fn tell(&mut self, state: RegistrationState) {
        self.states.tell(self.states.see(|before| state.following(before)));
        // Who waits looks at the state next.
        if self.is_unregistered() {
            for done in self.unregistered.drain(..) {
                // Nobody may wait for it.
                let _ = done.send(());
            }
        }
    }
}

/// Logs a state. What a registrar says is escaped: it may be meant for the terminal.
fn log(line: LineId, state: &RegistrationState) {
    match state {
        RegistrationState::Registering { attempt, .. } => tracing::debug!(%line, attempt, "registering"),
        RegistrationState::Registered { expires, lost: Some(lost), .. } => {
            tracing::debug!(%line, expires = expires.as_secs(), ?lost, "registered, not through all proxies");
        }
        RegistrationState::Registered { expires, chosen, lost: None, .. } => {
            tracing::debug!(%line, expires = expires.as_secs(), by = %chosen, "registered");
        }
        RegistrationState::Failed { cause, .. } => tracing::debug!(%line, ?cause, "registration failed"),
        RegistrationState::Unregistered => tracing::debug!(%line, "unregistered"),
    }
}
