//! What is logged of the lines' registrations.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use softphone::{Line, LineId, RegistrationState};

use crate::visible::visible;

/// Logs what becomes of each registration.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The lines that were registered. They are in one piece of memory: fifty thousand in thousands of pieces would keep the
    /// pages of what is let go of after the start.
    registered: HashSet<LineId>,
    /// The lines that a reload has removed: nothing more is logged of them.
    leaving: BTreeSet<LineId>,
    /// The names of lines that only stand in for some that are refused.
    stand_ins: BTreeSet<Box<str>>,
}

impl Log {
    /// Takes whether the line of this name stands in for one that is refused.
    pub(super) fn set_stand_in(&self, name: &str, is_one: bool) {
        let mut known = self.known();
        if is_one {
            known.stand_ins.insert(name.into());
        } else {
            known.stand_ins.remove(name);
        }
    }

    /// Takes that a line is being removed.
    pub(super) fn leave(&self, line: LineId) {
        self.known().leaving.insert(line);
    }

    /// Takes that a line is no more.
    pub(super) fn forget(&self, line: LineId) {
        let mut known = self.known();
        known.registered.remove(&line);
        known.leaving.remove(&line);
    }

    /// Logs a state of a line.
    pub(super) fn tell(&self, line: &Line, state: &RegistrationState) {
        let (id, registers, line) = (line.id(), line.is_registering(), line.label());
        let mut known = self.known();
        if known.leaving.contains(&id) || known.stand_ins.contains(line) {
            return;
        }
        let was_registered = match state {
            RegistrationState::Registered { .. } => !known.registered.insert(id),
            RegistrationState::Unregistered => known.registered.remove(&id),
            RegistrationState::Registering { .. } | RegistrationState::Failed { .. } | _ => false,
        };
        drop(known);
        match state {
            RegistrationState::Registering { attempt, .. } => {
                tracing::debug!(line, attempt, "registering");
            }
            RegistrationState::Registered { lost: Some(lost), .. } => {
                let (proxy, cause) = (&lost.proxy, visible(&lost.cause.to_string()));
                tracing::warn!(line, proxy, %cause, "one proxy lost");
            }
            RegistrationState::Registered { expires, chosen, lost: None, .. } => {
                let expires = expires.as_secs();
                if !was_registered && chosen.by.is_domain() {
                    let hint = "`transport` in its account keeps it to one";
                    tracing::info!(line, expires, by = %chosen, hint, "registered");
                } else {
                    tracing::info!(line, expires, by = %chosen.transport, "registered");
                }
            }
            RegistrationState::Failed { cause, retry_at } => {
                let retry = retry_at.and_then(|at| at.duration_since(SystemTime::now()).ok());
                let cause = visible(&cause.to_string());
                tracing::warn!(line, %cause, retry = retry.map(|wait| wait.as_secs()), "registration failed");
            }
            RegistrationState::Unregistered if registers => {
                // A line that never got there has nothing to leave.
                if was_registered {
                    tracing::info!(line, "unregistered");
                }
            }
            RegistrationState::Unregistered | _ => tracing::info!(line, "no registration"),
        }
    }

    /// Locks it; whoever panicked with it left whole sets behind.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
