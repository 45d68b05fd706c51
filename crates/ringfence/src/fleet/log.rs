//! What is logged of the lines' registrations: each change, as something that was wished or is wrong, and what only goes on as
//! before for who looks for it (`debug`). Ten thousand lines that are granted a minute are refreshed 400 times a second.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use softphone::{Chosen, Line, LineId, LostFlow, RegistrationState, Transport};

use crate::visible::visible;

/// Logs what becomes of each registration.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The lines that were registered. They are in one piece of memory:
    /// fifty thousand in thousands of pieces would keep the pages of what is let go of after the start.
    registered: HashMap<LineId, Bound>,
    /// Through which proxy each of those is not that are registered through others alone.
    lost: BTreeMap<LineId, LostFlow>,
    /// The lines that a reload has removed: nothing more is logged of them.
    leaving: BTreeSet<LineId>,
    /// The names of lines that only stand in for some that are refused.
    stand_ins: BTreeSet<Box<str>>,
}

/// What is known of a line that was registered.
#[derive(Debug, Clone, Copy)]
struct Bound {
    /// What was last told, unless the registration has failed since then.
    granted: Option<Granted>,
    /// When the binding ends, in seconds of the Unix time.
    until: u32,
}

/// What a registrar granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Granted {
    /// For how many seconds.
    expires: u32,
    /// What it goes by.
    transport: Transport,
}

/// What is new about a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct New {
    /// The line had not been registered.
    is_first: bool,
    /// Nothing is: it was refreshed.
    is_nothing: bool,
}

impl Known {
    /// Takes that a line is registered.
    fn take(&mut self, id: LineId, granted: Granted, lost: Option<&LostFlow>) -> New {
        let bound = Bound { granted: Some(granted), until: unix_time().saturating_add(granted.expires) };
        let before = self.registered.insert(id, bound).map(|bound| bound.granted);
        let is_lost_as_before = self.lost.get(&id) == lost;
        match lost {
            Some(lost) if !is_lost_as_before => drop(self.lost.insert(id, lost.clone())),
            Some(_) => {}
            None => drop(self.lost.remove(&id)),
        }
        New { is_first: before.is_none(), is_nothing: before == Some(Some(granted)) && is_lost_as_before }
    }

    /// Takes that a line's registration has failed.
    fn fail(&mut self, id: LineId) {
        if let Some(bound) = self.registered.get_mut(&id) {
            bound.granted = None;
        }
        self.lost.remove(&id);
    }

    /// Takes that a line is not registered any more, and returns whether it was.
    fn remove(&mut self, id: LineId) -> bool {
        self.lost.remove(&id);
        self.registered.remove(&id).is_some()
    }
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
        known.remove(line);
        known.leaving.remove(&line);
    }

    /// Tells whether the registrar has a line's binding by what it last granted, and nothing has failed since then.
    pub(super) fn is_bound(&self, line: LineId) -> bool {
        let known = self.known();
        let bound = known.registered.get(&line);
        bound.is_some_and(|bound| bound.granted.is_some() && unix_time() < bound.until)
    }

    /// Logs a state of a line.
    pub(super) fn tell(&self, line: &Line, state: &RegistrationState) {
        let (id, registers, line) = (line.id(), line.is_registering(), line.label());
        let mut known = self.known();
        if known.leaving.contains(&id) || known.stand_ins.contains(line) {
            return;
        }
        match state {
            RegistrationState::Registering { attempt, .. } => {
                tracing::debug!(line, attempt, "registering");
            }
            RegistrationState::Registered { expires, chosen, lost, .. } => {
                let seconds = u32::try_from(expires.as_secs()).unwrap_or(u32::MAX);
                let granted = Granted { expires: seconds, transport: chosen.transport };
                let new = known.take(id, granted, lost.as_ref());
                drop(known);
                tell_registered(line, granted, lost.as_ref(), *chosen, new);
            }
            RegistrationState::Failed { cause, retry_at } => {
                known.fail(id);
                drop(known);
                let retry = retry_at.and_then(|at| at.duration_since(SystemTime::now()).ok());
                let cause = visible(&cause.to_string());
                tracing::warn!(line, %cause, retry = retry.map(|wait| wait.as_secs()), "registration failed");
            }
            RegistrationState::Unregistered if registers => {
                // A line that never got there has nothing to leave.
                let was_registered = known.remove(id);
                drop(known);
                if was_registered {
                    tracing::info!(line, "unregistered");
                }
            }
            RegistrationState::Unregistered | _ => {
                known.remove(id);
                drop(known);
                tracing::info!(line, "no registration");
            }
        }
    }

    /// Locks it; whoever panicked with it left whole sets behind.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the clock's time in seconds, until 2106.
fn unix_time() -> u32 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}

/// Logs that a line is registered, and through which proxy it is not.
fn tell_registered(line: &str, granted: Granted, lost: Option<&LostFlow>, chosen: Chosen, new: New) {
    let Granted { expires, transport } = granted;
    match lost {
        _ if new.is_nothing => tracing::debug!(line, expires, by = %transport, "refreshed"),
        Some(lost) => {
            let (proxy, cause) = (&lost.proxy, visible(&lost.cause.to_string()));
            tracing::warn!(line, proxy, %cause, "one proxy lost");
        }
        None if new.is_first && chosen.by.is_domain() => {
            let hint = "`transport` in its account keeps it to one";
            tracing::info!(line, expires, by = %chosen, hint, "registered");
        }
        None => tracing::info!(line, expires, by = %transport, "registered"),
    }
}

/// Logs that the registrar has not confirmed that it has removed a line's binding: also of one that a reload has removed.
pub(super) fn tell_unconfirmed(line: &Line) {
    let hint = "it stays at the registrar until it expires";
    tracing::warn!(line = line.label(), hint, "binding not taken back");
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use softphone::{Account, Cause, ChosenBy, Softphone};

    use super::*;
    use crate::log::logged;

    /// Returns a line that nothing is sent for.
    async fn line() -> (Softphone, Line) {
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let phone = Softphone::builder().listen(listen).start().await.unwrap();
        let account = Account::of("858", "192.0.2.1", None).unwrap().label("home");
        let line = phone.line(account.register(false)).await.unwrap();
        (phone, line)
    }

    fn registered(expires: u64, transport: Transport, lost: Option<Cause>) -> RegistrationState {
        RegistrationState::Registered {
            expires: Duration::from_secs(expires),
            refresh_at: SystemTime::UNIX_EPOCH,
            lost: lost.map(|cause| LostFlow { proxy: "edge".to_owned(), cause }),
            chosen: Chosen { transport, by: ChosenBy::Account },
            service_route: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_refresh_that_changes_nothing_is_told_at_debug_and_each_change_above() {
        let (_phone, line) = line().await;
        let log = Log::default();
        let failed = RegistrationState::Failed { cause: Cause::TimedOut, retry_at: None };
        let as_before = registered(60, Transport::Udp, None);
        for (state, expected) in [
            (as_before.clone(), "INFO registered"),
            (RegistrationState::Registering { attempt: 1, after: None }, "DEBUG registering"),
            (as_before.clone(), "DEBUG refreshed"),
            (registered(120, Transport::Udp, None), "INFO registered"),
            (registered(120, Transport::Tcp, None), "INFO registered"),
            (registered(120, Transport::Tcp, Some(Cause::TimedOut)), "WARN one proxy lost"),
            (registered(120, Transport::Tcp, Some(Cause::TimedOut)), "DEBUG refreshed"),
            (registered(120, Transport::Tcp, None), "INFO registered"),
            (failed.clone(), "WARN registration failed"),
            (registered(120, Transport::Tcp, None), "INFO registered"),
            (registered(120, Transport::Tcp, None), "DEBUG refreshed"),
        ] {
            let told = logged(|| log.tell(&line, &state));
            assert!(told.contains(expected) && told.contains("home"), "{expected}: {told}");
        }
    }

    #[tokio::test]
    async fn a_line_is_bound_from_a_success_until_it_fails_expires_or_leaves() {
        let (_phone, line) = line().await;
        let log = Log::default();
        let asking = RegistrationState::Registering { attempt: 1, after: None };
        let failed = RegistrationState::Failed { cause: Cause::TimedOut, retry_at: None };
        let granted = registered(60, Transport::Udp, None);
        for (state, is_bound) in [
            (asking.clone(), false),
            (granted.clone(), true),
            (asking.clone(), true),
            (failed, false),
            (asking, false),
            (granted, true),
            (registered(0, Transport::Udp, None), false),
            (RegistrationState::Unregistered, false),
        ] {
            log.tell(&line, &state);
            assert_eq!(log.is_bound(line.id()), is_bound, "{state:?}");
        }
    }

    #[test]
    fn what_is_known_of_a_line_is_small() {
        assert!(size_of::<(LineId, Bound)>() <= 20);
    }
}
