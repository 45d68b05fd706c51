//! The shard's side of a line: who watches it, and who waits for it.

use std::sync::Arc;
use std::time::Instant;

use ringfence_ua::{Cause, LineId as Number};
use tokio::sync::oneshot;

use super::Shard;
use crate::call::IncomingCall;
use crate::error::{Kind, Result};
use crate::line::{Line, LineId, NewLine, Shared};
use crate::registration::{Chosen, Kept, RegistrationState};
use crate::waiting::{self, Offers};

/// One line of a shard.
pub(super) struct LineState {
    shared: Arc<Shared>,
    /// Where its calls wait, unless an attendant has them.
    pub(super) calls: Option<Offers<IncomingCall>>,
    is_leaving: bool,
    /// What it goes by since the last look-up.
    chosen: Chosen,
    waiting: Option<Box<WhoWaits>>,
}

/// Who waits until a line is unregistered, and who until it is no more.
#[derive(Default)]
struct WhoWaits {
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
        state.tell_unregistered();
        self.endpoint.register(now, line);
    }

    pub(super) fn unregister(&mut self, now: Instant, line: Number, done: oneshot::Sender<()>) {
        match self.lines.get_mut(&line).filter(|state| state.shared.is_registering()) {
            Some(state) => state.waiting.get_or_insert_default().unregistered.push(done),
            // Nothing is to be unregistered.
            None => {
                let _ = done.send(());
            }
        }
        self.endpoint.unregister(now, line);
    }

    pub(super) fn remove(
        &mut self,
        now: Instant,
        line: Number,
        next: Option<&ringfence_ua::Account>,
        done: Option<oneshot::Sender<()>>,
    ) {
        match self.lines.get_mut(&line) {
            Some(state) => {
                state.is_leaving = true;
                if let Some(done) = done {
                    state.waiting.get_or_insert_default().removed.push(done);
                }
            }
            None => {
                // It is no more.
                let _ = done.map(|done| done.send(()));
            }
        }
        match next {
            Some(next) => self.endpoint.replace_line(now, line, next),
            None => self.endpoint.remove_line(now, line),
        }
    }

    pub(super) fn add_line(&mut self, now: Instant, account: ringfence_ua::Account) -> Result<NewLine> {
        if self.leaving.is_some() {
            return Err(Kind::Closed.into());
        }
        let line = self.endpoint.add_line(now, account).map_err(|_| Kind::Full)?;
        let id = LineId { shard: self.index, line };
        let account = self.endpoint.account(line).expect("it was added just now");
        let shared = Shared::new(id, account, self.sender.clone());
        let (calls, waiting) = if self.hooks.desk.is_none() { Some(waiting::queue()) } else { None }.unzip();
        let state = LineState {
            shared: Arc::clone(&shared),
            calls,
            is_leaving: false,
            chosen: Chosen::default(),
            waiting: None,
        };
        self.lines.insert(line, state);
        if let Some(desk) = &self.hooks.desk {
            desk.tell_new(&shared);
        }
        Ok(NewLine::new(Line::new(shared, waiting)))
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
        if let Some(known) = self.lines.get_mut(&line)
            && known.tell(state)
            && let Some(desk) = &self.hooks.desk
        {
            desk.tell_registration(&known.shared);
        }
    }

    /// Tells who watches a line that is not known to be unregistered that it is: nobody refreshes its binding any more.
    /// Who attends to all lines hears of the end by itself.
    pub(super) fn tell_all_unregistered(&mut self) {
        for state in self.lines.values_mut().filter(|state| !state.is_unregistered()) {
            state.tell(RegistrationState::Unregistered);
        }
    }

    pub(super) fn tell_unconfirmed(&mut self, line: Number) {
        let id = LineId { shard: self.index, line };
        tracing::debug!(line = %id, "the registrar has not confirmed that the binding is removed");
        if let (Some(known), Some(desk)) = (self.lines.get(&line), &self.hooks.desk) {
            desk.tell_unconfirmed(&known.shared);
        }
    }

    pub(super) fn tell_removed(&mut self, line: Number) {
        let id = LineId { shard: self.index, line };
        tracing::debug!(line = %id, "removed");
        self.ways.remove(&line);
        let Some(mut state) = self.lines.remove(&line) else { return };
        let (shared, waiting) = (Arc::clone(&state.shared), state.waiting.take());
        drop(state);
        // Its calls come first.
        self.tell_attendant_of_calls();
        if let Some(desk) = &self.hooks.desk {
            desk.tell_removed(&shared);
        }
        for done in waiting.into_iter().flat_map(|waiting| waiting.removed) {
            // Nobody may wait for it.
            let _ = done.send(());
        }
    }
}

impl LineState {
    pub(super) fn label(&self) -> &Arc<str> {
        self.shared.label()
    }

    pub(super) fn is_unregistered(&self) -> bool {
        self.shared.states.see(|state| *state == Kept::Unregistered)
    }

    /// Returns whether it waits to try again because there was no connection by TLS, or a flow of it does, maybe for that: which
    /// one, and for what, the endpoint knows.
    pub(super) fn has_no_tls(&self) -> bool {
        let is_waiting = self.shared.states.see(|state| match state {
            Kept::Other(state) => match &**state {
                RegistrationState::Failed { cause, .. } => matches!(cause, Cause::Unconnected { .. }),
                RegistrationState::Registered { lost, .. } => lost.is_some(),
                RegistrationState::Registering { .. } | RegistrationState::Unregistered => false,
            },
            Kept::Asking { .. } | Kept::Registered { .. } | Kept::Unregistered => false,
        });
        is_waiting && self.chosen.transport.is_encrypted()
    }

    /// Tells a state. Returns whether who attends to all lines is to be told.
    fn tell(&mut self, state: RegistrationState) -> bool {
        let states = &self.shared.states;
        let is_new = states.tell(states.see(|before| state.following(&before.clone().into())).into());
        // Who waits looks at the state next.
        if self.is_unregistered() {
            self.tell_unregistered();
        }
        is_new
    }

    fn tell_unregistered(&mut self) {
        for done in self.waiting.iter_mut().flat_map(|waiting| waiting.unregistered.drain(..)) {
            // Nobody may wait for it.
            let _ = done.send(());
        }
        self.waiting.take_if(|waiting| waiting.removed.is_empty());
    }
}

impl Drop for LineState {
    fn drop(&mut self) {
        self.shared.states.end();
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
